#include "data/capture_form.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The table of forms, in the order in which they are asked. */
static const struct capture_form *const forms[] = {
    &capture_form_dlasota,
    &capture_form_cryptofeed,
    &capture_form_stamped,
};

/* As much of a file as a form may look at: the CSVs begin with some 14 KB of comments. */
#define HEAD_BYTES (64u << 10)

/* One file on its way through the merge. */
struct lane {
    struct capture_source source;
    struct capture_record pending; /* its next record, when `ready` */
    bool open;
    bool ready;
};

struct capture_reader {
    uint32_t count;
    uint32_t opened;  /* of `order`, how many were opened */
    uint32_t given;   /* lane whose record the caller holds; UINT32_MAX: none */
    uint32_t *order;  /* files by (first stamp, place on the command line) */
    uint32_t *active; /* the open lanes, rising by file */
    uint32_t active_count;
    struct capture_file_info *infos;
    struct lane *lanes;
    uint64_t bytes_total;
    uint64_t bytes_closed; /* of the files that were read to their end */
};

const char *capture_form_name(uint32_t index)
{
    return index < ARRAY_LEN(forms) ? forms[index]->name : NULL;
}

const char *capture_form_summary(uint32_t index)
{
    return index < ARRAY_LEN(forms) ? forms[index]->summary : NULL;
}

static void form_names(char *text, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", i == 0 ? "" : ", ", forms[i]->name);
}

static const struct capture_form *form_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (strcmp(forms[i]->name, name) == 0)
            return forms[i];
    return NULL;
}

/* The beginning of the first line, made printable, for a sentence about a foreign file. */
static void quote_head(const char *head, size_t size, char *text, size_t room)
{
    size_t i = 0;
    for (; i < size && i + 1 < room && head[i] != '\n'; i++)
        text[i] = head[i] >= 0x20 && head[i] < 0x7f ? head[i] : '?';
    text[i] = '\0';
}

static err_t detect_form(struct capture_source *source, struct err_text *why)
{
    const char *head;
    size_t size;
    err_t err = capture_lines_head(&source->lines, HEAD_BYTES, &head, &size, why);
    if (err != ERR_OK)
        return err;
    if (size == 0) {
        if (source->lines.broken.code != ERR_OK && source->lines.broken.code != ERR_END)
            return err_say(why, source->lines.broken.code, "%s", source->lines.broken.text);
        return err_say(why, ERR_UNKNOWN, "%s: the file is empty", source->lines.path);
    }
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (forms[i]->detect(head, size)) {
            source->form = forms[i];
            return ERR_OK;
        }
    char names[96], begin[41];
    form_names(names, sizeof(names));
    quote_head(head, size, begin, sizeof(begin));
    return err_say(why, ERR_UNKNOWN, "%s: not a capture in a form that is known here (%s); it begins with \"%s\"",
                   source->lines.path, names, begin);
}

static err_t source_open(struct capture_source *source, const struct capture_form *form,
                         struct capture_file_info *info, struct err_text *why)
{
    *source = (struct capture_source){.form = form, .info = info};
    err_t err = capture_lines_open(&source->lines, info->path, why);
    if (err != ERR_OK)
        return err;
    if (form == NULL)
        err = detect_form(source, why);
    if (err == ERR_OK && source->form->open != NULL && (err = source->form->open(source)) != ERR_OK)
        err_say(why, err, "%s: %s", info->path, err_words(err));
    if (err != ERR_OK)
        capture_lines_close(&source->lines);
    return err;
}

static void source_close(struct capture_source *source)
{
    if (source->form->close != NULL)
        source->form->close(source);
    capture_lines_close(&source->lines);
}

static bool is_dropped_line(err_t err)
{
    return err == ERR_SYNTAX || err == ERR_RANGE;
}

static err_t source_next(struct capture_source *source, struct capture_record *record, uint32_t file,
                         struct err_text *why)
{
    *record = (struct capture_record){.file = file, .line_count = 1};
    err_t err = source->form->next(source, record, why);
    if (record->line == 0)
        record->line = source->lines.line;
    source->info->lines = source->lines.line;
    return err;
}

