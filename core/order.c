/* order.c: one order's transitions, and the table that holds them.
 *
 *   table header │ per-instrument sums │ slots[capacity] │ index[2 x capacity] │
 *                                        ▲ open list (by id), ended list (by end), never-used slots
 *                                        └── index: open addressing, id -> slot, at most half full
 *
 * A slot is in one of three places: not yet used, in the open list, or in the ended list. A new order takes a
 * never-used slot while there is one, else the head of the ended list. The open list only ever grows at its
 * tail, so it is in the order of the ids; the sums of open orders are kept at each change, never recounted.
 */
#include "core/order.h"

#include "core/decimal.h"
#include "core/instrument.h"

#include <string.h>

/* ---- transitions ---- */

/* The rows are states, the columns kinds; a late ACK may come once after a fill or an end that overtook it. */
bool order_transition_legal(enum order_state state, enum exec_kind kind)
{
    enum { A = 1 << EXEC_ACK, R = 1 << EXEC_REJECT, F = 1 << EXEC_FILL, C = 1 << EXEC_CANCELLED };
    enum { X = 1 << EXEC_EXPIRED, M = 1 << EXEC_AMENDED | 1 << EXEC_REDUCED };
    enum { N = 1 << EXEC_CANCEL_REJECT | 1 << EXEC_AMEND_REJECT }; /* answers to a request that lost a race */
    static const unsigned legal[ORDER_STATE_COUNT] = {
        [ORDER_NONE] = 0,
        [ORDER_PENDING] = A | R | F | C | X | M | N,
        [ORDER_LIVE] = A | F | C | X | M | N,
        [ORDER_FILLED] = A | N,
        [ORDER_CANCELLED] = A | N,
        [ORDER_EXPIRED] = A | N,
        [ORDER_REJECTED] = N,
    };
    return (unsigned)state < ORDER_STATE_COUNT && (unsigned)kind < EXEC_KIND_COUNT && (legal[state] >> kind & 1);
}

/* The sum at the finer of both scales. It is of one currency: as long as it is nothing it may become another. */
static err_t add_fee(struct order *order, const struct execution *execution)
{
    if (execution->fee_decimals > DECIMAL_MONEY_MAX)
        return ERR_RANGE;
    STATIC_ASSERT(sizeof(order->fee_currency) == sizeof(execution->fee_currency), "copied whole");
    const bool takes = order->fee == 0 && (execution->fee != 0 || order->fee_currency[0] == '\0');
    if (!takes && execution->fee != 0 &&
        strncmp(order->fee_currency, execution->fee_currency, sizeof(order->fee_currency)) != 0) {
        order->fee_split = 1;
        return ERR_OK;
    }
    unsigned decimals = order->fee_decimals > execution->fee_decimals ? order->fee_decimals : execution->fee_decimals;
    money_t sum, more;
    if (money_rescale(order->fee, order->fee_decimals, decimals, ROUND_EXACT, &sum) != ERR_OK ||
        money_rescale(execution->fee, execution->fee_decimals, decimals, ROUND_EXACT, &more) != ERR_OK ||
        money_add(sum, more, &sum) != ERR_OK)
        return ERR_RANGE;
    if (takes)
        memcpy(order->fee_currency, execution->fee_currency, sizeof(order->fee_currency));
    order->fee = sum;
    order->fee_decimals = (uint8_t)decimals;
    return ERR_OK;
}

/* The most that a fill may be. What funds buy is only known when they have bought it. */
static qty_t fill_room(const struct order *order)
{
    return order->funds != 0 ? INT64_MAX - order->filled : order_leaves(order);
}

static err_t apply_fill(struct order *order, const struct execution *execution, ns_t ts)
{
    if (execution->qty <= 0 || execution->qty > fill_room(order))
        return ERR_RANGE;
    err_t err = add_fee(order, execution);
    if (err != ERR_OK)
        return err;
    order->filled += execution->qty;
    /* Cannot overflow: |price| < 2^63 and the quantities sum to less than 2^63. */
    order->cost += (money_t)execution->price * execution->qty;
    order->fill_count++;
    order->state = ORDER_LIVE;
    if (order->funds != 0 && (order->filled > order->qty || execution->leaves == 0))
        order->qty = order->filled;
    if (order->funds != 0 ? execution->leaves == 0 : order_leaves(order) == 0) {
        order->state = ORDER_FILLED;
        order->done_ts = ts;
    }
    return ERR_OK;
}

