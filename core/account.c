/* account.c: positions and cash.
 *
 * Everything is worked out on copies (one position, at most three balances) and put back only when every step
 * fitted: a booking that fails leaves nothing half done.
 *
 * Money has 18 decimals, products of price, quantity and multiplier may have more. So the exact sums are kept
 * beside (`profit`, `cash`), and what a balance gets is the difference of the sums' roundings before and after:
 * after any number of fills a balance is off by at most half a unit of the 18th decimal, once, not once a fill.
 */
#include "core/account.h"

#include <string.h>

/* A position and the exact sums behind its rounded ones, in the units of position.cost. */
struct entry {
    struct position position;
    money_t profit; /* realised */
    money_t cash;   /* spot: what its fills put into quote, less what they took */
};

struct account {
    const struct instrument *instruments;
    struct entry *entries;
    uint32_t instrument_count;
    uint32_t balance_count;
    struct balance balances[CURRENCIES_MAX];
};

static size_t header_size(void)
{
    return (sizeof(struct account) + 63) & ~(size_t)63;
}

size_t account_size(uint32_t instrument_count)
{
    return (header_size() + (size_t)instrument_count * sizeof(struct entry) + 63) & ~(size_t)63;
}

struct account *account_init(void *memory, const struct instrument *instruments, uint32_t instrument_count)
{
    ASSERT(memory != NULL && (uintptr_t)memory % 64 == 0);
    memset(memory, 0, account_size(instrument_count));
    struct account *account = memory;
    account->instruments = instruments;
    account->instrument_count = instrument_count;
    account->entries = (struct entry *)(void *)((char *)memory + header_size());
    return account;
}

/* ---- exact arithmetic that money_t alone cannot do ---- */

#define MONEY_MAX ((u128_t)-1 >> 1)

/* quotient + 1 when the remainder is above half of the divisor, or half and the quotient odd. */
static u128_t half_even(u128_t quotient, u128_t remainder, u128_t divisor)
{
    u128_t other = divisor - remainder;
    return quotient + (remainder > other || (remainder == other && (quotient & 1)));
}

/* amount x part / whole, half-even, with 0 <= part <= whole: the 192-bit product is never formed. */
static money_t proportion(money_t amount, qty_t part, qty_t whole)
{
    bool negative = amount < 0; /* a cost at negative prices */
    u128_t magnitude = negative ? 0 - (u128_t)amount : (u128_t)amount;
    u128_t rest = (magnitude % (uint64_t)whole) * (uint64_t)part;
    u128_t share = magnitude / (uint64_t)whole * (uint64_t)part + rest / (uint64_t)whole;
    share = half_even(share, rest % (uint64_t)whole, (u128_t)whole);
    return (money_t)(negative ? 0 - share : share);
}

/* numerator x 10^shift / divisor, half-even, by long division; both at most RATIO_MAX. */
#define RATIO_MAX ((money_t)1 << 124)
static err_t scaled_ratio(u128_t numerator, unsigned shift, u128_t divisor, money_t *ratio)
{
    u128_t quotient = numerator / divisor;
    u128_t rest = numerator % divisor;
    while (shift > 0) {
        unsigned digits = divisor > UINT64_MAX ? 1 : shift < 18 ? shift : 18; /* rest x 10^digits must fit */
        u128_t power = (u128_t)decimal_pow10(digits);
        rest *= power;
        if (__builtin_mul_overflow(quotient, power, &quotient) ||
            __builtin_add_overflow(quotient, rest / divisor, &quotient))
            return ERR_RANGE;
        rest %= divisor;
        shift -= digits;
    }
    if (quotient >= MONEY_MAX)
        return ERR_RANGE;
    *ratio = (money_t)half_even(quotient, rest, divisor);
    return ERR_OK;
}

/* A sum in the units of position.cost, times the contract multiplier, at MONEY_DECIMALS. */
static err_t to_money(const struct instrument *instrument, money_t sum, enum rounding rounding, money_t *money)
{
    unsigned decimals = instrument->multiplier_decimals;
    if (instrument->contract == CONTRACT_INVERSE)
        decimals += MONEY_DECIMALS;
    else
        decimals += instrument->price_decimals + instrument->qty_decimals;
    money_t product;
    err_t err = money_multiply(sum, instrument->multiplier, &product);
    if (err != ERR_OK)
        return err;
    if (decimals <= MONEY_DECIMALS)
        return money_multiply(product, money_pow10(MONEY_DECIMALS - decimals), money);
    *money = money_divide(product, money_pow10(decimals - MONEY_DECIMALS), rounding);
    return ERR_OK;
}

