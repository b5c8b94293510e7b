/* venue.c: the venue's memory, what it says, and the market events that reach it. */
#include "sim/venue_state.h"

#include <string.h>

/* ---- memory ---- */

/* Buckets of levels for each bucket of orders: most prices that a message tells are not ours, and an empty bucket
 * says so at once. */
#define LEVEL_SPREAD 16

static uint32_t bucket_count(uint32_t orders)
{
    uint32_t count = 16;
    while (count < orders)
        count *= 2;
    return count;
}

static size_t books_memory(const struct venue_config *config)
{
    return config->instrument_count *
           (align64(sizeof(struct book)) + align64(book_size(config->book_window, config->book_far)) +
            (config->l3_orders == 0 ? 0 : align64(book_l3_size(config->l3_orders))));
}

static size_t l3_taken_memory(const struct venue_config *config)
{
    return config->queue.kind == QUEUE_L3_FIFO ? config->instrument_count * align64(l3_size(config->l3_orders)) : 0;
}

size_t venue_size(const struct venue_config *config)
{
    size_t instruments = config->instrument_count, orders = config->own_orders_max;
    return align64(sizeof(struct venue)) + align64(instruments * sizeof(struct venue_instrument)) +
           align64(orders * sizeof(struct own_order)) + align64(orders * sizeof(struct own_level)) +
           (1 + LEVEL_SPREAD) * align64(bucket_count(config->own_orders_max) * sizeof(uint32_t)) +
           align64(orders * sizeof(uint32_t)) + align64(account_size(config->instrument_count)) +
           l3_taken_memory(config) + align64(instruments * sizeof(struct perp_market)) +
           (config->leader != NULL ? 0 : books_memory(config));
}

static void *carve(char **at, size_t size)
{
    void *piece = *at;
    *at += align64(size);
    return piece;
}

static void init_slabs(struct venue *venue)
{
    for (uint32_t i = 0; i < venue->orders_max; i++) {
        uint32_t next = i + 1 < venue->orders_max ? i + 1 : SLOT_NONE;
        venue->orders[i] = (struct own_order){.next = next};
        venue->levels[i] = (struct own_level){.worse = next};
    }
    venue->order_free = venue->level_free = venue->orders_max > 0 ? 0 : SLOT_NONE;
    for (uint32_t i = 0; i <= venue->bucket_mask; i++)
        venue->buckets[i] = SLOT_NONE;
    for (uint32_t i = 0; i <= venue->level_mask; i++)
        venue->level_buckets[i] = SLOT_NONE;
}

static void follow(struct venue *leader, struct venue *venue)
{
    ASSERT(!leader->follows && leader->instrument_count == venue->instrument_count);
    venue->follows = true;
    while (leader->follower != NULL)
        leader = leader->follower;
    leader->follower = venue;
}

/* A book of its own: by its orders where the run is exact. */
static void init_book(struct venue_instrument *market, const struct venue_config *config, char **at)
{
    market->book = carve(at, sizeof(*market->book));
    book_init(market->book, carve(at, book_size(config->book_window, config->book_far)), config->book_window,
              config->book_far, market->instrument);
    if (config->l3_orders != 0)
        book_l3_attach(market->book, carve(at, book_l3_size(config->l3_orders)), config->l3_orders,
                       config->queue.kind == QUEUE_L3_FIFO ? BOOK_BY_ORDERS : BOOK_BY_EITHER);
}

