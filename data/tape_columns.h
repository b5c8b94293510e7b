/* tape_columns.h: what the encoder and the decoder of a block share: classes, attributes, column order.
 * The words are those of data/TAPE.md. */
#ifndef TAPEDECK_DATA_TAPE_COLUMNS_H
#define TAPEDECK_DATA_TAPE_COLUMNS_H

#include "core/event.h"

enum tape_class { CLASS_BOOK, CLASS_TRADE, CLASS_BBO, CLASS_L3, CLASS_COUNT };
#define GROUP_NONE 0xffffu /* messages with a body belong to no group */

/* Attributes of a tag: what a message of this tag does not carry. */
enum tape_attribute {
    ATTR_NO_EXCH = 1,     /* exch_ts is 0 */
    ATTR_NO_SEQ = 2,      /* seq is 0 */
    ATTR_NO_FIRST = 4,    /* seq_first is 0 */
    ATTR_NO_PREV = 8,     /* seq_prev is 0 */
    ATTR_PREV_CHAIN = 16, /* seq_prev is the seq of the message before it in its group */
};

#define GROUP_WORDS 11 /* numbers of a group before its columns */

enum tape_column { COLUMN_EXCH, COLUMN_SEQ, COLUMN_FIRST, COLUMN_PREV, COLUMN_BIDS, COLUMN_ASKS, COLUMN_COUNT };

static inline enum tape_class tape_class_of(uint8_t kind)
{
    switch (kind) {
    case EVENT_TRADE:
        return CLASS_TRADE;
    case EVENT_BBO:
        return CLASS_BBO;
    case EVENT_BOOK_SNAPSHOT:
    case EVENT_BOOK_DELTA:
        return CLASS_BOOK;
    default:
        return CLASS_L3;
    }
}

/* What a message adds to the running id of its group: trade ids rise by one. */
static inline uint64_t tape_seq_stride(enum tape_class class_)
{
    return class_ == CLASS_TRADE ? 1 : 0;
}

#endif
