#include "cli/rules_up.h"

#include "adapters/binance/rules.h"
#include "adapters/upbit/rules.h"

#include <string.h>

const struct venue_profile *const rules_profiles[] = {&binance_spot_profile, &binance_usdm_profile,
                                                      &binance_coinm_profile, &upbit_profile, NULL};

const struct venue_profile *rules_profile(const char *venue)
{
    for (size_t i = 0; rules_profiles[i] != NULL; i++)
        if (strcmp(rules_profiles[i]->venue, venue) == 0)
            return rules_profiles[i];
    return NULL;
}

/* What the config says of an instrument holds at all dates. */
static void lay_over(const struct run_config *config, const struct instrument *instrument, struct venue_rules *rules)
{
    const unsigned set = run_config_overrides(config, instrument);
    for (uint32_t i = 0; i < rules->span_count; i++) {
        struct venue_span *span = &rules->spans[i];
        if (set & CONFIG_SETS_LOT)
            span->lot = instrument->lot;
        if (set & CONFIG_SETS_QTY_MIN)
            span->qty_min = instrument->qty_min;
        if (set & CONFIG_SETS_NOTIONAL_MIN)
            span->notional_min = instrument->notional_min;
        if (set & CONFIG_SETS_MAKER_FEE)
            span->maker_fee = instrument->maker_fee;
        if (set & CONFIG_SETS_TAKER_FEE)
            span->taker_fee = instrument->taker_fee;
    }
}

err_t rules_up(const struct run_config *config, ns_t ts, struct instrument *instrument, struct venue_rules *rules,
               bool *has, struct err_text *why)
{
    const struct venue_profile *profile = rules_profile(instrument->venue);
    *has = config->venue.rules == CONFIG_RULES_NONE || (config->venue.rules == CONFIG_RULES_VENUE && profile != NULL);
    if (*has && config->venue.rules == CONFIG_RULES_VENUE) {
        err_t err = venue_rules_resolve(profile, instrument, rules, why);
        if (err != ERR_OK)
            return err;
        if (!profile->tape_first || !venue_rules_tape_has_filters(instrument))
            (void)venue_rules_put_ticks(profile, instrument); /* false: no rows, the tape's ticks stay */
        const struct venue_span *span = venue_rules_at(rules, ts);
        instrument->lot = span->lot;
        instrument->qty_min = span->qty_min;
        instrument->qty_max = span->qty_max;
        instrument->notional_min = span->notional_min;
        instrument->maker_fee = span->maker_fee;
        instrument->taker_fee = span->taker_fee;
        if ((err = instrument_check(instrument, why)) != ERR_OK)
            return err;
    }
    err_t err = run_config_apply_instrument(config, instrument, why);
    if (err != ERR_OK || !*has)
        return err;
    if (config->venue.rules == CONFIG_RULES_NONE)
        venue_rules_none(instrument, rules);
    else
        lay_over(config, instrument, rules);
    return ERR_OK;
}
