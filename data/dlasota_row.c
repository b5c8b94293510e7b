/* How: the header is looked up once, then a row is split at its commas and its fields are taken by name through
 * `place`. Nothing is copied. What a row belongs to (its key) is taken before its values, so that a row with a bad
 * value can still be told to spoil the right message. */
#include "data/dlasota_row.h"

#include "core/event.h"

#include <string.h>

#define FIELDS_MAX 64

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
_Static_assert(COL_COUNT == DLASOTA_COLUMNS, "a place for every column");

static const char *const column_names[] = {
#define COLUMN_NAME(text, name) text,
    COLUMN_MAP(COLUMN_NAME)
#undef COLUMN_NAME
};

static uint32_t split_fields(const char *line, size_t size, struct dlasota_field *fields, uint32_t capacity)
{
    uint32_t count = 0;
    const char *end = line + size;
    for (;;) {
        const char *comma = memchr(line, ',', (size_t)(end - line));
        const char *stop = comma != NULL ? comma : end;
        if (count == capacity)
            return capacity + 1;
        fields[count++] = (struct dlasota_field){line, (size_t)(stop - line)};
        if (comma == NULL)
            return count;
        line = comma + 1;
    }
}

static bool field_is(struct dlasota_field field, const char *text)
{
    return strlen(text) == field.size && memcmp(field.text, text, field.size) == 0;
}

bool dlasota_row_header(struct dlasota_table *table, const char *line, size_t size)
{
    struct dlasota_field fields[FIELDS_MAX];
    uint32_t count = split_fields(line, size, fields, FIELDS_MAX);
    if (count > FIELDS_MAX)
        return false;
    table->column_count = count;
    memset(table->place, UINT8_MAX, sizeof(table->place));
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t c = 0; c < COL_COUNT; c++)
            if (field_is(fields[i], column_names[c]))
                table->place[c] = (uint8_t)i;
    bool stamped = table->place[COL_RECEIVE_MS] != UINT8_MAX || table->place[COL_RECEIVE_US] != UINT8_MAX;
    bool levels = table->place[COL_IS_ASK] != UINT8_MAX && table->place[COL_FINAL_ID] != UINT8_MAX;
    bool trades = table->place[COL_TRADE_ID] != UINT8_MAX && table->place[COL_BUYER_IS_MAKER] != UINT8_MAX;
    return stamped && table->place[COL_SYMBOL] != UINT8_MAX && table->place[COL_PRICE] != UINT8_MAX &&
           table->place[COL_QUANTITY] != UINT8_MAX && (levels || trades);
}

static struct dlasota_field column(const struct dlasota_table *table, const struct dlasota_field *fields,
                                   enum column column)
{
    uint8_t place = table->place[column];
    return place == UINT8_MAX ? (struct dlasota_field){"", 0} : fields[place];
}

static err_t say_field(enum column column, struct dlasota_field field, const char *expected, struct err_text *why)
{
    int shown = field.size > 32 ? 32 : (int)field.size;
    return err_say(why, ERR_SYNTAX, "column %s holds \"%.*s\": expected %s", column_names[column], shown, field.text,
                   expected);
}

