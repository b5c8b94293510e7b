/* Venue rules as a user meets them: the verb that prints them, and runs in which they bite. */
#include "scratch.h"

#include "adapters/binance/rules.h"
#include "adapters/upbit/rules.h"
#include "data/tape_writer.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HAS(text, part) cr_assert(strstr(text, part) != NULL, "expected '%s' in:\n%s", part, text)

static struct scratch scratch;
static struct ran ran;

static void begin(void)
{
    scratch_begin(&scratch);
}
static void end(void)
{
    scratch_end(&scratch);
}
TestSuite(rules, .init = begin, .fini = end);

/* ---- tapedeck rules ---- */

Test(rules, the_verb_prints_what_holds_at_a_date_and_who_says_so)
{
    run_program(&scratch, &ran, "rules upbit KRW-BTC --at 2024-03-01");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    HAS(ran.out, "upbit KRW-BTC, rules at 2024-03-01T00:00:00");
    HAS(ran.out, "2024-01-28T15:00Z  2025-07-30T15:00Z");
    HAS(ran.out, "   1000000         500\n");
    HAS(ran.out, "notional_min");
    HAS(ran.out, "invalid_price_bid");
    HAS(ran.out, "not known:");
    run_program(&scratch, &ran, "rules upbit KRW-BTC");
    HAS(ran.out, "the newest rules known");
    HAS(ran.out, "   1000000        1000\n");
    HAS(ran.out, "12/1s");
    for (const char *line = ran.out; (line = strchr(line, '\n')) != NULL; line++) {
        const char *next = strchr(line + 1, '\n');
        cr_assert(next == NULL || next - line <= 121, "%.*s", (int)(next - line), line);
    }
}

Test(rules, the_verb_speaks_json)
{
    run_program(&scratch, &ran, "rules binance-usdm BTCUSDT --at 2024-03-01 --json");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    json_t *root = json_loads(ran.out, 0, NULL), *entry;
    cr_assert_not_null(root);
    size_t i;
    bool found = false;
    json_array_foreach(json_object_get(root, "rules"), i, entry)
    {
        if (strcmp(json_string_value(json_object_get(entry, "rule")), "notional_min") != 0)
            continue;
        found = true;
        cr_assert_str_eq(json_string_value(json_object_get(entry, "value")), "5");
        HAS(json_string_value(json_object_get(entry, "until")), "2024-07-30");
        HAS(json_string_value(json_object_get(entry, "source")), "2021-02-23");
    }
    cr_assert(found);
    json_decref(root);
}

Test(rules, what_is_not_known_is_said_with_what_is)
{
    run_program(&scratch, &ran, "rules binance-usmd BTCUSDT");
    cr_assert_eq(ran.code, 2);
    HAS(ran.err, "no rules are known of venue 'binance-usmd' (did you mean 'binance-usdm'?)");
    run_program(&scratch, &ran, "rules upbit SGD-BTC");
    cr_assert_eq(ran.code, 2);
    HAS(ran.err, "no rules are known of 'SGD-BTC' on upbit");
    run_program(&scratch, &ran, "rules upbit");
    cr_assert_eq(ran.code, 2);
    run_program(&scratch, &ran, "rules upbit KRW-BTC --at yesterday");
    cr_assert_eq(ran.code, 2);
}

/* ---- runs ---- */

/* One book a second for `seconds`, the same bid and ask. */
static void write_tape(const char *name, const struct instrument *instrument, const char *from, unsigned seconds,
                       const char *bid, const char *ask)
{
    struct tape_writer *writer;
    struct tape_writer_stats stats;
    struct err_text why = {0};
    const struct tape_writer_options options = {.block_levels = 64};
    ns_t ts;
    struct level levels[2] = {{0, decimal_pow10(instrument->qty_decimals) * 1000},
                              {0, decimal_pow10(instrument->qty_decimals) * 1000}};
    cr_assert_eq(venue_rule_time(from, &ts), ERR_OK);
    cr_assert_eq(decimal_parse(bid, strlen(bid), instrument->price_decimals, ROUND_EXACT, &levels[0].price), ERR_OK);
    cr_assert_eq(decimal_parse(ask, strlen(ask), instrument->price_decimals, ROUND_EXACT, &levels[1].price), ERR_OK);
    cr_assert_eq(tape_writer_open(&writer, scratch_path(&scratch, name), instrument, 1, &options, &why), ERR_OK, "%s",
                 why.text);
    for (unsigned n = 0; n < seconds; n++) {
        const struct event event = {.ts = ts + n * NS_PER_S,
                                    .exch_ts = ts + n * NS_PER_S,
                                    .seq = n + 1,
                                    .levels = levels,
                                    .bid_count = 1,
                                    .ask_count = 1,
                                    .kind = EVENT_BOOK_SNAPSHOT};
        cr_assert_eq(tape_writer_add(writer, &event), ERR_OK);
    }
    cr_assert_eq(tape_writer_close(writer, &stats, &why), ERR_OK, "%s", why.text);
}

