/* The digest of a run: the same for the same run, however it is cut, and another one for any change. */
#include "engine_rig.h"

#include <criterion/criterion.h>
#include <string.h>

/* ---- one run that uses everything ---- */

static struct event_mark mark;
static struct event_candle candle;
static struct event_ticker ticker;
static struct event_text text, gap;
static struct event_signal signal_body;
static struct event_balance balance;

/* What the strategy asks for; a change of any field is a change of the run. */
static struct {
    struct order_request request;
    px_t amend_price;
    qty_t amend_qty;
    uint64_t cancelled;
    ns_t timer;
    const char *line;
    enum log_level level;
    const char *curve;
    int64_t value;
    unsigned decimals;
    const char *file, *row;
    uint64_t drawn; /* numbers taken from the generator, shown in the log */
    bool later;     /* what is written is written one message later */
} wish;

static void everything(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    (void)rig;
    if (moment == 'b' && ts == 100) {
        cr_assert_eq(strategy_submit(ctx, &wish.request, NULL), ERR_OK);
        cr_assert_eq(strategy_limit(ctx, 0, SIDE_SELL, 10050, 10, TIF_GTC, 0, NULL), ERR_OK);
        cr_assert_eq(strategy_limit(ctx, 0, SIDE_SELL, 10060, 10, TIF_GTC, 0, NULL), ERR_OK);
        cr_assert_eq(strategy_timer_at(ctx, wish.timer, NULL), ERR_OK);
        strategy_log(ctx, wish.level, wish.line);
        strategy_plot(ctx, wish.curve, wish.value, wish.decimals);
    }
    if (moment == 'b' && ts == (wish.later ? 101 : 100))
        cr_assert_eq(strategy_write(ctx, wish.file, wish.row), ERR_OK);
    if (moment == 'x' && ts == 106) {
        if (wish.cancelled != 0)
            cr_assert_eq(strategy_cancel(ctx, wish.cancelled), ERR_OK);
        if (wish.amend_qty != 0)
            cr_assert_eq(strategy_amend(ctx, 1, wish.amend_price, wish.amend_qty), ERR_OK);
        for (uint64_t i = 0; i < wish.drawn; i++)
            strategy_log(ctx, LOG_INFO, strategy_random(ctx) & 1 ? "odd" : "even");
    }
}

enum {
    SNAPSHOT,
    DELTA,
    TRADE,
    FILL,
    MARK,
    CANDLE,
    TICKER,
    GAP,
    BARE_GAP,
    SIGNAL,
    PARAMETER,
    BALANCE,
    BBO,
    L3,
    EVENTS
};

static struct rig *build(void)
{
    struct rig *rig = rig_new();
    rig->react = everything;
    mark = (struct event_mark){10001, 10002, 3, 400};
    candle =
        (struct event_candle){.open_ts = 1, .interval = 2, .open = 3, .high = 4, .low = 5, .close = 6, .volume = 7};
    candle.quote_volume = 8;
    ticker = (struct event_ticker){1, 2, 3, 4, 5, 6};
    memset(&text, 0x55, sizeof(text)); /* whatever stands after the end of a text */
    memset(&gap, 0x55, sizeof(gap));
    memset(&signal_body, 0x55, sizeof(signal_body));
    memset(&balance, 0x55, sizeof(balance));
    strcpy(text.text, "a=1");
    strcpy(gap.text, "lost");
    strcpy(signal_body.name, "alpha");
    signal_body.value = 5;
    strcpy(balance.currency, "USDT");
    balance.total = balance.locked = 1;
    memset(&wish, 0, sizeof(wish));
    wish.request = (struct order_request){.price = 10000, .qty = 2000, .tag = 1};
    wish.amend_price = 9999;
    wish.amend_qty = 1900;
    wish.cancelled = 2;
    wish.timer = 103;
    wish.level = LOG_INFO;
    wish.line = "a line";
    wish.curve = "mid";
    wish.value = 10005;
    wish.decimals = 2;
    wish.file = "rows.csv";
    wish.row = "1,2";
    wish.drawn = 64;

