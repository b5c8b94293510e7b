/* recent_ids.h: was this id seen lately?
 *
 *   ids ─► [ ... the last RECENT_IDS ... ]      rising ids: one comparison
 *
 * Reconnects and overlapping connections repeat trades; Upbit's ids are unique but not strictly rising. So the last
 * ids are kept: an id above all of them is new; one among them is a repetition; one below the lowest kept, once
 * RECENT_IDS have been seen, is taken for a repetition too, because nobody can tell any more.
 */
#ifndef TAPEDECK_ADAPTERS_RECENT_IDS_H
#define TAPEDECK_ADAPTERS_RECENT_IDS_H

#include "core/base.h"

#define RECENT_IDS 512 /* a power of two */

struct recent_ids {
    uint64_t highest;
    uint64_t count; /* ever remembered */
    uint64_t ids[RECENT_IDS];
};

/* True: new, and remembered now. False: a repetition. */
static inline bool recent_ids_add(struct recent_ids *recent, uint64_t id)
{
    if (UNLIKELY(recent->count > 0 && id <= recent->highest)) {
        uint64_t kept = recent->count < RECENT_IDS ? recent->count : RECENT_IDS;
        uint64_t lowest = UINT64_MAX;
        for (uint64_t i = 0; i < kept; i++) {
            if (recent->ids[i] == id)
                return false;
            if (recent->ids[i] < lowest)
                lowest = recent->ids[i];
        }
        if (kept == RECENT_IDS && id < lowest)
            return false;
    } else {
        recent->highest = id;
    }
    recent->ids[recent->count++ & (RECENT_IDS - 1)] = id;
    return true;
}

#endif
