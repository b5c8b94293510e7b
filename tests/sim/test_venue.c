/* What the scenarios cannot tell: full tables, amounts beyond 128 bits, several instruments, books put in from
 * outside. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "sim/fee.h"
#include "sim/venue.h"

#define SAID_MAX 1024

struct listener {
    struct execution said[SAID_MAX];
    uint16_t instruments[SAID_MAX];
    int count;
};

static void on_execution(void *context, ns_t ts, const struct execution *execution, uint16_t instrument)
{
    struct listener *listener = context;
    (void)ts;
    cr_assert_lt(listener->count, SAID_MAX);
    listener->instruments[listener->count] = instrument;
    listener->said[listener->count++] = *execution;
}

static struct instrument instruments[3];
static struct listener listener;
static ns_t now = 100;

static struct venue *open_venue(uint16_t count, uint32_t orders)
{
    struct venue_sink sink = {&listener, on_execution};
    struct venue_config config = {.instruments = instruments,
                                  .instrument_count = count,
                                  .book_window = BOOK_WINDOW_MIN,
                                  .book_far = 64,
                                  .own_orders_max = orders};
    for (uint16_t i = 0; i < count; i++)
        cr_assert_eq(instrument_init(&instruments[i], "synthetic", "TEST", "A", "B", CONTRACT_LINEAR, 0, 0), ERR_OK);
    size_t size = (venue_size(&config) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, size);
    memset(memory, 0, size);
    return venue_init(memory, &config, &sink);
}

static void book(struct venue *venue, uint16_t instrument, enum event_kind kind, const struct level *levels,
                 uint32_t bids, uint32_t asks)
{
    struct event event = {
        .kind = (uint8_t)kind, .instrument = instrument, .levels = levels, .bid_count = bids, .ask_count = asks};
    venue_market(venue, ++now, &event);
}

static struct venue_request order(uint64_t id, uint16_t instrument, enum side side, px_t price, qty_t qty)
{
    return (struct venue_request){
        .order_id = id, .instrument = instrument, .side = (uint8_t)side, .price = price, .qty = qty};
}

/* What cannot be remembered as taken cannot be taken: the walk stops, and the same levels give nothing twice. */
Test(venue, a_full_memory_of_taken_prices_stops_the_walk)
{
    struct level levels[200];
    struct venue *venue = open_venue(1, 4);
    for (int i = 0; i < 200; i++)
        levels[i] = (struct level){1000 + i, 2};
    book(venue, 0, EVENT_BOOK_SNAPSHOT, levels, 0, 200);

    struct venue_request request = order(1, 0, SIDE_BUY, 0, 399);
    request.type = ORDER_MARKET;
    request.tif = TIF_FOK;
    venue_request(venue, ++now, &request);
    cr_assert_eq(listener.said[listener.count - 1].reason, REASON_FOK);
    request.tif = TIF_IOC;
    request.order_id = 2;
    listener.count = 0;
    venue_request(venue, ++now, &request);
    cr_assert_eq(listener.count, 1 + 128 + 1);
    cr_assert_eq(listener.said[128].price, 1127);
    cr_assert_eq(listener.said[129].kind, EXEC_EXPIRED);
    cr_assert_eq(listener.said[129].reason, REASON_NO_LIQUIDITY);
    request.order_id = 3;
    listener.count = 0;
    venue_request(venue, ++now, &request);
    cr_assert_eq(listener.count, 2);

    /* One level changes hands: room for one more price, and for the new quantity. */
    levels[0].qty = 0;
    book(venue, 0, EVENT_BOOK_DELTA, levels, 0, 1);
    request.order_id = 4;
    listener.count = 0;
    venue_request(venue, ++now, &request);
    cr_assert_eq(listener.count, 3);
    cr_assert_eq(listener.said[1].price, 1128);
    cr_assert_eq(listener.said[1].qty, 2);
    free(venue);
}

