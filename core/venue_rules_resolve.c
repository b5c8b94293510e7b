/* venue_rules_resolve.c: from the text of rows to integers in the units of one instrument.
 *
 * Every date at which any row of the market begins starts a span; in each span the row in force is parsed again. That
 * is more work than needed and done once a run. Minimums are rounded up and maximums down to the instrument's scale,
 * so that what is not exactly representable errs on the strict side by less than one unit. */
#include "core/venue_rules.h"

#include <string.h>

/* ---- ticks ---- */

/* "2000000:1000 1000000:500 ...": highest first. The scale may be too fine for the highest bands: prices cannot be
 * that high either, and the table ends there. Ticks finer than a unit are one unit; equal neighbours are one band. */
static void put_bands(const char *text, unsigned decimals, struct tick_table *table)
{
    struct tick_band bands[TICK_BANDS_MAX];
    uint32_t count = 0;
    for (const char *at = text; *at != '\0';) {
        size_t bound = strcspn(at, ":"), tick = strcspn(at + bound + 1, " ");
        px_t from, step;
        ASSERT(at[bound] == ':' && count < TICK_BANDS_MAX);
        if (decimal_parse(at, bound, decimals, ROUND_UP, &from) == ERR_OK &&
            decimal_parse(at + bound + 1, tick, decimals, ROUND_UP, &step) == ERR_OK) {
            ASSERT(step > 0 && (count == 0 || from <= bands[count - 1].from));
            bands[count++] = (struct tick_band){from, step};
        }
        at += bound + 1 + tick;
        at += *at == ' ';
    }
    table->band_count = 0;
    for (uint32_t i = count; i-- > 0;) {
        struct tick_band *last = table->band_count > 0 ? &table->bands[table->band_count - 1] : NULL;
        if (last != NULL && last->from == bands[i].from)
            *last = bands[i];
        else if (last == NULL || last->tick != bands[i].tick)
            table->bands[table->band_count++] = bands[i];
    }
    ASSERT(table->band_count > 0);
}

bool venue_rules_put_ticks(const struct venue_profile *profile, struct instrument *instrument)
{
    uint32_t count = 0;
    for (ns_t ts = 0; ts != NS_MAX; ts = venue_rule_next(profile, instrument->symbol, RULE_TICK, ts)) {
        const struct venue_rule_row *row = venue_rule_at(profile, instrument->symbol, RULE_TICK, ts);
        if (row == NULL)
            continue;
        ASSERT(count < TICK_TABLES_MAX);
        if (count == 0)
            memset(instrument->tick_tables, 0, sizeof(instrument->tick_tables));
        struct tick_table *table = &instrument->tick_tables[count++];
        table->from_ts = ts;
        put_bands(row->value, instrument->price_decimals, table);
    }
    if (count > 0)
        instrument->tick_table_count = count;
    return count > 0;
}

/* ---- values ---- */

struct reading {
    const struct venue_profile *profile;
    const struct instrument *instrument;
    ns_t ts;
    struct err_text *why;
};

static err_t bad_value(const struct reading *reading, const struct venue_rule_row *row, err_t err)
{
    return err_say(reading->why, err,
                   "%s of %s: rule %s \"%s\" of %s does not fit its scale (%u price and %u "
                   "quantity decimals)",
                   reading->instrument->symbol, reading->profile->venue, venue_rule_name(row->rule), row->value,
                   row->from[0] != '\0' ? row->from : "old", reading->instrument->price_decimals,
                   reading->instrument->qty_decimals);
}

static const struct venue_rule_row *row_of(const struct reading *reading, enum venue_rule rule)
{
    return venue_rule_at(reading->profile, reading->instrument->symbol, rule, reading->ts);
}

/* The first word of a row's value. */
static size_t word_size(const char *text)
{
    return strcspn(text, " ");
}

static err_t read_i64(const struct reading *reading, enum venue_rule rule, unsigned decimals, enum rounding rounding,
                      int64_t *value)
{
    const struct venue_rule_row *row = row_of(reading, rule);
    if (row == NULL)
        return ERR_OK;
    err_t err = decimal_parse(row->value, word_size(row->value), decimals, rounding, value);
    /* A maximum beyond 64 bits at this scale is beyond what can be ordered. */
    if (err == ERR_RANGE && rounding == ROUND_DOWN) {
        *value = 0;
        return ERR_OK;
    }
    return err == ERR_OK ? ERR_OK : bad_value(reading, row, err);
}

