/* How: forward by executing, back by beginning again. */
#include "cli/rerun_inside.h"

#define SEEK_BUDGET (1u << 20)

static uint64_t done(const struct rerun *rerun)
{
    return engine_counters(rerun->stage->engine)->inputs;
}

static err_t begin(struct rerun *rerun, bool again, struct err_text *why)
{
    err_t err = again ? rerun_stage_again(rerun, why) : ERR_OK;
    if (err == ERR_OK && !rerun->inside->started)
        err = rerun_start(rerun, why);
    return err;
}

static err_t seek(struct rerun *rerun, uint64_t inputs, ns_t ts, bool back, struct err_text *why)
{
    rerun->seeking = true;
    err_t err = begin(rerun, back, why);
    while (err == ERR_OK && done(rerun) < inputs) {
        const uint64_t left = inputs - done(rerun);
        err = rerun_advance_until(rerun, ts, left < SEEK_BUDGET ? left : SEEK_BUDGET, why);
    }
    rerun->seeking = false;
    return err;
}

err_t rerun_seek(struct rerun *rerun, uint64_t inputs, struct err_text *why)
{
    return seek(rerun, inputs, NS_MAX, inputs < done(rerun), why);
}

err_t rerun_seek_time(struct rerun *rerun, ns_t ts, struct err_text *why)
{
    err_t err = seek(rerun, UINT64_MAX, ts, rerun->inside->started && ts < engine_now(rerun->stage->engine), why);
    return err == ERR_AGAIN ? ERR_OK : err;
}
