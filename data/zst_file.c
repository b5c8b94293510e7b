#include "data/zst_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define ZST_LEVEL      6
#define ZST_LEVEL_FAST 1
#define ZST_MAGIC 0xFD2FB528u
#define PATH_ROOM 4200

struct zst_writer {
    ZSTD_CCtx *stream;
    FILE *file;
    char path[PATH_ROOM], temporary[PATH_ROOM];
    size_t room;
    char out[]; /* ZSTD_CStreamOutSize */
};

struct zst_reader {
    ZSTD_DCtx *stream;
    FILE *file;
    char path[PATH_ROOM];
    ZSTD_inBuffer in;
    size_t room;
    bool in_frame; /* more must come */
    char bytes[];  /* ZSTD_DStreamInSize */
};

static err_t cannot(const char *path, const char *what, int number, struct err_text *why)
{
    const err_t code = number == ENOSPC || number == EDQUOT  ? ERR_NOSPACE
                       : number == ENOENT                    ? ERR_NOTFOUND
                       : number == EEXIST                    ? ERR_EXISTS
                       : number == EACCES || number == EROFS ? ERR_PERMISSION
                                                             : ERR_IO;
    return err_say(why, code, "%s: %s: %s", path, what, strerror(number != 0 ? number : EIO));
}

/* ---- writing ---- */

