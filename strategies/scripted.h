/* scripted.h: what a scripted run knows of each of its orders, for those who compare (cli/calibrate).
 *
 *   rows[0] ... rows[count - 1]    in the order of the file, each with what was asked for, what became of it in
 *                                  this run, and, when the file tells, what became of it in reality
 */
#ifndef TAPEDECK_STRATEGIES_SCRIPTED_H
#define TAPEDECK_STRATEGIES_SCRIPTED_H

#include "core/strategy.h"

#define SCRIPT_NEVER NS_MAX /* cancel_ts: rests until it fills */

enum scripted_status {
    SCRIPTED_NOT_SENT,
    SCRIPTED_PENDING, /* sent, and no word of it before the data ended */
    SCRIPTED_OPEN,    /* still resting when the data ended */
    SCRIPTED_FILLED,
    SCRIPTED_CANCELLED,
    SCRIPTED_EXPIRED,
    SCRIPTED_REJECTED, /* by the venue or the risk gate */
};

enum scripted_unsent { /* why it was not sent */
                       SCRIPTED_NO_DATA,
                       SCRIPTED_BEFORE_DATA, /* submit_ts is before the first input */
                       SCRIPTED_AFTER_DATA,
                       SCRIPTED_TABLE_FULL, /* the engine had no room for one more open order */
};

struct scripted_row {
    const char *id; /* id_size bytes in the file */
    uint8_t id_size;
    uint8_t side, type, tif, flags; /* enum side ... enum order_flag */
    uint8_t status;                 /* enum scripted_status */
    uint8_t unsent;                 /* enum scripted_unsent */
    uint8_t fee_decimals;
    uint16_t instrument;
    uint16_t reason;     /* enum reason, of the end; of a cancel that was refused, while the order is open */
    int16_t venue_code;  /* beside the reason */
    uint8_t real_told;   /* the file says what became of it: the fields real_ */
    uint8_t cancel_told; /* cancel_ts is the file's, not that of end_as_recorded */
    uint8_t fee_split;   /* the fees are of several currencies */
    uint32_t line;       /* in the file */
    uint64_t order_id;   /* the engine's; 0: not sent */
    uint32_t fill_count, fill_first, fill_last; /* numbers in the pool of fills, when fill_count > 0 */
    uint32_t fill_kept;                         /* of fill_count, those that the pool had room for */
    ns_t submit_ts, cancel_ts;
    px_t price; /* 0: market */
    qty_t qty;

    qty_t filled, maker_filled;
    money_t cost, fee;
    char fee_currency[24];
    qty_t shown; /* displayed at its price on its own side when it was sent; -1: market order, or no sound book */
    ns_t ack_venue_ts, ack_ts, first_fill_ts, done_venue_ts, done_ts; /* 0: did not happen */

    qty_t real_filled;
    ns_t real_first_ts, real_done_ts; /* 0: not told */
};

/* The rows of a scripted run's state, between start and the end of the state's life. */
const struct scripted_row *scripted_rows(const void *state, uint32_t *count);

#endif
