/* world_up.h: from a checked config to a world, a venue and an engine, wired and ready to start.
 *
 *   run_config ─► tapes (a lane each) ─► instruments (union, overrides) ─► venue ─► sim_world ─► engine
 *
 * In mode paper the lane is what the links of feed.live make of a session's inputs (adapters/wire_feed.h): of a
 * session that goes on now, or of the tape of one, and the world is causal (sim/sim_world.h).
 *
 * Instruments of several tapes are one when venue and symbol agree; they must then agree in decimals too.
 */
#ifndef TAPEDECK_CLI_WORLD_UP_H
#define TAPEDECK_CLI_WORLD_UP_H

#include "cli/config.h"
#include "core/engine.h"
#include "core/feed.h"
#include "sim/sim_world.h"

struct stage_tape {
    const char *path;
    char hash[33]; /* of its content: the chain hash of its last block */
    bool closed;   /* false: no index, the recording was not ended properly */
};

#define STAGE_FOLLOWERS_MAX 2

/* The run again, under another queue model, in lockstep (bracket.h). */
struct stage_follower {
    struct queue_model queue;
    struct venue *venue;
    struct engine *engine;
    struct digest_value digest; /* after stage_stop */
};

struct wire_feed;   /* adapters/wire_feed.h */
struct wire_source; /* the same */
struct link_wire;   /* adapters/link.h */

/* A session that goes on now; the caller owns all of it, and it outlives the stage. */
struct stage_session {
    const char *path; /* where its inputs are written down */
    const struct instrument *instruments;
    uint16_t instrument_count;
    struct wire_source *source;
    const struct link_wire *wire; /* carries out what links ask for */
    ns_t first_ts;                /* of its first input */
};

struct stage {
    struct instrument *instruments;
    uint16_t instrument_count;
    struct stage_tape *tapes; /* one a lane; synthetic lanes have the path "synth" and an empty hash */
    uint16_t lane_count;
    struct engine *engine;
    struct world *world;
    struct venue *venue;
    struct stage_follower followers[STAGE_FOLLOWERS_MAX];
    uint16_t follower_count;
    struct wire_feed *wire; /* of mode paper, else NULL */
    struct feed **numbers;  /* of a watched stage, one a lane: feeds/number_feed.h; NULL: not watched */
    /* for a progress bar */
    uint64_t messages_total; /* of all tapes; 0: not known */
    ns_t first_ts, last_ts;  /* of all tapes, clipped to from and to */
    struct stage_inside *inside;
};

/* `sink` must outlive the stage. On error nothing is left open. */
err_t stage_open(struct stage **stage, const struct run_config *config, const struct engine_sink *sink,
                 struct err_text *why) MUST_USE;
/* engine_start and engine_stop of the engine and those that follow it. The digest is that of the engine; followers
 * keep theirs. */
err_t stage_start(struct stage *stage) MUST_USE;
struct digest_value stage_stop(struct stage *stage);
/* What looks on: sim/why.h, core/observe.h, core/journal.h. Any may be NULL; they outlive the stage. */
struct stage_watch {
    struct venue_watch *venue;
    struct engine_observer *engine;
    struct journal *journal;
};
/* The same run, looked at. */
err_t stage_open_watched(struct stage **stage, const struct run_config *config, const struct engine_sink *sink,
                         const struct stage_watch *watch, struct err_text *why) MUST_USE;
/* In mode paper: `session` in the place of the tape that feed.tapes names. */
err_t stage_open_session(struct stage **stage, const struct run_config *config, const struct engine_sink *sink,
                         const struct stage_watch *watch, const struct stage_session *session,
                         struct err_text *why) MUST_USE;
void stage_close(struct stage *stage);
/* What the world reads, one a lane: for whoever reads them in its place, before stage_start. */
struct feed *const *stage_lanes(const struct stage *stage);
/* The tape of a session ends in the middle, and the stage is there: what came next is not known. */
bool stage_is_cut(const struct stage *stage);
/* Messages read so far, over all lanes. */
uint64_t stage_position(const struct stage *stage);
/* Market messages without a stamp of the venue that were moved like the one before them (feed.latency). */
uint64_t stage_feed_unstamped(const struct stage *stage);

#endif
