/* The two clocks: what the venue sees when, and when the engine hears of it. The seed of a failure is printed; the
 * same market comes back with it. */
#include "world_rig.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 60

static const ns_t latencies[] = {0, 1, 7, 40};

/* Lanes, instruments and latencies by the seed. */
static struct market_options options_of(uint64_t seed)
{
    return (struct market_options){.seed = seed,
                                   .lanes = (uint16_t)(1 + seed % RIG_LANES),
                                   .instruments = (uint16_t)(1 + seed / 3 % RIG_INSTRUMENTS),
                                   .messages = 500,
                                   .no_stamps = seed % 13 == 5,
                                   .acts_from = seed % 4 == 0 ? 250 : 0,
                                   .per_mille = seed % 5 == 0 ? 400 : 120};
}

static struct world_rig *rig_of(const struct market *market, uint64_t seed)
{
    struct world_rig *rig = rig_new(market, seed);
    rig->latency = (struct rig_latency){latencies[seed / 2 % 4], latencies[seed / 8 % 4]};
    return rig;
}

static bool same_digest(struct digest_value a, struct digest_value b)
{
    return a.low == b.low && a.high == b.high;
}

/* The books at each arrival are checked by the rig, and so is every latency. */
Test(sim_world, the_venue_sees_its_own_time_and_batches_change_nothing, .timeout = 120)
{
    uint64_t fills = 0, rejects = 0, orders = 0, maker = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        static const uint32_t batches[] = {1000, 1, 3, 0};
        struct market_options options = options_of(seed);
        struct market market;
        struct digest_value first = {0, 0};
        market_make(&market, &options);
        for (size_t b = 0; b < ARRAY_LEN(batches); b++) {
            struct world_rig *rig = rig_of(&market, seed);
            rig->batch = batches[b];
            struct digest_value value = rig_run(rig);
            const struct engine_counters *counters = engine_counters(rig->engine);
            if (b == 0) {
                first = value;
                fills += counters->fills;
                maker += counters->maker_fills;
                rejects += counters->rejects;
                orders += counters->orders;
            }
            cr_assert(same_digest(value, first), "seed %" PRIu64 ": batches of %u make another run", seed,
                      batches[b]);
            rig_free(rig);
        }
        market_free(&market);
    }
    /* the plan reaches everything that is compared */
    cr_expect(fills > 1000 && maker > 100 && rejects > 100 && orders > 1000,
              "%" PRIu64 " fills, %" PRIu64 " as maker, %" PRIu64 " rejects of %" PRIu64 " orders", fills, maker,
              rejects, orders);
}

static void check_same_said(const struct world_rig *a, const struct world_rig *b)
{
    const uint32_t count = a->said_count < b->said_count ? a->said_count : b->said_count;
    for (uint32_t i = 0; i < count; i++)
        cr_assert(memcmp(&a->said[i], &b->said[i], sizeof(struct said)) == 0,
                  "seed %" PRIu64 ", word %u: at %" PRId64 " tag %" PRIu64 " %s %" PRId64 " x %" PRId64
                  ", and at %" PRId64 " tag %" PRIu64 " %s %" PRId64 " x %" PRId64,
                  a->seed, i, a->said[i].ts, a->said[i].tag, exec_kind_name((enum exec_kind)a->said[i].kind),
                  a->said[i].price, a->said[i].qty, b->said[i].ts, b->said[i].tag,
                  exec_kind_name((enum exec_kind)b->said[i].kind), b->said[i].price, b->said[i].qty);
    cr_assert_eq(a->said_count, b->said_count, "seed %" PRIu64, a->seed);
}

/* Orders that end by themselves, countdowns, replacements, batches and self-trades: how a tape is cut decides
 * nothing, to the very end of the run. */
