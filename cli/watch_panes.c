#include "cli/watch_layout.h"

#include "cli/values.h"

#include "core/decimal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* ---- the book: a ladder, asks above bids ---- */

struct ladder {
    struct screen *screen;
    const struct watch_model *model;
    const struct instrument *instrument;
    int col, price, qty, own; /* widths of the columns; `own` of both, ours and ahead */
    qty_t most;               /* the longest bar */
};

static int price_width(const struct watch_model *model, const struct instrument *instrument)
{
    char text[WATCH_TEXT];
    int width = 8;
    for (int side = SIDE_BUY; side <= SIDE_SELL; side++) {
        const int size = (int)strlen(watch_price(instrument, model->touch[side].price, text));
        width = size > width ? size : width;
    }
    return width > 14 ? 14 : width;
}

static void put_level(const struct ladder *ladder, int row, enum side side, uint32_t number, bool apart)
{
    const struct watch_level *level = &ladder->model->levels[side][number];
    const int bid = ladder->col, price = bid + ladder->qty + 1, ask = price + ladder->price + 1;
    const int own = ask + ladder->qty + 1, ahead = own + ladder->own + 1;
    char text[WATCH_TEXT];
    struct screen *screen = ladder->screen;
    if (level->qty != 0) {
        const enum screen_style style = side == SIDE_BUY ? STYLE_BID : STYLE_ASK;
        const int at = side == SIDE_BUY ? bid : ask;
        int bar = ladder->most == 0 ? 0 : (int)((u128_t)level->qty * (unsigned)ladder->qty / (uint64_t)ladder->most);
        bar = bar > ladder->qty ? ladder->qty : bar;
        screen_put_right(screen, row, at, ladder->qty, style,
                         watch_qty(ladder->instrument, level->qty, ladder->qty, text));
        screen_bar(screen, row, side == SIDE_BUY ? at + ladder->qty - bar : at, bar, style);
    }
    screen_put_right(screen, row, price, ladder->price,
                     level->count != 0 ? STYLE_OWN
                     : number == 0     ? STYLE_STRONG
                                       : STYLE_PLAIN,
                     watch_price(ladder->instrument, level->price, text));
    if (apart)
        (void)screen_put(screen, row, bid, 1, STYLE_FAINT, "⋮");
    if (level->count == 0)
        return;
    screen_put_right(screen, row, own, ladder->own, STYLE_OWN,
                     watch_qty(ladder->instrument, level->own, ladder->own, text));
    screen_put_right(screen, row, ahead, ladder->own, level->placed ? STYLE_PLAIN : STYLE_FAINT,
                     level->placed ? watch_ahead(ladder->instrument, level->ahead, ladder->own, text) : "-");
}

/* The levels of a side from the touch outward; where there is no room for one of ours, it takes the outermost row. */
static void put_side(const struct ladder *ladder, enum side side, int touch, int rows)
{
    const struct watch_model *model = ladder->model;
    const uint32_t count = model->level_count[side];
    const int step = side == SIDE_SELL ? -1 : 1;
    uint32_t beyond = (uint32_t)rows;
    while (beyond < count && model->levels[side][beyond].count == 0)
        beyond++;
    for (uint32_t i = 0; i < least(count, (uint32_t)rows); i++) {
        const bool apart = (int)i == rows - 1 && beyond < count && model->levels[side][i].count == 0;
        put_level(ladder, touch + step * (int)i, side, apart ? beyond : i, apart);
    }
}

static qty_t longest(const struct watch_model *model, uint32_t rows)
{
    qty_t most = 0;
    for (int side = SIDE_BUY; side <= SIDE_SELL; side++)
        for (uint32_t i = 0; i < least(model->level_count[side], rows); i++)
            most = model->levels[side][i].qty > most ? model->levels[side][i].qty : most;
    return most;
}

