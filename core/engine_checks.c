/* The invariants of a run, looked at between two inputs.
 *
 * When: every CHECK_INPUTS inputs (engine.checks: all, every CHECK_INPUTS_ALL), where the world is asked for more, so
 * that the step pays nothing; and at the end. Time order is looked at with every input: it costs what the assertion
 * in its place would. The world is asked whether it sees the same orders and money; when something is under way it
 * cannot say, and is asked again later.
 *
 * With `all` every CHECKS_A_BOOK checks one book is read whole, in turn, so that many instruments cost no more than
 * one; at the end all are.
 *
 * What is found ends the run: no later input is handled. */
#include "core/book_check.h"
#include "core/book_l3.h"
#include "core/engine_state.h"

#include <stdio.h>

#define CHECK_INPUTS     8192
#define CHECK_INPUTS_ALL 64
#define AUDIT_INPUTS     32 /* until the world is asked again */
#define CHECKS_A_BOOK    16 /* of them one looks at a whole book */

static err_t stop_for(struct engine *engine, struct breach *breach)
{
    char expected[DECIMAL_TEXT_SIZE], found[DECIMAL_TEXT_SIZE];
    if (engine->failed != ERR_OK)
        return engine->failed;
    decimal_format(expected, breach->expected, breach->decimals, 0);
    decimal_format(found, breach->found, breach->decimals, 0);
    engine->breach = *breach;
    engine->failed = err_say(&engine->why, ERR_INVARIANT,
                             "the invariant '%s' does not hold after input %llu: %s: expected %s, found %s",
                             breach->invariant, (unsigned long long)breach->inputs, breach->where, expected, found);
    engine_wake_at(engine, INT64_MIN); /* the loop looks at `failed` before the next input */
    return engine->failed;
}

void engine_check_time(struct engine *engine, const struct event *event)
{
    struct breach breach = {.inputs = engine->counters.inputs + 1, .ts = event->ts};
    char lane[24];
    snprintf(lane, sizeof(lane), "lane %u", event->lane);
    (void)breach_say(&breach, "time_order", lane, "ns", engine->last_ts, event->ts, 0);
    (void)stop_for(engine, &breach);
}

void engine_check_begin(struct engine *engine)
{
    invariants_begin(engine->invariants, engine->account);
    engine->checks_due = engine->checks == ENGINE_CHECKS_ALL ? CHECK_INPUTS_ALL : CHECK_INPUTS;
    engine->look_due = engine->checks_due;
}

/* Every message after which a book was crossed was counted. A book of single orders counts what it passes through
 * within a message too, so it says nothing here. */
static bool crossed_holds(const struct engine *engine, struct breach *breach)
{
    uint64_t crossed = 0;
    for (uint16_t i = 0; i < engine->instrument_count; i++) {
        const struct book *book = &engine->books[i];
        if (book->l3 != NULL && book->l3->order_used != 0)
            return true;
        crossed += book->stats.crossed;
    }
    return engine->counters.crossed == crossed || breach_say(breach, "crossed", "all books", "counted",
                                                             (money_t)crossed, (money_t)engine->counters.crossed, 0);
}

static bool books_hold(const struct engine *engine, bool last, struct breach *breach)
{
    const bool all = engine->checks == ENGINE_CHECKS_ALL;
    const bool one = all && engine->checks_done % CHECKS_A_BOOK == 0;
    const uint64_t turn = engine->checks_done / CHECKS_A_BOOK % engine->instrument_count;
    for (uint16_t i = 0; i < engine->instrument_count; i++)
        if (!book_check(&engine->books[i], (all && last) || (one && i == turn), breach))
            return false;
    return crossed_holds(engine, breach);
}

/* The world's own view of our orders and money. */
static bool world_agrees(struct engine *engine, struct breach *breach)
{
    struct world *world = engine->world;
    if (!engine->audit_due || world->ops->audit == NULL)
        return true;
    const err_t err = world->ops->audit(world, engine->orders, engine->account, breach);
    engine->audit_due = err == ERR_AGAIN;
    engine->audits_done += err == ERR_OK;
    return err == ERR_OK || err == ERR_AGAIN;
}

static err_t check_one(struct engine *engine, bool last)
{
    struct breach breach = {.inputs = engine->counters.inputs, .ts = engine->now};
    engine->audit_due = true;
    const bool holds = (engine->leader != NULL || books_hold(engine, last, &breach)) &&
                       invariants_hold(engine->invariants, engine->account, &breach) &&
                       invariants_hold_orders(engine->invariants, engine->orders, engine->account, &breach) &&
                       world_agrees(engine, &breach);
    engine->checks_done++;
    return holds ? ERR_OK : stop_for(engine, &breach);
}

/* What one of a lockstep finds ends it for all. */
static void hand_up(struct engine *engine, const struct engine *one)
{
    if (one == engine || engine->failed != ERR_OK)
        return;
    engine->failed = one->failed;
    engine->breach = one->breach;
    engine->why = one->why;
}

static err_t check_all(struct engine *engine, bool last)
{
    for (struct engine *one = engine; one != NULL && engine->failed == ERR_OK; one = one->follower)
        if (check_one(one, last) != ERR_OK)
            hand_up(engine, one);
    return engine->failed;
}

err_t engine_check(struct engine *engine)
{
    ASSERT(engine->leader == NULL);
    return check_all(engine, true);
}

/* Those that something was under way for. */
static err_t audit_all(struct engine *engine)
{
    for (struct engine *one = engine; one != NULL && engine->failed == ERR_OK; one = one->follower) {
        struct breach breach = {.inputs = one->counters.inputs, .ts = one->now};
        if (!world_agrees(one, &breach)) {
            (void)stop_for(one, &breach);
            hand_up(engine, one);
        }
    }
    return engine->failed;
}

err_t engine_check_look(struct engine *engine)
{
    const uint64_t inputs = engine->counters.inputs;
    if (UNLIKELY(engine->checks_due == 0)) { /* never started: a strategy without a start may be run like that */
        for (struct engine *one = engine; one != NULL; one = one->follower)
            engine_check_begin(one);
        return ERR_OK;
    }
    const bool due = inputs >= engine->checks_due;
    if (due)
        engine->checks_due = inputs + (engine->checks == ENGINE_CHECKS_ALL ? CHECK_INPUTS_ALL : CHECK_INPUTS);
    const err_t err = due ? check_all(engine, false) : audit_all(engine);
    bool again = false;
    for (const struct engine *one = engine; one != NULL; one = one->follower)
        again |= one->audit_due && one->world->ops->audit != NULL;
    engine->look_due =
        again && inputs + AUDIT_INPUTS < engine->checks_due ? inputs + AUDIT_INPUTS : engine->checks_due;
    return err;
}

struct engine_check_counts engine_check_counts(const struct engine *engine)
{
    return (struct engine_check_counts){engine->checks_done, engine->audits_done};
}

const struct breach *engine_breach(const struct engine *engine)
{
    return engine->breach.invariant != NULL ? &engine->breach : NULL;
}