/* Digits that qty / price is shifted by, to be in units of 10^-18 coins. */
static unsigned inverse_shift(const struct instrument *instrument)
{
    return 18u - instrument->qty_decimals + instrument->price_decimals;
}

/* What `qty` (> 0) is worth at `price`, in the units of position.cost. */
static err_t worth(const struct instrument *instrument, px_t price, qty_t qty, money_t *value)
{
    if (instrument->contract == CONTRACT_INVERSE) {
        if (price <= 0)
            return ERR_RANGE;
        return scaled_ratio((u128_t)qty, inverse_shift(instrument), (u128_t)price, value);
    }
    *value = (money_t)price * qty;
    return ERR_OK;
}

err_t account_notional(const struct instrument *instrument, px_t price, qty_t qty, enum rounding rounding,
                       money_t *notional)
{
    ASSERT(qty >= 0 && rounding != ROUND_EXACT);
    money_t value = 0;
    err_t err = worth(instrument, price, qty, &value);
    return err == ERR_OK ? to_money(instrument, value, rounding, notional) : err;
}

err_t account_cost(const struct instrument *instrument, const struct position *position, money_t *cost)
{
    return to_money(instrument, position->cost, ROUND_HALF_EVEN, cost);
}

/* ---- balances ---- */

/* The index of a currency; balance_count when there is none yet. */
static uint32_t find_currency(const struct account *account, const char *currency)
{
    uint32_t i = 0;
    while (i < account->balance_count && strncmp(account->balances[i].currency, currency, NAME_SIZE) != 0)
        i++;
    return i;
}

/* The balances that one booking touches: changed here, put back by commit. */
struct booking {
    uint32_t count;
    uint32_t balance_count; /* of the account, after the booking */
    uint32_t indices[3];
    struct balance balances[3];
};

static err_t touch(const struct account *account, struct booking *booking, const char *currency,
                   struct balance **balance)
{
    for (uint32_t i = 0; i < booking->count; i++) {
        if (strncmp(booking->balances[i].currency, currency, NAME_SIZE) == 0) {
            *balance = &booking->balances[i];
            return ERR_OK;
        }
    }
    size_t size = strnlen(currency, NAME_SIZE);
    if (size == 0 || size == NAME_SIZE)
        return ERR_UNKNOWN;
    uint32_t index = find_currency(account, currency);
    struct balance *copy = &booking->balances[booking->count];
    if (index < account->balance_count) {
        *copy = account->balances[index];
    } else {
        if (booking->balance_count == CURRENCIES_MAX)
            return ERR_FULL;
        index = booking->balance_count++;
        memset(copy, 0, sizeof(*copy));
        memcpy(copy->currency, currency, size);
    }
    ASSERT(booking->count < ARRAY_LEN(booking->balances));
    booking->indices[booking->count++] = index;
    *balance = copy;
    return ERR_OK;
}

static void commit(struct account *account, const struct booking *booking)
{
    for (uint32_t i = 0; i < booking->count; i++)
        account->balances[booking->indices[i]] = booking->balances[i];
    account->balance_count = booking->balance_count;
}

err_t account_pay(struct account *account, const char *currency, money_t amount)
{
    struct booking booking = {.balance_count = account->balance_count};
    struct balance *balance = NULL;
    err_t err = touch(account, &booking, currency, &balance);
    if (err == ERR_OK)
        err = money_add(balance->total, amount, &balance->total);
    if (err == ERR_OK)
        commit(account, &booking);
    return err;
}

err_t account_fund(struct account *account, uint16_t instrument, money_t amount)
{
    ASSERT(instrument < account->instrument_count);
    struct booking booking = {.balance_count = account->balance_count};
    struct balance *balance = NULL;
    money_t *funding = &account->entries[instrument].position.funding, sum = 0;
    err_t err = touch(account, &booking, account->instruments[instrument].settle, &balance);
    if (err == ERR_OK)
        err = money_add(balance->total, amount, &balance->total);
    if (err == ERR_OK)
        err = money_add(balance->funding, amount, &balance->funding);
    if (err == ERR_OK)
        err = money_add(*funding, amount, &sum);
    if (err == ERR_OK) {
        *funding = sum;
        commit(account, &booking);
    }
    return err;
}

err_t account_deposit(struct account *account, const char *currency, money_t amount)
{
    money_t left;
    if (amount < 0 && (money_add(account_free(account, currency), amount, &left) != ERR_OK || left < 0))
        return ERR_RANGE;
    return account_pay(account, currency, amount);
}

