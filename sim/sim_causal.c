/* sim_causal.c: the venue that knows no more than what has arrived (sim_world.h, "Causal").
 *
 * It is the same venue over the same lanes; its cursor just trails the engine's in the place of running ahead:
 *
 *   lane   ──── venue's cursor ───────── engine's cursor ──── not yet handed over ────►
 *               T - response             T: the next input
 *
 * The engine gets its inputs one by one, since the venue may have something to say between any two of them. */
#include "sim/sim_lanes.h"

/* Of our side alone: no venue sees them, and they move no venue's clock. */
static bool is_ours(uint8_t kind)
{
    return kind == EVENT_TICK || kind == EVENT_PARAMETER || kind == EVENT_SIGNAL || kind == EVENT_OPERATOR;
}

void sim_causal_look(const struct sim_world *sim, struct lane *lane, const struct event **event)
{
    struct cursor *cursor = &lane->venue;
    *event = NULL;
    while (cursor->batch < lane->engine.batch || cursor->at < lane->engine.at) {
        const struct event_batch *batch = sim_batch(lane, cursor->batch);
        if (cursor->at < batch->count) {
            if (is_ours(batch->events[cursor->at].kind)) {
                cursor->at++;
                continue;
            }
            *event = &batch->events[cursor->at];
            return;
        }
        cursor->batch++;
        cursor->at = 0;
        sim_release_passed(sim, lane);
    }
}

/* What the engine has consumed of the run, the venue may see. */
static err_t take_back(struct sim_world *sim)
{
    const uint16_t number = sim->run_lane;
    sim_store_run(sim);
    sim->run_lane = sim->lane_count;
    *sim_run(sim) = (struct run){NULL, NULL, NS_MAX, NULL};
    if (number == sim->lane_count)
        return ERR_OK;
    err_t err = sim_set_engine_key(sim, number);
    if (err != ERR_OK && err != ERR_WAIT)
        return err;
    return sim->awake ? sim_set_venue_key(sim, number) : ERR_OK;
}

/* The lanes that had nothing the last time (at the start: all of them) may have something now. */
static err_t look_again(struct sim_world *sim)
{
    err_t waiting = ERR_OK;
    for (uint16_t i = 0; i < sim->lane_count; i++) {
        if (sim->started && !sim->lanes[i].dry)
            continue;
        err_t err = sim_set_engine_key(sim, i);
        if (err == ERR_WAIT)
            waiting = err;
        else if (err != ERR_OK)
            return err;
    }
    return waiting;
}

err_t sim_causal_ready(struct sim_world *sim)
{
    err_t err = sim->started ? take_back(sim) : ERR_OK;
    if (err == ERR_OK)
        err = look_again(sim);
    if (err != ERR_OK)
        return err;
    const ns_t next = merge_tree_key(&sim->by_ts);
    if (!sim->started) {
        if (sim->faults != NULL)
            sim_faults_start(sim, next);
        sim->started = true;
        sim->run_lane = sim->lane_count;
    }
    sim->horizon = next == NS_MAX                         ? NS_MAX
                   : next < INT64_MIN + sim->response_min ? INT64_MIN
                                                          : next - sim->response_min;
    return ERR_OK;
}

void sim_causal_took(struct sim_world *sim, struct lane *lane, const struct event *event)
{
    lane->own_clock = sim_venue_time(lane, lane->own_clock, event);
    sim->late_events += lane->own_clock < sim->acted;
    sim_causal_passed(sim, lane->venue_clock);
}

void sim_causal_passed(struct sim_world *sim, ns_t ts)
{
    for (uint16_t i = 0; i < sim->lane_count; i++) {
        struct lane *lane = &sim->lanes[i];
        if (lane->venue_clock >= ts)
            continue;
        lane->venue_clock = ts;
        const struct event *event;
        sim_causal_look(sim, lane, &event);
        if (event != NULL)
            merge_tree_set(&sim->by_exch, i, sim_venue_time(lane, ts, event));
    }
}

static ns_t earlier(ns_t a, ns_t b)
{
    return a < b ? a : b;
}

/* An input comes after a word when its ts is later; and the venue lives up to `response` before it. */
ns_t sim_causal_due(const struct world *world)
{
    const struct sim_world *sim = ((const struct branch *)(const void *)world)->sim;
    if (!sim->causal)
        return NS_MAX;
    ns_t due = sim_later(sim->word.ts, 1);
    ns_t venue = sim->request.ts;
    for (uint16_t i = 0; i < sim->branch_count && sim->awake; i++)
        venue = earlier(venue, *sim->branches[i].timer);
    due = earlier(due, sim_later(sim_later(venue, sim->response_min), 1));
    return sim->faults != NULL && sim->started ? earlier(due, sim_next_notice(sim)) : due;
}
