/* How: each lane is a ring of batches with two cursors, the engine's and the venue's. Two tournament trees say which
 * lane is next on either clock. The engine gets runs: as many events of one lane as can be eaten before another
 * lane, an execution or the edge of what the venue has seen comes first. */
#include "sim/sim_world.h"

#include "sim/sim_lanes.h"

#include <string.h>

static size_t align64(size_t size)
{
    return (size + 63) & ~(size_t)63;
}

size_t sim_world_size(const struct sim_config *config)
{
    return align64(sizeof(struct sim_world)) + align64(config->lane_count * sizeof(struct lane)) +
           2 * align64(merge_tree_size(config->lane_count)) + align64(config->requests_max * sizeof(struct request)) +
           2 * align64(config->requests_max * sizeof(struct response)) +
           align64(config->instrument_count * sizeof(bool));
}

static struct sim_world *sim_of(struct world *world)
{
    return (struct sim_world *)(void *)world;
}

/* Moments at the end of time stay there. */
static ns_t later(ns_t ts, ns_t delay)
{
    return ts > NS_MAX - delay ? NS_MAX : ts + delay;
}

static uint64_t number_at(struct moment *moment, ns_t ts)
{
    if (moment->ts != ts)
        *moment = (struct moment){.ts = ts};
    return moment->count++;
}

/* ---- what a watch is told; only when there is one ---- */

static void watch_request(const struct sim_world *sim, enum why_kind kind, ns_t now, const struct venue_request *body,
                          ns_t drawn, ns_t arrival)
{
    const struct why_note note = {.kind = kind,
                                  .ts = now,
                                  .order_id = body->order_id,
                                  .instrument = body->instrument,
                                  .sent = {.request = *body, .drawn = drawn, .arrival = arrival}};
    if (sim->watch->wants(sim->watch->context, body->order_id))
        sim->watch->note(sim->watch->context, &note);
}

static void watch_answer(const struct sim_world *sim, ns_t venue_ts, const struct execution *execution,
                         uint16_t instrument, ns_t drawn, ns_t arrival)
{
    const struct why_note note = {.kind = WHY_ANSWERED,
                                  .ts = venue_ts,
                                  .order_id = execution->order_id,
                                  .instrument = instrument,
                                  .cause = sim->watch->market,
                                  .answered = {.execution = execution, .drawn = drawn, .arrival = arrival}};
    if (sim->watch->wants(sim->watch->context, execution->order_id))
        sim->watch->note(sim->watch->context, &note);
}

/* ---- the venue's side ---- */

static void venue_take(struct sim_world *sim, struct lane *lane, const struct event *event)
{
    const ns_t ts = sim_venue_time(lane, lane->venue_clock, event);
    lane->venue_clock = ts;
    if (event->exch_ts != 0)
        sim_keep_delay(lane, event);
    sim->stats.clock_behind += event->exch_ts > event->ts;
    if (event->instrument < sim->instrument_count ? sim->instrument_awake[event->instrument]
                                                  : event->kind == EVENT_GAP)
        venue_market(sim->venue, ts, event);
}

/* Let the venue live up to min(engine_next + entry), or less when it answers earlier. */
static err_t advance_venue(struct sim_world *sim, ns_t engine_next)
{
    sim->engine_next = engine_next;
    for (;;) {
        /* engine_next falls when the venue emits (on_execution) */
        const ns_t limit = later(sim->engine_next, sim->entry_min);
        const ns_t market = merge_tree_key(&sim->by_exch);
        const bool have_request = sim->request_head != sim->request_tail;
        const ns_t request = have_request ? sim->requests[sim->request_head & sim->mask].arrival : NS_MAX;
        if (market <= request && market <= limit && market != NS_MAX) {
            const uint16_t number = (uint16_t)merge_tree_winner(&sim->by_exch);
            struct lane *lane = &sim->lanes[number];
            venue_take(sim, lane, &sim_batch(lane, lane->venue.batch)->events[lane->venue.at]);
            lane->venue.at++;
            err_t err = sim_set_venue_key(sim, number);
            if (err != ERR_OK)
                return err;
        } else if (have_request && request < market && request <= limit) {
            struct venue_request body = sim->requests[sim->request_head++ & sim->mask].body;
            venue_request(sim->venue, request, &body);
        } else {
            sim->venue_done = limit;
            return sim->broken;
        }
    }
}

