/* tiers_file.h: margin tiers of many symbols, as the venue publishes them.
 *
 *   JSON, as /fapi/v1/leverageBracket and /dapi/v1/leverageBracket answer:
 *     [{"symbol":"BTCUSDT","brackets":[{"initialLeverage":125,"notionalFloor":0,"notionalCap":50000,
 *       "maintMarginRatio":0.004,"cum":0}, ...]}, ...]        (COIN-M: qtyFloor, qtyCap, in coins)
 *   CSV:
 *     symbol,floor,rate,leverage,cap,cum                      leverage, cap and cum may be left out
 *     BTCUSDT,0,0.004,125,50000,0
 *
 * A tier's cap must be the next one's floor; that of the last bounds the position. Numbers never pass through a
 * double.
 */
#ifndef TAPEDECK_CLI_TIERS_FILE_H
#define TAPEDECK_CLI_TIERS_FILE_H

#include "cli/config.h"
#include "core/margin.h"

struct tiers_entry {
    char symbol[SYMBOL_SIZE];
    struct margin_tiers tiers;
};

struct tiers_file {
    struct tiers_entry *entries;
    uint32_t count;
    char hash[33]; /* of the bytes */
};

/* Entries live as long as the config. ERR_CONFIG at `key`. */
err_t tiers_file_read(const struct run_config *config, const char *key, const char *path, struct tiers_file *file,
                      struct err_text *why) MUST_USE;
/* NULL: the file does not have the symbol. */
const struct margin_tiers *tiers_file_find(const struct tiers_file *file, const char *symbol);

#endif
