/* What goes wrong, and when: windows and draws, against plain reckoning. */
#include "sim/faults.h"

#include "core/prng.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#define MS NS_PER_MS

static struct faults drawn(uint64_t seed, ns_t every, ns_t length)
{
    return (struct faults){
        .seed = seed, .windows = {[FAULT_LINE] = {.every = every, .length = length}}, .timeout = 1, .query = 1};
}

static bool inside(const struct faults *faults, ns_t ts)
{
    struct fault_span span;
    return faults_at(faults, FAULT_LINE, ts, &span);
}

Test(faults, a_window_is_the_same_from_anywhere_in_it)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        static const struct fault_span fixed[] = {{3 * MS, 4 * MS}, {11 * MS, 15 * MS}};
        struct faults faults = drawn(seed, 2 * MS, MS / 2);
        faults.windows[FAULT_LINE].spans = fixed;
        faults.windows[FAULT_LINE].span_count = seed % 3;
        struct fault_span span = {0, 0}, next, again;
        ns_t ts = -20 * MS;
        for (int i = 0; i < 30; i++) {
            cr_assert(faults_after(&faults, FAULT_LINE, ts, &next));
            cr_assert(next.from > ts && next.from < next.until, "seed %" PRIu64, seed);
            cr_assert(i == 0 || next.from > span.until, "apart");
            cr_assert(!inside(&faults, next.from - 1) && !inside(&faults, next.until), "seed %" PRIu64, seed);
            struct prng prng;
            prng_init(&prng, seed, (uint64_t)i);
            for (int k = 0; k < 8; k++) {
                const ns_t at = k == 0   ? next.from
                                : k == 1 ? next.until - 1
                                         : prng_range(&prng, next.from, next.until - 1);
                cr_assert(faults_at(&faults, FAULT_LINE, at, &again));
                cr_assert(memcmp(&again, &next, sizeof(next)) == 0, "seed %" PRIu64 " at %" PRId64, seed, at);
                struct fault_span after;
                cr_assert(faults_after(&faults, FAULT_LINE, at, &after));
                cr_assert(after.from > next.until);
            }
            for (int k = 0; k < 8 && i > 0; k++) {
                const ns_t at = prng_range(&prng, span.until, next.from - 1);
                cr_assert(!inside(&faults, at) && faults_after(&faults, FAULT_LINE, at, &again));
                cr_assert(memcmp(&again, &next, sizeof(next)) == 0, "seed %" PRIu64 " at %" PRId64, seed, at);
            }
            span = next;
            ts = next.from;
        }
        for (int i = 0; i < (int)(seed % 3); i++)
            cr_assert(inside(&faults, fixed[i].from) && inside(&faults, fixed[i].until - 1));
    }
}

Test(faults, drawn_windows_come_as_often_and_last_as_long_as_said)
{
    const struct faults faults = drawn(7, 1000 * MS, 20 * MS);
    struct fault_span span = {0, 0};
    const int count = 4000;
    ns_t down = 0;
    for (int i = 0; i < count; i++) {
        cr_assert(faults_after(&faults, FAULT_LINE, span.from, &span));
        down += span.until - span.from;
    }
    /* exponential: the mean of 4000 has an error of 1.6 %; a few run into each other */
    cr_expect(down / count > 19 * MS && down / count < 21 * MS, "%" PRId64, down / count);
    cr_expect(span.from > (ns_t)count * 980 * MS && span.from < (ns_t)count * 1040 * MS);
    const struct faults other = drawn(8, 1000 * MS, 20 * MS);
    struct fault_span first, second;
    cr_assert(faults_after(&faults, FAULT_LINE, 0, &first) && faults_after(&other, FAULT_LINE, 0, &second));
    cr_expect_neq(first.from, second.from);
}

