#include "cli/snapshot.h"

#include "cli/hash_file.h"
#include "cli/version.h"
#include "data/zst_file.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC     "TDSNAP01"
#define LAST_PAGE UINT32_MAX
#define FILES_MAX 256

/* Zeroed before it is filled: its padding is hashed too. */
struct header {
    char magic[8];
    struct snapshot_key key;
    uint64_t inputs;
    ns_t now;
    struct digest_value digest;
    uint32_t block_count, lane_count;
    uint64_t sizes[STAGE_BLOCKS_MAX];
};

struct lane_place {
    char tape[40]; /* hash; empty: a made market */
    struct feed_mark mark;
};

struct page_head {
    uint32_t block, page; /* block LAST_PAGE: the end, `page` is how many there were */
};

err_t snapshot_key_of(struct snapshot_key *key, const struct run_config *config, struct err_text *why)
{
    memset(key, 0, sizeof(*key));
    snprintf(key->build_id, sizeof(key->build_id), "%s", cli_build_id());
    snprintf(key->config_hash, sizeof(key->config_hash), "%s", config->hash);
    uint64_t size;
    _Static_assert(SHA256_TEXT_SIZE <= sizeof(key->plugin), "room for it");
    return config->strategy_source.plugin == NULL
               ? ERR_OK
               : hash_file(config->strategy_source.plugin, false, key->plugin, &size, why);
}

static void fill_header(struct header *header, const struct snapshot_key *key, const struct stage *stage,
                        const struct stage_image *image)
{
    memset(header, 0, sizeof(*header));
    memcpy(header->magic, MAGIC, sizeof(header->magic));
    header->key = *key;
    header->inputs = engine_counters(stage->engine)->inputs;
    header->now = engine_now(stage->engine);
    header->digest = engine_digest(stage->engine);
    header->block_count = image->block_count;
    header->lane_count = stage->lane_count;
    for (uint32_t i = 0; i < image->block_count; i++)
        header->sizes[i] = image->blocks[i].size;
}

/* ---- writing ---- */

struct writing {
    struct zst_writer *writer;
    struct digest *digest;
};

static err_t put(const struct writing *file, const void *bytes, size_t size, struct err_text *why)
{
    digest_bytes(file->digest, bytes, size);
    return zst_writer_put(file->writer, bytes, size, why);
}

static err_t put_lanes(const struct writing *file, const struct stage *stage, const struct feed_mark *marks,
                       struct err_text *why)
{
    err_t err = ERR_OK;
    for (uint16_t i = 0; i < stage->lane_count && err == ERR_OK; i++) {
        struct lane_place lane;
        memset(&lane, 0, sizeof(lane));
        memcpy(lane.tape, stage->tapes[i].hash, sizeof(stage->tapes[i].hash));
        lane.mark = marks[i];
        err = put(file, &lane, sizeof(lane), why);
    }
    return err;
}

static err_t put_pages(const struct writing *file, const struct stage_image *fresh, const struct stage_image *now,
                       struct err_text *why)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < now->block_count; i++)
        for (uint32_t page = 0; page < now->blocks[i].page_count; page++) {
            const uint8_t *first = stage_image_read(fresh, i, page), *last = stage_image_read(now, i, page);
            if (first == last || memcmp(first, last, STAGE_PAGE) == 0)
                continue;
            const struct page_head head = {i, page};
            err_t err = put(file, &head, sizeof(head), why);
            if (err == ERR_OK)
                err = put(file, first, STAGE_PAGE, why);
            if (err == ERR_OK)
                err = put(file, last, STAGE_PAGE, why);
            if (err != ERR_OK)
                return err;
            count++;
        }
    const struct page_head end = {LAST_PAGE, count};
    return put(file, &end, sizeof(end), why);
}

static err_t put_all(struct zst_writer *writer, const struct snapshot_key *key, const struct stage *stage,
                     const struct stage_image *fresh, const struct stage_image *now, const struct feed_mark *marks,
                     struct err_text *why)
{
    struct digest digest;
    struct header header;
    const struct writing file = {writer, &digest};
    digest_init(&digest, 0);
    fill_header(&header, key, stage, now);
    err_t err = put(&file, &header, sizeof(header), why);
    if (err == ERR_OK)
        err = put_lanes(&file, stage, marks, why);
    if (err == ERR_OK)
        err = put_pages(&file, fresh, now, why);
    const struct digest_value seal = digest_value(&digest);
    return err != ERR_OK ? err : zst_writer_put(writer, &seal, sizeof(seal), why);
}

static err_t name_in(char path[PATH_SIZE], const char *folder, const struct stage *stage, struct err_text *why)
{
    char name[64];
    snprintf(name, sizeof(name), "%012" PRIu64 "-%" PRId64 ".snap", engine_counters(stage->engine)->inputs,
             engine_now(stage->engine));
    if (!run_dir_path(path, folder, name))
        return err_say(why, ERR_RANGE, "%s: too long", folder);
    return access(path, F_OK) == 0 ? ERR_EXISTS : ERR_OK;
}