static char *file_text(const char *name)
{
    char *text = scratch_read(scratch_path(&scratch, name), NULL);
    cr_assert_not_null(text, "%s", name);
    return text;
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

/* A buy of 100 units at 6001 and one at 6000 with every book: KRW 600.1, a tenth of a tick beside the grid that
 * begins at midnight, or 0.1 BTC for 60 USDT. */
static const char prober[] =
    "#include \"core/strategy.h\"\n"
    "static void on_book(struct strategy_ctx *ctx, void *state, const struct event *event)\n"
    "{\n"
    "    uint64_t id;\n"
    "    (void)state;\n"
    "    (void)strategy_limit(ctx, event->instrument, SIDE_BUY, 6001, 100, TIF_IOC, 0, &id);\n"
    "    (void)strategy_limit(ctx, event->instrument, SIDE_BUY, 6000, 100, TIF_IOC, 0, &id);\n"
    "}\n"
    "static const struct strategy prober = {.abi = STRATEGY_ABI, .name = \"prober\", .version = \"1\",\n"
    "    .help = \"Probes.\", .state_size = 8, .book = on_book};\n"
    "const struct strategy *tapedeck_strategy(void);\n"
    "const struct strategy *tapedeck_strategy(void) { return &prober; }\n";

static void make_prober(void)
{
    char command[2048];
    scratch_write(&scratch, "prober.c", prober);
    snprintf(command, sizeof(command), "cd '%s' && cc -shared -fPIC -I'%s' -o prober.so prober.c", scratch.dir,
             TEST_SOURCE);
    cr_assert_eq(system(command), 0);
}

Test(rules, a_run_over_midnight_keeps_the_tick_of_each_day)
{
    struct instrument instrument;
    cr_assert_eq(upbit_rules_instrument("KRW-XRP", 7, 1, 0, &instrument), ERR_OK);
    write_tape("upbit.tape", &instrument, "2025-07-30T23:59+09:00", 121, "500", "700");
    make_prober();
    scratch_write(&scratch, "run.yaml",
                  "feed: {tapes: [upbit.tape]}\nvenue: {latency: {entry: 1ms, response: 1ms}}\n"
                  "strategy: {plugin: prober.so}\naccount: {balances: {KRW: \"1e9\"}}\n");
    run_program(&scratch, &ran, "run run.yaml --out day --quiet");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    char *orders = file_text("day/orders.csv");
    /* 60 books before midnight in Korea (15:00 UTC), 61 from then on; the last orders find no market any more. */
    unsigned off_tick = count_of(orders, ",BAD_PRICE,invalid_price_bid,");
    cr_assert(off_tick >= 60 && off_tick <= 61, "%u", off_tick);
    const char *first = strstr(orders, "invalid_price_bid");
    while (first > orders && first[-1] != '\n')
        first--;
    cr_assert_eq(strncmp(first, "2025-07-30T15:00:00.002", 23), 0, "%.60s", first);
    free(orders);
    char *result = file_text("day/result.json");
    json_t *root = json_loads(result, 0, NULL);
    json_t *venue = json_object_get(root, "venue"), *refused = json_object_get(venue, "refused");
    cr_assert_str_eq(json_string_value(json_object_get(venue, "rules")), "venue");
    cr_assert_eq(json_array_size(refused), 1);
    json_t *entry = json_array_get(refused, 0);
    cr_assert_str_eq(json_string_value(json_object_get(entry, "venue")), "upbit");
    cr_assert_str_eq(json_string_value(json_object_get(entry, "reason")), "BAD_PRICE");
    cr_assert_str_eq(json_string_value(json_object_get(entry, "venue_code")), "invalid_price_bid");
    cr_assert_eq(json_integer_value(json_object_get(entry, "count")), off_tick);
    json_decref(root);
    free(result);
    /* a tick of one's own holds at all dates */
    run_program(&scratch, &ran, "run run.yaml --out own --quiet --set venue.rules=none");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    orders = file_text("own/orders.csv");
    cr_assert_eq(count_of(orders, "BAD_PRICE"), 0);
    free(orders);
}

#define BTC_CONFIG                                                                                                   \
    "feed: {tapes: [btc.tape]}\n"                                                                                    \
    "account: {balances: {USDT: \"100000\"}}\n"                                                                      \
    "strategy: {plugin: prober.so}\n"

static void binance_tape(const char *from)
{
    struct instrument instrument;
    cr_assert_eq(binance_rules_guess(BINANCE_USDM, "BTCUSDT", 7, 1, 3, &instrument), ERR_OK);
    write_tape("btc.tape", &instrument, from, 30, "60000.0", "60000.1");
    scratch_write(&scratch, "run.yaml", BTC_CONFIG);
    make_prober();
}

Test(rules, the_smallest_order_of_the_date_is_asked_for)
{
    binance_tape("2024-08-08");
    run_program(&scratch, &ran, "run run.yaml --out a --quiet");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    char *orders = file_text("a/orders.csv");
    cr_assert_gt(count_of(orders, ",MIN_NOTIONAL,-4164,"), 0); /* 60 USDT, and 100 is asked for */
    cr_assert_eq(count_of(orders, ",ack,"), 0);
    free(orders);
    run_program(&scratch, &ran, "run run.yaml --out b --quiet --set venue.rules=tape");
    orders = file_text("b/orders.csv");
    cr_assert_eq(count_of(orders, "MIN_NOTIONAL"), 0);
    cr_assert_gt(count_of(orders, ",ack,"), 0);
    free(orders);
    binance_tape("2024-03-01");
    run_program(&scratch, &ran, "run run.yaml --out c --quiet");
    orders = file_text("c/orders.csv");
    cr_assert_eq(count_of(orders, "MIN_NOTIONAL"), 0);
    cr_assert_gt(count_of(orders, ",ack,"), 0);
    free(orders);
}

Test(rules, what_the_config_says_of_an_instrument_wins)
{
    binance_tape("2024-08-08");
    scratch_write(&scratch, "run.yaml",
                  BTC_CONFIG "instruments: [{symbol: BTCUSDT, notional_min: \"10\", maker_fee: \"0.0001\"}]\n");
    run_program(&scratch, &ran, "run run.yaml --out a --quiet");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    char *orders = file_text("a/orders.csv");
    cr_assert_eq(count_of(orders, "MIN_NOTIONAL"), 0);
    cr_assert_gt(count_of(orders, ",ack,"), 0);
    free(orders);
}
