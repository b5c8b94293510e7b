/* How: the draws are counters (core/prng.h: prng_at names the message, prng_normal makes a normal from that name), so
 * that nothing is kept between calls. A burst costs one normal a level, 14 in all: about a microsecond a message. */
#include "sim/latency_model.h"

#include "core/prng.h"
#include "sim/latency_math.h"

#include <inttypes.h>

#define NORMAL_MAX (19 * UNIT_1E9 / 2) /* 9.5 deviations: beyond, once in 10^21 draws */

enum stream { STREAM_ENTRY = 0x4c41544e, STREAM_RESPONSE };
enum draw { DRAW_OWN, DRAW_GRID };

/* ---- normals ---- */

static int64_t normal_of(const struct latency_side *side, enum draw draw, uint64_t index, uint64_t number)
{
    struct prng prng;
    prng_init(&prng, prng_at(side->seed, side->stream, index, number), draw);
    return prng_normal(&prng);
}

static int64_t mul_q62(int64_t a, int64_t b)
{
    return (int64_t)(((money_t)a * b) >> 62);
}

/* e^(-time / tau), Q62. */
static int64_t decay(ns_t time, ns_t tau)
{
    return latency_exp_neg(-(int64_t)(((money_t)time << 56) / tau));
}

static void burst_init(struct latency_burst *burst, ns_t tau)
{
    burst->cell = tau / 64;
    burst->cell_decay = decay(burst->cell, tau);
    burst->one_less = Q62 - decay(2 * burst->cell, tau);
    for (int level = 0; level < LATENCY_BURST_LEVELS; level++) {
        /* half the distance of the pair: level 0 begins with 2^11 cells */
        const ns_t half = burst->cell << (LATENCY_BURST_LEVELS - 1 - level);
        const int64_t rho = decay(half, tau), square = decay(2 * half, tau);
        const money_t below = (money_t)Q62 + square;
        burst->mean[level] = (int64_t)(((money_t)rho << 62) / below);
        burst->deviation[level] = latency_sqrt((int64_t)(((money_t)(Q62 - square) << 62) / below));
    }
}

/* The grid's points are numbered from the least ns_t on; a point's number is its name in the draw. */
static int64_t burst_normal(const struct latency_side *side, ns_t ts, uint64_t number)
{
    const struct latency_burst *burst = &side->burst;
    const ns_t tau = side->is.tau;
    const uint64_t since = (uint64_t)ts + (UINT64_C(1) << 63), cell = since / (uint64_t)burst->cell;
    const int64_t x = (int64_t)(since % (uint64_t)burst->cell);
    uint64_t low = cell >> LATENCY_BURST_LEVELS << LATENCY_BURST_LEVELS;
    uint64_t high = low + (UINT64_C(1) << LATENCY_BURST_LEVELS);
    int64_t z_low = normal_of(side, DRAW_GRID, low, 0), z_high = normal_of(side, DRAW_GRID, high, 0);
    for (int level = 0; level < LATENCY_BURST_LEVELS; level++) {
        const uint64_t middle = low + (high - low) / 2;
        const int64_t z = mul_q62(z_low + z_high, burst->mean[level]) +
                          mul_q62(normal_of(side, DRAW_GRID, middle, 0), burst->deviation[level]);
        if (cell >= middle) {
            low = middle;
            z_low = z;
        } else {
            high = middle;
            z_high = z;
        }
    }
    /* Between two points d apart, x after the first, the weights are sinh(d - x) / sinh d and sinh x / sinh d. */
    const int64_t from = decay(x, tau), to = decay(burst->cell - x, tau);
    const money_t a = ((money_t)(from - mul_q62(burst->cell_decay, to)) << 62) / burst->one_less;
    const money_t b = ((money_t)(to - mul_q62(burst->cell_decay, from)) << 62) / burst->one_less;
    const int64_t rest = Q62 - (int64_t)((a * from + b * to) >> 62);
    return (int64_t)((a * z_low + b * z_high) >> 62) +
           mul_q62(normal_of(side, DRAW_OWN, (uint64_t)ts, number), latency_sqrt(rest > 0 ? rest : 0));
}

