/* screen.h: a picture of character cells, made before any terminal is asked.
 *
 *   model ─► layout ─► struct screen ─┬─► terminal (terminal.h)
 *                                     └─► plain text (screen_print)
 *
 * A cell is one code point and how it is meant; what colour that is, is the terminal's affair. Text is clipped at the
 * width given and at the edge, never wrapped. A wide character takes two cells, the second one with the rune 0;
 * control characters and combining marks become or are left out, so that a column of text is a column of cells.
 */
#ifndef TAPEDECK_CLI_SCREEN_H
#define TAPEDECK_CLI_SCREEN_H

#include "core/err.h"

#include <stdio.h>

#define SCREEN_COLS_MAX 500
#define SCREEN_ROWS_MAX 200

enum screen_style {
    STYLE_PLAIN,
    STYLE_FAINT,  /* what is there for those who look for it */
    STYLE_STRONG, /* figures that matter */
    STYLE_TITLE,  /* the bar at the top */
    STYLE_FRAME,  /* lines and titles of panes */
    STYLE_BID,
    STYLE_ASK,
    STYLE_OWN, /* of our orders */
    STYLE_GOOD,
    STYLE_BAD,
    STYLE_KEY, /* names of keys */
    STYLE_COUNT,
};

struct screen_cell {
    uint32_t rune; /* 0: the right half of the wide one before it */
    uint8_t style; /* enum screen_style */
    bool bar;      /* part of a bar that lies behind the text */
};

struct screen {
    int cols, rows;
    struct screen_cell *cells; /* rows x cols */
};

/* Blank. ERR_RANGE: a side below 1 or above the most; ERR_NOMEM. */
err_t screen_init(struct screen *screen, int cols, int rows) MUST_USE;
void screen_deinit(struct screen *screen);
void screen_clear(struct screen *screen);

/* Put UTF-8 text into `width` cells from (row, col), cut where it does not fit (the last cell is then an ellipsis);
 * returns the cells taken. Outside of the screen nothing happens. */
int screen_put(struct screen *screen, int row, int col, int width, enum screen_style style, const char *text);
/* The same, against the right end of the width. */
void screen_put_right(struct screen *screen, int row, int col, int width, enum screen_style style, const char *text);
int screen_printf(struct screen *screen, int row, int col, int width, enum screen_style style, const char *fmt, ...)
    PRINTF_LIKE(6, 7);
/* One style for `width` cells, text untouched. */
void screen_style(struct screen *screen, int row, int col, int width, enum screen_style style);
/* The same, as a bar behind the text: of STYLE_BID or STYLE_ASK. */
void screen_bar(struct screen *screen, int row, int col, int width, enum screen_style style);
/* A rule with a title in it: "── book ───────". */
void screen_rule(struct screen *screen, int row, int col, int width, const char *title);
void screen_vertical(struct screen *screen, int row, int col, int height);
/* Where rules and verticals meet, the sign that joins them. */
void screen_join(struct screen *screen);
/* Blanks, and a frame around them. */
void screen_box(struct screen *screen, int row, int col, int width, int height, const char *title);
/* Cells that the text would take. */
int screen_width(const char *text);

/* UTF-8 lines without blanks at their ends. */
err_t screen_print(const struct screen *screen, FILE *file) MUST_USE;

#endif
