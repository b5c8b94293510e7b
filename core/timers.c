#include "core/timers.h"

void timers_init(struct timers *timers, struct timer *memory, uint32_t capacity)
{
    *timers = (struct timers){memory, 0, capacity, 0};
}

static bool before(const struct timer *a, const struct timer *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->id < b->id;
}

static void sift_up(struct timers *timers, uint32_t i)
{
    struct timer timer = timers->heap[i];
    while (i > 0) {
        uint32_t parent = (i - 1) / 2;
        if (!before(&timer, &timers->heap[parent]))
            break;
        timers->heap[i] = timers->heap[parent];
        i = parent;
    }
    timers->heap[i] = timer;
}

static void sift_down(struct timers *timers, uint32_t i)
{
    struct timer timer = timers->heap[i];
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= timers->count)
            break;
        if (child + 1 < timers->count && before(&timers->heap[child + 1], &timers->heap[child]))
            child++;
        if (!before(&timers->heap[child], &timer))
            break;
        timers->heap[i] = timers->heap[child];
        i = child;
    }
    timers->heap[i] = timer;
}

err_t timers_add(struct timers *timers, ns_t deadline, uint64_t *id)
{
    if (timers->count == timers->capacity)
        return ERR_FULL;
    timers->heap[timers->count] = (struct timer){deadline, ++timers->last_id};
    sift_up(timers, timers->count++);
    if (id != NULL)
        *id = timers->last_id;
    return ERR_OK;
}

static void remove_at(struct timers *timers, uint32_t i)
{
    timers->heap[i] = timers->heap[--timers->count];
    if (i < timers->count) {
        sift_down(timers, i);
        sift_up(timers, i);
    }
}

err_t timers_cancel(struct timers *timers, uint64_t id)
{
    for (uint32_t i = 0; i < timers->count; i++)
        if (timers->heap[i].id == id) {
            remove_at(timers, i);
            return ERR_OK;
        }
    return ERR_NOTFOUND;
}

struct timer timers_pop(struct timers *timers)
{
    ASSERT(timers->count != 0);
    struct timer first = timers->heap[0];
    remove_at(timers, 0);
    return first;
}
