#include "cli/watch_layout.h"

#include "cli/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WIDE     120
#define HEAD     3 /* rows above the panes */
#define BOOK_MIN 49

/* ---- the head ---- */

static void put_proof(struct screen *screen, const struct watch_frame *frame, int row, int col)
{
    char text[WATCH_TEXT], number[VALUE_TEXT_SIZE];
    enum screen_style style = STYLE_GOOD;
    const uint64_t checkpoint = frame->model->input / JOURNAL_CHECKPOINT * JOURNAL_CHECKPOINT;
    switch (frame->proof) {
    case PROOF_DIFFERS:
        style = STYLE_BAD;
        watch_say(text, "NOT THE SAME RUN after input %s", value_count_text(frame->proof_from, number));
        break;
    case PROOF_FAILED:
        style = STYLE_BAD;
        watch_say(text, "NOT THE SAME RUN: another digest");
        break;
    case PROOF_SAME:
        if (!frame->journal)
            watch_say(text, "the same run: digest agrees");
        else if (checkpoint == 0)
            watch_say(text, "journal agrees");
        else
            watch_say(text, "journal agrees, checkpoint %s", value_count_text(checkpoint, number));
        break;
    default:
        style = STYLE_FAINT;
        if (frame->scouted >= frame->inputs)
            watch_say(text, "not proved: no record of it");
        else
            watch_say(text, "not proved yet, read %" PRIu64 " %%",
                      frame->inputs == 0 ? 100 : frame->scouted * 100 / frame->inputs);
        break;
    }
    screen_put_right(screen, row, col, screen->cols - col - 1, style, text);
}

static void put_head(struct screen *screen, const struct watch_frame *frame)
{
    const struct watch_model *model = frame->model;
    const struct instrument *instrument = &frame->instruments[model->instrument];
    char at[VALUE_TEXT_SIZE], all[VALUE_TEXT_SIZE], text[WATCH_TEXT];
    screen_style(screen, 0, 0, screen->cols, STYLE_TITLE);
    watch_say(text, "input %s of %s%s%s", value_count_text(model->input, at), value_count_text(frame->inputs, all),
              frame->end != NULL ? ", " : "", frame->end != NULL ? frame->end : "");
    const int right = screen_width(text);
    screen_put_right(screen, 0, 0, screen->cols - 1, STYLE_TITLE, text);
    int col = 1 + screen_printf(screen, 0, 1, screen->cols - right - 4, STYLE_TITLE, "%s", frame->run);
    col += 2 + screen_printf(screen, 0, col + 2, screen->cols - right - col - 5, STYLE_TITLE, "%s on %s %s",
                             frame->strategy, instrument->venue, instrument->symbol);
    if (model->instrument_count > 1)
        (void)screen_printf(screen, 0, col + 1, screen->cols - right - col - 4, STYLE_TITLE, "(%u of %u)",
                            model->instrument + 1u, model->instrument_count);

    col = 1 + screen_put(screen, 1, 1, 29, STYLE_STRONG, watch_moment(model->ts, text));
    const uint64_t tenths = frame->inputs == 0 ? 0 : (uint64_t)((u128_t)model->input * 1000 / frame->inputs);
    col += screen_printf(screen, 1, col + 2, 10, STYLE_FAINT, "%" PRIu64 ".%" PRIu64 " %%", tenths / 10, tenths % 10);
    put_proof(screen, frame, 1, col + 4);
    (void)screen_put(screen, 2, 1, screen->cols - 2, STYLE_PLAIN, model->last);
}

/* ---- the foot ---- */

struct key_name {
    const char *key, *what;
};

static void put_foot(struct screen *screen, const struct watch_frame *frame)
{
    static const struct key_name keys[] = {
        {"←→", "1"},  {"↓↑", "10"},   {"PgDn", "1000"}, {"f", "fill"}, {"o", "own"},
        {"l", "log"}, {"g", "go to"}, {"/", "order"},   {"?", "help"}, {"q", "quit"},
    };
    const int row = screen->rows - 1;
    int col = 1;
    if (frame->message != NULL) {
        (void)screen_put(screen, row, 1, screen->cols - 2, frame->alarm ? STYLE_BAD : STYLE_STRONG, frame->message);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const int width = screen_width(keys[i].key) + 1 + screen_width(keys[i].what);
        if (col + width >= screen->cols)
            return;
        const int used = screen_put(screen, row, col, width, STYLE_KEY, keys[i].key);
        (void)screen_put(screen, row, col + used + 1, width, STYLE_FAINT, keys[i].what);
        col += width + 2;
    }
}

