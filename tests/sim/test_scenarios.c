/* Runs tests/sim/scenarios/ *.txt: one line an event, what the venue must answer on the line.
 *
 *   instrument linear price=1 qty=0 tick=0.1 ...   before the first event; see read_instrument
 *   config funds strict orders=4 slack=5 queue=power exponent=2.5 through=by_quantity stp=expire_maker
 *   config impact=1 volatility=0.01 volume=100 half_life=1000 [delta=0.5 terms=1 decay=0.5]
 *   deposit KRW 1000
 *   show fees                                      fills then say their fee
 *   100 snapshot [partial] bids 100.0x5 99.9x7 asks 100.1x3
 *   110 delta asks 100.1x0
 *   120 gap
 *   125 l3_add 7 bid 100.0x5     126 l3_modify 7 bid 99.9x6     127 l3_cancel 7 bid 99.9x2
 *   128 l3_execute 7 bid 99.9x1
 *   130 trade sell 100.0x5 [special] [noside] [at=125 | at=none]     at: the venue's own stamp; else the time
 *   140 new 1 buy limit 100.0 5 [ioc|fok|gtd=150] [post] [reduce] [stp=none]  =>  ack 1; fill 1 100.0 2 maker
 *   141 new 2 sell market 5              or: buy market funds=6000, buy best funds=6000 ioc, sell best 5 fok
 *   150 amend 1 100.0 4        160 cancel 1        161 cancel_all
 *   162 replace 1 3 buy limit 99.9 5 [anyway] [remaining]             cancel 1, then new 3
 *   163 countdown 30           200 pass            the venue's clock gets there
 *
 *   config margin=cross leverage=10 mmr=0.004 [liqfee=0.0125] [close] funding=tape
 *   tier 50000 0.005 [leverage]                    after the first, which config gives; cap 1000000: the last one
 * ends funding 300 0.0001 [60000.0]                   a row of the funding file: instant, rate, mark 145 mark 60000.0
 * [rate=0.0001 next=300]        155 elapse        165 insurance  =>  12.5
 *
 *   170 order 1  =>  leaves 3 ahead 2              (or: none)
 *   180 balance KRW  =>  1000 locked 20            190 position  =>  -3
 */
#include <criterion/criterion.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/venue.h"

struct scenario {
    const char *path;
    int line;
    struct instrument instrument;
    struct venue_config config;
    struct impact_config impact; /* coefficient 0: none */
    struct impact_model impact_model;
    struct venue *venue;
    void *memory;
    bool show_fees;
    struct margin_rules margin;
    struct funding_row rows[4];
    char answer[2048];
    struct {
        char currency[NAME_SIZE];
        money_t amount;
    } deposits[4];
    int deposit_count;
};

static void fail(const struct scenario *scenario, const char *what)
{
    cr_assert_fail("%s:%d: %s", scenario->path, scenario->line, what);
}

static int64_t number(const struct scenario *scenario, const char *text, unsigned decimals)
{
    int64_t value = 0;
    if (text == NULL || decimal_parse(text, strlen(text), decimals, ROUND_EXACT, &value) != ERR_OK)
        fail(scenario, "a number was expected");
    return value;
}

static void append(struct scenario *scenario, const char *text)
{
    size_t used = strlen(scenario->answer);
    snprintf(scenario->answer + used, sizeof(scenario->answer) - used, "%s%s", used != 0 ? "; " : "", text);
}

static void payment_text(const struct execution *execution, char text[256])
{
    char received[DECIMAL_TEXT_SIZE];
    decimal_format(received, -execution->fee, execution->fee_decimals, 0);
    snprintf(text, 256, "%s %s %s", execution->reason == REASON_FUNDING ? "funding" : "insurance", received,
             execution->fee_currency);
}