err_t snapshot_write(const char *folder, const struct snapshot_key *key, struct stage *stage,
                     const struct stage_image *fresh, struct err_text *why)
{
    char path[PATH_SIZE];
    err_t err = name_in(path, folder, stage, why);
    if (err != ERR_OK)
        return err;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return err_say(why, errno == EACCES || errno == EROFS ? ERR_PERMISSION : ERR_IO, "%s: cannot be made: %s",
                       folder, strerror(errno));
    struct feed_mark *marks = calloc(stage->lane_count, sizeof(*marks));
    struct stage_image *now = NULL;
    struct zst_writer *writer = NULL;
    err = marks == NULL ? err_say(why, ERR_NOMEM, "out of memory") : stage_settle(stage);
    if (err == ERR_OK)
        err = stage_marks(stage, marks);
    if (err == ERR_OK)
        err = stage_image_take(&now, stage, why);
    size_t offset;
    if (err == ERR_OK && stage_image_strategy_address(fresh, now, &offset))
        err =
            err_say(why, ERR_UNSUPPORTED,
                    "the strategy keeps an address in its memory (at byte %zu) that it put there after its start: no "
                    "snapshot can be kept of it (docs/strategy.md)",
                    offset);
    if (err == ERR_OK)
        err = zst_writer_open_fast(&writer, path, why);
    if (err == ERR_OK) {
        err = put_all(writer, key, stage, fresh, now, marks, why);
        if (err == ERR_OK)
            err = zst_writer_close(writer, why);
        else
            zst_writer_abandon(writer);
    }
    stage_image_free(now);
    free(marks);
    return err;
}

/* ---- reading ---- */

struct reading {
    struct zst_reader *reader;
    struct digest digest;
    const char *path;
};

static err_t get(struct reading *file, void *bytes, size_t size, struct err_text *why)
{
    size_t got = 0;
    err_t err = zst_reader_get(file->reader, bytes, size, &got, why);
    if (err != ERR_OK)
        return err;
    if (got != size)
        return err_say(why, ERR_TRUNCATED, "%s: is cut short", file->path);
    digest_bytes(&file->digest, bytes, size);
    return ERR_OK;
}

static err_t check_header(const struct reading *file, const struct header *header, const struct snapshot_key *key,
                          const struct stage *stage, const struct stage_image *fresh, struct err_text *why)
{
    if (memcmp(header->magic, MAGIC, sizeof(header->magic)) != 0)
        return err_say(why, ERR_VERSION, "%s: is no snapshot, or one of another version", file->path);
    if (memcmp(header->key.build_id, key->build_id, sizeof(key->build_id)) != 0)
        return err_say(why, ERR_VERSION, "%s: was made by another build (%.16s)", file->path, header->key.build_id);
    if (memcmp(header->key.config_hash, key->config_hash, sizeof(key->config_hash)) != 0 ||
        memcmp(header->key.plugin, key->plugin, sizeof(key->plugin)) != 0)
        return err_say(why, ERR_MISMATCH, "%s: is of another config or another plug-in", file->path);
    bool same = header->block_count == fresh->block_count && header->lane_count == stage->lane_count;
    for (uint32_t i = 0; i < fresh->block_count && same; i++)
        same = header->sizes[i] == fresh->blocks[i].size;
    return same ? ERR_OK : err_say(why, ERR_STATE, "%s: its state has another shape", file->path);
}

static err_t get_lanes(struct reading *file, const struct stage *stage, struct feed_mark *marks, struct err_text *why)
{
    for (uint16_t i = 0; i < stage->lane_count; i++) {
        struct lane_place lane;
        err_t err = get(file, &lane, sizeof(lane), why);
        if (err != ERR_OK)
            return err;
        if (strncmp(lane.tape, stage->tapes[i].hash, sizeof(stage->tapes[i].hash)) != 0)
            return err_say(why, ERR_MISMATCH, "%s: is of another tape", file->path);
        marks[i] = lane.mark;
    }
    return ERR_OK;
}

static err_t get_pages(struct reading *file, struct stage_image *first, struct stage_image *then,
                       struct err_text *why)
{
    for (uint32_t count = 0;; count++) {
        struct page_head head;
        err_t err = get(file, &head, sizeof(head), why);
        if (err != ERR_OK)
            return err;
        if (head.block == LAST_PAGE)
            return head.page == count ? ERR_OK : err_say(why, ERR_CORRUPT, "%s: pages are missing", file->path);
        if (head.block >= then->block_count || head.page >= then->blocks[head.block].page_count)
            return err_say(why, ERR_CORRUPT, "%s: has a page that cannot be", file->path);
        uint8_t *a = stage_image_page(first, head.block, head.page);
        uint8_t *b = stage_image_page(then, head.block, head.page);
        if (a == NULL || b == NULL)
            return err_say(why, ERR_NOMEM, "out of memory");
        err = get(file, a, STAGE_PAGE, why);
        if (err == ERR_OK)
            err = get(file, b, STAGE_PAGE, why);
        if (err != ERR_OK)
            return err;
    }
}