static err_t apply_reduced(struct order *order, const struct execution *execution)
{
    if (order->funds == 0) {
        if (execution->qty <= order->filled || execution->qty > order->qty)
            return ERR_RANGE;
        order->qty = execution->qty;
    }
    order->state = ORDER_LIVE;
    return ERR_OK;
}

/* What is only known when the order arrives: the limit of a best order, the quantity of a replacement by what was
 * left. */
static void take_terms(struct order *order, const struct execution *execution)
{
    if (order->type == ORDER_BEST)
        order->price = execution->price;
    if ((order->flags & ORDER_REMAINING) && execution->qty > 0 && execution->qty < order->qty &&
        execution->qty > order->filled)
        order->qty = execution->qty;
}

static void end(struct order *order, enum order_state state, const struct execution *execution, ns_t ts)
{
    order->state = (uint8_t)state;
    order->reason = execution->reason;
    order->done_ts = ts;
}

err_t order_apply(struct order *order, const struct execution *execution, ns_t ts)
{
    enum exec_kind kind = (enum exec_kind)execution->kind;
    if (!order_transition_legal((enum order_state)order->state, kind))
        return ERR_STATE;
    err_t err = ERR_OK;
    switch (kind) {
    case EXEC_ACK:
        if (order->ack_ts != 0)
            return ERR_STATE;
        order->ack_ts = ts;
        if (order->state == ORDER_PENDING)
            order->state = ORDER_LIVE;
        if (order->state == ORDER_LIVE)
            take_terms(order, execution);
        break;
    case EXEC_FILL:
        err = apply_fill(order, execution, ts);
        break;
    case EXEC_AMENDED:
        if (execution->qty <= order->filled)
            return ERR_RANGE;
        order->price = execution->price;
        order->qty = execution->qty;
        order->amend_pending = 0;
        order->state = ORDER_LIVE;
        break;
    case EXEC_REDUCED:
        err = apply_reduced(order, execution);
        break;
    case EXEC_REJECT:
        end(order, ORDER_REJECTED, execution, ts);
        break;
    case EXEC_CANCELLED:
        end(order, ORDER_CANCELLED, execution, ts);
        order->cancel_pending = 0;
        break;
    case EXEC_EXPIRED:
        end(order, ORDER_EXPIRED, execution, ts);
        break;
    case EXEC_CANCEL_REJECT:
        order->cancel_pending = 0;
        break;
    case EXEC_AMEND_REJECT:
        order->amend_pending = 0;
        break;
    case EXEC_PAYMENT: /* of no order: the table forbids it */
    case EXEC_KIND_COUNT:
        return ERR_STATE;
    }
    if (err == ERR_OK && execution->venue_order != 0)
        order->venue_order = execution->venue_order;
    return err;
}

/* ---- the table ---- */

#define NO_SLOT UINT32_MAX

struct slot {
    struct order order; /* first: a pointer to the order is a pointer to its slot */
    uint64_t next_id;   /* of the order after it in the open list when it left that list */
    uint32_t next, previous;
};

struct open_sums {
    money_t qty[2]; /* 128 bits: two orders of the largest quantity fit */
    uint32_t count;
};

struct list {
    uint32_t head, tail;
};

struct order_table {
    struct slot *slots;
    uint32_t *index;
    uint32_t capacity;
    uint32_t index_shift; /* 64 - log2 of the index's length */
    uint32_t used;        /* slots ever taken: 0..used-1 */
    uint32_t open_count;
    struct list open, ended;
    uint64_t last_id;
    struct open_sums sums[INSTRUMENTS_MAX];
};

static size_t round_up_64(size_t size)
{
    return (size + 63) & ~(size_t)63;
}

size_t order_table_size(uint32_t capacity)
{
    return round_up_64(sizeof(struct order_table)) + round_up_64((size_t)capacity * sizeof(struct slot)) +
           round_up_64((size_t)capacity * 2 * sizeof(uint32_t));
}

struct order_table *order_table_init(void *memory, uint32_t capacity)
{
    ASSERT(memory != NULL && (uintptr_t)memory % 64 == 0);
    ASSERT(capacity > 0 && capacity <= UINT32_MAX / 4 && (capacity & (capacity - 1)) == 0);
    memset(memory, 0, order_table_size(capacity));
    struct order_table *table = memory;
    char *at = (char *)memory + round_up_64(sizeof(*table));
    table->slots = (struct slot *)(void *)at;
    at += round_up_64((size_t)capacity * sizeof(struct slot));
    table->index = (uint32_t *)(void *)at;
    memset(table->index, 0xff, (size_t)capacity * 2 * sizeof(uint32_t));
    table->capacity = capacity;
    table->index_shift = (uint32_t)__builtin_clzll((uint64_t)capacity * 2) + 1;
    table->open = table->ended = (struct list){NO_SLOT, NO_SLOT};
    return table;
}

