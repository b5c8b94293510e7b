/* How: what an instrument brought is not followed from fill to fill but worked out at the check, from three sums that
 * only grow. Currencies are numbered once ("purses"), so that a check goes over instruments, balances and open orders
 * once each and compares no names. */
#include "core/invariants.h"

#include <stdio.h>
#include <string.h>

#define PURSE_NONE UINT32_MAX

/* An instrument's sums, modulo 2^128. */
struct flow {
    u128_t bought, sold;
    u128_t came; /* of what was sold less of what was bought; inverse: in 10^-18 coins, and the other way round */
    uint64_t fills;
    uint32_t settle, base, quote; /* purses */
};

struct purse {
    char currency[NAME_SIZE];
    u128_t in; /* start, payments, less fees */
    u128_t fees, funding;
    u128_t expected; /* while a check is at it */
};

struct invariants {
    const struct instrument *instruments;
    struct flow *flows;
    struct purse *purses;
    uint32_t instrument_count, purse_count, purse_capacity;
    uint32_t balance_count; /* of the account, numbered so far */
    uint32_t purse_of[CURRENCIES_MAX];
};

static uint32_t purse_capacity(uint32_t instrument_count)
{
    return 3 * instrument_count + CURRENCIES_MAX;
}

size_t invariants_size(uint32_t instrument_count)
{
    return align64(sizeof(struct invariants)) + align64(instrument_count * sizeof(struct flow)) +
           align64(purse_capacity(instrument_count) * sizeof(struct purse));
}

/* The number of a currency, a new one when it was not seen before. */
static uint32_t purse_of(struct invariants *invariants, const char *currency)
{
    uint32_t i = 0;
    while (i < invariants->purse_count && strncmp(invariants->purses[i].currency, currency, NAME_SIZE) != 0)
        i++;
    if (i == invariants->purse_count) {
        ASSERT(i < invariants->purse_capacity);
        invariants->purse_count++;
        memcpy(invariants->purses[i].currency, currency, strnlen(currency, NAME_SIZE - 1));
    }
    return i;
}

struct invariants *invariants_init(void *memory, const struct instrument *instruments, uint32_t instrument_count)
{
    ASSERT(memory != NULL && (uintptr_t)memory % 64 == 0);
    memset(memory, 0, invariants_size(instrument_count));
    struct invariants *invariants = memory;
    uint8_t *at = (uint8_t *)memory + align64(sizeof(*invariants));
    invariants->instruments = instruments;
    invariants->instrument_count = instrument_count;
    invariants->flows = (struct flow *)(void *)at;
    invariants->purses = (struct purse *)(void *)(at + align64(instrument_count * sizeof(struct flow)));
    invariants->purse_capacity = purse_capacity(instrument_count);
    for (uint32_t i = 0; i < instrument_count; i++) {
        invariants->flows[i].settle = purse_of(invariants, instruments[i].settle);
        invariants->flows[i].base = purse_of(invariants, instruments[i].base);
        invariants->flows[i].quote = purse_of(invariants, instruments[i].quote);
    }
    return invariants;
}

/* Balances never move in an account, and none is ever taken away. */
static void number_balances(struct invariants *invariants, const struct account *account)
{
    for (; invariants->balance_count < account_balance_count(account); invariants->balance_count++)
        invariants->purse_of[invariants->balance_count] =
            purse_of(invariants, account_balance_at(account, invariants->balance_count)->currency);
}

void invariants_begin(struct invariants *invariants, const struct account *account)
{
    number_balances(invariants, account);
    for (uint32_t i = 0; i < invariants->balance_count; i++)
        invariants->purses[invariants->purse_of[i]].in = (u128_t)account_balance_at(account, i)->total;
}

/* ---- what happened ---- */

