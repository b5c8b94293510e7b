/* How: seals first, which are 128 bytes a block, and then the messages of the block that is not the same. */
#include "data/tape_compare.h"

#include "core/order.h"
#include "data/packed.h"
#include "data/tape_body.h"
#include "data/tape_file.h"
#include "data/tape_reader.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t payload_size(const struct event *event)
{
    if (event_has_levels(event->kind))
        return ((size_t)event->bid_count + event->ask_count) * sizeof(struct level);
    return event->kind == EVENT_EXECUTION ? sizeof(struct execution) : event_body_size((enum event_kind)event->kind);
}

/* What bodies say: spare bytes in them are no part of it. */
static bool bodies_same(const struct event *a, const struct event *b)
{
    struct packed left = {0}, right = {0};
    tape_body_pack(&left, a);
    tape_body_pack(&right, b);
    const bool same =
        !left.failed && !right.failed && left.size == right.size && memcmp(left.bytes, right.bytes, left.size) == 0;
    packed_free(&left);
    packed_free(&right);
    return same;
}

bool tape_event_same(const struct event *a, const struct event *b)
{
    if (a->ts != b->ts || a->exch_ts != b->exch_ts || a->seq != b->seq || a->seq_first != b->seq_first ||
        a->seq_prev != b->seq_prev || a->kind != b->kind || a->flags != b->flags || a->instrument != b->instrument)
        return false;
    if (event_has_levels(a->kind) && (a->bid_count != b->bid_count || a->ask_count != b->ask_count))
        return false;
    const size_t size = payload_size(a);
    if (size == 0)
        return true;
    if (a->body == NULL || b->body == NULL)
        return a->body == b->body;
    return memcmp(a->body, b->body, size) == 0 || (!event_has_levels(a->kind) && bodies_same(a, b));
}

err_t tape_message_keep(struct tape_message *message, const struct event *event)
{
    const size_t size = event->body != NULL ? payload_size(event) : 0;
    void *copy = size != 0 ? malloc(size) : NULL;
    if (size != 0 && copy == NULL)
        return ERR_NOMEM;
    tape_message_free(message);
    *message = (struct tape_message){.known = true, .event = *event, .owned = copy};
    if (size != 0)
        memcpy(copy, event->body, size);
    message->event.body = copy;
    return ERR_OK;
}

void tape_message_free(struct tape_message *message)
{
    free(message->owned);
    *message = (struct tape_message){0};
}

void tape_difference_free(struct tape_difference *difference)
{
    tape_message_free(&difference->a);
    tape_message_free(&difference->b);
}

/* ---- seals ---- */

/* Is everything before the block that holds `message` the same? Then also how much that is. */
static err_t same_before(struct tape_file *a, struct tape_file *b, uint64_t message, bool *same, uint64_t *upto,
                         struct err_text *why)
{
    err_t err = tape_file_seek(a, false, (int64_t)message, why);
    if (err == ERR_OK)
        err = tape_file_seek(b, false, (int64_t)message, why);
    if (err != ERR_OK)
        return err;
    *same = a->message == b->message && tape_hash_equal(&a->previous, &b->previous);
    *upto = a->message;
    return ERR_OK;
}

static err_t bisect(struct tape_file *a, struct tape_file *b, uint64_t *upto, struct err_text *why)
{
    uint64_t left = 0;
    uint64_t right = a->trailer.messages < b->trailer.messages ? a->trailer.messages : b->trailer.messages;
    while (left < right) {
        const uint64_t middle = left + (right - left) / 2;
        uint64_t before;
        bool same;
        const err_t err = same_before(a, b, middle, &same, &before, why);
        if (err != ERR_OK)
            return err;
        if (!same) {
            right = middle;
            continue;
        }
        *upto = before;
        left = middle + 1;
    }
    return ERR_OK;
}

static bool seal_at(const struct tape_file *file, uint64_t offset, struct tape_seal *seal)
{
    uint8_t bytes[TAPE_SEAL_SIZE];
    return pread(file->fd, bytes, sizeof(bytes), (off_t)offset) == (ssize_t)sizeof(bytes) &&
           tape_seal_read(bytes, seal) == ERR_OK && seal->type == TAPE_FRAME_BLOCK;
}

