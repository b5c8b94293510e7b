/* How: events go from readers to a writer one by one. The cut keeps every book up to its beginning, so that the
 * result starts with whole books; the merge takes runs: as long as one tape is ahead of all others nothing is
 * compared but one stamp. */
#include "data/tape_edit.h"

#include "core/book.h"
#include "data/tape_header.h"
#include "data/tape_reader.h"
#include "data/tape_result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUT_BOOK_WINDOW BOOK_WINDOW_MIN
#define CUT_BOOK_FAR    65536

static bool go_on(const struct tape_edit_options *options, uint64_t done, uint64_t total, uint64_t levels, ns_t ts)
{
    return options->progress == NULL || options->progress(options->context, done, total, levels, ts);
}

static err_t add(struct tape_writer *writer, const struct event *event, struct err_text *why)
{
    err_t err = tape_writer_add(writer, event);
    return err == ERR_OK ? ERR_OK : err_say(why, err, "%s", tape_writer_why(writer)->text);
}

static err_t open_writer(struct tape_writer **writer, const char *path, const struct instrument *instruments,
                         uint16_t count, const char *source, const struct tape_edit_options *options,
                         struct err_text *why)
{
    struct tape_writer_options writing = {.block_levels = options->block_levels,
                                          .zstd_level = options->zstd_level,
                                          .source = source,
                                          .created_by = options->created_by};
    return tape_writer_open(writer, path, instruments, count, &writing, why);
}

/* Close or abandon the writer, then keep or remove the file. */
static err_t finish(struct tape_writer *writer, struct tape_result *result, struct tape_writer_stats *stats,
                    err_t err, struct err_text *why)
{
    if (err == ERR_OK)
        err = tape_writer_close(writer, stats, why);
    else
        tape_writer_abandon(writer);
    return tape_result_end(result, err, why);
}

/* ---- cut ---- */

struct cut_book {
    void *memory; /* NULL: the instrument had no book message yet */
    struct book book;
    ns_t exch_ts;
};

struct cut {
    const struct tape_span *span;
    const struct tape_edit_options *options;
    const struct tape_info *info;
    struct tape_writer *writer;
    struct cut_book *books;
    bool opened;
    uint64_t levels;
    struct err_text *why;
};

static err_t no_memory(struct err_text *why)
{
    return err_say(why, ERR_NOMEM, "out of memory");
}

static err_t keep_book(struct cut *cut, const struct event *event)
{
    bool is_book = event->kind == EVENT_BOOK_SNAPSHOT || event->kind == EVENT_BOOK_DELTA || event->kind == EVENT_GAP;
    if (event->kind == EVENT_GAP && event->instrument == INSTRUMENT_NONE) { /* of the whole source */
        for (uint16_t i = 0; i < cut->info->instrument_count; i++) {
            if (cut->books[i].memory != NULL)
                book_apply(&cut->books[i].book, event);
        }
        return ERR_OK;
    }
    if (!is_book || event->instrument >= cut->info->instrument_count)
        return ERR_OK;
    struct cut_book *kept = &cut->books[event->instrument];
    if (kept->memory == NULL) {
        size_t size = book_size(CUT_BOOK_WINDOW, CUT_BOOK_FAR);
        if ((kept->memory = aligned_alloc(64, (size + 63) / 64 * 64)) == NULL)
            return no_memory(cut->why);
        memset(kept->memory, 0, size);
        book_init(&kept->book, kept->memory, CUT_BOOK_WINDOW, CUT_BOOK_FAR,
                  &cut->info->instruments[event->instrument]);
    }
    book_apply(&kept->book, event);
    if (event->kind != EVENT_GAP)
        kept->exch_ts = event->exch_ts;
    return ERR_OK;
}

