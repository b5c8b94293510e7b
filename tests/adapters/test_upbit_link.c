/* Scripted sessions: what comes in, what is asked for and what the engine is told, as lines of text. */
#include "adapters/upbit/link.h"
#include "adapters/upbit/rules.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T0   (1700000000 * NS_PER_S)
#define TICK (250 * NS_PER_MS)

struct session {
    struct link *link;
    struct instrument instruments[2];
    struct link_symbol symbols[2];
    struct link_config config;
    char log[1 << 16];
    size_t used;
    ns_t now;
    uint64_t last_get;
};

static void __attribute__((format(printf, 2, 3))) say(struct session *session, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    session->used +=
        (size_t)vsnprintf(session->log + session->used, sizeof(session->log) - session->used, format, args);
    va_end(args);
    cr_assert_lt(session->used, sizeof(session->log));
}

static void on_open(void *context, uint16_t link, uint8_t conn, const char *url)
{
    (void)link;
    say(context, "open %u %s\n", conn, url);
}

static void on_close(void *context, uint16_t link, uint8_t conn)
{
    (void)link;
    say(context, "close %u\n", conn);
}

static void on_send(void *context, uint16_t link, uint8_t conn, const char *text, size_t size)
{
    (void)link;
    /* the ticket is random */
    const char *rest = memchr(text, '}', size);
    say(context, "send %u %.*s\n", conn, (int)(size - (size_t)(rest + 2 - text)), rest + 2);
}

static void on_ping(void *context, uint16_t link, uint8_t conn)
{
    (void)link;
    say(context, "ping %u\n", conn);
}

static void on_get(void *context, uint16_t link, uint64_t id, const char *url, ns_t timeout)
{
    struct session *session = context;
    (void)link;
    (void)timeout;
    session->last_get = id;
    say(session, "get %s\n", url);
}

static err_t on_event(void *context, const struct event *event)
{
    struct session *session = context;
    const char *kind = event_kind_name((enum event_kind)event->kind);
    if (event->kind == EVENT_GAP)
        say(session, "%s %u: %s\n", kind, event->instrument, ((const struct event_text *)event->body)->text);
    else if (event->kind == EVENT_BOOK_SNAPSHOT)
        say(session, "%s %u: %lld\n", kind, event->instrument, (long long)(event->levels[0].price / 100000000));
    else if (event->kind == EVENT_TRADE)
        say(session, "%s %u: %llu\n", kind, event->instrument, (unsigned long long)event->seq);
    else
        say(session, "%s\n", kind);
    return ERR_OK;
}

static void begin(struct session *session)
{
    static const char *const names[] = {"KRW-BTC", "KRW-ETH"};
    const struct market_sink sink = {session, on_event, NULL};
    const struct link_wire wire = {session, on_open, on_close, on_send, on_ping, on_get};
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(upbit_rules_instrument(names[i], 7, 8, 8, &session->instruments[i]), ERR_OK);
        session->symbols[i].symbol = names[i];
        session->symbols[i].instrument = (uint16_t)i;
        if (session->symbols[i].streams == 0)
            session->symbols[i].streams = LINK_BOOK | LINK_TRADES;
    }
    session->config.symbols = session->symbols;
    if (session->config.symbol_count == 0)
        session->config.symbol_count = 1;
    session->config.instruments = session->instruments;
    session->config.stream = "wss://up.test";
    session->config.rest = "https://up.test";
    session->now = T0;
    cr_assert_eq(upbit_link_open(&session->config, &sink, &wire, &session->link), ERR_OK);
}

static void give(struct session *session, enum link_what what, uint8_t conn, int status, const char *text)
{
    static char padded[65536];
    struct err_text why = {0};
    memset(padded, 0, sizeof(padded));
    if (text != NULL)
        strcpy(padded, text);
    const struct link_input input = {.ts = session->now,
                                     .what = (uint8_t)what,
                                     .conn = conn,
                                     .status = status,
                                     .id = session->last_get,
                                     .text = padded,
                                     .text_size = (uint32_t)strlen(padded)};
    cr_assert_eq(session->link->ops->input(session->link, &input, &why), ERR_OK, "%s", why.text);
}

