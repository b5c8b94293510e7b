#include "cli/watch_model.h"

#include "cli/strategy_variables.h"
#include "cli/why_words.h"

#include <stdio.h>
#include <string.h>

/* ---- the last input ---- */

static void tell_input(struct watch_model *model, const struct stage *stage, const struct event *event)
{
    struct words words = {.stage = stage};
    if (event == NULL) {
        strcpy(model->last, model->input == 0 ? "the start: no input was handled yet" : "");
        return;
    }
    struct why_source source = {.known = true,
                                .kind = event->kind,
                                .flags = event->flags,
                                .lane = event->lane,
                                .ts = event->ts,
                                .exch_ts = event->exch_ts,
                                .seq = event->seq,
                                .seq_first = event->seq_first};
    words.instrument = &stage->instruments[event->instrument < stage->instrument_count ? event->instrument : 0];
    const char *symbol = event->instrument < stage->instrument_count && stage->instrument_count > 1
                             ? words_print(&words, "%s ", words.instrument->symbol)
                             : "";
    if (event->kind == EVENT_EXECUTION) {
        const struct execution *execution = event->body;
        source.order_id = execution->order_id;
        source.exec_kind = execution->kind;
    } else if (stage->numbers != NULL && event->lane < stage->lane_count) {
        source.numbered = number_feed_find(stage->numbers[event->lane], event, &source.number);
    }
    if (event->kind == EVENT_TRADE || event_is_level3(event->kind)) {
        source.price = event->levels[0].price;
        source.qty = event->levels[0].qty;
    }
    snprintf(model->last, sizeof(model->last), "%s%s%s", symbol, words_source(&words, &source),
             words_stamp(&words, event->ts, event->exch_ts));
}

/* ---- orders ---- */

static void take_order(struct watch_model *model, const struct stage *stage, const struct order *order)
{
    if (model->order_count++ >= WATCH_ORDERS)
        return;
    struct watch_order *taken = &model->orders[model->order_count - 1];
    struct venue_order_view view;
    *taken = (struct watch_order){.id = order->id,
                                  .price = order->price,
                                  .qty = order->qty,
                                  .leaves = order_leaves(order),
                                  .since = order->submit_ts,
                                  .instrument = order->instrument,
                                  .side = order->side,
                                  .type = order->type,
                                  .state = order->state,
                                  .cancel_pending = order->cancel_pending,
                                  .amend_pending = order->amend_pending,
                                  .place = PLACE_AWAY};
    if (!venue_order(stage->venue, order->id, &view))
        return;
    taken->ahead = view.ahead;
    taken->place = view.price != order->price || view.leaves > order_leaves(order) ? PLACE_NEWS
                   : view.leaves < order_leaves(order)                             ? PLACE_FILL
                                                                                   : PLACE_RESTS;
}

/* ---- the book ---- */

static bool is_better(enum side side, px_t a, px_t b)
{
    return side == SIDE_BUY ? a > b : a < b;
}

/* The level of a price, put in where it belongs when the book shows nothing there; NULL: it lies behind all that are
 * kept, and there is no room. */
static struct watch_level *level_of(struct watch_model *model, const struct book *book, enum side side, px_t price)
{
    struct watch_level *levels = model->levels[side];
    uint32_t count = model->level_count[side], at = 0;
    while (at < count && is_better(side, levels[at].price, price))
        at++;
    if (at < count && levels[at].price == price)
        return &levels[at];
    if (at == WATCH_LEVELS)
        at--; /* the last of what is displayed makes room: ours are what is looked for */
    else if (count < WATCH_LEVELS)
        model->level_count[side] = ++count;
    memmove(&levels[at + 1], &levels[at], (count - at - 1) * sizeof(*levels));
    levels[at] = (struct watch_level){.price = price, .qty = book_qty_at(book, side, price)};
    return &levels[at];
}

