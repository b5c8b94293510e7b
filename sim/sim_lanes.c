#include "sim/sim_lanes.h"

static const char too_far_ahead[] =
    "the venue would have to read further ahead of the strategy than the feed keeps: stamps of the venue and of "
    "arrival "
    "are too far apart; correct the clock when importing (--clock-offset), or use larger blocks";

err_t sim_break(struct sim_world *sim, err_t err, const char *words)
{
    sim->broken = err;
    return err_say(&sim->branches[0].world.why, err, "%s", words);
}

void sim_release_passed(const struct sim_world *sim, struct lane *lane)
{
    uint64_t needed = lane->engine.batch;
    if (sim->awake && lane->venue.batch < needed)
        needed = lane->venue.batch;
    while (lane->first < needed) {
        lane->feed->ops->release(lane->feed, sim_batch(lane, lane->first)->handle);
        lane->first++;
    }
}

err_t sim_look(struct sim_world *sim, struct lane *lane, struct cursor *cursor, const struct event **event)
{
    for (;;) {
        if (LIKELY(cursor->batch < lane->end)) {
            const struct event_batch *batch = sim_batch(lane, cursor->batch);
            if (LIKELY(cursor->at < batch->count)) {
                *event = &batch->events[cursor->at];
                return ERR_OK;
            }
            cursor->batch++;
            cursor->at = 0;
            sim_release_passed(sim, lane);
            continue;
        }
        if (lane->ended) {
            if (lane->failure != ERR_OK && cursor == &lane->engine)
                return sim_break(sim, lane->failure, lane->feed->why.text);
            *event = NULL;
            return ERR_OK;
        }
        if (lane->end - lane->first > lane->ring_mask)
            return sim_break(sim, ERR_FULL, too_far_ahead);
        err_t err = lane->feed->ops->next(lane->feed, sim_batch(lane, lane->end));
        lane->dry = err == ERR_AGAIN && sim->causal;
        if (lane->dry)
            return ERR_WAIT;
        if (err == ERR_END) {
            lane->ended = true;
        } else if (err == ERR_FULL) {
            return sim_break(sim, ERR_FULL, too_far_ahead);
        } else if (err != ERR_OK) {
            /* The venue, which reads ahead, sees an end; the engine still gets all that came before the damage. */
            lane->ended = true;
            lane->failure = err;
        } else {
            lane->end++;
            if (lane->end - lane->first > sim->lookahead_most)
                sim->lookahead_most = lane->end - lane->first;
        }
    }
}

err_t sim_set_engine_key(struct sim_world *sim, uint16_t number)
{
    const struct event *event = NULL;
    err_t err = sim_look(sim, &sim->lanes[number], &sim->lanes[number].engine, &event);
    if (err == ERR_OK)
        merge_tree_set(&sim->by_ts, number, event == NULL ? NS_MAX : event->ts);
    return err;
}

err_t sim_set_venue_key(struct sim_world *sim, uint16_t number)
{
    struct lane *lane = &sim->lanes[number];
    const struct event *event = NULL;
    err_t err = ERR_OK;
    if (UNLIKELY(sim->causal))
        sim_causal_look(sim, lane, &event);
    else
        err = sim_look(sim, lane, &lane->venue, &event);
    if (err == ERR_OK)
        merge_tree_set(&sim->by_exch, number,
                       event == NULL ? NS_MAX : sim_venue_time(lane, lane->venue_clock, event));
    return err;
}

void sim_store_run(struct sim_world *sim)
{
    if (!sim->started || sim->run_lane == sim->lane_count)
        return;
    struct lane *lane = &sim->lanes[sim->run_lane];
    const struct event_batch *batch = sim_batch(lane, lane->engine.batch);
    const uint32_t from = lane->engine.at;
    lane->engine.at = (uint32_t)(sim_run(sim)->at - batch->events);
    if (sim->awake)
        return;
    for (uint32_t i = lane->engine.at; i > from; i--)
        if (batch->events[i - 1].exch_ts != 0) {
            sim_keep_delay(lane, &batch->events[i - 1]);
            return;
        }
}

err_t sim_take_back_run(struct sim_world *sim)
{
    sim_store_run(sim);
    return sim->run_lane == sim->lane_count ? ERR_OK : sim_set_engine_key(sim, sim->run_lane);
}
