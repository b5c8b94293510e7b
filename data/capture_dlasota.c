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
#include "data/dlasota_row.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_LOOKED_AT 512
#define MESSAGE_MAX     CAPTURE_LINE_MAX

struct text {
    char *bytes;
    size_t size;
    size_t capacity;
    bool failed; /* no memory, or longer than MESSAGE_MAX */
};

/* The message whose rows are being collected. */
struct group {
    struct dlasota_row key; /* its first row; the fields do not live that long */
    char symbol[DLASOTA_WORD_SIZE];
    ns_t ts;
    uint64_t line;
    uint32_t line_count;
    uint64_t event_time, transaction_time, last_id; /* the highest of its rows */
    uint64_t bad_line;                              /* 0: every row could be read */
    struct text sides[2];
};

struct state {
    struct dlasota_table table;
    bool has_header;
    bool spoil_next; /* a row of an unknown message was lost just now */
    uint64_t spoil_line;
    bool has_group;
    struct group group;
    bool ended;
    err_t end; /* what the lines ended with */
    struct err_text end_text;
    struct text out; /* the frame that is given */
    char out_symbol[DLASOTA_WORD_SIZE];
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

static void text_add_string(struct text *text, const char *key, struct dlasota_field value)
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

/* ---- messages ---- */

static bool same_message(const struct group *group, const struct dlasota_row *row)
{
    const struct dlasota_row *key = &group->key;
    if (row->kind != key->kind || row->symbol.size != strlen(group->symbol) ||
        memcmp(row->symbol.text, group->symbol, row->symbol.size) != 0)
        return false;
    return row->kind == ROW_SNAPSHOT || (row->event_time == key->event_time && row->first_id == key->first_id &&
                                         row->final_id == key->final_id && row->previous_id == key->previous_id);
}

static void group_begin(struct state *state, const struct dlasota_row *row, uint64_t line)
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
static void group_count(struct group *group, const struct dlasota_row *row)
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

static void group_add(struct group *group, const struct dlasota_row *row)
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
    text_add_string(out, "s", (struct dlasota_field){group->symbol, strlen(group->symbol)});
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

static void write_trade(struct text *out, const struct dlasota_row *row)
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

static err_t trade_begin(struct state *state, const struct dlasota_row *row, uint64_t line)
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
static err_t spoil(struct state *state, const struct dlasota_row *row, bool key_known, uint64_t line)
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
    struct dlasota_row row;
    uint64_t number = source->lines.line;
    bool key_known;
    if (dlasota_row_read(&state->table, line, size, &row, &key_known, why) != ERR_OK)
        return spoil(state, &row, key_known, number);
    if (source->info->venue == NULL)
        source->info->venue = dlasota_row_venue(&state->table, &row);
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
            spoil(state, &(struct dlasota_row){0}, false, source->lines.line);
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
            if (!dlasota_row_header(&state->table, line, size))
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
    struct dlasota_table table;
    for (int i = 0; i < LINES_LOOKED_AT && capture_head_line(&head, &size, &line, &line_size); i++) {
        if (line_size == 0 || line[0] == '#')
            continue;
        return dlasota_row_header(&table, line, line_size);
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