static err_t check_seal(struct reading *file, struct err_text *why)
{
    const struct digest_value wanted = digest_value(&file->digest);
    struct digest_value seal = {0};
    uint8_t beyond;
    size_t got = 0;
    err_t err = get(file, &seal, sizeof(seal), why);
    if (err == ERR_OK) /* the frame's own checksum is seen at its end */
        err = zst_reader_get(file->reader, &beyond, 1, &got, why);
    if (err == ERR_OK && (got != 0 || seal.low != wanted.low || seal.high != wanted.high))
        err = err_say(why, ERR_CORRUPT, "%s: is damaged: its seal does not hold", file->path);
    return err;
}

struct content {
    struct header header;
    struct stage_image *first, *then;
    struct feed_mark *marks;
};

static err_t get_all(struct reading *file, const struct snapshot_key *key, const struct stage *stage,
                     const struct stage_image *fresh, struct content *content, struct err_text *why)
{
    err_t err = get(file, &content->header, sizeof(content->header), why);
    if (err == ERR_OK)
        err = check_header(file, &content->header, key, stage, fresh, why);
    content->marks = calloc(stage->lane_count, sizeof(*content->marks));
    if (err == ERR_OK && content->marks == NULL)
        err = err_say(why, ERR_NOMEM, "out of memory");
    if (err == ERR_OK)
        err = get_lanes(file, stage, content->marks, why);
    if (err == ERR_OK)
        err = stage_image_new(&content->first, stage, why);
    if (err == ERR_OK)
        err = stage_image_new(&content->then, stage, why);
    if (err == ERR_OK)
        err = get_pages(file, content->first, content->then, why);
    return err != ERR_OK ? err : check_seal(file, why);
}

/* Pages that the file does not have are as they were at the start. */
static err_t put_there(struct stage *stage, const struct stage_image *fresh, const struct content *content,
                       bool *spoilt, struct err_text *why)
{
    const struct stage_place place = {content->first, content->then, content->marks};
    err_t err = stage_put(stage, fresh, &place, why);
    *spoilt = err != ERR_OK && err != ERR_STATE;
    if (err != ERR_OK)
        return err;
    const struct digest_value digest = engine_digest(stage->engine);
    if (digest.low == content->header.digest.low && digest.high == content->header.digest.high)
        return ERR_OK;
    *spoilt = true;
    return err_say(why, ERR_MISMATCH, "the digest is not that of the run");
}

err_t snapshot_read(const char *path, const struct snapshot_key *key, struct stage *stage,
                    const struct stage_image *fresh, bool *spoilt, struct err_text *why)
{
    struct reading file = {.path = path};
    struct content content;
    memset(&content, 0, sizeof(content));
    *spoilt = false;
    digest_init(&file.digest, 0);
    err_t err = zst_reader_open(&file.reader, path, why);
    if (err != ERR_OK)
        return err;
    err = get_all(&file, key, stage, fresh, &content, why);
    if (err == ERR_OK)
        err = put_there(stage, fresh, &content, spoilt, why);
    zst_reader_close(file.reader);
    stage_image_free(content.first);
    stage_image_free(content.then);
    free(content.marks);
    return err;
}

/* ---- finding ---- */

bool snapshot_find(const char *folder, uint64_t inputs, ns_t ts, struct snapshot_name *found)
{
    DIR *handle = opendir(folder);
    bool any = false;
    if (handle == NULL)
        return false;
    for (const struct dirent *entry; (entry = readdir(handle)) != NULL;) {
        uint64_t number;
        ns_t now;
        int end = 0;
        if (sscanf(entry->d_name, "%" SCNu64 "-%" SCNd64 ".snap%n", &number, &now, &end) != 2 || end == 0 ||
            entry->d_name[end] != '\0' || number > inputs || now > ts || (any && number <= found->inputs) ||
            !run_dir_path(found->path, folder, entry->d_name))
            continue;
        found->inputs = number;
        found->ts = now;
        any = true;
    }
    closedir(handle);
    return any;
}

/* ---- not too many ---- */

static int by_inputs(const void *a, const void *b)
{
    const struct snapshot_name *one = a, *two = b;
    return one->inputs < two->inputs ? -1 : one->inputs > two->inputs;
}

bool snapshot_thin_out(const char *folder)
{
    struct snapshot_name *names = calloc(FILES_MAX, sizeof(*names));
    uint32_t count = 0;
    uint64_t below = UINT64_MAX;
    while (names != NULL && count < FILES_MAX && snapshot_find(folder, below, NS_MAX, &names[count])) {
        if (names[count].inputs == 0)
            break;
        below = names[count++].inputs - 1;
    }
    if (count == FILES_MAX) {
        qsort(names, count, sizeof(*names), by_inputs);
        for (uint32_t i = 0; i < count; i += 2)
            (void)unlink(names[i].path);
    }
    free(names);
    return count == FILES_MAX;
}
