/* What a synthetic market publishes, held against its own true book. */
#include "tests/feeds/synth_fixture.h"

#define SEEDS 4

/* ---- level 2 ---- */

static void rebuild(const struct synth_config *config, const char *what)
{
    struct fixture fixture = fixture_open(config);
    void *memory;
    struct book *book = book_new(&synth_instruments(fixture.market)[0], &memory);
    const struct event *event;
    uint64_t seq = 0, messages = 0;
    while ((event = fixture_next(&fixture)) != NULL) {
        if (event->kind != EVENT_BOOK_SNAPSHOT && event->kind != EVENT_BOOK_DELTA)
            continue;
        if (event->kind == EVENT_BOOK_DELTA) {
            cr_assert(event->seq_prev == seq, "%s: pu does not name the message before", what);
            cr_assert(event->seq_first == seq + 1 && event->seq >= event->seq_first, "%s: U..u broken", what);
            cr_assert(event->bid_count + event->ask_count > 0, "%s: an empty delta", what);
        } else if (seq != 0) {
            cr_assert(event->seq == seq, "%s: a snapshot that is not of the last delta", what);
        }
        seq = event->seq;
        book_apply(book, event);
        messages++;
        cr_assert(book->flags == 0, "%s: crossed or stale (%u, refused %lu) at message %lu", what, book->flags,
                  (unsigned long)book->stats.refused, (unsigned long)messages);
        cr_assert(book_equals_truth(book, fixture.market, 0), "%s: another book at message %lu, exch_ts %ld", what,
                  (unsigned long)messages, (long)event->exch_ts);
    }
    cr_assert(book_equals_truth(book, fixture.market, 0), "%s: the last delta is missing", what);
    cr_assert(messages > 2);
    free(book);
    free(memory);
    fixture_close(&fixture);
}

Test(synth_market, level_2_rebuilds_the_true_book_at_every_message)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        char what[64];
        struct synth_config config = stepping(seed, 20 * NS_PER_S);
        snprintf(what, sizeof(what), "seed %lu, 100 ms", (unsigned long)seed);
        rebuild(&config, what);
        config = stepping(seed, 2 * NS_PER_S);
        config.diff_interval_ns = 0;
        config.bbo = true;
        snprintf(what, sizeof(what), "seed %lu, every action", (unsigned long)seed);
        rebuild(&config, what);
        config = stepping(seed, 3 * NS_PER_S + 1);
        config.diff_interval_ns = 7 * NS_PER_MS + 3;
        config.snapshot_interval_ns = 500 * NS_PER_MS;
        snprintf(what, sizeof(what), "seed %lu, 7 ms with snapshots", (unsigned long)seed);
        rebuild(&config, what);
    }
}

/* A value that runs hundreds of ticks a second moves the window of the book again and again, within one batch of
 * diffs as well. */
Test(synth_market, a_wild_market_rebuilds_too)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        char what[64];
        struct synth_config config = stepping(seed, 30 * NS_PER_S);
        config.volatility_ppm = 1000;
        config.actions_per_s = 20000;
        config.diff_interval_ns = 2 * NS_PER_S;
        config.market_ppm = 200000;
        config.branching_ppm = 900000;
        snprintf(what, sizeof(what), "wild seed %lu", (unsigned long)seed);
        rebuild(&config, what);
    }
}

Test(synth_market, a_market_of_one_action_a_second_lives)
{
    struct synth_config config = stepping(5, 600 * NS_PER_S);
    config.actions_per_s = 1;
    config.volatility_ppm = 0;
    rebuild(&config, "one action a second");
}

Test(synth_market, snapshots_come_at_the_asked_interval)
{
    struct synth_config config = stepping(1, 10 * NS_PER_S);
    config.snapshot_interval_ns = NS_PER_S;
    struct fixture fixture = fixture_open(&config);
    const struct event *event;
    uint32_t snapshots = 0;
    while ((event = fixture_next(&fixture)) != NULL)
        if (event->kind == EVENT_BOOK_SNAPSHOT) {
            cr_assert(event->exch_ts == config.start_ts + (ns_t)snapshots * NS_PER_S);
            snapshots++;
        }
    cr_assert(snapshots == 11);
    fixture_close(&fixture);
}

