/* How: each lane is a ring of batches with two cursors, the engine's and the venue's. Two tournament trees say which
 * lane is next on either clock. The engine gets runs: as many events of one lane as can be eaten before another
 * lane, an execution or the edge of what the venue has seen comes first. The way of a request to the venue is
 * sim_gateway.c's. */
#include "sim/sim_world.h"

#include "sim/sim_lanes.h"

#include <string.h>

static uint32_t lookahead_of(const struct sim_config *config)
{
    return config->lookahead == 0 ? SIM_LOOKAHEAD_MAX : config->lookahead;
}

static size_t ring_size(const struct sim_config *config)
{
    return align64(lookahead_of(config) * sizeof(struct event_batch));
}

size_t sim_world_size(const struct sim_config *config)
{
    const size_t branches = 1 + config->follower_count;
    return align64(sizeof(struct sim_world)) + align64(branches * sizeof(struct branch)) +
           align64(config->lane_count * sizeof(struct lane)) + config->lane_count * ring_size(config) +
           2 * align64(merge_tree_size(config->lane_count)) +
           branches * (align64(config->requests_max * sizeof(struct request)) +
                       2 * align64(config->requests_max * sizeof(struct response))) +
           align64(config->instrument_count * sizeof(bool)) + sim_faults_size(config);
}

static struct branch *branch_at(void *memory, uint16_t branch)
{
    return (struct branch *)(void *)((uint8_t *)memory + align64(sizeof(struct sim_world))) + branch;
}

/* ---- what a watch is told; only when there is one ---- */

static void watch_answer(const struct branch *branch, ns_t venue_ts, const struct execution *execution,
                         uint16_t instrument, ns_t drawn, ns_t arrival)
{
    const struct why_note note = {.kind = WHY_ANSWERED,
                                  .ts = venue_ts,
                                  .order_id = execution->order_id,
                                  .instrument = instrument,
                                  .cause = branch->watch->market,
                                  .answered = {.execution = execution, .drawn = drawn, .arrival = arrival}};
    if (branch->watch->wants(branch->watch->context, execution->order_id))
        branch->watch->note(branch->watch->context, &note);
}

/* ---- the venue's side ---- */

static void venue_take(struct sim_world *sim, struct lane *lane, const struct event *event)
{
    const ns_t ts = sim_venue_time(lane, lane->venue_clock, event);
    lane->venue_clock = ts;
    if (UNLIKELY(sim->faults != NULL))
        sim_venue_at(sim, ts);
    if (event->exch_ts != 0)
        sim_keep_delay(lane, event);
    sim->clock_behind += event->exch_ts > event->ts;
    if (event->ts > sim->market_last)
        sim->market_last = event->ts;
    if (event->instrument < sim->instrument_count ? sim->instrument_awake[event->instrument]
                                                  : event->kind == EVENT_GAP)
        venue_market(sim->branches[0].venue, ts, event);
}

static void look_for_word(struct sim_world *sim, struct branch *branch, const struct word_queue *words)
{
    if (words->head != words->tail)
        sim_under_way(&sim->word, branch, words->ring[words->head & sim->mask].ts);
}

/* After one was taken. */
void sim_find_request(struct sim_world *sim)
{
    sim->request = (struct soonest){NULL, NS_MAX};
    for (struct branch *branch = sim->branches; branch < sim->branches + sim->branch_count; branch++)
        if (branch->request_head != branch->request_tail)
            sim_under_way(&sim->request, branch, branch->requests[branch->request_head & sim->mask].arrival);
}

void sim_find_word(struct sim_world *sim)
{
    sim->word = (struct soonest){NULL, NS_MAX};
    for (struct branch *branch = sim->branches; branch < sim->branches + sim->branch_count; branch++) {
        if (branch->response_head != branch->response_tail)
            sim_under_way(&sim->word, branch, branch->responses[branch->response_head & sim->mask].ts);
        look_for_word(sim, branch, &branch->refusals);
        look_for_word(sim, branch, &branch->timeouts);
        look_for_word(sim, branch, &branch->reports);
    }
}