    struct event *event = rig_snapshot(rig, 100, 10000, 10010);
    event->seq = 11;
    event->seq_first = 9;
    event->seq_prev = 8;
    rig_delta(rig, 101, SIDE_BUY, 9990, 5); /* not the touch */
    rig_trade(rig, 102, 10010, 3)->flags = EVENT_SELL;
    struct execution *fill = rig_fill(rig, 104, 1, 10000, 500);
    fill->venue_order = 5;
    fill->fee = 10;
    fill->fee_decimals = 8;
    fill->leaves = 1500;
    rig_event(rig, 105, EVENT_MARK)->body = &mark;
    rig_event(rig, 105, EVENT_CANDLE)->body = &candle;
    rig_event(rig, 105, EVENT_TICKER)->body = &ticker;
    rig_event(rig, 105, EVENT_GAP)->body = &gap;
    rig_event(rig, 105, EVENT_GAP);
    rig_event(rig, 105, EVENT_SIGNAL)->body = &signal_body;
    rig_event(rig, 105, EVENT_PARAMETER)->body = &text;
    rig_event(rig, 105, EVENT_BALANCE)->body = &balance;
    event = rig_event(rig, 105, EVENT_BBO);
    event->bid_count = event->ask_count = 1;
    rig->levels[BBO][0] = (struct level){10001, 1};
    rig->levels[BBO][1] = (struct level){10009, 2};
    rig_event(rig, 105, EVENT_L3_ADD)->bid_count = 1;
    rig->levels[L3][0] = (struct level){10002, 3};
    rig_trade(rig, 106, 10010, 4);
    rig_event(rig, 120, EVENT_TICK);
    return rig;
}

static struct digest_value finish(struct rig *rig)
{
    struct digest_value value = rig_run(rig);
    rig_free(rig);
    return value;
}

static bool same(struct digest_value a, struct digest_value b)
{
    return a.low == b.low && a.high == b.high;
}

/* ---- the same ---- */

Test(engine_digest, it_does_not_depend_on_how_the_run_is_cut)
{
    const struct digest_value whole = finish(build());
    for (uint32_t batch = 1; batch <= 7; batch += 2)
        for (uint64_t budget = 1; budget <= 8; budget += 3) {
            struct rig *rig = build();
            err_t err;
            rig->batch = batch;
            rig_up(rig);
            cr_assert_eq(engine_start(rig->engine), ERR_OK);
            while ((err = engine_run(rig->engine, budget)) == ERR_OK)
                (void)engine_digest(rig->engine); /* looking changes nothing */
            cr_assert_eq(err, ERR_END);
            cr_expect(same(engine_stop(rig->engine), whole), "batches of %u, %u at a time", batch, (unsigned)budget);
            rig_free(rig);
        }
}

Test(engine_digest, it_does_not_depend_on_who_looks)
{
    const struct digest_value whole = finish(build());
    struct rig *rig = build();
    rig->config.equity_interval = 3;
    cr_expect(same(finish(rig), whole), "an equity curve");
    rig = build();
    rig->config.sink = NULL;
    cr_expect(same(finish(rig), whole), "nobody listens");
    rig = build();
    rig->config.book_window *= 2;
    cr_expect(same(finish(rig), whole), "a wider window");
}

Test(engine_digest, rubbish_after_the_end_of_a_text_is_no_part_of_it)
{
    const struct digest_value whole = finish(build());
    struct rig *rig = build();
    text.text[10] = gap.text[10] = signal_body.name[10] = balance.currency[10] = 0x33;
    cr_expect(same(finish(rig), whole));
}

/* ---- another ---- */

/* One small change of the run, by number; returns what was changed. NULL: there are no more. */
#define CHANGE(statement)                                                                                            \
    if (i++ == n) {                                                                                                  \
        statement;                                                                                                   \
        return #statement;                                                                                           \
    }
