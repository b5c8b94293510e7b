/* How: page by page, and only those that are not all zeros: most of a book's window is never touched. */
#include "cli/stage_image.h"

#include "cli/world_inside.h"
#include "feeds/synth_market.h"

#include <stdlib.h>
#include <string.h>

#define WORDS (STAGE_PAGE / sizeof(uint64_t))

static const uint64_t zeros[WORDS];

static const char *const names[] = {"the engine", "the venue", "the world", "the strategy", "the made market"};

const char *stage_block_name(uint32_t block)
{
    return block < ARRAY_LEN(names) ? names[block] : "a run that follows";
}

struct block {
    uint8_t *memory; /* NULL: there is none */
    size_t size;
};

/* In the order of `names`, then those of the followers. Absent ones have size 0. */
static struct block block_of(const struct stage *stage, uint32_t number)
{
    const struct stage_inside *inside = stage->inside;
    const struct block own[] = {{inside->engine_memory, inside->engine_size},
                                {inside->venue_memory, inside->venue_size},
                                {inside->world_memory, inside->world_size},
                                {inside->strategy_state, inside->strategy_size},
                                {inside->synth_memory, inside->synth_size}};
    if (number < ARRAY_LEN(own))
        return own[number];
    const uint32_t follower = (number - (uint32_t)ARRAY_LEN(own)) / 3;
    const struct block others[] = {
        {inside->followers[follower].engine_memory, inside->followers[follower].engine_size},
        {inside->followers[follower].venue_memory, inside->followers[follower].venue_size},
        {inside->followers[follower].strategy_state, inside->followers[follower].strategy_size}};
    return others[(number - ARRAY_LEN(own)) % 3];
}

static uint32_t block_count(const struct stage *stage)
{
    return (uint32_t)(ARRAY_LEN(names) + 3u * stage->follower_count);
}

static size_t page_bytes(size_t size, uint32_t page)
{
    const size_t left = size - (size_t)page * STAGE_PAGE;
    return left < STAGE_PAGE ? left : STAGE_PAGE;
}

/* ---- images ---- */

void stage_image_free(struct stage_image *image)
{
    for (uint32_t i = 0; image != NULL && i < image->block_count; i++) {
        for (uint32_t page = 0; image->blocks[i].pages != NULL && page < image->blocks[i].page_count; page++)
            free(image->blocks[i].pages[page]);
        free(image->blocks[i].pages);
    }
    free(image);
}

err_t stage_image_new(struct stage_image **image, const struct stage *stage, struct err_text *why)
{
    struct stage_image *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return world_no_memory(why);
    made->block_count = block_count(stage);
    for (uint32_t i = 0; i < made->block_count; i++) {
        struct image_block *block = &made->blocks[i];
        block->size = block_of(stage, i).size;
        block->page_count = (uint32_t)((block->size + STAGE_PAGE - 1) / STAGE_PAGE);
        block->pages = calloc(block->page_count + 1u, sizeof(*block->pages));
        if (block->pages == NULL) {
            stage_image_free(made);
            return world_no_memory(why);
        }
    }
    *image = made;
    return ERR_OK;
}

uint8_t *stage_image_page(struct stage_image *image, uint32_t block, uint32_t page)
{
    uint8_t **place = &image->blocks[block].pages[page];
    if (*place == NULL)
        *place = calloc(1, STAGE_PAGE);
    return *place;
}

const uint8_t *stage_image_read(const struct stage_image *image, uint32_t block, uint32_t page)
{
    const uint8_t *bytes = image->blocks[block].pages[page];
    return bytes != NULL ? bytes : (const uint8_t *)zeros;
}

size_t stage_image_bytes(const struct stage_image *image)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < image->block_count; i++)
        for (uint32_t page = 0; page < image->blocks[i].page_count; page++)
            bytes += image->blocks[i].pages[page] != NULL ? STAGE_PAGE : 0;
    return bytes;
}

static err_t copy_block(struct stage_image *image, uint32_t number, struct block from, struct err_text *why)
{
    for (uint32_t page = 0; page < image->blocks[number].page_count; page++) {
        const uint8_t *bytes = from.memory + (size_t)page * STAGE_PAGE;
        const size_t size = page_bytes(from.size, page);
        if (memcmp(bytes, zeros, size) == 0)
            continue;
        uint8_t *copy = stage_image_page(image, number, page);
        if (copy == NULL)
            return world_no_memory(why);
        memcpy(copy, bytes, size);
    }
    return ERR_OK;
}

struct blanking {
    struct stage_image *image;
    const struct stage *stage;
};

/* A transient address: zeros in the image. */
static void blank(void *context, void *at, size_t size)
{
    const struct blanking *blanking = context;
    for (uint32_t i = 0; i < blanking->image->block_count; i++) {
        const struct block block = block_of(blanking->stage, i);
        const uintptr_t offset = (uintptr_t)at - (uintptr_t)block.memory;
        if (block.memory == NULL || offset >= block.size)
            continue;
        for (size_t done = 0; done < size;) {
            const uint32_t page = (uint32_t)((offset + done) / STAGE_PAGE);
            const size_t in_page = (offset + done) % STAGE_PAGE;
            const size_t left = size - done < STAGE_PAGE - in_page ? size - done : STAGE_PAGE - in_page;
            if (blanking->image->blocks[i].pages[page] != NULL)
                memset(blanking->image->blocks[i].pages[page] + in_page, 0, left);
            done += left;
        }
        return;
    }
    ASSERT(false); /* every address lies in a block */
}

