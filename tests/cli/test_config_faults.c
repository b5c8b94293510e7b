/* The section venue.faults. */
#include "cli/config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static err_t parse(const char *faults, struct run_config **config, struct err_text *why)
{
    char text[1024];
    snprintf(text, sizeof(text), "feed: {tapes: [a.tape]}\nstrategy: {name: noop}\nvenue: {faults: {%s}}\n", faults);
    err_clear(why);
    return run_config_parse(config, "run.yaml", text, strlen(text), &(struct config_options){0}, why);
}

static struct run_config *good(const char *section, struct faults *faults)
{
    struct run_config *config = NULL;
    struct err_text why = {0};
    cr_assert_eq(parse(section, &config, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(run_config_faults(config, faults, &why), ERR_OK, "%s", why.text);
    return config;
}

static void bad(const char *section, const char *words)
{
    struct run_config *config;
    struct err_text why = {0};
    cr_assert_eq(parse(section, &config, &why), ERR_CONFIG, "%s", section);
    cr_expect(strstr(why.text, words) != NULL, "'%s' is not in '%s'", words, why.text);
}

Test(config_faults, nothing_goes_wrong_unless_asked_for)
{
    struct faults faults;
    struct run_config *config = good("", &faults);
    cr_expect_not(faults_any(&faults));
    cr_expect(faults.timeout == 5 * NS_PER_S && faults.query == 2 * NS_PER_S);
    run_config_free(config);
}

Test(config_faults, windows_are_listed_and_drawn)
{
    struct faults faults;
    struct fault_span span;
    struct run_config *config = good("outages: \"1970-01-01T00:00:10Z/30s, 1970-01-01T00:01:00Z/500ms\", "
                                     "outage_requests: unanswered, outage_market: stops, "
                                     "line_cut_every: 1h, line_cut_length: 5s",
                                     &faults);
    cr_expect(faults.outage_silent && faults.outage_stops && faults.seed == config->seed);
    cr_expect_eq(faults.windows[FAULT_OUTAGE].span_count, 2);
    cr_assert(faults_at(&faults, FAULT_OUTAGE, 11 * NS_PER_S, &span));
    cr_expect(span.from == 10 * NS_PER_S && span.until == 40 * NS_PER_S);
    cr_assert(faults_after(&faults, FAULT_OUTAGE, 40 * NS_PER_S, &span));
    cr_expect_eq(span.until, 60 * NS_PER_S + 500 * NS_PER_MS);
    cr_expect(faults_after(&faults, FAULT_LINE, 0, &span) && span.from < 7200 * NS_PER_S);
    cr_expect_not(faults_has(&faults, FAULT_CHANNEL));
    run_config_free(config);
}

Test(config_faults, chances_are_exact)
{
    struct faults faults;
    struct run_config *config = good("request_loss: 0.001, answer_loss: 0.000000001, answer_late: 0.25, "
                                     "answer_delay: 40ms, timeout: 1s, query: 3s",
                                     &faults);
    cr_expect(faults.request_loss == 1000000 && faults.answer_loss == 1 && faults.answer_late == 250000000);
    cr_expect(faults.answer_delay == 40 * NS_PER_MS && faults.timeout == NS_PER_S && faults.query == 3 * NS_PER_S);
    run_config_free(config);
}

Test(config_faults, what_is_wrong_is_told_at_its_key)
{
    bad("outage_every: 1h", "venue.faults.outage_length: outage_every and outage_length belong together");
    bad("channel_cut_length: 1s", "venue.faults.channel_cut_every: channel_cut_every and");
    bad("line_cut_every: 4s, line_cut_length: 1001ms", "at most a quarter of venue.faults.line_cut_every");
    bad("line_cut_every: 1us, line_cut_length: 1ns", "at least 1ms");
    bad("answer_late: 0.1", "venue.faults.answer_delay: answer_late and answer_delay belong together");
    bad("request_loss: 1.1", "venue.faults.request_loss");
    bad("answer_loss: 0.0000000001", "more than 9 decimals");
    bad("outages: never", "expected BEGIN/LENGTH, such as 2024-08-08T01:00:00Z/30s, got 'never'");
    bad("outages: 1970-01-01T00:00:10Z/0s", "expected BEGIN/LENGTH");
    bad("line_cuts: \"1970-01-01T00:00:10Z/30s, 1970-01-01T00:00:40Z/1s\"", "window 2 begins before");
    bad("outage_requests: dropped", "refused");
}
