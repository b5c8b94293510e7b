/* How: searching a ring. A window need not begin at a word, so its two ends may share one: a search that starts in a
 * word looks at the part ahead of it, then at the other words, and last at the part of its own word behind it. Slots
 * go back to ticks by their distance from the tick where the search began; the caller checks that what was found
 * lies in the window, where the search may leave it at one end and come in at the other. */
#include "feeds/synth_book.h"

#include <string.h>

#define SLOT_MASK (SYNTH_WINDOW - 1)
STATIC_ASSERT(SYNTH_WORDS == 64, "the summary is one word");

size_t synth_book_size(uint32_t order_capacity)
{
    return SYNTH_WINDOW * sizeof(struct synth_level) + order_capacity * sizeof(struct synth_order);
}

void synth_book_init(struct synth_book *book, void *memory, uint32_t order_capacity, int64_t centre)
{
    ASSERT(order_capacity >= 1 && order_capacity < SYNTH_NO_ORDER);
    memset(book, 0, sizeof(*book));
    book->levels = memory;
    book->orders = (struct synth_order *)(void *)(book->levels + SYNTH_WINDOW);
    book->order_capacity = order_capacity;
    book->low = centre - SYNTH_WINDOW / 2;
    memset(book->levels, 0, SYNTH_WINDOW * sizeof(struct synth_level));
    memset(book->orders, 0, order_capacity * sizeof(struct synth_order));
    for (uint32_t i = 0; i < SYNTH_WINDOW; i++)
        book->levels[i].head = book->levels[i].tail = SYNTH_NO_ORDER;
    for (uint32_t i = 0; i < order_capacity; i++)
        book->orders[i].next = i + 1 < order_capacity ? i + 1 : SYNTH_NO_ORDER;
}

static void bits_set(struct synth_bits *bits, int64_t tick)
{
    unsigned slot = (unsigned)(tick & SLOT_MASK);
    bits->words[slot / 64] |= UINT64_C(1) << (slot % 64);
    bits->summary |= UINT64_C(1) << (slot / 64);
}

