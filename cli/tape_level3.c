#include "cli/tape_level3.h"

#include "data/tape_reader.h"

static bool all_found(const struct tape_info *info, const uint16_t *map, const bool *has)
{
    for (uint16_t i = 0; i < info->instrument_count; i++)
        if (!has[map[i]])
            return false;
    return true;
}

err_t tape_level3_find(const char *path, const uint16_t *map, bool *has, uint32_t blocks_max, struct err_text *why)
{
    struct tape_reader *reader;
    struct err_text unused = {0};
    err_t err = tape_reader_open(&reader, path, NULL, why);
    if (err != ERR_OK)
        return err;
    const struct tape_info *info = tape_reader_info(reader);
    for (uint32_t n = 0; (blocks_max == 0 || n < blocks_max) && !all_found(info, map, has); n++) {
        struct tape_block block;
        if (tape_reader_next(reader, &block, &unused) != ERR_OK)
            break;
        for (uint32_t i = 0; i < block.event_count; i++)
            if (event_is_level3(block.events[i].kind) && block.events[i].instrument < info->instrument_count)
                has[map[block.events[i].instrument]] = true;
        tape_reader_release(reader, block.buffer);
    }
    tape_reader_close(reader);
    return ERR_OK;
}

bool tape_level3_maps(const char *path, const uint16_t *map, uint16_t number)
{
    struct tape_reader *reader;
    if (tape_reader_open(&reader, path, NULL, NULL) != ERR_OK)
        return false;
    bool found = false;
    for (uint16_t i = 0; i < tape_reader_info(reader)->instrument_count; i++)
        found = found || map[i] == number;
    tape_reader_close(reader);
    return found;
}
