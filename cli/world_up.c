#include "cli/world_up.h"

#include "cli/bracket.h"
#include "cli/config_perp.h"
#include "cli/rules_up.h"
#include "cli/tape_level3.h"
#include "feeds/clip_feed.h"
#include "feeds/delay_feed.h"
#include "feeds/number_feed.h"
#include "feeds/synth_market.h"
#include "feeds/tape_feed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE (2u << 20)
#define HUGE_FROM (32u << 20)

#define LOOKAHEAD 48 /* batches of a lane: what the venue may be ahead of the strategy */

struct stage_inside {
    struct feed **tape_feeds;             /* owned, per lane; NULL: not a tape */
    struct feed **delays;                 /* owned, per lane; NULL: as late as recorded */
    struct latency_model *feed_latencies; /* per lane, of the above */
    struct faults faults;                 /* read by the world when any can come */
    struct impact_model *impacts;         /* one an instrument */
    struct margin_rules *margin;          /* owned, one an instrument */
    struct funding_row *funding;          /* owned; NULL: none from a file */
    struct feed **clips;                  /* owned, per lane; NULL: not clipped */
    struct feed **lanes;                  /* what the world reads: one of the above */
    uint16_t **maps;
    struct venue_rules *rules;           /* owned, per instrument */
    const struct venue_rules **rules_of; /* owned; NULL entries: the instrument's own */
    void *synth_memory, *venue_memory, *world_memory, *engine_memory;
    size_t synth_size, venue_size, world_size, engine_size;
    struct {
        void *venue_memory, *engine_memory, *strategy_state;
        size_t venue_size, engine_size;
    } followers[STAGE_FOLLOWERS_MAX];
    const struct synth_market *synth; /* lane 0, when the market is made and not read */
};

/* Zero pages, untouched until used. Books are read and written all over: with 4 KiB pages a run over many instruments
 * spends a fifth of its time on page tables, so large pages are asked for (where the system has them to give). */
