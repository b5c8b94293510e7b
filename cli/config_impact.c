#include "cli/config_impact.h"

#include "cli/config_tree.h"
#include "core/decimal.h"

#include <stdio.h>
#include <string.h>

#define KEY_SIZE 64

static err_t unused(const struct run_config *config, const char *key, struct err_text *why)
{
    return run_config_error(config, key, why, "not used: there is no impact without venue.impact.coefficient");
}

/* A decimal at 10^-9. */
static err_t parse(const struct run_config *config, const char *key, const struct config_decimal *decimal,
                   int64_t *value, struct err_text *why)
{
    if (decimal_parse(decimal->text, strlen(decimal->text), 9, ROUND_EXACT, value) == ERR_OK)
        return ERR_OK;
    return run_config_error(config, key, why, "'%s' has more than 9 decimals", decimal->text);
}

err_t config_impact_check(const struct run_config *config, struct err_text *why)
{
    const struct config_impact *impact = &config->venue.impact;
    if (impact->coefficient.text != NULL)
        return ERR_OK;
    if (impact->volatility.text != NULL)
        return unused(config, "venue.impact.volatility", why);
    if (impact->volume.text != NULL)
        return unused(config, "venue.impact.volume", why);
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        char key[KEY_SIZE];
        const bool volatility = config->instruments[i].impact_volatility.text != NULL;
        if (!volatility && config->instruments[i].impact_volume.text == NULL)
            continue;
        snprintf(key, sizeof(key), "instruments[%u].impact_%s", i, volatility ? "volatility" : "volume");
        return unused(config, key, why);
    }
    return ERR_OK;
}

/* Where the last word about an instrument stands. */
struct source {
    const struct config_decimal *volatility, *volume;
    char volatility_key[KEY_SIZE], volume_key[KEY_SIZE];
};

static void find_source(const struct run_config *config, const struct instrument *instrument, struct source *source)
{
    *source = (struct source){.volatility = &config->venue.impact.volatility,
                              .volume = &config->venue.impact.volume,
                              .volatility_key = "venue.impact.volatility",
                              .volume_key = "venue.impact.volume"};
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        const struct config_instrument *entry = &config->instruments[i];
        if (!config_instrument_matches(entry, instrument))
            continue;
        if (entry->impact_volatility.text != NULL) {
            source->volatility = &entry->impact_volatility;
            snprintf(source->volatility_key, KEY_SIZE, "instruments[%u].impact_volatility", i);
        }
        if (entry->impact_volume.text != NULL) {
            source->volume = &entry->impact_volume;
            snprintf(source->volume_key, KEY_SIZE, "instruments[%u].impact_volume", i);
        }
    }
}

err_t run_config_impact(const struct run_config *config, const struct instrument *instrument,
                        struct impact_model *model, struct err_text *why)
{
    const struct config_impact *section = &config->venue.impact;
    struct impact_config impact = {.half_life = section->half_life, .terms = section->terms};
    struct source source;
    *model = (struct impact_model){.terms = 0};
    if (section->coefficient.text == NULL)
        return ERR_OK;
    find_source(config, instrument, &source);
    if (source.volatility->text == NULL)
        return run_config_error(
            config, source.volatility_key, why,
            "is missing for %s: impact is counted in the deviation of a day's return, such as 0.03",
            instrument->symbol);
    if (source.volume->text == NULL)
        return run_config_error(config, source.volume_key, why,
                                "is missing for %s: impact needs the quantity that is traded in a day",
                                instrument->symbol);
    err_t err = parse(config, "venue.impact.coefficient", &section->coefficient, &impact.coefficient, why);
    if (err == ERR_OK)
        err = parse(config, "venue.impact.exponent", &section->exponent, &impact.exponent, why);
    if (err == ERR_OK)
        err = parse(config, "venue.impact.decay", &section->decay, &impact.decay, why);
    if (err == ERR_OK)
        err = parse(config, source.volatility_key, source.volatility, &impact.volatility, why);
    if (err != ERR_OK)
        return err;
    err = decimal_parse(source.volume->text, strlen(source.volume->text), instrument->qty_decimals, ROUND_EXACT,
                        &impact.volume);
    if (err != ERR_OK)
        return run_config_error(config, source.volume_key, why, "expected at most %u decimals for %s, got '%s'%s",
                                instrument->qty_decimals, instrument->symbol, source.volume->text,
                                err == ERR_RANGE ? " (out of range)" : "");
    struct err_text inner = {0};
    if (impact_model_init(model, &impact, &inner) != ERR_OK)
        return run_config_error(config, "venue.impact", why, "%s", inner.text);
    return ERR_OK;
}