static void on_execution(void *context, ns_t venue_ts, const struct execution *execution, uint16_t instrument)
{
    struct sim_world *sim = context;
    if (sim->response_tail - sim->response_head > sim->mask) {
        (void)sim_break(sim, ERR_FULL, "more executions are under way than are kept; raise engine.order_capacity");
        return;
    }
    const ns_t drawn = latency_response(&sim->latency, venue_ts, number_at(&sim->answering, venue_ts));
    ns_t ts = later(venue_ts, drawn);
    if (ts < sim->last_response)
        ts = sim->last_response;
    sim->last_response = ts;
    if (UNLIKELY(sim->watch != NULL))
        watch_answer(sim, venue_ts, execution, instrument, drawn, ts);
    struct response *response = &sim->responses[sim->response_tail++ & sim->mask];
    response->ts = ts;
    response->instrument = instrument;
    response->body = *execution;
    sim->stats.executions++;
    if (ts < sim->engine_next)
        sim->engine_next = ts;
}

struct venue_sink sim_world_sink(void *memory)
{
    return (struct venue_sink){.context = memory, .emit = on_execution};
}

/* What the venue has passed at or after the cursor, NULL: nothing. All of it is still held. */
static const struct event *passed_at(struct lane *lane, struct cursor *cursor)
{
    for (; cursor->batch < lane->venue.batch; cursor->batch++, cursor->at = 0) {
        const struct event_batch *batch = sim_batch(lane, cursor->batch);
        if (cursor->at < batch->count)
            return &batch->events[cursor->at];
    }
    if (cursor->batch > lane->venue.batch || cursor->at >= lane->venue.at)
        return NULL;
    return &sim_batch(lane, cursor->batch)->events[cursor->at];
}

/* A book as the engine has it, brought to where the venue is: what lies between, in the venue's order (an instrument
 * may come through several lanes: two tapes of one day). */
static void catch_up(struct sim_world *sim, uint16_t instrument)
{
    for (uint16_t i = 0; i < sim->lane_count; i++) {
        sim->lanes[i].late = sim->lanes[i].engine;
        sim->lanes[i].late_clock = INT64_MIN;
    }
    for (;;) {
        struct lane *first = NULL;
        const struct event *event = NULL;
        ns_t first_ts = NS_MAX;
        for (uint16_t i = 0; i < sim->lane_count; i++) {
            struct lane *lane = &sim->lanes[i];
            const struct event *at = passed_at(lane, &lane->late);
            const ns_t ts = at == NULL ? NS_MAX : sim_venue_time(lane, lane->late_clock, at);
            if (at != NULL && (first == NULL || ts < first_ts)) {
                first = lane;
                first_ts = ts;
                event = at;
            }
        }
        if (first == NULL)
            return;
        if (event->instrument == instrument || (event->instrument == INSTRUMENT_NONE && event->kind == EVENT_GAP))
            book_apply(venue_book(sim->venue, instrument), event);
        first->late_clock = first_ts;
        first->late.at++;
    }
}

/* The first order for an instrument: its venue begins with what the engine sees now. The first of all: the venue
 * begins to follow the lanes there. */
static err_t wake(struct sim_world *sim, uint16_t instrument)
{
    book_copy(venue_book(sim->venue, instrument), sim->books(sim->books_context, instrument));
    sim->instrument_awake[instrument] = true;
    sim_store_run(sim);
    if (sim->awake) {
        catch_up(sim, instrument);
        return ERR_OK;
    }
    err_t err = ERR_OK;
    sim->awake = true;
    for (uint16_t i = 0; i < sim->lane_count; i++)
        sim->lanes[i].venue = sim->lanes[i].engine;
    for (uint16_t i = 0; i < sim->lane_count && err == ERR_OK; i++)
        err = sim_set_venue_key(sim, i);
    return err;
}

/* ---- the gateway ---- */

static void end_run_before(struct sim_world *sim, ns_t answer)
{
    /* events of the answer's own instant still come before it */
    const ns_t until = later(answer, 1);
    if (until < sim->world.run.until)
        sim->world.run.until = until;
}

/* The request is lost on the way, and after `drawn` we hear of it. */
static err_t refuse(struct sim_world *sim, ns_t now, ns_t drawn, const struct venue_request *body)
{
    static const uint8_t kinds[] = {
        [VENUE_NEW] = EXEC_REJECT, [VENUE_CANCEL] = EXEC_CANCEL_REJECT, [VENUE_AMEND] = EXEC_AMEND_REJECT};
    if (sim->refusal_tail - sim->refusal_head >= sim->mask) /* the one given last stays whole */
        return sim_break(sim, ERR_FULL, "more rejects are under way than are kept; raise engine.order_capacity");
    ns_t ts = later(now, drawn);
    if (ts < sim->last_refusal)
        ts = sim->last_refusal;
    sim->last_refusal = ts;
    if (UNLIKELY(sim->watch != NULL))
        watch_request(sim, WHY_LOST, now, body, drawn, ts);
    sim->refusals[sim->refusal_tail++ & sim->mask] =
        (struct response){.ts = ts,
                          .instrument = body->instrument,
                          .body = {.order_id = body->order_id, .kind = kinds[body->kind], .reason = REASON_VENUE}};
    sim->stats.rejected++;
    end_run_before(sim, ts);
    return ERR_OK;
}

