/* venue_funding.c: payments between longs and shorts at their instants.
 *
 *   mark at 07:59:57: next 08:00, rate r ─► due 08:00 ──┐ time passes 08:00: everything of 08:00 has happened
 *   mark at 08:00:00: next 16:00, rate s ─► kept beside ┘ ─► pay -position x mark x r, once; then due is 16:00
 *
 * An instant is paid once: one that was paid, or lies in the past, is not taken again, however often it is told.
 * Which rate? The last that was told for the instant. Which position? The venue's, after all that its clock counts to
 * the instant, the instant included. */
#include "sim/venue_state.h"

#include <string.h>

#define RATE_ONE INT64_C(1000000000000)

void funding_reckon_due(struct venue *venue)
{
    struct perp *perp = &venue->perp;
    perp->due = NS_MAX;
    if (perp->config.funding == FUNDING_FILE && perp->next_row < perp->config.row_count)
        perp->due = perp->config.rows[perp->next_row].ts;
    for (uint32_t i = 0; i < venue->instrument_count && perp->config.funding == FUNDING_TAPE; i++)
        if (perp->markets[i].due_count > 0 && perp->markets[i].due[0].ts < perp->due)
            perp->due = perp->markets[i].due[0].ts;
}

void funding_told(struct venue *venue, uint16_t instrument, ns_t ts, int64_t rate)
{
    struct perp *perp = &venue->perp;
    struct perp_market *market = &perp->markets[instrument];
    const struct funding_due told = {ts, rate};
    if (ts <= market->funding_done)
        return;
    if (ts < venue->now || rate > RATE_ONE || rate < -RATE_ONE) {
        perp->stats.funding_refused++;
        return;
    }
    if (market->due_count > 0 && ts == market->due[0].ts) {
        market->due[0].rate = rate;
        return;
    }
    /* Time stands at the instant that is due: what is told for a later one waits beside it. */
    const bool keep = market->due_count > 0 && market->due[0].ts == venue->now && ts > venue->now;
    market->due[keep] = told;
    market->due_count = 1 + (uint32_t)keep;
    if (!keep)
        funding_reckon_due(venue);
}

static void say(struct venue *venue, uint16_t instrument, px_t mark, int64_t rate, qty_t qty, money_t received)
{
    const char *currency = venue->instruments[instrument].settle;
    struct execution execution = {
        .trade_id = ++venue->perp.last_payment,
        .venue_ts = venue->now,
        .price = mark,
        .qty = qty,
        .fee = -received,
        .fee_decimals = MONEY_DECIMALS,
        .kind = EXEC_PAYMENT,
        .reason = REASON_FUNDING,
        .rate = rate,
    };
    memcpy(execution.fee_currency, currency, strnlen(currency, sizeof(execution.fee_currency) - 1));
    venue->sink.emit(venue->sink.context, venue->now, &execution, instrument);
}

/* `mark` 0: the venue's. */
static void pay(struct venue *venue, uint16_t instrument, px_t mark, int64_t rate)
{
    struct perp *perp = &venue->perp;
    struct perp_market *market = &perp->markets[instrument];
    const qty_t qty = account_position(venue->account, instrument)->qty;
    money_t received;
    if (qty == 0 || venue->instruments[instrument].contract == CONTRACT_SPOT)
        return;
    if (mark == 0)
        mark = perp_mark(venue, instrument);
    if (mark == 0) {
        perp->stats.funding_unmarked++;
        return;
    }
    if (margin_funding(&venue->instruments[instrument], qty, mark, rate, &received) != ERR_OK ||
        account_fund(venue->account, instrument, received) != ERR_OK) {
        perp->stats.overflows++;
        return;
    }
    if (received == 0)
        return;
    perp->stats.payments++;
    if (perp->config.margin == MARGIN_ISOLATED) {
        market->isolated += received; /* of the wallet, which holds more than this */
        market->before -= received;
    }
    say(venue, instrument, mark, rate, qty, received);
    perp_touch(venue, instrument);
}

static void pay_rows(struct venue *venue, ns_t ts)
{
    struct perp *perp = &venue->perp;
    const struct perp_config *config = &perp->config;
    for (; perp->next_row < config->row_count && config->rows[perp->next_row].ts == ts; perp->next_row++) {
        const struct funding_row *row = &config->rows[perp->next_row];
        pay(venue, row->instrument, row->mark, row->rate);
    }
}

static void pay_told(struct venue *venue, ns_t ts)
{
    for (uint16_t i = 0; i < venue->instrument_count; i++) {
        struct perp_market *market = &venue->perp.markets[i];
        if (market->due_count == 0 || market->due[0].ts != ts)
            continue;
        const int64_t rate = market->due[0].rate;
        market->funding_done = ts;
        market->due[0] = market->due[1];
        market->due_count--;
        pay(venue, i, 0, rate);
    }
}

void funding_elapse(struct venue *venue, ns_t until)
{
    struct perp *perp = &venue->perp;
    while (perp->due <= until) {
        const ns_t ts = perp->due;
        if (ts > venue->now)
            venue->now = ts;
        if (perp->config.funding == FUNDING_FILE)
            pay_rows(venue, ts);
        else
            pay_told(venue, ts);
        funding_reckon_due(venue);
        if (perp->dirty)
            perp_look(venue);
    }
}

/* ---- the caller's clock ---- */

const ns_t *venue_due(const struct venue *venue)
{
    return &venue->perp.due;
}

void venue_elapse(struct venue *venue, ns_t ts)
{
    ASSERT(!venue->follows);
    for (struct venue *one = venue; one != NULL; one = one->follower)
        funding_elapse(one, ts);
}
