/* How: the file is never mapped, resident memory must not grow with the tape: a seal is one pread, its frame another,
 * both into memory that is used again. Without a trailer the seals are walked once at the opening, to say what the
 * tape holds; they stand far apart, so that costs little. */
#include "data/tape_file.h"

#include "data/tape_index.h"
#include "data/tape_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes read, less than `size` only at the end of the file; -1: errno. */
static ssize_t read_at(const struct tape_file *file, void *bytes, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(file->fd, (uint8_t *)bytes + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static err_t reserve(uint8_t **memory, size_t *capacity, size_t size)
{
    if (*capacity >= size)
        return ERR_OK;
    size_t wanted = size + size / 4;
    uint8_t *grown = realloc(*memory, wanted);
    if (grown == NULL)
        return ERR_NOMEM;
    *memory = grown;
    *capacity = wanted;
    return ERR_OK;
}

/* Read and check one seal. ERR_TRUNCATED: the file ends here or in the middle of it. */
static err_t read_seal(const struct tape_file *file, uint64_t offset, struct tape_seal *seal, struct err_text *why)
{
    uint8_t bytes[TAPE_SEAL_SIZE];
    ssize_t got = read_at(file, bytes, sizeof(bytes), offset);
    if (got < 0)
        return err_say(why, ERR_IO, "%s: cannot read at byte %llu: %s", file->path, (unsigned long long)offset,
                       strerror(errno));
    if (got < (ssize_t)sizeof(bytes))
        return err_say(why, ERR_TRUNCATED,
                       "%s: the tape ends at byte %llu without an index: it was not closed (a crash, or a recording "
                       "still going on); everything before is whole; `tapedeck tape repair` closes it",
                       file->path, (unsigned long long)(offset + (uint64_t)got));
    err_t err = tape_seal_read(bytes, seal);
    if (err == ERR_VERSION)
        return err_say(why, err, "%s: the tape is of format version %u; this program reads version %u", file->path,
                       bytes[17], TAPE_VERSION);
    if (err != ERR_OK)
        return err_say(why, err, "%s: damaged at byte %llu: no valid seal; run `tapedeck tape check`", file->path,
                       (unsigned long long)offset);
    return ERR_OK;
}

/* Read, check and decompress the frame of a seal into file->raw. */
static err_t read_frame(struct tape_file *file, uint64_t seal_offset, const struct tape_seal *seal,
                        struct err_text *why)
{
    err_t err = reserve(&file->frame, &file->frame_capacity, seal->frame_size);
    if (err == ERR_OK)
        err = reserve(&file->raw, &file->raw_capacity, (size_t)seal->raw_size + TAPE_STREAM_SLACK);
    if (err != ERR_OK)
        return err_say(why, err, "%s: no memory for a block of %u bytes", file->path, seal->raw_size);
    const uint64_t t0 = tape_file_clock_ns();
    ssize_t got = read_at(file, file->frame, seal->frame_size, seal_offset + TAPE_SEAL_SIZE);
    if (got < 0)
        return err_say(why, ERR_IO, "%s: cannot read at byte %llu: %s", file->path,
                       (unsigned long long)(seal_offset + TAPE_SEAL_SIZE), strerror(errno));
    if (got < (ssize_t)seal->frame_size)
        return err_say(why, ERR_TRUNCATED,
                       "%s: the tape ends inside block %llu, at byte %llu; everything before the block is whole; "
                       "`tapedeck tape repair` closes it",
                       file->path, (unsigned long long)seal->number,
                       (unsigned long long)(seal_offset + TAPE_SEAL_SIZE + (uint64_t)got));
    const uint64_t t1 = tape_file_clock_ns();
    err = tape_decompress(file->decompressor, seal, file->frame, file->raw);
    const uint64_t t2 = tape_file_clock_ns();
    file->read_ns += t1 - t0;
    file->zstd_ns += t2 - t1;
    file->compressed_bytes += seal->frame_size + TAPE_SEAL_SIZE;
    file->raw_bytes += seal->raw_size;
    if (err != ERR_OK)
        return err_say(why, err,
                       "%s: block %llu (messages %llu to %llu, byte %llu) is damaged: its checksum does not match; "
                       "run `tapedeck tape check`",
                       file->path, (unsigned long long)seal->number, (unsigned long long)seal->first_message,
                       (unsigned long long)(seal->first_message + seal->messages - (seal->messages != 0)),
                       (unsigned long long)seal_offset);
    memset(file->raw + seal->raw_size, 0, TAPE_STREAM_SLACK);
    return ERR_OK;
}

/* ---- block after block ---- */

/* Does `seal` continue the chain? */
static err_t check_chain(const struct tape_file *file, const struct tape_seal *seal, struct err_text *why)
{
    if (!tape_hash_equal(&seal->previous, &file->previous))
        return err_say(why, ERR_CORRUPT,
                       "%s: the block at byte %llu does not follow the one before it (the chain is broken); run "
                       "`tapedeck tape check`",
                       file->path, (unsigned long long)file->offset);
    if (seal->type == TAPE_FRAME_BLOCK &&
        (seal->number != file->number || seal->first_message != file->message || seal->messages == 0 ||
         seal->last_ts < seal->first_ts || (seal->number != 0 && seal->first_ts < file->last_ts)))
        return err_say(why, ERR_CORRUPT, "%s: the seal of block %llu at byte %llu contradicts the blocks before it",
                       file->path, (unsigned long long)seal->number, (unsigned long long)file->offset);
    return ERR_OK;
}

/* The index and the trailer are the rest of the file, and agree with what was read. */
static err_t check_end(struct tape_file *file, const struct tape_seal *seal, struct err_text *why)
{
    err_t err = read_frame(file, file->offset, seal, why);
    if (err != ERR_OK)
        return err;
    uint8_t bytes[TAPE_TRAILER_SIZE + 1];
    struct tape_trailer trailer;
    ssize_t got = read_at(file, bytes, sizeof(bytes), file->offset + TAPE_SEAL_SIZE + seal->frame_size);
    if (got >= 0 && got < TAPE_TRAILER_SIZE)
        return err_say(why, ERR_TRUNCATED, "%s: the tape ends inside its index; `tapedeck tape repair` closes it",
                       file->path);
    if (got != TAPE_TRAILER_SIZE || tape_trailer_read(bytes, &trailer) != ERR_OK ||
        trailer.index_offset != file->offset || trailer.blocks != file->number || trailer.messages != file->message ||
        !tape_hash_equal(&trailer.chain, &file->previous))
        return err_say(why, ERR_CORRUPT, "%s: the trailer is damaged or bytes follow it; run `tapedeck tape check`",
                       file->path);
    return ERR_OK;
}

err_t tape_file_next(struct tape_file *file, struct tape_seal *seal, struct err_text *why)
{
    err_t err = read_seal(file, file->offset, seal, why);
    if (err == ERR_OK)
        err = check_chain(file, seal, why);
    if (err != ERR_OK)
        return err;
    if (seal->type == TAPE_FRAME_INDEX) {
        err = check_end(file, seal, why);
        return err == ERR_OK ? ERR_END : err;
    }
    if (seal->type != TAPE_FRAME_BLOCK)
        return err_say(why, ERR_CORRUPT, "%s: a second header at byte %llu", file->path,
                       (unsigned long long)file->offset);
    return read_frame(file, file->offset, seal, why);
}

void tape_file_step(struct tape_file *file, const struct tape_seal *seal)
{
    file->offset += TAPE_SEAL_SIZE + seal->frame_size;
    file->number++;
    file->message += seal->messages;
    file->previous = seal->hash;
    file->last_ts = seal->last_ts;
}

void tape_file_rewind(struct tape_file *file)
{
    file->offset = file->data_offset;
    file->number = file->message = 0;
    file->previous = file->header_hash;
    file->last_ts = 0;
}

/* ---- seeking ---- */

static const struct tape_index_entry *index_entry(struct tape_file *file, struct tape_index *index, bool by_ts,
                                                  int64_t target)
{
    struct tape_seal seal;
    if (!file->indexed || read_seal(file, file->trailer.index_offset, &seal, NULL) != ERR_OK ||
        seal.type != TAPE_FRAME_INDEX || read_frame(file, file->trailer.index_offset, &seal, NULL) != ERR_OK ||
        tape_index_unpack(file->raw, seal.raw_size, index) != ERR_OK)
        return NULL;
    return by_ts ? tape_index_by_ts(index, target) : tape_index_by_message(index, (uint64_t)target);
}

/* Walk seals from the best known block before the target to the block that holds it. */
err_t tape_file_seek(struct tape_file *file, bool by_ts, int64_t target, struct err_text *why)
{
    tape_file_rewind(file);
    struct tape_index index;
    tape_index_init(&index);
    const struct tape_index_entry *entry = index_entry(file, &index, by_ts, target);
    uint64_t offset = entry != NULL ? entry->offset : file->data_offset;
    bool first = true;
    err_t err;
    for (;;) {
        struct tape_seal seal;
        err = read_seal(file, offset, &seal, why);
        if (err == ERR_OK && seal.type == TAPE_FRAME_INDEX)
            err = ERR_END;
        if (err != ERR_OK)
            break;
        if (!first && !tape_hash_equal(&seal.previous, &file->previous)) {
            err = err_say(why, ERR_CORRUPT, "%s: the chain is broken at byte %llu; run `tapedeck tape check`",
                          file->path, (unsigned long long)offset);
            break;
        }
        bool here = by_ts ? seal.last_ts >= target : seal.first_message + seal.messages > (uint64_t)target;
        /* What the block must say to be accepted by tape_file_next(): its own words, as its seal is whole. */
        file->offset = offset;
        file->number = seal.number;
        file->message = seal.first_message;
        file->previous = seal.previous;
        file->last_ts = seal.first_ts;
        if (here)
            break;
        file->previous = seal.hash;
        offset += TAPE_SEAL_SIZE + seal.frame_size;
        first = false;
    }
    tape_index_free(&index);
    return err;
}

/* ---- opening ---- */

static err_t open_header(struct tape_file *file, struct err_text *why)
{
    uint8_t first[TAPE_SEAL_SIZE];
    ssize_t got = read_at(file, first, sizeof(first), 0);
    if (got < 0)
        return err_say(why, ERR_IO, "%s: cannot read: %s", file->path, strerror(errno));
    if (got == 0)
        return err_say(why, ERR_TRUNCATED, "%s: the file is empty, not a tape", file->path);
    if (memcmp(first, tape_magic, got < TAPE_MAGIC_SIZE ? (size_t)got : TAPE_MAGIC_SIZE) != 0)
        return err_say(why, ERR_CORRUPT,
                       "%s: not a tape: it does not begin with a seal (captures are made into tapes by `tapedeck "
                       "import`)",
                       file->path);
    struct tape_seal seal;
    err_t err = read_seal(file, 0, &seal, why);
    if (err != ERR_OK)
        return err;
    if (seal.type != TAPE_FRAME_HEADER)
        return err_say(why, ERR_CORRUPT, "%s: the tape does not begin with its header", file->path);
    err = read_frame(file, 0, &seal, why);
    if (err != ERR_OK)
        return err;
    struct err_text inner;
    err_clear(&inner);
    err = tape_header_unpack(file->raw, seal.raw_size, &file->header, &inner);
    if (err != ERR_OK)
        return err_say(why, err, "%s: %s", file->path, inner.text);
    file->data_offset = TAPE_SEAL_SIZE + seal.frame_size;
    file->header_hash = seal.hash;
    return ERR_OK;
}

/* The trailer of a closed tape, or what the seals of an unclosed one say. */
static void open_summary(struct tape_file *file)
{
    uint8_t bytes[TAPE_TRAILER_SIZE];
    struct tape_trailer *trailer = &file->trailer;
    if (file->size_bytes >= TAPE_TRAILER_SIZE &&
        read_at(file, bytes, sizeof(bytes), file->size_bytes - TAPE_TRAILER_SIZE) == TAPE_TRAILER_SIZE &&
        tape_trailer_read(bytes, trailer) == ERR_OK) {
        file->indexed = true;
        return;
    }
    memset(trailer, 0, sizeof(*trailer));
    trailer->chain = file->header_hash;
    uint64_t offset = file->data_offset;
    struct tape_seal seal;
    while (read_seal(file, offset, &seal, NULL) == ERR_OK && seal.type == TAPE_FRAME_BLOCK &&
           tape_hash_equal(&seal.previous, &trailer->chain) &&
           offset + TAPE_SEAL_SIZE + seal.frame_size <= file->size_bytes) {
        if (trailer->blocks == 0)
            trailer->first_ts = seal.first_ts;
        trailer->last_ts = seal.last_ts;
        trailer->blocks++;
        trailer->messages += seal.messages;
        trailer->levels += seal.levels;
        trailer->chain = seal.hash;
        offset += TAPE_SEAL_SIZE + seal.frame_size;
    }
}

static err_t open_file(struct tape_file *file, struct err_text *why)
{
    struct stat status;
    file->fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0 || fstat(file->fd, &status) != 0)
        return err_say(why,
                       errno == ENOENT   ? ERR_NOTFOUND
                       : errno == EACCES ? ERR_PERMISSION
                                         : ERR_IO,
                       "%s: cannot open the tape: %s", file->path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return err_say(why, ERR_UNSUPPORTED, "%s: not a regular file", file->path);
    file->size_bytes = (uint64_t)status.st_size;
    return ERR_OK;
}

err_t tape_file_open(struct tape_file *file, const char *path, struct err_text *why)
{
    *file = (struct tape_file){.fd = -1, .path = strdup(path)};
    err_t err = file->path == NULL ? err_say(why, ERR_NOMEM, "no memory for a tape reader") : open_file(file, why);
    if (err == ERR_OK && tape_decompressor_open(&file->decompressor) != ERR_OK)
        err = err_say(why, ERR_NOMEM, "no memory for a tape reader");
    if (err == ERR_OK)
        err = open_header(file, why);
    if (err != ERR_OK) {
        tape_file_close(file);
        return err;
    }
    open_summary(file);
    tape_file_rewind(file);
    posix_fadvise(file->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return ERR_OK;
}

void tape_file_close(struct tape_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    tape_decompressor_close(file->decompressor);
    tape_header_free(&file->header);
    free(file->frame);
    free(file->raw);
    free(file->path);
    *file = (struct tape_file){.fd = -1};
}