static err_t write_snapshot(struct cut *cut, uint16_t number)
{
    const struct cut_book *kept = &cut->books[number];
    const struct book *book = &kept->book;
    uint32_t bids = book_level_count(book, SIDE_BUY), asks = book_level_count(book, SIDE_SELL);
    struct level *levels = malloc(((size_t)bids + asks + 1) * sizeof(*levels));
    if (levels == NULL)
        return no_memory(cut->why);
    struct event event = {.ts = cut->span->from,
                          .exch_ts = kept->exch_ts,
                          .seq = book->seq,
                          .levels = levels,
                          .bid_count = book_top(book, SIDE_BUY, levels, bids),
                          .instrument = number,
                          .kind = EVENT_BOOK_SNAPSHOT,
                          .flags = (book->flags & BOOK_PARTIAL) != 0 ? EVENT_PARTIAL : 0};
    event.ask_count = book_top(book, SIDE_SELL, levels + event.bid_count, asks);
    err_t err = add(cut->writer, &event, cut->why);
    free(levels);
    return err;
}

/* Snapshots of every book that is whole at `from`, in the order of the instruments. */
static err_t open_cut(struct cut *cut)
{
    cut->opened = true;
    for (uint16_t i = 0; i < cut->info->instrument_count; i++) {
        if (cut->books[i].memory == NULL || (cut->books[i].book.flags & BOOK_STALE) != 0)
            continue;
        err_t err = write_snapshot(cut, i);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* ERR_END: the span is over. */
static err_t cut_event(struct cut *cut, const struct event *event)
{
    err_t err;
    if (event->ts < cut->span->from)
        return cut->span->without_opening ? ERR_OK : keep_book(cut, event);
    if (event->ts >= cut->span->to)
        return ERR_END;
    if (!cut->opened && (err = open_cut(cut)) != ERR_OK)
        return err;
    return add(cut->writer, event, cut->why);
}

static err_t cut_blocks(struct cut *cut, struct tape_reader *reader)
{
    struct tape_block block;
    err_t err;
    uint64_t span = (uint64_t)(cut->info->last_ts - cut->info->first_ts) + 1;
    while ((err = tape_reader_next(reader, &block, cut->why)) == ERR_OK) {
        for (uint32_t i = 0; i < block.event_count && err == ERR_OK; i++)
            err = cut_event(cut, &block.events[i]);
        ns_t ts = block.events[block.event_count - 1].ts;
        cut->levels += block.level_count;
        tape_reader_release(reader, block.buffer);
        if (err == ERR_OK && !go_on(cut->options, (uint64_t)(ts - cut->info->first_ts), span, cut->levels, ts))
            err = err_say(cut->why, ERR_INTERRUPTED, "interrupted; nothing was written");
        if (err != ERR_OK)
            break;
    }
    return err == ERR_END ? ERR_OK : err;
}

err_t tape_cut(const char *path, const char *out, const struct tape_span *span,
               const struct tape_edit_options *options, struct tape_writer_stats *stats, struct err_text *why)
{
    struct tape_reader *reader = NULL;
    struct tape_result result;
    err_t err = tape_reader_open(&reader, path, NULL, why);
    if (err != ERR_OK)
        return err;
    struct cut cut = {.span = span, .options = options, .info = tape_reader_info(reader), .why = why};
    if (cut.info->messages > 0 && (span->to <= cut.info->first_ts || span->from > cut.info->last_ts))
        err = err_say(why, ERR_RANGE, "%s: the tape has nothing in this span of time", path);
    if (err == ERR_OK && (cut.books = calloc(cut.info->instrument_count + 1u, sizeof(*cut.books))) == NULL)
        err = no_memory(why);
    if (err == ERR_OK && span->without_opening && (err = tape_reader_seek_ts(reader, span->from, why)) == ERR_END)
        err = ERR_OK;
    if (err == ERR_OK && (err = tape_result_begin(&result, out, options->replace, why)) == ERR_OK) {
        err = open_writer(&cut.writer, result.temporary, cut.info->instruments, cut.info->instrument_count,
                          cut.info->source, options, why);
        if (err == ERR_OK)
            err = cut_blocks(&cut, reader);
        if (err == ERR_OK && !cut.opened && !span->without_opening)
            err = open_cut(&cut); /* nothing happened in the span, but the books stood */
        err = finish(cut.writer, &result, stats, err, why);
    }
    for (uint16_t i = 0; cut.books != NULL && i < cut.info->instrument_count; i++)
        free(cut.books[i].memory);
    free(cut.books);
    tape_reader_close(reader);
    return err;
}

/* ---- merge ---- */

struct source {
    const char *path;
    struct tape_reader *reader;
    struct tape_block block;
    uint32_t at; /* next event of the block */
    bool ended;
};

struct merge {
    struct source *sources;
    uint32_t count;
    struct instrument *instruments;
    uint32_t instrument_count;
    const struct tape_edit_options *options;
    struct tape_writer *writer;
    uint64_t done, total, levels; /* done, total: messages */
    struct err_text *why;
};

/* Two definitions are alike when they are written alike. */
static bool same_definition(const struct instrument *a, const struct instrument *b)
{
    struct packed packed_a = {0}, packed_b = {0};
    tape_header_pack(&packed_a, a, 1, NULL, NULL, NULL);
    tape_header_pack(&packed_b, b, 1, NULL, NULL, NULL);
    bool same = !packed_a.failed && !packed_b.failed && packed_a.size == packed_b.size &&
                memcmp(packed_a.bytes, packed_b.bytes, packed_a.size) == 0;
    packed_free(&packed_a);
    packed_free(&packed_b);
    return same;
}

static err_t place_instrument(struct merge *merge, const struct source *source, const struct instrument *instrument,
                              uint16_t *number)
{
    for (uint32_t i = 0; i < merge->instrument_count; i++) {
        const struct instrument *known = &merge->instruments[i];
        if (strcmp(known->venue, instrument->venue) != 0 || strcmp(known->symbol, instrument->symbol) != 0)
            continue;
        if (!same_definition(known, instrument))
            return err_say(
                merge->why, ERR_UNSUPPORTED,
                "%s: %s %s is defined otherwise than in the tapes before it (decimals, ticks, lots or fees); "
                "'tapedeck tape info' shows both",
                source->path, instrument->venue, instrument->symbol);
        *number = (uint16_t)i;
        return ERR_OK;
    }
    if (merge->instrument_count == INSTRUMENTS_MAX)
        return err_say(merge->why, ERR_FULL, "%s: more than %d instruments in one tape", source->path,
                       INSTRUMENTS_MAX);
    struct instrument *grown =
        realloc(merge->instruments, (merge->instrument_count + 1u) * sizeof(*merge->instruments));
    if (grown == NULL)
        return no_memory(merge->why);
    merge->instruments = grown;
    merge->instruments[merge->instrument_count] = *instrument;
    *number = (uint16_t)merge->instrument_count++;
    return ERR_OK;
}

static err_t open_source(struct merge *merge, struct source *source, uint16_t lane)
{
    err_t err = tape_reader_open(&source->reader, source->path, NULL, merge->why);
    if (err != ERR_OK)
        return err;
    const struct tape_info *info = tape_reader_info(source->reader);
    uint16_t *map = malloc((info->instrument_count + 1u) * sizeof(*map));
    if (map == NULL)
        return no_memory(merge->why);
    for (uint16_t i = 0; i < info->instrument_count && err == ERR_OK; i++)
        err = place_instrument(merge, source, &info->instruments[i], &map[i]);
    if (err == ERR_OK && tape_reader_map(source->reader, map, lane) != ERR_OK)
        err = no_memory(merge->why);
    merge->total += info->messages;
    free(map);
    return err;
}

/* The next event of a source; loads the next block when the current one is used up. */
static err_t load(struct merge *merge, struct source *source)
{
    if (source->at < source->block.event_count || source->ended)
        return ERR_OK;
    if (source->block.event_count != 0)
        tape_reader_release(source->reader, source->block.buffer);
    memset(&source->block, 0, sizeof(source->block));
    source->at = 0;
    err_t err = tape_reader_next(source->reader, &source->block, merge->why);
    if (err == ERR_END) {
        source->ended = true;
        return ERR_OK;
    }
    if (err != ERR_OK)
        return err;
    merge->done += source->block.event_count;
    merge->levels += source->block.level_count;
    ns_t ts = source->block.events[0].ts;
    if (!go_on(merge->options, merge->done, merge->total, merge->levels, ts))
        return err_say(merge->why, ERR_INTERRUPTED, "interrupted; nothing was written");
    return ERR_OK;
}

static const struct event *head(const struct source *source)
{
    return source->ended ? NULL : &source->block.events[source->at];
}

/* The source whose event is next, and the one after it (NULL: no other has any). Lanes decide ties. */
static void first_two(const struct merge *merge, struct source **first, const struct event **second)
{
    *first = NULL;
    *second = NULL;
    for (uint32_t i = 0; i < merge->count; i++) {
        struct source *source = &merge->sources[i];
        const struct event *event = head(source);
        if (event == NULL)
            continue;
        if (*first == NULL || event_before(event, head(*first))) {
            *second = *first != NULL ? head(*first) : NULL;
            *first = source;
        } else if (*second == NULL || event_before(event, *second)) {
            *second = event;
        }
    }
}

static err_t merge_all(struct merge *merge)
{
    err_t err = ERR_OK;
    for (uint32_t i = 0; i < merge->count && err == ERR_OK; i++)
        err = load(merge, &merge->sources[i]);
    while (err == ERR_OK) {
        struct source *source;
        const struct event *second;
        first_two(merge, &source, &second);
        if (source == NULL)
            return ERR_OK;
        while (err == ERR_OK && head(source) != NULL && (second == NULL || event_before(head(source), second))) {
            err = add(merge->writer, head(source), merge->why);
            source->at++;
            if (err == ERR_OK)
                err = load(merge, source);
        }
    }
    return err;
}

static err_t merge_into(struct merge *merge, const char *out, struct tape_writer_stats *stats)
{
    struct tape_result result;
    err_t err = ERR_OK;
    for (uint32_t i = 0; i < merge->count && err == ERR_OK; i++)
        err = open_source(merge, &merge->sources[i], (uint16_t)i);
    if (err == ERR_OK)
        err = tape_result_begin(&result, out, merge->options->replace, merge->why);
    if (err != ERR_OK)
        return err;
    char source[256];
    const struct tape_info *info = tape_reader_info(merge->sources[0].reader);
    snprintf(source, sizeof(source), "%.180s (merged, %u tapes)", info->source, merge->count);
    err = open_writer(&merge->writer, result.temporary, merge->instruments, (uint16_t)merge->instrument_count, source,
                      merge->options, merge->why);
    if (err == ERR_OK)
        err = merge_all(merge);
    return finish(merge->writer, &result, stats, err, merge->why);
}

err_t tape_merge(const char *const *paths, uint32_t count, const char *out, const struct tape_edit_options *options,
                 struct tape_writer_stats *stats, struct err_text *why)
{
    ASSERT(count > 0 && count <= UINT16_MAX);
    struct merge merge = {.count = count, .options = options, .why = why};
    if ((merge.sources = calloc(count, sizeof(*merge.sources))) == NULL)
        return no_memory(why);
    for (uint32_t i = 0; i < count; i++)
        merge.sources[i].path = paths[i];
    err_t err = merge_into(&merge, out, stats);
    for (uint32_t i = 0; i < count; i++)
        tape_reader_close(merge.sources[i].reader);
    free(merge.sources);
    free(merge.instruments);
    return err;
}