Test(faults, the_ends_of_time_have_windows_too)
{
    const struct faults faults = drawn(3, 1000 * MS, 250 * MS);
    struct fault_span span;
    for (ns_t back = 0; back < 4000 * MS; back += 99 * MS) {
        if (faults_at(&faults, FAULT_LINE, NS_MAX - back, &span))
            cr_assert(span.from <= NS_MAX - back && span.until >= NS_MAX - back);
        if (faults_after(&faults, FAULT_LINE, NS_MAX - back, &span))
            cr_assert_gt(span.from, NS_MAX - back);
        if (faults_at(&faults, FAULT_LINE, INT64_MIN + back, &span))
            cr_assert(span.from <= INT64_MIN + back && span.until > INT64_MIN + back);
        cr_assert(faults_after(&faults, FAULT_LINE, INT64_MIN + back, &span));
    }
    const struct faults none = {.timeout = 1, .query = 1};
    cr_expect(!faults_any(&none) && !faults_after(&none, FAULT_LINE, 0, &span) && !inside(&none, 0));
}

Test(faults, chances_are_kept_and_a_draw_has_a_name)
{
    const struct faults faults = {.seed = 5,
                                  .request_loss = FAULTS_CHANCE_ONE / 100,
                                  .answer_loss = FAULTS_CHANCE_ONE / 50,
                                  .answer_late = FAULTS_CHANCE_ONE / 10,
                                  .answer_delay = 5 * MS,
                                  .timeout = 1,
                                  .query = 1};
    const int count = 200000;
    int lost = 0, unanswered = 0, late = 0, both = 0;
    money_t delays = 0;
    for (int i = 0; i < count; i++) {
        const bool request = faults_request_lost(&faults, i / 2, (uint64_t)i % 2);
        const ns_t delay = faults_answer_delay(&faults, i, 0);
        lost += request;
        unanswered += faults_answer_lost(&faults, i, 0);
        both += request && faults_answer_lost(&faults, i / 2, (uint64_t)i % 2);
        late += delay > 0;
        delays += delay;
        cr_assert_eq(request, faults_request_lost(&faults, i / 2, (uint64_t)i % 2));
        cr_assert_leq(delay, 100 * MS);
    }
    /* within 4 standard errors */
    cr_expect(lost > 1822 && lost < 2178, "%d", lost);
    cr_expect(unanswered > 3750 && unanswered < 4250, "%d", unanswered);
    cr_expect(both < 100, "apart: %d", both);
    cr_expect(late > 19463 && late < 20537, "%d", late);
    cr_expect((ns_t)(delays / late) > 485 * MS / 100 && (ns_t)(delays / late) < 515 * MS / 100);
    const struct faults sure = {.request_loss = FAULTS_CHANCE_ONE};
    for (int i = 0; i < 1000; i++)
        cr_assert(faults_request_lost(&sure, i, 0) && !faults_answer_lost(&sure, i, 0));
}

Test(faults, what_cannot_be_is_named)
{
    static const struct fault_span crossed[] = {{5, 5}}, overlapping[] = {{1, 5}, {5, 7}};
    struct err_text why = {0};
    struct faults faults = drawn(1, MS, MS / 4);
    cr_expect_eq(faults_check(&faults, &why), ERR_OK);
    faults = drawn(1, MS, MS / 4 + 1);
    cr_expect_eq(faults_check(&faults, &why), ERR_RANGE);
    cr_expect(strstr(why.text, "line: the mean length") != NULL, "%s", why.text);
    err_clear(&why);
    faults = drawn(1, 3, 1);
    cr_expect_eq(faults_check(&faults, &why), ERR_RANGE);
    err_clear(&why);
    faults =
        (struct faults){.timeout = 1, .query = 1, .windows = {[FAULT_OUTAGE] = {.spans = crossed, .span_count = 1}}};
    cr_expect_eq(faults_check(&faults, &why), ERR_RANGE);
    cr_expect(strstr(why.text, "outage: window 0 ends at 5") != NULL, "%s", why.text);
    faults.windows[FAULT_OUTAGE] = (struct fault_windows){.spans = overlapping, .span_count = 2};
    cr_expect_eq(faults_check(&faults, &why), ERR_ORDER);
    faults = (struct faults){.timeout = 1, .query = 1, .answer_late = FAULTS_CHANCE_ONE + 1};
    cr_expect_eq(faults_check(&faults, &why), ERR_RANGE);
    faults = (struct faults){.timeout = 0, .query = 1};
    cr_expect_eq(faults_check(&faults, &why), ERR_RANGE);
}