static void put_help(struct screen *screen)
{
    static const struct key_name keys[] = {
        {"→ ←  Space ⌫", "one input forward, back"},
        {"↓ ↑", "ten"},
        {"PgDn PgUp", "a thousand"},
        {"> <", "a hundred thousand"},
        {"Home End", "the start, the end of the run"},
        {"5 0 0 →", "a count before any of these: 500 times"},
        {"f F", "to the next, the previous fill"},
        {"o O", "next, previous event of an own order"},
        {"l L", "next, previous line of the log"},
        {"g", "go to: 12345  50%  10:00:01.5  +5s  a date and time"},
        {"/", "look for an order by its id"},
        {"n N", "next, previous event of that order"},
        {"Tab", "another instrument"},
        {"v", "what is listed: all, fills, log"},
        {"s", "the strategy's variables in the place of the trades"},
        {"Esc", "stop a long way; drop a count"},
        {"?  q", "this page; quit"},
    };
    const int height = (int)ARRAY_LEN(keys) + 4, width = 74;
    const int row = (screen->rows - height) / 2, col = (screen->cols - width) / 2;
    screen_box(screen, row, col, width, height, "keys");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        (void)screen_put(screen, row + 1 + (int)i, col + 3, 15, STYLE_KEY, keys[i].key);
        (void)screen_put(screen, row + 1 + (int)i, col + 19, width - 21, STYLE_PLAIN, keys[i].what);
    }
    (void)screen_put(screen, row + height - 2, col + 3, width - 5, STYLE_FAINT,
                     "\"ahead\" and places at the venue: docs/watch.md. Any key goes back.");
}

/* ---- the panes ---- */

static void put_trades(struct screen *screen, const struct watch_frame *frame, struct watch_pane pane)
{
    if (frame->variables)
        watch_pane_variables(screen, frame, pane);
    else
        watch_pane_trades(screen, frame, pane);
}

static void put_narrow(struct screen *screen, const struct watch_frame *frame)
{
    const int height = screen->rows - HEAD - 1, extra = height - (WATCH_ROWS_MIN - HEAD - 1);
    const int top = 13 + extra / 2, orders = 4 + extra / 6, entries = height - top - orders;
    const int left = screen->cols - BOOK_MIN > 42 ? screen->cols - 42 : BOOK_MIN;
    const int right = screen->cols - left;
    const int account = top < 20 ? 7 : 9;
    watch_pane_book(screen, frame, (struct watch_pane){HEAD, 0, left - 1, top});
    screen_vertical(screen, HEAD, left - 1, top);
    watch_pane_account(screen, frame, (struct watch_pane){HEAD, left, right, account});
    put_trades(screen, frame, (struct watch_pane){HEAD + account, left, right, top - account});
    watch_pane_orders(screen, frame, (struct watch_pane){HEAD + top, 0, screen->cols, orders});
    watch_pane_entries(screen, frame, (struct watch_pane){HEAD + top + orders, 0, screen->cols, entries});
}

static void put_wide(struct screen *screen, const struct watch_frame *frame)
{
    const int height = screen->rows - HEAD - 1, left = BOOK_MIN + 4, right = screen->cols - left;
    const int orders = height < 24 ? 5 : height / 4, middle = height < 24 ? 8 : 9 + (height - 24) / 6;
    const int account = 36;
    watch_pane_book(screen, frame, (struct watch_pane){HEAD, 0, left - 1, height});
    screen_vertical(screen, HEAD, left - 1, height);
    watch_pane_orders(screen, frame, (struct watch_pane){HEAD, left, right, orders});
    watch_pane_account(screen, frame, (struct watch_pane){HEAD + orders, left, account, middle});
    screen_vertical(screen, HEAD + orders, left + account, middle);
    put_trades(screen, frame, (struct watch_pane){HEAD + orders, left + account + 1, right - account - 1, middle});
    watch_pane_entries(screen, frame,
                       (struct watch_pane){HEAD + orders + middle, left, right, height - orders - middle});
}

void watch_layout(struct screen *screen, const struct watch_frame *frame)
{
    screen_clear(screen);
    if (screen->cols < WATCH_COLS_MIN || screen->rows < WATCH_ROWS_MIN) {
        (void)screen_printf(screen, 0, 0, screen->cols, STYLE_BAD, "%d x %d is too small: watch needs %d x %d",
                            screen->cols, screen->rows, WATCH_COLS_MIN, WATCH_ROWS_MIN);
        return;
    }
    put_head(screen, frame);
    if (screen->cols >= WIDE)
        put_wide(screen, frame);
    else
        put_narrow(screen, frame);
    screen_join(screen);
    put_foot(screen, frame);
    if (frame->help)
        put_help(screen);
}
