#include "cli/strategy_variables.h"

#include "core/decimal.h"
#include "core/time_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    size_t size;
    bool of_instrument, money;
} types[] = {
    [VARIABLE_INT] = {sizeof(int64_t), false, false},
    [VARIABLE_COUNT] = {sizeof(uint64_t), false, false},
    [VARIABLE_COUNT32] = {sizeof(uint32_t), false, false},
    [VARIABLE_COUNT16] = {sizeof(uint16_t), false, false},
    [VARIABLE_BOOL] = {sizeof(bool), false, false},
    [VARIABLE_PRICE] = {sizeof(px_t), true, false},
    [VARIABLE_QTY] = {sizeof(qty_t), true, false},
    [VARIABLE_MONEY] = {sizeof(money_t), false, true},
    [VARIABLE_TIME] = {sizeof(ns_t), false, false},
    [VARIABLE_DURATION] = {sizeof(ns_t), false, false},
    [VARIABLE_TEXT] = {0, false, false},
};

static bool lies_in(const struct strategy *strategy, size_t offset, size_t size)
{
    return size != 0 && offset <= strategy->state_size && size <= strategy->state_size - offset;
}

static err_t check(const struct strategy *strategy, uint32_t index, const char *where, struct err_text *why)
{
    const struct strategy_variable *variable = &strategy->variables[index];
    if (variable->name == NULL || variable->name[0] == '\0')
        return err_say(why, ERR_CONFIG, "%s: variable %u of strategy '%s' has no name", where, index, strategy->name);
    for (uint32_t i = 0; i < index; i++)
        if (strcmp(strategy->variables[i].name, variable->name) == 0)
            return err_say(why, ERR_CONFIG, "%s: strategy '%s' declares variable '%s' twice", where, strategy->name,
                           variable->name);
    const bool known = variable->type <= VARIABLE_TEXT;
    const size_t size = !known ? 0 : variable->type == VARIABLE_TEXT ? variable->size : types[variable->type].size;
    if (!known || !lies_in(strategy, variable->offset, size) ||
        (types[variable->type].of_instrument && !lies_in(strategy, variable->instrument_at, sizeof(uint16_t))))
        return err_say(why, ERR_CONFIG,
                       "%s: variable '%s' of strategy '%s' has no known type, or does not lie in its state (offset "
                       "%zu, state %zu bytes)",
                       where, variable->name, strategy->name, variable->offset, strategy->state_size);
    if (variable->decimals > MONEY_DECIMALS)
        return err_say(why, ERR_CONFIG, "%s: variable '%s' of strategy '%s' has %u decimals, at most %d are shown",
                       where, variable->name, strategy->name, variable->decimals, MONEY_DECIMALS);
    return ERR_OK;
}

err_t strategy_variables_check(const struct strategy *strategy, const char *where, struct err_text *why)
{
    if (strategy->variable_count > 0 && strategy->variables == NULL)
        return err_say(why, ERR_CONFIG, "%s: strategy '%s' says %u variables and has no table", where, strategy->name,
                       strategy->variable_count);
    for (uint32_t i = 0; i < strategy->variable_count; i++) {
        err_t err = check(strategy, i, where, why);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static void quantity_text(const struct strategy_variable *variable, const char *base, int64_t value,
                          const struct instrument *instruments, uint16_t count, char text[VARIABLE_TEXT_SIZE])
{
    uint16_t number;
    memcpy(&number, base + variable->instrument_at, sizeof(number));
    if (number >= count) {
        snprintf(text, VARIABLE_TEXT_SIZE, "%" PRId64, value);
        return;
    }
    if (variable->type == VARIABLE_PRICE)
        instrument_format_price(&instruments[number], value, text);
    else
        instrument_format_qty(&instruments[number], value, text);
}

void strategy_variable_text(const struct strategy_variable *variable, const void *state,
                            const struct instrument *instruments, uint16_t instrument_count,
                            char text[VARIABLE_TEXT_SIZE])
{
    const char *base = state, *at = base + variable->offset;
    int64_t value = 0;
    money_t money = 0;
    _Static_assert(DECIMAL_TEXT_SIZE <= VARIABLE_TEXT_SIZE && TIME_TEXT_SIZE <= VARIABLE_TEXT_SIZE, "room for all");
    if (variable->type == VARIABLE_MONEY)
        memcpy(&money, at, sizeof(money));
    else if (variable->type != VARIABLE_TEXT)
        memcpy(&value, at, types[variable->type].size); /* the smaller ones are unsigned, and little-endian */
    switch (variable->type) {
    case VARIABLE_INT:
        decimal_format(text, value, variable->decimals, variable->decimals);
        break;
    case VARIABLE_MONEY:
        decimal_format(text, money, variable->decimals, 0);
        break;
    case VARIABLE_PRICE:
    case VARIABLE_QTY:
        quantity_text(variable, base, value, instruments, instrument_count, text);
        break;
    case VARIABLE_BOOL:
        snprintf(text, VARIABLE_TEXT_SIZE, "%s", value != 0 ? "true" : "false");
        break;
    case VARIABLE_TIME:
        if (value == 0)
            snprintf(text, VARIABLE_TEXT_SIZE, "none");
        else
            (void)time_format(value, text);
        break;
    case VARIABLE_DURATION:
        decimal_format(text, value, 9, 0);
        strcat(text, "s");
        break;
    case VARIABLE_TEXT:
        snprintf(text, VARIABLE_TEXT_SIZE, "%.*s", (int)(variable->size < 300 ? variable->size : 300), at);
        break;
    case VARIABLE_COUNT:
    case VARIABLE_COUNT32:
    case VARIABLE_COUNT16:
    default:
        snprintf(text, VARIABLE_TEXT_SIZE, "%" PRIu64, (uint64_t)value);
        break;
    }
}
