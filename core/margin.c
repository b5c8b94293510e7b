/* margin.c: tiers, and the two formulas that need more than 128 bits on the way.
 *
 * Products of a notional and a rate are formed in two parts (whole 10^9s and the rest), quotients by long division,
 * so that nothing overflows below what a money_t itself can hold, and each result is rounded once. */
#include "core/margin.h"

#define ONE ((money_t)1000000000) /* a rate of 1, at FEE_DECIMALS */

/* ---- arithmetic ---- */

/* amount x rate (at FEE_DECIMALS, 0 to 2), rounded up; amount >= 0. */
static money_t part_up(money_t amount, int64_t rate)
{
    money_t rest = amount % ONE * rate;
    return amount / ONE * rate + (rest + ONE - 1) / ONE;
}

/* numerator x 10^shift / divisor by long division; ROUND_FLOOR, ROUND_CEIL or ROUND_HALF_EVEN; both above 0 or zero
 * above. */
#define RATIO_MAX ((u128_t)1 << 124) /* ten times a remainder still fits */
static err_t ratio(u128_t numerator, int shift, u128_t divisor, enum rounding rounding, money_t *out)
{
    for (; shift < 0; shift++)
        if (__builtin_mul_overflow(divisor, (u128_t)10, &divisor))
            return ERR_RANGE;
    if (divisor > RATIO_MAX)
        return ERR_RANGE;
    u128_t quotient = numerator / divisor, rest = numerator % divisor;
    for (; shift > 0; shift--) {
        rest *= 10;
        if (__builtin_mul_overflow(quotient, (u128_t)10, &quotient) ||
            __builtin_add_overflow(quotient, rest / divisor, &quotient))
            return ERR_RANGE;
        rest %= divisor;
    }
    const u128_t other = divisor - rest;
    if (rounding == ROUND_CEIL)
        quotient += rest != 0;
    else if (rounding == ROUND_HALF_EVEN)
        quotient += rest > other || (rest == other && (quotient & 1) != 0);
    if (quotient > ~(u128_t)0 >> 1)
        return ERR_RANGE;
    *out = (money_t)quotient;
    return ERR_OK;
}

/* a x b / 10^digits, half-even; a >= 0, 0 <= b <= 10^12. */
static err_t scaled_product(money_t a, int64_t b, unsigned digits, money_t *out)
{
    if (digits > 26) /* the rest times b would not fit */
        return ERR_RANGE;
    const money_t divisor = money_pow10(digits);
    money_t whole, sum;
    if (money_multiply(a / divisor, b, &whole) != ERR_OK ||
        money_add(whole, a % divisor * b / divisor, &sum) != ERR_OK)
        return ERR_RANGE;
    const money_t rest = a % divisor * b % divisor, other = divisor - rest;
    sum += rest > other || (rest == other && (sum & 1) != 0);
    *out = sum;
    return ERR_OK;
}

/* ---- tiers ---- */

void margin_tiers_single(struct margin_tiers *tiers, int64_t rate)
{
    *tiers = (struct margin_tiers){.count = 1, .at = {{.rate = rate}}};
}

err_t margin_tiers_complete(struct margin_tiers *tiers, uint32_t *bad, struct err_text *why)
{
    *bad = 0;
    if (tiers->count == 0 || tiers->count > MARGIN_TIERS_MAX)
        return err_say(why, ERR_RANGE, "from 1 to %d tiers are expected", MARGIN_TIERS_MAX);
    for (uint32_t i = 0; i < tiers->count; i++) {
        struct margin_tier *tier = &tiers->at[i];
        const struct margin_tier *before = i > 0 ? tier - 1 : NULL;
        *bad = i;
        if (tier->rate <= 0 || tier->rate >= ONE)
            return err_say(why, ERR_RANGE, "the maintenance rate must be above 0 and below 1");
        if (before == NULL ? tier->floor != 0 : tier->floor <= before->floor)
            return err_say(why, ERR_RANGE, "tiers must begin at a notional of 0 and rise from there");
        if (before != NULL && tier->rate < before->rate)
            return err_say(why, ERR_RANGE, "the maintenance rate must not fall from one tier to the next");
        if (tier->leverage_max < 0 || tier->leverage_max > LEVERAGE_MAX)
            return err_say(why, ERR_RANGE, "the largest leverage must be from 0 (not said) to 1000");
        money_t cum = 0;
        if (before != NULL)
            cum = before->cum + part_up(tier->floor, tier->rate - before->rate);
        const money_t off = tier->cum > cum ? tier->cum - cum : cum - tier->cum;
        if (tier->cum != 0 && off > tier->floor / 1000000) {
            char given[DECIMAL_TEXT_SIZE], wanted[DECIMAL_TEXT_SIZE];
            decimal_format(given, tier->cum, MONEY_DECIMALS, 0);
            decimal_format(wanted, cum, MONEY_DECIMALS, 0);
            return err_say(why, ERR_RANGE,
                           "the maintenance amount (cum) is %s where the tiers before it make %s: the maintenance "
                           "margin would jump where the tier begins",
                           given, wanted);
        }
        tier->cum = cum;
    }
    if (tiers->cap != 0 && tiers->cap <= tiers->at[tiers->count - 1].floor)
        return err_say(why, ERR_RANGE, "the last tier ends before it begins");
    return ERR_OK;
}

const struct margin_tier *margin_tier_of(const struct margin_tiers *tiers, money_t notional)
{
    const struct margin_tier *tier = &tiers->at[tiers->count - 1];
    while (tier > tiers->at && tier->floor > notional)
        tier--;
    return tier;
}

