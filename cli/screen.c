#include "cli/screen.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define ELLIPSIS 0x2026
#define LINE     0x2500
#define POST     0x2502

err_t screen_init(struct screen *screen, int cols, int rows)
{
    if (cols < 1 || rows < 1 || cols > SCREEN_COLS_MAX || rows > SCREEN_ROWS_MAX)
        return ERR_RANGE;
    struct screen_cell *cells = calloc((size_t)cols * (size_t)rows, sizeof(*cells));
    if (cells == NULL)
        return ERR_NOMEM;
    *screen = (struct screen){cols, rows, cells};
    screen_clear(screen);
    return ERR_OK;
}

void screen_deinit(struct screen *screen)
{
    free(screen->cells);
    *screen = (struct screen){0, 0, NULL};
}

void screen_clear(struct screen *screen)
{
    const size_t count = (size_t)screen->cols * (size_t)screen->rows;
    for (size_t i = 0; i < count; i++)
        screen->cells[i] = (struct screen_cell){' ', STYLE_PLAIN, false};
}

/* ---- text ---- */

/* The next code point; what is no UTF-8 is one replacement character a byte. */
static uint32_t decode(const char **text)
{
    const unsigned char *at = (const unsigned char *)*text;
    const unsigned char first = at[0];
    const unsigned more = first >= 0xf0 && first < 0xf5 ? 3 : first >= 0xe0 ? 2 : first >= 0xc2 ? 1 : 0;
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (first < 0x80) {
        *text += 1;
        return first;
    }
    uint32_t rune = first & (0x3fu >> more);
    for (unsigned i = 1; i <= more; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            *text += 1;
            return 0xfffd;
        }
        rune = rune << 6 | (at[i] & 0x3f);
    }
    *text += 1 + more;
    const bool bad = more == 0 || rune < least[more] || rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000);
    return bad ? 0xfffd : rune;
}

struct span {
    uint32_t from, to;
};

static bool is_in(uint32_t rune, const struct span *spans, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (rune >= spans[i].from && rune <= spans[i].to)
            return true;
    return false;
}

/* Not by the locale: a picture must not depend on where it is made. */
static int cells_of(uint32_t rune)
{
    static const struct span none[] = {{0x300, 0x36f},   {0x200b, 0x200f}, {0x202a, 0x202e},  {0x2060, 0x206f},
                                       {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xe0000, 0xe01ef}};
    static const struct span wide[] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},
                                       {0xf900, 0xfaff}, {0xfe30, 0xfe6f},   {0xff00, 0xff60},
                                       {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
    return is_in(rune, none, ARRAY_LEN(none)) ? 0 : is_in(rune, wide, ARRAY_LEN(wide)) ? 2 : 1;
}

static uint32_t shown(uint32_t rune)
{
    return rune < 0x20 || (rune >= 0x7f && rune < 0xa0) ? 0xb7 : rune;
}

int screen_width(const char *text)
{
    int width = 0;
    while (*text != '\0')
        width += cells_of(decode(&text));
    return width;
}

static struct screen_cell *cell_at(struct screen *screen, int row, int col)
{
    return &screen->cells[(size_t)row * (size_t)screen->cols + (size_t)col];
}

static void set(struct screen *screen, int row, int col, uint32_t rune, enum screen_style style)
{
    struct screen_cell *cell = cell_at(screen, row, col);
    cell->rune = rune;
    cell->style = (uint8_t)style;
}

/* `width` as far as the screen goes; 0: nothing of it is on the screen. */
static int clip(const struct screen *screen, int row, int col, int width)
{
    if (row < 0 || row >= screen->rows || col < 0 || col >= screen->cols || width <= 0)
        return 0;
    return width < screen->cols - col ? width : screen->cols - col;
}

int screen_put(struct screen *screen, int row, int col, int width, enum screen_style style, const char *text)
{
    const int room = clip(screen, row, col, width);
    const bool fits = screen_width(text) <= room;
    int used = 0;
    while (*text != '\0') {
        const uint32_t rune = shown(decode(&text));
        const int cells = cells_of(rune);
        if (used + cells > room - (fits ? 0 : 1))
            break;
        if (cells == 0)
            continue;
        set(screen, row, col + used, rune, style);
        if (cells == 2)
            set(screen, row, col + used + 1, 0, style);
        used += cells;
    }
    if (!fits && room > 0)
        set(screen, row, col + used++, ELLIPSIS, style);
    return used;
}

void screen_put_right(struct screen *screen, int row, int col, int width, enum screen_style style, const char *text)
{
    const int size = screen_width(text);
    const int pad = size < width ? width - size : 0;
    (void)screen_put(screen, row, col + pad, width - pad, style, text);
}

int screen_printf(struct screen *screen, int row, int col, int width, enum screen_style style, const char *fmt, ...)
{
    char text[1024];
    va_list list;
    va_start(list, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, list);
    va_end(list);
    return screen_put(screen, row, col, width, style, text);
}

void screen_style(struct screen *screen, int row, int col, int width, enum screen_style style)
{
    width = clip(screen, row, col, width);
    for (int i = 0; i < width; i++)
        cell_at(screen, row, col + i)->style = (uint8_t)style;
}