static ns_t earlier_word(const struct branch *branch, const struct word_queue *words, ns_t ts)
{
    if (words->head == words->tail)
        return ts;
    const ns_t word = words->ring[words->head & branch->sim->mask].ts;
    return word < ts ? word : ts;
}

/* When the next word about an order of the branch comes. */
static ns_t word_of(const struct branch *branch)
{
    ns_t ts = NS_MAX;
    if (branch->response_head != branch->response_tail)
        ts = branch->responses[branch->response_head & branch->sim->mask].ts;
    ts = earlier_word(branch, &branch->refusals, ts);
    ts = earlier_word(branch, &branch->timeouts, ts);
    return earlier_word(branch, &branch->reports, ts);
}

/* What a venue does by itself is only done when its engine has got there: how far the venue is read ahead hangs on
 * the blocks of a tape, and a run must end the same however they are cut. When the market is over, a venue's time
 * goes on to the next word about an order and to what is still to be answered, and then stands. */
enum passing { PASS_NOW, PASS_LATER, PASS_NEVER };
static enum passing may_pass(const struct sim_world *sim, const struct branch *branch, ns_t due)
{
    if (merge_tree_key(&sim->by_ts) != NS_MAX)
        return due <= sim->engine_next ? PASS_NOW : PASS_LATER;
    const ns_t word = word_of(branch);
    if (merge_tree_key(&sim->by_exch) != NS_MAX || due <= sim->market_last || due <= branch->word_last)
        return PASS_NOW;
    if (word != NS_MAX)
        return due <= word ? PASS_NOW : PASS_LATER;
    return branch->request_head != branch->request_tail ? PASS_NOW : PASS_NEVER;
}

/* The branch whose venue is the next to do something by itself; NS_MAX: none. */
static struct branch *next_timer(const struct sim_world *sim, ns_t *due)
{
    struct branch *first = NULL;
    *due = NS_MAX;
    for (struct branch *branch = sim->branches; branch < sim->branches + sim->branch_count; branch++) {
        const ns_t ts = *branch->timer;
        if (UNLIKELY(ts < *due) && may_pass(sim, branch, ts) != PASS_NEVER) {
            first = branch;
            *due = ts;
        }
    }
    return first;
}

/* Nothing of the venues' own comes before a market event at `ts`, or with it. */
static inline bool is_quiet_until(const struct sim_world *sim, ns_t ts)
{
    bool quiet = *sim->due >= ts;
    for (uint16_t i = 0; i < sim->branch_count; i++)
        quiet &= *sim->branches[i].timer > ts;
    return quiet;
}

/* The next market event, and those of its lane behind it that come before all else: the tournament is asked once for
 * all of them. */
static err_t take_market(struct sim_world *sim)
{
    const uint16_t number = (uint16_t)merge_tree_winner(&sim->by_exch);
    const ns_t bound = merge_tree_bound(&sim->by_exch);
    struct lane *lane = &sim->lanes[number];
    const struct event_batch *batch = sim_batch(lane, lane->venue.batch);
    for (;;) {
        venue_take(sim, lane, &batch->events[lane->venue.at]);
        if (++lane->venue.at == batch->count || UNLIKELY(sim->causal))
            break;
        const ns_t ts = sim_venue_time(lane, lane->venue_clock, &batch->events[lane->venue.at]);
        /* engine_next falls when a venue emits */
        if (ts >= bound || ts > sim->request.ts || ts > sim_later(sim->engine_next, sim->entry_min) ||
            !is_quiet_until(sim, ts))
            break;
    }
    if (UNLIKELY(sim->causal)) {
        sim_causal_took(sim, lane, &batch->events[lane->venue.at - 1]);
    }
    return sim_set_venue_key(sim, number);
}