struct venue *venue_init(void *memory, const struct venue_config *config, const struct venue_sink *sink)
{
    char *at = memory;
    ASSERT((uintptr_t)memory % 64 == 0);
    ASSERT(config->own_orders_max < SLOT_NONE / 2);
    struct venue *venue = carve(&at, sizeof(*venue));
    *venue = (struct venue){
        .sink = *sink,
        .instruments = config->instruments,
        .instrument_count = config->instrument_count,
        .orders_max = config->own_orders_max,
        .bucket_mask = bucket_count(config->own_orders_max) - 1,
        .level_mask = LEVEL_SPREAD * bucket_count(config->own_orders_max) - 1,
        .check_funds = config->check_funds,
        .stp = config->stp == STP_DEFAULT ? STP_REJECT : config->stp,
        .strict_types = config->strict_types,
        .due_ts = NS_MAX,
        .stamp_slack = config->stamp_slack,
        .watch = config->watch,
        .now = INT64_MIN,
    };
    venue->markets = carve(&at, config->instrument_count * sizeof(struct venue_instrument));
    venue->orders = carve(&at, config->own_orders_max * sizeof(struct own_order));
    venue->levels = carve(&at, config->own_orders_max * sizeof(struct own_level));
    venue->buckets = carve(&at, (venue->bucket_mask + 1) * sizeof(uint32_t));
    venue->level_buckets = carve(&at, (venue->level_mask + 1) * sizeof(uint32_t));
    venue->due = carve(&at, config->own_orders_max * sizeof(uint32_t));
    void *account_memory = carve(&at, account_size(config->instrument_count));
    venue->account = account_init(account_memory, config->instruments, config->instrument_count);
    perp_init(venue, carve(&at, config->instrument_count * sizeof(struct perp_market)), config);
    init_slabs(venue);
    for (uint16_t i = 0; i < config->instrument_count; i++) {
        struct venue_instrument *market = &venue->markets[i];
        memset(market, 0, sizeof(*market));
        market->instrument = &config->instruments[i];
        market->fee_rule = fee_rule_of(market->instrument);
        market->order_rules = order_rules_of(market->instrument);
        market->countdown = NS_MAX;
        market->queue = config->queue;
        if (config->impacts != NULL && config->impacts[i].terms != 0)
            market->impact_model = &config->impacts[i];
        if (market->queue.unit == 0)
            market->queue.unit = (qty_t)money_pow10(market->instrument->qty_decimals);
        ASSERT(queue_model_is_valid(&market->queue));
        market->best[SIDE_BUY] = market->best[SIDE_SELL] = SLOT_NONE;
        market->worst[SIDE_BUY] = market->worst[SIDE_SELL] = SLOT_NONE;
        market->traded_first = SLOT_NONE;
        rules_init(venue, market, config->rules == NULL ? NULL : config->rules[i]);
        if (config->queue.kind == QUEUE_L3_FIFO)
            market->l3_taken = carve(&at, l3_size(config->l3_orders));
        if (config->leader != NULL)
            market->book = config->leader->markets[i].book;
        else
            init_book(market, config, &at);
        /* All venues of a lockstep see the same books, which are kept by orders or are not. */
        ASSERT(is_l3_fifo(market) == (market->book->display == BOOK_BY_ORDERS));
    }
    if (config->leader != NULL)
        follow(config->leader, venue);
    return venue;
}

struct account *venue_account(struct venue *venue)
{
    return venue->account;
}

struct book *venue_book(struct venue *venue, uint16_t instrument)
{
    ASSERT(instrument < venue->instrument_count);
    return venue->markets[instrument].book;
}

void venue_halt(struct venue *venue, bool halted)
{
    venue->halted = halted;
}

uint32_t venue_open_count(const struct venue *venue)
{
    return venue->open_count;
}

const struct instrument *venue_instruments(const struct venue *venue)
{
    return venue->instruments;
}

uint32_t venue_open_count_of(const struct venue *venue, uint16_t instrument)
{
    ASSERT(instrument < venue->instrument_count);
    return venue->markets[instrument].open_count;
}

bool venue_order(const struct venue *venue, uint64_t order_id, struct venue_order_view *view)
{
    const struct own_order *order = queue_find(venue, order_id);
    if (order == NULL)
        return false;
    *view = (struct venue_order_view){.order_id = order_id,
                                      .side = (enum side)order->side,
                                      .price = order->price,
                                      .leaves = own_leaves(order),
                                      .ahead = place_ahead(&venue->markets[order->instrument], order)};
    return true;
}

/* ---- answers ---- */

static qty_t said_leaves(const struct own_order *order)
{
    if (order->by_funds)
        return order->funds == 0 ? 0 : LEAVES_UNKNOWN;
    return own_leaves(order);
}

void venue_say(struct venue *venue, const struct own_order *order, enum exec_kind kind, enum reason reason)
{
    venue_say_of(venue, order, order, kind, reason);
}

void venue_say_of(struct venue *venue, const struct own_order *order, const struct own_order *asked,
                  enum exec_kind kind, enum reason reason)
{
    struct execution execution = {
        .order_id = order->order_id,
        .venue_order = order->venue_order,
        .venue_ts = venue->now,
        .kind = (uint8_t)kind,
        .side = order_id_is_venues(order->order_id) ? order->side : 0,
        .reason = (uint16_t)reason,
    };
    bool rests = kind == EXEC_ACK || kind == EXEC_AMENDED || kind == EXEC_REDUCED || kind == EXEC_CANCEL_REJECT ||
                 kind == EXEC_AMEND_REJECT;
    execution.leaves = rests ? said_leaves(order) : 0;
    if (kind == EXEC_ACK || kind == EXEC_AMENDED || kind == EXEC_REDUCED) {
        execution.price = order->price;
        execution.qty = order->qty;
    }
    if (kind == EXEC_REJECT || kind == EXEC_CANCEL_REJECT || kind == EXEC_AMEND_REJECT)
        execution.venue_code = rules_refuse(venue, asked, kind, reason);
    venue->sink.emit(venue->sink.context, venue->now, &execution, order->instrument);
}

