/* The world when things go wrong: nothing is lost for good, nothing depends on the blocks, and every fault is told.
 */
#include "world_rig.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 80
#define ONE   FAULTS_CHANCE_ONE

static bool same_digest(struct digest_value a, struct digest_value b)
{
    return a.low == b.low && a.high == b.high;
}

static struct market_options options_of(uint64_t seed)
{
    return (struct market_options){.seed = seed,
                                   .lanes = (uint16_t)(1 + seed % RIG_LANES),
                                   .instruments = (uint16_t)(1 + seed / 3 % RIG_INSTRUMENTS),
                                   .messages = 500,
                                   .no_stamps = seed % 13 == 5,
                                   .per_mille = seed % 5 == 0 ? 300 : 120};
}

/* Everything that can go wrong, in the time of such a market (some 1600 ns). */
static struct faults all_of(uint64_t seed)
{
    return (struct faults){.seed = seed,
                           .windows = {[FAULT_OUTAGE] = {.every = 500, .length = 60},
                                       [FAULT_LINE] = {.every = 400, .length = 50},
                                       [FAULT_CHANNEL] = {.every = 300, .length = 40}},
                           .outage_silent = seed % 2 == 0,
                           .outage_stops = seed / 2 % 2 == 0,
                           .request_loss = ONE / 10,
                           .answer_loss = ONE / 8,
                           .answer_late = ONE / 8,
                           .answer_delay = 30,
                           .timeout = 80,
                           .query = 60};
}

static struct world_rig *rig_of(const struct market *market, uint64_t seed, const struct faults *faults)
{
    static const ns_t latencies[] = {0, 1, 7, 40};
    struct world_rig *rig = rig_new(market, seed);
    rig->latency = (struct rig_latency){latencies[seed / 2 % 4], latencies[seed / 8 % 4]};
    rig->faults = faults;
    return rig;
}

static void check_accounts(const struct world_rig *rig)
{
    const struct account *ours = engine_account_view(rig->engine), *theirs = venue_account(rig->venue);
    for (uint16_t i = 0; i < rig->market->instruments; i++) {
        const struct position *a = account_position(ours, i), *b = account_position(theirs, i);
        cr_assert(a->qty == b->qty && a->bought == b->bought && a->sold == b->sold &&
                      a->fill_count == b->fill_count && a->fees == b->fees,
                  "seed %" PRIu64 ", instrument %u: %" PRId64 " here, %" PRId64 " there", rig->seed, i, a->qty,
                  b->qty);
    }
    for (struct order *order = NULL; (order = order_table_next_open(engine_orders(rig->engine), order)) != NULL;) {
        struct venue_order_view view;
        cr_assert(venue_order(rig->venue, order->id, &view), "seed %" PRIu64 ": order %" PRIu64 " does not rest",
                  rig->seed, order->id);
        cr_assert_eq(view.leaves, order_leaves(order));
    }
    cr_assert_eq(venue_open_count(rig->venue), order_table_open_count(engine_orders(rig->engine)), "seed %" PRIu64,
                 rig->seed);
}

static void sum_up(struct sim_fault_stats *sum, const struct sim_fault_stats *more)
{
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)more;
    for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
        to[i] += from[i];
}

Test(sim_faults, whatever_goes_wrong_both_sides_agree_in_the_end_and_blocks_change_nothing, .timeout = 240)
{
    static const uint32_t batches[] = {1000, 1, 3, 0};
    struct sim_fault_stats total = {0};
    uint64_t fills = 0, told = 0, queried = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        const struct market_options options = options_of(seed);
        const struct faults faults = all_of(seed);
        struct market market;
        struct digest_value first = {0, 0};
        market_make(&market, &options);
        for (size_t b = 0; b < ARRAY_LEN(batches); b++) {
            struct world_rig *rig = rig_of(&market, seed, &faults);
            rig->batch = batches[b];
            rig->acts_on_notice = true;
            const struct digest_value value = rig_run(rig);
            check_accounts(rig);
            const struct sim_fault_stats stats = sim_world_stats(rig->world).faults;
            if (b == 0) {
                first = value;
                sum_up(&total, &stats);
                fills += engine_counters(rig->engine)->fills;
                told += rig->notices[EVENT_BOOK_SNAPSHOT];
                queried += rig->queried;
            }
            cr_assert_eq(stats.line_cuts + stats.channel_cuts, rig->notices[EVENT_CONNECTION_DOWN]);
            cr_assert(same_digest(value, first), "seed %" PRIu64 ": batches of %u make another run", seed,
                      batches[b]);
            rig_free(rig);
        }
        market_free(&market);
    }
    /* each of them happened */
    const uint64_t *counts = (const uint64_t *)&total;
    for (size_t i = 0; i < sizeof(total) / sizeof(*counts); i++)
        cr_expect_gt(counts[i], 50, "count %zu: %" PRIu64, i, counts[i]);
    cr_expect(fills > 1000 && told > 100 && queried > 100, "%" PRIu64 " %" PRIu64 " %" PRIu64, fills, told, queried);
}

