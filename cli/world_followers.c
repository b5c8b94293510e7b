#include "cli/world_inside.h"

#include <stdlib.h>
#include <string.h>

static err_t deposit(struct account *account, const struct config_balance *balance, struct err_text *why)
{
    err_t err = account_deposit(account, balance->currency, balance->amount);
    return err == ERR_OK
               ? ERR_OK
               : err_say(why, err, "account.balances.%s: cannot be deposited: %s", balance->currency, err_words(err));
}

err_t world_deposit(const struct run_config *config, struct account *account, struct err_text *why)
{
    err_t err = ERR_OK;
    for (uint32_t i = 0; i < config->balance_count && err == ERR_OK; i++)
        err = deposit(account, &config->balances[i], why);
    return err;
}

err_t world_followers_venues(struct stage *stage, struct venue_config venue, struct err_text *why)
{
    struct stage_inside *inside = stage->inside;
    venue.leader = stage->venue;
    venue.watch = NULL;
    for (uint16_t i = 0; i < stage->follower_count; i++) {
        struct stage_follower *follower = &stage->followers[i];
        const struct venue_sink sink = sim_world_sink(inside->world_memory, (uint16_t)(i + 1));
        venue.queue = follower->queue;
        inside->followers[i].venue_size = venue_size(&venue);
        inside->followers[i].venue_memory = world_memory(inside->followers[i].venue_size);
        if (inside->followers[i].venue_memory == NULL)
            return world_no_memory(why);
        follower->venue = venue_init(inside->followers[i].venue_memory, &venue, &sink);
    }
    return ERR_OK;
}

err_t world_followers_engines(struct stage *stage, const struct run_config *config, struct engine_config engine,
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
        const size_t size = config->strategy_state_size;
        void *state = world_memory(size);
        inside->followers[i].strategy_state = state;
        inside->followers[i].strategy_size = size;
        inside->followers[i].engine_size = engine_size(&engine);
        inside->followers[i].engine_memory = world_memory(inside->followers[i].engine_size);
        if (state == NULL || inside->followers[i].engine_memory == NULL)
            return world_no_memory(why);
        memcpy(state, config->strategy_state, config->strategy->state_size); /* what follows is zero, there too */
        follower->engine = engine_init(inside->followers[i].engine_memory, &engine,
                                       sim_world_branch(stage->world, (uint16_t)(i + 1)), state);
        err = world_deposit(config, engine_account(follower->engine), why);
        if (err == ERR_OK)
            err = world_deposit(config, venue_account(follower->venue), why);
    }
    return err;
}

void world_followers_close(struct stage *stage)
{
    struct stage_inside *inside = stage->inside;
    for (size_t i = 0; i < STAGE_FOLLOWERS_MAX; i++) {
        world_memory_free(inside->followers[i].venue_memory, inside->followers[i].venue_size);
        world_memory_free(inside->followers[i].engine_memory, inside->followers[i].engine_size);
        world_memory_free(inside->followers[i].strategy_state, inside->followers[i].strategy_size);
    }
}
