/* What of the world's memory is not its state: where batches lie and what points to them. It is left out of a
 * snapshot, and made anew from the feeds. */
#include "core/book.h"
#include "sim/sim_lanes.h"

#include <string.h>

static size_t ring_size(const struct lane *lane)
{
    return (lane->ring_mask + 1) * sizeof(*lane->ring);
}

err_t sim_world_settle(struct world *world)
{
    struct sim_world *sim = sim_branch_of(world)->sim;
    if (!sim->started || sim->broken != ERR_OK || sim->causal) /* what comes as it happens comes once */
        return ERR_STATE;
    err_t err = sim_take_back_run(sim);
    if (err != ERR_OK)
        return err;
    *sim_run(sim) = (struct run){NULL, NULL, NS_MAX, NULL};
    sim->run_lane = sim->lane_count;
    for (uint16_t i = 0; i < sim->lane_count; i++)
        if (sim->lanes[i].failure != ERR_OK)
            return ERR_STATE;
    for (uint16_t i = 0; i < sim->instrument_count; i++) {
        book_settle(venue_book(sim->branches[0].venue, i)); /* which those that follow have too */
        if (sim->unheard != NULL)
            book_settle(&sim->unheard[i]);
    }
    return ERR_OK;
}

void sim_world_addresses(struct world *world, void *context, void (*address)(void *context, void *at, size_t size))
{
    struct sim_world *sim = sim_branch_of(world)->sim;
    address(context, &sim->request.branch, sizeof(sim->request.branch));
    address(context, &sim->word.branch, sizeof(sim->word.branch));
    address(context, &sim->notice, sizeof(sim->notice));
    for (uint16_t i = 0; i < sim->branch_count; i++) {
        struct branch *branch = &sim->branches[i];
        address(context, &branch->world.run, sizeof(branch->world.run));
        address(context, &branch->execution_event, sizeof(branch->execution_event));
    }
    for (uint16_t i = 0; i < sim->lane_count; i++)
        address(context, sim->lanes[i].ring, ring_size(&sim->lanes[i]));
}

err_t sim_world_marks_of(struct world *world, struct feed_mark *marks)
{
    struct sim_world *sim = sim_branch_of(world)->sim;
    for (uint16_t i = 0; i < sim->lane_count; i++) {
        struct lane *lane = &sim->lanes[i];
        marks[i] = (struct feed_mark){.message = FEED_MARK_END};
        if (lane->feed->place == NULL)
            return ERR_STATE;
        if (lane->first == lane->end)
            continue; /* it has ended */
        err_t err = lane->feed->place->mark(lane->feed, sim_batch(lane, lane->first)->handle, &marks[i]);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

void sim_world_drop(struct world *world)
{
    struct sim_world *sim = sim_branch_of(world)->sim;
    for (uint16_t i = 0; i < sim->lane_count; i++)
        for (struct lane *lane = &sim->lanes[i]; lane->first < lane->end; lane->first++)
            lane->feed->ops->release(lane->feed, sim_batch(lane, lane->first)->handle);
}

static err_t resume_lane(struct sim_world *sim, struct lane *lane, const struct feed_mark *mark)
{
    memset(lane->ring, 0, ring_size(lane));
    err_t err = lane->feed->place == NULL ? ERR_STATE : lane->feed->place->seek(lane->feed, mark);
    for (uint64_t number = lane->first; number < lane->end && err == ERR_OK; number++)
        err = lane->feed->ops->next(lane->feed, sim_batch(lane, number));
    if (err == ERR_OK)
        return ERR_OK;
    lane->end = lane->first; /* of what came, nothing is given back: the feed goes with the run */
    return sim_break(sim, err == ERR_END ? ERR_CORRUPT : err, lane->feed->why.text);
}

err_t sim_world_resume(struct world *world, const struct feed_mark *marks)
{
    struct sim_world *sim = sim_branch_of(world)->sim;
    *sim_run(sim) = (struct run){NULL, NULL, NS_MAX, NULL};
    for (uint16_t i = 1; i < sim->branch_count; i++)
        sim->branches[i].world.run = (struct run){NULL, NULL, NS_MAX, NULL};
    sim_find_request(sim);
    sim_find_word(sim);
    for (uint16_t i = 0; i < sim->lane_count; i++) {
        err_t err = resume_lane(sim, &sim->lanes[i], &marks[i]);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

void sim_world_hold(struct world *world)
{
    struct sim_world *sim = sim_branch_of(world)->sim;
    for (uint16_t i = 0; i < sim->branch_count; i++)
        if (sim->branches[i].last_arrival < sim->venue_done)
            sim->branches[i].last_arrival = sim->venue_done;
}

/* ---- reading ---- */

bool sim_world_message(const struct world *world, uint32_t index, struct sim_message *message)
{
    const struct branch *branch = (const struct branch *)(const void *)world;
    const struct sim_world *sim = branch->sim;
    uint64_t at = index;
    if (at < branch->request_tail - branch->request_head) {
        const struct request *request = &branch->requests[(branch->request_head + at) & sim->mask];
        *message = (struct sim_message){&request->body, NULL, request->body.instrument, request->arrival};
        return true;
    }
    at -= branch->request_tail - branch->request_head;
    const struct word_queue answers = {
        .ring = branch->responses, .head = branch->response_head, .tail = branch->response_tail};
    const struct word_queue *const queues[] = {&answers, &branch->refusals, &branch->timeouts, &branch->reports};
    for (size_t i = 0; i < ARRAY_LEN(queues); i++) {
        const uint64_t count = queues[i]->tail - queues[i]->head;
        if (at < count) {
            const struct response *word = &queues[i]->ring[(queues[i]->head + at) & sim->mask];
            *message = (struct sim_message){NULL, &word->body, word->instrument, word->ts};
            return true;
        }
        at -= count;
    }
    return false;
}
