/* Products here have up to 192 bits: an amount of money at 18 decimals times a quantity or a bound. They are kept as
 * three words and compared or divided as such, so that no figure is too large to be judged exactly. */
#include "core/metrics.h"

#include <string.h>

/* ---- wide products ---- */

struct wide { /* high x 2^64 + low */
    u128_t high;
    uint64_t low;
};

static u128_t magnitude(money_t value)
{
    return value < 0 ? (u128_t)0 - (u128_t)value : (u128_t)value;
}

static struct wide wide_multiply(u128_t a, uint64_t b)
{
    const u128_t low = (u128_t)(uint64_t)a * b;
    return (struct wide){(a >> 64) * b + (low >> 64), (uint64_t)low};
}

static bool wide_at_most(struct wide a, struct wide b)
{
    return a.high != b.high ? a.high < b.high : a.low <= b.low;
}

/* amount x part / whole, half-even; part <= whole, so it fits. */
static money_t share(money_t amount, uint64_t part, uint64_t whole)
{
    const struct wide product = wide_multiply(magnitude(amount), part);
    const u128_t upper = product.high / whole;
    const u128_t rest = product.high % whole << 64 | product.low;
    u128_t quotient = (upper << 64) + rest / whole;
    const u128_t left = rest % whole;
    if (left > whole - left || (left == whole - left && (quotient & 1) != 0))
        quotient++;
    return amount < 0 ? -(money_t)quotient : (money_t)quotient;
}

/* ---- beginning ---- */

size_t metrics_size(uint16_t instrument_count)
{
    return sizeof(struct metrics) + instrument_count * sizeof(struct metrics_open);
}

struct metrics_money *metrics_money_of(struct metrics *metrics, const char *currency)
{
    for (uint32_t i = 0; i < metrics->currency_count; i++)
        if (strcmp(metrics->money[i].currency, currency) == 0)
            return &metrics->money[i];
    return NULL;
}

struct metrics *metrics_init(void *memory, const struct instrument *instruments, uint16_t instrument_count)
{
    struct metrics *metrics = memory;
    memset(memory, 0, metrics_size(instrument_count));
    metrics->instruments = instruments;
    metrics->instrument_count = instrument_count;
    for (uint16_t i = 0; i < instrument_count; i++) {
        if (metrics_money_of(metrics, instruments[i].settle) != NULL)
            continue;
        if (metrics->currency_count == CURRENCIES_MAX) {
            metrics->failed = ERR_FULL;
            break;
        }
        memcpy(metrics->money[metrics->currency_count++].currency, instruments[i].settle, NAME_SIZE);
    }
    return metrics;
}

/* ---- fills ---- */

static void add(struct metrics *metrics, money_t *sum, money_t amount)
{
    err_t err = money_add(*sum, amount, sum);
    if (err != ERR_OK && metrics->failed == ERR_OK)
        metrics->failed = err;
}

static void close_part(struct metrics *metrics, struct metrics_money *money, money_t profit)
{
    metrics->closed++;
    if (profit > 0) {
        metrics->wins++;
        add(metrics, &money->gains, profit);
    } else if (profit < 0) {
        metrics->losses++;
        add(metrics, &money->losses, -profit);
    }
}

static uint64_t size_of(qty_t qty)
{
    return qty < 0 ? (uint64_t)0 - (uint64_t)qty : (uint64_t)qty;
}

