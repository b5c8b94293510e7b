/* How: ncurses draws the differences and knows the keys. What it must not do is die in the middle: an exit in a
 * signal handler may not call it, so the sequences that leave the screen are kept as bytes at the start. */
#define NCURSES_WIDECHAR 1
#include "cli/terminal.h"

#include "cli/watch_app.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

struct terminal {
    SCREEN *screen;
    bool colours, utf8;
    int keys_wait; /* what timeout() was last told */
};

static const int fatal_signals[] = {SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGXCPU};
static const int asked_signals[] = {SIGINT, SIGTERM, SIGHUP};

static struct {
    volatile sig_atomic_t open, asked;
    struct termios modes;
    char leave[256]; /* out of the full screen, cursor on, plain */
    size_t leave_size;
    struct sigaction fatal_before[ARRAY_LEN(fatal_signals)], asked_before[ARRAY_LEN(asked_signals)];
} state;

/* ---- signals ---- */

/* Async-signal-safe. */
static void restore(void)
{
    const int kept = errno;
    if (state.open != 0) {
        state.open = 0;
        (void)!write(STDOUT_FILENO, state.leave, state.leave_size);
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &state.modes);
    }
    errno = kept;
}

static void die(int number)
{
    restore();
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_DFL;
    sigemptyset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
    (void)raise(number);
}

static void on_asked(int number)
{
    if (state.asked != 0)
        die(number);
    state.asked = number;
}

static void catch_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    sigemptyset(&action.sa_mask);
    action.sa_handler = die;
    action.sa_flags = (int)(SA_RESETHAND | SA_NODEFER);
    for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++)
        (void)sigaction(fatal_signals[i], &action, &state.fatal_before[i]);
    action.sa_handler = on_asked;
    action.sa_flags = 0;
    for (size_t i = 0; i < ARRAY_LEN(asked_signals); i++)
        (void)sigaction(asked_signals[i], &action, &state.asked_before[i]);
}

static void release_signals(void)
{
    for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++)
        (void)sigaction(fatal_signals[i], &state.fatal_before[i], NULL);
    for (size_t i = 0; i < ARRAY_LEN(asked_signals); i++)
        (void)sigaction(asked_signals[i], &state.asked_before[i], NULL);
}

static void keep_sequence(const char *name)
{
    const char *text = tigetstr(name);
    if (text == NULL || text == (const char *)-1)
        return;
    const size_t size = strlen(text);
    if (state.leave_size + size > sizeof(state.leave))
        return;
    memcpy(state.leave + state.leave_size, text, size);
    state.leave_size += size;
}

/* ---- open and close ---- */

static void begin_colours(struct terminal *terminal)
{
    const char *no_colour = getenv("NO_COLOR");
    terminal->colours = has_colors() && (no_colour == NULL || no_colour[0] == '\0') && start_color() == OK;
    if (!terminal->colours)
        return;
    (void)use_default_colors();
    static const short colours[] = {COLOR_GREEN, COLOR_RED, COLOR_YELLOW, COLOR_CYAN, COLOR_BLUE};
    for (short i = 0; i < (short)ARRAY_LEN(colours); i++)
        (void)init_pair((short)(i + 1), colours[i], -1);
    (void)init_pair(6, COLOR_BLACK, COLOR_GREEN);
    (void)init_pair(7, COLOR_BLACK, COLOR_RED);
    (void)init_pair(8, COLOR_WHITE, COLOR_BLUE);
}

err_t terminal_open(struct terminal **terminal, struct err_text *why)
{
    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1)
        return err_say(why, ERR_USAGE,
                       "standard %s is not a terminal: --screen 100x30 prints one picture as plain text",
                       isatty(STDIN_FILENO) != 1 ? "input" : "output");
    struct terminal *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    opened->keys_wait = -1;
    (void)setlocale(LC_CTYPE, "");
    memset(&state, 0, sizeof(state));
    const char *name = getenv("TERM");
    if (tcgetattr(STDIN_FILENO, &state.modes) != 0 || (opened->screen = newterm(NULL, stdout, stdin)) == NULL) {
        free(opened);
        return err_say(why, ERR_USAGE,
                       "nothing is known of the terminal '%s' (TERM): set TERM to what it is, or print one picture "
                       "with --screen 100x30",
                       name != NULL ? name : "");
    }
    opened->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    keep_sequence("sgr0");
    keep_sequence("rmkx");
    keep_sequence("rmcup");
    keep_sequence("cnorm");
    state.open = 1;
    catch_signals();
    begin_colours(opened);
    (void)cbreak();
    (void)noecho();
    (void)nonl();
    (void)keypad(stdscr, TRUE);
    (void)curs_set(0);
    set_escdelay(50);
    *terminal = opened;
    return ERR_OK;
}

void terminal_close(struct terminal *terminal)
{
    if (terminal == NULL)
        return;
    (void)endwin();
    state.open = 0;
    release_signals();
    delscreen(terminal->screen);
    free(terminal);
}

void terminal_size(const struct terminal *terminal, int *cols, int *rows)
{
    (void)terminal;
    *cols = COLS < SCREEN_COLS_MAX ? COLS : SCREEN_COLS_MAX;
    *rows = LINES < SCREEN_ROWS_MAX ? LINES : SCREEN_ROWS_MAX;
}

