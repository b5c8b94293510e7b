/* How: a word that is not what it was at the start, and is a number that lies in a mapping of this process. */
#include "cli/stage_image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRATEGY_BLOCK 3
#define WORDS          (STAGE_PAGE / sizeof(uint64_t))

struct mappings {
    struct mapping {
        uint64_t from, to;
    } * at;
    size_t count, room;
};

static bool add(struct mappings *mappings, uint64_t from, uint64_t to)
{
    if (mappings->count == mappings->room) {
        const size_t room = mappings->room * 2 + 64;
        struct mapping *grown = realloc(mappings->at, room * sizeof(*grown));
        if (grown == NULL)
            return false;
        mappings->at = grown;
        mappings->room = room;
    }
    mappings->at[mappings->count++] = (struct mapping){from, to};
    return true;
}

/* Rising, as the system lists them. */
static void read_mappings(struct mappings *mappings)
{
    FILE *file = fopen("/proc/self/maps", "r");
    char line[512];
    bool whole = true;
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        uint64_t from, to;
        if (whole && sscanf(line, "%" SCNx64 "-%" SCNx64, &from, &to) == 2 && !add(mappings, from, to))
            break;
        whole = strchr(line, '\n') != NULL;
    }
    if (file != NULL)
        fclose(file);
}

static bool is_mapped(const struct mappings *mappings, uint64_t word)
{
    size_t low = 0, high = mappings->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (mappings->at[middle].to <= word)
            low = middle + 1;
        else
            high = middle;
    }
    return low < mappings->count && mappings->at[low].from <= word;
}

bool stage_image_strategy_address(const struct stage_image *fresh, const struct stage_image *now, size_t *offset)
{
    struct mappings mappings = {0};
    bool found = false;
    for (uint32_t page = 0; page < now->blocks[STRATEGY_BLOCK].page_count && !found; page++) {
        const uint64_t *first = (const void *)stage_image_read(fresh, STRATEGY_BLOCK, page);
        const uint64_t *last = (const void *)stage_image_read(now, STRATEGY_BLOCK, page);
        if (memcmp(first, last, STAGE_PAGE) == 0)
            continue;
        if (mappings.count == 0)
            read_mappings(&mappings);
        for (size_t i = 0; i < WORDS && !found; i++)
            if (first[i] != last[i] && is_mapped(&mappings, last[i])) {
                *offset = (size_t)page * STAGE_PAGE + i * sizeof(uint64_t);
                found = true;
            }
    }
    free(mappings.at);
    return found;
}
