/* The section venue.latency and its file of measured requests. */
#include "cli/config.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define BASE "feed: {tapes: [a.tape]}\nstrategy: {name: noop}\n"

static err_t parse(const char *latency, struct run_config **config, struct err_text *why)
{
    char text[1024];
    snprintf(text, sizeof(text), BASE "venue: {latency: {%s}}\n", latency);
    err_clear(why);
    return run_config_parse(config, "run.yaml", text, strlen(text), &(struct config_options){0}, why);
}

static struct run_config *good(const char *latency)
{
    struct run_config *config = NULL;
    struct err_text why = {0};
    cr_assert_eq(parse(latency, &config, &why), ERR_OK, "%s", why.text);
    return config;
}

static void bad(const char *latency, const char *words)
{
    struct run_config *config = NULL;
    struct err_text why = {0};
    cr_assert_eq(parse(latency, &config, &why), ERR_CONFIG, "%s", latency);
    cr_assert_not_null(strstr(why.text, words), "'%s' is not in '%s'", words, why.text);
}

static struct latency_model model_of(const struct run_config *config)
{
    struct latency_model model;
    struct err_text why = {0};
    cr_assert_eq(run_config_latency(config, &model, &why), ERR_OK, "%s", why.text);
    return model;
}

Test(config_latency, constant_is_the_default)
{
    struct run_config *config = good("entry: 5ms");
    const struct latency_model model = model_of(config);
    cr_expect_eq(latency_entry(&model, 7, 0).delay, 5 * NS_PER_MS);
    cr_expect_eq(latency_response(&model, 7, 0), 2 * NS_PER_MS);
    run_config_free(config);
}

Test(config_latency, lognormal_takes_the_median_with_the_least_in_it)
{
    struct run_config *config =
        good("model: lognormal, entry: 5ms, entry_min: 1ms, entry_sigma: 0.7, entry_burst: 200ms, "
             "response: 3ms, response_sigma: \"0.000000001\"");
    const struct latency_model model = model_of(config);
    const struct latency_direction *entry = &model.entry.is, *response = &model.response.is;
    cr_expect(entry->kind == LATENCY_LOGNORMAL && entry->value == 4 * NS_PER_MS && entry->min == NS_PER_MS);
    cr_expect(entry->sigma == 700000000 && entry->tau == 200 * NS_PER_MS);
    cr_expect(response->value == 3 * NS_PER_MS && response->min == 0 && response->sigma == 1 && response->tau == 0);
    run_config_free(config);
}

Test(config_latency, the_seed_is_that_of_the_run)
{
    struct run_config *config = good("model: lognormal, entry_sigma: 1, response_sigma: 1");
    const struct latency_model one = model_of(config);
    config->seed = 2;
    const struct latency_model two = model_of(config);
    cr_expect_neq(latency_entry(&one, 7, 0).delay, latency_entry(&two, 7, 0).delay);
    run_config_free(config);
}

Test(config_latency, what_the_model_does_not_use_is_refused)
{
    bad("entry_sigma: 0.5", "venue.latency.entry_sigma: not used by model: constant");
    bad("response_min: 1ms", "venue.latency.response_min: not used by model: constant");
    bad("entry_burst: 1ms", "venue.latency.entry_burst: not used by model: constant");
    bad("file: a.csv", "venue.latency.file: not used by model: constant");
    bad("model: interpolated, entry: 3ms, file: a.csv", "venue.latency.entry: not used by model: interpolated");
    bad("model: interpolated, entry_burst: 3ms, file: a.csv", "venue.latency.entry_burst: not used by");
    bad("model: empirical, response_min: 3ms, file: a.csv", "venue.latency.response_min: not used by");
}

Test(config_latency, what_the_model_needs_is_asked_for)
{
    bad("model: lognormal, response_sigma: 1", "venue.latency.entry_sigma: is missing");
    bad("model: lognormal, entry_sigma: 1", "venue.latency.response_sigma: is missing");
    bad("model: lognormal, entry_sigma: 4.1, response_sigma: 1", "from 0 to 4, got '4.1'");
    bad("model: lognormal, entry_sigma: 0.1234567891, response_sigma: 1", "more than 9 decimals");
    bad("model: lognormal, entry_sigma: 1, response_sigma: 1, entry_min: 3ms",
        "above the median, venue.latency.entry");
    bad("model: lognormal, entry_sigma: 1, response_sigma: 1, entry_burst: 999ns", "at least 1us");
    bad("model: empirical", "venue.latency.file: is missing");
    bad("model: gamma", "expected one of constant, lognormal, empirical, interpolated, got 'gamma'");
}

