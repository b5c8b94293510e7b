/* watch_index.h: everything of our own that happened in a run, by input: what a viewer jumps to and lists.
 *
 *   engine (sink, observer) ─► watch_index ─► the next fill after N, the last lines up to N, order 57
 *
 * Filled while the run is executed once, in order. An entry's `input` is the first N after which the run has it; what
 * a timer does between two inputs is seen after the second one.
 */
#ifndef TAPEDECK_CLI_WATCH_INDEX_H
#define TAPEDECK_CLI_WATCH_INDEX_H

#include "core/engine.h"

enum watch_kind {
    WATCH_SENT, /* an order, to the risk gate */
    WATCH_CANCEL,
    WATCH_AMEND,
    WATCH_REPORT, /* of the venue, or a refusal; no fill */
    WATCH_FILL,
    WATCH_PAYMENT,
    WATCH_LOG,
};
#define WATCH_OWN   (1u << WATCH_SENT | 1u << WATCH_CANCEL | 1u << WATCH_AMEND | 1u << WATCH_REPORT | 1u << WATCH_FILL)
#define WATCH_FILLS (1u << WATCH_FILL)
#define WATCH_LOGS  (1u << WATCH_LOG)
#define WATCH_ALL   (WATCH_OWN | 1u << WATCH_PAYMENT | WATCH_LOGS)

#define WATCH_FEE_DECIMALS 8 /* for eyes: rounded half even */
#define WATCH_STRIDE       1024

struct watch_entry {
    uint64_t input;
    ns_t ts;
    uint64_t order_id; /* 0: of no order */
    px_t price;
    qty_t qty; /* REPORT, FILL: as the execution says; AMEND: what is asked for */
    union {
        int64_t fee;   /* FILL: paid; PAYMENT: received; at WATCH_FEE_DECIMALS */
        uint64_t text; /* LOG: where its line begins */
    };
    uint16_t instrument, reason;
    uint8_t kind;      /* enum watch_kind */
    uint8_t exec_kind; /* REPORT */
    uint8_t side, type, flags;
    uint8_t level;    /* LOG */
    uint8_t currency; /* of the fee: watch_index_currency */
    bool maker;
};
STATIC_ASSERT(sizeof(struct watch_entry) == 64, "a day has millions");

struct watch_index;

struct watch_index *watch_index_new(void); /* NULL: out of memory */
void watch_index_free(struct watch_index *index);
/* For the run that is executed; live as long as the index. */
const struct engine_sink *watch_index_sink(struct watch_index *index);
struct engine_observer *watch_index_observer(struct watch_index *index);
/* What is told from now on is seen after `input`. */
void watch_index_begin(struct watch_index *index, uint64_t input);
/* After it was handled: when it was. */
void watch_index_end(struct watch_index *index, ns_t ts);
/* Memory ran out: there are holes. */
bool watch_index_broken(const struct watch_index *index);

/* Rising by input. They live until the next call of watch_index_begin. */
const struct watch_entry *watch_index_at(const struct watch_index *index, size_t number);
/* How many entries the run has after `input`. */
size_t watch_index_upto(const struct watch_index *index, uint64_t input);
/* The first entry after `input` (the last one before it) whose kind is in `kinds`, of an order (0: of any). NULL:
 * none yet. */
const struct watch_entry *watch_index_next(const struct watch_index *index, uint64_t input, unsigned kinds,
                                           uint64_t order_id);
const struct watch_entry *watch_index_previous(const struct watch_index *index, uint64_t input, unsigned kinds,
                                               uint64_t order_id);
const struct watch_entry *watch_index_first(const struct watch_index *index, uint64_t order_id); /* of an order */
/* An input at or before the last one that is not later than `ts`, and at most WATCH_STRIDE before it. False: none is
 * later so far. */
bool watch_index_time(const struct watch_index *index, ns_t ts, uint64_t *input);
const char *watch_index_text(const struct watch_index *index, const struct watch_entry *entry); /* of a LOG */
const char *watch_index_currency(const struct watch_index *index, const struct watch_entry *entry);

#endif