static void take_book(struct watch_model *model, const struct stage *stage, uint16_t instrument)
{
    const struct book *book = engine_book(stage->engine, instrument);
    struct level best[WATCH_LEVELS];
    model->book_flags = book->flags;
    memcpy(model->touch, book->touch, sizeof(model->touch));
    for (int side = SIDE_BUY; side <= SIDE_SELL; side++) {
        const uint32_t count = book_top(book, (enum side)side, best, WATCH_LEVELS);
        for (uint32_t i = 0; i < count; i++)
            model->levels[side][i] = (struct watch_level){.price = best[i].price, .qty = best[i].qty};
        model->level_count[side] = count;
    }
    const uint32_t kept = model->order_count < WATCH_ORDERS ? model->order_count : WATCH_ORDERS;
    for (uint32_t i = 0; i < kept; i++) {
        const struct watch_order *order = &model->orders[i];
        if (order->instrument != instrument || order->price == 0 || order->leaves <= 0)
            continue;
        struct watch_level *level = level_of(model, book, (enum side)order->side, order->price);
        level->own += order->leaves;
        level->count++;
        if (order->place != PLACE_AWAY && (!level->placed || order->ahead < level->ahead)) {
            level->ahead = order->ahead;
            level->placed = true;
        }
    }
}

/* ---- money ---- */

static void take_account(struct watch_model *model, const struct stage *stage, uint16_t number)
{
    const struct instrument *instrument = &stage->instruments[number];
    const struct account *account = engine_account_view(stage->engine);
    model->position = *account_position(account, number);
    model->entry_decimals = instrument->price_decimals < DECIMALS_MAX - 4 ? 4 : 0;
    model->entry = account_entry_price(account, number, model->entry_decimals);
    const struct level *touch = model->touch;
    px_t price = 0;
    if (touch[SIDE_BUY].qty != 0 && touch[SIDE_SELL].qty != 0)
        price = touch[SIDE_BUY].price + (touch[SIDE_SELL].price - touch[SIDE_BUY].price) / 2;
    model->marked = price > 0 && account_unrealised(account, number, price, &model->unrealised) == ERR_OK;
    const struct event_mark *mark = engine_mark(stage->engine, number);
    model->has_mark = mark != NULL;
    if (mark != NULL)
        model->mark = *mark;
    memcpy(model->currency, instrument->settle, sizeof(model->currency));
    model->equity = engine_equity(stage->engine, instrument->settle);
    model->balance_count = account_balance_count(account);
    for (uint32_t i = 0; i < model->balance_count && i < WATCH_BALANCES; i++) {
        const struct balance *balance = account_balance_at(account, i);
        memcpy(model->balances[i].currency, balance->currency, sizeof(balance->currency));
        model->balances[i].total = balance->total;
        model->balances[i].locked = balance->locked;
    }
}

static void take_variables(struct watch_model *model, const struct stage *stage, const struct strategy *strategy)
{
    char text[VARIABLE_TEXT_SIZE];
    model->variable_count = strategy->variable_count;
    for (uint32_t i = 0; i < strategy->variable_count && i < WATCH_VARIABLES; i++) {
        struct watch_variable *variable = &model->variables[i];
        strategy_variable_text(&strategy->variables[i], engine_strategy_state(stage->engine), stage->instruments,
                               stage->instrument_count, text);
        memcpy(variable->name, strategy->variables[i].name, strnlen(strategy->variables[i].name, 31));
        memcpy(variable->text, text, strnlen(text, 63));
    }
}

void watch_model_take(struct watch_model *model, const struct stage *stage, const struct strategy *strategy,
                      uint16_t instrument, const struct event *event)
{
    ASSERT(instrument < stage->instrument_count);
    memset(model, 0, sizeof(*model));
    model->counters = *engine_counters(stage->engine);
    model->input = model->counters.inputs;
    model->ts = model->input == 0 ? 0 : engine_now(stage->engine);
    model->instrument = instrument;
    model->instrument_count = stage->instrument_count;
    tell_input(model, stage, event);
    for (const struct order *order = order_table_next_open(engine_orders(stage->engine), NULL); order != NULL;
         order = order_table_next_open(engine_orders(stage->engine), order))
        take_order(model, stage, order);
    take_book(model, stage, instrument);
    take_account(model, stage, instrument);
    take_variables(model, stage, strategy);
}