Test(synth_market, diffs_come_on_the_grid_and_the_last_at_the_end)
{
    struct synth_config config = stepping(1, 250 * NS_PER_MS);
    struct fixture fixture = fixture_open(&config);
    const struct event *event;
    uint32_t deltas = 0;
    const ns_t expected[] = {100 * NS_PER_MS, 200 * NS_PER_MS, 250 * NS_PER_MS};
    while ((event = fixture_next(&fixture)) != NULL)
        if (event->kind == EVENT_BOOK_DELTA) {
            cr_assert(deltas < 3 && event->exch_ts == config.start_ts + expected[deltas]);
            deltas++;
        }
    cr_assert(deltas == 3);
    fixture_close(&fixture);
}

Test(synth_market, a_bbo_is_the_true_touch_and_another_than_the_last)
{
    struct synth_config config = stepping(3, 5 * NS_PER_S);
    config.bbo = true;
    struct fixture fixture = fixture_open(&config);
    const struct event *event;
    struct level last[2] = {{0, 0}, {0, 0}};
    uint32_t bbos = 0;
    while ((event = fixture_next(&fixture)) != NULL) {
        if (event->kind != EVENT_BBO)
            continue;
        struct level truth[2];
        cr_assert(synth_best(fixture.market, 0, SIDE_BUY, &truth[0]));
        cr_assert(synth_best(fixture.market, 0, SIDE_SELL, &truth[1]));
        cr_assert(event->bid_count == 1 && event->ask_count == 1);
        cr_assert(memcmp(event->levels, truth, sizeof(truth)) == 0);
        cr_assert(memcmp(last, truth, sizeof(truth)) != 0);
        memcpy(last, truth, sizeof(last));
        bbos++;
    }
    cr_assert(bbos > 100);
    fixture_close(&fixture);
}

/* ---- trades ---- */

Test(synth_market, a_market_order_prints_once_for_each_resting_order)
{
    struct synth_config config = stepping(2, 20 * NS_PER_S);
    config.levels = SYNTH_BOTH;
    struct fixture fixture = fixture_open(&config);
    const struct event *event;
    struct event trade = {0};
    struct level print = {0, 0};
    ns_t stamp = 0;
    px_t price = 0;
    uint8_t flags = 0;
    uint64_t trades = 0, several = 0;
    while ((event = fixture_next(&fixture)) != NULL) {
        if (trade.kind == EVENT_TRADE) {
            /* The order that was met follows its print. */
            cr_assert(event->kind == EVENT_L3_EXECUTE && event->exch_ts == trade.exch_ts);
            cr_assert(memcmp(&event->levels[0], &print, sizeof(print)) == 0);
            cr_assert((event->flags & EVENT_SELL) != (trade.flags & EVENT_SELL), "the maker is on the other side");
            trade.kind = EVENT_NONE;
            continue;
        }
        cr_assert(event->kind != EVENT_L3_EXECUTE, "an execution without a print");
        if (event->kind != EVENT_TRADE)
            continue;
        cr_assert(event->seq == ++trades, "trade ids rise by one");
        cr_assert(event->bid_count == 1 && event->ask_count == 0 && event->levels[0].qty > 0);
        if (event->exch_ts == stamp) {
            several++;
            cr_assert(event->flags == flags, "one market order has one side");
            cr_assert(flags & EVENT_SELL ? event->levels[0].price <= price : event->levels[0].price >= price,
                      "it walks away from the touch");
        }
        stamp = event->exch_ts;
        price = event->levels[0].price;
        flags = event->flags;
        trade = *event;
        print = event->levels[0];
    }
    cr_assert(trades > 100 && several > 10);
    cr_assert(synth_stats(fixture.market)->executed == trades && synth_stats(fixture.market)->trades == trades);
    fixture_close(&fixture);
}

