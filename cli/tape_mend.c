/* tape_mend.c: tape check and tape repair. */
#include "cli/tape_actions.h"

#include "cli/exit_code.h"
#include "cli/json_out.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/stop_signal.h"
#include "cli/values.h"
#include "data/tape_edit.h"

#include <inttypes.h>
#include <string.h>

static bool show_progress(void *context, uint64_t done, uint64_t total, uint64_t levels, ns_t ts)
{
    progress_update(context, done, total, levels, ts);
    return stop_signal() == 0;
}

static void print_lost(const struct tape_fault *fault)
{
    char first[VALUE_TEXT_SIZE], last[VALUE_TEXT_SIZE];
    if (fault->block_count == 0)
        return;
    if (fault->block_count == UINT64_MAX)
        printf("    lost: block %" PRIu64 " and what follows it, from message %" PRIu64, fault->block,
               fault->first_message);
    else if (fault->block_count == 1)
        printf("    lost: block %" PRIu64 ", messages %" PRIu64 " to %" PRIu64, fault->block, fault->first_message,
               fault->first_message + fault->message_count - (fault->message_count != 0));
    else
        printf("    lost: blocks %" PRIu64 " to %" PRIu64 ", messages %" PRIu64 " to %" PRIu64, fault->block,
               fault->block + fault->block_count - 1, fault->first_message,
               fault->first_message + fault->message_count - (fault->message_count != 0));
    if (fault->first_ts != 0)
        printf(", from %s", value_time_text(fault->first_ts, first));
    if (fault->last_ts != NS_MAX)
        printf(" to %s", value_time_text(fault->last_ts, last));
    putchar('\n');
}

static void print_report(const char *path, const struct tape_check_report *report)
{
    char blocks[VALUE_TEXT_SIZE], messages[VALUE_TEXT_SIZE], levels[VALUE_TEXT_SIZE];
    printf("%s: %s, %s blocks, %s messages, %s levels are good\n", path, report->fault_count == 0 ? "ok" : "DAMAGED",
           value_count_text(report->blocks, blocks), value_count_text(report->messages, messages),
           value_count_text(report->levels, levels));
    for (uint64_t i = 0; i < report->fault_count && i < TAPE_FAULTS_KEPT; i++) {
        const struct tape_fault *fault = &report->faults[i];
        printf("  byte %" PRIu64 " (%" PRIu64 " bytes): %s\n", fault->offset, fault->bytes,
               tape_fault_words(fault->kind));
        print_lost(fault);
    }
    if (report->fault_count > TAPE_FAULTS_KEPT)
        printf("  and %" PRIu64 " more faults\n", report->fault_count - TAPE_FAULTS_KEPT);
    if (report->fault_count > 0)
        printf("  longest valid prefix: %" PRIu64 " blocks, %" PRIu64 " messages, %" PRIu64 " bytes\n",
               report->prefix.blocks, report->prefix.messages, report->prefix.bytes);
}

static json_t *report_json(const char *path, const struct tape_check_report *report)
{
    static const char *const names[] = {
#define FAULT_NAME(name, text) #name,
        TAPE_FAULT_MAP(FAULT_NAME)
#undef FAULT_NAME
    };
    json_t *object = json_object(), *prefix = json_object(), *faults = json_array();
    json_set_text(object, "file", path);
    json_set_bool(object, "ok", report->fault_count == 0);
    json_set_bool(object, "closed", report->closed);
    json_set_text(object, "hash", report->hash);
    json_set_u64(object, "bytes", report->file_bytes);
    json_set_u64(object, "blocks", report->blocks);
    json_set_u64(object, "messages", report->messages);
    json_set_u64(object, "levels", report->levels);
    json_set_time(object, "first", report->first_ts);
    json_set_time(object, "last", report->last_ts);
    json_set_u64(prefix, "bytes", report->prefix.bytes);
    json_set_u64(prefix, "blocks", report->prefix.blocks);
    json_set_u64(prefix, "messages", report->prefix.messages);
    json_set_u64(prefix, "levels", report->prefix.levels);
    json_set_time(prefix, "last", report->prefix.last_ts);
    json_set(object, "valid_prefix", prefix);
    json_set_u64(object, "fault_count", report->fault_count);
    for (uint64_t i = 0; i < report->fault_count && i < TAPE_FAULTS_KEPT; i++) {
        const struct tape_fault *fault = &report->faults[i];
        json_t *entry = json_object();
        json_set_text(entry, "fault", names[fault->kind]);
        json_set_text(entry, "words", tape_fault_words(fault->kind));
        json_set_u64(entry, "offset", fault->offset);
        json_set_u64(entry, "bytes", fault->bytes);
        json_set_u64(entry, "block", fault->block);
        json_set(entry, "block_count",
                 fault->block_count == UINT64_MAX ? json_null() : json_integer((json_int_t)fault->block_count));
        json_set_u64(entry, "first_message", fault->first_message);
        json_set(entry, "message_count",
                 fault->message_count == UINT64_MAX ? json_null() : json_integer((json_int_t)fault->message_count));
        json_set_time(entry, "first", fault->first_ts);
        json_set_time(entry, "last", fault->last_ts == NS_MAX ? 0 : fault->last_ts);
        json_array_append_new(faults, entry);
    }
    json_set(object, "faults", faults);
    return object;
}

