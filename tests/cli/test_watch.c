/* `tapedeck watch` without a terminal: its pictures, and what its keys do. tests/e2e/watch.sh has the terminal. */
#include "cli/watch_app.h"
#include "cli/watch_layout.h"
#include "cli/watch_view.h"

#include "core/prng.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HAS(text, part) cr_assert(strstr(text, part) != NULL, "expected '%s' in:\n%s", part, text)

static struct scratch scratch;
static struct ran ran;
static const struct rerun_options no_options;
static struct err_text why;

static void begin(void)
{
    scratch_begin(&scratch);
    memset(&why, 0, sizeof(why));
}
static void end(void)
{
    scratch_end(&scratch);
}
TestSuite(watch, .init = begin, .fini = end, .timeout = 120);

/* The busy maker of test_why.c. */
static const char *make_run(const char *words)
{
    char *text = scratch_read(TEST_SOURCE "/tests/cli/why_golden.yaml", NULL);
    cr_assert_not_null(text);
    scratch_write(&scratch, "run.yaml", text);
    free(text);
    run_program(&scratch, &ran, "run run.yaml --out runs/one --quiet %s", words);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    return scratch_path(&scratch, "runs/one");
}

static struct watch_app *open_app(const char *dir)
{
    struct watch_app *app;
    cr_assert_eq(watch_app_open(&app, "one", dir, &no_options, &why), ERR_OK, "%s", why.text);
    return app;
}

static char *picture(struct watch_app *app, int cols, int rows)
{
    struct screen screen;
    char *text = NULL;
    size_t size = 0;
    cr_assert_eq(screen_init(&screen, cols, rows), ERR_OK);
    watch_app_draw(app, &screen);
    FILE *file = open_memstream(&text, &size);
    cr_assert_eq(screen_print(&screen, file), ERR_OK);
    fclose(file);
    screen_deinit(&screen);
    return text;
}

static void arrive(struct watch_app *app)
{
    while (watch_app_on_the_way(app))
        cr_assert_eq(watch_app_work(app, &why), ERR_OK, "%s", why.text);
}

static void press(struct watch_app *app, int key)
{
    cr_assert_eq(watch_app_key(app, key), ERR_OK);
    arrive(app);
}

static void type(struct watch_app *app, const char *keys)
{
    for (; *keys != '\0'; keys++)
        press(app, *keys);
}

/* The input that is shown, as the first line says it. */
static uint64_t shown(struct watch_app *app)
{
    char *text = picture(app, 100, 30), digits[32];
    const char *at = strstr(text, "input ");
    size_t size = 0;
    cr_assert_not_null(at);
    for (at += 6; *at != ' '; at++)
        if (*at != ',')
            digits[size++] = *at;
    digits[size] = '\0';
    free(text);
    return strtoull(digits, NULL, 10);
}

static void expect_golden(const char *file)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/tests/cli/%s", TEST_SOURCE, file);
    char *golden = scratch_read(path, NULL);
    cr_assert_not_null(golden, "%s", path);
    const char *a = ran.out, *b = golden;
    while (*a != '\0' && *a == *b)
        a++, b++;
    cr_assert(*a == *b, "not as tests/cli/%s from here on:\n%.400s\nexpected:\n%.400s", file, a, b);
    free(golden);
}

/* When a picture changes on purpose: the command, run in a folder with that run, into the file. */
Test(watch, pictures_are_as_they_were)
{
    make_run("--set journal=on");
    run_program(&scratch, &ran, "watch one --at 23346 --screen 80x24");
    expect_golden("watch_80x24.txt");
    run_program(&scratch, &ran, "watch one --at 23338 --screen 100x30 --events fills");
    expect_golden("watch_100x30.txt");
    run_program(&scratch, &ran, "watch one --at 00:00:40 --screen 140x40");
    expect_golden("watch_140x40.txt");
}

