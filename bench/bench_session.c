/* A session of mode paper against the mock server, wired as `tapedeck run` wires it, with a clock at the strategy. */
#include "bench/bench_live.h"

#include "adapters/shell/live_clock.h"
#include "adapters/shell/live_io.h"
#include "adapters/wire_feed.h"
#include "bench/bench.h"
#include "cli/live_up.h"
#include "cli/run_metrics.h"
#include "cli/run_output.h"
#include "cli/stop_signal.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WARM      NS_PER_S
#define BUDGET    4096 /* inputs between two looks at the clock */
#define FLUSH     NS_PER_S
#define START_MAX (20 * NS_PER_S)

struct job {
    const struct bench_session *asked;
    struct bench_session_result *result;
    struct bench_mock mock;
    struct run_config *config;
    struct strategy timed;
    struct run_output *output;
    struct run_metrics *metrics;
    struct live_up *live;
    struct stage *stage;
    struct live_io_stats begun;
    ns_t cpu_engine, cpu_all;
};

/* The strategy, with a clock before its book callback. A strategy knows nothing but its state: what the clock needs
 * lies here. */
static struct {
    const struct strategy *inner;
    const struct live_io *io;
    struct latency_hist *into; /* NULL: not measured now */
} clocked;

static void book(struct strategy_ctx *ctx, void *state, const struct event *event)
{
    if (event->kind == EVENT_BOOK_DELTA && clocked.into != NULL)
        latency_hist_add(clocked.into, live_io_now(clocked.io) - event->ts);
    if (clocked.inner->book != NULL)
        clocked.inner->book(ctx, state, event);
}

