/* tape_make.c: tape cut and tape merge. */
#include "cli/tape_actions.h"

#include "cli/exit_code.h"
#include "cli/json_out.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/stop_signal.h"
#include "cli/values.h"
#include "cli/version.h"
#include "data/tape_edit.h"
#include "data/tape_reader.h"

#include <inttypes.h>
#include <string.h>

static bool show_progress(void *context, uint64_t done, uint64_t total, uint64_t levels, ns_t ts)
{
    progress_update(context, done, total, levels, ts);
    return stop_signal() == 0;
}

static int report(const char *out, const struct tape_writer_stats *stats, bool json)
{
    char messages[VALUE_TEXT_SIZE], levels[VALUE_TEXT_SIZE], bytes[VALUE_TEXT_SIZE];
    if (!json) {
        printf("wrote %s: %s messages, %s levels, %" PRIu64 " blocks, %s\n", out,
               value_count_text(stats->messages, messages), value_count_text(stats->levels, levels), stats->blocks,
               value_size_text(stats->bytes, bytes));
        return EXIT_CODE_OK;
    }
    json_t *object = json_object();
    json_set_text(object, "file", out);
    json_set_u64(object, "messages", stats->messages);
    json_set_u64(object, "levels", stats->levels);
    json_set_u64(object, "blocks", stats->blocks);
    json_set_u64(object, "bytes", stats->bytes);
    return exit_code_of(json_print(stdout, object, false));
}

static int end(const char *verb, err_t err, const struct err_text *why, const char *out,
               const struct tape_writer_stats *stats, bool json)
{
    if (err == ERR_OK)
        return report(out, stats, json);
    if (err == ERR_INTERRUPTED && stop_signal() != 0) {
        fprintf(stderr, "tapedeck %s: interrupted, nothing was written\n", verb);
        return stop_signal_exit_code();
    }
    return exit_with(verb, why);
}

static const char *created_by(char *text, size_t size)
{
    snprintf(text, size, "tapedeck %s", cli_version());
    return text;
}

int tape_action_cut(int argc, char **argv)
{
    struct tape_span span = {.from = INT64_MIN, .to = NS_MAX};
    const char *out = NULL;
    char maker[64];
    bool force = false, json = false;
    const struct option_spec specs[] = {
        {.name = "from", .letter = 'f', .type = OPTION_TIME, .target = &span.from, .value = "TIME"},
        {.name = "to", .letter = 't', .type = OPTION_TIME, .target = &span.to, .value = "TIME"},
        {.name = "out", .letter = 'o', .type = OPTION_TEXT, .target = &out, .value = "FILE"},
        {.name = "no-snapshot", .type = OPTION_FLAG, .target = &span.without_opening},
        {.name = "force", .type = OPTION_FLAG, .target = &force},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &json},
    };
    struct err_text why = {0};
    struct tape_writer_stats stats;
    struct progress progress;
    stop_signal_catch();
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 1, 1, "one FILE", &why);
    if (err == ERR_OK && out == NULL)
        err = err_say(&why, ERR_USAGE, "--out FILE is missing");
    if (err == ERR_OK && span.from >= span.to)
        err = err_say(&why, ERR_USAGE, "--to: expected a time after --from");
    progress_begin(&progress, "cut", "levels", true);
    struct tape_edit_options options = {.progress = show_progress,
                                        .context = &progress,
                                        .replace = force,
                                        .created_by = created_by(maker, sizeof(maker))};
    if (err == ERR_OK)
        err = tape_cut(argv[1], out, &span, &options, &stats, &why);
    progress_end(&progress);
    return end("tape cut", err, &why, out, &stats, json);
}

/* Two tapes with the same instrument at the same time: legitimate (trades here, books there), or a mistake. */
static void warn_overlap(char **paths, int count)
{
    for (int i = 0; i < count; i++) {
        struct tape_reader *a = NULL;
        if (tape_reader_open(&a, paths[i], NULL, NULL) != ERR_OK)
            return; /* the merge will say why */
        for (int j = i + 1; j < count; j++) {
            struct tape_reader *b = NULL;
            if (tape_reader_open(&b, paths[j], NULL, NULL) != ERR_OK)
                break;
            const struct tape_info *x = tape_reader_info(a), *y = tape_reader_info(b);
            bool overlap = x->first_ts <= y->last_ts && y->first_ts <= x->last_ts;
            for (uint32_t k = 0; overlap && k < (uint32_t)x->instrument_count * y->instrument_count; k++) {
                const struct instrument *p = &x->instruments[k / y->instrument_count];
                const struct instrument *q = &y->instruments[k % y->instrument_count];
                if (strcmp(p->venue, q->venue) == 0 && strcmp(p->symbol, q->symbol) == 0)
                    fprintf(
                        stderr,
                        "tapedeck tape merge: note: %s is in %s and %s at the same time; when both hold its book, "
                        "the merged book mixes them\n",
                        p->symbol, paths[i], paths[j]);
            }
            tape_reader_close(b);
        }
        tape_reader_close(a);
    }
}

int tape_action_merge(int argc, char **argv)
{
    const char *out = NULL;
    char maker[64];
    bool force = false, json = false;
    const struct option_spec specs[] = {
        {.name = "out", .letter = 'o', .type = OPTION_TEXT, .target = &out, .value = "FILE"},
        {.name = "force", .type = OPTION_FLAG, .target = &force},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &json},
    };
    struct err_text why = {0};
    struct tape_writer_stats stats;
    struct progress progress;
    stop_signal_catch();
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 1, 1024, "FILE...", &why);
    if (err == ERR_OK && out == NULL)
        err = err_say(&why, ERR_USAGE, "--out FILE is missing");
    if (err == ERR_OK)
        warn_overlap(argv + 1, argc - 1);
    progress_begin(&progress, "merge", "levels", true);
    struct tape_edit_options options = {.progress = show_progress,
                                        .context = &progress,
                                        .replace = force,
                                        .created_by = created_by(maker, sizeof(maker))};
    if (err == ERR_OK)
        err = tape_merge((const char *const *)argv + 1, (uint32_t)(argc - 1), out, &options, &stats, &why);
    progress_end(&progress);
    return end("tape merge", err, &why, out, &stats, json);
}
