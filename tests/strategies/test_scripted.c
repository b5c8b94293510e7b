/* The scripted strategy, driven by hand. Prices have 2 decimals, quantities 3: 100.00 is 10000, 0.010 is 10. */
#include "core/prng.h"
#include "strategies/registry.h"
#include "strategies/scripted.h"
#include "tests/strategies/fake_engine.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "order_id,submit_ts,side,price,qty,type,tif,cancel_ts\n"

/* Started on these lines, with a first touch of 99.99 x 0.5 and 100.01 x 0.5 at 1000. */
static struct fake *scripted(const char *orders)
{
    struct fake *fake = fake_new(&scripted_strategy);
    fake_param(fake, "orders", orders);
    cr_assert_eq(fake_start(fake), ERR_OK, "%s", fake->last_log);
    fake_time(fake, 1000);
    fake_touch(fake, 9999, 500, 10001, 500);
    return fake;
}

static void stop(struct fake *fake)
{
    scripted_strategy.stop(&fake->ctx, fake->state);
}

#define CHECK_OPEN(fake, expected) cr_assert_str_eq(fake_open_text(fake), expected, "got %s", fake_open_text(fake))

/* The values of some columns of one order's line, with spaces between. */
static const char *outcome(const struct fake *fake, const char *id, const char *columns)
{
    static char text[4096];
    char names[1024], wanted[256];
    size_t used = 0;
    const char *head_end = strchr(fake->written, '\n'), *line = head_end;
    cr_assert_not_null(line, "nothing was written");
    for (; line != NULL; line = strchr(line + 1, '\n'))
        if (strncmp(line + 1, id, strlen(id)) == 0 && line[1 + strlen(id)] == ',')
            break;
    cr_assert_not_null(line, "no line of %s in:\n%s", id, fake->written);
    snprintf(wanted, sizeof(wanted), "%s", columns);
    for (char *save = NULL, *column = strtok_r(wanted, " ", &save); column != NULL;
         column = strtok_r(NULL, " ", &save)) {
        snprintf(names, sizeof(names), "%.*s", (int)(head_end - fake->written), fake->written);
        const char *at = line + 1;
        char *name = names, *next;
        for (; name != NULL; name = next, at += strcspn(at, ",\n") + 1) {
            if ((next = strchr(name, ',')) != NULL)
                *next++ = '\0';
            if (strcmp(name, column) == 0)
                break;
        }
        cr_assert_not_null(name, "no column %s", column);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.*s", used != 0 ? " " : "",
                                 (int)strcspn(at, ",\n"), at);
    }
    return text;
}
#define CHECK_OUTCOME(fake, id, columns, expected)                                                                   \
    cr_assert_str_eq(outcome(fake, id, columns), expected, "got %s", outcome(fake, id, columns))

Test(scripted, orders_are_sent_and_cancelled_at_their_moments_whatever_their_order_in_the_file)
{
    struct fake *fake = scripted(HEAD "c,3000,sell,100.50,0.030,limit,gtx,\n"
                                      "a,2000,buy,99.50,0.010,limit,gtc,4000\n"
                                      "b,2000,buy,99.40,0.020,limit,gtc,\n");
    CHECK_OPEN(fake, "-");
    fake_time(fake, 1999);
    CHECK_OPEN(fake, "-");
    fake_time(fake, 2000);
    CHECK_OPEN(fake, "buy 0.010@99.50 buy 0.020@99.40");
    fake_time(fake, 3999);
    CHECK_OPEN(fake, "buy 0.010@99.50 buy 0.020@99.40 sell 0.030@100.50");
    cr_assert_eq(fake_open(fake, SIDE_SELL)->flags, ORDER_POST_ONLY);
    fake_time(fake, 4000);
    CHECK_OPEN(fake, "buy 0.010@99.50! buy 0.020@99.40 sell 0.030@100.50");
    fake_free(fake);
}

Test(scripted, at_one_moment_cancels_of_older_orders_go_before_new_orders_and_their_own_cancels_after)
{
    struct fake *fake = scripted(HEAD "new,3000,buy,99.60,0.010,limit,gtc,3000\n"
                                      "old,2000,buy,99.50,0.010,limit,gtc,3000\n");
    fake_time(fake, 2500);
    CHECK_OPEN(fake, "buy 0.010@99.50");
    fake->cancelled = 0;
    fake_time(fake, 3000);
    /* both are on their way out: the own cancel of `new` came after `new` itself */
    CHECK_OPEN(fake, "buy 0.010@99.50! buy 0.010@99.60!");
    cr_assert_eq(fake->cancelled, 2);
    fake_free(fake);
}