/* 10^18 coins for qty / price, rounded half-even: long division, a digit at a time. */
static u128_t coins_of(const struct instrument *instrument, px_t price, qty_t qty)
{
    const u128_t divisor = (u128_t)price;
    u128_t quotient = (u128_t)qty / divisor, rest = (u128_t)qty % divisor;
    const unsigned digits = 18u + instrument->price_decimals - instrument->qty_decimals;
    for (unsigned i = 0; i < digits; i++) {
        quotient = quotient * 10 + rest * 10 / divisor;
        rest = rest * 10 % divisor;
    }
    const u128_t twice = rest * 2;
    return quotient + (twice > divisor || (twice == divisor && (quotient & 1) != 0));
}

void invariants_fill(struct invariants *invariants, uint16_t number, enum side side, px_t price, qty_t qty,
                     money_t fee, unsigned fee_decimals, const char *fee_currency)
{
    const struct instrument *instrument = &invariants->instruments[number];
    struct flow *flow = &invariants->flows[number];
    const bool inverse = instrument->contract == CONTRACT_INVERSE;
    const u128_t value = inverse ? coins_of(instrument, price, qty) : (u128_t)((money_t)price * qty);
    const bool came = (side == SIDE_SELL) != inverse;
    flow->came = came ? flow->came + value : flow->came - value;
    *(side == SIDE_BUY ? &flow->bought : &flow->sold) += (u128_t)qty;
    flow->fills++;
    money_t paid;
    if (fee == 0 || money_rescale(fee, fee_decimals, MONEY_DECIMALS, ROUND_HALF_EVEN, &paid) != ERR_OK)
        return;
    struct purse *purse = &invariants->purses[purse_of(invariants, fee_currency)];
    purse->in -= (u128_t)paid;
    purse->fees += (u128_t)paid;
}

void invariants_pay(struct invariants *invariants, const char *currency, money_t amount)
{
    invariants->purses[purse_of(invariants, currency)].in += (u128_t)amount;
}

void invariants_fund(struct invariants *invariants, uint16_t instrument, money_t amount)
{
    struct purse *purse = &invariants->purses[invariants->flows[instrument].settle];
    purse->in += (u128_t)amount;
    purse->funding += (u128_t)amount;
}

/* ---- what must hold ---- */

bool breach_say(struct breach *breach, const char *invariant, const char *where, const char *what, money_t expected,
                money_t found, unsigned decimals)
{
    breach->invariant = invariant;
    snprintf(breach->where, sizeof(breach->where), "%.*s%s%s", NAME_SIZE, where, what[0] != '\0' ? ": " : "", what);
    breach->expected = expected;
    breach->found = found;
    breach->decimals = (uint8_t)decimals;
    return false;
}

/* A sum of price x quantity (inverse: of 10^-18 coins) as money; one that does not fit is none of the account's. */
static money_t money_of(const struct instrument *instrument, u128_t sum)
{
    const unsigned own = instrument->contract == CONTRACT_INVERSE
                             ? MONEY_DECIMALS
                             : (unsigned)instrument->price_decimals + instrument->qty_decimals;
    const unsigned decimals = own + instrument->multiplier_decimals;
    money_t product, money;
    if (money_multiply((money_t)sum, instrument->multiplier, &product) != ERR_OK)
        return 0;
    if (decimals > MONEY_DECIMALS)
        return money_divide(product, money_pow10(decimals - MONEY_DECIMALS), ROUND_HALF_EVEN);
    return money_multiply(product, money_pow10(MONEY_DECIMALS - decimals), &money) == ERR_OK ? money : 0;
}

