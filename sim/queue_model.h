/* queue_model.h: what a shrinking level does to our place in its queue.
 *
 *      front                                    back
 *      ├────────── ahead ──────────┤ us ├── behind ──┤        ahead + behind = displayed
 *                   ▲                          ▲
 *                   └──── (1 - p) x cancelled ─┴─ p x cancelled
 *
 * Price levels tell that quantity went, not from where. What trades explain went from the front; of the rest, the
 * cancelled quantity, a model says which part stood ahead. p is the part behind:
 *
 *   pessimistic    1                                     all of it, as long as there is anything behind
 *   optimistic     0                                     none of it, as long as there is anything ahead
 *   proportional   behind / (ahead + behind)             every unit is as likely to go
 *   power          behind^n / (behind^n + ahead^n)       PowerProb(n); 1 is proportional
 *   power2         (behind / (ahead + behind))^n         PowerProb2(n): above 1 kinder than proportional
 *   power3         1 - (ahead / (ahead + behind))^n      PowerProb3(n): above 1 harder than proportional
 *   log            l(behind) / (l(behind) + l(ahead))    LogProb, l(x) = ln(1 + x / unit)
 *   log2           l(behind) / l(behind + ahead)         LogProb2
 *   l3_fifo        none of this: level-3 data tell from where
 *
 * The names and formulas are those of hftbacktest's probability queue models (after E. Rigtorp, "Estimating order
 * queue position", 2013). The log models are not scale free: `unit` says what counts as 1; 10^qty_decimals of
 * the instrument, one whole coin or contract, gives the numbers that others get from quantities in coins.
 *
 * What is defined here where the formulas are silent: nothing ahead, p = 1; nothing behind, p = 0; what behind cannot
 * give comes off ahead; and always 0 <= ahead <= displayed. So for the same decrease
 *
 *   pessimistic >= every other model >= optimistic
 *
 * Fixed point. A place is a whole quantity and a 16-bit fraction of its last unit, so a thousand cancels of one lot
 * at a share of 1/10 move it by a hundred lots. Each cut is rounded to the nearest 2^-16 of a unit. Shares are exact
 * for proportional and for n = 1; the others go through log2 and exp2, right to 2^-40 of the share (log, log2: to
 * 2^-42 / l(x), which is worse only where x is a tiny part of a unit). No floating point, no state beside the place.
 */
#ifndef TAPEDECK_SIM_QUEUE_MODEL_H
#define TAPEDECK_SIM_QUEUE_MODEL_H

#include "core/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum queue_kind {
    QUEUE_PESSIMISTIC,
    QUEUE_OPTIMISTIC,
    QUEUE_PROPORTIONAL,
    QUEUE_POWER,
    QUEUE_POWER2,
    QUEUE_POWER3,
    QUEUE_LOG,
    QUEUE_LOG2,
    QUEUE_L3_FIFO, /* no model: the tape tells every order, and the place is known (venue_l3.c) */
};

/* Exponents are counted in quarters: 1 is 0.25, 32 is 8. */
#define QUEUE_EXPONENT_ONE 4
#define QUEUE_EXPONENT_MAX 32

struct queue_model {
    enum queue_kind kind;
    uint32_t exponent; /* in quarters, 1 .. QUEUE_EXPONENT_MAX; power models only */
    qty_t unit;        /* 1 .. 10^18, what the log models count as 1; log models only */
    bool by_quantity;  /* a trade through our price fills by its quantity; false: whole */
};

#define QUEUE_PART_BITS 16

/* `ahead` less `part` / 2^QUEUE_PART_BITS units are ahead: the whole number is the fraction rounded up, against us.
 */
struct queue_place {
    qty_t ahead;
    uint32_t part; /* < 2^QUEUE_PART_BITS; 0 when nothing is ahead */
};

const char *queue_kind_name(enum queue_kind kind); /* "pessimistic" ... */
bool queue_model_has_exponent(enum queue_kind kind);
/* Fields in range for the kind. */
bool queue_model_is_valid(const struct queue_model *model);

/* The place after `cancelled` units (0 .. shown) went from a level that showed `shown` of which `place` were ahead.
 * A place beyond what is shown counts as the last. */
struct queue_place queue_model_cancel(const struct queue_model *model, struct queue_place place, qty_t shown,
                                      qty_t cancelled);

/* log2(x) of x >= 1 and 2^-x of x >= 0, in and out at 2^-48; right to 2^-42. For tests of the models' errors. */
uint64_t queue_log2(uint64_t x);
uint64_t queue_exp2_neg(uint64_t x);

#ifdef __cplusplus
}
#endif
#endif
