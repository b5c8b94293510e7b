#include "cli/import_pass.h"

#include "data/capture_reader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_FRAMES 2048 /* a millisecond or two of work */

static void troubled(struct import *import, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void troubled(struct import *import, const char *fmt, ...)
{
    if (import->trouble[0] != '\0')
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(import->trouble, sizeof(import->trouble), fmt, args);
    va_end(args);
}

/* ---- events ---- */

struct import_multiple import_multiple_of(int64_t divisor)
{
    ASSERT(divisor > 0);
    unsigned shift = (unsigned)__builtin_ctzll((uint64_t)divisor);
    uint64_t odd = (uint64_t)divisor >> shift;
    uint64_t inverse = odd; /* right in the lowest three bits; each step doubles how many are */
    for (int i = 0; i < 5; i++)
        inverse *= 2 - odd * inverse;
    return (struct import_multiple){inverse, UINT64_MAX / (uint64_t)divisor, shift};
}

/* Tick and lot were learnt from the beginning of the capture: they must hold for the rest. */
static bool on_grid(const struct import_lane *lane, const struct event *event)
{
    uint32_t count = event->bid_count + event->ask_count;
    for (uint32_t i = 0; i < count; i++)
        if (!import_is_multiple(&lane->tick, event->levels[i].price) ||
            !import_is_multiple(&lane->lot, event->levels[i].qty))
            return false;
    return true;
}

static err_t emit(void *context, const struct event *event)
{
    struct import *import = context;
    struct import_result *result = import->result;
    import->emitted++;
    ns_t latency = 0;
    if (event->exch_ts != 0) {
        latency = import->raw_ts - event->exch_ts;
        one_way_offset_add(&import->clock, import->raw_ts, event->exch_ts);
    }
    if (LIKELY(event->instrument < result->instrument_count)) {
        struct import_instrument *item = &result->instruments[event->instrument];
        const struct import_lane *lane = &import->lanes[event->instrument];
        if (lane->gridded && event_has_levels(event->kind) && UNLIKELY(!on_grid(lane, event)))
            troubled(import, "%s has a price or quantity off the tick or lot of the data before",
                     item->instrument.symbol);
        quality_apply(&item->quality, event, latency);
        if (event->kind == EVENT_BBO && import->options->no_bbo)
            return ERR_OK;
        item->messages++;
    }
    return import->writer != NULL ? tape_writer_add(import->writer, event) : ERR_OK;
}

static err_t discover(void *context, const char *symbol, size_t symbol_size, uint16_t *number,
                      const struct instrument **instrument)
{
    struct import *import = context;
    *number = INSTRUMENT_NONE;
    *instrument = NULL;
    uint32_t index = scale_find(&import->scan.scales, symbol, symbol_size);
    if (index == UINT32_MAX) {
        /* A symbol that no scan can keep is no reason to scan. */
        if (!import->scan.whole && symbol_size < SYMBOL_SIZE)
            troubled(import, "symbol %.*s appears after the part that was looked at", (int)symbol_size, symbol);
        return ERR_OK;
    }
    *number = import->numbers[index];
    if (*number != INSTRUMENT_NONE)
        *instrument = &import->result->instruments[*number].instrument;
    return ERR_OK;
}

/* ---- lines that are of no use ---- */

static bool contains(const struct capture_record *record, const char *symbol)
{
    char quoted[SYMBOL_SIZE + 3];
    int size = snprintf(quoted, sizeof(quoted), "\"%s\"", symbol);
    return record->text != NULL && memmem(record->text, record->size, quoted, (size_t)size) != NULL;
}

/* Whose line it was: its file's only symbol, or the one whose name stands in it. */
static struct import_instrument *owner_of(struct import *import, const struct capture_record *record)
{
    struct import_result *result = import->result;
    const struct import_scan_file *file = &import->scan.files[record->file];
    for (uint16_t i = 0; i < result->instrument_count; i++) {
        struct import_instrument *item = &result->instruments[i];
        if (file->sole[0] != '\0' ? strcmp(item->instrument.symbol, file->sole) == 0
                                  : contains(record, item->instrument.symbol))
            return item;
    }
    return NULL;
}

static void drop_line(struct import *import, const struct capture_record *record, const char *reason)
{
    struct import_result *result = import->result;
    uint32_t lines = record->line_count > 0 ? record->line_count : 1;
    result->dropped_lines += lines;
    result->files[record->file].dropped_lines += lines;
    struct import_instrument *owner = owner_of(import, record);
    if (owner != NULL)
        owner->dropped_lines += lines;
    if (result->drop_count == IMPORT_LISTED)
        return;
    struct import_drop *drop = &result->drops[result->drop_count++];
    *drop = (struct import_drop){.file = record->file, .line = record->line, .line_count = lines};
    char place[600];
    int size = snprintf(place, sizeof(place), "%s:%" PRIu64 ": ", result->files[record->file].path, record->line);
    if (strncmp(reason, place, (size_t)size) == 0)
        reason += size;
    snprintf(drop->reason, sizeof(drop->reason), "%s", reason);
}

static bool is_refused(const struct import *import, const struct capture_record *record)
{
    for (uint32_t i = 0; i < import->refused_count; i++)
        if (contains(record, import->refused[i]))
            return true;
    return false;
}

/* ---- one pass over the files ---- */

ns_t import_base_latency(const struct import *import)
{
    return import->options->base_latency > 0 ? import->options->base_latency : IMPORT_BASE_LATENCY_DEFAULT;
}

/* The stamp under which a record enters: corrected, and never below the one before. */
static ns_t take_stamp(struct import *import, ns_t raw)
{
    struct import_result *result = import->result;
    import->raw_ts = raw;
    if (raw < import->last_raw_ts) {
        result->local_backwards++;
        if (import->last_raw_ts - raw > result->local_backwards_longest)
            result->local_backwards_longest = import->last_raw_ts - raw;
    } else {
        import->last_raw_ts = raw;
    }
    ns_t ts = import->have_line ? clock_line_correct(&import->line, raw, import_base_latency(import)) : raw;
    if (ts < import->last_ts)
        ts = import->last_ts;
    import->last_ts = ts;
    return ts;
}

static err_t say_sink(struct import *import, err_t err)
{
    if (import->writer != NULL && tape_writer_why(import->writer)->code != ERR_OK)
        return err_say(import->why, err, "%s", tape_writer_why(import->writer)->text);
    return err_say(import->why, err, "%s: %s", import->options->files[import->file], err_words(err));
}

static err_t take_frame(struct import *import, const struct capture_record *record)
{
    struct import_result *result = import->result;
    struct frame frame;
    struct err_text reason;
    err_clear(&reason);
    import_frame_of(&import->scan.files[record->file], record, &frame);
    frame.ts = take_stamp(import, record->ts);
    uint64_t emitted = import->emitted;
    result->frames++;
    result->files[record->file].frames++;
    result->text_bytes += record->size;
    err_t err = import->market->ops->frame(import->market, &frame, &reason);
    switch (err) {
    case ERR_OK:
        if (UNLIKELY(import->refused_count > 0) && import->emitted == emitted && is_refused(import, record))
            drop_line(import, record, import->refused_why.text);
        return ERR_OK;
    case ERR_PRECISION:
        if (!import->scan.whole) {
            troubled(import, "%s:%" PRIu64 ": %.100s", result->files[record->file].path, record->line, reason.text);
            return ERR_OK;
        }
        drop_line(import, record, reason.text);
        return ERR_OK;
    case ERR_SYNTAX:
    case ERR_RANGE:
    case ERR_UNSUPPORTED:
        drop_line(import, record, reason.code != ERR_OK ? reason.text : err_words(err));
        return ERR_OK;
    default:
        return say_sink(import, err);
    }
}

static err_t take_reconnect(struct import *import, const struct capture_record *record)
{
    import->result->reconnects++;
    err_t err = import->market->ops->disconnected(import->market, take_stamp(import, record->ts));
    return err == ERR_OK ? ERR_OK : say_sink(import, err);
}

static err_t take_record(struct import *import, err_t err, const struct capture_record *record,
                         const struct err_text *reason)
{
    import->file = record->file;
    switch (err) {
    case ERR_OK:
        return record->kind == CAPTURE_RECONNECT ? take_reconnect(import, record) : take_frame(import, record);
    case ERR_SYNTAX:
    case ERR_RANGE:
        drop_line(import, record, reason->text);
        return ERR_OK;
    case ERR_TRUNCATED:
    case ERR_CORRUPT:
        if (import->result->damage.code == ERR_OK)
            import->result->damage = *reason;
        return ERR_OK;
    default:
        return err_say(import->why, err, "%s", reason->text);
    }
}

static err_t pass_loop(struct import *import)
{
    uint64_t count = 0;
    for (;;) {
        struct capture_record record;
        struct err_text reason;
        err_clear(&reason);
        err_t err = capture_reader_next(import->reader, &record, &reason);
        if (err == ERR_END)
            return ERR_OK;
        err = take_record(import, err, &record, &reason);
        if (err != ERR_OK)
            return err;
        if (UNLIKELY(import->trouble[0] != '\0'))
            return ERR_AGAIN;
        if (UNLIKELY(++count % PROGRESS_FRAMES == 0)) {
            uint64_t done, total;
            capture_reader_progress(import->reader, &done, &total);
            progress_update(&import->progress, done, total, count, import->last_ts);
            if (import->options->interrupted != NULL && *import->options->interrupted)
                return ERR_INTERRUPTED;
        }
    }
}

static err_t start_result(struct import *import)
{
    struct import_result *result = import->result;
    uint32_t count = import->options->file_count;
    if (result->files == NULL)
        result->files = calloc(count, sizeof(*result->files));
    if (result->files == NULL)
        return err_say(import->why, ERR_NOMEM, "no memory for %u files", count);
    result->file_count = count;
    for (uint32_t i = 0; i < count; i++)
        result->files[i] = (struct import_file){.path = import->options->files[i]};
    result->lines = result->frames = result->text_bytes = 0;
    result->dropped_lines = result->reconnects = result->local_backwards = 0;
    result->local_backwards_longest = 0;
    result->drop_count = 0;
    result->damage = (struct err_text){0};
    import->raw_ts = import->last_ts = import->last_raw_ts = INT64_MIN;
    import->emitted = 0;
    import->trouble[0] = '\0';
    one_way_offset_init(&import->clock, import->hull, import->hull == NULL ? 0 : CLOCK_HULL_DEFAULT);
    return ERR_OK;
}

static void gather_stats(struct import *import)
{
    struct import_result *result = import->result;
    const struct market_ops *ops = import->market->ops;
    for (uint16_t i = 0; i < result->instrument_count; i++) {
        const struct market_stats *stats = ops->stats(import->market, i);
        if (stats != NULL)
            result->instruments[i].stats = *stats;
    }
    const struct market_stats *none = ops->stats(import->market, INSTRUMENT_NONE);
    if (none != NULL)
        result->other_frames = none->diffs_seen + none->trades + none->bbos + none->snapshots + none->others;
    for (uint32_t i = 0; i < result->file_count; i++) {
        const struct capture_file_info *info = capture_reader_file(import->reader, i);
        result->files[i].form = capture_form_name(0);
        for (uint32_t f = 0; capture_form_name(f) != NULL; f++)
            if (strcmp(capture_form_name(f), info->form) == 0)
                result->files[i].form = capture_form_name(f);
        result->files[i].lines = info->lines;
        result->files[i].passed_over = info->passed_over;
        result->lines += info->lines;
    }
}

/* Read everything once through a fresh machine. ERR_AGAIN: the scan must be widened (`trouble` says why). */
err_t import_pass(struct import *import, const char *name)
{
    const struct import_options *options = import->options;
    const struct market_sink sink = {.context = import, .emit = emit, .discover = discover};
    err_t err = start_result(import);
    if (err == ERR_OK)
        err = import->scan.family->open(import->scan.venue, &sink, &import->market);
    if (err != ERR_OK)
        return err_say(import->why, err, "no memory for the market machine of %s", import->scan.venue);
    err = capture_reader_open(&import->reader, options->files, options->file_count, options->form, import->why);
    if (err == ERR_OK) {
        progress_begin(&import->progress, name, "frames", options->progress);
        err = pass_loop(import);
        progress_end(&import->progress);
        gather_stats(import);
        capture_reader_close(import->reader);
    }
    import->market->ops->close(import->market);
    import->market = NULL;
    import->reader = NULL;
    return err;
}
