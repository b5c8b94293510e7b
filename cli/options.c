#include "cli/options.h"

#include "cli/suggest.h"
#include "cli/values.h"

#include "core/decimal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

err_t option_list_add(struct option_list *list, const char *item)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        const char **items = realloc(list->items, capacity * sizeof(*items));
        if (items == NULL)
            return ERR_NOMEM;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
    return ERR_OK;
}

void option_list_free(struct option_list *list)
{
    free(list->items);
    memset(list, 0, sizeof(*list));
}

/* How the user wrote the option: "--out" or "-o". */
struct spelling {
    char text[72];
};

static struct spelling spell(const struct option_spec *spec, bool is_long)
{
    struct spelling spelling;
    if (is_long)
        snprintf(spelling.text, sizeof(spelling.text), "--%s", spec->name);
    else
        snprintf(spelling.text, sizeof(spelling.text), "-%c", spec->letter);
    return spelling;
}

static err_t bad_value(const char *option, const char *value, const char *expected, err_t cause, struct err_text *why)
{
    const char *detail = cause == ERR_RANGE ? " (out of range)" : cause == ERR_PRECISION ? " (too fine)" : "";
    return err_say(why, ERR_USAGE, "%s: expected %s, got '%s'%s", option, expected, value, detail);
}

static err_t set_int(const struct option_spec *spec, const char *option, const char *value, struct err_text *why)
{
    int64_t number;
    err_t err = decimal_parse(value, strlen(value), 0, ROUND_EXACT, &number);
    bool bounded = spec->minimum != spec->maximum;
    if (err == ERR_OK && (!bounded || (number >= spec->minimum && number <= spec->maximum))) {
        *(int64_t *)spec->target = number;
        return ERR_OK;
    }
    char expected[96] = "a whole number";
    if (bounded)
        snprintf(expected, sizeof(expected), "a whole number from %" PRId64 " to %" PRId64, spec->minimum,
                 spec->maximum);
    return bad_value(option, value, expected, ERR_SYNTAX, why);
}

static err_t set_choice(const struct option_spec *spec, const char *option, const char *value, struct err_text *why)
{
    int number = 0;
    for (const char *at = spec->choices;; number++) {
        size_t size = strcspn(at, "|");
        if (size == strlen(value) && memcmp(at, value, size) == 0) {
            *(int *)spec->target = number;
            return ERR_OK;
        }
        if (at[size] == '\0')
            break;
        at += size + 1;
    }
    return err_say(why, ERR_USAGE, "%s: expected one of %s, got '%s'", option, spec->choices, value);
}

static err_t set_value(const struct option_spec *spec, const char *option, const char *value, struct err_text *why)
{
    err_t err;
    size_t size = strlen(value);
    switch (spec->type) {
    case OPTION_FLAG:
        break;
    case OPTION_TEXT:
        if (size == 0)
            return bad_value(option, value, spec->value != NULL ? spec->value : "a value", ERR_SYNTAX, why);
        *(const char **)spec->target = value;
        break;
    case OPTION_INT:
        return set_int(spec, option, value, why);
    case OPTION_CHOICE:
        return set_choice(spec, option, value, why);
    case OPTION_SIZE:
        if ((err = value_size(value, size, spec->target)) != ERR_OK)
            return bad_value(option, value, value_size_expected, err, why);
        break;
    case OPTION_DURATION:
        if ((err = value_duration(value, size, spec->target)) != ERR_OK)
            return bad_value(option, value, value_duration_expected, err, why);
        break;
    case OPTION_TIME:
        if ((err = value_time(value, size, spec->target)) != ERR_OK)
            return bad_value(option, value, value_time_expected, err, why);
        break;
    case OPTION_LIST:
    case OPTION_WORDS:
        if (size == 0)
            return bad_value(option, value, spec->value != NULL ? spec->value : "a value", ERR_SYNTAX, why);
        return option_list_add(spec->target, value) == ERR_OK ? ERR_OK : err_say(why, ERR_NOMEM, "out of memory");
    }
    return ERR_OK;
}

struct parser {
    const struct option_spec *specs;
    size_t spec_count;
    char **argv;
    int argc;
    int at; /* the next word to read */
    struct err_text *why;
};

static bool is_operand(const char *word)
{
    return word[0] != '-' || word[1] == '\0';
}

