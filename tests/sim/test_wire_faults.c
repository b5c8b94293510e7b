/* What goes wrong on purpose goes wrong as asked, and the same way for the same seed. */
#include "tests/sim/wire_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct wire_rig rig;

static void open_with(enum wire_venue venue, struct wire_faults faults, uint64_t seed)
{
    rig_init(&rig, venue);
    rig.config.faults = faults;
    rig.config.seed = seed;
    rig_open(&rig);
    rig_book(&rig, EVENT_BOOK_SNAPSHOT, "100.50x2 / 100.60x3", 0, 10, 0);
}

static void diffs(unsigned count)
{
    for (uint64_t i = 0; i < count; i++)
        rig_book(&rig, EVENT_BOOK_DELTA, i % 2 == 0 ? "100.50x1 /" : "100.50x2 /", 11 + i, 11 + i, 10 + i);
}

/* The ids of the diffs that were heard, in order, as text. */
static char *heard(void)
{
    char *text = calloc(rig.count + 1, 12);
    for (size_t i = 0; i < rig.count; i++) {
        const char *at = strstr(rig_at(&rig, i), "\"u\":");
        if (at != NULL)
            sprintf(text + strlen(text), "%.*s ", (int)strcspn(at + 4, ","), at + 4);
    }
    return text;
}

Test(wire_faults, lost_messages_come_at_about_the_rate_and_at_the_same_places)
{
    char *texts[3];
    for (int i = 0; i < 3; i++) {
        open_with(WIRE_BINANCE_USDM, (struct wire_faults){.drop = 100000}, i < 2 ? 5 : 6);
        cr_assert(rig_hello(&rig, 0, "/public/ws/btcusdt@depth@100ms", ""));
        diffs(1000);
        cr_assert(rig.count > 850 && rig.count < 950, "%zu", rig.count);
        texts[i] = heard();
        rig_close(&rig);
    }
    cr_assert_str_eq(texts[0], texts[1], "one seed, one fate");
    cr_assert_str_neq(texts[0], texts[2], "another seed, another one");
    for (int i = 0; i < 3; i++)
        free(texts[i]);
}

Test(wire_faults, a_reordered_message_changes_places_with_the_next_and_a_repeated_one_comes_twice)
{
    open_with(WIRE_BINANCE_USDM, (struct wire_faults){.reorder = 1000000}, 1);
    cr_assert(rig_hello(&rig, 0, "/public/ws/btcusdt@depth@100ms", ""));
    diffs(4);
    char *text = heard();
    cr_assert_str_eq(text, "12 11 14 13 ");
    free(text);
    rig_close(&rig);
    open_with(WIRE_BINANCE_USDM, (struct wire_faults){.duplicate = 1000000}, 1);
    cr_assert(rig_hello(&rig, 0, "/public/ws/btcusdt@depth@100ms", ""));
    diffs(2);
    text = heard();
    cr_assert_str_eq(text, "11 11 12 12 ");
    free(text);
    rig_close(&rig);
}

Test(wire_faults, a_depth_gap_is_one_for_all_clients)
{
    open_with(WIRE_BINANCE_USDM, (struct wire_faults){.depth_gap = 200000}, 1);
    cr_assert(rig_hello(&rig, 0, "/public/ws/btcusdt@depth@100ms", ""));
    cr_assert(rig_hello(&rig, 1, "/public/ws/btcusdt@depth@100ms", ""));
    diffs(200);
    cr_assert(rig.count > 280 && rig.count < 360 && rig.count % 2 == 0, "%zu", rig.count);
    for (size_t i = 0; i < rig.count; i += 2)
        cr_assert_str_eq(rig_at(&rig, i), rig_at(&rig, i + 1));
    /* The diff behind the hole names the one in it. */
    bool hole = false;
    for (size_t i = 2; i < rig.count; i += 2) {
        const uint64_t before = strtoull(strstr(rig_at(&rig, i - 2), "\"u\":") + 4, NULL, 10);
        const uint64_t previous = strtoull(strstr(rig_at(&rig, i), "\"pu\":") + 5, NULL, 10);
        hole |= previous != before;
    }
    cr_assert(hole);
    rig_close(&rig);
}

