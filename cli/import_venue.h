/* import_venue.h: the venues whose captures can be imported, behind one small table.
 *
 * A family is a market machine (adapters/<venue>/market.h), the rules of its instruments
 * (adapters/<venue>/rules.h), and which venue names it serves. Adding a venue is: one entry in the table of
 * import_venue.c.
 */
#ifndef TAPEDECK_CLI_IMPORT_VENUE_H
#define TAPEDECK_CLI_IMPORT_VENUE_H

#include "adapters/market.h"
#include "cli/import_scale.h"

struct import_family {
    const char *name; /* "binance" */
    bool has_ticks;   /* its rules know the tick of every date; else the tick that was seen counts */
    /* Open the machine for a venue; NULL: whichever of the family the frames turn out to be. */
    err_t (*open)(const char *venue, const struct market_sink *sink, struct market **market);
    /* The venue that the frames so far belong to; NULL: not known yet. */
    const char *(*venue)(const struct market *market);
    /* The instrument of a symbol by the venue's rules. ERR_UNKNOWN: base and quote cannot be told, the rest is
     * filled; ERR_SYNTAX, ERR_RANGE: not a symbol of this venue. */
    err_t (*instrument)(const char *venue, const char *symbol, unsigned price_decimals, unsigned qty_decimals,
                        struct instrument *instrument);
};

/* NULL-terminated. */
extern const struct import_family *const import_families[];

/* The family that serves a venue ("binance-usdm"); NULL: none. */
const struct import_family *import_family_of(const char *venue);
/* All venue names, for messages: "binance-spot, binance-usdm, ...". */
const char *import_venue_names(void);

/* The instrument of a symbol with the decimals, tick and lot that its scale asks for. `assets`: "BASE/QUOTE", or
 * NULL: from the symbol. ERR_UNKNOWN: base and quote cannot be told; ERR_SYNTAX, ERR_RANGE: no such symbol. */
err_t import_instrument(const struct import_family *family, const char *venue, const struct scale *scale,
                        const char *assets, struct instrument *instrument, struct err_text *why) MUST_USE;

#endif