/* `attached` is what came with the option ("--out=DIR", "-oDIR"), NULL: look at the next word. */
static err_t take_option(struct parser *parser, const struct option_spec *spec, const char *option,
                         const char *attached)
{
    if (spec->given != NULL)
        *spec->given = true;
    if (spec->type == OPTION_FLAG) {
        if (attached != NULL)
            return err_say(parser->why, ERR_USAGE, "%s: takes no value, got '%s'", option, attached);
        *(bool *)spec->target = true;
        return ERR_OK;
    }
    if (attached != NULL)
        return set_value(spec, option, attached, parser->why);
    /* A value may begin with a dash only when it is a number: `--from -5s`, but not `--out --json`. */
    const char *next = parser->at < parser->argc ? parser->argv[parser->at] : NULL;
    bool negative = next != NULL && next[0] == '-' && next[1] >= '0' && next[1] <= '9';
    if (next == NULL || (!is_operand(next) && !negative))
        return err_say(parser->why, ERR_USAGE, "%s: expected a value (%s) after it%s%s", option,
                       spec->value != NULL ? spec->value : "VALUE", next != NULL ? ", got the option " : "",
                       next != NULL ? next : "");
    do {
        err_t err = set_value(spec, option, parser->argv[parser->at++], parser->why);
        if (err != ERR_OK)
            return err;
    } while (spec->type == OPTION_WORDS && parser->at < parser->argc && is_operand(parser->argv[parser->at]));
    return ERR_OK;
}

static err_t take_long(struct parser *parser, const char *word)
{
    const char *name = word + 2;
    size_t size = strcspn(name, "=");
    const char *attached = name[size] == '=' ? name + size + 1 : NULL;
    for (size_t i = 0; i < parser->spec_count; i++) {
        const struct option_spec *spec = &parser->specs[i];
        if (strlen(spec->name) == size && memcmp(spec->name, name, size) == 0) {
            struct spelling spelling = spell(spec, true);
            return take_option(parser, spec, spelling.text, attached);
        }
    }
    struct suggestion suggestion;
    suggest_start(&suggestion, name, size);
    for (size_t i = 0; i < parser->spec_count; i++)
        suggest_offer(&suggestion, parser->specs[i].name);
    char dashed[128] = "";
    if (suggestion.best != NULL)
        snprintf(dashed, sizeof(dashed), " (did you mean '--%.80s'?)", suggestion.best);
    return err_say(parser->why, ERR_USAGE, "unknown option '--%.*s'%s", (int)size, name, dashed);
}

/* "-jv" is -j -v; "-oDIR" is -o DIR. */
static err_t take_short(struct parser *parser, const char *word)
{
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const struct option_spec *found = NULL;
        for (size_t i = 0; i < parser->spec_count && found == NULL; i++) {
            if (parser->specs[i].letter == *letter)
                found = &parser->specs[i];
        }
        if (found == NULL)
            return err_say(parser->why, ERR_USAGE, "unknown option '-%c' in '%s'", *letter, word);
        struct spelling spelling = spell(found, false);
        bool takes_rest = found->type != OPTION_FLAG && letter[1] != '\0';
        err_t err = take_option(parser, found, spelling.text, takes_rest ? letter + 1 : NULL);
        if (err != ERR_OK || found->type != OPTION_FLAG)
            return err;
    }
    return ERR_OK;
}

err_t options_parse(const struct option_spec *specs, size_t spec_count, int *argc, char **argv, struct err_text *why)
{
    struct parser parser = {specs, spec_count, argv, *argc, 1, why};
    int operands = 1;
    bool ended = false;
    while (parser.at < parser.argc) {
        char *word = argv[parser.at++];
        err_t err = ERR_OK;
        if (ended || is_operand(word))
            argv[operands++] = word;
        else if (strcmp(word, "--") == 0)
            ended = true;
        else if (word[1] == '-')
            err = take_long(&parser, word);
        else
            err = take_short(&parser, word);
        if (err != ERR_OK)
            return err;
    }
    *argc = operands;
    return ERR_OK;
}

err_t options_operands(int argc, char **argv, int least, int most, const char *operands, struct err_text *why)
{
    int count = argc - 1;
    if (count < least)
        return err_say(why, ERR_USAGE, "expected %s, got %s", operands, count == 0 ? "nothing" : "too few words");
    if (count > most)
        return err_say(why, ERR_USAGE, "unexpected word '%s' (expected %s)", argv[most + 1],
                       most == 0 ? "only options" : operands);
    return ERR_OK;
}
