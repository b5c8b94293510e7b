/* The section venue.impact. */
#include "cli/config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static err_t parse(const char *impact, const char *instruments, struct run_config **config, struct err_text *why)
{
    char text[1024];
    snprintf(text, sizeof(text),
             "feed: {tapes: [a.tape]}\nstrategy: {name: noop}\nvenue: {impact: {%s}}\ninstruments: [%s]\n", impact,
             instruments);
    err_clear(why);
    return run_config_parse(config, "run.yaml", text, strlen(text), &(struct config_options){0}, why);
}

static struct instrument named(const char *symbol, unsigned qty_decimals)
{
    struct instrument instrument;
    cr_assert_eq(instrument_init(&instrument, "synthetic", symbol, "B", "Q", CONTRACT_LINEAR, 1, qty_decimals),
                 ERR_OK);
    return instrument;
}

static err_t model_of(const char *impact, const char *instruments, const char *symbol, struct impact_model *model,
                      struct err_text *why)
{
    struct run_config *config;
    const struct instrument instrument = named(symbol, 3);
    cr_assert_eq(parse(impact, instruments, &config, why), ERR_OK, "%s", why->text);
    const err_t err = run_config_impact(config, &instrument, model, why);
    run_config_free(config);
    return err;
}

#define LAW "coefficient: 0.7, volatility: 0.03, volume: 250000"

Test(config_impact, there_is_none_unless_asked_for)
{
    struct impact_model model = {.terms = 7};
    struct err_text why = {0};
    cr_assert_eq(model_of("", "", "X", &model, &why), ERR_OK);
    cr_expect_eq(model.terms, 0);
}

Test(config_impact, quantities_are_those_of_the_instrument)
{
    struct impact_model model;
    struct err_text why = {0};
    cr_assert_eq(model_of(LAW, "", "X", &model, &why), ERR_OK, "%s", why.text);
    cr_expect_eq(model.terms, 1);
    cr_expect_eq(model.half_life[0], 10 * NS_PER_S);
    const int64_t moved = impact_of(&model, 10000, 100000); /* 100 of 250,000, 300 ticks */
    cr_expect(moved > 419 * (INT64_C(1) << 32) / 100 && moved < 421 * (INT64_C(1) << 32) / 100);
}

Test(config_impact, an_instrument_has_its_own_day)
{
    struct impact_model model, other;
    struct err_text why = {0};
    const char *entry = "{symbol: X, impact_volume: 1000, impact_volatility: 0.06}";
    cr_assert_eq(model_of(LAW, entry, "X", &model, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(model_of(LAW, entry, "Y", &other, &why), ERR_OK, "%s", why.text);
    const int64_t own = impact_of(&model, 10000, 1000000), law = impact_of(&other, 10000, 250000000);
    cr_expect(own - 2 * law < 10 && own - 2 * law > -10, "a day's volume of each");
    cr_assert_eq(model_of("coefficient: 1", entry, "X", &model, &why), ERR_OK, "%s", why.text);
    cr_expect_eq(model_of("coefficient: 1", entry, "Y", &model, &why), ERR_CONFIG);
    cr_expect(strstr(why.text, "venue.impact.volatility: is missing for Y") != NULL, "%s", why.text);
}

Test(config_impact, what_is_wrong_is_told_at_its_key)
{
    struct run_config *config;
    struct impact_model model;
    struct err_text why = {0};
    cr_expect_eq(parse("volume: 3", "", &config, &why), ERR_CONFIG);
    cr_expect(strstr(why.text, "venue.impact.volume: not used: there is no impact without") != NULL, "%s", why.text);
    cr_expect_eq(parse("", "{symbol: X, impact_volume: 3}", &config, &why), ERR_CONFIG);
    cr_expect(strstr(why.text, "instruments[0].impact_volume: not used") != NULL, "%s", why.text);
    cr_expect_eq(parse("coefficient: 0", "", &config, &why), ERR_CONFIG);
    cr_expect_eq(parse("coefficient: 1, exponent: 1.1", "", &config, &why), ERR_CONFIG);
    cr_expect_eq(parse("coefficient: 1, terms: 9", "", &config, &why), ERR_CONFIG);
    cr_expect_eq(model_of("coefficient: 1, volatility: 0.1", "", "X", &model, &why), ERR_CONFIG);
    cr_expect(strstr(why.text, "venue.impact.volume: is missing for X") != NULL, "%s", why.text);
    cr_expect_eq(model_of("coefficient: 1, volatility: 0.1, volume: 0.0001", "", "X", &model, &why), ERR_CONFIG);
    cr_expect(strstr(why.text, "at most 3 decimals for X, got '0.0001'") != NULL, "%s", why.text);
    cr_expect_eq(model_of("coefficient: 0.12345678901, volatility: 0.1, volume: 1", "", "X", &model, &why),
                 ERR_CONFIG);
    cr_expect(strstr(why.text, "more than 9 decimals") != NULL, "%s", why.text);
}