/* Learn form, venue and first stamp of a file, and leave it closed again. Damage is told later, when the
 * file is read in earnest. */
static err_t probe(struct capture_reader *reader, uint32_t file, const struct capture_form *form,
                   struct err_text *why)
{
    struct capture_source source;
    struct capture_file_info *info = &reader->infos[file];
    err_t err = source_open(&source, form, info, why);
    if (err != ERR_OK)
        return err;
    info->form = source.form->name;
    info->first_ts = NS_MAX;
    reader->bytes_total += source.lines.bytes_total;
    struct capture_record record;
    do {
        struct err_text ignored = {0};
        err = source_next(&source, &record, file, &ignored);
        if (err == ERR_OK)
            info->first_ts = record.ts;
        else if (err == ERR_IO || err == ERR_NOMEM)
            err_say(why, err, "%s", ignored.text);
    } while (is_dropped_line(err));
    source_close(&source);
    info->lines = 0;
    info->passed_over = 0;
    return err == ERR_IO || err == ERR_NOMEM ? err : ERR_OK;
}

/* Insertion sort by (first stamp, place): stable, and the files of a command line come sorted already. A file
 * without any record goes first: reading it only counts its lines. */
static void sort_files(struct capture_reader *reader)
{
    for (uint32_t i = 0; i < reader->count; i++) {
        uint32_t at = i;
        ns_t ts = reader->infos[i].first_ts == NS_MAX ? INT64_MIN : reader->infos[i].first_ts;
        for (; at > 0; at--) {
            ns_t before = reader->infos[reader->order[at - 1]].first_ts;
            if ((before == NS_MAX ? INT64_MIN : before) <= ts)
                break;
            reader->order[at] = reader->order[at - 1];
        }
        reader->order[at] = i;
    }
}

err_t capture_reader_open(struct capture_reader **out, const char *const *paths, uint32_t path_count,
                          const char *form, struct err_text *why)
{
    ASSERT(path_count > 0);
    const struct capture_form *forced = form != NULL ? form_named(form) : NULL;
    if (form != NULL && forced == NULL) {
        char names[96];
        form_names(names, sizeof(names));
        return err_say(why, ERR_UNKNOWN, "no capture form is called \"%s\"; there are: %s", form, names);
    }
    struct capture_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return err_say(why, ERR_NOMEM, "no memory for the capture reader");
    reader->count = path_count;
    reader->given = UINT32_MAX;
    reader->infos = calloc(path_count, sizeof(*reader->infos));
    reader->lanes = calloc(path_count, sizeof(*reader->lanes));
    reader->order = calloc(path_count, sizeof(*reader->order));
    reader->active = calloc(path_count, sizeof(*reader->active));
    err_t err = ERR_OK;
    if (reader->infos == NULL || reader->lanes == NULL || reader->order == NULL || reader->active == NULL)
        err = err_say(why, ERR_NOMEM, "no memory for %u capture files", path_count);
    for (uint32_t i = 0; err == ERR_OK && i < path_count; i++) {
        reader->infos[i].path = paths[i];
        err = probe(reader, i, forced, why);
    }
    if (err != ERR_OK) {
        capture_reader_close(reader);
        return err;
    }
    sort_files(reader);
    *out = reader;
    return ERR_OK;
}

void capture_reader_close(struct capture_reader *reader)
{
    if (reader == NULL)
        return;
    for (uint32_t i = 0; reader->lanes != NULL && i < reader->count; i++)
        if (reader->lanes[i].open)
            source_close(&reader->lanes[i].source);
    free(reader->infos);
    free(reader->lanes);
    free(reader->order);
    free(reader->active);
    free(reader);
}

static err_t lane_open(struct capture_reader *reader, uint32_t file, struct err_text *why)
{
    struct lane *lane = &reader->lanes[file];
    struct capture_file_info *info = &reader->infos[file];
    err_t err = source_open(&lane->source, form_named(info->form), info, why);
    if (err != ERR_OK)
        return err;
    lane->open = true;
    lane->ready = false;
    uint32_t at = reader->active_count++;
    for (; at > 0 && reader->active[at - 1] > file; at--)
        reader->active[at] = reader->active[at - 1];
    reader->active[at] = file;
    return ERR_OK;
}

