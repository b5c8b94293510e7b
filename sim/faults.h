/* faults.h: what goes wrong at the venue and on the way, and when: scheduled or drawn.
 *
 *             requests                 the venue                answers
 *   we ─────── lost? ──────────► outage: refused, ─────── lost? late? ──────────► we
 *    ▲                           or no answer             channel down: kept
 *    └──────────────────── market data: line down, unheard ──────────────────────┘
 *
 * Everything here is a pure function of the configuration and of a name: (seed, kind, time, number). Nothing is kept
 * between calls, so one order more shifts no other draw, and it does not matter who asks first or how often.
 *
 * Windows. Three kinds of stretches [from, until): outages of the venue (on its clock), the line of market data and
 * the channel of answers (on ours). Each may be a list of fixed ones, drawn ones, or both; overlapping ones are one.
 * Drawn ones: time is cut into cells of length `every`, and in each begins one, anywhere in it with the same chance;
 * its length is exponential with the mean `length`, at least 1 ns and at most `every`.
 */
#ifndef TAPEDECK_SIM_FAULTS_H
#define TAPEDECK_SIM_FAULTS_H

#include "core/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FAULTS_CHANCE_ONE INT64_C(1000000000) /* chances are at 10^-9 */
#define FAULTS_EVERY_MIN  4
#define FAULTS_TIME_MAX   (INT64_C(3660) * 24 * 3600 * NS_PER_S)
#define FAULTS_SPANS_MAX  64

/* [from, until), from < until. */
struct fault_span {
    ns_t from, until;
};

struct fault_windows {
    const struct fault_span *spans; /* fixed, rising, apart; must outlive the model */
    uint32_t span_count;
    ns_t every;  /* drawn: one begins in each stretch of this length; 0: none */
    ns_t length; /* its mean, at most every / 4 */
};

enum fault_place { FAULT_OUTAGE, FAULT_LINE, FAULT_CHANNEL, FAULT_PLACES };

struct faults {
    uint64_t seed;
    struct fault_windows windows[FAULT_PLACES];
    bool outage_silent;   /* requests in an outage get no answer; false: they are refused */
    bool outage_stops;    /* the market stops too: nothing fills, and no market data come */
    int64_t request_loss; /* chance that a request never arrives */
    int64_t answer_loss;  /* chance that an answer never arrives, and is asked for */
    int64_t answer_late;  /* chance that an answer takes longer */
    ns_t answer_delay;    /* by this much in the mean, exponential, at most 20 times that */
    ns_t timeout;         /* after this long without an answer we know that there will be none; > 0 */
    ns_t query;           /* a lost answer is known this much after it should have come; > 0 */
};

/* ERR_RANGE or ERR_ORDER with words. */
err_t faults_check(const struct faults *faults, struct err_text *why) MUST_USE;
/* Is there anything that can go wrong? */
bool faults_any(const struct faults *faults);
bool faults_has(const struct faults *faults, enum fault_place place);

/* The whole window that `ts` lies in. False: in none, `span` untouched. */
bool faults_at(const struct faults *faults, enum fault_place place, ns_t ts, struct fault_span *span);
/* The first window that begins after `ts`. False: none ever. */
bool faults_after(const struct faults *faults, enum fault_place place, ns_t ts, struct fault_span *span);

/* Of the request or answer named (ts, number). */
bool faults_request_lost(const struct faults *faults, ns_t ts, uint64_t number);
bool faults_answer_lost(const struct faults *faults, ns_t ts, uint64_t number);
/* What an answer takes longer; mostly 0. */
ns_t faults_answer_delay(const struct faults *faults, ns_t ts, uint64_t number);

#ifdef __cplusplus
}
#endif
#endif
