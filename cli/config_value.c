/* config_value.c: one scalar of the config: text to value, value to text, and the words for what is allowed.
 * Ranges are kept as text in the schema and read by the same functions, so a limit cannot be in another unit. */
#include "cli/config_schema.h"
#include "cli/config_tree.h"
#include "cli/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static err_t parse_bool(const char *text, size_t size, bool *value)
{
    bool is_true = size == 4 && memcmp(text, "true", 4) == 0;
    if (!is_true && !(size == 5 && memcmp(text, "false", 5) == 0))
        return ERR_SYNTAX;
    *value = is_true;
    return ERR_OK;
}

static err_t parse_choice(const char *choices, const char *text, size_t size, int *value)
{
    int number = 0;
    for (const char *at = choices;; number++) {
        size_t word = strcspn(at, "|");
        if (word == size && memcmp(at, text, size) == 0) {
            *value = number;
            return ERR_OK;
        }
        if (at[word] == '\0')
            return ERR_SYNTAX;
        at += word + 1;
    }
}

/* The scale of money and of decimals whose instrument is not known yet. */
static unsigned decimals_of(enum config_type type)
{
    switch (type) {
    case CONFIG_RATE:
        return FEE_DECIMALS;
    case CONFIG_MONEY:
    case CONFIG_DECIMAL:
    case CONFIG_BALANCES:
        return MONEY_DECIMALS;
    default:
        return 0;
    }
}

/* Every type with an order as one number, so that one comparison serves all ranges. */
static err_t parse_number(enum config_type type, const char *text, size_t size, money_t *value)
{
    ns_t ns = 0;
    err_t err;
    switch (type) {
    case CONFIG_DURATION:
        err = value_duration(text, size, &ns);
        break;
    case CONFIG_TIME:
        err = value_time(text, size, &ns);
        break;
    case CONFIG_SPEED:
        if (size == 3 && memcmp(text, "max", 3) == 0) {
            *value = 0;
            return ERR_OK;
        }
        if (size > 1 && text[size - 1] == 'x') /* 10x and 10 are the same */
            size--;
        err = decimal_parse(text, size, 0, ROUND_EXACT, &ns);
        if (err == ERR_OK && ns == 0)
            return ERR_RANGE;
        break;
    default:
        return decimal_parse_money(text, size, decimals_of(type), ROUND_EXACT, value);
    }
    if (err == ERR_OK)
        *value = ns;
    return err;
}

static err_t check_range(const struct config_key *key, money_t value)
{
    money_t limit;
    bool free = key->type == CONFIG_SPEED && value == 0; /* "max" */
    if (!free && key->minimum != NULL) {
        err_t err = parse_number(key->type, key->minimum, strlen(key->minimum), &limit);
        ASSERT(err == ERR_OK);
        if (value < limit)
            return ERR_RANGE;
    }
    if (key->maximum != NULL) {
        err_t err = parse_number(key->type, key->maximum, strlen(key->maximum), &limit);
        ASSERT(err == ERR_OK);
        if (value > limit)
            return ERR_RANGE;
    }
    return ERR_OK;
}

static err_t parse_text(const struct config_key *key, const char *text, size_t size, struct config_tree *tree,
                        const char *directory, const char **target)
{
    if (size == 0)
        return ERR_SYNTAX;
    bool joined = key->type == CONFIG_PATH && text[0] != '/' && directory[0] != '\0';
    size_t room = size + strlen(directory) + 2;
    char *copy = config_tree_alloc(tree, room);
    if (copy == NULL)
        return ERR_NOMEM;
    snprintf(copy, room, "%s%s%.*s", joined ? directory : "", joined ? "/" : "", (int)size, text);
    *target = copy;
    return ERR_OK;
}

