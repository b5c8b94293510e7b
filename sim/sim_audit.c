/* The venue's view of our orders and money against the engine's. They can only be the same at a quiet moment, when no
 * request and no word about an order is under way; and then they must be, whatever was lost on the way before. */
#include "sim/sim_lanes.h"

#include <stdio.h>

static bool is_quiet(const struct branch *branch)
{
    return branch->request_head == branch->request_tail && branch->response_head == branch->response_tail &&
           branch->refusals.head == branch->refusals.tail && branch->timeouts.head == branch->timeouts.tail &&
           branch->reports.head == branch->reports.tail;
}

static bool differs(const struct order *order, const struct instrument *instrument, int64_t theirs, int64_t ours,
                    unsigned decimals, struct breach *breach)
{
    char what[24];
    snprintf(what, sizeof(what), "order %llu", (unsigned long long)order->id);
    return breach_say(breach, "venue_orders", instrument->symbol, what, theirs, ours, decimals);
}

static bool order_agrees(const struct venue *venue, const struct order *order, const struct instrument *instrument,
                         struct breach *breach)
{
    struct venue_order_view view = {.leaves = 0};
    const bool rests = venue_order(venue, order->id, &view);
    if (!rests || view.leaves != order_leaves(order))
        return differs(order, instrument, view.leaves, order_leaves(order), instrument->qty_decimals, breach);
    return view.price == order->price ||
           differs(order, instrument, view.price, order->price, instrument->price_decimals, breach);
}

static bool orders_agree(const struct venue *venue, struct order_table *orders, const struct instrument *instruments,
                         struct breach *breach)
{
    for (const struct order *order = order_table_next_open(orders, NULL); order != NULL;
         order = order_table_next_open(orders, order))
        if (!order_agrees(venue, order, &instruments[order->instrument], breach))
            return false;
    const uint32_t theirs = venue_open_count(venue), ours = order_table_open_count(orders);
    return theirs == ours || breach_say(breach, "venue_orders", "all", "open orders", theirs, ours, 0);
}

/* Where answers come late and out of their order, the engine books the same fills in another one, and what is
 * realised of an open position depends on that: balances are then the same only when nothing is open. */
static bool same_order(const struct branch *branch, const struct account *account)
{
    if (branch->sim->faults == NULL)
        return true;
    for (uint16_t i = 0; i < branch->sim->instrument_count; i++)
        if (account_position(account, i)->qty != 0)
            return false;
    return true;
}

static bool balances_agree(const struct account *theirs, const struct account *ours, bool other_way,
                           struct breach *breach)
{
    for (uint32_t i = 0; i < account_balance_count(ours); i++) {
        const struct balance *own = account_balance_at(ours, i), *other = account_balance(theirs, own->currency);
        const money_t total = other != NULL ? other->total : 0;
        if (own->total != total)
            return breach_say(breach, "venue_cash", own->currency, "", other_way ? own->total : total,
                              other_way ? total : own->total, MONEY_DECIMALS);
    }
    return true;
}

static bool positions_agree(const struct account *theirs, const struct account *ours,
                            const struct instrument *instruments, uint16_t count, struct breach *breach)
{
    for (uint16_t i = 0; i < count; i++) {
        const qty_t other = account_position(theirs, i)->qty, own = account_position(ours, i)->qty;
        if (own != other)
            return breach_say(breach, "venue_position", instruments[i].symbol, "", other, own,
                              instruments[i].qty_decimals);
    }
    return true;
}

err_t sim_audit(struct world *world, struct order_table *orders, const struct account *account, struct breach *breach)
{
    const struct branch *branch = (const struct branch *)(const void *)world;
    const struct instrument *instruments = venue_instruments(branch->venue);
    const struct account *theirs = venue_account(branch->venue);
    if (!is_quiet(branch))
        return ERR_AGAIN;
    const bool agree = orders_agree(branch->venue, orders, instruments, breach) &&
                       positions_agree(theirs, account, instruments, branch->sim->instrument_count, breach) &&
                       (!same_order(branch, account) || (balances_agree(theirs, account, false, breach) &&
                                                         balances_agree(account, theirs, true, breach)));
    return agree ? ERR_OK : ERR_INVARIANT;
}