static err_t open_at(struct zst_writer **writer, const char *path, int level, struct err_text *why)
{
    const size_t room = ZSTD_CStreamOutSize();
    if (strlen(path) + 8 > PATH_ROOM)
        return cannot(path, "cannot create", ENAMETOOLONG, why);
    if (access(path, F_OK) == 0)
        return cannot(path, "cannot create", EEXIST, why);
    struct zst_writer *opened = calloc(1, sizeof(*opened) + room);
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    opened->room = room;
    snprintf(opened->path, sizeof(opened->path), "%s", path);
    snprintf(opened->temporary, sizeof(opened->temporary), "%s.tmp", path);
    opened->stream = ZSTD_createCCtx();
    if (opened->stream == NULL ||
        ZSTD_isError(ZSTD_CCtx_setParameter(opened->stream, ZSTD_c_compressionLevel, level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(opened->stream, ZSTD_c_checksumFlag, 1))) {
        zst_writer_abandon(opened);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    opened->file = fopen(opened->temporary, "wb");
    if (opened->file == NULL) {
        err_t err = cannot(opened->temporary, "cannot create", errno, why);
        zst_writer_abandon(opened);
        return err;
    }
    *writer = opened;
    return ERR_OK;
}

err_t zst_writer_open(struct zst_writer **writer, const char *path, struct err_text *why)
{
    return open_at(writer, path, ZST_LEVEL, why);
}

err_t zst_writer_open_fast(struct zst_writer **writer, const char *path, struct err_text *why)
{
    return open_at(writer, path, ZST_LEVEL_FAST, why);
}

static err_t compress(struct zst_writer *writer, ZSTD_inBuffer *in, ZSTD_EndDirective how, struct err_text *why)
{
    for (;;) {
        ZSTD_outBuffer out = {writer->out, writer->room, 0};
        const size_t left = ZSTD_compressStream2(writer->stream, &out, in, how);
        if (ZSTD_isError(left))
            return err_say(why, ERR_NOMEM, "%s: cannot be compressed: %s", writer->path, ZSTD_getErrorName(left));
        errno = 0;
        if (out.pos != 0 && fwrite(writer->out, 1, out.pos, writer->file) != out.pos)
            return cannot(writer->temporary, "cannot write", errno, why);
        if (how == ZSTD_e_end ? left == 0 : in->pos == in->size)
            return ERR_OK;
    }
}

err_t zst_writer_put(struct zst_writer *writer, const void *bytes, size_t size, struct err_text *why)
{
    ZSTD_inBuffer in = {bytes, size, 0};
    return compress(writer, &in, ZSTD_e_continue, why);
}

err_t zst_writer_close(struct zst_writer *writer, struct err_text *why)
{
    ZSTD_inBuffer none = {NULL, 0, 0};
    err_t err = compress(writer, &none, ZSTD_e_end, why);
    errno = 0;
    if (err == ERR_OK && (fflush(writer->file) != 0 || fsync(fileno(writer->file)) != 0))
        err = cannot(writer->temporary, "cannot write", errno, why);
    if (err == ERR_OK) {
        const int failed = fclose(writer->file);
        writer->file = NULL;
        if (failed != 0 || rename(writer->temporary, writer->path) != 0)
            err = cannot(writer->path, "cannot write", errno, why);
        else
            writer->temporary[0] = '\0';
    }
    zst_writer_abandon(writer);
    return err;
}

void zst_writer_abandon(struct zst_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->file != NULL)
        fclose(writer->file);
    if (writer->temporary[0] != '\0')
        (void)unlink(writer->temporary);
    ZSTD_freeCCtx(writer->stream);
    free(writer);
}

/* ---- reading ---- */

static uint32_t magic_of(FILE *file)
{
    uint8_t bytes[4] = {0};
    if (fread(bytes, 1, sizeof(bytes), file) != sizeof(bytes))
        return 0;
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

bool zst_is_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    const bool is = file != NULL && magic_of(file) == ZST_MAGIC;
    if (file != NULL)
        fclose(file);
    return is;
}

err_t zst_reader_open(struct zst_reader **reader, const char *path, struct err_text *why)
{
    const size_t room = ZSTD_DStreamInSize();
    struct zst_reader *opened = calloc(1, sizeof(*opened) + room);
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    opened->room = room;
    snprintf(opened->path, sizeof(opened->path), "%s", path);
    opened->stream = ZSTD_createDCtx();
    opened->file = fopen(path, "rb");
    err_t err = ERR_OK;
    if (opened->stream == NULL)
        err = err_say(why, ERR_NOMEM, "out of memory");
    else if (opened->file == NULL)
        err = cannot(path, "cannot open", errno, why);
    else if (magic_of(opened->file) != ZST_MAGIC)
        err = err_say(why, ERR_CORRUPT, "%s: is not a zstd file", path);
    else
        rewind(opened->file);
    if (err != ERR_OK) {
        zst_reader_close(opened);
        return err;
    }
    *reader = opened;
    return ERR_OK;
}

/* ERR_END: the file has no more. */
static err_t more_input(struct zst_reader *reader, struct err_text *why)
{
    errno = 0;
    const size_t got = fread(reader->bytes, 1, reader->room, reader->file);
    reader->in = (ZSTD_inBuffer){reader->bytes, got, 0};
    if (got != 0)
        return ERR_OK;
    if (ferror(reader->file) != 0)
        return cannot(reader->path, "cannot read", errno, why);
    return reader->in_frame ? err_say(why, ERR_TRUNCATED, "%s: is cut short", reader->path) : ERR_END;
}

err_t zst_reader_get(struct zst_reader *reader, void *bytes, size_t size, size_t *got, struct err_text *why)
{
    ZSTD_outBuffer out = {bytes, size, 0};
    while (out.pos < out.size) {
        const size_t read = reader->in.pos, made = out.pos;
        /* Also with no input left: what the decoder still holds comes first. */
        const size_t state = ZSTD_decompressStream(reader->stream, &out, &reader->in);
        if (ZSTD_isError(state))
            return err_say(why, ERR_CORRUPT, "%s: damaged: %s", reader->path, ZSTD_getErrorName(state));
        if (reader->in.pos != read || out.pos != made) {
            reader->in_frame = state != 0;
            continue;
        }
        err_t err = more_input(reader, why);
        if (err == ERR_END)
            break;
        if (err != ERR_OK)
            return err;
    }
    *got = out.pos;
    return ERR_OK;
}

void zst_reader_close(struct zst_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->file != NULL)
        fclose(reader->file);
    ZSTD_freeDCtx(reader->stream);
    free(reader);
}