Test(sim_world, what_the_venue_does_by_itself_does_not_depend_on_batches, .timeout = 120)
{
    uint64_t kinds[REASON_COUNT] = {0}, words = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        static const uint32_t batches[] = {1000, 1, 3, 0};
        struct market_options options = options_of(seed);
        struct market market;
        struct world_rig *first = NULL;
        options.per_mille = 300;
        market_make(&market, &options);
        struct digest_value value = {0, 0};
        for (size_t b = 0; b < ARRAY_LEN(batches); b++) {
            struct world_rig *rig = rig_of(&market, seed);
            rig->rich = true;
            rig->batch = batches[b];
            const struct digest_value now = rig_run(rig);
            if (first == NULL) {
                first = rig;
                value = now;
                continue;
            }
            check_same_said(first, rig);
            cr_assert(same_digest(value, now), "seed %" PRIu64 ": batches of %u make another run", seed, batches[b]);
            rig_free(rig);
        }
        for (uint32_t i = 0; i < first->said_count; i++, words++)
            kinds[first->said[i].reason]++;
        rig_free(first);
        market_free(&market);
    }
    static const enum reason wanted[] = {REASON_EXPIRED_GTD,      REASON_COUNTDOWN,       REASON_CANCEL_ALL,
                                         REASON_REPLACED,         REASON_REPLACE_GONE,    REASON_STP_EXPIRE_TAKER,
                                         REASON_STP_EXPIRE_MAKER, REASON_STP_EXPIRE_BOTH, REASON_STP_DECREMENT};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        cr_expect(kinds[wanted[i]] > 10, "only %" PRIu64 " %s of %" PRIu64 " words: the plan tests nothing",
                  kinds[wanted[i]], reason_name(wanted[i]), words);
}

Test(sim_world, an_equity_grid_changes_nothing)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct market_options options = options_of(seed);
        struct market market;
        market_make(&market, &options);
        struct world_rig *rig = rig_of(&market, seed);
        struct digest_value first = rig_run(rig);
        rig_free(rig);
        rig = rig_of(&market, seed);
        rig->equity_interval = 3;
        cr_assert(same_digest(rig_run(rig), first), "seed %" PRIu64, seed);
        rig_free(rig);
        market_free(&market);
    }
}

Test(sim_world, a_venue_that_wakes_late_fills_like_one_that_was_awake, .timeout = 120)
{
    uint32_t said = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct market_options options = options_of(seed);
        struct market market;
        options.acts_from = 200;
        market_make(&market, &options);
        struct world_rig *late = rig_of(&market, seed), *awake = rig_of(&market, seed);
        late->batch = (uint32_t)(seed % 5);
        awake->far_from = seed % 3 == 0 ? 60 : 1;
        rig_run(late);
        rig_run(awake);
        cr_assert_eq(awake->answered, late->answered + market.instruments);
        check_same_said(late, awake);
        said += late->said_count;
        rig_free(late);
        rig_free(awake);
        market_free(&market);
    }
    cr_expect_gt(said, 3000);
}

/* ---- small markets, written out ---- */

struct written {
    struct market market;
    struct market_event events[RIG_LANES][64];
};

static struct market_event *write_event(struct written *written, uint16_t lane, ns_t ts, ns_t exch_ts,
                                        enum event_kind kind)
{
    struct market *market = &written->market;
    struct market_event *made = &written->events[lane][market->counts[lane]++];
    market->events[lane] = written->events[lane];
    if (market->lanes < lane + 1)
        market->lanes = (uint16_t)(lane + 1);
    if (market->instruments == 0)
        market->instruments = 1;
    *made = (struct market_event){.venue_ts = exch_ts};
    made->event = (struct event){.ts = ts,
                                 .exch_ts = exch_ts,
                                 .seq = market->counts[lane],
                                 .levels = made->levels,
                                 .kind = (uint8_t)kind,
                                 .lane = lane};
    return made;
}

static struct market_event *write_book(struct written *written, ns_t ts, ns_t exch_ts, px_t bid, px_t ask)
{
    struct market_event *made = write_event(written, 0, ts, exch_ts, EVENT_BOOK_SNAPSHOT);
    made->levels[0] = (struct level){bid, 10};
    made->levels[1] = (struct level){ask, 10};
    made->event.bid_count = made->event.ask_count = 1;
    return made;
}

static void write_buy(struct market_event *made, qty_t qty)
{
    made->act = ACT_IOC;
    made->act_side = SIDE_BUY;
    made->act_offset = 20;
    made->act_qty = qty;
}

