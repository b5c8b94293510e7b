#include "cli/config_perp.h"

#include "cli/config_tree.h"
#include "cli/funding_file.h"
#include "cli/tiers_file.h"

#include <stdio.h>
#include <string.h>

#define KEY_SIZE    64
#define TIERS_KEY   "venue.margin.tiers"
#define FUNDING_KEY "venue.funding.file"

/* What the files hold, kept by the config. */
struct config_perp_files {
    struct tiers_file tiers;
    struct funding_file funding;
};

static err_t missing(const struct run_config *config, const char *key, const char *what, struct err_text *why)
{
    return run_config_error(config, key, why, "is missing: %s", what);
}

err_t config_perp_read(struct run_config *config, struct err_text *why)
{
    struct config_margin *margin = &config->venue.margin;
    struct config_funding *funding = &config->venue.funding;
    struct config_perp_files *files = config_tree_alloc(config->tree, sizeof(*files));
    if (files == NULL)
        return err_say(why, ERR_NOMEM, "%s: out of memory", config->path);
    config->venue.perp_files = files;
    err_t err = ERR_OK;
    if (margin->mode != MARGIN_OFF && !margin->liquidation_fee.set)
        return missing(config, "venue.margin.liquidation_fee",
                       "what a liquidation costs, as the venue publishes it (Binance: exchangeInfo, liquidationFee)",
                       why);
    if (margin->mode != MARGIN_OFF && margin->tiers == NULL && !margin->maintenance.set)
        return missing(config, TIERS_KEY,
                       "a file of margin tiers, or one rate for all positions in venue.margin.maintenance", why);
    if (margin->tiers != NULL) {
        err = tiers_file_read(config, TIERS_KEY, margin->tiers, &files->tiers, why);
        memcpy(margin->tiers_hash, files->tiers.hash, sizeof(margin->tiers_hash));
    }
    if (err == ERR_OK && (funding->source == FUNDING_FILE) != (funding->file != NULL))
        return run_config_error(config, funding->file == NULL ? FUNDING_KEY : "venue.funding.source", why,
                                "source: file and a file belong together");
    if (err == ERR_OK && funding->file != NULL) {
        err = funding_file_read(config, FUNDING_KEY, funding->file, &files->funding, why);
        memcpy(funding->file_hash, files->funding.hash, sizeof(funding->file_hash));
    }
    return err;
}

static err_t leverage_of(const struct run_config *config, const struct instrument *instrument, char *key,
                         int64_t *leverage, struct err_text *why)
{
    const char *text = config->venue.margin.leverage.text;
    snprintf(key, KEY_SIZE, "venue.margin.leverage");
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        const struct config_instrument *entry = &config->instruments[i];
        if (!config_instrument_matches(entry, instrument) || entry->leverage.text == NULL)
            continue;
        text = entry->leverage.text;
        snprintf(key, KEY_SIZE, "instruments[%u].leverage", i);
    }
    if (decimal_parse(text, strlen(text), LEVERAGE_DECIMALS, ROUND_EXACT, leverage) == ERR_OK && *leverage > 0)
        return ERR_OK;
    return run_config_error(config, key, why, "'%s' has more than %d decimals", text, LEVERAGE_DECIMALS);
}

static err_t rules_of(const struct run_config *config, const struct instrument *instrument,
                      struct margin_rules *rules, struct err_text *why)
{
    const struct config_margin *margin = &config->venue.margin;
    const struct margin_tiers *tiers =
        margin->tiers != NULL ? tiers_file_find(&config->venue.perp_files->tiers, instrument->symbol) : NULL;
    char key[KEY_SIZE];
    if (tiers == NULL && !margin->maintenance.set)
        return run_config_error(
            config, TIERS_KEY, why,
            "%s has no tiers for %s; add them, or set venue.margin.maintenance for what is not in "
            "the file",
            margin->tiers, instrument->symbol);
    if (tiers != NULL)
        rules->tiers = *tiers;
    else
        margin_tiers_single(&rules->tiers, margin->maintenance.value);
    rules->liquidation_fee = margin->liquidation_fee.value;
    err_t err = leverage_of(config, instrument, key, &rules->leverage, why);
    if (err != ERR_OK)
        return err;
    const int64_t most = rules->tiers.at[0].leverage_max;
    if (most != 0 && rules->leverage > most) {
        char text[DECIMAL_TEXT_SIZE];
        decimal_format(text, most, LEVERAGE_DECIMALS, 0);
        return run_config_error(config, key, why, "%s allows a leverage of %s at most", instrument->symbol, text);
    }
    return ERR_OK;
}

err_t run_config_perp(const struct run_config *config, const struct instrument *instruments, uint16_t count,
                      struct perp_config *perp, struct margin_rules *rules, struct funding_row **rows,
                      struct err_text *why)
{
    const struct config_venue *venue = &config->venue;
    *perp = (struct perp_config){.margin = (enum margin_mode)venue->margin.mode,
                                 .close_after_liquidation = venue->margin.after_liquidation == 1,
                                 .rules = rules,
                                 .funding = (enum funding_source)venue->funding.source};
    *rows = NULL;
    err_t err = ERR_OK;
    for (uint16_t i = 0; i < count && err == ERR_OK && perp->margin != MARGIN_OFF; i++)
        if (instruments[i].contract != CONTRACT_SPOT)
            err = rules_of(config, &instruments[i], &rules[i], why);
    if (err == ERR_OK && perp->funding == FUNDING_FILE)
        err = funding_file_rows(config, FUNDING_KEY, &venue->perp_files->funding, instruments, count, rows,
                                &perp->row_count, why);
    perp->rows = *rows;
    return err;
}