static const char *with_file(const struct scratch *scratch, const char *model, const char *rows)
{
    static char text[512];
    snprintf(text, sizeof(text), "model: %s, file: %s", model, scratch_write(scratch, "rows.csv", rows));
    return text;
}

#define ROWS "req,exch,resp\n1000,1100,1300\n2000,0,2900\n3000,3300,3350\n"

Test(config_latency, a_file_of_requests_is_interpolated)
{
    struct scratch scratch;
    scratch_begin(&scratch);
    struct run_config *config = good(with_file(&scratch, "interpolated", ROWS "4000,4100,4200\n"));
    const struct latency_model model = model_of(config);
    cr_expect_eq(latency_entry(&model, 3500, 0).delay, 200);
    cr_expect_not(latency_entry(&model, 3500, 0).rejected);
    cr_expect_eq(latency_entry(&model, 1500, 0).delay, 600);
    cr_expect(latency_entry(&model, 1500, 0).rejected);
    cr_expect_eq(latency_response(&model, 2200, 0), 125);
    run_config_free(config);
    scratch_end(&scratch);
}

Test(config_latency, a_file_of_requests_is_drawn_from_without_its_rejects)
{
    struct scratch scratch;
    scratch_begin(&scratch);
    struct run_config *config = good(with_file(&scratch, "empirical", ROWS));
    const struct latency_model model = model_of(config);
    const struct latency_direction *entry = &model.entry.is, *response = &model.response.is;
    cr_assert(entry->sample_count == 2 && response->sample_count == 2);
    cr_expect(entry->samples[0] == 100 && entry->samples[1] == 300);
    cr_expect(response->samples[0] == 50 && response->samples[1] == 200);
    run_config_free(config);
    scratch_end(&scratch);
}

Test(config_latency, damage_is_told_with_file_and_line)
{
    static const struct {
        const char *rows, *words;
    } cases[] = {
        {"", "rows.csv:1: expected the line 'req,exch,resp' first"},
        {"# by me\n\nreq;exch;resp\n", "rows.csv:3: expected the line 'req,exch,resp' first"},
        {"req,exch,resp\n", "rows.csv:1: no rows"},
        {"req,exch,resp\n1,2\n", "rows.csv:2: expected three stamps: req,exch,resp, got '1,2'"},
        {"req,exch,resp\n1,2,3,4\n", "expected three stamps: req,exch,resp, got '1,2,3,4'"},
        {"req,exch,resp\n1,2,3\n# here\n1,x,3\n", "rows.csv:4: exch: expected whole nanoseconds since 1970, got 'x'"},
        {"req,exch,resp\n1,2,3.5\n", "rows.csv:2: resp: expected whole nanoseconds"},
        {"req,exch,resp\n1,,3\n", "rows.csv:2: exch: expected whole nanoseconds since 1970, got ''"},
        {"req,exch,resp\n99999999999999999999,2,3\n", "rows.csv:2: req: expected whole"},
        {"req,exch,resp\n5,6,7\n\n4,5,6\n", "rows.csv:4: req 4 after 5: rows must rise in req"},
        {"req,exch,resp\n5,0,7\n", "rows.csv:2: the first row was rejected"},
    };
    struct scratch scratch;
    scratch_begin(&scratch);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        bad(with_file(&scratch, "interpolated", cases[i].rows), cases[i].words);
    bad("model: empirical, file: not_there.csv", "not_there.csv: No such file");
    bad("model: empirical, file: /", "/: expected a file");
    scratch_end(&scratch);
}

Test(config_latency, the_hash_is_of_the_rows_and_not_of_the_name)
{
    struct scratch scratch;
    char text[512];
    scratch_begin(&scratch);
    struct run_config *a = good(with_file(&scratch, "interpolated", ROWS));
    snprintf(text, sizeof(text), "model: interpolated, file: %s",
             scratch_write(&scratch, "other.csv",
                           "# the same\r\nreq,exch,resp\r\n1000,1100,1300\r\n2000,0,2900\r\n"
                           "3000,3300,3350"));
    struct run_config *same = good(text);
    struct run_config *other = good(with_file(&scratch, "interpolated", "req,exch,resp\n1000,1100,1301\n"));
    cr_expect_str_eq(a->hash, same->hash);
    cr_expect_str_neq(a->hash, other->hash);
    run_config_free(a);
    run_config_free(same);
    run_config_free(other);
    scratch_end(&scratch);
}

