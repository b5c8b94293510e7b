/* The venue that knows no more than what has arrived: where that is enough, orders and fills are those of the world
 * that reads ahead; where it is not, the outcome still hangs on the sequence of inputs alone. The seed of a failure
 * is printed; the same market comes back with it. */
#include "world_rig.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#define SEEDS 60
#define LATE  200 /* the market data of the rig are at most so late */

static struct market_options options_of(uint64_t seed, uint16_t lanes)
{
    return (struct market_options){.seed = seed,
                                   .lanes = lanes,
                                   .instruments = (uint16_t)(1 + seed / 3 % RIG_INSTRUMENTS),
                                   .messages = 500,
                                   .no_stamps = seed % 13 == 5,
                                   .acts_from = seed % 4 == 0 ? 250 : 0,
                                   .per_mille = seed % 5 == 0 ? 400 : 120};
}

static struct world_rig *rig_of(const struct market *market, uint64_t seed, ns_t response, bool causal)
{
    static const ns_t entries[] = {0, 1, 7, 40};
    struct world_rig *rig = rig_new(market, seed);
    rig->latency = (struct rig_latency){entries[seed / 2 % 4], response};
    rig->rich = seed % 3 == 0;
    rig->order_in_start = seed % 7 == 3;
    rig->causal = causal;
    return rig;
}

static bool same_digest(struct digest_value a, struct digest_value b)
{
    return a.low == b.low && a.high == b.high;
}

static void check_same_said(const struct world_rig *a, const struct world_rig *b, const char *what)
{
    const uint32_t count = a->said_count < b->said_count ? a->said_count : b->said_count;
    for (uint32_t i = 0; i < count; i++)
        cr_assert(memcmp(&a->said[i], &b->said[i], sizeof(struct said)) == 0,
                  "seed %" PRIu64 ", %s, word %u: at %" PRId64 " tag %" PRIu64 " %s %" PRId64 " x %" PRId64
                  ", and at %" PRId64 " tag %" PRIu64 " %s %" PRId64 " x %" PRId64,
                  a->seed, what, i, a->said[i].ts, a->said[i].tag, exec_kind_name((enum exec_kind)a->said[i].kind),
                  a->said[i].price, a->said[i].qty, b->said[i].ts, b->said[i].tag,
                  exec_kind_name((enum exec_kind)b->said[i].kind), b->said[i].price, b->said[i].qty);
    cr_assert_eq(a->said_count, b->said_count, "seed %" PRIu64 ", %s: %u words and %u", a->seed, what, a->said_count,
                 b->said_count);
}

/* ---- as things come ---- */

enum ticking { TICK_NEVER, TICK_WHEN_DUE, TICK_AT_RANDOM };

/* Let the market in as it comes, a few events at a time, with ticks between. */
static struct digest_value run_live(struct world_rig *rig, enum ticking ticking, uint64_t seed)
{
    struct prng prng;
    prng_init(&prng, seed, 77);
    rig->live = true;
    rig_up(rig);
    struct fake_feed *feed = &rig->feeds[0];
    cr_assert_eq(engine_start(rig->engine), ERR_OK);
    err_t err;
    ns_t last = INT64_MIN;
    while ((err = engine_run(rig->engine, UINT64_MAX)) == ERR_WAIT) {
        cr_assert_eq(feed->at, feed->let_in, "all that was let in is handled");
        if (feed->let_in == feed->count) {
            feed->over = true;
            continue;
        }
        const ns_t next = feed->events[feed->let_in].event.ts;
        const ns_t due = engine_due(rig->engine);
        if (ticking == TICK_WHEN_DUE && due < next && last != INT64_MIN) {
            feed->tick = due > last ? due : last;
            last = feed->tick;
            continue;
        }
        if (ticking == TICK_AT_RANDOM && last != INT64_MIN && last < next && prng_below(&prng, 3) == 0) {
            feed->tick = last = prng_range(&prng, last, next);
            continue;
        }
        feed->let_in += ticking == TICK_NEVER ? (uint32_t)prng_range(&prng, 1, 9) : 1;
        if (feed->let_in > feed->count)
            feed->let_in = feed->count;
        last = feed->events[feed->let_in - 1].event.ts;
    }
    return rig_end(rig, err);
}

Test(sim_causal, is_the_world_that_reads_ahead_where_answers_take_longer_than_the_market_is_late, .timeout = 120)
{
    uint64_t fills = 0, maker = 0, orders = 0, late = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct market market;
        const struct market_options options = options_of(seed, (uint16_t)(1 + seed % RIG_LANES));
        market_make(&market, &options);
        struct world_rig *ahead = rig_of(&market, seed, LATE + 1, false), *causal;
        rig_run(ahead);
        causal = rig_of(&market, seed, LATE + 1, true);
        causal->batch = (uint32_t)(seed % 4);
        rig_run(causal);
        check_same_said(ahead, causal, "from tapes");
        const struct sim_stats stats = sim_world_stats(causal->world);
        late += stats.late_events + stats.late_words;
        fills += engine_counters(causal->engine)->fills;
        maker += engine_counters(causal->engine)->maker_fills;
        orders += engine_counters(causal->engine)->orders;
        rig_free(causal);
        rig_free(ahead);
        market_free(&market);
    }
    cr_expect_eq(late, 0);
    cr_expect(fills > 1000 && maker > 100 && orders > 1000,
              "%" PRIu64 " fills, %" PRIu64 " as maker, %" PRIu64 " orders", fills, maker, orders);
}