/* Time passes; what the link does about it is in the log. */
static void wait_for(struct session *session, ns_t duration)
{
    for (const ns_t end = session->now + duration; session->now < end;) {
        session->now += TICK;
        give(session, LINK_TICK, 0, 0, NULL);
    }
}

static void expect(struct session *session, const char *text)
{
    cr_assert_str_eq(session->log, text);
    session->log[0] = '\0';
    session->used = 0;
}

static const char *book(const char *code, int64_t ms, int64_t bid)
{
    static char text[512];
    snprintf(
        text, sizeof(text),
        "{\"ty\":\"orderbook\",\"cd\":\"%s\",\"tms\":%lld,\"obu\":[{\"ap\":%lld,\"bp\":%lld,\"as\":0.5,\"bs\":1.5}],"
        "\"st\":\"REALTIME\",\"lv\":0}",
        code, (long long)ms, (long long)bid + 1000, (long long)bid);
    return text;
}

static const char *rest_book(const char *code, int64_t ms, int64_t bid)
{
    static char text[512];
    snprintf(
        text, sizeof(text),
        "[{\"market\":\"%s\",\"timestamp\":%lld,\"total_ask_size\":0.5,\"total_bid_size\":1.5,\"orderbook_units\":["
        "{\"ask_price\":%lld,\"bid_price\":%lld,\"ask_size\":0.5,\"bid_size\":1.5}],\"level\":0}]",
        code, (long long)ms, (long long)bid + 1000, (long long)bid);
    return text;
}

static const char *trade(const char *code, int64_t ms, int64_t id)
{
    static char text[512];
    snprintf(text, sizeof(text),
             "{\"ty\":\"trade\",\"cd\":\"%s\",\"tms\":%lld,\"ttms\":%lld,\"tp\":90000000,\"tv\":0.01,\"ab\":\"ASK\","
             "\"sid\":%lld,\"st\":\"REALTIME\"}",
             code, (long long)ms, (long long)ms, (long long)id);
    return text;
}

static int64_t ms(const struct session *session)
{
    return session->now / NS_PER_MS;
}

#define SUBSCRIBED                                                                                                   \
    "send 0 {\"type\":\"orderbook\",\"codes\":[\"KRW-BTC\"]},{\"type\":\"trade\",\"codes\":[\"KRW-BTC\"],"           \
    "\"is_only_realtime\":true},{\"format\":\"SIMPLE\"}]\n"
#define SUBSCRIBED_ON_1                                                                                              \
    "send 1 {\"type\":\"orderbook\",\"codes\":[\"KRW-BTC\"]},{\"type\":\"trade\",\"codes\":[\"KRW-BTC\"],"           \
    "\"is_only_realtime\":true},{\"format\":\"SIMPLE\"}]\n"

/* Connected, subscribed, one book seen; the log is empty. */
static void go_live(struct session *session)
{
    begin(session);
    give(session, LINK_TICK, 0, 0, NULL);
    expect(session, "open 0 wss://up.test/websocket/v1\n");
    give(session, LINK_UP, 0, 0, NULL);
    expect(session, SUBSCRIBED);
    give(session, LINK_BINARY, 0, 0, book("KRW-BTC", ms(session), 90000000));
    expect(session, "snapshot 0: 90000000\n");
}

Test(upbit_link, it_connects_subscribes_and_tells_books_and_trades)
{
    static struct session session;
    go_live(&session);
    give(&session, LINK_TEXT, 0, 0, trade("KRW-BTC", ms(&session), 17));
    give(&session, LINK_TEXT, 0, 0, trade("KRW-BTC", ms(&session), 17));
    expect(&session, "trade 0: 17\n");
    session.link->ops->close(session.link);
}

