/* venue_rules.c: what the venue's own rules refuse, and the codes it refuses with.
 *
 * Request limits come before everything: a request beyond them is not read, so it uses up no id. A refused request
 * does not count. Windows are counted on the venue's clock, a venue's markets together, at whole multiples of their
 * length or from their first request, as the venue does it.
 *
 * Bands need a reference. A mark price is the last one on the tape; an average is that of the trades of this minute
 * and the five before, by quantity, and with no trade in them the last trade's price. Before the first of either (the
 * venue begins to listen with the first order of a market) it is the middle of the book, and without a book there is
 * no band. */
#include "sim/venue_state.h"

#include <string.h>

/* ---- the rules of the moment ---- */

void rules_init(struct venue *venue, struct venue_instrument *market, const struct venue_rules *rules)
{
    market->rules = rules;
    for (uint16_t i = 0; i < venue->instrument_count; i++) {
        if (strcmp(venue->instruments[i].venue, market->instrument->venue) == 0) {
            market->account = i; /* the first market of the venue keeps the counts of all */
            break;
        }
    }
    for (uint32_t i = 0; rules != NULL && i < rules->span_count; i++)
        for (int side = 0; side < 2; side++)
            market->wants_reference |= rules->spans[i].band[side].reference != BAND_NONE;
}

const struct venue_span *rules_now(const struct venue *venue, struct venue_instrument *market)
{
    if (market->rules != NULL)
        return venue_rules_at(market->rules, venue->now);
    venue_span_of_instrument(market->instrument, &market->own_span);
    return &market->own_span;
}

int64_t rules_fee(const struct venue *venue, const struct venue_instrument *market, bool maker)
{
    if (market->rules == NULL)
        return maker ? market->instrument->maker_fee : market->instrument->taker_fee;
    const struct venue_span *span = venue_rules_at(market->rules, venue->now);
    return maker ? span->maker_fee : span->taker_fee;
}

/* ---- request limits ---- */

static bool within(const struct venue_limit *limit, struct request_window *window, ns_t now, bool from_first)
{
    if (limit->count == 0)
        return true;
    ns_t begin = from_first ? now : now - now % limit->window;
    if (window->length != limit->window || now >= window->begin + limit->window)
        *window = (struct request_window){.begin = begin, .length = limit->window};
    return window->count < limit->count;
}

static bool both_within(const struct venue_limit limits[2], struct request_window windows[2], ns_t now,
                        bool from_first)
{
    bool first = within(&limits[0], &windows[0], now, from_first);
    return within(&limits[1], &windows[1], now, from_first) && first;
}

enum reason rules_count_request(struct venue *venue, const struct venue_request *request)
{
    struct venue_instrument *market = &venue->markets[request->instrument];
    const struct venue_profile *profile = market->rules == NULL ? NULL : market->rules->profile;
    if (profile == NULL)
        return REASON_NONE;
    unsigned kind = request->kind == VENUE_NEW || request->kind == VENUE_REPLACE ? COUNTS_NEW
                    : request->kind == VENUE_AMEND                               ? COUNTS_AMEND
                                                                                 : COUNTS_CANCEL;
    const struct venue_span *span = venue_rules_at(market->rules, venue->now);
    struct request_counts *counts = &venue->markets[market->account].requests;
    bool order = (profile->orders_count & kind) != 0, other = (profile->requests_count & kind) != 0;
    bool from_first = profile->window_from_first;
    venue->refused_orders = order && !both_within(span->orders, counts->orders, venue->now, from_first);
    if (venue->refused_orders || (other && !both_within(span->requests, counts->requests, venue->now, from_first)))
        return REASON_RATE_LIMIT;
    for (int i = 0; i < 2; i++) {
        counts->orders[i].count += order;
        counts->requests[i].count += other;
    }
    return REASON_NONE;
}

/* ---- the reference of bands ---- */

void rules_see(struct venue_instrument *market, const struct event *event, ns_t stamp)
{
    struct band_watch *watch = &market->watch;
    if (event->kind == EVENT_MARK) {
        watch->mark = ((const struct event_mark *)event->body)->mark_price;
        return;
    }
    int64_t minute = stamp / (60 * NS_PER_S);
    for (uint32_t i = 0; i < event->bid_count + event->ask_count; i++) {
        const struct level *trade = &event->levels[i];
        struct band_minute *at = &watch->minutes[minute % BAND_MINUTES];
        if (at->minute > minute || trade->qty <= 0)
            continue; /* older than what the average keeps */
        if (at->minute < minute)
            *at = (struct band_minute){.minute = minute};
        money_t value = instrument_notional(trade->price, trade->qty);
        if (__builtin_add_overflow(at->value, value, &at->value) ||
            __builtin_add_overflow(at->qty, trade->qty, &at->qty))
            *at = (struct band_minute){.minute = minute, .value = value, .qty = trade->qty};
        watch->last = trade->price;
    }
}

