/* instrument.c: tick grids that change with the price and with the date.
 *
 * A grid line of a band is a multiple of the band's tick, counted from zero and not from the band's edge, as
 * the venues define it. Where an edge is not itself on the grid of its band, the first grid line lies above it:
 * rounding therefore looks into the neighbour band when a candidate falls over an edge.
 */
#include "core/instrument.h"

#include <string.h>

/* ---- set-up ---- */

/* Printable UTF-8 without blanks, at least one character, room for the NUL. */
static bool name_fits(const char *name, size_t capacity)
{
    size_t size = strnlen(name, capacity);
    if (size == 0 || size == capacity)
        return false;
    for (size_t i = 0; i < size;) {
        unsigned char c = (unsigned char)name[i];
        unsigned tail = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : 3;
        if (c <= ' ' || c == 0x7f || (c >= 0x80 && c < 0xc2) || c > 0xf4)
            return false;
        for (i++; tail > 0; tail--, i++) {
            if (((unsigned char)name[i] & 0xc0) != 0x80) /* the NUL too */
                return false;
        }
    }
    return true;
}

err_t instrument_init(struct instrument *instrument, const char *venue, const char *symbol, const char *base,
                      const char *quote, enum contract_kind contract, unsigned price_decimals, unsigned qty_decimals)
{
    if (!name_fits(venue, NAME_SIZE) || !name_fits(symbol, SYMBOL_SIZE) || !name_fits(base, NAME_SIZE) ||
        !name_fits(quote, NAME_SIZE) || price_decimals > DECIMALS_MAX || qty_decimals > DECIMALS_MAX)
        return ERR_RANGE;
    memset(instrument, 0, sizeof(*instrument));
    strcpy(instrument->venue, venue);
    strcpy(instrument->symbol, symbol);
    strcpy(instrument->base, base);
    strcpy(instrument->quote, quote);
    strcpy(instrument->settle, contract == CONTRACT_INVERSE ? base : quote);
    instrument->contract = contract;
    instrument->price_decimals = (uint8_t)price_decimals;
    instrument->qty_decimals = (uint8_t)qty_decimals;
    instrument->lot = 1;
    instrument->multiplier = 1;
    instrument_set_tick(instrument, 1);
    return ERR_OK;
}

void instrument_set_tick(struct instrument *instrument, px_t tick)
{
    ASSERT(tick > 0);
    memset(instrument->tick_tables, 0, sizeof(instrument->tick_tables));
    instrument->tick_table_count = 1;
    instrument->tick_tables[0].band_count = 1;
    instrument->tick_tables[0].bands[0].tick = tick;
}

static err_t check_tables(const struct instrument *instrument, struct err_text *why)
{
    const char *symbol = instrument->symbol;
    if (instrument->tick_table_count < 1 || instrument->tick_table_count > TICK_TABLES_MAX)
        return err_say(why, ERR_RANGE, "%s: %u tick tables, expected 1 to %d", symbol, instrument->tick_table_count,
                       TICK_TABLES_MAX);
    for (uint32_t t = 0; t < instrument->tick_table_count; t++) {
        const struct tick_table *table = &instrument->tick_tables[t];
        if (t > 0 && table->from_ts <= instrument->tick_tables[t - 1].from_ts)
            return err_say(why, ERR_ORDER,
                           "%s: tick table %u begins at %lld ns, not after table %u: list them by date", symbol, t,
                           (long long)table->from_ts, t - 1);
        if (table->band_count < 1 || table->band_count > TICK_BANDS_MAX)
            return err_say(why, ERR_RANGE, "%s: tick table %u has %u bands, expected 1 to %d", symbol, t,
                           table->band_count, TICK_BANDS_MAX);
        for (uint32_t b = 0; b < table->band_count; b++) {
            const struct tick_band *band = &table->bands[b];
            if (band->tick <= 0)
                return err_say(why, ERR_RANGE, "%s: tick table %u, band %u: tick %lld, expected more than 0", symbol,
                               t, b, (long long)band->tick);
            if (band->from < 0)
                return err_say(why, ERR_RANGE, "%s: tick table %u, band %u: begins at %lld, expected 0 or more",
                               symbol, t, b, (long long)band->from);
            if (b > 0 && band->from <= table->bands[b - 1].from)
                return err_say(why, ERR_ORDER,
                               "%s: tick table %u, band %u: begins at %lld, not above band %u: list them by price",
                               symbol, t, b, (long long)band->from, b - 1);
        }
    }
    return ERR_OK;
}

