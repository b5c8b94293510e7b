#include "data/capture_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* A window of a quarter MiB stays in the second-level cache while its lines are parsed; larger ones were
 * slower, smaller ones pay a system call too often. */
#define WINDOW_BYTES (256u << 10)
#define PACKED_BYTES (64u << 10)

struct capture_inflate {
    z_stream stream;
    bool member_open; /* inside a member: the end of the file here means that it was cut */
    unsigned char packed[PACKED_BYTES];
};

static err_t say_errno(const struct capture_lines *lines, const char *doing, struct err_text *why)
{
    int number = errno;
    err_t code = number == ENOENT                      ? ERR_NOTFOUND
                 : number == EACCES || number == EPERM ? ERR_PERMISSION
                 : number == ENOMEM                    ? ERR_NOMEM
                                                       : ERR_IO;
    return err_say(why, code, "%s: cannot %s: %s", lines->path, doing, strerror(number));
}

/* Read file bytes; ERR_END at the end of the file. */
static err_t read_file(struct capture_lines *lines, void *to, size_t room, size_t *got, struct err_text *why)
{
    for (;;) {
        ssize_t count = read(lines->fd, to, room);
        if (count > 0) {
            lines->bytes_done += (uint64_t)count;
            *got = (size_t)count;
            return ERR_OK;
        }
        if (count == 0)
            return ERR_END;
        if (errno != EINTR)
            return say_errno(lines, "be read", why);
    }
}

static err_t inflate_failed(const struct capture_lines *lines, struct err_text *why)
{
    const struct capture_inflate *unpack = lines->inflate;
    return err_say(why, ERR_CORRUPT,
                   "%s: damaged gzip data near byte %" PRIu64 " of the file (%s); the lines before it were read",
                   lines->path, lines->bytes_done - unpack->stream.avail_in,
                   unpack->stream.msg != NULL ? unpack->stream.msg : "bad stream");
}

/* After a member: another one may follow, or zeros that fill up a block. Anything else is damage. */
static err_t next_member(struct capture_lines *lines, struct err_text *why)
{
    struct capture_inflate *unpack = lines->inflate;
    z_stream *stream = &unpack->stream;
    while (stream->avail_in > 0 && *stream->next_in == 0) {
        stream->next_in++;
        stream->avail_in--;
    }
    if (stream->avail_in == 0)
        return ERR_OK;
    if (inflateReset(stream) != Z_OK)
        return inflate_failed(lines, why);
    unpack->member_open = true;
    return ERR_OK;
}

/* Unpacked text; ERR_END at the end of the text. */
static err_t read_gzip(struct capture_lines *lines, void *to, size_t room, size_t *got, struct err_text *why)
{
    struct capture_inflate *unpack = lines->inflate;
    z_stream *stream = &unpack->stream;
    stream->next_out = to;
    stream->avail_out = (uInt)room;
    while (stream->avail_out == (uInt)room) {
        if (stream->avail_in == 0) {
            size_t packed = 0;
            err_t err = read_file(lines, unpack->packed, sizeof(unpack->packed), &packed, why);
            if (err == ERR_END && unpack->member_open)
                return err_say(
                    why, ERR_TRUNCATED,
                    "%s: the gzip data end in the middle (the file was cut short); the lines before were read",
                    lines->path);
            if (err != ERR_OK)
                return err;
            stream->next_in = unpack->packed;
            stream->avail_in = (uInt)packed;
        }
        if (!unpack->member_open) {
            err_t err = next_member(lines, why);
            if (err != ERR_OK)
                return err;
            continue;
        }
        int result = inflate(stream, Z_NO_FLUSH);
        if (result == Z_STREAM_END)
            unpack->member_open = false;
        else if (result != Z_OK && result != Z_BUF_ERROR)
            return inflate_failed(lines, why);
    }
    *got = room - stream->avail_out;
    return ERR_OK;
}

static err_t open_inflate(struct capture_lines *lines, struct err_text *why)
{
    struct capture_inflate *inflate = calloc(1, sizeof(*inflate));
    if (inflate == NULL || inflateInit2(&inflate->stream, 15 + 16) != Z_OK) {
        free(inflate);
        return err_say(why, ERR_NOMEM, "%s: no memory to unpack it", lines->path);
    }
    inflate->member_open = true;
    lines->inflate = inflate;
    return ERR_OK;
}

static err_t look_at_magic(struct capture_lines *lines, struct err_text *why)
{
    unsigned char magic[2] = {0};
    ssize_t count = pread(lines->fd, magic, sizeof(magic), 0);
    if (count < 0)
        return say_errno(lines, "be read", why);
    return count == 2 && magic[0] == 0x1f && magic[1] == 0x8b ? open_inflate(lines, why) : ERR_OK;
}

