/* The lane of mode paper: what links make of a session's inputs, live or from its tape. */
#include "cli/world_inside.h"

#include "cli/links_up.h"
#include "cli/session_watch.h"
#include "cli/wire_sources.h"

#include <stdlib.h>
#include <string.h>

#define AGAIN_BATCH 256 /* events a batch, where inputs are there already */

/* What makes no sense where data come as they come is refused, not passed over. */
static err_t check_keys(const struct run_config *config, struct err_text *why)
{
    const struct config_feed *feed = &config->feed;
    if (feed->from.set || feed->to.set)
        return run_config_error(config, feed->from.set ? "feed.from" : "feed.to", why,
                                "mode paper takes a session as a whole: leave it out");
    if (feed->latency.model != FEED_LATENCY_TAPE)
        return run_config_error(config, "feed.latency.model", why,
                                "in mode paper market data are as late as they are: leave it out");
    if (config->venue.queue.kind == QUEUE_L3_FIFO)
        return run_config_error(
            config, "venue.queue", why,
            "l3_fifo needs order-by-order events, and the venues' public streams have none: choose "
            "a queue model for price levels (power)");
    return ERR_OK;
}

static err_t keep_instruments(struct stage *stage, const struct instrument *instruments, uint16_t count,
                              struct err_text *why)
{
    stage->instruments = calloc(count != 0 ? count : 1u, sizeof(*stage->instruments));
    if (stage->instruments == NULL)
        return world_no_memory(why);
    memcpy(stage->instruments, instruments, count * sizeof(*instruments));
    stage->instrument_count = count;
    return ERR_OK;
}

static err_t open_tape(struct stage *stage, const struct run_config *config, struct err_text *why)
{
    struct stage_inside *inside = stage->inside;
    if (config->feed.tape_count != 1)
        return run_config_error(config, "feed.tapes", why,
                                "mode paper over a tape takes one, that of a session's inputs; here are %u",
                                config->feed.tape_count);
    struct stage_tape *tape = &stage->tapes[0];
    const struct raw_source_options options = {.read_ahead = config->feed.read_ahead, .cut_waits = true};
    tape->path = config->feed.tapes[0];
    err_t err = raw_source_open(&inside->raw, tape->path, &options, why);
    if (err != ERR_OK)
        return err;
    const struct tape_info *info = raw_source_info(inside->raw);
    tape->closed = info->indexed;
    memcpy(tape->hash, info->hash, sizeof(tape->hash));
    stage->messages_total = info->messages;
    stage->first_ts = raw_source_first_ts(inside->raw);
    stage->last_ts = info->indexed ? info->last_ts : stage->first_ts;
    return keep_instruments(stage, info->instruments, info->instrument_count, why);
}

err_t world_session_open(struct stage *stage, const struct run_config *config, const struct stage_session *session,
                         struct err_text *why)
{
    struct stage_inside *inside = stage->inside;
    err_t err = check_keys(config, why);
    if (err == ERR_OK && session == NULL)
        err = open_tape(stage, config, why);
    if (err == ERR_OK && session != NULL) {
        stage->tapes[0].path = session->path;
        stage->tapes[0].closed = true; /* when it is */
        stage->first_ts = session->first_ts;
        err = keep_instruments(stage, session->instruments, session->instrument_count, why);
    }
    if (err == ERR_OK && stage->instrument_count == 0)
        err = err_say(why, ERR_CONFIG, "%s: the session has no instrument", stage->tapes[0].path);
    if (err != ERR_OK)
        return err;
    const struct wire_feed_config wire = {.source = session != NULL ? session->source : inside->raw,
                                          .wire = session != NULL ? session->wire : NULL,
                                          .instruments = stage->instruments,
                                          .instrument_count = stage->instrument_count,
                                          .link_count = (uint16_t)config->feed.link_count,
                                          .heartbeat = session_heartbeat(&config->session),
                                          .batch_events = session != NULL ? 1 : AGAIN_BATCH};
    err = wire_feed_open(&stage->wire, &wire, why);
    if (err == ERR_OK)
        inside->lanes[0] = wire_feed_lane(stage->wire);
    return err == ERR_OK ? links_open(config, stage->instruments, stage->instrument_count, stage->wire, why) : err;
}

bool stage_is_cut(const struct stage *stage)
{
    return stage->inside->raw != NULL && raw_source_cut(stage->inside->raw);
}

void world_session_close(struct stage *stage)
{
    struct stage_inside *inside = stage->inside;
    if (stage->wire != NULL)
        wire_feed_lane(stage->wire)->ops->close(wire_feed_lane(stage->wire));
    if (inside->raw != NULL)
        inside->raw->ops->close(inside->raw);
}
