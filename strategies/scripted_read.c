/* From the file to sorted rows, in one block of memory. */
#include "strategies/scripted_csv.h"
#include "strategies/scripted_state.h"

#include <stdio.h>
#include <string.h>

#define ID_CHARS_MAX  36
#define FILLS_PER_ROW 4
#define FILLS_SPARE   65536

/* What fits in the block, in this order. */
struct layout {
    size_t rows, submits, cancels, scratch, index, fills, text, total; /* offsets, and the size of all */
    uint32_t row_capacity, index_capacity, fill_capacity;
    size_t text_size;
};

/* ---- the block ---- */

static struct layout layout_of(const struct scripted *scripted)
{
    struct layout layout = {.row_capacity = script_rows_most(&scripted->orders), .index_capacity = 64};
    const uint64_t rows = layout.row_capacity;
    while (layout.index_capacity < 2 * rows)
        layout.index_capacity *= 2;
    const uint64_t fills =
        scripted->fills_max != 0 ? (uint64_t)scripted->fills_max : FILLS_PER_ROW * rows + FILLS_SPARE;
    layout.fill_capacity = fills < SCRIPT_NO_FILL ? (uint32_t)fills : SCRIPT_NO_FILL - 1;
    layout.text_size = SCRIPT_LINE_TEXT + (size_t)layout.fill_capacity * SCRIPT_FILL_TEXT;
    size_t at = align64(sizeof(struct scripted));
    layout.rows = at;
    at += align64(rows * sizeof(struct scripted_row));
    layout.submits = at;
    at += align64(rows * sizeof(uint32_t));
    layout.cancels = at;
    at += align64(rows * sizeof(uint32_t));
    layout.scratch = at;
    at += align64(rows * sizeof(uint32_t));
    layout.index = at;
    at += align64(layout.index_capacity * sizeof(uint32_t));
    layout.fills = at;
    at += align64((size_t)layout.fill_capacity * sizeof(struct script_fill));
    layout.text = at;
    layout.total = at + layout.text_size;
    return layout;
}

size_t scripted_size_of(const void *state)
{
    return layout_of(state).total;
}

static void place(struct scripted *scripted)
{
    const struct layout layout = layout_of(scripted);
    char *base = (char *)scripted;
    scripted->rows = (void *)(base + layout.rows);
    scripted->submits = (void *)(base + layout.submits);
    scripted->cancels = (void *)(base + layout.cancels);
    scripted->scratch = (void *)(base + layout.scratch);
    scripted->index = (void *)(base + layout.index);
    scripted->index_mask = layout.index_capacity - 1;
    scripted->fills = (void *)(base + layout.fills);
    scripted->fill_capacity = layout.fill_capacity;
    scripted->text = base + layout.text;
    scripted->text_size = layout.text_size;
}

const struct scripted_row *scripted_rows(const void *state, uint32_t *count)
{
    const struct scripted *scripted = state;
    *count = scripted->count;
    return scripted->rows;
}

/* ---- reading ---- */

static uint64_t hash_of(const char *text, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 32;
}

static err_t read_id(struct scripted *scripted, const struct script_reader *reader, struct scripted_row *row,
                     struct err_text *why)
{
    const struct script_field *field = &reader->fields[SCRIPT_ORDER_ID];
    uint32_t chars = 0;
    for (uint32_t i = 0; i < field->size; i++) {
        const uint8_t c = (uint8_t)field->text[i];
        chars += (c & 0xc0) != 0x80;
        if (c < ' ' || c == 0x7f || c == ',' || c == '"')
            return script_say(reader, SCRIPT_ORDER_ID, why, "expected no comma, quote or control character");
    }
    if (chars == 0 || chars > ID_CHARS_MAX || field->size > UINT8_MAX)
        return script_say(reader, SCRIPT_ORDER_ID, why, "expected 1 to %d characters", ID_CHARS_MAX);
    row->id = field->text;
    row->id_size = (uint8_t)field->size;
    uint32_t slot = (uint32_t)hash_of(row->id, row->id_size) & scripted->index_mask;
    for (; scripted->index[slot] != 0; slot = (slot + 1) & scripted->index_mask) {
        const struct scripted_row *other = &scripted->rows[scripted->index[slot] - 1];
        if (other->id_size == row->id_size && memcmp(other->id, row->id, row->id_size) == 0)
            return script_say(reader, SCRIPT_ORDER_ID, why, "expected each order once (the other is in line %u)",
                              other->line);
    }
    scripted->index[slot] = (uint32_t)(row - scripted->rows) + 1;
    return ERR_OK;
}

