/* Runs tests/sim/scenarios/latency/ *.txt through the simulated world: what is sent at one moment, when it arrives,
 * what becomes of it there, and when we hear of it, all on the line.
 *
 *   latency entry constant 20                      response too; or: lognormal MEDIAN min=M (no spread),
 *   latency response empirical 10                  empirical SAMPLE
 *   row 1000 1100 1150                             a measured request, req exch resp: both directions are
 * interpolated queue power exponent=3 100 snapshot bids 100.0x5 asks 100.1x5 [seen=105]     at the venue at 100, with
 * us at 105 (else at the same time) 110 delta ...   120 trade sell 100.0x4 130 new 1 buy limit 100.1 2 [post]  => ack
 * at 150 seen 160; fill 100.1 2 taker at 150 seen 160 140 cancel 1                        =>  cancelled at 160 seen
 * 170 145 amend 1 100.0 3                 =>  amended 100.0 3 at ...
 *
 * Times of market events are the venue's, times of requests ours. "at": at the venue; "never": it did not get there.
 * Orders are numbered 1, 2, ... in the order of their times. Lines of market events rise in time.
 */
#include "core/engine.h"
#include "sim/sim_world.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS   64
#define LEVELS   8
#define REQUESTS 64
#define ROWS     16
#define THE_END  1000000

struct plan {
    int line;
    ns_t ts;
    enum venue_request_kind kind;
    uint64_t order_id;
    struct order_request request;
    char expected[512], got[512];
};

struct story {
    const char *path;
    int line;
    struct instrument instrument;
    struct latency_config latency;
    struct latency_row rows[ROWS], accepted[ROWS];
    uint32_t row_count;
    ns_t samples[2];
    struct queue_model queue;
    struct event events[EVENTS];
    struct level levels[EVENTS][LEVELS];
    uint32_t event_count;
    bool given;
    struct plan plans[REQUESTS];
    uint32_t plan_count;
    struct feed feed;
    struct engine *engine;
};

static void fail(const struct story *story, const char *what)
{
    cr_assert_fail("%s:%d: %s", story->path, story->line, what);
}

static int64_t number(const struct story *story, const char *text, unsigned decimals)
{
    int64_t value = 0;
    if (text == NULL || decimal_parse(text, strlen(text), decimals, ROUND_EXACT, &value) != ERR_OK)
        fail(story, "a number was expected");
    return value;
}

/* ---- the feed: everything in one batch ---- */

static struct story *story_of(struct feed *feed)
{
    return (struct story *)(void *)((char *)feed - offsetof(struct story, feed));
}

static err_t feed_next(struct feed *feed, struct event_batch *batch)
{
    struct story *story = story_of(feed);
    if (story->given)
        return ERR_END;
    story->given = true;
    *batch = (struct event_batch){.events = story->events, .count = story->event_count};
    return ERR_OK;
}

static void feed_release(struct feed *feed, uint32_t handle)
{
    (void)feed, (void)handle;
}

static void feed_close(struct feed *feed)
{
    (void)feed;
}

static const struct feed_ops feed_ops = {feed_next, feed_release, feed_close};

/* ---- the strategy ---- */

static err_t on_start(struct strategy_ctx *ctx, void *state)
{
    struct story *story = *(struct story **)state;
    for (uint32_t i = 0; i < story->plan_count; i++)
        cr_assert_eq(strategy_timer_at(ctx, story->plans[i].ts, NULL), ERR_OK);
    return ERR_OK;
}

static void on_timer(struct strategy_ctx *ctx, void *state, uint64_t timer_id, ns_t deadline)
{
    struct story *story = *(struct story **)state;
    struct plan *plan = &story->plans[timer_id - 1];
    uint64_t order_id = plan->order_id;
    err_t err = ERR_OK;
    cr_assert_eq(plan->ts, deadline);
    story->line = plan->line;
    if (plan->kind == VENUE_NEW)
        err = strategy_submit(ctx, &plan->request, &order_id);
    else if (plan->kind == VENUE_CANCEL)
        err = strategy_cancel(ctx, order_id);
    else
        err = strategy_amend(ctx, order_id, plan->request.price, plan->request.qty);
    if (err != ERR_OK || order_id != plan->order_id)
        fail(story, "the request could not be sent, or the order has another number");
}

