/* fee.c: numerator and denominator are built exactly and divided once, so that there is one rounding.
 *
 * Which way the venues round the last digit is not published. Both venues show amounts at 1e-8; every
 * rule rounds against us, which errs by less than 1e-8 of a coin or won a fill. */
#include "sim/fee.h"

#include <string.h>

static const struct fee_rule fee_rules[] = {
    {"upbit", 8, ROUND_CEIL},
    {"binance", 8, ROUND_CEIL},
    {"", 8, ROUND_CEIL},
};

const struct fee_rule *fee_rule_of(const struct instrument *instrument)
{
    const struct fee_rule *rule = fee_rules;
    while (strncmp(instrument->venue, rule->venue, strlen(rule->venue)) != 0)
        rule++; /* ends at the last rule: the empty prefix matches all */
    return rule;
}

static bool is_in_base(const struct instrument *instrument, enum side side)
{
    return instrument->contract == CONTRACT_SPOT && instrument->fee_received && side == SIDE_BUY;
}

const char *fee_currency(const struct instrument *instrument, enum side side)
{
    if (instrument->contract != CONTRACT_SPOT)
        return instrument->settle;
    return is_in_base(instrument, side) ? instrument->base : instrument->quote;
}

/* Multiplies `value` by 10^exponent: ERR_RANGE when that leaves 128 bits. */
static err_t scale_up(money_t *value, int exponent)
{
    if (exponent > 37)
        return ERR_RANGE;
    return exponent <= 0 ? ERR_OK : money_multiply(*value, money_pow10((unsigned)exponent), value);
}

/* numerator / denominator x 10^exponent, rounded once. */
static err_t fraction(money_t numerator, money_t denominator, int exponent, enum rounding rounding, money_t *out)
{
    err_t err = exponent >= 0 ? scale_up(&numerator, exponent) : scale_up(&denominator, -exponent);
    if (err != ERR_OK)
        return err;
    *out = money_divide(numerator, denominator, rounding);
    return ERR_OK;
}

err_t fee_compute(const struct instrument *instrument, const struct fee_rule *rule, enum side side, int64_t rate,
                  px_t price, qty_t qty, struct fee *fee)
{
    money_t size = price < 0 ? -(money_t)price : price;
    money_t numerator, denominator = 1;
    int exponent = (int)rule->decimals - FEE_DECIMALS - (int)instrument->qty_decimals;
    exponent -= (int)instrument->multiplier_decimals;
    err_t err = money_multiply((money_t)rate, qty, &numerator);
    if (err == ERR_OK)
        err = money_multiply(numerator, instrument->multiplier, &numerator);
    if (err != ERR_OK)
        return err;
    if (instrument->contract == CONTRACT_INVERSE) {
        if (size == 0)
            return ERR_RANGE;
        denominator = size;
        exponent += (int)instrument->price_decimals;
    } else if (!is_in_base(instrument, side)) {
        err = money_multiply(numerator, size, &numerator);
        exponent -= (int)instrument->price_decimals;
        if (err != ERR_OK)
            return err;
    }
    money_t amount;
    err = fraction(numerator, denominator, exponent, rule->rounding, &amount);
    if (err != ERR_OK)
        return err;
    *fee = (struct fee){.amount = amount, .decimals = rule->decimals, .currency = fee_currency(instrument, side)};
    return ERR_OK;
}
