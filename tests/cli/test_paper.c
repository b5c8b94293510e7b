/* Mode paper without a socket: the real links against the venue's own protocol in virtual time, the whole stage
 * around them, and the session executed again from its tape. */
#include "cli/links_up.h"
#include "cli/virtual_wire.h"
#include "cli/wire_sources.h"
#include "cli/world_up.h"

#include "core/order.h"
#include "core/prng.h"
#include "feeds/synth_market.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START (INT64_C(1704067200) * NS_PER_S)
#define DELAY (3 * NS_PER_MS) /* of the network, one way; answers of the simulated venue take 9 ms */

static struct scratch scratch;

static void setup(void)
{
    scratch_begin(&scratch);
}
static void teardown(void)
{
    scratch_end(&scratch);
}
TestSuite(paper, .init = setup, .fini = teardown, .timeout = 120);

/* ---- what a run does, line by line ---- */

struct lines {
    struct journal journal;
    char *text;
    size_t size;
    FILE *file;
    uint64_t orders, fills;
};

static void on_record(void *context, const struct event *record)
{
    struct lines *lines = context;
    if (record->kind == EVENT_EXECUTION) {
        const struct execution *said = record->body;
        fprintf(lines->file,
                "%" PRId64 " %s order %" PRIu64 " at %" PRId64 ": %" PRId64 " x %" PRId64 " left %" PRId64 " %s\n",
                record->ts, exec_kind_name((enum exec_kind)said->kind), said->order_id, said->venue_ts, said->price,
                said->qty, said->leaves, reason_name((enum reason)said->reason));
        lines->fills += said->kind == EXEC_FILL;
    } else if (record->kind == EVENT_OUTPUT) {
        const struct event_output *output = record->body;
        fprintf(lines->file, "%" PRId64 " %s %" PRIu64 " %" PRId64 " x %" PRId64 " %" PRIu64 " %s\n", record->ts,
                output_kind_name((enum output_kind)output->kind), output->order_id, output->price, output->qty,
                output->detail, output->text);
        lines->orders += output->kind == OUTPUT_ORDER;
    }
}

static void lines_begin(struct lines *lines)
{
    *lines = (struct lines){.journal = {lines, on_record}};
    lines->file = open_memstream(&lines->text, &lines->size);
}

static void lines_end(struct lines *lines)
{
    fclose(lines->file);
}

static void same_lines(const struct lines *a, const struct lines *b, const char *what)
{
    const char *x = a->text, *y = b->text;
    while (*x != '\0' || *y != '\0') {
        const size_t x_size = strcspn(x, "\n"), y_size = strcspn(y, "\n");
        cr_assert(x_size == y_size && memcmp(x, y, x_size) == 0, "%s: '%.*s' and '%.*s'", what, (int)x_size, x,
                  (int)y_size, y);
        x += x_size + (x[x_size] == '\n');
        y += y_size + (y[y_size] == '\n');
    }
}

/* ---- configs ---- */

static const char *const strategies[] = {
    "name: noop",
    "name: maker\n  params: {size: \"0.01\", half_spread: 1, move_min: 1, interval: 50ms, position_max: \"0.5\"}",
    "name: grid\n  params: {size: \"0.01\"}",
    "name: cross\n  params: {fast: 1, slow: 2, bar: 1s}",
    "name: scripted\n  params: {orders: " TEST_SOURCE "/examples/scripted.csv}",
};

struct venue_words {
    enum wire_venue venue;
    const char *name, *symbol, *streams, *currency;
};
static const struct venue_words venues[] = {
    {WIRE_BINANCE_USDM, "binance-usdm", "SYN1USDT", "book,trades,bbo", "USDT"},
    {WIRE_BINANCE_SPOT, "binance-spot", "SYN1USDT", "book,trades", "USDT"},
    {WIRE_UPBIT, "upbit", "KRW-SYN1", "book,trades", "USDT"},
};

