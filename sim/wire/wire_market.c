/* wire_market.c: the venue's own state, made of market events; what changed is said by the venue's ops.
 *
 * Ids. Diffs of a tape keep the venue's own update ids, so a client that follows the venue's rule has, after each of
 * them, the book that an importer of the tape has. Three things a tape tells are no news of a venue, and become some:
 *
 *   a gap, then a snapshot    the recorder missed something. The venue did not: it says one diff, from the book that
 *                             its clients have to the one that is on the tape, with the ids in between
 *   ids that begin anew       a tape that was made of two sessions, or is played again: ids are raised by as much as
 *                             is needed, since a venue's ids never fall
 *   no ids at all             books of Upbit, say, played as those of Binance: counted from one
 */
#include "sim/wire/wire_state.h"

#include <stdlib.h>

err_t wire_symbol_init(struct wire_symbol *symbol, const struct wire_config *config, uint16_t number,
                       struct err_text *why)
{
    const struct instrument *instrument = &config->instruments[number];
    err_t err = instrument_check(instrument, why);
    if (err != ERR_OK)
        return err;
    symbol->instrument = *instrument;
    symbol->number = number;
    symbol->first_stream = WIRE_NONE;
    for (size_t i = 0; i < SYMBOL_SIZE; i++) {
        const char c = instrument->symbol[i];
        symbol->lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    const bool old = config->faults.stale_snapshot != 0;
    const size_t size = book_size(config->book_window, config->far_capacity);
    /* Untouched pages cost nothing: a book uses what it needs. */
    symbol->book_memory = calloc(1, size + 64);
    symbol->old_memory = old ? calloc(1, size + 64) : NULL;
    symbol->prints.rows = calloc(WIRE_TRADES, sizeof(struct wire_trade));
    symbol->aggregates.rows = calloc(WIRE_TRADES, sizeof(struct wire_trade));
    if (symbol->book_memory == NULL || (old && symbol->old_memory == NULL) || symbol->prints.rows == NULL ||
        symbol->aggregates.rows == NULL || !wire_candles_init(&symbol->candles))
        return err_say(why, ERR_NOMEM, "no memory for the market %s", instrument->symbol);
    book_init(&symbol->book, (void *)align64((uintptr_t)symbol->book_memory), config->book_window,
              config->far_capacity, &symbol->instrument);
    if (old)
        book_init(&symbol->old, (void *)align64((uintptr_t)symbol->old_memory), config->book_window,
                  config->far_capacity, &symbol->instrument);
    return ERR_OK;
}

void wire_symbol_deinit(struct wire_symbol *symbol)
{
    free(symbol->book_memory);
    free(symbol->old_memory);
    free(symbol->prints.rows);
    free(symbol->aggregates.rows);
    for (size_t i = 0; i < ARRAY_LEN(symbol->batches); i++)
        free(symbol->batches[i].changes);
    wire_candles_deinit(&symbol->candles);
}

bool wire_levels_room(struct wire *wire, uint32_t count)
{
    if (count <= wire->level_capacity)
        return true;
    uint32_t capacity = wire->level_capacity * 2 > count ? wire->level_capacity * 2 : count;
    struct level *levels = realloc(wire->levels, capacity * sizeof(*levels));
    if (levels == NULL)
        return false;
    wire->levels = levels;
    wire->level_capacity = capacity;
    return true;
}

void wire_touch(const struct wire_symbol *symbol, struct level *bid, struct level *ask)
{
    *bid = (struct level){0, 0};
    *ask = (struct level){0, 0};
    if (symbol->has_bbo) {
        *bid = symbol->bbo[0];
        *ask = symbol->bbo[1];
        return;
    }
    (void)book_best(&symbol->book, SIDE_BUY, bid);
    (void)book_best(&symbol->book, SIDE_SELL, ask);
}

/* ---- batches of slower diffs ---- */

static bool batch_add(struct wire_batch *batch, px_t price, enum side side)
{
    if (batch->count == batch->capacity) {
        const uint32_t capacity = batch->capacity == 0 ? 1024 : batch->capacity * 2;
        struct wire_change *changes = realloc(batch->changes, capacity * sizeof(*changes));
        if (changes == NULL)
            return false;
        batch->changes = changes;
        batch->capacity = capacity;
    }
    batch->changes[batch->count++] = (struct wire_change){price, (uint8_t)side};
    return true;
}

static void batches_add(struct wire *wire, struct wire_symbol *symbol, const struct wire_diff *diff)
{
    for (size_t b = 0; b < ARRAY_LEN(symbol->batches); b++) {
        struct wire_batch *batch = &symbol->batches[b];
        if (!batch->active)
            continue;
        if (batch->last == 0)
            batch->first = diff->first;
        if (batch->previous == 0)
            batch->previous = diff->previous;
        batch->last = diff->last;
        batch->stamp = diff->stamp;
        for (uint32_t i = 0; i < diff->bid_count + diff->ask_count; i++)
            if (!batch_add(batch, diff->levels[i].price, i < diff->bid_count ? SIDE_BUY : SIDE_SELL))
                wire->stats.full++;
    }
}

/* Bids before asks, prices falling among bids and rising among asks. */
static int change_order(const void *a, const void *b)
{
    const struct wire_change *x = a, *y = b;
    if (x->side != y->side)
        return x->side < y->side ? -1 : 1;
    if (x->price == y->price)
        return 0;
    return (x->price > y->price) == (x->side == SIDE_BUY) ? -1 : 1;
}

bool wire_batch_take(struct wire *wire, struct wire_symbol *symbol, uint32_t number, struct wire_diff *diff)
{
    struct wire_batch *batch = &symbol->batches[number];
    if (batch->last == 0 || !wire_levels_room(wire, batch->count))
        return false;
    *diff = (struct wire_diff){.first = batch->first,
                               .last = batch->last,
                               .previous = batch->previous,
                               .stamp = batch->stamp,
                               .levels = wire->levels};
    if (batch->count > 0)
        qsort(batch->changes, batch->count, sizeof(*batch->changes), change_order);
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct wire_change *change = &batch->changes[i];
        if (i > 0 && change_order(change, change - 1) == 0)
            continue;
        const enum side side = (enum side)change->side;
        wire->levels[count++] = (struct level){change->price, book_qty_at(&symbol->book, side, change->price)};
        *(side == SIDE_BUY ? &diff->bid_count : &diff->ask_count) += 1;
    }
    batch->count = 0;
    batch->previous = batch->last;
    batch->last = 0;
    return true;
}