/* The venue has done something beside the market. */
static inline void venue_acted(struct sim_world *sim, ns_t ts)
{
    if (LIKELY(!sim->causal))
        return;
    sim->acted = ts;
    sim_causal_passed(sim, ts);
}

/* Let the venues live up to min(engine_next + entry), or less when one answers earlier. */
static err_t advance_venue(struct sim_world *sim, ns_t engine_next)
{
    sim->engine_next = engine_next;
    for (;;) {
        /* engine_next falls when a venue emits (on_execution) */
        const ns_t reach = sim_later(sim->engine_next, sim->entry_min);
        const ns_t limit = reach < sim->horizon ? reach : sim->horizon;
        const ns_t market = merge_tree_key(&sim->by_exch);
        const ns_t request = sim->request.ts;
        if (LIKELY(market <= request && market <= limit && market != NS_MAX && is_quiet_until(sim, market))) {
            const err_t err = take_market(sim);
            if (err != ERR_OK)
                return err;
            continue;
        }
        ns_t timer;
        struct branch *waking = next_timer(sim, &timer);
        if (UNLIKELY(*sim->due < market && *sim->due < request && *sim->due < limit && *sim->due < timer) &&
            (market != NS_MAX || request != NS_MAX)) {
            const ns_t ts = *sim->due;
            venue_elapse(sim->branches[0].venue, ts);
            venue_acted(sim, ts);
        } else if (UNLIKELY(waking != NULL && timer <= market && timer <= request && timer <= limit)) {
            if (may_pass(sim, waking, timer) == PASS_LATER) {
                sim->venue_done = timer - 1;
                return sim->broken;
            }
            venue_pass(waking->venue, timer);
            venue_acted(sim, timer);
        } else if (market <= request && market <= limit && market != NS_MAX) {
            const err_t err = take_market(sim);
            if (err != ERR_OK)
                return err;
        } else if (sim->request.branch != NULL && request < market && request <= limit) {
            struct branch *asking = sim->request.branch;
            struct venue_request body = asking->requests[asking->request_head++ & sim->mask].body;
            sim_find_request(sim);
            if (LIKELY(sim->faults == NULL) || !sim_refuse_request(asking, request, &body))
                venue_request(asking->venue, request, &body);
            venue_acted(sim, request);
        } else {
            sim->venue_done = limit;
            return sim->broken;
        }
    }
}

void sim_world_answer(struct branch *branch, ns_t venue_ts, const struct execution *execution, uint16_t instrument)
{
    struct sim_world *sim = branch->sim;
    if (branch->response_tail - branch->response_head > sim->mask) {
        (void)sim_break(sim, ERR_FULL, "more executions are under way than are kept; raise engine.order_capacity");
        return;
    }
    const uint64_t number = sim_number_at(&branch->answering, venue_ts);
    const ns_t drawn = latency_response(&sim->latency, venue_ts, number);
    ns_t ts = sim_later(venue_ts, drawn);
    if (ts < branch->last_response)
        ts = branch->last_response;
    if (UNLIKELY(sim->faults != NULL))
        ts = sim_answer_at(branch, venue_ts, number, ts);
    struct response *response = &branch->responses[branch->response_tail & sim->mask];
    response->ts = ts;
    response->instrument = instrument;
    response->body = *execution;
    if (LIKELY(sim->faults == NULL) || !sim_report_answer(branch, venue_ts, number, response, &ts)) {
        branch->last_response = ts;
        branch->response_tail++;
    }
    if (UNLIKELY(branch->watch != NULL))
        watch_answer(branch, venue_ts, execution, instrument, drawn, ts);
    sim_under_way(&sim->word, branch, ts);
    branch->answered++;
    if (ts < sim->engine_next)
        sim->engine_next = ts;
}

static void on_execution(void *context, ns_t venue_ts, const struct execution *execution, uint16_t instrument)
{
    sim_world_answer(context, venue_ts, execution, instrument);
}

struct venue_sink sim_world_sink(void *memory, uint16_t branch)
{
    return (struct venue_sink){.context = branch_at(memory, branch), .emit = on_execution};
}

