/* tape_cat.h: one event as one line: for eyes, or as a JSON object.
 *
 *   2024-08-08T00:00:00.512000000Z  binance-usdm:BTCUSDT  delta  u=4123 pu=4120  bids 61659.7 1.2, 61659.6 0  asks
 * ...
 */
#ifndef TAPEDECK_CLI_TAPE_CAT_H
#define TAPEDECK_CLI_TAPE_CAT_H

#include "core/event.h"
#include "core/instrument.h"

#include <stdio.h>

struct tape_cat {
    FILE *file;
    const struct instrument *instruments; /* of the tape: event->instrument counts in it */
    uint16_t instrument_count;
    uint32_t levels_max; /* a side; more are counted, not shown; UINT32_MAX: all */
};

/* `message` is the event's running number in the tape. */
void tape_cat_text(const struct tape_cat *cat, uint64_t message, const struct event *event);
void tape_cat_json(const struct tape_cat *cat, uint64_t message, const struct event *event);

#endif
