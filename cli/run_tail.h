/* run_tail.h: the last things that a run said and was told, as text: tail.txt of its directory.
 *
 *   order sent | execution | payment | log line ─► ring of RUN_TAIL entries ─► text, at the end
 *
 * Entries are copies, words are made only at the end: while it runs, an entry costs the copy.
 */
#ifndef TAPEDECK_CLI_RUN_TAIL_H
#define TAPEDECK_CLI_RUN_TAIL_H

#include "core/engine.h"

#define RUN_TAIL      64
#define RUN_TAIL_FILE "tail.txt"

struct run_tail_entry {
    uint64_t inputs; /* handled by then, the one being handled included */
    ns_t ts;
    enum { TAIL_ORDER, TAIL_PAYMENT, TAIL_LOG } kind;
    bool executed; /* false: the order was sent */
    enum log_level level;
    uint16_t instrument;
    struct order order;
    struct execution execution;
    char text[200];
};

struct run_tail {
    struct run_tail_entry at[RUN_TAIL];
    uint64_t count; /* ever */
};

/* `execution` NULL: the order was sent. */
void run_tail_order(struct run_tail *tail, uint64_t inputs, ns_t ts, const struct order *order,
                    const struct execution *execution);
void run_tail_payment(struct run_tail *tail, uint64_t inputs, ns_t ts, uint16_t instrument,
                      const struct execution *execution);
void run_tail_log(struct run_tail *tail, uint64_t inputs, ns_t ts, enum log_level level, const char *text);
/* All of them, oldest first, then the best prices of every book; to be freed. NULL: out of memory. */
char *run_tail_text(const struct run_tail *tail, const struct engine *engine, const struct instrument *instruments,
                    uint16_t instrument_count);

#endif