static void lane_close(struct capture_reader *reader, uint32_t file)
{
    struct lane *lane = &reader->lanes[file];
    reader->bytes_closed += lane->source.lines.bytes_total;
    source_close(&lane->source);
    lane->open = false;
    uint32_t at = 0;
    while (reader->active[at] != file)
        at++;
    reader->active_count--;
    memmove(&reader->active[at], &reader->active[at + 1], (reader->active_count - at) * sizeof(reader->active[0]));
}

/* Put the file and the line before the reason: the form does not know its own name. */
static err_t say_where(const struct capture_reader *reader, const struct capture_record *record, err_t err,
                       const struct err_text *reason, struct err_text *why)
{
    if (!is_dropped_line(err))
        return err_say(why, err, "%s", reason->text);
    return err_say(why, err, "%s:%" PRIu64 ": %s", reader->infos[record->file].path, record->line, reason->text);
}

/* Every open lane has its next record, or an error goes up. ERR_OK: all ready. */
static err_t make_ready(struct capture_reader *reader, struct capture_record *record, struct err_text *why)
{
    for (uint32_t i = 0; i < reader->active_count; i++) {
        uint32_t file = reader->active[i];
        struct lane *lane = &reader->lanes[file];
        if (lane->ready)
            continue;
        struct err_text reason;
        err_clear(&reason);
        err_t err = source_next(&lane->source, &lane->pending, file, &reason);
        if (err == ERR_OK) {
            lane->ready = true;
            continue;
        }
        if (is_dropped_line(err)) {
            *record = lane->pending;
            return say_where(reader, record, err, &reason, why);
        }
        lane_close(reader, file);
        if (err != ERR_END) {
            *record = (struct capture_record){.file = file, .line = reader->infos[file].lines};
            return say_where(reader, record, err, &reason, why);
        }
        i--;
    }
    return ERR_OK;
}

/* The open lane with the earliest record; the lowest file wins a tie (`active` rises by file). */
static uint32_t earliest(const struct capture_reader *reader)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < reader->active_count; i++) {
        uint32_t file = reader->active[i];
        if (best == UINT32_MAX || reader->lanes[file].pending.ts < reader->lanes[best].pending.ts)
            best = file;
    }
    return best;
}

err_t capture_reader_next(struct capture_reader *reader, struct capture_record *record, struct err_text *why)
{
    if (reader->given != UINT32_MAX) {
        reader->lanes[reader->given].ready = false;
        reader->given = UINT32_MAX;
    }
    for (;;) {
        err_t err = make_ready(reader, record, why);
        if (err != ERR_OK)
            return err;
        uint32_t file = earliest(reader);
        if (reader->opened < reader->count) {
            uint32_t next = reader->order[reader->opened];
            ns_t first_ts = reader->infos[next].first_ts;
            /* A tie opens the other file too, so that the order of the command line decides it. */
            if (file == UINT32_MAX || first_ts == NS_MAX || first_ts <= reader->lanes[file].pending.ts) {
                reader->opened++;
                err = lane_open(reader, next, why);
                if (err != ERR_OK)
                    return err;
                continue;
            }
        }
        if (file == UINT32_MAX)
            return ERR_END;
        reader->given = file;
        *record = reader->lanes[file].pending;
        return ERR_OK;
    }
}

uint32_t capture_reader_file_count(const struct capture_reader *reader)
{
    return reader->count;
}

const struct capture_file_info *capture_reader_file(const struct capture_reader *reader, uint32_t file)
{
    ASSERT(file < reader->count);
    return &reader->infos[file];
}

void capture_reader_progress(const struct capture_reader *reader, uint64_t *bytes_done, uint64_t *bytes_total)
{
    uint64_t done = reader->bytes_closed;
    for (uint32_t i = 0; i < reader->active_count; i++)
        done += reader->lanes[reader->active[i]].source.lines.bytes_done;
    *bytes_done = done;
    *bytes_total = reader->bytes_total;
}