static ns_t cpu_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (ns_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* This thread, and those that it starts, on the CPUs from `first` to `last`. Where that is not allowed nothing
 * happens. */
static void stay_on(long first, long last)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (long cpu = first; cpu <= last && cpu < CPU_SETSIZE; cpu++)
        CPU_SET((size_t)cpu, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

static err_t read_config(struct job *job, struct err_text *why)
{
    const struct bench_session *asked = job->asked;
    char text[4096];
    const int size = snprintf(
        text, sizeof(text),
        "seed: 1\nmode: paper\njournal: '%s'\n"
        "feed:\n  live:\n    - {venue: binance-usdm, symbols: SYN1USDT, streams: book,\n"
        "       rest: 'https://127.0.0.1:%d', stream: 'wss://127.0.0.1:%d'}\n"
        "session: {ca_file: '%s', io: %s, spin: %lldns}\n"
        "venue: {latency: {entry: 2ms, response: 2ms}, fees: {maker: \"0.0002\", taker: \"0.0005\"}, rules: tape}\n"
        "strategy: {name: '%s'}\n",
        asked->journal ? "on" : "off", job->mock.port, job->mock.port, job->mock.ca,
        asked->one_thread ? "inline" : "thread", (long long)asked->spin, asked->strategy);
    const struct config_options options = {0};
    if (size < 0 || (size_t)size >= sizeof(text))
        return err_say(why, ERR_RANGE, "the bench's config is too long");
    return run_config_parse(&job->config, "bench.yaml", text, (size_t)size, &options, why);
}

static err_t open_all(struct job *job, struct err_text *why)
{
    const struct bench_session *asked = job->asked;
    err_t err = bench_mock_start(&job->mock, asked->rate, asked->dir, why);
    if (err == ERR_OK)
        err = read_config(job, why);
    if (err != ERR_OK)
        return err;
    clocked.inner = job->config->strategy;
    clocked.into = NULL;
    job->timed = *clocked.inner;
    job->timed.book = book;
    job->config->strategy = &job->timed;
    char dir[600];
    snprintf(dir, sizeof(dir), "%.560s/session", asked->dir);
    const struct run_output_options files = {.out = dir, .force = true, .none = !asked->journal};
    err = live_up_open(&job->live, job->config, why);
    if (err == ERR_OK)
        err = run_output_new(&job->output, job->config, why);
    if (err == ERR_OK)
        err = run_metrics_new(&job->metrics, run_output_sink(job->output, files.none), why);
    if (err == ERR_OK) {
        clocked.io = live_up_io(job->live);
        const struct stage_watch watch = {.journal = run_output_journal(job->output, files.none)};
        err = stage_open_session(&job->stage, job->config, run_metrics_sink(job->metrics), &watch,
                                 live_up_session(job->live), why);
    }
    if (err == ERR_OK)
        err = run_metrics_open(job->metrics, job->stage, why);
    if (err == ERR_OK)
        err = run_output_open(job->output, &files, job->stage->instruments, job->stage->instrument_count,
                              job->stage->engine, why);
    if (err == ERR_OK)
        err = live_up_record(job->live, run_output_dir(job->output), why);
    return err;
}

static void begin(struct job *job)
{
    live_io_read_stats(live_up_io(job->live), &job->begun);
    job->cpu_engine = cpu_of(CLOCK_THREAD_CPUTIME_ID);
    job->cpu_all = cpu_of(CLOCK_PROCESS_CPUTIME_ID);
    clocked.into = &job->result->latency;
}

static void end(struct job *job, ns_t window)
{
    struct bench_session_result *result = job->result;
    struct live_io_stats io;
    double loads[1] = {0};
    clocked.into = NULL;
    live_io_read_stats(live_up_io(job->live), &io);
    result->window = window;
    result->cpu_engine = cpu_of(CLOCK_THREAD_CPUTIME_ID) - job->cpu_engine;
    result->cpu_all = cpu_of(CLOCK_PROCESS_CPUTIME_ID) - job->cpu_all;
    result->frames = io.messages - job->begun.messages;
    result->dropped = io.dropped - job->begun.dropped;
    result->ring_most = io.ring_most;
    result->ring_bytes = io.ring_bytes;
    if (getloadavg(loads, 1) == 1)
        result->load = loads[0];
}

static err_t run(struct job *job, struct err_text *why)
{
    struct stage *stage = job->stage;
    const ns_t opened = live_clock_monotonic();
    ns_t first = 0, flushed = opened, now = opened;
    bool measuring = false;
    err_t err = stage_start(stage);
    while (err == ERR_OK && stop_signal() == 0) {
        err = engine_run(stage->engine, BUDGET);
        if (err == ERR_WAIT) {
            const ns_t engine_wants = engine_due(stage->engine),
                       look = live_io_now(live_up_io(job->live)) + NS_PER_MS * 50;
            err = wire_feed_wait(stage->wire, engine_wants < look ? engine_wants : look, why);
        } else if (err != ERR_OK) {
            return err_say(why, err, "%s", engine_why(stage->engine)->text);
        }
        now = live_clock_monotonic();
        if (now - flushed >= FLUSH) {
            run_output_flush(job->output);
            flushed = now;
        }
        if (first == 0 && engine_counters(stage->engine)->levels > 0)
            first = now;
        if (first == 0 && now - opened >= START_MAX)
            return err_say(why, ERR_IO, "no book came in %lld s", (long long)(START_MAX / NS_PER_S));
        if (first != 0 && !measuring && now - first >= WARM) {
            measuring = true;
            begin(job);
            first = now;
        } else if (measuring && now - first >= job->asked->duration) {
            break;
        }
    }
    if (measuring)
        end(job, now - first);
    if (err == ERR_OK && stop_signal() != 0)
        err = ERR_INTERRUPTED;
    return err;
}

err_t bench_session(const struct bench_session *session, struct bench_session_result *result, struct err_text *why)
{
    struct job job = {.asked = session, .result = result};
    struct err_text unheard = {0};
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    const bool pin = session->pin && cpus > 1;
    memset(result, 0, sizeof(*result));
    if (pin)
        stay_on(0, cpus - 2); /* the server's process, and all threads that are started */
    err_t err = open_all(&job, why);
    if (pin && err == ERR_OK)
        stay_on(cpus - 1, cpus - 1);
    if (err == ERR_OK)
        err = run(&job, why);
    if (pin)
        stay_on(0, cpus - 1);
    struct err_text *words = err == ERR_OK ? why : &unheard;
    if (job.stage != NULL && job.output != NULL) {
        (void)stage_stop(job.stage);
        const err_t closed = run_output_close(job.output, words);
        const err_t finished = live_up_finish(job.live, job.stage, words);
        err = err != ERR_OK ? err : closed != ERR_OK ? closed : finished;
    }
    if (job.stage != NULL)
        stage_close(job.stage);
    live_up_close(job.live);
    run_metrics_free(job.metrics);
    run_output_free(job.output);
    run_config_free(job.config);
    bench_mock_stop(&job.mock, &result->mock);
    return err;
}
