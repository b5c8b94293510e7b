/* The CSV files of the Binance Data Processor: a row a level or a trade, with a header line that names the
 * columns (three shapes are known: depth diffs, trades, and all kinds merged) and comments in front.
 *
 *   row ┐
 *   row ├─ same stream, event time, update ids ──► {"e":"depthUpdate",...,"b":[[..],[..]],"a":[..]}
 *   row ┘
 *   row ─── FINAL_DEPTH_SNAPSHOT, DEPTH_SNAPSHOT rows ──► {"lastUpdateId":...,"bids":[..],"asks":[..]}
 *   row ─── trade ──► {"e":"trade",...}
 *
 * The venue's own frames are put together again, so that venue data are understood in one place only.
 * Numbers are copied as they are written. A snapshot's update id is its LastUpdateId; a book that the tool
 * kept itself has a row's own ids, and the highest of them is the last that the book contains.
 *
 * A row that cannot be read spoils its whole message: a diff without one of its levels would be a wrong book,
 * a diff that is missing is a GAP. When not even the message of a bad row is known, the messages before and
 * after it are both given up. */
#include "data/capture_form.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX     64
#define LINES_LOOKED_AT 512
#define MESSAGE_MAX     CAPTURE_LINE_MAX

/* name in the header, name here */
#define COLUMN_MAP(X)                                                                                                \
    X("TimestampOfReceiveUS", RECEIVE_US)                                                                            \
    X("TimestampOfReceive", RECEIVE_MS)                                                                              \
    X("TimestampOfRequest", REQUEST)                                                                                 \
    X("MessageOutputTime", OUTPUT_TIME)                                                                              \
    X("Stream", STREAM)                                                                                              \
    X("EventTime", EVENT_TIME)                                                                                       \
    X("TransactionTime", TRANSACTION_TIME)                                                                           \
    X("Symbol", SYMBOL)                                                                                              \
    X("FirstUpdateId", FIRST_ID)                                                                                     \
    X("FinalUpdateId", FINAL_ID)                                                                                     \
    X("FinalUpdateIdInLastStream", PREVIOUS_ID)                                                                      \
    X("LastUpdateId", LAST_ID)                                                                                       \
    X("IsAsk", IS_ASK)                                                                                               \
    X("Price", PRICE)                                                                                                \
    X("Quantity", QUANTITY)                                                                                          \
    X("TradeId", TRADE_ID)                                                                                           \
    X("IsBuyerMarketMaker", BUYER_IS_MAKER)                                                                          \
    X("XUnknownParameter", ORDER_TYPE)                                                                               \
    X("StreamType", STREAM_TYPE)                                                                                     \
    X("Market", MARKET)

#define COLUMN_ENUM(text, name) COL_##name,
enum column { COLUMN_MAP(COLUMN_ENUM) COL_COUNT };
#undef COLUMN_ENUM

static const char *const column_names[] = {
#define COLUMN_NAME(text, name) text,
    COLUMN_MAP(COLUMN_NAME)
#undef COLUMN_NAME
};

struct field {
    const char *text;
    size_t size;
};

enum row_kind { ROW_NONE, ROW_DIFF, ROW_SNAPSHOT, ROW_TRADE };

/* A row, taken apart and checked; its fields point into the line. */
struct row {
    enum row_kind kind;
    ns_t ts;
    uint64_t event_time, transaction_time;
    uint64_t first_id, final_id, previous_id;
    uint64_t trade_id;
    bool flag; /* an ask; of a trade: the buyer is the maker */
    struct field symbol, price, qty, order_type;
};

struct text {
    char *bytes;
    size_t size;
    size_t capacity;
    bool failed; /* no memory, or longer than MESSAGE_MAX */
};

/* The message whose rows are being collected. */
struct group {
    struct row key; /* its first row; the fields do not live that long */
    char symbol[64];
    ns_t ts;
    uint64_t line;
    uint32_t line_count;
    uint64_t event_time, transaction_time, last_id; /* the highest of its rows */
    uint64_t bad_line;                              /* 0: every row could be read */
    struct text sides[2];
};

struct state {
    uint32_t column_count;
    uint8_t place[COL_COUNT]; /* column of the file, UINT8_MAX: it has none */
    bool has_header;
    bool spoil_next; /* a row of an unknown message was lost just now */
    uint64_t spoil_line;
    bool has_group;
    struct group group;
    bool ended;
    err_t end; /* what the lines ended with */
    struct err_text end_text;
    struct text out; /* the frame that is given */
    char out_symbol[64];
    bool has_trade; /* a trade that came while a group was open waits in `trade` */
    struct text trade;
    struct capture_record trade_record;
};