static const char *change_event(struct rig *rig, unsigned n)
{
    struct event *events = rig->events;
    unsigned i = 0;
    CHANGE(events[rig->event_count - 1].ts++)
    CHANGE(events[SNAPSHOT].exch_ts++)
    CHANGE(events[SNAPSHOT].seq++)
    CHANGE(events[SNAPSHOT].seq_first++)
    CHANGE(events[SNAPSHOT].seq_prev++)
    CHANGE(events[SNAPSHOT].lane++)
    CHANGE(events[SNAPSHOT].flags = EVENT_PARTIAL)
    CHANGE(events[DELTA].instrument = 1)
    CHANGE(rig->levels[SNAPSHOT][0].price++)
    CHANGE(rig->levels[SNAPSHOT][0].qty++)
    CHANGE(rig->levels[SNAPSHOT][1].price++)
    CHANGE(rig->levels[SNAPSHOT][1].qty += INT64_C(1) << 33)
    CHANGE(rig->levels[DELTA][0].price--)
    CHANGE(rig->levels[DELTA][0].qty++)
    CHANGE(rig->levels[TRADE][0].price++)
    CHANGE(rig->levels[TRADE][0].qty++)
    CHANGE(events[TRADE].flags = 0)
    CHANGE(rig->executions[FILL].venue_order++)
    CHANGE(rig->executions[FILL].trade_id++)
    CHANGE(rig->executions[FILL].venue_ts++)
    CHANGE(rig->executions[FILL].price++)
    CHANGE(rig->executions[FILL].qty++)
    CHANGE(rig->executions[FILL].leaves++)
    CHANGE(rig->executions[FILL].fee++)
    CHANGE(rig->executions[FILL].fee_decimals++)
    CHANGE(rig->executions[FILL].maker = 1)
    CHANGE(rig->executions[FILL].reason++)
    CHANGE(rig->executions[FILL].venue_code++)
    CHANGE(strcpy(rig->executions[FILL].fee_currency, "BTC"))
    CHANGE(rig->executions[FILL].order_id = 9)
    CHANGE(mark.mark_price++)
    CHANGE(mark.index_price++)
    CHANGE(mark.funding_rate++)
    CHANGE(mark.next_funding_ts++)
    CHANGE(candle.open_ts++)
    CHANGE(candle.interval++)
    CHANGE(candle.open++)
    CHANGE(candle.high++)
    CHANGE(candle.low++)
    CHANGE(candle.close++)
    CHANGE(candle.volume++)
    CHANGE(candle.quote_volume += money_pow10(30))
    CHANGE(candle.closed = 1)
    CHANGE(ticker.last_price++)
    CHANGE(ticker.last_qty++)
    CHANGE(ticker.open_24h++)
    CHANGE(ticker.high_24h++)
    CHANGE(ticker.low_24h++)
    CHANGE(ticker.volume_24h++)
    CHANGE(strcpy(gap.text, "Lost"))
    CHANGE(strcpy(signal_body.name, "beta"))
    CHANGE(signal_body.value++)
    CHANGE(strcpy(text.text, "a=2"))
    CHANGE(strcpy(balance.currency, "USDC"))
    CHANGE(balance.total++)
    CHANGE(balance.locked++)
    CHANGE(rig->levels[BBO][0].qty++)
    CHANGE(rig->levels[BBO][1].price++)
    CHANGE(rig->levels[L3][0].price++)
    CHANGE(rig->levels[L3][0].qty++)
    CHANGE(events[BARE_GAP].kind = EVENT_CONNECTION_UP)
    CHANGE(rig->event_count--)
    return NULL;
}

static const char *change_wish(struct rig *rig, unsigned n)
{
    unsigned i = 0;
    CHANGE(wish.later = true)
    CHANGE(wish.request.price++)
    CHANGE(wish.request.qty++)
    CHANGE(wish.request.side = SIDE_SELL)
    CHANGE(wish.request.type = ORDER_MARKET; wish.amend_qty = 0)
    CHANGE(wish.request.tif = TIF_IOC)
    CHANGE(wish.request.flags = ORDER_POST_ONLY)
    CHANGE(wish.request.tag++)
    CHANGE(wish.request.stp = STP_EXPIRE_MAKER)
    CHANGE(wish.request.tif = TIF_GTD; wish.request.expire_ts = 500)
    CHANGE(wish.request.qty = 0; wish.request.funds = 1000; wish.request.type = ORDER_MARKET; wish.amend_qty = 0)
    CHANGE(wish.request.instrument = 1)
    CHANGE(wish.amend_price++)
    CHANGE(wish.amend_qty++)
    CHANGE(wish.amend_qty = 0)
    CHANGE(wish.cancelled = 3)
    CHANGE(wish.cancelled = 0)
    CHANGE(wish.timer++)
    CHANGE(wish.line = "a Line")
    CHANGE(wish.level = LOG_WARN)
    CHANGE(wish.curve = "bid")
    CHANGE(wish.value++)
    CHANGE(wish.decimals++)
    CHANGE(wish.file = "row.csv")
    CHANGE(wish.row = "1,3")
    CHANGE(wish.drawn++)
    CHANGE(rig->config.seed++)
    return NULL;
}

