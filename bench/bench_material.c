/* The data that the loops run over: a tape repeated until it is long enough, in the forms that the figures ask for.
 * A repetition is the same day again, later: stamps and ids move on by the same distance each time. */
#include "bench/bench.h"

#include "data/tape_reader.h"
#include "data/tape_writer.h"
#include "feeds/synth_market.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct shift {
    ns_t ts;
    uint64_t trade, update;
};

/* What a tape's repetition must be moved by, and how many levels one pass has. */
struct extent {
    ns_t first_ts, last_ts;
    uint64_t trade_first, trade_last, update_first, update_last;
    uint64_t book_levels, trades, bbos;
};

static bool is_update(uint8_t kind)
{
    return kind == EVENT_BOOK_SNAPSHOT || kind == EVENT_BOOK_DELTA || kind == EVENT_BBO;
}

static void widen(uint64_t *first, uint64_t *last, uint64_t id)
{
    if (id == 0)
        return;
    if (*first == 0 || id < *first)
        *first = id;
    if (id > *last)
        *last = id;
}

typedef err_t (*event_function)(void *context, const struct event *event);

static err_t for_each(const char *path, event_function function, void *context, struct err_text *why)
{
    struct tape_reader *reader;
    err_t err = tape_reader_open(&reader, path, NULL, why);
    if (err != ERR_OK)
        return err;
    struct tape_block block;
    while ((err = tape_reader_next(reader, &block, why)) == ERR_OK) {
        for (uint32_t i = 0; i < block.event_count && err == ERR_OK; i++)
            err = function(context, &block.events[i]);
        tape_reader_release(reader, block.buffer);
        if (err != ERR_OK)
            break;
    }
    tape_reader_close(reader);
    return err == ERR_END ? ERR_OK : err;
}

static err_t measure(void *context, const struct event *event)
{
    struct extent *extent = context;
    if (extent->first_ts == 0)
        extent->first_ts = event->ts;
    extent->last_ts = event->ts;
    if (event->kind == EVENT_TRADE) {
        extent->trades++;
        widen(&extent->trade_first, &extent->trade_last, event->seq);
    } else if (is_update(event->kind)) {
        if (event->kind == EVENT_BBO)
            extent->bbos++;
        else
            extent->book_levels += (uint64_t)event->bid_count + event->ask_count;
        widen(&extent->update_first, &extent->update_last, event->seq_first);
        widen(&extent->update_first, &extent->update_last, event->seq);
    }
    return ERR_OK;
}

struct copy {
    struct tape_writer *writer;
    struct shift shift;
    bool with_bbo;
    uint16_t instrument; /* only this one, as number 0 */
};

static uint64_t move_id(uint64_t id, uint64_t by)
{
    return id == 0 ? 0 : id + by;
}

static err_t copy_event(void *context, const struct event *event)
{
    struct copy *copy = context;
    if (event->instrument != copy->instrument || (event->kind != EVENT_TRADE && !is_update(event->kind)) ||
        (event->kind == EVENT_BBO && !copy->with_bbo))
        return ERR_OK;
    struct event moved = *event;
    const uint64_t by = event->kind == EVENT_TRADE ? copy->shift.trade : copy->shift.update;
    moved.instrument = 0;
    moved.ts += copy->shift.ts;
    if (moved.exch_ts != 0)
        moved.exch_ts += copy->shift.ts;
    moved.seq = move_id(moved.seq, by);
    moved.seq_first = move_id(moved.seq_first, by);
    moved.seq_prev = move_id(moved.seq_prev, by);
    return tape_writer_add(copy->writer, &moved);
}

/* `times` repetitions of the source's first instrument, as symbol `symbol` (NULL: its own). */
static err_t repeat(const char *source, const char *out, const struct extent *extent, uint64_t times, bool with_bbo,
                    const char *symbol, ns_t offset, uint32_t block_levels, struct tape_writer_stats *stats,
                    struct err_text *why)
{
    struct tape_reader *reader;
    err_t err = tape_reader_open(&reader, source, NULL, why);
    if (err != ERR_OK)
        return err;
    if (tape_reader_info(reader)->instrument_count == 0) {
        tape_reader_close(reader);
        return err_say(why, ERR_CORRUPT, "%s: the tape has no instrument", source);
    }
    struct instrument instrument = tape_reader_info(reader)->instruments[0];
    tape_reader_close(reader);
    if (symbol != NULL)
        snprintf(instrument.symbol, sizeof(instrument.symbol), "%s", symbol);
    struct copy copy = {.with_bbo = with_bbo, .instrument = 0};
    const struct tape_writer_options options = {.source = "bench", .block_levels = block_levels};
    err = tape_writer_open(&copy.writer, out, &instrument, 1, &options, why);
    if (err != ERR_OK)
        return err;
    const ns_t span = extent->last_ts - extent->first_ts + NS_PER_MS;
    for (uint64_t i = 0; i < times && err == ERR_OK; i++) {
        copy.shift = (struct shift){.ts = (ns_t)i * span + offset,
                                    .trade = i * (extent->trade_last - extent->trade_first + 1),
                                    .update = i * (extent->update_last - extent->update_first + 1)};
        err = for_each(source, copy_event, &copy, why);
    }
    if (err != ERR_OK) {
        err_say(why, err, "%s", tape_writer_why(copy.writer)->text);
        tape_writer_abandon(copy.writer);
        return err;
    }
    return tape_writer_close(copy.writer, stats, why);
}

