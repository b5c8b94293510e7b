#include "cli/import_report.h"

#include "cli/json_out.h"
#include "cli/table.h"
#include "cli/values.h"

#include <inttypes.h>
#include <string.h>

/* ---- JSON ---- */

static json_t *best_json(const struct import_instrument *item, enum side side)
{
    struct level best;
    if (!book_best(&item->quality.book, side, &best))
        return json_null();
    json_t *object = json_object();
    json_set_price(object, "price", &item->instrument, best.price);
    json_set_qty(object, "qty", &item->instrument, best.qty);
    return object;
}

/* null when no event had a venue stamp. */
static void set_offset(json_t *object, const char *key, ns_t offset)
{
    if (offset == NS_MAX)
        json_set(object, key, json_null());
    else
        json_set_i64(object, key, offset);
}

static json_t *silences_json(const struct quality *quality)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < quality->silences && i < QUALITY_LISTED; i++) {
        json_t *silence = json_object();
        json_set_time(silence, "from", quality->listed[i].from);
        json_set_i64(silence, "length_ns", quality->listed[i].to - quality->listed[i].from);
        json_array_append_new(list, silence);
    }
    return list;
}

static json_t *kinds_json(const struct quality *quality)
{
    json_t *kinds = json_object();
    for (int kind = EVENT_NONE + 1; kind < EVENT_KIND_COUNT; kind++)
        if (quality->by_kind[kind] > 0)
            json_set_u64(kinds, event_kind_name(kind), quality->by_kind[kind]);
    return kinds;
}

static void set_units(json_t *object, const struct instrument *instrument)
{
    char text[DECIMAL_TEXT_SIZE];
    json_set_u64(object, "price_decimals", instrument->price_decimals);
    json_set_u64(object, "qty_decimals", instrument->qty_decimals);
    const struct tick_table *ticks = &instrument->tick_tables[instrument->tick_table_count - 1];
    if (ticks->band_count == 1) {
        decimal_format(text, ticks->bands[0].tick, instrument->price_decimals, 0);
        json_set_text(object, "tick", text);
    } else {
        json_set_text(object, "tick", "banded");
    }
    decimal_format(text, instrument->lot, instrument->qty_decimals, 0);
    json_set_text(object, "lot", text);
}

static json_t *instrument_json(const struct import_instrument *item)
{
    const struct quality *quality = &item->quality;
    const struct market_stats *stats = &item->stats;
    json_t *object = json_object();
    json_set_text(object, "instrument", item->instrument.symbol);
    json_set_text(object, "venue", item->instrument.venue);
    json_set_text(object, "contract", contract_kind_name(item->instrument.contract));
    json_set_text(object, "base", item->instrument.base);
    json_set_text(object, "quote", item->instrument.quote);
    set_units(object, &item->instrument);
    json_set_u64(object, "messages", item->messages);
    json_set(object, "messages_by_kind", kinds_json(quality));
    json_set_u64(object, "levels", quality->levels);
    json_set_u64(object, "trades", stats->trades);
    json_set_u64(object, "diffs_seen", stats->diffs_seen);
    json_set_u64(object, "diffs_applied", stats->diffs_applied);
    json_set_u64(object, "diffs_old", stats->diffs_old);
    json_set_u64(object, "diffs_waiting", stats->diffs_buffered);
    json_set_u64(object, "diffs_dropped", stats->diffs_dropped);
    json_set_u64(object, "snapshots", stats->snapshots);
    json_set_u64(object, "snapshots_old", stats->snapshots_old);
    json_set_u64(object, "gaps", quality->gaps);
    json_set_u64(object, "crossed", quality->crossed);
    json_set_u64(object, "bbo_compared", quality->bbo_compared);
    json_set_u64(object, "bbo_wrong", quality->bbo_wrong);
    json_set(object, "best_bid", best_json(item, SIDE_BUY));
    json_set(object, "best_ask", best_json(item, SIDE_SELL));
    json_set_u64(object, "book_deletes_absent", quality->book.stats.deletes_absent);
    json_set_u64(object, "book_levels_refused", quality->book.stats.refused);
    set_offset(object, "clock_offset_ns", quality->latency_min);
    json_set_u64(object, "stamps_backwards", stats->exch_ts_backwards);
    json_set_u64(object, "stamps_backwards_across", quality->backwards_across);
    json_set_u64(object, "duplicates", stats->duplicates);
    json_set_u64(object, "silences", quality->silences);
    json_set_i64(object, "silence_longest_ns", quality->silence_longest);
    json_set(object, "silences_listed", silences_json(quality));
    json_set_time(object, "first_ts", quality->first_ts);
    json_set_time(object, "last_ts", quality->last_ts);
    json_set_u64(object, "dropped_lines", item->dropped_lines);
    return object;
}

