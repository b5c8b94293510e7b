/* How: a binary heap of parcels. Numbers are given as parcels are made, so that of two at one moment the older one is
 * first. Each way is drawn when a message sets off. */
#include "cli/virtual_state.h"

#include <stdlib.h>
#include <string.h>

static bool is_before(const struct parcel *a, const struct parcel *b)
{
    return a->at != b->at ? a->at < b->at : a->number < b->number;
}

void virtual_net_push(struct virtual_wire *all, struct parcel *parcel)
{
    if (parcel == NULL) {
        all->failed = true;
        return;
    }
    if (all->count == all->capacity) {
        const size_t capacity = all->capacity == 0 ? 1024 : 2 * all->capacity;
        struct parcel **grown = realloc(all->heap, capacity * sizeof(struct parcel *));
        if (grown == NULL) {
            free(parcel);
            all->failed = true;
            return;
        }
        all->heap = grown;
        all->capacity = capacity;
    }
    size_t i = all->count++;
    for (; i > 0 && is_before(parcel, all->heap[(i - 1) / 2]); i = (i - 1) / 2)
        all->heap[i] = all->heap[(i - 1) / 2];
    all->heap[i] = parcel;
}

struct parcel *virtual_net_pop(struct virtual_wire *all)
{
    struct parcel *first = all->heap[0], *last = all->heap[--all->count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < all->count; i = child) {
        if (child + 1 < all->count && is_before(all->heap[child + 1], all->heap[child]))
            child++;
        if (!is_before(all->heap[child], last))
            break;
        all->heap[i] = all->heap[child];
    }
    all->heap[i] = last;
    return first;
}

struct parcel *virtual_net_make(struct virtual_wire *all, enum parcel_kind kind, uint16_t venue, uint8_t conn,
                                ns_t at, size_t size)
{
    struct parcel *parcel = calloc(1, sizeof(*parcel) + size + FRAME_PADDING);
    if (parcel == NULL)
        return NULL;
    parcel->kind = kind;
    parcel->venue = venue;
    parcel->conn = conn;
    parcel->at = at;
    parcel->number = all->numbers++;
    parcel->size = size;
    if (conn < LINK_CONNS)
        parcel->generation = all->venues[venue].conns[conn].generation;
    return parcel;
}

struct parcel *virtual_net_input(struct virtual_wire *all, enum link_what what, uint16_t venue, uint8_t conn, ns_t at,
                                 const char *head, size_t head_size, const char *text, size_t text_size)
{
    struct parcel *parcel = virtual_net_make(all, P_INPUT, venue, conn, at, head_size + text_size);
    if (parcel == NULL)
        return NULL;
    parcel->input = (struct link_input){.link = venue,
                                        .conn = conn < LINK_CONNS ? conn : 0,
                                        .what = (uint8_t)what,
                                        .head_size = (uint32_t)head_size,
                                        .text_size = (uint32_t)text_size};
    if (head_size > 0)
        memcpy(parcel->bytes, head, head_size);
    if (text_size > 0)
        memcpy(parcel->bytes + head_size, text, text_size);
    return parcel;
}

bool virtual_net_happens(struct virtual_wire *all, uint32_t in_a_million)
{
    return in_a_million > 0 && prng_below(&all->prng, 1000000) < in_a_million;
}

ns_t virtual_net_way(struct virtual_wire *all)
{
    ns_t way = all->net.delay;
    if (all->net.jitter > 0)
        way += prng_exponential(&all->prng, all->net.jitter);
    if (virtual_net_happens(all, all->net.stall))
        way += all->net.stall_time;
    return way;
}

ns_t virtual_net_in_line(ns_t *last, ns_t at)
{
    if (at < *last)
        at = *last;
    *last = at;
    return at;
}

void virtual_net_fail(struct virtual_wire *all, uint16_t venue, uint64_t id, ns_t at, const char *why)
{
    struct parcel *parcel = virtual_net_input(all, LINK_FAILED, venue, LINK_CONNS, at, NULL, 0, why, strlen(why));
    if (parcel != NULL)
        parcel->input.id = id;
    virtual_net_push(all, parcel);
}