err_t stage_image_take(struct stage_image **image, struct stage *stage, struct err_text *why)
{
    struct stage_image *taken;
    err_t err = stage_image_new(&taken, stage, why);
    if (err != ERR_OK)
        return err;
    for (uint32_t i = 0; i < taken->block_count && err == ERR_OK; i++)
        err = copy_block(taken, i, block_of(stage, i), why);
    if (err != ERR_OK) {
        stage_image_free(taken);
        return err;
    }
    struct blanking blanking = {taken, stage};
    sim_world_addresses(stage->world, &blanking, blank);
    if (stage->inside->synth != NULL)
        synth_market_addresses(stage->inside->synth, &blanking, blank);
    *image = taken;
    return ERR_OK;
}

/* ---- a stage ---- */

err_t stage_settle(struct stage *stage)
{
    err_t err = sim_world_settle(stage->world);
    if (err != ERR_OK)
        return err;
    engine_settle(stage->engine);
    return ERR_OK;
}

err_t stage_marks(const struct stage *stage, struct feed_mark *marks)
{
    return sim_world_marks_of(stage->world, marks);
}

/* ---- back ---- */

bool stage_image_same_shape(const struct stage_image *a, const struct stage_image *b)
{
    bool same = a->block_count == b->block_count;
    for (uint32_t i = 0; i < a->block_count && same; i++)
        same = a->blocks[i].size == b->blocks[i].size;
    return same;
}

/* One page of what the stage is to be. False: a fixed word has changed. */
static bool merge_page(const uint64_t *fresh, const uint64_t *theirs, const uint64_t *then, uint64_t *page)
{
    for (size_t i = 0; i < WORDS; i++) {
        page[i] = fresh[i] == theirs[i] ? then[i] : fresh[i];
        if (fresh[i] != theirs[i] && then[i] != theirs[i])
            return false;
    }
    return true;
}

/* All pages into `target`, or the first that cannot be. */
static err_t merge(struct stage_image *target, const struct stage_image *fresh, const struct stage_place *place,
                   struct err_text *why)
{
    for (uint32_t i = 0; i < target->block_count; i++)
        for (uint32_t page = 0; page < target->blocks[i].page_count; page++) {
            _Alignas(64) uint64_t merged[WORDS];
            if (fresh->blocks[i].pages[page] == NULL && place->fresh->blocks[i].pages[page] == NULL &&
                place->then->blocks[i].pages[page] == NULL)
                continue;
            if (!merge_page((const void *)stage_image_read(fresh, i, page),
                            (const void *)stage_image_read(place->fresh, i, page),
                            (const void *)stage_image_read(place->then, i, page), merged))
                return err_say(why, ERR_STATE, "an address in the memory of %s has changed since the start (page %u)",
                               stage_block_name(i), page);
            uint8_t *copy = stage_image_page(target, i, page);
            if (copy == NULL)
                return world_no_memory(why);
            memcpy(copy, merged, STAGE_PAGE);
        }
    return ERR_OK;
}

static void write_back(const struct stage *stage, const struct stage_image *image)
{
    for (uint32_t i = 0; i < image->block_count; i++) {
        const struct block block = block_of(stage, i);
        for (uint32_t page = 0; page < image->blocks[i].page_count; page++) {
            uint8_t *at = block.memory + (size_t)page * STAGE_PAGE;
            const size_t size = page_bytes(block.size, page);
            const uint8_t *bytes = stage_image_read(image, i, page);
            if (memcmp(at, bytes, size) != 0)
                memcpy(at, bytes, size);
        }
    }
}

err_t stage_write(struct stage *stage, const struct stage_image *image, const struct feed_mark *marks,
                  struct err_text *why)
{
    sim_world_drop(stage->world);
    write_back(stage, image);
    err_t err = sim_world_resume(stage->world, marks);
    return err == ERR_OK ? ERR_OK : err_say(why, err, "%s", stage->world->why.text);
}

bool stage_block_at(const struct stage *stage, uint64_t address, uint32_t *block, size_t *offset)
{
    for (uint32_t i = 0; i < block_count(stage); i++) {
        const struct block one = block_of(stage, i);
        if (one.memory == NULL || address - (uintptr_t)one.memory >= one.size)
            continue;
        *block = i;
        *offset = (size_t)(address - (uintptr_t)one.memory);
        return true;
    }
    return false;
}

err_t stage_put(struct stage *stage, const struct stage_image *fresh, const struct stage_place *place,
                struct err_text *why)
{
    struct stage_image *target;
    if (!stage_image_same_shape(fresh, place->fresh) || !stage_image_same_shape(fresh, place->then))
        return err_say(why, ERR_STATE, "the state has another shape");
    err_t err = stage_image_new(&target, stage, why);
    if (err != ERR_OK)
        return err;
    err = merge(target, fresh, place, why);
    if (err == ERR_OK) {
        err = stage_write(stage, target, place->marks, why);
    }
    stage_image_free(target);
    return err;
}
