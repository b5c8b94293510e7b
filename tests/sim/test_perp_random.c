/* Random markets, orders, marks and funding against the slow ledger: after every step cash, fees, funding and
 * positions agree to the last digit, payments are those that had to come, in their order, orders are refused exactly
 * when the ledger refuses them, and nothing is liquidated that need not be, or left that must be. */
#include "slow_ledger.h"

#include "core/prng.h"
#include "sim/venue.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 4000
#define HOUR  150 /* between two instants of funding, in steps of time */

struct rig {
    uint64_t seed;
    int step;
    struct prng prng;
    struct instrument instruments[LEDGER_MARKETS];
    struct margin_rules rules[LEDGER_MARKETS];
    struct venue *venue;
    void *memory;
    struct ledger ledger;
    int64_t ts, center[LEDGER_MARKETS], next[LEDGER_MARKETS];
    uint64_t next_id;
    /* expected payments of this step */
    struct {
        int market;
        int64_t ts;
        int64_t rate;
        bool owed; /* a position was held */
    } expected[16];
    int expected_count, expected_at;
    struct ledger_order asked; /* the order under way */
    bool liquidating[2], liquidated_now;
    uint64_t fills, payments, liquidations, rejects, insured, checked;
};

#define WANT(condition, ...)                                                                                         \
    do {                                                                                                             \
        if (!(condition)) {                                                                                          \
            char what[256];                                                                                          \
            snprintf(what, sizeof(what), __VA_ARGS__);                                                               \
            cr_assert_fail("seed %" PRIu64 ", step %d: %s", rig->seed, rig->step, what);                             \
        }                                                                                                            \
    } while (0)

static struct ledger_order *open_order(struct rig *rig, uint64_t id)
{
    for (int i = 0; i < rig->ledger.order_count; i++)
        if (rig->ledger.orders[i].id == id)
            return &rig->ledger.orders[i];
    return NULL;
}

static void close_order(struct rig *rig, uint64_t id)
{
    struct ledger_order *order = open_order(rig, id);
    WANT(order != NULL, "order %" PRIu64 " ended twice", id);
    *order = rig->ledger.orders[--rig->ledger.order_count];
}

/* ---- what the venue says ---- */

static void on_payment(struct rig *rig, const struct execution *said, int number)
{
    struct ledger_market *market = &rig->ledger.markets[number];
    if (said->reason == REASON_INSURANCE) {
        rig->ledger.cash[market->wallet] -= said->fee;
        rig->ledger.insurance[market->wallet] += said->fee;
        WANT(rig->ledger.cash[market->wallet] == 0, "the fund bears what is missing, and no more");
        rig->insured++;
        return;
    }
    /* those of flat positions, and of rate 0, never come */
    while (rig->expected_at < rig->expected_count && (rig->expected[rig->expected_at].market != number ||
                                                      rig->expected[rig->expected_at].ts != said->venue_ts)) {
        WANT(!rig->expected[rig->expected_at++].owed || rig->liquidated_now, "a payment was left out");
    }
    WANT(rig->expected_at < rig->expected_count, "a payment that was not due");
    const money_t wanted = ledger_funding(&rig->ledger, number, rig->expected[rig->expected_at++].rate);
    WANT(-said->fee == wanted && said->fee_decimals == 18, "another payment than the definition's");
    rig->ledger.cash[market->wallet] += wanted;
    market->funding += wanted;
    rig->payments++;
}

static void on_fill(struct rig *rig, const struct execution *said, int number)
{
    const bool venues = order_id_is_venues(said->order_id);
    struct ledger_order *order = venues ? NULL : open_order(rig, said->order_id);
    WANT(venues || order != NULL, "a fill of no open order");
    const int side = venues ? (said->side == SIDE_BUY ? 1 : -1) : order->side;
    ledger_fill(&rig->ledger, number, side, said->price, said->qty, said->fee);
    if (venues)
        rig->ledger.insurance[rig->ledger.markets[number].wallet] += said->fee * 10000000000;
    else if ((order->leaves -= said->qty) == 0)
        close_order(rig, said->order_id);
    rig->fills++;
}