static enum venue_request_kind kind_of(enum exec_kind kind)
{
    return kind == EXEC_CANCELLED || kind == EXEC_CANCEL_REJECT ? VENUE_CANCEL
           : kind == EXEC_AMENDED || kind == EXEC_AMEND_REJECT  ? VENUE_AMEND
                                                                : VENUE_NEW;
}

/* The answer belongs to the last request of its sort that is not answered yet, fills to the order itself. */
static struct plan *plan_of(struct story *story, uint64_t order_id, enum exec_kind kind)
{
    for (uint32_t i = 0; i < story->plan_count; i++) {
        struct plan *plan = &story->plans[i];
        if (plan->order_id == order_id && plan->kind == kind_of(kind) &&
            (plan->kind == VENUE_NEW || plan->got[0] == '\0'))
            return plan;
    }
    fail(story, "an answer that nobody asked for");
    return NULL;
}

static void on_order(struct strategy_ctx *ctx, void *state, const struct order *order,
                     const struct execution *execution)
{
    struct story *story = *(struct story **)state;
    struct plan *plan = plan_of(story, order->id, (enum exec_kind)execution->kind);
    char price[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE], at[32];
    const size_t used = strlen(plan->got);
    char *to = plan->got + used;
    const size_t room = sizeof(plan->got) - used;
    const char *kind = exec_kind_name((enum exec_kind)execution->kind), *space = used != 0 ? "; " : "";
    instrument_format_price(&story->instrument, execution->price, price);
    instrument_format_qty(&story->instrument, execution->qty, qty);
    snprintf(at, sizeof(at), execution->venue_ts == 0 ? "never" : "at %" PRId64, execution->venue_ts);
    if (execution->kind == EXEC_FILL)
        snprintf(to, room, "%s%s %s %s %s %s seen %" PRId64, space, kind, price, qty,
                 execution->maker ? "maker" : "taker", at, strategy_now(ctx));
    else if (execution->kind == EXEC_AMENDED)
        snprintf(to, room, "%s%s %s %s %s seen %" PRId64, space, kind, price, qty, at, strategy_now(ctx));
    else
        snprintf(to, room, "%s%s%s%s %s seen %" PRId64, space, kind, execution->reason != REASON_NONE ? " " : "",
                 execution->reason != REASON_NONE ? reason_name((enum reason)execution->reason) : "", at,
                 strategy_now(ctx));
}

static const struct strategy told = {.abi = STRATEGY_ABI,
                                     .name = "told",
                                     .version = "1",
                                     .help = "Does what the lines say.",
                                     .start = on_start,
                                     .timer = on_timer,
                                     .order = on_order};

/* ---- lines ---- */

static bool key_is(const char *word, const char *key, const char **value)
{
    const size_t size = strlen(key);
    if (strncmp(word, key, size) != 0 || word[size] != '=')
        return false;
    *value = word + size + 1;
    return true;
}

static void read_latency(struct story *story, char **words, int count)
{
    const bool response = strcmp(words[1], "response") == 0;
    struct latency_direction *side = response ? &story->latency.response : &story->latency.entry;
    const char *value;
    const ns_t delay = count > 3 ? number(story, words[3], 0) : 0;
    if (count > 3 && strcmp(words[2], "constant") == 0) {
        *side = (struct latency_direction){.kind = LATENCY_CONSTANT, .value = delay};
    } else if (count > 3 && strcmp(words[2], "lognormal") == 0) {
        const ns_t least = count > 4 && key_is(words[4], "min", &value) ? number(story, value, 0) : 0;
        *side = (struct latency_direction){.kind = LATENCY_LOGNORMAL, .value = delay - least, .min = least};
    } else if (count > 3 && strcmp(words[2], "empirical") == 0) {
        story->samples[response] = delay;
        *side = (struct latency_direction){
            .kind = LATENCY_EMPIRICAL, .samples = &story->samples[response], .sample_count = 1};
    } else {
        fail(story, "latency entry|response constant|lognormal|empirical N was expected");
    }
}

static struct level read_level(const struct story *story, char *word)
{
    char *cross = strchr(word, 'x');
    if (cross == NULL)
        fail(story, "PRICExQTY was expected");
    *cross = '\0';
    return (struct level){number(story, word, 1), number(story, cross + 1, 0)};
}