static err_t take_number(const struct dlasota_table *table, const struct dlasota_field *fields, enum column col,
                         bool needed, uint64_t *value, struct err_text *why)
{
    struct dlasota_field field = column(table, fields, col);
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

static err_t take_flag(const struct dlasota_table *table, const struct dlasota_field *fields, enum column col,
                       bool *flag, struct err_text *why)
{
    struct dlasota_field field = column(table, fields, col);
    if (!field_is(field, "0") && !field_is(field, "1"))
        return say_field(col, field, "0 or 1", why);
    *flag = field.text[0] == '1';
    return ERR_OK;
}

/* Text that may stand between quotes: `allowed` besides letters and digits. */
static err_t take_word(const struct dlasota_table *table, const struct dlasota_field *fields, enum column col,
                       const char *allowed, bool needed, struct dlasota_field *word, struct err_text *why)
{
    struct dlasota_field field = column(table, fields, col);
    bool good = field.size < DLASOTA_WORD_SIZE && (field.size > 0 || !needed);
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

static err_t take_receive_time(const struct dlasota_table *table, const struct dlasota_field *fields, ns_t *ts,
                               struct err_text *why)
{
    bool us = column(table, fields, COL_RECEIVE_US).size > 0;
    enum column col = us ? COL_RECEIVE_US : COL_RECEIVE_MS;
    uint64_t value = 0;
    err_t err = take_number(table, fields, col, true, &value, why);
    if (err != ERR_OK)
        return err;
    ns_t unit = us ? NS_PER_US : NS_PER_MS;
    if (value > (uint64_t)(NS_MAX / unit))
        return say_field(col, column(table, fields, col), "a time since 1970", why);
    *ts = (ns_t)value * unit;
    return ERR_OK;
}

static err_t take_kind(const struct dlasota_table *table, const struct dlasota_field *fields, enum dlasota_kind *kind,
                       struct err_text *why)
{
    struct dlasota_field type = column(table, fields, COL_STREAM_TYPE);
    if (type.size == 0)
        *kind = table->place[COL_TRADE_ID] != UINT8_MAX ? ROW_TRADE : ROW_DIFF;
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

static err_t take_level_ids(const struct dlasota_table *table, const struct dlasota_field *fields,
                            struct dlasota_row *row, struct err_text *why)
{
    bool diff = row->kind == ROW_DIFF;
    err_t err = take_number(table, fields, COL_FIRST_ID, diff, &row->first_id, why);
    if (err == ERR_OK)
        err = take_number(table, fields, COL_FINAL_ID, diff, &row->final_id, why);
    if (err == ERR_OK)
        err = take_number(table, fields, COL_PREVIOUS_ID, false, &row->previous_id, why);
    uint64_t last_id = 0;
    if (err == ERR_OK && !diff)
        err = take_number(table, fields, COL_LAST_ID, row->final_id == 0, &last_id, why);
    if (err == ERR_OK && last_id != 0)
        row->final_id = last_id;
    return err;
}

/* The part of a row that says to which message it belongs. */
static err_t take_key(const struct dlasota_table *table, const struct dlasota_field *fields, struct dlasota_row *row,
                      struct err_text *why)
{
    err_t err = take_kind(table, fields, &row->kind, why);
    if (err == ERR_OK)
        err = take_receive_time(table, fields, &row->ts, why);
    if (err == ERR_OK)
        err = take_word(table, fields, COL_SYMBOL, "_-", true, &row->symbol, why);
    if (err == ERR_OK)
        err = take_number(table, fields, COL_EVENT_TIME, row->kind != ROW_SNAPSHOT, &row->event_time, why);
    if (err == ERR_OK && row->kind != ROW_TRADE)
        err = take_level_ids(table, fields, row, why);
    return err;
}

static err_t take_values(const struct dlasota_table *table, const struct dlasota_field *fields,
                         struct dlasota_row *row, struct err_text *why)
{
    bool trade = row->kind == ROW_TRADE;
    row->market = column(table, fields, COL_MARKET);
    err_t err = take_number(table, fields, COL_TRANSACTION_TIME, false, &row->transaction_time, why);
    if (err == ERR_OK)
        err = take_flag(table, fields, trade ? COL_BUYER_IS_MAKER : COL_IS_ASK, &row->flag, why);
    if (err == ERR_OK)
        err = take_word(table, fields, COL_PRICE, ".+-", true, &row->price, why);
    if (err == ERR_OK)
        err = take_word(table, fields, COL_QUANTITY, ".+-", true, &row->qty, why);
    if (err == ERR_OK && trade)
        err = take_number(table, fields, COL_TRADE_ID, true, &row->trade_id, why);
    if (err == ERR_OK && trade)
        err = take_word(table, fields, COL_ORDER_TYPE, "_", false, &row->order_type, why);
    return err;
}

static const char *venue_of(struct dlasota_field market, bool chained)
{
    if (market.size == 0)
        return chained ? "binance-usdm" : NULL;
    if (field_is(market, "USD_M_FUTURES"))
        return "binance-usdm";
    if (field_is(market, "COIN_M_FUTURES"))
        return "binance-coinm";
    return field_is(market, "SPOT") ? "binance-spot" : NULL;
}

const char *dlasota_row_venue(const struct dlasota_table *table, const struct dlasota_row *row)
{
    return venue_of(row->market,
                    table->place[COL_PREVIOUS_ID] != UINT8_MAX || table->place[COL_ORDER_TYPE] != UINT8_MAX);
}

err_t dlasota_row_read(const struct dlasota_table *table, const char *line, size_t size, struct dlasota_row *row,
                       bool *key_known, struct err_text *why)
{
    struct dlasota_field fields[FIELDS_MAX];
    *row = (struct dlasota_row){0};
    *key_known = false;
    uint32_t count = split_fields(line, size, fields, FIELDS_MAX);
    if (count != table->column_count)
        return err_say(why, ERR_SYNTAX, "%s than the %u columns of its header (cut off?)",
                       count < table->column_count ? "fewer" : "more", table->column_count);
    err_t err = take_key(table, fields, row, why);
    if (err != ERR_OK)
        return err;
    *key_known = true;
    return take_values(table, fields, row, why);
}
