/* How: the prefix is copied byte for byte, so that its blocks, their hashes and the chain stay what they were; only
 * the index and the trailer are made anew. */
#include "data/tape_edit.h"

#include "data/tape_block.h"
#include "data/tape_result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct copy {
    int from, to;
    const char *path, *out;
    struct err_text *why;
};

static err_t write_all(struct copy *copy, const uint8_t *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t wrote = write(copy->to, bytes + done, size - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return err_say(copy->why, tape_errno(errno), "%s: cannot write: %s", copy->out, strerror(errno));
        done += (size_t)wrote;
    }
    return ERR_OK;
}

static err_t copy_prefix(struct copy *copy, uint64_t size)
{
    uint8_t bytes[65536];
    while (size > 0) {
        ssize_t got = read(copy->from, bytes, size < sizeof(bytes) ? (size_t)size : sizeof(bytes));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_say(copy->why, ERR_IO, "%s: cannot read: %s", copy->path,
                           got == 0 ? "the file became shorter" : strerror(errno));
        err_t err = write_all(copy, bytes, (size_t)got);
        if (err != ERR_OK)
            return err;
        size -= (uint64_t)got;
    }
    return ERR_OK;
}

static err_t write_end(struct copy *copy, const struct tape_index *index, const struct tape_check_report *report)
{
    struct tape_compressor *compressor;
    struct packed packed = {0};
    const uint8_t *bytes;
    size_t size;
    uint8_t trailer_bytes[TAPE_TRAILER_SIZE];
    struct tape_seal seal = {.type = TAPE_FRAME_INDEX};
    struct tape_trailer trailer = {.index_offset = report->prefix.bytes,
                                   .blocks = report->prefix.blocks,
                                   .messages = report->prefix.messages,
                                   .levels = report->prefix.levels,
                                   .first_ts = report->prefix.first_ts,
                                   .last_ts = report->prefix.last_ts};
    memcpy(seal.previous.bytes, report->prefix.chain, sizeof(seal.previous.bytes));
    trailer.chain = seal.previous;
    err_t err = tape_compressor_open(&compressor, 0);
    if (err != ERR_OK)
        return err_say(copy->why, err, "%s: out of memory", copy->out);
    tape_index_pack(index, &packed);
    err = packed.failed ? ERR_NOMEM : tape_compress(compressor, packed.bytes, packed.size, &seal, &bytes, &size);
    if (err == ERR_OK)
        err = write_all(copy, bytes, size);
    tape_trailer_write(&trailer, trailer_bytes);
    if (err == ERR_OK)
        err = write_all(copy, trailer_bytes, sizeof(trailer_bytes));
    packed_free(&packed);
    tape_compressor_close(compressor);
    return err == ERR_OK ? ERR_OK
                         : err_say(copy->why, err, "%s: cannot write the index: %s", copy->out, err_words(err));
}

static err_t write_repaired(const char *path, const char *temporary, const struct tape_index *index,
                            const struct tape_check_report *report, struct err_text *why)
{
    struct copy copy = {
        .from = open(path, O_RDONLY | O_CLOEXEC), .to = -1, .path = path, .out = temporary, .why = why};
    if (copy.from < 0)
        return err_say(why, tape_errno(errno), "%s: cannot open: %s", path, strerror(errno));
    copy.to = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    err_t err = ERR_OK;
    if (copy.to < 0)
        err = err_say(why, tape_errno(errno), "%s: cannot create: %s", temporary, strerror(errno));
    if (err == ERR_OK)
        err = copy_prefix(&copy, report->prefix.bytes);
    if (err == ERR_OK)
        err = write_end(&copy, index, report);
    if (err == ERR_OK && fsync(copy.to) != 0)
        err = err_say(why, tape_errno(errno), "%s: cannot sync: %s", temporary, strerror(errno));
    close(copy.from);
    if (copy.to >= 0 && close(copy.to) != 0 && err == ERR_OK)
        err = err_say(why, tape_errno(errno), "%s: cannot close: %s", temporary, strerror(errno));
    return err;
}

/* The damaged tape steps aside only when its repaired copy is whole and on disk. */
static err_t set_aside(const char *path, struct err_text *why)
{
    char *backup = tape_path_join(path, ".bak");
    if (backup == NULL)
        return err_say(why, ERR_NOMEM, "%s: out of memory", path);
    err_t err = ERR_OK;
    /* link() and not rename(): it fails when the name is taken, and `path` never goes missing in between. */
    if (link(path, backup) != 0)
        err = err_say(why, tape_errno(errno), "%s: cannot keep the damaged tape as %s: %s", path, backup,
                      strerror(errno));
    free(backup);
    return err;
}

err_t tape_repair(const char *path, const char *out, const struct tape_edit_options *options,
                  struct tape_check_report *report, struct err_text *why)
{
    struct tape_index index;
    struct tape_result result;
    tape_index_init(&index);
    struct tape_check_options check = {options->progress, options->context, &index};
    err_t err = tape_check(path, &check, report, why);
    if (err != ERR_OK || report->fault_count == 0) {
        tape_index_free(&index);
        return err;
    }
    if (report->prefix.bytes == 0)
        err = err_say(why, ERR_CORRUPT, "%s: the header is damaged: there is no valid prefix to keep", path);
    if (err == ERR_OK)
        err = tape_result_begin(&result, out != NULL ? out : path, out == NULL || options->replace, why);
    if (err == ERR_OK) {
        err = write_repaired(path, result.temporary, &index, report, why);
        if (err == ERR_OK && out == NULL)
            err = set_aside(path, why);
        err = tape_result_end(&result, err, why);
    }
    tape_index_free(&index);
    return err;
}
