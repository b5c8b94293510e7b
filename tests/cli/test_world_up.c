/* From a config to a wired run: tapes that become one market, made markets, and what cannot be joined. */
#include "cli/world_up.h"

#include "data/tape_reader.h"
#include "data/tape_writer.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scratch scratch;

static void setup(void)
{
    scratch_begin(&scratch);
}
static void teardown(void)
{
    scratch_end(&scratch);
}
TestSuite(world_up, .init = setup, .fini = teardown);

/* ---- tapes ---- */

static struct instrument named(const char *symbol, unsigned price_decimals, unsigned qty_decimals)
{
    struct instrument instrument;
    cr_assert_eq(
        instrument_init(&instrument, "synthetic", symbol, "B", "USDT", CONTRACT_LINEAR, price_decimals, qty_decimals),
        ERR_OK);
    return instrument;
}

/* `count` snapshots from `ts` on, one a second, of the instruments in turn; the best bid is the second. */
static const char *write_tape(const char *name, const struct instrument *instruments, uint16_t instrument_count,
                              ns_t ts, uint32_t count)
{
    const char *path = scratch_path(&scratch, name);
    struct tape_writer *writer;
    struct tape_writer_stats stats;
    struct err_text why = {0};
    const struct tape_writer_options options = {.block_levels = 64};
    cr_assert_eq(tape_writer_open(&writer, path, instruments, instrument_count, &options, &why), ERR_OK, "%s",
                 why.text);
    for (uint32_t n = 0; n < count; n++) {
        const ns_t at = ts + n * NS_PER_S;
        const struct level levels[2] = {{at / NS_PER_S, 5}, {at / NS_PER_S + 1, 5}};
        const struct event event = {.ts = at,
                                    .exch_ts = at,
                                    .seq = n + 1,
                                    .levels = levels,
                                    .bid_count = 1,
                                    .ask_count = 1,
                                    .instrument = (uint16_t)(n % instrument_count),
                                    .kind = EVENT_BOOK_SNAPSHOT};
        cr_assert_eq(tape_writer_add(writer, &event), ERR_OK);
    }
    cr_assert_eq(tape_writer_close(writer, &stats, &why), ERR_OK, "%s", why.text);
    return path;
}

/* ---- runs ---- */

struct trial {
    struct engine_sink sink;
    struct run_config *config;
    struct stage *stage;
    struct err_text why;
    char *fills; /* a line each */
    size_t fills_size, fills_capacity;
    uint64_t fill_count;
    char digest[DIGEST_TEXT_SIZE];
};

static void on_fill(void *context, ns_t ts, const struct order *order, const struct execution *execution)
{
    struct trial *run = context;
    if (run->fills_capacity - run->fills_size < 256)
        run->fills = realloc(run->fills, run->fills_capacity = run->fills_capacity * 2 + 4096);
    run->fills_size += (size_t)snprintf(run->fills + run->fills_size, 256,
                                        "%" PRId64 " %" PRIu64 " %u %s %" PRId64 " %" PRId64 " %d\n", ts, order->id,
                                        order->instrument, side_name((enum side)order->side), execution->price,
                                        execution->qty, execution->maker);
    run->fill_count++;
}

/* A config of two sections, each a line or more of YAML. */
static err_t run_open(struct trial *run, const char *feed, const char *strategy)
{
    char text[4096];
    memset(run, 0, sizeof(*run));
    run->sink = (struct engine_sink){.context = run, .fill = on_fill};
    snprintf(text, sizeof(text), "feed: %s\nstrategy: %s\naccount: {balances: {USDT: \"100000\"}}\n", feed, strategy);
    cr_assert_eq(
        run_config_parse(&run->config, scratch_path(&scratch, "run.yaml"), text, strlen(text), NULL, &run->why),
        ERR_OK, "%s", run->why.text);
    return stage_open(&run->stage, run->config, &run->sink, &run->why);
}