static int64_t draw_normal(const struct latency_side *side, ns_t ts, uint64_t number)
{
    const int64_t z =
        side->is.tau > 0 ? burst_normal(side, ts, number) : normal_of(side, DRAW_OWN, (uint64_t)ts, number);
    return z > NORMAL_MAX ? NORMAL_MAX : z < -NORMAL_MAX ? -NORMAL_MAX : z;
}

/* ---- kinds ---- */

static ns_t cut(ns_t delay)
{
    return delay > LATENCY_MAX ? LATENCY_MAX : delay;
}

static ns_t lognormal(const struct latency_direction *is, int64_t z)
{
    const money_t y = ((money_t)is->sigma * z * (INT64_C(1) << 56)) / (UNIT_1E9 * UNIT_1E9); /* |y| <= 38, Q56 */
    return cut(is->min + cut(latency_exp_scale(is->value, (int64_t)y)));
}

static ns_t empirical(const struct latency_side *side, ns_t ts, uint64_t number)
{
    const uint32_t count = side->is.sample_count;
    u128_t place;
    if (side->is.tau > 0)
        place = ((u128_t)(uint64_t)latency_normal(draw_normal(side, ts, number)) * count) >> 62;
    else
        place = ((u128_t)prng_at(side->seed, side->stream, (uint64_t)ts, number) * count) >> 64;
    return side->is.samples[place < count ? place : count - 1];
}

static ns_t drawn(const struct latency_side *side, ns_t ts, uint64_t number)
{
    switch (side->is.kind) {
    case LATENCY_LOGNORMAL:
        return lognormal(&side->is, draw_normal(side, ts, number));
    case LATENCY_EMPIRICAL:
        return empirical(side, ts, number);
    default:
        return side->is.value;
    }
}

/* ---- interpolation ---- */

enum key { KEY_REQ, KEY_EXCH };

static ns_t key_of(const struct latency_row *row, enum key key)
{
    return key == KEY_REQ ? row->req : row->exch;
}

/* The last row with key <= t; `count` when t is before the first. */
static uint32_t row_at(const struct latency_direction *is, enum key key, ns_t t)
{
    uint32_t low = 0, high = is->row_count; /* rows before low: key <= t; from high on: key > t */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (key_of(&is->rows[middle], key) <= t)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? low - 1 : is->row_count;
}

/* x1 <= t < x2. All within 64 bits: keys are >= 0 and delays at most LATENCY_MAX, the product is not. */
static ns_t between(ns_t t, ns_t x1, ns_t y1, ns_t x2, ns_t y2)
{
    const money_t rise = (money_t)(y2 - y1) * (t - x1), run = x2 - x1;
    money_t step = rise / run;
    if (step * run > rise)
        step--; /* the division rounds toward zero, the definition down */
    return y1 + (ns_t)step;
}

static struct latency_outcome interpolated_entry(const struct latency_direction *is, ns_t t)
{
    const struct latency_row *rows = is->rows;
    const uint32_t i = row_at(is, KEY_REQ, t);
    if (i == is->row_count)
        return (struct latency_outcome){rows[0].exch - rows[0].req, false};
    const struct latency_row *a = &rows[i], *b = a + 1;
    if (i == is->row_count - 1)
        return (struct latency_outcome){a->exch - a->req, false};
    if (a->exch <= 0 || b->exch <= 0)
        return (struct latency_outcome){between(t, a->req, a->resp - a->req, b->req, b->resp - b->req), true};
    return (struct latency_outcome){between(t, a->req, a->exch - a->req, b->req, b->exch - b->req), false};
}