static struct run_config *config_of(const char *mode, const char *tape, const struct venue_words *venue,
                                    const char *strategy)
{
    char text[2048];
    struct run_config *config;
    struct err_text why = {0};
    snprintf(
        text, sizeof(text),
        "mode: %s\nfeed:\n%s%s%s  live:\n    - venue: %s\n      symbols: [%s]\n      streams: [%s]\n      stale: "
        "4s\n"
        "venue:\n  rules: tape\n  latency: {entry: 2ms, response: 9ms}\n"
        "account:\n  balances: {%s: \"1000000\"}\nstrategy:\n  %s",
        mode, tape != NULL ? "  tapes: [" : "", tape != NULL ? tape : "", tape != NULL ? "]\n" : "", venue->name,
        venue->symbol, venue->streams, venue->currency, strategy);
    err_t err = run_config_parse(&config, "test.yaml", text, strlen(text), &(struct config_options){0}, &why);
    cr_assert_eq(err, ERR_OK, "%s", why.text);
    return config;
}

/* ---- a venue, and the way to it ---- */

struct market_options {
    enum wire_venue venue;
    uint64_t seed;
    ns_t duration;
    ns_t cut; /* the line is cut so often, on average; 0: never */
};

struct made_venue {
    struct virtual_wire *virtual;
    struct synth_market *market;
    void *memory;
    struct instrument instrument;
};

static void venue_open(struct made_venue *made, const struct market_options *options)
{
    struct synth_config synth;
    struct err_text why = {0};
    synth_config_default(&synth);
    synth.seed = options->seed;
    synth.start_ts = START;
    synth.duration_ns = options->duration;
    synth.bbo = true;
    synth.latency_base_ns = synth.latency_jitter_ns = 0;
    if (options->venue != WIRE_BINANCE_USDM)
        synth.contract = CONTRACT_SPOT;
    made->memory = aligned_alloc(64, align64(synth_market_size(&synth)));
    made->market = synth_market_init(made->memory, &synth);
    made->instrument = *synth_instruments(made->market);
    snprintf(made->instrument.venue, NAME_SIZE, "%s", wire_venue_name(options->venue));
    if (options->venue == WIRE_UPBIT)
        snprintf(made->instrument.symbol, SYMBOL_SIZE, "KRW-SYN1");
    const struct virtual_net net = {.delay = DELAY, .cut = options->cut};
    const struct virtual_venue venue = {.wire = {.venue = options->venue,
                                                 .seed = options->seed,
                                                 .instruments = &made->instrument,
                                                 .instrument_count = 1,
                                                 .book_window = 16384},
                                        .market = synth_feed(made->market)};
    const struct virtual_wire_config config = {.seed = options->seed,
                                               .net = &net,
                                               .venues = &venue,
                                               .venue_count = 1,
                                               .from = START,
                                               .to = START + options->duration};
    cr_assert_eq(virtual_wire_open(&made->virtual, &config, &why), ERR_OK, "%s", why.text);
}

static void venue_close(struct made_venue *made)
{
    virtual_wire_close(made->virtual);
    free(made->memory);
}

/* What an operator says after so many inputs, before they are written down. */
struct operated {
    struct wire_source source; /* first */
    struct wire_source *inner;
    const char *command;
    uint64_t given, when;
    ns_t ts;
    char text[256];
};

static err_t operated_next(struct wire_source *source, struct link_input *input)
{
    struct operated *operated = (struct operated *)(void *)source;
    if (operated->command != NULL && ++operated->given == operated->when) {
        snprintf(operated->text, sizeof(operated->text), "%s", operated->command);
        *input = (struct link_input){.ts = operated->ts,
                                     .what = LINK_COMMAND,
                                     .text = operated->text,
                                     .text_size = (uint32_t)strlen(operated->text)};
        return ERR_OK;
    }
    err_t err = operated->inner->ops->next(operated->inner, input);
    if (err == ERR_OK)
        operated->ts = input->ts;
    return err;
}