void venue_end(struct venue *venue, struct own_order *order, enum exec_kind kind, enum reason reason)
{
    funds_release(venue, order);
    order->ended = true;
    venue_say(venue, order, kind, reason);
}

void venue_reduce(struct venue *venue, struct own_order *order, qty_t qty)
{
    order->qty -= qty;
    if (order->type == ORDER_LIMIT) {
        err_t err = funds_relock(venue, order, order->price, order->qty);
        ASSERT(err == ERR_OK); /* less than what is locked */
    }
    venue_say(venue, order, EXEC_REDUCED, REASON_STP_DECREMENT);
}

/* How much an order of `side` may trade without opening or growing a position. Spot holds no positions: a
 * sell reduces what is held, a buy has nothing to reduce. */
static qty_t reducible(const struct venue *venue, uint16_t instrument, enum side side)
{
    if (venue->instruments[instrument].contract == CONTRACT_SPOT)
        return side == SIDE_SELL ? INT64_MAX : 0;
    const struct position *position = account_position(venue->account, instrument);
    qty_t held = side == SIDE_SELL ? position->qty : -position->qty;
    return held > 0 ? held : 0;
}

qty_t venue_fillable(const struct venue *venue, const struct own_order *order)
{
    qty_t leaves = own_leaves(order);
    if ((order->flags & ORDER_REDUCE_ONLY) == 0)
        return leaves;
    qty_t held = reducible(venue, order->instrument, (enum side)order->side);
    return held < leaves ? held : leaves;
}

int64_t venue_fee_rate(const struct venue *venue, const struct own_order *order, bool maker)
{
    if (order_id_is_venues(order->order_id))
        return venue->perp.config.rules[order->instrument].liquidation_fee;
    return rules_fee(venue, &venue->markets[order->instrument], maker);
}

/* Book a fill: fee, funds, account. Nothing has changed when it fails. */
static err_t book_fill(struct venue *venue, struct own_order *order, px_t price, qty_t qty, bool maker,
                       struct fee *fee)
{
    struct venue_instrument *market = &venue->markets[order->instrument];
    const struct instrument *instrument = market->instrument;
    const int64_t rate = venue_fee_rate(venue, order, maker);
    err_t err = fee_compute(instrument, market->fee_rule, (enum side)order->side, rate, price, qty, fee);
    if (err == ERR_OK)
        err = funds_before_fill(venue, order, price, qty, fee);
    if (err == ERR_OK)
        err = account_fill(venue->account, order->instrument, (enum side)order->side, price, qty, fee->amount,
                           fee->decimals, fee->currency);
    return err;
}

qty_t venue_fill(struct venue *venue, struct own_order *order, px_t price, qty_t qty, bool maker)
{
    struct fee fee;
    qty_t fillable = venue_fillable(venue, order);
    if (fillable == 0) {
        venue_end(venue, order, EXEC_EXPIRED, REASON_REDUCE_ONLY);
        return 0;
    }
    qty = qty < fillable ? qty : fillable;
    money_t cost = 0;
    if ((order->by_funds &&
         account_notional(&venue->instruments[order->instrument], price, qty, ROUND_CEIL, &cost) != ERR_OK) ||
        book_fill(venue, order, price, qty, maker, &fee) != ERR_OK) {
        /* An amount beyond 128 bits: such a fill does not happen, and the order does not stay to try again. */
        venue_end(venue, order, EXEC_EXPIRED, REASON_VENUE);
        return 0;
    }
    order->filled += qty;
    if (UNLIKELY(venue->perp.on))
        perp_after_fill(venue, order, price, &fee);
    if (order->by_funds)
        order->funds -= cost;
    struct execution execution = {
        .order_id = order->order_id,
        .venue_order = order->venue_order,
        .trade_id = ++venue->last_trade,
        .venue_ts = venue->now,
        .price = price,
        .qty = qty,
        .leaves = said_leaves(order),
        .fee = fee.amount,
        .fee_decimals = fee.decimals,
        .kind = EXEC_FILL,
        .maker = maker,
        .side = order_id_is_venues(order->order_id) ? order->side : 0,
    };
    memcpy(execution.fee_currency, fee.currency, strnlen(fee.currency, sizeof(execution.fee_currency) - 1));
    if (UNLIKELY(venue->watch != NULL))
        why_fill(venue, order, &execution, &fee);
    venue->sink.emit(venue->sink.context, venue->now, &execution, order->instrument);
    if (said_leaves(order) == 0) {
        funds_release(venue, order);
        order->ended = true;
    } else if (qty == fillable) {
        venue_end(venue, order, EXEC_EXPIRED, REASON_REDUCE_ONLY);
    }
    return qty;
}