/* A level taken in part stays in the full table: what is left of it can still be taken. */
Test(venue, a_price_in_the_full_memory_can_be_taken_further)
{
    struct level levels[129];
    struct venue *venue = open_venue(1, 4);
    for (int i = 0; i < 129; i++)
        levels[i] = (struct level){1000 + i, 2};
    book(venue, 0, EVENT_BOOK_SNAPSHOT, levels, 0, 129);
    struct venue_request request = order(1, 0, SIDE_BUY, 2000, 255);
    request.tif = TIF_IOC;
    venue_request(venue, ++now, &request);
    listener.count = 0;
    request.order_id = 2;
    venue_request(venue, ++now, &request);
    cr_assert_eq(listener.count, 3);
    cr_assert_eq(listener.said[1].price, 1127);
    cr_assert_eq(listener.said[1].qty, 1);
    free(venue);
}

Test(venue, a_fill_whose_amount_does_not_fit_expires_its_order)
{
    const struct level levels[] = {{INT64_C(4000000000000000000), INT64_C(4000000000000000000)}};
    struct venue *venue = open_venue(1, 4);
    instruments[0].taker_fee = 1000000;
    book(venue, 0, EVENT_BOOK_SNAPSHOT, levels, 0, 1);
    struct venue_request request = order(1, 0, SIDE_BUY, levels[0].price, levels[0].qty);
    venue_request(venue, ++now, &request);
    cr_assert_eq(listener.count, 2);
    cr_assert_eq(listener.said[0].kind, EXEC_ACK);
    cr_assert_eq(listener.said[1].kind, EXEC_EXPIRED);
    cr_assert_eq(listener.said[1].reason, REASON_VENUE);
    cr_assert_eq(venue_open_count(venue), 0);
    cr_assert_eq(account_position(venue_account(venue), 0)->qty, 0);
    free(venue);
}

Test(venue, instruments_do_not_touch_each_other)
{
    const struct level levels[] = {{100, 5}, {101, 5}, {100, 9}};
    struct venue *venue = open_venue(3, 8);
    for (uint16_t i = 0; i < 3; i++)
        book(venue, i, EVENT_BOOK_SNAPSHOT, levels, 1, 1);
    for (uint16_t i = 0; i < 3; i++) {
        struct venue_request request = order(1u + i, i, SIDE_BUY, 100, 3);
        venue_request(venue, ++now, &request);
        cr_assert_eq(venue_open_count_of(venue, i), 1);
    }
    listener.count = 0;
    struct event trade = {
        .kind = EVENT_TRADE, .flags = EVENT_SELL, .instrument = 1, .levels = levels + 2, .bid_count = 1};
    venue_market(venue, ++now, &trade);
    cr_assert_eq(listener.count, 1);
    cr_assert_eq(listener.instruments[0], 1);
    cr_assert_eq(listener.said[0].order_id, 2);
    cr_assert_eq(venue_open_count(venue), 2);
    cr_assert_eq(venue_open_count_of(venue, 1), 0);
    /* An order is known by its instrument, too. */
    struct venue_request cancel = {.kind = VENUE_CANCEL, .order_id = 1, .instrument = 2};
    venue_request(venue, ++now, &cancel);
    cr_assert_eq(listener.said[1].kind, EXEC_CANCEL_REJECT);
    /* A gap of no instrument is one of all. */
    struct event gap = {.kind = EVENT_GAP, .instrument = INSTRUMENT_NONE};
    venue_market(venue, ++now, &gap);
    for (uint16_t i = 0; i < 3; i++)
        cr_assert(venue_book(venue, i)->flags & BOOK_STALE);
    free(venue);
}

