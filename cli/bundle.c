/* How unpacking stays inside its directory: of a name only NAME/file, NAME/tapes/file and NAME/files/file are taken,
 * and no part of it may begin with a point. Anything else in an archive is refused, not skipped. */
#include "cli/bundle.h"

#include "cli/evidence.h"
#include "cli/run_dir.h"
#include "cli/run_inputs.h"
#include "data/tar.h"
#include "data/zst_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (128 * 1024)

/* What goes in: where it lies, and its name. */
struct item {
    char *path, *name;
};
struct items {
    struct item *at;
    size_t count;
};

static void items_free(struct items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        free(items->at[i].path);
        free(items->at[i].name);
    }
    free(items->at);
}

static err_t items_add(struct items *items, const char *path, const char *name, struct err_text *why)
{
    struct item *grown = realloc(items->at, (items->count + 1) * sizeof(*grown));
    if (grown != NULL)
        items->at = grown;
    const struct item item = {strdup(path), strdup(name)};
    if (grown == NULL || item.path == NULL || item.name == NULL) {
        free(item.path);
        free(item.name);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    items->at[items->count++] = item;
    return ERR_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

static bool is_taken(const char *name)
{
    const size_t size = strlen(name);
    return name[0] != '.' && (size < 4 || strcmp(name + size - 4, ".tmp") != 0);
}

/* The regular files of a folder, as PREFIX/file. */
static err_t add_folder(struct items *items, const char *folder, const char *prefix, struct err_text *why)
{
    char path[PATH_SIZE], name[PATH_SIZE];
    DIR *handle = opendir(folder);
    if (handle == NULL)
        return err_say(why, ERR_NOTFOUND, "%s: cannot open the directory: %s", folder, strerror(errno));
    err_t err = ERR_OK;
    for (const struct dirent *entry; err == ERR_OK && (entry = readdir(handle)) != NULL;) {
        struct stat status;
        if (!is_taken(entry->d_name) || !run_dir_path(path, folder, entry->d_name) || lstat(path, &status) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        err = run_dir_path(name, prefix, entry->d_name) ? items_add(items, path, name, why)
                                                        : err_say(why, ERR_RANGE, "%s: too long", path);
    }
    closedir(handle);
    return err;
}

static bool has_name(const struct items *items, const char *name)
{
    for (size_t i = 0; i < items->count; i++)
        if (strcmp(items->at[i].name, name) == 0)
            return true;
    return false;
}

static const char *const folders[] = {EVIDENCE_TAPES, RUN_INPUTS_FOLDER};

/* What lies in the run's folders already (it came out of a bundle), then what is asked for; each once. */
static err_t add_extras(struct items *items, const char *dir, const char *run, const struct bundle_extra *extras,
                        size_t count, struct err_text *why)
{
    char folder[PATH_SIZE], prefix[PATH_SIZE], name[PATH_SIZE];
    struct stat status;
    err_t err = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(folders) && err == ERR_OK; i++) {
        if (!run_dir_path(folder, dir, folders[i]) || !run_dir_path(prefix, run, folders[i]))
            err = err_say(why, ERR_RANGE, "%s: too long", dir);
        else if (stat(folder, &status) == 0 && S_ISDIR(status.st_mode))
            err = add_folder(items, folder, prefix, why);
    }
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (!run_dir_path(prefix, run, extras[i].folder) || !run_dir_path(name, prefix, extras[i].name))
            err = err_say(why, ERR_RANGE, "%s: too long", dir);
        else if (!has_name(items, name))
            err = items_add(items, extras[i].path, name, why);
    }
    return err;
}

/* ---- packing ---- */

static err_t put_content(struct zst_writer *writer, FILE *file, const struct item *item, uint64_t size,
                         struct err_text *why)
{
    static const uint8_t zeros[TAR_BLOCK];
    char *chunk = malloc(CHUNK);
    err_t err = chunk != NULL ? ERR_OK : err_say(why, ERR_NOMEM, "out of memory");
    for (uint64_t left = size; left != 0 && err == ERR_OK;) {
        const size_t wanted = left < CHUNK ? (size_t)left : CHUNK;
        errno = 0;
        if (fread(chunk, 1, wanted, file) != wanted)
            err = err_say(why, ERR_IO, "%s: %s", item->path,
                          ferror(file) != 0 ? strerror(errno) : "became shorter while it was read");
        if (err == ERR_OK)
            err = zst_writer_put(writer, chunk, wanted, why);
        left -= wanted;
    }
    free(chunk);
    return err == ERR_OK ? zst_writer_put(writer, zeros, tar_padding(size), why) : err;
}

static err_t put_item(struct zst_writer *writer, const struct item *item, struct bundle_sums *sums,
                      struct err_text *why)
{
    struct tar_entry entry = {.size = 0};
    uint8_t header[TAR_BLOCK];
    struct stat status;
    FILE *file = fopen(item->path, "rb");
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        err_t err = err_say(why, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, "%s: cannot be read: %s", item->path,
                            strerror(errno));
        if (file != NULL)
            fclose(file);
        return err;
    }
    entry.size = (uint64_t)status.st_size;
    const bool fits = (size_t)snprintf(entry.name, sizeof(entry.name), "%s", item->name) < sizeof(entry.name);
    err_t err = fits ? tar_header_write(&entry, header) : ERR_RANGE;
    if (err != ERR_OK)
        err = err_say(why, err, "%s: its name does not fit an archive", item->name);
    if (err == ERR_OK)
        err = zst_writer_put(writer, header, sizeof(header), why);
    if (err == ERR_OK)
        err = put_content(writer, file, item, entry.size, why);
    fclose(file);
    sums->files++;
    sums->bytes += entry.size;
    return err;
}

