#include "data/tar.h"

#include <string.h>

/* Where the fields are. */
#define AT_MODE    100
#define AT_UID     108
#define AT_GID     116
#define AT_SIZE    124
#define AT_TIME    136
#define AT_SUM     148
#define AT_TYPE    156
#define AT_MAGIC   257
#define AT_VERSION 263
#define AT_PREFIX  345
#define FIELD_MAX  100
#define PREFIX_MAX 155
#define OCTAL_MAX  ((UINT64_C(1) << 33) - 1) /* eleven digits */

/* `digits` octal digits and a NUL. */
static void put_octal(uint8_t *at, unsigned digits, uint64_t value)
{
    at[digits] = '\0';
    for (unsigned i = digits; i > 0; i--) {
        at[i - 1] = (uint8_t)('0' + value % 8);
        value /= 8;
    }
}

static void put_size(uint8_t *at, uint64_t size)
{
    if (size <= OCTAL_MAX) {
        put_octal(at, 11, size);
        return;
    }
    memset(at, 0, 12);
    at[0] = 0x80;
    for (int i = 11; i > 3; i--) {
        at[i] = (uint8_t)size;
        size >>= 8;
    }
}

/* The bytes of the header with its checksum field as spaces. */
static uint64_t sum_of(const uint8_t block[TAR_BLOCK])
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < TAR_BLOCK; i++)
        sum += i >= AT_SUM && i < AT_SUM + 8 ? ' ' : block[i];
    return sum;
}

/* Long names are parted at a slash: what is before it goes to the prefix. */
static err_t put_name(uint8_t block[TAR_BLOCK], const char *name)
{
    const size_t size = strlen(name);
    if (size != 0 && size <= FIELD_MAX) {
        memcpy(block, name, size);
        return ERR_OK;
    }
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        const size_t prefix = (size_t)(slash - name), rest = size - prefix - 1;
        if (prefix == 0 || prefix > PREFIX_MAX || rest == 0 || rest > FIELD_MAX)
            continue;
        memcpy(block + AT_PREFIX, name, prefix);
        memcpy(block, slash + 1, rest);
        return ERR_OK;
    }
    return ERR_RANGE;
}

err_t tar_header_write(const struct tar_entry *entry, uint8_t block[TAR_BLOCK])
{
    memset(block, 0, TAR_BLOCK);
    if (entry->size > TAR_SIZE_MAX)
        return ERR_RANGE;
    err_t err = put_name(block, entry->name);
    if (err != ERR_OK)
        return err;
    put_octal(block + AT_MODE, 7, 0644);
    put_octal(block + AT_UID, 7, 0);
    put_octal(block + AT_GID, 7, 0);
    put_size(block + AT_SIZE, entry->size);
    put_octal(block + AT_TIME, 11, 0);
    block[AT_TYPE] = '0';
    memcpy(block + AT_MAGIC, "ustar", 6);
    memcpy(block + AT_VERSION, "00", 2);
    put_octal(block + AT_SUM, 6, sum_of(block));
    block[AT_SUM + 7] = ' ';
    return ERR_OK;
}

static err_t get_octal(const uint8_t *at, unsigned room, uint64_t *value)
{
    uint64_t read = 0;
    unsigned i = 0, digits = 0;
    while (i < room && at[i] == ' ')
        i++;
    for (; i < room && at[i] >= '0' && at[i] <= '7'; i++, digits++)
        read = read * 8 + (uint64_t)(at[i] - '0');
    if (digits == 0 || (i < room && at[i] != '\0' && at[i] != ' '))
        return ERR_CORRUPT;
    *value = read;
    return ERR_OK;
}

static err_t get_size(const uint8_t *at, uint64_t *size)
{
    if (at[0] != 0x80)
        return get_octal(at, 12, size);
    uint64_t read = 0;
    if (at[1] != 0 || at[2] != 0 || at[3] != 0)
        return ERR_CORRUPT;
    for (int i = 4; i < 12; i++)
        read = read << 8 | at[i];
    *size = read;
    return read <= TAR_SIZE_MAX ? ERR_OK : ERR_CORRUPT;
}

err_t tar_header_read(const uint8_t block[TAR_BLOCK], struct tar_entry *entry)
{
    static const uint8_t zeros[TAR_BLOCK];
    uint64_t sum, size;
    if (memcmp(block, zeros, TAR_BLOCK) == 0)
        return ERR_END;
    if (memcmp(block + AT_MAGIC, "ustar", 5) != 0 || get_octal(block + AT_SUM, 8, &sum) != ERR_OK ||
        sum != sum_of(block) || get_size(block + AT_SIZE, &size) != ERR_OK)
        return ERR_CORRUPT;
    if (block[AT_TYPE] != '0' && block[AT_TYPE] != '\0')
        return ERR_UNSUPPORTED;
    struct tar_entry read = {.size = size};
    const size_t prefix = strnlen((const char *)block + AT_PREFIX, PREFIX_MAX);
    const size_t name = strnlen((const char *)block, FIELD_MAX);
    memcpy(read.name, block + AT_PREFIX, prefix);
    if (prefix != 0)
        read.name[prefix] = '/';
    memcpy(read.name + prefix + (prefix != 0), block, name);
    *entry = read;
    return ERR_OK;
}
