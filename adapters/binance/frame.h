/* frame.h: the members of Binance's messages, and the machine that reads them (private to adapters/binance).
 *
 * All message kinds share one list of names: most are one letter, and a letter means different things in different
 * kinds ("T" is the transaction time of a trade and the next funding time of a mark price).
 */
#ifndef TAPEDECK_ADAPTERS_BINANCE_FRAME_H
#define TAPEDECK_ADAPTERS_BINANCE_FRAME_H

#include "adapters/binance/market.h"
#include "adapters/machine.h"

#define BINANCE_FIELD_MAP(X)                                                                                         \
    X(STREAM, "stream")                                                                                              \
    X(DATA, "data")                                                                                                  \
    X(EVENT, "e")                                                                                                    \
    X(EVENT_TIME, "E")                                                                                               \
    X(TIME, "T")                                                                                                     \
    X(SYMBOL, "s")                                                                                                   \
    X(FIRST_ID, "U")                                                                                                 \
    X(LAST_ID, "u")                                                                                                  \
    X(PREVIOUS_ID, "pu")                                                                                             \
    X(BIDS, "b")                                                                                                     \
    X(BID_QTY, "B")                                                                                                  \
    X(ASKS, "a")                                                                                                     \
    X(ASK_QTY, "A")                                                                                                  \
    X(PRICE, "p")                                                                                                    \
    X(QTY, "q")                                                                                                      \
    X(TRADE_ID, "t")                                                                                                 \
    X(BUYER_IS_MAKER, "m")                                                                                           \
    X(BEST_MATCH, "M")                                                                                               \
    X(TRADE_TYPE, "X")                                                                                               \
    X(FIRST_TRADE, "f")                                                                                              \
    X(LAST_TRADE, "l") /* tickers: the low */                                                                        \
    X(KLINE, "k")                                                                                                    \
    X(INDEX_PRICE, "i")                                                                                              \
    X(FUNDING_RATE, "r")                                                                                             \
    X(CLOSE, "c")                                                                                                    \
    X(OPEN, "o")                                                                                                     \
    X(HIGH, "h")                                                                                                     \
    X(LAST_QTY, "Q")                                                                                                 \
    X(VOLUME, "v")                                                                                                   \
    X(SNAPSHOT_ID, "lastUpdateId")                                                                                   \
    X(SNAPSHOT_BIDS, "bids")                                                                                         \
    X(SNAPSHOT_ASKS, "asks")                                                                                         \
    X(SNAPSHOT_SYMBOL, "symbol")                                                                                     \
    X(RESULT, "result")                                                                                              \
    X(ID, "id")                                                                                                      \
    X(CODE, "code")                                                                                                  \
    X(MSG, "msg")                                                                                                    \
    X(ERROR, "error")

#define BINANCE_FIELD_ENUM(name, text) F_##name,
enum binance_field { BINANCE_FIELD_MAP(BINANCE_FIELD_ENUM) F_COUNT };
#undef BINANCE_FIELD_ENUM

enum binance_kline_field {
    K_OPEN_TIME,
    K_CLOSE_TIME,
    K_OPEN,
    K_CLOSE,
    K_HIGH,
    K_LOW,
    K_VOLUME,
    K_QUOTE,
    K_CLOSED,
    K_COUNT
};

/* What a message is, told by "e" or by the members that are there. */
enum binance_kind {
    BINANCE_DIFF,
    BINANCE_SNAPSHOT, /* a REST body or a spot partial book */
    BINANCE_TRADE,
    BINANCE_AGGREGATE,
    BINANCE_BBO,
    BINANCE_MARK,
    BINANCE_KLINE,
    BINANCE_TICKER,
    BINANCE_OTHER, /* understood, not emitted */
};

/* Which book a depth stream is about, told by its name. */
enum binance_depth { DEPTH_DIFFS, DEPTH_PARTIAL, DEPTH_FOREIGN /* rpiDepth: a book with orders of its own */ };

struct binance {
    struct machine machine;
    enum binance_flavour opened;
    enum binance_flavour flavour;
    struct json_shape shape;
    struct json_shape kline_shape;
    struct json_value values[F_COUNT];
    struct json_value kline[K_COUNT];
};

/* The kind of the message in `values`. ERR_UNSUPPORTED: unknown, or an error answer of the venue. */
err_t binance_kind_of(struct binance *binance, enum binance_kind *kind, struct err_text *why);
enum binance_depth binance_depth_of(const struct json_value *stream);
/* Learn the flavour from the message; refuse a diff of another flavour. */
err_t binance_learn(struct binance *binance, enum binance_kind kind, struct err_text *why);
/* The name of the symbol that a snapshot is of: its own, its stream's, the frame's. `*size` 0: none. */
err_t binance_snapshot_symbol(const struct binance *binance, const struct frame *frame, char *text, size_t *size,
                              struct err_text *why);

/* Messages that are not books (binance/prints.c). `values` are filled; nothing is changed on failure. */
err_t binance_trade(struct binance *binance, const struct frame *frame, bool aggregate, struct err_text *why);
err_t binance_bbo(struct binance *binance, const struct frame *frame, struct err_text *why);
err_t binance_mark(struct binance *binance, const struct frame *frame, struct err_text *why);
err_t binance_kline(struct binance *binance, const struct frame *frame, struct err_text *why);
err_t binance_ticker(struct binance *binance, const struct frame *frame, struct err_text *why);

err_t binance_scan(struct market *market, const struct frame *frame, market_found_fn found, void *context,
                   struct err_text *why);

static inline bool binance_has(const struct binance *binance, enum binance_field field)
{
    return binance->values[field].kind != JSON_ABSENT;
}

#endif
