/* stage_image.h: the whole state of a run as bytes, and back.
 *
 *   engine │ venue │ world │ strategy │ made market │ those that follow ...      the blocks of a stage: all that changes
 *
 * Modules hold their state in flat blocks that are laid out once (engine_init, venue_init, ...) and link by index. So
 * a copy of the blocks is the state, but for the addresses in them, of two sorts:
 *
 *   fixed      set by init or by strategy->start, the same until the end: pointers into the blocks, to the config, to
 *              functions. Two stages of one config that have just started differ in these words and in no others; so
 *              when one is put in the place of the other, a word that differs between the two beginnings keeps the
 *              value that it has, and all others are copied.
 *   transient  into the batches of the feeds: left out (sim_world_addresses, synth_market_addresses), and made anew
 *              from the marks of the lanes (core/feed.h).
 *
 * A fixed word that changed all the same is found (the two images of one stage) and refused: nothing is put back then.
 */
#ifndef TAPEDECK_CLI_STAGE_IMAGE_H
#define TAPEDECK_CLI_STAGE_IMAGE_H

#include "cli/world_up.h"

#define STAGE_PAGE       4096
#define STAGE_BLOCKS_MAX (5 + 3 * STAGE_FOLLOWERS_MAX)

struct stage_image {
    uint32_t block_count;
    struct image_block {
        size_t size;
        uint32_t page_count;
        uint8_t **pages; /* NULL: all zeros */
    } blocks[STAGE_BLOCKS_MAX];
};

/* Of a stage that has started; between two inputs, and settled if it has had any. */
err_t stage_image_take(struct stage_image **image, struct stage *stage, struct err_text *why) MUST_USE;
/* Of the sizes of a stage, all zero. */
err_t stage_image_new(struct stage_image **image, const struct stage *stage, struct err_text *why) MUST_USE;
/* A page for writing, made when it is all zeros. NULL: no memory. */
uint8_t *stage_image_page(struct stage_image *image, uint32_t block, uint32_t page);
/* For reading. */
const uint8_t *stage_image_read(const struct stage_image *image, uint32_t block, uint32_t page);
void stage_image_free(struct stage_image *image);
const char *stage_block_name(uint32_t block);
/* How many bytes of it are in pages that are not all zeros. */
size_t stage_image_bytes(const struct stage_image *image);

/* Is there an address in the strategy's memory that was put there after its start? The runtime cannot make such a one
 * anew, so nothing can be kept of the run. A number may look like one by accident: then too. */
bool stage_image_strategy_address(const struct stage_image *fresh, const struct stage_image *now, size_t *offset);

bool stage_image_same_shape(const struct stage_image *a, const struct stage_image *b);
/* The block of a stage that an address leads into. False: none. */
bool stage_block_at(const struct stage *stage, uint64_t address, uint32_t *block, size_t *offset);
/* The memory of a stage becomes this, at these marks. On an error the stage is of no use any more. */
err_t stage_write(struct stage *stage, const struct stage_image *image, const struct feed_mark *marks,
                  struct err_text *why) MUST_USE;

/* Bring a stage to where what comes of it does not hang on addresses. ERR_STATE: it cannot be now (before the first
 * input, after a failure); it is as it was. */
err_t stage_settle(struct stage *stage) MUST_USE;
/* Of a settled stage, one a lane. ERR_STATE: a lane cannot be come back to here. */
err_t stage_marks(const struct stage *stage, struct feed_mark *marks) MUST_USE;

/* What a stage is made of that another one was. */
struct stage_place {
    const struct stage_image *fresh; /* when it had just started */
    const struct stage_image *then;
    const struct feed_mark *marks; /* one a lane, of `then` */
};
/* Put the stage there: it is what the other was. `fresh`: this one when it had just started. ERR_STATE: its state
 * cannot be put there, and is as it was. Another error: the stage is of no use any more. */
err_t stage_put(struct stage *stage, const struct stage_image *fresh, const struct stage_place *place,
                struct err_text *why) MUST_USE;

#endif
