#include "cli/import_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAMILY_FRAMES 200 /* frames by which a venue is told */

void import_scan_free(struct import_scan *scan)
{
    scale_table_free(&scan->scales);
    free(scan->files);
    *scan = (struct import_scan){0};
}

/* A frame of a symbol was seen in a file. */
static void saw_symbol(struct import_scan_file *file, uint32_t symbol)
{
    for (uint32_t i = 0; i < file->symbol_count; i++)
        if (file->symbols[i] == symbol) {
            file->frames[i]++;
            return;
        }
    if (file->symbol_count == IMPORT_FILE_SYMBOLS) {
        file->other_frames++;
        return;
    }
    file->symbols[file->symbol_count] = symbol;
    file->frames[file->symbol_count++] = 1;
}

/* The place of the symbol that the file is of; UINT32_MAX: of none, or of several. */
static uint32_t sole_symbol(const struct import_scan_file *file)
{
    uint64_t all = file->other_frames, most = 0;
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < file->symbol_count; i++) {
        all += file->frames[i];
        if (file->frames[i] > most) {
            most = file->frames[i];
            best = file->symbols[i];
        }
    }
    uint64_t stray = all - most;
    return stray <= all / 1000 || (stray <= IMPORT_STRAY_FRAMES && stray < most) ? best : UINT32_MAX;
}

void import_frame_of(const struct import_scan_file *file, const struct capture_record *record, struct frame *frame)
{
    *frame = (struct frame){
        .ts = record->ts,
        .text = record->text,
        .size = record->size,
        .kind = record->kind == CAPTURE_SNAPSHOT ? FRAME_REST_SNAPSHOT : FRAME_WS,
        .symbol = record->symbol,
        .symbol_size = record->symbol_size,
    };
    if (record->kind == CAPTURE_SNAPSHOT && frame->symbol == NULL && file->sole[0] != '\0') {
        frame->symbol = file->sole;
        frame->symbol_size = strlen(file->sole);
    }
}

/* ---- which venue ---- */

struct finding {
    struct import_scan *scan;
    struct import_scan_file *file;
    uint64_t texts;
    uint32_t symbol; /* of the frame, in `scales`; UINT32_MAX: it names none */
    err_t err;
};

static err_t count_found(void *context, const struct market_texts *texts)
{
    (void)texts;
    struct finding *finding = context;
    finding->texts++;
    return ERR_OK;
}

static err_t no_emit(void *context, const struct event *event)
{
    (void)context;
    (void)event;
    return ERR_OK;
}

static err_t no_discover(void *context, const char *symbol, size_t symbol_size, uint16_t *number,
                         const struct instrument **instrument)
{
    (void)context;
    (void)symbol;
    (void)symbol_size;
    (void)instrument;
    *number = INSTRUMENT_NONE;
    return ERR_OK;
}

static const struct market_sink no_sink = {.emit = no_emit, .discover = no_discover};

/* How many of a file's first frames a family reads prices in. */
static err_t try_family(const struct import_family *family, const struct import_options *options, uint32_t file,
                        uint64_t *hits, struct err_text *why)
{
    struct market *market = NULL;
    struct capture_reader *reader = NULL;
    err_t err = family->open(NULL, &no_sink, &market);
    if (err != ERR_OK)
        return err_say(why, err, "no memory for the market machine of %s", family->name);
    err = capture_reader_open(&reader, &options->files[file], 1, options->form, why);
    struct import_scan_file unknown = {0};
    for (unsigned i = 0; err == ERR_OK && i < FAMILY_FRAMES; i++) {
        struct capture_record record;
        err = capture_reader_next(reader, &record, NULL);
        if (err == ERR_SYNTAX || err == ERR_RANGE) {
            err = ERR_OK;
            continue;
        }
        if (err != ERR_OK || record.kind == CAPTURE_RECONNECT)
            continue;
        struct frame frame;
        import_frame_of(&unknown, &record, &frame);
        struct finding finding = {0};
        if (market->ops->scan(market, &frame, count_found, &finding, NULL) == ERR_OK && finding.texts > 0)
            ++*hits;
    }
    capture_reader_close(reader);
    market->ops->close(market);
    /* What is wrong with the file is told when it is read in earnest. */
    return err == ERR_NOMEM || reader == NULL ? err : ERR_OK;
}

