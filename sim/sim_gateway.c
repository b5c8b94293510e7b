/* sim_gateway.c: the way of a request to its venue: what wakes with the first one, how long it takes, and the word
 * that comes back when it never arrives. */
#include "sim/sim_lanes.h"

#include <string.h>

/* ---- waking ---- */

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

static void pass(struct sim_world *sim, uint16_t instrument, const struct event *event)
{
    if (event->kind == EVENT_MARK && event->body != NULL)
        venue_mark(sim->branches[0].venue, instrument, event->body);
    else
        book_apply(venue_book(sim->branches[0].venue, instrument), event);
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
            pass(sim, instrument, event);
        first->late_clock = first_ts;
        first->late.at++;
    }
}

/* The first order for an instrument: its venue begins with what the engine sees now. The first of all: the venue
 * begins to follow the lanes there. */
static err_t wake(struct sim_world *sim, uint16_t instrument)
{
    book_copy(venue_book(sim->branches[0].venue, instrument), sim->books(sim->books_context, instrument));
    const struct event_mark *mark = sim->marks != NULL ? sim->marks(sim->books_context, instrument) : NULL;
    if (mark != NULL)
        venue_mark(sim->branches[0].venue, instrument, mark);
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

err_t sim_wake_all(struct sim_world *sim)
{
    err_t err = ERR_OK;
    for (uint16_t i = 0; i < sim->instrument_count && err == ERR_OK; i++)
        if (!sim->instrument_awake[i])
            err = wake(sim, i);
    return err;
}

/* ---- on the way ---- */

static void watch_request(const struct branch *branch, enum why_kind kind, ns_t now, const struct venue_request *body,
                          ns_t drawn, ns_t arrival)
{
    const struct why_note note = {.kind = kind,
                                  .ts = now,
                                  .order_id = body->order_id,
                                  .instrument = body->instrument,
                                  .sent = {.request = *body, .drawn = drawn, .arrival = arrival}};
    if (branch->watch->wants(branch->watch->context, body->order_id))
        branch->watch->note(branch->watch->context, &note);
}

static void end_run_before(struct sim_world *sim, ns_t answer)
{
    /* events of the answer's own instant still come before it */
    const ns_t until = sim_later(answer, 1);
    if (until < sim_run(sim)->until)
        sim_run(sim)->until = until;
}

uint32_t sim_refusals(const struct venue_request *body, enum reason reason, struct execution said[2])
{
    static const uint8_t kinds[] = {[VENUE_NEW] = EXEC_REJECT,
                                    [VENUE_CANCEL] = EXEC_CANCEL_REJECT,
                                    [VENUE_AMEND] = EXEC_AMEND_REJECT,
                                    [VENUE_REPLACE] = EXEC_REJECT,
                                    [VENUE_CANCEL_ALL] = EXEC_CANCEL_REJECT,
                                    [VENUE_COUNTDOWN] = EXEC_AMEND_REJECT};
    uint32_t count = 0;
    if (body->kind == VENUE_REPLACE)
        said[count++] =
            (struct execution){.order_id = body->old_id, .kind = EXEC_CANCEL_REJECT, .reason = (uint16_t)reason};
    said[count++] =
        (struct execution){.order_id = body->order_id, .kind = kinds[body->kind], .reason = (uint16_t)reason};
    return count;
}

err_t sim_refuse(struct branch *branch, struct word_queue *words, ns_t now, ns_t delay,
                 const struct venue_request *body, enum reason reason)
{
    struct execution said[2];
    const uint32_t count = sim_refusals(body, reason, said);
    struct sim_world *sim = branch->sim;
    if (words->tail - words->head + count > sim->mask) /* the one given last stays whole */
        return sim_break(sim, ERR_FULL, "more rejects are under way than are kept; raise engine.order_capacity");
    ns_t ts = sim_later(now, delay);
    if (ts < words->last)
        ts = words->last;
    words->last = ts;
    if (UNLIKELY(branch->watch != NULL))
        watch_request(branch, WHY_LOST, now, body, delay, ts);
    for (uint32_t i = 0; i < count; i++)
        words->ring[words->tail++ & sim->mask] =
            (struct response){.ts = ts, .instrument = body->instrument, .body = said[i]};
    branch->rejected += reason == REASON_VENUE;
    sim_under_way(&sim->word, branch, ts);
    end_run_before(sim, ts);
    return ERR_OK;
}

/* How a message sent now fares; the first request of a batch decides for all. */
static const struct message *message_of(struct branch *branch, ns_t now)
{
    struct message *message = &branch->message;
    if (!message->batch || !message->on_its_way) {
        message->number = sim_number_at(&branch->sending, now);
        message->way = latency_entry(&branch->sim->latency, now, message->number);
    }
    message->on_its_way = true;
    return message;
}

static err_t send(struct branch *branch, ns_t now, const struct venue_request *body)
{
    struct sim_world *sim = branch->sim;
    if (sim->broken != ERR_OK)
        return sim->broken;
    if (sim->market_over)
        return ERR_END;
    const struct message *message = message_of(branch, now);
    const struct latency_outcome way = message->way;
    err_t lost;
    if (way.rejected)
        return sim_refuse(branch, &branch->refusals, now, way.delay, body, REASON_VENUE);
    ns_t arrival = sim_later(now, way.delay);
    if (arrival < branch->last_arrival)
        arrival = branch->last_arrival;
    if (UNLIKELY(sim->faults != NULL) && sim_lose_request(branch, now, arrival, message->number, body, &lost))
        return lost;
    /* How many are under way depends on how far the venue was read, and that on the blocks of a tape: to refuse the
     * request would let the blocks decide. */
    if (branch->request_tail - branch->request_head > sim->mask)
        return sim_break(sim, ERR_FULL, "more requests are under way than are kept; raise engine.order_capacity");
    if (UNLIKELY(!sim->instrument_awake[body->instrument])) {
        err_t err = sim->causal ? sim_wake_all(sim) : wake(sim, body->instrument);
        if (err != ERR_OK)
            return err;
        if (sim->causal) /* from now on the venue lives between any two inputs */
            sim_run(sim)->until = INT64_MIN;
    }
    branch->last_arrival = arrival;
    if (UNLIKELY(branch->watch != NULL))
        watch_request(branch, WHY_SENT, now, body, way.delay, arrival);
    branch->requests[branch->request_tail++ & sim->mask] = (struct request){.arrival = arrival, .body = *body};
    sim_under_way(&sim->request, branch, arrival);
    branch->sent++;
    end_run_before(sim, sim_later(arrival, sim->response_min)); /* the answer cannot come earlier */
    return ERR_OK;
}

static struct venue_request request_of(enum venue_request_kind kind, const struct order *order, px_t price, qty_t qty)
{
    return (struct venue_request){.kind = kind,
                                  .order_id = order->id,
                                  .instrument = order->instrument,
                                  .side = order->side,
                                  .type = order->type,
                                  .tif = order->tif,
                                  .flags = order->flags,
                                  .stp = order->stp,
                                  .price = price,
                                  .qty = order->funds != 0 ? 0 : qty,
                                  .funds = order->funds,
                                  .expire_ts = order->expire_ts};
}

err_t sim_submit(struct world *world, ns_t now, const struct order *order)
{
    const struct venue_request body = request_of(VENUE_NEW, order, order->price, order->qty);
    return send(sim_branch_of(world), now, &body);
}

err_t sim_cancel(struct world *world, ns_t now, const struct order *order)
{
    const struct venue_request body = {.kind = VENUE_CANCEL, .order_id = order->id, .instrument = order->instrument};
    return send(sim_branch_of(world), now, &body);
}

err_t sim_amend(struct world *world, ns_t now, const struct order *order, px_t price, qty_t qty)
{
    const struct venue_request body = request_of(VENUE_AMEND, order, price, qty);
    return send(sim_branch_of(world), now, &body);
}

err_t sim_replace(struct world *world, ns_t now, const struct order *old, const struct order *order,
                  enum replace_mode mode)
{
    struct venue_request body = request_of(VENUE_REPLACE, order, order->price, order->qty);
    body.old_id = old->id;
    body.replace_mode = mode;
    return send(sim_branch_of(world), now, &body);
}

err_t sim_cancel_all(struct world *world, ns_t now, uint16_t instrument)
{
    const struct venue_request body = {.kind = VENUE_CANCEL_ALL, .instrument = instrument};
    return send(sim_branch_of(world), now, &body);
}

err_t sim_countdown(struct world *world, ns_t now, uint16_t instrument, ns_t delay)
{
    const struct venue_request body = {.kind = VENUE_COUNTDOWN, .instrument = instrument, .delay = delay};
    return send(sim_branch_of(world), now, &body);
}

void sim_batch_message(struct world *world, ns_t now, bool begin)
{
    (void)now;
    sim_branch_of(world)->message = (struct message){.batch = begin};
}
