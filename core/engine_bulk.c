/* Verbs about more than one order. What they put on the way is made of the same steps as a single order: each new one
 * passes the gate and the table by itself (engine_place). */
#include "core/engine_state.h"

static struct engine *engine_of(struct strategy_ctx *ctx)
{
    return (struct engine *)(void *)ctx;
}

static void fold(struct engine *engine, enum digest_mark mark, uint64_t a, uint64_t b)
{
    struct digest *digest = engine_outputs(engine);
    digest_u64(digest, (uint64_t)mark << 56 | a);
    digest_u64(digest, (uint64_t)engine->now);
    digest_u64(digest, b);
    if (engine->journal != NULL)
        engine_journal_request(engine, mark, a, b);
}

err_t engine_verb_replace(struct strategy_ctx *ctx, uint64_t order_id, const struct order_request *request,
                          enum replace_mode mode, uint64_t *new_id)
{
    struct engine *engine = engine_of(ctx);
    struct order *old = order_table_find(engine->orders, order_id);
    if (old == NULL || !order_is_open(old))
        return ERR_NOTFOUND;
    if (old->cancel_pending != CANCEL_NONE || old->amend_pending)
        return ERR_STATE;
    if (!engine_takes_request(engine, request) || request->instrument != old->instrument ||
        mode > REPLACE_ALLOW_FAILURE || ((request->flags & ORDER_REMAINING) && request->funds != 0))
        return ERR_RANGE;
    fold(engine, DIGEST_REPLACE, (uint64_t)mode, order_id);
    err_t err = engine_place(engine, request, old, mode, new_id);
    if (err != ERR_OK)
        return err;
    if (UNLIKELY(engine->observer != NULL))
        engine_observe_cancel(engine, old);
    old->cancel_pending = CANCEL_ALONE;
    engine->counters.cancels++;
    return ERR_OK;
}

err_t engine_verb_cancel_all(struct strategy_ctx *ctx, uint16_t instrument)
{
    struct engine *engine = engine_of(ctx);
    if (instrument >= engine->instrument_count)
        return ERR_RANGE;
    if (order_table_open_count_of(engine->orders, instrument) == 0)
        return ERR_NOTFOUND;
    err_t err = engine->world->ops->cancel_all(engine->world, engine->now, instrument);
    if (err != ERR_OK)
        return err;
    for (struct order *order = order_table_next_open(engine->orders, NULL); order != NULL;
         order = order_table_next_open(engine->orders, order))
        if (order->instrument == instrument && order->cancel_pending == CANCEL_NONE) {
            if (UNLIKELY(engine->observer != NULL))
                engine_observe_cancel(engine, order);
            order->cancel_pending = CANCEL_WITH_ALL;
        }
    engine->counters.cancels++;
    fold(engine, DIGEST_CANCEL_ALL, instrument, 0);
    return ERR_OK;
}

/* Of cancel-all: each order that waited for it is told. Of a countdown: counted. */
void engine_on_refusal(struct engine *engine, const struct event *event)
{
    const struct execution *refusal = event->body;
    if (refusal->kind != EXEC_CANCEL_REJECT && refusal->kind != EXEC_AMEND_REJECT) {
        engine->counters.illegal_reports++;
        return;
    }
    engine->counters.rejects++;
    if (refusal->kind == EXEC_AMEND_REJECT)
        return;
    for (struct order *order = order_table_next_open(engine->orders, NULL); order != NULL;
         order = order_table_next_open(engine->orders, order)) {
        if (order->instrument != event->instrument || order->cancel_pending != CANCEL_WITH_ALL)
            continue;
        struct execution execution = *refusal;
        execution.order_id = order->id;
        struct order *same;
        if (order_table_apply(engine->orders, &execution, event->ts, &same) == ERR_OK)
            engine_tell_order(engine, order, &execution);
    }
}

err_t engine_verb_countdown(struct strategy_ctx *ctx, uint16_t instrument, ns_t delay)
{
    struct engine *engine = engine_of(ctx);
    if (instrument >= engine->instrument_count || delay < 0)
        return ERR_RANGE;
    err_t err = engine->world->ops->countdown(engine->world, engine->now, instrument, delay);
    if (err == ERR_OK)
        fold(engine, DIGEST_COUNTDOWN, instrument, (uint64_t)delay);
    return err;
}

static err_t act(struct strategy_ctx *ctx, struct order_action *action)
{
    switch (action->kind) {
    case ACTION_SUBMIT:
        return ctx->verbs->submit(ctx, &action->request, &action->order_id);
    case ACTION_CANCEL:
        return ctx->verbs->cancel(ctx, action->order_id);
    case ACTION_AMEND:
        return ctx->verbs->amend(ctx, action->order_id, action->price, action->qty);
    }
    return ERR_RANGE;
}

err_t engine_verb_batch(struct strategy_ctx *ctx, struct order_action *actions, uint32_t count)
{
    struct engine *engine = engine_of(ctx);
    if (count > ORDER_BATCH_MAX)
        return ERR_RANGE;
    fold(engine, DIGEST_BATCH, count, 0);
    engine->world->ops->batch(engine->world, engine->now, true);
    for (uint32_t i = 0; i < count; i++)
        actions[i].result = act(ctx, &actions[i]);
    engine->world->ops->batch(engine->world, engine->now, false);
    return ERR_OK;
}