static void on_execution(void *context, ns_t ts, const struct execution *execution, uint16_t instrument)
{
    struct scenario *scenario = context;
    const struct instrument *rules = &scenario->instrument;
    char price[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE], fee[DECIMAL_TEXT_SIZE], text[256];
    cr_assert_eq(execution->venue_ts, ts);
    cr_assert_eq(instrument, 0);
    instrument_format_price(rules, execution->price, price);
    instrument_format_qty(rules, execution->qty, qty);
    decimal_format(fee, execution->fee, execution->fee_decimals, 0);
    const bool venues = order_id_is_venues(execution->order_id);
    int length = snprintf(text, sizeof(text), "%s %s%" PRIu64, exec_kind_name(execution->kind), venues ? "venue" : "",
                          execution->order_id & ~ORDER_ID_VENUE);
    char *end = text + length;
    size_t room = sizeof(text) - (size_t)length;
    if (execution->kind == EXEC_FILL && scenario->show_fees)
        snprintf(end, room, " %s %s %s fee %s %s", price, qty, execution->maker ? "maker" : "taker", fee,
                 execution->fee_currency);
    else if (execution->kind == EXEC_FILL)
        snprintf(end, room, " %s %s %s", price, qty, execution->maker ? "maker" : "taker");
    else if (execution->kind == EXEC_AMENDED)
        snprintf(end, room, " %s %s", price, qty);
    else if (execution->kind == EXEC_REDUCED)
        snprintf(end, room, " %s", qty);
    else if (execution->kind == EXEC_ACK && venues)
        snprintf(end, room, " %s %s", side_name(execution->side), qty);
    else if (execution->kind == EXEC_PAYMENT)
        payment_text(execution, text);
    else if (execution->reason != REASON_NONE)
        snprintf(end, room, " %s", reason_name(execution->reason));
    append(scenario, text);
}

/* ---- directives ---- */

static bool key_is(const char *word, const char *key, const char **value)
{
    size_t size = strlen(key);
    if (strncmp(word, key, size) != 0 || word[size] != '=')
        return false;
    *value = word + size + 1;
    return true;
}

static void read_instrument(struct scenario *scenario, char **words, int count)
{
    struct instrument *rules = &scenario->instrument;
    enum contract_kind kind;
    const char *value, *base = "BTC", *quote = "USDT", *name = "synthetic";
    unsigned price_decimals = 1, qty_decimals = 0;
    if (contract_kind_parse(words[1], &kind) != ERR_OK)
        fail(scenario, "spot, linear or inverse was expected");
    for (int i = 2; i < count; i++) {
        if (key_is(words[i], "price", &value))
            price_decimals = (unsigned)number(scenario, value, 0);
        else if (key_is(words[i], "qty", &value))
            qty_decimals = (unsigned)number(scenario, value, 0);
        else if (key_is(words[i], "base", &value))
            base = value;
        else if (key_is(words[i], "quote", &value))
            quote = value;
        else if (key_is(words[i], "venue", &value))
            name = value;
    }
    if (instrument_init(rules, name, "TEST", base, quote, kind, price_decimals, qty_decimals) != ERR_OK)
        fail(scenario, "a bad instrument");
    rules->price_show = price_decimals > 0;
    for (int i = 2; i < count; i++) {
        if (key_is(words[i], "tick", &value))
            instrument_set_tick(rules, number(scenario, value, price_decimals));
        else if (key_is(words[i], "lot", &value))
            rules->lot = number(scenario, value, qty_decimals);
        else if (key_is(words[i], "min", &value))
            rules->qty_min = number(scenario, value, qty_decimals);
        else if (key_is(words[i], "max", &value))
            rules->qty_max = number(scenario, value, qty_decimals);
        else if (key_is(words[i], "notional", &value))
            rules->notional_min = number(scenario, value, price_decimals + qty_decimals);
        else if (key_is(words[i], "multiplier", &value))
            rules->multiplier = number(scenario, value, 0);
        else if (key_is(words[i], "maker", &value))
            rules->maker_fee = number(scenario, value, FEE_DECIMALS);
        else if (key_is(words[i], "taker", &value))
            rules->taker_fee = number(scenario, value, FEE_DECIMALS);
    }
}

