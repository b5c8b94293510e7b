#include "bench/bench.h"

#include "cli/config.h"
#include "cli/import_run.h"
#include "cli/world_up.h"
#include "core/book.h"
#include "data/tape_reader.h"
#include "feeds/synth_market.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

double bench_cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double thread_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double bench_memcpy(void)
{
    enum { SIZE = 8 << 20 };
    uint8_t *from = malloc(SIZE), *to = malloc(SIZE);
    double best = 0;
    if (from != NULL && to != NULL) {
        memset(from, 1, SIZE);
        memset(to, 2, SIZE);
        for (int round = 0; round < 20; round++) {
            double t0 = bench_cpu_s();
            memcpy(to, from, SIZE);
            __asm__ volatile("" : : "r"(to) : "memory");
            double rate = SIZE / (bench_cpu_s() - t0);
            best = rate > best ? rate : best;
        }
    }
    free(from);
    free(to);
    return best;
}

err_t bench_decode(const char *tape, uint32_t rounds, double *levels_per_s, double *zstd_share, struct err_text *why)
{
    *levels_per_s = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        struct tape_reader *reader;
        err_t err = tape_reader_open(&reader, tape, NULL, why);
        if (err != ERR_OK)
            return err;
        const uint64_t levels = tape_reader_info(reader)->levels;
        struct tape_block block;
        double t0 = bench_cpu_s();
        while ((err = tape_reader_next(reader, &block, why)) == ERR_OK)
            tape_reader_release(reader, block.buffer);
        double spent = bench_cpu_s() - t0;
        struct tape_reader_profile profile;
        tape_reader_profile(reader, &profile);
        tape_reader_close(reader);
        if (err != ERR_END)
            return err;
        if ((double)levels / spent > *levels_per_s) {
            *levels_per_s = (double)levels / spent;
            *zstd_share = (double)profile.zstd_ns / (double)(profile.zstd_ns + profile.read_ns + profile.decode_ns);
        }
    }
    return ERR_OK;
}

err_t bench_bare(const char *tape, uint32_t rounds, double *levels_per_s, struct err_text *why)
{
    *levels_per_s = 0;
    const size_t size = (book_size(BOOK_WINDOW_DEFAULT, BOOK_FAR_DEFAULT) + 63) & ~(size_t)63;
    for (uint32_t round = 0; round < rounds; round++) {
        struct tape_reader *reader;
        err_t err = tape_reader_open(&reader, tape, NULL, why);
        if (err != ERR_OK)
            return err;
        void *memory = aligned_alloc(64, size);
        if (memory == NULL) {
            tape_reader_close(reader);
            return err_say(why, ERR_NOMEM, "no memory for a book");
        }
        memset(memory, 0, size);
        struct book book;
        book_init(&book, memory, BOOK_WINDOW_DEFAULT, BOOK_FAR_DEFAULT, &tape_reader_info(reader)->instruments[0]);
        const uint64_t levels = tape_reader_info(reader)->levels;
        struct tape_block block;
        double t0 = bench_cpu_s();
        while ((err = tape_reader_next(reader, &block, why)) == ERR_OK) {
            for (uint32_t i = 0; i < block.event_count; i++)
                book_apply(&book, &block.events[i]);
            tape_reader_release(reader, block.buffer);
        }
        double spent = bench_cpu_s() - t0;
        free(memory);
        tape_reader_close(reader);
        if (err != ERR_END)
            return err;
        if ((double)levels / spent > *levels_per_s)
            *levels_per_s = (double)levels / spent;
    }
    return ERR_OK;
}

/* ---- the engine, wired as `tapedeck run` wires it ---- */

#define RUN_TEXT(queue)                                                                                              \
    "seed: 1\n"                                                                                                      \
    "mode: backtest\n"                                                                                               \
    "venue: {latency: {entry: 2ms, response: 2ms}, fees: {maker: \"0.0002\", taker: \"0.0005\"},\n"                  \
    "        rules: tape, queue: " queue "}\n"                                                                       \
    "output: {equity_interval: 1s}\n"
/* The limit is far away, so that the depth of the grid is the only thing that differs between its two figures. */
#define GRID_TEXT(levels, more)                                                                                      \
    RUN_TEXT("power, queue_exponent: \"2\"" more)                                                                    \
    "engine: {order_capacity: 512}\n"                                                                                \
    "strategy:\n"                                                                                                    \
    "  name: grid\n"                                                                                                 \
    "  params: {levels: " levels ", spacing: 10, half_spread: 20, size: \"0.001\", position_max: \"10\",\n"          \
    "           skew: \"0.1\", interval: 100ms}\n"

const char bench_noop[] = RUN_TEXT("pessimistic") "strategy: {name: noop}\n";
const char bench_maker[] = RUN_TEXT("pessimistic") "strategy: {name: maker}\n";
const char bench_grid[] = GRID_TEXT("10", "");
const char bench_grid200[] = GRID_TEXT("100", "");
const char bench_bracket[] = GRID_TEXT("10", ", bracket: true");

/* Looks at the engine on the grid of equity. */
struct sampler {
    struct engine *engine; /* NULL before the stage is up */
    uint64_t samples, open_sum;
};

static void sample(void *context, ns_t ts, const struct engine *engine)
{
    (void)ts;
    (void)engine;
    struct sampler *sampler = context;
    sampler->samples++;
    sampler->open_sum += order_table_open_count(engine_orders(sampler->engine));
}