Test(watch, a_picture_does_not_depend_on_the_way_to_it)
{
    const char *dir = make_run("--set journal=on");
    struct watch_app *app = open_app(dir);
    struct prng prng;
    const uint64_t seed = 20240808;
    prng_init(&prng, seed, 1);
    for (int i = 0; i < 12; i++) {
        char at[32];
        const uint64_t input = prng_next(&prng) % 38000;
        snprintf(at, sizeof(at), "g%" PRIu64 "\n", input);
        type(app, at);
        char *jumped = picture(app, 100, 40);
        const int away = (int)(prng_next(&prng) % 7);
        static const int keys[] = {KEY_OF_RIGHT, KEY_OF_DOWN, KEY_OF_PAGE_DOWN, KEY_OF_LEFT,
                                   KEY_OF_UP,    KEY_OF_HOME, KEY_OF_END};
        press(app, keys[away]);
        type(app, at);
        char *returned = picture(app, 100, 40);
        cr_assert_str_eq(jumped, returned, "seed %" PRIu64 ", input %" PRIu64 ", away by %d", seed, input, away);
        free(jumped);
        free(returned);
    }
    watch_app_close(app);
}

static char *picture_at(struct watch_view *view, const struct watch_scout *scout, uint64_t input)
{
    const struct watch_model *model;
    err_t err;
    while ((err = watch_view_to(view, input, 1u << 20, &model, &why)) == ERR_AGAIN)
        ;
    cr_assert_eq(err, ERR_OK, "%s", why.text);
    const struct watch_frame frame = {.run = "one",
                                      .strategy = "maker",
                                      .inputs = 1,
                                      .instruments = watch_scout_rerun(scout)->stage->instruments,
                                      .model = model,
                                      .index = watch_scout_index(scout),
                                      .kinds = WATCH_ALL};
    struct screen screen;
    char *text = NULL;
    size_t size = 0;
    cr_assert_eq(screen_init(&screen, 140, 60), ERR_OK);
    watch_layout(&screen, &frame);
    FILE *file = open_memstream(&text, &size);
    cr_assert_eq(screen_print(&screen, file), ERR_OK);
    fclose(file);
    screen_deinit(&screen);
    return text;
}

/* A view that is put to the states that the reading ahead left behind, and one that executes from the start. */
Test(watch, states_that_were_kept_are_those_of_the_run)
{
    const char *dir = make_run("");
    struct watch_scout *scout;
    struct watch_view *put, *executed;
    cr_assert_eq(watch_scout_open(&scout, dir, &no_options, &why), ERR_OK, "%s", why.text);
    while (watch_scout_run(scout, 1u << 20, &why) == ERR_OK)
        ;
    cr_assert(watch_scout_ended(scout), "%s", why.text);
    cr_assert_eq(watch_view_open(&put, dir, &no_options, watch_scout_trail(scout), &why), ERR_OK, "%s", why.text);
    cr_assert_eq(watch_view_open(&executed, dir, &no_options, NULL, &why), ERR_OK, "%s", why.text);
    const struct watch_model *model;
    static const uint64_t inputs[] = {36000, 38926, 20600, 20480, 30000, 300, 16384, 32768, 20000};
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
        char *one = picture_at(put, scout, inputs[i]), *two = picture_at(executed, scout, inputs[i]);
        cr_assert_str_eq(one, two, "input %" PRIu64, inputs[i]);
        free(one);
        free(two);
    }
    free(picture_at(put, scout, 38000));
    cr_assert_eq(watch_view_to(put, 30000, 1, &model, &why), ERR_AGAIN);
    cr_assert_eq(watch_view_at(put), 16385u,
                 "a way back begins at the last state kept before it, and not at %" PRIu64, watch_view_at(put));
    watch_view_close(put);
    watch_view_close(executed);
    watch_scout_close(scout);
}