money_t margin_maintenance(const struct margin_tiers *tiers, money_t notional)
{
    ASSERT(notional >= 0);
    const struct margin_tier *tier = margin_tier_of(tiers, notional);
    const money_t margin = part_up(notional, tier->rate) - tier->cum;
    return margin > 0 ? margin : 0; /* cum was rounded up, too: by less than one unit a tier */
}

money_t margin_initial(money_t notional, int64_t leverage)
{
    ASSERT(notional >= 0 && leverage > 0 && leverage <= LEVERAGE_MAX);
    const money_t one = money_pow10(LEVERAGE_DECIMALS);
    return notional / leverage * one + (notional % leverage * one + leverage - 1) / leverage;
}

int64_t margin_ratio(money_t maintenance, money_t equity)
{
    money_t value;
    if (maintenance <= 0)
        return 0;
    if (equity <= 0 || maintenance / equity >= RATIO_CAP / money_pow10(RATIO_DECIMALS) ||
        ratio((u128_t)maintenance, RATIO_DECIMALS, (u128_t)equity, ROUND_CEIL, &value) != ERR_OK)
        return RATIO_CAP;
    return value < RATIO_CAP ? (int64_t)value : RATIO_CAP;
}

/* ---- the liquidation price ---- */

/* With t = s for a linear, -s for an inverse contract both formulas are one, for the notional N at the price:
 *
 *     N = (cost - t (rest + cum)) / (1 - t rate)
 *
 * A tier's straight line lies nowhere above the margin, and meets it inside the tier: so the first tier whose N stays
 * below where the next one begins is the one. */
err_t margin_liquidation_price(const struct instrument *instrument, const struct margin_tiers *tiers,
                               const struct position *position, money_t rest, unsigned extra_decimals, money_t *price)
{
    const bool inverse = instrument->contract == CONTRACT_INVERSE;
    const int held = position->qty < 0 ? -1 : 1, turn = inverse ? -held : held;
    money_t cost, size, top = 0;
    if (position->qty == 0)
        return ERR_NOTFOUND;
    if (account_cost(instrument, position, &cost) != ERR_OK ||
        money_multiply(held * (money_t)position->qty, instrument->multiplier, &size) != ERR_OK)
        return ERR_RANGE;
    int64_t share = 0; /* 1 - t rate, at FEE_DECIMALS */
    for (uint32_t i = 0; i < tiers->count; i++) {
        const struct margin_tier *tier = &tiers->at[i];
        money_t behind;
        share = (int64_t)ONE - turn * tier->rate;
        if (money_add(rest, tier->cum, &behind) != ERR_OK || money_subtract(cost, turn * behind, &top) != ERR_OK)
            return ERR_RANGE;
        /* N < the next floor, without the division */
        if (i + 1 == tiers->count || top < part_up(tiers->at[i + 1].floor, share))
            break;
    }
    if (top <= 0)
        return ERR_NOTFOUND;
    const int scale = (int)instrument->price_decimals + (int)extra_decimals;
    const int size_decimals = (int)instrument->qty_decimals + (int)instrument->multiplier_decimals;
    const enum rounding rounding = held > 0 ? ROUND_FLOOR : ROUND_CEIL;
    money_t product;
    if (money_multiply(size, share, &product) != ERR_OK)
        return ERR_RANGE;
    err_t err;
    if (inverse)
        err = ratio((u128_t)product, scale + MONEY_DECIMALS - size_decimals - FEE_DECIMALS, (u128_t)top, rounding,
                    price);
    else
        err = ratio((u128_t)top, scale - MONEY_DECIMALS + size_decimals + FEE_DECIMALS, (u128_t)product, rounding,
                    price);
    if (err == ERR_OK && *price <= 0)
        return ERR_NOTFOUND;
    return err;
}

/* ---- funding ---- */

err_t margin_funding(const struct instrument *instrument, qty_t qty, px_t mark, int64_t rate, money_t *payment)
{
    const bool received = (qty < 0) == (rate > 0);
    const money_t size = qty < 0 ? -(money_t)qty : qty;
    const int64_t part = rate < 0 ? -rate : rate;
    money_t product, amount;
    ASSERT(part <= decimal_pow10(RATE_DECIMALS));
    err_t err = money_multiply(size, instrument->multiplier, &product);
    int digits =
        (int)instrument->qty_decimals + (int)instrument->multiplier_decimals + RATE_DECIMALS - MONEY_DECIMALS;
    if (err != ERR_OK)
        return err;
    if (instrument->contract == CONTRACT_INVERSE) {
        if (mark <= 0 || money_multiply(product, part, &product) != ERR_OK)
            return ERR_RANGE;
        err =
            ratio((u128_t)product, (int)instrument->price_decimals - digits, (u128_t)mark, ROUND_HALF_EVEN, &amount);
    } else {
        money_t value;
        bool below = mark < 0;
        digits += (int)instrument->price_decimals;
        if ((err = money_multiply(product, below ? -(money_t)mark : mark, &value)) != ERR_OK)
            return err;
        if (digits < 0 && (err = money_multiply(value, money_pow10((unsigned)-digits), &value)) != ERR_OK)
            return err;
        err = scaled_product(value, part, digits > 0 ? (unsigned)digits : 0, &amount);
        amount = below ? -amount : amount;
    }
    if (err != ERR_OK)
        return err;
    *payment = received ? amount : -amount;
    return ERR_OK;
}