static enum queue_kind read_queue(const struct scenario *scenario, const char *word)
{
    static const char *const names[] = {"pessimistic", "optimistic", "proportional", "power",  "power2",
                                        "power3",      "log",        "log2",         "l3_fifo"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(word, names[i]) == 0)
            return (enum queue_kind)i;
    fail(scenario, "a queue model was expected");
    return QUEUE_PESSIMISTIC;
}

static bool read_perp(struct scenario *scenario, const char *word)
{
    struct perp_config *perp = &scenario->config.perp;
    const char *value;
    if (strcmp(word, "close") == 0)
        perp->close_after_liquidation = true;
    else if (key_is(word, "margin", &value))
        perp->margin = strcmp(value, "isolated") == 0 ? MARGIN_ISOLATED : MARGIN_CROSS;
    else if (key_is(word, "funding", &value))
        perp->funding = strcmp(value, "file") == 0 ? FUNDING_FILE : FUNDING_TAPE;
    else if (key_is(word, "leverage", &value))
        scenario->margin.leverage = number(scenario, value, LEVERAGE_DECIMALS);
    else if (key_is(word, "mmr", &value))
        margin_tiers_single(&scenario->margin.tiers, number(scenario, value, FEE_DECIMALS));
    else if (key_is(word, "liqfee", &value))
        scenario->margin.liquidation_fee = number(scenario, value, FEE_DECIMALS);
    else
        return false;
    return true;
}

static money_t amount(const struct scenario *scenario, const char *word)
{
    money_t value = 0;
    if (word == NULL || decimal_parse_money(word, strlen(word), MONEY_DECIMALS, ROUND_EXACT, &value) != ERR_OK)
        fail(scenario, "an amount was expected");
    return value;
}

static void read_tier(struct scenario *scenario, char **words)
{
    struct margin_tiers *tiers = &scenario->margin.tiers;
    if (strcmp(words[0], "cap") == 0) {
        tiers->cap = amount(scenario, words[1]);
        return;
    }
    tiers->at[tiers->count++] =
        (struct margin_tier){.floor = amount(scenario, words[1]),
                             .rate = number(scenario, words[2], FEE_DECIMALS),
                             .leverage_max = words[3] != NULL ? number(scenario, words[3], LEVERAGE_DECIMALS) : 0};
}

static void read_row(struct scenario *scenario, char **words)
{
    struct perp_config *perp = &scenario->config.perp;
    cr_assert_lt(perp->row_count, ARRAY_LEN(scenario->rows));
    scenario->rows[perp->row_count++] = (struct funding_row){
        .ts = number(scenario, words[1], 0),
        .rate = number(scenario, words[2], RATE_DECIMALS),
        .mark = words[3] != NULL ? number(scenario, words[3], scenario->instrument.price_decimals) : 0};
    perp->rows = scenario->rows;
}

static enum stp_mode read_stp(const struct scenario *scenario, const char *word)
{
    for (int i = 0; i < STP_MODE_COUNT; i++)
        if (strcmp(word, stp_mode_name((enum stp_mode)i)) == 0)
            return (enum stp_mode)i;
    fail(scenario, "a mode of self-trade prevention was expected");
    return STP_DEFAULT;
}