static uint32_t slot_number(const struct order_table *table, const struct order *order)
{
    return (uint32_t)((const struct slot *)(const void *)order - table->slots);
}

static void list_append(struct order_table *table, struct list *list, uint32_t number)
{
    struct slot *slot = &table->slots[number];
    slot->next = NO_SLOT;
    slot->previous = list->tail;
    if (list->tail == NO_SLOT)
        list->head = number;
    else
        table->slots[list->tail].next = number;
    list->tail = number;
}

static void list_remove(struct order_table *table, struct list *list, uint32_t number)
{
    const struct slot *slot = &table->slots[number];
    if (slot->previous == NO_SLOT)
        list->head = slot->next;
    else
        table->slots[slot->previous].next = slot->next;
    if (slot->next == NO_SLOT)
        list->tail = slot->previous;
    else
        table->slots[slot->next].previous = slot->previous;
}

/* Fibonacci hashing: ids are consecutive, and so land far apart. */
static uint32_t index_home(const struct order_table *table, uint64_t id)
{
    return (uint32_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> table->index_shift);
}

/* The index cell that holds `id`, or the empty one where it would go. */
static uint32_t index_cell(const struct order_table *table, uint64_t id)
{
    uint32_t mask = table->capacity * 2 - 1;
    uint32_t cell = index_home(table, id);
    while (table->index[cell] != NO_SLOT && table->slots[table->index[cell]].order.id != id)
        cell = (cell + 1) & mask;
    return cell;
}

/* Take an id out and close the hole (Knuth 6.4, algorithm R): no tombstones, so lookups never grow slower. */
static void index_remove(struct order_table *table, uint64_t id)
{
    uint32_t mask = table->capacity * 2 - 1;
    uint32_t hole = index_cell(table, id);
    for (uint32_t cell = (hole + 1) & mask; table->index[cell] != NO_SLOT; cell = (cell + 1) & mask) {
        uint32_t home = index_home(table, table->slots[table->index[cell]].order.id);
        if (((cell - home) & mask) >= ((cell - hole) & mask)) { /* its probe passes the hole */
            table->index[hole] = table->index[cell];
            hole = cell;
        }
    }
    table->index[hole] = NO_SLOT;
}

static uint32_t take_slot(struct order_table *table)
{
    if (table->used < table->capacity)
        return table->used++;
    uint32_t number = table->ended.head;
    if (number != NO_SLOT) {
        list_remove(table, &table->ended, number);
        index_remove(table, table->slots[number].order.id);
    }
    return number;
}

err_t order_table_add(struct order_table *table, const struct order_request *request, ns_t ts, struct order **order)
{
    if (request->qty <= 0 || request->instrument >= INSTRUMENTS_MAX || request->side > SIDE_SELL)
        return ERR_RANGE;
    uint32_t number = take_slot(table);
    if (number == NO_SLOT)
        return ERR_FULL;
    struct slot *slot = &table->slots[number];
    slot->order = (struct order){.id = ++table->last_id,
                                 .tag = request->tag,
                                 .price = request->price,
                                 .qty = request->qty,
                                 .submit_ts = ts,
                                 .instrument = request->instrument,
                                 .side = request->side,
                                 .type = request->type,
                                 .tif = request->tif,
                                 .flags = request->flags,
                                 .stp = request->stp,
                                 .funds = request->funds,
                                 .expire_ts = request->expire_ts,
                                 .state = ORDER_PENDING};
    table->index[index_cell(table, slot->order.id)] = number;
    list_append(table, &table->open, number);
    table->open_count++;
    table->sums[request->instrument].count++;
    table->sums[request->instrument].qty[request->side] += request->qty;
    *order = &slot->order;
    return ERR_OK;
}

struct order *order_table_find(struct order_table *table, uint64_t id)
{
    uint32_t number = table->index[index_cell(table, id)];
    return number == NO_SLOT ? NULL : &table->slots[number].order;
}

