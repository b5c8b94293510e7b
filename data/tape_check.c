/* How: one pass from seal to seal with plain reads. Where a seal is not valid, the file is searched for the next
 * four magic bytes that begin one; what lies between is the fault, and its cost is known from the seal found:
 * seals carry running numbers. */
#include "data/tape_check.h"

#include "data/tape_block.h"
#include "data/tape_codec.h"
#include "data/tape_header.h"
#include "data/tape_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct checker {
    int fd;
    const char *path;
    const struct tape_check_options *options;
    struct tape_check_report *report;
    struct err_text *why;
    struct tape_header header;
    struct tape_decompressor *decompressor;
    struct tape_decoder *decoder;
    struct tape_decoded decoded;
    uint8_t *frame, *raw;
    size_t frame_capacity, raw_capacity;
    struct tape_index own; /* when the caller wants none */
    struct tape_index *index;

    /* what the next block must say */
    uint64_t offset, number, message;
    struct tape_hash previous;
    ns_t last_ts;
    bool broken; /* a fault was seen: the prefix does not grow any more */
};

bool tape_fault_is_of_a_cut(enum tape_fault_kind kind)
{
    return kind == TAPE_FAULT_TRUNCATED || kind == TAPE_FAULT_UNCLOSED || kind == TAPE_FAULT_INDEX ||
           kind == TAPE_FAULT_TRAILER;
}

const char *tape_fault_words(enum tape_fault_kind kind)
{
    static const char *const words[] = {
#define TAPE_FAULT_WORDS(name, text) text,
        TAPE_FAULT_MAP(TAPE_FAULT_WORDS)
#undef TAPE_FAULT_WORDS
    };
    return (unsigned)kind < TAPE_FAULT_COUNT ? words[kind] : "?";
}

static err_t say_io(struct checker *checker, uint64_t offset)
{
    return err_say(checker->why, ERR_IO, "%s: cannot read at byte %llu: %s", checker->path,
                   (unsigned long long)offset, strerror(errno));
}

/* All of `size` bytes; the caller knows that the file holds them. */
static err_t read_at(struct checker *checker, void *bytes, size_t size, uint64_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(checker->fd, (uint8_t *)bytes + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            errno = got == 0 ? EIO : errno; /* the file shrank while it was read */
            return say_io(checker, offset + done);
        }
        done += (size_t)got;
    }
    return ERR_OK;
}

static err_t reserve(struct checker *checker, uint8_t **memory, size_t *capacity, size_t size)
{
    if (*capacity >= size)
        return ERR_OK;
    uint8_t *grown = realloc(*memory, size + size / 4);
    if (grown == NULL)
        return err_say(checker->why, ERR_NOMEM, "%s: no memory for a block of %zu bytes", checker->path, size);
    *memory = grown;
    *capacity = size + size / 4;
    return ERR_OK;
}

static uint64_t bytes_left(const struct checker *checker)
{
    return checker->report->file_bytes - checker->offset;
}

static void add_fault(struct checker *checker, const struct tape_fault *fault)
{
    struct tape_check_report *report = checker->report;
    if (report->fault_count < TAPE_FAULTS_KEPT)
        report->faults[report->fault_count] = *fault;
    report->fault_count++;
    checker->broken = true;
}

/* A fault from here on, of which no seal says what it cost. */
static struct tape_fault fault_here(const struct checker *checker, enum tape_fault_kind kind, uint64_t bytes)
{
    return (struct tape_fault){.kind = kind,
                               .offset = checker->offset,
                               .bytes = bytes,
                               .block = checker->number,
                               .block_count = UINT64_MAX,
                               .first_message = checker->message,
                               .message_count = UINT64_MAX,
                               .first_ts = checker->last_ts,
                               .last_ts = NS_MAX};
}

static void add_fault_to_end(struct checker *checker, enum tape_fault_kind kind)
{
    struct tape_fault fault = fault_here(checker, kind, bytes_left(checker));
    if (kind == TAPE_FAULT_UNCLOSED || kind == TAPE_FAULT_INDEX || kind == TAPE_FAULT_TRAILER)
        fault.block_count = fault.message_count = 0;
    add_fault(checker, &fault);
}