static void read_config(struct scenario *scenario, char **words, int count)
{
    const char *value;
    for (int i = 1; i < count; i++) {
        if (read_perp(scenario, words[i]))
            continue;
        if (strcmp(words[i], "funds") == 0)
            scenario->config.check_funds = true;
        else if (strcmp(words[i], "strict") == 0)
            scenario->config.strict_types = true;
        else if (key_is(words[i], "stp", &value))
            scenario->config.stp = read_stp(scenario, value);
        else if (key_is(words[i], "orders", &value))
            scenario->config.own_orders_max = (uint32_t)number(scenario, value, 0);
        else if (key_is(words[i], "slack", &value))
            scenario->config.stamp_slack = number(scenario, value, 0);
        else if (key_is(words[i], "queue", &value))
            scenario->config.queue.kind = read_queue(scenario, value);
        else if (key_is(words[i], "through", &value))
            scenario->config.queue.by_quantity = strcmp(value, "by_quantity") == 0;
        else if (key_is(words[i], "exponent", &value))
            scenario->config.queue.exponent = (uint32_t)(number(scenario, value, 2) * QUEUE_EXPONENT_ONE / 100);
        else if (key_is(words[i], "impact", &value))
            scenario->impact.coefficient = number(scenario, value, 9);
        else if (key_is(words[i], "volatility", &value))
            scenario->impact.volatility = number(scenario, value, 9);
        else if (key_is(words[i], "volume", &value))
            scenario->impact.volume = number(scenario, value, scenario->instrument.qty_decimals);
        else if (key_is(words[i], "half_life", &value))
            scenario->impact.half_life = number(scenario, value, 0);
        else if (key_is(words[i], "delta", &value))
            scenario->impact.exponent = number(scenario, value, 9);
        else if (key_is(words[i], "terms", &value))
            scenario->impact.terms = (uint32_t)number(scenario, value, 0);
        else if (key_is(words[i], "decay", &value))
            scenario->impact.decay = number(scenario, value, 9);
        else
            fail(scenario, "unknown config word");
    }
}

static void open_venue(struct scenario *scenario)
{
    struct venue_sink sink = {scenario, on_execution};
    if (scenario->venue != NULL)
        return;
    if (scenario->impact.coefficient != 0) {
        struct err_text why = {0};
        cr_assert_eq(impact_model_init(&scenario->impact_model, &scenario->impact, &why), ERR_OK, "%s", why.text);
        scenario->config.impacts = &scenario->impact_model;
    }
    if (scenario->config.perp.margin != MARGIN_OFF) {
        struct err_text why = {0};
        uint32_t bad;
        cr_assert_eq(margin_tiers_complete(&scenario->margin.tiers, &bad, &why), ERR_OK, "%s", why.text);
        scenario->config.perp.rules = &scenario->margin;
    }
    scenario->config.instruments = &scenario->instrument;
    scenario->config.instrument_count = 1;
    size_t size = (venue_size(&scenario->config) + 63) / 64 * 64;
    scenario->memory = aligned_alloc(64, size);
    memset(scenario->memory, 0, size);
    scenario->venue = venue_init(scenario->memory, &scenario->config, &sink);
    for (int i = 0; i < scenario->deposit_count; i++)
        cr_assert_eq(account_deposit(venue_account(scenario->venue), scenario->deposits[i].currency,
                                     scenario->deposits[i].amount),
                     ERR_OK);
}

/* ---- events ---- */

static struct level read_level(const struct scenario *scenario, char *word)
{
    char *cross = strchr(word, 'x');
    if (cross == NULL)
        fail(scenario, "PRICExQTY was expected");
    *cross = '\0';
    struct level level = {number(scenario, word, scenario->instrument.price_decimals),
                          number(scenario, cross + 1, scenario->instrument.qty_decimals)};
    return level;
}

static void market(struct scenario *scenario, ns_t ts, char **words, int count)
{
    struct level levels[64];
    struct event event = {.ts = ts, .exch_ts = ts, .levels = levels};
    bool asks = false;
    const char *value;
    uint32_t used = 0;
    if (strcmp(words[1], "snapshot") == 0)
        event.kind = EVENT_BOOK_SNAPSHOT;
    else if (strcmp(words[1], "delta") == 0)
        event.kind = EVENT_BOOK_DELTA;
    else if (strcmp(words[1], "trade") == 0)
        event.kind = EVENT_TRADE;
    else
        event.kind = EVENT_GAP;
    for (int i = 2; i < count; i++) {
        if (strcmp(words[i], "partial") == 0)
            event.flags |= EVENT_PARTIAL;
        else if (strcmp(words[i], "special") == 0)
            event.flags |= EVENT_SPECIAL;
        else if (strcmp(words[i], "noside") == 0)
            event.flags |= EVENT_NO_SIDE;
        else if (strcmp(words[i], "sell") == 0)
            event.flags |= EVENT_SELL;
        else if (strcmp(words[i], "bids") == 0 || strcmp(words[i], "buy") == 0)
            asks = false;
        else if (strcmp(words[i], "asks") == 0)
            asks = true;
        else if (key_is(words[i], "at", &value))
            event.exch_ts = strcmp(value, "none") == 0 ? 0 : number(scenario, value, 0);
        else {
            levels[used++] = read_level(scenario, words[i]);
            *(asks ? &event.ask_count : &event.bid_count) += 1;
        }
    }
    venue_market(scenario->venue, ts, &event);
}