static err_t send(struct sim_world *sim, ns_t now, const struct venue_request *body)
{
    if (sim->broken != ERR_OK)
        return sim->broken;
    if (sim->market_over)
        return ERR_END;
    const struct latency_outcome way = latency_entry(&sim->latency, now, number_at(&sim->sending, now));
    if (way.rejected)
        return refuse(sim, now, way.delay, body);
    /* How many are under way depends on how far the venue was read, and that on the blocks of a tape: to refuse the
     * request would let the blocks decide. */
    if (sim->request_tail - sim->request_head > sim->mask)
        return sim_break(sim, ERR_FULL, "more requests are under way than are kept; raise engine.order_capacity");
    if (!sim->instrument_awake[body->instrument]) {
        err_t err = wake(sim, body->instrument);
        if (err != ERR_OK)
            return err;
    }
    ns_t arrival = later(now, way.delay);
    if (arrival < sim->last_arrival)
        arrival = sim->last_arrival;
    sim->last_arrival = arrival;
    if (UNLIKELY(sim->watch != NULL))
        watch_request(sim, WHY_SENT, now, body, way.delay, arrival);
    sim->requests[sim->request_tail++ & sim->mask] = (struct request){arrival, *body};
    sim->stats.requests++;
    end_run_before(sim, later(arrival, sim->response_min)); /* the answer cannot come earlier */
    return ERR_OK;
}

static err_t sim_submit(struct world *world, ns_t now, const struct order *order)
{
    const struct venue_request body = {.kind = VENUE_NEW,
                                       .order_id = order->id,
                                       .instrument = order->instrument,
                                       .side = order->side,
                                       .type = order->type,
                                       .tif = order->tif,
                                       .flags = order->flags,
                                       .price = order->price,
                                       .qty = order->qty};
    return send(sim_of(world), now, &body);
}

static err_t sim_cancel(struct world *world, ns_t now, const struct order *order)
{
    const struct venue_request body = {.kind = VENUE_CANCEL, .order_id = order->id, .instrument = order->instrument};
    return send(sim_of(world), now, &body);
}

static err_t sim_amend(struct world *world, ns_t now, const struct order *order, px_t price, qty_t qty)
{
    const struct venue_request body = {.kind = VENUE_AMEND,
                                       .order_id = order->id,
                                       .instrument = order->instrument,
                                       .side = order->side,
                                       .type = order->type,
                                       .tif = order->tif,
                                       .flags = order->flags,
                                       .price = price,
                                       .qty = qty};
    return send(sim_of(world), now, &body);
}

/* ---- the feed ---- */

static err_t start(struct sim_world *sim)
{
    for (uint16_t i = 0; i < sim->lane_count; i++) {
        err_t err = sim_set_engine_key(sim, i);
        if (err != ERR_OK)
            return err;
    }
    sim->started = true;
    sim->run_lane = sim->lane_count;
    return ERR_OK;
}

/* When the next word about an order comes. */
static ns_t next_word(const struct sim_world *sim)
{
    ns_t ts = NS_MAX;
    if (sim->response_head != sim->response_tail)
        ts = sim->responses[sim->response_head & sim->mask].ts;
    if (sim->refusal_head != sim->refusal_tail && sim->refusals[sim->refusal_head & sim->mask].ts < ts)
        ts = sim->refusals[sim->refusal_head & sim->mask].ts;
    return ts;
}

static void give_execution(struct sim_world *sim)
{
    /* The slot stays whole until the next refill: the ring is larger than what one step can send. */
    const struct response *response = &sim->responses[sim->response_head & sim->mask];
    if (sim->response_head != sim->response_tail && response->ts == next_word(sim))
        sim->response_head++;
    else
        response = &sim->refusals[sim->refusal_head++ & sim->mask];
    sim->execution_event = (struct event){.ts = response->ts,
                                          .exch_ts = response->body.venue_ts,
                                          .body = &response->body,
                                          .instrument = response->instrument,
                                          .kind = EVENT_EXECUTION,
                                          .lane = sim->lane_count};
    sim->run_lane = sim->lane_count;
    sim->world.run = (struct run){&sim->execution_event, &sim->execution_event + 1, NS_MAX};
}

