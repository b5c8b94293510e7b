/* The book of orders against a plain list, on random actions. */
#include "core/prng.h"
#include "feeds/synth_book.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define CAPACITY 200

struct listed {
    uint64_t id;
    int64_t tick, lots;
    uint64_t rank;
    enum side side;
    uint32_t index;
};

struct list {
    struct listed orders[CAPACITY];
    uint32_t count;
    uint64_t ranks;
};

static bool list_best(const struct list *list, enum side side, int64_t worse_than, bool any, int64_t *best)
{
    bool found = false;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct listed *order = &list->orders[i];
        if (order->side != side || (!any && (order->tick - worse_than) * side_sign(side) >= 0))
            continue;
        if (!found || (order->tick - *best) * side_sign(side) > 0)
            *best = order->tick;
        found = true;
    }
    return found;
}

static void compare(const struct synth_book *book, const struct list *list, uint64_t seed)
{
    for (unsigned side = SIDE_BUY; side <= SIDE_SELL; side++) {
        int64_t tick = 0, other = 0, walked = 0;
        bool more = list_best(list, side, 0, true, &tick);
        if (more)
            cr_assert(book->best[side] == tick, "seed %lu: best", (unsigned long)seed);
        else
            cr_assert(book->order_count[side] == 0);
        while (more) {
            const struct synth_level *level = synth_book_level(book, tick);
            int64_t lots = 0;
            uint32_t count = 0;
            for (uint32_t i = 0; i < list->count; i++)
                if (list->orders[i].tick == tick && list->orders[i].side == side) {
                    lots += list->orders[i].lots;
                    count++;
                }
            cr_assert(level->lots == lots && level->count == count && level->side == side);
            cr_assert(synth_book_lots(book, side, tick) == lots);
            cr_assert(synth_book_lots(book, side_opposite(side), tick) == 0);
            walked += count;
            more = list_best(list, side, tick, false, &other);
            int64_t next = 0;
            cr_assert(synth_book_next(book, side, tick, &next) == more, "seed %lu: next", (unsigned long)seed);
            cr_assert(!more || next == other);
            if (!more) {
                int64_t worst = 0;
                cr_assert(synth_book_worst(book, side, &worst) && worst == tick);
            }
            tick = other;
        }
        cr_assert(walked == book->order_count[side]);
    }
}

/* First come, first served: along a queue the ranks rise. */
static void compare_queues(const struct synth_book *book, const struct list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct synth_order *order = &book->orders[list->orders[i].index];
        cr_assert(order->id == list->orders[i].id && order->lots == list->orders[i].lots);
        if (order->next == SYNTH_NO_ORDER)
            continue;
        const struct synth_order *behind = &book->orders[order->next];
        for (uint32_t k = 0; k < list->count; k++)
            if (list->orders[k].id == behind->id)
                cr_assert(list->orders[k].rank > list->orders[i].rank && list->orders[k].tick == order->tick);
    }
}

static void random_actions(uint64_t seed)
{
    struct prng prng;
    struct synth_book book;
    static struct list list;
    int64_t centre = 1000000, *ticks = malloc(SYNTH_WINDOW * sizeof(*ticks));
    void *memory = malloc(synth_book_size(CAPACITY));
    prng_init(&prng, seed, 0);
    synth_book_init(&book, memory, CAPACITY, centre);
    list = (struct list){0};
    for (int step = 0; step < 3000; step++) {
        uint64_t what = prng_below(&prng, 100);
        int64_t bid = 0, ask = 0;
        bool has_bid = list_best(&list, SIDE_BUY, 0, true, &bid),
             has_ask = list_best(&list, SIDE_SELL, 0, true, &ask);
        enum side side = (enum side)prng_below(&prng, 2);
        /* Near or far, but never through the other side. */
        int64_t spread = prng_below(&prng, 4) == 0 ? 2000 : 12;
        int64_t tick = prng_range(&prng, centre - spread, centre + spread);
        if (side == SIDE_BUY && has_ask && tick >= ask)
            tick = ask - 1;
        if (side == SIDE_SELL && has_bid && tick <= bid)
            tick = bid + 1;
        uint32_t pick = list.count > 0 ? (uint32_t)prng_below(&prng, list.count) : 0;
        uint64_t update_id = book.update_id;
        if (!synth_book_in_window(&book, tick)) {
            continue;
        } else if (what < 50 && !synth_book_full(&book)) {
            int64_t lots = prng_range(&prng, 1, 50);
            uint32_t index = synth_book_add(&book, side, tick, lots);
            list.orders[list.count++] = (struct listed){.id = book.orders[index].id,
                                                        .tick = tick,
                                                        .lots = lots,
                                                        .rank = ++list.ranks,
                                                        .side = side,
                                                        .index = index};
        } else if (what < 90 && list.count > 0) {
            struct listed *order = &list.orders[pick];
            int64_t lots = prng_below(&prng, 3) == 0 ? order->lots : prng_range(&prng, 1, order->lots);
            synth_book_reduce(&book, order->index, lots);
            order->lots -= lots;
            if (order->lots == 0)
                *order = list.orders[--list.count];
        } else if (what < 98 && list.count > 0) {
            struct listed *order = &list.orders[pick];
            if (order->side != side)
                continue;
            order->tick = tick;
            order->lots = prng_range(&prng, 1, 50);
            order->rank = ++list.ranks;
            synth_book_move(&book, order->index, tick, order->lots);
        } else {
            /* Another window, if everything lies in it. */
            int64_t to = centre + prng_range(&prng, -400, 400);
            bool fits = true;
            for (uint32_t i = 0; i < list.count; i++)
                fits = fits && list.orders[i].tick >= to - SYNTH_WINDOW / 2 &&
                       list.orders[i].tick < to + SYNTH_WINDOW / 2;
            synth_book_take_changes(&book, SIDE_BUY, ticks);
            synth_book_take_changes(&book, SIDE_SELL, ticks);
            cr_assert(!synth_book_has_changes(&book) && !synth_book_changes_outside(&book, to + 100000));
            if (fits)
                synth_book_recentre(&book, centre = to);
            continue;
        }
        cr_assert(book.update_id == update_id + 1 || (what >= 50 && list.count == 0) || what < 50);
        compare(&book, &list, seed);
        if (step % 16 == 0)
            compare_queues(&book, &list);
    }
    free(memory);
    free(ticks);
}

