#include "bench/bench_live.h"

#include "bench/bench.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_RATE 10000
#define FLOOR_MAX  (10 * NS_PER_S)
#define SHORT      0.95 /* of the rate asked: less was received, so the server could not send more */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static struct bench_step step_of(const struct bench_session_result *result, uint32_t rate)
{
    const double seconds = (double)result->window * 1e-9;
    return (struct bench_step){.rate = rate,
                               .received = (double)result->frames / seconds,
                               .dropped = result->dropped,
                               .late_max = result->mock.late_max,
                               .ring_share = (double)result->ring_most / (double)result->ring_bytes,
                               .cpu_share = (double)result->cpu_all / (double)result->window};
}

/* The rate goes up by a quarter until messages are dropped, or the server cannot send more. */
static err_t find_capacity(const struct bench_live_options *options, struct bench_session session,
                           struct bench_live *figures, struct err_text *why)
{
    static struct bench_session_result result;
    err_t err = ERR_OK;
    session.duration = options->step;
    double rate = FIRST_RATE;
    while (figures->step_count < BENCH_STEPS && err == ERR_OK) {
        session.rate = (uint32_t)rate;
        err = bench_session(&session, &result, why);
        if (err != ERR_OK)
            break;
        struct bench_step *step = &figures->steps[figures->step_count++];
        *step = step_of(&result, session.rate);
        if (step->dropped == 0 && step->received > figures->capacity)
            figures->capacity = step->received;
        figures->ring_full = step->dropped > 0;
        if (step->dropped > 0 || step->received < SHORT * rate)
            break;
        rate *= figures->step_count < 4 ? 1.7 : 1.25;
    }
    return err;
}

err_t bench_live(const struct bench_live_options *options, struct bench_live *figures, struct err_text *why)
{
    char dir[512], inputs[600];
    memset(figures, 0, sizeof(*figures));
    snprintf(dir, sizeof(dir), "%.400s/tapedeck-bench-%d-live", options->dir, (int)getpid());
    snprintf(inputs, sizeof(inputs), "%s/session/inputs.tape", dir);
    if (mkdir(dir, 0700) != 0)
        return err_say(why, ERR_IO, "%s: %s", dir, strerror(errno));
    struct bench_session session = {.rate = options->rate,
                                    .duration = options->duration,
                                    .spin = options->spin,
                                    .strategy = options->strategy,
                                    .one_thread = options->one_thread,
                                    .pin = options->pin,
                                    .journal = true,
                                    .dir = dir};
    figures->memcpy_rate = bench_memcpy();
    err_t err = bench_session(&session, &figures->session, why);
    if (err == ERR_OK)
        err = bench_parse(inputs, options->rounds, &figures->parse, &figures->frame_bytes, why);
    if (err == ERR_OK && options->step > 0)
        err = find_capacity(options, session, figures, why);
    if (err == ERR_OK) {
        session.strategy = "noop";
        session.journal = false;
        session.rate = options->rate;
        session.duration = options->duration < FLOOR_MAX ? options->duration : FLOOR_MAX;
        err = bench_session(&session, &figures->bare, why);
    }
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return err;
}
