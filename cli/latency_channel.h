/* latency_channel.h: one way of following a market, in a process of its own, and what it costs.
 *
 *   parent ──fork──► channel 0: WebSocket ─┐ each: sockets, threads, links of its own
 *          ──fork──► channel 1: REST 100ms ─┤
 *          ──fork──► channel 2: REST 500ms ─┴─► struct latency_shared (memory that all of them see)
 *
 * In processes of their own, CPU time and memory of the channels are told apart by the kernel. They begin together:
 * when each has a book and has measured the venue's clock, the parent opens the window; and end together.
 *
 * One correction of the clock for all: the parent takes the estimate with the least uncertainty and tells it to
 * everybody, so that differences between channels do not depend on it.
 *
 * How late an update is known by polling cannot be seen by who polls: he never hears of what came between. So
 * channel 0 writes id and stamp of each update down (the log), and the others look up, at each answer, which updates
 * it is the first to hold.
 */
#ifndef TAPEDECK_CLI_LATENCY_CHANNEL_H
#define TAPEDECK_CLI_LATENCY_CHANNEL_H

#include "cli/config.h"
#include "cli/latency_hist.h"
#include "cli/latency_traffic.h"

#define LATENCY_CHANNELS_MAX 9
#define LATENCY_SYMBOLS_MAX  16
#define LATENCY_LOG          65536 /* updates of a symbol; a power of two */

enum latency_phase { LATENCY_WARMING, LATENCY_MEASURING, LATENCY_OVER };

struct latency_result {
    struct latency_hist age;   /* of a book at its arrival: venue's stamp to arrival */
    struct latency_hist known; /* of every update: its stamp to the arrival of the first message that holds it */
    struct latency_hist rtt;   /* of requests: asked to answered */
    uint64_t events, books;    /* market events; of them, books and their updates */
    uint64_t unchanged;        /* polled books that were known already: no age */
    uint64_t unstamped;        /* books without a venue's stamp: no age */
    uint64_t lapped;           /* updates that fell out of the log before they were looked up */
    uint64_t gaps, dropped, downs;
    uint64_t requests, failures, limited, held;
    struct latency_traffic traffic;
    ns_t window; /* how long it was measured */
    ns_t cpu_user, cpu_system;
    uint64_t memory, memory_own; /* resident bytes at the end; of them, not shared with the program's file */
    struct err_text said;        /* by the link, last */
};

struct latency_channel {
    ns_t poll; /* 0: WebSocket */
    /* written by the channel, read by the parent (atomic) */
    uint32_t ready;
    uint64_t samples; /* of the venue's clock */
    ns_t offset, uncertainty;
    uint64_t seen; /* books so far, for the line on the terminal */
    /* of the end */
    err_t err;
    struct err_text why;
    struct latency_result result;
};

/* Updates of one symbol, as channel 0 got them. */
struct latency_log {
    uint64_t written; /* atomic */
    struct {
        uint64_t seq;
        ns_t stamp;
    } updates[LATENCY_LOG];
};

struct latency_shared {
    uint32_t phase; /* enum latency_phase; atomic, as the two below; written by the parent */
    ns_t offset;    /* the venue's clock minus ours, in use */
    ns_t began, ended;
    struct latency_channel channels[LATENCY_CHANNELS_MAX];
    struct latency_log logs[LATENCY_SYMBOLS_MAX];
};

/* Be channel `number` until the parent says that it is over. `config` has one entry of feed.live; its poll is set
 * here. */
void latency_channel_run(struct latency_shared *shared, uint32_t number, struct run_config *config,
                         const struct instrument *instruments, uint16_t instrument_count);

#endif