/* The price of the first fill, 0: none. */
static px_t first_fill(const struct world_rig *rig)
{
    for (uint32_t i = 0; i < rig->said_count; i++)
        if (rig->said[i].kind == EXEC_FILL)
            return rig->said[i].price;
    return 0;
}

/* An order of t = 1000 arrives at 1020; the ask moves at exactly 1020, or one later, by the venue's clock. */
static px_t fill_of_ask_moving_at(ns_t exch_ts)
{
    struct written *written = calloc(1, sizeof(*written));
    write_buy(write_book(written, 1000, 990, 1010, 1011), 1);
    write_book(written, 1100, exch_ts, 1010, 1015);
    write_book(written, 2000, 1990, 1010, 1019);
    struct world_rig *rig = rig_new(&written->market, 0);
    rig_run(rig);
    const px_t price = first_fill(rig);
    rig_free(rig);
    free(written);
    return price;
}

Test(sim_world, a_market_event_of_the_instant_of_arrival_comes_first)
{
    cr_expect_eq(fill_of_ask_moving_at(1020), 1015);
    cr_expect_eq(fill_of_ask_moving_at(1021), 1011);
}

Test(sim_world, a_stamp_after_the_arrival_counts_as_of_the_arrival)
{
    struct written *written = calloc(1, sizeof(*written));
    write_buy(write_book(written, 1000, 5000, 1010, 1011), 1);
    write_book(written, 1010, 5001, 1010, 1013)->venue_ts = 1010;
    written->events[0][0].venue_ts = 1000;
    write_book(written, 1030, 5002, 1010, 1015)->venue_ts = 1030;
    struct world_rig *rig = rig_new(&written->market, 0);
    rig_run(rig);
    cr_expect_eq(first_fill(rig), 1013);
    cr_expect_eq(sim_world_stats(rig->world).clock_behind, 2, "the first one came before the venue woke");
    rig_free(rig);
    free(written);
}

Test(sim_world, a_lane_without_stamps_is_seen_as_it_arrives)
{
    struct written *written = calloc(1, sizeof(*written));
    write_buy(write_book(written, 1000, 0, 1010, 1011), 1);
    written->events[0][0].venue_ts = 1000;
    write_book(written, 1020, 0, 1010, 1013)->venue_ts = 1020;
    write_book(written, 1021, 0, 1010, 1015)->venue_ts = 1021;
    for (ns_t ts = 1100; ts < 1400; ts += 10)
        write_book(written, ts, 0, 1010, 1018)->venue_ts = ts;
    struct world_rig *rig = rig_new(&written->market, 0);
    rig->batch = 1;
    rig->held_max = 5; /* nothing is read further ahead than the latency asks for */
    rig_run(rig);
    cr_expect_eq(first_fill(rig), 1013);
    rig_free(rig);
    free(written);
}

Test(sim_world, an_event_without_a_stamp_is_as_late_as_the_stamped_one_before_it)
{
    for (ns_t arrival = 1034; arrival <= 1036; arrival++) {
        struct written *written = calloc(1, sizeof(*written));
        write_book(written, 1000, 985, 1010, 1011);             /* 15 late */
        write_buy(write_book(written, 1010, 0, 1010, 1012), 1); /* so this is of 995 */
        written->events[0][1].venue_ts = 995;
        write_book(written, 1050, 0, 1010, 1014)->venue_ts = 1035; /* and this of 1035 */
        struct world_rig *rig = rig_new(&written->market, 0);
        rig->latency.entry = arrival - 1010;
        rig_run(rig);
        cr_expect_eq(first_fill(rig), arrival < 1035 ? 1012 : 1014, "arrived at %" PRId64, arrival);
        rig_free(rig);
        free(written);
    }
}