static void add_fault_of_block(struct checker *checker, enum tape_fault_kind kind, const struct tape_seal *seal)
{
    struct tape_fault fault = {.kind = kind,
                               .offset = checker->offset,
                               .bytes = TAPE_SEAL_SIZE + (uint64_t)seal->frame_size,
                               .block = seal->number,
                               .block_count = 1,
                               .first_message = seal->first_message,
                               .message_count = seal->messages,
                               .first_ts = seal->first_ts,
                               .last_ts = seal->last_ts};
    if (kind == TAPE_FAULT_TRUNCATED)
        fault.bytes = bytes_left(checker);
    add_fault(checker, &fault);
}

/* Step over a block that is good or whose seal says how long it is. */
static void step_over(struct checker *checker, const struct tape_seal *seal)
{
    checker->offset += TAPE_SEAL_SIZE + (uint64_t)seal->frame_size;
    checker->number = seal->number + 1;
    checker->message = seal->first_message + seal->messages;
    checker->previous = seal->hash;
    checker->last_ts = seal->last_ts;
}

/* ---- the search for the next seal ---- */

static err_t find_seal(struct checker *checker, uint64_t *found, struct tape_seal *seal)
{
    uint8_t window[65536 + TAPE_MAGIC_SIZE];
    uint64_t size = checker->report->file_bytes;
    for (uint64_t at = checker->offset + 1; at + TAPE_SEAL_SIZE <= size; at += sizeof(window) - TAPE_MAGIC_SIZE) {
        size_t room = size - at < sizeof(window) ? (size_t)(size - at) : sizeof(window);
        err_t err = read_at(checker, window, room, at);
        if (err != ERR_OK)
            return err;
        const uint8_t *end = window + room;
        for (const uint8_t *hit = window; (hit = memchr(hit, tape_magic[0], (size_t)(end - hit))) != NULL; hit++) {
            if ((size_t)(end - hit) < TAPE_MAGIC_SIZE || memcmp(hit, tape_magic, TAPE_MAGIC_SIZE) != 0)
                continue;
            uint8_t bytes[TAPE_SEAL_SIZE];
            uint64_t candidate = at + (uint64_t)(hit - window);
            if (candidate + TAPE_SEAL_SIZE > size)
                break;
            if ((err = read_at(checker, bytes, sizeof(bytes), candidate)) != ERR_OK)
                return err;
            if (tape_seal_read(bytes, seal) == ERR_OK && seal->type != TAPE_FRAME_HEADER) {
                *found = candidate;
                return ERR_OK;
            }
        }
    }
    return ERR_NOTFOUND;
}

/* What lies between here and the next valid seal is lost. ERR_END: there is none. */
static err_t skip_damage(struct checker *checker)
{
    uint64_t found;
    struct tape_seal seal;
    err_t err = find_seal(checker, &found, &seal);
    if (err == ERR_NOTFOUND) {
        add_fault_to_end(checker, TAPE_FAULT_SEAL);
        return ERR_END;
    }
    if (err != ERR_OK)
        return err;
    struct tape_fault fault = fault_here(checker, TAPE_FAULT_SEAL, found - checker->offset);
    if (seal.type == TAPE_FRAME_BLOCK && seal.number >= checker->number) {
        fault.block_count = seal.number - checker->number;
        fault.message_count = seal.first_message - checker->message;
        fault.last_ts = seal.first_ts;
        checker->number = seal.number;
        checker->message = seal.first_message;
    }
    add_fault(checker, &fault);
    checker->offset = found;
    checker->previous = seal.previous; /* taken on trust: the damage was reported */
    return ERR_OK;
}

/* ---- one block, the end ---- */

