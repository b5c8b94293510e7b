/* wire_binance_call.h: one request of Binance's REST, between the file that takes it and the file that answers it.
 *
 *   wire_binance_rest.c    path, symbol, limits, errors; the table of calls
 *   wire_binance_calls.c   what each call of the table answers
 */
#ifndef TAPEDECK_SIM_WIRE_BINANCE_CALL_H
#define TAPEDECK_SIM_WIRE_BINANCE_CALL_H

#include "sim/wire/wire_binance.h"

struct call {
    struct wire *wire;
    const struct wire_request *request;
    ns_t now;
    struct wire_symbol *symbol; /* of "symbol="; NULL: not given */
    bool asked;                 /* "symbol=" was there, known or not */
    uint64_t limit;
    bool has_limit;
    uint32_t used; /* weight of this minute */
};

/* Answer with wire->answer. */
void call_finish(const struct call *call, uint16_t status);
void call_fail(const struct call *call, uint16_t status, int code, const char *words);
/* Count the weight. False: too much, or a fault; it was answered. */
bool call_pay(struct call *call, uint32_t weight);
/* False: no such market, or none given; answered. */
bool call_need_symbol(const struct call *call);
/* A limit between 1 and `most`; spot cuts what is more, futures refuse it. */
bool call_take_limit(struct call *call, uint64_t otherwise, uint64_t most);
/* Times of a request are in ms; what is not given is `otherwise`. False: not a number, and answered. */
bool call_take_time(const struct call *call, const char *name, ns_t otherwise, ns_t *ts);
void call_put_number(struct wire_text *text, const char *name, uint64_t value);

#define CALL_ON_SPOT    1u
#define CALL_ON_FUTURES 2u
struct call_row {
    const char *path; /* behind "/fapi/v1" and its like */
    void (*run)(struct call *call);
    unsigned on;
    bool any_method; /* GET is not the only way */
};
extern const struct call_row binance_calls[];
extern const size_t binance_call_count;

#endif
