#include "cli/strategy_params.h"

#include "cli/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *strategy_param_type_name(enum param_type type)
{
    switch (type) {
    case PARAM_INT:
        return "int";
    case PARAM_DECIMAL:
        return "decimal";
    case PARAM_DURATION:
        return "duration";
    case PARAM_BOOL:
        return "bool";
    case PARAM_TEXT:
        return "text";
    case PARAM_FILE:
        return "file";
    }
    return "?";
}

size_t strategy_param_size(enum param_type type)
{
    switch (type) {
    case PARAM_INT:
    case PARAM_DECIMAL:
    case PARAM_DURATION:
        return sizeof(int64_t);
    case PARAM_BOOL:
        return sizeof(bool);
    case PARAM_TEXT:
        return PARAM_TEXT_SIZE;
    case PARAM_FILE:
        return sizeof(struct strategy_file);
    }
    return 0;
}

size_t strategy_param_align(enum param_type type)
{
    STATIC_ASSERT(_Alignof(struct strategy_file) <= _Alignof(int64_t), "one alignment for all that is not bytes");
    return type == PARAM_BOOL || type == PARAM_TEXT ? 1 : _Alignof(int64_t);
}

static err_t parse_number(enum param_type type, const char *text, size_t size, int64_t *value)
{
    if (type == PARAM_DURATION)
        return value_duration(text, size, value);
    return decimal_parse(text, size, type == PARAM_DECIMAL ? PARAM_DECIMALS : 0, ROUND_EXACT, value);
}

static err_t check_limit(const struct strategy_param *param, const char *limit, int64_t value, int sign)
{
    int64_t number;
    if (limit == NULL)
        return ERR_OK;
    err_t err = parse_number(param->type, limit, strlen(limit), &number);
    if (err != ERR_OK)
        return err;
    return (sign > 0 ? value > number : value < number) ? ERR_RANGE : ERR_OK;
}

err_t strategy_param_parse_value(const struct strategy_param *param, const char *text, size_t size, void *value)
{
    int64_t number;
    switch (param->type) {
    case PARAM_BOOL:
        if (size == 4 && memcmp(text, "true", 4) == 0)
            *(bool *)value = true;
        else if (size == 5 && memcmp(text, "false", 5) == 0)
            *(bool *)value = false;
        else
            return ERR_SYNTAX;
        return ERR_OK;
    case PARAM_TEXT:
        if (size >= PARAM_TEXT_SIZE)
            return ERR_RANGE;
        memset(value, 0, PARAM_TEXT_SIZE);
        memcpy(value, text, size);
        return ERR_OK;
    case PARAM_FILE:
        if (size != 0) /* files are read where their folder is known: config_params.c */
            return ERR_UNSUPPORTED;
        *(struct strategy_file *)value = (struct strategy_file){0};
        return ERR_OK;
    case PARAM_INT:
    case PARAM_DECIMAL:
    case PARAM_DURATION:
        break;
    }
    err_t err = parse_number(param->type, text, size, &number);
    if (err != ERR_OK)
        return err;
    if ((err = check_limit(param, param->minimum, number, -1)) != ERR_OK ||
        (err = check_limit(param, param->maximum, number, +1)) != ERR_OK)
        return err;
    memcpy(value, &number, sizeof(number));
    return ERR_OK;
}

err_t strategy_param_parse(const struct strategy_param *param, const char *text, size_t size, void *state)
{
    return strategy_param_parse_value(param, text, size, (char *)state + param->offset);
}

void strategy_params_defaults(const struct strategy *strategy, void *state)
{
    for (uint32_t i = 0; i < strategy->param_count; i++) {
        const struct strategy_param *param = &strategy->params[i];
        if (param->default_value == NULL)
            continue;
        err_t err = strategy_param_parse(param, param->default_value, strlen(param->default_value), state);
        ASSERT(err == ERR_OK);
    }
}

const char *strategy_param_range(const struct strategy_param *param, char *text)
{
    text[0] = '\0';
    if (param->minimum != NULL && param->maximum != NULL)
        snprintf(text, 96, "%.40s .. %.40s", param->minimum, param->maximum);
    else if (param->minimum != NULL)
        snprintf(text, 96, ">= %.40s", param->minimum);
    else if (param->maximum != NULL)
        snprintf(text, 96, "<= %.40s", param->maximum);
    return text;
}

const char *strategy_param_expected(const struct strategy_param *param, char *text)
{
    static const char *const words[] = {
        [PARAM_INT] = "a whole number",
        [PARAM_DECIMAL] = "a decimal number with at most 8 decimals",
        [PARAM_DURATION] = "a duration such as 250ms or 5s",
        [PARAM_BOOL] = "true or false",
        [PARAM_TEXT] = "text of at most 255 bytes",
        [PARAM_FILE] = "the path of a file",
    };
    const char *word = words[param->type];
    if (param->minimum != NULL && param->maximum != NULL)
        snprintf(text, STRATEGY_PARAM_EXPECTED_SIZE, "%s from %s to %s", word, param->minimum, param->maximum);
    else if (param->minimum != NULL || param->maximum != NULL)
        snprintf(text, STRATEGY_PARAM_EXPECTED_SIZE, "%s, at %s %s", word, param->minimum != NULL ? "least" : "most",
                 param->minimum != NULL ? param->minimum : param->maximum);
    else
        snprintf(text, STRATEGY_PARAM_EXPECTED_SIZE, "%s", word);
    return text;
}

const char *strategy_param_text(const struct strategy_param *param, const void *state, char *text)
{
    const char *at = (const char *)state + param->offset;
    int64_t number = 0;
    if (strategy_param_size(param->type) == sizeof(number))
        memcpy(&number, at, sizeof(number));
    switch (param->type) {
    case PARAM_INT:
        snprintf(text, PARAM_TEXT_SIZE, "%" PRId64, number);
        break;
    case PARAM_DECIMAL:
        decimal_format(text, number, PARAM_DECIMALS, 0);
        break;
    case PARAM_DURATION:
        value_duration_text(number, text);
        break;
    case PARAM_BOOL:
        strcpy(text, *(const bool *)at ? "true" : "false");
        break;
    case PARAM_TEXT:
        memcpy(text, at, PARAM_TEXT_SIZE);
        text[PARAM_TEXT_SIZE - 1] = '\0';
        break;
    case PARAM_FILE:
        text[0] = '\0'; /* a path has more room than this buffer: see config_write.c */
        break;
    }
    return text;
}

err_t strategy_params_set(const struct strategy *strategy, void *state, const char *text, struct err_text *why)
{
    const char *equals = strchr(text, '=');
    const size_t size = equals != NULL ? (size_t)(equals - text) : strlen(text);
    for (uint32_t i = 0; i < strategy->param_count; i++) {
        const struct strategy_param *param = &strategy->params[i];
        char expected[STRATEGY_PARAM_EXPECTED_SIZE];
        if (equals == NULL || strlen(param->name) != size || memcmp(param->name, text, size) != 0)
            continue;
        if (param->type == PARAM_FILE)
            return err_say(why, ERR_UNSUPPORTED, "a file is read before the start");
        const err_t err = strategy_param_parse(param, equals + 1, strlen(equals + 1), state);
        return err == ERR_OK ? ERR_OK : err_say(why, err, "expected %s", strategy_param_expected(param, expected));
    }
    return err_say(why, ERR_UNKNOWN, "'%.*s' is no parameter of strategy '%s'", (int)size, text, strategy->name);
}