static void bits_clear(struct synth_bits *bits, int64_t tick)
{
    unsigned slot = (unsigned)(tick & SLOT_MASK);
    bits->words[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
    if (bits->words[slot / 64] == 0)
        bits->summary &= ~(UINT64_C(1) << (slot / 64));
}

static uint64_t rotate_right(uint64_t word, unsigned by)
{
    return by == 0 ? word : word >> by | word << (64 - by);
}

/* The nearest marked tick at or above `tick`, within the ring. */
static bool bits_up(const struct synth_bits *bits, int64_t tick, int64_t *found)
{
    unsigned slot = (unsigned)(tick & SLOT_MASK), word = slot / 64;
    uint64_t here = bits->words[word] >> (slot % 64);
    if (here != 0) {
        *found = tick + __builtin_ctzll(here);
        return true;
    }
    /* Bit k of `rest`: the word k after the next one. The last of them is our own word again. */
    uint64_t rest = rotate_right(bits->summary, (word + 1) % 64);
    if (rest == 0)
        return false;
    unsigned ahead = (unsigned)__builtin_ctzll(rest) + 1;
    unsigned low = (unsigned)__builtin_ctzll(bits->words[(word + ahead) % 64]);
    *found = tick - slot % 64 + (int64_t)ahead * 64 + low;
    return true;
}

/* The nearest marked tick at or below `tick`, within the ring. */
static bool bits_down(const struct synth_bits *bits, int64_t tick, int64_t *found)
{
    unsigned slot = (unsigned)(tick & SLOT_MASK), word = slot / 64;
    uint64_t here = bits->words[word] << (63 - slot % 64);
    if (here != 0) {
        *found = tick - __builtin_clzll(here);
        return true;
    }
    /* Bit 63 - k of `rest`: the word k before the previous one. */
    uint64_t rest = rotate_right(bits->summary, word);
    if (rest == 0)
        return false;
    unsigned behind = (unsigned)__builtin_clzll(rest) + 1;
    unsigned high = 63 - (unsigned)__builtin_clzll(bits->words[(word + 64 - behind) % 64]);
    *found = tick - slot % 64 - (int64_t)behind * 64 + high;
    return true;
}

int64_t synth_book_lots(const struct synth_book *book, enum side side, int64_t tick)
{
    if (!synth_book_in_window(book, tick))
        return 0;
    const struct synth_level *level = synth_book_level(book, tick);
    return level->count != 0 && level->side == side ? level->lots : 0;
}

bool synth_book_next(const struct synth_book *book, enum side side, int64_t tick, int64_t *next)
{
    int64_t found;
    bool any = side == SIDE_BUY ? bits_down(&book->used[side], tick - 1, &found)
                                : bits_up(&book->used[side], tick + 1, &found);
    if (!any || !synth_book_in_window(book, found))
        return false;
    *next = found;
    return true;
}

bool synth_book_worst(const struct synth_book *book, enum side side, int64_t *worst)
{
    int64_t found;
    bool any = side == SIDE_BUY ? bits_up(&book->used[side], book->low, &found)
                                : bits_down(&book->used[side], book->low + SYNTH_WINDOW - 1, &found);
    if (any)
        *worst = found;
    return any;
}

/* To the back of the queue of its price. */
static void enqueue(struct synth_book *book, uint32_t index)
{
    struct synth_order *order = &book->orders[index];
    enum side side = order->side;
    struct synth_level *level = synth_book_level(book, order->tick);
    ASSERT(synth_book_in_window(book, order->tick) && order->lots > 0);
    if (level->count == 0) {
        level->head = index;
        level->side = side;
        bits_set(&book->used[side], order->tick);
        if (book->order_count[side] == 0 || (order->tick - book->best[side]) * side_sign(side) > 0)
            book->best[side] = order->tick;
    } else {
        ASSERT(level->side == side);
        book->orders[level->tail].next = index;
    }
    order->prev = level->tail;
    order->next = SYNTH_NO_ORDER;
    level->tail = index;
    level->count++;
    level->lots += order->lots;
    book->order_count[side]++;
    bits_set(&book->changed[side], order->tick);
    enum side other = side_opposite(side);
    ASSERT(book->order_count[other] == 0 || (book->best[other] - order->tick) * side_sign(side) > 0);
}

static void dequeue(struct synth_book *book, uint32_t index)
{
    struct synth_order *order = &book->orders[index];
    enum side side = order->side;
    struct synth_level *level = synth_book_level(book, order->tick);
    if (order->prev == SYNTH_NO_ORDER)
        level->head = order->next;
    else
        book->orders[order->prev].next = order->next;
    if (order->next == SYNTH_NO_ORDER)
        level->tail = order->prev;
    else
        book->orders[order->next].prev = order->prev;
    level->count--;
    level->lots -= order->lots;
    book->order_count[side]--;
    bits_set(&book->changed[side], order->tick);
    if (level->count == 0) {
        bits_clear(&book->used[side], order->tick);
        if (order->tick == book->best[side] && book->order_count[side] > 0)
            ASSERT(synth_book_next(book, side, order->tick, &book->best[side]));
    }
}

uint32_t synth_book_add(struct synth_book *book, enum side side, int64_t tick, int64_t lots)
{
    uint32_t index = book->free_head;
    ASSERT(index != SYNTH_NO_ORDER);
    struct synth_order *order = &book->orders[index];
    book->free_head = order->next;
    order->id = ++book->last_id;
    order->lots = lots;
    order->tick = tick;
    order->side = (uint8_t)side;
    book->update_id++;
    enqueue(book, index);
    return index;
}

void synth_book_reduce(struct synth_book *book, uint32_t index, int64_t lots)
{
    struct synth_order *order = &book->orders[index];
    ASSERT(lots > 0 && lots <= order->lots);
    book->update_id++;
    if (lots < order->lots) {
        order->lots -= lots;
        synth_book_level(book, order->tick)->lots -= lots;
        bits_set(&book->changed[order->side], order->tick);
        return;
    }
    dequeue(book, index);
    order->lots = 0;
    order->next = book->free_head;
    book->free_head = index;
}

void synth_book_move(struct synth_book *book, uint32_t index, int64_t tick, int64_t lots)
{
    struct synth_order *order = &book->orders[index];
    book->update_id++;
    dequeue(book, index);
    order->tick = tick;
    order->lots = lots;
    enqueue(book, index);
}

uint32_t synth_book_take_changes(struct synth_book *book, enum side side, int64_t *ticks)
{
    struct synth_bits *bits = &book->changed[side];
    uint32_t count = 0;
    if (bits->summary == 0)
        return 0;
    int64_t end = book->low + SYNTH_WINDOW, tick;
    if (side == SIDE_BUY) {
        for (int64_t from = end - 1; from >= book->low && bits_down(bits, from, &tick); from = tick - 1) {
            if (tick < book->low)
                break;
            ticks[count++] = tick;
        }
    } else {
        for (int64_t from = book->low; from < end && bits_up(bits, from, &tick); from = tick + 1) {
            if (tick >= end)
                break;
            ticks[count++] = tick;
        }
    }
    memset(bits, 0, sizeof(*bits));
    return count;
}

static bool bits_within(const struct synth_bits *bits, int64_t old_low, int64_t new_low)
{
    int64_t end = old_low + SYNTH_WINDOW, tick;
    for (int64_t from = old_low; from < end && bits_up(bits, from, &tick) && tick < end; from = tick + 1)
        if (tick < new_low || tick >= new_low + SYNTH_WINDOW)
            return false;
    return true;
}

bool synth_book_changes_outside(const struct synth_book *book, int64_t centre)
{
    int64_t low = centre - SYNTH_WINDOW / 2;
    return !bits_within(&book->changed[0], book->low, low) || !bits_within(&book->changed[1], book->low, low);
}

void synth_book_recentre(struct synth_book *book, int64_t centre)
{
    int64_t low = centre - SYNTH_WINDOW / 2;
    ASSERT(!synth_book_changes_outside(book, centre));
    ASSERT(bits_within(&book->used[0], book->low, low) && bits_within(&book->used[1], book->low, low));
    book->low = low;
}