/* The last part of the path that a user sees: "." has one too. */
static err_t name_of(const char *dir, char name[TAR_NAME_SIZE], struct err_text *why)
{
    char *real = realpath(dir, NULL);
    if (real == NULL)
        return err_say(why, ERR_NOTFOUND, "%s: %s", dir, strerror(errno));
    const char *last = strrchr(real, '/') + 1;
    while (*last == '.')
        last++;
    snprintf(name, 100, "%s", last[0] != '\0' ? last : "run");
    free(real);
    return ERR_OK;
}

static err_t write_items(const struct items *items, const char *out, struct bundle_sums *sums, struct err_text *why)
{
    static const uint8_t end[2 * TAR_BLOCK];
    struct zst_writer *writer = NULL;
    err_t err = zst_writer_open(&writer, out, why);
    if (err != ERR_OK)
        return err;
    for (size_t i = 0; i < items->count && err == ERR_OK; i++)
        err = put_item(writer, &items->at[i], sums, why);
    if (err == ERR_OK)
        err = zst_writer_put(writer, end, sizeof(end), why);
    if (err == ERR_OK)
        return zst_writer_close(writer, why);
    zst_writer_abandon(writer);
    return err;
}

err_t bundle_write(const char *dir, const struct bundle_extra *extras, size_t extra_count, const char *out,
                   struct bundle_sums *sums, struct err_text *why)
{
    struct items items = {0};
    char run[TAR_NAME_SIZE];
    *sums = (struct bundle_sums){0};
    err_t err = name_of(dir, run, why);
    if (err == ERR_OK)
        err = add_folder(&items, dir, run, why);
    if (err == ERR_OK)
        err = add_extras(&items, dir, run, extras, extra_count, why);
    if (err == ERR_OK) {
        qsort(items.at, items.count, sizeof(*items.at), by_name);
        err = write_items(&items, out, sums, why);
    }
    items_free(&items);
    return err;
}

/* ---- unpacking ---- */

/* NAME/file or NAME/FOLDER/file to what comes after NAME/; NULL: neither. `folder`: the part between, NULL: none. */
static const char *inner_name(const char *name, const char **folder)
{
    const char *inner = strchr(name, '/');
    if (inner == NULL || inner == name || *name == '.')
        return NULL;
    inner++;
    const char *file = inner;
    *folder = NULL;
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        const size_t size = strlen(folders[i]);
        if (strncmp(inner, folders[i], size) != 0 || inner[size] != '/')
            continue;
        *folder = folders[i];
        file += size + 1;
    }
    return *file == '\0' || *file == '.' || strchr(file, '/') != NULL ? NULL : inner;
}