/* ERR_CORRUPT when the frame's checksum fails; other codes are final. */
static err_t read_frame(struct checker *checker, const struct tape_seal *seal)
{
    err_t err = reserve(checker, &checker->frame, &checker->frame_capacity, seal->frame_size);
    if (err == ERR_OK)
        err = reserve(checker, &checker->raw, &checker->raw_capacity, (size_t)seal->raw_size + TAPE_STREAM_SLACK);
    if (err == ERR_OK)
        err = read_at(checker, checker->frame, seal->frame_size, checker->offset + TAPE_SEAL_SIZE);
    if (err != ERR_OK)
        return err;
    err = tape_decompress(checker->decompressor, seal, checker->frame, checker->raw);
    memset(checker->raw + seal->raw_size, 0, TAPE_STREAM_SLACK);
    return err;
}

static bool seal_continues(const struct checker *checker, const struct tape_seal *seal)
{
    return tape_hash_equal(&seal->previous, &checker->previous) && seal->number == checker->number &&
           seal->first_message == checker->message && seal->messages != 0 && seal->last_ts >= seal->first_ts &&
           (seal->number == 0 || seal->first_ts >= checker->last_ts);
}

/* The block decodes, its stamps never fall and are those of its seal. */
static err_t check_content(struct checker *checker, const struct tape_seal *seal)
{
    err_t err = tape_decode(checker->decoder, checker->raw, seal->raw_size, seal->messages, seal->levels, NULL, 0,
                            &checker->decoded);
    if (err != ERR_OK)
        return err;
    const struct event *events = checker->decoded.events;
    if (events[0].ts != seal->first_ts || events[seal->messages - 1].ts != seal->last_ts)
        return ERR_CORRUPT;
    for (uint32_t i = 1; i < seal->messages; i++) {
        if (events[i].ts < events[i - 1].ts)
            return ERR_CORRUPT;
    }
    return ERR_OK;
}

static err_t count_good(struct checker *checker, const struct tape_seal *seal)
{
    struct tape_check_report *report = checker->report;
    if (report->blocks++ == 0)
        report->first_ts = seal->first_ts;
    report->last_ts = seal->last_ts;
    report->messages += seal->messages;
    report->levels += seal->levels;
    if (checker->broken)
        return ERR_OK;
    report->prefix.bytes = checker->offset + TAPE_SEAL_SIZE + seal->frame_size;
    report->prefix.blocks = report->blocks;
    report->prefix.messages = report->messages;
    report->prefix.levels = report->levels;
    report->prefix.first_ts = report->first_ts;
    report->prefix.last_ts = report->last_ts;
    memcpy(report->prefix.chain, seal->hash.bytes, sizeof(report->prefix.chain));
    tape_hash_text(&seal->hash, report->hash);
    struct tape_index_entry entry = {checker->offset, seal->number, seal->first_message, seal->first_ts};
    return tape_index_add(checker->index, &entry);
}

static err_t check_block(struct checker *checker, const struct tape_seal *seal)
{
    if (TAPE_SEAL_SIZE + (uint64_t)seal->frame_size > bytes_left(checker)) {
        add_fault_of_block(checker, TAPE_FAULT_TRUNCATED, seal);
        return ERR_END;
    }
    err_t err = read_frame(checker, seal);
    if (err != ERR_OK && err != ERR_CORRUPT)
        return err;
    if (err == ERR_CORRUPT) {
        add_fault_of_block(checker, TAPE_FAULT_FRAME, seal);
    } else if (!seal_continues(checker, seal)) {
        add_fault_of_block(checker, TAPE_FAULT_CHAIN, seal);
    } else if ((err = check_content(checker, seal)) != ERR_OK) {
        if (err == ERR_NOMEM)
            return err_say(checker->why, err, "%s: no memory for a block", checker->path);
        add_fault_of_block(checker, TAPE_FAULT_CONTENT, seal);
    } else if (count_good(checker, seal) != ERR_OK) {
        return err_say(checker->why, ERR_NOMEM, "%s: no memory for the index", checker->path);
    }
    step_over(checker, seal);
    return ERR_OK;
}

