/* tape_header.h: the first frame of a tape: instruments and provenance, as a msgpack map (data/TAPE.md, "Header"). */
#ifndef TAPEDECK_DATA_TAPE_HEADER_H
#define TAPEDECK_DATA_TAPE_HEADER_H

#include "core/instrument.h"
#include "data/packed.h"

struct tape_header {
    char source[256];
    char created_by[64];
    uint16_t instrument_count;
    struct instrument *instruments; /* owned: tape_header_free */
    char *session;                  /* owned: how a session was listened to; NULL: not said */
};

void tape_header_pack(struct packed *packed, const struct instrument *instruments, uint16_t instrument_count,
                      const char *source, const char *created_by, const char *session);
void tape_header_free(struct tape_header *header);
err_t tape_header_unpack(const uint8_t *bytes, size_t size, struct tape_header *header,
                         struct err_text *why) MUST_USE;

#endif
