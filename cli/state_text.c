/* The text is printed from the JSON, so that both say the same. */
#include "cli/state_json.h"
#include "cli/table.h"

#include <inttypes.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "-";
}

static uint64_t count_of(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static bool is(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* A decimal text without the zeros at its end. */
static const char *short_of(const json_t *object, const char *key, char room[64])
{
    snprintf(room, 64, "%s", text_of(object, key));
    if (strchr(room, '.') != NULL) {
        size_t size = strlen(room);
        while (room[size - 1] == '0')
            room[--size] = '\0';
        if (room[size - 1] == '.')
            room[size - 1] = '\0';
    }
    return room;
}

static bool is_zero(const json_t *object, const char *key)
{
    const char *text = text_of(object, key);
    return text[strspn(text, "-0.")] == '\0';
}

static void print_book(FILE *file, const json_t *book)
{
    const json_t *bids = json_object_get(book, "bids"), *asks = json_object_get(book, "asks");
    const size_t most = json_array_size(bids) > json_array_size(asks) ? json_array_size(bids) : json_array_size(asks);
    fprintf(file, "\n%s of %s: %" PRIu64 " bids, %" PRIu64 " asks, seq %" PRIu64 "%s%s%s\n",
            text_of(book, "instrument"), text_of(book, "venue"), count_of(book, "bid_levels"),
            count_of(book, "ask_levels"), count_of(book, "seq"), is(book, "stale") ? ", stale" : "",
            is(book, "crossed") ? ", crossed" : "", is(book, "partial") ? ", partial" : "");
    if (most == 0)
        return;
    struct table *table = table_new("rrrr", "bid qty", "bid", "ask", "ask qty");
    for (size_t i = 0; i < most; i++) {
        const json_t *bid = json_array_get(bids, i), *ask = json_array_get(asks, i);
        table_cell(table, "%s", bid != NULL ? text_of(bid, "qty") : "");
        table_cell(table, "%s", bid != NULL ? text_of(bid, "price") : "");
        table_cell(table, "%s", ask != NULL ? text_of(ask, "price") : "");
        table_cell(table, "%s", ask != NULL ? text_of(ask, "qty") : "");
    }
    table_print(table, file);
}

static void print_orders(FILE *file, const json_t *orders)
{
    if (json_array_size(orders) == 0) {
        fputs("\nno open orders\n", file);
        return;
    }
    fprintf(file, "\n%zu open orders\n", json_array_size(orders));
    struct table *table = table_new("rllrrrll", "order", "instrument", "side", "price", "remaining", "ahead", "state",
                                    "what is asked of it");
    size_t i;
    const json_t *order;
    json_array_foreach(orders, i, order)
    {
        const json_t *place = json_object_get(order, "at_venue");
        table_cell(table, "%" PRIu64, count_of(order, "id"));
        table_cell(table, "%s", text_of(order, "instrument"));
        table_cell(table, "%s", text_of(order, "side"));
        table_cell(table, "%s", text_of(order, "price"));
        table_cell(table, "%s", text_of(order, "remaining"));
        table_cell(table, "%s", json_is_null(place) ? "not there" : text_of(place, "ahead"));
        table_cell(table, "%s", text_of(order, "state"));
        table_cell(table, "%s", is(order, "cancel_pending") ? "cancel" : is(order, "amend_pending") ? "amend" : "");
    }
    table_print(table, file);
}

static void print_messages(FILE *file, const json_t *messages)
{
    if (json_array_size(messages) == 0)
        return;
    fputs("\nunder way\n", file);
    struct table *table = table_new("llrrrl", "to", "what", "order", "price", "qty", "arrives");
    size_t i;
    const json_t *message;
    json_array_foreach(messages, i, message)
    {
        table_cell(table, "%s", text_of(message, "to"));
        table_cell(table, "%s", text_of(message, "kind"));
        table_cell(table, "%" PRIu64, count_of(message, "order"));
        table_cell(table, "%s", text_of(message, "price"));
        table_cell(table, "%s", text_of(message, "qty"));
        table_cell(table, "%s", text_of(message, "arrives"));
    }
    table_print(table, file);
}

static void print_money(FILE *file, const json_t *state)
{
    char a[64], b[64], c[64], d[64];
    size_t i;
    const json_t *one;
    fputs("\n", file);
    json_array_foreach(json_object_get(state, "positions"), i, one)
    {
        if (count_of(one, "fills") != 0)
            fprintf(file, "position  %s %s at %s, realised %s, fees %s\n", text_of(one, "instrument"),
                    short_of(one, "qty", a), short_of(one, "entry", b), short_of(one, "realised", c),
                    short_of(one, "fees", d));
    }
    json_array_foreach(json_object_get(state, "balances"), i, one)
    {
        fprintf(file, "balance   %s %s", text_of(one, "currency"), short_of(one, "total", a));
        if (!is_zero(one, "locked"))
            fprintf(file, ", of it locked %s", short_of(one, "locked", b));
        fprintf(file, ", equity %s\n", short_of(one, "equity", c));
    }
    json_array_foreach(json_object_get(state, "margin"), i, one)
    {
        fprintf(file, "margin    %s %s, mark %s, equity %s, maintenance %s%s%s\n", text_of(one, "instrument"),
                text_of(one, "mode"), text_of(one, "mark"), short_of(one, "equity", a),
                short_of(one, "maintenance", b), is(one, "liquidating") ? ", liquidating" : "",
                is(one, "closed") ? ", closed" : "");
    }
}

static void print_risk(FILE *file, const json_t *risk)
{
    char a[64], b[64];
    size_t i;
    const json_t *one;
    fprintf(file, "gate      %s", is(risk, "killed") ? "killed" : "open");
    json_array_foreach(json_object_get(risk, "instruments"), i, one)
    {
        if (count_of(one, "open_orders") != 0 || count_of(one, "orders_of_last_second") != 0)
            fprintf(file, "; %s %" PRIu64 " open, %" PRIu64 " in the last second", text_of(one, "instrument"),
                    count_of(one, "open_orders"), count_of(one, "orders_of_last_second"));
    }
    json_array_foreach(json_object_get(risk, "days"), i, one)
    {
        fprintf(file, "; %s today from %s, lowest %s", text_of(one, "currency"), short_of(one, "equity_at_start", a),
                short_of(one, "equity_low", b));
    }
    fputs("\n", file);
}

void state_print(FILE *file, const json_t *state)
{
    size_t i;
    const json_t *one;
    const char *name;
    const json_t *strategy = json_object_get(state, "strategy"), *counters = json_object_get(state, "counters");
    fprintf(file, "%s after %" PRIu64 " of %s%" PRIu64 " inputs, %s, digest %s\n", text_of(state, "run"),
            count_of(state, "inputs"), json_is_false(json_object_get(state, "ended")) ? "at least " : "",
            count_of(state, "inputs_of_run"), text_of(state, "ts"), text_of(state, "digest"));
    json_array_foreach(json_object_get(state, "books"), i, one) print_book(file, one);
    print_orders(file, json_object_get(state, "orders"));
    print_messages(file, json_object_get(state, "under_way"));
    print_money(file, state);
    print_risk(file, json_object_get(state, "risk"));
    json_array_foreach(json_object_get(state, "timers"), i, one)
        fprintf(file, "timer     %" PRIu64 " at %s\n", count_of(one, "id"), text_of(one, "due"));
    fprintf(file, "so far    %" PRIu64 " orders, %" PRIu64 " refused, %" PRIu64 " cancels, %" PRIu64 " fills\n",
            count_of(counters, "orders"), count_of(counters, "refused"), count_of(counters, "cancels"),
            count_of(counters, "fills"));
    fprintf(file, "\nstrategy %s\n", text_of(strategy, "name"));
    json_object_foreach((json_t *)(uintptr_t)json_object_get(strategy, "variables"), name, one)
        fprintf(file, "  %-20s %s\n", name, json_string_value(one));
}
