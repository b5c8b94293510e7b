/* The step and the loop: what every input passes through. */
#include "core/book_l3.h"
#include "core/engine_state.h"

#include <string.h>

static uint32_t rate_max(const struct engine_config *config)
{
    uint32_t most = 0;
    for (uint16_t i = 0; i < config->instrument_count; i++)
        if (config->limits[i].orders_per_second_max > most)
            most = config->limits[i].orders_per_second_max;
    return most;
}

static size_t l3_size(const struct engine_config *config)
{
    return config->l3_orders == 0 ? 0 : align64(book_l3_size(config->l3_orders));
}

/* Everything the engine owns, in the order in which engine_init places it. */
static size_t parts_size(const struct engine_config *config)
{
    const size_t count = config->instrument_count;
    const size_t books = align64(count * sizeof(struct book)) +
                         count * (align64(book_size(config->book_window, config->book_far)) + l3_size(config));
    return (config->leader != NULL ? 0 : books) + align64(count * sizeof(px_t)) +
           align64(count * sizeof(struct event_mark)) + align64(count * VENUE_ORDERS_KEPT * sizeof(struct order)) +
           align64(order_table_size(config->order_capacity)) + align64(account_size(config->instrument_count)) +
           align64(invariants_size(config->instrument_count)) +
           align64(risk_size(config->instrument_count, rate_max(config))) +
           align64(config->timer_capacity * sizeof(struct timer)) +
           align64(config->order_capacity * sizeof(struct refusal));
}

size_t engine_size(const struct engine_config *config)
{
    return align64(sizeof(struct engine)) + parts_size(config);
}

static void follow(struct engine *leader, struct engine *engine)
{
    ASSERT(leader->leader == NULL && leader->instrument_count == engine->instrument_count);
    engine->leader = leader;
    engine->run = leader->run;
    engine->books = leader->books;
    while (leader->follower != NULL)
        leader = leader->follower;
    leader->follower = engine;
}

struct engine *engine_init(void *memory, const struct engine_config *config, struct world *world,
                           void *strategy_state)
{
    ASSERT(((uintptr_t)memory & 63) == 0);
    struct engine *engine = memory;
    memset(engine, 0, sizeof(*engine));
    uint8_t *at = (uint8_t *)memory + align64(sizeof(*engine));
    const uint16_t count = config->instrument_count;
    engine->ctx.verbs = &engine_verbs;
    engine->world = world;
    engine->strategy = config->strategy;
    engine->strategy_state = strategy_state;
    engine->sink = config->sink;
    engine->observer = config->observer;
    engine->set_parameter = config->set_parameter;
    engine->checks = config->checks;
    engine->journal = config->journal;
    engine->checkpoint_due = JOURNAL_CHECKPOINT;
    engine->instruments = config->instruments;
    engine->instrument_count = count;
    engine->equity = (struct grid){config->equity_interval, NS_MAX, 0};
    engine->marks = (struct grid){0, NS_MAX, 0};
    engine->last_ts = INT64_MIN;
    engine->stop_at = NS_MAX;

    if (config->leader != NULL) {
        follow(config->leader, engine);
    } else {
        engine->run = &world->run;
        engine->books = (struct book *)(void *)at;
        at += align64(count * sizeof(struct book));
        for (uint16_t i = 0; i < count; i++) {
            book_init(&engine->books[i], at, config->book_window, config->book_far, &config->instruments[i]);
            at += align64(book_size(config->book_window, config->book_far));
            if (config->l3_orders != 0)
                book_l3_attach(&engine->books[i], at, config->l3_orders, BOOK_BY_EITHER);
            at += l3_size(config);
        }
    }
    for (uint16_t i = 0; i < count; i++)
        engine->daily_loss |= config->limits[i].daily_loss_max != 0;
    engine->last_trades = (px_t *)(void *)at;
    memset(at, 0, count * sizeof(px_t));
    at += align64(count * sizeof(px_t));
    engine->marks_told = (struct event_mark *)(void *)at;
    memset(at, 0, count * sizeof(struct event_mark));
    at += align64(count * sizeof(struct event_mark));
    engine->venue_orders = (struct order *)(void *)at;
    memset(at, 0, count * VENUE_ORDERS_KEPT * sizeof(struct order));
    at += align64(count * VENUE_ORDERS_KEPT * sizeof(struct order));
    engine->orders = order_table_init(at, config->order_capacity);
    at += align64(order_table_size(config->order_capacity));
    engine->account = account_init(at, config->instruments, count);
    at += align64(account_size(count));
    engine->invariants = invariants_init(at, config->instruments, count);
    at += align64(invariants_size(count));
    engine->risk = risk_init(at, config->limits, count);
    at += align64(risk_size(count, rate_max(config)));
    timers_init(&engine->timers, (struct timer *)(void *)at, config->timer_capacity);
    at += align64(config->timer_capacity * sizeof(struct timer));
    engine->refusals = (struct refusal *)(void *)at;
    engine->refusal_capacity = config->order_capacity;
    prng_init(&engine->prng, config->seed, 1);
    digest_init(&engine->market, config->seed);
    digest_init(&engine->outputs, config->seed);
    return engine;
}