/* ---- text that grows ---- */

static bool text_room(struct text *text, size_t more)
{
    if (text->failed)
        return false;
    if (text->capacity - text->size >= more)
        return true;
    size_t capacity = text->capacity == 0 ? 4096 : text->capacity;
    while (capacity - text->size < more)
        capacity *= 2;
    char *bytes = capacity > MESSAGE_MAX ? NULL : realloc(text->bytes, capacity);
    if (bytes == NULL) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

static void text_add(struct text *text, const char *bytes, size_t size)
{
    if (size == 0 || !text_room(text, size + CAPTURE_PADDING))
        return;
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

static void text_add_words(struct text *text, const char *words)
{
    text_add(text, words, strlen(words));
}

static void text_add_number(struct text *text, const char *key, uint64_t value)
{
    char number[96];
    int size = snprintf(number, sizeof(number), "\"%s\":%" PRIu64, key, value);
    text_add(text, number, (size_t)size);
}

static void text_add_string(struct text *text, const char *key, struct field value)
{
    char begin[32];
    int size = snprintf(begin, sizeof(begin), "\"%s\":\"", key);
    text_add(text, begin, (size_t)size);
    text_add(text, value.text, value.size);
    text_add(text, "\"", 1);
}

/* Readable bytes behind the text must hold something. */
static void text_finish(struct text *text)
{
    if (text_room(text, CAPTURE_PADDING))
        memset(text->bytes + text->size, 0, CAPTURE_PADDING);
}

/* ---- rows ---- */

static uint32_t split_fields(const char *line, size_t size, struct field *fields, uint32_t capacity)
{
    uint32_t count = 0;
    const char *end = line + size;
    for (;;) {
        const char *comma = memchr(line, ',', (size_t)(end - line));
        const char *stop = comma != NULL ? comma : end;
        if (count == capacity)
            return capacity + 1;
        fields[count++] = (struct field){line, (size_t)(stop - line)};
        if (comma == NULL)
            return count;
        line = comma + 1;
    }
}

static bool field_is(struct field field, const char *text)
{
    return strlen(text) == field.size && memcmp(field.text, text, field.size) == 0;
}

static bool read_header(struct state *state, const char *line, size_t size, bool *seen)
{
    struct field fields[COLUMNS_MAX];
    uint32_t count = split_fields(line, size, fields, COLUMNS_MAX);
    if (count > COLUMNS_MAX)
        return false;
    state->column_count = count;
    memset(state->place, UINT8_MAX, sizeof(state->place));
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t c = 0; c < COL_COUNT; c++)
            if (field_is(fields[i], column_names[c]))
                state->place[c] = (uint8_t)i;
    *seen = state->place[COL_RECEIVE_MS] != UINT8_MAX || state->place[COL_RECEIVE_US] != UINT8_MAX;
    bool levels = state->place[COL_IS_ASK] != UINT8_MAX && state->place[COL_FINAL_ID] != UINT8_MAX;
    bool trades = state->place[COL_TRADE_ID] != UINT8_MAX && state->place[COL_BUYER_IS_MAKER] != UINT8_MAX;
    return *seen && state->place[COL_SYMBOL] != UINT8_MAX && state->place[COL_PRICE] != UINT8_MAX &&
           state->place[COL_QUANTITY] != UINT8_MAX && (levels || trades);
}

static struct field column(const struct state *state, const struct field *fields, enum column column)
{
    uint8_t place = state->place[column];
    return place == UINT8_MAX ? (struct field){"", 0} : fields[place];
}

static err_t say_field(enum column column, struct field field, const char *expected, struct err_text *why)
{
    int shown = field.size > 32 ? 32 : (int)field.size;
    return err_say(why, ERR_SYNTAX, "column %s holds \"%.*s\": expected %s", column_names[column], shown, field.text,
                   expected);
}

static err_t take_number(const struct state *state, const struct field *fields, enum column col, bool needed,
                         uint64_t *value, struct err_text *why)
{
    struct field field = column(state, fields, col);
    uint64_t number = 0;
    if (field.size == 0 && !needed) {
        *value = 0;
        return ERR_OK;
    }
    for (size_t i = 0; i < field.size; i++) {
        unsigned digit = (unsigned char)(field.text[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, digit, &number))
            return say_field(col, field, "a whole number", why);
    }
    if (field.size == 0)
        return say_field(col, field, "a whole number", why);
    *value = number;
    return ERR_OK;
}

static err_t take_flag(const struct state *state, const struct field *fields, enum column col, bool *flag,
                       struct err_text *why)
{
    struct field field = column(state, fields, col);
    if (!field_is(field, "0") && !field_is(field, "1"))
        return say_field(col, field, "0 or 1", why);
    *flag = field.text[0] == '1';
    return ERR_OK;
}

/* Text that may stand between quotes: `allowed` besides letters and digits. */
static err_t take_word(const struct state *state, const struct field *fields, enum column col, const char *allowed,
                       bool needed, struct field *word, struct err_text *why)
{
    struct field field = column(state, fields, col);
    bool good = field.size < 40 && (field.size > 0 || !needed);
    for (size_t i = 0; good && i < field.size; i++) {
        char c = field.text[i];
        good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               (c != '\0' && strchr(allowed, c) != NULL);
    }
    if (!good)
        return say_field(col, field, col == COL_SYMBOL ? "a symbol" : "a plain word or number", why);
    *word = field;
    return ERR_OK;
}

static err_t take_receive_time(const struct state *state, const struct field *fields, ns_t *ts, struct err_text *why)
{
    bool us = column(state, fields, COL_RECEIVE_US).size > 0;
    enum column col = us ? COL_RECEIVE_US : COL_RECEIVE_MS;
    uint64_t value = 0;
    err_t err = take_number(state, fields, col, true, &value, why);
    if (err != ERR_OK)
        return err;
    ns_t unit = us ? NS_PER_US : NS_PER_MS;
    if (value > (uint64_t)(NS_MAX / unit))
        return say_field(col, column(state, fields, col), "a time since 1970", why);
    *ts = (ns_t)value * unit;
    return ERR_OK;
}

static err_t take_kind(const struct state *state, const struct field *fields, enum row_kind *kind,
                       struct err_text *why)
{
    struct field type = column(state, fields, COL_STREAM_TYPE);
    if (type.size == 0)
        *kind = state->place[COL_TRADE_ID] != UINT8_MAX ? ROW_TRADE : ROW_DIFF;
    else if (field_is(type, "DIFFERENCE_DEPTH_STREAM"))
        *kind = ROW_DIFF;
    else if (field_is(type, "TRADE_STREAM"))
        *kind = ROW_TRADE;
    else if (field_is(type, "FINAL_DEPTH_SNAPSHOT") || field_is(type, "DEPTH_SNAPSHOT"))
        *kind = ROW_SNAPSHOT;
    else
        return say_field(COL_STREAM_TYPE, type, "a kind of stream that is known here", why);
    return ERR_OK;
}

static err_t take_level_ids(const struct state *state, const struct field *fields, struct row *row,
                            struct err_text *why)
{
    bool diff = row->kind == ROW_DIFF;
    err_t err = take_number(state, fields, COL_FIRST_ID, diff, &row->first_id, why);
    if (err == ERR_OK)
        err = take_number(state, fields, COL_FINAL_ID, diff, &row->final_id, why);
    if (err == ERR_OK)
        err = take_number(state, fields, COL_PREVIOUS_ID, false, &row->previous_id, why);
    uint64_t last_id = 0;
    if (err == ERR_OK && !diff)
        err = take_number(state, fields, COL_LAST_ID, row->final_id == 0, &last_id, why);
    if (err == ERR_OK && last_id != 0)
        row->final_id = last_id;
    return err;
}

/* The part of a row that says to which message it belongs. */
static err_t take_key(const struct state *state, const struct field *fields, struct row *row, struct err_text *why)
{
    err_t err = take_kind(state, fields, &row->kind, why);
    if (err == ERR_OK)
        err = take_receive_time(state, fields, &row->ts, why);
    if (err == ERR_OK)
        err = take_word(state, fields, COL_SYMBOL, "_-", true, &row->symbol, why);
    if (err == ERR_OK)
        err = take_number(state, fields, COL_EVENT_TIME, row->kind != ROW_SNAPSHOT, &row->event_time, why);
    if (err == ERR_OK && row->kind != ROW_TRADE)
        err = take_level_ids(state, fields, row, why);
    return err;
}

static err_t take_values(const struct state *state, const struct field *fields, struct row *row, struct err_text *why)
{
    bool trade = row->kind == ROW_TRADE;
    err_t err = take_number(state, fields, COL_TRANSACTION_TIME, false, &row->transaction_time, why);
    if (err == ERR_OK)
        err = take_flag(state, fields, trade ? COL_BUYER_IS_MAKER : COL_IS_ASK, &row->flag, why);
    if (err == ERR_OK)
        err = take_word(state, fields, COL_PRICE, ".+-", true, &row->price, why);
    if (err == ERR_OK)
        err = take_word(state, fields, COL_QUANTITY, ".+-", true, &row->qty, why);
    if (err == ERR_OK && trade)
        err = take_number(state, fields, COL_TRADE_ID, true, &row->trade_id, why);
    if (err == ERR_OK && trade)
        err = take_word(state, fields, COL_ORDER_TYPE, "_", false, &row->order_type, why);
    return err;
}

static const char *venue_of(struct field market, bool chained)
{
    if (market.size == 0)
        return chained ? "binance-usdm" : NULL;
    if (field_is(market, "USD_M_FUTURES"))
        return "binance-usdm";
    if (field_is(market, "COIN_M_FUTURES"))
        return "binance-coinm";
    return field_is(market, "SPOT") ? "binance-spot" : NULL;
}

/* Without a column for the market: only futures have chained update ids and a kind of order in trades. */
static void learn_venue(struct capture_source *source, const struct state *state, const struct field *fields)
{
    if (source->info->venue == NULL)
        source->info->venue =
            venue_of(column(state, fields, COL_MARKET),
                     state->place[COL_PREVIOUS_ID] != UINT8_MAX || state->place[COL_ORDER_TYPE] != UINT8_MAX);
}

/* ---- messages ---- */

static bool same_message(const struct group *group, const struct row *row)
{
    const struct row *key = &group->key;
    if (row->kind != key->kind || row->symbol.size != strlen(group->symbol) ||
        memcmp(row->symbol.text, group->symbol, row->symbol.size) != 0)
        return false;
    return row->kind == ROW_SNAPSHOT || (row->event_time == key->event_time && row->first_id == key->first_id &&
                                         row->final_id == key->final_id && row->previous_id == key->previous_id);
}

static void group_begin(struct state *state, const struct row *row, uint64_t line)
{
    struct group *group = &state->group;
    struct text bids = group->sides[SIDE_BUY], asks = group->sides[SIDE_SELL];
    bids.size = asks.size = 0;
    bids.failed = asks.failed = false;
    *group = (struct group){.key = *row, .line = line, .sides = {bids, asks}};
    memcpy(group->symbol, row->symbol.text, row->symbol.size);
    if (state->spoil_next)
        group->bad_line = state->spoil_line;
    state->spoil_next = false;
    state->has_group = true;
}

/* Count a row in, whether its values could be read or not. */
static void group_count(struct group *group, const struct row *row)
{
    group->ts = row->ts; /* a message is known when its last row is */
    group->line_count++;
    if (row->event_time > group->event_time)
        group->event_time = row->event_time;
    if (row->transaction_time > group->transaction_time)
        group->transaction_time = row->transaction_time;
    if (row->final_id > group->last_id)
        group->last_id = row->final_id;
}

static void group_add(struct group *group, const struct row *row)
{
    struct text *side = &group->sides[row->flag ? SIDE_SELL : SIDE_BUY];
    text_add_words(side, side->size == 0 ? "[\"" : ",[\"");
    text_add(side, row->price.text, row->price.size);
    text_add_words(side, "\",\"");
    text_add(side, row->qty.text, row->qty.size);
    text_add_words(side, "\"]");
}

static void write_snapshot(struct text *out, const struct group *group)
{
    text_add_words(out, "{");
    text_add_number(out, "lastUpdateId", group->last_id);
    if (group->event_time != 0) {
        text_add_words(out, ",");
        text_add_number(out, "E", group->event_time);
    }
    if (group->transaction_time != 0) {
        text_add_words(out, ",");
        text_add_number(out, "T", group->transaction_time);
    }
    text_add_words(out, ",\"bids\":[");
}

static void write_diff(struct text *out, const struct group *group)
{
    text_add_words(out, "{\"e\":\"depthUpdate\",");
    text_add_number(out, "E", group->key.event_time);
    if (group->transaction_time != 0) {
        text_add_words(out, ",");
        text_add_number(out, "T", group->transaction_time);
    }
    text_add_words(out, ",");
    text_add_string(out, "s", (struct field){group->symbol, strlen(group->symbol)});
    text_add_words(out, ",");
    text_add_number(out, "U", group->key.first_id);
    text_add_words(out, ",");
    text_add_number(out, "u", group->key.final_id);
    if (group->key.previous_id != 0) {
        text_add_words(out, ",");
        text_add_number(out, "pu", group->key.previous_id);
    }
    text_add_words(out, ",\"b\":[");
}

static void write_trade(struct text *out, const struct row *row)
{
    text_add_words(out, "{\"e\":\"trade\",");
    text_add_number(out, "E", row->event_time);
    text_add_words(out, ",");
    text_add_number(out, "T", row->transaction_time != 0 ? row->transaction_time : row->event_time);
    text_add_words(out, ",");
    text_add_string(out, "s", row->symbol);
    text_add_words(out, ",");
    text_add_number(out, "t", row->trade_id);
    text_add_words(out, ",");
    text_add_string(out, "p", row->price);
    text_add_words(out, ",");
    text_add_string(out, "q", row->qty);
    text_add_words(out, ",");
    if (row->order_type.size > 0) {
        text_add_string(out, "X", row->order_type);
        text_add_words(out, ",");
    }
    text_add_words(out, row->flag ? "\"m\":true}" : "\"m\":false}");
}

/* The message is whole: make its frame. */
static err_t group_finish(struct state *state, struct capture_record *record, struct err_text *why)
{
    struct group *group = &state->group;
    struct text *out = &state->out;
    state->has_group = false;
    record->ts = group->ts;
    record->line = group->line;
    record->line_count = group->line_count;
    if (group->bad_line != 0)
        return err_say(why, ERR_SYNTAX, "its message of %u rows is given up, for line %" PRIu64 " could not be read",
                       group->line_count, group->bad_line);
    out->size = 0;
    out->failed = false;
    bool snapshot = group->key.kind == ROW_SNAPSHOT;
    if (snapshot)
        write_snapshot(out, group);
    else
        write_diff(out, group);
    text_add(out, group->sides[SIDE_BUY].bytes, group->sides[SIDE_BUY].size);
    text_add_words(out, snapshot ? "],\"asks\":[" : "],\"a\":[");
    text_add(out, group->sides[SIDE_SELL].bytes, group->sides[SIDE_SELL].size);
    text_add_words(out, "]}");
    text_finish(out);
    if (out->failed || group->sides[SIDE_BUY].failed || group->sides[SIDE_SELL].failed)
        return err_say(why, ERR_RANGE, "a message of %u rows does not fit into %u MiB", group->line_count,
                       MESSAGE_MAX >> 20);
    record->text = out->bytes;
    record->size = out->size;
    record->kind = snapshot ? CAPTURE_SNAPSHOT : CAPTURE_FRAME;
    memcpy(state->out_symbol, group->symbol, sizeof(state->out_symbol));
    record->symbol = state->out_symbol;
    record->symbol_size = strlen(state->out_symbol);
    return ERR_OK;
}

static err_t trade_begin(struct state *state, const struct row *row, uint64_t line)
{
    struct text *text = &state->trade;
    text->size = 0;
    text->failed = false;
    write_trade(text, row);
    text_finish(text);
    if (text->failed)
        return ERR_NOMEM;
    state->trade_record.ts = row->ts;
    state->trade_record.line = line;
    state->has_trade = true;
    return ERR_OK;
}

static void trade_give(struct state *state, struct capture_record *record)
{
    struct text text = state->out; /* the next trade must not overwrite the one that is given */
    state->out = state->trade;
    state->trade = text;
    record->ts = state->trade_record.ts;
    record->line = state->trade_record.line;
    record->line_count = 1;
    record->text = state->out.bytes;
    record->size = state->out.size;
    record->kind = CAPTURE_FRAME;
    state->has_trade = false;
}

/* A row that cannot be read. `key_known`: to which message it belongs is, in `row`. */
static err_t spoil(struct state *state, const struct row *row, bool key_known, uint64_t line)
{
    bool mine = state->has_group && (!key_known || same_message(&state->group, row));
    if (mine && state->group.bad_line == 0)
        state->group.bad_line = line;
    if (!mine || !key_known) {
        state->spoil_next = !key_known || row->kind != ROW_TRADE;
        state->spoil_line = line;
    }
    return ERR_SYNTAX;
}

/* One row. ERR_AGAIN: it went into the group. ERR_OK or an error: `record` is filled. */
static err_t take_row(struct capture_source *source, const char *line, size_t size, struct capture_record *record,
                      struct err_text *why)
{
    struct state *state = source->state;
    struct field fields[COLUMNS_MAX];
    struct row row = {0};
    uint64_t number = source->lines.line;
    uint32_t count = split_fields(line, size, fields, COLUMNS_MAX);
    if (count != state->column_count) {
        err_say(why, ERR_SYNTAX, "%s than the %u columns of its header (cut off?)",
                count < state->column_count ? "fewer" : "more", state->column_count);
        return spoil(state, &row, false, number);
    }
    if (take_key(state, fields, &row, why) != ERR_OK)
        return spoil(state, &row, false, number);
    if (take_values(state, fields, &row, why) != ERR_OK)
        return spoil(state, &row, true, number);
    learn_venue(source, state, fields);
    if (row.kind == ROW_TRADE) {
        err_t err = trade_begin(state, &row, number);
        if (err != ERR_OK)
            return err_say(why, err, "%s", err_words(err));
        if (state->has_group)
            return group_finish(state, record, why);
        trade_give(state, record);
        return ERR_OK;
    }
    err_t result = ERR_AGAIN;
    if (state->has_group && !same_message(&state->group, &row))
        result = group_finish(state, record, why);
    if (!state->has_group)
        group_begin(state, &row, number);
    group_count(&state->group, &row);
    group_add(&state->group, &row);
    return result;
}

/* The lines have ended, in order or not: give what was collected, then say so. */
static err_t give_rest(struct state *state, struct capture_record *record, struct err_text *why)
{
    if (state->has_group && state->end == ERR_END)
        return group_finish(state, record, why);
    state->has_group = false;
    return state->end == ERR_END ? ERR_END : err_say(why, state->end, "%s", state->end_text.text);
}

static err_t next(struct capture_source *source, struct capture_record *record, struct err_text *why)
{
    struct state *state = source->state;
    if (state->has_trade) {
        trade_give(state, record);
        return ERR_OK;
    }
    while (!state->ended) {
        char *line;
        size_t size;
        err_t err = capture_lines_next(&source->lines, &line, &size, &state->end_text);
        if (err == ERR_RANGE) {
            err_say(why, err, "%s", state->end_text.text);
            err_clear(&state->end_text);
            spoil(state, &(struct row){0}, false, source->lines.line);
            return err;
        }
        if (err != ERR_OK) {
            state->ended = true;
            state->end = err;
            break;
        }
        if (size == 0 || line[0] == '#') {
            source->info->passed_over++;
            continue;
        }
        if (!state->has_header) {
            bool seen;
            if (!read_header(state, line, size, &seen))
                return err_say(why, ERR_SYNTAX, "not the header of a table of depth levels or trades");
            state->has_header = true;
            source->info->passed_over++;
            continue;
        }
        err = take_row(source, line, size, record, why);
        if (err != ERR_AGAIN)
            return err;
    }
    return give_rest(state, record, why);
}

static bool detect(const char *head, size_t size)
{
    const char *line;
    size_t line_size;
    struct state state;
    for (int i = 0; i < LINES_LOOKED_AT && capture_head_line(&head, &size, &line, &line_size); i++) {
        bool seen = false;
        if (line_size == 0 || line[0] == '#')
            continue;
        return read_header(&state, line, line_size, &seen);
    }
    return false;
}

static err_t open_state(struct capture_source *source)
{
    source->state = calloc(1, sizeof(struct state));
    return source->state == NULL ? ERR_NOMEM : ERR_OK;
}

static void close_state(struct capture_source *source)
{
    struct state *state = source->state;
    if (state == NULL)
        return;
    free(state->group.sides[SIDE_BUY].bytes);
    free(state->group.sides[SIDE_SELL].bytes);
    free(state->out.bytes);
    free(state->trade.bytes);
    free(state);
    source->state = NULL;
}

const struct capture_form capture_form_dlasota = {
    .name = "dlasota",
    .summary = "CSV of the Binance Data Processor: a row a level or a trade, three shapes of header",
    .detect = detect,
    .open = open_state,
    .next = next,
    .close = close_state,
};