Test(engine_digest, any_change_of_an_input_changes_it)
{
    const struct digest_value whole = finish(build());
    unsigned n = 0;
    for (;; n++) {
        struct rig *rig = build();
        const char *change = change_event(rig, n);
        if (change == NULL) {
            rig_free(rig);
            break;
        }
        cr_expect(!same(finish(rig), whole), "%s", change);
    }
    cr_assert_eq(n, 62);
}

Test(engine_digest, any_change_of_what_the_strategy_does_changes_it)
{
    const struct digest_value whole = finish(build());
    unsigned n = 0;
    for (;; n++) {
        struct rig *rig = build();
        const char *change = change_wish(rig, n);
        if (change == NULL) {
            rig_free(rig);
            break;
        }
        cr_expect(!same(finish(rig), whole), "%s", change);
    }
    cr_assert_eq(n, 27);
}

static void bulk(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)id;
    if (moment != 'b' || ts != 100)
        return;
    struct order_action actions[2] = {{.kind = ACTION_CANCEL, .order_id = 7}, {.kind = ACTION_CANCEL, .order_id = 8}};
    struct order_request request = {.price = 9000, .qty = 10};
    cr_assert_eq(strategy_limit(ctx, 0, SIDE_BUY, 9000, 10, TIF_GTC, 0, NULL), ERR_OK);
    cr_assert_eq(strategy_limit(ctx, 1, SIDE_BUY, 9000, 10, TIF_GTC, 0, NULL), ERR_OK);
    cr_assert_eq(strategy_limit(ctx, 0, SIDE_BUY, 9000, 10, TIF_GTC, 0, NULL), ERR_OK);
    cr_assert_eq(strategy_batch(ctx, actions, rig->word == 1 ? 1 : 2), ERR_OK);
    cr_assert_eq(strategy_countdown(ctx, rig->word == 2, rig->word == 3 ? 6 : 5), ERR_OK);
    if (rig->word != 4)
        cr_assert_eq(strategy_replace(ctx, rig->word == 5 ? 3 : 1, &request,
                                      rig->word == 6 ? REPLACE_ALLOW_FAILURE : REPLACE_STOP_ON_FAILURE, NULL),
                     ERR_OK);
    cr_assert_eq(strategy_cancel_all(ctx, rig->word == 7), ERR_OK);
}

Test(engine_digest, requests_about_several_orders_are_part_of_it)
{
    struct digest_value values[8];
    for (int i = 0; i < 8; i++) {
        struct rig *rig = rig_new();
        rig->react = bulk;
        rig->word = i;
        rig_snapshot(rig, 100, 9990, 10000);
        values[i] = finish(rig);
        for (int j = 0; j < i; j++)
            cr_expect(!same(values[i], values[j]), "%d and %d", i, j);
    }
}

/* A price and a quantity, or the flags of the book, must not make up for each other. */
Test(engine_digest, two_changes_of_one_level_do_not_cancel)
{
    const struct digest_value whole = finish(build());
    for (int shift = 0; shift < 63; shift++) {
        struct rig *rig = build();
        rig->levels[BBO][0].price ^= INT64_C(1) << shift;
        rig->levels[BBO][0].qty ^= shift < 32 ? 0 : INT64_C(1) << (shift - 32);
        cr_expect(!same(finish(rig), whole), "bit %d", shift);
    }
}