err_t engine_start(struct engine *engine)
{
    engine_check_begin(engine);
    return engine->strategy->start == NULL ? ERR_OK : engine->strategy->start(&engine->ctx, engine->strategy_state);
}

err_t engine_start_unheard(struct engine *engine)
{
    const struct engine_sink *sink = engine->sink;
    struct engine_observer *observer = engine->observer;
    struct journal *journal = engine->journal;
    engine->sink = NULL;
    engine->observer = NULL;
    engine->journal = NULL;
    err_t err = engine_start(engine);
    engine->sink = sink;
    engine->observer = observer;
    engine->journal = journal;
    return err;
}

/* ---- one step ---- */

static inline void fold_input(struct digest *digest, const struct event *event)
{
    digest_u64(digest, (uint64_t)event->ts);
    digest_u64(digest, (uint64_t)DIGEST_INPUT << 56 | (uint64_t)event->lane << 40 |
                           (uint64_t)event->instrument << 24 | (uint64_t)event->kind << 8 | event->flags);
    digest_u64(digest, digest_pair(digest_pair(digest_pair((uint64_t)event->exch_ts, event->seq), event->seq_first),
                                   event->seq_prev));
}

/* The touch after a book message stands for the book until its levels are folded at the end. */
static inline void fold_touch(struct engine *engine, const struct book *book)
{
    digest_u64(&engine->market, digest_level(&book->touch[SIDE_BUY]));
    digest_u64(&engine->market, digest_pair(digest_level(&book->touch[SIDE_SELL]), book->flags));
}

static inline void on_book(struct engine *engine, const struct event *event)
{
    struct book *book = &engine->books[event->instrument];
    if (LIKELY(engine->leader == NULL)) {
        book_apply(book, event);
        fold_touch(engine, book);
    }
    engine->counters.levels += (uint64_t)event->bid_count + event->ask_count;
    if (UNLIKELY(book->flags & BOOK_CROSSED))
        engine->counters.crossed++;
    if (engine->strategy->book != NULL)
        engine->strategy->book(&engine->ctx, engine->strategy_state, event);
}

static inline void on_trade(struct engine *engine, const struct event *event)
{
    if (LIKELY(engine->leader == NULL))
        digest_u64(&engine->market, digest_level(&event->levels[0]));
    engine->counters.levels++;
    if (!(event->flags & EVENT_SPECIAL))
        engine->last_trades[event->instrument] = event->levels[0].price;
    if (engine->strategy->trade != NULL)
        engine->strategy->trade(&engine->ctx, engine->strategy_state, event);
}