Test(sim_world, equal_stamps_come_in_the_order_of_lanes_and_executions_after_them)
{
    struct written *written = calloc(1, sizeof(*written));
    write_buy(write_book(written, 1000, 1000, 1010, 1011), 1);
    for (int n = 0; n < 3; n++)
        for (uint16_t lane = 0; lane < 3; lane++)
            write_event(written, lane, 1030, 1030, EVENT_TICKER)->event.body = NULL; /* 1030: the answer's own time */
    struct world_rig *rig = rig_new(&written->market, 0);
    rig_up(rig);
    cr_assert_eq(engine_start(rig->engine), ERR_OK);
    cr_assert_eq(engine_run(rig->engine, 10), ERR_OK);
    cr_expect_eq(rig->seen, 10, "all of that instant"); /* the order of lanes is checked as they come */
    cr_expect_eq(rig->said_count, 0);
    cr_assert_eq(engine_run(rig->engine, 1), ERR_OK);
    cr_expect_eq(rig->said_count, 1);
    rig_free(rig);
    free(written);
}

/* The second instrument comes through lane 1 at first and through lane 0 later, like two tapes of one day given in
 * the other order; the venue is awake for the first one. Whenever its first order is sent, the book must be right. */
Test(sim_world, a_book_that_changes_lanes_is_caught_up_in_the_order_of_time)
{
    for (int first = 1; first < 30; first++) {
        struct written *written = calloc(1, sizeof(*written));
        written->market.instruments = 2;
        for (int n = 0; n < 40; n++) {
            const ns_t ts = 1000 + 5 * n;
            struct market_event *clock = write_event(written, 2, ts, ts - 5, EVENT_GAP); /* of instrument 0 */
            struct market_event *made =
                write_event(written, n < 20 ? 1 : 0, ts, ts - 5, n == 0 ? EVENT_BOOK_SNAPSHOT : EVENT_BOOK_DELTA);
            clock->event.body = NULL;
            made->event.instrument = 1;
            made->levels[0] = (struct level){1010, 1 + n}; /* the same price again and again: the last one counts */
            made->event.bid_count = 1;
            if (n == 0)
                write_buy(clock, 1);
            if (n == first) {
                write_buy(clock, 1);
                clock->act_instrument = 1;
            }
        }
        struct world_rig *rig = rig_new(&written->market, (uint64_t)first);
        rig->latency = (struct rig_latency){42, 3};
        rig->batch = 7;
        rig_run(rig);
        cr_expect_eq(rig->answered, 2);
        rig_free(rig);
        free(written);
    }
}

/* ---- the end of the market ---- */

Test(sim_world, what_is_under_way_at_the_end_is_delivered)
{
    struct written *written = calloc(1, sizeof(*written));
    write_book(written, 1000, 990, 1010, 1011);
    write_buy(write_book(written, 1001, 991, 1010, 1011), 4);
    struct world_rig *rig = rig_new(&written->market, 0);
    rig_run(rig);
    cr_assert_eq(rig->said_count, 2);
    cr_expect(rig->said[0].kind == EXEC_ACK && rig->said[0].ts == 1031);
    cr_expect(rig->said[1].kind == EXEC_FILL && rig->said[1].ts == 1031 && rig->said[1].venue_ts == 1021);
    cr_expect_eq(rig->refused, 0);
    rig_free(rig);
    free(written);
}

/* One order, heard of at 1030; the market ends at 1001. It is good for `life`. */
static struct world_rig *run_good_till(struct written *written, qty_t life)
{
    struct market_event *made = write_book(written, 1000, 990, 1010, 1011);
    made->act = ACT_GTC;
    made->act_side = SIDE_BUY;
    made->act_offset = -5;
    made->act_qty = life / 4;
    write_book(written, 1001, 991, 1010, 1011);
    struct world_rig *rig = rig_new(&written->market, 0);
    rig->rich = true;
    rig_run(rig);
    return rig;
}

/* The venue's clock goes on to the last word about an order, and no further: the run is not made longer. */
Test(sim_world, after_the_end_the_venues_time_stands)
{
    struct written *written = calloc(1, sizeof(*written));
    struct world_rig *rig = run_good_till(written, 24);
    cr_assert_eq(rig->said_count, 2);
    cr_expect(rig->said[1].reason == REASON_EXPIRED_GTD && rig->said[1].venue_ts == 1024 && rig->said[1].ts == 1034);
    rig_free(rig);
    memset(written, 0, sizeof(*written));
    rig = run_good_till(written, 32);
    cr_assert_eq(rig->said_count, 1);
    cr_expect(rig->said[0].kind == EXEC_ACK && rig->said[0].ts == 1030);
    cr_expect_eq(engine_now(rig->engine), 1030);
    cr_expect_eq(order_table_open_count(engine_orders(rig->engine)), 1);
    rig_free(rig);
    free(written);
}