static ns_t interpolated_response(const struct latency_direction *is, ns_t t)
{
    const struct latency_row *rows = is->rows;
    const uint32_t i = row_at(is, KEY_EXCH, t);
    if (i == is->row_count)
        return rows[0].resp - rows[0].exch;
    const struct latency_row *a = &rows[i], *b = a + 1;
    if (i == is->row_count - 1)
        return a->resp - a->exch;
    return between(t, a->exch, a->resp - a->exch, b->exch, b->resp - b->exch);
}

static err_t check_row(const struct latency_row *row, struct err_text *why)
{
    if (row->req < 0)
        return err_say(why, ERR_RANGE, "req is %" PRId64 ": before time began", row->req);
    if (row->resp < row->req)
        return err_say(why, ERR_RANGE,
                       "the answer came %" PRId64 " ns before the request was sent: req %" PRId64 ", resp %" PRId64,
                       row->req - row->resp, row->req, row->resp);
    if (row->resp - row->req > LATENCY_MAX)
        return err_say(why, ERR_RANGE, "%" PRId64 " ns from req to resp: more than an hour; are all stamps in ns?",
                       row->resp - row->req);
    if (row->exch > 0 && (row->exch < row->req || row->exch > row->resp))
        return err_say(why, ERR_RANGE,
                       "exch %" PRId64 " is not between req %" PRId64 " and resp %" PRId64
                       ": the venue's clock and yours differ; correct the offset in the file",
                       row->exch, row->req, row->resp);
    return ERR_OK;
}

err_t latency_rows_check(const struct latency_row *rows, uint32_t count, uint32_t *bad, struct err_text *why)
{
    ns_t req = 0, exch = 0;
    if (count == 0) {
        *bad = 0;
        return err_say(why, ERR_RANGE, "no rows");
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct latency_row *row = &rows[i];
        err_t err = check_row(row, why);
        if (err == ERR_OK && row->req < req)
            err = err_say(why, ERR_ORDER, "req %" PRId64 " after %" PRId64 ": rows must rise in req", row->req, req);
        if (err == ERR_OK && row->exch > 0 && row->exch < exch)
            err = err_say(why, ERR_ORDER,
                          "exch %" PRId64 " after %" PRId64
                          ": requests reach the venue in the order in which they were sent",
                          row->exch, exch);
        if (err == ERR_OK && row->exch <= 0 && (i == 0 || i == count - 1))
            err = err_say(why, ERR_STATE,
                          "the %s row was rejected (exch %" PRId64 "), and every request %s it would be "
                          "too: remove the row",
                          i == 0 ? "first" : "last", row->exch, i == 0 ? "before" : "after");
        if (err != ERR_OK) {
            *bad = i;
            return err;
        }
        req = row->req;
        if (row->exch > 0)
            exch = row->exch;
    }
    return ERR_OK;
}

uint32_t latency_rows_accepted(const struct latency_row *rows, uint32_t count, struct latency_row *accepted)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].exch > 0)
            accepted[kept++] = rows[i];
    return kept;
}

/* ---- the model ---- */

static err_t check_parameters(const struct latency_direction *is, const char *name, struct err_text *why)
{
    if (is->value < 0 || is->value > LATENCY_MAX || is->min < 0 || is->min > LATENCY_MAX)
        return err_say(why, ERR_RANGE, "%s: a latency is 0 to an hour, not %" PRId64 " ns", name,
                       is->min < 0 || is->min > LATENCY_MAX ? is->min : is->value);
    if (is->sigma < 0 || is->sigma > LATENCY_SIGMA_MAX)
        return err_say(why, ERR_RANGE, "%s: sigma is 0 to 4, not %" PRId64 " x 10^-9", name, is->sigma);
    if (is->tau != 0 && (is->tau < LATENCY_TAU_MIN || is->tau > LATENCY_TAU_MAX))
        return err_say(why, ERR_RANGE, "%s: bursts last 1us to 24h, not %" PRId64 " ns", name, is->tau);
    return ERR_OK;
}