static err_t read_u32(const struct reading *reading, enum venue_rule rule, uint32_t *value)
{
    int64_t wide = *value;
    err_t err = read_i64(reading, rule, 0, ROUND_EXACT, &wide);
    if (err == ERR_OK && (wide < 0 || wide > UINT32_MAX))
        err = bad_value(reading, row_of(reading, rule), ERR_RANGE);
    if (err == ERR_OK)
        *value = (uint32_t)wide;
    return err;
}

static err_t read_money(const struct reading *reading, enum venue_rule rule, enum rounding rounding, money_t *value)
{
    const struct venue_rule_row *row = row_of(reading, rule);
    if (row == NULL)
        return ERR_OK;
    unsigned decimals = (unsigned)reading->instrument->price_decimals + reading->instrument->qty_decimals;
    err_t err = decimal_parse_money(row->value, word_size(row->value), decimals, rounding, value);
    return err == ERR_OK ? ERR_OK : bad_value(reading, row, err);
}

/* "0.95..1.05 mark", "..1.05 mark", "0.2..5 average". */
static err_t read_band(const struct reading *reading, enum venue_rule rule, struct price_band *band)
{
    const struct venue_rule_row *row = row_of(reading, rule);
    if (row == NULL)
        return ERR_OK;
    const char *dots = strstr(row->value, ".."), *blank = strchr(row->value, ' ');
    if (dots == NULL || blank == NULL || blank < dots)
        return bad_value(reading, row, ERR_SYNTAX);
    struct price_band made = {.reference = strcmp(blank, " mark") == 0 ? BAND_MARK : BAND_AVERAGE};
    size_t low = (size_t)(dots - row->value), high = (size_t)(blank - dots) - 2;
    err_t err = made.reference == BAND_AVERAGE && strcmp(blank, " average") != 0 ? ERR_SYNTAX : ERR_OK;
    if (err == ERR_OK && low > 0)
        err = decimal_parse(row->value, low, BAND_DECIMALS, ROUND_EXACT, &made.low);
    if (err == ERR_OK && high > 0)
        err = decimal_parse(dots + 2, high, BAND_DECIMALS, ROUND_EXACT, &made.high);
    if (err != ERR_OK || made.low < 0 || made.high < 0)
        return bad_value(reading, row, err != ERR_OK ? err : ERR_RANGE);
    *band = made;
    return ERR_OK;
}

/* "300/10s", "1200/1m". */
static err_t read_limit(const struct reading *reading, enum venue_rule rule, struct venue_limit *limit)
{
    const struct venue_rule_row *row = row_of(reading, rule);
    if (row == NULL)
        return ERR_OK;
    size_t size = strlen(row->value), slash = strcspn(row->value, "/");
    int64_t count, length;
    if (slash + 2 >= size || decimal_parse(row->value, slash, 0, ROUND_EXACT, &count) != ERR_OK || count < 1 ||
        count > UINT32_MAX ||
        decimal_parse(row->value + slash + 1, size - slash - 2, 0, ROUND_EXACT, &length) != ERR_OK || length < 1 ||
        length > 3600)
        return bad_value(reading, row, ERR_SYNTAX);
    char unit = row->value[size - 1];
    if (unit != 's' && unit != 'm')
        return bad_value(reading, row, ERR_SYNTAX);
    *limit = (struct venue_limit){(uint32_t)count, length * (unit == 's' ? 1 : 60) * NS_PER_S};
    return ERR_OK;
}

/* ---- spans ---- */

void venue_span_of_instrument(const struct instrument *instrument, struct venue_span *span)
{
    span->lot = instrument->lot;
    span->qty_min = instrument->qty_min;
    span->qty_max = instrument->qty_max;
    span->notional_min = instrument->notional_min;
    span->maker_fee = instrument->maker_fee;
    span->taker_fee = instrument->taker_fee;
}

bool venue_rules_tape_has_filters(const struct instrument *instrument)
{
    return instrument->qty_min != 0 || instrument->qty_max != 0 || instrument->notional_min != 0;
}

