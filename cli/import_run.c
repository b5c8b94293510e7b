#include "cli/import_run.h"

#include "cli/import_pass.h"
#include "cli/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define RESTARTS_MAX 3 /* one is the rule; more mean that a file is still growing */

/* ---- instruments ---- */

static bool is_wanted(const struct import_options *options, const char *symbol)
{
    for (uint32_t i = 0; i < options->symbol_count; i++)
        if (strcmp(options->symbols[i], symbol) == 0)
            return true;
    return options->symbol_count == 0;
}

static const char *assets_of(const struct import_options *options, const char *symbol)
{
    size_t size = strlen(symbol);
    for (uint32_t i = 0; i < options->asset_count; i++)
        if (strncmp(options->assets[i], symbol, size) == 0 && options->assets[i][size] == '=')
            return options->assets[i] + size + 1;
    return NULL;
}

static err_t check_wanted(struct import *import)
{
    const struct import_options *options = import->options;
    for (uint32_t i = 0; i < options->symbol_count; i++) {
        const char *symbol = options->symbols[i];
        if (scale_find(&import->scan.scales, symbol, strlen(symbol)) != UINT32_MAX)
            continue;
        if (!import->scan.whole)
            return ERR_AGAIN;
        char known[400] = "";
        size_t at = 0;
        for (uint32_t k = 0; k < import->scan.scales.count && at + SYMBOL_SIZE + 8 < sizeof(known); k++)
            at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s", k == 0 ? "" : ", ",
                                   import->scan.scales.items[k].symbol);
        return err_say(import->why, ERR_UNKNOWN, "symbol %s is not in the capture; there are: %s", symbol, known);
    }
    return ERR_OK;
}

/* Books for `count` instruments: wide windows for a few, narrow ones for a whole market. Pages that a book never
 * touches cost nothing. */
static err_t make_books(struct import *import, uint16_t count)
{
    uint32_t window = count <= 8 ? BOOK_WINDOW_DEFAULT : count <= 64 ? BOOK_WINDOW_DEFAULT / 8 : BOOK_WINDOW_MIN;
    uint32_t far = count <= 8 ? 65536 : 16384;
    size_t each = (quality_size(window, far) + 63) & ~(size_t)63;
    size_t size = each * count;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return err_say(import->why, ERR_NOMEM, "no memory for the books of %u instruments (%zu bytes)", count, size);
    import->books = memory;
    import->books_size = size;
    for (uint16_t i = 0; i < count; i++) {
        struct import_instrument *item = &import->result->instruments[i];
        ns_t silence = import->options->silence > 0 ? import->options->silence : IMPORT_SILENCE_DEFAULT;
        quality_init(&item->quality, (char *)memory + each * i, window, far, &item->instrument, silence);
    }
    return ERR_OK;
}

static void free_instruments(struct import *import)
{
    if (import->books != NULL)
        munmap(import->books, import->books_size);
    import->books = NULL;
    free(import->lanes);
    free(import->numbers);
    free(import->refused);
    free(import->result->instruments);
    import->lanes = NULL;
    import->numbers = NULL;
    import->refused = NULL;
    import->refused_count = 0;
    import->result->instruments = NULL;
    import->result->instrument_count = 0;
}

static void refuse_symbol(struct import *import, const char *symbol, const struct err_text *reason)
{
    strcpy(import->refused[import->refused_count++], symbol);
    if (import->refused_why.code == ERR_OK)
        import->refused_why = *reason;
}

static err_t make_instruments(struct import *import)
{
    struct import_result *result = import->result;
    const struct scale_table *scales = &import->scan.scales;
    free_instruments(import);
    err_t err = check_wanted(import);
    if (err != ERR_OK)
        return err;
    result->instruments = calloc(scales->count, sizeof(*result->instruments));
    import->lanes = calloc(scales->count, sizeof(*import->lanes));
    import->numbers = calloc(scales->count, sizeof(*import->numbers));
    import->refused = calloc(scales->count, sizeof(*import->refused));
    if (result->instruments == NULL || import->lanes == NULL || import->numbers == NULL || import->refused == NULL)
        return err_say(import->why, ERR_NOMEM, "no memory for %u instruments", scales->count);
    uint16_t count = 0;
    for (uint32_t i = 0; i < scales->count; i++) {
        const struct scale *scale = &scales->items[i];
        import->numbers[i] = INSTRUMENT_NONE;
        if (!is_wanted(import->options, scale->symbol))
            continue;
        struct instrument *instrument = &result->instruments[count].instrument;
        struct err_text reason = {0};
        err = import_instrument(import->scan.family, import->scan.venue, scale,
                                assets_of(import->options, scale->symbol), instrument, &reason);
        if (err != ERR_OK) {
            refuse_symbol(import, scale->symbol, &reason);
            continue;
        }
        struct import_lane *lane = &import->lanes[count];
        /* A venue's own tick rules were not learnt from the data: there is nothing to check. */
        px_t tick = import->scan.family->has_ticks ? 1 : instrument->tick_tables[0].bands[0].tick;
        lane->tick = import_multiple_of(tick);
        lane->lot = import_multiple_of(instrument->lot);
        lane->gridded = tick > 1 || instrument->lot > 1;
        import->numbers[i] = count++;
    }
    if (count == 0)
        return err_say(import->why, ERR_UNKNOWN, "%s",
                       import->refused_count > 0 ? import->refused_why.text : "the capture names no symbol");
    result->instrument_count = count;
    strcpy(result->venue, import->scan.venue);
    return make_books(import, count);
}