/* An instrument, and what it brought to the purses of this check. */
static bool holds_instrument(struct invariants *invariants, uint16_t number, const struct account *account,
                             struct breach *breach)
{
    const struct instrument *instrument = &invariants->instruments[number];
    const struct flow *flow = &invariants->flows[number];
    const struct position *position = account_position(account, number);
    const char *symbol = instrument->symbol;
    const unsigned decimals = instrument->qty_decimals;
    const money_t net = (money_t)(flow->bought - flow->sold);
    if (position->qty != net)
        return breach_say(breach, "position", symbol, "", net, position->qty, decimals);
    if (position->fill_count != flow->fills)
        return breach_say(breach, "position", symbol, "fills", (money_t)flow->fills, (money_t)position->fill_count,
                          0);
    if (flow->fills == 0)
        return true;
    if ((u128_t)position->bought != flow->bought)
        return breach_say(breach, "position", symbol, "bought", (money_t)flow->bought, position->bought, decimals);
    if (position->qty == 0 && position->cost != 0)
        return breach_say(breach, "position", symbol, "cost of nothing", 0, position->cost,
                          (unsigned)instrument->price_decimals + instrument->qty_decimals);
    /* A long was paid for, a short received: not yet realised, so it is put back. Inverse: coins, the other way. */
    const bool paid = (position->qty > 0) != (instrument->contract == CONTRACT_INVERSE);
    const u128_t cost = (u128_t)position->cost;
    const money_t realised = money_of(instrument, paid ? flow->came + cost : flow->came - cost);
    if (position->realised != realised)
        return breach_say(breach, "realised", symbol, "", realised, position->realised, MONEY_DECIMALS);
    const bool spot = instrument->contract == CONTRACT_SPOT;
    invariants->purses[flow->settle].expected += (u128_t)(spot ? money_of(instrument, flow->came) : realised);
    if (spot)
        invariants->purses[flow->base].expected +=
            (u128_t)net * (u128_t)money_pow10(MONEY_DECIMALS - instrument->qty_decimals);
    return true;
}

static bool holds_balance(const struct purse *purse, const struct balance *balance, struct breach *breach)
{
    if (balance->total != (money_t)purse->expected)
        return breach_say(breach, "cash", purse->currency, "", (money_t)purse->expected, balance->total,
                          MONEY_DECIMALS);
    if (balance->fees != (money_t)purse->fees)
        return breach_say(breach, "fees", purse->currency, "", (money_t)purse->fees, balance->fees, MONEY_DECIMALS);
    if (balance->funding != (money_t)purse->funding)
        return breach_say(breach, "funding", purse->currency, "", (money_t)purse->funding, balance->funding,
                          MONEY_DECIMALS);
    return true;
}

bool invariants_hold(struct invariants *invariants, const struct account *account, struct breach *breach)
{
    number_balances(invariants, account);
    for (uint32_t i = 0; i < invariants->purse_count; i++)
        invariants->purses[i].expected = invariants->purses[i].in;
    for (uint32_t i = 0; i < invariants->instrument_count; i++)
        if (!holds_instrument(invariants, (uint16_t)i, account, breach))
            return false;
    for (uint32_t i = 0; i < invariants->balance_count; i++)
        if (!holds_balance(&invariants->purses[invariants->purse_of[i]], account_balance_at(account, i), breach))
            return false;
    return true;
}

bool invariants_hold_orders(struct invariants *invariants, struct order_table *orders, const struct account *account,
                            struct breach *breach)
{
    number_balances(invariants, account);
    for (uint32_t i = 0; i < invariants->purse_count; i++)
        invariants->purses[i].expected = 0;
    for (const struct order *order = order_table_next_open(orders, NULL); order != NULL;
         order = order_table_next_open(orders, order)) {
        const struct instrument *instrument = &invariants->instruments[order->instrument];
        const struct flow *flow = &invariants->flows[order->instrument];
        if (order->filled < 0 || order->filled > order->qty) {
            char what[24];
            snprintf(what, sizeof(what), "order %llu", (unsigned long long)order->id);
            return breach_say(breach, "orders", instrument->symbol, what, order->qty, order->filled,
                              instrument->qty_decimals);
        }
        if (order->locked != 0)
            invariants->purses[order->side == SIDE_BUY ? flow->quote : flow->base].expected += (u128_t)order->locked;
    }
    for (uint32_t i = 0; i < invariants->balance_count; i++) {
        const struct purse *purse = &invariants->purses[invariants->purse_of[i]];
        const struct balance *balance = account_balance_at(account, i);
        if (balance->locked != (money_t)purse->expected)
            return breach_say(breach, "locked", purse->currency, "", (money_t)purse->expected, balance->locked,
                              MONEY_DECIMALS);
    }
    return true;
}