static err_t check_name(const char *field, const char *name, size_t capacity, struct err_text *why)
{
    if (name_fits(name, capacity))
        return ERR_OK;
    return err_say(why, ERR_RANGE, "instrument: %s \"%.*s\" is not 1 to %zu bytes of UTF-8 without blanks", field,
                   (int)capacity, name, capacity - 1);
}

static err_t check_number(const struct instrument *instrument, const char *field, int64_t value, int64_t low,
                          int64_t high, struct err_text *why)
{
    if (value >= low && value <= high)
        return ERR_OK;
    return err_say(why, ERR_RANGE, "%s: %s is %lld, expected %lld to %lld", instrument->symbol, field,
                   (long long)value, (long long)low, (long long)high);
}

err_t instrument_check(const struct instrument *instrument, struct err_text *why)
{
    const struct instrument *i = instrument;
    err_t err;
    if ((err = check_name("venue", i->venue, NAME_SIZE, why)) != ERR_OK ||
        (err = check_name("symbol", i->symbol, SYMBOL_SIZE, why)) != ERR_OK ||
        (err = check_name("base", i->base, NAME_SIZE, why)) != ERR_OK ||
        (err = check_name("quote", i->quote, NAME_SIZE, why)) != ERR_OK ||
        (err = check_name("settle", i->settle, NAME_SIZE, why)) != ERR_OK)
        return err;
    const int64_t rate_max = decimal_pow10(FEE_DECIMALS); /* 100 % */
    if ((err = check_number(i, "contract kind", (int64_t)i->contract, CONTRACT_SPOT, CONTRACT_INVERSE, why)) !=
            ERR_OK ||
        (err = check_number(i, "price_decimals", i->price_decimals, 0, DECIMALS_MAX, why)) != ERR_OK ||
        (err = check_number(i, "qty_decimals", i->qty_decimals, 0, DECIMALS_MAX, why)) != ERR_OK ||
        (err = check_number(i, "price_show", i->price_show, 0, i->price_decimals, why)) != ERR_OK ||
        (err = check_number(i, "qty_show", i->qty_show, 0, i->qty_decimals, why)) != ERR_OK ||
        (err = check_number(i, "lot", i->lot, 1, INT64_MAX, why)) != ERR_OK ||
        (err = check_number(i, "qty_min", i->qty_min, 0, INT64_MAX, why)) != ERR_OK ||
        (err = check_number(i, "qty_max", i->qty_max, 0, INT64_MAX, why)) != ERR_OK ||
        (err = check_number(i, "multiplier", i->multiplier, 1, INT64_MAX, why)) != ERR_OK ||
        (err = check_number(i, "multiplier_decimals", i->multiplier_decimals, 0, DECIMALS_MAX, why)) != ERR_OK ||
        (err = check_number(i, "maker_fee", i->maker_fee, -rate_max, rate_max, why)) != ERR_OK ||
        (err = check_number(i, "taker_fee", i->taker_fee, -rate_max, rate_max, why)) != ERR_OK)
        return err;
    if (i->qty_max != 0 && i->qty_max < i->qty_min)
        return err_say(why, ERR_RANGE, "%s: qty_max %lld is below qty_min %lld", i->symbol, (long long)i->qty_max,
                       (long long)i->qty_min);
    if (i->notional_min < 0)
        return err_say(why, ERR_RANGE, "%s: notional_min is negative", i->symbol);
    const char *settle = i->contract == CONTRACT_INVERSE ? i->base : i->quote;
    if (strcmp(i->settle, settle) != 0)
        return err_say(why, ERR_RANGE, "%s: a %s contract settles in %s, not in %s", i->symbol,
                       contract_kind_name(i->contract), settle, i->settle);
    if (i->contract == CONTRACT_SPOT && (i->multiplier != 1 || i->multiplier_decimals != 0))
        return err_say(why, ERR_RANGE, "%s: spot has no contract multiplier, expected 1", i->symbol);
    return check_tables(i, why);
}

/* ---- the grid ---- */

const struct tick_table *instrument_tick_table(const struct instrument *instrument, ns_t ts)
{
    uint32_t t = instrument->tick_table_count - 1;
    while (t > 0 && instrument->tick_tables[t].from_ts > ts)
        t--;
    return &instrument->tick_tables[t];
}

/* The band of a price >= bands[0].from. Few bands: a walk from the top, where prices of coins mostly are. */
static uint32_t band_of(const struct tick_table *table, px_t price)
{
    uint32_t b = table->band_count - 1;
    while (b > 0 && table->bands[b].from > price)
        b--;
    return b;
}

err_t instrument_tick(const struct instrument *instrument, px_t price, ns_t ts, px_t *tick)
{
    const struct tick_table *table = instrument_tick_table(instrument, ts);
    if (price <= 0 || price < table->bands[0].from)
        return ERR_RANGE;
    *tick = table->bands[band_of(table, price)].tick;
    return ERR_OK;
}

