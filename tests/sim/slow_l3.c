#include "slow_l3.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

void slow_l3_init(struct slow_l3 *slow, const struct instrument *rules, int own_max)
{
    *slow = (struct slow_l3){.rules = rules, .own_max = own_max, .fresh = true};
}

void slow_l3_free(struct slow_l3 *slow)
{
    free(slow->line);
    free(slow->said);
}

/* ---- the line ---- */

static void append(struct slow_l3 *slow, struct slow_one one)
{
    if (slow->count == slow->capacity) {
        slow->capacity = slow->capacity == 0 ? 64 : slow->capacity * 2;
        slow->line = realloc(slow->line, (size_t)slow->capacity * sizeof(*slow->line));
    }
    slow->line[slow->count++] = one;
}

static void leave(struct slow_l3 *slow, int at)
{
    memmove(slow->line + at, slow->line + at + 1, (size_t)(slow->count - at - 1) * sizeof(*slow->line));
    slow->count--;
}

static int find(const struct slow_l3 *slow, bool ours, uint64_t id)
{
    for (int i = 0; i < slow->count; i++)
        if (slow->line[i].ours == ours && slow->line[i].id == id)
            return i;
    return -1;
}

static bool better(enum side side, px_t a, px_t b)
{
    return side == SIDE_BUY ? a > b : a < b;
}

static bool recorded_at(const struct slow_one *one, enum side side, px_t price)
{
    return !one->ours && one->told && one->side == side && one->price == price;
}

qty_t slow_l3_shown(const struct slow_l3 *slow, enum side side, px_t price)
{
    qty_t sum = 0;
    for (int i = 0; i < slow->count; i++)
        sum += recorded_at(&slow->line[i], side, price) ? slow->line[i].left : 0;
    return sum;
}

static qty_t ahead_of(const struct slow_l3 *slow, int at)
{
    qty_t sum = 0;
    for (int i = 0; i < at; i++)
        sum += recorded_at(&slow->line[i], slow->line[at].side, slow->line[at].price) ? slow->line[i].left : 0;
    return sum;
}

qty_t slow_l3_ahead(const struct slow_l3 *slow, uint64_t id)
{
    const int at = find(slow, true, id);
    return at < 0 ? -1 : ahead_of(slow, at);
}

static int own_count(const struct slow_l3 *slow)
{
    int count = 0;
    for (int i = 0; i < slow->count; i++)
        count += slow->line[i].ours;
    return count;
}

/* The best price of a side, of the recording or ours, that is worse than `after` (NULL: the best of all); `after` may
 * be `price`. */
static bool best(const struct slow_l3 *slow, bool ours, enum side side, const px_t *after, px_t *price)
{
    const bool any = after == NULL;
    const px_t than = any ? 0 : *after;
    bool found = false;
    for (int i = 0; i < slow->count; i++) {
        const struct slow_one *one = &slow->line[i];
        if (one->ours != ours || one->side != side || (!ours && !one->told) ||
            (!any && !better(side, than, one->price)))
            continue;
        if (!found || better(side, one->price, *price))
            *price = one->price;
        found = true;
    }
    return found;
}

/* ---- what is said ---- */

static struct slow_said *say(struct slow_l3 *slow, uint64_t id, enum exec_kind kind, enum reason reason)
{
    if (slow->said_count == slow->said_capacity) {
        slow->said_capacity = slow->said_capacity == 0 ? 256 : slow->said_capacity * 2;
        slow->said = realloc(slow->said, (size_t)slow->said_capacity * sizeof(*slow->said));
    }
    struct slow_said *said = &slow->said[slow->said_count++];
    *said = (struct slow_said){.ts = slow->now, .order_id = id, .kind = kind, .reason = reason};
    return said;
}

