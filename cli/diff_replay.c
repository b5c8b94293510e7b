#include "cli/diff_replay.h"

#include "cli/stop_signal.h"
#include "feeds/number_feed.h"

#include <inttypes.h>
#include <string.h>

uint64_t diff_replay_inputs(const struct rerun *rerun)
{
    return engine_counters(rerun->stage->engine)->inputs;
}

/* As engine_digest puts the two together. */
static struct digest_value digest_of(const struct event_checkpoint *at)
{
    struct digest both;
    digest_init(&both, 0);
    digest_u64(&both, at->market[0]);
    digest_u64(&both, at->market[1]);
    digest_u64(&both, at->outputs[0]);
    digest_u64(&both, at->outputs[1]);
    return digest_value(&both);
}

static err_t not_as_recorded(const struct diff_side *side, struct err_text *why)
{
    return err_say(
        why, ERR_MISMATCH,
        "this binary does not execute %s as its journal says (made by build %s), so its state cannot be told",
        side->name, side->build_id);
}

static void on_record(void *context, const struct event *now)
{
    struct diff_proof *proof = context;
    const struct event *then;
    if (proof->differs || proof->rerun == NULL || proof->rerun->seeking)
        return;
    proof->differs = diff_journal_at(&proof->then, proof->next, &then, NULL) != ERR_OK || !tape_event_same(then, now);
    proof->next++;
}

static err_t bring(struct rerun **rerun, struct diff_proof *proof, const struct diff_side *side,
                   const struct diff_mark *mark, struct err_text *why)
{
    proof->journal = (struct journal){proof, on_record};
    proof->watch.journal = &proof->journal;
    proof->next = mark->start ? 0 : mark->record + 1;
    err_t err = diff_journal_open(&proof->then, side->journal_path, why);
    if (err == ERR_OK)
        err = rerun_open(rerun, side->dir, &side->options, why);
    if (err == ERR_OK)
        err = rerun_bound(*rerun, side->inputs, why);
    if (err == ERR_OK)
        err = rerun_stage(*rerun, NULL, &proof->watch, why);
    if (err == ERR_OK)
        err = rerun_seek(*rerun, mark->start ? 0 : mark->at.inputs, why);
    if (err != ERR_OK)
        return err;
    proof->rerun = *rerun; /* from here on */
    if (mark->start)
        return ERR_OK;
    const struct digest_value got = engine_digest((*rerun)->stage->engine), wanted = digest_of(&mark->at);
    return got.low == wanted.low && got.high == wanted.high ? ERR_OK : not_as_recorded(side, why);
}

err_t diff_replay_open(struct diff_replay *replay, const struct diff_side *a, const struct diff_side *b,
                       const struct diff_mark *mark, struct err_text *why)
{
    *replay = (struct diff_replay){0};
    err_t err = bring(&replay->a, &replay->proof_a, a, mark, why);
    if (err == ERR_OK)
        err = bring(&replay->b, &replay->proof_b, b, mark, why);
    return err == ERR_END ? err_say(why, ERR_MISMATCH, "a run ends before its journal does") : err;
}

err_t diff_replay_proved(const struct diff_replay *replay, const struct diff_side *a, const struct diff_side *b,
                         struct err_text *why)
{
    if (!replay->proof_a.differs && !replay->proof_b.differs)
        return ERR_OK;
    return not_as_recorded(replay->proof_a.differs ? a : b, why);
}

err_t diff_replay_finish(struct diff_replay *replay, const struct diff_side *a, const struct diff_side *b,
                         struct err_text *why)
{
    struct err_text unheard = {0};
    if (rerun_finish(replay->a, &unheard) != ERR_OK)
        return not_as_recorded(a, why);
    return rerun_finish(replay->b, &unheard) != ERR_OK ? not_as_recorded(b, why) : ERR_OK;
}

