#include "tests/core/engine_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static char lines[4096];

static void on_log(void *context, ns_t ts, enum log_level level, const char *text)
{
    (void)context;
    const size_t used = strlen(lines);
    snprintf(lines + used, sizeof(lines) - used, "%lld %d %s\n", (long long)ts, (int)level, text);
}

/* Orders a little below the bid, at every book message. */
static void order_at_books(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    (void)ts;
    if (moment == 'b')
        rig->word += strategy_limit(ctx, 0, SIDE_BUY, 9000, 10, TIF_GTC, 0, NULL) == ERR_OK;
}

static void operator_says(struct rig *rig, ns_t ts, enum event_kind kind, const char *text)
{
    static struct event_text bodies[64];
    static unsigned used;
    struct event_text *body = &bodies[used++ % 64];
    memset(body, 0, sizeof(*body));
    snprintf(body->text, sizeof(body->text), "%s", text);
    struct event *event = rig_event(rig, ts, kind);
    event->instrument = INSTRUMENT_NONE;
    event->body = body;
}

static struct rig *new_rig(void)
{
    struct rig *rig = rig_new();
    lines[0] = '\0';
    rig->react = order_at_books;
    rig->sink.log = on_log;
    return rig;
}

Test(operator, a_pause_refuses_new_orders_until_it_is_resumed)
{
    struct rig *rig = new_rig();
    rig_snapshot(rig, 100, 10000, 10010);
    operator_says(rig, 101, EVENT_OPERATOR, "pause");
    rig_snapshot(rig, 102, 10000, 10010);
    operator_says(rig, 103, EVENT_OPERATOR, "resume");
    rig_snapshot(rig, 104, 10000, 10010);
    (void)rig_run(rig);
    cr_assert_eq(rig->word, 2);
    cr_assert_eq(engine_counters(rig->engine)->refused, 1);
    cr_assert_not_null(strstr(lines, "101 1 operator: pause\n"), "%s", lines);
    cr_assert_not_null(strstr(lines, "103 1 operator: resume\n"), "%s", lines);
    rig_free(rig);
}

Test(operator, the_kill_switch_is_set_and_cleared)
{
    struct rig *rig = new_rig();
    operator_says(rig, 100, EVENT_OPERATOR, "kill");
    rig_snapshot(rig, 101, 10000, 10010);
    operator_says(rig, 102, EVENT_OPERATOR, "clear");
    rig_snapshot(rig, 103, 10000, 10010);
    (void)rig_run(rig);
    cr_assert_eq(rig->word, 1);
    rig_free(rig);
}

Test(operator, cancel_asks_for_the_cancel_of_every_open_order)
{
    struct rig *rig = new_rig();
    rig_snapshot(rig, 100, 10000, 10010);
    operator_says(rig, 101, EVENT_OPERATOR, "cancel");
    (void)rig_run(rig);
    cr_assert_eq(rig->sent_count, 2);
    cr_assert_eq(rig->sent[1].kind, RIG_CANCEL_ALL);
    cr_assert_eq(rig->sent[1].ts, 101);
    rig_free(rig);
}

Test(operator, stop_ends_the_run_at_that_input)
{
    struct rig *rig = new_rig();
    rig_snapshot(rig, 100, 10000, 10010);
    operator_says(rig, 101, EVENT_OPERATOR, "stop");
    rig_snapshot(rig, 102, 10000, 10010);
    rig_up(rig);
    cr_assert_eq(engine_start(rig->engine), ERR_OK);
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_END);
    cr_assert_eq(engine_counters(rig->engine)->inputs, 2);
    cr_assert_eq(engine_run(rig->engine, UINT64_MAX), ERR_END);
    (void)engine_stop(rig->engine);
    rig_free(rig);
}

Test(operator, an_unknown_word_is_a_warning_and_nothing_else)
{
    struct rig *rig = new_rig();
    operator_says(rig, 100, EVENT_OPERATOR, "dance");
    rig_snapshot(rig, 101, 10000, 10010);
    (void)rig_run(rig);
    cr_assert_eq(rig->word, 1);
    cr_assert_not_null(strstr(lines, "100 2 operator: dance: no command"), "%s", lines);
    rig_free(rig);
}

static err_t set(const struct strategy *strategy, void *state, const char *text, struct err_text *why)
{
    struct rig *rig = *(struct rig **)state;
    (void)strategy;
    if (strcmp(text, "word=7") != 0)
        return err_say(why, ERR_UNKNOWN, "no such parameter");
    rig->word = 7;
    return ERR_OK;
}

Test(operator, a_parameter_is_set_by_whoever_knows_them)
{
    struct rig *rig = new_rig();
    rig->react = NULL;
    rig->config.set_parameter = set;
    operator_says(rig, 100, EVENT_PARAMETER, "word=7");
    operator_says(rig, 101, EVENT_PARAMETER, "other=8");
    (void)rig_run(rig);
    cr_assert_eq(rig->word, 7);
    cr_assert_not_null(strstr(lines, "100 1 operator: set word=7\n"), "%s", lines);
    cr_assert_not_null(strstr(lines, "101 2 operator: other=8: no such parameter\n"), "%s", lines);
    rig_free(rig);
}

static void count_signals(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)ctx;
    (void)id;
    (void)ts;
    rig->word += moment == 's';
}

Test(operator, the_strategy_hears_of_everything_but_what_was_refused)
{
    struct rig *rig = new_rig();
    rig->react = count_signals;
    rig->config.set_parameter = set;
    operator_says(rig, 100, EVENT_PARAMETER, "other=8");
    operator_says(rig, 101, EVENT_OPERATOR, "pause");
    operator_says(rig, 102, EVENT_OPERATOR, "resume");
    (void)rig_run(rig);
    cr_assert_eq(rig->word, 2);
    rig_free(rig);
}

Test(operator, without_anyone_who_knows_them_parameters_are_left_to_the_strategy)
{
    struct rig *rig = new_rig();
    rig->react = count_signals;
    operator_says(rig, 100, EVENT_PARAMETER, "word=7");
    (void)rig_run(rig);
    cr_assert_eq(rig->word, 1);
    rig_free(rig);
}

Test(operator, what_is_said_is_part_of_the_digest)
{
    struct digest_value digests[2];
    static const char *const words[] = {"pause", "resume"};
    for (int i = 0; i < 2; i++) {
        struct rig *rig = new_rig();
        operator_says(rig, 100, EVENT_OPERATOR, words[i]);
        digests[i] = rig_run(rig);
        rig_free(rig);
    }
    cr_assert(digests[0].low != digests[1].low || digests[0].high != digests[1].high);
}