static err_t check_samples(const struct latency_direction *is, const char *name, struct err_text *why)
{
    if (is->sample_count == 0)
        return err_say(why, ERR_RANGE, "%s: no samples", name);
    for (uint32_t i = 0; i < is->sample_count; i++) {
        if (is->samples[i] < 0 || is->samples[i] > LATENCY_MAX)
            return err_say(why, ERR_RANGE, "%s: sample %" PRIu32 " is %" PRId64 " ns, not 0 to an hour", name, i,
                           is->samples[i]);
        if (i > 0 && is->samples[i] < is->samples[i - 1])
            return err_say(why, ERR_ORDER, "%s: sample %" PRIu32 " is smaller than the one before", name, i);
    }
    return ERR_OK;
}

static ns_t least_of_rows(const struct latency_direction *is, bool response)
{
    ns_t least = LATENCY_MAX;
    for (uint32_t i = 0; i < is->row_count; i++) {
        const struct latency_row *row = &is->rows[i];
        if (row->exch <= 0)
            continue;
        const ns_t delay = response ? row->resp - row->exch : row->exch - row->req;
        least = delay < least ? delay : least;
    }
    return least;
}

static err_t side_init(struct latency_side *side, const struct latency_direction *is, uint64_t seed, bool response,
                       struct err_text *why)
{
    const char *name = response ? "response" : "entry";
    uint32_t bad;
    struct err_text inner = {0};
    *side = (struct latency_side){
        .is = *is, .seed = seed, .stream = response ? STREAM_RESPONSE : STREAM_ENTRY, .min = is->value};
    if (is->kind == LATENCY_INTERPOLATED) {
        err_t err = latency_rows_check(is->rows, is->row_count, &bad, &inner);
        for (uint32_t i = 0; err == ERR_OK && response && i < is->row_count; i++)
            ASSERT(is->rows[i].exch > 0);
        if (err != ERR_OK)
            return err_say(why, err, "%s: row %" PRIu32 ": %s", name, bad, inner.text);
        side->min = least_of_rows(is, response);
        return ERR_OK;
    }
    err_t err = check_parameters(is, name, why);
    if (err == ERR_OK && is->kind == LATENCY_EMPIRICAL)
        err = check_samples(is, name, why);
    if (err != ERR_OK)
        return err;
    if (is->kind == LATENCY_EMPIRICAL)
        side->min = is->samples[0];
    if (is->kind == LATENCY_LOGNORMAL) {
        /* e^y may be 2^-54 wrong: where that decides the last ns, be on the safe side */
        const ns_t least = lognormal(is, -NORMAL_MAX);
        side->min = least > is->min ? least - 1 : least;
    }
    if (is->kind != LATENCY_CONSTANT && is->tau > 0)
        burst_init(&side->burst, is->tau);
    return ERR_OK;
}

err_t latency_model_init(struct latency_model *model, const struct latency_config *config, struct err_text *why)
{
    struct latency_model made;
    err_t err = side_init(&made.entry, &config->entry, config->seed, false, why);
    if (err == ERR_OK)
        err = side_init(&made.response, &config->response, config->seed, true, why);
    if (err == ERR_OK)
        *model = made;
    return err;
}

struct latency_outcome latency_entry(const struct latency_model *model, ns_t request_ts, uint64_t number)
{
    if (model->entry.is.kind == LATENCY_INTERPOLATED)
        return interpolated_entry(&model->entry.is, request_ts);
    return (struct latency_outcome){drawn(&model->entry, request_ts, number), false};
}

ns_t latency_response(const struct latency_model *model, ns_t venue_ts, uint64_t number)
{
    if (model->response.is.kind == LATENCY_INTERPOLATED)
        return interpolated_response(&model->response.is, venue_ts);
    return drawn(&model->response, venue_ts, number);
}

ns_t latency_entry_min(const struct latency_model *model)
{
    return model->entry.min;
}

ns_t latency_response_min(const struct latency_model *model)
{
    return model->response.min;
}