/* ---- the clock ---- */

static err_t find_line(struct import *import)
{
    struct import_result *result = import->result;
    if (import->options->clock == IMPORT_CLOCK_NONE)
        return ERR_OK;
    bool drift = import->options->clock == IMPORT_CLOCK_DRIFT;
    err_t err = drift ? one_way_offset_drift(&import->clock, &import->line)
                      : one_way_offset_constant(&import->clock, &import->line);
    if (err == ERR_NOTFOUND) {
        snprintf(result->clock_words, sizeof(result->clock_words), "not corrected: no frame has a venue stamp");
        return ERR_OK;
    }
    if (err == ERR_RANGE)
        return err_say(
            import->why, err,
            "the clock cannot be corrected by a line: it would drift by more than %d ppm (was it set during the "
            "capture?); try --clock-offset constant",
            CLOCK_DRIFT_MAX_PPM);
    if (err != ERR_OK)
        return err_say(import->why, ERR_UNSUPPORTED,
                       "the clock's drift cannot be found (%s); try --clock-offset constant", err_words(err));
    ns_t first = clock_line_at(&import->line, import->clock.first_local);
    ns_t last = clock_line_at(&import->line, import->clock.last_local);
    if (first >= 0 && last >= 0) {
        char least[VALUE_TEXT_SIZE];
        snprintf(result->clock_words, sizeof(result->clock_words),
                 "not corrected: no message came before it was sent (least latency %s)",
                 value_duration_text(import->clock.least.delta, least));
        return ERR_OK;
    }
    ns_t base = import_base_latency(import);
    import->have_line = result->clock_corrected = true;
    result->clock_shift_first = base - first;
    result->clock_shift_last = base - last;
    result->clock_ppb = clock_line_ppb(&import->line);
    if (drift)
        snprintf(result->clock_words, sizeof(result->clock_words),
                 "drift: %+" PRId64 " ns at the first stamp, %+" PRId64 " ns at the last (%" PRId64
                 " ppb), base latency "
                 "%" PRId64 " ns",
                 result->clock_shift_first, result->clock_shift_last, result->clock_ppb, base);
    else
        snprintf(result->clock_words, sizeof(result->clock_words),
                 "constant: %+" PRId64 " ns, base latency %" PRId64 " ns", result->clock_shift_first, base);
    return ERR_OK;
}

/* ---- the tape ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* "BINANCE import of a.gz, b.gz and 3 more; clock constant: ..." */
static void describe_source(const struct import *import, char *text, size_t size)
{
    const struct import_options *options = import->options;
    size_t at = (size_t)snprintf(text, size, "import of ");
    uint32_t named = 0;
    for (; named < options->file_count; named++) {
        const char *name = base_name(options->files[named]);
        if (at + strlen(name) + 100 > size)
            break;
        at += (size_t)snprintf(text + at, size - at, "%s%s", named == 0 ? "" : ", ", name);
    }
    if (named < options->file_count)
        at += (size_t)snprintf(text + at, size - at, "%s%u %s", named == 0 ? "" : " and ",
                               options->file_count - named, named == 0 ? "files" : "more");
    if (import->have_line)
        snprintf(text + at, size - at, "; clock %s", import->result->clock_words);
}

static err_t open_tape(struct import *import)
{
    const struct import_options *options = import->options;
    struct import_result *result = import->result;
    if (options->out == NULL)
        return ERR_OK;
    struct instrument *instruments = calloc(result->instrument_count, sizeof(*instruments));
    if (instruments == NULL)
        return err_say(import->why, ERR_NOMEM, "no memory for %u instruments", result->instrument_count);
    for (uint16_t i = 0; i < result->instrument_count; i++)
        instruments[i] = result->instruments[i].instrument;
    char source[256];
    describe_source(import, source, sizeof(source));
    struct tape_writer_options writing = {
        .block_levels = options->block_levels,
        .zstd_level = options->zstd_level,
        .flush_ns = options->flush_ns,
        .exclusive = options->exclusive && result->restarts == 0,
        .source = source,
        .created_by = options->created_by,
    };
    err_t err =
        tape_writer_open(&import->writer, options->out, instruments, result->instrument_count, &writing, import->why);
    free(instruments);
    return err;
}