static void put_spread(const struct ladder *ladder, int row, int width)
{
    const struct level *bid = &ladder->model->touch[SIDE_BUY], *ask = &ladder->model->touch[SIDE_SELL];
    const uint32_t flags = ladder->model->book_flags;
    char text[WATCH_TEXT], spread[WATCH_TEXT], bp[DECIMAL_TEXT_SIZE];
    if (bid->qty == 0 || ask->qty == 0) {
        (void)screen_printf(ladder->screen, row, ladder->col + 2, width - 2, STYLE_BAD, " %s ",
                            bid->qty == 0 && ask->qty == 0 ? "the book is empty"
                            : bid->qty == 0                ? "no bids"
                                                           : "no asks");
        return;
    }
    const px_t apart = ask->price - bid->price, twice = ask->price + bid->price;
    watch_price(ladder->instrument, apart, spread);
    /* of the mid: apart / (twice / 2), in hundredths of a basis point */
    decimal_format(bp, twice > 0 ? money_divide((money_t)apart * 2000000, twice, ROUND_HALF_EVEN) : 0, 2, 0);
    watch_say(text, " spread %s (%s bp)%s%s ", spread, bp, (flags & BOOK_STALE) != 0 ? ", STALE" : "",
              (flags & BOOK_CROSSED) != 0 ? ", CROSSED" : "");
    const int size = screen_width(text);
    (void)screen_put(ladder->screen, row, ladder->col + (width > size ? (width - size) / 2 : 0), width,
                     (flags & (BOOK_STALE | BOOK_CROSSED)) != 0 ? STYLE_BAD : STYLE_FAINT, text);
}

void watch_pane_book(struct screen *screen, const struct watch_frame *frame, struct watch_pane pane)
{
    const struct watch_model *model = frame->model;
    const struct instrument *instrument = &frame->instruments[model->instrument];
    const int price = price_width(model, instrument);
    int each = (pane.width - 2 - price - 4) / 4; /* bids, asks, own, ahead */
    each = each > 12 ? 12 : each;
    const struct ladder ladder = {screen, model, instrument, pane.col + 1,
                                  price,  each,  each,       longest(model, (uint32_t)pane.height / 2)};
    screen_rule(screen, pane.row, pane.col, pane.width, "book");
    int col = ladder.col;
    static const char *const titles[] = {"bids", "price", "asks", "own", "ahead"};
    for (int i = 0; i < 5; i++) {
        const int width = i == 1 ? price : each;
        screen_put_right(screen, pane.row + 1, col, width, STYLE_FAINT, titles[i]);
        col += width + 1;
    }
    const int rows = pane.height - 3, asks = rows / 2, bids = rows - asks, middle = pane.row + 2 + asks;
    put_side(&ladder, SIDE_SELL, middle - 1, asks);
    put_spread(&ladder, middle, each * 2 + price + 2);
    put_side(&ladder, SIDE_BUY, middle + 1, bids);
}

/* ---- own orders ---- */

struct order_columns {
    int id, symbol, side, price, left, total, ahead, age, state; /* where each begins; 0: there is no room for it */
};
#define COLUMN_ID    7
#define COLUMN_SIDE  4
#define COLUMN_PRICE 11
#define COLUMN_QTY   8
#define COLUMN_AGE   7

static struct order_columns order_columns(const struct watch_frame *frame, struct watch_pane pane)
{
    const bool symbols = frame->model->instrument_count > 1;
    const int room = pane.width - (symbols ? 11 : 0);
    struct order_columns columns = {.id = pane.col + 1};
    int at = columns.id + COLUMN_ID + 1;
    columns.symbol = symbols ? at : 0;
    at += symbols ? 11 : 0;
    columns.side = at;
    columns.price = at += COLUMN_SIDE + 1;
    columns.left = at += COLUMN_PRICE + 1;
    at += COLUMN_QTY + 1;
    if (room >= 68) {
        columns.total = at;
        at += COLUMN_QTY + 4;
    }
    columns.ahead = at;
    at += COLUMN_QTY + 1;
    if (room >= 76) {
        columns.age = at;
        at += COLUMN_AGE + 1;
    }
    columns.state = at + 1;
    return columns;
}