static err_t operated_wait(struct wire_source *source, ns_t due)
{
    struct operated *operated = (struct operated *)(void *)source;
    return operated->inner->ops->wait(operated->inner, due);
}

/* ---- sessions ---- */

struct outcome {
    struct lines lines;
    struct digest_value digest;
    struct engine_counters counters;
    struct sim_stats sim;
    uint64_t inputs;
};

static void outcome_take(struct outcome *outcome, struct stage *stage)
{
    outcome->digest = stage_stop(stage);
    outcome->counters = *engine_counters(stage->engine);
    outcome->sim = sim_world_stats(stage->world);
    if (stage->wire != NULL)
        outcome->inputs = wire_feed_stats(stage->wire)->inputs;
    lines_end(&outcome->lines);
}

static void outcome_free(struct outcome *outcome)
{
    free(outcome->lines.text);
}

/* Live, as far as anyone inside can tell; the inputs go to `path`. */
static void run_session(const struct run_config *config, const struct market_options *options, const char *path,
                        const char *command, struct outcome *outcome)
{
    static const struct wire_source_ops operated_ops = {operated_next, operated_wait, NULL, NULL};
    struct made_venue made;
    struct raw_tape *tape;
    struct wire_source *tee;
    struct stage *stage;
    struct err_text why = {0};
    venue_open(&made, options);
    struct operated operated = {.source = {.ops = &operated_ops},
                                .inner = virtual_wire_source(made.virtual),
                                .command = command,
                                .when = 3000};
    struct stage_session session = {.path = path,
                                    .instruments = &made.instrument,
                                    .instrument_count = 1,
                                    .wire = virtual_wire_wire(made.virtual),
                                    .first_ts = virtual_wire_now(made.virtual)};
    char *listens = links_text(config);
    const struct raw_tape_options raw = {.source = "a test", .created_by = "test", .session = listens};
    cr_assert_eq(raw_tape_open(&tape, path, session.instruments, session.instrument_count, &raw, NULL), ERR_OK);
    free(listens);
    cr_assert_eq(wire_tee_open(&tee, &operated.source, tape, NULL), ERR_OK);
    wire_tee_begin(tee, session.first_ts);
    session.source = tee;
    *outcome = (struct outcome){.lines = {.file = NULL}};
    lines_begin(&outcome->lines);
    const struct stage_watch watch = {.journal = &outcome->lines.journal};
    err_t err = stage_open_session(&stage, config, NULL, &watch, &session, &why);
    cr_assert_eq(err, ERR_OK, "%s", why.text);
    cr_assert_eq(stage_start(stage), ERR_OK);
    while ((err = engine_run(stage->engine, 1000)) == ERR_OK || err == ERR_WAIT)
        if (err == ERR_WAIT)
            cr_assert_eq(wire_feed_wait(stage->wire, engine_due(stage->engine), &why), ERR_OK, "%s", why.text);
    cr_assert_eq(err, ERR_END, "%s", engine_why(stage->engine)->text);
    outcome_take(outcome, stage);
    stage_close(stage);
    tee->ops->close(tee);
    cr_assert_eq(raw_tape_close(tape, NULL, &why), ERR_OK, "%s", why.text);
    venue_close(&made);
}

/* From tapes, whatever the mode. */
static err_t run_again(const struct run_config *config, uint64_t budget, struct outcome *outcome,
                       struct err_text *why)
{
    struct stage *stage;
    *outcome = (struct outcome){.lines = {.file = NULL}};
    lines_begin(&outcome->lines);
    const struct stage_watch watch = {.journal = &outcome->lines.journal};
    err_t err = stage_open_watched(&stage, config, NULL, &watch, why);
    cr_assert_eq(err, ERR_OK, "%s", why->text);
    cr_assert_eq(stage_start(stage), ERR_OK);
    while ((err = engine_run(stage->engine, budget)) == ERR_OK)
        continue;
    if (err != ERR_END)
        err_say(why, err, "%s", engine_why(stage->engine)->text);
    outcome_take(outcome, stage);
    stage_close(stage);
    return err;
}