static void run_all(struct trial *run)
{
    struct engine *engine = run->stage->engine;
    cr_assert_eq(engine_start(engine), ERR_OK);
    err_t err;
    while ((err = engine_run(engine, 1000)) == ERR_OK)
        ;
    cr_assert_eq(err, ERR_END, "%s", engine_why(engine)->text);
    digest_text(engine_stop(engine), run->digest);
}

static void run_close(struct trial *run)
{
    stage_close(run->stage);
    run_config_free(run->config);
    free(run->fills);
}

#define NOOP  "{name: noop}"
#define MAKER "{name: maker, params: {half_spread: 1, size: \"0.05\"}}"

/* ---- tapes that become one market ---- */

Test(world_up, an_instrument_of_two_tapes_is_one)
{
    const struct instrument first[] = {named("AUSDT", 0, 0), named("BUSDT", 0, 0)};
    const struct instrument second[] = {named("BUSDT", 0, 0), named("CUSDT", 0, 0)};
    write_tape("a.tape", first, 2, 1000 * NS_PER_S, 100);  /* B at odd seconds, to 1099 */
    write_tape("b.tape", second, 2, 1050 * NS_PER_S, 100); /* B at even seconds, to 1148 */
    struct trial run;
    cr_assert_eq(run_open(&run, "{tapes: [a.tape, b.tape]}", NOOP), ERR_OK, "%s", run.why.text);
    struct stage *stage = run.stage;
    cr_assert_eq(stage->instrument_count, 3);
    cr_expect_str_eq(stage->instruments[1].symbol, "BUSDT");
    cr_expect_str_eq(stage->instruments[2].symbol, "CUSDT");
    cr_expect_eq(stage->messages_total, 200);
    cr_expect_eq(stage->first_ts, 1000 * NS_PER_S);
    cr_expect_eq(stage->last_ts, 1149 * NS_PER_S);
    cr_expect(stage->lane_count == 2 && stage->tapes[1].closed && strlen(stage->tapes[1].hash) == 32);
    run_all(&run);
    struct level level;
    cr_assert(book_best(engine_book(stage->engine, 0), SIDE_BUY, &level) && level.price == 1098);
    cr_assert(book_best(engine_book(stage->engine, 1), SIDE_BUY, &level) && level.price == 1148);
    cr_assert(book_best(engine_book(stage->engine, 2), SIDE_BUY, &level) && level.price == 1149);
    cr_expect_eq(engine_counters(stage->engine)->inputs, 200);
    cr_expect_eq(stage_position(stage), 200);
    run_close(&run);
}

Test(world_up, the_order_of_the_tapes_does_not_change_the_market)
{
    const struct instrument one = named("AUSDT", 0, 0);
    write_tape("a.tape", &one, 1, 1000 * NS_PER_S, 70);
    write_tape("b.tape", &one, 1, 1070 * NS_PER_S, 70);
    struct trial run;
    struct level level;
    cr_assert_eq(run_open(&run, "{tapes: [b.tape, a.tape]}", NOOP), ERR_OK, "%s", run.why.text);
    run_all(&run);
    cr_assert(book_best(engine_book(run.stage->engine, 0), SIDE_BUY, &level) && level.price == 1139);
    cr_expect_eq(engine_counters(run.stage->engine)->inputs, 140);
    run_close(&run);
}

Test(world_up, a_stretch_of_several_tapes_is_cut_in_each)
{
    const struct instrument one = named("AUSDT", 0, 0), two = named("BUSDT", 0, 0);
    write_tape("a.tape", &one, 1, 1000 * NS_PER_S, 100);
    write_tape("b.tape", &two, 1, 1000 * NS_PER_S, 100);
    struct trial run;
    cr_assert_eq(run_open(&run,
                          "{tapes: [a.tape, b.tape], from: \"1970-01-01T00:17:10Z\", to: \"1970-01-01T00:17:20Z\"}",
                          NOOP),
                 ERR_OK, "%s", run.why.text); /* seconds 1030 to 1040 */
    cr_expect_eq(run.stage->first_ts, 1030 * NS_PER_S);
    cr_expect_eq(run.stage->last_ts, 1040 * NS_PER_S);
    run_all(&run);
    cr_expect_eq(engine_counters(run.stage->engine)->inputs, 2 * (1 + 10), "a book to begin with, and ten seconds");
    cr_expect_eq(engine_now(run.stage->engine), 1039 * NS_PER_S);
    run_close(&run);
}