/* The index names the blocks that were found, and nothing else. */
static bool index_agrees(const struct checker *checker, const struct tape_seal *seal)
{
    struct tape_index written;
    tape_index_init(&written);
    if (tape_index_unpack(checker->raw, seal->raw_size, &written) != ERR_OK)
        return false;
    const struct tape_index *found = checker->index;
    bool same = written.count == found->count && written.stride == found->stride;
    for (uint32_t i = 0; same && i < written.count; i++) {
        const struct tape_index_entry *a = &written.entries[i], *b = &found->entries[i];
        same = a->offset == b->offset && a->number == b->number && a->first_message == b->first_message &&
               a->first_ts == b->first_ts;
    }
    tape_index_free(&written);
    return same;
}

static err_t check_trailer(struct checker *checker, const struct tape_seal *seal)
{
    const struct tape_check_report *report = checker->report;
    uint64_t index_offset = checker->offset;
    uint8_t bytes[TAPE_TRAILER_SIZE];
    struct tape_trailer trailer;
    checker->offset += TAPE_SEAL_SIZE + (uint64_t)seal->frame_size;
    bool right = bytes_left(checker) == TAPE_TRAILER_SIZE;
    if (right) {
        err_t err = read_at(checker, bytes, sizeof(bytes), checker->offset);
        if (err != ERR_OK)
            return err;
        right = tape_trailer_read(bytes, &trailer) == ERR_OK && trailer.index_offset == index_offset;
    }
    /* After damage the sums cannot agree; that was reported. */
    if (right && !checker->broken)
        right = trailer.blocks == report->blocks && trailer.messages == report->messages &&
                trailer.levels == report->levels && trailer.first_ts == report->first_ts &&
                trailer.last_ts == report->last_ts && tape_hash_equal(&trailer.chain, &checker->previous);
    if (!right)
        add_fault_to_end(checker, TAPE_FAULT_TRAILER);
    return right ? ERR_OK : ERR_CORRUPT;
}

static err_t check_end(struct checker *checker, const struct tape_seal *seal)
{
    bool clean = !checker->broken;
    if (TAPE_SEAL_SIZE + (uint64_t)seal->frame_size > bytes_left(checker)) {
        add_fault_to_end(checker, TAPE_FAULT_INDEX);
        return ERR_END;
    }
    err_t err = read_frame(checker, seal);
    if (err != ERR_OK && err != ERR_CORRUPT)
        return err;
    bool chained = tape_hash_equal(&seal->previous, &checker->previous);
    if (err == ERR_CORRUPT || (clean && (!chained || !index_agrees(checker, seal))))
        add_fault_to_end(checker, TAPE_FAULT_INDEX);
    err = check_trailer(checker, seal);
    if (err != ERR_OK && err != ERR_CORRUPT)
        return err;
    checker->report->closed = !checker->broken;
    return ERR_END;
}

/* ERR_END: the end of the file was reached. */
static err_t check_next(struct checker *checker)
{
    uint8_t bytes[TAPE_SEAL_SIZE];
    struct tape_seal seal;
    if (bytes_left(checker) < TAPE_SEAL_SIZE) {
        add_fault_to_end(checker, bytes_left(checker) == 0 ? TAPE_FAULT_UNCLOSED : TAPE_FAULT_SEAL);
        return ERR_END;
    }
    err_t err = read_at(checker, bytes, sizeof(bytes), checker->offset);
    if (err != ERR_OK)
        return err;
    if (tape_seal_read(bytes, &seal) != ERR_OK || seal.type == TAPE_FRAME_HEADER)
        return skip_damage(checker);
    return seal.type == TAPE_FRAME_INDEX ? check_end(checker, &seal) : check_block(checker, &seal);
}

/* ---- the beginning ---- */