static void on_level3(struct engine *engine, const struct event *event)
{
    struct book *book = &engine->books[event->instrument];
    engine_fold_body(engine, event);
    if (LIKELY(engine->leader == NULL))
        book_apply(book, event);
    engine->counters.levels += (uint64_t)event->bid_count + event->ask_count;
    if (UNLIKELY(book->flags & BOOK_CROSSED) && book->display != BOOK_BY_LEVELS)
        engine->counters.crossed++;
    if (engine->strategy->book != NULL)
        engine->strategy->book(&engine->ctx, engine->strategy_state, event);
}

static void on_other(struct engine *engine, const struct event *event)
{
    const struct strategy *strategy = engine->strategy;
    engine_fold_body(engine, event);
    switch (event->kind) {
    case EVENT_GAP:
        /* A gap without an instrument is one of the whole source: every book is stale. */
        for (uint16_t i = 0; i < engine->instrument_count && engine->leader == NULL; i++)
            if (event->instrument == i || event->instrument == INSTRUMENT_NONE)
                book_apply(&engine->books[i], event);
        engine->counters.gaps++;
        break;
    case EVENT_PARAMETER:
        engine_on_parameter(engine, event);
        return;
    case EVENT_OPERATOR:
        engine_on_operator(engine, event);
        return;
    case EVENT_SIGNAL:
        if (strategy->signal != NULL)
            strategy->signal(&engine->ctx, engine->strategy_state, event);
        return;
    case EVENT_TICK:
        return;
    case EVENT_MARK:
        if (event->instrument < engine->instrument_count && event->body != NULL)
            engine->marks_told[event->instrument] = *(const struct event_mark *)event->body;
        break;
    default:
        if (event_has_levels(event->kind))
            engine->counters.levels += (uint64_t)event->bid_count + event->ask_count;
        break;
    }
    if (strategy->book != NULL)
        strategy->book(&engine->ctx, engine->strategy_state, event);
}

static inline void step(struct engine *engine, const struct event *event)
{
    if (UNLIKELY(event->ts < engine->last_ts)) {
        engine_check_time(engine, event);
        return;
    }
    engine->now = engine->last_ts = event->ts;
    engine->counters.inputs++;
    engine->counters.by_kind[event->kind]++;
    if (UNLIKELY(event->kind == EVENT_EXECUTION))
        fold_input(engine_outputs(engine), event);
    else if (LIKELY(engine->leader == NULL))
        fold_input(&engine->market, event);
    /* Of an instrument that the run leaves out, or of none: only the kinds that may be are looked at. */
    if (UNLIKELY(event->instrument >= engine->instrument_count && event_has_levels(event->kind)))
        return;
    switch (event->kind) {
    case EVENT_BOOK_DELTA:
    case EVENT_BOOK_SNAPSHOT:
        on_book(engine, event);
        break;
    case EVENT_TRADE:
        on_trade(engine, event);
        break;
    case EVENT_EXECUTION:
        engine_on_execution(engine, event);
        break;
    case EVENT_L3_ADD:
    case EVENT_L3_MODIFY:
    case EVENT_L3_CANCEL:
    case EVENT_L3_EXECUTE:
        on_level3(engine, event);
        break;
    default:
        on_other(engine, event);
        break;
    }
    if (UNLIKELY(engine->refusal_count != 0))
        engine_deliver_refusals(engine);
}

static void fire_timer(struct engine *engine)
{
    const struct timer timer = engine->firing = timers_pop(&engine->timers);
    engine->now = timer.deadline;
    engine->counters.timers_fired++;
    struct digest *digest = engine_outputs(engine);
    digest_u64(digest, (uint64_t)timer.deadline);
    digest_u64(digest, (uint64_t)DIGEST_TIMER << 56 | (timer.id & (UINT64_MAX >> 8)));
    if (engine->strategy->timer != NULL)
        engine->strategy->timer(&engine->ctx, engine->strategy_state, timer.id, timer.deadline);
    if (engine->refusal_count != 0)
        engine_deliver_refusals(engine);
    engine->firing.id = 0;
}