static void put_order(struct screen *screen, const struct watch_frame *frame, struct watch_pane pane, int row,
                      const struct watch_order *order)
{
    const struct instrument *instrument = &frame->instruments[order->instrument];
    const struct order_columns at = order_columns(frame, pane);
    char text[WATCH_TEXT];
    watch_say(text, "%" PRIu64, order->id);
    screen_put_right(screen, row, at.id, COLUMN_ID, frame->order == order->id ? STYLE_KEY : STYLE_OWN, text);
    if (at.symbol != 0)
        (void)screen_put(screen, row, at.symbol, 10, STYLE_PLAIN, instrument->symbol);
    (void)screen_put(screen, row, at.side, COLUMN_SIDE, order->side == SIDE_BUY ? STYLE_BID : STYLE_ASK,
                     side_name((enum side)order->side));
    screen_put_right(screen, row, at.price, COLUMN_PRICE, STYLE_PLAIN,
                     order->price == 0 ? "market" : watch_price(instrument, order->price, text));
    screen_put_right(screen, row, at.left, COLUMN_QTY, STYLE_PLAIN,
                     watch_qty(instrument, order->leaves, COLUMN_QTY, text));
    if (at.total != 0)
        (void)screen_printf(screen, row, at.total, COLUMN_QTY + 3, STYLE_FAINT, "of %s",
                            watch_qty(instrument, order->qty, COLUMN_QTY, text));
    screen_put_right(screen, row, at.ahead, COLUMN_QTY, STYLE_PLAIN,
                     order->place == PLACE_AWAY ? "-" : watch_ahead(instrument, order->ahead, COLUMN_QTY, text));
    if (at.age != 0)
        screen_put_right(screen, row, at.age, COLUMN_AGE, STYLE_FAINT,
                         watch_age(frame->model->ts - order->since, text));
    const bool quiet = order->place == PLACE_RESTS && order->state == ORDER_LIVE &&
                       order->cancel_pending == CANCEL_NONE && order->amend_pending == 0;
    (void)screen_put(screen, row, at.state, pane.col + pane.width - at.state - 1, quiet ? STYLE_PLAIN : STYLE_STRONG,
                     watch_state(order, text));
}

static void put_label(struct screen *screen, int row, int col, int width, const char *label)
{
    char text[WATCH_TEXT];
    if (col != 0)
        screen_put_right(screen, row, col - 1, width + 2, STYLE_FRAME, watch_say(text, " %s ", label));
}

void watch_pane_orders(struct screen *screen, const struct watch_frame *frame, struct watch_pane pane)
{
    const struct watch_model *model = frame->model;
    const uint32_t kept = least(model->order_count, WATCH_ORDERS), rows = (uint32_t)pane.height - 1;
    const struct order_columns at = order_columns(frame, pane);
    const uint32_t shown = least(kept, rows);
    char title[WATCH_TEXT] = "own orders: none";
    if (model->order_count > shown)
        watch_say(title, "own orders: %u of %u", shown, model->order_count);
    else if (model->order_count > 0)
        watch_say(title, "own orders: %u", model->order_count);
    screen_rule(screen, pane.row, pane.col, pane.width, title);
    if (shown != 0) {
        put_label(screen, pane.row, at.price + 5, COLUMN_PRICE - 5, "price");
        put_label(screen, pane.row, at.left, COLUMN_QTY, "left");
        put_label(screen, pane.row, at.ahead, COLUMN_QTY, "ahead");
        put_label(screen, pane.row, at.age, COLUMN_AGE, "age");
        put_label(screen, pane.row, at.state, 5, "state");
    }
    for (uint32_t i = 0; i < shown; i++)
        put_order(screen, frame, pane, pane.row + 1 + (int)i, &model->orders[kept - shown + i]);
}

/* ---- position and balances ---- */

static int put_figure(struct screen *screen, struct watch_pane pane, int row, const char *label, const char *value,
                      enum screen_style style)
{
    if (row >= pane.row + pane.height)
        return row;
    const int used = screen_put(screen, row, pane.col + 1, pane.width - 2, STYLE_FAINT, label);
    screen_put_right(screen, row, pane.col + 2 + used, pane.width - used - 3, style, value);
    return row + 1;
}