err_t account_lock(struct account *account, const char *currency, money_t amount)
{
    ASSERT(amount >= 0);
    uint32_t index = find_currency(account, currency);
    if (index == account->balance_count)
        return amount == 0 ? ERR_OK : ERR_RANGE;
    if (amount > account_free(account, currency))
        return ERR_RANGE;
    account->balances[index].locked += amount;
    return ERR_OK;
}

err_t account_unlock(struct account *account, const char *currency, money_t amount)
{
    ASSERT(amount >= 0);
    uint32_t index = find_currency(account, currency);
    if (index == account->balance_count)
        return amount == 0 ? ERR_OK : ERR_RANGE;
    if (amount > account->balances[index].locked)
        return ERR_RANGE;
    account->balances[index].locked -= amount;
    return ERR_OK;
}

const struct balance *account_balance(const struct account *account, const char *currency)
{
    uint32_t index = find_currency(account, currency);
    return index == account->balance_count ? NULL : &account->balances[index];
}

const struct balance *account_balance_at(const struct account *account, uint32_t index)
{
    return index < account->balance_count ? &account->balances[index] : NULL;
}

uint32_t account_balance_count(const struct account *account)
{
    return account->balance_count;
}

money_t account_free(const struct account *account, const char *currency)
{
    const struct balance *balance = account_balance(account, currency);
    money_t left = 0;
    if (balance != NULL && money_subtract(balance->total, balance->locked, &left) != ERR_OK)
        return balance->total; /* below -2^127: as good as what it is */
    return left;
}

/* ---- fills ---- */

static err_t add_qty(qty_t a, qty_t b, qty_t *sum)
{
    return __builtin_add_overflow(a, b, sum) || *sum == INT64_MIN ? ERR_RANGE : ERR_OK;
}

/* Close what `qty` closes, then open the rest; the position and the exact profit change. */
static err_t fill_position(const struct instrument *instrument, struct entry *entry, enum side side, px_t price,
                           qty_t qty)
{
    struct position *position = &entry->position;
    money_t value;
    err_t err = worth(instrument, price, qty, &value);
    if (err != ERR_OK)
        return err;
    int held = position->qty < 0 ? -1 : 1;
    qty_t open = held < 0 ? -position->qty : position->qty;

    if (open != 0 && held != side_sign(side)) {
        qty_t closing = qty < open ? qty : open;
        money_t cost = proportion(position->cost, closing, open);
        money_t closed_value = proportion(value, closing, qty);
        /* linear: worth now less cost; inverse: coins per contract fall as the price rises, so the other way */
        money_t gain = instrument->contract == CONTRACT_INVERSE ? cost - closed_value : closed_value - cost;
        if ((err = money_add(entry->profit, held * gain, &entry->profit)) != ERR_OK)
            return err;
        position->cost -= cost;
        position->qty -= held * closing;
        qty -= closing;
        value -= closed_value;
    }
    if (qty != 0) {
        if ((err = money_add(position->cost, value, &position->cost)) != ERR_OK ||
            (err = add_qty(position->qty, side_sign(side) * qty, &position->qty)) != ERR_OK)
            return err;
        if (instrument->contract == CONTRACT_INVERSE && position->cost > RATIO_MAX)
            return ERR_RANGE;
    }
    return ERR_OK;
}

/* The balances of a fill: profit of a contract, or both sides of a spot trade. */
static err_t settle(const struct instrument *instrument, const struct entry *old, struct entry *now, enum side side,
                    px_t price, qty_t qty, struct balance *settled, struct balance *base)
{
    err_t err;
    money_t realised, gain;
    if ((err = to_money(instrument, now->profit, ROUND_HALF_EVEN, &realised)) != ERR_OK ||
        (err = money_subtract(realised, old->position.realised, &gain)) != ERR_OK ||
        (err = money_add(settled->realised, gain, &settled->realised)) != ERR_OK)
        return err;
    now->position.realised = realised;
    if (base == NULL)
        return money_add(settled->total, gain, &settled->total);

    money_t cash_old, cash_now, moved;
    if ((err = money_add(old->cash, -side_sign(side) * ((money_t)price * qty), &now->cash)) != ERR_OK ||
        (err = to_money(instrument, old->cash, ROUND_HALF_EVEN, &cash_old)) != ERR_OK ||
        (err = to_money(instrument, now->cash, ROUND_HALF_EVEN, &cash_now)) != ERR_OK ||
        (err = money_subtract(cash_now, cash_old, &moved)) != ERR_OK ||
        (err = money_add(settled->total, moved, &settled->total)) != ERR_OK)
        return err;
    money_t coins = (money_t)qty * decimal_pow10(MONEY_DECIMALS - instrument->qty_decimals);
    return money_add(base->total, side_sign(side) * coins, &base->total);
}