/* ---- level 3 ---- */

/* Orders by id, and of each price its orders by rank: who came later has the higher rank. */
struct order_model {
    struct {
        px_t price;
        qty_t qty;
        uint64_t rank;
        uint8_t side;
    } orders[400000];
    uint64_t ranks;
    uint64_t last_id;
};

/* Nobody on its side has a better price, and nobody at its price came earlier. */
static void check_first(const struct order_model *model, uint64_t id)
{
    enum side side = model->orders[id].side;
    for (uint64_t i = 1; i <= model->last_id; i++) {
        if (model->orders[i].qty == 0 || model->orders[i].side != side || i == id)
            continue;
        px_t better = (model->orders[i].price - model->orders[id].price) * side_sign(side);
        cr_assert(better < 0 || (better == 0 && model->orders[i].rank > model->orders[id].rank),
                  "an order is executed out of turn");
    }
}

static void model_apply(struct order_model *model, const struct event *event)
{
    uint64_t id = event->seq_first;
    cr_assert(id < ARRAY_LEN(model->orders));
    const struct level *level = &event->levels[0];
    uint8_t side = event->flags & EVENT_SELL ? SIDE_SELL : SIDE_BUY;
    qty_t before = model->orders[id].qty;
    cr_assert((event->kind == EVENT_L3_ADD) == (before == 0), "an id is added once, and changed while it rests");
    cr_assert(event->kind == EVENT_L3_ADD || model->orders[id].side == side);
    switch (event->kind) {
    case EVENT_L3_ADD:
        cr_assert(model->orders[id].rank == 0, "ids are never used again");
        model->orders[id].side = side;
        model->last_id = id > model->last_id ? id : model->last_id;
        model->orders[id].price = level->price;
        model->orders[id].qty = level->qty;
        model->orders[id].rank = ++model->ranks;
        break;
    case EVENT_L3_MODIFY:
        model->orders[id].price = level->price;
        model->orders[id].qty = level->qty;
        model->orders[id].rank = ++model->ranks;
        break;
    case EVENT_L3_CANCEL:
        cr_assert(level->price == model->orders[id].price && level->qty < before);
        model->orders[id].qty = level->qty;
        break;
    case EVENT_L3_EXECUTE:
        cr_assert(level->price == model->orders[id].price && level->qty <= before);
        check_first(model, id);
        model->orders[id].qty -= level->qty;
        break;
    default:
        cr_assert(false);
    }
}

/* The true queue at a price is the model's: same orders, same quantities, in the order of their ranks. */
static qty_t check_queue(const struct order_model *model, const struct synth_market *market, enum side side,
                         px_t price)
{
    static struct synth_queued queue[8192];
    uint32_t count = synth_queue(market, 0, side, price, queue, ARRAY_LEN(queue));
    uint64_t rank = 0;
    qty_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t id = queue[i].order_id;
        cr_assert(model->orders[id].price == price && model->orders[id].side == side);
        cr_assert(model->orders[id].qty == queue[i].qty);
        cr_assert(model->orders[id].rank > rank, "first come, first served");
        rank = model->orders[id].rank;
        total += queue[i].qty;
    }
    return total;
}

