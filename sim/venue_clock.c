/* venue_clock.c: what the venue does by itself when its time comes.
 *
 *   good till date   orders with an expire_ts are in a heap of slots, earliest first, then oldest first; each order
 *                    knows where in the heap it is, so that one that ends before is taken out in O(log n)
 *   countdown        one time an instrument; NS_MAX: not armed
 *
 * Of one instant: orders that expire, in the order in which they came, then the countdowns, by instrument. */
#include "sim/venue_state.h"

static bool sooner(const struct venue *venue, uint32_t a, uint32_t b)
{
    const struct own_order *x = &venue->orders[a], *y = &venue->orders[b];
    return x->expire_ts != y->expire_ts ? x->expire_ts < y->expire_ts : x->venue_order < y->venue_order;
}

static void put(struct venue *venue, uint32_t at, uint32_t slot)
{
    venue->due[at] = slot;
    venue->orders[slot].due_at = at;
}

static void rise(struct venue *venue, uint32_t at, uint32_t slot)
{
    for (; at > 0 && sooner(venue, slot, venue->due[(at - 1) / 2]); at = (at - 1) / 2)
        put(venue, at, venue->due[(at - 1) / 2]);
    put(venue, at, slot);
}

static void sink(struct venue *venue, uint32_t at, uint32_t slot)
{
    for (uint32_t child; (child = 2 * at + 1) < venue->due_count; at = child) {
        if (child + 1 < venue->due_count && sooner(venue, venue->due[child + 1], venue->due[child]))
            child++;
        if (!sooner(venue, venue->due[child], slot))
            break;
        put(venue, at, venue->due[child]);
    }
    put(venue, at, slot);
}

static void find_next(struct venue *venue)
{
    venue->due_ts = venue->due_count > 0 ? venue->orders[venue->due[0]].expire_ts : NS_MAX;
    if (venue->countdown_count == 0)
        return;
    for (uint32_t i = 0; i < venue->instrument_count; i++)
        if (venue->markets[i].countdown < venue->due_ts)
            venue->due_ts = venue->markets[i].countdown;
}

void clock_join(struct venue *venue, const struct own_order *order)
{
    rise(venue, venue->due_count++, (uint32_t)(order - venue->orders));
    find_next(venue);
}

void clock_leave(struct venue *venue, const struct own_order *order)
{
    const uint32_t at = order->due_at, last = venue->due[--venue->due_count];
    if (at < venue->due_count) {
        sink(venue, at, last);
        rise(venue, venue->orders[last].due_at, last);
    }
    find_next(venue);
}

void clock_countdown(struct venue *venue, uint16_t instrument, ns_t delay)
{
    ns_t *countdown = &venue->markets[instrument].countdown;
    venue->countdown_count -= *countdown != NS_MAX;
    *countdown = delay <= 0 || delay > NS_MAX - 1 - venue->now ? NS_MAX : venue->now + delay;
    venue->countdown_count += *countdown != NS_MAX;
    find_next(venue);
}

const ns_t *venue_timer(const struct venue *venue)
{
    return &venue->due_ts;
}

static void expire_next(struct venue *venue)
{
    if (venue->due_count > 0 && venue->orders[venue->due[0]].expire_ts == venue->due_ts) {
        struct own_order *order = &venue->orders[venue->due[0]];
        venue_end(venue, order, EXEC_EXPIRED, REASON_EXPIRED_GTD);
        queue_leave(venue, order);
        return;
    }
    uint16_t i = 0;
    while (venue->markets[i].countdown != venue->due_ts)
        i++;
    clock_countdown(venue, i, 0);
    queue_cancel_all(venue, i, REASON_COUNTDOWN);
}

void venue_pass(struct venue *venue, ns_t ts)
{
    while (venue->due_ts <= ts) {
        if (UNLIKELY(venue->perp.due < venue->due_ts))
            funding_elapse(venue, venue->due_ts - 1);
        if (venue->due_ts > venue->now) /* earlier: the run was over, but for others of a lockstep */
            venue->now = venue->due_ts;
        if (UNLIKELY(venue->watch != NULL))
            venue->watch->market = NULL;
        expire_next(venue);
    }
}
