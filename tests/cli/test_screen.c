#include "cli/screen.h"
#include "cli/watch_go.h"

#include "core/time_text.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* As text, to be freed. */
static char *text_of(const struct screen *screen)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    cr_assert_not_null(file);
    cr_assert_eq(screen_print(screen, file), ERR_OK);
    fclose(file);
    return text;
}

static void expect(struct screen *screen, const char *wanted)
{
    char *text = text_of(screen);
    cr_assert_str_eq(text, wanted);
    free(text);
    screen_deinit(screen);
}

static struct screen blank(int cols, int rows)
{
    struct screen screen;
    cr_assert_eq(screen_init(&screen, cols, rows), ERR_OK);
    return screen;
}

Test(screen, text_is_cut_where_it_does_not_fit_and_says_so)
{
    struct screen screen = blank(12, 3);
    cr_assert_eq(screen_put(&screen, 0, 0, 5, STYLE_PLAIN, "abcdefgh"), 5);
    cr_assert_eq(screen_put(&screen, 1, 8, 99, STYLE_PLAIN, "beyond the edge"), 4);
    screen_put_right(&screen, 2, 0, 6, STYLE_PLAIN, "12.5");
    screen_put_right(&screen, 2, 7, 4, STYLE_PLAIN, "123456");
    expect(&screen, "abcd…\n        bey…\n  12.5 123…\n");
}

Test(screen, nothing_is_written_outside)
{
    struct screen screen = blank(4, 2);
    cr_assert_eq(screen_put(&screen, -1, 0, 4, STYLE_PLAIN, "x"), 0);
    cr_assert_eq(screen_put(&screen, 2, 0, 4, STYLE_PLAIN, "x"), 0);
    cr_assert_eq(screen_put(&screen, 0, 4, 4, STYLE_PLAIN, "x"), 0);
    cr_assert_eq(screen_put(&screen, 0, -1, 4, STYLE_PLAIN, "x"), 0);
    screen_vertical(&screen, 1, 3, 9);
    screen_bar(&screen, 0, 2, 9, STYLE_BID);
    expect(&screen, "\n   │\n");
}

Test(screen, wide_characters_take_two_cells_and_marks_none)
{
    struct screen screen = blank(10, 4);
    cr_assert_eq(screen_width("비트 x"), 6);
    cr_assert_eq(screen_put(&screen, 0, 0, 10, STYLE_PLAIN, "비트 x"), 6);
    cr_assert_eq(screen.cells[1].rune, 0u);
    cr_assert_eq(screen_put(&screen, 1, 0, 4, STYLE_PLAIN, "비트코인"), 3); /* no half of one before the ellipsis */
    cr_assert_eq(screen_put(&screen, 2, 0, 10, STYLE_PLAIN, "e\xcc\x81!"), 2);
    cr_assert_eq(screen_put(&screen, 3, 0, 10, STYLE_PLAIN, "a\tb\x1b[2J"), 7);
    expect(&screen, "비트 x\n비…\ne!\na·b·[2J\n");
}

Test(screen, bytes_that_are_no_utf8_are_one_sign_each)
{
    struct screen screen = blank(8, 3);
    cr_assert_eq(screen_put(&screen, 0, 0, 8, STYLE_PLAIN,
                            "a\xff"
                            "b\xc3"),
                 4);
    cr_assert_eq(screen_put(&screen, 1, 0, 8, STYLE_PLAIN, "\xed\xa0\x80"), 1); /* a surrogate */
    cr_assert_eq(screen_put(&screen, 2, 0, 8, STYLE_PLAIN, "\xc0\xaf"), 2);     /* overlong */
    expect(&screen, "a�b�\n�\n��\n");
}

Test(screen, rules_and_verticals_are_joined)
{
    struct screen screen = blank(12, 5);
    screen_rule(&screen, 0, 0, 12, "up");
    screen_vertical(&screen, 0, 7, 4);
    screen_rule(&screen, 2, 8, 4, "");
    screen_rule(&screen, 4, 0, 12, "");
    screen_join(&screen);
    expect(&screen, "─ up ──┬────\n       │\n       ├────\n       │\n───────┴────\n");
}

Test(screen, sizes_out_of_range_are_refused)
{
    struct screen screen;
    cr_assert_eq(screen_init(&screen, 0, 5), ERR_RANGE);
    cr_assert_eq(screen_init(&screen, 5, SCREEN_ROWS_MAX + 1), ERR_RANGE);
}

/* ---- where to ---- */

static ns_t moment(const char *text)
{
    ns_t ts;
    cr_assert_eq(time_parse(text, strlen(text), &ts), ERR_OK);
    return ts;
}

static const struct watch_place_now *now(void)
{
    static struct watch_place_now place = {.input = 1000, .inputs = 20000};
    place.ts = moment("2024-08-08T10:00:00Z");
    return &place;
}

Test(watch_go, inputs_and_shares)
{
    static const struct {
        const char *text;
        uint64_t input;
    } cases[] = {
        {"0", 0},        {"12345", 12345}, {"12,345", 12345}, {"20001", 20000}, {"50%", 10000}, {"0.005%", 1},
        {"100%", 20000}, {"250%", 20000},  {"+500", 1500},    {"-500", 500},    {"-5000", 0},   {"+99999999", 20000},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct watch_where where = {.input = 77};
        cr_assert_eq(watch_go_parse(cases[i].text, now(), &where, NULL), ERR_OK, "%s", cases[i].text);
        cr_assert(!where.timed && where.input == cases[i].input, "%s: %lu", cases[i].text,
                  (unsigned long)where.input);
    }
}

Test(watch_go, moments)
{
    static const struct {
        const char *text, *moment;
    } cases[] = {
        {"10:30", "2024-08-08T10:30:00Z"},
        {"09:59:59.5", "2024-08-08T09:59:59.5Z"},
        {"2024-08-09", "2024-08-09T00:00:00Z"},
        {"2024-08-08T12:00:00.25Z", "2024-08-08T12:00:00.25Z"},
        {"2024-08-08 12:00:00.25", "2024-08-08T12:00:00.25Z"},
        {"1723111200000000000", "2024-08-08T10:00:00Z"},
        {"+5s", "2024-08-08T10:00:05Z"},
        {"-250ms", "2024-08-08T09:59:59.75Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct watch_where where = {.input = 77};
        cr_assert_eq(watch_go_parse(cases[i].text, now(), &where, NULL), ERR_OK, "%s", cases[i].text);
        cr_assert(where.timed && where.ts == moment(cases[i].moment), "%s", cases[i].text);
    }
}

Test(watch_go, anything_else_is_refused_with_what_is_expected)
{
    static const char *const cases[] = {"",           "x",    "12x", "-", "+",   "%",  "25:00",
                                        "2024-13-01", "+5 s", "-5%", ",", "--5", "1e3"};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct watch_where where = {.input = 77};
        struct err_text why = {0};
        cr_assert_eq(watch_go_parse(cases[i], now(), &where, &why), ERR_USAGE, "%s", cases[i]);
        cr_assert_eq(where.input, 77u);
        cr_assert_not_null(strstr(why.text, watch_go_expected));
    }
}