static void check_level3(uint64_t seed, ns_t diff_interval, ns_t duration)
{
    struct synth_config config = stepping(seed, duration);
    config.levels = SYNTH_BOTH;
    config.diff_interval_ns = diff_interval;
    struct fixture fixture = fixture_open(&config);
    struct order_model *model = calloc(1, sizeof(*model));
    const struct event *event;
    uint64_t seq = 0, deltas = 0, kinds[EVENT_KIND_COUNT] = {0};
    while ((event = fixture_next(&fixture)) != NULL) {
        kinds[event->kind]++;
        if (event->kind >= EVENT_L3_ADD && event->kind <= EVENT_L3_EXECUTE) {
            cr_assert(event->seq >= seq, "seq never falls");
            seq = event->seq;
            model_apply(model, event);
            continue;
        }
        if (event->kind != EVENT_BOOK_DELTA)
            continue;
        deltas++;
        cr_assert(event->seq == seq, "the delta ends where level 3 stands");
        for (uint32_t i = 0; i < event->bid_count + event->ask_count; i++) {
            enum side side = i < event->bid_count ? SIDE_BUY : SIDE_SELL;
            qty_t total = check_queue(model, fixture.market, side, event->levels[i].price);
            cr_assert(total == event->levels[i].qty, "seed %lu: level 2 says another quantity than the queue",
                      (unsigned long)seed);
        }
    }
    /* At the end: nothing rests that level 3 did not tell, and nothing told is missing. */
    qty_t told[2] = {0, 0}, resting[2] = {0, 0};
    for (uint64_t id = 0; id < ARRAY_LEN(model->orders); id++)
        told[model->orders[id].side] += model->orders[id].qty;
    for (unsigned side = SIDE_BUY; side <= SIDE_SELL; side++) {
        struct level level;
        for (bool more = synth_best(fixture.market, 0, side, &level); more;
             more = synth_next(fixture.market, 0, side, level.price, &level))
            resting[side] += check_queue(model, fixture.market, side, level.price);
        cr_assert(told[side] == resting[side]);
    }
    cr_assert(deltas > 1);
    for (uint8_t kind = EVENT_L3_ADD; kind <= EVENT_L3_EXECUTE; kind++)
        cr_assert(kinds[kind] > 10, "no %s", event_kind_name(kind));
    free(model);
    fixture_close(&fixture);
}

Test(synth_market, level_3_rebuilds_every_queue)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        check_level3(seed, 0, 3 * NS_PER_S);
        check_level3(seed, 100 * NS_PER_MS, 10 * NS_PER_S);
    }
}

/* ---- one seed, one market ---- */

static struct digest_value digest_of(const struct synth_config *config, int only_instrument)
{
    struct fixture fixture = fixture_open(config);
    struct event_batch batch;
    struct digest digest;
    digest_init(&digest, 0);
    while (fixture.feed->ops->next(fixture.feed, &batch) == ERR_OK) {
        for (uint32_t i = 0; i < batch.count; i++)
            if (only_instrument < 0 || batch.events[i].instrument == only_instrument)
                synth_digest(&digest, &batch.events[i]);
        fixture.feed->ops->release(fixture.feed, batch.handle);
    }
    fixture_close(&fixture);
    return digest_value(&digest);
}

static bool same(struct digest_value a, struct digest_value b)
{
    return a.low == b.low && a.high == b.high;
}

static struct synth_config short_config(void)
{
    struct synth_config config;
    synth_config_default(&config);
    config.duration_ns = 5 * NS_PER_S;
    config.bbo = true;
    return config;
}

Test(synth_market, the_same_seed_gives_the_same_market)
{
    struct synth_config config = short_config();
    struct digest_value first = digest_of(&config, -1);
    cr_assert(same(first, digest_of(&config, -1)));
    config.batch_events = 7;
    cr_assert(same(first, digest_of(&config, -1)), "the size of a batch shows");
    config.seed = 2;
    cr_assert(!same(first, digest_of(&config, -1)), "another seed, the same market");
}

/* Compiler, optimisation, sanitizer, machine: none may show. A wanted change of the model changes this figure. */
Test(synth_market, the_market_of_seed_1_is_known)
{
    struct synth_config config = short_config();
    config.levels = SYNTH_BOTH;
    config.instrument_count = 9;
    char text[DIGEST_TEXT_SIZE];
    digest_text(digest_of(&config, -1), text);
    cr_assert_str_eq(text, "42acd3fbbf03fbb598fd41a3bc755f02");
}

