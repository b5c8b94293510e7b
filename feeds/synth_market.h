/* synth_market.h: a market that does not exist, as a feed: any length, any number of instruments, one seed.
 *
 *   seed ─► per instrument:  synth_flow ─► synth_book (true, level 3)
 *                                │ changes
 *                                ▼
 *                            publisher: level 2, level 3 or both; batches, ids, stamps, latency
 *                                │ pending messages of one instant
 *            ┌───────────────────┘
 *            ▼
 *   merge by (ts, instrument) ─► batches of events (core/feed.h)
 *
 * What is published, by level:
 *
 *   2  BOOK_SNAPSHOT at the start (the whole book) and every snapshot_interval_ns after it; BOOK_DELTA with absolute
 *      quantities, best first, every diff_interval_ns in which the book changed, or with interval 0 right
 *      after each action; a level that came and went within one interval is a delete of an absent level, as on
 *      real venues. seq_first..seq (U..u) are the update ids covered, seq_prev (pu) is the seq of the message
 *      before. BBO (when asked) at the instant at which the touch changed in price or quantity; its seq is the
 *      update id. TRADE: one for each resting order met, all of one market order at one stamp, seq is the
 *      trade id, which rises by one; the aggressor's side is in the flags.
 *   3  L3_ADD of every resting order at the start, in the order of the book (price, then queue), then L3_ADD,
 *      L3_CANCEL (quantity left; 0: gone), L3_MODIFY (goes to the back of its new price), L3_EXECUTE (executed
 *      quantity; an order executed whole is gone without a cancel). Each is preceded by its TRADE, if any. seq
 *      is the same update id as on level 2: the level-3 messages up to seq u make the level-2 book after u.
 *   both  all of the above in one stream; whoever writes two tapes sorts by kind (synth_kind_levels).
 *
 * The level, the interval and the latency change nothing of what happens in the market: the trades of two runs
 * of one seed are the same. Nor does the number of instruments: instrument 0 of 1 is instrument 0 of 64.
 *
 * Time: exch_ts is the venue's time; ts = exch_ts + base + exponential jitter, delivered in order (a late message
 * holds back those behind it), drawn once for an instant.
 *
 * Memory is fixed by synth_market_size, about 1 MB and as much an instrument; nothing grows with the length.
 * Events are made when they are asked for. The true book (synth_lots, synth_queue) is the one after the last
 * event made, which with batch_events 1 and one instrument is the one delivered last, when it was the last of
 * its instant.
 */
#ifndef TAPEDECK_FEEDS_SYNTH_MARKET_H
#define TAPEDECK_FEEDS_SYNTH_MARKET_H

#include "core/digest.h"
#include "core/feed.h"
#include "core/instrument.h"

#define SYNTH_INSTRUMENTS_MAX 256
#define SYNTH_BATCHES         4 /* batches that may be unreleased at once */

enum synth_levels { SYNTH_LEVEL2 = 1, SYNTH_LEVEL3 = 2, SYNTH_BOTH = 3 };

struct synth_config {
    uint64_t seed;
    uint32_t instrument_count;
    ns_t start_ts;
    ns_t duration_ns; /* 0: endless */
    enum synth_levels levels;
    enum contract_kind contract; /* CONTRACT_LINEAR or CONTRACT_SPOT */
    ns_t diff_interval_ns;       /* 0: a delta after every action */
    ns_t snapshot_interval_ns;   /* 0: only at the start */
    bool bbo;
    ns_t latency_base_ns;
    ns_t latency_jitter_ns;  /* mean of the exponential part */
    uint32_t actions_per_s;  /* orders placed, cancelled or taken, of each instrument, on average */
    uint32_t branching_ppm;  /* how much of that is reaction to itself */
    uint32_t market_ppm;     /* share of market orders, roughly */
    uint32_t volatility_ppm; /* standard deviation of the fundamental value over one second, relative */
    uint32_t batch_events;   /* events of a batch, 1..SYNTH_BATCH_EVENTS */
};
#define SYNTH_BATCH_EVENTS 1024

struct synth_stats {
    uint64_t messages, levels, trades, deltas, snapshots, bbos, level3; /* delivered */
    uint64_t actions, added, cancelled, modified, executed; /* made, a little ahead of what is delivered */
};

/* seed 1, one instrument, one hour from 2024-01-01, level 2 in 100 ms batches, no BBO, 5 ms + 1 ms of latency. */
void synth_config_default(struct synth_config *config);
/* Every number in its range, or ERR_RANGE with the field, the range and the value. */
err_t synth_config_check(const struct synth_config *config, struct err_text *why) MUST_USE;

struct synth_market;
/* Bytes for a checked config. */
size_t synth_market_size(const struct synth_config *config);
/* `memory` is 64-byte aligned and synth_market_size large; the market lies in it, and needs no deinit. */
struct synth_market *synth_market_init(void *memory, const struct synth_config *config);

/* instrument_count of them: SYN1USDT, SYN2USDT ...; live as long as the market. */
const struct instrument *synth_instruments(const struct synth_market *market);
/* The feed ends (ERR_END) when all instruments reached the end. Close does nothing. */
struct feed *synth_feed(struct synth_market *market);
/* The market is its memory: copied back into a market of the same config it is the same market, but for these
 * addresses in it, which `seek` makes anew (feed.h); then it hands out again what was out, from the marked batch on. */
void synth_market_addresses(struct synth_market *market, void *context,
                            void (*address)(void *context, void *at, size_t size));
const struct synth_stats *synth_stats(const struct synth_market *market);
/* The venue time that the merge has reached. */
ns_t synth_now(const struct synth_market *market);

/* On which tapes does an event of this kind belong? A set of enum synth_levels. */
unsigned synth_kind_levels(uint8_t kind);

/* Fold an event and its levels, field by field: equal digests are equal markets. */
void synth_digest(struct digest *digest, const struct event *event);

/* ---- the truth ---- */

/* Displayed quantity, in the instrument's units. */
qty_t synth_qty_at(const struct synth_market *market, uint16_t instrument, enum side side, px_t price);
bool synth_best(const struct synth_market *market, uint16_t instrument, enum side side, struct level *level);
/* The next level worse than `price`. False: none. */
bool synth_next(const struct synth_market *market, uint16_t instrument, enum side side, px_t price,
                struct level *level);
struct synth_queued {
    uint64_t order_id;
    qty_t qty;
};
/* The queue at a price, first in line first; returns how many orders there are, writes at most `capacity`. */
uint32_t synth_queue(const struct synth_market *market, uint16_t instrument, enum side side, px_t price,
                     struct synth_queued *orders, uint32_t capacity);
/* The fundamental value, in ticks at 2^-16: what the market revolves around. */
int64_t synth_value_q16(const struct synth_market *market, uint16_t instrument);

#endif
