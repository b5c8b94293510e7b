#include "sim/faults.h"

#include "core/prng.h"

#include <inttypes.h>

/* Names of the draws. Places: STREAM_WINDOWS + place. */
enum stream {
    STREAM_REQUEST_LOST = 0x4641554c,
    STREAM_ANSWER_LOST,
    STREAM_ANSWER_LATE,
    STREAM_ANSWER_DELAY,
    STREAM_WINDOWS
};
enum draw { DRAW_BEGIN, DRAW_LENGTH };

#define DELAY_TIMES_MAX 20

static const char *const place_names[] = {"outage", "line", "channel"};

/* ---- the configuration ---- */

static err_t check_windows(const struct fault_windows *windows, const char *name, struct err_text *why)
{
    for (uint32_t i = 0; i < windows->span_count; i++) {
        const struct fault_span *span = &windows->spans[i];
        if (span->from >= span->until)
            return err_say(why, ERR_RANGE,
                           "%s: window %" PRIu32 " ends at %" PRId64 ", not after its begin, %" PRId64, name, i,
                           span->until, span->from);
        if (i > 0 && span->from <= windows->spans[i - 1].until)
            return err_say(why, ERR_ORDER, "%s: window %" PRIu32 " begins before the one before it has ended", name,
                           i);
    }
    if (windows->every == 0)
        return ERR_OK;
    if (windows->every < FAULTS_EVERY_MIN || windows->every > FAULTS_TIME_MAX)
        return err_say(why, ERR_RANGE, "%s: one every 4ns to 3660d, not every %" PRId64 " ns", name, windows->every);
    if (windows->length < 1 || windows->length > windows->every / 4)
        return err_say(why, ERR_RANGE, "%s: the mean length is at least 1ns and at most a quarter of the distance",
                       name);
    return ERR_OK;
}

static bool is_chance(int64_t chance)
{
    return chance >= 0 && chance <= FAULTS_CHANCE_ONE;
}

err_t faults_check(const struct faults *faults, struct err_text *why)
{
    for (int place = 0; place < FAULT_PLACES; place++) {
        err_t err = check_windows(&faults->windows[place], place_names[place], why);
        if (err != ERR_OK)
            return err;
    }
    if (!is_chance(faults->request_loss) || !is_chance(faults->answer_loss) || !is_chance(faults->answer_late))
        return err_say(why, ERR_RANGE, "a chance is 0 to 1");
    if (faults->answer_delay < 0 || faults->answer_delay > FAULTS_TIME_MAX || faults->timeout < 1 ||
        faults->timeout > FAULTS_TIME_MAX || faults->query < 1 || faults->query > FAULTS_TIME_MAX)
        return err_say(why, ERR_RANGE, "delay, timeout and query are times up to 3660d, the last two more than 0");
    return ERR_OK;
}

bool faults_has(const struct faults *faults, enum fault_place place)
{
    return faults->windows[place].span_count != 0 || faults->windows[place].every != 0;
}

bool faults_any(const struct faults *faults)
{
    for (int place = 0; place < FAULT_PLACES; place++)
        if (faults_has(faults, (enum fault_place)place))
            return true;
    return faults->request_loss != 0 || faults->answer_loss != 0 || faults->answer_late != 0;
}

/* ---- windows ---- */

static ns_t sum(ns_t ts, ns_t more)
{
    return ts > NS_MAX - more ? NS_MAX : ts + more;
}

/* The window that begins in a cell. Cells are numbered from the least ns_t on; a cell beyond the end of time has one
 * there, of no length. */
static struct fault_span drawn_in(const struct faults *faults, enum fault_place place, uint64_t cell)
{
    const struct fault_windows *windows = &faults->windows[place];
    const uint64_t stream = STREAM_WINDOWS + (uint64_t)place;
    const u128_t begin = (u128_t)prng_at(faults->seed, stream, cell, DRAW_BEGIN) * (uint64_t)windows->every >> 64;
    const u128_t since = (u128_t)cell * (uint64_t)windows->every + begin;
    if (since >= UINT64_MAX)
        return (struct fault_span){NS_MAX, NS_MAX};
    const ns_t from = (ns_t)((uint64_t)since - (UINT64_C(1) << 63));
    struct prng prng;
    prng_init(&prng, prng_at(faults->seed, stream, cell, DRAW_LENGTH), stream);
    ns_t length = prng_exponential(&prng, windows->length);
    length = length < 1 ? 1 : length > windows->every ? windows->every : length;
    return (struct fault_span){from, sum(from, length)};
}

