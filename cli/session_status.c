#include "cli/session_status.h"

#include "adapters/wire_feed.h"
#include "cli/session_result.h"
#include "cli/values.h"
#include "core/order.h"

#include <inttypes.h>
#include <string.h>

/* ---- money ---- */

/* Each settle currency once: the first instrument that has it. */
static bool is_first_with(const struct stage *stage, uint16_t number)
{
    for (uint16_t i = 0; i < number; i++)
        if (strcmp(stage->instruments[i].settle, stage->instruments[number].settle) == 0)
            return false;
    return true;
}

static json_t *equity_json(const struct stage *stage)
{
    json_t *object = json_object();
    for (uint16_t i = 0; i < stage->instrument_count; i++) {
        const char *currency = stage->instruments[i].settle;
        if (is_first_with(stage, i))
            json_set_decimal(object, currency, engine_equity(stage->engine, currency), MONEY_DECIMALS);
    }
    return object;
}

static json_t *balances_json(const struct stage *stage)
{
    const struct account *account = engine_account_view(stage->engine);
    json_t *object = json_object();
    for (uint32_t i = 0; i < account_balance_count(account); i++) {
        const struct balance *balance = account_balance_at(account, i);
        json_set_decimal(object, balance->currency, balance->total, MONEY_DECIMALS);
    }
    return object;
}

/* ---- books and positions ---- */

static const char *book_word(const struct book *book)
{
    return (book->flags & BOOK_STALE) != 0     ? "stale"
           : (book->flags & BOOK_CROSSED) != 0 ? "crossed"
           : !book_is_sound(book)              ? "one-sided"
                                               : "sound";
}

static uint32_t stale_books(const struct stage *stage)
{
    uint32_t count = 0;
    for (uint16_t i = 0; i < stage->instrument_count; i++)
        count += (engine_book(stage->engine, i)->flags & BOOK_STALE) != 0;
    return count;
}

static void set_touch(json_t *object, const char *key, const struct instrument *instrument, const struct book *book,
                      enum side side)
{
    struct level level;
    if (book_best(book, side, &level))
        json_set_price(object, key, instrument, level.price);
    else
        json_set(object, key, json_null());
}

static json_t *instrument_json(const struct session_view *view, uint16_t number)
{
    const struct stage *stage = view->stage;
    const struct instrument *instrument = &stage->instruments[number];
    const struct book *book = engine_book(stage->engine, number);
    const struct position *position = account_position(engine_account_view(stage->engine), number);
    json_t *object = json_object();
    json_set_text(object, "venue", instrument->venue);
    json_set_text(object, "symbol", instrument->symbol);
    json_set_text(object, "book", book_word(book));
    json_set(object, "book_age_ms", book->ts != 0 ? json_integer((view->now - book->ts) / NS_PER_MS) : json_null());
    set_touch(object, "bid", instrument, book, SIDE_BUY);
    set_touch(object, "ask", instrument, book, SIDE_SELL);
    json_set_qty(object, "position", instrument, position->qty);
    json_set_decimal(object, "realised", position->realised, MONEY_DECIMALS);
    json_set_u64(object, "open_orders", order_table_open_count_of(engine_orders(stage->engine), number));
    return object;
}

static void set_instruments(json_t *root, const struct session_view *view)
{
    const uint16_t count = view->stage->instrument_count;
    json_t *list = json_array();
    for (uint16_t i = 0; i < count && i < STATUS_INSTRUMENTS; i++)
        json_array_append_new(list, instrument_json(view, i));
    json_set(root, "instruments", list);
    json_set_u64(root, "instruments_left_out", count > STATUS_INSTRUMENTS ? count - STATUS_INSTRUMENTS : 0);
}

/* ---- the whole ---- */