static err_t take_fee(struct balance *payer, money_t fee)
{
    err_t err = money_subtract(payer->total, fee, &payer->total);
    return err == ERR_OK ? money_add(payer->fees, fee, &payer->fees) : err;
}

err_t account_fill(struct account *account, uint16_t instrument_index, enum side side, px_t price, qty_t qty,
                   money_t fee, unsigned fee_decimals, const char *fee_currency)
{
    ASSERT(instrument_index < account->instrument_count);
    if (qty <= 0 || fee_decimals > DECIMAL_MONEY_MAX)
        return ERR_RANGE;
    const struct instrument *instrument = &account->instruments[instrument_index];
    const struct entry *old = &account->entries[instrument_index];
    struct entry now = *old;
    struct booking booking = {.balance_count = account->balance_count};
    struct balance *settled = NULL, *base = NULL, *payer = NULL;

    err_t err = fill_position(instrument, &now, side, price, qty);
    if (err == ERR_OK)
        err = touch(account, &booking, instrument->settle, &settled);
    if (err == ERR_OK && instrument->contract == CONTRACT_SPOT)
        err = touch(account, &booking, instrument->base, &base);
    if (err == ERR_OK)
        err = settle(instrument, old, &now, side, price, qty, settled, base);
    if (err == ERR_OK && fee != 0) {
        money_t paid;
        if ((err = money_rescale(fee, fee_decimals, MONEY_DECIMALS, ROUND_HALF_EVEN, &paid)) != ERR_OK ||
            (err = touch(account, &booking, fee_currency, &payer)) != ERR_OK ||
            (err = take_fee(payer, paid)) != ERR_OK)
            return err;
        if (payer == settled)
            err = money_add(now.position.fees, paid, &now.position.fees);
    }
    qty_t *sum = side == SIDE_BUY ? &now.position.bought : &now.position.sold;
    if (err == ERR_OK)
        err = add_qty(*sum, qty, sum);
    if (err != ERR_OK)
        return err;
    now.position.fill_count++;
    account->entries[instrument_index] = now;
    commit(account, &booking);
    return ERR_OK;
}

/* ---- views ---- */

const struct position *account_position(const struct account *account, uint16_t instrument)
{
    ASSERT(instrument < account->instrument_count);
    return &account->entries[instrument].position;
}

money_t account_entry_price(const struct account *account, uint16_t instrument_index, unsigned extra_decimals)
{
    ASSERT(extra_decimals <= DECIMALS_MAX);
    const struct position *position = account_position(account, instrument_index);
    const struct instrument *instrument = &account->instruments[instrument_index];
    if (position->qty == 0 || position->cost == 0)
        return 0;
    u128_t qty = (u128_t)(position->qty < 0 ? -position->qty : position->qty);
    u128_t cost = position->cost < 0 ? 0 - (u128_t)position->cost : (u128_t)position->cost;
    bool inverse = instrument->contract == CONTRACT_INVERSE;
    money_t price;
    err_t err = inverse ? scaled_ratio(qty, inverse_shift(instrument) + extra_decimals, cost, &price)
                        : scaled_ratio(cost, extra_decimals, qty, &price);
    if (err != ERR_OK) /* an average is below 2^63, but what is left of some 10^-18 coins may give any price */
        return (money_t)MONEY_MAX;
    return position->cost < 0 ? -price : price;
}

err_t account_unrealised(const struct account *account, uint16_t instrument_index, px_t mark, money_t *profit)
{
    const struct position *position = account_position(account, instrument_index);
    const struct instrument *instrument = &account->instruments[instrument_index];
    if (position->qty == 0) {
        *profit = 0;
        return ERR_OK;
    }
    int held = position->qty < 0 ? -1 : 1;
    money_t value;
    err_t err = worth(instrument, mark, held * position->qty, &value);
    if (err != ERR_OK)
        return err;
    money_t gain;
    if ((err = money_subtract(value, position->cost, &gain)) != ERR_OK)
        return err;
    if (instrument->contract == CONTRACT_INVERSE)
        gain = -gain;
    return to_money(instrument, held * gain, ROUND_HALF_EVEN, profit);
}