void venue_rules_none(const struct instrument *instrument, struct venue_rules *rules)
{
    memset(rules, 0, sizeof(*rules));
    rules->free_grid = true;
    rules->span_count = 1;
    rules->spans[0].lot = 1;
    rules->spans[0].maker_fee = instrument->maker_fee;
    rules->spans[0].taker_fee = instrument->taker_fee;
}

static err_t read_span(const struct reading *reading, struct venue_span *span)
{
    const struct instrument *instrument = reading->instrument;
    err_t err = ERR_OK;
    venue_span_of_instrument(instrument, span);
    if (!reading->profile->tape_first || !venue_rules_tape_has_filters(instrument)) {
        if ((err = read_i64(reading, RULE_LOT, instrument->qty_decimals, ROUND_UP, &span->lot)) != ERR_OK ||
            (err = read_i64(reading, RULE_QTY_MIN, instrument->qty_decimals, ROUND_UP, &span->qty_min)) != ERR_OK ||
            (err = read_i64(reading, RULE_QTY_MAX, instrument->qty_decimals, ROUND_DOWN, &span->qty_max)) != ERR_OK ||
            (err = read_money(reading, RULE_NOTIONAL_MIN, ROUND_UP, &span->notional_min)) != ERR_OK)
            return err;
    }
    const struct venue_rule_row *most = row_of(reading, RULE_NOTIONAL_MAX);
    span->notional_max_limit_only = most != NULL && strstr(most->value, " limit") != NULL;
    span->fok_rejected = row_of(reading, RULE_FOK_REJECTED) != NULL;
    span->post_only_expires = row_of(reading, RULE_POST_ONLY_EXPIRES) != NULL;
    if ((err = read_i64(reading, RULE_MARKET_QTY_MAX, instrument->qty_decimals, ROUND_DOWN, &span->market_qty_max)) !=
            ERR_OK ||
        (err = read_money(reading, RULE_NOTIONAL_MAX, ROUND_DOWN, &span->notional_max)) != ERR_OK ||
        (err = read_u32(reading, RULE_MARKET_LEVELS_MAX, &span->market_levels_max)) != ERR_OK ||
        (err = read_u32(reading, RULE_OPEN_ORDERS_MAX, &span->open_orders_max)) != ERR_OK ||
        (err = read_i64(reading, RULE_MAKER_FEE, FEE_DECIMALS, ROUND_EXACT, &span->maker_fee)) != ERR_OK ||
        (err = read_i64(reading, RULE_TAKER_FEE, FEE_DECIMALS, ROUND_EXACT, &span->taker_fee)) != ERR_OK ||
        (err = read_band(reading, RULE_BUY_BAND, &span->band[SIDE_BUY])) != ERR_OK ||
        (err = read_band(reading, RULE_SELL_BAND, &span->band[SIDE_SELL])) != ERR_OK ||
        (err = read_limit(reading, RULE_ORDER_LIMIT_SHORT, &span->orders[0])) != ERR_OK ||
        (err = read_limit(reading, RULE_ORDER_LIMIT_LONG, &span->orders[1])) != ERR_OK ||
        (err = read_limit(reading, RULE_REQUEST_LIMIT_SHORT, &span->requests[0])) != ERR_OK)
        return err;
    return read_limit(reading, RULE_REQUEST_LIMIT_LONG, &span->requests[1]);
}

/* The next date after `ts` at which any rule of the market changes. */
static ns_t next_change(const struct venue_profile *profile, const char *market, ns_t ts)
{
    ns_t next = NS_MAX;
    for (int rule = 0; rule < RULE_COUNT; rule++) {
        ns_t change = rule == RULE_TICK ? NS_MAX : venue_rule_next(profile, market, (enum venue_rule)rule, ts);
        if (change < next)
            next = change;
    }
    return next;
}

err_t venue_rules_resolve(const struct venue_profile *profile, const struct instrument *instrument,
                          struct venue_rules *rules, struct err_text *why)
{
    struct reading reading = {profile, instrument, 0, why};
    memset(rules, 0, sizeof(*rules));
    rules->profile = profile;
    for (ns_t ts = 0; ts != NS_MAX; ts = next_change(profile, instrument->symbol, ts)) {
        ASSERT(rules->span_count < VENUE_SPANS_MAX);
        struct venue_span *span = &rules->spans[rules->span_count++];
        span->from_ts = reading.ts = ts;
        err_t err = read_span(&reading, span);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}
