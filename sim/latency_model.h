/* latency_model.h: how long messages are under way.
 *
 *        request_ts                venue_ts                    our ts
 *            │ ───── entry ──────────► │ ─────── response ──────► │
 *            │                         ╳ rejected on the way: we hear of it after `delay`, the venue never
 *
 * A delay is a pure function of the model and of the message's name (ts, number): no state, no order of calls. The
 * number tells messages of one direction and one moment apart (0, 1, ...). An order more at another moment
 * therefore changes no delay of the others. Messages of a direction are kept in order by sim_world (an arrival is
 * never before the one sent earlier), not here.
 *
 *   constant       value
 *   lognormal      min + value x e^(sigma Z), rounded down: the median is min + value, the mean
 *                  min + value x e^(sigma^2 / 2)
 *   empirical      one of N sorted samples, number floor(U x N)
 *   interpolated   between the rows (req, exch, resp) of own orders measured before. For x[i] <= t < x[i + 1]
 *                  y[i] + floor((y[i + 1] - y[i]) (t - x[i]) / (x[i + 1] - x[i])), before the first row its y,
 *                  from the last on the last y; of rows with the same x the later counts from x on, the
 *                  earlier before it. Entry: x = req, y = exch - req; response: x = exch, y = resp - exch, of
 *                  rows that reached the venue. exch <= 0 in row i or i + 1: rejected, delay from y = resp - req.
 *
 * Bursts (lognormal, empirical). Without, every message draws its own Z (U). With burst_tau, Z(t) is the stationary
 * Ornstein-Uhlenbeck process, which seen at any moments is the AR(1) with rho = e^(-dt / tau): slow moments
 * come together. It is drawn as a tree and not as a recursion: independent normals every 32 tau, from each pair the
 * one in the middle (Z = (Za + Zb) rho / (1 + rho^2) + sqrt((1 - rho^2) / (1 + rho^2)) eps), down to a grid of
 * tau / 64, then the message between two grid points by the same conditional law. So Z is N(0, 1) at every t and
 * the correlation exact, but for two cases: across 32 tau it is 0 in place of e^-32, and messages within one
 * cell of the grid have a noise of their own (their correlation is low by at most 1/128). The empirical U is Phi(Z).
 *
 * Z comes from prng_normal (10^-9 steps) and is cut at +-9.5, delays at LATENCY_MAX: what cannot be longer also has
 * a least (latency_entry_min), which the simulated world needs for how far the venue may be read ahead.
 *
 * Integers only; the same delays on every machine and with every compiler.
 */
#ifndef TAPEDECK_SIM_LATENCY_MODEL_H
#define TAPEDECK_SIM_LATENCY_MODEL_H

#include "core/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LATENCY_MAX          (3600 * NS_PER_S)
#define LATENCY_SIGMA_MAX    INT64_C(4000000000) /* 4, at 10^-9 */
#define LATENCY_TAU_MIN      NS_PER_US
#define LATENCY_TAU_MAX      (24 * LATENCY_MAX)
#define LATENCY_BURST_LEVELS 11

enum latency_kind { LATENCY_CONSTANT, LATENCY_LOGNORMAL, LATENCY_EMPIRICAL, LATENCY_INTERPOLATED };

/* One measured request, on one clock: ns since 1970, or since anything. */
struct latency_row {
    ns_t req;  /* sent */
    ns_t exch; /* at the venue; <= 0: it never got there */
    ns_t resp; /* its answer (or the refusal) was here */
};

/* One direction. Fields that do not name its kind are 0. */
struct latency_direction {
    enum latency_kind kind;
    ns_t value;          /* CONSTANT: the delay; LOGNORMAL: the median of what comes on top of `min` */
    ns_t min;            /* LOGNORMAL */
    int64_t sigma;       /* LOGNORMAL: of the logarithm, at 10^-9 */
    ns_t tau;            /* LOGNORMAL, EMPIRICAL: of the bursts; 0: none */
    const ns_t *samples; /* EMPIRICAL: rising; must outlive the model */
    uint32_t sample_count;
    const struct latency_row *rows; /* INTERPOLATED: checked by latency_rows_check; must outlive the model.
                                     * Response: those of latency_rows_accepted */
    uint32_t row_count;
};

struct latency_config {
    uint64_t seed;
    struct latency_direction entry, response;
};

struct latency_burst {
    int64_t mean[LATENCY_BURST_LEVELS]; /* rho / (1 + rho^2) of the level, Q62 */
    int64_t deviation[LATENCY_BURST_LEVELS];
    ns_t cell;          /* width of the grid */
    int64_t one_less;   /* 1 - e^(-2 cell / tau), Q62 */
    int64_t cell_decay; /* e^(-cell / tau), Q62 */
};

struct latency_side {
    struct latency_direction is;
    struct latency_burst burst; /* when is.tau > 0 */
    uint64_t seed, stream;
    ns_t min;
};

struct latency_model {
    struct latency_side entry, response;
};

struct latency_outcome {
    ns_t delay;    /* 0 .. LATENCY_MAX; until the venue has it, or, when rejected, until we hear that it never will */
    bool rejected; /* by something on the way: a gateway, a rate limit, a time-out */
};

/* What rows must be: at least one; req >= 0 and rising (equal is allowed); those that reached the venue in the order
 * of exch, with req <= exch <= resp, the others with req <= resp; no delay above LATENCY_MAX; the first and the last
 * reached the venue (a rejected end would reject everything before or after it). ERR_RANGE, ERR_ORDER or
 * ERR_STATE with words about row *bad (from 0), without naming it. */
err_t latency_rows_check(const struct latency_row *rows, uint32_t count, uint32_t *bad,
                         struct err_text *why) MUST_USE;
/* The rows that reached the venue, in order, into `accepted` (room for count); returns how many. */
uint32_t latency_rows_accepted(const struct latency_row *rows, uint32_t count, struct latency_row *accepted);

/* ERR_RANGE with words when a field is outside of its limits or samples do not rise. */
err_t latency_model_init(struct latency_model *model, const struct latency_config *config,
                         struct err_text *why) MUST_USE;

struct latency_outcome latency_entry(const struct latency_model *model, ns_t request_ts, uint64_t number);
ns_t latency_response(const struct latency_model *model, ns_t venue_ts, uint64_t number);
/* No message of the direction is faster: of those that reach the venue, resp. of answers from it. */
ns_t latency_entry_min(const struct latency_model *model);
ns_t latency_response_min(const struct latency_model *model);

#ifdef __cplusplus
}
#endif
#endif