/* The events of a session's tape, as a market tape. */
static void normalise(const char *raw, const char *market)
{
    static struct ran ran;
    run_program(&scratch, &ran, "tape normalise '%s' --out '%s' --force", raw, market);
    cr_assert_eq(ran.code, 0, "%s%s", ran.out, ran.err);
    cr_expect(strstr(ran.out, "SYN1") != NULL && strstr(ran.out, "warning") == NULL, "%s", ran.out);
}

static bool same_digest(struct digest_value a, struct digest_value b)
{
    return a.low == b.low && a.high == b.high;
}

Test(paper, a_session_is_the_same_again_from_its_tape_and_so_are_its_orders_in_a_backtest)
{
    for (size_t v = 0; v < ARRAY_LEN(venues); v++) {
        for (size_t s = 0; s < ARRAY_LEN(strategies); s++) {
            char raw[300], market[300], what[64];
            struct err_text why = {0};
            struct outcome then, again, back;
            snprintf(raw, sizeof(raw), "%s", scratch_path(&scratch, "inputs.tape"));
            snprintf(market, sizeof(market), "%s", scratch_path(&scratch, "market.tape"));
            snprintf(what, sizeof(what), "%s, %.*s", venues[v].name, (int)strcspn(strategies[s], "\n"),
                     strategies[s]);
            const struct market_options options = {
                .venue = venues[v].venue, .seed = 5 + s, .duration = 40 * NS_PER_S, .cut = 10 * NS_PER_S};
            struct run_config *live = config_of("paper", NULL, &venues[v], strategies[s]);
            run_session(live, &options, raw, NULL, &then);
            cr_expect_gt(then.counters.inputs, 1000, "%s", what);
            cr_expect_gt(then.counters.gaps, 0, "%s: the line is cut", what);
            if (s != 0)
                cr_expect(then.lines.orders > 5 && then.lines.fills > 0, "%s: %" PRIu64 " orders, %" PRIu64 " fills",
                          what, then.lines.orders, then.lines.fills);

            struct run_config *paper = config_of("paper", raw, &venues[v], strategies[s]);
            cr_assert_eq(run_again(paper, 777, &again, &why), ERR_END, "%s: %s", what, why.text);
            same_lines(&then.lines, &again.lines, what);
            cr_expect(same_digest(then.digest, again.digest), "%s", what);
            cr_expect_eq(then.inputs, again.inputs, "%s", what);

            normalise(raw, market);
            struct run_config *backtest = config_of("backtest", market, &venues[v], strategies[s]);
            cr_assert_eq(run_again(backtest, 777, &back, &why), ERR_END, "%s: %s", what, why.text);
            cr_expect_eq(then.sim.late_events + then.sim.late_words, 0, "%s", what);
            same_lines(&then.lines, &back.lines, what);
            outcome_free(&then);
            outcome_free(&again);
            outcome_free(&back);
            run_config_free(live);
            run_config_free(paper);
            run_config_free(backtest);
        }
    }
}

Test(paper, stop_ends_a_session_and_its_execution_at_the_same_input)
{
    const struct market_options options = {.seed = 3, .duration = 60 * NS_PER_S};
    struct outcome then, again;
    struct err_text why = {0};
    char raw[300];
    snprintf(raw, sizeof(raw), "%s", scratch_path(&scratch, "inputs.tape"));
    struct run_config *live = config_of("paper", NULL, &venues[0], strategies[1]);
    run_session(live, &options, raw, "stop", &then);
    cr_expect_lt(then.counters.inputs, 6000, "the market would have gone on");
    struct run_config *paper = config_of("paper", raw, &venues[0], strategies[1]);
    cr_assert_eq(run_again(paper, 100000, &again, &why), ERR_END, "%s", why.text);
    same_lines(&then.lines, &again.lines, "stop");
    cr_expect(same_digest(then.digest, again.digest));
    outcome_free(&then);
    outcome_free(&again);
    run_config_free(live);
    run_config_free(paper);
}

