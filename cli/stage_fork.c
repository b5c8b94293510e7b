#include "cli/stage_fork.h"

#include "cli/world_inside.h"

#include <stdlib.h>
#include <string.h>

#define WORDS (STAGE_PAGE / sizeof(uint64_t))

/* Keys that stand for numbers which the state does not hang on. */
static const char *const keys[] = {
    "strategy.params.",    "venue.fees.",      "venue.latency.",    "venue.queue",
    "venue.trade_through", "venue.impact.",    "venue.faults.",     "venue.margin.leverage",
    "venue.check_funds",   "venue.self_trade", "venue.order_types", "risk.",
};

err_t stage_fork_check_key(const char *set, struct err_text *why)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (strncmp(set, keys[i], strlen(keys[i])) == 0)
            return ERR_OK;
    return err_say(
        why, ERR_CONFIG,
        "--set %s: cannot be changed in the middle of a run. What can: strategy.params.*, venue.fees.*, "
        "venue.latency.*, venue.queue and its terms, venue.impact.*, venue.faults.*, venue.margin.leverage, "
        "risk.*, and how the venue judges orders. Anything else: run it from the beginning",
        set);
}

static err_t refuse(uint32_t block, struct err_text *why)
{
    return err_say(why, ERR_CONFIG,
                   "a value of the config that is changed is one that the run has worked with since: it is in the "
                   "memory of %s and is not any more what it was at the start. It can be changed only from the "
                   "beginning of the run",
                   stage_block_name(block));
}

/* Both have it, and it leads to the same place of the same block; or to none. */
static bool leads_elsewhere(const struct stage *old, const struct stage *new, uint64_t was, uint64_t is)
{
    uint32_t block;
    size_t from, to;
    return stage_block_at(old, was, &block, &from) && stage_block_at(new, is, &block, &to) && from != to;
}

static err_t merge_word(const uint8_t *was, const uint8_t *is, const uint8_t *then, uint8_t *word)
{
    for (size_t i = 0; i < sizeof(uint64_t); i++) {
        if (was[i] != is[i] && then[i] != was[i])
            return ERR_CONFIG;
        word[i] = was[i] == is[i] ? then[i] : is[i];
    }
    return ERR_OK;
}

static err_t merge_page(const struct stage *old, const struct stage *new, const uint64_t *was, const uint64_t *is,
                        const uint64_t *then, uint64_t *page)
{
    for (size_t i = 0; i < WORDS; i++) {
        page[i] = was[i] == is[i] ? then[i] : is[i];
        if (was[i] == is[i])
            continue;
        if (leads_elsewhere(old, new, was[i], is[i]))
            return ERR_STATE;
        if (then[i] != was[i] && merge_word((const uint8_t *)&was[i], (const uint8_t *)&is[i],
                                            (const uint8_t *)&then[i], (uint8_t *)&page[i]) != ERR_OK)
            return ERR_CONFIG;
    }
    return ERR_OK;
}

struct forking {
    const struct stage *old;
    const struct stage *new;
    const struct stage_image *was; /* the beginning of the old, and of the new */
    const struct stage_image *is;
    const struct stage_image *then;
};

static err_t merge(const struct forking *fork, struct stage_image *target, struct err_text *why)
{
    for (uint32_t i = 0; i < target->block_count; i++)
        for (uint32_t page = 0; page < target->blocks[i].page_count; page++) {
            if (fork->was->blocks[i].pages[page] == NULL && fork->is->blocks[i].pages[page] == NULL &&
                fork->then->blocks[i].pages[page] == NULL)
                continue;
            _Alignas(64) uint64_t merged[WORDS];
            err_t err = merge_page(fork->old, fork->new, (const void *)stage_image_read(fork->was, i, page),
                                   (const void *)stage_image_read(fork->is, i, page),
                                   (const void *)stage_image_read(fork->then, i, page), merged);
            if (err == ERR_STATE)
                return err_say(why, ERR_CONFIG,
                               "the change gives the memory of %s another shape: it can be made only "
                               "from the beginning of the run",
                               stage_block_name(i));
            if (err != ERR_OK)
                return refuse(i, why);
            uint8_t *copy = stage_image_page(target, i, page);
            if (copy == NULL)
                return world_no_memory(why);
            memcpy(copy, merged, STAGE_PAGE);
        }
    return ERR_OK;
}

static err_t put(struct stage *old, struct stage *new, const struct stage_image *first, struct err_text *why)
{
    struct stage_image *is = NULL, *then = NULL, *target = NULL;
    struct feed_mark *marks = calloc(old->lane_count, sizeof(*marks));
    err_t err = marks == NULL ? world_no_memory(why) : ERR_OK;
    if (err == ERR_OK && (stage_settle(old) != ERR_OK || stage_marks(old, marks) != ERR_OK))
        err = err_say(why, ERR_CONFIG,
                      "the run cannot be forked here: before the first of its inputs, or where a lane "
                      "begins with books that were put together; take a later place");
    if (err == ERR_OK)
        err = stage_image_take(&then, old, why);
    if (err == ERR_OK)
        err = stage_image_take(&is, new, why);
    if (err == ERR_OK && !stage_image_same_shape(is, then))
        err = err_say(why, ERR_CONFIG,
                      "the change gives the state another size: it can be made only from the beginning "
                      "of the run");
    if (err == ERR_OK)
        err = stage_image_new(&target, new, why);
    const struct forking fork = {old, new, first, is, then};
    if (err == ERR_OK)
        err = merge(&fork, target, why);
    if (err == ERR_OK)
        err = stage_write(new, target, marks, why);
    if (err == ERR_OK)
        sim_world_hold(new->world);
    stage_image_free(is);
    stage_image_free(then);
    stage_image_free(target);
    free(marks);
    return err;
}

static bool places_are_kept(enum queue_kind kind)
{
    return kind != QUEUE_PESSIMISTIC && kind != QUEUE_L3_FIFO;
}

err_t stage_fork(struct stage *stage, const struct stage_image *first, const struct run_config *config,
                 const struct engine_sink *sink, const struct stage_watch *watch, struct stage **before,
                 struct err_text *why)
{
    struct stage *forked;
    ASSERT(stage->follower_count == 0);
    if (places_are_kept(config->venue.queue.kind) != places_are_kept(stage->inside->queue_kind) &&
        venue_open_count(stage->venue) != 0)
        return err_say(why, ERR_CONFIG,
                       "venue.queue: the place of an order that rests is kept in another way by that "
                       "model, and %u rest here; take a moment without, or a model of the same sort",
                       venue_open_count(stage->venue));
    err_t err = stage_open_watched(&forked, config, sink, watch, why);
    if (err != ERR_OK)
        return err;
    err = engine_start_unheard(forked->engine);
    if (err != ERR_OK)
        err = err_say(why, ERR_CONFIG, "the strategy '%s' refuses to start with the change: %s",
                      config->strategy->name, err_words(err));
    if (err == ERR_OK)
        err = put(stage, forked, first, why);
    if (err != ERR_OK) {
        stage_close(forked);
        return err;
    }
    const struct stage old = *stage;
    *stage = *forked;
    *forked = old;
    *before = forked;
    return ERR_OK;
}
