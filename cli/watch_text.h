/* watch_text.h: the numbers of a model and the entries of an index, as short texts for cells of a known width. */
#ifndef TAPEDECK_CLI_WATCH_TEXT_H
#define TAPEDECK_CLI_WATCH_TEXT_H

#include "cli/watch_index.h"
#include "cli/watch_model.h"

#define WATCH_TEXT 256

/* All write into a buffer of WATCH_TEXT and return it. What is too long is cut. */

const char *watch_say(char *text, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *watch_add(char *text, const char *fmt, ...) PRINTF_LIKE(2, 3); /* behind what is there */
const char *watch_price(const struct instrument *instrument, px_t price, char *text);
/* In full where it fits `width`, else in thousands, millions ...: "12.3M". */
const char *watch_qty(const struct instrument *instrument, qty_t qty, int width, char *text);
const char *watch_ahead(const struct instrument *instrument, qty_t ahead, int width, char *text);
/* At MONEY_DECIMALS, with thousands apart; at most `show` decimals, half even. */
const char *watch_money(money_t value, unsigned show, char *text);
const char *watch_clock(ns_t ts, char *text);  /* "10:00:01.234" */
const char *watch_moment(ns_t ts, char *text); /* "2024-08-08 10:00:01.234567890"; "-" before the first input */
const char *watch_age(ns_t span, char *text);  /* "12.3 s" */
const char *watch_state(const struct watch_order *order, char *text); /* "live, cancel sent" */
/* The word for what happened, and the sentence after it. */
const char *watch_entry_word(const struct watch_entry *entry);
const char *watch_entry_text(const struct watch_index *index, const struct instrument *instruments,
                             uint16_t instrument_count, const struct watch_entry *entry, char *text);

#endif