err_t capture_lines_open(struct capture_lines *lines, const char *path, struct err_text *why)
{
    *lines = (struct capture_lines){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (lines->fd < 0)
        return say_errno(lines, "be opened", why);
    struct stat status;
    err_t err = ERR_OK;
    if (fstat(lines->fd, &status) != 0)
        err = say_errno(lines, "be looked at", why);
    else if (!S_ISREG(status.st_mode))
        err = err_say(why, ERR_UNSUPPORTED,
                      "%s: not a regular file; a capture is read more than once, so give a file on disk", path);
    else
        err = look_at_magic(lines, why);
    if (err == ERR_OK) {
        lines->bytes_total = (uint64_t)status.st_size;
        lines->capacity = WINDOW_BYTES;
        lines->window = malloc(lines->capacity + CAPTURE_PADDING);
        if (lines->window == NULL)
            err = err_say(why, ERR_NOMEM, "%s: no memory for a window of %u bytes", path, WINDOW_BYTES);
    }
    if (err != ERR_OK)
        capture_lines_close(lines);
    else
        memset(lines->window, 0, lines->capacity + CAPTURE_PADDING);
    return err;
}

void capture_lines_close(struct capture_lines *lines)
{
    if (lines->inflate != NULL) {
        inflateEnd(&lines->inflate->stream);
        free(lines->inflate);
    }
    if (lines->fd >= 0)
        close(lines->fd);
    free(lines->window);
    *lines = (struct capture_lines){.path = lines->path, .fd = -1, .ended = true, .broken = {.code = ERR_END}};
}

/* Make room behind `end`: move what is left to the front, and grow when a line fills the whole window. */
static err_t make_room(struct capture_lines *lines, struct err_text *why)
{
    size_t left = lines->end - lines->start;
    if (lines->start > 0) {
        memmove(lines->window, lines->window + lines->start, left);
        lines->start = 0;
        lines->end = left;
    }
    if (left < lines->capacity)
        return ERR_OK;
    size_t capacity = lines->capacity * 2;
    char *window = realloc(lines->window, capacity + CAPTURE_PADDING);
    if (window == NULL)
        return err_say(why, ERR_NOMEM, "%s:%" PRIu64 ": no memory for a line of more than %zu bytes", lines->path,
                       lines->line + 1, left);
    memset(window + lines->capacity, 0, capacity + CAPTURE_PADDING - lines->capacity);
    lines->window = window;
    lines->capacity = capacity;
    return ERR_OK;
}

/* More text behind `end`. How the text ended is kept in `broken`, because a last line may still be given. */
static err_t fill(struct capture_lines *lines, struct err_text *why)
{
    err_t err = make_room(lines, why);
    if (err != ERR_OK)
        return err;
    size_t got = 0;
    size_t room = lines->capacity - lines->end;
    char *to = lines->window + lines->end;
    struct err_text *broken = &lines->broken;
    err =
        lines->inflate != NULL ? read_gzip(lines, to, room, &got, broken) : read_file(lines, to, room, &got, broken);
    if (err != ERR_OK) {
        lines->ended = true;
        broken->code = err;
        return err;
    }
    lines->end += got;
    return ERR_OK;
}

/* Forget a line that is longer than the limit, up to its newline. */
static err_t pass_over(struct capture_lines *lines, struct err_text *why)
{
    for (;;) {
        char *text = lines->window + lines->start;
        char *newline = memchr(text, '\n', lines->end - lines->start);
        if (newline != NULL) {
            lines->start = (size_t)(newline - lines->window) + 1;
            break;
        }
        lines->start = lines->end;
        if (lines->ended)
            break;
        err_t err = fill(lines, why);
        if (err == ERR_NOMEM)
            return err;
    }
    lines->line++;
    return err_say(why, ERR_RANGE, "longer than %u MiB", CAPTURE_LINE_MAX >> 20);
}

static void give(struct capture_lines *lines, size_t size, size_t used, char **text, size_t *size_out)
{
    char *line = lines->window + lines->start;
    lines->start += used;
    lines->line++;
    if (size > 0 && line[size - 1] == '\r')
        size--;
    *text = line;
    *size_out = size;
}

err_t capture_lines_next(struct capture_lines *lines, char **text, size_t *size, struct err_text *why)
{
    size_t looked = 0; /* bytes after `start` that hold no newline */
    for (;;) {
        size_t have = lines->end - lines->start;
        char *newline = have > looked ? memchr(lines->window + lines->start + looked, '\n', have - looked) : NULL;
        if (LIKELY(newline != NULL)) {
            size_t length = (size_t)(newline - (lines->window + lines->start));
            if (UNLIKELY(length > CAPTURE_LINE_MAX))
                return pass_over(lines, why);
            give(lines, length, length + 1, text, size);
            return ERR_OK;
        }
        looked = have;
        if (have > CAPTURE_LINE_MAX)
            return pass_over(lines, why);
        if (!lines->ended && fill(lines, why) == ERR_NOMEM)
            return ERR_NOMEM;
        if (!lines->ended)
            continue;
        if (lines->broken.code == ERR_END && have > 0) { /* the last line has no newline */
            give(lines, have, have, text, size);
            return ERR_OK;
        }
        return lines->broken.code == ERR_END ? ERR_END : err_say(why, lines->broken.code, "%s", lines->broken.text);
    }
}

err_t capture_lines_head(struct capture_lines *lines, size_t want, const char **text, size_t *size,
                         struct err_text *why)
{
    while (lines->end - lines->start < want && !lines->ended) {
        err_t err = fill(lines, why); /* how the text ends is told by capture_lines_next */
        if (err == ERR_NOMEM)
            return err;
    }
    *text = lines->window + lines->start;
    *size = lines->end - lines->start;
    return ERR_OK;
}