Test(scripted, types_and_words_of_venues_are_understood)
{
    struct fake *fake =
        scripted("\xef\xbb\xbfside,order_id,type,tif,price,qty,submit_ts,cancel_ts,x_mine,reduce_only\r\n"
                 "# a note\r\n"
                 "\r\n"
                 "BUY,\"m 1\",MARKET,,,0.010,2000,,any,\r\n"
                 "Sell,2,Limit,IOC,100.00,0.010,1970-01-01T00:00:00.000003Z,,,true\r\n"
                 "sell,3,limit,fok,100.00,1e-2,4000,,,0");
    fake_time(fake, 2000);
    CHECK_OPEN(fake, "buy 0.010@market");
    fake_time(fake, 3000);
    cr_assert_eq(fake_open(fake, SIDE_SELL)->flags, ORDER_REDUCE_ONLY);
    cr_assert_eq(fake_open(fake, SIDE_SELL)->tif, TIF_IOC);
    fake_time(fake, 4000);
    CHECK_OPEN(fake, "buy 0.010@market sell 0.010@100.00 sell 0.010@100.00");
    fake_free(fake);
}

Test(scripted, fees_are_added_up_in_one_currency_and_told_apart_in_several)
{
    struct fake *fake = scripted(HEAD "a,2000,buy,99.99,0.030,limit,gtc,9000\n"
                                      "b,2000,buy,99.99,0.030,limit,gtc,9000\n");
    fake_time(fake, 2000);
    fake_answer(fake);
    fake->fee = 125;
    fake->fee_currency = "BNB";
    fake_fill(fake, 1, 9999, 10);
    fake_fill(fake, 2, 9999, 10);
    fake_fill(fake, 1, 9999, 20);
    fake->fee_currency = "USDT";
    fake_fill(fake, 2, 9999, 20);
    stop(fake);
    CHECK_OUTCOME(fake, "a", "fee fee_currency", "2.5 BNB");
    CHECK_OUTCOME(fake, "b", "fee", "");
    CHECK_OUTCOME(fake, "b", "fee_currency", "several");
    fake_free(fake);
}

Test(scripted, an_outcome_has_every_fill_with_both_stamps_and_the_exact_average)
{
    struct fake *fake = scripted(HEAD "a,2000,buy,99.99,0.030,limit,gtc,9000\n");
    fake_time(fake, 2000);
    fake_time(fake, 2100);
    fake_report(fake, 1, EXEC_ACK, REASON_NONE);
    fake_time(fake, 2200);
    fake_fill(fake, 1, 9999, 10);
    fake_time(fake, 2300);
    fake_fill(fake, 1, 9998, 20);
    stop(fake);
    cr_assert_str_eq(fake->written_to, "outcomes.csv");
    CHECK_OUTCOME(fake, "a", "status filled maker shown", "filled 0.03 0.03 0.5");
    /* (99.99 + 2 x 99.98) / 3, at two decimals and eight more, half to even */
    CHECK_OUTCOME(fake, "a", "avg_price", "99.9833333333");
    CHECK_OUTCOME(fake, "a", "fills", "99.99:0.01:2200:2200:1|99.98:0.02:2300:2300:1");
    CHECK_OUTCOME(fake, "a", "ack_ts first_fill_ts done_venue_ts done_ts", "2100 2200 2300 2300");
    CHECK_OUTCOME(fake, "a", "submit_ts side price qty type tif cancel_ts", "2000 buy 99.99 0.03 limit gtc 9000");
    fake_free(fake);
}

