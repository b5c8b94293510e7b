/* perp.h: what the simulated venue is told about contracts beyond their fills, and what it counts of them.
 *
 *   mark price ──► unrealised profit ─┐
 *   wallet (balance) ─────────────────┴► equity ──► initial margin: may an order be placed?
 *   positions, tiers ──► maintenance margin ──► equity used up: liquidation
 *   funding instants ──► payments by position held
 *
 * The mark is the one that the feed tells (EVENT_MARK). As long as it has told none, the middle of the book stands
 * in, the last trade where a side is missing, and every use of that is counted.
 *
 * Margin is counted by settle currency (cross: one wallet stands behind all its contracts) or by instrument
 * (isolated: what was set aside when the position was opened stands behind it alone). docs/margin.md has the rules
 * for users.
 */
#ifndef TAPEDECK_SIM_PERP_H
#define TAPEDECK_SIM_PERP_H

#include "core/margin.h"

#ifdef __cplusplus
extern "C" {
#endif

enum margin_mode {
    MARGIN_OFF, /* contracts need no money and are never liquidated */
    MARGIN_CROSS,
    MARGIN_ISOLATED,
};

enum funding_source {
    FUNDING_OFF,
    FUNDING_TAPE, /* the rate that EVENT_MARK told last for an instant, paid at that instant */
    FUNDING_FILE, /* rows; what the feed says about funding is not looked at, its marks are */
};

/* Of one instrument. */
struct margin_rules {
    int64_t leverage;        /* at LEVERAGE_DECIMALS, > 0 */
    int64_t liquidation_fee; /* rate at FEE_DECIMALS, in place of the taker's, to the insurance fund */
    struct margin_tiers tiers;
};

struct funding_row {
    ns_t ts;
    int64_t rate; /* at RATE_DECIMALS, at most 1 in size */
    px_t mark;    /* 0: the venue's */
    uint16_t instrument;
};

struct perp_config {
    enum margin_mode margin;
    bool close_after_liquidation;     /* every later order is rejected: REASON_ACCOUNT_CLOSED */
    const struct margin_rules *rules; /* one an instrument, spot ones not looked at; outlive the venue */
    enum funding_source funding;
    const struct funding_row *rows; /* rising by (ts, instrument), no two the same; outlive the venue */
    uint32_t row_count;
};

struct perp_stats {
    uint64_t payments;         /* of funding */
    uint64_t funding_unmarked; /* instants with a position and no mark: nothing could be paid */
    uint64_t funding_refused;  /* rates above 1, and instants that were past when told */
    uint64_t marks_made;       /* uses of a mark that no feed told */
    uint64_t margin_rejects; /* orders and amendments for which the margin was too small, or the leverage too high */
    uint64_t liquidations;
    uint64_t liquidation_fills;
    uint64_t overflows; /* amounts beyond 128 bits: what they belonged to was left out */
    int64_t ratio_peak; /* highest maintenance margin / equity seen, at RATIO_DECIMALS, at most RATIO_CAP */
};

#ifdef __cplusplus
}
#endif
#endif