static err_t read_symbol(struct strategy_ctx *ctx, struct scripted *scripted, const struct script_reader *reader,
                         struct scripted_row *row, struct err_text *why)
{
    row->instrument = scripted->number;
    if (!script_has(reader, SCRIPT_SYMBOL))
        return ERR_OK;
    const struct script_field *field = &reader->fields[SCRIPT_SYMBOL];
    uint16_t *guess = &scripted->symbols[hash_of(field->text, field->size) % SCRIPT_SYMBOL_CACHE];
    const char *symbol = strategy_instrument(ctx, *guess)->symbol;
    if (strlen(symbol) != field->size || memcmp(symbol, field->text, field->size) != 0) {
        char name[SYMBOL_SIZE] = "";
        if (field->size < sizeof(name))
            memcpy(name, field->text, field->size);
        if (name[0] == '\0' || strategy_find_instrument(ctx, name, guess) != ERR_OK)
            return script_say(reader, SCRIPT_SYMBOL, why, "expected an instrument of this run, such as %s",
                              strategy_instrument(ctx, 0)->symbol);
    }
    row->instrument = *guess;
    return ERR_OK;
}

static err_t read_kind(const struct script_reader *reader, struct scripted_row *row, struct err_text *why)
{
    static const char *const sides[] = {"buy", "sell"}, *const types[] = {"limit", "market"},
                             *const tifs[] = {"gtc", "ioc", "fok", "gtx", ""},
                             *const flags[] = {"false", "true", "0", "1", ""};
    uint8_t tif, reduce = 0;
    err_t err = script_choice(reader, SCRIPT_SIDE, sides, 2, &row->side, why);
    if (err == ERR_OK)
        err = script_choice(reader, SCRIPT_TYPE, types, 2, &row->type, why);
    if (err == ERR_OK)
        err = script_choice(reader, SCRIPT_TIF, tifs, script_has(reader, SCRIPT_TIF) ? 4 : 5, &tif, why);
    if (err == ERR_OK && reader->fields[SCRIPT_REDUCE_ONLY].text != NULL)
        err = script_choice(reader, SCRIPT_REDUCE_ONLY, flags, script_has(reader, SCRIPT_REDUCE_ONLY) ? 4 : 5,
                            &reduce, why);
    if (err != ERR_OK)
        return err;
    if (row->type == ORDER_MARKET && tif == 3)
        return script_say(reader, SCRIPT_TIF, why, "expected ioc, fok or nothing for a market order");
    row->flags = (uint8_t)((tif == 3 ? ORDER_POST_ONLY : 0) | (reduce == 1 || reduce == 3 ? ORDER_REDUCE_ONLY : 0));
    row->tif = tif == 1 ? TIF_IOC : tif == 2 ? TIF_FOK : row->type == ORDER_MARKET ? TIF_IOC : TIF_GTC;
    return ERR_OK;
}

static err_t read_amounts(struct strategy_ctx *ctx, const struct script_reader *reader, struct scripted_row *row,
                          struct err_text *why)
{
    const struct instrument *instrument = strategy_instrument(ctx, row->instrument);
    char prices[SYMBOL_SIZE + 16], quantities[SYMBOL_SIZE + 24];
    snprintf(prices, sizeof(prices), "prices of %s", instrument->symbol);
    snprintf(quantities, sizeof(quantities), "quantities of %s", instrument->symbol);
    err_t err = ERR_OK;
    if (row->type == ORDER_LIMIT || script_has(reader, SCRIPT_PRICE))
        err = script_number(reader, SCRIPT_PRICE, instrument->price_decimals, prices, &row->price, why);
    if (err == ERR_OK && row->type == ORDER_MARKET && row->price != 0)
        return script_say(reader, SCRIPT_PRICE, why, "expected nothing for a market order");
    if (err == ERR_OK)
        err = script_number(reader, SCRIPT_QTY, instrument->qty_decimals, quantities, &row->qty, why);
    if (err == ERR_OK && row->qty <= 0)
        return script_say(reader, SCRIPT_QTY, why, "expected more than 0");
    if (err == ERR_OK && script_has(reader, SCRIPT_FILLED)) {
        row->real_told = 1;
        err = script_number(reader, SCRIPT_FILLED, instrument->qty_decimals, quantities, &row->real_filled, why);
        if (err == ERR_OK && (row->real_filled < 0 || row->real_filled > row->qty))
            return script_say(reader, SCRIPT_FILLED, why, "expected 0 up to the order's qty");
    }
    return err;
}