/* 125 l3_add 7 bid 100.0x5 */
static void level3(struct scenario *scenario, ns_t ts, enum event_kind kind, char **words)
{
    if (words[2] == NULL || words[3] == NULL || words[4] == NULL)
        fail(scenario, "id, bid or ask, and PRICExQTY were expected");
    const struct level level = read_level(scenario, words[4]);
    const struct event event = {.ts = ts,
                                .exch_ts = ts,
                                .seq_first = (uint64_t)number(scenario, words[2], 0),
                                .levels = &level,
                                .bid_count = 1,
                                .kind = (uint8_t)kind,
                                .flags = strcmp(words[3], "ask") == 0 ? EVENT_SELL : 0};
    venue_market(scenario->venue, ts, &event);
}

static void mark(struct scenario *scenario, ns_t ts, char **words, int count)
{
    struct event_mark body = {.mark_price = number(scenario, words[2], scenario->instrument.price_decimals)};
    const struct event event = {.ts = ts, .exch_ts = ts, .kind = EVENT_MARK, .body = &body};
    const char *value;
    for (int i = 3; i < count; i++) {
        if (key_is(words[i], "rate", &value))
            body.funding_rate = number(scenario, value, RATE_DECIMALS);
        else if (key_is(words[i], "next", &value))
            body.next_funding_ts = number(scenario, value, 0);
        else
            fail(scenario, "rate= or next= was expected");
    }
    venue_market(scenario->venue, ts, &event);
}

static enum side read_side(const struct scenario *scenario, const char *word)
{
    if (strcmp(word, "buy") != 0 && strcmp(word, "sell") != 0)
        fail(scenario, "buy or sell was expected");
    return strcmp(word, "buy") == 0 ? SIDE_BUY : SIDE_SELL;
}

/* What follows the side. */
static void read_terms(const struct scenario *scenario, struct venue_request *request, char **words, int count)
{
    const struct instrument *rules = &scenario->instrument;
    const char *value;
    int at = 0;
    if (request->type == ORDER_LIMIT)
        request->price = number(scenario, words[at++], rules->price_decimals);
    if (words[at] != NULL && key_is(words[at], "funds", &value)) {
        if (decimal_parse_money(value, strlen(value), MONEY_DECIMALS, ROUND_EXACT, &request->funds) != ERR_OK)
            fail(scenario, "an amount was expected");
        at++;
    } else {
        request->qty = number(scenario, words[at++], rules->qty_decimals);
    }
    for (; at < count; at++) {
        if (strcmp(words[at], "ioc") == 0) {
            request->tif = TIF_IOC;
        } else if (strcmp(words[at], "fok") == 0) {
            request->tif = TIF_FOK;
        } else if (key_is(words[at], "gtd", &value)) {
            request->tif = TIF_GTD;
            request->expire_ts = number(scenario, value, 0);
        } else if (key_is(words[at], "stp", &value)) {
            request->stp = (uint8_t)read_stp(scenario, value);
        } else if (strcmp(words[at], "post") == 0) {
            request->flags |= ORDER_POST_ONLY;
        } else if (strcmp(words[at], "reduce") == 0) {
            request->flags |= ORDER_REDUCE_ONLY;
        } else if (strcmp(words[at], "remaining") == 0) {
            request->flags |= ORDER_REMAINING;
        } else if (strcmp(words[at], "anyway") == 0) {
            request->replace_mode = REPLACE_ALLOW_FAILURE;
        } else {
            fail(scenario, "unknown word of an order");
        }
    }
}