Test(wire_faults, a_stale_answer_is_an_older_book_with_its_own_id)
{
    open_with(WIRE_BINANCE_USDM, (struct wire_faults){.stale_snapshot = 1000000, .stale_age = 2 * NS_PER_S}, 1);
    diffs(1);
    rig_wait(&rig, 3 * NS_PER_S);
    rig_book(&rig, EVENT_BOOK_DELTA, "100.50x7 /", 12, 12, 11); /* the copy is taken before this one */
    cr_assert_eq(rig_get(&rig, "/fapi/v1/depth", "symbol=BTCUSDT&limit=5"), 200);
    cr_assert_not_null(strstr(rig.body, "{\"lastUpdateId\":11,"), "%s", rig.body);
    cr_assert_not_null(strstr(rig.body, "\"bids\":[[\"100.50\",\"1.000\"]]"));
    rig_close(&rig);
}

Test(wire_faults, a_silent_connection_still_answers_pings)
{
    open_with(WIRE_BINANCE_USDM, (struct wire_faults){.silence_after = 5 * NS_PER_S}, 1);
    cr_assert(rig_hello(&rig, 0, "/public/ws/btcusdt@depth@100ms", ""));
    diffs(1);
    cr_assert_eq(rig.count, 1);
    rig_wait(&rig, 6 * NS_PER_S);
    rig_book(&rig, EVENT_BOOK_DELTA, "100.50x9 /", 20, 20, 11);
    cr_assert_eq(rig.count, 1);
    wire_frame(rig.wire, rig.now, 0, WIRE_PING, "x", 1);
    cr_assert_eq(rig.said[1].opcode, WIRE_PONG);
    rig_close(&rig);
}

Test(wire_faults, a_half_open_connection_says_nothing_and_does_not_end)
{
    open_with(WIRE_BINANCE_SPOT, (struct wire_faults){.half_open_after = 5 * NS_PER_S}, 1);
    cr_assert(rig_hello(&rig, 0, "/ws/btcusdt@depth@100ms", ""));
    rig_wait(&rig, 5 * NS_PER_S);
    cr_assert_eq(rig.frozen, 1);
    diffs(1);
    wire_frame(rig.wire, rig.now, 0, WIRE_PING, "x", 1);
    rig_wait(&rig, 300 * NS_PER_S);
    cr_assert_eq(rig.count, 0);
    wire_goodbye(rig.wire, rig.now, 0);
    cr_assert(rig_hello(&rig, 0, "/ws/btcusdt@depth@100ms", ""), "its place is free again");
    rig_close(&rig);
}

Test(wire_faults, connections_are_cut_and_handshakes_refused)
{
    open_with(WIRE_BINANCE_USDM, (struct wire_faults){.drop_connection = 10 * NS_PER_S}, 3);
    for (uint32_t i = 0; i < 16; i++)
        cr_assert(rig_hello(&rig, i, "/public/ws/btcusdt@depth@100ms", ""));
    rig_wait(&rig, 500 * NS_PER_S);
    size_t cuts = 0;
    for (size_t i = 0; i < rig.count; i++)
        cuts += rig.said[i].opcode == WIRE_CLOSE && rig.said[i].code == 0;
    cr_assert_eq(cuts, 16);
    rig_close(&rig);
    open_with(WIRE_UPBIT, (struct wire_faults){.refuse_handshake = 1000000}, 1);
    cr_assert_not(rig_hello(&rig, 0, "/websocket/v1", ""));
    cr_assert_eq(rig.status, 503);
    rig_close(&rig);
    open_with(WIRE_BINANCE_USDM, (struct wire_faults){.life = 60 * NS_PER_S}, 1);
    cr_assert(rig_hello(&rig, 0, "/public/ws/btcusdt@depth@100ms", ""));
    rig_wait(&rig, 61 * NS_PER_S);
    cr_assert_eq(rig.said[rig.count - 1].code, 1001);
    rig_close(&rig);
}