static err_t close_tape(struct import *import, err_t err)
{
    if (import->writer == NULL)
        return err;
    if (err == ERR_OK || err == ERR_INTERRUPTED) {
        err_t closed = tape_writer_close(import->writer, &import->result->tape, import->why);
        err = closed != ERR_OK ? closed : err;
    } else {
        tape_writer_abandon(import->writer);
    }
    import->writer = NULL;
    return err;
}

/* Writing over one's own input would destroy it before it is read. */
static err_t check_out(const struct import_options *options, struct err_text *why)
{
    struct stat out, in;
    if (options->out == NULL || stat(options->out, &out) != 0)
        return ERR_OK;
    for (uint32_t i = 0; i < options->file_count; i++)
        if (stat(options->files[i], &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return err_say(why, ERR_USAGE, "%s is one of the files to be read: give the tape another name",
                           options->out);
    return ERR_OK;
}

/* ---- the whole ---- */

static err_t prepare(struct import *import, uint64_t scan_bytes)
{
    err_t err = import_scan_run(&import->scan, import->options, scan_bytes, import->why);
    if (err == ERR_OK)
        err = make_instruments(import);
    if (err != ERR_AGAIN)
        return err;
    err = import_scan_run(&import->scan, import->options, UINT64_MAX, import->why);
    return err == ERR_OK ? make_instruments(import) : err;
}

static err_t attempt(struct import *import)
{
    err_t err = ERR_OK;
    if (import->options->clock != IMPORT_CLOCK_NONE && !import->have_line && import->result->clock_words[0] == '\0') {
        err = import_pass(import, "clock");
        if (err == ERR_OK)
            err = find_line(import);
        if (err == ERR_OK)
            err = make_instruments(import); /* fresh books and counters */
        if (err != ERR_OK)
            return err;
    }
    err = open_tape(import);
    if (err == ERR_OK)
        err = import_pass(import, "import");
    return close_tape(import, err);
}

static err_t import_files(struct import *import)
{
    const struct import_options *options = import->options;
    struct import_result *result = import->result;
    if (options->clock == IMPORT_CLOCK_DRIFT) {
        import->hull = calloc(CLOCK_HULL_DEFAULT, sizeof(*import->hull));
        if (import->hull == NULL)
            return err_say(import->why, ERR_NOMEM, "no memory to measure the clock's drift");
    }
    err_t err = prepare(import, options->scan_bytes > 0 ? options->scan_bytes : IMPORT_SCAN_BYTES_DEFAULT);
    if (err != ERR_OK)
        return err;
    err = attempt(import);
    while (err == ERR_AGAIN) {
        if (result->restarts++ == RESTARTS_MAX)
            return err_say(import->why, ERR_IO, "%s: the file changes while it is read (%.100s)",
                           options->files[import->file], import->trouble);
        strcpy(result->restart_reason, import->trouble);
        err = prepare(import, UINT64_MAX);
        if (err == ERR_OK)
            err = attempt(import);
    }
    result->clock_offset = import->clock.samples > 0 ? import->clock.least.delta : NS_MAX;
    return err;
}

err_t import_run(const struct import_options *options, struct import_result *result, struct err_text *why)
{
    *result = (struct import_result){.clock_offset = NS_MAX};
    struct import import = {.options = options, .result = result, .why = why};
    err_t err = check_out(options, why);
    if (err == ERR_OK)
        err = import_files(&import);
    import_scan_free(&import.scan);
    free(import.hull);
    if (err == ERR_OK || (err == ERR_INTERRUPTED && import.result->instruments != NULL)) {
        if (import.books != NULL)
            munmap(import.books, import.books_size);
        for (uint16_t i = 0; i < result->instrument_count; i++) {
            struct book *book = &result->instruments[i].quality.book;
            book->sides[SIDE_BUY] = book->sides[SIDE_SELL] = (struct book_side){0};
            book->instrument = &result->instruments[i].instrument;
        }
        free(import.lanes);
        free(import.numbers);
        free(import.refused);
        if (err == ERR_INTERRUPTED)
            return err_say(why, err, "interrupted: what was read until then is imported");
        return result->damage.code != ERR_OK ? err_say(why, result->damage.code, "%s", result->damage.text) : ERR_OK;
    }
    free_instruments(&import);
    import_result_free(result);
    return err;
}

bool import_has_result(const struct import_result *result)
{
    return result->instruments != NULL;
}

void import_result_free(struct import_result *result)
{
    free(result->instruments);
    free(result->files);
    *result = (struct import_result){0};
}