/* ---- books ---- */

static void bbo_made_of_book(struct wire *wire, struct wire_symbol *symbol, ns_t stamp)
{
    struct level bid = {0, 0}, ask = {0, 0};
    if (symbol->has_bbo)
        return;
    (void)book_best(&symbol->book, SIDE_BUY, &bid);
    (void)book_best(&symbol->book, SIDE_SELL, &ask);
    if (memcmp(&bid, &symbol->bbo[0], sizeof(bid)) == 0 && memcmp(&ask, &symbol->bbo[1], sizeof(ask)) == 0)
        return;
    symbol->bbo[0] = bid;
    symbol->bbo[1] = ask;
    symbol->bbo_id = symbol->book_id;
    symbol->bbo_stamp = stamp;
    wire->ops->bbo(wire, symbol);
}

static void say_diff(struct wire *wire, struct wire_symbol *symbol, const struct wire_diff *diff)
{
    symbol->said_id = diff->last;
    wire->ops->depth(wire, symbol, diff);
    batches_add(wire, symbol, diff);
}

static void on_delta(struct wire *wire, struct wire_symbol *symbol, const struct event *event)
{
    struct wire_diff diff = {.first = event->seq_first + symbol->id_shift,
                             .last = event->seq + symbol->id_shift,
                             .previous = event->seq_prev + symbol->id_shift,
                             .stamp = event->exch_ts,
                             .levels = event->levels,
                             .bid_count = event->bid_count,
                             .ask_count = event->ask_count};
    if (event->seq == 0)
        diff.last = symbol->book_id + 1;
    if (event->seq_first == 0)
        diff.first = symbol->book_id + 1;
    if (symbol->said_id != 0)
        diff.previous = symbol->said_id;
    else if (event->seq_prev == 0)
        diff.previous = symbol->book_id;
    if (symbol->bridged && symbol->said_id != 0 && diff.first > symbol->said_id + 1)
        diff.first = symbol->said_id + 1;
    symbol->bridged = false;
    book_apply(&symbol->book, event);
    symbol->book_id = diff.last;
    symbol->book_stamp = event->exch_ts;
    say_diff(wire, symbol, &diff);
    bbo_made_of_book(wire, symbol, event->exch_ts);
}