static uint64_t cell_of(const struct fault_windows *windows, ns_t ts)
{
    return ((uint64_t)ts + (UINT64_C(1) << 63)) / (uint64_t)windows->every;
}

static void widen(struct fault_span *span, const struct fault_span *other, ns_t ts, bool *found)
{
    if (other->from > ts || ts >= other->until)
        return;
    *span = *found ? (struct fault_span){other->from < span->from ? other->from : span->from,
                                         other->until > span->until ? other->until : span->until}
                   : *other;
    *found = true;
}

/* All windows that `ts` itself lies in, as one. None is longer than a cell: only its own and the one before matter.
 */
static bool windows_over(const struct faults *faults, enum fault_place place, ns_t ts, struct fault_span *span)
{
    const struct fault_windows *windows = &faults->windows[place];
    bool found = false;
    for (uint32_t i = 0; i < windows->span_count; i++)
        widen(span, &windows->spans[i], ts, &found);
    if (windows->every != 0) {
        const uint64_t cell = cell_of(windows, ts);
        for (uint64_t at = cell > 0 ? cell - 1 : 0; at <= cell; at++) {
            const struct fault_span drawn = drawn_in(faults, place, at);
            widen(span, &drawn, ts, &found);
        }
    }
    return found;
}

bool faults_at(const struct faults *faults, enum fault_place place, ns_t ts, struct fault_span *span)
{
    struct fault_span whole, more;
    if (!windows_over(faults, place, ts, &whole))
        return false;
    /* as long as another one goes on where this one ends, or began before this one did */
    while (whole.until != NS_MAX && windows_over(faults, place, whole.until, &more))
        whole.until = more.until;
    while (whole.from != INT64_MIN && windows_over(faults, place, whole.from - 1, &more))
        whole.from = more.from;
    *span = whole;
    return true;
}

bool faults_after(const struct faults *faults, enum fault_place place, ns_t ts, struct fault_span *span)
{
    const struct fault_windows *windows = &faults->windows[place];
    struct fault_span inside;
    /* the next begin is none while another window is still open */
    if (faults_at(faults, place, ts, &inside)) {
        if (inside.until == NS_MAX)
            return false;
        ts = inside.until;
    }
    ns_t from = NS_MAX;
    for (uint32_t i = 0; i < windows->span_count; i++)
        if (windows->spans[i].from > ts && windows->spans[i].from < from)
            from = windows->spans[i].from;
    if (windows->every != 0) {
        const uint64_t cell = cell_of(windows, ts);
        for (uint64_t at = cell; at <= cell + 1; at++) {
            const struct fault_span drawn = drawn_in(faults, place, at);
            if (drawn.from > ts && drawn.from < from)
                from = drawn.from;
        }
    }
    return from != NS_MAX && faults_at(faults, place, from, span);
}

/* ---- draws ---- */

static bool happens(const struct faults *faults, enum stream stream, int64_t chance, ns_t ts, uint64_t number)
{
    if (chance == 0)
        return false;
    const u128_t draw = prng_at(faults->seed, stream, (uint64_t)ts, number);
    return (int64_t)(draw * (uint64_t)FAULTS_CHANCE_ONE >> 64) < chance;
}

bool faults_request_lost(const struct faults *faults, ns_t ts, uint64_t number)
{
    return happens(faults, STREAM_REQUEST_LOST, faults->request_loss, ts, number);
}

bool faults_answer_lost(const struct faults *faults, ns_t ts, uint64_t number)
{
    return happens(faults, STREAM_ANSWER_LOST, faults->answer_loss, ts, number);
}

ns_t faults_answer_delay(const struct faults *faults, ns_t ts, uint64_t number)
{
    struct prng prng;
    if (!happens(faults, STREAM_ANSWER_LATE, faults->answer_late, ts, number))
        return 0;
    prng_init(&prng, prng_at(faults->seed, STREAM_ANSWER_DELAY, (uint64_t)ts, number), STREAM_ANSWER_DELAY);
    const ns_t delay = prng_exponential(&prng, faults->answer_delay);
    const ns_t most =
        faults->answer_delay > NS_MAX / DELAY_TIMES_MAX ? NS_MAX : faults->answer_delay * DELAY_TIMES_MAX;
    return delay > most ? most : delay;
}