static void *zeroed(size_t size)
{
    const size_t total = (size + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
    void *memory = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    if (size >= HUGE_FROM)
        (void)madvise(memory, total, MADV_HUGEPAGE); /* advice: no harm when refused */
    return memory;
}

static void zeroed_free(void *memory, size_t size)
{
    if (memory != NULL)
        munmap(memory, (size + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1));
}

static err_t no_memory(struct err_text *why)
{
    return err_say(why, ERR_NOMEM, "no memory for the run");
}

/* ---- instruments ---- */

static err_t add_instrument(struct stage *stage, const struct instrument *instrument, const char *path,
                            uint16_t *number, struct err_text *why)
{
    for (uint16_t i = 0; i < stage->instrument_count; i++) {
        const struct instrument *have = &stage->instruments[i];
        if (strcmp(have->venue, instrument->venue) != 0 || strcmp(have->symbol, instrument->symbol) != 0)
            continue;
        if (have->contract != instrument->contract || have->multiplier != instrument->multiplier ||
            have->multiplier_decimals != instrument->multiplier_decimals)
            return err_say(why, ERR_CONFIG,
                           "%s: %s of %s is another contract here (%s) than in another tape of the run (%s), or has "
                           "another multiplier; import the captures again, in one command",
                           path, instrument->symbol, instrument->venue, contract_kind_name(instrument->contract),
                           contract_kind_name(have->contract));
        if (have->price_decimals != instrument->price_decimals || have->qty_decimals != instrument->qty_decimals)
            return err_say(why, ERR_CONFIG,
                           "%s: %s has %u price and %u quantity decimals here, %u and %u in another tape of the run; "
                           "import the captures in one command, so that they share their scale",
                           path, instrument->symbol, instrument->price_decimals, instrument->qty_decimals,
                           have->price_decimals, have->qty_decimals);
        *number = i;
        return ERR_OK;
    }
    if (stage->instrument_count == INSTRUMENTS_MAX)
        return err_say(why, ERR_CONFIG, "%s: more than %u instruments in one run", path, INSTRUMENTS_MAX);
    struct instrument *grown =
        realloc(stage->instruments, (stage->instrument_count + 1u) * sizeof(*stage->instruments));
    if (grown == NULL)
        return no_memory(why);
    stage->instruments = grown;
    stage->instruments[stage->instrument_count] = *instrument;
    *number = stage->instrument_count++;
    return ERR_OK;
}

/* ---- lanes ---- */

/* A tape's header gives its instruments; the feed that will be read is opened with the map of their numbers. */
static err_t open_tape(struct stage *stage, const struct run_config *config, uint16_t lane, struct err_text *why)
{
    struct stage_inside *inside = stage->inside;
    const char *path = config->feed.tapes[lane];
    struct tape_reader *reader;
    err_t err = tape_reader_open(&reader, path, NULL, why);
    if (err != ERR_OK)
        return err;
    const struct tape_info *info = tape_reader_info(reader);
    uint16_t *map = malloc((info->instrument_count + 1u) * sizeof(*map));
    inside->maps[lane] = map;
    if (map == NULL)
        err = no_memory(why);
    for (uint16_t i = 0; i < info->instrument_count && err == ERR_OK; i++)
        err = add_instrument(stage, &info->instruments[i], path, &map[i], why);
    if (err == ERR_OK) {
        struct stage_tape *tape = &stage->tapes[lane];
        tape->path = path;
        tape->closed = info->indexed;
        memcpy(tape->hash, info->hash, sizeof(tape->hash));
        stage->messages_total += info->messages;
        if (info->messages != 0) {
            if (stage->first_ts == 0 || info->first_ts < stage->first_ts)
                stage->first_ts = info->first_ts;
            if (info->last_ts > stage->last_ts)
                stage->last_ts = info->last_ts;
        }
    }
    tape_reader_close(reader);
    if (err != ERR_OK)
        return err;
    const struct tape_feed_options options = {
        .lookahead = LOOKAHEAD, .read_ahead = config->feed.read_ahead, .map = map, .lane = lane};
    err = tape_feed_open(&inside->tape_feeds[lane], path, &options, why);
    inside->lanes[lane] = inside->tape_feeds[lane];
    return err;
}

/* A market made on the way: one lane with all its instruments. */
static err_t open_synth(struct stage *stage, const struct run_config *config, struct err_text *why)
{
    const struct config_synth *wanted = &config->feed.synth;
    struct stage_inside *inside = stage->inside;
    struct synth_config synth;
    synth_config_default(&synth);
    synth.seed = wanted->seed;
    if (wanted->start.set)
        synth.start_ts = wanted->start.value;
    synth.duration_ns = wanted->duration;
    synth.instrument_count = wanted->instruments;
    synth.levels = wanted->level3 ? SYNTH_BOTH : SYNTH_LEVEL2;
    struct err_text inner = {0};
    if (synth_config_check(&synth, &inner) != ERR_OK)
        return run_config_error(config, "feed.synth", why, "%s", inner.text);
    inside->synth_size = synth_market_size(&synth);
    inside->synth_memory = zeroed(inside->synth_size);
    if (inside->synth_memory == NULL)
        return no_memory(why);
    struct synth_market *market = synth_market_init(inside->synth_memory, &synth);
    inside->synth = market;
    inside->lanes[0] = synth_feed(market);
    stage->tapes[0].path = "synth";
    stage->tapes[0].closed = true;
    stage->first_ts = synth.start_ts;
    stage->last_ts = synth.start_ts + synth.duration_ns;
    for (uint32_t i = 0; i < synth.instrument_count; i++) {
        uint16_t number;
        err_t err = add_instrument(stage, &synth_instruments(market)[i], "feed.synth", &number, why);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static err_t open_tapes(struct stage *stage, const struct run_config *config, struct err_text *why)
{
    for (uint16_t lane = 0; lane < stage->lane_count; lane++) {
        err_t err = open_tape(stage, config, lane, why);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static ns_t feed_delay(void *context, ns_t exch_ts, uint64_t number)
{
    return latency_response(context, exch_ts, number);
}

/* Arrivals are remodelled before a stretch is cut out: from and to are times of the run, and a run that begins in the
 * middle of a day sees what one of the whole day sees there. */
static err_t delay_lanes(struct stage *stage, const struct run_config *config, struct err_text *why)
{
    struct stage_inside *inside = stage->inside;
    if (config->feed.latency.model == FEED_LATENCY_TAPE)
        return ERR_OK;
    inside->feed_latencies = calloc(stage->lane_count, sizeof(*inside->feed_latencies));
    if (inside->feed_latencies == NULL)
        return no_memory(why);
    for (uint16_t lane = 0; lane < stage->lane_count; lane++) {
        const struct delay_config delay = {
            .context = &inside->feed_latencies[lane], .delay = feed_delay, .batches_max = LOOKAHEAD};
        err_t err = run_config_feed_latency(config, lane, &inside->feed_latencies[lane], why);
        if (err == ERR_OK)
            err = delay_feed_open(&inside->delays[lane], inside->lanes[lane], &delay, why);
        if (err != ERR_OK)
            return err;
        inside->lanes[lane] = inside->delays[lane];
    }
    return ERR_OK;
}

static err_t number_lanes(struct stage *stage, struct err_text *why)
{
    struct stage_inside *inside = stage->inside;
    stage->numbers = calloc(stage->lane_count, sizeof(*stage->numbers));
    if (stage->numbers == NULL)
        return no_memory(why);
    for (uint16_t lane = 0; lane < stage->lane_count; lane++) {
        err_t err = number_feed_open(&stage->numbers[lane], inside->lanes[lane], stage->instrument_count, why);
        if (err != ERR_OK)
            return err;
        inside->lanes[lane] = stage->numbers[lane];
    }
    return ERR_OK;
}

uint64_t stage_feed_unstamped(const struct stage *stage)
{
    uint64_t count = 0;
    for (uint16_t lane = 0; lane < stage->lane_count; lane++)
        if (stage->inside->delays[lane] != NULL)
            count += delay_feed_stats(stage->inside->delays[lane])->unstamped;
    return count;
}

static err_t clip_lanes(struct stage *stage, const struct run_config *config, struct err_text *why)
{
    const struct config_feed *feed = &config->feed;
    if (!feed->from.set && !feed->to.set)
        return ERR_OK;
    const ns_t from = feed->from.set ? feed->from.value : INT64_MIN, to = feed->to.set ? feed->to.value : NS_MAX;
    for (uint16_t lane = 0; lane < stage->lane_count; lane++) {
        struct stage_inside *inside = stage->inside;
        err_t err = clip_feed_open(&inside->clips[lane], inside->lanes[lane], stage->instruments,
                                   stage->instrument_count, from, to, lane, why);
        if (err != ERR_OK)
            return err;
        inside->lanes[lane] = inside->clips[lane];
    }
    if (from > stage->first_ts)
        stage->first_ts = from;
    if (to < stage->last_ts)
        stage->last_ts = to;
    return ERR_OK;
}

/* The first tape that has the instrument. */
static const char *tape_of(const struct stage *stage, uint16_t number)
{
    for (uint16_t lane = 0; lane < stage->lane_count; lane++)
        if (tape_level3_maps(stage->tapes[lane].path, stage->inside->maps[lane], number))
            return stage->tapes[lane].path;
    return "";
}

/* The exact queue needs order-by-order events of every instrument, from whichever tape. They are at the beginning, as
 * a rule: only when they are not there are the tapes read through. */
static err_t check_level3(const struct stage *stage, const struct run_config *config, struct err_text *why)
{
    if (config->venue.queue.kind != QUEUE_L3_FIFO)
        return ERR_OK;
    if (stage->inside->synth != NULL)
        return config->feed.synth.level3
                   ? ERR_OK
                   : run_config_error(config, "venue.queue", why,
                                      "l3_fifo needs order-by-order events, and the made market sends none: set "
                                      "feed.synth.level3: true, or choose a queue model for price levels (power)");
    bool *has = calloc(stage->instrument_count, sizeof(*has));
    if (has == NULL)
        return no_memory(why);
    err_t err = ERR_OK;
    for (int pass = 0; pass < 2; pass++)
        for (uint16_t lane = 0; lane < stage->lane_count && err == ERR_OK; lane++)
            err = tape_level3_find(stage->tapes[lane].path, stage->inside->maps[lane], has, pass == 0 ? 1 : 0, why);
    for (uint16_t i = 0; i < stage->instrument_count && err == ERR_OK; i++)
        if (!has[i])
            err =
                run_config_error(config, "venue.queue", why,
                                 "l3_fifo needs order-by-order events, and there are none of %s in %s: add the "
                                 "level-3 tape of it to feed.tapes, or choose a queue model for price levels (power)",
                                 stage->instruments[i].symbol, tape_of(stage, i));
    free(has);
    return err;
}

/* ---- world, venue, engine ---- */

static const struct book *engine_books(const void *context, uint16_t instrument)
{
    return engine_book(context, instrument);
}

static const struct event_mark *engine_marks(const void *context, uint16_t instrument)
{
    return engine_mark(context, instrument);
}

static err_t deposit(struct account *account, const struct config_balance *balance, struct err_text *why)
{
    err_t err = account_deposit(account, balance->currency, balance->amount);
    return err == ERR_OK
               ? ERR_OK
               : err_say(why, err, "account.balances.%s: cannot be deposited: %s", balance->currency, err_words(err));
}

static err_t deposit_all(const struct run_config *config, struct account *account, struct err_text *why)
{
    err_t err = ERR_OK;
    for (uint32_t i = 0; i < config->balance_count && err == ERR_OK; i++)
        err = deposit(account, &config->balances[i], why);
    return err;
}

/* Their venues come before the world, their engines after it and after the leader's. */
static err_t follow_venues(struct stage *stage, struct venue_config venue, struct err_text *why)
{
    struct stage_inside *inside = stage->inside;
    venue.leader = stage->venue;
    venue.watch = NULL;
    for (uint16_t i = 0; i < stage->follower_count; i++) {
        struct stage_follower *follower = &stage->followers[i];
        const struct venue_sink sink = sim_world_sink(inside->world_memory, (uint16_t)(i + 1));
        venue.queue = follower->queue;
        inside->followers[i].venue_size = venue_size(&venue);
        inside->followers[i].venue_memory = zeroed(inside->followers[i].venue_size);
        if (inside->followers[i].venue_memory == NULL)
            return no_memory(why);
        follower->venue = venue_init(inside->followers[i].venue_memory, &venue, &sink);
    }
    return ERR_OK;
}

static err_t follow_engines(struct stage *stage, const struct run_config *config, struct engine_config engine,
                            struct err_text *why)
{
    struct stage_inside *inside = stage->inside;
    engine.leader = stage->engine;
    engine.sink = NULL;
    engine.observer = NULL;
    engine.journal = NULL;
    err_t err = ERR_OK;
    for (uint16_t i = 0; i < stage->follower_count && err == ERR_OK; i++) {
        struct stage_follower *follower = &stage->followers[i];
        const size_t size = (config->strategy->state_size + 63) & ~(size_t)63;
        void *state = aligned_alloc(64, size != 0 ? size : 64);
        inside->followers[i].strategy_state = state;
        inside->followers[i].engine_size = engine_size(&engine);
        inside->followers[i].engine_memory = zeroed(inside->followers[i].engine_size);
        if (state == NULL || inside->followers[i].engine_memory == NULL)
            return no_memory(why);
        memcpy(state, config->strategy_state, config->strategy->state_size);
        follower->engine = engine_init(inside->followers[i].engine_memory, &engine,
                                       sim_world_branch(stage->world, (uint16_t)(i + 1)), state);
        err = deposit_all(config, engine_account(follower->engine), why);
        if (err == ERR_OK)
            err = deposit_all(config, venue_account(follower->venue), why);
    }
    return err;
}

static err_t build(struct stage *stage, const struct run_config *config, const struct engine_sink *sink,
                   const struct stage_watch *watch, struct err_text *why)
{
    struct stage_inside *inside = stage->inside;
    struct risk_limits *limits = calloc(stage->instrument_count, sizeof(*limits));
    inside->impacts = calloc(stage->instrument_count, sizeof(*inside->impacts));
    inside->margin = calloc(stage->instrument_count, sizeof(*inside->margin));
    inside->rules = calloc(stage->instrument_count, sizeof(*inside->rules));
    inside->rules_of = calloc(stage->instrument_count, sizeof(*inside->rules_of));
    if (limits == NULL || inside->impacts == NULL || inside->margin == NULL || inside->rules == NULL ||
        inside->rules_of == NULL) {
        free(limits);
        return no_memory(why);
    }
    err_t err = run_config_match_instruments(config, stage->instruments, stage->instrument_count, why);
    for (uint16_t i = 0; i < stage->instrument_count && err == ERR_OK; i++) {
        bool has;
        err = rules_up(config, stage->first_ts, &stage->instruments[i], &inside->rules[i], &has, why);
        inside->rules_of[i] = err == ERR_OK && has ? &inside->rules[i] : NULL;
        if (err == ERR_OK)
            err = run_config_risk_limits(config, &stage->instruments[i], &limits[i], why);
        if (err == ERR_OK)
            err = run_config_impact(config, &stage->instruments[i], &inside->impacts[i], why);
    }
    struct latency_model latency;
    if (err == ERR_OK)
        err = run_config_latency(config, &latency, why);
    if (err == ERR_OK)
        err = run_config_faults(config, &inside->faults, why);
    struct perp_config perp = {.margin = MARGIN_OFF};
    if (err == ERR_OK)
        err = run_config_perp(config, stage->instruments, stage->instrument_count, &perp, inside->margin,
                              &inside->funding, why);
    if (err != ERR_OK) {
        free(limits);
        return err;
    }
    const struct venue_config venue = {.instruments = stage->instruments,
                                       .instrument_count = stage->instrument_count,
                                       .rules = inside->rules_of,
                                       .book_window = config->engine.book_window,
                                       .book_far = config->engine.book_far,
                                       .own_orders_max = config->engine.order_capacity,
                                       .check_funds = config->venue.check_funds,
                                       .stp = (enum stp_mode)(config->venue.self_trade + STP_REJECT),
                                       .strict_types = config->venue.order_types != 0,
                                       .perp = perp,
                                       .queue = config->venue.queue,
                                       .l3_orders = config->engine.l3_orders,
                                       .impacts = inside->impacts,
                                       .watch = watch->venue};
    struct queue_model models[STAGE_FOLLOWERS_MAX];
    struct venue *venues[STAGE_FOLLOWERS_MAX];
    stage->follower_count = bracket_followers(config, models);
    for (uint16_t i = 0; i < stage->follower_count; i++)
        stage->followers[i].queue = models[i];
    struct sim_config world = {.lanes = inside->lanes,
                               .lane_count = stage->lane_count,
                               .latency = &latency,
                               .requests_max = config->engine.order_capacity * 4,
                               .followers = venues,
                               .follower_count = stage->follower_count,
                               .instrument_count = stage->instrument_count,
                               .faults = faults_any(&inside->faults) ? &inside->faults : NULL,
                               .instruments = stage->instruments,
                               .book_window = config->engine.book_window,
                               .book_far = config->engine.book_far,
                               .watch = watch->venue};
    const struct engine_config engine = {.instruments = stage->instruments,
                                         .limits = limits,
                                         .instrument_count = stage->instrument_count,
                                         .book_window = config->engine.book_window,
                                         .book_far = config->engine.book_far,
                                         .l3_orders = config->engine.l3_orders,
                                         .order_capacity = config->engine.order_capacity,
                                         .timer_capacity = config->engine.timer_capacity,
                                         .equity_interval = config->output.equity_interval,
                                         .checks = config->engine.checks,
                                         .seed = config->seed,
                                         .strategy = config->strategy,
                                         .sink = sink,
                                         .observer = watch->engine,
                                         .journal = watch->journal};
    inside->venue_size = venue_size(&venue);
    inside->venue_memory = zeroed(inside->venue_size);
    inside->world_size = sim_world_size(&world);
    inside->world_memory = zeroed(inside->world_size);
    inside->engine_size = engine_size(&engine);
    inside->engine_memory = zeroed(inside->engine_size);
    if (inside->venue_memory == NULL || inside->world_memory == NULL || inside->engine_memory == NULL) {
        free(limits);
        return no_memory(why);
    }
    const struct venue_sink venue_sink = sim_world_sink(inside->world_memory, 0);
    stage->venue = venue_init(inside->venue_memory, &venue, &venue_sink);
    world.venue = stage->venue;
    err = follow_venues(stage, venue, why);
    if (err != ERR_OK) {
        free(limits);
        return err;
    }
    for (uint16_t i = 0; i < stage->follower_count; i++)
        venues[i] = stage->followers[i].venue;
    stage->world = sim_world_init(inside->world_memory, &world);
    stage->engine = engine_init(inside->engine_memory, &engine, stage->world, config->strategy_state);
    err = follow_engines(stage, config, engine, why);
    free(limits);
    sim_world_books(stage->world, engine_books, stage->engine);
    sim_world_marks(stage->world, engine_marks);
    if (err == ERR_OK)
        err = deposit_all(config, engine_account(stage->engine), why);
    if (err == ERR_OK)
        err = deposit_all(config, venue_account(stage->venue), why);
    return err;
}

err_t stage_open(struct stage **stage, const struct run_config *config, const struct engine_sink *sink,
                 struct err_text *why)
{
    return stage_open_watched(stage, config, sink, NULL, why);
}

err_t stage_open_watched(struct stage **stage, const struct run_config *config, const struct engine_sink *sink,
                         const struct stage_watch *watch, struct err_text *why)
{
    static const struct stage_watch nobody = {NULL, NULL, NULL};
    struct stage *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return no_memory(why);
    if (config->feed.tape_count == 0 && !config->feed.synth.set) {
        free(opened);
        return run_config_error(config, "feed.tapes", why,
                                "the run has no input: name tapes here (or with --tape), or a market to make in "
                                "feed.synth");
    }
    if (config->feed.tape_count > UINT16_MAX - 1u) {
        free(opened);
        return run_config_error(config, "feed.tapes", why, "more than %u tapes", UINT16_MAX - 1u);
    }
    const bool made = config->feed.tape_count == 0;
    opened->lane_count = made ? 1 : (uint16_t)config->feed.tape_count;
    const size_t lanes = opened->lane_count;
    struct stage_inside *inside = calloc(1, sizeof(*inside));
    opened->inside = inside;
    if (inside != NULL) {
        opened->tapes = calloc(lanes, sizeof(*opened->tapes));
        inside->tape_feeds = calloc(lanes, sizeof(struct feed *));
        inside->delays = calloc(lanes, sizeof(struct feed *));
        inside->clips = calloc(lanes, sizeof(struct feed *));
        inside->lanes = calloc(lanes, sizeof(struct feed *));
        inside->maps = calloc(lanes, sizeof(uint16_t *));
    }
    err_t err = ERR_OK;
    if (inside == NULL || opened->tapes == NULL || inside->tape_feeds == NULL || inside->delays == NULL ||
        inside->clips == NULL || inside->lanes == NULL || inside->maps == NULL)
        err = no_memory(why);
    if (err == ERR_OK)
        err = made ? open_synth(opened, config, why) : open_tapes(opened, config, why);
    if (err == ERR_OK && opened->instrument_count == 0)
        err = err_say(why, ERR_CONFIG, "%s: the tape has no instrument", opened->tapes[0].path);
    if (err == ERR_OK)
        err = check_level3(opened, config, why);
    if (err == ERR_OK)
        err = delay_lanes(opened, config, why);
    if (err == ERR_OK && watch != NULL)
        err = number_lanes(opened, why); /* before a stretch is cut out: numbers are those of the tape */
    if (err == ERR_OK)
        err = clip_lanes(opened, config, why); /* before the world is built, which reads these lanes */
    if (err == ERR_OK)
        err = build(opened, config, sink, watch != NULL ? watch : &nobody, why);
    if (err != ERR_OK) {
        stage_close(opened);
        return err;
    }
    *stage = opened;
    return ERR_OK;
}

err_t stage_start(struct stage *stage)
{
    err_t err = engine_start(stage->engine);
    for (uint16_t i = 0; i < stage->follower_count && err == ERR_OK; i++)
        err = engine_start(stage->followers[i].engine);
    return err;
}

struct digest_value stage_stop(struct stage *stage)
{
    for (uint16_t i = 0; i < stage->follower_count; i++)
        stage->followers[i].digest = engine_stop(stage->followers[i].engine);
    return engine_stop(stage->engine);
}

void stage_close(struct stage *stage)
{
    if (stage == NULL)
        return;
    struct stage_inside *inside = stage->inside;
    if (stage->world != NULL)
        stage->world->ops->close(stage->world);
    for (uint16_t lane = 0; inside != NULL && lane < stage->lane_count; lane++) {
        if (inside->clips != NULL && inside->clips[lane] != NULL)
            inside->clips[lane]->ops->close(inside->clips[lane]);
        if (inside->delays != NULL && inside->delays[lane] != NULL)
            inside->delays[lane]->ops->close(inside->delays[lane]);
        if (stage->numbers != NULL && stage->numbers[lane] != NULL)
            stage->numbers[lane]->ops->close(stage->numbers[lane]);
        if (inside->tape_feeds != NULL && inside->tape_feeds[lane] != NULL)
            inside->tape_feeds[lane]->ops->close(inside->tape_feeds[lane]);
        if (inside->maps != NULL)
            free(inside->maps[lane]);
    }
    if (inside != NULL) {
        zeroed_free(inside->synth_memory, inside->synth_size);
        zeroed_free(inside->venue_memory, inside->venue_size);
        zeroed_free(inside->world_memory, inside->world_size);
        zeroed_free(inside->engine_memory, inside->engine_size);
        for (size_t i = 0; i < STAGE_FOLLOWERS_MAX; i++) {
            zeroed_free(inside->followers[i].venue_memory, inside->followers[i].venue_size);
            zeroed_free(inside->followers[i].engine_memory, inside->followers[i].engine_size);
            free(inside->followers[i].strategy_state);
        }
        free(inside->tape_feeds);
        free(inside->delays);
        free(inside->feed_latencies);
        free(inside->impacts);
        free(inside->margin);
        free(inside->funding);
        free(inside->clips);
        free(inside->lanes);
        free(inside->maps);
        free(inside->rules);
        free(inside->rules_of);
        free(inside);
    }
    free(stage->numbers);
    free(stage->tapes);
    free(stage->instruments);
    free(stage);
}

struct feed *const *stage_lanes(const struct stage *stage)
{
    return stage->inside->lanes;
}

uint64_t stage_position(const struct stage *stage)
{
    uint64_t position = 0;
    if (stage->inside->synth != NULL)
        return synth_stats(stage->inside->synth)->messages;
    for (uint16_t lane = 0; lane < stage->lane_count; lane++)
        position += tape_feed_position(stage->inside->tape_feeds[lane]);
    return position;
}