/* ---- what cannot be joined ---- */

static void check_refused(const struct instrument *a, const struct instrument *b, const char *words)
{
    write_tape("a.tape", a, 1, 1000 * NS_PER_S, 3);
    const char *second = write_tape("b.tape", b, 1, 1000 * NS_PER_S, 3);
    struct trial run;
    cr_assert_eq(run_open(&run, "{tapes: [a.tape, b.tape]}", NOOP), ERR_CONFIG);
    cr_expect(strstr(run.why.text, words) != NULL, "%s", run.why.text);
    cr_expect(strstr(run.why.text, second) != NULL, "which tape: %s", run.why.text);
    cr_expect(strstr(run.why.text, "AUSDT") != NULL);
    run.stage = NULL;
    run_close(&run);
}

Test(world_up, tapes_that_disagree_about_an_instrument_are_refused_with_the_difference)
{
    const struct instrument plain = named("AUSDT", 2, 3);
    struct instrument other = named("AUSDT", 1, 3);
    check_refused(&plain, &other, "has 1 price and 3 quantity decimals here, 2 and 3 in another tape of the run");
    other = named("AUSDT", 2, 4);
    check_refused(&plain, &other, "has 2 price and 4 quantity decimals here, 2 and 3 in another tape of the run");
    cr_assert_eq(instrument_init(&other, "synthetic", "AUSDT", "B", "USDT", CONTRACT_SPOT, 2, 3), ERR_OK);
    check_refused(&plain, &other, "is another contract here (spot) than in another tape of the run (linear)");
    other = plain;
    other.multiplier = 10;
    check_refused(&plain, &other, "has another multiplier");
    other = plain;
    other.multiplier_decimals = 1;
    check_refused(&plain, &other, "has another multiplier");
}

Test(world_up, the_same_symbol_of_another_venue_is_another_instrument)
{
    const struct instrument one = named("AUSDT", 2, 3);
    struct instrument two;
    cr_assert_eq(instrument_init(&two, "elsewhere", "AUSDT", "B", "USDT", CONTRACT_SPOT, 4, 1), ERR_OK);
    write_tape("a.tape", &one, 1, 1000 * NS_PER_S, 3);
    write_tape("b.tape", &two, 1, 1000 * NS_PER_S, 3);
    struct trial run;
    cr_assert_eq(run_open(&run, "{tapes: [a.tape, b.tape]}", NOOP), ERR_OK, "%s", run.why.text);
    cr_expect_eq(run.stage->instrument_count, 2);
    run_close(&run);
}

/* ---- a made market is the tape that `tapedeck synth` writes of it ---- */

Test(world_up, a_made_market_trades_like_its_tape, .timeout = 60)
{
    struct ran *ran = malloc(sizeof(*ran));
    struct trial made, read;
    run_program(&scratch, ran, "synth made.tape --seed 5 --duration 2m --instruments 2 --block-levels 4096");
    cr_assert_eq(ran->code, 0, "%s", ran->err);
    cr_assert_eq(run_open(&made, "{synth: {seed: 5, duration: 2m, instruments: 2}}", MAKER), ERR_OK, "%s",
                 made.why.text);
    cr_assert_eq(run_open(&read, "{tapes: [made.tape]}", MAKER), ERR_OK, "%s", read.why.text);
    run_all(&made);
    run_all(&read);
    cr_assert_gt(made.fill_count, 20);
    cr_assert_eq(made.fill_count, read.fill_count);
    cr_assert_str_eq(made.fills, read.fills);
    cr_expect_str_eq(made.digest, read.digest, "not only the fills");
    run_close(&made);
    run_close(&read);
    cr_assert_eq(run_open(&made, "{synth: {seed: 6, duration: 2m, instruments: 2}}", MAKER), ERR_OK);
    run_all(&made);
    cr_expect_neq(strncmp(made.digest, read.digest, sizeof(made.digest)), 0);
    run_close(&made);
    free(ran);
}