Test(upbit_link, all_streams_of_all_symbols_are_one_request)
{
    static struct session session = {.config = {.symbol_count = 2, .format = "DEFAULT", .interval = "3m"}};
    session.symbols[0].streams = LINK_BOOK | LINK_TICKER | LINK_CANDLES;
    session.symbols[1].streams = LINK_BOOK | LINK_TRADES;
    begin(&session);
    give(&session, LINK_TICK, 0, 0, NULL);
    give(&session, LINK_UP, 0, 0, NULL);
    expect(&session,
           "open 0 wss://up.test/websocket/v1\n"
           "send 0 {\"type\":\"orderbook\",\"codes\":[\"KRW-BTC\",\"KRW-ETH\"]},{\"type\":\"trade\",\"codes\":["
           "\"KRW-ETH\"],\"is_only_realtime\":true},{\"type\":\"ticker\",\"codes\":[\"KRW-BTC\"]},{\"type\":"
           "\"candle.3m\",\"codes\":[\"KRW-BTC\"]},{\"format\":\"DEFAULT\"}]\n");
    session.link->ops->close(session.link);
}

Test(upbit_link, a_lost_connection_is_a_gap_and_comes_back_after_a_while)
{
    static struct session session;
    go_live(&session);
    give(&session, LINK_DOWN, 0, 1006, "the connection was lost");
    expect(&session, "connection_down\ngap 0: the connection was lost\n");
    give(&session, LINK_TICK, 0, 0, NULL);
    expect(&session, "");
    wait_for(&session, 2 * NS_PER_S);
    expect(&session, "open 0 wss://up.test/websocket/v1\n");
    give(&session, LINK_DOWN, 0, 0, "refused");
    expect(&session, "");
    wait_for(&session, 4 * NS_PER_S);
    expect(&session, "open 0 wss://up.test/websocket/v1\n");
    give(&session, LINK_UP, 0, 0, NULL);
    expect(&session, SUBSCRIBED "connection_up\n");
    give(&session, LINK_BINARY, 0, 0, book("KRW-BTC", ms(&session), 90000000));
    expect(&session, "snapshot 0: 90000000\n");
    session.link->ops->close(session.link);
}

Test(upbit_link, a_refused_handshake_waits_as_long_as_it_is_stopped)
{
    static struct session session;
    begin(&session);
    give(&session, LINK_TICK, 0, 0, NULL);
    expect(&session, "open 0 wss://up.test/websocket/v1\n");
    give(&session, LINK_DOWN, 0, 418, "I'm a teapot");
    expect(&session, "connection_down\ngap 0: the connection was lost\n");
    wait_for(&session, 299 * NS_PER_S);
    expect(&session, "");
    wait_for(&session, 2 * NS_PER_S);
    expect(&session, "open 0 wss://up.test/websocket/v1\n");
    session.link->ops->close(session.link);
}

Test(upbit_link, a_quiet_book_is_asked_for_and_stays_when_the_venue_shows_the_same)
{
    static struct session session;
    go_live(&session);
    const int64_t stamp = ms(&session);
    wait_for(&session, 5 * NS_PER_S);
    expect(&session, "get https://up.test/v1/orderbook?markets=KRW-BTC\n");
    give(&session, LINK_ANSWER, 0, 200, rest_book("KRW-BTC", stamp, 90000000));
    wait_for(&session, 4 * NS_PER_S);
    expect(&session, "");
    wait_for(&session, NS_PER_S);
    expect(&session, "get https://up.test/v1/orderbook?markets=KRW-BTC\n");
    session.link->ops->close(session.link);
}

Test(upbit_link, a_quiet_book_without_an_answer_is_stale)
{
    static struct session session;
    go_live(&session);
    wait_for(&session, 5 * NS_PER_S);
    expect(&session, "get https://up.test/v1/orderbook?markets=KRW-BTC\n");
    give(&session, LINK_FAILED, 0, 0, "timed out");
    wait_for(&session, 5 * NS_PER_S);
    const char *gap = strstr(session.log, "gap 0: the book was not heard of for too long\n");
    cr_assert_not_null(gap);
    cr_assert_not_null(strstr(gap, SUBSCRIBED), "%s", session.log);
    session.link->ops->close(session.link);
}

