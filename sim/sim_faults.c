/* sim_faults.c: what goes wrong between the engines and the venue.
 *
 * When it does is a function of names and times (faults.h); here is what follows. Nothing depends on how far the
 * venue was read ahead, which the blocks of a tape decide: a report that is still under way when a later answer
 * leaves the venue is found in its queue, because what arrives before the report cannot have been given to the engine
 * yet. */
#include "sim/sim_lanes.h"

/* ---- the market's line: its own cuts, and outages that stop the market ---- */

static bool market_can_be_cut(const struct faults *faults)
{
    return faults_has(faults, FAULT_LINE) || (faults->outage_stops && faults_has(faults, FAULT_OUTAGE));
}

static bool cut_at(const struct faults *faults, enum fault_place place, ns_t ts, struct fault_span *span)
{
    struct fault_span outage;
    bool found = faults_at(faults, place, ts, span);
    if (place != FAULT_LINE || !faults->outage_stops || !faults_at(faults, FAULT_OUTAGE, ts, &outage))
        return found;
    *span = !found ? outage : outage.from < span->from ? (struct fault_span){outage.from, span->until} : *span;
    span->until = outage.until > span->until ? outage.until : span->until;
    return true;
}

/* The cut that `ts` lies in, to where nothing goes on with it. */
static bool whole_cut_at(const struct faults *faults, enum fault_place place, ns_t ts, struct fault_span *span)
{
    struct fault_span more;
    if (!cut_at(faults, place, ts, span))
        return false;
    while (span->until != NS_MAX && cut_at(faults, place, span->until, &more))
        span->until = more.until;
    return true;
}

/* The first cut that begins after the one that ends at `ts`, which none touches. */
static void next_cut(const struct faults *faults, enum fault_place place, ns_t ts, struct fault_span *span)
{
    struct fault_span first = {NS_MAX, NS_MAX}, outage;
    (void)faults_after(faults, place, ts, &first);
    if (place == FAULT_LINE && faults->outage_stops && faults_after(faults, FAULT_OUTAGE, ts, &outage) &&
        outage.from < first.from)
        first = outage;
    if (first.from != NS_MAX)
        (void)whole_cut_at(faults, place, first.from, &first);
    *span = first;
}

static void start_line(struct line *line, const struct faults *faults, enum fault_place place, bool can_be_cut,
                       ns_t ts)
{
    *line = (struct line){.state = LINE_NEVER};
    if (!can_be_cut)
        return;
    line->state = LINE_UP;
    if (whole_cut_at(faults, place, ts, &line->span))
        line->span.from = ts; /* it was cut when we came */
    else
        next_cut(faults, place, ts, &line->span);
}

/* ---- memory ---- */

size_t sim_faults_size(const struct sim_config *config)
{
    if (config->faults == NULL)
        return 0;
    const size_t branches = 1 + config->follower_count, count = config->instrument_count;
    size_t size = branches * 2 * align64(config->requests_max * sizeof(struct response));
    if (market_can_be_cut(config->faults))
        size += align64(count * sizeof(struct book)) +
                count * align64(book_size(config->book_window, config->book_far)) + align64(count * sizeof(bool)) +
                align64(2 * ((size_t)config->book_window + config->book_far) * sizeof(struct level));
    return size;
}

static void *carve(uint8_t **at, size_t size)
{
    void *piece = *at;
    *at += align64(size);
    return piece;
}

void sim_faults_init(struct sim_world *sim, const struct sim_config *config, uint8_t *at)
{
    struct err_text why = {0};
    sim->faults = config->faults;
    if (sim->faults == NULL)
        return;
    ASSERT(faults_check(sim->faults, &why) == ERR_OK);
    for (uint16_t i = 0; i < sim->branch_count; i++) {
        struct branch *branch = &sim->branches[i];
        branch->timeouts = (struct word_queue){.ring = carve(&at, config->requests_max * sizeof(struct response)),
                                               .last = INT64_MIN};
        branch->reports = (struct word_queue){.ring = carve(&at, config->requests_max * sizeof(struct response)),
                                              .last = INT64_MIN};
    }
    sim->outage = (struct fault_span){INT64_MIN, INT64_MIN};
    if (!market_can_be_cut(sim->faults))
        return;
    const size_t size = align64(book_size(config->book_window, config->book_far));
    sim->unheard = carve(&at, config->instrument_count * sizeof(struct book));
    for (uint16_t i = 0; i < config->instrument_count; i++)
        book_init(&sim->unheard[i], carve(&at, size), config->book_window, config->book_far, &config->instruments[i]);
    sim->unknown = carve(&at, config->instrument_count * sizeof(bool));
    sim->levels = carve(&at, 2 * ((size_t)config->book_window + config->book_far) * sizeof(struct level));
}