Test(config_latency, the_resolved_config_is_the_same_run)
{
    static const char *const models[] = {"interpolated", "empirical"};
    struct scratch scratch;
    scratch_begin(&scratch);
    for (int i = 0; i < 2; i++) {
        struct run_config *config = good(with_file(&scratch, models[i], ROWS)), *again = NULL;
        struct err_text why = {0};
        cr_assert_eq(run_config_parse(&again, "run.yaml", config->resolved, strlen(config->resolved),
                                      &(struct config_options){0}, &why),
                     ERR_OK, "%s", why.text);
        cr_expect_str_eq(config->hash, again->hash);
        run_config_free(config);
        run_config_free(again);
    }
    scratch_end(&scratch);
}

/* ---- feed.latency ---- */

static err_t parse_feed(const char *latency, struct run_config **config, struct err_text *why)
{
    char text[1024];
    snprintf(text, sizeof(text), "feed: {tapes: [a.tape], latency: {%s}}\nstrategy: {name: noop}\n", latency);
    return run_config_parse(config, "run.yaml", text, strlen(text), &(struct config_options){0}, why);
}

static ns_t feed_delay_of(const char *latency, uint16_t lane, ns_t exch_ts)
{
    struct run_config *config;
    struct latency_model model;
    struct err_text why = {0};
    cr_assert_eq(parse_feed(latency, &config, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(run_config_feed_latency(config, lane, &model, &why), ERR_OK, "%s", why.text);
    const ns_t delay = latency_response(&model, exch_ts, 0);
    run_config_free(config);
    return delay;
}

static void bad_feed(const char *latency, const char *words)
{
    struct run_config *config;
    struct err_text why = {0};
    cr_assert_eq(parse_feed(latency, &config, &why), ERR_CONFIG, "%s", latency);
    cr_expect(strstr(why.text, words) != NULL, "%s: %s", words, why.text);
}

Test(config_latency, market_data_are_as_late_as_recorded_unless_said)
{
    struct run_config *config;
    struct err_text why = {0};
    cr_assert_eq(parse_feed("", &config, &why), ERR_OK, "%s", why.text);
    cr_expect_eq(config->feed.latency.model, FEED_LATENCY_TAPE);
    run_config_free(config);
    bad_feed("delay: 5ms", "feed.latency.delay: not used by model: tape; see feed.latency.model");
    bad_feed("sigma: 1", "feed.latency.sigma: not used by model: tape");
    bad_feed("file: a.csv", "feed.latency.file: not used by model: tape");
    bad_feed("burst: 1s", "feed.latency.burst: not used by model: tape");
    bad_feed("min: 1ms", "feed.latency.min: not used by model: tape");
}

Test(config_latency, market_data_are_delayed_by_the_same_models)
{
    cr_expect_eq(feed_delay_of("model: constant, delay: 7ms", 0, 5), 7 * NS_PER_MS);
    const char *drawn = "model: lognormal, delay: 7ms, min: 6ms, sigma: 0.5";
    cr_expect_geq(feed_delay_of(drawn, 0, 5), 6 * NS_PER_MS);
    cr_expect_neq(feed_delay_of(drawn, 0, 5), feed_delay_of(drawn, 1, 5), "lanes draw apart");
    bad_feed("model: lognormal", "feed.latency.sigma: is missing");
    bad_feed("model: lognormal, sigma: 1, min: 3ms", "feed.latency.min: the least latency is above the median");
    bad_feed("model: empirical", "feed.latency.file: is missing: model: empirical needs a CSV file of measured "
                                 "arrivals, exch,recv");
}

Test(config_latency, a_file_of_arrivals_is_interpolated_and_drawn_from)
{
    struct scratch scratch;
    scratch_begin(&scratch);
    const char *rows = "exch,recv\n1000,1100\n2000,2300\n";
    cr_expect_eq(feed_delay_of(with_file(&scratch, "interpolated", rows), 0, 1500), 200);
    const ns_t one = feed_delay_of(with_file(&scratch, "empirical", rows), 0, 1500);
    cr_expect(one == 100 || one == 300);
    static const struct {
        const char *rows, *words;
    } cases[] = {
        {"req,exch,resp\n", "rows.csv:1: expected the line 'exch,recv' first"},
        {"exch,recv\n1,2,3\n", "rows.csv:2: expected two stamps: exch,recv, got '1,2,3'"},
        {"exch,recv\n5,4\n", "rows.csv:2: recv 4 is before exch 5"},
        {"exch,recv\n0,4\n", "rows.csv:2: exch is 0"},
        {"exch,recv\n5,6\n4,6\n", "rows.csv:3: exch 4 after 5: rows must rise"},
        {"exch,recv\n5,4000000000000\n", "more than an hour"},
        {"exch,recv\n", "no rows"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        bad_feed(with_file(&scratch, "interpolated", cases[i].rows), cases[i].words);
    scratch_end(&scratch);
}
