/* terminal.h: a terminal that shows a struct screen and gives keys. The one user of ncursesw.
 *
 * However the program ends while a terminal is open (a signal, an assertion, an abort), the terminal is put back as
 * it was found: fatal signals are caught, the modes restored, and the signal raised again. SIGINT and SIGTERM are a
 * flag the first time, and fatal the second.
 */
#ifndef TAPEDECK_CLI_TERMINAL_H
#define TAPEDECK_CLI_TERMINAL_H

#include "cli/screen.h"

struct terminal;

/* ERR_USAGE: standard input or output is no terminal, or it is one of which nothing is known (TERM). One at a time.
 */
err_t terminal_open(struct terminal **terminal, struct err_text *why) MUST_USE;
/* As it was found. */
void terminal_close(struct terminal *terminal);
void terminal_size(const struct terminal *terminal, int *cols, int *rows);
void terminal_draw(struct terminal *terminal, const struct screen *screen);
/* The next key (enum watch_key, or a code point), waiting at most `wait_ms` (-1: as long as it takes); KEY_OF_NONE:
 * no key, a signal, or another size. */
int terminal_key(struct terminal *terminal, int wait_ms);
/* SIGINT, SIGTERM or SIGHUP, once it came; 0: none. */
int terminal_signal(const struct terminal *terminal);

#endif