void sim_faults_start(struct sim_world *sim, ns_t ts)
{
    start_line(&sim->market, sim->faults, FAULT_LINE, market_can_be_cut(sim->faults), ts);
    start_line(&sim->channel, sim->faults, FAULT_CHANNEL, faults_has(sim->faults, FAULT_CHANNEL), ts);
}

/* ---- notices ---- */

static ns_t notice_of(const struct line *line)
{
    switch (line->state) {
    case LINE_NEVER:
        return NS_MAX;
    case LINE_UP:
    case LINE_GAP:
        return line->span.from;
    default:
        return line->span.until;
    }
}

ns_t sim_next_notice(const struct sim_world *sim)
{
    if (LIKELY(sim->faults == NULL))
        return NS_MAX;
    const ns_t market = notice_of(&sim->market), channel = notice_of(&sim->channel);
    return market <= channel ? market : channel;
}

/* Is there a book to tell at or after `told`? */
static bool find_told(struct sim_world *sim)
{
    struct line *line = &sim->market;
    while (line->told < sim->instrument_count &&
           (sim->unknown[line->told] || (sim->unheard[line->told].flags & BOOK_STALE) != 0))
        line->told++;
    return line->told < sim->instrument_count;
}

static void tell_book(struct sim_world *sim, uint16_t instrument)
{
    const struct book *book = &sim->unheard[instrument];
    struct event *event = &sim->notice;
    event->kind = EVENT_BOOK_SNAPSHOT;
    event->instrument = instrument;
    event->seq = book->seq;
    event->flags = book->flags & BOOK_PARTIAL ? EVENT_PARTIAL : 0;
    event->levels = sim->levels;
    event->bid_count = book_top(book, SIDE_BUY, sim->levels, UINT32_MAX);
    event->ask_count = book_top(book, SIDE_SELL, sim->levels + event->bid_count, UINT32_MAX);
}

/* The line is cut: from here on its books are kept here, by levels. What is shown by single orders is not known any
 * more when messages were missed, until a snapshot with levels. */
static err_t keep_books(struct sim_world *sim)
{
    /* A venue that sleeps wakes with the engine's book: the last moment at which that is the market's. */
    err_t err = sim_wake_all(sim);
    if (err != ERR_OK)
        return err;
    for (uint16_t i = 0; i < sim->instrument_count; i++) {
        const struct book *book = sim->books(sim->books_context, i);
        book_copy(&sim->unheard[i], book);
        sim->unknown[i] = book->l3 != NULL && book->display != BOOK_BY_LEVELS && (book->flags & BOOK_STALE) == 0;
    }
    return ERR_OK;
}

static err_t market_notice(struct sim_world *sim)
{
    struct line *line = &sim->market;
    switch (line->state) {
    case LINE_UP:
        sim->line_cuts++;
        sim->notice.kind = EVENT_CONNECTION_DOWN;
        line->state = LINE_GAP;
        return keep_books(sim);
    case LINE_GAP:
        sim->notice.kind = EVENT_GAP;
        line->state = LINE_DOWN;
        return ERR_OK;
    case LINE_DOWN:
        sim->notice.kind = EVENT_CONNECTION_UP;
        line->state = LINE_TELLING;
        line->told = 0;
        break;
    default:
        tell_book(sim, line->told++);
        break;
    }
    if (!find_told(sim)) {
        line->state = LINE_UP;
        next_cut(sim->faults, FAULT_LINE, line->span.until, &line->span);
    }
    return ERR_OK;
}

static void channel_notice(struct sim_world *sim)
{
    struct line *line = &sim->channel;
    const bool cut = line->state == LINE_UP;
    sim->notice.kind = cut ? EVENT_CONNECTION_DOWN : EVENT_CONNECTION_UP;
    sim->notice.flags = EVENT_PRIVATE;
    line->state = cut ? LINE_DOWN : LINE_UP;
    sim->channel_cuts += cut;
    if (!cut)
        next_cut(sim->faults, FAULT_CHANNEL, line->span.until, &line->span);
}

err_t sim_give_notice(struct sim_world *sim)
{
    err_t err = ERR_OK;
    const ns_t market = notice_of(&sim->market), channel = notice_of(&sim->channel);
    sim->notice = (struct event){.ts = market <= channel ? market : channel, .instrument = INSTRUMENT_NONE};
    if (market <= channel)
        err = market_notice(sim);
    else
        channel_notice(sim);
    sim->run_lane = sim->lane_count;
    *sim_run(sim) = (struct run){&sim->notice, &sim->notice + 1, NS_MAX, NULL};
    return err;
}

/* ---- what is not heard ---- */

bool sim_is_unheard(const struct sim_world *sim, ns_t ts)
{
    return sim->faults != NULL && sim->market.state == LINE_DOWN && ts < sim->market.span.until;
}