err_t bench_repeat(const char *tape, const char *out, uint64_t messages, struct err_text *why)
{
    struct extent extent = {0};
    struct tape_reader *reader;
    struct tape_writer_stats stats;
    err_t err = tape_reader_open(&reader, tape, NULL, why);
    if (err != ERR_OK)
        return err;
    const uint64_t one = tape_reader_info(reader)->messages;
    tape_reader_close(reader);
    if (one == 0)
        return err_say(why, ERR_CORRUPT, "%s: the tape has no messages", tape);
    err = for_each(tape, measure, &extent, why);
    return err == ERR_OK ? repeat(tape, out, &extent, (messages + one - 1) / one, false, NULL, 0, 0, &stats, why)
                         : err;
}

/* ---- the synthetic source ---- */

err_t bench_synth_tape(const struct synth_config *config, const char *out, uint64_t *levels, struct err_text *why)
{
    void *memory = aligned_alloc(64, (synth_market_size(config) + 63) & ~(size_t)63);
    if (memory == NULL)
        return err_say(why, ERR_NOMEM, "no memory for a synthetic market");
    struct synth_market *market = synth_market_init(memory, config);
    struct feed *feed = synth_feed(market);
    struct tape_writer *writer;
    err_t err = tape_writer_open(&writer, out, synth_instruments(market), 1, NULL, why);
    struct event_batch batch;
    while (err == ERR_OK && (err = feed->ops->next(feed, &batch)) == ERR_OK) {
        for (uint32_t i = 0; i < batch.count && err == ERR_OK; i++)
            err = tape_writer_add(writer, &batch.events[i]);
        feed->ops->release(feed, batch.handle);
    }
    struct tape_writer_stats stats = {0};
    if (err == ERR_END)
        err = tape_writer_close(writer, &stats, why);
    *levels = stats.levels;
    free(memory);
    return err;
}

static err_t make_source(const char *out, struct err_text *why)
{
    struct synth_config config;
    uint64_t levels;
    synth_config_default(&config);
    config.duration_ns = 300 * NS_PER_S;
    config.diff_interval_ns = 50 * NS_PER_MS;
    config.bbo = true;
    return bench_synth_tape(&config, out, &levels, why);
}

/* ---- capture lines, as Binance USD-M would have sent them ---- */

struct lines {
    FILE *file;
    const struct instrument *instrument;
    char symbol[SYMBOL_SIZE], stream[SYMBOL_SIZE];
    bool have_snapshot;
};

static void put_levels(struct lines *lines, const struct level *levels, uint32_t count)
{
    char price[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE];
    for (uint32_t i = 0; i < count; i++) {
        instrument_format_price(lines->instrument, levels[i].price, price);
        instrument_format_qty(lines->instrument, levels[i].qty, qty);
        fprintf(lines->file, "%s[\"%s\",\"%s\"]", i == 0 ? "" : ",", price, qty);
    }
}

static err_t put_line(void *context, const struct event *event)
{
    struct lines *lines = context;
    FILE *file = lines->file;
    const int64_t ms = event->exch_ts / NS_PER_MS;
    if (event->kind == EVENT_BOOK_SNAPSHOT && !lines->have_snapshot) {
        lines->have_snapshot = true;
        fprintf(file, "%" PRId64 " {\"lastUpdateId\":%" PRIu64 ",\"E\":%" PRId64 ",\"T\":%" PRId64 ",\"bids\":[",
                event->ts, event->seq, ms, ms);
        put_levels(lines, event->levels, event->bid_count);
        fputs("],\"asks\":[", file);
        put_levels(lines, event->levels + event->bid_count, event->ask_count);
        fputs("]}\n", file);
    } else if (event->kind == EVENT_BOOK_DELTA) {
        fprintf(file,
                "%" PRId64 " {\"stream\":\"%s@depth@0ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":%" PRId64
                ",\"T\":%" PRId64 ",\"s\":\"%s\",\"U\":%" PRIu64 ",\"u\":%" PRIu64 ",\"pu\":%" PRIu64 ",\"b\":[",
                event->ts, lines->stream, ms, ms, lines->symbol, event->seq_first, event->seq, event->seq_prev);
        put_levels(lines, event->levels, event->bid_count);
        fputs("],\"a\":[", file);
        put_levels(lines, event->levels + event->bid_count, event->ask_count);
        fputs("]}}\n", file);
    } else if (event->kind == EVENT_TRADE) {
        char price[DECIMAL_TEXT_SIZE], qty[DECIMAL_TEXT_SIZE];
        instrument_format_price(lines->instrument, event->levels[0].price, price);
        instrument_format_qty(lines->instrument, event->levels[0].qty, qty);
        fprintf(file,
                "%" PRId64 " {\"stream\":\"%s@trade\",\"data\":{\"e\":\"trade\",\"E\":%" PRId64 ",\"T\":%" PRId64
                ",\"s\":\"%s\",\"t\":%" PRIu64 ",\"p\":\"%s\",\"q\":\"%s\",\"X\":\"MARKET\",\"m\":%s}}\n",
                event->ts, lines->stream, ms, ms, lines->symbol, event->seq, price, qty,
                event->flags & EVENT_SELL ? "true" : "false");
    }
    return ferror(file) ? ERR_IO : ERR_OK;
}

