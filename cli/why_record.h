/* why_record.h: the history of the orders asked for, gathered while a run is executed again.
 *
 *   engine observer ─► decided: input or timer, touch, gate ─┐
 *   venue watch ─────► sent, arrived, joined, moved, filled ─┼─► why_order: entries in the order in which they
 * happened engine sink ─────► learnt ───────────────────────────────┘
 *
 * The venue is executed ahead of the strategy, so entries of different clocks are told against their stamps:
 * why_record_sort puts them into the order of time.
 */
#ifndef TAPEDECK_CLI_WHY_RECORD_H
#define TAPEDECK_CLI_WHY_RECORD_H

#include "cli/world_up.h"
#include "feeds/number_feed.h"
#include "sim/why.h"

/* A message, as it is known by afterwards. */
struct why_source {
    bool known; /* false: there was none */
    uint8_t kind, flags;
    uint16_t lane;
    ns_t ts, exch_ts;
    uint64_t seq, seq_first;
    bool numbered; /* a message of the lane's tape: */
    uint64_t number;
    px_t price; /* TRADE, level 3 */
    qty_t qty;
    uint64_t order_id; /* EXECUTION: of whom, and what */
    uint8_t exec_kind;
};

enum why_verb { WHY_SUBMIT, WHY_CANCEL, WHY_AMEND };

struct why_decided {
    enum why_verb verb;
    struct why_source on; /* the input; not known: a timer, or the start */
    uint64_t timer_id;
    ns_t deadline;
    uint64_t inputs;
    struct level touch[2]; /* as the strategy saw it */
    uint32_t book_flags;
    ns_t book_ts; /* arrival of the last message of the book */
    uint64_t book_seq;
    bool book_known; /* which one that was: */
    uint16_t book_lane;
    struct numbered book;
    px_t price; /* asked for */
    qty_t qty;
    qty_t position;
    struct risk_report report; /* not of a cancel */
};

enum why_entry_kind { WHY_DECIDED, WHY_NOTE, WHY_LEARNT };

struct why_entry {
    enum why_entry_kind kind;
    ns_t ts; /* DECIDED, LEARNT: ours; NOTE: see enum why_kind */
    struct why_source cause;
    union {
        struct why_decided *decided;
        struct why_note note;
        struct {
            bool answered; /* by the venue: false for a refusal of the gate or on the way */
            ns_t drawn, left;
            qty_t position;
        } learnt;
    };
    struct execution *execution; /* ANSWERED, LEARNT */
};

struct why_order {
    struct order order; /* as it was last */
    qty_t first_qty;
    px_t first_price;
    uint32_t count, capacity;
    struct why_entry *entries;
};

struct why_record;

struct why_record *why_record_new(void); /* NULL: out of memory */
/* Orders `from` to `to`, both included. ERR_NOMEM. */
err_t why_record_want(struct why_record *record, uint64_t from, uint64_t to) MUST_USE;
/* Every order, or every one that was filled, at least in part. */
void why_record_want_all(struct why_record *record, bool only_filled);
/* For rerun_stage; live as long as the record. */
const struct engine_sink *why_record_sink(struct why_record *record);
const struct stage_watch *why_record_watch(struct why_record *record);
/* After rerun_stage, before rerun_start. */
void why_record_stage(struct why_record *record, const struct stage *stage);
/* Memory ran out: what was gathered has holes. */
bool why_record_broken(const struct why_record *record);
/* After the run: every history in the order of time, ties as they were told. */
void why_record_sort(struct why_record *record);
/* Orders by rising id; NULL: that one is not wanted after all. They live as long as the record. */
size_t why_record_count(const struct why_record *record);
const struct why_order *why_record_at(const struct why_record *record, size_t index);
void why_record_free(struct why_record *record);

#endif
