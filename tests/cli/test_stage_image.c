/* The state of a run as bytes: put into another stage it is the same run, bit for bit. */
#include "cli/stage_image.h"
#include "core/prng.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scratch scratch;
static struct ran ran;

static void setup(void)
{
    scratch_begin(&scratch);
    run_program(&scratch, &ran, "synth a.tape -d 20s -n 2 --block-levels 256 --bbo -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "synth b.tape -d 20s -s 2 --block-levels 1024 --contract spot -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "synth d.tape -d 20s -s 9 --block-levels 1024 -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "synth c.tape -d 10s -s 3 --level both --block-levels 512 -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}
static void teardown(void)
{
    scratch_end(&scratch);
}
TestSuite(stage_image, .init = setup, .fini = teardown, .timeout = 3600);

#define MONEY "account: {balances: {USDT: \"1000\", SYN1: \"50\", BTC: \"1\"}}\n"
#define GRID                                                                                                         \
    "strategy: {name: grid, params: {levels: 5, spacing: 2, half_spread: 0, size: \"0.5\", position_max: \"5\"}}\n"
#define LATE "latency: {model: lognormal, entry: 3ms, entry_sigma: \"0.8\", response: 2ms, response_sigma: \"0.8\"}"

static const struct scenario {
    const char *name, *yaml;
} scenarios[] = {
    {"a made market", "feed: {synth: {seed: 5, duration: 15s, instruments: 2}}\n" MONEY GRID
                      "venue: {queue: power, queue_exponent: \"2\", " LATE "}\nrisk: {daily_loss_max: \"100\"}\n"},
    {"a made market, lockstep",
     "feed: {synth: {seed: 6, duration: 15s}}\n" MONEY GRID
     "venue: {queue: power, queue_exponent: \"2\", bracket: true, " LATE "}\noutput: {equity_interval: 1s}\n"},
    {"a made market of single orders", "feed: {synth: {seed: 7, duration: 6s, level3: true}}\n" MONEY GRID
                                       "venue: {queue: l3_fifo, latency: {entry: 20ms, response: 5ms}}\n"},
    {"a tape on a bad day",
     "feed: {tapes: [a.tape], latency: {model: lognormal, delay: 5ms, sigma: \"0.5\", burst: 200ms}}\n" MONEY
     "strategy: {name: maker, params: {half_spread: 0, size: \"0.5\"}}\n"
     "venue: {" LATE ", impact: {coefficient: 0.7, volatility: 0.03, volume: 1000}, faults: {outage_every: 5s, "
     "outage_length: 500ms, outage_market: stops, line_cut_every: 3s, line_cut_length: 300ms, channel_cut_every: 2s, "
     "channel_cut_length: 400ms, request_loss: 0.05, answer_loss: 0.05, answer_late: 0.05, answer_delay: 300ms}}\n"},
    {"two lanes, cut out, read ahead",
     "feed: {tapes: [a.tape, d.tape], from: 2024-01-01T00:00:04Z, to: 2024-01-01T00:00:14Z, read_ahead: true}\n" MONEY
     "strategy: {name: cross}\nvenue: {" LATE "}\n"},
    {"spot", "feed: {tapes: [b.tape]}\n" MONEY GRID "venue: {queue: optimistic, " LATE "}\n"},
    {"a perpetual with margin",
     "feed: {tapes: [a.tape]}\naccount: {balances: {USDT: \"3000\"}}\n" GRID "venue: {" LATE
     ", margin: {mode: cross, leverage: 20, maintenance: 0.01, liquidation_fee: 0.0125}}\n"},
    {"level 2 and level 3 in two lanes",
     "feed: {tapes: [c.tape, c.l3.tape]}\n" MONEY GRID "venue: {queue: l3_fifo, " LATE "}\n"},
    {"a script of orders", "feed: {tapes: [a.tape]}\n" MONEY
                           "strategy: {name: scripted, params: {orders: \"" TEST_SOURCE "/examples/scripted.csv\"}}\n"
                           "venue: {" LATE "}\n"},
    {"nobody", "feed: {tapes: [a.tape, d.tape]}\nstrategy: {name: noop}\n"},
};

struct trial {
    struct run_config *config;
    struct stage *stage;
    struct stage_image *fresh;
    struct digest records; /* of the journal */
    struct journal journal;
    struct err_text why;
};

static void on_record(void *context, const struct event *record)
{
    struct trial *trial = context;
    digest_u64(&trial->records, (uint64_t)record->ts);
    digest_u64(&trial->records, record->seq);
    digest_u64(&trial->records, (uint64_t)record->kind << 32 | record->instrument);
    if (record->kind == EVENT_EXECUTION)
        digest_bytes(&trial->records, record->body, sizeof(struct execution));
    else if (record->body != NULL)
        digest_bytes(&trial->records, record->body, 64);
}

static void begin(struct trial *trial, const char *yaml)
{
    char path[512];
    memset(trial, 0, sizeof(*trial));
    snprintf(path, sizeof(path), "%s", scratch_path(&scratch, "run.yaml"));
    digest_init(&trial->records, 0);
    trial->journal = (struct journal){trial, on_record};
    cr_assert_eq(run_config_parse(&trial->config, path, yaml, strlen(yaml), &(struct config_options){0}, &trial->why),
                 ERR_OK, "%s", trial->why.text);
    const struct stage_watch watch = {.journal = &trial->journal};
    cr_assert_eq(stage_open_watched(&trial->stage, trial->config, NULL, &watch, &trial->why), ERR_OK, "%s",
                 trial->why.text);
    cr_assert_eq(stage_start(trial->stage), ERR_OK);
    cr_assert_eq(stage_image_take(&trial->fresh, trial->stage, &trial->why), ERR_OK);
}

static void end(struct trial *trial)
{
    stage_image_free(trial->fresh);
    stage_close(trial->stage);
    run_config_free(trial->config);
}

static uint64_t done(const struct trial *trial)
{
    return engine_counters(trial->stage->engine)->inputs;
}

static void advance(struct trial *trial, uint64_t to)
{
    while (done(trial) < to)
        cr_assert_eq(engine_run(trial->stage->engine, to - done(trial)), ERR_OK);
}

static uint64_t finish(struct trial *trial, char digest[DIGEST_TEXT_SIZE])
{
    err_t err;
    while ((err = engine_run(trial->stage->engine, 100000)) == ERR_OK)
        ;
    cr_assert_eq(err, ERR_END, "%s", engine_why(trial->stage->engine)->text);
    const uint64_t inputs = done(trial);
    digest_text(stage_stop(trial->stage), digest);
    return inputs;
}

static struct stage_image *settled(struct trial *trial)
{
    struct stage_image *image;
    cr_assert_eq(stage_settle(trial->stage), ERR_OK);
    cr_assert_eq(stage_image_take(&image, trial->stage, &trial->why), ERR_OK);
    return image;
}

/* Every word of the two is the same, or an address that was set before the first input and is as it was then. */
static void expect_same_image(const struct trial *a, const struct stage_image *at_a, const struct trial *b,
                              const struct stage_image *at_b, const char *where)
{
    cr_assert_eq(at_a->block_count, at_b->block_count);
    for (uint32_t i = 0; i < at_a->block_count; i++)
        for (uint32_t page = 0; page < at_a->blocks[i].page_count; page++) {
            const uint64_t *one = (const void *)stage_image_read(at_a, i, page);
            const uint64_t *two = (const void *)stage_image_read(at_b, i, page);
            const uint64_t *fresh_one = (const void *)stage_image_read(a->fresh, i, page);
            const uint64_t *fresh_two = (const void *)stage_image_read(b->fresh, i, page);
            for (size_t w = 0; w < STAGE_PAGE / 8; w++)
                if (one[w] != two[w] &&
                    (fresh_one[w] == fresh_two[w] || one[w] != fresh_one[w] || two[w] != fresh_two[w])) {
                    cr_expect(false, "%s: %s: page %u word %zu: %" PRIx64 " and %" PRIx64, where, stage_block_name(i),
                              page, w, one[w], two[w]);
                    return;
                }
        }
}

static unsigned rounds(void)
{
    const char *text = getenv("TAPEDECK_SNAPSHOTS");
    return text != NULL ? (unsigned)atoi(text) : 2 * (unsigned)ARRAY_LEN(scenarios);
}

/* At `early` the state is copied out of one run and put into another one, and both go on. */
static void compare(const struct scenario *scenario, uint64_t early, uint64_t late, const char *whole,
                    const char *where)
{
    struct trial one, two;
    char digest[DIGEST_TEXT_SIZE];
    struct feed_mark marks[8];
    begin(&one, scenario->yaml);
    begin(&two, scenario->yaml);
    cr_assert_lt(one.stage->lane_count, 8);
    advance(&one, early);
    struct stage_image *then = settled(&one);
    err_t err = stage_marks(one.stage, marks);
    cr_assert(err == ERR_OK || err == ERR_STATE, "%s", where);
    if (err == ERR_OK) {
        const struct stage_place place = {.fresh = one.fresh, .then = then, .marks = marks};
        cr_assert_eq(stage_put(two.stage, two.fresh, &place, &two.why), ERR_OK, "%s: %s", where, two.why.text);
        two.records = one.records;
        cr_assert_eq(done(&two), early);
        advance(&one, late);
        advance(&two, late);
        struct stage_image *at_one = settled(&one), *at_two = settled(&two);
        expect_same_image(&one, at_one, &two, at_two, where);
        stage_image_free(at_one);
        stage_image_free(at_two);
        finish(&two, digest);
        cr_expect_str_eq(digest, whole, "%s: put", where);
        finish(&one, digest);
        cr_expect_str_eq(digest, whole, "%s: settled", where);
        const struct digest_value a = digest_value(&one.records), b = digest_value(&two.records);
        cr_expect(a.low == b.low && a.high == b.high, "%s: journals", where);
        for (uint16_t i = 0; i < one.stage->follower_count; i++)
            cr_expect(memcmp(&one.stage->followers[i].digest, &two.stage->followers[i].digest,
                             sizeof(struct digest_value)) == 0,
                      "%s: follower %u", where, i);
    }
    stage_image_free(then);
    end(&one);
    end(&two);
}

Test(stage_image, a_snapshot_and_the_rest_are_the_whole_run_bit_for_bit)
{
    const char *given = getenv("TAPEDECK_SEED");
    const uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 4242;
    struct prng prng;
    prng_init(&prng, seed, 1);
    char whole[ARRAY_LEN(scenarios)][DIGEST_TEXT_SIZE];
    uint64_t inputs[ARRAY_LEN(scenarios)];
    for (size_t s = 0; s < ARRAY_LEN(scenarios); s++) {
        struct trial all;
        begin(&all, scenarios[s].yaml);
        inputs[s] = finish(&all, whole[s]);
        end(&all);
    }
    for (unsigned round = 0; round < rounds(); round++) {
        const size_t s = round % ARRAY_LEN(scenarios);
        char where[200];
        const uint64_t late = 1 + prng_below(&prng, inputs[s] - 1);
        const uint64_t early = round % 7 == 0 ? late : 1 + prng_below(&prng, late);
        snprintf(where, sizeof(where), "seed %" PRIu64 " round %u: %s, put at %" PRIu64 ", looked at %" PRIu64, seed,
                 round, scenarios[s].name, early, late);
        compare(&scenarios[s], early, late, whole[s], where);
    }
    printf("seed %" PRIu64 ": %u places in %zu runs\n", seed, rounds(), ARRAY_LEN(scenarios));
}