Test(sim_faults, what_does_not_come_changes_nothing, .timeout = 60)
{
    static const struct fault_span never[] = {{NS_MAX - 10, NS_MAX}};
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const struct market_options options = options_of(seed);
        const struct fault_windows later = {.spans = never, .span_count = 1};
        const struct faults faults = {
            .seed = seed, .windows = {later, later, later}, .outage_stops = true, .timeout = 80, .query = 60};
        struct market market;
        market_make(&market, &options);
        struct world_rig *with = rig_of(&market, seed, &faults), *without = rig_of(&market, seed, NULL);
        cr_assert(same_digest(rig_run(with), rig_run(without)), "seed %" PRIu64, seed);
        rig_free(with);
        rig_free(without);
        market_free(&market);
    }
}

static bool same_book(const struct book *a, const struct book *b)
{
    struct level x, y;
    if (a->flags != b->flags)
        return false;
    for (int side = 0; side < 2; side++) {
        bool more = book_best(a, (enum side)side, &x);
        if (more != book_best(b, (enum side)side, &y))
            return false;
        while (more) {
            if (x.price != y.price || x.qty != y.qty)
                return false;
            more = book_next(a, (enum side)side, x.price, &x);
            if (more != book_next(b, (enum side)side, y.price, &y))
                return false;
        }
    }
    return true;
}

Test(sim_faults, after_a_cut_the_book_is_that_of_a_line_that_held, .timeout = 60)
{
    uint64_t compared = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        const struct market_options options = options_of(seed);
        struct faults faults = {
            .seed = seed, .windows = {[FAULT_LINE] = {.every = 200, .length = 30}}, .timeout = 80, .query = 60};
        struct market market;
        market_make(&market, &options);
        struct world_rig *cut = rig_of(&market, seed, &faults), *held = rig_of(&market, seed, NULL);
        cut->quiet = held->quiet = true;
        (void)rig_run(cut);
        (void)rig_run(held);
        cr_assert_gt(sim_world_stats(cut->world).faults.line_cuts, 2);
        for (uint16_t i = 0; i < market.instruments && !cut->line_down; i++, compared++)
            cr_assert(same_book(engine_book(cut->engine, i), engine_book(held->engine, i)), "seed %" PRIu64, seed);
        rig_free(cut);
        rig_free(held);
        market_free(&market);
    }
    cr_expect_gt(compared, 40);
}

/* ---- written out: a book at 1000 that stands still, seen every 10 ns, and orders of ours ---- */

struct stage {
    struct market market;
    struct market_event events[200];
};

static struct stage *stage_new(void)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    stage->market = (struct market){.lanes = 1, .instruments = 1, .counts = {200}};
    stage->market.events[0] = stage->events;
    for (int i = 0; i < 200; i++) {
        const ns_t ts = 1000 + 10 * i;
        struct market_event *made = &stage->events[i];
        made->levels[0] = (struct level){1000, 10};
        made->levels[1] = (struct level){1001, 10};
        made->venue_ts = ts;
        made->event = (struct event){.ts = ts,
                                     .exch_ts = ts,
                                     .seq = (uint64_t)i + 1,
                                     .levels = made->levels,
                                     .bid_count = 1,
                                     .ask_count = 1,
                                     .kind = EVENT_BOOK_SNAPSHOT};
    }
    return stage;
}