void screen_bar(struct screen *screen, int row, int col, int width, enum screen_style style)
{
    width = clip(screen, row, col, width);
    screen_style(screen, row, col, width, style);
    for (int i = 0; i < width; i++)
        cell_at(screen, row, col + i)->bar = true;
}

/* ---- frames ---- */

void screen_rule(struct screen *screen, int row, int col, int width, const char *title)
{
    const int room = clip(screen, row, col, width);
    for (int i = 0; i < room; i++)
        set(screen, row, col + i, LINE, STYLE_FRAME);
    if (title[0] == '\0' || room < 6)
        return;
    set(screen, row, col + 1, ' ', STYLE_FRAME);
    const int used = screen_put(screen, row, col + 2, room - 4, STYLE_FRAME, title);
    set(screen, row, col + 2 + used, ' ', STYLE_FRAME);
}

void screen_vertical(struct screen *screen, int row, int col, int height)
{
    for (int i = 0; i < height; i++)
        if (clip(screen, row + i, col, 1) == 1)
            set(screen, row + i, col, POST, STYLE_FRAME);
}

/* Is there a line at (row, col), lying (`across`) or standing? A title in a rule is part of the rule. */
static bool reaches(const struct screen *screen, int row, int col, bool across)
{
    if (row < 0 || row >= screen->rows || col < 0 || col >= screen->cols)
        return false;
    const struct screen_cell *cell = &screen->cells[(size_t)row * (size_t)screen->cols + (size_t)col];
    return cell->style == STYLE_FRAME && across == (cell->rune != POST);
}

void screen_join(struct screen *screen)
{
    static const uint32_t signs[16] = {/* up 1, down 2, left 4, right 8 */
                                       [7] = 0x2524,  [11] = 0x251c, [13] = 0x2534, [14] = 0x252c, [15] = 0x253c,
                                       [10] = 0x250c, [9] = 0x2514,  [6] = 0x2510,  [5] = 0x2518};
    for (int row = 0; row < screen->rows; row++)
        for (int col = 0; col < screen->cols; col++) {
            struct screen_cell *cell = cell_at(screen, row, col);
            if (cell->style != STYLE_FRAME || (cell->rune != LINE && cell->rune != POST))
                continue;
            const unsigned ways = (unsigned)reaches(screen, row - 1, col, false) |
                                  (unsigned)reaches(screen, row + 1, col, false) << 1 |
                                  (unsigned)reaches(screen, row, col - 1, true) << 2 |
                                  (unsigned)reaches(screen, row, col + 1, true) << 3;
            if (signs[ways] != 0)
                cell->rune = signs[ways];
        }
}

void screen_box(struct screen *screen, int row, int col, int width, int height, const char *title)
{
    for (int i = 0; i < height; i++)
        for (int j = 0; j < width; j++)
            if (clip(screen, row + i, col + j, 1) == 1)
                *cell_at(screen, row + i, col + j) = (struct screen_cell){' ', STYLE_PLAIN, false};
    screen_rule(screen, row, col, width, title);
    screen_rule(screen, row + height - 1, col, width, "");
    screen_vertical(screen, row, col, height);
    screen_vertical(screen, row, col + width - 1, height);
    static const uint32_t corners[] = {0x250c, 0x2510, 0x2514, 0x2518};
    for (int i = 0; i < 4; i++) {
        const int y = i < 2 ? row : row + height - 1, x = i % 2 == 0 ? col : col + width - 1;
        if (clip(screen, y, x, 1) == 1)
            set(screen, y, x, corners[i], STYLE_FRAME);
    }
}

/* ---- as text ---- */

static void encode(uint32_t rune, FILE *file)
{
    if (rune < 0x80) {
        fputc((int)rune, file);
    } else if (rune < 0x800) {
        fputc((int)(0xc0 | rune >> 6), file);
        fputc((int)(0x80 | (rune & 0x3f)), file);
    } else if (rune < 0x10000) {
        fputc((int)(0xe0 | rune >> 12), file);
        fputc((int)(0x80 | (rune >> 6 & 0x3f)), file);
        fputc((int)(0x80 | (rune & 0x3f)), file);
    } else {
        fputc((int)(0xf0 | rune >> 18), file);
        fputc((int)(0x80 | (rune >> 12 & 0x3f)), file);
        fputc((int)(0x80 | (rune >> 6 & 0x3f)), file);
        fputc((int)(0x80 | (rune & 0x3f)), file);
    }
}

err_t screen_print(const struct screen *screen, FILE *file)
{
    for (int row = 0; row < screen->rows; row++) {
        const struct screen_cell *cells = &screen->cells[(size_t)row * (size_t)screen->cols];
        int end = screen->cols;
        while (end > 0 && cells[end - 1].rune == ' ')
            end--;
        for (int col = 0; col < end; col++)
            if (cells[col].rune != 0)
                encode(cells[col].rune, file);
        fputc('\n', file);
    }
    return ferror(file) == 0 ? ERR_OK : ERR_IO;
}