static void on_execution(void *context, ns_t ts, const struct execution *said, uint16_t number)
{
    struct rig *rig = context;
    const int wallet = rig->ledger.markets[number].wallet;
    (void)ts;
    switch (said->kind) {
    case EXEC_PAYMENT:
        on_payment(rig, said, number);
        break;
    case EXEC_FILL:
        on_fill(rig, said, number);
        break;
    case EXEC_ACK:
        if (order_id_is_venues(said->order_id)) {
            WANT(ledger_maintenance(&rig->ledger, wallet) >= ledger_equity(&rig->ledger, wallet),
                 "a liquidation without need");
            for (int i = 0; i < rig->ledger.order_count; i++)
                WANT(rig->ledger.markets[rig->ledger.orders[i].market].wallet != wallet,
                     "an order is open when the liquidation begins");
            rig->liquidations++;
            rig->liquidating[wallet] = rig->liquidated_now = true;
            break;
        }
        WANT(!ledger_refuses(&rig->ledger, &rig->asked), "accepted without margin");
        rig->checked++;
        rig->ledger.orders[rig->ledger.order_count++] = rig->asked;
        break;
    case EXEC_REJECT:
        rig->rejects += said->reason == REASON_INSUFFICIENT_MARGIN || said->reason == REASON_LEVERAGE_LIMIT;
        if (said->reason == REASON_INSUFFICIENT_MARGIN)
            WANT(ledger_refuses(&rig->ledger, &rig->asked), "refused with margin enough");
        else if (said->reason == REASON_LIQUIDATION)
            WANT(rig->liquidating[wallet] ||
                     ledger_maintenance(&rig->ledger, wallet) >= ledger_equity(&rig->ledger, wallet),
                 "refused without a liquidation");
        break;
    case EXEC_CANCELLED:
        close_order(rig, said->order_id);
        break;
    case EXEC_EXPIRED:
        if (!order_id_is_venues(said->order_id))
            close_order(rig, said->order_id);
        break;
    default:
        break;
    }
}

/* ---- the market ---- */

static void due_before(struct rig *rig, int64_t ts)
{
    rig->expected_count = rig->expected_at = 0;
    for (;;) {
        int64_t first = INT64_MAX;
        for (int i = 0; i < LEDGER_MARKETS; i++) {
            const struct ledger_market *market = &rig->ledger.markets[i];
            if (market->due != 0 && market->due < ts && market->due < first)
                first = market->due;
        }
        if (first == INT64_MAX)
            return;
        for (int i = 0; i < LEDGER_MARKETS; i++) {
            struct ledger_market *market = &rig->ledger.markets[i];
            if (market->due != first)
                continue;
            rig->expected[rig->expected_count].market = i;
            rig->expected[rig->expected_count].owed = market->qty != 0 && market->rate != 0;
            rig->expected[rig->expected_count++].ts = first;
            rig->expected[rig->expected_count - 1].rate = market->rate;
            market->due = market->after;
            market->rate = market->after_rate;
            market->after = 0;
            market->done = first;
        }
    }
}

static void snapshot(struct rig *rig, uint16_t number)
{
    struct level levels[16];
    struct event event = {.ts = rig->ts,
                          .exch_ts = rig->ts,
                          .levels = levels,
                          .bid_count = 8,
                          .ask_count = 8,
                          .instrument = number,
                          .kind = EVENT_BOOK_SNAPSHOT};
    for (int i = 0; i < 8; i++) {
        levels[i] = (struct level){rig->center[number] - 1 - i * 3, prng_range(&rig->prng, 1, 400)};
        levels[8 + i] = (struct level){rig->center[number] + 1 + i * 3, prng_range(&rig->prng, 1, 400)};
    }
    venue_market(rig->venue, rig->ts, &event);
}

static void trade(struct rig *rig, uint16_t number)
{
    const struct level level = {rig->center[number] + prng_range(&rig->prng, -4, 4), prng_range(&rig->prng, 1, 300)};
    const struct event event = {.ts = rig->ts,
                                .exch_ts = rig->ts,
                                .levels = &level,
                                .bid_count = 1,
                                .instrument = number,
                                .kind = EVENT_TRADE,
                                .flags = level.price < rig->center[number] ? EVENT_SELL : 0};
    venue_market(rig->venue, rig->ts, &event);
}

/* Marks jump further than the book, so that liquidations are met below zero too. */
static void mark(struct rig *rig, uint16_t number)
{
    struct ledger_market *market = &rig->ledger.markets[number];
    struct event_mark body = {.mark_price = rig->center[number] + prng_range(&rig->prng, -25, 25),
                              .funding_rate = prng_range(&rig->prng, -3000, 3000) * 1000000};
    const struct event event = {
        .ts = rig->ts, .exch_ts = rig->ts, .instrument = number, .kind = EVENT_MARK, .body = &body};
    if (prng_below(&rig->prng, 8) == 0)
        body.funding_rate = 0;
    body.next_funding_ts = rig->next[number];
    if (prng_below(&rig->prng, 10) == 0)
        body.next_funding_ts = market->done; /* told again */
    else if (body.next_funding_ts <= rig->ts)
        body.next_funding_ts = rig->next[number] = (rig->ts / HOUR + 1) * HOUR;
    market->mark = body.mark_price;
    if (body.next_funding_ts > market->done && body.next_funding_ts != 0) {
        const bool beside = market->due == rig->ts; /* told at the instant itself, for a later one */
        *(beside ? &market->after : &market->due) = body.next_funding_ts;
        *(beside ? &market->after_rate : &market->rate) = body.funding_rate;
    }
    venue_market(rig->venue, rig->ts, &event);
}

