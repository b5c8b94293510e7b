#include "cli/record_tapes.h"

#include "cli/wire_sources.h"
#include "core/time_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY         (INT64_C(86400) * NS_PER_S)
#define BOOK_WINDOW 16384
#define BOOK_FAR    BOOK_FAR_DEFAULT
#define SILENCE_MIN (30 * NS_PER_S)
#define PATH_ROOM   4096

static ns_t day_of(ns_t ts)
{
    return ts / DAY * DAY;
}

static void path_of(const struct record_tapes *tapes, const char *kind, ns_t ts, char *path)
{
    char text[TIME_TEXT_SIZE]; /* 2024-08-08T00:00:01.500000000Z */
    time_format(ts, text);
    snprintf(path, PATH_ROOM, "%s/%s-%.13s%.2s%.2sZ.tape", tapes->options.dir, kind, text, text + 14, text + 17);
}

/* ---- opening and closing a pair ---- */

static err_t open_raw(struct record_tapes *tapes, ns_t ts, struct raw_tape **raw, struct err_text *why)
{
    char path[PATH_ROOM];
    path_of(tapes, "raw", ts, path);
    const struct raw_tape_options options = {.source = tapes->options.source,
                                             .created_by = tapes->options.created_by,
                                             .session = tapes->options.session,
                                             .exclusive = true};
    return raw_tape_open(raw, path, tapes->instruments, tapes->instrument_count, &options, why);
}

static err_t open_market(struct record_tapes *tapes, ns_t ts, struct err_text *why)
{
    char path[PATH_ROOM];
    path_of(tapes, "market", ts, path);
    const struct tape_writer_options options = {.source = tapes->options.source,
                                                .created_by = tapes->options.created_by,
                                                .exclusive = true,
                                                .flush_ns = 10 * NS_PER_S};
    return tape_writer_open(&tapes->market, path, tapes->instruments, tapes->instrument_count, &options, why);
}

static err_t close_raw(struct record_tapes *tapes, struct raw_tape *raw, struct err_text *why)
{
    struct raw_tape_stats stats = {0};
    const err_t err = raw_tape_close(raw, &stats, why);
    tapes->raw_bytes += stats.written;
    return err;
}

static err_t close_market(struct record_tapes *tapes, struct err_text *why)
{
    struct tape_writer_stats stats = {0};
    const err_t err = tape_writer_close(tapes->market, &stats, why);
    tapes->market = NULL;
    tapes->market_bytes += stats.bytes;
    return err;
}

/* ---- the books at midnight ---- */

static err_t tell_book(struct record_tapes *tapes, uint16_t number, ns_t ts)
{
    const struct quality *quality = &tapes->quality[number];
    const struct book *book = &quality->book;
    if (book->stats.snapshots + book->stats.deltas == 0)
        return ERR_OK;
    struct event event = {.ts = ts, .exch_ts = ts, .seq = book->seq, .instrument = number, .kind = EVENT_GAP};
    if ((book->flags & BOOK_STALE) == 0) {
        const uint32_t count = book_level_count(book, SIDE_BUY) + book_level_count(book, SIDE_SELL);
        if (count > tapes->level_capacity) {
            free(tapes->levels);
            tapes->levels = malloc(count * sizeof(*tapes->levels));
            tapes->level_capacity = tapes->levels != NULL ? count : 0;
            if (tapes->levels == NULL)
                return ERR_NOMEM;
        }
        event.kind = EVENT_BOOK_SNAPSHOT;
        event.flags = (book->flags & BOOK_PARTIAL) != 0 ? EVENT_PARTIAL : 0;
        event.levels = tapes->levels;
        event.bid_count = book_top(book, SIDE_BUY, tapes->levels, UINT32_MAX);
        event.ask_count = book_top(book, SIDE_SELL, tapes->levels + event.bid_count, UINT32_MAX);
    }
    return tape_writer_add(tapes->market, &event);
}

static err_t write_failed(struct record_tapes *tapes, err_t err)
{
    return err_say(&tapes->why, err, "%s",
                   tapes->market != NULL ? tape_writer_why(tapes->market)->text : "no memory");
}

static err_t begin_day(struct record_tapes *tapes, ns_t day)
{
    err_t err = ERR_OK;
    if (tapes->market != NULL) {
        err = close_market(tapes, &tapes->why);
        if (err == ERR_OK)
            err = open_market(tapes, day, &tapes->why);
        for (uint16_t i = 0; i < tapes->instrument_count && err == ERR_OK; i++) {
            err = tell_book(tapes, i, day);
            if (err != ERR_OK)
                err = write_failed(tapes, err);
        }
    }
    if (err == ERR_OK && tapes->raw != NULL) {
        struct raw_tape *old = tapes->raw;
        err = open_raw(tapes, day, &tapes->raw, &tapes->why);
        if (err != ERR_OK) {
            tapes->raw = old;
            return err;
        }
        wire_tee_switch(tapes->tee, tapes->raw);
        err = close_raw(tapes, old, &tapes->why);
    }
    tapes->day = day;
    tapes->pairs++;
    return err;
}