Test(venue, a_partial_book_put_in_from_outside_knows_only_what_it_shows)
{
    const struct level levels[] = {{100, 5}, {98, 4}, {102, 5}};
    struct venue *venue = open_venue(1, 8);
    struct venue_order_view view;
    struct event snapshot = {
        .kind = EVENT_BOOK_SNAPSHOT, .flags = EVENT_PARTIAL, .levels = levels, .bid_count = 2, .ask_count = 1};
    struct instrument *instrument = &instruments[0];
    void *memory = aligned_alloc(64, book_size(BOOK_WINDOW_MIN, 64) + 64);
    memset(memory, 0, book_size(BOOK_WINDOW_MIN, 64));
    struct book outside;
    book_init(&outside, memory, BOOK_WINDOW_MIN, 64, instrument);
    book_apply(&outside, &snapshot);
    book_copy(venue_book(venue, 0), &outside);
    free(memory);
    const qty_t ahead[] = {0, 5, 0, INT64_MAX, 4};
    const px_t prices[] = {99, 100, 101, 97, 98};
    for (uint64_t i = 0; i < 5; i++) {
        struct venue_request request = order(i + 1, 0, SIDE_BUY, prices[i], 1);
        venue_request(venue, ++now, &request);
        cr_assert(venue_order(venue, i + 1, &view));
        cr_assert_eq(view.ahead, ahead[i], "order %d", (int)i + 1);
    }
    free(venue);
}

Test(venue, many_orders_at_many_prices_leave_nothing_behind)
{
    const struct level levels[] = {{2000, 5}, {2100, 5}};
    struct venue *venue = open_venue(1, 200);
    book(venue, 0, EVENT_BOOK_SNAPSHOT, levels, 1, 1);
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 200; i++) {
            struct venue_request request =
                order((uint64_t)round * 200 + i + 1, 0, SIDE_BUY, 1900 + (px_t)(i * 7 % 50), 1);
            venue_request(venue, ++now, &request);
            listener.count = 0;
        }
        cr_assert_eq(venue_open_count(venue), 200);
        for (uint64_t i = 0; i < 200; i++) {
            struct venue_request cancel = {.kind = VENUE_CANCEL,
                                           .order_id = (uint64_t)round * 200 + i * 37 % 200 + 1};
            venue_request(venue, ++now, &cancel);
            cr_assert_eq(listener.said[0].kind, EXEC_CANCELLED);
            listener.count = 0;
        }
        cr_assert_eq(venue_open_count(venue), 0);
    }
    free(venue);
}

/* ---- fees ---- */

static money_t fee_at(enum contract_kind kind, int64_t rate, px_t price, qty_t qty)
{
    struct instrument instrument;
    struct fee fee = {.amount = -777};
    cr_assert_eq(instrument_init(&instrument, "binance-usdm", "T", "A", "B", kind, 2, 3), ERR_OK);
    cr_assert_eq(fee_compute(&instrument, fee_rule_of(&instrument), SIDE_BUY, rate, price, qty, &fee), ERR_OK);
    cr_assert_eq(fee.decimals, 8);
    return fee.amount;
}

Test(fee, is_rounded_once_against_us)
{
    /* 0.000500001 x 0.01 x 0.001 = 0.00000000500001 */
    cr_assert(fee_at(CONTRACT_LINEAR, 500001, 1, 1) == 1);
    cr_assert(fee_at(CONTRACT_LINEAR, -500001, 1, 1) == 0);
    cr_assert(fee_at(CONTRACT_SPOT, 500000, 100000000, 1000) == INT64_C(50000000000));
    cr_assert(fee_at(CONTRACT_LINEAR, -500000, 100000000, 1001) == INT64_C(-50050000000));
    /* 0.0005 x 1 / 3 = 0.0001666... */
    cr_assert(fee_at(CONTRACT_INVERSE, 500000, 300, 1000) == 16667);
    cr_assert(fee_at(CONTRACT_INVERSE, -500000, 300, 1000) == -16666);
    /* A negative price pays on its size. */
    cr_assert(fee_at(CONTRACT_LINEAR, 500000, -100000000, 1000) == INT64_C(50000000000));
}