Test(synth_market, an_instrument_is_the_same_alone_and_among_others)
{
    struct synth_config config = short_config();
    struct digest_value alone = digest_of(&config, 0);
    config.instrument_count = 5;
    cr_assert(same(alone, digest_of(&config, 0)));
    cr_assert(!same(digest_of(&config, 1), digest_of(&config, 2)));
}

static struct digest_value trades_of(const struct synth_config *config)
{
    struct fixture fixture = fixture_open(config);
    struct event_batch batch;
    struct digest digest;
    digest_init(&digest, 0);
    while (fixture.feed->ops->next(fixture.feed, &batch) == ERR_OK) {
        for (uint32_t i = 0; i < batch.count; i++) {
            struct event event = batch.events[i];
            event.ts = 0; /* latency is not of the market */
            if (event.kind == EVENT_TRADE)
                synth_digest(&digest, &event);
        }
        fixture.feed->ops->release(fixture.feed, batch.handle);
    }
    fixture_close(&fixture);
    return digest_value(&digest);
}

Test(synth_market, what_is_published_does_not_change_what_happens)
{
    struct synth_config config = short_config();
    struct digest_value trades = trades_of(&config);
    config.levels = SYNTH_LEVEL3;
    config.bbo = false;
    cr_assert(same(trades, trades_of(&config)), "the level shows in the trades");
    config.levels = SYNTH_BOTH;
    config.diff_interval_ns = 0;
    config.snapshot_interval_ns = NS_PER_S;
    cr_assert(same(trades, trades_of(&config)), "the interval shows in the trades");
    config.latency_base_ns = 0;
    config.latency_jitter_ns = 50 * NS_PER_MS;
    cr_assert(same(trades, trades_of(&config)), "the latency shows in the trades");
}

/* ---- order and time ---- */

static void check_merge(ns_t jitter)
{
    struct synth_config config = short_config();
    config.instrument_count = 13;
    config.latency_jitter_ns = jitter;
    struct fixture fixture = fixture_open(&config);
    struct event_batch batch;
    ns_t ts = 0, exch_ts[13] = {0}, least = NS_MAX;
    uint16_t instrument = 0;
    uint64_t seen[13] = {0}, ties = 0;
    while (fixture.feed->ops->next(fixture.feed, &batch) == ERR_OK) {
        for (uint32_t i = 0; i < batch.count; i++) {
            const struct event *event = &batch.events[i];
            ties += event->ts == ts && event->instrument != instrument;
            cr_assert(event->ts > ts || (event->ts == ts && event->instrument >= instrument),
                      "(ts, instrument) falls");
            ts = event->ts;
            instrument = event->instrument;
            cr_assert(event->exch_ts >= exch_ts[instrument], "the venue's own time falls");
            exch_ts[instrument] = event->exch_ts;
            cr_assert(event->ts - event->exch_ts >= config.latency_base_ns);
            cr_assert(event->exch_ts >= config.start_ts && event->exch_ts <= config.start_ts + config.duration_ns);
            least = event->ts - event->exch_ts < least ? event->ts - event->exch_ts : least;
            seen[instrument]++;
        }
        fixture.feed->ops->release(fixture.feed, batch.handle);
    }
    for (unsigned i = 0; i < 13; i++)
        cr_assert(seen[i] > 50);
    cr_assert(least < config.latency_base_ns + 2 * NS_PER_MS, "some message is nearly as fast as can be");
    cr_assert(jitter > 0 || ties > 100, "without jitter, diffs of the same instant arrive together");
    fixture_close(&fixture);
}

Test(synth_market, messages_of_many_instruments_come_in_one_order)
{
    check_merge(20 * NS_PER_MS);
    check_merge(0);
}

