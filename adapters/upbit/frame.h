/* frame.h: the members of Upbit's messages, and the machine that reads them (private to adapters/upbit).
 *
 * Every member has a long name (DEFAULT format, REST) and a short one (SIMPLE format); a message uses one set.
 */
#ifndef TAPEDECK_ADAPTERS_UPBIT_FRAME_H
#define TAPEDECK_ADAPTERS_UPBIT_FRAME_H

#include "adapters/machine.h"
#include "adapters/upbit/market.h"

#define UPBIT_FIELD_MAP(X)                                                                                           \
    X(TYPE, "type", "ty")                                                                                            \
    X(CODE, "code", "cd")                                                                                            \
    X(TIME, "timestamp", "tms")                                                                                      \
    X(TRADE_TIME, "trade_timestamp", "ttms")                                                                         \
    X(PRICE, "trade_price", "tp")                                                                                    \
    X(QTY, "trade_volume", "tv")                                                                                     \
    X(ASK_BID, "ask_bid", "ab")                                                                                      \
    X(TRADE_ID, "sequential_id", "sid")                                                                              \
    X(STREAM_TYPE, "stream_type", "st")                                                                              \
    X(UNITS, "orderbook_units", "obu")                                                                               \
    X(LEVEL, "level", "lv")                                                                                          \
    X(OPEN, "opening_price", "op")                                                                                   \
    X(HIGH, "high_price", "hp")                                                                                      \
    X(LOW, "low_price", "lp")                                                                                        \
    X(VOLUME_24H, "acc_trade_volume_24h", "atv24h")                                                                  \
    X(CANDLE_TIME, "candle_date_time_utc", "cdttmu")                                                                 \
    X(CANDLE_VOLUME, "candle_acc_trade_volume", "catv")                                                              \
    X(CANDLE_VALUE, "candle_acc_trade_price", "catp")                                                                \
    X(METHOD, "method", "mthd")                                                                                      \
    X(MARKET, "market", "mkt") /* REST says market for code */                                                       \
    X(UNIT, "unit", "unt")     /* REST candles: minutes */                                                           \
    X(STATUS, "status", "sts") /* {"status":"UP"}: the answer to a text PING */                                      \
    X(ERROR, "error", "err")

#define UPBIT_FIELD_ENUM(name, text, brief) F_##name,
enum upbit_field { UPBIT_FIELD_MAP(UPBIT_FIELD_ENUM) F_COUNT };
#undef UPBIT_FIELD_ENUM

enum upbit_unit_field { U_ASK_PRICE, U_BID_PRICE, U_ASK_SIZE, U_BID_SIZE, U_COUNT };

enum upbit_kind { UPBIT_BOOK, UPBIT_TRADE, UPBIT_TICKER, UPBIT_CANDLE, UPBIT_OTHER };

/* values[2 * field] is the long name's, values[2 * field + 1] the short one's. */
struct upbit {
    struct machine machine;
    struct json_shape shape;
    struct json_shape unit_shape;
    struct json_value values[2 * F_COUNT];
    struct json_value unit[2 * U_COUNT];
};

static inline const struct json_value *upbit_value(const struct json_value *values, unsigned field)
{
    return &values[2 * field + (values[2 * field].kind == JSON_ABSENT)];
}

static inline const struct json_value *upbit_field(const struct upbit *upbit, enum upbit_field field)
{
    return upbit_value(upbit->values, field);
}

static inline bool upbit_has(const struct upbit *upbit, enum upbit_field field)
{
    return upbit_field(upbit, field)->kind != JSON_ABSENT;
}

/* The name of a field as a person knows it, whichever the message used. */
const char *upbit_field_name(enum upbit_field field);

/* ERR_UNSUPPORTED: unknown, private, or an error answer of the venue. */
err_t upbit_kind_of(const struct upbit *upbit, enum upbit_kind *kind, struct err_text *why);
/* "code", or in REST bodies "market". */
const struct json_value *upbit_code(const struct upbit *upbit);

/* Every message of a frame, one after the other: a bare object, or the elements of an array (trades of a REST body
 * come newest first and are turned round). */
typedef err_t (*upbit_message_fn)(struct upbit *upbit, const struct frame *frame, void *context,
                                  struct err_text *why);
err_t upbit_messages(struct upbit *upbit, const struct frame *frame, upbit_message_fn message, void *context,
                     unsigned passes, struct err_text *why);

err_t upbit_scan(struct market *market, const struct frame *frame, market_found_fn found, void *context,
                 struct err_text *why);

#endif
