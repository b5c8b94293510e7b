/* machine.h: what every venue's market-data machine is built on: symbols, scratch memory, counting, emitting.
 *
 *   struct machine
 *   ├── market        the face (ops), first, so that a struct market * is a struct machine *
 *   ├── sink          where events go
 *   ├── json          the parser
 *   ├── symbols       text ─► struct market_symbol (number, decimals, stats, book synchronisation, last ids)
 *   ├── levels        scratch for one message's levels, grown between frames
 *   └── checking      an array frame is decoded twice: first to refuse it whole, then to emit
 */
#ifndef TAPEDECK_ADAPTERS_MACHINE_H
#define TAPEDECK_ADAPTERS_MACHINE_H

#include "adapters/json.h"
#include "adapters/market.h"
#include "adapters/recent_ids.h"
#include "adapters/sync_book.h"
#include "adapters/wire.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Streams whose stamps are watched apart from each other. */
enum market_stream {
    STREAM_DIFF,
    STREAM_PARTIAL,
    STREAM_TRADE,
    STREAM_AGGREGATE,
    STREAM_BBO,
    STREAM_MARK,
    STREAM_CANDLE,
    STREAM_TICKER,
    STREAM_COUNT,
};

struct market_symbol {
    char text[SYMBOL_SIZE];
    uint8_t size;
    bool ignored; /* discover said INSTRUMENT_NONE */
    uint16_t number;
    uint8_t price_decimals;
    uint8_t qty_decimals;
    struct market_stats *stats; /* own_stats, or the machine's `rest` when ignored */
    struct market_stats own_stats;
    struct sync_book sync;
    bool has_book; /* a whole or partial book was emitted, apart from `sync`, and is not stale */
    ns_t stream_ts[STREAM_COUNT];
    struct recent_ids trades;
    struct recent_ids aggregates;
};

struct machine {
    struct market market;
    struct market_sink sink;
    struct json *json;
    bool checking;
    uint32_t symbol_count;
    uint32_t symbol_capacity;
    struct market_symbol **symbols; /* in order of appearance */
    uint32_t *slots;                /* hash table of index + 1; 2 * symbol_capacity, a power of two */
    struct market_symbol *last;     /* found last: most frames come in runs of one symbol */
    struct market_stats rest;       /* of no instrument */
    struct level *levels;
    size_t level_capacity;
    struct json_value *items; /* elements of an array frame */
    size_t item_capacity;
};
#define MACHINE_ITEMS_MAX 65536 /* elements of an array frame, at most */

err_t machine_init(struct machine *machine, const struct market_ops *ops, const struct market_sink *sink) MUST_USE;
void machine_deinit(struct machine *machine);

/* Refuse a frame that is empty or too large, and make room for the levels that it may hold. */
err_t machine_begin(struct machine *machine, const struct frame *frame, struct err_text *why) MUST_USE;

/* The symbol of this name, asking `discover` when it is new. Errors: ERR_SYNTAX/ERR_RANGE (no symbol can be called
 * that), of the sink, ERR_NOMEM. */
err_t machine_symbol(struct machine *machine, const char *text, size_t size, struct market_symbol **symbol,
                     struct err_text *why) MUST_USE;
/* The same from a JSON string. */
err_t machine_symbol_of(struct machine *machine, const struct json_value *value, const char *field,
                        struct market_symbol **symbol, struct err_text *why) MUST_USE;
/* The name alone, as text, for scanning. `text` holds SYMBOL_SIZE bytes. */
err_t machine_symbol_text(const struct json_value *value, const char *field, char *text, size_t *size,
                          struct err_text *why) MUST_USE;

/* The elements of an array frame, in machine->items. */
err_t machine_items(struct machine *machine, const char *text, size_t size, size_t *count,
                    struct err_text *why) MUST_USE;

/* GAP for every book that there is, and nothing left in any buffer. */
err_t machine_lost(struct machine *machine, ns_t ts, const char *reason) MUST_USE;
/* The same for the book of one symbol (not ignored). */
err_t machine_lost_one(struct market_symbol *symbol, ns_t ts, const char *reason) MUST_USE;
/* Is there a book that is not stale? */
static inline bool machine_has_book(const struct market_symbol *symbol)
{
    return symbol->has_book || symbol->sync.state != SYNC_WAITING;
}

const struct market_stats *machine_stats(const struct machine *machine, uint16_t number);

/* Note the stamp of a stream. True: it went backwards (counted). 0 is no stamp. A step back of more than
 * MACHINE_STEP_BACK_NS is believed: one absurd stamp must not make all that follow look old. */
#define MACHINE_STEP_BACK_NS (60 * NS_PER_S)
bool machine_stamp(struct market_symbol *symbol, enum market_stream stream, ns_t exch_ts);

static inline err_t machine_emit(const struct machine *machine, const struct event *event)
{
    return machine->sink.emit(machine->sink.context, event);
}

static inline struct wire_place machine_place(const struct market_symbol *symbol, const char *field)
{
    return (struct wire_place){symbol->text, field};
}

#ifdef __cplusplus
}
#endif
#endif
