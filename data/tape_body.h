/* tape_body.h: the low-rate messages (mark prices, candles, gaps, executions ...) as msgpack arrays that any
 * msgpack tool can show; the field order is that of data/TAPE.md, section "Bodies". */
#ifndef TAPEDECK_DATA_TAPE_BODY_H
#define TAPEDECK_DATA_TAPE_BODY_H

#include "core/event.h"
#include "data/packed.h"

#define TAPE_BODY_SIZE 128 /* room for any body, 16-byte aligned */

/* Size of the body that can be copied as it is; of EVENT_WIRE: the struct, which points to its texts. */
size_t tape_body_size(uint8_t kind);
void tape_body_pack(struct packed *packed, const struct event *event);
/* Fill exch_ts, the ids and the body of `event` (its kind is set); `memory` holds TAPE_BODY_SIZE zeroed bytes. The
 * texts of EVENT_WIRE point into the parsed bytes. */
err_t tape_body_unpack(const struct packed_value *item, struct event *event, void *memory) MUST_USE;

#endif
