#include "cli/run_tail.h"

#include "cli/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct run_tail_entry *next(struct run_tail *tail, uint64_t inputs, ns_t ts)
{
    struct run_tail_entry *entry = &tail->at[tail->count++ % RUN_TAIL];
    entry->inputs = inputs;
    entry->ts = ts;
    return entry;
}

void run_tail_order(struct run_tail *tail, uint64_t inputs, ns_t ts, const struct order *order,
                    const struct execution *execution)
{
    struct run_tail_entry *entry = next(tail, inputs, ts);
    entry->kind = TAIL_ORDER;
    entry->instrument = order->instrument;
    entry->order = *order;
    entry->executed = execution != NULL;
    if (execution != NULL)
        entry->execution = *execution;
}

void run_tail_payment(struct run_tail *tail, uint64_t inputs, ns_t ts, uint16_t instrument,
                      const struct execution *execution)
{
    struct run_tail_entry *entry = next(tail, inputs, ts);
    entry->kind = TAIL_PAYMENT;
    entry->instrument = instrument;
    entry->execution = *execution;
}

void run_tail_log(struct run_tail *tail, uint64_t inputs, ns_t ts, enum log_level level, const char *text)
{
    struct run_tail_entry *entry = next(tail, inputs, ts);
    entry->kind = TAIL_LOG;
    entry->level = level;
    const size_t size = strnlen(text, sizeof(entry->text) - 1);
    memcpy(entry->text, text, size);
    entry->text[size] = '\0';
}

static const char *price_text(const struct instrument *instrument, px_t price, char text[DECIMAL_TEXT_SIZE])
{
    instrument_format_price(instrument, price, text);
    return text;
}

static const char *qty_text(const struct instrument *instrument, qty_t qty, char text[DECIMAL_TEXT_SIZE])
{
    instrument_format_qty(instrument, qty, text);
    return text;
}

static void put_fill(FILE *file, const struct instrument *instrument, const struct execution *execution)
{
    char qty[DECIMAL_TEXT_SIZE], price[DECIMAL_TEXT_SIZE], fee[DECIMAL_TEXT_SIZE];
    decimal_format(fee, execution->fee, execution->fee_decimals, 0);
    fprintf(file, " of %s at %s (%s), fee %s %.*s", qty_text(instrument, execution->qty, qty),
            price_text(instrument, execution->price, price), execution->maker != 0 ? "maker" : "taker", fee,
            (int)sizeof(execution->fee_currency), execution->fee_currency);
}

static void put_order(FILE *file, const struct instrument *instrument, const struct run_tail_entry *entry)
{
    char qty[DECIMAL_TEXT_SIZE], price[DECIMAL_TEXT_SIZE], filled[DECIMAL_TEXT_SIZE];
    const struct order *order = &entry->order;
    const struct execution *execution = &entry->execution;
    fprintf(file, "order %" PRIu64 " %s %s %s", order->id, instrument->symbol, side_name((enum side)order->side),
            qty_text(instrument, order->qty, qty));
    if (order->price != 0)
        fprintf(file, " at %s", price_text(instrument, order->price, price));
    fprintf(file, ": %s", entry->executed ? exec_kind_name((enum exec_kind)execution->kind) : "sent");
    if (entry->executed && execution->kind == EXEC_FILL)
        put_fill(file, instrument, execution);
    if (entry->executed && execution->reason != REASON_NONE)
        fprintf(file, " (%s)", reason_words((enum reason)execution->reason));
    fprintf(file, "; %s, %s filled\n", order_state_name((enum order_state)order->state),
            qty_text(instrument, order->filled, filled));
}

static void put_entry(FILE *file, const struct instrument *instruments, const struct run_tail_entry *entry)
{
    static const char *const levels[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    char time[VALUE_TEXT_SIZE];
    fprintf(file, "%" PRIu64 " %s ", entry->inputs, entry->ts != 0 ? value_time_text(entry->ts, time) : "start");
    if (entry->kind == TAIL_LOG) {
        fprintf(file, "log %s %s\n", (unsigned)entry->level < ARRAY_LEN(levels) ? levels[entry->level] : "?",
                entry->text);
    } else if (entry->kind == TAIL_ORDER) {
        put_order(file, &instruments[entry->instrument], entry);
    } else {
        const struct execution *execution = &entry->execution;
        char amount[DECIMAL_TEXT_SIZE];
        decimal_format(amount, -execution->fee, execution->fee_decimals, 0);
        fprintf(file, "payment %s: %s %.*s (%s)\n", instruments[entry->instrument].symbol, amount,
                (int)sizeof(execution->fee_currency), execution->fee_currency,
                reason_words((enum reason)execution->reason));
    }
}

static void put_touch(FILE *file, const struct instrument *instrument, const struct book *book)
{
    char qty[DECIMAL_TEXT_SIZE], price[DECIMAL_TEXT_SIZE];
    fprintf(file, "book %s", instrument->symbol);
    for (int side = SIDE_BUY; side <= SIDE_SELL; side++) {
        struct level best;
        if (book_best(book, (enum side)side, &best))
            fprintf(file, " %s %s at %s", side == SIDE_BUY ? "bid" : "ask", qty_text(instrument, best.qty, qty),
                    price_text(instrument, best.price, price));
        else
            fprintf(file, " no %s", side == SIDE_BUY ? "bid" : "ask");
    }
    fprintf(file, "%s%s\n", (book->flags & BOOK_STALE) != 0 ? ", stale" : "",
            (book->flags & BOOK_CROSSED) != 0 ? ", crossed" : "");
}

char *run_tail_text(const struct run_tail *tail, const struct engine *engine, const struct instrument *instruments,
                    uint16_t instrument_count)
{
    char *text = NULL, time[VALUE_TEXT_SIZE];
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL)
        return NULL;
    const uint64_t inputs = engine_counters(engine)->inputs;
    const uint64_t kept = tail->count < RUN_TAIL ? tail->count : RUN_TAIL;
    fprintf(file, "# inputs handled, time, what: the last %" PRIu64 " of %" PRIu64 "\n", kept, tail->count);
    for (uint64_t i = tail->count - kept; i < tail->count; i++)
        put_entry(file, instruments, &tail->at[i % RUN_TAIL]);
    fprintf(file, "# the books after %" PRIu64 " inputs%s%s\n", inputs, inputs != 0 ? ", " : "",
            inputs != 0 ? value_time_text(engine_now(engine), time) : "");
    for (uint16_t i = 0; i < instrument_count; i++)
        put_touch(file, &instruments[i], engine_book(engine, i));
    if (fclose(file) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
