/* bench_live.h: `tapedeck bench --live`: from a socket to a strategy's callback.
 *
 *   mock server (a process of its own)                    this process: a session of mode paper, as `run` has it
 *   made market, RATE depth frames a second ──TLS──► I/O thread ──ring──► engine's thread: adapter, engine, strategy
 *                                                     │ stamp               ├─► inputs.tape, journal.tape
 *                                                     └──── measured ───────┴─► first line of the book callback
 *
 * The stamp is taken when libwebsockets hands over the last byte of a frame, in the thread that read it. Server,
 * I/O and engine share the machine's cores, nothing is pinned: the load that there was is told with the figures.
 */
#ifndef TAPEDECK_BENCH_BENCH_LIVE_H
#define TAPEDECK_BENCH_BENCH_LIVE_H

#include "cli/latency_hist.h"
#include "core/err.h"

/* ---- the mock server ---- */

struct bench_mock {
    struct bench_mock_shared *shared; /* with the server's process */
    int pid;
    int port;
    char ca[600];
};
struct bench_mock_result {
    uint64_t frames; /* sent */
    ns_t late_max;   /* the farthest that a frame was behind its time */
    ns_t cpu;        /* of its process */
};
/* Before this process has threads. `dir` is there; certificates go there. */
err_t bench_mock_start(struct bench_mock *mock, uint32_t rate, const char *dir, struct err_text *why) MUST_USE;
void bench_mock_stop(struct bench_mock *mock, struct bench_mock_result *result);

/* ---- a session ---- */

struct bench_session {
    uint32_t rate;        /* asked of the server */
    ns_t duration;        /* measured, after a second to begin with */
    ns_t spin;            /* session.spin */
    const char *strategy; /* "maker" */
    bool one_thread;      /* session.io: inline */
    bool pin;             /* the engine's thread has the last CPU, all others the rest */
    bool journal;         /* journal.tape and inputs.tape are written */
    const char *dir;      /* for the files; a folder in it is made, and left to the caller */
};
struct bench_session_result {
    struct latency_hist latency; /* stamp to callback */
    uint64_t frames, dropped;
    uint64_t ring_most, ring_bytes;
    ns_t window, cpu_engine, cpu_all; /* of the window; cpu_all: all threads of this process */
    struct bench_mock_result mock;
    double load; /* of the machine, at the end */
};
err_t bench_session(const struct bench_session *session, struct bench_session_result *result,
                    struct err_text *why) MUST_USE;

/* ---- frames of a session, parsed again ---- */

/* The adapter over the frames of an inputs.tape: frames in memory to events that nobody keeps. Bytes a second of CPU
 * time of the best round. */
err_t bench_parse(const char *inputs, uint32_t rounds, double *bytes_per_s, double *frame_bytes,
                  struct err_text *why) MUST_USE;

/* ---- all of it ---- */

#define BENCH_STEPS 16

struct bench_live_options {
    const char *dir;
    uint32_t rate; /* of the latency figure */
    ns_t duration; /* of it */
    ns_t step;     /* of each rate of the capacity figure; 0: it is left out */
    ns_t spin;
    uint32_t rounds;
    const char *strategy;
    bool one_thread, pin;
};
struct bench_live {
    struct bench_session_result session, bare; /* bare: strategy noop, no journal: the floor */
    double parse, frame_bytes, memcpy_rate;
    struct bench_step {
        uint32_t rate; /* asked */
        double received;
        uint64_t dropped;
        ns_t late_max;
        double ring_share, cpu_share; /* ring: most in use; cpu: of one core, this process */
    } steps[BENCH_STEPS];
    uint32_t step_count;
    double capacity; /* highest rate received without a drop */
    bool ring_full;  /* what ended it was a full ring; else the server could not send more */
};
err_t bench_live(const struct bench_live_options *options, struct bench_live *figures, struct err_text *why) MUST_USE;

#endif