/* One side of the difference between the book and a snapshot, best first; both are walked side by side. False: no
 * memory. */
static bool side_difference(struct wire *wire, const struct book *book, enum side side, const struct level *levels,
                            uint32_t count, uint32_t *total)
{
    struct level have;
    bool more = book_best(book, side, &have);
    const px_t sign = side == SIDE_BUY ? -1 : 1;
    for (uint32_t i = 0; more || i < count;) {
        struct level change;
        if (i < count && (!more || sign * levels[i].price < sign * have.price)) {
            change = levels[i++];
        } else {
            const bool both = i < count && levels[i].price == have.price;
            const qty_t qty = both ? levels[i++].qty : 0;
            change = (struct level){have.price, qty};
            const bool same = qty == have.qty;
            more = book_next(book, side, have.price, &have);
            if (same)
                continue;
        }
        if (!wire_levels_room(wire, *total + 1))
            return false;
        wire->levels[(*total)++] = change;
    }
    return true;
}

static void on_snapshot(struct wire *wire, struct wire_symbol *symbol, const struct event *event)
{
    uint64_t seq = event->seq != 0 ? event->seq + symbol->id_shift : symbol->book_id + 1;
    if (!symbol->has_book) {
        book_apply(&symbol->book, event);
        symbol->has_book = true;
        symbol->bridged = true;
        symbol->book_id = seq;
        symbol->book_stamp = event->exch_ts;
        bbo_made_of_book(wire, symbol, event->exch_ts);
        if (wire->config.venue == WIRE_UPBIT)
            say_diff(wire, symbol, &(struct wire_diff){.stamp = event->exch_ts, .last = seq});
        return;
    }
    uint32_t bids = 0, total = 0;
    bool whole = side_difference(wire, &symbol->book, SIDE_BUY, event->levels, event->bid_count, &total);
    bids = total;
    whole = whole && side_difference(wire, &symbol->book, SIDE_SELL, event->levels + event->bid_count,
                                     event->ask_count, &total);
    if (!whole)
        wire->stats.full++;
    if (seq <= symbol->book_id) {
        symbol->id_shift += symbol->book_id + 1 - seq;
        seq = symbol->book_id + 1;
    }
    book_apply(&symbol->book, event);
    symbol->book_id = seq;
    symbol->book_stamp = event->exch_ts;
    symbol->bridged = true;
    /* Upbit says its whole book whether it changed or not. */
    if (total > 0 || wire->config.venue == WIRE_UPBIT) {
        const struct wire_diff diff = {.first = symbol->said_id + 1,
                                       .last = seq,
                                       .previous = symbol->said_id,
                                       .stamp = event->exch_ts,
                                       .levels = wire->levels,
                                       .bid_count = bids,
                                       .ask_count = total - bids};
        say_diff(wire, symbol, &diff);
    }
    bbo_made_of_book(wire, symbol, event->exch_ts);
}

static void on_bbo(struct wire *wire, struct wire_symbol *symbol, const struct event *event)
{
    symbol->has_bbo = true;
    symbol->bbo[0] = event->bid_count > 0 ? event->levels[0] : (struct level){0, 0};
    symbol->bbo[1] = event->ask_count > 0 ? event->levels[event->bid_count] : (struct level){0, 0};
    symbol->bbo_id = event->seq != 0 ? event->seq + symbol->id_shift : symbol->book_id;
    symbol->bbo_stamp = event->exch_ts;
    wire->ops->bbo(wire, symbol);
}

/* ---- trades ---- */

static struct wire_trade *push(struct wire_trades *trades, const struct wire_trade *trade)
{
    struct wire_trade *row = &trades->rows[trades->count++ % WIRE_TRADES];
    *row = *trade;
    return row;
}

void wire_flush_aggregate(struct wire *wire, struct wire_symbol *symbol)
{
    if (!symbol->open_aggregate)
        return;
    symbol->open_aggregate = false;
    wire->ops->aggregate(wire, symbol, wire_trade_at(&symbol->aggregates, symbol->aggregates.count - 1));
}