/* ---- the feed ---- */

static err_t start(struct sim_world *sim)
{
    for (uint16_t i = 0; i < sim->lane_count; i++) {
        err_t err = sim_set_engine_key(sim, i);
        if (err != ERR_OK)
            return err;
    }
    if (sim->faults != NULL)
        sim_faults_start(sim, merge_tree_key(&sim->by_ts));
    sim->started = true;
    sim->run_lane = sim->lane_count;
    return ERR_OK;
}

static bool is_answered(const struct sim_world *sim)
{
    for (uint16_t i = 0; i < sim->branch_count; i++)
        if (sim->branches[i].response_head != sim->branches[i].response_tail)
            return false;
    return true;
}

/* The queue whose first word is the next of all. */
static struct word_queue *queue_of(const struct sim_world *sim, struct branch *branch)
{
    struct word_queue *const queues[] = {&branch->refusals, &branch->timeouts, &branch->reports};
    size_t i = 0;
    while (queues[i]->head == queues[i]->tail || queues[i]->ring[queues[i]->head & sim->mask].ts != sim->word.ts)
        i++;
    return queues[i];
}

static void give_execution(struct sim_world *sim, struct branch *branch)
{
    /* The slot stays whole until the next refill: the ring is larger than what one step can send. */
    const struct response *response = &branch->responses[branch->response_head & sim->mask];
    if (branch->response_head != branch->response_tail && response->ts == sim->word.ts) {
        branch->response_head++;
    } else {
        struct word_queue *words = queue_of(sim, branch);
        response = &words->ring[words->head++ & sim->mask];
    }
    const bool late = response->ts < sim->told;
    sim->late_words += late;
    branch->execution_event = (struct event){.ts = late ? sim->told : response->ts,
                                             .exch_ts = response->body.venue_ts,
                                             .body = &response->body,
                                             .instrument = response->instrument,
                                             .kind = EVENT_EXECUTION,
                                             .lane = sim->lane_count};
    sim_find_word(sim);
    branch->word_last = branch->execution_event.ts;
    sim->run_lane = sim->lane_count;
    *sim_run(sim) = (struct run){&branch->execution_event, &branch->execution_event + 1, NS_MAX, &branch->world};
}

static void give_market(struct sim_world *sim, ns_t response, ns_t notice)
{
    const uint16_t number = (uint16_t)merge_tree_winner(&sim->by_ts);
    struct lane *lane = &sim->lanes[number];
    const struct event_batch *batch = sim_batch(lane, lane->engine.batch);
    ns_t until = merge_tree_bound(&sim->by_ts);
    if (notice < until)
        until = notice;
    if (response < NS_MAX && response + 1 < until)
        until = response + 1;
    if (sim->awake) {
        /* what the venue has not seen yet cannot be answered before this */
        const ns_t unseen = sim_later(sim_later(sim->venue_done, sim->response_min), 1);
        if (unseen < until)
            until = unseen;
    }
    sim->run_lane = number;
    const struct event *at = batch->events + lane->engine.at;
    *sim_run(sim) = (struct run){at, sim->causal && sim->awake ? at + 1 : batch->events + batch->count, until, NULL};
}

/* A market event that the line did not carry: its time passes, and nothing else. */
static err_t pass_unheard(struct sim_world *sim)
{
    const uint16_t number = (uint16_t)merge_tree_winner(&sim->by_ts);
    struct lane *lane = &sim->lanes[number];
    sim_pass_unheard(sim, &sim_batch(lane, lane->engine.batch)->events[lane->engine.at]);
    lane->engine.at++;
    if (UNLIKELY(sim->causal)) { /* the caller looks what comes next, and what the venue may know now */
        sim->run_lane = number;
        sim_run(sim)->at = &sim_batch(lane, lane->engine.batch)->events[lane->engine.at];
        return ERR_OK;
    }
    return sim_set_engine_key(sim, number);
}