Test(fee, what_does_not_fit_is_refused)
{
    struct instrument instrument;
    struct fee fee = {.amount = 5};
    cr_assert_eq(instrument_init(&instrument, "upbit", "T", "A", "B", CONTRACT_LINEAR, 0, 0), ERR_OK);
    const struct fee_rule *rule = fee_rule_of(&instrument);
    cr_assert_eq(fee_compute(&instrument, rule, SIDE_SELL, 1000000, INT64_MAX, INT64_MAX, &fee), ERR_RANGE);
    instrument.contract = CONTRACT_INVERSE;
    cr_assert_eq(fee_compute(&instrument, rule, SIDE_SELL, 1000000, 0, 1, &fee), ERR_RANGE);
    cr_assert(fee.amount == 5);
}

/* ---- fees from what a fill brings ---- */

static money_t of_balance(struct venue *venue, const char *currency)
{
    const struct balance *balance = account_balance(venue_account(venue), currency);
    return balance == NULL ? 0 : balance->total;
}

Test(fee, of_a_spot_buy_may_come_off_the_base_that_it_brings)
{
    const struct level levels[2] = {{99, 5000}, {100, 5000}};
    const money_t coin = money_pow10(MONEY_DECIMALS);
    struct venue_sink sink = {&listener, on_execution};
    struct venue_config config = {.instruments = instruments,
                                  .instrument_count = 1,
                                  .book_window = BOOK_WINDOW_MIN,
                                  .book_far = 64,
                                  .own_orders_max = 4,
                                  .check_funds = true};
    cr_assert_eq(instrument_init(&instruments[0], "synthetic", "TEST", "A", "B", CONTRACT_SPOT, 0, 3), ERR_OK);
    instruments[0].maker_fee = instruments[0].taker_fee = 1000000; /* 0.1 % */
    instruments[0].fee_received = true;
    void *memory = aligned_alloc(64, (venue_size(&config) + 63) / 64 * 64);
    memset(memory, 0, (venue_size(&config) + 63) / 64 * 64);
    struct venue *venue = venue_init(memory, &config, &sink);
    cr_assert_eq(account_deposit(venue_account(venue), "B", 100 * coin), ERR_OK);
    book(venue, 0, EVENT_BOOK_SNAPSHOT, levels, 1, 1);

    /* all of the 100 is enough: nothing is held for the fee */
    struct venue_request request = order(1, 0, SIDE_BUY, 100, 1000);
    listener.count = 0;
    venue_request(venue, ++now, &request);
    cr_assert_eq(listener.count, 2);
    cr_expect_eq(listener.said[1].kind, EXEC_FILL);
    cr_expect(listener.said[1].fee == 100000 && listener.said[1].fee_decimals == 8, "0.001");
    cr_expect_str_eq(listener.said[1].fee_currency, "A");
    cr_expect(of_balance(venue, "B") == 0);
    cr_expect(of_balance(venue, "A") == coin - coin / 1000);

    /* what is left can be sold, and no more; a sell pays in the quote */
    request = order(2, 0, SIDE_SELL, 99, 1000);
    listener.count = 0;
    venue_request(venue, ++now, &request);
    cr_expect_eq(listener.said[0].reason, REASON_INSUFFICIENT_FUNDS);
    request = order(3, 0, SIDE_SELL, 99, 999);
    listener.count = 0;
    venue_request(venue, ++now, &request);
    cr_assert_eq(listener.count, 2);
    cr_expect_str_eq(listener.said[1].fee_currency, "B");
    cr_expect(listener.said[1].fee == 9890100, "99 x 0.999 x 0.001 = 0.098901");
    cr_expect(of_balance(venue, "A") == 0);
    cr_expect(of_balance(venue, "B") == 99 * (coin - coin / 1000) - 98901 * coin / 1000000);
    free(memory);
}
