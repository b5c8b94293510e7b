/* A finished run brought to any place of itself. */
#include "cli/rerun.h"
#include "core/prng.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct scratch scratch;
static struct ran ran;

#define RUN_YAML                                                                                                     \
    "feed: {synth: {seed: 11, duration: 20s}}\n"                                                                     \
    "venue: {queue: power, queue_exponent: \"2\"}\n"                                                                 \
    "account: {balances: {USDT: \"1000\"}}\n"                                                                        \
    "strategy: {name: grid, params: {levels: 4, spacing: 3, half_spread: 1, size: \"0.5\", position_max: \"5\"}}\n"

static void setup(void)
{
    scratch_begin(&scratch);
    scratch_write(&scratch, "run.yaml", RUN_YAML);
    run_program(&scratch, &ran, "run run.yaml --out run -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}
static void teardown(void)
{
    scratch_end(&scratch);
}
TestSuite(rerun, .init = setup, .fini = teardown);

static struct rerun *open_run(void)
{
    struct rerun *rerun;
    struct err_text why = {0};
    cr_assert_eq(rerun_open(&rerun, scratch_path(&scratch, "run"), &(struct rerun_options){0}, &why), ERR_OK, "%s",
                 why.text);
    cr_assert_eq(rerun_stage(rerun, NULL, NULL, &why), ERR_OK, "%s", why.text);
    return rerun;
}

static uint64_t inputs_of(const struct rerun *rerun)
{
    return engine_counters(rerun->stage->engine)->inputs;
}

static struct digest_value digest_at(const struct rerun *rerun)
{
    return engine_digest(rerun->stage->engine);
}

static void expect_same(struct digest_value a, struct digest_value b, uint64_t n)
{
    cr_expect(a.low == b.low && a.high == b.high, "after %" PRIu64 " inputs", n);
}

Test(rerun, seeking_forward_and_back_gives_the_same_digest_and_the_same_end)
{
    struct rerun *rerun = open_run(), *straight = open_run();
    struct err_text why = {0};
    const uint64_t middle = rerun->inputs / 2;
    cr_assert_eq(rerun_start(straight, &why), ERR_OK);
    cr_assert_eq(rerun_advance(straight, middle, &why), ERR_OK);
    const struct digest_value at_middle = digest_at(straight);

    cr_assert_eq(rerun_seek(rerun, middle, &why), ERR_OK, "%s", why.text);
    cr_expect_eq(inputs_of(rerun), middle);
    expect_same(digest_at(rerun), at_middle, middle);
    cr_assert_eq(rerun_seek(rerun, middle + 1000, &why), ERR_OK);
    cr_assert_eq(rerun_seek(rerun, 17, &why), ERR_OK);
    cr_expect_eq(inputs_of(rerun), 17);
    cr_assert_eq(rerun_seek(rerun, middle, &why), ERR_OK);
    expect_same(digest_at(rerun), at_middle, middle);
    cr_expect_eq(rerun_seek(rerun, UINT64_MAX, &why), ERR_END);
    cr_expect_eq(inputs_of(rerun), rerun->inputs);
    cr_expect_eq(rerun_finish(rerun, &why), ERR_OK, "%s", why.text);
    rerun_close(rerun);
    rerun_close(straight);
}


Test(rerun, a_time_is_reached_with_everything_up_to_it_and_nothing_after)
{
    const uint64_t seed = 20;
    struct prng prng;
    prng_init(&prng, seed, 1);
    struct rerun *rerun = open_run(), *step = open_run();
    struct err_text why = {0};
    cr_assert_eq(rerun_seek(rerun, 1, &why), ERR_OK);
    const ns_t first = engine_now(rerun->stage->engine);
    for (int i = 0; i < 20; i++) {
        const ns_t ts = first + (ns_t)prng_below(&prng, 20 * (uint64_t)NS_PER_S);
        cr_assert_eq(rerun_seek_time(rerun, ts, &why), ERR_OK, "seed %" PRIu64 " round %d: %s", seed, i, why.text);
        cr_expect_leq(engine_now(rerun->stage->engine), ts);
        const uint64_t n = inputs_of(rerun);
        cr_assert_eq(rerun_seek(step, n, &why), ERR_OK);
        cr_expect_leq(engine_now(step->stage->engine), ts);
        cr_assert_eq(rerun_seek(step, n + 1, &why), ERR_OK);
        cr_expect_gt(engine_now(step->stage->engine), ts, "seed %" PRIu64 " round %d", seed, i);
    }
    cr_expect_eq(rerun_seek(rerun, UINT64_MAX, &why), ERR_END);
    cr_expect_eq(rerun_finish(rerun, &why), ERR_OK, "holding it changes nothing: %s", why.text);
    rerun_close(rerun);
    rerun_close(step);
}