static ns_t earlier(ns_t a, ns_t b)
{
    return a < b ? a : b;
}

/* NS_MAX while nothing has arrived since the last point. */
static ns_t grid_next(const struct engine *engine, const struct grid *grid)
{
    return grid->inputs == engine->counters.inputs ? NS_MAX : grid->due;
}

/* The point after one that was passed. */
static ns_t grid_after(const struct grid *grid, ns_t ts)
{
    return ts > NS_MAX - grid->interval ? NS_MAX : ts + grid->interval;
}

static ns_t grid_pass(struct engine *engine, struct grid *grid)
{
    const ns_t ts = grid->due;
    grid->due = grid_after(grid, ts);
    grid->inputs = engine->counters.inputs;
    return ts;
}

static void grid_start(struct grid *grid, ns_t ts)
{
    if (grid->interval == 0 || grid->due != NS_MAX)
        return;
    ns_t rest = ts % grid->interval;
    if (rest < 0)
        rest += grid->interval;
    grid->due = grid_after(grid, ts - rest);
}

/* Nothing arrived on the points before an input at `ts`: they are left out at once, however many they are. True, and
 * the last one: some were. */
static bool grid_skip(struct engine *engine, struct grid *grid, ns_t ts, ns_t *last)
{
    if (LIKELY(grid->due > ts || grid->due == NS_MAX || grid_next(engine, grid) != NS_MAX))
        return false;
    const uint64_t ahead = (uint64_t)ts - (uint64_t)grid->due;
    *last = ts - (ns_t)(ahead % (uint64_t)grid->interval);
    grid->due = grid_after(grid, *last);
    return true;
}

/* Of the points left out only the last one is marked, so that a new day begins with what was held before its first
 * input. */
static void skip_points(struct engine *engine, ns_t ts)
{
    ns_t last;
    if (grid_skip(engine, &engine->marks, ts, &last))
        engine_mark_risk(engine, last);
    (void)grid_skip(engine, &engine->equity, ts, &last);
}

static ns_t next_due(const struct engine *engine)
{
    return earlier(timers_due(&engine->timers),
                   earlier(grid_next(engine, &engine->marks), grid_next(engine, &engine->equity)));
}

/* The next thing that is due by the clock: timers first, then the mark, then the equity of that instant. */
static void fire_due(struct engine *engine)
{
    const ns_t due = next_due(engine);
    if (timers_due(&engine->timers) == due) {
        fire_timer(engine);
    } else if (grid_next(engine, &engine->marks) == due) {
        engine_mark_risk(engine, grid_pass(engine, &engine->marks));
    } else {
        const ns_t ts = grid_pass(engine, &engine->equity);
        if (engine->sink != NULL && engine->sink->equity != NULL)
            engine->sink->equity(engine->sink->context, ts, engine);
    }
}

/* Of all engines of a lockstep. */
static ns_t first_due(const struct engine *engine)
{
    ns_t due = next_due(engine);
    for (const struct engine *one = engine->follower; UNLIKELY(one != NULL); one = one->follower)
        due = earlier(due, next_due(one));
    return due;
}

/* Nothing comes before what is due at `due`: one thing for each engine that has some. */
static void fire_all(struct engine *engine, ns_t due)
{
    for (; engine != NULL; engine = engine->follower)
        if (next_due(engine) == due)
            fire_due(engine);
}