Test(synth_book, random_actions_agree_with_a_list)
{
    for (uint64_t seed = 1; seed <= 6; seed++)
        random_actions(seed);
}

Test(synth_book, changes_are_told_once_best_first_and_only_of_their_side)
{
    void *memory = malloc(synth_book_size(8));
    int64_t ticks[SYNTH_WINDOW];
    struct synth_book book;
    /* A window over the end of the ring: ticks 4000..., slots wrap at 4096. */
    synth_book_init(&book, memory, 8, 4100);
    synth_book_add(&book, SIDE_BUY, 4095, 5);
    synth_book_add(&book, SIDE_BUY, 4090, 5);
    uint32_t far = synth_book_add(&book, SIDE_BUY, 4100 - SYNTH_WINDOW / 2, 1);
    synth_book_add(&book, SIDE_SELL, 4096, 7);
    synth_book_add(&book, SIDE_SELL, 4099 + SYNTH_WINDOW / 2, 7);
    cr_assert(synth_book_take_changes(&book, SIDE_BUY, ticks) == 3);
    cr_assert(ticks[0] == 4095 && ticks[1] == 4090 && ticks[2] == 4100 - SYNTH_WINDOW / 2);
    cr_assert(synth_book_take_changes(&book, SIDE_SELL, ticks) == 2);
    cr_assert(ticks[0] == 4096 && ticks[1] == 4099 + SYNTH_WINDOW / 2);
    cr_assert(synth_book_take_changes(&book, SIDE_BUY, ticks) == 0 && !synth_book_has_changes(&book));
    /* The two ends of the window share a word: from one end, the other is the last place looked at. */
    synth_book_add(&book, SIDE_SELL, 4099 + SYNTH_WINDOW / 2, 1);
    cr_assert(synth_book_take_changes(&book, SIDE_SELL, ticks) == 1 && ticks[0] == 4099 + SYNTH_WINDOW / 2);
    synth_book_add(&book, SIDE_BUY, 4100 - SYNTH_WINDOW / 2, 1);
    cr_assert(synth_book_take_changes(&book, SIDE_BUY, ticks) == 1 && ticks[0] == 4100 - SYNTH_WINDOW / 2);
    /* A move changes two prices; what came and went is changed too. */
    synth_book_move(&book, far, 4090, 3);
    uint32_t brief = synth_book_add(&book, SIDE_BUY, 4094, 2);
    synth_book_reduce(&book, brief, 2);
    cr_assert(synth_book_changes_outside(&book, 4200) && !synth_book_changes_outside(&book, 4100));
    cr_assert(synth_book_take_changes(&book, SIDE_BUY, ticks) == 3);
    cr_assert(ticks[0] == 4094 && ticks[1] == 4090 && ticks[2] == 4100 - SYNTH_WINDOW / 2);
    cr_assert(synth_book_lots(&book, SIDE_BUY, 4094) == 0 && synth_book_lots(&book, SIDE_BUY, 4090) == 8);
    free(memory);
}
