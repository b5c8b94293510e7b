/* scripted_state.h: the insides of the scripted strategy, shared by its files and by nobody else.
 *
 *   scripted.c         the run: what is sent when, and what comes back
 *   scripted_read.c    the block of memory, the rows of the file, their order in time
 *   scripted_write.c   outcomes.csv
 */
#ifndef TAPEDECK_STRATEGIES_SCRIPTED_STATE_H
#define TAPEDECK_STRATEGIES_SCRIPTED_STATE_H

#include "strategies/scripted.h"

#define SCRIPT_OUTCOMES "outcomes.csv"
#define SCRIPT_NO_FILL  UINT32_MAX

/* Room for "|PRICE:QTY:VENUE_TS:TS:1" (two decimals of at most 21 bytes, two stamps of 20), and for all else in a
 * line. */
#define SCRIPT_FILL_TEXT 112
#define SCRIPT_LINE_TEXT 2048

#define SCRIPT_SYMBOL_CACHE 256

struct script_fill {
    px_t price;
    qty_t qty;
    ns_t venue_ts, ts;
    uint32_t next; /* of the same order */
    uint8_t maker;
};

struct scripted {
    /* parameters, filled in before start */
    struct strategy_file orders;
    char symbol[PARAM_TEXT_SIZE];
    int64_t fills_max;
    ns_t end_slack;
    bool end_as_recorded;

    struct scripted_row *rows;
    uint32_t count;
    uint32_t *submits, *cancels; /* rows by moment */
    uint32_t cancel_count;
    uint32_t submit_at, cancel_at; /* the next of each */
    uint32_t *scratch;
    uint32_t *index; /* row + 1 by hash of its id; 0: free */
    uint32_t index_mask;
    struct script_fill *fills;
    uint32_t fill_count, fill_capacity;
    char *text;
    size_t text_size;
    uint16_t number;                       /* of the instrument of rows without a symbol */
    uint16_t symbols[SCRIPT_SYMBOL_CACHE]; /* instruments by hash of their symbol: a guess to be checked */
    bool started;                          /* the first input was there */
    bool full_told;
};

/* ---- scripted_read.c ---- */
/* Bytes of the state, for the parameters in it. */
size_t scripted_size_of(const void *state);
/* Lay the block out, read the file, sort. ERR_CONFIG with words. */
err_t scripted_read(struct strategy_ctx *ctx, struct scripted *scripted, struct err_text *why) MUST_USE;

/* ---- scripted_write.c ---- */
void scripted_write_head(struct strategy_ctx *ctx);
void scripted_write_row(struct strategy_ctx *ctx, struct scripted *scripted, const struct scripted_row *row);

#endif
