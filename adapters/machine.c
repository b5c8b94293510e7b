#include "adapters/machine.h"

#include <stdlib.h>
#include <string.h>

#define LEVELS_FIRST 4096
#define TEXT_FIRST   (64u << 10)

err_t machine_init(struct machine *machine, const struct market_ops *ops, const struct market_sink *sink)
{
    machine->market.ops = ops;
    machine->sink = *sink;
    machine->levels = malloc(LEVELS_FIRST * sizeof(*machine->levels));
    machine->level_capacity = LEVELS_FIRST;
    if (machine->levels == NULL)
        return ERR_NOMEM;
    return json_open(TEXT_FIRST, &machine->json);
}

void machine_deinit(struct machine *machine)
{
    for (uint32_t i = 0; i < machine->symbol_count; i++) {
        sync_book_deinit(&machine->symbols[i]->sync);
        free(machine->symbols[i]);
    }
    free(machine->symbols);
    free(machine->slots);
    free(machine->levels);
    free(machine->items);
    json_close(machine->json);
}

err_t machine_begin(struct machine *machine, const struct frame *frame, struct err_text *why)
{
    if (UNLIKELY(frame->size == 0))
        return err_say(why, ERR_SYNTAX, "the frame is empty");
    if (UNLIKELY(frame->size > FRAME_SIZE_MAX))
        return err_say(why, ERR_RANGE, "the frame has %zu bytes; at most %u are taken", frame->size, FRAME_SIZE_MAX);
    /* Bids and asks are parsed one after the other into the same memory: one level more for each array. */
    size_t levels = wire_levels_max(frame->size) + 2;
    if (UNLIKELY(levels > machine->level_capacity)) {
        size_t capacity = machine->level_capacity;
        while (capacity < levels)
            capacity *= 2;
        struct level *grown = realloc(machine->levels, capacity * sizeof(*grown));
        if (grown == NULL)
            return ERR_NOMEM;
        machine->levels = grown;
        machine->level_capacity = capacity;
    }
    machine->checking = false;
    return ERR_OK;
}

err_t machine_items(struct machine *machine, const char *text, size_t size, size_t *count, struct err_text *why)
{
    size_t most = size / 2 + 1; /* "1," */
    if (most > MACHINE_ITEMS_MAX)
        most = MACHINE_ITEMS_MAX;
    if (most > machine->item_capacity) {
        struct json_value *grown = realloc(machine->items, most * sizeof(*grown));
        if (grown == NULL)
            return ERR_NOMEM;
        machine->items = grown;
        machine->item_capacity = most;
    }
    err_t err = json_items(machine->json, text, size, machine->items, machine->item_capacity, count, why);
    return err == ERR_FULL ? ERR_RANGE : err;
}

/* --- symbols --- */

static uint32_t hash_text(const char *text, size_t size)
{
    uint32_t hash = 2166136261u; /* FNV-1a: the order of the table is never visible */
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash ^ hash >> 15;
}

static uint32_t slot_of(const struct machine *machine, const char *text, size_t size)
{
    uint32_t mask = machine->symbol_capacity * 2 - 1;
    for (uint32_t slot = hash_text(text, size) & mask;; slot = (slot + 1) & mask) {
        uint32_t index = machine->slots[slot];
        if (index == 0)
            return slot;
        const struct market_symbol *symbol = machine->symbols[index - 1];
        if (symbol->size == size && memcmp(symbol->text, text, size) == 0)
            return slot;
    }
}

static err_t symbols_grow(struct machine *machine)
{
    uint32_t capacity = machine->symbol_capacity == 0 ? 16 : machine->symbol_capacity * 2;
    struct market_symbol **symbols = realloc(machine->symbols, capacity * sizeof(struct market_symbol *));
    if (symbols == NULL)
        return ERR_NOMEM;
    machine->symbols = symbols;
    uint32_t *slots = calloc((size_t)capacity * 2, sizeof(*slots));
    if (slots == NULL)
        return ERR_NOMEM;
    free(machine->slots);
    machine->slots = slots;
    machine->symbol_capacity = capacity;
    for (uint32_t i = 0; i < machine->symbol_count; i++)
        machine->slots[slot_of(machine, symbols[i]->text, symbols[i]->size)] = i + 1;
    return ERR_OK;
}

/* Names must be printable and free of spaces: they become columns, keys and file names later. */
static err_t check_text(const char *text, size_t size, struct err_text *why)
{
    if (size == 0)
        return err_say(why, ERR_SYNTAX, "the symbol is empty");
    if (size >= SYMBOL_SIZE)
        return err_say(why, ERR_RANGE, "the symbol has %zu bytes, at most %d are taken", size, SYMBOL_SIZE - 1);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7F || text[i] == '\\')
            return err_say(why, ERR_SYNTAX, "the symbol holds a space, a backslash or a control character");
    return ERR_OK;
}

