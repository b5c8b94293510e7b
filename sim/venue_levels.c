/* venue_levels.c: the prices at which we rest: sorted, best first, and found by price.
 *
 * A message tells a handful of prices, we may rest at hundreds: whichever are fewer are looked up among the
 * others. The sorted list is entered at whichever end is nearer to the price: grids grow at both. */
#include "sim/venue_state.h"

bool queue_best(const struct venue *venue, const struct venue_instrument *market, enum side side, px_t *price)
{
    if (market->best[side] == SLOT_NONE)
        return false;
    *price = venue->levels[market->best[side]].price;
    return true;
}

/* The nearest level that is worse than a price where there is none, SLOT_NONE: none is. */
static uint32_t first_worse(const struct venue *venue, const struct venue_instrument *market, enum side side,
                            px_t price)
{
    uint32_t worse = market->best[side], last = market->worst[side];
    if (worse == SLOT_NONE)
        return SLOT_NONE;
    const px_t from_best = venue->levels[worse].price - price, from_worst = venue->levels[last].price - price;
    if ((from_best < 0 ? -from_best : from_best) <= (from_worst < 0 ? -from_worst : from_worst)) {
        while (worse != SLOT_NONE && price_better(side, venue->levels[worse].price, price))
            worse = venue->levels[worse].worse;
        return worse;
    }
    worse = SLOT_NONE;
    while (last != SLOT_NONE && price_better(side, price, venue->levels[last].price)) {
        worse = last;
        last = venue->levels[last].better;
    }
    return worse;
}

uint32_t level_at(struct venue *venue, uint16_t instrument, enum side side, px_t price)
{
    uint32_t slot = level_find(venue, instrument, side, price);
    if (slot != SLOT_NONE)
        return slot;
    struct venue_instrument *market = &venue->markets[instrument];
    const uint32_t worse = first_worse(venue, market, side, price);
    const uint32_t better = worse == SLOT_NONE ? market->worst[side] : venue->levels[worse].better;
    uint32_t *bucket = level_bucket(venue, instrument, side, price);
    slot = venue->level_free; /* there are as many level slots as order slots */
    struct own_level *level = &venue->levels[slot];
    venue->level_free = level->worse;
    *level = (struct own_level){.price = price,
                                .first = SLOT_NONE,
                                .last = SLOT_NONE,
                                .better = better,
                                .worse = worse,
                                .bucket_next = *bucket,
                                .traded_next = SLOT_NONE,
                                .instrument = instrument,
                                .side = (uint8_t)side};
    *bucket = slot;
    *(better == SLOT_NONE ? &market->best[side] : &venue->levels[better].worse) = slot;
    *(worse == SLOT_NONE ? &market->worst[side] : &venue->levels[worse].better) = slot;
    market->level_count[side]++;
    return slot;
}

void level_remove(struct venue *venue, uint32_t slot)
{
    struct own_level *level = &venue->levels[slot];
    const enum side side = (enum side)level->side;
    struct venue_instrument *market = &venue->markets[level->instrument];
    uint32_t *link = level_bucket(venue, level->instrument, side, level->price);
    while (*link != slot)
        link = &venue->levels[*link].bucket_next;
    *link = level->bucket_next;
    if (level->traded_listed) {
        link = &market->traded_first;
        while (*link != slot)
            link = &venue->levels[*link].traded_next;
        *link = level->traded_next;
    }
    *(level->better == SLOT_NONE ? &market->best[side] : &venue->levels[level->better].worse) = level->worse;
    *(level->worse == SLOT_NONE ? &market->worst[side] : &venue->levels[level->worse].better) = level->better;
    market->level_count[side]--;
    level->worse = venue->level_free;
    venue->level_free = slot;
}