static struct market_event *at(struct stage *stage, ns_t ts)
{
    return &stage->events[(ts - 1000) / 10];
}

/* Requests take 20, answers 10. An order far from the market (bid 997), so that nothing fills it. */
static void order_at(struct stage *stage, ns_t ts)
{
    at(stage, ts)->act = ACT_GTC;
    at(stage, ts)->act_side = SIDE_BUY;
    at(stage, ts)->act_offset = -4;
    at(stage, ts)->act_qty = 3;
}

static void trade_at(struct stage *stage, ns_t ts, px_t price, qty_t qty)
{
    struct market_event *made = at(stage, ts);
    made->levels[0] = (struct level){price, qty};
    made->event.kind = EVENT_TRADE;
    made->event.flags = EVENT_SELL;
    made->event.bid_count = 1;
    made->event.ask_count = 0;
}

static struct faults nothing(void)
{
    return (struct faults){.timeout = 400, .query = 300};
}

static struct world_rig *run(struct stage *stage, const struct faults *faults)
{
    struct world_rig *rig = rig_new(&stage->market, 1);
    rig->faults = faults;
    (void)rig_run(rig);
    check_accounts(rig);
    return rig;
}

static void done(struct world_rig *rig, struct stage *stage)
{
    rig_free(rig);
    free(stage);
}

static void expect_said(const struct world_rig *rig, uint32_t i, ns_t ts, enum exec_kind kind, enum reason reason)
{
    cr_assert_lt(i, rig->said_count);
    const struct said *said = &rig->said[i];
    cr_expect(said->ts == ts && said->kind == kind && said->reason == reason,
              "word %u: %s %s at %" PRId64 ", not %s %s at %" PRId64, i, exec_kind_name((enum exec_kind)said->kind),
              reason_name((enum reason)said->reason), said->ts, exec_kind_name(kind), reason_name(reason), ts);
}

Test(sim_faults, a_lost_request_is_known_after_the_time_out)
{
    struct stage *stage = stage_new();
    struct faults faults = nothing();
    faults.request_loss = ONE;
    order_at(stage, 1100);
    struct world_rig *rig = run(stage, &faults);
    cr_expect_eq(rig->said_count, 1);
    expect_said(rig, 0, 1500, EXEC_REJECT, REASON_TIMEOUT);
    cr_expect_eq(rig->said[0].venue_ts, 0);
    cr_expect_eq(sim_world_stats(rig->world).faults.requests_lost, 1);
    done(rig, stage);
}

Test(sim_faults, a_lost_answer_is_asked_for_and_what_follows_waits_for_it)
{
    struct stage *stage = stage_new();
    struct faults faults = nothing();
    order_at(stage, 1100);
    trade_at(stage, 1200, 990, 1);
    /* a seed that loses the first answer (of 1120) and not the fill's (of 1200) */
    faults.answer_loss = ONE / 4;
    while (!faults_answer_lost(&faults, 1120, 0) || faults_answer_lost(&faults, 1200, 0))
        faults.seed++;
    struct world_rig *rig = run(stage, &faults);
    cr_expect_eq(rig->said_count, 2);
    expect_said(rig, 0, 1430, EXEC_ACK, REASON_QUERIED);
    expect_said(rig, 1, 1430, EXEC_FILL, REASON_QUERIED);
    const struct sim_fault_stats stats = sim_world_stats(rig->world).faults;
    cr_expect(stats.answers_lost == 1 && stats.answers_waited == 1);
    done(rig, stage);
}

Test(sim_faults, answers_wait_for_the_channel)
{
    static const struct fault_span spans[] = {{1125, 1300}};
    struct stage *stage = stage_new();
    struct faults faults = nothing();
    faults.windows[FAULT_CHANNEL] = (struct fault_windows){.spans = spans, .span_count = 1};
    order_at(stage, 1100);
    order_at(stage, 1300);
    struct world_rig *rig = run(stage, &faults);
    expect_said(rig, 0, 1300, EXEC_ACK, REASON_NONE);
    cr_expect_eq(rig->said[0].venue_ts, 1120);
    expect_said(rig, 1, 1330, EXEC_ACK, REASON_NONE);
    cr_expect(rig->notices[EVENT_CONNECTION_DOWN] == 1 && rig->notices[EVENT_CONNECTION_UP] == 1);
    cr_expect(rig->first_notice == 1125 && rig->notices[EVENT_GAP] == 0 && rig->seen == 200);
    cr_expect_eq(sim_world_stats(rig->world).faults.answers_held, 1);
    done(rig, stage);
}