struct totals {
    uint64_t messages, levels, trades, diffs_seen, diffs_applied, gaps, crossed, bbo_compared, bbo_wrong, silences,
        duplicates;
};

static struct totals totals_of(const struct import_result *result)
{
    struct totals totals = {0};
    for (uint16_t i = 0; i < result->instrument_count; i++) {
        const struct import_instrument *item = &result->instruments[i];
        totals.messages += item->messages;
        totals.levels += item->quality.levels;
        totals.trades += item->stats.trades;
        totals.diffs_seen += item->stats.diffs_seen;
        totals.diffs_applied += item->stats.diffs_applied;
        totals.gaps += item->quality.gaps;
        totals.crossed += item->quality.crossed;
        totals.bbo_compared += item->quality.bbo_compared;
        totals.bbo_wrong += item->quality.bbo_wrong;
        totals.silences += item->quality.silences;
        totals.duplicates += item->stats.duplicates;
    }
    return totals;
}

static json_t *totals_json(const struct import_result *result)
{
    struct totals totals = totals_of(result);
    json_t *object = json_object();
    json_set_u64(object, "lines", result->lines);
    json_set_u64(object, "frames", result->frames);
    json_set_u64(object, "messages", totals.messages);
    json_set_u64(object, "levels", totals.levels);
    json_set_u64(object, "trades", totals.trades);
    json_set_u64(object, "diffs_seen", totals.diffs_seen);
    json_set_u64(object, "diffs_applied", totals.diffs_applied);
    json_set_u64(object, "gaps", totals.gaps);
    json_set_u64(object, "crossed", totals.crossed);
    json_set_u64(object, "bbo_compared", totals.bbo_compared);
    json_set_u64(object, "bbo_wrong", totals.bbo_wrong);
    json_set_u64(object, "duplicates", totals.duplicates);
    json_set_u64(object, "dropped_lines", result->dropped_lines);
    json_set_u64(object, "other_frames", result->other_frames);
    json_set_u64(object, "reconnects", result->reconnects);
    json_set_u64(object, "local_stamps_backwards", result->local_backwards);
    json_set_i64(object, "local_stamps_backwards_longest_ns", result->local_backwards_longest);
    return object;
}

static json_t *clock_json(const struct import_options *options, const struct import_result *result)
{
    static const char *const names[] = {"none", "constant", "drift"};
    json_t *object = json_object();
    set_offset(object, "offset_ns", result->clock_offset);
    json_set_text(object, "asked", names[options->clock]);
    json_set_bool(object, "corrected", result->clock_corrected);
    json_set_i64(object, "shift_first_ns", result->clock_shift_first);
    json_set_i64(object, "shift_last_ns", result->clock_shift_last);
    json_set_i64(object, "drift_ppb", result->clock_ppb);
    return object;
}

static json_t *files_json(const struct import_result *result)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < result->file_count; i++) {
        const struct import_file *file = &result->files[i];
        json_t *object = json_object();
        json_set_text(object, "path", file->path);
        json_set_text(object, "form", file->form);
        json_set_u64(object, "lines", file->lines);
        json_set_u64(object, "frames", file->frames);
        json_set_u64(object, "passed_over", file->passed_over);
        json_set_u64(object, "dropped_lines", file->dropped_lines);
        json_array_append_new(list, object);
    }
    return list;
}