static void give_market(struct sim_world *sim, ns_t response)
{
    const uint16_t number = (uint16_t)merge_tree_winner(&sim->by_ts);
    struct lane *lane = &sim->lanes[number];
    const struct event_batch *batch = sim_batch(lane, lane->engine.batch);
    ns_t until = merge_tree_bound(&sim->by_ts);
    if (response < NS_MAX && response + 1 < until)
        until = response + 1;
    if (sim->awake) {
        /* what the venue has not seen yet cannot be answered before this */
        const ns_t unseen = later(later(sim->venue_done, sim->response_min), 1);
        if (unseen < until)
            until = unseen;
    }
    sim->run_lane = number;
    sim->world.run = (struct run){batch->events + lane->engine.at, batch->events + batch->count, until};
}

static err_t sim_refill(struct world *world, ns_t now, ns_t timer_due)
{
    struct sim_world *sim = sim_of(world);
    (void)now;
    err_t err = sim->broken;
    if (err == ERR_OK)
        err = sim->started ? sim_take_back_run(sim) : start(sim);
    if (err != ERR_OK)
        return err;
    world->run = (struct run){NULL, NULL, NS_MAX};
    sim->run_lane = sim->lane_count;

    const ns_t market = merge_tree_key(&sim->by_ts);
    ns_t response = next_word(sim);
    if (sim->awake) {
        ns_t next = market < timer_due ? market : timer_due;
        err = advance_venue(sim, response < next ? response : next);
        if (err != ERR_OK)
            return err;
        /* After the market's last event the venue only works off what was sent before. */
        if (market == NS_MAX && sim->response_head == sim->response_tail)
            err = advance_venue(sim, NS_MAX);
        if (err != ERR_OK)
            return err;
        response = next_word(sim);
    }
    sim->market_over = market == NS_MAX;
    if (market == NS_MAX && response == NS_MAX)
        return ERR_END;
    /* timers before inputs of the same instant, market events before executions */
    if (timer_due <= market && timer_due <= response)
        return ERR_AGAIN;
    if (response < market)
        give_execution(sim);
    else
        give_market(sim, response);
    return ERR_OK;
}

static void sim_close(struct world *world)
{
    struct sim_world *sim = sim_of(world);
    for (uint16_t i = 0; i < sim->lane_count; i++)
        for (struct lane *lane = &sim->lanes[i]; lane->first < lane->end; lane->first++)
            lane->feed->ops->release(lane->feed, sim_batch(lane, lane->first)->handle);
}

static const struct world_ops sim_ops = {sim_refill, sim_submit, sim_cancel, sim_amend, sim_close};

struct world *sim_world_init(void *memory, const struct sim_config *config)
{
    ASSERT(config->lane_count >= 1 && config->requests_max >= 2 &&
           (config->requests_max & (config->requests_max - 1)) == 0);
    struct sim_world *sim = memory;
    memset(sim, 0, sizeof(*sim));
    uint8_t *at = (uint8_t *)memory + align64(sizeof(*sim));
    sim->world.ops = &sim_ops;
    sim->world.run.until = NS_MAX;
    sim->latency = *config->latency;
    sim->entry_min = latency_entry_min(&sim->latency);
    sim->response_min = latency_response_min(&sim->latency);
    sim->sending.ts = sim->answering.ts = INT64_MIN;
    sim->venue = config->venue;
    sim->watch = config->watch;
    sim->lane_count = config->lane_count;
    sim->run_lane = config->lane_count;
    sim->instrument_count = config->instrument_count;
    sim->mask = config->requests_max - 1;
    sim->last_arrival = sim->last_response = sim->last_refusal = INT64_MIN;
    sim->venue_done = INT64_MIN;
    sim->lanes = (struct lane *)(void *)at;
    memset(at, 0, config->lane_count * sizeof(struct lane));
    at += align64(config->lane_count * sizeof(struct lane));
    for (uint16_t i = 0; i < config->lane_count; i++) {
        sim->lanes[i].feed = config->lanes[i];
        sim->lanes[i].venue_clock = INT64_MIN;
    }
    merge_tree_init(&sim->by_ts, at, config->lane_count);
    at += align64(merge_tree_size(config->lane_count));
    merge_tree_init(&sim->by_exch, at, config->lane_count);
    at += align64(merge_tree_size(config->lane_count));
    sim->requests = (struct request *)(void *)at;
    at += align64(config->requests_max * sizeof(struct request));
    sim->responses = (struct response *)(void *)at;
    at += align64(config->requests_max * sizeof(struct response));
    sim->refusals = (struct response *)(void *)at;
    at += align64(config->requests_max * sizeof(struct response));
    sim->instrument_awake = (bool *)(void *)at;
    memset(at, 0, config->instrument_count * sizeof(bool));
    return &sim->world;
}

void sim_world_books(struct world *world, sim_book_source source, const void *context)
{
    sim_of(world)->books = source;
    sim_of(world)->books_context = context;
}

const struct sim_stats *sim_world_stats(const struct world *world)
{
    return &((const struct sim_world *)(const void *)world)->stats;
}