/* The next input, ERR_OK; or a market event that is not heard, *passed. */
static err_t next_input(struct sim_world *sim, ns_t timer_due, bool *passed)
{
    err_t err;
    *passed = false;
    const ns_t market = merge_tree_key(&sim->by_ts), notice = sim_next_notice(sim);
    if (sim->awake) {
        ns_t next = market < timer_due ? market : timer_due;
        next = notice < next ? notice : next;
        next = sim->word.ts < next ? sim->word.ts : next;
        err = advance_venue(sim, next > sim->told ? next : sim->told);
        if (err != ERR_OK)
            return err;
        /* After the market's last event the venues only work off what was sent before. */
        if (market == NS_MAX && is_answered(sim))
            err = advance_venue(sim, NS_MAX);
        if (err != ERR_OK)
            return err;
    }
    const ns_t response = sim->word.ts;
    sim->market_over = market == NS_MAX;
    if (market == NS_MAX && response == NS_MAX)
        return ERR_END;
    /* timers before inputs of the same instant, then notices, market events, executions */
    const ns_t input = market < response ? market : response;
    if (timer_due <= input && timer_due <= notice)
        return ERR_AGAIN;
    if (UNLIKELY(notice <= input))
        return sim_give_notice(sim);
    if (response < market) {
        give_execution(sim, sim->word.branch);
    } else if (UNLIKELY(sim_is_unheard(sim, market))) {
        *passed = true;
        return pass_unheard(sim);
    } else {
        give_market(sim, response, notice);
    }
    return ERR_OK;
}

static err_t refill_causal(struct sim_world *sim, ns_t now, ns_t timer_due)
{
    bool passed = false;
    err_t err;
    if (now > sim->told)
        sim->told = now;
    do {
        err = sim_causal_ready(sim);
        if (err == ERR_OK)
            err = next_input(sim, timer_due, &passed);
    } while (err == ERR_OK && passed);
    return err;
}

static err_t sim_refill(struct world *world, ns_t now, ns_t timer_due)
{
    struct sim_world *sim = sim_branch_of(world)->sim;
    ASSERT(world == &sim->branches[0].world);
    err_t err = sim->broken;
    if (UNLIKELY(sim->causal))
        return err == ERR_OK ? refill_causal(sim, now, timer_due) : err;
    if (err == ERR_OK)
        err = sim->started ? sim_take_back_run(sim) : start(sim);
    if (err != ERR_OK)
        return err;
    world->run = (struct run){NULL, NULL, NS_MAX, NULL};
    sim->run_lane = sim->lane_count;
    bool passed = false;
    do
        err = next_input(sim, timer_due, &passed);
    while (err == ERR_OK && passed);
    return err;
}

static void sim_close(struct world *world)
{
    sim_world_drop(world);
}

static const struct world_ops sim_ops = {.refill = sim_refill,
                                         .submit = sim_submit,
                                         .cancel = sim_cancel,
                                         .amend = sim_amend,
                                         .replace = sim_replace,
                                         .cancel_all = sim_cancel_all,
                                         .countdown = sim_countdown,
                                         .batch = sim_batch_message,
                                         .audit = sim_audit,
                                         .due = sim_causal_due,
                                         .close = sim_close};

static void *carve(uint8_t **at, size_t size)
{
    void *piece = *at;
    *at += align64(size);
    return piece;
}

static void init_branch(struct sim_world *sim, uint16_t number, struct venue *venue, uint32_t requests_max,
                        uint8_t **at)
{
    struct branch *branch = &sim->branches[number];
    *branch = (struct branch){.sim = sim, .venue = venue};
    branch->world.ops = &sim_ops;
    branch->world.run.until = NS_MAX;
    branch->sending.ts = branch->answering.ts = INT64_MIN;
    branch->last_arrival = branch->last_response = branch->word_last = INT64_MIN;
    branch->timer = venue_timer(venue);
    branch->requests = carve(at, requests_max * sizeof(struct request));
    branch->responses = carve(at, requests_max * sizeof(struct response));
    branch->refusals =
        (struct word_queue){.ring = carve(at, requests_max * sizeof(struct response)), .last = INT64_MIN};
}