Test(sim_causal, ticks_change_nothing_there, .timeout = 120)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        static const char *const names[] = {"no ticks", "ticks when due", "ticks at random"};
        struct market market;
        const struct market_options options = options_of(seed, 1);
        market_make(&market, &options);
        struct world_rig *ahead = rig_of(&market, seed, LATE + 1, false);
        rig_run(ahead);
        for (int ticking = TICK_NEVER; ticking <= TICK_AT_RANDOM; ticking++) {
            struct world_rig *live = rig_of(&market, seed, LATE + 1, true);
            (void)run_live(live, (enum ticking)ticking, seed);
            check_same_said(ahead, live, names[ticking]);
            rig_free(live);
        }
        rig_free(ahead);
        market_free(&market);
    }
}

/* Answers of 3 ns to market data of up to 200: much comes late, and still batches and waits change nothing. */
Test(sim_causal, what_comes_late_is_counted_and_batches_still_change_nothing, .timeout = 120)
{
    uint64_t late_events = 0, late_words = 0, fills = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        static const uint32_t batches[] = {1000, 1, 3, 0};
        struct market market;
        struct digest_value first = {0, 0};
        const struct market_options options = options_of(seed, (uint16_t)(1 + seed % RIG_LANES));
        market_make(&market, &options);
        for (size_t b = 0; b < ARRAY_LEN(batches); b++) {
            struct world_rig *rig = rig_of(&market, seed, (ns_t)(seed % 4), true);
            rig->late = true;
            rig->batch = batches[b];
            const struct digest_value value = rig_run(rig);
            const struct sim_stats stats = sim_world_stats(rig->world);
            if (b == 0) {
                first = value;
                late_events += stats.late_events;
                late_words += stats.late_words;
                fills += engine_counters(rig->engine)->fills;
            }
            cr_assert(same_digest(value, first), "seed %" PRIu64 ": batches of %u make another run", seed,
                      batches[b]);
            rig_free(rig);
        }
        for (int pass = 0; pass < 2 && market.lanes == 1; pass++) {
            struct world_rig *rig = rig_of(&market, seed, (ns_t)(seed % 4), true);
            rig->late = true;
            cr_assert(same_digest(run_live(rig, TICK_NEVER, seed + (uint64_t)pass), first),
                      "seed %" PRIu64 ": waits make another run", seed);
            rig_free(rig);
        }
        market_free(&market);
    }
    cr_expect(late_events > 1000 && late_words > 100 && fills > 1000,
              "%" PRIu64 " late events, %" PRIu64 " late words, %" PRIu64 " fills", late_events, late_words, fills);
}

/* An order that rests, and nothing else happens: the answer comes at its moment because a tick was asked for. */
Test(sim_causal, due_tells_the_tick_that_brings_the_answer)
{
    struct market market;
    const struct market_options options = {.seed = 4, .lanes = 1, .instruments = 1, .messages = 3};
    market_make(&market, &options);
    market.events[0][0].act = ACT_POST;
    market.events[0][0].act_qty = 5;
    for (uint32_t i = 1; i < market.counts[0]; i++)
        market.events[0][i].act = ACT_NONE;
    struct world_rig *rig = rig_new(&market, 4);
    rig->latency = (struct rig_latency){20, 250};
    rig->causal = rig->live = rig->late = true;
    rig_up(rig);
    struct fake_feed *feed = &rig->feeds[0];
    cr_assert_eq(engine_start(rig->engine), ERR_OK);
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_WAIT);
    cr_expect_eq(engine_due(rig->engine), NS_MAX, "nothing is under way");
    feed->let_in = 1;
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_WAIT);
    const ns_t sent = feed->events[0].event.ts;
    cr_expect_eq(rig->said_count, 0);
    cr_expect_eq(engine_due(rig->engine), sent + 20 + 250 + 1);
    feed->tick = sent + 20 + 250;
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_WAIT);
    cr_expect_eq(rig->said_count, 0, "an input of the answer's own instant comes before it");
    cr_expect_eq(engine_due(rig->engine), sent + 20 + 250 + 1);
    feed->tick = sent + 20 + 250 + 1;
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_WAIT);
    cr_assert_eq(rig->said_count, 1);
    cr_expect_eq(rig->said[0].ts, sent + 20 + 250);
    cr_expect_eq(rig->said[0].kind, EXEC_ACK);
    cr_expect_eq(engine_due(rig->engine), NS_MAX);
    rig_free(rig);
    market_free(&market);
}