void metrics_fill(struct metrics *metrics, const struct metrics_fill *fill)
{
    ASSERT(fill->instrument < metrics->instrument_count && fill->qty > 0);
    const struct instrument *instrument = &metrics->instruments[fill->instrument];
    struct metrics_open *open = &metrics->open[fill->instrument];
    struct metrics_money *money = metrics_money_of(metrics, instrument->settle);
    const uint64_t qty = (uint64_t)fill->qty, had = size_of(open->qty);
    money_t notional, own_fee = 0;
    metrics->fills++;
    metrics->maker_fills += fill->maker;
    if (money == NULL)
        return; /* failed says so */
    err_t err = account_notional(instrument, fill->price, fill->qty, ROUND_HALF_EVEN, &notional);
    if (err == ERR_OK)
        add(metrics, &money->traded, notional < 0 ? -notional : notional);
    else if (metrics->failed == ERR_OK)
        metrics->failed = err;
    if (had != 0 && (open->qty > 0) != (fill->side == SIDE_BUY)) {
        const uint64_t closed = qty < had ? qty : had;
        const money_t entry_fee = share(open->fees, closed, had);
        own_fee = share(fill->fee, closed, qty);
        close_part(metrics, money, fill->realised - entry_fee - own_fee);
        open->fees -= entry_fee;
        metrics->round_trips += closed == had;
    }
    add(metrics, &open->fees, fill->fee - own_fee);
    qty_t after;
    if (__builtin_add_overflow(open->qty, side_sign(fill->side) * fill->qty, &after))
        metrics->failed = ERR_RANGE;
    else
        open->qty = after;
}

/* ---- equity ---- */

void metrics_equity(struct metrics *metrics, const char *currency, money_t equity)
{
    struct metrics_money *money = metrics_money_of(metrics, currency);
    money_t fall;
    if (money == NULL)
        return;
    if (money->equity_points++ == 0)
        money->equity_start = money->peak = equity;
    money->equity_end = equity;
    if (equity > money->peak)
        money->peak = equity;
    if (money_subtract(money->peak, equity, &fall) != ERR_OK)
        metrics->failed = ERR_RANGE;
    else if (fall > money->drawdown)
        money->drawdown = fall;
}

err_t metrics_ratio(money_t numerator, money_t denominator, unsigned decimals, money_t *ratio)
{
    money_t scaled;
    ASSERT(denominator > 0);
    err_t err = money_multiply(numerator, money_pow10(decimals), &scaled);
    if (err == ERR_OK)
        *ratio = money_divide(scaled, denominator, ROUND_HALF_EVEN);
    return err;
}

/* ---- comparing ---- */

/* Of both values over one denominator; the difference is their distance. */
struct pair {
    u128_t was, distance;
    u128_t denominator;
};

static struct pair bring_together(const struct metrics_value *was, const struct metrics_value *now)
{
    ASSERT(was->decimals == now->decimals && was->denominator != 0 && now->denominator != 0);
    money_t a = was->numerator, b = now->numerator;
    u128_t denominator = 1;
    if (was->denominator != 1 || now->denominator != 1) {
        ASSERT(magnitude(a) <= INT64_MAX && magnitude(b) <= INT64_MAX);
        /* below 2^127: a fraction's parts are counts */
        a *= (money_t)now->denominator;
        b *= (money_t)was->denominator;
        denominator = (u128_t)was->denominator * now->denominator;
    }
    const u128_t distance = a > b ? (u128_t)a - (u128_t)b : (u128_t)b - (u128_t)a;
    return (struct pair){magnitude(a), distance, denominator};
}

bool metrics_equal(const struct metrics_value *was, const struct metrics_value *now)
{
    return bring_together(was, now).distance == 0;
}

bool metrics_within(const struct metrics_value *was, const struct metrics_value *now,
                    const struct metrics_bound *bound)
{
    const struct pair pair = bring_together(was, now);
    if (pair.distance == 0)
        return true;
    /* distance / denominator / 10^decimals <= absolute / 10^18 */
    if (bound->has_absolute) {
        const uint64_t to_money = (uint64_t)decimal_pow10(MONEY_DECIMALS - was->decimals);
        const struct wide distance = wide_multiply(pair.distance, to_money);
        const struct wide allowed = pair.denominator == 1
                                        ? wide_multiply((u128_t)bound->absolute, 1)
                                        : wide_multiply(pair.denominator, (uint64_t)bound->absolute);
        if (wide_at_most(distance, allowed))
            return true;
    }
    return bound->has_relative &&
           wide_at_most(wide_multiply(pair.distance, (uint64_t)decimal_pow10(METRICS_RATE_DECIMALS)),
                        wide_multiply(pair.was, (uint64_t)bound->relative));
}