/* Out of the open list, into the ended one; remembers its neighbour for a walk that stands on it. */
static void retire(struct order_table *table, struct slot *slot)
{
    uint32_t number = slot_number(table, &slot->order);
    slot->next_id = slot->next == NO_SLOT ? 0 : table->slots[slot->next].order.id;
    list_remove(table, &table->open, number);
    list_append(table, &table->ended, number);
    table->open_count--;
    table->sums[slot->order.instrument].count--;
}

err_t order_table_apply(struct order_table *table, const struct execution *execution, ns_t ts, struct order **order)
{
    struct order *found = order_table_find(table, execution->order_id);
    if (found == NULL)
        return ERR_NOTFOUND;
    bool was_open = order_is_open(found);
    qty_t leaves = order_leaves(found);
    err_t err = order_apply(found, execution, ts);
    if (err != ERR_OK)
        return err;
    if (was_open) {
        struct open_sums *sums = &table->sums[found->instrument];
        sums->qty[found->side] -= leaves;
        if (order_is_open(found))
            sums->qty[found->side] += order_leaves(found);
        else
            retire(table, (struct slot *)(void *)found);
    }
    *order = found;
    return ERR_OK;
}

uint32_t order_table_open_count(const struct order_table *table)
{
    return table->open_count;
}

uint32_t order_table_open_count_of(const struct order_table *table, uint16_t instrument)
{
    if (instrument == INSTRUMENT_NONE)
        return table->open_count;
    return instrument < INSTRUMENTS_MAX ? table->sums[instrument].count : 0;
}

qty_t order_table_open_qty(const struct order_table *table, uint16_t instrument, enum side side)
{
    if (instrument >= INSTRUMENTS_MAX)
        return 0;
    money_t qty = table->sums[instrument].qty[side];
    return qty > INT64_MAX ? INT64_MAX : (qty_t)qty;
}

struct order *order_table_next_open(struct order_table *table, const struct order *previous)
{
    uint32_t number = table->open.head;
    if (previous != NULL) {
        const struct slot *slot = (const struct slot *)(const void *)previous;
        if (order_is_open(previous)) {
            number = slot->next;
        } else {
            /* It ended inside the walk. Nothing is ever put between two open orders, so its old neighbour, if
             * still open, is the next; if that ended too, the first open one with a higher id is. */
            const struct order *next = slot->next_id == 0 ? NULL : order_table_find(table, slot->next_id);
            if (next != NULL && order_is_open(next))
                return &table->slots[slot_number(table, next)].order;
            while (number != NO_SLOT && table->slots[number].order.id < previous->id)
                number = table->slots[number].next;
        }
    }
    return number == NO_SLOT ? NULL : &table->slots[number].order;
}

uint64_t order_table_last_id(const struct order_table *table)
{
    return table->last_id;
}

/* ---- names ---- */

#define NAME_TEXT(name, text) text,
#define NAME_WORD(name, text) #name,

const char *order_state_name(enum order_state state)
{
    static const char *const names[] = {ORDER_STATE_MAP(NAME_TEXT)};
    return (unsigned)state < ARRAY_LEN(names) ? names[state] : "?";
}

const char *exec_kind_name(enum exec_kind kind)
{
    static const char *const names[] = {EXEC_KIND_MAP(NAME_TEXT)};
    return (unsigned)kind < ARRAY_LEN(names) ? names[kind] : "?";
}

const char *reason_words(enum reason reason)
{
    static const char *const words[] = {REASON_MAP(NAME_TEXT)};
    return (unsigned)reason < ARRAY_LEN(words) ? words[reason] : "?";
}

const char *reason_name(enum reason reason)
{
    static const char *const names[] = {REASON_MAP(NAME_WORD)};
    return (unsigned)reason < ARRAY_LEN(names) ? names[reason] : "?";
}

const char *tif_name(enum time_in_force tif)
{
    static const char *const names[] = {"gtc", "ioc", "fok", "gtd"};
    return (unsigned)tif < ARRAY_LEN(names) ? names[tif] : "?";
}

const char *order_type_name(enum order_type type)
{
    static const char *const names[] = {"limit", "market", "best"};
    return (unsigned)type < ARRAY_LEN(names) ? names[type] : "?";
}

const char *stp_mode_name(enum stp_mode mode)
{
    static const char *const names[] = {"default",      "reject",      "none",     "expire_taker",
                                        "expire_maker", "expire_both", "decrement"};
    return (unsigned)mode < ARRAY_LEN(names) ? names[mode] : "?";
}

const char *side_name(enum side side)
{
    return side == SIDE_BUY ? "buy" : side == SIDE_SELL ? "sell" : "?";
}