static err_t read_times(const struct scripted *scripted, const struct script_reader *reader, struct scripted_row *row,
                        struct err_text *why)
{
    err_t err = ERR_OK;
    if (!script_has(reader, SCRIPT_SUBMIT_TS))
        return script_say(reader, SCRIPT_SUBMIT_TS, why, "expected the moment of sending");
    if ((err = script_time(reader, SCRIPT_SUBMIT_TS, 0, &row->submit_ts, why)) != ERR_OK ||
        (err = script_time(reader, SCRIPT_CANCEL_TS, SCRIPT_NEVER, &row->cancel_ts, why)) != ERR_OK ||
        (err = script_time(reader, SCRIPT_FIRST_FILL_TS, 0, &row->real_first_ts, why)) != ERR_OK ||
        (err = script_time(reader, SCRIPT_DONE_TS, 0, &row->real_done_ts, why)) != ERR_OK)
        return err;
    if (row->cancel_ts < row->submit_ts)
        return script_say(reader, SCRIPT_CANCEL_TS, why, "expected a moment not before submit_ts, or nothing");
    if (row->real_first_ts != 0 && row->real_first_ts < row->submit_ts)
        return script_say(reader, SCRIPT_FIRST_FILL_TS, why, "expected a moment not before submit_ts, or nothing");
    if (row->real_first_ts != 0 && row->real_told && row->real_filled == 0)
        return script_say(reader, SCRIPT_FIRST_FILL_TS, why, "expected nothing: filled is 0");
    if (row->real_done_ts != 0 && row->real_done_ts < row->submit_ts)
        return script_say(reader, SCRIPT_DONE_TS, why, "expected a moment not before submit_ts, or nothing");
    row->cancel_told = row->cancel_ts != SCRIPT_NEVER;
    const ns_t ended = row->real_done_ts != 0 ? row->real_done_ts : row->real_first_ts;
    if (scripted->end_as_recorded && row->cancel_ts == SCRIPT_NEVER && ended != 0 &&
        ended <= NS_MAX - scripted->end_slack)
        row->cancel_ts = ended + scripted->end_slack;
    return ERR_OK;
}

static err_t read_rows(struct strategy_ctx *ctx, struct scripted *scripted, struct err_text *why)
{
    struct script_reader reader;
    err_t err = script_open(&reader, &scripted->orders, why);
    while (err == ERR_OK && (err = script_next(&reader, why)) == ERR_OK) {
        struct scripted_row *row = &scripted->rows[scripted->count];
        row->line = reader.line;
        if ((err = read_id(scripted, &reader, row, why)) == ERR_OK &&
            (err = read_symbol(ctx, scripted, &reader, row, why)) == ERR_OK &&
            (err = read_kind(&reader, row, why)) == ERR_OK &&
            (err = read_amounts(ctx, &reader, row, why)) == ERR_OK &&
            (err = read_times(scripted, &reader, row, why)) == ERR_OK)
            scripted->count++;
    }
    if (err == ERR_END && scripted->count == 0)
        return err_say(why, ERR_CONFIG, "%s:%u: no order below the header", scripted->orders.name, reader.line);
    return err == ERR_END ? ERR_OK : err;
}

/* ---- sorting: bottom-up merges of neighbours, stable; a file in order costs one look ---- */

typedef bool (*row_after)(const struct scripted_row *a, const struct scripted_row *b);

static bool submit_after(const struct scripted_row *a, const struct scripted_row *b)
{
    return a->submit_ts > b->submit_ts;
}

/* Of one moment those of older orders first. */
static bool cancel_after(const struct scripted_row *a, const struct scripted_row *b)
{
    if (a->cancel_ts != b->cancel_ts)
        return a->cancel_ts > b->cancel_ts;
    return a->submit_ts == a->cancel_ts && b->submit_ts != b->cancel_ts;
}

static void merge(const struct scripted *scripted, const uint32_t *from, uint32_t *to, uint32_t left, uint32_t middle,
                  uint32_t right, row_after after)
{
    uint32_t a = left, b = middle;
    for (uint32_t at = left; at < right; at++) {
        const bool second = a == middle || (b < right && after(&scripted->rows[from[a]], &scripted->rows[from[b]]));
        to[at] = second ? from[b++] : from[a++];
    }
}

static void sort(const struct scripted *scripted, uint32_t *list, uint32_t count, row_after after)
{
    uint32_t *from = list, *to = scripted->scratch;
    uint32_t i = 1;
    while (i < count && !after(&scripted->rows[list[i - 1]], &scripted->rows[list[i]]))
        i++;
    if (i >= count)
        return;
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t left = 0; left < count; left += 2 * width) {
            const uint64_t middle = left + width < count ? left + width : count;
            const uint64_t right = left + 2 * width < count ? left + 2 * width : count;
            merge(scripted, from, to, (uint32_t)left, (uint32_t)middle, (uint32_t)right, after);
        }
        uint32_t *other = from;
        from = to;
        to = other;
    }
    if (from != list)
        memcpy(list, from, count * sizeof(*list));
}

err_t scripted_read(struct strategy_ctx *ctx, struct scripted *scripted, struct err_text *why)
{
    place(scripted);
    err_t err = read_rows(ctx, scripted, why);
    if (err != ERR_OK)
        return err;
    for (uint32_t i = 0; i < scripted->count; i++) {
        scripted->submits[i] = i;
        if (scripted->rows[i].cancel_ts != SCRIPT_NEVER)
            scripted->cancels[scripted->cancel_count++] = i;
    }
    sort(scripted, scripted->submits, scripted->count, submit_after);
    sort(scripted, scripted->cancels, scripted->cancel_count, cancel_after);
    return ERR_OK;
}