struct world *sim_world_init(void *memory, const struct sim_config *config)
{
    ASSERT(config->lane_count >= 1 && config->requests_max >= 2 &&
           (config->requests_max & (config->requests_max - 1)) == 0);
    struct sim_world *sim = memory;
    memset(sim, 0, sizeof(*sim));
    sim->branch_count = (uint16_t)(1 + config->follower_count);
    sim->branches = branch_at(memory, 0);
    uint8_t *at = (uint8_t *)memory + align64(sizeof(*sim)) + align64(sim->branch_count * sizeof(struct branch));
    sim->latency = *config->latency;
    sim->due = venue_due(config->venue);
    sim->entry_min = latency_entry_min(&sim->latency);
    sim->response_min = latency_response_min(&sim->latency);
    sim->lane_count = config->lane_count;
    sim->run_lane = config->lane_count;
    sim->instrument_count = config->instrument_count;
    sim->mask = config->requests_max - 1;
    sim->causal = config->causal;
    sim->horizon = NS_MAX;
    sim->told = sim->acted = INT64_MIN;
    sim->venue_done = sim->market_last = INT64_MIN;
    sim->request = sim->word = (struct soonest){NULL, NS_MAX};
    sim->lanes = carve(&at, config->lane_count * sizeof(struct lane));
    memset(sim->lanes, 0, config->lane_count * sizeof(struct lane));
    for (uint16_t i = 0; i < config->lane_count; i++) {
        sim->lanes[i].feed = config->lanes[i];
        sim->lanes[i].ring = carve(&at, ring_size(config));
        sim->lanes[i].ring_mask = lookahead_of(config) - 1;
        sim->lanes[i].venue_clock = sim->lanes[i].own_clock = INT64_MIN;
    }
    merge_tree_init(&sim->by_ts, carve(&at, merge_tree_size(config->lane_count)), config->lane_count);
    merge_tree_init(&sim->by_exch, carve(&at, merge_tree_size(config->lane_count)), config->lane_count);
    for (uint16_t i = 0; i < sim->branch_count; i++)
        init_branch(sim, i, i == 0 ? config->venue : config->followers[i - 1], config->requests_max, &at);
    sim->instrument_awake = carve(&at, config->instrument_count * sizeof(bool));
    memset(sim->instrument_awake, 0, config->instrument_count * sizeof(bool));
    sim->branches[0].watch = config->watch;
    sim_faults_init(sim, config, at);
    return &sim->branches[0].world;
}

struct world *sim_world_branch(struct world *leader, uint16_t branch)
{
    struct sim_world *sim = sim_branch_of(leader)->sim;
    ASSERT(branch < sim->branch_count);
    return &sim->branches[branch].world;
}

void sim_world_books(struct world *world, sim_book_source source, const void *context)
{
    sim_branch_of(world)->sim->books = source;
    sim_branch_of(world)->sim->books_context = context;
}

void sim_world_marks(struct world *world, sim_mark_source source)
{
    sim_branch_of(world)->sim->marks = source;
}

struct sim_stats sim_world_stats(const struct world *world)
{
    const struct branch *branch = (const struct branch *)(const void *)world;
    struct sim_fault_stats faults = branch->faults;
    faults.outages = branch->sim->outages;
    faults.line_cuts = branch->sim->line_cuts;
    faults.channel_cuts = branch->sim->channel_cuts;
    faults.unheard = branch->sim->unheard_count;
    return (struct sim_stats){.requests = branch->sent,
                              .executions = branch->answered,
                              .rejected = branch->rejected,
                              .clock_behind = branch->sim->clock_behind,
                              .lookahead_most = branch->sim->lookahead_most,
                              .late_events = branch->sim->late_events,
                              .late_words = branch->sim->late_words,
                              .faults = faults};
}