err_t bench_one_run(const struct run_config *config, const struct stage_watch *watch, struct bench_result *result,
                    struct err_text *why)
{
    struct sampler sampler = {0};
    const struct engine_sink sink = {.context = &sampler, .equity = sample};
    struct stage *stage;
    err_t err = stage_open_watched(&stage, config, &sink, watch, why);
    if (err != ERR_OK)
        return err;
    sampler.engine = stage->engine;
    double t0 = bench_cpu_s(), thread0 = thread_s();
    err = stage_start(stage);
    while (err == ERR_OK)
        err = engine_run(stage->engine, UINT64_MAX);
    double spent = bench_cpu_s() - t0, spent_here = thread_s() - thread0;
    const struct engine_counters *counters = engine_counters(stage->engine);
    if (err != ERR_END) {
        err_say(why, err, "%s", engine_why(stage->engine)->text);
    } else {
        *result = (struct bench_result){
            .levels_per_s = (double)counters->levels / spent,
            .levels_per_thread_s = (double)counters->levels / spent_here,
            .orders = counters->orders,
            .fills = counters->fills,
            .open_mean = sampler.samples == 0 ? 0 : (double)sampler.open_sum / (double)sampler.samples,
        };
        err = ERR_OK;
    }
    stage_close(stage);
    return err;
}

err_t bench_run(const char *const *tapes, uint32_t tape_count, const char *config_text, uint32_t rounds,
                struct bench_result *best, struct err_text *why)
{
    *best = (struct bench_result){0};
    for (uint32_t round = 0; round < rounds; round++) {
        struct option_list list = {0};
        err_t err = ERR_OK;
        for (uint32_t i = 0; i < tape_count && err == ERR_OK; i++)
            err = option_list_add(&list, tapes[i]);
        const struct config_options options = {.tapes = &list};
        struct run_config *config;
        if (err == ERR_OK)
            err = run_config_parse(&config, "bench.yaml", config_text, strlen(config_text), &options, why);
        struct bench_result result;
        if (err == ERR_OK) {
            err = bench_one_run(config, NULL, &result, why);
            run_config_free(config);
        }
        option_list_free(&list);
        if (err != ERR_OK)
            return err;
        if (result.levels_per_s > best->levels_per_s)
            *best = result;
    }
    return ERR_OK;
}

err_t bench_import(const char *capture, const char *dir, uint32_t rounds, double *bytes_per_s, struct err_text *why)
{
    char out[512];
    snprintf(out, sizeof(out), "%s/tapedeck-bench-%d-import.tape", dir, (int)getpid());
    *bytes_per_s = 0;
    struct stat status;
    if (stat(capture, &status) != 0)
        return err_say(why, ERR_NOTFOUND, "%s: no such capture", capture);
    for (uint32_t round = 0; round < rounds; round++) {
        const char *files[] = {capture};
        const struct import_options options = {.files = files, .file_count = 1, .out = out};
        struct import_result result;
        double t0 = bench_cpu_s();
        err_t err = import_run(&options, &result, why);
        double spent = bench_cpu_s() - t0;
        if (err != ERR_OK)
            return err;
        double rate = (double)status.st_size / spent;
        import_result_free(&result);
        if (rate > *bytes_per_s)
            *bytes_per_s = rate;
    }
    unlink(out);
    return ERR_OK;
}

/* ---- memory ---- */

static err_t make_long_tape(const char *out, ns_t duration, uint64_t *levels, struct err_text *why)
{
    struct synth_config config;
    synth_config_default(&config);
    config.duration_ns = duration;
    config.actions_per_s = 200; /* a quiet market: the length in hours is what counts here */
    return bench_synth_tape(&config, out, levels, why);
}

/* The program itself, as a user would start it; its peak is what the kernel says of the child. */
static err_t run_child(const char *config, const char *tape, uint64_t *bytes, struct err_text *why)
{
    pid_t child = fork();
    if (child < 0)
        return err_say(why, ERR_NOMEM, "cannot start a process");
    if (child == 0) {
        if (freopen("/dev/null", "w", stdout) == NULL)
            _exit(127);
        execl("/proc/self/exe", "tapedeck", "run", config, "--tape", tape, "--no-output", (char *)NULL);
        _exit(127);
    }
    int status;
    struct rusage usage;
    if (wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_say(why, ERR_IO, "`tapedeck run %s --tape %s` failed", config, tape);
    *bytes = (uint64_t)usage.ru_maxrss * 1024;
    return ERR_OK;
}

err_t bench_memory(const char *dir, ns_t duration, uint64_t *bytes, uint64_t *levels, struct err_text *why)
{
    char tape[512], config[512];
    snprintf(tape, sizeof(tape), "%s/tapedeck-bench-%d-long.tape", dir, (int)getpid());
    snprintf(config, sizeof(config), "%s/tapedeck-bench-%d-long.yaml", dir, (int)getpid());
    FILE *file = fopen(config, "w");
    if (file == NULL)
        return err_say(why, ERR_IO, "%s: cannot be created", config);
    fputs(bench_maker, file);
    fclose(file);
    err_t err = make_long_tape(tape, duration, levels, why);
    if (err == ERR_OK)
        err = run_child(config, tape, bytes, why);
    unlink(tape);
    unlink(config);
    return err;
}