static err_t open_file(struct checker *checker)
{
    struct stat status;
    checker->fd = open(checker->path, O_RDONLY | O_CLOEXEC);
    if (checker->fd < 0 || fstat(checker->fd, &status) != 0)
        return err_say(checker->why,
                       errno == ENOENT   ? ERR_NOTFOUND
                       : errno == EACCES ? ERR_PERMISSION
                                         : ERR_IO,
                       "%s: cannot open the tape: %s", checker->path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return err_say(checker->why, ERR_UNSUPPORTED, "%s: not a regular file", checker->path);
    checker->report->file_bytes = (uint64_t)status.st_size;
    posix_fadvise(checker->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return ERR_OK;
}

/* ERR_CORRUPT with a sentence: not a tape. A tape whose header is damaged is a fault, and nothing can be read. */
static err_t check_header(struct checker *checker)
{
    uint8_t bytes[TAPE_SEAL_SIZE] = {0};
    struct tape_seal seal;
    uint64_t size = checker->report->file_bytes;
    if (size == 0)
        return err_say(checker->why, ERR_TRUNCATED, "%s: the file is empty, not a tape", checker->path);
    err_t err = read_at(checker, bytes, size < sizeof(bytes) ? (size_t)size : sizeof(bytes), 0);
    if (err != ERR_OK)
        return err;
    if (memcmp(bytes, tape_magic, TAPE_MAGIC_SIZE) != 0)
        return err_say(checker->why, ERR_CORRUPT, "%s: not a tape: it does not begin with a seal", checker->path);
    err = size < sizeof(bytes) ? ERR_CORRUPT : tape_seal_read(bytes, &seal);
    if (err == ERR_VERSION)
        return err_say(checker->why, err, "%s: a tape of another format version; this program reads version %u",
                       checker->path, TAPE_VERSION);
    bool whole =
        err == ERR_OK && seal.type == TAPE_FRAME_HEADER && TAPE_SEAL_SIZE + (uint64_t)seal.frame_size <= size;
    if (whole) {
        err = read_frame(checker, &seal);
        if (err != ERR_OK && err != ERR_CORRUPT)
            return err;
        whole = err == ERR_OK && tape_header_unpack(checker->raw, seal.raw_size, &checker->header, NULL) == ERR_OK;
    }
    if (!whole) {
        add_fault_to_end(checker, TAPE_FAULT_HEADER);
        return ERR_END;
    }
    checker->offset = checker->report->prefix.bytes = TAPE_SEAL_SIZE + (uint64_t)seal.frame_size;
    checker->previous = seal.hash;
    memcpy(checker->report->prefix.chain, seal.hash.bytes, sizeof(checker->report->prefix.chain));
    tape_hash_text(&seal.hash, checker->report->hash);
    if (tape_decoder_open(&checker->decoder, checker->header.instrument_count) != ERR_OK)
        return err_say(checker->why, ERR_NOMEM, "%s: out of memory", checker->path);
    return ERR_OK;
}

static err_t check_all(struct checker *checker)
{
    const struct tape_check_options *options = checker->options;
    err_t err = open_file(checker);
    if (err == ERR_OK && tape_decompressor_open(&checker->decompressor) != ERR_OK)
        err = err_say(checker->why, ERR_NOMEM, "%s: out of memory", checker->path);
    if (err == ERR_OK)
        err = check_header(checker);
    while (err == ERR_OK) {
        err = check_next(checker);
        if (err == ERR_OK && options->progress != NULL &&
            !options->progress(options->context, checker->offset, checker->report->file_bytes,
                               checker->report->levels, checker->last_ts))
            return err_say(checker->why, ERR_INTERRUPTED, "%s: interrupted at byte %llu", checker->path,
                           (unsigned long long)checker->offset);
    }
    return err == ERR_END ? ERR_OK : err;
}

err_t tape_check(const char *path, const struct tape_check_options *options, struct tape_check_report *report,
                 struct err_text *why)
{
    static const struct tape_check_options none;
    struct checker checker = {
        .fd = -1, .path = path, .options = options != NULL ? options : &none, .report = report, .why = why};
    memset(report, 0, sizeof(*report));
    tape_index_init(&checker.own);
    checker.index = options != NULL && options->index != NULL ? options->index : &checker.own;
    err_t err = check_all(&checker);
    if (checker.fd >= 0)
        close(checker.fd);
    tape_index_free(&checker.own);
    tape_decompressor_close(checker.decompressor);
    tape_decoder_close(checker.decoder);
    tape_decoded_free(&checker.decoded);
    tape_header_free(&checker.header);
    free(checker.frame);
    free(checker.raw);
    return err;
}