static err_t store_number(const struct config_key *key, money_t value, struct config_tree *tree, void *target)
{
    char text[DECIMAL_TEXT_SIZE];
    size_t size;
    switch (key->type) {
    case CONFIG_U32:
    case CONFIG_POWER2:
    case CONFIG_SPEED:
        *(uint32_t *)target = (uint32_t)value;
        return ERR_OK;
    case CONFIG_U64:
        *(uint64_t *)target = (uint64_t)value;
        return ERR_OK;
    case CONFIG_DURATION:
        *(ns_t *)target = (ns_t)value;
        return ERR_OK;
    case CONFIG_TIME:
        *(struct config_time *)target = (struct config_time){true, (ns_t)value};
        return ERR_OK;
    case CONFIG_RATE:
        *(struct config_rate *)target = (struct config_rate){true, (int64_t)value};
        return ERR_OK;
    case CONFIG_MONEY:
        *(struct config_money *)target = (struct config_money){true, value};
        return ERR_OK;
    case CONFIG_DECIMAL:
        size = decimal_format(text, value, MONEY_DECIMALS, 0);
        ((struct config_decimal *)target)->text = config_tree_copy(tree, text, size);
        return ((struct config_decimal *)target)->text == NULL ? ERR_NOMEM : ERR_OK;
    default:
        ASSERT(!"not a number");
    }
    return ERR_STATE;
}

err_t config_value_parse(const struct config_key *key, const char *text, size_t size, struct config_tree *tree,
                         const char *directory, void *base)
{
    void *target = (char *)base + key->offset;
    money_t number;
    switch (key->type) {
    case CONFIG_BOOL:
        return parse_bool(text, size, target);
    case CONFIG_CHOICE:
        return parse_choice(key->choices, text, size, target);
    case CONFIG_TEXT:
    case CONFIG_WORDS:
    case CONFIG_PATH:
        return parse_text(key, text, size, tree, directory, target);
    default:
        break;
    }
    err_t err = parse_number(key->type, text, size, &number);
    if (err != ERR_OK)
        return err;
    if ((err = check_range(key, number)) != ERR_OK)
        return err;
    if (key->type == CONFIG_POWER2 && (number & (number - 1)) != 0)
        return ERR_SYNTAX;
    return store_number(key, number, tree, target);
}

/* ---- the words ---- */

static const char *type_words(const struct config_key *key)
{
    switch (key->type) {
    case CONFIG_SECTION:
    case CONFIG_SECTION_OPTIONAL:
        return "a section (key: value lines)";
    case CONFIG_INSTRUMENTS:
        return "a list of sections (- symbol: ...)";
    case CONFIG_LINKS:
        return "a list of sections (- venue: ...)";
    case CONFIG_BALANCES:
        return "a section of currency: amount lines";
    case CONFIG_TAPES:
        return "a list of tape files";
    case CONFIG_PARAMS:
        return "a section of the strategy's parameters";
    case CONFIG_BOOL:
        return "true or false";
    case CONFIG_U32:
    case CONFIG_U64:
        return "a whole number";
    case CONFIG_POWER2:
        return "a power of two";
    case CONFIG_CHOICE:
        return strchr(key->choices, '|') != NULL ? "one of " : "";
    case CONFIG_SPEED:
        return "max, or a multiple of the recorded pace";
    case CONFIG_DURATION:
        return value_duration_expected;
    case CONFIG_TIME:
        return value_time_expected;
    case CONFIG_RATE:
        return "a rate such as 0.0005 (0.05 %), at most 9 decimals,";
    case CONFIG_MONEY:
        return "an amount of money";
    case CONFIG_DECIMAL:
        return "a decimal number";
    case CONFIG_TEXT:
        return "a word";
    case CONFIG_WORDS:
        return "a list of words";
    case CONFIG_PATH:
        return "a path";
    }
    return "?";
}

