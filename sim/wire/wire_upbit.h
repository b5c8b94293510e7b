/* wire_upbit.h: the words of Upbit, between the files that write them.
 *
 * A message has four forms, by the format that a connection asked for: long or short names, and either of them as an
 * array of one. A writer knows which names; wire_upbit.c puts the brackets. */
#ifndef TAPEDECK_SIM_WIRE_UPBIT_H
#define TAPEDECK_SIM_WIRE_UPBIT_H

#include "sim/wire/wire_state.h"

enum upbit_format { UPBIT_DEFAULT = 0, UPBIT_SIMPLE = 1, UPBIT_LIST = 2 }; /* a set of bits */

#define UPBIT_UNITS 30

/* Members of an object, with commas where they belong. */
struct upbit_writer {
    struct wire_text *text;
    bool brief;
    bool any;
};
void upbit_open(struct upbit_writer *writer, struct wire_text *text, bool brief);
void upbit_close(struct upbit_writer *writer);
void upbit_name(struct upbit_writer *writer, const char *name, const char *brief);
void upbit_text(struct upbit_writer *writer, const char *name, const char *brief, const char *value);
void upbit_u64(struct upbit_writer *writer, const char *name, const char *brief, uint64_t value);
/* A number as the venue writes it: below a millionth with an exponent (9.9E-7), else plain, `show` decimals at least.
 */
void upbit_number(struct wire_text *text, money_t value, unsigned decimals, unsigned show);
void upbit_price(struct upbit_writer *writer, const char *name, const char *brief, const struct wire_symbol *symbol,
                 px_t price);
void upbit_qty(struct upbit_writer *writer, const char *name, const char *brief, const struct wire_symbol *symbol,
               qty_t qty);
void upbit_value(struct upbit_writer *writer, const char *name, const char *brief, const struct wire_symbol *symbol,
                 money_t value);

/* "2026-08-26" and "07:15:54" with or without their punctuation, "2026-08-26T07:15:54"; `zone` is 9 for Korea. */
enum upbit_time { UPBIT_DATE, UPBIT_DATE_PLAIN, UPBIT_CLOCK, UPBIT_CLOCK_PLAIN, UPBIT_ISO };
void upbit_time(struct upbit_writer *writer, const char *name, const char *brief, ns_t ts, enum upbit_time form,
                int zone);

/* ---- wire_upbit_say.c ---- */
struct upbit_day {
    struct wire_candle today, last; /* since 00:00 UTC; the last 24 hours */
    px_t previous;                  /* close of the day before; the first price that is known, when it is not */
    px_t change;                    /* against it, signed */
};
/* False: no trade yet. */
bool upbit_day_of(const struct wire *wire, const struct wire_symbol *symbol, struct upbit_day *day);

/* The body of a message into `text`, without brackets of lists. `live`: REALTIME, else SNAPSHOT. False: there is
 * nothing to say. */
bool upbit_say(struct wire *wire, const struct wire_symbol *symbol, const struct wire_stream *stream, bool brief,
               bool live, struct wire_text *text);
/* Units of a book, grouped; returns how many rows both sides have at most. */
struct upbit_units {
    struct level bids[UPBIT_UNITS], asks[UPBIT_UNITS];
    uint32_t bid_count, ask_count;
    qty_t bid_total, ask_total;
};
void upbit_units_of(const struct book *book, uint32_t count, px_t grouping, struct upbit_units *units);
void upbit_put_units(struct wire_text *text, const struct wire_symbol *symbol, const struct upbit_units *units,
                     bool brief);
/* RISE, EVEN or FALL */
const char *upbit_change_name(px_t change);
/* May books of a market be grouped by that much? Only in KRW, by the tick times 10, 100 ... */
bool upbit_grouping_is_known(const struct wire *wire, const struct wire_symbol *symbol, px_t grouping);
/* The tick of the market's present price. */
px_t upbit_tick_of(const struct wire *wire, const struct wire_symbol *symbol);

/* ---- wire_upbit_rest.c ---- */
void upbit_request(struct wire *wire, ns_t now, const struct wire_request *request);
/* What an address may ask for: groups of the limits. */
enum upbit_group {
    UPBIT_MARKET,
    UPBIT_CANDLE,
    UPBIT_TRADE,
    UPBIT_TICKER,
    UPBIT_ORDERBOOK,
    UPBIT_PRIVATE,
    UPBIT_CONNECT,
    UPBIT_ORIGIN,
};
/* False: refused and answered. */
bool upbit_pay(struct wire *wire, ns_t now, const struct wire_request *request, enum upbit_group group,
               uint32_t *left);

#endif
