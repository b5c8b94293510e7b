/* The engine's account and the venue's never look at each other. Once all reports have arrived they agree to the last
 * digit, whatever happened: fills, funding every minute, liquidations, rejects, latencies of every kind. */
#include "cli/world_up.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MINUTE       (60 * NS_PER_S)
#define SYNTH_START  INT64_C(1704067200000000000) /* 2024-01-01 */
#define FUNDING_ROWS 30

static struct scratch scratch;

static void setup(void)
{
    scratch_begin(&scratch);
}
static void teardown(void)
{
    scratch_end(&scratch);
}
TestSuite(perp_accounts, .init = setup, .fini = teardown);

/* Rates large enough to matter, of both signs, on and off the grid of the market's messages. */
static void write_funding(uint64_t seed)
{
    char text[FUNDING_ROWS * 64 + 32];
    size_t size = (size_t)snprintf(text, sizeof(text), "ts,rate\n");
    for (int i = 1; i <= FUNDING_ROWS; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%" PRId64 ",%s0.0%u\n",
                                 SYNTH_START + i * MINUTE / 10 + (int64_t)(seed * 7919 % 1000), i % 3 == 0 ? "-" : "",
                                 (unsigned)(1 + (seed + (uint64_t)i) % 9));
    scratch_write(&scratch, "funding.csv", text);
}

struct seen {
    uint64_t liquidations, payments, rejects;
};

static void compare(const struct stage *stage, uint64_t seed)
{
    const struct account *ours = engine_account_view(stage->engine), *theirs = venue_account(stage->venue);
    cr_assert_eq(account_balance_count(ours), account_balance_count(theirs), "seed %" PRIu64, seed);
    for (uint32_t i = 0; i < account_balance_count(ours); i++) {
        const struct balance *one = account_balance_at(ours, i), *other = account_balance(theirs, one->currency);
        cr_assert(other != NULL && one->total == other->total && one->fees == other->fees &&
                      one->realised == other->realised && one->funding == other->funding,
                  "seed %" PRIu64 ": %s differs", seed, one->currency);
    }
    for (uint16_t i = 0; i < stage->instrument_count; i++) {
        const struct position *one = account_position(ours, i), *other = account_position(theirs, i);
        cr_assert(one->qty == other->qty && one->cost == other->cost && one->realised == other->realised &&
                      one->funding == other->funding && one->fill_count == other->fill_count,
                  "seed %" PRIu64 ": positions of instrument %u differ", seed, i);
    }
    cr_assert_eq(engine_counters(stage->engine)->illegal_reports, 0, "seed %" PRIu64, seed);
}

static void run(const char *mode, const char *latency, uint64_t seed, struct seen *seen)
{
    char text[2048];
    struct run_config *config = NULL;
    struct stage *stage = NULL;
    struct err_text why = {0};
    const struct engine_sink sink = {.context = NULL};
    write_funding(seed);
    snprintf(text, sizeof(text),
             "seed: %" PRIu64 "\nfeed: {synth: {seed: %" PRIu64 ", duration: 3m}}\n"
             "venue:\n  latency: {%s}\n  fees: {maker: \"0.0002\", taker: \"0.0005\"}\n"
             "  margin: {mode: %s, leverage: 50, maintenance: 0.01, liquidation_fee: 0.0125}\n"
             "  funding: {source: file, file: funding.csv}\n"
             "account: {balances: {USDT: \"45\"}}\n"
             "strategy: {name: maker, params: {half_spread: 0, size: \"0.01\", position_max: \"0.06\", skew: 0}}\n",
             seed, seed, latency, mode);
    cr_assert_eq(run_config_parse(&config, scratch_path(&scratch, "run.yaml"), text, strlen(text),
                                  &(struct config_options){0}, &why),
                 ERR_OK, "%s", why.text);
    cr_assert_eq(stage_open(&stage, config, &sink, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(engine_start(stage->engine), ERR_OK);
    cr_assert_eq(engine_run(stage->engine, UINT64_MAX), ERR_END, "%s", engine_why(stage->engine)->text);
    engine_stop(stage->engine);
    compare(stage, seed);
    const struct perp_stats *stats = venue_perp_stats(stage->venue);
    seen->liquidations += stats->liquidations;
    seen->payments += stats->payments;
    seen->rejects += stats->margin_rejects;
    cr_expect_eq(engine_counters(stage->engine)->payments >= stats->payments, 1);
    cr_expect_eq(stats->overflows, 0);
    stage_close(stage);
    run_config_free(config);
}

static void run_seeds(const char *mode)
{
    static const char slow[] = "model: lognormal, entry: 5ms, entry_sigma: 1, response: 40ms, "
                               "response_sigma: 1.5, response_burst: 2s";
    static const char *const latencies[] = {"entry: 2ms, response: 2ms", "entry: 0s, response: 0s", slow};
    struct seen seen = {0, 0, 0};
    for (uint64_t seed = 1; seed <= 3; seed++)
        run(mode, latencies[seed % ARRAY_LEN(latencies)], seed, &seen);
    printf("%s: %" PRIu64 " liquidations, %" PRIu64 " payments, %" PRIu64 " rejects for margin\n", mode,
           seen.liquidations, seen.payments, seen.rejects);
    cr_expect_gt(seen.liquidations, 0);
    cr_expect_gt(seen.payments, 20);
    cr_expect_gt(seen.rejects, 0);
}

Test(perp_accounts, engine_and_venue_agree_to_the_last_digit_cross)
{
    run_seeds("cross");
}

Test(perp_accounts, engine_and_venue_agree_to_the_last_digit_isolated)
{
    run_seeds("isolated");
}
