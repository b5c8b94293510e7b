/* why_lines.h: what the two files of the text form share. */
#ifndef TAPEDECK_CLI_WHY_LINES_H
#define TAPEDECK_CLI_WHY_LINES_H

#include "cli/why_words.h"

#include <stdio.h>

struct why_text {
    FILE *file;
    const struct why_order *order;
    bool full;
    char day[16];                      /* of the last line, "2024-08-08" */
    const struct why_decided *decided; /* the last one */
    const struct why_arrived *arrived; /* the last one */
    struct words words;
};

/* `clock` NULL: a line that belongs to the one before. */
void why_line(struct why_text *text, ns_t ts, const char *clock, const char *label, const char *fmt, ...)
    PRINTF_LIKE(5, 6);

/* ---- why_moves.c ---- */
/* ", 0.5 went to orders of ours before it" when not all of a trade reached the order, else "". */
const char *why_reach(struct words *words, const struct why_source *trade, const struct why_moved *moved);
/* The moves [from, to) of the order's entries: one a line, or in sums when they are many. */
void why_moves_print(struct why_text *text, uint32_t from, uint32_t to);

/* ---- why_fills.c ---- */
/* The fill at an entry, or the walk that begins there; returns the entry behind it. */
uint32_t why_fills_print(struct why_text *text, uint32_t at);
/* Fills learnt one after another from an entry on, in one line when they are many; returns how many it told, 0: none.
 */
uint32_t why_learnt_fills(struct why_text *text, uint32_t at);

#endif