static err_t find_family(struct import_scan *scan, const struct import_options *options, struct err_text *why)
{
    uint64_t best = 0;
    for (size_t i = 0; import_families[i] != NULL; i++) {
        uint64_t hits = 0;
        for (uint32_t file = 0; file < options->file_count; file++) {
            err_t err = try_family(import_families[i], options, file, &hits, why);
            if (err != ERR_OK)
                return err;
        }
        if (hits > best) {
            best = hits;
            scan->family = import_families[i];
        }
    }
    if (scan->family != NULL)
        return ERR_OK;
    /* Nothing at the beginning: damage, perhaps. The whole look decides; it needs some machine. */
    scan->family = import_families[0];
    return ERR_OK;
}

/* What the command line or the files themselves say of the venue. */
static err_t take_venue(struct import_scan *scan, const char *venue, const char *who, struct err_text *why)
{
    if (scan->venue[0] != '\0' && strcmp(scan->venue, venue) != 0)
        return err_say(why, ERR_UNKNOWN,
                       "%s is of %s, but what came before it of %s: import each venue alone and merge the tapes", who,
                       venue, scan->venue);
    scan->family = import_family_of(venue);
    if (scan->family == NULL)
        return err_say(why, ERR_USAGE, "no venue is called \"%s\"; there are: %s", venue, import_venue_names());
    strcpy(scan->venue, venue);
    return ERR_OK;
}

static err_t find_venue(struct import_scan *scan, const struct import_options *options,
                        const struct capture_reader *reader, struct err_text *why)
{
    if (options->venue != NULL)
        return take_venue(scan, options->venue, "--venue", why);
    for (uint32_t i = 0; i < options->file_count; i++) {
        const struct capture_file_info *info = capture_reader_file(reader, i);
        err_t err = info->venue != NULL ? take_venue(scan, info->venue, info->path, why) : ERR_OK;
        if (err != ERR_OK)
            return err;
    }
    return scan->family != NULL ? ERR_OK : find_family(scan, options, why);
}

/* ---- which symbols, which decimals ---- */

static err_t take_texts(void *context, const struct market_texts *texts)
{
    struct finding *finding = context;
    struct scale *scale = &finding->file->unnamed;
    finding->texts++;
    if (texts->symbol_size > 0) {
        err_t err = scale_of(&finding->scan->scales, texts->symbol, texts->symbol_size, &scale);
        if (err == ERR_RANGE) /* no symbol of this length can be kept: the import drops the line */
            return ERR_OK;
        if (err != ERR_OK)
            return finding->err = err;
        finding->symbol = finding->scan->scales.last;
    }
    if (texts->price != NULL)
        scale_side_add(&scale->price, texts->price, texts->price_size);
    if (texts->qty != NULL)
        scale_side_add(&scale->qty, texts->qty, texts->qty_size);
    return ERR_OK;
}

static bool is_final(err_t err)
{
    return err != ERR_OK && err != ERR_SYNTAX && err != ERR_RANGE && err != ERR_PRECISION && err != ERR_UNSUPPORTED;
}

static err_t say_nothing_found(const struct import_options *options, uint32_t file, uint64_t lines,
                               uint64_t first_bad, const struct err_text *reason, struct err_text *why)
{
    if (reason->code == ERR_OK)
        return err_say(why, ERR_UNKNOWN, "%s: %" PRIu64 " lines, but no market data in them", options->files[file],
                       lines);
    return err_say(why, ERR_UNKNOWN,
                   "%s: %" PRIu64
                   " lines, but no frame of a venue that is known here (%s); the first that could not be "
                   "used is line %" PRIu64 ": %s",
                   options->files[file], lines, import_venue_names(), first_bad, reason->text);
}