/* Prints of one price, side and stamp are one aggregate; on futures, of 100 ms. */
static void aggregate_add(struct wire *wire, struct wire_symbol *symbol, const struct wire_trade *trade)
{
    const ns_t span = wire->config.venue == WIRE_BINANCE_SPOT ? 0 : 100 * NS_PER_MS;
    if (symbol->open_aggregate) {
        struct wire_trade *open = &symbol->aggregates.rows[(symbol->aggregates.count - 1) % WIRE_TRADES];
        if (open->price == trade->price && ((open->flags ^ trade->flags) & EVENT_SELL) == 0 &&
            trade->stamp - open->stamp <= span && trade->id == open->last + 1) {
            open->qty += trade->qty;
            open->last = trade->id;
            return;
        }
        wire_flush_aggregate(wire, symbol);
    }
    struct wire_trade *open = push(&symbol->aggregates, trade);
    open->id = symbol->aggregates.count;
    symbol->open_aggregate = true;
}

static void on_trade(struct wire *wire, struct wire_symbol *symbol, const struct event *event)
{
    const bool aggregate = (event->flags & EVENT_AGGREGATE) != 0;
    struct wire_trade trade = {.id = event->seq,
                               .first = event->seq_first != 0 ? event->seq_first : event->seq,
                               .last = event->seq,
                               .price = event->levels[0].price,
                               .qty = event->levels[0].qty,
                               .stamp = event->exch_ts,
                               .flags = event->flags};
    if (trade.id == 0)
        trade.id = trade.first = trade.last = symbol->prints.count + 1;
    *(aggregate ? &symbol->has_aggregates : &symbol->has_prints) = true;
    const bool special = (event->flags & EVENT_SPECIAL) != 0;
    /* A tape with both sorts tells every trade twice: prints are the finer telling. */
    if (!special && !(aggregate && symbol->has_prints))
        wire_candles_trade(&symbol->candles, trade.stamp, trade.price, trade.qty, (trade.flags & EVENT_SELL) != 0,
                           trade.first, trade.last);
    if (aggregate) {
        if (!symbol->has_prints)
            wire->ops->print(wire, symbol, push(&symbol->prints, &trade));
        wire_flush_aggregate(wire, symbol);
        trade.id = symbol->aggregates.count + 1;
        wire->ops->aggregate(wire, symbol, push(&symbol->aggregates, &trade));
        return;
    }
    wire->ops->print(wire, symbol, push(&symbol->prints, &trade));
    if (!symbol->has_aggregates && !special)
        aggregate_add(wire, symbol, &trade);
}

/* ---- all of them ---- */

/* Copies of the books, for stale answers, are taken when the first event after the time comes. */
static void keep_old_books(struct wire *wire, ns_t venue)
{
    if (wire->config.faults.stale_snapshot == 0 || venue < wire->stale_next)
        return;
    wire->stale_next = venue + wire->config.faults.stale_age;
    for (uint16_t i = 0; i < wire->config.instrument_count; i++) {
        struct wire_symbol *symbol = &wire->symbols[i];
        if (!symbol->has_book)
            continue;
        book_copy(&symbol->old, &symbol->book);
        symbol->old_id = symbol->book_id;
        symbol->old_stamp = symbol->book_stamp;
        symbol->has_old = true;
    }
}

void wire_market_event(struct wire *wire, const struct event *event)
{
    wire->stats.market_events++;
    if (event->instrument >= wire->config.instrument_count) {
        wire->stats.market_ignored++;
        return;
    }
    struct wire_symbol *symbol = &wire->symbols[event->instrument];
    if (event->exch_ts > wire->venue_last)
        wire->venue_last = event->exch_ts;
    keep_old_books(wire, wire->venue_last);
    if (symbol->open_aggregate && event->kind != EVENT_TRADE)
        wire_flush_aggregate(wire, symbol);
    switch (event->kind) {
    case EVENT_BOOK_SNAPSHOT:
        on_snapshot(wire, symbol, event);
        break;
    case EVENT_BOOK_DELTA:
        on_delta(wire, symbol, event);
        break;
    case EVENT_BBO:
        on_bbo(wire, symbol, event);
        break;
    case EVENT_TRADE:
        on_trade(wire, symbol, event);
        break;
    case EVENT_MARK:
        memcpy(&symbol->mark, event->body, sizeof(symbol->mark));
        symbol->has_mark = true;
        break;
    case EVENT_TICKER:
        memcpy(&symbol->ticker, event->body, sizeof(symbol->ticker));
        symbol->has_ticker = true;
        break;
    case EVENT_GAP: /* of the recorder, not of the venue: the next snapshot bridges it */
        break;
    default:
        wire->stats.market_ignored++;
        break;
    }
}