Test(sim_world, after_the_last_event_new_requests_are_refused)
{
    struct written *written = calloc(1, sizeof(*written));
    /* the position is the tag, and every eighth fill is answered with an order */
    for (int n = 0; n < 8; n++)
        write_book(written, 1000 + n, 990 + n, 1010, 1011);
    write_buy(&written->events[0][7], 4);
    struct world_rig *rig = rig_new(&written->market, 0);
    rig_run(rig);
    cr_expect_eq(first_fill(rig), 1011);
    cr_expect_eq(rig->refused, 1, "the order that was sent when the fill was heard of");
    cr_expect_eq(engine_counters(rig->engine)->refused, 1);
    rig_free(rig);
    free(written);
}

Test(sim_world, a_strategy_that_never_gives_up_comes_to_an_end, .timeout = 20)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct market_options options = options_of(seed);
        struct market market;
        options.messages = 60;
        options.per_mille = 50;
        options.acts_from = 0;
        market_make(&market, &options);
        struct world_rig *rig = rig_of(&market, seed);
        if (rig->latency.entry + rig->latency.response == 0)
            rig->latency.entry = 1; /* an answer in no time to an answer in no time is an endless talk */
        rig->stubborn = true;
        rig_run(rig);
        rig_free(rig);
        market_free(&market);
    }
}

Test(sim_world, an_order_before_the_first_event_meets_a_stale_book, .timeout = 20)
{
    struct market_options options = options_of(7);
    struct market market;
    market_make(&market, &options);
    struct world_rig *rig = rig_of(&market, 7);
    rig->order_in_start = true;
    rig->equity_interval = 1;
    rig_run(rig);
    const struct order *order = order_table_find(engine_orders(rig->engine), 1);
    cr_expect(order == NULL || (order->state == ORDER_REJECTED && order->reason == REASON_STALE_BOOK));
    rig_free(rig);
    market_free(&market);
}

/* ---- what cannot be done is said ---- */

static void check_broken(struct world_rig *rig, err_t err, const char *words)
{
    cr_assert_eq(engine_start(rig->engine), ERR_OK);
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), err);
    cr_expect(strstr(engine_why(rig->engine)->text, words) != NULL, "%s", engine_why(rig->engine)->text);
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), err, "it stays broken");
}

/* Stamps a whole second behind arrival: the venue must read that far ahead. */
static struct written *far_apart(void)
{
    struct written *written = calloc(1, sizeof(*written));
    for (int n = 0; n < 60; n++)
        write_book(written, 1000000 + n, 1000 + n, 1010, 1011);
    write_buy(&written->events[0][0], 1);
    return written;
}

Test(sim_world, stamps_too_far_apart_for_the_feed_are_said)
{
    struct written *written = far_apart();
    struct world_rig *rig = rig_new(&written->market, 0);
    rig->batch = 1;
    rig->held_max = 8;
    rig_up(rig);
    check_broken(rig, ERR_FULL, "--clock-offset");
    rig_free(rig);
    rig = rig_new(&written->market, 0);
    rig->batch = 8; /* with larger blocks it works */
    rig->held_max = 8;
    rig_run(rig);
    rig_free(rig);
    free(written);
}

Test(sim_world, stamps_too_far_apart_for_the_lookahead_are_said)
{
    struct market market = {.lanes = 1, .instruments = 1, .counts = {SIM_LOOKAHEAD_MAX + 10}};
    market.events[0] = calloc(market.counts[0], sizeof(struct market_event));
    for (uint32_t n = 0; n < market.counts[0]; n++)
        market.events[0][n] = (struct market_event){
            .event = {.ts = 1000000 + n, .exch_ts = 1000 + n, .seq = n + 1, .kind = EVENT_GAP}, .venue_ts = 1000 + n};
    write_buy(&market.events[0][0], 1);
    struct world_rig *rig = rig_new(&market, 0);
    rig->batch = 1;
    rig_up(rig);
    check_broken(rig, ERR_FULL, "--clock-offset");
    rig_free(rig);
    market_free(&market);
}