/* Reasons may quote damaged text: what is not UTF-8 is shown as '?'. */
static void printable(const char *from, char *to, size_t size)
{
    size_t i = 0;
    for (; from[i] != '\0' && i + 1 < size; i++)
        to[i] = (unsigned char)from[i] >= 0x20 && (unsigned char)from[i] < 0x7f ? from[i] : '?';
    to[i] = '\0';
}

static json_t *drops_json(const struct import_result *result)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < result->drop_count; i++) {
        const struct import_drop *drop = &result->drops[i];
        char reason[sizeof(drop->reason)];
        printable(drop->reason, reason, sizeof(reason));
        json_t *object = json_object();
        json_set_text(object, "file", result->files[drop->file].path);
        json_set_u64(object, "line", drop->line);
        json_set_u64(object, "lines", drop->line_count);
        json_set_text(object, "reason", reason);
        json_array_append_new(list, object);
    }
    return list;
}

json_t *import_report_json(const struct import_options *options, const struct import_result *result)
{
    json_t *object = json_object();
    json_set_text(object, "tape", options->out);
    json_set_text(object, "venue", result->venue);
    json_t *instruments = json_array();
    for (uint16_t i = 0; i < result->instrument_count; i++)
        json_array_append_new(instruments, instrument_json(&result->instruments[i]));
    json_set(object, "instruments", instruments);
    json_set(object, "totals", totals_json(result));
    json_set(object, "clock", clock_json(options, result));
    json_set(object, "files", files_json(result));
    json_set(object, "dropped", drops_json(result));
    json_set_text(object, "damage", result->damage.code != ERR_OK ? result->damage.text : NULL);
    json_set_u64(object, "restarts", result->restarts);
    json_set_u64(object, "tape_bytes", result->tape.bytes);
    json_set_u64(object, "tape_blocks", result->tape.blocks);
    return object;
}

/* ---- for people ---- */

static const char *count_text(uint64_t count, char *text)
{
    return value_count_text(count, text);
}

static void cell_count(struct table *table, uint64_t count)
{
    char text[VALUE_TEXT_SIZE];
    table_cell(table, "%s", count_text(count, text));
}

static void cell_best(struct table *table, const struct import_instrument *item, enum side side)
{
    struct level best;
    char price[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE];
    if (!book_best(&item->quality.book, side, &best)) {
        table_cell(table, "-");
        return;
    }
    instrument_format_price(&item->instrument, best.price, price);
    instrument_format_qty(&item->instrument, best.qty, qty);
    table_cell(table, "%s@%s", price, qty);
}

static void print_books(const struct import_result *result)
{
    struct table *table = table_new("lrrrrrrrr", "instrument", "messages", "levels", "trades", "diffs applied",
                                    "seen", "gaps", "final bid", "final ask");
    for (uint16_t i = 0; i < result->instrument_count; i++) {
        const struct import_instrument *item = &result->instruments[i];
        table_cell(table, "%s", item->instrument.symbol);
        cell_count(table, item->messages);
        cell_count(table, item->quality.levels);
        cell_count(table, item->stats.trades);
        cell_count(table, item->stats.diffs_applied);
        cell_count(table, item->stats.diffs_seen);
        cell_count(table, item->quality.gaps);
        cell_best(table, item, SIDE_BUY);
        cell_best(table, item, SIDE_SELL);
    }
    table_print(table, stdout);
}

static void print_quality(const struct import_result *result)
{
    struct table *table = table_new("lrrrrrrrrr", "data quality", "crossed", "ticker compared", "wrong",
                                    "late stamps", "across", "duplicates", "silences", "longest", "dropped");
    for (uint16_t i = 0; i < result->instrument_count; i++) {
        const struct import_instrument *item = &result->instruments[i];
        const struct quality *quality = &item->quality;
        table_cell(table, "%s", item->instrument.symbol);
        cell_count(table, quality->crossed);
        cell_count(table, quality->bbo_compared);
        cell_count(table, quality->bbo_wrong);
        cell_count(table, item->stats.exch_ts_backwards);
        cell_count(table, quality->backwards_across);
        cell_count(table, item->stats.duplicates);
        cell_count(table, quality->silences);
        table_cell(table, "%.3f s", (double)quality->silence_longest / 1e9);
        cell_count(table, item->dropped_lines);
    }
    table_print(table, stdout);
}

