/* world_inside.h: what a stage (world_up.h) owns beside what it shows, and the three hands that build it.
 *
 *   world_lanes.c       tapes and made markets: opened, mapped to one union of instruments, remodelled, cut
 *   world_session.c     the lane of mode paper
 *   world_up.c          the venue, the world and the engine over those lanes
 *   world_followers.c   venues and engines that run in lockstep with them, and the money of all accounts
 *
 *   stage_image.c       their memory, as bytes
 *
 * For those files only. Everything here is freed by stage_close, however far the opening came.
 */
#ifndef TAPEDECK_CLI_WORLD_INSIDE_H
#define TAPEDECK_CLI_WORLD_INSIDE_H

#include "cli/world_up.h"

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
    struct wire_source *raw;             /* owned: the tape of a session */
    void *synth_memory, *venue_memory, *world_memory, *engine_memory;
    size_t synth_size, venue_size, world_size, engine_size;
    struct {
        void *venue_memory, *engine_memory, *strategy_state;
        size_t venue_size, engine_size, strategy_size;
    } followers[STAGE_FOLLOWERS_MAX];
    enum queue_kind queue_kind;
    void *strategy_state; /* the config's, of the leader */
    size_t strategy_size;
    struct synth_market *synth; /* lane 0, when the market is made and not read */
};

/* Zero pages, untouched until used; large ones where the system has them to give. NULL: no memory. */
void *world_memory(size_t size);
void world_memory_free(void *memory, size_t size);
/* Says that there is none. */
err_t world_no_memory(struct err_text *why);

/* Every lane, up to what the world reads: after it stage->instruments and the times of the stretch are known.
 * `numbered`: with the readings counted (stage->numbers). On error world_lanes_close frees what was opened. */
err_t world_lanes_open(struct stage *stage, const struct run_config *config, const struct stage_session *session,
                       bool numbered, struct err_text *why) MUST_USE;
void world_lanes_close(struct stage *stage);

/* The one lane of mode paper; `session` NULL: from its tape. */
err_t world_session_open(struct stage *stage, const struct run_config *config, const struct stage_session *session,
                         struct err_text *why) MUST_USE;
void world_session_close(struct stage *stage);

/* Their venues come before the world, their engines after it and after the leader's. */
err_t world_followers_venues(struct stage *stage, struct venue_config venue, struct err_text *why) MUST_USE;
err_t world_followers_engines(struct stage *stage, const struct run_config *config, struct engine_config engine,
                              struct err_text *why) MUST_USE;
void world_followers_close(struct stage *stage);
/* account.balances into one account. */
err_t world_deposit(const struct run_config *config, struct account *account, struct err_text *why) MUST_USE;

#endif