static err_t add_symbol(struct machine *machine, const char *text, size_t size, struct market_symbol **out,
                        struct err_text *why)
{
    err_t err = check_text(text, size, why);
    if (err != ERR_OK)
        return err;
    if (machine->symbol_count == machine->symbol_capacity && (err = symbols_grow(machine)) != ERR_OK)
        return err;
    struct market_symbol *symbol = calloc(1, sizeof(*symbol));
    if (symbol == NULL)
        return ERR_NOMEM;
    memcpy(symbol->text, text, size);
    symbol->size = (uint8_t)size;
    const struct instrument *instrument = NULL;
    err = machine->sink.discover(machine->sink.context, symbol->text, size, &symbol->number, &instrument);
    if (err != ERR_OK) {
        free(symbol);
        return err;
    }
    symbol->ignored = symbol->number == INSTRUMENT_NONE;
    symbol->stats = symbol->ignored ? &machine->rest : &symbol->own_stats;
    if (!symbol->ignored) {
        ASSERT(instrument != NULL && instrument->price_decimals <= DECIMALS_MAX &&
               instrument->qty_decimals <= DECIMALS_MAX);
        symbol->price_decimals = instrument->price_decimals;
        symbol->qty_decimals = instrument->qty_decimals;
    }
    sync_book_init(&symbol->sync, symbol->number, &machine->sink, symbol->stats);
    machine->slots[slot_of(machine, text, size)] = machine->symbol_count + 1;
    machine->symbols[machine->symbol_count++] = symbol;
    *out = symbol;
    return ERR_OK;
}

err_t machine_symbol(struct machine *machine, const char *text, size_t size, struct market_symbol **symbol,
                     struct err_text *why)
{
    if (machine->symbol_count > 0) {
        uint32_t index = machine->slots[slot_of(machine, text, size)];
        if (index != 0) {
            *symbol = machine->last = machine->symbols[index - 1];
            return ERR_OK;
        }
    }
    return add_symbol(machine, text, size, symbol, why);
}

err_t machine_symbol_text(const struct json_value *value, const char *field, char *text, size_t *size,
                          struct err_text *why)
{
    if (value->kind != JSON_STRING)
        return err_say(why, ERR_SYNTAX, "\"%s\": expected a symbol, found %s", field,
                       value->kind == JSON_ABSENT ? "nothing" : "another type");
    err_t err = json_copy_string(value, text, SYMBOL_SIZE, size);
    if (err == ERR_RANGE)
        return err_say(why, err, "\"%s\": a symbol of %u bytes; at most %d are taken", field, value->size,
                       SYMBOL_SIZE - 1);
    if (err != ERR_OK)
        return err_say(why, err, "\"%s\": a bad escape in a symbol", field);
    return check_text(text, *size, why);
}

err_t machine_symbol_of(struct machine *machine, const struct json_value *value, const char *field,
                        struct market_symbol **symbol, struct err_text *why)
{
    /* No symbol holds a backslash, so a text that does is never taken for one that is known. */
    const struct market_symbol *last = machine->last;
    if (LIKELY(value->kind == JSON_STRING && last != NULL && last->size == value->size &&
               memcmp(last->text, value->text, value->size) == 0)) {
        *symbol = machine->last;
        return ERR_OK;
    }
    if (value->kind == JSON_STRING && memchr(value->text, '\\', value->size) == NULL)
        return machine_symbol(machine, value->text, value->size, symbol, why);
    char text[SYMBOL_SIZE];
    size_t size;
    err_t err = machine_symbol_text(value, field, text, &size, why);
    return err != ERR_OK ? err : machine_symbol(machine, text, size, symbol, why);
}

/* --- counting --- */

const struct market_stats *machine_stats(const struct machine *machine, uint16_t number)
{
    if (number == INSTRUMENT_NONE)
        return &machine->rest;
    for (uint32_t i = 0; i < machine->symbol_count; i++)
        if (!machine->symbols[i]->ignored && machine->symbols[i]->number == number)
            return &machine->symbols[i]->own_stats;
    return NULL;
}

bool machine_stamp(struct market_symbol *symbol, enum market_stream stream, ns_t exch_ts)
{
    if (exch_ts == 0)
        return false;
    if (UNLIKELY(exch_ts < symbol->stream_ts[stream])) {
        symbol->stats->exch_ts_backwards++;
        if (symbol->stream_ts[stream] - exch_ts <= MACHINE_STEP_BACK_NS)
            return true;
    }
    symbol->stream_ts[stream] = exch_ts;
    return false;
}

err_t machine_lost_one(struct market_symbol *symbol, ns_t ts, const char *reason)
{
    /* One GAP a book: a symbol follows either diffs or whole books. */
    if (symbol->has_book && symbol->sync.state == SYNC_WAITING)
        symbol->sync.state = SYNC_LIVE;
    symbol->has_book = false;
    return sync_book_lost(&symbol->sync, ts, reason);
}

err_t machine_lost(struct machine *machine, ns_t ts, const char *reason)
{
    for (uint32_t i = 0; i < machine->symbol_count; i++) {
        if (machine->symbols[i]->ignored)
            continue;
        err_t err = machine_lost_one(machine->symbols[i], ts, reason);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}