static void print_clock(const struct import_result *result)
{
    if (result->clock_offset == NS_MAX) {
        printf("clock: no message carries a stamp of the venue\n");
        return;
    }
    printf("clock: least (local - venue) %.6f s", (double)result->clock_offset / 1e9);
    if (result->clock_words[0] != '\0')
        printf("; %s\n", result->clock_words);
    else if (result->clock_offset < 0)
        printf(": the local clock ran behind the venue's; not corrected (--clock-offset constant or drift does)\n");
    else
        printf(": consistent with a clock in step\n");
}

static void print_drops(const struct import_result *result)
{
    char text[VALUE_TEXT_SIZE];
    if (result->dropped_lines == 0)
        return;
    printf("dropped lines: %s\n", count_text(result->dropped_lines, text));
    for (uint32_t i = 0; i < result->drop_count; i++) {
        const struct import_drop *drop = &result->drops[i];
        char reason[sizeof(drop->reason)];
        printable(drop->reason, reason, sizeof(reason));
        printf("  %s:%" PRIu64 ": %s\n", result->files[drop->file].path, drop->line, reason);
    }
    if (result->drop_count == IMPORT_LISTED)
        printf("  ... (the first %u are listed)\n", IMPORT_LISTED);
}

/* What a reader of the summary should not overlook. */
static void print_remarks(const struct import_result *result)
{
    char text[VALUE_TEXT_SIZE], more[VALUE_TEXT_SIZE];
    if (result->restarts > 0)
        printf("begun again: %s\n", result->restart_reason);
    if (result->local_backwards > 0)
        printf("local stamps went back %s times (at most %s); the frames took the stamp before\n",
               count_text(result->local_backwards, text), value_duration_text(result->local_backwards_longest, more));
    if (result->reconnects > 0)
        printf("reconnected %s times: books wait for a snapshot each time\n", count_text(result->reconnects, text));
    if (result->other_frames > 0)
        printf("not imported: %s frames of symbols that were not asked for, or of none\n",
               count_text(result->other_frames, text));
    for (uint16_t i = 0; i < result->instrument_count; i++) {
        const struct import_instrument *item = &result->instruments[i];
        if (item->stats.diffs_buffered > 0)
            printf("%s: %s diffs wait for a snapshot that never came and are not on the tape\n",
                   item->instrument.symbol, count_text(item->stats.diffs_buffered, text));
        if (item->stats.diffs_dropped > 0)
            printf("%s: %s diffs were given up while waiting for a snapshot\n", item->instrument.symbol,
                   count_text(item->stats.diffs_dropped, text));
        if (item->quality.book.stats.refused > 0)
            printf("%s: %s levels did not fit into the book that checks the data (the tape has them)\n",
                   item->instrument.symbol, count_text(item->quality.book.stats.refused, text));
    }
}

void import_report_print(const struct import_options *options, const struct import_result *result,
                         uint64_t elapsed_ns)
{
    char frames[VALUE_TEXT_SIZE], lines[VALUE_TEXT_SIZE], bytes[VALUE_TEXT_SIZE];
    printf("%s: %s frames of %s lines in %u %s", result->venue, count_text(result->frames, frames),
           count_text(result->lines, lines), result->file_count, result->file_count == 1 ? "file" : "files");
    if (elapsed_ns > 0)
        printf(" (%.1f s, %.0f MB/s)", (double)elapsed_ns / 1e9,
               (double)result->text_bytes * 1e3 / (double)elapsed_ns);
    printf("\n\n");
    print_books(result);
    printf("\n");
    print_quality(result);
    printf("\n");
    print_clock(result);
    print_remarks(result);
    print_drops(result);
    if (options->out != NULL) {
        uint64_t levels = result->tape.levels;
        printf("tape: %s, %s in %s blocks", options->out, value_size_text(result->tape.bytes, bytes),
               count_text(result->tape.blocks, frames));
        if (levels > 0)
            printf(", %.2f bytes a level", (double)result->tape.bytes / (double)levels);
        printf("\n");
    }
}