Test(wire_faults, answers_are_slow_cut_short_or_of_another_kind)
{
    open_with(WIRE_BINANCE_USDM, (struct wire_faults){.slow = 1000000, .truncate = 1000000}, 1);
    cr_assert_eq(rig_get(&rig, "/fapi/v1/exchangeInfo", ""), 200);
    cr_assert_eq(rig.delay, 3 * NS_PER_S);
    cr_assert(rig.cut && rig.cut_size < strlen(rig.body) && rig.cut_size > 0);
    rig_close(&rig);
    open_with(WIRE_BINANCE_USDM, (struct wire_faults){.http_html = 1000000}, 1);
    cr_assert_eq(rig_get(&rig, "/fapi/v1/time", ""), 502);
    cr_assert_not_null(strstr(rig.headers, "text/html"));
    rig_close(&rig);
    open_with(WIRE_BINANCE_USDM, (struct wire_faults){.http_503 = 1000000}, 1);
    bool unknown = false, unavailable = false;
    for (int i = 0; i < 8; i++) {
        cr_assert_eq(rig_get(&rig, "/fapi/v1/time", ""), 503);
        unknown |= strstr(rig.body, "Unknown error") != NULL;
        unavailable |= strstr(rig.body, "Service Unavailable.") != NULL;
    }
    cr_assert(unknown && unavailable);
    rig_close(&rig);
}

Test(wire_faults, a_limit_without_cause_says_retry_after_or_not_as_asked)
{
    static const struct {
        enum wire_venue venue;
        const char *path;
        uint32_t with, without;
        bool tells;
    } rows[] = {
        {WIRE_BINANCE_SPOT, "/api/v3/time", 0, 0, true},   {WIRE_BINANCE_SPOT, "/api/v3/time", 0, 1000000, false},
        {WIRE_BINANCE_USDM, "/fapi/v1/time", 0, 0, false}, {WIRE_BINANCE_USDM, "/fapi/v1/time", 1000000, 0, true},
        {WIRE_UPBIT, "/v1/market/all", 0, 0, false},       {WIRE_UPBIT, "/v1/market/all", 1000000, 0, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int banned = 0; banned < 2; banned++) {
            struct wire_faults faults = {.retry_after = rows[i].with, .no_retry_after = rows[i].without};
            *(banned ? &faults.http_418 : &faults.http_429) = 1000000;
            open_with(rows[i].venue, faults, 1);
            cr_assert_eq(rig_get(&rig, rows[i].path, ""), banned ? 418 : 429);
            cr_assert_eq(strstr(rig.headers, "retry-after: ") != NULL, rows[i].tells, "row %zu: %s", i, rig.headers);
            rig_close(&rig);
        }
    }
}

Test(wire_faults, the_venues_clock_is_ahead_and_gains)
{
    open_with(WIRE_BINANCE_USDM, (struct wire_faults){.clock_skew = 1500 * NS_PER_MS, .clock_drift = 1000}, 1);
    cr_assert_eq(rig_get(&rig, "/fapi/v1/time", ""), 200);
    cr_assert_str_eq(rig.body, "{\"serverTime\":1700000001500}");
    rig_wait(&rig, 100 * NS_PER_S);
    cr_assert_eq(rig_get(&rig, "/fapi/v1/time", ""), 200);
    cr_assert_str_eq(rig.body, "{\"serverTime\":1700000101600}");
    rig_close(&rig);
}

Test(wire_faults, no_pong_is_no_pong)
{
    open_with(WIRE_UPBIT, (struct wire_faults){.no_pong = 1000000}, 1);
    cr_assert(rig_hello(&rig, 0, "/websocket/v1", ""));
    wire_frame(rig.wire, rig.now, 0, WIRE_PING, "x", 1);
    cr_assert_eq(rig.count, 0);
    rig_close(&rig);
}

Test(wire_faults, a_config_out_of_range_is_refused_by_name)
{
    struct err_text why = {0};
    struct wire *wire = NULL;
    const struct wire_calls calls = {0};
    rig_init(&rig, WIRE_UPBIT);
    rig.config.faults.drop = 1000001;
    cr_assert_eq(wire_open(&wire, &rig.config, &calls, &why), ERR_RANGE);
    cr_assert_not_null(strstr(why.text, "drop"), "%s", why.text);
}
