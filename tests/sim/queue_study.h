/* queue_study.h: one market, one order stream, every queue model, and the truth.
 *
 *   seed ─► synthetic market, level 2 and 3 ─┬─► world with queue model ─► filled, profit
 *                                            ├─► ...
 *                                            └─► world with l3_fifo    ─► the truth
 *
 * Two order streams. `planned` has no feedback: orders are placed and cancelled at times and prices that fills do not
 * change, so every model answers about the same orders. `grid` is the shipped grid market maker: what one
 * model fills changes what is sent next.
 */
#ifndef QUEUE_STUDY_H
#define QUEUE_STUDY_H

#include "core/strategy.h"
#include "l3_market.h"
#include "sim/queue_model.h"

#define STUDY_ORDERS_MAX 4096

enum study_stream { STUDY_PLANNED, STUDY_GRID };

struct study_market {
    uint64_t seed;
    ns_t duration;
    ns_t diff_interval;
    struct l3_market recording;
};

struct study_outcome {
    qty_t placed, filled;
    uint64_t orders, fills;
    money_t profit;                          /* cash and position at the last mid, after fees; at MONEY_DECIMALS */
    money_t gross;                           /* before fees */
    px_t twice_mark;                         /* twice the last mid */
    qty_t by_order[STUDY_ORDERS_MAX];        /* filled, signed, by order id */
    money_t paid_by_order[STUDY_ORDERS_MAX]; /* price x quantity, signed */
};

void study_market_make(struct study_market *market, uint64_t seed, ns_t duration, ns_t diff_interval);
void study_market_free(struct study_market *market);
void study_run(const struct study_market *market, enum study_stream stream, const struct queue_model *model,
               struct study_outcome *outcome);

#endif