/* Ask the world for inputs; fire what is due before them. ERR_OK: there is an input to handle. */
static err_t refill(struct engine *engine)
{
    for (;;) {
        struct world *world = engine->world;
        const ns_t due = first_due(engine);
        err_t err = engine_check_due(engine);
        if (UNLIKELY(err != ERR_OK))
            return err;
        err = world->ops->refill(world, engine->now, earlier(due, engine->stop_at));
        if (err == ERR_AGAIN && due < engine->stop_at) {
            fire_all(engine, due);
            continue;
        }
        if (err == ERR_OK) {
            engine_wake_at(engine, engine->stop_at);
            for (struct engine *one = engine; one != NULL; one = one->follower) {
                if (world->run.only != NULL && world->run.only != one->world)
                    continue; /* what is due for it comes later, and its points are passed with its own inputs */
                skip_points(one, world->run.at->ts);
                engine_wake_at(one, earlier(timers_due(&one->timers), earlier(one->marks.due, one->equity.due)));
            }
        }
        if (err != ERR_OK && err != ERR_END && err != ERR_AGAIN && err != ERR_WAIT)
            err_say(&engine->why, err, "%s", world->why.text);
        if (err == ERR_END && engine_check(engine) != ERR_OK)
            return engine->failed;
        return err;
    }
}

ns_t engine_due(const struct engine *engine)
{
    const struct world *world = engine->world;
    const ns_t due = first_due(engine);
    return world->ops->due == NULL ? due : earlier(due, world->ops->due(world));
}

static void first_input(struct engine *engine)
{
    const ns_t ts = engine->run->at->ts;
    engine->marks.interval = engine->daily_loss ? MARK_INTERVAL : 0;
    grid_start(&engine->marks, ts);
    grid_start(&engine->equity, ts);
    engine_wake_at(engine, earlier(engine->marks.due, engine->equity.due));
}

/* The step where it need not be fast, so that the loop has it to itself. */
static __attribute__((noinline)) void step_apart(struct engine *engine, const struct event *event)
{
    step(engine, event);
}

/* What the leader has done is not done again: the books have the message, and the digest of the market. */
static inline void step_follower(struct engine *engine, const struct event *event)
{
    const struct strategy *strategy = engine->strategy;
    if (UNLIKELY(event->kind > EVENT_BBO || event->instrument >= engine->instrument_count)) {
        step_apart(engine, event);
        return;
    }
    engine->now = engine->last_ts = event->ts;
    engine->counters.inputs++;
    engine->counters.by_kind[event->kind]++;
    engine->counters.levels += (uint64_t)event->bid_count + event->ask_count;
    if (event->kind == EVENT_TRADE) {
        if (!(event->flags & EVENT_SPECIAL))
            engine->last_trades[event->instrument] = event->levels[0].price;
        if (strategy->trade != NULL)
            strategy->trade(&engine->ctx, engine->strategy_state, event);
    } else {
        if (UNLIKELY(engine->books[event->instrument].flags & BOOK_CROSSED) && event->kind != EVENT_BBO)
            engine->counters.crossed++;
        if (strategy->book != NULL)
            strategy->book(&engine->ctx, engine->strategy_state, event);
    }
    if (UNLIKELY(engine->refusal_count != 0))
        engine_deliver_refusals(engine);
}

/* An execution of a lockstep is for one of its engines. */
static void step_one(struct engine *engine, const struct event *event)
{
    struct engine *one = engine;
    while (one->world != engine->run->only)
        one = one->follower;
    step_apart(one, event);
    if (UNLIKELY(one->failed != ERR_OK && engine->failed == ERR_OK)) {
        engine->failed = one->failed;
        engine->why = one->why;
    }
}

static err_t run_inputs(struct engine *engine, uint64_t budget)
{
    struct run *run = engine->run;
    while (budget != 0) {
        if (UNLIKELY(run->at == run->end || run->at->ts >= run->until)) {
            if (engine->failed != ERR_OK)
                return engine->failed;
            err_t err = refill(engine);
            if (err != ERR_OK)
                return err;
            for (struct engine *one = engine; one != NULL; one = one->follower)
                if (UNLIKELY(one->counters.inputs == 0))
                    first_input(one);
            continue;
        }
        const struct event *event = run->at++;
        budget--;
        if (UNLIKELY(run->only != NULL)) {
            step_one(engine, event);
            continue;
        }
        step(engine, event);
        for (struct engine *one = engine->follower; UNLIKELY(one != NULL); one = one->follower)
            step_follower(one, event);
    }
    return engine->failed;
}

