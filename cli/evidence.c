#include "cli/evidence.h"

#include "cli/crash_note.h"
#include "cli/hash_file.h"
#include "cli/run_dir.h"
#include "cli/run_inputs.h"
#include "cli/seal.h"
#include "data/tape_check.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST_MAX (16u << 20)

/* ---- the files of a directory ---- */

struct names {
    char **at;
    size_t count, capacity;
};

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->at[i]);
    free(names->at);
    *names = (struct names){0};
}

static err_t names_add(struct names *names, const char *name, struct err_text *why)
{
    if (names->count == names->capacity) {
        const size_t capacity = names->capacity * 2 + 16;
        char **grown = realloc(names->at, capacity * sizeof(*grown));
        if (grown == NULL)
            return err_say(why, ERR_NOMEM, "out of memory");
        names->at = grown;
        names->capacity = capacity;
    }
    names->at[names->count] = strdup(name);
    if (names->at[names->count] == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    names->count++;
    return ERR_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool ends_in(const char *name, const char *end)
{
    const size_t size = strlen(name), tail = strlen(end);
    return size >= tail && strcmp(name + size - tail, end) == 0;
}

/* Regular files, sorted by bytes; not the manifest. */
static err_t names_of(const char *dir, struct names *names, struct err_text *why)
{
    char path[PATH_SIZE];
    DIR *handle = opendir(dir);
    if (handle == NULL)
        return err_say(why, errno == EACCES ? ERR_PERMISSION : ERR_NOTFOUND, "%s: cannot open the directory: %s", dir,
                       strerror(errno));
    err_t err = ERR_OK;
    for (const struct dirent *entry; err == ERR_OK && (entry = readdir(handle)) != NULL;) {
        struct stat status;
        if (strcmp(entry->d_name, EVIDENCE_FILE) == 0 || ends_in(entry->d_name, ".tmp"))
            continue;
        if (!run_dir_path(path, dir, entry->d_name) || lstat(path, &status) != 0 || !S_ISREG(status.st_mode))
            continue;
        err = names_add(names, entry->d_name, why);
    }
    closedir(handle);
    if (err == ERR_OK && names->count != 0)
        qsort(names->at, names->count, sizeof(*names->at), by_name);
    return err;
}

/* ---- writing ---- */

static err_t list_files(const char *dir, json_t *list, struct err_text *why)
{
    struct names names = {0};
    char path[PATH_SIZE], hash[SHA256_TEXT_SIZE];
    err_t err = names_of(dir, &names, why);
    for (size_t i = 0; i < names.count && err == ERR_OK; i++) {
        uint64_t size;
        if (!run_dir_path(path, dir, names.at[i]))
            err = err_say(why, ERR_RANGE, "%s: too long", dir);
        if (err == ERR_OK)
            err = hash_file(path, true, hash, &size, why);
        if (err != ERR_OK)
            break;
        json_t *entry = json_object();
        json_set_text(entry, "name", names.at[i]);
        json_set_u64(entry, "size", size);
        json_set_text(entry, "sha256", hash);
        json_array_append_new(list, entry);
    }
    names_free(&names);
    return err;
}

err_t evidence_write(const char *dir, json_t *facts, struct err_text *why)
{
    char *text = NULL;
    json_t *files = json_array();
    err_t err = list_files(dir, files, why);
    json_set(facts, "files", files);
    if (err == ERR_OK)
        err = seal_text(facts, &text, why);
    if (err == ERR_OK)
        err = run_dir_write(dir, EVIDENCE_FILE, text, why);
    free(text);
    json_decref(facts);
    return err;
}

/* ---- reading ---- */

static err_t read_manifest(const char *dir, json_t **manifest, struct err_text *why)
{
    char path[PATH_SIZE];
    if (!run_dir_path(path, dir, EVIDENCE_FILE))
        return err_say(why, ERR_RANGE, "%s: too long", dir);
    return seal_read(path, MANIFEST_MAX, EVIDENCE_FORMAT, manifest, why);
}

err_t evidence_fault_add(struct evidence_report *report, enum evidence_fault_kind kind, const char *name,
                         const char *wanted, const char *got, struct err_text *why)
{
    struct evidence_fault *grown = realloc(report->faults, (report->fault_count + 1) * sizeof(*grown));
    if (grown != NULL)
        report->faults = grown;
    char *copy = strdup(name);
    if (grown == NULL || copy == NULL) {
        free(copy);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    struct evidence_fault *fault = &report->faults[report->fault_count++];
    *fault = (struct evidence_fault){.kind = kind, .name = copy};
    snprintf(fault->wanted, sizeof(fault->wanted), "%s", wanted);
    snprintf(fault->got, sizeof(fault->got), "%s", got);
    if (kind != EVIDENCE_FAULT_EXTRA && report->state == EVIDENCE_WHOLE)
        report->state = EVIDENCE_DIFFERS;
    return ERR_OK;
}

/* One file against its line of the manifest. */
static err_t compare(const char *dir, const char *name, const json_t *entry, struct evidence_report *report,
                     struct err_text *why)
{
    char path[PATH_SIZE], hash[SHA256_TEXT_SIZE], wanted_size[32], got_size[32];
    const char *wanted = json_string_value(json_object_get(entry, "sha256"));
    const json_t *bytes = json_object_get(entry, "size");
    struct err_text unread = {0};
    uint64_t size;
    if (wanted == NULL || !json_is_integer(bytes) || strchr(name, '/') != NULL)
        return err_say(why, ERR_CORRUPT, "%s/" EVIDENCE_FILE ": '%s' has no hash or no size", dir, name);
    if (!run_dir_path(path, dir, name))
        return err_say(why, ERR_RANGE, "%s: too long", dir);
    report->files++;
    const err_t err = hash_file(path, false, hash, &size, &unread);
    if (err == ERR_NOTFOUND)
        return evidence_fault_add(report, EVIDENCE_FAULT_MISSING, name, "", "", why);
    if (err != ERR_OK)
        return evidence_fault_add(report, EVIDENCE_FAULT_UNREADABLE, name, "", unread.text, why);
    if (size != (uint64_t)json_integer_value(bytes)) {
        snprintf(wanted_size, sizeof(wanted_size), "%lld bytes", (long long)json_integer_value(bytes));
        snprintf(got_size, sizeof(got_size), "%llu bytes", (unsigned long long)size);
        return evidence_fault_add(report, EVIDENCE_FAULT_SIZE, name, wanted_size, got_size, why);
    }
    return strcmp(hash, wanted) == 0 ? ERR_OK
                                     : evidence_fault_add(report, EVIDENCE_FAULT_CHANGED, name, wanted, hash, why);
}

static err_t compare_files(const char *dir, struct evidence_report *report, struct err_text *why)
{
    struct names names = {0};
    size_t i;
    const json_t *entry, *list = json_object_get(report->manifest, "files");
    err_t err = names_of(dir, &names, why);
    json_array_foreach(list, i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        if (err == ERR_OK && name == NULL)
            err = err_say(why, ERR_CORRUPT, "%s/" EVIDENCE_FILE ": files[%zu] has no name", dir, i);
        if (err != ERR_OK)
            break;
        char **known = names.count == 0 ? NULL : bsearch(&name, names.at, names.count, sizeof(*names.at), by_name);
        err = compare(dir, name, entry, report, why);
        if (known != NULL) { /* taken out, the rest stays sorted */
            free(*known);
            memmove(known, known + 1, (size_t)(names.at + names.count - known - 1) * sizeof(*known));
            names.count--;
        }
    }
    for (size_t left = 0; left < names.count && err == ERR_OK; left++)
        err = evidence_fault_add(report, EVIDENCE_FAULT_EXTRA, names.at[left], "", "", why);
    names_free(&names);
    return err;
}

/* A tape that was not closed has this hash all the same, and was read like that. */
static bool tape_is(const struct tape_check_report *found, const char *hash)
{
    for (uint64_t i = 0; i < found->fault_count && i < TAPE_FAULTS_KEPT; i++)
        if (found->faults[i].kind != TAPE_FAULT_UNCLOSED && found->faults[i].kind != TAPE_FAULT_TRUNCATED)
            return false;
    return strcmp(found->hash, hash) == 0;
}

/* Tapes that lie beside are named by the hash of their content. Each is read to its end. */
static err_t check_tapes(const char *dir, struct evidence_report *report, struct err_text *why)
{
    char folder[PATH_SIZE], path[PATH_SIZE], wanted[64];
    struct names names = {0};
    struct stat status;
    if (!run_dir_path(folder, dir, EVIDENCE_TAPES) || stat(folder, &status) != 0)
        return ERR_OK;
    err_t err = names_of(folder, &names, why);
    for (size_t i = 0; i < names.count && err == ERR_OK; i++) {
        struct tape_check_report found;
        struct err_text unread = {0};
        if (!ends_in(names.at[i], ".tape") || !run_dir_path(path, folder, names.at[i]))
            continue;
        snprintf(wanted, sizeof(wanted), "%.*s", (int)strlen(names.at[i]) - 5, names.at[i]);
        report->tapes++;
        const err_t read = tape_check(path, NULL, &found, &unread);
        const bool whole = read == ERR_OK && tape_is(&found, wanted);
        char name[PATH_SIZE];
        snprintf(name, sizeof(name), EVIDENCE_TAPES "/%.256s", names.at[i]);
        if (!whole)
            err = evidence_fault_add(report, EVIDENCE_FAULT_TAPE, name, wanted,
                                     read == ERR_OK ? found.hash : unread.text, why);
    }
    names_free(&names);
    return err;
}

/* The same for the other files that the run read. */
static err_t check_files(const char *dir, struct evidence_report *report, struct err_text *why)
{
    char folder[PATH_SIZE], path[PATH_SIZE], hash[SHA256_TEXT_SIZE], name[PATH_SIZE];
    struct names names = {0};
    struct stat status;
    uint64_t size;
    if (!run_dir_path(folder, dir, RUN_INPUTS_FOLDER) || stat(folder, &status) != 0)
        return ERR_OK;
    err_t err = names_of(folder, &names, why);
    for (size_t i = 0; i < names.count && err == ERR_OK; i++) {
        struct err_text unread = {0};
        if (!run_dir_path(path, folder, names.at[i]))
            continue;
        report->inputs++;
        const err_t read = hash_file(path, false, hash, &size, &unread);
        snprintf(name, sizeof(name), RUN_INPUTS_FOLDER "/%.256s", names.at[i]);
        if (read != ERR_OK)
            err = evidence_fault_add(report, EVIDENCE_FAULT_UNREADABLE, name, "", unread.text, why);
        else if (strncmp(names.at[i], hash, SHA256_TEXT_SIZE - 1) != 0)
            err = evidence_fault_add(report, EVIDENCE_FAULT_FILE, name, "", hash, why);
    }
    names_free(&names);
    return err;
}

static void read_crash(const char *dir, struct evidence_report *report)
{
    char path[PATH_SIZE], *text;
    size_t size;
    if (!run_dir_path(path, dir, CRASH_NOTE_FILE) ||
        seal_read_text(path, sizeof(report->crash) - 1, &text, &size, NULL) != ERR_OK)
        return;
    report->state = EVIDENCE_CRASHED;
    memcpy(report->crash, text, size);
    free(text);
}

err_t evidence_check(const char *dir, struct evidence_report *report, struct err_text *why)
{
    char path[PATH_SIZE];
    *report = (struct evidence_report){.state = EVIDENCE_UNENDED};
    if (run_dir_path(path, dir, EVIDENCE_FILE) && access(path, F_OK) != 0) {
        if (!run_dir_path(path, dir, "config.yaml") || access(path, F_OK) != 0)
            return err_say(why, ERR_NOTFOUND, "%s: has neither " EVIDENCE_FILE " nor config.yaml: not a run", dir);
        read_crash(dir, report);
        err_t err = evidence_check_unended(dir, report, why);
        if (err == ERR_OK)
            err = check_files(dir, report, why);
        return err == ERR_OK ? check_tapes(dir, report, why) : err;
    }
    report->state = EVIDENCE_WHOLE;
    err_t err = read_manifest(dir, &report->manifest, why);
    if (err == ERR_OK)
        err = compare_files(dir, report, why);
    if (err == ERR_OK)
        err = check_files(dir, report, why);
    if (err == ERR_OK)
        err = check_tapes(dir, report, why);
    return err;
}

void evidence_report_free(struct evidence_report *report)
{
    for (size_t i = 0; i < report->fault_count; i++)
        free(report->faults[i].name);
    free(report->faults);
    json_decref(report->manifest);
    json_decref(report->start);
    *report = (struct evidence_report){0};
}

const char *evidence_fault_words(enum evidence_fault_kind kind)
{
    static const char *const words[] = {
#define EVIDENCE_FAULT_TEXT(name, text) text,
        EVIDENCE_FAULT_MAP(EVIDENCE_FAULT_TEXT)
#undef EVIDENCE_FAULT_TEXT
    };
    return (unsigned)kind < EVIDENCE_FAULT_COUNT ? words[kind] : "?";
}