/* The input that was just handled: it stands before the place in the world's run where the next one is. */
static err_t step(struct rerun *rerun, struct diff_input *input, struct err_text *why)
{
    err_t err = rerun_advance(rerun, 1, why);
    tape_message_free(&input->message);
    *input = (struct diff_input){0};
    if (err == ERR_END)
        return ERR_OK;
    if (err != ERR_OK)
        return err;
    const struct stage *stage = rerun->stage;
    const struct event *event = stage->world->run.at - 1;
    input->lane = event->lane;
    input->numbered = event->kind != EVENT_EXECUTION && event->lane < stage->lane_count &&
                      number_feed_find(stage->numbers[event->lane], event, &input->number);
    err = tape_message_keep(&input->message, event);
    return err == ERR_OK ? ERR_OK : err_say(why, err, "out of memory");
}

bool diff_inputs_same(const struct diff_input *a, const struct diff_input *b)
{
    if (!a->message.known || !b->message.known)
        return a->message.known == b->message.known;
    return tape_event_same(&a->message.event, &b->message.event) && a->lane == b->lane;
}

err_t diff_replay_market(struct rerun *rerun, struct diff_input *input, struct err_text *why)
{
    err_t err = ERR_OK;
    while (err == ERR_OK && input->message.known && input->message.event.kind == EVENT_EXECUTION)
        err = step(rerun, input, why);
    return err;
}

static bool digests_same(const struct diff_replay *replay)
{
    const struct digest_value a = engine_digest(replay->a->stage->engine),
                              b = engine_digest(replay->b->stage->engine);
    return a.low == b.low && a.high == b.high;
}

err_t diff_replay_walk(struct diff_replay *replay, uint64_t limit, bool digests, enum diff_stop *stop,
                       struct err_text *why)
{
    *stop = DIFF_STOP_LIMIT;
    while (*stop == DIFF_STOP_LIMIT && diff_replay_inputs(replay->a) < limit) {
        if (stop_signal() != 0)
            return err_say(why, ERR_INTERRUPTED, "interrupted");
        err_t err = step(replay->a, &replay->of_a, why);
        if (err == ERR_OK)
            err = step(replay->b, &replay->of_b, why);
        if (err != ERR_OK)
            return err;
        if (!diff_inputs_same(&replay->of_a, &replay->of_b))
            *stop = DIFF_STOP_INPUT;
        else if (!replay->of_a.message.known)
            *stop = DIFF_STOP_END;
        else if (digests && !digests_same(replay))
            *stop = DIFF_STOP_DIGEST;
    }
    return ERR_OK;
}

err_t diff_replay_step(struct diff_replay *replay, struct err_text *why)
{
    err_t err = rerun_advance(replay->a, 1, why);
    if (err == ERR_OK || err == ERR_END)
        err = rerun_advance(replay->b, 1, why);
    return err == ERR_END ? ERR_OK : err;
}

err_t diff_replay_to(struct diff_replay *replay, uint64_t inputs_a, uint64_t inputs_b, struct err_text *why)
{
    err_t err = rerun_seek(replay->a, inputs_a, why);
    if (err == ERR_OK || err == ERR_END)
        err = rerun_seek(replay->b, inputs_b, why);
    return err == ERR_END ? ERR_OK : err;
}

void diff_replay_close(struct diff_replay *replay)
{
    rerun_close(replay->a);
    rerun_close(replay->b);
    diff_journal_close(&replay->proof_a.then);
    diff_journal_close(&replay->proof_b.then);
    tape_message_free(&replay->of_a.message);
    tape_message_free(&replay->of_b.message);
    *replay = (struct diff_replay){0};
}

/* ---- state ---- */

static void put(json_t *object, const char *name, const char *field, const char *text)
{
    char key[160];
    snprintf(key, sizeof(key), "%s.%s", name, field);
    json_set_text(object, key, text);
}

static void put_decimal(json_t *object, const char *name, const char *field, money_t value, unsigned decimals)
{
    char text[DECIMAL_TEXT_SIZE];
    decimal_format(text, value, decimals, 0);
    put(object, name, field, text);
}