Test(paper, another_link_configuration_is_noticed_when_it_asks_for_something_else)
{
    const struct market_options options = {.seed = 3, .duration = 5 * NS_PER_S};
    struct outcome then, again;
    struct err_text why = {0};
    char raw[300];
    snprintf(raw, sizeof(raw), "%s", scratch_path(&scratch, "inputs.tape"));
    struct run_config *live = config_of("paper", NULL, &venues[0], strategies[0]);
    run_session(live, &options, raw, NULL, &then);
    struct venue_words other = venues[0];
    other.streams = "book,trades";
    struct run_config *paper = config_of("paper", raw, &other, strategies[0]);
    cr_expect_eq(run_again(paper, 100000, &again, &why), ERR_MISMATCH);
    cr_expect(strstr(why.text, "asks for something else") != NULL, "%s", why.text);
    outcome_free(&then);
    outcome_free(&again);
    run_config_free(live);
    run_config_free(paper);
}

/* ---- the whole program ---- */

static void copy_file(const char *from, const char *to)
{
    size_t size;
    char *bytes = scratch_read(from, &size);
    FILE *file = fopen(to, "wb");
    cr_assert(bytes != NULL && file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
    free(bytes);
}

/* A run directory as a session leaves it: its inputs beside its journal. */
static void make_run(const struct venue_words *venue, const char *strategy)
{
    static struct ran ran;
    char inputs[300], text[2048];
    const struct market_options options = {.venue = venue->venue, .seed = 8, .duration = 30 * NS_PER_S};
    struct outcome then;
    snprintf(inputs, sizeof(inputs), "%s", scratch_path(&scratch, "inputs.tape"));
    struct run_config *live = config_of("paper", NULL, venue, strategy);
    run_session(live, &options, inputs, NULL, &then);
    scratch_write(&scratch, "paper.yaml", live->resolved);
    outcome_free(&then);
    run_config_free(live);
    run_program(&scratch, &ran, "run paper.yaml --tape inputs.tape --out run --quiet");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    snprintf(text, sizeof(text), "%s", scratch_path(&scratch, "run/inputs.tape"));
    copy_file(inputs, text);
    size_t size;
    char *result = scratch_read(scratch_path(&scratch, "run/result.json"), &size),
         *path = strstr(result, "\"path\": \"");
    cr_assert(path != NULL);
    path += strlen("\"path\": \"");
    char *end = strchr(path, '"');
    memmove(path + strlen("inputs.tape"), end, strlen(end) + 1);
    memcpy(path, "inputs.tape", strlen("inputs.tape"));
    scratch_write(&scratch, "run/result.json", result);
    free(result);
    remove(inputs); /* only the run's own is left */
}

Test(paper, verify_proves_a_session_and_names_the_block_of_any_flipped_byte)
{
    static struct ran ran;
    make_run(&venues[0], strategies[1]);
    run_program(&scratch, &ran, "verify run --quiet");
    cr_assert_eq(ran.code, 0, "%s%s", ran.out, ran.err);
    cr_expect(strstr(ran.out, "identical") != NULL, "%s", ran.out);
    run_program(&scratch, &ran, "bundle run --with-tapes --out run.bundle");
    cr_expect_eq(ran.code, 0, "%s%s", ran.out, ran.err);
    run_program(&scratch, &ran, "verify run.bundle --quiet");
    cr_expect_eq(ran.code, 0, "%s%s", ran.out, ran.err);

    size_t size;
    char path[300];
    struct prng prng;
    prng_init(&prng, 4, 4);
    for (int file = 0; file < 2; file++) {
        snprintf(path, sizeof(path), "%s",
                 scratch_path(&scratch, file == 0 ? "run/inputs.tape" : "run/journal.tape"));
        char *bytes = scratch_read(path, &size);
        for (int i = 0; i < 12; i++) {
            const size_t at = i == 0 ? 0 : i == 1 ? size - 1 : prng_below(&prng, size);
            FILE *stream = fopen(path, "r+b");
            fseek(stream, (long)at, SEEK_SET);
            fputc(bytes[at] ^ (1 << prng_below(&prng, 8)), stream);
            fclose(stream);
            run_program(&scratch, &ran, "verify run --quiet");
            cr_expect_eq(ran.code, 4, "byte %zu of %s: %d %s%s", at, path, ran.code, ran.out, ran.err);
            cr_expect(strstr(ran.out, "damaged at byte") != NULL || at < 4096 || at + 4096 > size,
                      "byte %zu of %s: %s%s", at, path, ran.out, ran.err);
            stream = fopen(path, "r+b");
            fseek(stream, (long)at, SEEK_SET);
            fputc(bytes[at], stream);
            fclose(stream);
        }
        free(bytes);
    }
    run_program(&scratch, &ran, "verify run --quiet");
    cr_expect_eq(ran.code, 0, "%s%s", ran.out, ran.err);
}

Test(paper, a_session_can_be_asked_why_and_shown_at_any_moment)
{
    static struct ran ran;
    make_run(&venues[2], strategies[1]);
    run_program(&scratch, &ran, "why run 3");
    cr_expect_eq(ran.code, 0, "%s%s", ran.out, ran.err);
    cr_expect(strstr(ran.out, "queue") != NULL, "%s", ran.out);
    run_program(&scratch, &ran, "diff run run");
    cr_expect_eq(ran.code, 0, "%s%s", ran.out, ran.err);
    run_program(&scratch, &ran, "run paper.yaml --tape run/journal.tape --out other --quiet");
    cr_expect_eq(ran.code, 3, "%s%s", ran.out, ran.err);
    cr_expect(strstr(ran.err, "not the inputs of a session") != NULL, "%s", ran.err);
}

Test(paper, normalise_takes_what_is_asked_for_and_says_what_it_lacks)
{
    static struct ran ran;
    make_run(&venues[0], strategies[0]);
    run_program(&scratch, &ran, "tape normalise run/inputs.tape --out all.tape --json");
    cr_expect_eq(ran.code, 0, "%s%s", ran.out, ran.err);
    cr_expect(strstr(ran.out, "\"bbo_wrong\":0") != NULL || strstr(ran.out, "\"bbo_wrong\": 0") != NULL, "%s",
              ran.out);
    run_program(&scratch, &ran, "tape normalise run/inputs.tape --out all.tape");
    cr_expect_eq(ran.code, 5, "it exists: %s", ran.err);
    run_program(&scratch, &ran, "tape normalise run/inputs.tape --out one.tape --instrument binance-usdm:SYN1USDT");
    cr_expect_eq(ran.code, 0, "%s%s", ran.out, ran.err);
    run_program(&scratch, &ran, "tape normalise run/inputs.tape --out none.tape --instrument XRPUSDT");
    cr_expect_eq(ran.code, 2, "%s", ran.err);
    run_program(&scratch, &ran, "tape normalise all.tape --out none.tape");
    cr_expect_eq(ran.code, 3, "%s", ran.err);
    run_program(&scratch, &ran, "tape check one.tape all.tape");
    cr_expect_eq(ran.code, 0, "%s", ran.out);
    run_program(&scratch, &ran, "tape cat run/inputs.tape --count 3");
    cr_expect(strstr(ran.out, "what=tick") != NULL, "%s", ran.out);
}