Test(upbit_link, a_stream_behind_rest_is_subscribed_again_and_then_renewed)
{
    static struct session session;
    go_live(&session);
    wait_for(&session, 5 * NS_PER_S);
    expect(&session, "get https://up.test/v1/orderbook?markets=KRW-BTC\n");
    give(&session, LINK_ANSWER, 0, 200, rest_book("KRW-BTC", ms(&session), 91000000));
    expect(&session, "snapshot 0: 91000000\n");
    wait_for(&session, TICK);
    expect(&session, SUBSCRIBED);
    wait_for(&session, 5 * NS_PER_S);
    expect(&session, "get https://up.test/v1/orderbook?markets=KRW-BTC\n");
    give(&session, LINK_ANSWER, 0, 200, rest_book("KRW-BTC", ms(&session), 92000000));
    expect(&session, "snapshot 0: 92000000\n");
    wait_for(&session, TICK);
    expect(&session, "open 1 wss://up.test/websocket/v1\n");
    session.link->ops->close(session.link);
}

Test(upbit_link, a_connection_is_renewed_without_missing_or_repeating_anything)
{
    static struct session session = {.config = {.renew = 60 * NS_PER_S, .stale = 3600 * NS_PER_S}};
    go_live(&session);
    wait_for(&session, 60 * NS_PER_S);
    expect(&session, "ping 0\nopen 1 wss://up.test/websocket/v1\n");
    give(&session, LINK_PONG, 0, 0, NULL);
    give(&session, LINK_UP, 1, 0, NULL);
    expect(&session, SUBSCRIBED_ON_1);
    const int64_t stamp = ms(&session);
    give(&session, LINK_BINARY, 0, 0, trade("KRW-BTC", stamp, 100));
    give(&session, LINK_BINARY, 1, 0, trade("KRW-BTC", stamp, 100));
    give(&session, LINK_BINARY, 1, 0, trade("KRW-BTC", stamp, 101));
    give(&session, LINK_BINARY, 0, 0, book("KRW-BTC", stamp, 93000000));
    give(&session, LINK_BINARY, 1, 0, book("KRW-BTC", stamp, 93000000));
    expect(&session, "trade 0: 100\ntrade 0: 101\nsnapshot 0: 93000000\n");
    wait_for(&session, TICK);
    expect(&session, "ping 0\nclose 0\n");
    give(&session, LINK_DOWN, 0, 1000, "closed by us");
    give(&session, LINK_BINARY, 1, 0, book("KRW-BTC", stamp + 1, 93001000));
    expect(&session, "snapshot 0: 93001000\n");
    session.link->ops->close(session.link);
}

Test(upbit_link, a_connection_that_does_not_answer_pings_is_given_up)
{
    static struct session session = {.config = {.silence = 20 * NS_PER_S, .stale = 3600 * NS_PER_S}};
    go_live(&session);
    wait_for(&session, 20 * NS_PER_S);
    expect(&session, "ping 0\nclose 0\nconnection_down\ngap 0: nothing at all was heard, not even a pong\n");
    session.link->ops->close(session.link);
}

Test(upbit_link, thrown_away_messages_are_a_gap_until_the_next_book)
{
    static struct session session;
    go_live(&session);
    give(&session, LINK_DROPPED, 0, 0, NULL);
    expect(&session, "gap 0: messages were thrown away\n");
    give(&session, LINK_BINARY, 0, 0, book("KRW-BTC", ms(&session), 90000000));
    expect(&session, "snapshot 0: 90000000\n");
    session.link->ops->close(session.link);
}

Test(upbit_link, a_message_that_cannot_be_read_makes_the_books_stale)
{
    static struct session session;
    struct link_stats stats;
    go_live(&session);
    give(&session, LINK_BINARY, 0, 0, "{\"ty\":\"orderbook\",\"cd\":\"KRW-BTC\",\"tms\":1,\"obu\":[{\"ap\":\"x\"}]}");
    expect(&session, "gap 0: a message could not be read\n");
    session.link->ops->stats(session.link, &stats);
    cr_assert_eq(stats.refused, 1);
    session.link->ops->close(session.link);
}

