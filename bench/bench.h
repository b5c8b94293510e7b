/* bench.h: what `tapedeck bench` measures, and how.
 *
 * Every figure is the best of several rounds in CPU time of one thread (these machines are shared: the best round is
 * the one that was disturbed least), and stands beside a reference measured in the same process on the same data.
 *
 *   source tape ─► repeated to `levels_min` levels ─┬─► depth and trades        (bench_material)
 *                                                   ├─► and best bid/offer
 *                                                   ├─► 64 tapes of 64 instruments
 *                                                   └─► capture lines
 */
#ifndef TAPEDECK_BENCH_BENCH_H
#define TAPEDECK_BENCH_BENCH_H

#include "core/err.h"

#define BENCH_LANES 64

struct bench_options {
    const char *tape;    /* NULL: a synthetic market */
    const char *capture; /* NULL: lines written from the tape */
    const char *dir;     /* for the temporary files */
    uint64_t levels_min;
    uint32_t rounds;
    uint32_t block_levels; /* 0: the default */
    uint64_t diff_events;  /* messages of the runs that are compared; 0: the tape as it is */
    bool memory;           /* measure resident memory on a 1 h and a 24 h tape */
};

/* Files made for a bench, removed by bench_material_remove. */
struct bench_material {
    char depth[512]; /* depth and trades */
    char bbo[512];   /* best bid/offer too */
    char lanes[BENCH_LANES][512];
    char capture[512];           /* plain text */
    uint64_t levels, bbo_levels; /* a trade is one level, a best bid/offer two */
    uint64_t book_trade_levels;  /* of the bbo tape, without the best bids/offers */
    uint64_t depth_bytes, bbo_bytes, capture_bytes, lane_levels;
};
err_t bench_material_make(const struct bench_options *options, struct bench_material *material,
                          struct err_text *why) MUST_USE;
/* A synthetic market of one instrument as a tape, and how many levels it holds. */
struct synth_config;
err_t bench_synth_tape(const struct synth_config *config, const char *out, uint64_t *levels,
                       struct err_text *why) MUST_USE;
void bench_material_remove(const struct bench_material *material);

/* The loops. Each gives levels (or bytes) a second of CPU time. */
err_t bench_decode(const char *tape, uint32_t rounds, double *levels_per_s, double *zstd_share,
                   struct err_text *why) MUST_USE;
err_t bench_bare(const char *tape, uint32_t rounds, double *levels_per_s, struct err_text *why) MUST_USE;
/* A run through the engine, wired as `tapedeck run` wires it. `config_text` is one of these; all have the same
 * latencies. */
extern const char bench_noop[], bench_maker[]; /* pessimistic queue positions */
extern const char bench_grid[];                /* the grid market maker, 10 levels a side, queue model power 2 */
extern const char bench_bracket[];             /* bench_grid under three queue models in lockstep */
extern const char bench_grid200[];             /* the same with 100: the orders near the market are the same ones */
struct bench_result {
    double levels_per_s;        /* CPU time of the process */
    double levels_per_thread_s; /* of the engine's thread alone */
    uint64_t orders, fills;
    double open_mean; /* of our orders, looked at once a second of the tape */
};
err_t bench_run(const char *const *tapes, uint32_t tape_count, const char *config_text, uint32_t rounds,
                struct bench_result *best, struct err_text *why) MUST_USE;
/* One run of a config; `watch` may be NULL. */
struct run_config;
struct stage_watch;
err_t bench_one_run(const struct run_config *config, const struct stage_watch *watch, struct bench_result *result,
                    struct err_text *why) MUST_USE;
/* The market maker without a journal, with one, and held against it (verify): levels a second of the engine's thread,
 * which is how long a run takes where the journal's thread has a core; and of all threads. Best of the rounds, which
 * take turns. */
struct bench_proof {
    struct {
        double engine, all;
    } plain, journal, verify;
    uint64_t journal_bytes;
};
err_t bench_proof(const char *tape, const char *dir, uint32_t rounds, struct bench_proof *best,
                  struct err_text *why) MUST_USE;
/* Two runs of the market maker whose tapes differ in one trade of the last eighth: how long it takes to say which one
 * (`tapedeck diff --where`: nothing is executed), and what was read of either journal. `events` 0: over the tape;
 * else over the tape repeated to at least that many messages. Elapsed time, best of the rounds. */
struct bench_diff {
    double seconds;
    uint64_t inputs, records;
    uint64_t blocks, blocks_read;
    uint64_t checkpoints, checkpoints_read;
    uint64_t messages_decoded; /* of either tape */
};
err_t bench_diff(const char *tape, const char *dir, uint64_t events, uint32_t rounds, struct bench_diff *best,
                 struct err_text *why) MUST_USE;
/* The market maker's run, put to 100 places of it from snapshots: the time of the slowest but one. */
err_t bench_state(const char *tape, const char *dir, double *p99_s, struct err_text *why) MUST_USE;
/* A tape of one instrument repeated to at least so many messages. */
err_t bench_repeat(const char *tape, const char *out, uint64_t messages, struct err_text *why) MUST_USE;
err_t bench_import(const char *capture, const char *dir, uint32_t rounds, double *bytes_per_s,
                   struct err_text *why) MUST_USE;
/* Book diffs of a capture ("<ns> <json>", USD-M), in memory, through a Binance link to events: bytes of frames a
 * second. ERR_NOTFOUND: the capture has no snapshot. */
err_t bench_link_parse(const char *capture, uint32_t rounds, double *bytes_per_s, struct err_text *why) MUST_USE;
/* Peak resident memory of `tapedeck run` with the market maker on a synthetic tape of `duration`. */
err_t bench_memory(const char *dir, ns_t duration, uint64_t *bytes, uint64_t *levels, struct err_text *why) MUST_USE;
/* memcpy of 8 MiB, bytes a second: the machine's own yardstick. */
double bench_memcpy(void);

/* CPU time of this process in seconds. */
double bench_cpu_s(void);

#endif