/* With a journal: in stretches that end at checkpoints. */
static err_t run_journalled(struct engine *engine, uint64_t budget)
{
    err_t err = ERR_OK;
    if (engine->checkpoint_due <= engine->counters.inputs) /* the state came from a run without a journal */
        engine->checkpoint_due = (engine->counters.inputs / JOURNAL_CHECKPOINT + 1) * JOURNAL_CHECKPOINT;
    while (err == ERR_OK && budget != 0) {
        const uint64_t left = engine->checkpoint_due - engine->counters.inputs;
        const uint64_t stretch = left < budget ? left : budget;
        err = run_inputs(engine, stretch);
        budget -= stretch;
        if (engine->counters.inputs == engine->checkpoint_due)
            engine_journal_checkpoint(engine);
    }
    return err;
}

err_t engine_run(struct engine *engine, uint64_t budget)
{
    ASSERT(engine->leader == NULL);
    return engine->journal == NULL ? run_inputs(engine, budget) : run_journalled(engine, budget);
}

err_t engine_run_until(struct engine *engine, ns_t ts, uint64_t budget)
{
    if (ts != NS_MAX)
        engine->stop_at = ts + 1;
    engine_wake_at(engine, engine->stop_at);
    err_t err = engine_run(engine, budget);
    engine->stop_at = NS_MAX;
    return err;
}

void engine_settle(struct engine *engine)
{
    for (uint16_t i = 0; i < engine->instrument_count && engine->leader == NULL; i++)
        book_settle(&engine->books[i]);
}

/* Of the market as all saw it, and of what this engine made of it. */
static struct digest_value digest_of(const struct engine *engine)
{
    const struct engine *leader = engine->leader != NULL ? engine->leader : engine;
    const struct digest_value market = digest_value(&leader->market), outputs = digest_value(&engine->outputs);
    struct digest both;
    digest_init(&both, 0);
    digest_u64(&both, market.low);
    digest_u64(&both, market.high);
    digest_u64(&both, outputs.low);
    digest_u64(&both, outputs.high);
    return digest_value(&both);
}

struct digest_value engine_stop(struct engine *engine)
{
    if (engine->strategy->stop != NULL)
        engine->strategy->stop(&engine->ctx, engine->strategy_state);
    if (engine->sink != NULL && engine->sink->equity != NULL && engine->counters.inputs != 0)
        engine->sink->equity(engine->sink->context, engine->now, engine);
    engine_fold_state(engine);
    if (engine->journal != NULL)
        engine_journal_checkpoint(engine);
    return digest_of(engine);
}

/* ---- reading ---- */

struct account *engine_account(struct engine *engine)
{
    return engine->account;
}
struct digest_value engine_digest(const struct engine *engine)
{
    return digest_of(engine);
}
ns_t engine_now(const struct engine *engine)
{
    return engine->now;
}
const struct engine_counters *engine_counters(const struct engine *engine)
{
    return &engine->counters;
}
const struct book *engine_book(const struct engine *engine, uint16_t instrument)
{
    ASSERT(instrument < engine->instrument_count);
    return &engine->books[instrument];
}
const struct event_mark *engine_mark(const struct engine *engine, uint16_t instrument)
{
    ASSERT(instrument < engine->instrument_count);
    const struct event_mark *mark = &engine->marks_told[instrument];
    return mark->mark_price != 0 ? mark : NULL;
}
struct order_table *engine_orders(struct engine *engine)
{
    return engine->orders;
}
const struct account *engine_account_view(const struct engine *engine)
{
    return engine->account;
}
const struct timer *engine_timers(const struct engine *engine, uint32_t *count)
{
    *count = engine->timers.count;
    return engine->timers.heap;
}
const struct risk *engine_risk(const struct engine *engine)
{
    return engine->risk;
}
const void *engine_strategy_state(const struct engine *engine)
{
    return engine->strategy_state;
}
const struct err_text *engine_why(const struct engine *engine)
{
    return &engine->why;
}