/* What cannot be read is left to the reader, who says why. */
static void walk(const struct tape_file *a, const struct tape_file *b, uint64_t *upto)
{
    uint64_t at = a->data_offset, bt = b->data_offset;
    struct tape_seal left, right;
    while (seal_at(a, at, &left) && seal_at(b, bt, &right) && left.messages == right.messages &&
           left.raw_size == right.raw_size && tape_hash_equal(&left.frame, &right.frame)) {
        *upto = left.first_message + left.messages;
        at += TAPE_SEAL_SIZE + left.frame_size;
        bt += TAPE_SEAL_SIZE + right.frame_size;
    }
}

static err_t seals(const char *a_path, const char *b_path, uint64_t *upto, struct err_text *why)
{
    struct tape_file a, b;
    err_t err = tape_file_open(&a, a_path, why);
    if (err != ERR_OK)
        return err;
    err = tape_file_open(&b, b_path, why);
    if (err == ERR_OK) {
        if (a.indexed && b.indexed && tape_hash_equal(&a.header_hash, &b.header_hash))
            err = bisect(&a, &b, upto, why);
        else
            walk(&a, &b, upto);
        tape_file_close(&b);
    }
    tape_file_close(&a);
    return err;
}

/* ---- messages ---- */

struct walker {
    struct tape_reader *reader;
    struct tape_block block;
    uint32_t at;
    bool held;
};

static err_t walker_open(struct walker *walker, const char *path, uint64_t from, struct err_text *why)
{
    err_t err = tape_reader_open(&walker->reader, path, &(struct tape_reader_options){.read_ahead = true}, why);
    if (err != ERR_OK)
        return err;
    err = tape_reader_seek_message(walker->reader, from, why);
    return err == ERR_END ? ERR_OK : err; /* it ends there: the first message says so */
}

/* The next message from `from` on, not passed yet; NULL: there are no more. */
static err_t walker_at(struct walker *walker, uint64_t from, const struct event **event, struct err_text *why)
{
    *event = NULL;
    while (!walker->held || walker->at == walker->block.event_count) {
        if (walker->held)
            tape_reader_release(walker->reader, walker->block.buffer);
        walker->held = false;
        err_t err = tape_reader_next(walker->reader, &walker->block, why);
        if (err != ERR_OK)
            return err == ERR_END || err == ERR_TRUNCATED ? ERR_OK : err;
        walker->held = true;
        walker->at = walker->block.first_message < from ? (uint32_t)(from - walker->block.first_message) : 0;
    }
    *event = &walker->block.events[walker->at];
    return ERR_OK;
}

static void walker_close(struct walker *walker)
{
    if (walker->held)
        tape_reader_release(walker->reader, walker->block.buffer);
    tape_reader_close(walker->reader);
}

static err_t keep(struct tape_difference *difference, const struct event *a, const struct event *b)
{
    err_t err = a != NULL ? tape_message_keep(&difference->a, a) : ERR_OK;
    if (err == ERR_OK && b != NULL)
        err = tape_message_keep(&difference->b, b);
    difference->differs = true;
    return err;
}

static err_t messages(struct walker *a, struct walker *b, struct tape_difference *difference, struct err_text *why)
{
    for (uint64_t message = difference->same_blocks_to;; message++) {
        const struct event *left, *right;
        err_t err = walker_at(a, message, &left, why);
        if (err == ERR_OK)
            err = walker_at(b, message, &right, why);
        if (err != ERR_OK || (left == NULL && right == NULL))
            return err;
        difference->message = message;
        difference->decoded++;
        if (left == NULL || right == NULL || !tape_event_same(left, right)) {
            err = keep(difference, left, right);
            return err == ERR_OK ? ERR_OK : err_say(why, err, "out of memory");
        }
        a->at++;
        b->at++;
    }
}

err_t tape_compare(const char *a, const char *b, struct tape_difference *difference, struct err_text *why)
{
    struct walker left = {0}, right = {0};
    *difference = (struct tape_difference){0};
    err_t err = seals(a, b, &difference->same_blocks_to, why);
    if (err == ERR_OK)
        err = walker_open(&left, a, difference->same_blocks_to, why);
    if (err == ERR_OK)
        err = walker_open(&right, b, difference->same_blocks_to, why);
    if (err == ERR_OK)
        err = messages(&left, &right, difference, why);
    walker_close(&left);
    walker_close(&right);
    return err;
}