static void read_market(struct story *story, ns_t ts, char **words, int count)
{
    struct event *event = &story->events[story->event_count];
    struct level *levels = story->levels[story->event_count++];
    const char *value;
    bool asks = false;
    uint32_t used = 0;
    *event = (struct event){.ts = ts, .exch_ts = ts, .levels = levels, .seq = story->event_count};
    event->kind = strcmp(words[1], "trade") == 0      ? EVENT_TRADE
                  : strcmp(words[1], "snapshot") == 0 ? EVENT_BOOK_SNAPSHOT
                                                      : EVENT_BOOK_DELTA;
    for (int i = 2; i < count; i++) {
        if (strcmp(words[i], "sell") == 0)
            event->flags |= EVENT_SELL;
        else if (strcmp(words[i], "bids") == 0 || strcmp(words[i], "buy") == 0)
            asks = false;
        else if (strcmp(words[i], "asks") == 0)
            asks = true;
        else if (key_is(words[i], "seen", &value))
            event->ts = number(story, value, 0);
        else {
            levels[used++] = read_level(story, words[i]);
            *(asks ? &event->ask_count : &event->bid_count) += 1;
        }
    }
}

static void read_request(struct story *story, ns_t ts, char **words, int count, const char *expected)
{
    struct plan *plan = &story->plans[story->plan_count++];
    int at = 3;
    *plan = (struct plan){.line = story->line, .ts = ts, .order_id = (uint64_t)number(story, words[2], 0)};
    snprintf(plan->expected, sizeof(plan->expected), "%s", expected);
    if (strcmp(words[1], "new") == 0) {
        plan->request.side = strcmp(words[3], "sell") == 0 ? SIDE_SELL : SIDE_BUY;
        plan->request.type = strcmp(words[4], "market") == 0 ? ORDER_MARKET : ORDER_LIMIT;
        at = 5;
    } else {
        plan->kind = strcmp(words[1], "cancel") == 0 ? VENUE_CANCEL : VENUE_AMEND;
    }
    if (plan->kind == VENUE_CANCEL)
        return;
    if (plan->request.type == ORDER_LIMIT)
        plan->request.price = number(story, words[at++], 1);
    plan->request.qty = number(story, words[at++], 0);
    if (at < count && strcmp(words[at], "post") == 0)
        plan->request.flags = ORDER_POST_ONLY;
}

static void read_line(struct story *story, char *line)
{
    char *words[64], *expected = strstr(line, "=>");
    int count = 0;
    if (line[0] == '#')
        return;
    if (expected != NULL) {
        *expected = '\0';
        expected += 2 + strspn(expected + 2, " ");
        expected[strcspn(expected, "\n")] = '\0';
    }
    for (char *save = NULL, *word = strtok_r(line, " \n", &save); word != NULL; word = strtok_r(NULL, " \n", &save))
        words[count++] = word;
    if (count == 0)
        return;
    if (strcmp(words[0], "latency") == 0) {
        read_latency(story, words, count);
    } else if (strcmp(words[0], "row") == 0) {
        story->rows[story->row_count++] =
            (struct latency_row){number(story, words[1], 0), number(story, words[2], 0), number(story, words[3], 0)};
    } else if (strcmp(words[0], "queue") == 0 && strcmp(words[1], "proportional") == 0) {
        story->queue.kind = QUEUE_PROPORTIONAL;
    } else {
        const ns_t ts = number(story, words[0], 0);
        if (strcmp(words[1], "new") == 0 || strcmp(words[1], "cancel") == 0 || strcmp(words[1], "amend") == 0)
            read_request(story, ts, words, count, expected != NULL ? expected : "");
        else if (strcmp(words[1], "snapshot") == 0 || strcmp(words[1], "delta") == 0 ||
                 strcmp(words[1], "trade") == 0)
            read_market(story, ts, words, count);
        else
            fail(story, "unknown verb");
    }
}

/* ---- the run ---- */

static void *fresh(size_t size)
{
    size = (size + 63) & ~(size_t)63;
    void *memory = aligned_alloc(64, size);
    cr_assert_not_null(memory);
    return memset(memory, 0, size);
}

static const struct book *books(const void *context, uint16_t instrument)
{
    return engine_book(context, instrument);
}