static err_t get_exactly(struct zst_reader *reader, const char *bundle, void *bytes, size_t size,
                         struct err_text *why)
{
    size_t got = 0;
    err_t err = zst_reader_get(reader, bytes, size, &got, why);
    if (err == ERR_OK && got != size)
        err = err_say(why, ERR_TRUNCATED, "%s: the archive is cut short", bundle);
    return err;
}

static err_t get_content(struct zst_reader *reader, const char *bundle, FILE *file, const char *path, uint64_t size,
                         struct err_text *why)
{
    uint8_t padding[TAR_BLOCK];
    char *chunk = malloc(CHUNK);
    err_t err = chunk != NULL ? ERR_OK : err_say(why, ERR_NOMEM, "out of memory");
    for (uint64_t left = size; left != 0 && err == ERR_OK;) {
        const size_t wanted = left < CHUNK ? (size_t)left : CHUNK;
        err = get_exactly(reader, bundle, chunk, wanted, why);
        errno = 0;
        if (err == ERR_OK && fwrite(chunk, 1, wanted, file) != wanted)
            err = err_say(why, errno == ENOSPC ? ERR_NOSPACE : ERR_IO, "%s: cannot write: %s", path, strerror(errno));
        left -= wanted;
    }
    free(chunk);
    return err == ERR_OK ? get_exactly(reader, bundle, padding, tar_padding(size), why) : err;
}

static err_t get_item(struct zst_reader *reader, const char *bundle, const struct tar_entry *entry, const char *dir,
                      struct err_text *why)
{
    char path[PATH_SIZE], folder[PATH_SIZE];
    const char *inside;
    const char *inner = inner_name(entry->name, &inside);
    if (inner == NULL)
        return err_say(why, ERR_CORRUPT, "%s: is not a bundle of tapedeck: it holds '%s'", bundle, entry->name);
    if (!run_dir_path(path, dir, inner) || !run_dir_path(folder, dir, inside != NULL ? inside : ""))
        return err_say(why, ERR_RANGE, "%s: too long", dir);
    if (inside != NULL && mkdir(folder, 0777) != 0 && errno != EEXIST)
        return err_say(why, ERR_IO, "%s: cannot make the directory: %s", folder, strerror(errno));
    FILE *file = fopen(path, "wbx");
    if (file == NULL)
        return err_say(why, errno == EEXIST ? ERR_CORRUPT : ERR_IO, "%s: cannot create: %s", path, strerror(errno));
    err_t err = get_content(reader, bundle, file, path, entry->size, why);
    if (fclose(file) != 0 && err == ERR_OK)
        err = err_say(why, errno == ENOSPC ? ERR_NOSPACE : ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    return err;
}

static err_t get_items(struct zst_reader *reader, const char *bundle, const char *dir, struct bundle_sums *sums,
                       struct err_text *why)
{
    uint8_t header[TAR_BLOCK], rest[TAR_BLOCK];
    for (;;) {
        struct tar_entry entry;
        err_t err = get_exactly(reader, bundle, header, sizeof(header), why);
        if (err != ERR_OK)
            return err;
        err = tar_header_read(header, &entry);
        if (err == ERR_END)
            break;
        if (err != ERR_OK)
            return err_say(why, ERR_CORRUPT, "%s: is not a bundle of tapedeck: %s", bundle,
                           err == ERR_UNSUPPORTED ? "it holds more than files" : "no tar header where one is due");
        if ((err = get_item(reader, bundle, &entry, dir, why)) != ERR_OK)
            return err;
        sums->files++;
        sums->bytes += entry.size;
    }
    for (size_t got = 1; got != 0;) { /* to the end: the checksum of it all is there */
        err_t err = zst_reader_get(reader, rest, sizeof(rest), &got, why);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

err_t bundle_extract(const char *bundle, const char *dir, struct bundle_sums *sums, struct err_text *why)
{
    struct zst_reader *reader = NULL;
    char *made = NULL;
    *sums = (struct bundle_sums){0};
    err_t err = zst_reader_open(&reader, bundle, why);
    if (err != ERR_OK)
        return err;
    err = run_dir_use(dir, false, &made, why);
    free(made);
    if (err == ERR_OK)
        err = get_items(reader, bundle, dir, sums, why);
    zst_reader_close(reader);
    return err;
}