Test(sim_world, a_broken_feed_breaks_the_run_with_its_own_words)
{
    for (int asleep = 0; asleep < 2; asleep++) {
        struct written *written = far_apart();
        if (asleep)
            written->events[0][0].act = ACT_NONE;
        struct world_rig *rig = rig_new(&written->market, 0);
        rig->batch = 7;
        rig_up(rig);
        rig->feeds[0].end = ERR_CORRUPT;
        check_broken(rig, ERR_CORRUPT, "block 7 is damaged");
        cr_expect_eq(rig->seen, 60, "all that came before it was handed over");
        rig_free(rig);
        free(written);
    }
}

Test(sim_world, more_under_way_than_is_kept_breaks_the_run)
{
    for (int answers = 0; answers < 2; answers++) {
        struct written *written = calloc(1, sizeof(*written));
        for (int n = 0; n < 12; n++)
            write_buy(write_book(written, 1000 + n, 1000 + n, 1010, 1011), 1);
        write_book(written, 5000, 5000, 1010, 1011);
        struct world_rig *rig = rig_new(&written->market, 0);
        rig->latency = answers ? (struct rig_latency){0, 500} : (struct rig_latency){500, 0};
        rig->requests_max = 8;
        rig->batch = answers ? 1 : 1000; /* the venue answers between the events, or after all of them */
        rig_up(rig);
        check_broken(rig, ERR_FULL, answers ? "more executions" : "more requests");
        rig_free(rig);
        free(written);
    }
}

/* ---- latency models ---- */

static const struct latency_row weather[] = {
    {1000000, 1000040, 1000060}, {1000400, 1000410, 1000500}, {1000800, 0, 1000900},      {1001200, 1001230, 1001231},
    {1001800, 1001802, 1001805}, {1002000, -1, 1002010},      {1002200, 1002290, 1002300}};

/* Drawn, in bursts, measured with rejects: by the seed. */
static void model_of(uint64_t seed, struct latency_config *config, struct latency_row *accepted)
{
    static const ns_t samples[] = {0, 3, 4, 4, 11, 70};
    const struct latency_direction lognormal = {.kind = LATENCY_LOGNORMAL,
                                                .value = 15,
                                                .min = (ns_t)(seed % 4),
                                                .sigma = 900000000,
                                                .tau = seed % 2 ? 1000 : 0};
    const struct latency_direction empirical = {.kind = LATENCY_EMPIRICAL, .samples = samples, .sample_count = 6};
    const struct latency_direction entry = {
        .kind = LATENCY_INTERPOLATED, .rows = weather, .row_count = ARRAY_LEN(weather)};
    const struct latency_direction response = {.kind = LATENCY_INTERPOLATED,
                                               .rows = accepted,
                                               .row_count =
                                                   latency_rows_accepted(weather, ARRAY_LEN(weather), accepted)};
    *config = (struct latency_config){.seed = seed,
                                      .entry = seed % 3 == 0 ? lognormal : entry,
                                      .response = seed % 3 == 1   ? empirical
                                                  : seed % 3 == 0 ? lognormal
                                                                  : response};
}

Test(sim_world, latencies_of_any_model_do_not_depend_on_batches, .timeout = 120)
{
    uint64_t lost = 0, fills = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        static const uint32_t batches[] = {1000, 1, 3, 0};
        struct latency_config config;
        struct latency_row accepted[ARRAY_LEN(weather)];
        struct market_options options = options_of(seed);
        struct market market;
        struct digest_value first = {0, 0};
        market_make(&market, &options);
        model_of(seed, &config, accepted);
        for (size_t b = 0; b < ARRAY_LEN(batches); b++) {
            struct world_rig *rig = rig_of(&market, seed);
            rig->model = &config;
            rig->batch = batches[b];
            const struct digest_value value = rig_run(rig);
            if (b == 0)
                first = value;
            cr_assert(same_digest(value, first), "seed %" PRIu64 ": batches of %u make another run", seed,
                      batches[b]);
            for (uint32_t i = 1; i < rig->said_count; i++)
                cr_assert_leq(rig->said[i - 1].ts, rig->said[i].ts);
            lost += rig->lost;
            fills += engine_counters(rig->engine)->fills;
            rig_free(rig);
        }
        market_free(&market);
    }
    cr_expect_gt(lost, 500);
    cr_expect_gt(fills, 3000);
}