int terminal_signal(const struct terminal *terminal)
{
    (void)terminal;
    return (int)state.asked;
}

/* ---- drawing ---- */

static attr_t look_of(const struct terminal *terminal, const struct screen_cell *cell, short *pair)
{
    static const struct {
        attr_t colour, mono;
        short pair;
    } looks[STYLE_COUNT] = {
        [STYLE_PLAIN] = {A_NORMAL, A_NORMAL, 0}, [STYLE_FAINT] = {A_DIM, A_DIM, 0},
        [STYLE_STRONG] = {A_BOLD, A_BOLD, 0},    [STYLE_TITLE] = {A_BOLD, A_REVERSE, 8},
        [STYLE_FRAME] = {A_NORMAL, A_DIM, 4},    [STYLE_BID] = {A_NORMAL, A_NORMAL, 1},
        [STYLE_ASK] = {A_NORMAL, A_NORMAL, 2},   [STYLE_OWN] = {A_BOLD, A_BOLD, 3},
        [STYLE_GOOD] = {A_NORMAL, A_NORMAL, 1},  [STYLE_BAD] = {A_BOLD, A_BOLD | A_REVERSE, 2},
        [STYLE_KEY] = {A_BOLD, A_BOLD, 4},
    };
    *pair = terminal->colours ? looks[cell->style].pair : 0;
    if (!cell->bar)
        return terminal->colours ? looks[cell->style].colour : looks[cell->style].mono;
    if (!terminal->colours)
        return A_REVERSE;
    *pair = cell->style == STYLE_BID ? 6 : 7;
    return A_NORMAL;
}

/* What a terminal without UTF-8 shows in the place of the few signs that are used. */
static wchar_t sign_of(const struct terminal *terminal, uint32_t rune)
{
    static const struct {
        uint32_t rune;
        wchar_t plain;
    } signs[] = {
        {0x2500, L'-'}, {0x2502, L'|'}, {0x250c, L'+'}, {0x2510, L'+'}, {0x2514, L'+'}, {0x2518, L'+'},
        {0x251c, L'+'}, {0x2524, L'+'}, {0x252c, L'+'}, {0x2534, L'+'}, {0x253c, L'+'}, {0x2026, L'~'},
        {0x22ee, L':'}, {0x25b2, L'^'}, {0x25bc, L'v'}, {0xb7, L'.'},   {0x2190, L'<'}, {0x2192, L'>'},
        {0x2191, L'^'}, {0x2193, L'v'}, {0x232b, L'<'},
    };
    if (terminal->utf8 || rune < 0x80)
        return (wchar_t)rune;
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (signs[i].rune == rune)
            return signs[i].plain;
    return L'?';
}

void terminal_draw(struct terminal *terminal, const struct screen *screen)
{
    (void)erase();
    for (int row = 0; row < screen->rows && row < LINES; row++)
        for (int col = 0; col < screen->cols && col < COLS; col++) {
            const struct screen_cell *cell = &screen->cells[(size_t)row * (size_t)screen->cols + (size_t)col];
            short pair;
            const attr_t look = look_of(terminal, cell, &pair);
            if (cell->rune == 0)
                continue;
            const wchar_t text[2] = {sign_of(terminal, cell->rune), 0};
            cchar_t sign;
            if (setcchar(&sign, text, look, pair, NULL) == OK)
                (void)mvadd_wch(row, col, &sign);
        }
    (void)refresh();
}

/* ---- keys ---- */

static int named_key(wint_t key)
{
    switch (key) {
    case KEY_LEFT:
        return KEY_OF_LEFT;
    case KEY_RIGHT:
        return KEY_OF_RIGHT;
    case KEY_UP:
        return KEY_OF_UP;
    case KEY_DOWN:
        return KEY_OF_DOWN;
    case KEY_PPAGE:
        return KEY_OF_PAGE_UP;
    case KEY_NPAGE:
        return KEY_OF_PAGE_DOWN;
    case KEY_HOME:
        return KEY_OF_HOME;
    case KEY_END:
        return KEY_OF_END;
    case KEY_BTAB:
        return KEY_OF_BACK_TAB;
    case KEY_BACKSPACE:
        return KEY_OF_ERASE;
    case KEY_ENTER:
        return KEY_OF_ENTER;
    default:
        return KEY_OF_NONE;
    }
}

int terminal_key(struct terminal *terminal, int wait_ms)
{
    wint_t key;
    if (terminal->keys_wait != wait_ms)
        timeout(wait_ms);
    terminal->keys_wait = wait_ms;
    const int got = get_wch(&key);
    if (got == KEY_CODE_YES)
        return named_key(key);
    if (got != OK) {
        struct termios modes;
        if (tcgetattr(STDIN_FILENO, &modes) != 0)
            state.asked = SIGHUP; /* the terminal is gone */
        return KEY_OF_NONE;
    }
    if (key == '\r')
        return KEY_OF_ENTER;
    if (key == 8)
        return KEY_OF_ERASE;
    if (key == 12) { /* Ctrl-L: all of it anew */
        (void)clearok(curscr, TRUE);
        return KEY_OF_REDRAW;
    }
    return key < 0x110000 ? (int)key : KEY_OF_NONE;
}
