/* `tapedeck calibrate` as a user runs it: a truth made with a known model is found again. */
#include "core/decimal.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HAS(text, part) cr_assert(strstr(text, part) != NULL, "expected '%s' in:\n%s", part, text)

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
TestSuite(calibrate, .init = begin, .fini = end);

/* A script that follows the touch: every two seconds a bid and an ask, up to three ticks behind it, for 3 to 21 s. */
static void make_script(const char *tape)
{
    static char script[1 << 20];
    char line[512], words[512];
    size_t used = (size_t)sprintf(script, "order_id,submit_ts,side,price,qty,type,tif,cancel_ts\n");
    uint64_t second = 0, n = 0;
    snprintf(words, sizeof(words), "%s tape cat %s/%s --kind bbo", TEST_PROGRAM, scratch.dir, tape);
    FILE *pipe = popen(words, "r");
    cr_assert_not_null(pipe);
    while (fgets(line, sizeof(line), pipe) != NULL) {
        unsigned h, m, s;
        double bid, ask;
        const char *bids = strstr(line, "bids "), *time = strstr(line, "T0");
        if (bids == NULL || time == NULL || sscanf(time, "T%u:%u:%u", &h, &m, &s) != 3 ||
            sscanf(bids, "bids %lf %*s asks %lf", &bid, &ask) != 2 || (h * 60 + m) * 60 + s < second + 2)
            continue;
        second = (h * 60 + m) * 60 + s;
        n++;
        const uint64_t ts = (UINT64_C(1704067200) + second) * 1000000000 + 999000000;
        const uint64_t till = ts + (3 + 9 * (n % 3)) * UINT64_C(1000000000);
        used += (size_t)sprintf(script + used,
                                "b%" PRIu64 ",%" PRIu64 ",buy,%.1f,0.01,limit,gtx,%" PRIu64 "\na%" PRIu64 ",%" PRIu64
                                ",sell,%.1f,0.01,limit,gtx,%" PRIu64 "\n",
                                n, ts, bid - (double)(n % 4) * 0.1, till, n, ts, ask + (double)(n % 4) * 0.1, till);
    }
    pclose(pipe);
    scratch_write(&scratch, "script.csv", script);
}

static json_t *json_of(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, 0, &error);
    cr_assert_not_null(value, "%s: %s", error.text, text);
    return value;
}

static const char *text_at(json_t *object, const char *one, const char *two)
{
    const char *text = json_string_value(json_object_get(json_object_get(object, one), two));
    cr_assert_not_null(text, "%s.%s", one, two);
    return text;
}

static void make_truth(void)
{
    run_program(&scratch, &ran, "synth a.tape --duration 20m --bbo --quiet");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    make_script("a.tape");
    scratch_write(&scratch, "run.yaml",
                  "feed: {tapes: [a.tape]}\nvenue: {queue: power, queue_exponent: 2.5}\n"
                  "strategy: {name: scripted, params: {orders: script.csv}}\n");
    run_program(&scratch, &ran, "run run.yaml --out truth -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}

Test(calibrate, the_exponent_that_made_the_fills_is_found_again, .timeout = 300)
{
    make_truth();
    run_program(&scratch, &ran,
                "calibrate run.yaml --orders truth/outcomes.csv --models power,proportional --exponents 2:3 "
                "--tolerance 1us --json -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    json_t *result = json_of(ran.out);
    cr_assert_str_eq(text_at(result, "best", "queue"), "power");
    cr_assert_str_eq(text_at(result, "best", "queue_exponent"), "2.5");
    cr_assert_gt(json_integer_value(json_object_get(result, "real_fills")), 100);
    json_t *held = json_object_get(result, "held_out");
    json_t *chosen = json_object_get(json_object_get(held, "chosen"), "brier");
    json_t *pessimistic = json_object_get(json_object_get(held, "pessimistic"), "brier");
    cr_assert_lt(json_real_value(json_object_get(chosen, "value")), 0.001);
    cr_assert_lt(json_real_value(json_object_get(chosen, "value")),
                 json_real_value(json_object_get(pessimistic, "value")));
    /* the run that made the fills: every fill is the same, every other model has some that are not */
    json_t *models = json_object_get(result, "models");
    cr_assert_eq(json_array_size(models), 8);
    for (size_t i = 0; i < json_array_size(models); i++) {
        json_t *model = json_array_get(models, i);
        const char *exponent = json_string_value(json_object_get(model, "queue_exponent"));
        const bool is_truth = exponent != NULL && strcmp(exponent, "2.5") == 0;
        cr_assert_eq(json_integer_value(json_object_get(model, "too_early")) +
                             json_integer_value(json_object_get(model, "too_late")) ==
                         0,
                     is_truth, "%zu", i);
    }
    json_decref(result);

    run_program(&scratch, &ran,
                "calibrate run.yaml --orders truth/outcomes.csv --models power --exponents 2.5:2.75 -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    HAS(ran.out, "venue:\n  queue: power\n  queue_exponent: \"2.5\"\n");
    HAS(ran.out, "left out: ");
    HAS(ran.out, "held out: 5 folds of time");
}

Test(calibrate, what_cannot_be_calibrated_from_is_told)
{
    static const char head[] = "order_id,submit_ts,side,price,qty,type,tif,cancel_ts";
    char text[512];
    run_program(&scratch, &ran, "synth a.tape --duration 30s --quiet");
    run_program(&scratch, &ran, "calibrate --tape a.tape");
    cr_assert_eq(ran.code, 2);
    HAS(ran.err, "--orders is missing");
    run_program(&scratch, &ran, "calibrate --orders a.csv --tape a.tape --models powr");
    cr_assert_eq(ran.code, 2);
    HAS(ran.err, "got 'powr'");
    run_program(&scratch, &ran, "calibrate --orders a.csv --tape a.tape --exponents 1:9");
    cr_assert_eq(ran.code, 2);
    HAS(ran.err, "within 0.25:8, got '1:9'");
    run_program(&scratch, &ran, "calibrate --orders none.csv --tape a.tape");
    cr_assert_eq(ran.code, 3);
    HAS(ran.err, "none.csv: No such file");
    snprintf(text, sizeof(text), "%s\na,2024-01-01T00:00:05Z,buy,29990,0.01,limit,gtc,2024-01-01T00:00:06Z\n", head);
    scratch_write(&scratch, "a.csv", text);
    run_program(&scratch, &ran, "calibrate --orders a.csv --tape a.tape");
    cr_assert_eq(ran.code, 3);
    HAS(ran.err, "no order tells what became of it: give the column `filled`");
    snprintf(text, sizeof(text),
             "%s,filled\na,2024-01-01T00:00:05Z,buy,29990,0.01,limit,gtc,2024-01-01T00:00:06Z,0\n", head);
    scratch_write(&scratch, "a.csv", text);
    run_program(&scratch, &ran, "calibrate --orders a.csv --tape a.tape");
    cr_assert_eq(ran.code, 4, "%s", ran.err);
    HAS(ran.err, "none of the 1 orders that can be scored filled in reality");
}
