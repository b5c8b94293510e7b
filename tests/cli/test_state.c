/* tapedeck state, and the snapshots behind it. */
#include "cli/rerun.h"
#include "cli/snapshot.h"
#include "cli/state_json.h"
#include "core/prng.h"
#include "data/zst_file.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scratch scratch;
static struct ran ran;

#define RUN_YAML                                                                                                     \
    "feed: {synth: {seed: 12, duration: 30s, instruments: 2}}\n"                                                     \
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
TestSuite(state, .init = setup, .fini = teardown);

static struct rerun *open_run(const char *name, enum rerun_snapshots snapshots)
{
    struct rerun *rerun;
    struct err_text why = {0};
    cr_assert_eq(rerun_open(&rerun, scratch_path(&scratch, name), &(struct rerun_options){0}, &why), ERR_OK, "%s",
                 why.text);
    rerun->snapshots = snapshots;
    rerun->spacing_ns = 1; /* one after each stretch that is executed */
    cr_assert_eq(rerun_stage(rerun, NULL, NULL, &why), ERR_OK, "%s", why.text);
    return rerun;
}

static void go(struct rerun *rerun, uint64_t inputs)
{
    struct err_text why = {0};
    cr_assert_eq(rerun_seek(rerun, inputs, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(engine_counters(rerun->stage->engine)->inputs, inputs);
}

static char *told(const struct rerun *rerun)
{
    json_t *state = state_json(rerun, 1000);
    char *text = json_dumps(state, 0);
    json_decref(state);
    cr_assert_not_null(text);
    return text;
}

/* Snapshots at a few places of the run; returns how many inputs it has. */
static uint64_t leave_snapshots(void)
{
    struct rerun *rerun = open_run("run", RERUN_SNAPSHOTS_MAKE);
    for (unsigned i = 1; i < 8; i++)
        go(rerun, rerun->inputs * i / 8);
    cr_assert_eq(rerun_snapshots_written(rerun), 7);
    cr_assert_str_empty(rerun->said);
    const uint64_t inputs = rerun->inputs;
    rerun_close(rerun);
    return inputs;
}

Test(state, from_a_snapshot_is_what_it_is_from_the_beginning)
{
    const uint64_t inputs = leave_snapshots(), seed = 99;
    struct prng prng;
    prng_init(&prng, seed, 1);
    struct rerun *from_start = open_run("run", RERUN_SNAPSHOTS_OFF), *jumping = open_run("run", RERUN_SNAPSHOTS_USE);
    for (int i = 0; i < 12; i++) {
        const uint64_t at = prng_below(&prng, inputs + 1);
        go(from_start, at);
        go(jumping, at);
        char *one = told(from_start), *two = told(jumping);
        cr_expect_str_eq(one, two, "seed %" PRIu64 ", after %" PRIu64 " inputs", seed, at);
        free(one);
        free(two);
    }
    cr_expect_str_empty(jumping->said);
    struct err_text why = {0};
    cr_assert_eq(rerun_seek(jumping, inputs, &why), ERR_OK);
    cr_expect_eq(rerun_advance(jumping, 1, &why), ERR_END);
    cr_expect_eq(rerun_finish(jumping, &why), ERR_OK, "%s", why.text);
    rerun_close(from_start);
    rerun_close(jumping);
}

static struct snapshot_name last_snapshot(void)
{
    struct snapshot_name name;
    cr_assert(snapshot_find(scratch_path(&scratch, "run/snapshots"), UINT64_MAX, NS_MAX, &name));
    return name;
}

/* A hash of what is in a .zst file; of a damaged one of what came before the damage, and false. */
static bool content_of(const char *path, struct digest_value *content)
{
    struct zst_reader *reader;
    struct err_text why = {0};
    struct digest digest;
    static char bytes[65536];
    digest_init(&digest, 0);
    if (zst_reader_open(&reader, path, &why) != ERR_OK)
        return false;
    size_t got = 0;
    err_t err;
    while ((err = zst_reader_get(reader, bytes, sizeof(bytes), &got, &why)) == ERR_OK && got != 0)
        digest_bytes(&digest, bytes, got);
    zst_reader_close(reader);
    *content = digest_value(&digest);
    return err == ERR_OK;
}

/* zstd leaves a few bits of a frame unused: such a flip changes nothing. */
static bool is_harmless(const char *path, const struct digest_value *whole)
{
    struct digest_value content;
    return content_of(path, &content) && content.low == whole->low && content.high == whole->high;
}

Test(state, a_damaged_snapshot_is_said_and_the_one_before_it_is_taken)
{
    const uint64_t inputs = leave_snapshots(), seed = 5;
    struct prng prng;
    prng_init(&prng, seed, 1);
    struct rerun *plain = open_run("run", RERUN_SNAPSHOTS_OFF);
    go(plain, inputs - 5);
    char *wanted = told(plain);
    const struct snapshot_name name = last_snapshot();
    size_t size;
    char *whole = scratch_read(name.path, &size);
    struct digest_value content;
    unsigned harmless = 0;
    cr_assert(content_of(name.path, &content));
    for (int i = 0; i < 30; i++) {
        const size_t at = (size_t)prng_below(&prng, size), length = i % 10 == 9 ? at : size;
        FILE *file = fopen(name.path, "wb");
        cr_assert_not_null(file);
        whole[at] ^= (char)(1 << i % 8);
        cr_assert_eq(fwrite(whole, 1, length, file), length);
        whole[at] ^= (char)(1 << i % 8);
        fclose(file);
        struct rerun *rerun = open_run("run", RERUN_SNAPSHOTS_USE);
        go(rerun, inputs - 5);
        char *got = told(rerun);
        if (is_harmless(name.path, &content))
            harmless++;
        else
            cr_expect_not_null(strstr(rerun->said, ".snap"), "seed %" PRIu64 " byte %zu: %s", seed, at, rerun->said);
        cr_expect_str_eq(got, wanted, "seed %" PRIu64 " byte %zu", seed, at);
        free(got);
        rerun_close(rerun);
    }
    cr_expect_leq(harmless, 3);
    free(whole);
    free(wanted);
    rerun_close(plain);
}

Test(state, a_snapshot_of_another_config_is_not_taken)
{
    leave_snapshots();
    size_t size;
    char *config = scratch_read(scratch_path(&scratch, "run/config.yaml"), &size);
    char *exponent = strstr(config, "queue_exponent: \"2\"");
    if (exponent == NULL)
        exponent = strstr(config, "queue_exponent: 2");
    cr_assert_not_null(exponent, "%s", config);
    *strchr(exponent, '2') = '3';
    scratch_write(&scratch, "run/config.yaml", config);
    free(config);
    struct rerun *rerun = open_run("run", RERUN_SNAPSHOTS_USE);
    go(rerun, rerun->inputs - 5);
    cr_expect_not_null(strstr(rerun->said, "is of another config"), "%s", rerun->said);
    rerun_close(rerun);
}

Test(state, the_verb_tells_the_books_the_orders_and_the_strategys_variables)
{
    run_program(&scratch, &ran, "state run --at 2024-01-01T00:00:15Z --depth 3 -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_expect_not_null(strstr(ran.out, ", 2024-01-01T00:00:15.000000000Z, digest "), "%s", ran.out);
    cr_expect_not_null(strstr(ran.out, "SYN2USDT of synthetic: "), "%s", ran.out);
    cr_expect_not_null(strstr(ran.out, "open orders\n"), "%s", ran.out);
    cr_expect_not_null(strstr(ran.out, "  buy_orders "), "%s", ran.out);
    run_program(&scratch, &ran, "state run --at 100 --json -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    json_t *state = json_loads(ran.out, 0, NULL);
    cr_assert_not_null(state);
    cr_expect_eq(json_integer_value(json_object_get(state, "inputs")), 100);
    cr_expect_eq(json_array_size(json_object_get(json_array_get(json_object_get(state, "books"), 0), "bids")), 5);
    json_decref(state);
}

Test(state, a_place_that_is_none_is_refused_in_words)
{
    run_program(&scratch, &ran, "state run");
    cr_expect_eq(ran.code, 2);
    cr_expect_not_null(strstr(ran.err, "expected --at N|TIME"), "%s", ran.err);
    run_program(&scratch, &ran, "state run --at noon");
    cr_expect_eq(ran.code, 2);
    cr_expect_not_null(strstr(ran.err, "--at noon: expected a number of inputs"), "%s", ran.err);
    run_program(&scratch, &ran, "state run --at 999999999");
    cr_expect_eq(ran.code, 2);
    cr_expect_not_null(strstr(ran.err, "the run has "), "%s", ran.err);
}

/* A strategy that keeps where a book lies, but only from the first message on. */
static const char sly[] =
    "#include \"core/strategy.h\"\n"
    "#include <stddef.h>\n"
    "struct sly { const struct book *book; };\n"
    "static void on_book(struct strategy_ctx *ctx, void *state, const struct event *event)\n"
    "{ (void)event; ((struct sly *)state)->book = strategy_book(ctx, 0); }\n"
    "static const struct strategy sly = {.abi = STRATEGY_ABI, .name = \"sly\", .version = \"1\", .help = \"Sly.\",\n"
    "    .state_size = sizeof(struct sly), .book = on_book};\n"
    "const struct strategy *tapedeck_strategy(void);\n"
    "const struct strategy *tapedeck_strategy(void) { return &sly; }\n";

Test(state, an_address_that_a_strategy_keeps_after_its_start_is_found)
{
    char command[2048];
    snprintf(command, sizeof(command), "cc -std=c17 -shared -fPIC -I%s -o %s %s", TEST_SOURCE,
             scratch_path(&scratch, "sly.so"), scratch_write(&scratch, "sly.c", sly));
    cr_assert_eq(system(command), 0);
    scratch_write(&scratch, "sly.yaml", "feed: {synth: {seed: 12, duration: 5s}}\nstrategy: {plugin: ./sly.so}\n");
    run_program(&scratch, &ran, "run sly.yaml --out slyrun -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    struct rerun *rerun = open_run("slyrun", RERUN_SNAPSHOTS_MAKE);
    go(rerun, rerun->inputs / 2);
    cr_expect_eq(rerun_snapshots_written(rerun), 0);
    cr_expect_not_null(strstr(rerun->said, "keeps an address in its memory (at byte 0)"), "%s", rerun->said);
    go(rerun, rerun->inputs);
    rerun_close(rerun);
}

Test(state, a_run_leaves_snapshots_behind_when_asked_and_is_the_same_run)
{
    char with[33], without[33];
    struct snapshot_name name;
    run_program(&scratch, &ran,
                "run run.yaml --out kept -q --json --set output.snapshots=on --set output.snapshot_interval=2s --set "
                "feed.synth.duration=120s");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    sscanf(strstr(ran.out, "\"digest\": \"") + 11, "%32[0-9a-f]", with);
    run_program(&scratch, &ran, "run run.yaml --no-output -q --json --set feed.synth.duration=120s");
    sscanf(strstr(ran.out, "\"digest\": \"") + 11, "%32[0-9a-f]", without);
    cr_expect_str_eq(with, without);
    cr_assert(snapshot_find(scratch_path(&scratch, "kept/snapshots"), UINT64_MAX, NS_MAX, &name));
    run_program(&scratch, &ran, "state kept --at %" PRIu64 " --json --no-snapshots", name.inputs + 7);
    char *plain = strdup(ran.out);
    run_program(&scratch, &ran, "state kept --at %" PRIu64 " --json", name.inputs + 7);
    cr_expect_str_eq(ran.out, plain);
    cr_expect_str_empty(ran.err);
    free(plain);
    /* this test is another program than the one that ran */
    struct rerun *rerun = open_run("kept", RERUN_SNAPSHOTS_USE);
    go(rerun, name.inputs + 7);
    cr_expect_not_null(strstr(rerun->said, "was made by another build"), "%s", rerun->said);
    rerun_close(rerun);
    run_program(&scratch, &ran, "evidence kept");
    cr_expect_eq(ran.code, 0, "%s", ran.err);
}