/* With sigma 0 every draw is the median; only how far the venue is read ahead differs (min is one less). */
Test(sim_world, how_far_the_venue_is_read_ahead_changes_nothing, .timeout = 60)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct market_options options = options_of(seed);
        struct market market;
        market_make(&market, &options);
        struct world_rig *rig = rig_of(&market, seed);
        const struct latency_config config = {
            .entry = {.kind = LATENCY_LOGNORMAL, .value = rig->latency.entry},
            .response = {.kind = LATENCY_LOGNORMAL, .value = rig->latency.response}};
        const struct digest_value constant = rig_run(rig);
        rig_free(rig);
        rig = rig_of(&market, seed);
        rig->model = &config;
        cr_assert(same_digest(rig_run(rig), constant), "seed %" PRIu64, seed);
        rig_free(rig);
        market_free(&market);
    }
}

/* Latency falls faster than time passes: the second order does not overtake the first, nor its answer. */
Test(sim_world, messages_do_not_overtake_each_other)
{
    static const struct latency_row rows[] = {{1000, 1100, 1300}, {1010, 1100, 1300}, {1011, 1102, 1302}};
    const struct latency_config config = {
        .entry = {.kind = LATENCY_INTERPOLATED, .rows = rows, .row_count = 3},
        .response = {.kind = LATENCY_INTERPOLATED,
                     .rows = (const struct latency_row[]){{900, 1100, 1300}, {901, 1101, 1101}},
                     .row_count = 2}};
    struct written *written = calloc(1, sizeof(*written));
    write_buy(write_book(written, 1000, 1000, 1010, 1011), 1);
    write_buy(write_book(written, 1010, 1010, 1010, 1011), 1);
    write_buy(write_book(written, 1011, 1011, 1010, 1011), 1);
    for (ns_t ts = 1100; ts < 1400; ts += 10)
        write_book(written, ts, ts, 1010, 1018);
    struct world_rig *rig = rig_new(&written->market, 0);
    rig->model = &config;
    rig_run(rig);
    /* sent 1000, 1010, 1011; there 1100, 1100, 1102; the third is answered in no time, but after the others */
    uint32_t acks = 0;
    for (uint32_t i = 0; i < rig->said_count; i++) {
        const struct said *said = &rig->said[i];
        cr_expect_eq(said->ts, 1300, "word %u at %" PRId64, i, said->ts);
        if (said->kind == EXEC_ACK)
            cr_expect_eq(said->venue_ts, ++acks == 3 ? 1102 : 1100);
    }
    cr_expect_eq(acks, 3);
    rig_free(rig);
    free(written);
}

/* req 1000: rejected, known at 1000 + 500; the order of 1040 gets through and is answered long before. */
Test(sim_world, a_request_rejected_on_the_way_never_reaches_the_venue)
{
    static const struct latency_row rows[] = {
        {990, 1000, 1010}, {1000, 0, 1500}, {1030, 1040, 1050}, {1060, 1070, 1080}};
    struct latency_row accepted[4];
    const struct latency_config config = {.entry = {.kind = LATENCY_INTERPOLATED, .rows = rows, .row_count = 4},
                                          .response = {.kind = LATENCY_INTERPOLATED,
                                                       .rows = accepted,
                                                       .row_count = latency_rows_accepted(rows, 4, accepted)}};
    for (uint32_t batch = 1; batch <= 3; batch++) {
        struct written *written = calloc(1, sizeof(*written));
        write_buy(write_book(written, 1000, 1000, 1010, 1011), 1);
        write_buy(write_book(written, 1040, 1040, 1010, 1011), 1);
        for (ns_t ts = 1100; ts <= 1600; ts += 50)
            write_book(written, ts, ts, 1010, 1011);
        struct world_rig *rig = rig_new(&written->market, 0);
        rig->model = &config;
        rig->batch = batch;
        rig_run(rig);
        cr_assert_eq(rig->said_count, 3);
        cr_expect(rig->said[0].kind == EXEC_ACK && rig->said[0].ts == 1060 && rig->said[0].venue_ts == 1050);
        cr_expect(rig->said[1].kind == EXEC_FILL && rig->said[1].ts == 1060);
        cr_expect(rig->said[2].kind == EXEC_REJECT && rig->said[2].reason == REASON_VENUE);
        cr_expect_eq(rig->said[2].ts, 1500, "%" PRId64, rig->said[2].ts);
        cr_expect_eq(rig->said[2].venue_ts, 0);
        cr_expect_eq(rig->answered, 1, "the venue knows of one order");
        cr_expect_eq(sim_world_stats(rig->world).rejected, 1);
        cr_expect_eq(sim_world_stats(rig->world).requests, 1);
        rig_free(rig);
        free(written);
    }
}