bool instrument_on_tick(const struct instrument *instrument, px_t price, ns_t ts)
{
    px_t tick;
    return instrument_tick(instrument, price, ts, &tick) == ERR_OK && price % tick == 0;
}

/* The highest grid line not above `price`; 0: none that is positive. */
static px_t grid_floor(const struct tick_table *table, px_t price)
{
    if (price < table->bands[0].from)
        return 0;
    for (uint32_t b = band_of(table, price);; b--) {
        px_t line = price - price % table->bands[b].tick;
        if (line >= table->bands[b].from)
            return line;
        if (b == 0)
            return 0;
        price = table->bands[b].from - 1; /* the band holds no line below: the best of the band under it */
    }
}

/* The lowest positive grid line not below `price` (> 0); 0: none that fits. */
static px_t grid_ceil(const struct tick_table *table, px_t price)
{
    if (price < table->bands[0].from)
        price = table->bands[0].from;
    for (uint32_t b = band_of(table, price);; b++) {
        px_t tick = table->bands[b].tick;
        px_t over = price % tick;
        px_t line = price;
        bool fits = over == 0 || !__builtin_add_overflow(price, tick - over, &line);
        bool last = b + 1 == table->band_count;
        if (fits && (last || line < table->bands[b + 1].from))
            return line;
        if (last)
            return 0;
        price = table->bands[b + 1].from; /* over the edge: the first line of the next band */
    }
}

err_t instrument_round_price(const struct instrument *instrument, px_t price, ns_t ts, enum rounding rounding,
                             px_t *rounded)
{
    ASSERT(rounding == ROUND_FLOOR || rounding == ROUND_CEIL || rounding == ROUND_HALF_AWAY);
    if (price <= 0)
        return ERR_RANGE;
    const struct tick_table *table = instrument_tick_table(instrument, ts);
    px_t below = rounding == ROUND_CEIL ? 0 : grid_floor(table, price);
    px_t above = rounding == ROUND_FLOOR ? 0 : grid_ceil(table, price);
    px_t line = above;
    if (above == 0 || (below != 0 && price - below < above - price))
        line = below;
    if (line == 0)
        return ERR_RANGE;
    *rounded = line;
    return ERR_OK;
}

qty_t instrument_round_qty(const struct instrument *instrument, qty_t qty)
{
    return qty - qty % instrument->lot;
}

/* ---- scales and text ---- */

static err_t rescale(int64_t value, unsigned from, unsigned to, enum rounding rounding, int64_t *out)
{
    money_t wide;
    err_t err = money_rescale(value, from, to, rounding, &wide);
    if (err != ERR_OK)
        return err;
    if (wide > INT64_MAX || wide < INT64_MIN)
        return ERR_RANGE;
    *out = (int64_t)wide;
    return ERR_OK;
}

err_t instrument_price_from(const struct instrument *instrument, int64_t value, unsigned decimals,
                            enum rounding rounding, px_t *price)
{
    return rescale(value, decimals, instrument->price_decimals, rounding, price);
}

err_t instrument_qty_from(const struct instrument *instrument, int64_t value, unsigned decimals,
                          enum rounding rounding, qty_t *qty)
{
    return rescale(value, decimals, instrument->qty_decimals, rounding, qty);
}

size_t instrument_format_price(const struct instrument *instrument, px_t price, char *text)
{
    return decimal_format(text, price, instrument->price_decimals, instrument->price_show);
}

size_t instrument_format_qty(const struct instrument *instrument, qty_t qty, char *text)
{
    return decimal_format(text, qty, instrument->qty_decimals, instrument->qty_show);
}

bool instrument_is_first_of_settle(const struct instrument *instruments, uint16_t number)
{
    for (uint16_t i = 0; i < number; i++)
        if (strcmp(instruments[i].settle, instruments[number].settle) == 0)
            return false;
    return true;
}

/* ---- names ---- */

static const char *const contract_names[] = {"spot", "linear", "inverse"};

const char *contract_kind_name(enum contract_kind kind)
{
    return (unsigned)kind < ARRAY_LEN(contract_names) ? contract_names[kind] : "?";
}

err_t contract_kind_parse(const char *name, enum contract_kind *kind)
{
    for (unsigned i = 0; i < ARRAY_LEN(contract_names); i++) {
        if (strcmp(contract_names[i], name) == 0) {
            *kind = (enum contract_kind)i;
            return ERR_OK;
        }
    }
    return ERR_UNKNOWN;
}