static enum screen_style money_style(money_t value)
{
    return value < 0 ? STYLE_BAD : STYLE_PLAIN;
}

void watch_pane_account(struct screen *screen, const struct watch_frame *frame, struct watch_pane pane)
{
    const struct watch_model *model = frame->model;
    const struct instrument *instrument = &frame->instruments[model->instrument];
    const struct position *position = &model->position;
    char text[WATCH_TEXT], number[WATCH_TEXT], title[WATCH_TEXT];
    const int last = pane.row + pane.height;
    watch_say(title, "%" PRIu64 " orders, %" PRIu64 " fills", model->counters.orders, model->counters.fills);
    screen_rule(screen, pane.row, pane.col, pane.width, title);
    int row = pane.row + 1;
    watch_qty(instrument, position->qty, 20, number);
    if (position->qty != 0) {
        char entry[DECIMAL_TEXT_SIZE];
        decimal_format(entry, model->entry, (unsigned)instrument->price_decimals + model->entry_decimals,
                       instrument->price_show);
        watch_say(text, "%s at %s", number, entry);
    } else {
        watch_say(text, "flat");
    }
    row = put_figure(screen, pane, row, "position", text,
                     position->qty > 0   ? STYLE_BID
                     : position->qty < 0 ? STYLE_ASK
                                         : STYLE_PLAIN);
    if (model->has_mark)
        row =
            put_figure(screen, pane, row, "mark", watch_price(instrument, model->mark.mark_price, text), STYLE_PLAIN);
    row = put_figure(screen, pane, row, "unrealised", model->marked ? watch_money(model->unrealised, 6, text) : "-",
                     model->marked ? money_style(model->unrealised) : STYLE_FAINT);
    row = put_figure(screen, pane, row, "realised", watch_money(position->realised, 6, text),
                     money_style(position->realised));
    row = put_figure(screen, pane, row, "fees", watch_money(position->fees, 6, text), STYLE_PLAIN);
    if (position->funding != 0)
        row = put_figure(screen, pane, row, "funding", watch_money(position->funding, 6, text),
                         money_style(position->funding));
    watch_say(number, "equity %s", model->currency);
    row = put_figure(screen, pane, row, number, watch_money(model->equity, 6, text), STYLE_STRONG);
    for (uint32_t i = 0; i < least(model->balance_count, WATCH_BALANCES) && row < last; i++) {
        const struct watch_balance *balance = &model->balances[i];
        char locked[WATCH_TEXT];
        watch_money(balance->total, 6, text);
        if (balance->locked != 0)
            watch_add(text, " (%s locked)", watch_money(balance->locked, 6, locked));
        row = put_figure(screen, pane, row, balance->currency, text, STYLE_PLAIN);
    }
}

/* ---- trades of the market ---- */

void watch_pane_trades(struct screen *screen, const struct watch_frame *frame, struct watch_pane pane)
{
    const struct watch_model *model = frame->model;
    const struct instrument *instrument = &frame->instruments[model->instrument];
    const uint32_t shown = least(model->trade_count, (uint32_t)pane.height - 1);
    char text[WATCH_TEXT];
    screen_rule(screen, pane.row, pane.col, pane.width, "trades");
    for (uint32_t i = 0; i < shown; i++) { /* the newest on top */
        const struct watch_trade *trade = &model->trades[model->trade_count - 1 - i];
        const int row = pane.row + 1 + (int)i;
        const bool unknown = (trade->flags & EVENT_NO_SIDE) != 0, sold = (trade->flags & EVENT_SELL) != 0;
        const enum screen_style style = unknown ? STYLE_PLAIN : sold ? STYLE_ASK : STYLE_BID;
        const int clock = pane.width >= 36 ? 12 : 9; /* without the hour */
        watch_clock(trade->ts, text);
        (void)screen_put(screen, row, pane.col + 1, clock, trade->input == model->input ? STYLE_STRONG : STYLE_FAINT,
                         text + 12 - clock);
        int col = pane.col + 2 + clock;
        const int width = (pane.width - clock - 6) / 2;
        screen_put_right(screen, row, col, width, style, watch_price(instrument, trade->price, text));
        col += width + 1;
        screen_put_right(screen, row, col, width, style, watch_qty(instrument, trade->qty, width, text));
        (void)screen_put(screen, row, col + width + 1, 1, style, unknown ? "?" : sold ? "▼" : "▲");
    }
}