Test(scripted, an_average_on_the_half_goes_to_the_even_digit)
{
    /* 2^20 units; one of them a tick dearer: 100 + 0.01 / 2^20 = 100.0000000095367..., and with k dearer k times that
     */
    static const struct {
        qty_t dear, all;
        const char *average;
    } cases[] = {{1, 1048576, "100.0000000095"}, {1, 3, "100.0033333333"},      {1, 16, "100.000625"},
                 {2, 3, "100.0066666667"},       {1, 1 << 9, "100.0000195312"}, {3, 1 << 9, "100.0000585938"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char orders[256], qty[DECIMAL_TEXT_SIZE];
        decimal_format(qty, cases[i].all, 3, 0);
        snprintf(orders, sizeof(orders), HEAD "a,2000,buy,100.01,%s,limit,gtc,\n", qty);
        struct fake *fake = scripted(orders);
        fake_time(fake, 2000);
        fake_fill(fake, 1, 10001, cases[i].dear);
        fake_fill(fake, 1, 10000, cases[i].all - cases[i].dear);
        stop(fake);
        CHECK_OUTCOME(fake, "a", "avg_price", cases[i].average);
        fake_free(fake);
    }
}

Test(scripted, what_ended_otherwise_says_how_and_why)
{
    struct fake *fake = scripted(HEAD "before,999,buy,99.00,0.010,limit,gtc,\n"
                                      "part,2000,buy,99.99,0.030,limit,gtc,3000\n"
                                      "post,2000,buy,99.98,0.030,limit,gtx,\n"
                                      "gate,2001,buy,99.97,0.030,limit,gtc,2500\n"
                                      "stuck,2002,buy,99.96,0.030,limit,gtc,2500\n"
                                      "mute,2003,buy,99.95,0.030,limit,gtc,\n"
                                      "after,5000,buy,99.00,0.010,limit,gtc,6000\n");
    fake_time(fake, 2000);
    fake_report(fake, 1, EXEC_ACK, REASON_NONE);
    fake_report(fake, 2, EXEC_REJECT, REASON_POST_ONLY);
    fake->refuse_next = true;
    fake_time(fake, 2002);
    fake_report(fake, 4, EXEC_ACK, REASON_NONE);
    fake_time(fake, 2600);
    fake_report(fake, 4, EXEC_CANCEL_REJECT, REASON_VENUE);
    fake_fill(fake, 1, 9999, 10);
    fake_time(fake, 3100);
    fake_report(fake, 1, EXEC_CANCELLED, REASON_USER);
    stop(fake);
    CHECK_OUTCOME(fake, "before", "status reason", "not_sent BEFORE_DATA");
    CHECK_OUTCOME(fake, "part", "status filled reason done_ts", "cancelled 0.01 USER 3100");
    CHECK_OUTCOME(fake, "post", "status filled avg_price maker reason", "rejected 0  0 POST_ONLY");
    CHECK_OUTCOME(fake, "gate", "status reason", "rejected RISK_POSITION");
    CHECK_OUTCOME(fake, "stuck", "status reason done_ts", "open VENUE ");
    CHECK_OUTCOME(fake, "mute", "status reason ack_ts", "pending  ");
    CHECK_OUTCOME(fake, "after", "status reason", "not_sent AFTER_DATA");
    cr_assert_str_eq(fake->last_log, "scripted: 7 orders: 0 filled, 1 cancelled, 0 expired, 2 rejected, 1 open, "
                                     "1 pending, 2 not sent");
    fake_free(fake);
}

Test(scripted, outcomes_are_a_script_again)
{
    struct fake *fake = scripted(HEAD "a,2000,buy,99.99,0.030,limit,gtx,3000\nb,2000,sell,,0.010,market,,\n");
    fake_time(fake, 2000);
    fake_fill(fake, 1, 9999, 30);
    stop(fake);
    struct fake *again = scripted(fake->written);
    uint32_t count;
    const struct scripted_row *rows = scripted_rows(again->state, &count);
    cr_assert_eq(count, 2);
    cr_assert(rows[0].real_told && rows[0].real_filled == 30 && rows[0].real_first_ts == 2000);
    cr_assert(rows[1].real_told && rows[1].real_filled == 0 && rows[1].cancel_ts == SCRIPT_NEVER);
    cr_assert(rows[0].flags == ORDER_POST_ONLY && rows[1].tif == TIF_IOC);
    fake_free(again);
    fake_free(fake);
}

Test(scripted, an_order_may_end_when_it_ended_in_reality)
{
    static const char orders[] = "order_id,submit_ts,side,price,qty,type,tif,cancel_ts,filled,first_fill_ts,done_ts\n"
                                 "a,2000,buy,99.99,0.030,limit,gtc,,0.03,2500,2700\n"
                                 "b,2000,buy,99.98,0.030,limit,gtc,,0.03,2500,\n"
                                 "c,2000,buy,99.97,0.030,limit,gtc,2600,0.03,2500,2700\n"
                                 "d,2000,buy,99.96,0.030,limit,gtc,,0,,\n";
    static const ns_t wanted[] = {2710, 2510, 2600, SCRIPT_NEVER};
    struct fake *fake = fake_new(&scripted_strategy);
    fake_param(fake, "orders", orders);
    fake_param(fake, "end_as_recorded", "true");
    fake_param(fake, "end_slack", "10ns");
    cr_assert_eq(fake_start(fake), ERR_OK);
    uint32_t count;
    const struct scripted_row *rows = scripted_rows(fake->state, &count);
    for (uint32_t i = 0; i < count; i++)
        cr_assert_eq(rows[i].cancel_ts, wanted[i], "row %u", i);
    fake_free(fake);
}

Test(scripted, fills_beyond_the_pool_are_counted_and_said)
{
    struct fake *fake = fake_new(&scripted_strategy);
    fake_param(fake, "orders", HEAD "a,2000,buy,99.99,0.030,limit,gtc,\nb,2000,buy,99.99,0.030,limit,gtc,\n");
    fake_param(fake, "fills_max", "2");
    cr_assert_eq(fake_start(fake), ERR_OK);
    fake_time(fake, 1000);
    fake_touch(fake, 9999, 500, 10001, 500);
    fake_time(fake, 2000);
    for (int i = 0; i < 3; i++)
        fake_fill(fake, 1, 9999, 10);
    fake_fill(fake, 2, 9999, 10);
    stop(fake);
    CHECK_OUTCOME(fake, "a", "filled fills", "0.03 99.99:0.01:2000:2000:1|99.99:0.01:2000:2000:1|+1");
    CHECK_OUTCOME(fake, "b", "filled fills", "0.01 +1");
    cr_assert_not_null(strstr(fake->last_log, "2 fills are counted but not listed"));
    fake_free(fake);
}

Test(scripted, every_mistake_is_told_with_line_column_and_field)
{
    static const struct {
        const char *orders, *words;
    } bad[] = {
        {"", "orders:1:1: empty; expected the line 'order_id,submit_ts,side,price,qty,type,tif,cancel_ts' first"},
        {HEAD, "orders:1: no order below the header"},
        {"order_id,submit_ts,side,price,qty,type,tif\n", "orders:1:1: the column 'cancel_ts' is missing"},
        {"order_id,submit_ts,side,price,qty,type,tif,cancel_ts,symbl\n", "orders:1:54: unknown column 'symbl'"},
        {"order_id,qty,submit_ts,side,price,qty,type,tif,cancel_ts\n",
         "orders:1:35: the column 'qty' is there twice"},
        {HEAD "a,2000,buy,99.99,0.03,limit,gtc\n", "orders:2:32: expected 8 fields as in the header, got 7"},
        {HEAD "a,2000,buy,99.99,0.03,limit,gtc,,\n",
         "orders:2:34: expected 8 fields as in the header, got more than 8"},
        {HEAD "\n# x\n,2000,buy,99.99,0.03,limit,gtc,\n",
         "orders:4:1: order_id: expected 1 to 36 characters, got ''"},
        {HEAD "1234567890123456789012345678901234567,2000,buy,99.99,0.03,limit,gtc,\n",
         "orders:2:1: order_id: expected 1"},
        {HEAD "a\tb,2000,buy,99.99,0.03,limit,gtc,\n", "orders:2:1: order_id: expected no comma, quote or control"},
        {HEAD "a,2000,buy,99.99,0.03,limit,gtc,\na,2000,buy,99.99,0.03,limit,gtc,\n",
         "orders:3:1: order_id: expected each order once (the other is in line 2), got 'a'"},
        {HEAD "a,,buy,99.99,0.03,limit,gtc,\n", "orders:2:3: submit_ts: expected the moment of sending, got ''"},
        {HEAD "a,2024-13-01,buy,99.99,0.03,limit,gtc,\n",
         "orders:2:3: submit_ts: expected nanoseconds since 1970 or a UTC time such as 2024-08-08T12:30:00.5Z, got "
         "'2024-13-01'"},
        {HEAD "a,2000,long,99.99,0.03,limit,gtc,\n", "orders:2:8: side: expected buy or sell, got 'long'"},
        {HEAD "a,2000,buy,99.99x,0.03,limit,gtc,\n", "orders:2:12: price: expected a decimal number, got '99.99x'"},
        {HEAD "a,2000,buy,,0.03,limit,gtc,\n", "orders:2:12: price: expected a decimal number, got ''"},
        {HEAD "a,2000,buy,99.999,0.03,limit,gtc,\n",
         "orders:2:12: price: expected at most 2 decimals, as the prices of BTCUSDT have, got '99.999'"},
        {HEAD "a,2000,buy,99.99,0,limit,gtc,\n", "orders:2:18: qty: expected more than 0, got '0'"},
        {HEAD "a,2000,buy,99.99,0.0001,limit,gtc,\n",
         "orders:2:18: qty: expected at most 3 decimals, as the quantities"},
        {HEAD "a,2000,buy,99.99,0.03,stop,gtc,\n", "orders:2:23: type: expected limit or market, got 'stop'"},
        {HEAD "a,2000,buy,99.99,0.03,limit,day,\n", "orders:2:29: tif: expected gtc, ioc, fok or gtx, got 'day'"},
        {HEAD "a,2000,buy,99.99,0.03,market,,\n",
         "orders:2:12: price: expected nothing for a market order, got '99.99'"},
        {HEAD "a,2000,buy,,0.03,market,gtx,\n", "orders:2:25: tif: expected ioc, fok or nothing for a market order"},
        {HEAD "a,2000,buy,99.99,0.03,limit,gtc,1999\n",
         "orders:2:33: cancel_ts: expected a moment not before submit_ts"},
        {HEAD "\"a,2000,buy,99.99,0.03,limit,gtc,1999\n", "orders:2:1: a quoted field has no closing quote"},
        {"symbol," HEAD "ETHUSDT,a,2000,buy,99.99,0.03,limit,gtc,\n",
         "orders:2:1: symbol: expected an instrument of this run, such as BTCUSDT, got 'ETHUSDT'"},
        {"filled," HEAD "0.04,a,2000,buy,99.99,0.03,limit,gtc,\n",
         "orders:2:1: filled: expected 0 up to the order's qty"},
        {"filled,first_fill_ts," HEAD "0,2001,a,2000,buy,99.99,0.03,limit,gtc,\n",
         "orders:2:3: first_fill_ts: expected nothing: filled is 0, got '2001'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct fake *fake = fake_new(&scripted_strategy);
        fake_param(fake, "orders", bad[i].orders);
        cr_assert_eq(fake_start(fake), ERR_CONFIG, "%s", bad[i].orders);
        cr_assert_eq(strncmp(fake->last_log, bad[i].words, strlen(bad[i].words)), 0, "%s\n%s", bad[i].words,
                     fake->last_log);
        fake_free(fake);
    }
}

/* Many rows in no order at all, some at one moment: they are sent as a stable sort says. */
Test(scripted, a_shuffled_file_is_sent_in_the_order_of_time_and_then_of_the_file)
{
    enum { ROWS = 700 };
    const uint64_t seed = 20240808;
    struct prng prng;
    char *orders = malloc(ROWS * 64 + sizeof(HEAD));
    size_t used = (size_t)sprintf(orders, HEAD);
    prng_init(&prng, seed, 0);
    for (int i = 0; i < ROWS; i++)
        used += (size_t)sprintf(orders + used, "%d,%" PRIu64 ",buy,99.00,%d.000,limit,gtc,\n", i,
                                2000 + prng_below(&prng, 200), i + 1);
    struct fake *fake = scripted(orders);
    fake_time(fake, 3000);
    uint32_t count, seen = 0;
    const struct scripted_row *rows = scripted_rows(fake->state, &count);
    ns_t last_ts = 0;
    qty_t last_qty = 0;
    for (struct order *order = NULL; (order = order_table_next_open(fake->orders, order)) != NULL; seen++) {
        const struct scripted_row *row = &rows[order->tag - 1];
        cr_assert_eq(order->submit_ts, row->submit_ts, "seed %" PRIu64, seed);
        cr_assert(order->submit_ts > last_ts || (order->submit_ts == last_ts && order->qty > last_qty),
                  "seed %" PRIu64 ": order %" PRIu64, seed, order->id);
        last_ts = order->submit_ts;
        last_qty = order->qty;
    }
    cr_assert_eq(seen, ROWS);
    fake_free(fake);
    free(orders);
}