void sim_pass_unheard(struct sim_world *sim, const struct event *event)
{
    sim->unheard_count++;
    for (uint16_t i = 0; i < sim->instrument_count; i++)
        if (event->instrument == i || (event->instrument == INSTRUMENT_NONE && event->kind == EVENT_GAP)) {
            book_apply(&sim->unheard[i], event);
            if (event->kind == EVENT_BOOK_SNAPSHOT) /* without levels: single orders follow */
                sim->unknown[i] =
                    event->bid_count + event->ask_count == 0 && sim->books(sim->books_context, i)->l3 != NULL;
        }
}

/* ---- the venue ---- */

void sim_venue_at(struct sim_world *sim, ns_t ts)
{
    if (LIKELY(ts < sim->outage.from) || !faults_has(sim->faults, FAULT_OUTAGE))
        return;
    if (ts >= sim->outage.until && !faults_at(sim->faults, FAULT_OUTAGE, ts, &sim->outage) &&
        !faults_after(sim->faults, FAULT_OUTAGE, ts, &sim->outage))
        sim->outage = (struct fault_span){NS_MAX, NS_MAX};
    const bool down = ts >= sim->outage.from && ts < sim->outage.until;
    if (down == sim->halted)
        return;
    sim->halted = down;
    sim->outages += down;
    for (uint16_t i = 0; i < sim->branch_count && sim->faults->outage_stops; i++)
        venue_halt(sim->branches[i].venue, down);
}

/* ---- requests ---- */

bool sim_lose_request(struct branch *branch, ns_t now, ns_t arrival, uint64_t number,
                      const struct venue_request *body, err_t *err)
{
    const struct faults *faults = branch->sim->faults;
    struct fault_span outage;
    const bool lost = faults_request_lost(faults, now, number);
    const bool unanswered = !lost && faults->outage_silent && faults_at(faults, FAULT_OUTAGE, arrival, &outage);
    branch->faults.requests_lost += lost;
    branch->faults.requests_unanswered += unanswered;
    if (lost || unanswered)
        *err = sim_refuse(branch, &branch->timeouts, now, faults->timeout, body, REASON_TIMEOUT);
    return lost || unanswered;
}

bool sim_refuse_request(struct branch *branch, ns_t ts, const struct venue_request *body)
{
    struct fault_span outage;
    if (branch->sim->faults->outage_silent || !faults_at(branch->sim->faults, FAULT_OUTAGE, ts, &outage))
        return false;
    struct execution said[2];
    const uint32_t count = sim_refusals(body, REASON_OUTAGE, said);
    branch->faults.requests_refused++;
    for (uint32_t i = 0; i < count; i++) {
        said[i].venue_ts = ts;
        sim_world_answer(branch, ts, &said[i], body->instrument);
    }
    return true;
}

/* ---- answers ---- */

ns_t sim_answer_at(struct branch *branch, ns_t venue_ts, uint64_t number, ns_t ts)
{
    const struct faults *faults = branch->sim->faults;
    struct fault_span down;
    const ns_t delay = faults_answer_delay(faults, venue_ts, number);
    branch->faults.answers_late += delay != 0;
    ts = sim_later(ts, delay);
    ts = ts > branch->last_response ? ts : branch->last_response;
    if (faults_at(faults, FAULT_CHANNEL, ts, &down)) {
        branch->faults.answers_held++;
        ts = down.until;
    }
    return ts;
}

bool sim_report_answer(struct branch *branch, ns_t venue_ts, uint64_t number, const struct response *response,
                       ns_t *ts)
{
    struct sim_world *sim = branch->sim;
    struct word_queue *reports = &branch->reports;
    bool waits = false;
    for (uint64_t at = reports->head; at != reports->tail && !waits; at++) {
        const struct response *other = &reports->ring[at & sim->mask];
        waits = other->body.order_id == response->body.order_id && response->ts <= other->ts;
    }
    const bool lost = !waits && faults_answer_lost(sim->faults, venue_ts, number);
    if (!waits && !lost)
        return false;
    branch->faults.answers_waited += waits;
    branch->faults.answers_lost += lost;
    *ts = sim_later(response->ts, lost ? sim->faults->query : 0);
    if (*ts < reports->last)
        *ts = reports->last;
    reports->last = *ts;
    if (reports->tail - reports->head > sim->mask) {
        (void)sim_break(sim, ERR_FULL, "more lost answers are asked for than are kept; raise engine.order_capacity");
        return true;
    }
    struct response *report = &reports->ring[reports->tail++ & sim->mask];
    *report = *response;
    report->ts = *ts;
    if (report->body.reason == REASON_NONE)
        report->body.reason = REASON_QUERIED;
    return true;
}