/* ---- orders ---- */

static void ask(struct rig *rig, uint16_t number)
{
    struct venue_request request = {.kind = VENUE_NEW,
                                    .order_id = ++rig->next_id,
                                    .instrument = number,
                                    .side = prng_below(&rig->prng, 2) == 0 ? SIDE_BUY : SIDE_SELL,
                                    .price = rig->center[number] + prng_range(&rig->prng, -8, 8),
                                    .qty = prng_range(&rig->prng, 1, 600)};
    if (prng_below(&rig->prng, 3) == 0)
        request.tif = TIF_IOC;
    rig->asked = (struct ledger_order){.id = request.order_id,
                                       .market = number,
                                       .side = request.side == SIDE_BUY ? 1 : -1,
                                       .price = request.price,
                                       .leaves = request.qty};
    venue_request(rig->venue, rig->ts, &request);
}

static void withdraw(struct rig *rig)
{
    if (rig->ledger.order_count == 0) {
        venue_elapse(rig->venue, rig->ts - 1);
        return;
    }
    const struct ledger_order *order = &rig->ledger.orders[prng_below(&rig->prng, (uint64_t)rig->ledger.order_count)];
    const struct venue_request request = {
        .kind = VENUE_CANCEL, .order_id = order->id, .instrument = (uint16_t)order->market};
    venue_request(rig->venue, rig->ts, &request);
}

/* ---- both together ---- */

static void compare(struct rig *rig)
{
    static const char *const wallets[] = {"USDT", "BTC"};
    const struct account *account = venue_account(rig->venue);
    const struct ledger *ledger = &rig->ledger;
    for (; rig->expected_at < rig->expected_count; rig->expected_at++)
        WANT(!rig->expected[rig->expected_at].owed || rig->liquidated_now, "a payment did not come");
    rig->liquidated_now = false;
    for (int i = 0; i < 2; i++) {
        const struct balance *balance = account_balance(account, wallets[i]);
        WANT(balance->total == ledger->cash[i], "cash of %s", wallets[i]);
        WANT(balance->fees == ledger->fees[i], "fees of %s", wallets[i]);
        WANT(venue_insurance(rig->venue, i == 0 ? 0 : 2) == ledger->insurance[i], "insurance of %s", wallets[i]);
        const money_t maintenance = ledger_maintenance(ledger, i), equity = ledger_equity(ledger, i);
        rig->liquidating[i] = maintenance > 0 && maintenance >= equity;
    }
    for (int i = 0; i < LEDGER_MARKETS; i++) {
        const struct position *position = account_position(account, (uint16_t)i);
        WANT(position->qty == ledger->markets[i].qty && position->cost == ledger->markets[i].cost, "position %d", i);
        WANT(position->funding == ledger->markets[i].funding, "funding %d", i);
    }
}

static void set_up(struct rig *rig)
{
    const struct venue_sink sink = {rig, on_execution};
    struct venue_config config = {.instruments = rig->instruments,
                                  .instrument_count = LEDGER_MARKETS,
                                  .book_window = BOOK_WINDOW_MIN,
                                  .book_far = 64,
                                  .own_orders_max = LEDGER_ORDERS - 2,
                                  .perp = {.margin = MARGIN_CROSS, .rules = rig->rules, .funding = FUNDING_TAPE}};
    static const char *const symbols[] = {"AAAUSDT", "BBBUSDT", "BTCUSD"};
    prng_init(&rig->prng, rig->seed, 9);
    for (int i = 0; i < LEDGER_MARKETS; i++) {
        const bool inverse = i == 2;
        struct instrument *instrument = &rig->instruments[i];
        cr_assert_eq(instrument_init(instrument, "synthetic", symbols[i],
                                     inverse  ? "BTC"
                                     : i == 0 ? "AAA"
                                              : "BBB",
                                     inverse ? "USD" : "USDT", inverse ? CONTRACT_INVERSE : CONTRACT_LINEAR, 1,
                                     inverse ? 0 : 2),
                     ERR_OK);
        instrument->multiplier = inverse ? 100 : i == 1 ? 3 : 1;
        instrument->maker_fee = -10000;
        instrument->taker_fee = 500000;
        rig->ledger.markets[i] = (struct ledger_market){.inverse = inverse,
                                                        .price_decimals = 1,
                                                        .qty_decimals = instrument->qty_decimals,
                                                        .multiplier = instrument->multiplier,
                                                        .wallet = inverse};
        rig->center[i] = prng_range(&rig->prng, 900, 1200);
        rig->next[i] = HOUR;
        rig->rules[i] = (struct margin_rules){.leverage = prng_range(&rig->prng, 1000, 4000),
                                              .liquidation_fee = prng_range(&rig->prng, 0, 20000000)};
        struct margin_tiers *tiers = &rig->rules[i].tiers;
        const money_t unit = inverse ? money_pow10(18) : money_pow10(20);
        *tiers = (struct margin_tiers){
            .count = 3,
            .at = {{.rate = 4000000}, {.floor = unit, .rate = 9000000}, {.floor = 4 * unit, .rate = 25000000}}};
        uint32_t bad;
        cr_assert_eq(margin_tiers_complete(tiers, &bad, NULL), ERR_OK);
    }
    size_t size = (venue_size(&config) + 63) / 64 * 64;
    rig->memory = aligned_alloc(64, size);
    memset(rig->memory, 0, size);
    rig->venue = venue_init(rig->memory, &config, &sink);
    rig->ledger.rules = rig->rules;
    rig->ledger.cash[0] = money_pow10(20) / 2;
    rig->ledger.cash[1] = money_pow10(18) * 3;
    cr_assert_eq(account_deposit(venue_account(rig->venue), "USDT", rig->ledger.cash[0]), ERR_OK);
    cr_assert_eq(account_deposit(venue_account(rig->venue), "BTC", rig->ledger.cash[1]), ERR_OK);
}