Test(upbit_link, words_without_a_type_and_errors_do_no_harm)
{
    static struct session session;
    struct link_stats stats;
    go_live(&session);
    give(&session, LINK_BINARY, 0, 0, "{\"status\":\"UP\"}");
    give(&session, LINK_TEXT, 0, 0, "{\"error\":{\"name\":\"NO_CODES\",\"message\":\"codes\"}}");
    expect(&session, "");
    session.link->ops->stats(session.link, &stats);
    cr_assert_eq(stats.refused, 1);
    cr_assert_not_null(strstr(stats.said.text, "NO_CODES"));
    session.link->ops->close(session.link);
}

Test(upbit_link, poll_mode_asks_every_so_often_and_opens_nothing)
{
    static struct session session = {.config = {.poll = NS_PER_S, .symbol_count = 2}};
    begin(&session);
    give(&session, LINK_TICK, 0, 0, NULL);
    expect(&session, "get https://up.test/v1/orderbook?markets=KRW-BTC%2CKRW-ETH\n");
    give(&session, LINK_ANSWER, 0, 200, rest_book("KRW-BTC", ms(&session), 90000000));
    expect(&session, "snapshot 0: 90000000\n");
    wait_for(&session, NS_PER_S);
    expect(&session, "get https://up.test/v1/orderbook?markets=KRW-BTC%2CKRW-ETH\n");
    session.link->ops->close(session.link);
}

Test(upbit_link, a_wrong_config_is_refused_with_what_may_stand_there)
{
    struct session session = {0};
    struct err_text why = {0};
    session.symbols[0] = (struct link_symbol){"BTCKRW", 0, LINK_BOOK};
    session.config.symbols = session.symbols;
    session.config.symbol_count = 1;
    cr_assert_eq(upbit_link_check(&session.config, &why), ERR_CONFIG);
    cr_assert_not_null(strstr(why.text, "KRW-BTC"));
    session.symbols[0] = (struct link_symbol){"KRW-BTC", 0, LINK_MARK};
    why = (struct err_text){0};
    cr_assert_eq(upbit_link_check(&session.config, &why), ERR_CONFIG);
    cr_assert_not_null(strstr(why.text, "candles"), "%s", why.text);
    session.symbols[0].streams = LINK_BOOK;
    session.config.partial_levels = 7;
    cr_assert_eq(upbit_link_check(&session.config, &why), ERR_CONFIG);
    session.config.partial_levels = 15;
    cr_assert_eq(upbit_link_check(&session.config, &why), ERR_OK);
}

Test(upbit_link, instruments_are_held_against_what_the_venue_tells)
{
    static char text[512] = "[{\"market\":\"KRW-BTC\",\"quote_currency\":\"KRW\",\"tick_size\":\"1000\"},"
                            "{\"market\":\"KRW-ODD\",\"quote_currency\":\"KRW\",\"tick_size\":\"77\"}]";
    struct instrument instrument;
    struct err_text why = {0};
    cr_assert_eq(upbit_instruments(text, strlen(text), "KRW-BTC", &instrument, &why), ERR_OK);
    cr_assert_str_eq(instrument.base, "BTC");
    cr_assert_eq(upbit_instruments(text, strlen(text), "KRW-ETH", &instrument, &why), ERR_NOTFOUND);
    cr_assert_eq(upbit_instruments(text, strlen(text), "KRW-ODD", &instrument, &why), ERR_STATE);
    char url[LINK_URL_SIZE];
    cr_assert_eq(upbit_instruments_url(NULL, "KRW-BTC", url, sizeof(url)), ERR_OK);
    cr_assert_str_eq(url, "https://api.upbit.com/v1/orderbook/instruments?markets=KRW-BTC");
}