/* 0: nothing to go by. */
static px_t reference_of(const struct venue *venue, const struct venue_instrument *market, uint8_t kind)
{
    const struct band_watch *watch = &market->watch;
    int64_t minute = venue->now / (60 * NS_PER_S);
    money_t value = 0, qty = 0;
    struct level bid, ask;
    for (int i = 0; kind == BAND_AVERAGE && i < BAND_MINUTES; i++) {
        if (watch->minutes[i].qty == 0 || minute - watch->minutes[i].minute >= BAND_MINUTES)
            continue;
        if (__builtin_add_overflow(value, watch->minutes[i].value, &value))
            return watch->last;
        qty += watch->minutes[i].qty;
    }
    if (qty > 0)
        return (px_t)(value / qty);
    px_t known = kind == BAND_MARK ? watch->mark : watch->last;
    if (known > 0)
        return known;
    if (!book_best(market->book, SIDE_BUY, &bid) || !book_best(market->book, SIDE_SELL, &ask))
        return 0;
    return (px_t)(((money_t)bid.price + ask.price) / 2);
}

/* -1 below the band, 1 above it. */
static int beside_band(const struct venue *venue, const struct venue_instrument *market,
                       const struct price_band *band, px_t price)
{
    px_t reference = band->reference == BAND_NONE ? 0 : reference_of(venue, market, band->reference);
    if (reference <= 0)
        return 0;
    money_t scaled = (money_t)price * decimal_pow10(BAND_DECIMALS);
    if (band->high != 0 && scaled > (money_t)reference * band->high)
        return 1;
    return band->low != 0 && scaled < (money_t)reference * band->low ? -1 : 0;
}

/* The price that a band looks at: the limit, or for market orders on contracts the best opposite price. False: none.
 */
static bool banded_price(const struct venue_instrument *market, const struct price_band *band,
                         const struct own_order *order, px_t *price)
{
    struct level touch;
    *price = order->price;
    if (order->type != ORDER_MARKET)
        return order->price != 0 || order->type == ORDER_LIMIT; /* best, against nothing */
    if (band->reference != BAND_MARK || !book_best(market->book, side_opposite((enum side)order->side), &touch))
        return false;
    *price = touch.price;
    return true;
}

/* ---- checks ---- */

static bool deep_enough_for_funds(const struct venue_instrument *market, const struct own_order *order,
                                  uint32_t levels)
{
    struct level at;
    money_t left = order->funds, cost;
    bool found = book_best(market->book, SIDE_SELL, &at);
    for (uint32_t i = 0; i < levels && found; i++, found = book_next(market->book, SIDE_SELL, at.price, &at)) {
        if (account_notional(market->instrument, at.price, at.qty, ROUND_DOWN, &cost) != ERR_OK || cost >= left)
            return true;
        left -= cost;
    }
    return false;
}

static bool deep_enough(const struct venue_instrument *market, const struct own_order *order, uint32_t levels)
{
    enum side side = side_opposite((enum side)order->side);
    struct level at;
    qty_t sum = 0, wanted = own_leaves(order);
    if (order->by_funds)
        return deep_enough_for_funds(market, order, levels);
    bool found = book_best(market->book, side, &at);
    for (uint32_t i = 0; i < levels && found; i++, found = book_next(market->book, side, at.price, &at)) {
        if (at.qty >= wanted - sum)
            return true;
        sum += at.qty;
    }
    return false;
}

static bool notional_is_large(const struct venue_instrument *market, const struct venue_span *span,
                              const struct own_order *order)
{
    struct level touch;
    px_t price = order->price;
    if (span->notional_max == 0 || market->instrument->contract == CONTRACT_INVERSE)
        return false;
    if (order->by_funds) {
        money_t most;
        return !span->notional_max_limit_only &&
               money_rescale(span->notional_max,
                             (unsigned)market->instrument->price_decimals + market->instrument->qty_decimals,
                             MONEY_DECIMALS, ROUND_DOWN, &most) == ERR_OK &&
               order->funds > most;
    }
    if (order->type == ORDER_MARKET) {
        if (span->notional_max_limit_only || !book_best(market->book, side_opposite((enum side)order->side), &touch))
            return false;
        price = touch.price;
    }
    return instrument_notional(price, order->qty) > span->notional_max;
}

enum reason rules_check(struct venue *venue, const struct own_order *order, bool resting)
{
    struct venue_instrument *market = &venue->markets[order->instrument];
    const struct venue_span *span = rules_now(venue, market);
    const struct price_band *band = &span->band[order->side];
    px_t price;
    if (notional_is_large(market, span, order))
        return REASON_MAX_NOTIONAL;
    if (band->reference != BAND_NONE && banded_price(market, band, order, &price) &&
        beside_band(venue, market, band, price) != 0)
        return REASON_PRICE_BAND;
    if (order->type == ORDER_MARKET && span->market_levels_max != 0 &&
        !deep_enough(market, order, span->market_levels_max))
        return REASON_NO_LIQUIDITY;
    if (!resting && order->type == ORDER_LIMIT && (order->tif == TIF_GTC || order->tif == TIF_GTD) &&
        span->open_orders_max != 0 && market->open_count >= span->open_orders_max)
        return REASON_OPEN_ORDERS;
    return REASON_NONE;
}