/* ---- from beginning to end ---- */

static err_t make_books(struct record_tapes *tapes, struct err_text *why)
{
    const size_t size = align64(quality_size(BOOK_WINDOW, BOOK_FAR));
    tapes->quality = calloc(tapes->instrument_count, sizeof(*tapes->quality));
    tapes->books = aligned_alloc(64, size * tapes->instrument_count);
    if (tapes->quality == NULL || tapes->books == NULL)
        return err_say(why, ERR_NOMEM, "no memory for the books of %u instruments", tapes->instrument_count);
    memset(tapes->books, 0, size * tapes->instrument_count);
    for (uint16_t i = 0; i < tapes->instrument_count; i++)
        quality_init(&tapes->quality[i], (uint8_t *)tapes->books + i * size, BOOK_WINDOW, BOOK_FAR,
                     &tapes->instruments[i], SILENCE_MIN);
    return ERR_OK;
}

err_t record_tapes_open(struct record_tapes *tapes, const struct record_options *options,
                        const struct instrument *instruments, uint16_t count, struct wire_source *inner, ns_t ts,
                        struct err_text *why)
{
    *tapes = (struct record_tapes){.options = *options,
                                   .instruments = instruments,
                                   .instrument_count = count,
                                   .day = day_of(ts),
                                   .last_ts = ts,
                                   .pairs = 1};
    err_t err = make_books(tapes, why);
    if (err == ERR_OK && !options->no_market)
        err = open_market(tapes, ts, why);
    if (err == ERR_OK && !options->no_raw)
        err = open_raw(tapes, ts, &tapes->raw, why);
    if (err == ERR_OK && !options->no_raw)
        err = wire_tee_open(&tapes->tee, inner, tapes->raw, why);
    if (err == ERR_OK)
        return ERR_OK;
    struct err_text unheard = {0};
    if (record_tapes_close(tapes, &unheard) != ERR_OK)
        unheard = (struct err_text){0}; /* the first failure is the one that is told */
    record_tapes_free(tapes);
    return err;
}

struct wire_source *record_tapes_source(struct record_tapes *tapes)
{
    return tapes->tee;
}

err_t record_tapes_event(struct record_tapes *tapes, const struct event *event)
{
    err_t err = ERR_OK;
    tapes->last_ts = event->ts;
    if (UNLIKELY(event->ts - tapes->day >= DAY) && !tapes->options.one_pair)
        err = begin_day(tapes, day_of(event->ts));
    /* what is said to a recording is not the market's: a run over the tape would obey it */
    if (err != ERR_OK || event->kind == EVENT_TICK || event->kind == EVENT_OPERATOR || event->kind == EVENT_PARAMETER)
        return err;
    tapes->messages++;
    if (event->instrument < tapes->instrument_count)
        quality_apply(&tapes->quality[event->instrument], event, event->ts - event->exch_ts);
    if (tapes->market == NULL)
        return ERR_OK;
    err = tape_writer_add(tapes->market, event);
    return err == ERR_OK ? ERR_OK : write_failed(tapes, err);
}

err_t record_tapes_flush(struct record_tapes *tapes)
{
    const err_t err = tapes->market != NULL ? tape_writer_flush(tapes->market) : ERR_OK;
    return err == ERR_OK ? ERR_OK : write_failed(tapes, err);
}

uint64_t record_tapes_bytes(const struct record_tapes *tapes, uint64_t *raw, uint64_t *market)
{
    struct raw_tape_stats stats = {0};
    if (tapes->raw != NULL)
        raw_tape_read_stats(tapes->raw, &stats);
    *raw = tapes->raw_bytes + stats.written;
    *market = tapes->market_bytes + (tapes->market != NULL ? tape_writer_stats(tapes->market)->bytes : 0);
    return *raw + *market;
}

err_t record_tapes_close(struct record_tapes *tapes, struct err_text *why)
{
    err_t err = tapes->market != NULL ? close_market(tapes, why) : ERR_OK;
    if (tapes->raw != NULL) {
        const err_t of_raw = close_raw(tapes, tapes->raw, why);
        err = err == ERR_OK ? of_raw : err;
        tapes->raw = NULL;
    }
    if (tapes->tee != NULL)
        tapes->tee->ops->close(tapes->tee);
    tapes->tee = NULL;
    return err;
}

void record_tapes_free(struct record_tapes *tapes)
{
    free(tapes->quality);
    free(tapes->books);
    free(tapes->levels);
    tapes->quality = NULL;
    tapes->books = NULL;
    tapes->levels = NULL;
}
