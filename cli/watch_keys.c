#include "cli/watch_app_state.h"

#include "core/decimal.h"

#include <inttypes.h>
#include <string.h>

#define COUNT_MAX UINT64_C(1000000000000)

/* ---- ways through the run ---- */

static void step(struct watch_app *app, bool forward, uint64_t inputs)
{
    const uint64_t times = app->count == 0 ? 1 : app->count, from = watch_app_stand(app);
    const uint64_t by = times > COUNT_MAX / inputs ? COUNT_MAX : times * inputs;
    if (forward && from == app->inputs)
        watch_app_say(app, false, "this is the end of the run");
    else if (!forward && from == 0)
        watch_app_say(app, false, "this is the start of the run");
    else if (forward)
        watch_app_go_input(app, by > app->inputs - from ? app->inputs : from + by);
    else
        watch_app_go_input(app, by > from ? 0 : from - by);
}

static void find(struct watch_app *app, bool forward, unsigned kinds, uint64_t order, const char *what)
{
    if (forward) {
        app->goal = (struct goal){.kind = GOAL_NEXT, .kinds = kinds, .order = order};
        return;
    }
    const struct watch_entry *entry =
        watch_index_previous(watch_scout_index(app->scout), app->model.input, kinds, order);
    if (entry != NULL)
        watch_app_go_input(app, entry->input);
    else
        watch_say(app->message, "no %s before this", what);
}

static void turn_instrument(struct watch_app *app, bool forward)
{
    const uint16_t count = app->model.instrument_count;
    if (count == 1) {
        watch_app_say(app, false, "the run has one instrument");
        return;
    }
    watch_app_show_instrument(app, (uint16_t)((app->instrument + (forward ? 1 : count - 1)) % count));
}

/* ---- keys ---- */

static void answer(struct watch_app *app)
{
    struct err_text why = {0};
    int64_t id;
    if (app->typed[0] == '\0')
        return;
    if (app->prompt == 'g') {
        if (watch_app_go(app, app->typed, &why) != ERR_OK)
            watch_app_say(app, true, why.text);
    } else if (decimal_parse(app->typed, strlen(app->typed), 0, ROUND_EXACT, &id) != ERR_OK || id < 1) {
        watch_say(app->message, "'%s' is no order id: a number from 1 on, as in orders.csv", app->typed);
        app->alarm = true;
    } else {
        app->order = (uint64_t)id;
        app->goal = (struct goal){.kind = GOAL_ORDER, .order = app->order};
    }
}

static void prompt_key(struct watch_app *app, int key)
{
    const size_t size = strlen(app->typed);
    if (key == KEY_OF_ENTER) {
        answer(app);
        app->prompt = 0;
    } else if (key == KEY_OF_ESCAPE) {
        app->prompt = 0;
    } else if (key == KEY_OF_ERASE) {
        if (size == 0)
            app->prompt = 0;
        else
            app->typed[size - 1] = '\0';
    } else if (key >= ' ' && key < 127 && size < PROMPT_MAX) {
        app->typed[size] = (char)key;
        app->typed[size + 1] = '\0';
    }
}

static void next_kinds(struct watch_app *app)
{
    app->kinds = app->kinds == WATCH_ALL ? WATCH_FILLS : app->kinds == WATCH_FILLS ? WATCH_LOGS : WATCH_ALL;
}

static void order_key(struct watch_app *app, bool forward)
{
    char what[WATCH_TEXT];
    if (app->order == 0) {
        watch_app_say(app, false, "no order was looked for yet: / and its id");
        return;
    }
    watch_say(what, "event of order %" PRIu64, app->order);
    find(app, forward, WATCH_OWN, app->order, what);
}

/* False: not a key of a way through the run. */
static bool move_key(struct watch_app *app, int key)
{
    switch (key) {
    case KEY_OF_RIGHT:
    case ' ':
    case KEY_OF_LEFT:
    case KEY_OF_ERASE:
        step(app, key == KEY_OF_RIGHT || key == ' ', 1);
        return true;
    case KEY_OF_DOWN:
    case KEY_OF_UP:
        step(app, key == KEY_OF_DOWN, 10);
        return true;
    case KEY_OF_PAGE_DOWN:
    case KEY_OF_PAGE_UP:
        step(app, key == KEY_OF_PAGE_DOWN, 1000);
        return true;
    case '>':
    case '<':
        step(app, key == '>', 100000);
        return true;
    case KEY_OF_HOME:
        watch_app_go_input(app, 0);
        return true;
    case KEY_OF_END:
        watch_app_go_input(app, app->inputs);
        return true;
    case 'f':
    case 'F':
        find(app, key == 'f', WATCH_FILLS, 0, watch_kinds_word(WATCH_FILLS));
        return true;
    case 'o':
    case 'O':
        find(app, key == 'o', WATCH_OWN, 0, watch_kinds_word(WATCH_OWN));
        return true;
    case 'l':
    case 'L':
        find(app, key == 'l', WATCH_LOGS, 0, watch_kinds_word(WATCH_LOGS));
        return true;
    case 'n':
    case 'N':
        order_key(app, key == 'n');
        return true;
    default:
        return false;
    }
}

static void other_key(struct watch_app *app, int key)
{
    switch (key) {
    case 'g':
    case '/':
        app->prompt = (char)key;
        app->typed[0] = '\0';
        break;
    case '\t':
    case KEY_OF_BACK_TAB:
        turn_instrument(app, key == '\t');
        break;
    case 's':
        app->variables = !app->variables;
        break;
    case 'v':
        next_kinds(app);
        break;
    case '?':
    case 'h':
        app->help = true;
        break;
    case KEY_OF_ESCAPE:
        if (app->goal.kind != GOAL_NONE)
            watch_app_say(app, false, "stopped");
        app->goal.kind = GOAL_NONE;
        break;
    case KEY_OF_REDRAW:
    case KEY_OF_NONE:
    case KEY_OF_ENTER:
        break;
    default:
        watch_app_say(app, false, "no such key: ? shows them all");
    }
}

err_t watch_app_key(struct watch_app *app, int key)
{
    if (key == KEY_OF_NONE)
        return ERR_OK;
    if (app->prompt != 0) {
        prompt_key(app, key);
        return ERR_OK;
    }
    app->message[0] = '\0';
    app->alarm = false;
    if (app->help) {
        app->help = false;
        return ERR_OK;
    }
    if (key == 'q' || key == 'Q')
        return ERR_END;
    if (key >= '0' && key <= '9') {
        app->count = app->count * 10 + (uint64_t)(key - '0');
        app->count = app->count < COUNT_MAX ? app->count : COUNT_MAX;
        return ERR_OK;
    }
    if (!move_key(app, key))
        other_key(app, key);
    app->count = 0;
    return ERR_OK;
}