Test(sim_faults, a_cut_line_leaves_the_book_stale_until_it_is_told_again)
{
    static const struct fault_span spans[] = {{1100, 1150}};
    struct stage *stage = stage_new();
    struct faults faults = nothing();
    faults.windows[FAULT_LINE] = (struct fault_windows){.spans = spans, .span_count = 1};
    order_at(stage, 1120); /* never sent: the event that causes it is not heard */
    order_at(stage, 1150);
    struct world_rig *rig = run(stage, &faults);
    cr_expect_eq(rig->seen, 195);
    cr_expect_eq(sim_world_stats(rig->world).faults.unheard, 5);
    cr_expect(rig->notices[EVENT_CONNECTION_DOWN] == 1 && rig->notices[EVENT_GAP] == 1 &&
              rig->notices[EVENT_CONNECTION_UP] == 1 && rig->notices[EVENT_BOOK_SNAPSHOT] == 1);
    cr_expect_eq(rig->first_notice, 1100);
    expect_said(rig, 0, 1180, EXEC_ACK, REASON_NONE);
    done(rig, stage);
}

Test(sim_faults, an_outage_refuses_or_is_silent)
{
    static const struct fault_span spans[] = {{1110, 1200}};
    for (int silent = 0; silent < 2; silent++) {
        struct stage *stage = stage_new();
        struct faults faults = nothing();
        faults.windows[FAULT_OUTAGE] = (struct fault_windows){.spans = spans, .span_count = 1};
        faults.outage_silent = silent;
        order_at(stage, 1080); /* there at 1100 */
        order_at(stage, 1090); /* there at 1110 */
        at(stage, 1100)->act = ACT_CANCEL;
        order_at(stage, 1180); /* there at 1200 */
        trade_at(stage, 1150, 990, 1);
        struct world_rig *rig = run(stage, &faults);
        expect_said(rig, 0, 1110, EXEC_ACK, REASON_NONE);
        if (silent) {
            expect_said(rig, 1, 1160, EXEC_FILL, REASON_NONE); /* the market goes on */
            expect_said(rig, 3, 1490, EXEC_REJECT, REASON_TIMEOUT);
            expect_said(rig, 4, 1500, EXEC_CANCEL_REJECT, REASON_TIMEOUT);
        } else {
            expect_said(rig, 1, 1120, EXEC_REJECT, REASON_OUTAGE);
            expect_said(rig, 2, 1130, EXEC_CANCEL_REJECT, REASON_OUTAGE);
            expect_said(rig, 3, 1160, EXEC_FILL, REASON_NONE);
        }
        expect_said(rig, silent ? 2 : 4, 1210, EXEC_ACK, REASON_NONE);
        const struct sim_fault_stats stats = sim_world_stats(rig->world).faults;
        cr_expect(stats.requests_unanswered == (silent ? 2 : 0) && stats.requests_refused == (silent ? 0 : 2));
        cr_expect(stats.outages == 1 && stats.line_cuts == 0);
        done(rig, stage);
    }
}

Test(sim_faults, an_outage_that_stops_the_market_fills_nothing)
{
    static const struct fault_span spans[] = {{1110, 1200}};
    struct stage *stage = stage_new();
    struct faults faults = nothing();
    faults.windows[FAULT_OUTAGE] = (struct fault_windows){.spans = spans, .span_count = 1};
    faults.outage_stops = true;
    order_at(stage, 1050);
    trade_at(stage, 1150, 990, 1);
    trade_at(stage, 1200, 990, 1);
    struct world_rig *rig = run(stage, &faults);
    cr_expect_eq(rig->said_count, 2);
    expect_said(rig, 1, 1210, EXEC_FILL, REASON_NONE);
    cr_expect_eq(rig->said[1].venue_ts, 1200);
    cr_expect(rig->notices[EVENT_GAP] == 1 && rig->seen == 191);
    done(rig, stage);
}