static void deposit(struct rig *rig)
{
    static const char *const wallets[] = {"USDT", "BTC"};
    for (int i = 0; i < 2; i++) {
        const money_t more = i == 0 ? money_pow10(20) / 2 : money_pow10(18) * 3;
        if (rig->ledger.cash[i] * 4 > more || rig->liquidating[i]) /* the venue looks again with the next event */
            continue;
        cr_assert_eq(account_pay(venue_account(rig->venue), wallets[i], more), ERR_OK);
        rig->ledger.cash[i] += more;
    }
}

static void run(uint64_t seed, struct rig *sums)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    rig->seed = seed;
    set_up(rig);
    for (uint16_t i = 0; i < LEDGER_MARKETS; i++) {
        rig->ts++;
        mark(rig, i);
        snapshot(rig, i);
    }
    for (rig->step = 0; rig->step < STEPS; rig->step++) {
        const uint16_t number = (uint16_t)prng_below(&rig->prng, LEDGER_MARKETS);
        const uint64_t draw = prng_below(&rig->prng, 100);
        rig->ts += prng_range(&rig->prng, 0, 40);
        due_before(rig, rig->ts);
        if (draw < 30) {
            rig->center[number] += prng_range(&rig->prng, -12, 12);
            if (rig->center[number] < 300)
                rig->center[number] = 300;
            snapshot(rig, number);
        } else if (draw < 50) {
            trade(rig, number);
        } else if (draw < 70) {
            venue_elapse(rig->venue, rig->ts - 1); /* or the ledger would know the new mark too soon */
            mark(rig, number);
        } else if (draw < 92) {
            ask(rig, number);
        } else if (draw < 95) {
            withdraw(rig);
        } else {
            venue_elapse(rig->venue, rig->ts - 1);
            deposit(rig);
        }
        compare(rig);
    }
    const struct perp_stats *stats = venue_perp_stats(rig->venue);
    WANT(stats->overflows == 0 && stats->payments == rig->payments && stats->margin_rejects == rig->rejects,
         "counts");
    sums->fills += rig->fills;
    sums->payments += rig->payments;
    sums->liquidations += rig->liquidations;
    sums->rejects += rig->rejects;
    sums->insured += rig->insured;
    sums->checked += rig->checked;
    free(rig->memory);
    free(rig);
}

Test(perp_random, money_agrees_with_the_slow_ledger_to_the_last_digit)
{
    struct rig *sums = calloc(1, sizeof(*sums));
    for (uint64_t seed = 1; seed <= 40; seed++)
        run(seed, sums);
    printf("%" PRIu64 " fills, %" PRIu64 " payments, %" PRIu64 " liquidation orders, %" PRIu64
           " losses borne by the fund, %" PRIu64 " orders accepted, %" PRIu64 " refused for margin\n",
           sums->fills, sums->payments, sums->liquidations, sums->insured, sums->checked, sums->rejects);
    cr_expect_gt(sums->fills, 1000);
    cr_expect_gt(sums->payments, 500);
    cr_expect_gt(sums->liquidations, 100);
    cr_expect_gt(sums->insured, 10);
    cr_expect_gt(sums->rejects, 500);
    free(sums);
}