/* Look at one file. `records` says whether there was anything in it that should have been market data. */
static err_t read_file(struct import_scan *scan, const struct import_options *options, struct market *market,
                       uint32_t index, uint64_t bytes, struct err_text *why)
{
    struct import_scan_file *file = &scan->files[index];
    struct capture_reader *reader = NULL;
    err_t err = capture_reader_open(&reader, &options->files[index], 1, options->form, why);
    if (err != ERR_OK)
        return err;
    struct err_text first_reason = {0};
    uint64_t first_bad = 0, seen = 0, records = 0;
    bool ended = false;
    while (err == ERR_OK && (seen < bytes || file->found_frames == 0 || file->symbol_count == 0)) {
        struct capture_record record;
        struct err_text reason;
        err_clear(&reason);
        err_t got = capture_reader_next(reader, &record, &reason);
        if (got == ERR_END || got == ERR_TRUNCATED || got == ERR_CORRUPT) {
            ended = true;
            break;
        }
        if (got == ERR_OK && record.kind == CAPTURE_RECONNECT)
            continue;
        records++;
        if (got == ERR_OK) {
            struct frame frame;
            import_frame_of(file, &record, &frame);
            struct finding finding = {.scan = scan, .file = file, .symbol = UINT32_MAX};
            seen += record.size;
            got = market->ops->scan(market, &frame, take_texts, &finding, &reason);
            file->found_frames += got == ERR_OK && finding.texts > 0;
            if (got == ERR_OK && finding.symbol != UINT32_MAX)
                saw_symbol(file, finding.symbol);
            if (finding.err != ERR_OK)
                err = err_say(why, finding.err == ERR_FULL ? ERR_RANGE : finding.err,
                              "%s: more than %d symbols; name those that are wanted with --symbol",
                              options->files[index], INSTRUMENTS_MAX);
        }
        if (is_final(got) && err == ERR_OK)
            err = err_say(why, got, "%s", reason.code != ERR_OK ? reason.text : err_words(got));
        if (got != ERR_OK && first_reason.code == ERR_OK) {
            first_reason = reason;
            first_bad = record.line;
        }
        if (options->interrupted != NULL && *options->interrupted)
            err = err_say(why, ERR_INTERRUPTED, "interrupted before the import began");
    }
    bool nothing = ended && file->found_frames == 0 && (records > 0 || options->file_count == 1);
    if (err == ERR_OK && nothing)
        err = say_nothing_found(options, index, capture_reader_file(reader, 0)->lines, first_bad, &first_reason, why);
    scan->whole = scan->whole && ended;
    capture_reader_close(reader);
    return err;
}

/* Look at one file with a machine of its own, so that a file of another venue is told and not mixed in. */
static err_t scan_file(struct import_scan *scan, const struct import_options *options, uint32_t index, uint64_t bytes,
                       struct err_text *why)
{
    struct market *market = NULL;
    if (scan->family->open(options->venue, &no_sink, &market) != ERR_OK)
        return err_say(why, ERR_NOMEM, "no memory for the market machine of %s", scan->family->name);
    err_t err = read_file(scan, options, market, index, bytes, why);
    const char *venue = scan->family->venue(market);
    if (err == ERR_OK && venue != NULL)
        err = take_venue(scan, venue, options->files[index], why);
    market->ops->close(market);
    return err;
}

/* What stood in nameless answers belongs to the file's one symbol, or to the one that was asked for. */
static err_t settle_unnamed(struct import_scan *scan, const struct import_options *options, struct err_text *why)
{
    for (uint32_t i = 0; i < scan->file_count; i++) {
        struct import_scan_file *file = &scan->files[i];
        const char *symbol = NULL;
        uint32_t sole = sole_symbol(file);
        if (sole != UINT32_MAX)
            symbol = scan->scales.items[sole].symbol;
        else if (file->symbol_count == 0 && options->symbol_count == 1)
            symbol = options->symbols[0];
        else if (file->symbol_count == 0 && file->found_frames > 0)
            return err_say(why, ERR_UNKNOWN, "%s: no frame names its symbol; say it with --symbol",
                           options->files[i]);
        if (symbol == NULL)
            continue;
        snprintf(file->sole, sizeof(file->sole), "%s", symbol);
        struct scale *scale;
        err_t err = scale_of(&scan->scales, file->sole, strlen(file->sole), &scale);
        if (err != ERR_OK)
            return err_say(why, err, "%s", err_words(err));
        scale_merge(scale, &file->unnamed);
    }
    return ERR_OK;
}

err_t import_scan_run(struct import_scan *scan, const struct import_options *options, uint64_t bytes,
                      struct err_text *why)
{
    import_scan_free(scan);
    struct capture_reader *reader = NULL;
    err_t err = capture_reader_open(&reader, options->files, options->file_count, options->form, why);
    if (err != ERR_OK)
        return err;
    err = find_venue(scan, options, reader, why);
    capture_reader_close(reader);
    if (err != ERR_OK)
        return err;
    scan->files = calloc(options->file_count, sizeof(*scan->files));
    scan->file_count = options->file_count;
    scan->whole = true;
    if (scan->files == NULL)
        return err_say(why, ERR_NOMEM, "no memory for %u files", options->file_count);
    uint64_t each = bytes == UINT64_MAX ? bytes : bytes / options->file_count;
    for (uint32_t i = 0; err == ERR_OK && i < options->file_count; i++)
        err = scan_file(scan, options, i, each, why);
    if (err == ERR_OK)
        err = settle_unnamed(scan, options, why);
    if (err == ERR_OK && scan->venue[0] == '\0')
        err = err_say(why, ERR_UNKNOWN, "the frames do not tell which venue of %s they are of; say --venue",
                      scan->family->name);
    return err;
}