static void read_order(const struct scenario *scenario, struct venue_request *request, char **words, int count)
{
    request->order_id = (uint64_t)number(scenario, words[0], 0);
    request->side = (uint8_t)read_side(scenario, words[1]);
    request->type = strcmp(words[2], "market") == 0 ? ORDER_MARKET
                    : strcmp(words[2], "best") == 0 ? ORDER_BEST
                                                    : ORDER_LIMIT;
    read_terms(scenario, request, words + 3, count - 3);
}

static void request(struct scenario *scenario, ns_t ts, char **words, int count)
{
    struct venue_request request = {.kind = VENUE_NEW};
    const char *verb = words[1];
    if (strcmp(verb, "new") == 0) {
        read_order(scenario, &request, words + 2, count - 2);
    } else if (strcmp(verb, "replace") == 0) {
        request.kind = VENUE_REPLACE;
        request.old_id = (uint64_t)number(scenario, words[2], 0);
        read_order(scenario, &request, words + 3, count - 3);
    } else if (strcmp(verb, "cancel_all") == 0) {
        request.kind = VENUE_CANCEL_ALL;
    } else if (strcmp(verb, "countdown") == 0) {
        request.kind = VENUE_COUNTDOWN;
        request.delay = number(scenario, words[2], 0);
    } else {
        request.kind = strcmp(verb, "cancel") == 0 ? VENUE_CANCEL : VENUE_AMEND;
        request.order_id = (uint64_t)number(scenario, words[2], 0);
        if (request.kind == VENUE_AMEND)
            read_terms(scenario, &request, words + 3, count - 3);
    }
    venue_request(scenario->venue, ts, &request);
}

static void query(struct scenario *scenario, char **words)
{
    char text[256], one[DECIMAL_TEXT_SIZE], two[DECIMAL_TEXT_SIZE];
    struct venue_order_view view;
    if (strcmp(words[1], "order") == 0) {
        if (!venue_order(scenario->venue, (uint64_t)number(scenario, words[2], 0), &view)) {
            append(scenario, "none");
            return;
        }
        instrument_format_qty(&scenario->instrument, view.leaves, one);
        instrument_format_qty(&scenario->instrument, view.ahead, two);
        snprintf(text, sizeof(text), "leaves %s ahead %s", one, view.ahead == INT64_MAX ? "unknown" : two);
    } else if (strcmp(words[1], "balance") == 0) {
        const struct balance *balance = account_balance(venue_account(scenario->venue), words[2]);
        decimal_format(one, balance == NULL ? 0 : balance->total, MONEY_DECIMALS, 0);
        decimal_format(two, balance == NULL ? 0 : balance->locked, MONEY_DECIMALS, 0);
        snprintf(text, sizeof(text), "%s locked %s", one, two);
    } else if (strcmp(words[1], "insurance") == 0) {
        decimal_format(text, venue_insurance(scenario->venue, 0), MONEY_DECIMALS, 0);
    } else {
        instrument_format_qty(&scenario->instrument, account_position(venue_account(scenario->venue), 0)->qty, text);
    }
    append(scenario, text);
}

/* ---- lines ---- */

static int split(char *line, char **words, int capacity)
{
    int count = 0;
    for (char *save = NULL, *word = strtok_r(line, " \t\n", &save); word != NULL && count < capacity;
         word = strtok_r(NULL, " \t\n", &save))
        words[count++] = word;
    words[count] = NULL;
    return count;
}

static void trim(char *text)
{
    size_t size = strlen(text);
    while (size > 0 && strchr(" \t\n", text[size - 1]) != NULL)
        text[--size] = '\0';
    memmove(text, text + strspn(text, " \t"), strlen(text + strspn(text, " \t")) + 1);
}