Test(world_up, reading_ahead_and_the_size_of_blocks_change_nothing, .timeout = 60)
{
    static const char *const feeds[] = {"{tapes: [small.tape]}", "{tapes: [large.tape]}",
                                        "{tapes: [small.tape], read_ahead: true}"};
    char digest[DIGEST_TEXT_SIZE] = "";
    struct ran *ran = malloc(sizeof(*ran));
    run_program(&scratch, ran, "synth small.tape --seed 5 --duration 1m --block-levels 1024");
    cr_assert_eq(ran->code, 0, "%s", ran->err);
    run_program(&scratch, ran, "synth large.tape --seed 5 --duration 1m --block-levels 65536");
    cr_assert_eq(ran->code, 0, "%s", ran->err);
    for (size_t i = 0; i < ARRAY_LEN(feeds); i++) {
        struct trial run;
        cr_assert_eq(run_open(&run, feeds[i], MAKER), ERR_OK, "%s", run.why.text);
        run_all(&run);
        cr_assert_gt(run.fill_count, 5);
        if (i == 0)
            memcpy(digest, run.digest, sizeof(digest));
        cr_expect_str_eq(run.digest, digest, "%s", feeds[i]);
        run_close(&run);
    }
    free(ran);
}

/* ---- arrivals made anew ---- */

Test(world_up, arrivals_are_remodelled_before_the_lanes_are_joined_and_cut)
{
    const struct instrument instrument = named("AUSDT", 0, 0), other = named("BUSDT", 0, 0);
    write_tape("a.tape", &instrument, 1, 1000 * NS_PER_S, 50);
    write_tape("b.tape", &other, 1, 1000 * NS_PER_S, 50);
    struct trial run;
    char feed[256];
    cr_assert_eq(run_open(&run, "{tapes: [a.tape, b.tape], latency: {model: constant, delay: 1500ms}}", NOOP),
                 ERR_OK);
    run_all(&run);
    cr_expect_eq(engine_now(run.stage->engine), 1049 * NS_PER_S + 1500 * NS_PER_MS);
    cr_expect_eq(stage_feed_unstamped(run.stage), 0);
    run_close(&run);
    /* of 1.5 s later, [1010, 1020) holds what the tape has in [1008.5, 1018.5) */
    snprintf(feed, sizeof(feed),
             "{tapes: [a.tape, b.tape], latency: {model: constant, delay: 1500ms}, "
             "from: 1970-01-01T00:16:50Z, to: 1970-01-01T00:17:00Z}");
    cr_assert_eq(run_open(&run, feed, NOOP), ERR_OK, "%s", run.why.text);
    run_all(&run);
    cr_expect_eq(engine_counters(run.stage->engine)->inputs, 22, "ten of each and two books");
    cr_expect_eq(engine_now(run.stage->engine), 1019 * NS_PER_S + 500 * NS_PER_MS);
    run_close(&run);
}

Test(world_up, arrivals_as_recorded_and_made_anew_the_same_are_one_run)
{
    const struct instrument instrument = named("AUSDT", 0, 0);
    write_tape("a.tape", &instrument, 1, 1000 * NS_PER_S, 50); /* stamps are arrivals */
    struct trial recorded, anew, later;
    cr_assert_eq(run_open(&recorded, "{tapes: [a.tape]}", NOOP), ERR_OK);
    run_all(&recorded);
    cr_assert_eq(run_open(&anew, "{tapes: [a.tape], latency: {model: constant, delay: 0s}}", NOOP), ERR_OK);
    run_all(&anew);
    cr_assert_eq(run_open(&later, "{tapes: [a.tape], latency: {model: constant, delay: 1ns}}", NOOP), ERR_OK);
    run_all(&later);
    cr_expect_str_eq(recorded.digest, anew.digest);
    cr_expect_str_neq(recorded.digest, later.digest);
    run_close(&recorded);
    run_close(&anew);
    run_close(&later);
}