Test(sim_world, a_rejected_cancel_leaves_the_order_as_it_is)
{
    static const struct latency_row rows[] = {
        {900, 910, 920}, {1015, 1020, 1040}, {1020, 0, 1040}, {1100, 1110, 1120}};
    struct latency_row accepted[4];
    const struct latency_config config = {.entry = {.kind = LATENCY_INTERPOLATED, .rows = rows, .row_count = 4},
                                          .response = {.kind = LATENCY_INTERPOLATED,
                                                       .rows = accepted,
                                                       .row_count = latency_rows_accepted(rows, 4, accepted)}};
    struct written *written = calloc(1, sizeof(*written));
    write_book(written, 1000, 1000, 1010, 1020);
    struct market_event *made = write_book(written, 1001, 1001, 1010, 1020);
    made->act = ACT_GTC;
    made->act_side = SIDE_BUY;
    made->act_offset = -3;
    made->act_qty = 5;
    write_book(written, 1050, 1050, 1010, 1020)->act = ACT_CANCEL;
    for (ns_t ts = 1100; ts <= 1600; ts += 50)
        write_book(written, ts, ts, 1010, 1020);
    struct world_rig *rig = rig_new(&written->market, 0);
    rig->model = &config;
    rig_run(rig);
    cr_assert_eq(rig->said_count, 2);
    cr_expect_eq(rig->said[0].kind, EXEC_ACK);
    cr_expect(rig->said[1].kind == EXEC_CANCEL_REJECT && rig->said[1].reason == REASON_VENUE);
    cr_expect_eq(rig->said[1].ts, 1070, "%" PRId64, rig->said[1].ts);
    cr_expect_eq(venue_open_count(rig->venue), 1);
    rig_free(rig);
    free(written);
}

/* No order gets through, so nothing wakes the venue, and runs are as long as batches. */
Test(sim_world, a_reject_comes_between_the_events_around_it)
{
    static const struct latency_row rows[] = {
        {990, 1000, 1010}, {1000, 0, 1225}, {1030, 1040, 1050}, {1060, 1070, 1080}};
    const struct latency_config config = {.entry = {.kind = LATENCY_INTERPOLATED, .rows = rows, .row_count = 4}};
    struct digest_value first = {0, 0};
    for (uint32_t batch = 1; batch <= 100; batch += 33) {
        struct written *written = calloc(1, sizeof(*written));
        write_buy(write_book(written, 1000, 1000, 1010, 1011), 1);
        for (ns_t ts = 1100; ts <= 1600; ts += 25)
            write_book(written, ts, ts, 1010, 1011);
        struct world_rig *rig = rig_new(&written->market, 0);
        rig->model = &config;
        rig->batch = batch;
        const struct digest_value value = rig_run(rig);
        if (batch == 1)
            first = value;
        cr_expect(same_digest(value, first), "batches of %u make another run", batch);
        cr_assert_eq(rig->said_count, 1);
        cr_expect(rig->said[0].kind == EXEC_REJECT && rig->said[0].ts == 1225);
        rig_free(rig);
        free(written);
    }
}
