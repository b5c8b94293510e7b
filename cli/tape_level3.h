/* tape_level3.h: does a tape tell single orders? Its header does not say, so its blocks are looked at. */
#ifndef TAPEDECK_CLI_TAPE_LEVEL3_H
#define TAPEDECK_CLI_TAPE_LEVEL3_H

#include "core/err.h"

/* Set has[map[i]] for every instrument i of the tape of which a level-3 event is found in the first `blocks_max`
 * blocks (0: all). Reads no further than needed; a tape that is damaged or cut short ends there: the run will say so.
 */
err_t tape_level3_find(const char *path, const uint16_t *map, bool *has, uint32_t blocks_max,
                       struct err_text *why) MUST_USE;
/* Has the tape an instrument that the run knows as `number`? */
bool tape_level3_maps(const char *path, const uint16_t *map, uint16_t number);

#endif
