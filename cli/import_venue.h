/* import_venue.h: the venues whose captures can be imported, behind one small table.
 *
 * A family is a market machine (adapters/<venue>/market.h) and what is to be known besides: which venue
 * names it serves, how its symbols fall apart into base and quote, what kind of contract they are. Adding a
 * venue is: one entry in the table of import_venue.c.
 */
#ifndef TAPEDECK_CLI_IMPORT_VENUE_H
#define TAPEDECK_CLI_IMPORT_VENUE_H

#include "adapters/market.h"
#include "cli/import_scale.h"

struct import_family {
    const char *name; /* "binance" */
    /* Open the machine for a venue; NULL: whichever of the family the frames turn out to be. */
    err_t (*open)(const char *venue, const struct market_sink *sink, struct market **market);
    /* The venue that the frames so far belong to; NULL: not known yet. */
    const char *(*venue)(const struct market *market);
    /* Currencies and contract. ERR_UNKNOWN: not a symbol of this venue. */
    err_t (*describe)(const char *venue, const char *symbol, struct instrument *instrument);
    /* The venue's own tick rules, when it has published them; NULL: the tick that was seen. */
    void (*rules)(struct instrument *instrument);
};

/* NULL-terminated. */
extern const struct import_family *const import_families[];

/* The family that serves a venue ("binance-usdm"); NULL: none. */
const struct import_family *import_family_of(const char *venue);
/* All venue names, for messages: "binance-spot, binance-usdm, ...". */
const char *import_venue_names(void);

/* The instrument of a symbol with the decimals, tick and lot that its scale asks for. `assets`: "BASE/QUOTE", or
 * NULL: from the symbol. ERR_UNKNOWN: base and quote cannot be told; ERR_RANGE: they are too long. */
err_t import_instrument(const struct import_family *family, const char *venue, const struct scale *scale,
                        const char *assets, struct instrument *instrument, struct err_text *why) MUST_USE;

#endif