Test(watch, steps_go_forward_and_back_and_stop_at_both_ends)
{
    struct watch_app *app = open_app(make_run(""));
    static const struct {
        const char *count;
        int key;
        uint64_t there;
    } steps[] = {
        {"", KEY_OF_LEFT, 0},
        {"", KEY_OF_RIGHT, 1},
        {"", ' ', 2},
        {"", KEY_OF_DOWN, 12},
        {"", KEY_OF_PAGE_DOWN, 1012},
        {"", KEY_OF_UP, 1002},
        {"", KEY_OF_LEFT, 1001},
        {"", KEY_OF_ERASE, 1000},
        {"500", KEY_OF_RIGHT, 1500},
        {"12", KEY_OF_UP, 1380},
        {"", KEY_OF_PAGE_UP, 380},
        {"", KEY_OF_PAGE_UP, 0},
        {"", KEY_OF_END, 38926},
        {"", KEY_OF_RIGHT, 38926},
        {"", KEY_OF_LEFT, 38925},
        {"", '>', 38926},
        {"", '<', 0},
        {"99999999999999", KEY_OF_PAGE_DOWN, 38926},
        {"", KEY_OF_HOME, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        type(app, steps[i].count);
        press(app, steps[i].key);
        cr_assert_eq(shown(app), steps[i].there, "step %zu leads to %" PRIu64, i, shown(app));
    }
    watch_app_close(app);
}

/* Steps that are not waited for add up, and Esc stops them. */
Test(watch, keys_on_the_way_are_counted_from_its_end)
{
    struct watch_app *app = open_app(make_run(""));
    for (int i = 0; i < 5; i++)
        cr_assert_eq(watch_app_key(app, KEY_OF_PAGE_DOWN), ERR_OK);
    arrive(app);
    cr_assert_eq(shown(app), 5000u);
    cr_assert_eq(watch_app_key(app, KEY_OF_END), ERR_OK);
    cr_assert(watch_app_on_the_way(app));
    cr_assert_eq(watch_app_key(app, KEY_OF_ESCAPE), ERR_OK);
    cr_assert(!watch_app_on_the_way(app));
    cr_assert_eq(shown(app), 5000u);
    watch_app_close(app);
}

/* The fills that the run wrote down are the stops of `f`, and of `F` on the way back. */
Test(watch, every_fill_is_a_stop_forward_and_back)
{
    struct watch_app *app = open_app(make_run("--set feed.synth.duration=5s"));
    char *csv = scratch_read(scratch_path(&scratch, "runs/one/fills.csv"), NULL);
    size_t rows = 0, listed = 0, stops = 0;
    for (const char *at = csv; (at = strchr(at, '\n')) != NULL; at++)
        rows++;
    rows--; /* the header */
    free(csv);
    cr_assert_gt(rows, 10u);
    uint64_t inputs[256] = {0};
    for (uint64_t before = 0;; before = inputs[stops++]) {
        press(app, 'f');
        inputs[stops] = shown(app);
        if (inputs[stops] == before)
            break;
        char wanted[64];
        snprintf(wanted, sizeof(wanted), "%" PRIu64, inputs[stops]);
        char *text = picture(app, 120, 40);
        HAS(text, "FILL");
        free(text);
    }
    char *text = picture(app, 100, 30);
    HAS(text, "no fill after this");
    free(text);
    const struct watch_index *index = watch_scout_index(watch_app_scout(app));
    for (size_t i = 0; i < watch_index_upto(index, UINT64_MAX); i++)
        listed += watch_index_at(index, i)->kind == WATCH_FILL;
    cr_assert_eq(listed, rows);
    for (size_t i = stops - 1; i > 0; i--) {
        press(app, 'F');
        cr_assert_eq(shown(app), inputs[i - 1]);
    }
    press(app, 'F');
    text = picture(app, 100, 30);
    HAS(text, "no fill before this");
    free(text);
    watch_app_close(app);
}

Test(watch, an_order_is_found_by_its_id_and_followed)
{
    struct watch_app *app = open_app(make_run(""));
    type(app, "/202\n");
    const uint64_t first = shown(app);
    char *text = picture(app, 120, 40);
    HAS(text, "order     202 ");
    free(text);
    press(app, 'n');
    const uint64_t second = shown(app);
    cr_assert_gt(second, first);
    text = picture(app, 120, 40);
    HAS(text, "ack       202 ");
    HAS(text, "     202 ");
    free(text);
    press(app, 'N');
    cr_assert_eq(shown(app), first);
    type(app, "/99999\n");
    cr_assert_eq(shown(app), first);
    text = picture(app, 100, 30);
    HAS(text, "the run has no order 99999");
    free(text);
    type(app, "/abc\n");
    text = picture(app, 100, 30);
    HAS(text, "'abc' is no order id");
    free(text);
    watch_app_close(app);
}

Test(watch, a_time_is_after_everything_up_to_it)
{
    struct watch_app *app = open_app(make_run(""));
    type(app, "g00:01:00\n");
    const uint64_t there = shown(app);
    char *text = picture(app, 100, 30);
    HAS(text, "2024-01-01 00:00:59.");
    free(text);
    press(app, KEY_OF_RIGHT);
    text = picture(app, 100, 30);
    HAS(text, "2024-01-01 00:01:00.");
    free(text);
    type(app, "g-1ms\n");
    cr_assert_leq(shown(app), there);
    type(app, "g00:00:59.999999999\n");
    cr_assert_eq(shown(app), there);
    type(app, "g2023-12-31\n");
    cr_assert_eq(shown(app), 0u);
    type(app, "g10:00\n");
    cr_assert_eq(shown(app), 38926u);
    text = picture(app, 100, 30);
    HAS(text, "the run ends before that");
    free(text);
    type(app, "gnowhere\n");
    text = picture(app, 140, 30);
    HAS(text, "'nowhere' is no place of a run");
    free(text);
    watch_app_close(app);
}

/* What is shown of an order is what `why` tells of it. */
Test(watch, the_place_in_the_queue_is_that_of_why)
{
    struct watch_app *app = open_app(make_run(""));
    run_program(&scratch, &ran, "why one 202 -q --full");
    const char *joins = strstr(ran.out, "ahead");
    cr_assert_not_null(joins, "%s", ran.out);
    type(app, "/202\nn");
    char *text = picture(app, 140, 40), *row = strstr(text, " 202 ");
    cr_assert_not_null(row);
    char id[16], side[8], price[16], left[16], of[8], all[16], ahead[16];
    cr_assert_eq(sscanf(row, "%15s %7s %15s %15s %7s %15s %15s", id, side, price, left, of, all, ahead), 7);
    HAS(ran.out, price);
    HAS(ran.out, ahead);
    free(text);
    watch_app_close(app);
}

Test(watch, a_run_without_a_journal_is_proved_at_its_end)
{
    make_run("");
    run_program(&scratch, &ran, "watch one --at 100 --screen 100x30 -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    HAS(ran.out, "not proved yet, read 0 %");
    struct watch_app *app = open_app(scratch_path(&scratch, "runs/one"));
    while (watch_app_work(app, &why) == ERR_OK)
        ;
    char *text = picture(app, 100, 30);
    HAS(text, "the same run: digest agrees");
    free(text);
    watch_app_close(app);
}

/* A record of the journal of another run: the same up to there, and not after it. */
Test(watch, a_run_that_is_not_the_one_of_its_journal_says_so)
{
    make_run("--set journal=on");
    run_program(&scratch, &ran,
                "run run.yaml --out runs/two --quiet --set journal=on --set seed=1 "
                "--set strategy.params.half_spread=2");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "watch two --at 3000 --screen 100x30 -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    HAS(ran.out, "journal agrees");
    cr_assert_eq(
        rename(scratch_path(&scratch, "runs/one/journal.tape"), scratch_path(&scratch, "runs/two/journal.tape")), 0);
    run_program(&scratch, &ran, "watch two --at 3000 --screen 100x30 -q");
    cr_assert_eq(ran.code, 1, "%s", ran.err);
    HAS(ran.out, "NOT THE SAME RUN after input ");
    HAS(ran.err, "differs from its journal after input ");
}

Test(watch, without_a_terminal_it_says_what_to_do)
{
    make_run("--set feed.synth.duration=2s");
    run_program(&scratch, &ran, "watch one < /dev/null");
    cr_assert_eq(ran.code, 2);
    HAS(ran.err, "is not a terminal: --screen 100x30 prints one picture");
    run_program(&scratch, &ran, "watch one --screen 70x20");
    cr_assert_eq(ran.code, 2);
    HAS(ran.err, "--screen 70x20: expected COLUMNSxROWS, 80x24 to 500x200");
    run_program(&scratch, &ran, "watch none --screen 80x24");
    cr_assert_eq(ran.code, 5);
    run_program(&scratch, &ran, "watch one --screen 80x24 --instrument XYZ");
    cr_assert_eq(ran.code, 2);
    HAS(ran.err, "no instrument 'XYZ'");
    run_program(&scratch, &ran, "watch one --screen 80x24 --at nowhere");
    cr_assert_eq(ran.code, 2);
    HAS(ran.err, "'nowhere' is no place of a run");
}

/* Nothing is drawn outside, and nothing breaks, whatever the size. */
Test(watch, every_size_can_be_drawn)
{
    struct watch_app *app = open_app(make_run("--set feed.synth.duration=2s"));
    type(app, "g50%\n");
    for (int cols = 1; cols <= 200; cols += 13)
        for (int rows = 1; rows <= 90; rows += 7) {
            char *text = picture(app, cols, rows);
            if (cols < WATCH_COLS_MIN || rows < WATCH_ROWS_MIN) {
                cr_assert(cols < 30 || strstr(text, "is too small") != NULL);
            } else {
                HAS(text, "book");
                HAS(text, "own orders");
                HAS(text, "trades");
                HAS(text, "position");
            }
            free(text);
        }
    press(app, '?');
    char *text = picture(app, 80, 24);
    HAS(text, "to the next, the previous fill");
    free(text);
    press(app, 'f');
    text = picture(app, 80, 24);
    cr_assert_null(strstr(text, "to the next, the previous fill"));
    free(text);
    watch_app_close(app);
}

Test(watch, the_strategy_shows_its_variables)
{
    struct watch_app *app = open_app(make_run("--set feed.synth.duration=2s"));
    type(app, "/3\ns");
    char *text = picture(app, 100, 30);
    HAS(text, "strategy maker");
    HAS(text, "buy_order                              3");
    cr_assert_null(strstr(text, "trades"));
    free(text);
    type(app, "s");
    text = picture(app, 100, 30);
    HAS(text, "trades");
    free(text);
    watch_app_close(app);
}

/* Several instruments: each has its book, orders are of all. */
Test(watch, instruments_take_turns)
{
    scratch_write(&scratch, "run.yaml",
                  "feed:\n  synth: {seed: 7, duration: 3s, instruments: 3}\n"
                  "account:\n  balances: {USDT: 100000}\n"
                  "strategy:\n  name: maker\n  params: {interval: 50ms, half_spread: 1}\n");
    run_program(&scratch, &ran, "run run.yaml --out runs/one --quiet");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    struct watch_app *app = open_app(scratch_path(&scratch, "runs/one"));
    type(app, "g80%\n");
    char *one = picture(app, 100, 30);
    HAS(one, "SYN1USDT (1 of 3)");
    press(app, '\t');
    char *two = picture(app, 100, 30);
    HAS(two, "(2 of 3)");
    press(app, KEY_OF_BACK_TAB);
    char *again = picture(app, 100, 30);
    cr_assert_str_eq(one, again);
    press(app, KEY_OF_BACK_TAB);
    char *three = picture(app, 100, 30);
    HAS(three, "(3 of 3)");
    free(one);
    free(two);
    free(again);
    free(three);
    watch_app_close(app);
}
