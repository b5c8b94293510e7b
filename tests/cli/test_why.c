/* `tapedeck why` as a user runs it, and the run executed again that it stands on. */
#include "cli/rerun.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HAS(text, part) cr_assert(strstr(text, part) != NULL, "expected '%s' in:\n%s", part, text)

#define GOLDEN "18 119 202 570"

static struct scratch scratch;
static struct ran ran;

static void begin(void)
{
    scratch_begin(&scratch);
}
static void end(void)
{
    scratch_end(&scratch);
}
TestSuite(why, .init = begin, .fini = end, .timeout = 120);

/* A busy maker near the touch: queues, fills of all sorts, cancels that come too late, rejects and refusals. */
static char *synth_config(void)
{
    char *text = scratch_read(TEST_SOURCE "/tests/cli/why_golden.yaml", NULL);
    cr_assert_not_null(text);
    return text;
}

/* `config` NULL: the one above. */
static void make_run(const char *config, const char *words)
{
    char *text = config == NULL ? synth_config() : NULL;
    scratch_write(&scratch, "run.yaml", config == NULL ? text : config);
    free(text);
    run_program(&scratch, &ran, "run run.yaml --out runs/one --quiet %s", words);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}

/* The first order of orders.csv with this event, from `after` on; 0: none. */
static unsigned long order_with(const char *event, const char *reason)
{
    char *text = scratch_read(scratch_path(&scratch, "runs/one/orders.csv"), NULL);
    cr_assert_not_null(text);
    unsigned long found = 0;
    for (char *line = strchr(text, '\n'); line != NULL && found == 0; line = strchr(line + 1, '\n')) {
        char fields[19][64] = {{0}};
        const char *at = line + 1;
        for (int i = 0; i < 18 && *at != '\0' && *at != '\n'; i++) {
            const size_t size = strcspn(at, ",\n");
            snprintf(fields[i], sizeof(fields[i]), "%.*s", (int)(size < 63 ? size : 63), at);
            at += size + (at[size] == ',');
        }
        if (strcmp(fields[5], event) == 0 && (reason == NULL || strcmp(fields[14], reason) == 0))
            found = strtoul(fields[2], NULL, 10);
    }
    free(text);
    return found;
}

static unsigned long needed(const char *event, const char *reason)
{
    const unsigned long id = order_with(event, reason);
    cr_assert_neq(id, 0, "the run has no order with %s %s", event, reason != NULL ? reason : "");
    return id;
}

/* When the text changes on purpose: tapedeck run tests/cli/why_golden.yaml --out runs/one, then tapedeck why one with
 * the orders of GOLDEN, without the two last lines, into tests/cli/why_golden.txt. */
Test(why, orders_of_the_synthetic_market_read_as_they_did)
{
    make_run(NULL, "");
    run_program(&scratch, &ran, "why one " GOLDEN " --quiet | head -n -2");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    char *golden = scratch_read(TEST_SOURCE "/tests/cli/why_golden.txt", NULL);
    cr_assert_not_null(golden);
    const char *a = ran.out, *b = golden;
    while (*a != '\0' && *a == *b)
        a++, b++;
    cr_assert(*a == *b, "not as tests/cli/why_golden.txt from here on:\n%.400s\nexpected:\n%.400s", a, b);
    free(golden);
}

Test(why, refused_rejected_and_late_requests_explain_themselves)
{
    make_run(NULL, "");
    run_program(&scratch, &ran, "why one %lu -q", needed("reject", "RISK_POSITION"));
    HAS(ran.out, "REFUSED: position if filled 0.0");
    HAS(ran.out, "> 0.05");
    HAS(ran.out, "learnt     reject: position limit");
    run_program(&scratch, &ran, "why one %lu -q", needed("reject", "POST_ONLY"));
    HAS(ran.out, "REJECTED   post-only order would take: ");
    HAS(ran.out, "when it arrives");
    run_program(&scratch, &ran, "why one %lu -q", needed("cancel_reject", "UNKNOWN_ORDER"));
    HAS(ran.out, "too late   the cancel lost its race: the order was filled ");
    run_program(&scratch, &ran, "why one %lu -q --full", needed("cancelled", NULL));
    HAS(ran.out, "cancelled  as asked");
}

