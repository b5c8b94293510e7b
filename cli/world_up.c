#include "cli/world_up.h"

#include "cli/bracket.h"
#include "cli/config_perp.h"
#include "cli/rules_up.h"
#include "cli/strategy_params.h"
#include "cli/world_inside.h"

#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE (2u << 20)
#define HUGE_FROM (32u << 20)
/* Batches of a session that its venue may lag behind: of one input each, live. Only those that are used take memory.
 */
#define SESSION_LOOKAHEAD (1u << 20)

/* Books are read and written all over: with 4 KiB pages a run over many instruments spends a fifth of its time on
 * page tables, so large pages are asked for (where the system has them to give). */
void *world_memory(size_t size)
{
    const size_t total = (size + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
    void *memory = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    if (size >= HUGE_FROM)
        (void)madvise(memory, total, MADV_HUGEPAGE); /* advice: no harm when refused */
    return memory;
}

void world_memory_free(void *memory, size_t size)
{
    if (memory != NULL)
        munmap(memory, (size + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1));
}

err_t world_no_memory(struct err_text *why)
{
    return err_say(why, ERR_NOMEM, "no memory for the run");
}

static const struct book *engine_books(const void *context, uint16_t instrument)
{
    return engine_book(context, instrument);
}

static const struct event_mark *engine_marks(const void *context, uint16_t instrument)
{
    return engine_mark(context, instrument);
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
        return world_no_memory(why);
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
                               .watch = watch->venue,
                               .causal = config->mode == RUN_PAPER,
                               .lookahead = config->mode == RUN_PAPER ? SESSION_LOOKAHEAD : 0};
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
                                         .set_parameter = strategy_params_set,
                                         .observer = watch->engine,
                                         .journal = watch->journal};
    inside->venue_size = venue_size(&venue);
    inside->venue_memory = world_memory(inside->venue_size);
    inside->world_size = sim_world_size(&world);
    inside->world_memory = world_memory(inside->world_size);
    inside->engine_size = engine_size(&engine);
    inside->engine_memory = world_memory(inside->engine_size);
    if (inside->venue_memory == NULL || inside->world_memory == NULL || inside->engine_memory == NULL) {
        free(limits);
        return world_no_memory(why);
    }
    const struct venue_sink venue_sink = sim_world_sink(inside->world_memory, 0);
    stage->venue = venue_init(inside->venue_memory, &venue, &venue_sink);
    world.venue = stage->venue;
    err = world_followers_venues(stage, venue, why);
    if (err != ERR_OK) {
        free(limits);
        return err;
    }
    for (uint16_t i = 0; i < stage->follower_count; i++)
        venues[i] = stage->followers[i].venue;
    stage->world = sim_world_init(inside->world_memory, &world);
    inside->queue_kind = config->venue.queue.kind;
    inside->strategy_state = config->strategy_state;
    inside->strategy_size = config->strategy_state_size;
    stage->engine = engine_init(inside->engine_memory, &engine, stage->world, config->strategy_state);
    err = world_followers_engines(stage, config, engine, why);
    free(limits);
    sim_world_books(stage->world, engine_books, stage->engine);
    sim_world_marks(stage->world, engine_marks);
    if (err == ERR_OK)
        err = world_deposit(config, engine_account(stage->engine), why);
    if (err == ERR_OK)
        err = world_deposit(config, venue_account(stage->venue), why);
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
    return stage_open_session(stage, config, sink, watch, NULL, why);
}

err_t stage_open_session(struct stage **stage, const struct run_config *config, const struct engine_sink *sink,
                         const struct stage_watch *watch, const struct stage_session *session, struct err_text *why)
{
    static const struct stage_watch nobody = {NULL, NULL, NULL};
    struct stage *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return world_no_memory(why);
    opened->inside = calloc(1, sizeof(*opened->inside));
    err_t err = opened->inside != NULL ? ERR_OK : world_no_memory(why);
    if (err == ERR_OK) /* before the world is built, which reads these lanes */
        err = world_lanes_open(opened, config, session, session == NULL && watch != NULL, why);
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
    if (inside != NULL) {
        if (stage->world != NULL)
            stage->world->ops->close(stage->world);
        world_lanes_close(stage);
        world_memory_free(inside->venue_memory, inside->venue_size);
        world_memory_free(inside->world_memory, inside->world_size);
        world_memory_free(inside->engine_memory, inside->engine_size);
        world_followers_close(stage);
        free(inside->impacts);
        free(inside->margin);
        free(inside->funding);
        free(inside->rules);
        free(inside->rules_of);
        free(inside);
    }
    free(stage);
}