static money_t power_of_ten(unsigned exponent)
{
    money_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* rate x price x quantity at 10^-8: up when we pay, toward zero when we are paid. */
static money_t fee_of(const struct slow_l3 *slow, px_t price, qty_t qty, bool maker)
{
    const money_t rate = maker ? slow->rules->maker_fee : slow->rules->taker_fee; /* at 10^-9 */
    const money_t exact = rate * price * qty * slow->rules->multiplier;
    const money_t unit =
        power_of_ten(1u + slow->rules->price_decimals + slow->rules->qty_decimals + slow->rules->multiplier_decimals);
    const money_t whole = exact / unit;
    return exact > whole * unit ? whole + 1 : whole;
}

static qty_t reducible(const struct slow_l3 *slow, enum side side)
{
    if (slow->rules->contract == CONTRACT_SPOT)
        return side == SIDE_SELL ? INT64_MAX : 0;
    const qty_t held = side == SIDE_SELL ? slow->position : -slow->position;
    return held > 0 ? held : 0;
}

/* How much of `qty` may be filled. */
static qty_t fillable(const struct slow_l3 *slow, const struct slow_one *one, qty_t qty)
{
    const qty_t room = one->flags & ORDER_REDUCE_ONLY ? reducible(slow, one->side) : INT64_MAX;
    qty = qty < one->left ? qty : one->left;
    return qty < room ? qty : room;
}

/* Fill one of ours; true when it has ended. */
static bool fill(struct slow_l3 *slow, struct slow_one *one, px_t price, qty_t qty, bool maker, qty_t *filled)
{
    *filled = fillable(slow, one, qty);
    if (*filled > 0) {
        one->left -= *filled;
        one->filled += *filled;
        slow->position += one->side == SIDE_BUY ? *filled : -*filled;
        slow->paid += (money_t)price * *filled * side_sign(one->side);
        struct slow_said *said = say(slow, one->id, EXEC_FILL, REASON_NONE);
        said->price = price;
        said->qty = *filled;
        said->leaves = one->left;
        said->maker = maker;
        said->fee = fee_of(slow, price, *filled, maker);
        slow->fees += said->fee;
    }
    if (one->left > 0 && (one->flags & ORDER_REDUCE_ONLY) && reducible(slow, one->side) == 0) {
        say(slow, one->id, EXEC_EXPIRED, REASON_REDUCE_ONLY);
        return true;
    }
    return one->left == 0;
}

static qty_t fill_resting(struct slow_l3 *slow, uint64_t id, qty_t qty)
{
    const int at = find(slow, true, id);
    qty_t filled;
    struct slow_one one = slow->line[at];
    const bool ended = fill(slow, &one, one.price, qty, true, &filled);
    slow->line[at] = one;
    if (ended)
        leave(slow, at);
    return filled;
}

/* ---- taking ---- */

/* What is displayed at a price and not taken yet; of it up to `take` is taken now, first in line first. */
static qty_t take_at(struct slow_l3 *slow, enum side side, px_t price, qty_t take)
{
    qty_t sum = 0;
    for (int i = 0; i < slow->count; i++) {
        struct slow_one *one = &slow->line[i];
        if (!recorded_at(one, side, price))
            continue;
        const qty_t room = one->left - one->taken, now = room < take ? room : take;
        cr_assert(room >= 0, "more taken of an order than it shows");
        one->taken += now;
        take -= now;
        sum += room;
    }
    return sum;
}

/* Recorded quantity of `side` at prices as good as `limit`, not yet taken, counted up to `want`. */
static qty_t can_take(struct slow_l3 *slow, enum side side, px_t limit, qty_t want)
{
    px_t price = 0;
    qty_t sum = 0;
    for (bool more = best(slow, false, side, NULL, &price); more && !better(side, limit, price) && sum < want;
         more = best(slow, false, side, &price, &price))
        sum += take_at(slow, side, price, 0);
    return sum < want ? sum : want;
}

/* Opposite orders of the recording at or through one of ours, less what is displayed before it, fill it. */
static void cross(struct slow_l3 *slow, uint64_t id)
{
    const int at = find(slow, true, id);
    const struct slow_one one = slow->line[at];
    const enum side side = side_opposite(one.side);
    qty_t want = fillable(slow, &one, one.left), skip = ahead_of(slow, at), got = 0;
    px_t price = 0;
    for (bool more = best(slow, false, side, NULL, &price); more && !better(side, one.price, price) && got < want;
         more = best(slow, false, side, &price, &price)) {
        const qty_t here = take_at(slow, side, price, 0), passed = here < skip ? here : skip;
        skip -= passed;
        const qty_t take = here - passed < want - got ? here - passed : want - got;
        (void)take_at(slow, side, price, take);
        got += take;
    }
    if (got > 0)
        (void)fill_resting(slow, id, got);
}

/* The ids of ours on a side, best price first, then first come. Returns how many. */
static int own_in_order(const struct slow_l3 *slow, enum side side, uint64_t ids[64])
{
    int count = 0;
    px_t price = 0;
    for (bool more = best(slow, true, side, NULL, &price); more; more = best(slow, true, side, &price, &price))
        for (int i = 0; i < slow->count; i++)
            if (slow->line[i].ours && slow->line[i].side == side && slow->line[i].price == price)
                ids[count++] = slow->line[i].id;
    return count;
}

static void cross_all(struct slow_l3 *slow, enum side side)
{
    uint64_t ids[64];
    const int count = own_in_order(slow, side, ids);
    for (int i = 0; i < count; i++)
        cross(slow, ids[i]);
}

/* ---- the recording ---- */

static void shrink(struct slow_one *one, qty_t left)
{
    const qty_t less = one->left - left;
    one->taken = one->taken > less ? one->taken - less : 0;
    one->left = left;
}

static void add(struct slow_l3 *slow, const struct event *event, enum side side)
{
    const int at = find(slow, false, event->seq_first);
    struct slow_one one = {.told = true,
                           .id = event->seq_first,
                           .side = side,
                           .price = event->levels[0].price,
                           .left = event->levels[0].qty};
    if (at >= 0 && slow->line[at].told) {
        slow->lost = true;
        return;
    }
    if (at >= 0 && slow->line[at].side == side && slow->line[at].price == one.price &&
        slow->line[at].left >= one.left) {
        slow->line[at] = one;
    } else {
        if (at >= 0)
            leave(slow, at);
        append(slow, one);
    }
    cross_all(slow, side_opposite(side));
}

static void modify(struct slow_l3 *slow, int at, const struct level *told)
{
    struct slow_one one = slow->line[at];
    const bool stays = told->price == one.price && told->qty <= one.left;
    if (told->qty < one.left)
        shrink(&one, told->qty);
    one.left = told->qty;
    one.price = told->price;
    slow->line[at] = one;
    if (stays)
        return;
    leave(slow, at);
    append(slow, one);
    cross_all(slow, side_opposite(one.side));
}

/* A taker comes through the book and meets us before the order that it met in the recording. */
static void execute(struct slow_l3 *slow, int at, qty_t qty)
{
    const struct slow_one met = slow->line[at];
    uint64_t ids[64];
    int meets = 0;
    const int count = own_in_order(slow, met.side, ids);
    for (int i = 0; i < count; i++) {
        const int own = find(slow, true, ids[i]);
        if (better(met.side, slow->line[own].price, met.price) || (slow->line[own].price == met.price && own < at))
            ids[meets++] = ids[i];
    }
    shrink(&slow->line[at], met.left - qty);
    if (slow->line[at].left == 0)
        leave(slow, at);
    for (int i = 0; i < meets && qty > 0; i++)
        qty -= fill_resting(slow, ids[i], qty);
}

static void change(struct slow_l3 *slow, const struct event *event, enum side side)
{
    const int at = find(slow, false, event->seq_first);
    const struct level *told = &event->levels[0];
    if (at < 0 || !slow->line[at].told || slow->line[at].side != side) {
        slow->lost = true;
    } else if (event->kind == EVENT_L3_MODIFY) {
        modify(slow, at, told);
    } else if (told->price != slow->line[at].price || told->qty > slow->line[at].left) {
        slow->lost = true;
    } else if (event->kind == EVENT_L3_EXECUTE) {
        execute(slow, at, told->qty);
    } else {
        shrink(&slow->line[at], told->qty);
        if (told->qty == 0)
            leave(slow, at);
    }
}

void slow_l3_market(struct slow_l3 *slow, ns_t ts, const struct event *event)
{
    slow->now = ts;
    if (event->kind == EVENT_GAP) {
        slow->lost = true;
    } else if (event->kind == EVENT_BOOK_SNAPSHOT && event->bid_count + event->ask_count == 0) {
        slow->lost = slow->fresh = false;
        for (int i = 0; i < slow->count; i++)
            slow->line[i].told = false;
    } else if (event_is_level3(event->kind) && !slow->lost) {
        slow->fresh = false;
        if (event->kind == EVENT_L3_ADD)
            add(slow, event, event->flags & EVENT_SELL ? SIDE_SELL : SIDE_BUY);
        else
            change(slow, event, event->flags & EVENT_SELL ? SIDE_SELL : SIDE_BUY);
    }
}

/* ---- requests ---- */

static px_t limit_of(const struct slow_one *one)
{
    if (one->type == ORDER_MARKET)
        return one->side == SIDE_BUY ? INT64_MAX : INT64_MIN;
    return one->price;
}

static enum reason check(struct slow_l3 *slow, const struct slow_one *one)
{
    const enum side opposite = side_opposite(one->side);
    px_t other = 0, own = 0;
    if ((one->flags & ORDER_REDUCE_ONLY) && reducible(slow, one->side) < one->left)
        return REASON_REDUCE_ONLY;
    if ((one->flags & ORDER_POST_ONLY) && (one->type == ORDER_MARKET || (best(slow, false, opposite, NULL, &other) &&
                                                                         !better(one->side, other, one->price))))
        return REASON_POST_ONLY;
    if (best(slow, true, opposite, NULL, &own) && !better(one->side, own, limit_of(one)) &&
        can_take(slow, opposite, own + (one->side == SIDE_BUY ? -1 : 1), one->left) < one->left)
        return REASON_SELF_TRADE;
    return REASON_NONE;
}

static bool rests(const struct slow_one *one)
{
    return one->type == ORDER_LIMIT && one->tif == TIF_GTC;
}

static void work(struct slow_l3 *slow, struct slow_one one)
{
    const enum side opposite = side_opposite(one.side);
    const px_t limit = limit_of(&one);
    px_t price = 0;
    if (one.tif == TIF_FOK && can_take(slow, opposite, limit, one.left) < one.left) {
        say(slow, one.id, EXEC_EXPIRED, REASON_FOK);
        return;
    }
    for (bool more = best(slow, false, opposite, NULL, &price); more && !better(opposite, limit, price);
         more = best(slow, false, opposite, &price, &price)) {
        qty_t here = take_at(slow, opposite, price, 0), filled;
        if (here == 0)
            continue;
        here = here < one.left ? here : one.left;
        const qty_t take = fillable(slow, &one, here);
        const bool ended = fill(slow, &one, price, here, false, &filled);
        (void)take_at(slow, opposite, price, take);
        if (ended)
            return;
    }
    if (rests(&one))
        append(slow, one);
    else
        say(slow, one.id, EXEC_EXPIRED, REASON_NO_LIQUIDITY);
}

static void new_order(struct slow_l3 *slow, const struct venue_request *request)
{
    const struct slow_one one = {.ours = true,
                                 .told = true,
                                 .id = request->order_id,
                                 .side = (enum side)request->side,
                                 .price = request->price,
                                 .left = request->qty,
                                 .qty = request->qty,
                                 .type = request->type,
                                 .tif = request->tif,
                                 .flags = request->flags};
    enum reason reason = slow->lost || slow->fresh ? REASON_STALE_BOOK : check(slow, &one);
    if (reason == REASON_NONE && rests(&one) && own_count(slow) == slow->own_max)
        reason = REASON_TABLE_FULL;
    say(slow, one.id, reason == REASON_NONE ? EXEC_ACK : EXEC_REJECT, reason);
    if (reason == REASON_NONE)
        work(slow, one);
}

static void amend(struct slow_l3 *slow, int at, const struct venue_request *request)
{
    struct slow_one one = slow->line[at];
    const bool in_place = request->price == one.price && request->qty < one.qty;
    enum reason reason = REASON_NONE;
    one.price = request->price;
    one.qty = request->qty;
    one.left = request->qty - one.filled;
    if (one.left <= 0)
        reason = REASON_BAD_QTY;
    else if (!in_place && (slow->lost || slow->fresh))
        reason = REASON_STALE_BOOK;
    else if ((one.flags & ORDER_REDUCE_ONLY) && reducible(slow, one.side) < one.left)
        reason = REASON_REDUCE_ONLY;
    else if (!in_place)
        reason = check(slow, &one);
    say(slow, one.id, reason == REASON_NONE ? EXEC_AMENDED : EXEC_AMEND_REJECT, reason);
    if (reason != REASON_NONE)
        return;
    if (in_place) {
        slow->line[at] = one;
        return;
    }
    leave(slow, at);
    work(slow, one);
}

void slow_l3_request(struct slow_l3 *slow, ns_t ts, const struct venue_request *request)
{
    slow->now = ts;
    if (request->kind == VENUE_NEW) {
        new_order(slow, request);
        return;
    }
    const int at = find(slow, true, request->order_id);
    if (at < 0) {
        say(slow, request->order_id, request->kind == VENUE_CANCEL ? EXEC_CANCEL_REJECT : EXEC_AMEND_REJECT,
            REASON_UNKNOWN_ORDER);
    } else if (request->kind == VENUE_AMEND) {
        amend(slow, at, request);
    } else {
        say(slow, request->order_id, EXEC_CANCELLED, REASON_NONE);
        leave(slow, at);
    }
}