static json_t *first_line(const char *text)
{
    json_error_t error;
    char *line = strdup(text);
    line[strcspn(line, "\n")] = '\0';
    json_t *value = json_loads(line, 0, &error);
    cr_assert_not_null(value, "%s: %.200s", error.text, line);
    free(line);
    return value;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* The JSON form holds together: each place begins where the one before ended, and the fills are those of fills.csv.
 */
Test(why, json_tells_the_chain_without_a_hole)
{
    make_run(NULL, "");
    run_program(&scratch, &ran, "why one %lu --json -q", needed("fill", NULL));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    json_t *order = first_line(ran.out);
    char ahead[64] = "", whats[4096] = "";
    size_t index;
    json_t *entry;
    json_array_foreach(json_object_get(order, "history"), index, entry)
    {
        const char *what = text_at(entry, "what");
        strcat(strcat(whats, what), " ");
        if (strcmp(what, "joined") == 0)
            snprintf(ahead, sizeof(ahead), "%s", text_at(entry, "ahead"));
        if (strcmp(what, "trade") == 0 || strcmp(what, "display") == 0) {
            cr_expect_str_eq(text_at(entry, "ahead_before"), ahead, "entry %zu", index);
            snprintf(ahead, sizeof(ahead), "%s", text_at(entry, "ahead"));
            cr_expect(json_is_integer(json_object_get(json_object_get(entry, "cause"), "message")));
        }
        if (strcmp(what, "fill") == 0)
            cr_expect_str_eq(text_at(entry, "liquidity"), "maker");
    }
    cr_expect_eq(strncmp(whats, "decided sent arrived answered joined ", 37), 0, "%s", whats);
    HAS(whats, "fill answered ");
    cr_expect_eq(json_array_size(json_object_get(json_array_get(json_object_get(order, "history"), 0), "risk_gate")),
                 7);
    json_decref(order);
}

static size_t lines_of(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

Test(why, fills_are_every_filled_order_and_all_is_every_order)
{
    static struct ran all;
    make_run(NULL, "--set feed.synth.duration=20s");
    json_t *result = json_load_file(scratch_path(&scratch, "runs/one/result.json"), 0, NULL);
    run_program(&scratch, &ran, "why one --fills --json -q | cut -c1-20");
    run_program(&scratch, &all, "why one --all --json -q | cut -c1-20");
    const json_t *counters = json_object_get(result, "counters");
    cr_expect_eq((json_int_t)lines_of(all.out), json_integer_value(json_object_get(counters, "orders")) +
                                                    json_integer_value(json_object_get(counters, "refused")));
    cr_expect(lines_of(ran.out) > 0 && lines_of(ran.out) < lines_of(all.out));
    json_decref(result);
}

/* ---- the run, again ---- */

static const char tape_config[] = "feed: {tapes: [a.tape]}\n"
                                  "account: {balances: {USDT: 100000}}\n"
                                  "strategy: {name: maker, params: {interval: 10ms, half_spread: 1, move_min: 1}}\n";

static void make_tape(const char *name, unsigned seed)
{
    run_program(&scratch, &ran, "synth %s --duration 30s --seed %u --quiet", name, seed);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}

Test(why, a_tape_is_found_where_the_run_was_started_or_where_it_is_said_to_be)
{
    make_tape("a.tape", 1);
    make_tape("other.tape", 2);
    make_run(tape_config, "");
    run_program(&scratch, &ran, "why runs/one/ 1 -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    HAS(ran.out, " of a.tape");
    HAS(ran.out, ": the same run\n");

    cr_assert_eq(rename(scratch_path(&scratch, "a.tape"), scratch_path(&scratch, "moved.tape")), 0);
    run_program(&scratch, &ran, "why one 1 -q");
    cr_expect_eq(ran.code, 5);
    HAS(ran.err, "a.tape: the tape that the run read is not there");
    HAS(ran.err, "--tape");
    run_program(&scratch, &ran, "why one 1 -q --tape other.tape moved.tape");
    cr_expect_eq(ran.code, 0, "%s", ran.err);
    HAS(ran.out, " of moved.tape");

    run_program(&scratch, &ran, "why one 1 -q --tape other.tape");
    cr_expect_eq(ran.code, 1);
    HAS(ran.err, "no tape given with --tape is the one that the run read");
    cr_assert_eq(rename(scratch_path(&scratch, "other.tape"), scratch_path(&scratch, "a.tape")), 0);
    run_program(&scratch, &ran, "why one 1 -q");
    cr_expect_eq(ran.code, 1);
    HAS(ran.err, "is not the tape that the run read");
    cr_expect_str_eq(ran.out, "");
}

/* Whatever was changed after the run: nothing is explained, and the exit code says it. */
Test(why, another_digest_explains_nothing)
{
    make_run(NULL, "--set feed.synth.duration=10s");
    const char *path = scratch_path(&scratch, "runs/one/config.yaml");
    char *text = scratch_read(path, NULL);
    char *key = strstr(text, "half_spread: 1");
    cr_assert_not_null(key, "%s", text);
    key[strlen("half_spread: ")] = '2';
    scratch_write(&scratch, "runs/one/config.yaml", text);
    free(text);
    run_program(&scratch, &ran, "why one 1 -q");
    cr_expect_eq(ran.code, 1);
    HAS(ran.err, "NOT THE SAME RUN");
    HAS(ran.err, "config.yaml was changed");
    cr_expect_str_eq(ran.out, "");
}

Test(why, a_stretch_of_a_tape_and_two_tapes_are_numbered_as_on_their_tapes)
{
    make_tape("a.tape", 1);
    scratch_write(&scratch, "run.yaml", tape_config);
    run_program(&scratch, &ran, "tape info a.tape --json");
    run_program(&scratch, &ran, "run run.yaml --out runs/one -q --set feed.from=2024-01-01T00:00:10Z");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "why one --fills --json -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    json_t *order = first_line(ran.out), *entry;
    size_t index;
    int checked = 0;
    json_array_foreach(json_object_get(order, "history"), index, entry)
    {
        const json_t *cause = json_object_get(entry, "cause"), *message = json_object_get(cause, "message");
        if (message == NULL || checked == 3)
            continue;
        static struct ran cat;
        run_program(&scratch, &cat, "tape cat a.tape --message %lld --count 1 --json",
                    (long long)json_integer_value(message));
        json_t *event = first_line(cat.out);
        cr_expect_str_eq(text_at(event, "kind"), text_at(cause, "kind"));
        HAS(cat.out, text_at(cause, "ts"));
        json_decref(event);
        checked++;
    }
    cr_expect_gt(checked, 0);
    json_decref(order);
}

Test(why, wrong_words_are_told)
{
    static const struct {
        const char *words, *text;
        int code;
    } bad[] = {
        {"", "expected RUN and an ORDER", 2},
        {"one", "expected RUN and an ORDER", 2},
        {"one 1 --all", "keep one", 2},
        {"one 0", "expected an order id", 2},
        {"one 5-2", "expected an order id", 2},
        {"one x", "expected an order id", 2},
        {"one 999999999", "the run has no such order: its ids are 1 to ", 2},
        {"two 1", "there is no such directory or bundle, and no run of that name under runs/", 5},
        {". 1", "has neither result.json nor config.yaml: not a run", 5},
    };
    make_run(NULL, "--set feed.synth.duration=5s");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        run_program(&scratch, &ran, "why %s -q", bad[i].words);
        cr_expect_eq(ran.code, bad[i].code, "why %s: %d", bad[i].words, ran.code);
        HAS(ran.err, bad[i].text);
    }
}

/* A taker's walk is one line, in full one a level; what the venue refuses comes with the numbers. */
Test(why, own_orders_of_a_script_explain_themselves)
{
    scratch_write(&scratch, "s.csv",
                  "order_id,submit_ts,side,price,qty,type,tif,cancel_ts\n"
                  "walk,2024-01-01T00:00:02Z,buy,,9,market,,\n"
                  "fok,2024-01-01T00:00:03Z,buy,29990,900,limit,fok,\n"
                  "ioc,2024-01-01T00:00:04Z,sell,40000,1,limit,ioc,\n"
                  "deep,2024-01-01T00:00:05Z,buy,29000,1,limit,gtc,2024-01-01T00:00:06Z\n");
    scratch_write(&scratch, "run.yaml",
                  "feed: {synth: {seed: 7, duration: 10s}}\n"
                  "account: {balances: {USDT: 1000000}}\n"
                  "strategy: {name: scripted, params: {orders: s.csv}}\n");
    run_program(&scratch, &ran, "run run.yaml --out runs/one --quiet");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "why one 1-4 -q | tr -s '\\n ' ' '");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    HAS(ran.out, "FILL 9.000, taker, through ");
    HAS(ran.out, " on average; complete price on average ");
    HAS(ran.out, "each fill rounded up at 8 decimals");
    HAS(ran.out, "learnt ack, response latency 2 ms");
    HAS(ran.out, " fills, the last 2 ms after it was made; position now 9.000");
    HAS(ran.out, "fill-or-kill order cannot fill whole: 0.000 of 900.000 can be taken within its limit");
    HAS(ran.out, "expired no opposite quantity left: 0.000 of 1.000 can be taken within its limit");
    HAS(ran.out, "us cancel on its timer");
    HAS(ran.out, "venue cancelled as asked");
    run_program(&scratch, &ran, "why one 1 -q --full");
    HAS(ran.out, "taker, of what is displayed there, ");
    HAS(ran.out, "; complete");
    HAS(ran.out, "kill switch clear, notional has no limit");
}

/* A run that was cut short is executed up to the same input. */
Test(why, a_rerun_stops_where_an_interrupted_run_stopped)
{
    make_run(NULL, "--set feed.synth.duration=10s");
    /* what an interrupted run leaves: made by hand, since no signal comes at a chosen input */
    char path[300];
    snprintf(path, sizeof(path), "%s", scratch_path(&scratch, "runs/one/result.json"));
    json_t *result = json_load_file(path, 0, NULL);
    const uint64_t half = (uint64_t)json_integer_value(json_object_get(result, "inputs")) / 2;
    json_object_set_new(result, "inputs", json_integer((json_int_t)half));
    json_object_set_new(result, "partial", json_true());
    cr_assert_eq(json_dump_file(result, path, 0), 0);
    json_decref(result);

    struct err_text why = {0};
    struct rerun *rerun;
    const struct engine_sink nobody = {0};
    cr_assert_eq(rerun_open(&rerun, scratch_path(&scratch, "runs/one"), &(struct rerun_options){0}, &why), ERR_OK,
                 "%s", why.text);
    cr_assert_eq(rerun_stage(rerun, &nobody, NULL, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(rerun_start(rerun, &why), ERR_OK);
    cr_assert_eq(rerun_advance(rerun, half - 10, &why), ERR_OK);
    cr_expect_eq(engine_counters(rerun->stage->engine)->inputs, half - 10);
    cr_assert_eq(rerun_advance(rerun, 1000, &why), ERR_OK);
    cr_expect_eq(engine_counters(rerun->stage->engine)->inputs, half);
    cr_assert_eq(rerun_advance(rerun, 1000, &why), ERR_END);
    cr_expect_eq(rerun_finish(rerun, &why), ERR_MISMATCH); /* the digest is still that of the whole run */
    HAS(why.text, "NOT THE SAME RUN");
    char digest[DIGEST_TEXT_SIZE];
    strcpy(digest, rerun->got);
    rerun_close(rerun);

    result = json_load_file(path, 0, NULL);
    json_object_set_new(result, "digest", json_string(digest));
    cr_assert_eq(json_dump_file(result, path, 0), 0);
    json_decref(result);
    run_program(&scratch, &ran, "why one 1 -q");
    cr_expect_eq(ran.code, 0, "%s", ran.err);
}