static void set_counts(json_t *root, const struct stage *stage)
{
    const struct engine_counters *counters = engine_counters(stage->engine);
    const struct sim_stats sim = sim_world_stats(stage->world);
    json_set_u64(root, "events", counters->inputs);
    json_set_u64(root, "orders", counters->orders);
    json_set_u64(root, "cancels", counters->cancels);
    json_set_u64(root, "refused", counters->refused);
    json_set_u64(root, "rejects", counters->rejects);
    json_set_u64(root, "fills", counters->fills);
    json_set_u64(root, "open_orders", order_table_open_count(engine_orders(stage->engine)));
    json_set_u64(root, "late_events", sim.late_events);
}

static void set_io(json_t *root, const struct session_view *view)
{
    struct live_io_stats io;
    live_io_read_stats(view->io, &io);
    json_t *ring = json_object();
    json_set_u64(ring, "bytes", io.ring_bytes);
    json_set_u64(ring, "most_used", io.ring_most);
    json_set_u64(ring, "dropped", io.dropped);
    json_set(root, "ring", ring);
    json_set_u64(root, "inputs_bytes", view->inputs_bytes);
    json_set_u64(root, "journal_bytes", view->journal_bytes);
}

json_t *session_status_json(const struct session_view *view)
{
    const struct stage *stage = view->stage;
    const struct wire_feed_stats *wire = wire_feed_stats(stage->wire);
    const struct risk *risk = engine_risk(stage->engine);
    const struct link *link;
    json_t *root = json_object(), *links = json_array();
    json_set_text(root, "mode", "paper");
    json_set_text(root, "strategy", view->config->strategy->name);
    json_set_text(root, "dir", view->dir);
    json_set_time(root, "since", view->began);
    json_set_time(root, "now", view->now);
    json_set_bool(root, "paused", risk_paused(risk));
    json_set_bool(root, "killed", risk_killed(risk));
    json_set_u64(root, "stale_books", stale_books(stage));
    json_set_u64(root, "inputs", wire->inputs);
    json_set_u64(root, "inputs_per_s", view->inputs_per_s);
    json_set(root, "last_input_age_ms",
             wire->inputs > 0 ? json_integer((view->now - wire->heart.last) / NS_PER_MS) : json_null());
    json_set_u64(root, "heartbeats_missed", wire->heart.missed);
    set_counts(root, stage);
    json_set(root, "equity", equity_json(stage));
    json_set(root, "balances", balances_json(stage));
    set_instruments(root, view);
    for (uint16_t i = 0; (link = wire_feed_link(stage->wire, i)) != NULL; i++)
        json_array_append_new(links, session_link_json(link));
    json_set(root, "links", links);
    set_io(root, view);
    return root;
}

void session_status_line(const struct session_view *view, char *line, size_t size)
{
    const struct stage *stage = view->stage;
    const struct engine_counters *counters = engine_counters(stage->engine);
    const struct risk *risk = engine_risk(stage->engine);
    const char *currency = stage->instruments[0].settle;
    struct live_io_stats io;
    char span[VALUE_TEXT_SIZE], count[VALUE_TEXT_SIZE], bytes[VALUE_TEXT_SIZE], equity[64];
    live_io_read_stats(view->io, &io);
    snprintf(equity, sizeof(equity), "%.2f", (double)engine_equity(stage->engine, currency) / 1e18);
    snprintf(line, size,
             "%s%s  %s inputs  %" PRIu64 "/s  orders %" PRIu64 "  fills %" PRIu64 "  open %" PRIu32
             "  equity %s %s  stale %" PRIu32 "  dropped %" PRIu64 "  ring %" PRIu64 " %%  %s",
             value_span_text(view->now - view->began, span),
             risk_killed(risk)   ? "  KILLED"
             : risk_paused(risk) ? "  PAUSED"
                                 : "",
             value_count_text(wire_feed_stats(stage->wire)->inputs, count), view->inputs_per_s, counters->orders,
             counters->fills, order_table_open_count(engine_orders(stage->engine)), equity, currency,
             stale_books(stage), io.dropped, io.ring_most * 100 / io.ring_bytes,
             value_size_text(view->inputs_bytes + view->journal_bytes, bytes));
}