/* ---- market events ---- */

/* What a book message does to our orders, after the book shows it. */
static void after_book(struct venue *venue, const struct event *event, bool was_stale, ns_t stamp)
{
    struct venue_instrument *market = &venue->markets[event->instrument];
    market->book_before = market->book_ts;
    market->book_ts = stamp;
    if (event->kind == EVENT_BOOK_SNAPSHOT && was_stale)
        take_forget(market);
    if (market->book->flags & BOOK_STALE)
        return;
    if (UNLIKELY(market->impact_model != NULL) && market->open_count != 0)
        impact_refresh(venue, market);
    if (is_l3_fifo(market)) {
        l3_after_message(venue, market, event->instrument);
        return;
    }
    if ((market->taken[SIDE_BUY].count | market->taken[SIDE_SELL].count) != 0)
        take_after_book(market, event);
    if (market->open_count != 0)
        queue_after_book(venue, market, event);
}

/* A trade, or a mark price: only price bands look at that. */
static void after_trade(struct venue *venue, const struct event *event, ns_t stamp)
{
    struct venue_instrument *market = &venue->markets[event->instrument];
    if (UNLIKELY(market->wants_reference))
        rules_see(market, event, stamp);
    if (event->kind == EVENT_MARK)
        return;
    if (market->open_count == 0 || (event->flags & EVENT_SPECIAL) != 0 || (market->book->flags & BOOK_STALE) != 0 ||
        is_l3_fifo(market) || venue->halted)
        return;
    if (UNLIKELY(market->impact_model != NULL))
        impact_refresh(venue, market);
    queue_after_trade(venue, market, event, stamp);
}

/* What the event means for contracts beyond their fills. */
static void look_all(struct venue *venue, const struct event *event)
{
    for (struct venue *one = venue; one != NULL; one = one->follower) {
        /* without margin only the last trade is wanted, as the mark of last resort */
        if (one->perp.on && (event->kind == EVENT_TRADE || UNLIKELY(one->perp.config.margin != MARGIN_OFF)))
            perp_after_market(one, event);
        if (UNLIKELY(one->perp.dirty))
            perp_look(one);
    }
}

void venue_market(struct venue *venue, ns_t ts, const struct event *event)
{
    ASSERT(!venue->follows);
    for (struct venue *one = venue; one != NULL; one = one->follower) {
        ASSERT(ts >= one->now);
        if (UNLIKELY(one->due_ts <= ts))
            venue_pass(one, ts);
        if (UNLIKELY(one->perp.due < ts))
            funding_elapse(one, ts - 1);
        one->now = ts;
        if (UNLIKELY(one->watch != NULL))
            one->watch->market = event;
    }
    if (!event_has_levels(event->kind) && event->kind != EVENT_GAP && event->kind != EVENT_MARK)
        return;
    if (event->kind == EVENT_GAP && event->instrument == INSTRUMENT_NONE) {
        for (uint16_t i = 0; i < venue->instrument_count; i++)
            book_apply(venue->markets[i].book, event);
        return;
    }
    ASSERT(event->instrument < venue->instrument_count);
    /* Streams overtake each other: an event may be older than the venue's time, never younger. */
    const ns_t stamp = event->exch_ts != 0 && event->exch_ts < ts ? event->exch_ts : ts;
    if (event->kind == EVENT_TRADE || event->kind == EVENT_MARK) {
        if (event->kind == EVENT_MARK && event->body != NULL)
            venue_mark(venue, event->instrument, event->body);
        for (struct venue *one = venue; one != NULL; one = one->follower)
            after_trade(one, event, stamp);
        look_all(venue, event);
        return;
    }
    struct book *book = venue->markets[event->instrument].book;
    if (event->kind == EVENT_BBO || (event_is_level3(event->kind) && book->display == BOOK_BY_LEVELS))
        return;
    const bool was_stale = (book->flags & BOOK_STALE) != 0;
    book_apply(book, event);
    for (struct venue *one = venue; one != NULL; one = one->follower)
        after_book(one, event, was_stale, stamp);
    look_all(venue, event);
}