/* ---- what the strategy shows of itself ---- */

void watch_pane_variables(struct screen *screen, const struct watch_frame *frame, struct watch_pane pane)
{
    const struct watch_model *model = frame->model;
    const uint32_t kept = least(model->variable_count, WATCH_VARIABLES);
    char title[WATCH_TEXT];
    const int last = pane.row + pane.height;
    int row = pane.row + 1;
    watch_say(title, "strategy %s%s", frame->strategy, (int)kept > pane.height - 1 ? " ..." : "");
    screen_rule(screen, pane.row, pane.col, pane.width, title);
    if (kept == 0)
        (void)screen_put(screen, row, pane.col + 1, pane.width - 2, STYLE_FAINT, "it shows no variables");
    for (uint32_t i = 0; i < kept && row < last; i++)
        row = put_figure(screen, pane, row, model->variables[i].name, model->variables[i].text, STYLE_PLAIN);
}

/* ---- what happened to us ---- */

static enum screen_style entry_style(const struct watch_entry *entry)
{
    if (entry->kind == WATCH_FILL)
        return entry->side == SIDE_BUY ? STYLE_BID : STYLE_ASK;
    if (entry->kind == WATCH_LOG)
        return entry->level >= LOG_WARN ? STYLE_BAD : entry->level == LOG_DEBUG ? STYLE_FAINT : STYLE_GOOD;
    if (entry->kind == WATCH_REPORT && entry->exec_kind == EXEC_REJECT)
        return STYLE_BAD;
    return STYLE_PLAIN;
}

static void put_entry(struct screen *screen, const struct watch_frame *frame, struct watch_pane pane, int row,
                      const struct watch_entry *entry)
{
    char text[WATCH_TEXT];
    const bool now = entry->input == frame->model->input;
    const enum screen_style when = now ? STYLE_STRONG : STYLE_FAINT;
    const enum screen_style style =
        frame->order != 0 && entry->order_id == frame->order ? STYLE_KEY : entry_style(entry);
    const int number = screen_width(value_count_text(frame->inputs, text));
    int col = pane.col + 1;
    screen_put_right(screen, row, col, number, when, value_count_text(entry->input, text));
    col += number + 2;
    (void)screen_put(screen, row, col, 12, when, watch_clock(entry->ts, text));
    col += 14;
    (void)screen_put(screen, row, col, 9, style, watch_entry_word(entry));
    col += 10;
    (void)screen_put(screen, row, col, pane.col + pane.width - col - 1, now ? STYLE_STRONG : STYLE_PLAIN,
                     watch_entry_text(frame->index, frame->instruments, frame->model->instrument_count, entry, text));
}

void watch_pane_entries(struct screen *screen, const struct watch_frame *frame, struct watch_pane pane)
{
    const char *title = frame->kinds == WATCH_FILLS  ? "fills"
                        : frame->kinds == WATCH_LOGS ? "log"
                                                     : "orders, fills, log";
    screen_rule(screen, pane.row, pane.col, pane.width, title);
    const struct watch_entry *shown[SCREEN_ROWS_MAX];
    uint32_t count = 0;
    for (size_t i = watch_index_upto(frame->index, frame->model->input); i > 0 && (int)count < pane.height - 1; i--) {
        const struct watch_entry *entry = watch_index_at(frame->index, i - 1);
        if ((frame->kinds >> entry->kind & 1u) != 0)
            shown[count++] = entry;
    }
    for (uint32_t i = 0; i < count; i++) /* the newest below */
        put_entry(screen, frame, pane, pane.row + 1 + (int)i, shown[count - 1 - i]);
}