static void interpolate(struct story *story)
{
    struct err_text why = {0};
    uint32_t bad;
    if (story->row_count == 0)
        return;
    cr_assert_eq(latency_rows_check(story->rows, story->row_count, &bad, &why), ERR_OK, "%s: row %u: %s", story->path,
                 bad, why.text);
    const uint32_t accepted = latency_rows_accepted(story->rows, story->row_count, story->accepted);
    story->latency.entry =
        (struct latency_direction){.kind = LATENCY_INTERPOLATED, .rows = story->rows, .row_count = story->row_count};
    story->latency.response =
        (struct latency_direction){.kind = LATENCY_INTERPOLATED, .rows = story->accepted, .row_count = accepted};
}

static void run(struct story *story)
{
    struct latency_model latency;
    struct risk_limits limits = {0};
    struct feed *lanes[] = {&story->feed};
    struct story *self = story;
    struct err_text why = {0};
    story->feed.ops = &feed_ops;
    interpolate(story);
    cr_assert_eq(latency_model_init(&latency, &story->latency, &why), ERR_OK, "%s: %s", story->path, why.text);
    const struct venue_config venue = {.instruments = &story->instrument,
                                       .instrument_count = 1,
                                       .book_window = BOOK_WINDOW_MIN,
                                       .book_far = 16,
                                       .own_orders_max = 64,
                                       .queue = story->queue};
    struct sim_config world = {
        .lanes = lanes, .lane_count = 1, .latency = &latency, .requests_max = 256, .instrument_count = 1};
    const struct engine_config engine = {.instruments = &story->instrument,
                                         .checks = ENGINE_CHECKS_ALL,
                                         .limits = &limits,
                                         .instrument_count = 1,
                                         .book_window = BOOK_WINDOW_MIN,
                                         .book_far = 16,
                                         .order_capacity = 64,
                                         .timer_capacity = REQUESTS,
                                         .strategy = &told};
    void *venue_memory = fresh(venue_size(&venue)), *world_memory = fresh(sim_world_size(&world)),
         *engine_memory = fresh(engine_size(&engine));
    const struct venue_sink sink = sim_world_sink(world_memory, 0);
    world.venue = venue_init(venue_memory, &venue, &sink);
    struct world *made = sim_world_init(world_memory, &world);
    story->engine = engine_init(engine_memory, &engine, made, &self);
    sim_world_books(made, books, story->engine);
    cr_assert_eq(engine_start(story->engine), ERR_OK);
    cr_assert_eq(engine_run(story->engine, UINT64_MAX), ERR_END);
    (void)engine_stop(story->engine);
    made->ops->close(made);
    free(venue_memory);
    free(world_memory);
    free(engine_memory);
}

static void run_file(const char *path)
{
    char line[2048];
    struct story *story = calloc(1, sizeof(*story));
    FILE *file = fopen(path, "r");
    cr_assert(story != NULL && file != NULL);
    story->path = strstr(path, "tests/sim");
    cr_assert_eq(instrument_init(&story->instrument, "synthetic", "TEST", "BTC", "USDT", CONTRACT_LINEAR, 1, 0),
                 ERR_OK);
    story->instrument.price_show = 1;
    while (fgets(line, sizeof(line), file) != NULL) {
        story->line++;
        read_line(story, line);
    }
    fclose(file);
    char last[] = "delta", *words[] = {last, last};
    read_market(story, THE_END, words, 2); /* something to wait for, so that the last answers come */
    run(story);
    for (uint32_t i = 0; i < story->plan_count; i++)
        if (strcmp(story->plans[i].got, story->plans[i].expected) != 0)
            cr_expect(false, "%s:%d:\n  expected: %s\n  got:      %s", story->path, story->plans[i].line,
                      story->plans[i].expected, story->plans[i].got);
    free(story);
}

Test(latency_scenarios, every_request_arrives_fills_and_is_heard_of_when_its_line_says)
{
    glob_t found;
    cr_assert_eq(glob(TEST_SOURCE "/tests/sim/scenarios/latency/*.txt", 0, NULL, &found), 0, "no scenarios");
    cr_assert_geq(found.gl_pathc, 6);
    for (size_t i = 0; i < found.gl_pathc; i++)
        run_file(found.gl_pathv[i]);
    globfree(&found);
}
