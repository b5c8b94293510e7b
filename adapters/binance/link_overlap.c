/* link_overlap.c: two connections bring the same streams for a while; each message is given on once and in order.
 *
 *   now    ... 5  6  7                        next brings a message that ends at or before what was given on: it is
 *   next             6  7  8  9               behind, and will bring all that follows. Or one that begins where that
 *                    ▲                        ended. Either way it takes over. One that begins later is held back:
 *                    takes over here          the owner will bring it, and when it has, the next one takes over.
 *
 * Books and trades are chained by their ids, so that a hole shows. Best prices, marks, candles and tickers are told
 * apart by id or stamp; the latest of them is all there is to them.
 */
#include "adapters/binance/link_state.h"

#include <string.h>

enum {
    SPAN_DATA,
    SPAN_FIRST,
    SPAN_LAST,
    SPAN_PREVIOUS,
    SPAN_TRADE,
    SPAN_AGGREGATE,
    SPAN_STAMP,
    SPAN_BOOK,
    SPAN_COUNT
};

void binance_span_shape_init(struct json_shape *shape)
{
    static const char *const names[SPAN_COUNT] = {"data", "U", "u", "pu", "t", "a", "E", "lastUpdateId"};
    json_shape_init(shape, names, SPAN_COUNT, "data");
}

bool binance_stream_span_of(struct binance_link *link, const struct line_stream *stream,
                            const struct link_input *input, struct stream_span *span)
{
    struct json_value values[SPAN_COUNT];
    struct err_text why;
    ns_t stamp;
    *span = (struct stream_span){0};
    if (json_members(link->json, input->text, input->text_size, &link->span, values, &why) != ERR_OK)
        return false;
    switch ((enum stream_kind)stream->kind) {
    case OF_DIFF:
        if (wire_u64(&values[SPAN_LAST], "u", &span->last, &why) != ERR_OK)
            return false;
        span->chained = true;
        if (values[SPAN_PREVIOUS].kind != JSON_ABSENT)
            return wire_u64(&values[SPAN_PREVIOUS], "pu", &span->previous, &why) == ERR_OK;
        if (wire_u64(&values[SPAN_FIRST], "U", &span->previous, &why) != ERR_OK || span->previous == 0)
            return false;
        span->previous--;
        return true;
    case OF_TRADE:
        span->chained = true;
        if (wire_u64(&values[link->flavour == BINANCE_SPOT ? SPAN_TRADE : SPAN_AGGREGATE], "id", &span->last, &why) !=
            ERR_OK)
            return false;
        span->previous = span->last > 0 ? span->last - 1 : 0;
        return true;
    case OF_PARTIAL:
    case OF_BBO: {
        bool book = values[SPAN_BOOK].kind != JSON_ABSENT;
        return wire_u64(&values[book ? SPAN_BOOK : SPAN_LAST], "u", &span->last, &why) == ERR_OK;
    }
    case OF_MARK:
    case OF_CANDLE:
    case OF_TICKER:
        if (wire_time(&values[SPAN_STAMP], "E", &stamp, &why) != ERR_OK)
            return false;
        span->last = (uint64_t)stamp;
        return true;
    case STREAM_KINDS:
        break;
    }
    return false;
}

bool binance_stream_key(const struct binance_link *link, const struct line_stream *stream, uint64_t *key)
{
    const struct market_symbol *symbol = link->books[stream->symbol].symbol;
    if (stream->kind == OF_DIFF) {
        *key = symbol->sync.seq;
        return symbol->sync.state != SYNC_WAITING;
    }
    if (stream->kind == OF_TRADE) {
        const struct recent_ids *ids = link->flavour == BINANCE_SPOT ? &symbol->trades : &symbol->aggregates;
        *key = ids->highest;
        return ids->count > 0;
    }
    *key = stream->key;
    return stream->key != 0;
}

static void change_over(struct binance_link *link, struct line_stream *stream, uint8_t slot)
{
    stream->owner = slot;
    stream->meeting = true;
    stream->held = 0;
    stale_watch_start(&stream->watch, link->ts);
}

/* A diff of another connection has to meet the book; it need not follow the last one's boundary. */
static void meet(struct binance_link *link, struct line_stream *stream)
{
    stream->meeting = false;
    if (stream->kind == OF_DIFF)
        sync_book_meet(&link->books[stream->symbol].symbol->sync);
}

err_t binance_overlap_takes(struct binance_link *link, struct line_stream *stream, uint8_t slot,
                            const struct link_input *input, bool *take)
{
    const struct link_line *line = &link->lines[stream->line];
    struct stream_span span;
    uint64_t key;
    *take = false;
    if (stream->owner == NO_CONN && slot == line->now) {
        binance_stream_serve(link, stream, slot); /* it speaks before its subscription is answered */
        *take = true;
        return ERR_OK;
    }
    if (stream->owner != slot && slot != line->next)
        return ERR_OK; /* of the old connection, after the change */
    stream->next_spoke = true;
    if (!binance_stream_span_of(link, stream, input, &span)) {
        /* The machine says what is wrong with it, or the old connection brings it better. */
        *take = stream->owner == slot;
        return ERR_OK;
    }
    bool known = binance_stream_key(link, stream, &key);
    if (stream->owner == slot) {
        *take = !known || span.last > key;
        if (*take && known && span.chained && span.previous <= key)
            meet(link, stream);
        else if (*take)
            stream->meeting = false;
        return ERR_OK;
    }
    if (!known || (span.last > key && span.chained && span.previous <= key)) {
        bool book_waits = stream->owner == NO_CONN;
        change_over(link, stream, slot);
        meet(link, stream);
        if (book_waits && stream->kind == OF_DIFF)
            binance_book_want(link, &link->books[stream->symbol], link->ts);
        *take = true;
    } else if (span.last <= key) {
        change_over(link, stream, slot);
    } else {
        stream->held = span.last;
    }
    return ERR_OK;
}

void binance_overlap_caught_up(struct binance_link *link, struct line_stream *stream)
{
    const struct link_line *line = &link->lines[stream->line];
    uint64_t key;
    if (line->next == NO_CONN || stream->owner == line->next)
        stream->held = 0;
    else if (binance_stream_key(link, stream, &key) && key >= stream->held)
        change_over(link, stream, line->next);
}

err_t binance_look_for_hole(struct binance_link *link, struct line_stream *stream, const struct link_input *input)
{
    struct stream_span span;
    uint64_t key;
    if (!binance_stream_span_of(link, stream, input, &span))
        return ERR_OK;
    bool known = binance_stream_key(link, stream, &key);
    if (known && span.last <= key)
        return ERR_OK; /* a repetition proves nothing */
    stream->look_for_holes = false;
    if (!known || span.previous <= key || stream->gap_told)
        return ERR_OK;
    struct link_book *book = &link->books[stream->symbol];
    struct event_text body = {{0}};
    binance_link_say(link, ERR_GAP, "%s: trades missing after id %llu: %llu", book->text, (unsigned long long)key,
                     (unsigned long long)(span.previous - key));
    memcpy(body.text, link->stats.said.text, sizeof(body.text) - 1);
    if (machine_has_book(book->symbol))
        return binance_book_lost(link, book, book->stream_of[OF_DIFF] != NO_STREAM, body.text);
    const struct event event = {.ts = link->ts, .body = &body, .instrument = book->instrument, .kind = EVENT_GAP};
    return link->sink.emit(link->sink.context, &event);
}