Test(synth_market, a_batch_stays_until_it_is_released)
{
    struct synth_config config = short_config();
    config.instrument_count = 4;
    struct fixture fixture = fixture_open(&config);
    struct event_batch batches[SYNTH_BATCHES], more;
    struct digest_value before[SYNTH_BATCHES];
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < SYNTH_BATCHES; i++) {
            struct digest digest;
            cr_assert(fixture.feed->ops->next(fixture.feed, &batches[i]) == ERR_OK);
            if (round == 1)
                continue;
            digest_init(&digest, 0);
            for (uint32_t k = 0; k < batches[i].count; k++)
                synth_digest(&digest, &batches[i].events[k]);
            before[i] = digest_value(&digest);
        }
        cr_assert(fixture.feed->ops->next(fixture.feed, &more) == ERR_FULL);
        for (unsigned i = 0; i < SYNTH_BATCHES; i++) {
            struct digest digest;
            digest_init(&digest, 0);
            for (uint32_t k = 0; k < batches[i].count; k++)
                synth_digest(&digest, &batches[i].events[k]);
            cr_assert(round == 1 || same(before[i], digest_value(&digest)));
            fixture.feed->ops->release(fixture.feed, batches[SYNTH_BATCHES - 1 - i].handle);
        }
    }
    fixture_close(&fixture);
}

Test(synth_market, the_end_stays_the_end)
{
    struct synth_config config = stepping(1, NS_PER_MS);
    config.instrument_count = 3;
    struct fixture fixture = fixture_open(&config);
    while (fixture_next(&fixture) != NULL)
        continue;
    cr_assert(fixture_next(&fixture) == NULL);
    fixture_close(&fixture);
}

/* ---- the config ---- */

Test(synth_market, a_config_out_of_range_is_refused_with_the_field_and_the_range)
{
    struct synth_config config;
    struct err_text why = {0};
    synth_config_default(&config);
    cr_assert(synth_config_check(&config, &why) == ERR_OK && why.code == ERR_OK);
    config.branching_ppm = 950000;
    cr_assert(synth_config_check(&config, &why) == ERR_RANGE);
    cr_assert(strstr(why.text, "branching") != NULL && strstr(why.text, "950000") != NULL &&
              strstr(why.text, "900000") != NULL);
    synth_config_default(&config);
    config.contract = CONTRACT_INVERSE;
    cr_assert(synth_config_check(&config, NULL) == ERR_RANGE);
    synth_config_default(&config);
    config.instrument_count = 0;
    cr_assert(synth_config_check(&config, NULL) == ERR_RANGE);
    config.instrument_count = SYNTH_INSTRUMENTS_MAX + 1;
    cr_assert(synth_config_check(&config, NULL) == ERR_RANGE);
}

Test(synth_market, instruments_are_sound_and_every_price_is_on_their_grid)
{
    struct synth_config config = short_config();
    config.duration_ns = NS_PER_S;
    config.instrument_count = 20;
    config.contract = CONTRACT_SPOT;
    struct fixture fixture = fixture_open(&config);
    const struct instrument *instruments = synth_instruments(fixture.market);
    struct err_text why = {0};
    for (unsigned i = 0; i < config.instrument_count; i++) {
        cr_assert(instrument_check(&instruments[i], &why) == ERR_OK, "%s", why.text);
        cr_assert(instruments[i].contract == CONTRACT_SPOT);
    }
    cr_assert_str_eq(instruments[0].symbol, "SYN1USDT");
    cr_assert_str_eq(instruments[19].symbol, "SYN20USDT");
    struct event_batch batch;
    while (fixture.feed->ops->next(fixture.feed, &batch) == ERR_OK) {
        for (uint32_t i = 0; i < batch.count; i++) {
            const struct event *event = &batch.events[i];
            for (uint32_t k = 0; k < event->bid_count + event->ask_count; k++) {
                const struct level *level = &event->levels[k];
                cr_assert(level->price > 0 && level->qty >= 0);
                cr_assert(instrument_on_tick(&instruments[event->instrument], level->price, event->exch_ts));
                cr_assert(level->qty % instruments[event->instrument].lot == 0);
            }
        }
        fixture.feed->ops->release(fixture.feed, batch.handle);
    }
    fixture_close(&fixture);
}
