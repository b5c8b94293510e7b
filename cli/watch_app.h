/* watch_app.h: what `tapedeck watch` does with a key; no terminal in it.
 *
 *   key ─► watch_app_key ─► a goal ─► watch_app_work, in slices ─► watch_app_draw ─► screen
 *
 * A goal is somewhere in the run: an input, a moment, the next fill. Work is done in slices of some milliseconds, so
 * that a key can stop it; where it is stopped, what is shown stays what it was. Without a goal the slices read the
 * run ahead (watch_scout.h).
 */
#ifndef TAPEDECK_CLI_WATCH_APP_H
#define TAPEDECK_CLI_WATCH_APP_H

#include "cli/screen.h"
#include "cli/watch_scout.h"

/* Keys that are no character; characters are their code points. */
enum watch_key {
    KEY_OF_NONE = 0,
    KEY_OF_ENTER = '\n',
    KEY_OF_ESCAPE = 27,
    KEY_OF_ERASE = 127,
    KEY_OF_LEFT = 0x110000,
    KEY_OF_RIGHT,
    KEY_OF_UP,
    KEY_OF_DOWN,
    KEY_OF_PAGE_UP,
    KEY_OF_PAGE_DOWN,
    KEY_OF_HOME,
    KEY_OF_END,
    KEY_OF_BACK_TAB,
    KEY_OF_REDRAW,
};

struct watch_app;

/* `name` is how the run is called, `dir` where it lies; both outlive it. */
err_t watch_app_open(struct watch_app **app, const char *name, const char *dir, const struct rerun_options *options,
                     struct err_text *why) MUST_USE;
void watch_app_close(struct watch_app *app);
/* Where to, as a user writes it: "12345", "50%", "10:00:01.5", "+5s", a date and time. ERR_USAGE: none of these. */
err_t watch_app_go(struct watch_app *app, const char *text, struct err_text *why) MUST_USE;
/* ERR_USAGE: the run has no such instrument. */
err_t watch_app_instrument(struct watch_app *app, const char *symbol, struct err_text *why) MUST_USE;
/* ERR_END: the user wants to leave. */
err_t watch_app_key(struct watch_app *app, int key) MUST_USE;
/* A slice of what is to be done. OK: there is more; ERR_AGAIN: nothing until the next key; else the run is broken. */
err_t watch_app_work(struct watch_app *app, struct err_text *why) MUST_USE;
bool watch_app_on_the_way(const struct watch_app *app); /* it has a goal */
void watch_app_draw(struct watch_app *app, struct screen *screen);
const struct watch_scout *watch_app_scout(const struct watch_app *app);

#endif