enum reason rules_check_qty(struct venue *venue, const struct own_order *order)
{
    struct venue_instrument *market = &venue->markets[order->instrument];
    const struct venue_span *span = rules_now(venue, market);
    qty_t qty = order->qty;
    if (order->by_funds)
        return order->funds > 0 && qty == 0 ? REASON_NONE : REASON_BAD_QTY;
    if (qty <= 0 || qty % span->lot != 0 || (span->qty_min != 0 && qty < span->qty_min) ||
        (span->qty_max != 0 && qty > span->qty_max) ||
        (order->type == ORDER_MARKET && span->market_qty_max != 0 && qty > span->market_qty_max))
        return REASON_BAD_QTY;
    return REASON_NONE;
}

bool rules_price_fits(const struct venue *venue, const struct own_order *order)
{
    const struct venue_instrument *market = &venue->markets[order->instrument];
    bool free_grid = market->rules != NULL && market->rules->free_grid;
    return order->price > 0 && (free_grid || instrument_on_tick(market->instrument, order->price, venue->now));
}

/* ---- codes ---- */

static enum venue_fault qty_fault(const struct venue_span *span, const struct own_order *order)
{
    if (order->qty <= 0)
        return FAULT_QTY_NOT_POSITIVE;
    if ((span->qty_min != 0 && order->qty < span->qty_min) || order->qty <= order->filled)
        return FAULT_QTY_SMALL;
    return order->qty % span->lot != 0 ? FAULT_QTY_LOT : FAULT_QTY_LARGE;
}

static enum venue_fault band_fault(const struct venue *venue, const struct venue_instrument *market,
                                   const struct venue_span *span, const struct own_order *order)
{
    if (order->type == ORDER_MARKET)
        return FAULT_MARKET_BAND;
    return beside_band(venue, market, &span->band[order->side], order->price) > 0 ? FAULT_PRICE_HIGH
                                                                                  : FAULT_PRICE_LOW;
}

/* What exactly was wrong, told again from the order: only refusals pay for it. */
static enum venue_fault fault_of(const struct venue *venue, struct venue_instrument *market,
                                 const struct own_order *order, enum exec_kind kind, enum reason reason)
{
    switch (reason) {
    case REASON_BAD_PRICE:
        return order->price <= 0 ? FAULT_PRICE_NOT_POSITIVE : FAULT_PRICE_TICK;
    case REASON_BAD_QTY:
        return qty_fault(rules_now(venue, market), order);
    case REASON_PRICE_BAND:
        return band_fault(venue, market, rules_now(venue, market), order);
    case REASON_UNKNOWN_ORDER:
        return kind == EXEC_AMEND_REJECT ? FAULT_AMEND_UNKNOWN : FAULT_CANCEL_UNKNOWN;
    case REASON_RATE_LIMIT:
        return venue->refused_orders ? FAULT_ORDER_RATE : FAULT_REQUEST_RATE;
    case REASON_NO_LIQUIDITY:
        return FAULT_MARKET_DEPTH;
    default:
        break;
    }
    for (int fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++)
        if (venue_fault_reason((enum venue_fault)fault) == reason)
            return (enum venue_fault)fault;
    return FAULT_NONE;
}

int16_t rules_refuse(struct venue *venue, const struct own_order *order, enum exec_kind kind, enum reason reason)
{
    struct venue_instrument *market = &venue->markets[order->instrument];
    int16_t code = 0;
    if (market->rules != NULL && market->rules->profile != NULL)
        code = venue_code_of(market->rules->profile, fault_of(venue, market, order, kind, reason),
                             (enum side)order->side, order->type == ORDER_MARKET);
    struct venue_refusals *refusals = venue->refusals;
    for (uint32_t i = 0; i < REFUSALS_MAX; i++) {
        if (refusals[i].count != 0 &&
            (refusals[i].reason != reason || refusals[i].code != code || refusals[i].instrument != market->account))
            continue;
        refusals[i].reason = (uint16_t)reason;
        refusals[i].code = code;
        refusals[i].instrument = market->account;
        refusals[i].count++;
        break;
    }
    return code;
}

bool venue_refused(const struct venue *venue, uint32_t index, struct venue_refusals *refusals)
{
    if (index >= REFUSALS_MAX || venue->refusals[index].count == 0)
        return false;
    *refusals = venue->refusals[index];
    return true;
}
