/* A run through funding and liquidation, as a user sees it: a tape with marks, orders from a file, the run's files.
 */
#include "data/tape_writer.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START INT64_C(1723104000000000000) /* 2024-08-08T08:00:00Z */

static struct scratch scratch;

static void setup(void)
{
    scratch_begin(&scratch);
}
static void teardown(void)
{
    scratch_end(&scratch);
}
TestSuite(perp_run, .init = setup, .fini = teardown);

static void add(struct tape_writer *writer, struct event *event, int second)
{
    event->ts = event->exch_ts = START + second * NS_PER_S;
    cr_assert_eq(tape_writer_add(writer, event), ERR_OK);
}

static void book(struct tape_writer *writer, int second, px_t bid, px_t ask)
{
    static uint64_t seq;
    const struct level levels[2] = {{bid, 50000}, {ask, 50000}};
    struct event event = {
        .levels = levels, .bid_count = 1, .ask_count = 1, .seq = ++seq, .kind = EVENT_BOOK_SNAPSHOT};
    add(writer, &event, second);
}

static void mark(struct tape_writer *writer, int second, px_t price, int next)
{
    const struct event_mark body = {.mark_price = price,
                                    .funding_rate = decimal_pow10(8), /* 0.0001 */
                                    .next_funding_ts = START + next * NS_PER_S};
    struct event event = {.body = &body, .kind = EVENT_MARK};
    add(writer, &event, second);
}

/* Funding at 60 s and at 120 s; at 200 s the mark falls to where 0.1 from 60000 with 600 behind it is liquidated. */
static void write_market(void)
{
    struct instrument instrument;
    struct tape_writer *writer;
    struct tape_writer_stats stats;
    struct err_text why = {0};
    const struct tape_writer_options options = {.block_levels = 64};
    cr_assert_eq(instrument_init(&instrument, "synthetic", "BTCUSDT", "BTC", "USDT", CONTRACT_LINEAR, 1, 3), ERR_OK);
    cr_assert_eq(tape_writer_open(&writer, scratch_path(&scratch, "a.tape"), &instrument, 1, &options, &why), ERR_OK);
    mark(writer, 0, 600000, 60);
    book(writer, 1, 599990, 600000);
    for (int second = 2; second < 200; second++) {
        if (second % 3 == 0)
            mark(writer, second, 600000, second < 60 ? 60 : second < 120 ? 120 : 180);
        else
            book(writer, second, 599990, 600000);
    }
    book(writer, 200, 541000, 541010);
    mark(writer, 201, 541000, 240);
    for (int second = 202; second < 210; second++)
        book(writer, second, 541000, 541010);
    cr_assert_eq(tape_writer_close(writer, &stats, &why), ERR_OK, "%s", why.text);
}

static void write_config(const char *venue)
{
    char text[2048], orders[256];
    snprintf(orders, sizeof(orders),
             "order_id,submit_ts,side,price,qty,type,tif,cancel_ts\n1,%" PRId64 ",buy,,0.1,market,ioc,\n"
             "2,%" PRId64 ",sell,61000,0.05,limit,gtc,\n",
             START + 10 * NS_PER_S, START + 20 * NS_PER_S);
    scratch_write(&scratch, "orders.csv", orders);
    snprintf(text, sizeof(text),
             "feed: {tapes: [a.tape]}\nvenue: {fees: {maker: \"0\", taker: \"0\"}, %s}\n"
             "account: {balances: {USDT: \"601.2\"}}\nstrategy: {name: scripted, params: {orders: orders.csv}}\n",
             venue);
    scratch_write(&scratch, "run.yaml", text);
}

static void run(const char *venue)
{
    static struct ran ran;
    write_market();
    write_config(venue);
    run_program(&scratch, &ran, "run run.yaml --out out");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}

static char *file(const char *name)
{
    size_t size;
    char path[64];
    snprintf(path, sizeof(path), "out/%s", name);
    return scratch_read(scratch_path(&scratch, path), &size);
}

static void has(const char *name, const char *words)
{
    char *text = file(name);
    cr_assert_not_null(text, "%s", name);
    cr_expect(strstr(text, words) != NULL, "'%s' is not in %s:\n%s", words, name, text);
    free(text);
}

Test(perp_run, funding_of_the_tape_is_paid_and_written_down)
{
    run("latency: {entry: 2ms, response: 3ms}");
    /* 0.1 x 60000 x 0.0001 = 0.6, told after the response latency */
    has("payments.csv", "2024-08-08T08:01:00.003000000Z,1723104060003000000,1723104060000000000,1,synthetic,BTCUSDT,"
                        "FUNDING,-0.6,USDT,0.1,60000,0.0001,600.6\n");
    has("payments.csv", ",2,synthetic,BTCUSDT,FUNDING,-0.6,USDT,0.1,60000,0.0001,600\n");
    has("result.json", "\"funding_payments\": 3");
    has("result.json", "\"funding\": \"-1.8\"");
    has("result.json", "\"liquidations\": 0");
}

Test(perp_run, funding_can_be_off_and_then_there_is_no_file_of_payments)
{
    run("funding: {source: \"off\"}");
    cr_expect_null(file("payments.csv"));
    has("result.json", "\"total\": \"601.2\"");
}

Test(perp_run, a_liquidation_is_in_every_file_of_the_run)
{
    run("margin: {mode: cross, leverage: 10, maintenance: 0.004, liquidation_fee: 0.002}, funding: {source: "
        "\"off\"}");
    /* 601.2 - 6000 + 5410 - 10.82 */
    has("result.json", "\"total\": \"0.38\"");
    has("result.json", "\"liquidations\": 1");
    has("result.json", "\"USDT\": \"10.82\"");
    has("fills.csv", ",9223372036854775809,2,synthetic,BTCUSDT,sell,54100,0.1,taker,10.82,USDT,0\n");
    has("orders.csv", ",9223372036854775809,synthetic,BTCUSDT,ack,live,sell,market,ioc,reduce_only,0,0.1,0,"
                      "LIQUIDATION,");
    has("orders.csv", ",2,synthetic,BTCUSDT,expired,expired,sell,limit,gtc,,61000,0.05,0,LIQUIDATION,");
    has("log.txt", "WARN liquidation: the venue sells 0.1 of BTCUSDT");
}