const char *config_value_expected(const struct config_key *key, char *text)
{
    const char *words = type_words(key);
    if (key->type == CONFIG_CHOICE) {
        size_t used = (size_t)snprintf(text, CONFIG_EXPECTED_SIZE, "%s", words);
        for (const char *at = key->choices; *at != '\0'; at++)
            used += (size_t)snprintf(text + used, CONFIG_EXPECTED_SIZE - used, *at == '|' ? ", " : "%c", *at);
    } else if (key->minimum != NULL && key->maximum != NULL) {
        snprintf(text, CONFIG_EXPECTED_SIZE, "%s from %s to %s", words, key->minimum, key->maximum);
    } else if (key->minimum != NULL && !config_type_is_section(key->type) && key->type != CONFIG_BALANCES) {
        snprintf(text, CONFIG_EXPECTED_SIZE, "%s, at least %s", words, key->minimum);
    } else {
        snprintf(text, CONFIG_EXPECTED_SIZE, "%s", words);
    }
    return text;
}

/* ---- back to text ---- */

size_t config_quote(const char *value, char *text, size_t room)
{
    size_t used = 0;
    if (used + 1 < room)
        text[used++] = '"';
    for (; *value != '\0' && used + 8 < room; value++) {
        unsigned char c = (unsigned char)*value;
        if (c == '"' || c == '\\') {
            text[used++] = '\\';
            text[used++] = (char)c;
        } else if (c < 0x20) {
            used += (size_t)snprintf(text + used, room - used, "\\x%02x", c);
        } else {
            text[used++] = (char)c;
        }
    }
    if (used + 1 < room)
        text[used++] = '"';
    text[used] = '\0';
    return used;
}

static size_t decimal_text(money_t value, unsigned decimals, char *text, size_t room)
{
    char digits[DECIMAL_TEXT_SIZE];
    decimal_format(digits, value, decimals, 0);
    return config_quote(digits, text, room); /* quoted: other YAML readers would make doubles of them */
}

static size_t choice_text(const char *choices, int number, char *text, size_t room)
{
    const char *at = choices;
    for (; number > 0; number--)
        at += strcspn(at, "|") + 1;
    return (size_t)snprintf(text, room, "%.*s", (int)strcspn(at, "|"), at);
}

size_t config_value_text(const struct config_key *key, const void *base, char *text, size_t room)
{
    const void *at = (const char *)base + key->offset;
    const struct config_rate *rate = at;
    const struct config_money *money = at;
    const struct config_time *time = at;
    const char *words;
    char buffer[VALUE_TEXT_SIZE];
    switch (key->type) {
    case CONFIG_BOOL:
        return (size_t)snprintf(text, room, "%s", *(const bool *)at ? "true" : "false");
    case CONFIG_U32:
    case CONFIG_POWER2:
        return (size_t)snprintf(text, room, "%" PRIu32, *(const uint32_t *)at);
    case CONFIG_U64:
        return (size_t)snprintf(text, room, "%" PRIu64, *(const uint64_t *)at);
    case CONFIG_CHOICE:
        return choice_text(key->choices, *(const int *)at, text, room);
    case CONFIG_SPEED:
        if (*(const uint32_t *)at == 0)
            return (size_t)snprintf(text, room, "max");
        return (size_t)snprintf(text, room, "%" PRIu32 "x", *(const uint32_t *)at);
    case CONFIG_DURATION:
        return (size_t)snprintf(text, room, "%s", value_duration_text(*(const ns_t *)at, buffer));
    case CONFIG_TIME:
        return (size_t)snprintf(text, room, "%s", time->set ? value_time_text(time->value, buffer) : "null");
    case CONFIG_RATE:
        return rate->set ? decimal_text(rate->value, FEE_DECIMALS, text, room) : (size_t)snprintf(text, room, "null");
    case CONFIG_MONEY:
        return money->set ? decimal_text(money->value, MONEY_DECIMALS, text, room)
                          : (size_t)snprintf(text, room, "null");
    case CONFIG_DECIMAL:
        words = ((const struct config_decimal *)at)->text;
        return words != NULL ? config_quote(words, text, room) : (size_t)snprintf(text, room, "null");
    case CONFIG_TEXT:
    case CONFIG_WORDS:
    case CONFIG_PATH:
        words = *(const char *const *)at;
        return words != NULL ? config_quote(words, text, room) : (size_t)snprintf(text, room, "null");
    default:
        ASSERT(!"not a scalar");
    }
    return 0;
}