static void run_line(struct scenario *scenario, char *line)
{
    char *words[96], expected[1024] = "";
    char *comment = strchr(line, '#');
    if (comment != NULL)
        *comment = '\0';
    char *arrow = strstr(line, "=>");
    if (arrow != NULL) {
        snprintf(expected, sizeof(expected), "%s", arrow + 2);
        trim(expected);
        *arrow = '\0';
    }
    int count = split(line, words, 95);
    if (count == 0)
        return;
    if (strcmp(words[0], "instrument") == 0) {
        read_instrument(scenario, words, count);
    } else if (strcmp(words[0], "config") == 0) {
        read_config(scenario, words, count);
    } else if (strcmp(words[0], "show") == 0) {
        scenario->show_fees = true;
    } else if (strcmp(words[0], "tier") == 0 || strcmp(words[0], "cap") == 0) {
        read_tier(scenario, words);
    } else if (strcmp(words[0], "funding") == 0) {
        read_row(scenario, words);
    } else if (strcmp(words[0], "deposit") == 0) {
        snprintf(scenario->deposits[scenario->deposit_count].currency, NAME_SIZE, "%s", words[1]);
        if (decimal_parse_money(words[2], strlen(words[2]), MONEY_DECIMALS, ROUND_EXACT,
                                &scenario->deposits[scenario->deposit_count++].amount) != ERR_OK)
            fail(scenario, "an amount was expected");
    } else {
        open_venue(scenario);
        ns_t ts = number(scenario, words[0], 0);
        scenario->answer[0] = '\0';
        const char *verb = words[1];
        enum event_kind kind;
        if (strcmp(verb, "new") == 0 || strcmp(verb, "cancel") == 0 || strcmp(verb, "amend") == 0 ||
            strcmp(verb, "replace") == 0 || strcmp(verb, "cancel_all") == 0 || strcmp(verb, "countdown") == 0)
            request(scenario, ts, words, count);
        else if (strcmp(verb, "pass") == 0)
            venue_pass(scenario->venue, ts);
        else if (strcmp(verb, "order") == 0 || strcmp(verb, "balance") == 0 || strcmp(verb, "position") == 0 ||
                 strcmp(verb, "insurance") == 0)
            query(scenario, words);
        else if (strcmp(verb, "mark") == 0)
            mark(scenario, ts, words, count);
        else if (strcmp(verb, "elapse") == 0)
            venue_elapse(scenario->venue, ts);
        else if (strcmp(verb, "snapshot") == 0 || strcmp(verb, "delta") == 0 || strcmp(verb, "trade") == 0 ||
                 strcmp(verb, "gap") == 0)
            market(scenario, ts, words, count);
        else if (event_kind_parse(verb, strlen(verb), &kind) == ERR_OK && event_is_level3((uint8_t)kind))
            level3(scenario, ts, kind, words);
        else
            fail(scenario, "unknown verb");
        if (strcmp(scenario->answer, expected) != 0)
            cr_expect(false, "%s:%d:\n  expected: %s\n  got:      %s", scenario->path, scenario->line, expected,
                      scenario->answer);
    }
}

static void run_file(const char *path)
{
    char line[2048];
    struct scenario scenario = {
        .path = strstr(path, "tests/sim"),
        .config = {.book_window = BOOK_WINDOW_MIN, .book_far = 64, .own_orders_max = 16, .l3_orders = 8},
        .impact = {.exponent = IMPACT_UNIT / 2, .terms = 1, .decay = IMPACT_UNIT / 2},
    };
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        scenario.line++;
        run_line(&scenario, line);
    }
    fclose(file);
    free(scenario.memory);
}

Test(scenarios, every_line_answers_what_it_says)
{
    glob_t found;
    cr_assert_eq(glob(TEST_SOURCE "/tests/sim/scenarios/*.txt", 0, NULL, &found), 0, "no scenarios");
    cr_assert_geq(found.gl_pathc, 10);
    for (size_t i = 0; i < found.gl_pathc; i++)
        run_file(found.gl_pathv[i]);
    globfree(&found);
}
