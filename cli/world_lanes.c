#include "cli/world_inside.h"

#include "adapters/wire_feed.h"
#include "cli/tape_level3.h"
#include "feeds/clip_feed.h"
#include "feeds/delay_feed.h"
#include "feeds/number_feed.h"
#include "feeds/synth_market.h"
#include "feeds/tape_feed.h"

#include <stdlib.h>
#include <string.h>

#define LOOKAHEAD 48 /* batches of a lane: what the venue may be ahead of the strategy */

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
        return world_no_memory(why);
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
        err = world_no_memory(why);
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
    inside->synth_memory = world_memory(inside->synth_size);
    if (inside->synth_memory == NULL)
        return world_no_memory(why);
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
        return world_no_memory(why);
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
        return world_no_memory(why);
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
        return world_no_memory(why);
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

/* ---- all of it ---- */

static err_t lanes_memory(struct stage *stage)
{
    const size_t lanes = stage->lane_count;
    struct stage_inside *inside = stage->inside;
    stage->tapes = calloc(lanes, sizeof(*stage->tapes));
    inside->tape_feeds = calloc(lanes, sizeof(struct feed *));
    inside->delays = calloc(lanes, sizeof(struct feed *));
    inside->clips = calloc(lanes, sizeof(struct feed *));
    inside->lanes = calloc(lanes, sizeof(struct feed *));
    inside->maps = calloc(lanes, sizeof(uint16_t *));
    const bool all = stage->tapes != NULL && inside->tape_feeds != NULL && inside->delays != NULL &&
                     inside->clips != NULL && inside->lanes != NULL && inside->maps != NULL;
    return all ? ERR_OK : ERR_NOMEM;
}

err_t world_lanes_open(struct stage *stage, const struct run_config *config, const struct stage_session *session,
                       bool numbered, struct err_text *why)
{
    if (config->mode == RUN_PAPER) {
        stage->lane_count = 1;
        err_t err =
            lanes_memory(stage) == ERR_OK ? world_session_open(stage, config, session, why) : world_no_memory(why);
        return err == ERR_OK && numbered ? number_lanes(stage, why) : err;
    }
    if (config->feed.tape_count == 0 && !config->feed.synth.set)
        return run_config_error(config, "feed.tapes", why,
                                "the run has no input: name tapes here (or with --tape), or a market to make in "
                                "feed.synth");
    if (config->feed.tape_count > UINT16_MAX - 1u)
        return run_config_error(config, "feed.tapes", why, "more than %u tapes", UINT16_MAX - 1u);
    const bool made = config->feed.tape_count == 0;
    stage->lane_count = made ? 1 : (uint16_t)config->feed.tape_count;
    if (lanes_memory(stage) != ERR_OK)
        return world_no_memory(why);
    err_t err = made ? open_synth(stage, config, why) : open_tapes(stage, config, why);
    if (err == ERR_OK && stage->instrument_count == 0)
        err = err_say(why, ERR_CONFIG, "%s: the tape has no instrument", stage->tapes[0].path);
    if (err == ERR_OK)
        err = check_level3(stage, config, why);
    if (err == ERR_OK)
        err = delay_lanes(stage, config, why);
    if (err == ERR_OK && numbered)
        err = number_lanes(stage, why); /* before a stretch is cut out: numbers are those of the tape */
    if (err == ERR_OK)
        err = clip_lanes(stage, config, why);
    return err;
}

void world_lanes_close(struct stage *stage)
{
    struct stage_inside *inside = stage->inside;
    world_session_close(stage);
    for (uint16_t lane = 0; lane < stage->lane_count; lane++) {
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
    world_memory_free(inside->synth_memory, inside->synth_size);
    free(inside->tape_feeds);
    free(inside->delays);
    free(inside->feed_latencies);
    free(inside->clips);
    free(inside->lanes);
    free(inside->maps);
    free(stage->numbers);
    free(stage->tapes);
    free(stage->instruments);
}

struct feed *const *stage_lanes(const struct stage *stage)
{
    return stage->inside->lanes;
}

uint64_t stage_position(const struct stage *stage)
{
    uint64_t position = 0;
    if (stage->wire != NULL)
        return wire_feed_stats(stage->wire)->inputs;
    if (stage->inside->synth != NULL)
        return synth_stats(stage->inside->synth)->messages;
    for (uint16_t lane = 0; lane < stage->lane_count; lane++)
        position += tape_feed_position(stage->inside->tape_feeds[lane]);
    return position;
}