static err_t check_one(const char *path, json_t *list, uint64_t *faults, struct err_text *why)
{
    struct tape_check_report report;
    struct progress progress;
    progress_begin(&progress, "check", "levels", true);
    struct tape_check_options options = {show_progress, &progress, NULL};
    err_t err = tape_check(path, &options, &report, why);
    progress_end(&progress);
    if (err != ERR_OK)
        return err;
    *faults += report.fault_count;
    if (list != NULL)
        json_array_append_new(list, report_json(path, &report));
    else
        print_report(path, &report);
    return ERR_OK;
}

int tape_action_check(int argc, char **argv)
{
    bool json = false;
    const struct option_spec specs[] = {{.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &json}};
    struct err_text why = {0};
    uint64_t faults = 0;
    stop_signal_catch();
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 1, INT16_MAX, "FILE...", &why);
    json_t *list = json ? json_array() : NULL;
    for (int i = 1; i < argc && err == ERR_OK; i++)
        err = check_one(argv[i], list, &faults, &why);
    if (err == ERR_OK && json) {
        json_t *value = argc == 2 ? json_incref(json_array_get(list, 0)) : json_incref(list);
        err = err_say(&why, json_print(stdout, value, false), "standard output could not be written");
    }
    json_decref(list);
    if (err == ERR_INTERRUPTED)
        return stop_signal_exit_code();
    if (err != ERR_OK)
        return exit_with("tape check", &why);
    return faults == 0 ? EXIT_CODE_OK : EXIT_CODE_DIFFERENCE;
}

int tape_action_repair(int argc, char **argv)
{
    bool json = false, force = false;
    const char *out = NULL;
    const struct option_spec specs[] = {
        {.name = "out", .letter = 'o', .type = OPTION_TEXT, .target = &out, .value = "FILE"},
        {.name = "force", .type = OPTION_FLAG, .target = &force},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &json},
    };
    struct err_text why = {0};
    struct tape_check_report report;
    struct progress progress;
    stop_signal_catch();
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 1, 1, "one FILE", &why);
    if (err != ERR_OK)
        return exit_with("tape repair", &why);
    progress_begin(&progress, "repair", "levels", true);
    struct tape_edit_options options = {.progress = show_progress, .context = &progress, .replace = force};
    err = tape_repair(argv[1], out, &options, &report, &why);
    progress_end(&progress);
    if (err == ERR_INTERRUPTED)
        return stop_signal_exit_code();
    if (err != ERR_OK)
        return exit_with("tape repair", &why);
    if (json)
        return json_print(stdout, report_json(argv[1], &report), false) != ERR_OK ? EXIT_CODE_IO
               : report.fault_count == 0                                          ? EXIT_CODE_OK
                                                                                  : EXIT_CODE_DIFFERENCE;
    print_report(argv[1], &report);
    if (report.fault_count == 0) {
        puts("nothing to repair, nothing was written");
        return EXIT_CODE_OK;
    }
    if (out != NULL)
        printf("wrote %s\n", out);
    else
        printf("repaired in place; the damaged tape is %s.bak\n", argv[1]);
    return EXIT_CODE_DIFFERENCE;
}