static void put_level(json_t *object, const char *name, const char *field, const struct instrument *instrument,
                      const struct level *level)
{
    char price[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE], text[2 * DECIMAL_TEXT_SIZE + 8];
    instrument_format_price(instrument, level->price, price);
    instrument_format_qty(instrument, level->qty, qty);
    snprintf(text, sizeof(text), "%s x %s", price, qty);
    put(object, name, field, level->qty != 0 ? text : "none");
}

static void put_instrument(json_t *object, const struct stage *stage, uint16_t number)
{
    const struct instrument *instrument = &stage->instruments[number];
    const struct book *book = engine_book(stage->engine, number);
    const struct position *position = account_position(engine_account_view(stage->engine), number);
    char name[NAME_SIZE + SYMBOL_SIZE + 2];
    snprintf(name, sizeof(name), "%s:%s", instrument->venue, instrument->symbol);
    put_level(object, name, "bid", instrument, &book->touch[SIDE_BUY]);
    put_level(object, name, "ask", instrument, &book->touch[SIDE_SELL]);
    put_decimal(object, name, "book.seq", (money_t)book->seq, 0);
    put_decimal(object, name, "position", position->qty, instrument->qty_decimals);
    put_decimal(object, name, "bought", position->bought, instrument->qty_decimals);
    put_decimal(object, name, "sold", position->sold, instrument->qty_decimals);
    put_decimal(object, name, "realised", position->realised, MONEY_DECIMALS);
    put_decimal(object, name, "fees", position->fees, MONEY_DECIMALS);
    put_decimal(object, name, "funding", position->funding, MONEY_DECIMALS);
}

static void put_order(json_t *object, const struct stage *stage, const struct order *order)
{
    const struct instrument *instrument = &stage->instruments[order->instrument];
    char name[40], price[DECIMAL_TEXT_SIZE], leaves[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE],
        ahead[DECIMAL_TEXT_SIZE], text[320];
    struct venue_order_view view;
    instrument_format_price(instrument, order->price, price);
    instrument_format_qty(instrument, order_leaves(order), leaves);
    instrument_format_qty(instrument, order->qty, qty);
    snprintf(name, sizeof(name), "order %" PRIu64, order->id);
    snprintf(text, sizeof(text), "%s %s of %s at %s, %s", side_name((enum side)order->side), leaves, qty, price,
             order_state_name((enum order_state)order->state));
    json_set_text(object, name, text);
    if (!venue_order(stage->venue, order->id, &view))
        return;
    if (view.ahead != INT64_MAX)
        instrument_format_qty(instrument, view.ahead, ahead);
    put(object, name, "ahead", view.ahead != INT64_MAX ? ahead : "unknown");
}

json_t *diff_state_json(const struct rerun *rerun)
{
    const struct stage *stage = rerun->stage;
    const struct account *account = engine_account_view(stage->engine);
    const struct engine_counters *counters = engine_counters(stage->engine);
    json_t *object = json_object();
    for (uint16_t i = 0; i < stage->instrument_count; i++)
        put_instrument(object, stage, i);
    for (uint32_t i = 0; i < account_balance_count(account); i++) {
        const struct balance *balance = account_balance_at(account, i);
        put_decimal(object, balance->currency, "balance", balance->total, MONEY_DECIMALS);
        put_decimal(object, balance->currency, "locked", balance->locked, MONEY_DECIMALS);
    }
    for (struct order *order = order_table_next_open(engine_orders(stage->engine), NULL); order != NULL;
         order = order_table_next_open(engine_orders(stage->engine), order))
        put_order(object, stage, order);
    put_decimal(object, "run", "orders", (money_t)counters->orders, 0);
    put_decimal(object, "run", "fills", (money_t)counters->fills, 0);
    put_decimal(object, "run", "timers", (money_t)counters->timers_fired, 0);
    return object;
}