static err_t write_lines(const char *tape, const char *out, struct err_text *why)
{
    struct tape_reader *reader;
    err_t err = tape_reader_open(&reader, tape, NULL, why);
    if (err != ERR_OK)
        return err;
    struct instrument instrument = tape_reader_info(reader)->instruments[0];
    tape_reader_close(reader);
    struct lines lines = {.instrument = &instrument, .file = fopen(out, "w")};
    if (lines.file == NULL)
        return err_say(why, ERR_IO, "%s: cannot be created", out);
    snprintf(lines.symbol, sizeof(lines.symbol), "%s", instrument.symbol);
    for (size_t i = 0; instrument.symbol[i] != '\0'; i++) {
        char c = instrument.symbol[i];
        lines.stream[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    err = for_each(tape, put_line, &lines, why);
    if (fclose(lines.file) != 0 || err == ERR_IO)
        err = err_say(why, ERR_IO, "%s: cannot be written", out);
    return err;
}

/* ---- all of it ---- */

static void name(char *path, const struct bench_options *options, const char *what)
{
    snprintf(path, 512, "%s/tapedeck-bench-%d-%s", options->dir, (int)getpid(), what);
}

static err_t make_lanes(const struct bench_options *options, const char *source, const struct extent *extent,
                        struct bench_material *material, struct err_text *why)
{
    const uint64_t one = extent->book_levels + extent->trades;
    /* a twentieth of the single tape a lane: long enough that opening the tapes and building the first books, which
     * 64 instruments do 64 times, does not count for more than it does in a day */
    const uint64_t times = (options->levels_min / 20 + one - 1) / one;
    for (int i = 0; i < BENCH_LANES; i++) {
        char what[32], symbol[32];
        snprintf(what, sizeof(what), "lane%d.tape", i);
        snprintf(symbol, sizeof(symbol), "LANE%d", i);
        name(material->lanes[i], options, what);
        struct tape_writer_stats stats;
        /* lanes out of step by some microseconds, so that the merge has work to do */
        err_t err = repeat(source, material->lanes[i], extent, times, false, symbol, (ns_t)i * 7919,
                           options->block_levels, &stats, why);
        if (err != ERR_OK)
            return err;
        material->lane_levels += stats.levels;
    }
    return ERR_OK;
}

err_t bench_material_make(const struct bench_options *options, struct bench_material *material, struct err_text *why)
{
    memset(material, 0, sizeof(*material));
    char made[512] = "";
    const char *source = options->tape;
    err_t err = ERR_OK;
    if (source == NULL) {
        name(made, options, "source.tape");
        err = make_source(made, why);
        source = made;
    }
    struct extent extent = {0};
    if (err == ERR_OK)
        err = for_each(source, measure, &extent, why);
    const uint64_t one = extent.book_levels + extent.trades;
    if (err == ERR_OK && one == 0)
        err = err_say(why, ERR_CORRUPT, "%s: the tape has no levels to measure with", source);
    struct tape_writer_stats stats = {0};
    if (err == ERR_OK) {
        const uint64_t times = (options->levels_min + one - 1) / one;
        name(material->depth, options, "depth.tape");
        err = repeat(source, material->depth, &extent, times, false, NULL, 0, options->block_levels, &stats, why);
        material->levels = stats.levels;
        material->depth_bytes = stats.bytes;
        if (err == ERR_OK) {
            name(material->bbo, options, "bbo.tape");
            err = repeat(source, material->bbo, &extent, times, true, NULL, 0, options->block_levels, &stats, why);
            material->bbo_levels = stats.levels;
            material->bbo_bytes = stats.bytes;
            material->book_trade_levels = material->levels;
        }
    }
    if (err == ERR_OK)
        err = make_lanes(options, source, &extent, material, why);
    if (err == ERR_OK && options->capture == NULL) {
        name(material->capture, options, "capture.txt");
        err = write_lines(source, material->capture, why);
    }
    struct stat status;
    if (err == ERR_OK && stat(options->capture != NULL ? options->capture : material->capture, &status) == 0)
        material->capture_bytes = (uint64_t)status.st_size;
    if (made[0] != '\0')
        unlink(made);
    if (err != ERR_OK)
        bench_material_remove(material);
    return err;
}

void bench_material_remove(const struct bench_material *material)
{
    if (material->depth[0] != '\0')
        unlink(material->depth);
    if (material->bbo[0] != '\0')
        unlink(material->bbo);
    if (material->capture[0] != '\0')
        unlink(material->capture);
    for (int i = 0; i < BENCH_LANES; i++)
        if (material->lanes[i][0] != '\0')
            unlink(material->lanes[i]);
}
