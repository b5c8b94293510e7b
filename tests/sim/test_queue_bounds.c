/* The three places of one order: pessimistic, a model, optimistic, on the same random market, stream orders mixed. At
 * every event the model's place lies between the others, none grows, none is more than what is displayed, and
 * what trades filled at a price is no more than what was traded there. One order a price, so that no fill of one
 * order changes what reaches another. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/prng.h"
#include "sim/venue.h"

#define PRICES 6 /* bids at 1000 .. 1005 */
#define BASE   1000
#define LARGE  INT64_C(1000000)

enum { HIGH, MIDDLE, LOW, VENUES };

struct rig {
    struct instrument instrument;
    struct venue *venue[VENUES];
    qty_t filled[VENUES][PRICES]; /* by trades, at the price itself */
    qty_t traded[PRICES];
    int at; /* the venue that is speaking */
};

static void on_execution(void *context, ns_t ts, const struct execution *execution, uint16_t instrument)
{
    struct rig *rig = context;
    (void)ts;
    (void)instrument;
    cr_assert_neq(execution->kind, EXEC_REJECT, "%s", reason_name((enum reason)execution->reason));
    if (execution->kind == EXEC_FILL)
        rig->filled[rig->at][execution->price - BASE] += execution->qty;
}

static void open_rig(struct rig *rig, const struct queue_model *model)
{
    memset(rig, 0, sizeof(*rig));
    cr_assert_eq(instrument_init(&rig->instrument, "synthetic", "TEST", "BTC", "USDT", CONTRACT_LINEAR, 0, 0),
                 ERR_OK);
    struct venue_config config = {.instruments = &rig->instrument,
                                  .instrument_count = 1,
                                  .book_window = BOOK_WINDOW_MIN,
                                  .book_far = 16,
                                  .own_orders_max = PRICES};
    struct venue_sink sink = {rig, on_execution};
    for (int i = 0; i < VENUES; i++) {
        config.queue =
            i == MIDDLE ? *model : (struct queue_model){.kind = i == HIGH ? QUEUE_PESSIMISTIC : QUEUE_OPTIMISTIC};
        size_t size = (venue_size(&config) + 63) / 64 * 64;
        void *memory = aligned_alloc(64, size);
        memset(memory, 0, size);
        rig->venue[i] = venue_init(memory, &config, &sink);
    }
}

static void send(struct rig *rig, ns_t ts, const struct event *event, const struct venue_request *request)
{
    for (rig->at = 0; rig->at < VENUES; rig->at++) {
        if (event != NULL)
            venue_market(rig->venue[rig->at], ts, event);
        else
            venue_request(rig->venue[rig->at], ts, request);
    }
}

static void check(struct rig *rig, uint64_t seed, int step, const uint64_t ids[PRICES], qty_t last[VENUES][PRICES])
{
    for (int at = 0; at < PRICES; at++) {
        struct venue_order_view view[VENUES];
        for (int i = 0; i < VENUES && ids[at] != 0; i++) {
            cr_assert(venue_order(rig->venue[i], ids[at], &view[i]));
            cr_assert(view[i].ahead >= 0 && view[i].ahead <= last[i][at], "seed %" PRIu64 " step %d: it grew", seed,
                      step);
            cr_assert_leq(view[i].ahead, book_qty_at(venue_book(rig->venue[i], 0), SIDE_BUY, BASE + at),
                          "seed %" PRIu64 " step %d: more ahead than displayed", seed, step);
            cr_assert_leq(rig->filled[i][at], rig->traded[at],
                          "seed %" PRIu64 " step %d: venue %d filled more than traded", seed, step, i);
            last[i][at] = view[i].ahead;
        }
        if (ids[at] != 0)
            cr_assert(view[HIGH].ahead >= view[MIDDLE].ahead && view[MIDDLE].ahead >= view[LOW].ahead,
                      "seed %" PRIu64 " step %d price %d: %" PRId64 " >= %" PRId64 " >= %" PRId64, seed, step, at,
                      view[HIGH].ahead, view[MIDDLE].ahead, view[LOW].ahead);
        if (ids[at] != 0)
            cr_assert(view[HIGH].leaves >= view[MIDDLE].leaves && view[MIDDLE].leaves >= view[LOW].leaves,
                      "seed %" PRIu64 " step %d price %d: fills", seed, step, at);
    }
}

/* True displayed quantities change by joins, cancels and trades; each message says them, its stream late by a little.
 */
static void run(uint64_t seed, const struct queue_model *model, qty_t scale, uint64_t *strict)
{
    struct rig rig;
    struct prng prng;
    uint64_t ids[PRICES] = {0}, next_id = 1;
    qty_t shown[PRICES], last[VENUES][PRICES];
    struct level levels[PRICES + 1];
    prng_init(&prng, seed, 9);
    open_rig(&rig, model);
    for (int at = 0; at < PRICES; at++) {
        shown[at] = 50 * scale;
        levels[PRICES - 1 - at] = (struct level){BASE + at, shown[at]};
    }
    levels[PRICES] = (struct level){BASE + PRICES + 1, LARGE};
    struct event first = {
        .kind = EVENT_BOOK_SNAPSHOT, .exch_ts = 100, .levels = levels, .bid_count = PRICES, .ask_count = 1};
    send(&rig, 100, &first, NULL);
    ns_t ts = 100;
    for (int step = 0; step < 3000; step++) {
        int at = (int)prng_below(&prng, PRICES);
        uint64_t draw = prng_below(&prng, 20);
        ts += prng_range(&prng, 0, 3);
        if (draw == 0) {
            struct venue_request request = {.kind = ids[at] != 0 ? VENUE_CANCEL : VENUE_NEW,
                                            .order_id = ids[at] != 0 ? ids[at] : next_id,
                                            .side = SIDE_BUY,
                                            .type = ORDER_LIMIT,
                                            .price = BASE + at,
                                            .qty = LARGE * scale};
            send(&rig, ts, NULL, &request);
            ids[at] = ids[at] != 0 ? 0 : next_id++;
            rig.traded[at] = rig.filled[HIGH][at] = rig.filled[MIDDLE][at] = rig.filled[LOW][at] = 0;
            last[HIGH][at] = last[MIDDLE][at] = last[LOW][at] = INT64_MAX;
        } else {
            struct level level = {BASE + at, prng_range(&prng, 1, 12 * scale)};
            struct event event = {.ts = ts, .exch_ts = ts, .levels = &level, .bid_count = 1};
            if (prng_below(&prng, 3) == 0)
                event.exch_ts = prng_below(&prng, 5) == 0 ? 0 : ts - prng_range(&prng, 0, 6);
            if (draw < 8) {
                /* At the best price only: nothing of ours is traded through. */
                for (at = PRICES - 1; at > 0 && ids[at] == 0; at--)
                    ;
                level.price = BASE + at;
                event.kind = EVENT_TRADE;
                event.flags = EVENT_SELL;
                rig.traded[at] += level.qty;
            } else {
                qty_t change = prng_range(&prng, -12 * scale, 11 * scale);
                shown[at] = shown[at] + change < 0 ? 0 : shown[at] + change;
                event.kind = EVENT_BOOK_DELTA;
                level.qty = shown[at];
            }
            send(&rig, ts, &event, NULL);
        }
        check(&rig, seed, step, ids, last);
        for (int i = 0; i < PRICES; i++)
            *strict += ids[i] != 0 && last[HIGH][i] > last[MIDDLE][i] && last[MIDDLE][i] > last[LOW][i];
    }
    for (int i = 0; i < VENUES; i++)
        free(rig.venue[i]);
}

Test(queue_bounds, every_model_lies_between_pessimistic_and_optimistic)
{
    uint64_t strict = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct queue_model model = {.kind = (enum queue_kind)(QUEUE_PROPORTIONAL + seed % 6),
                                    .exponent = 1 + (uint32_t)(seed * 7 % QUEUE_EXPONENT_MAX)};
        run(seed, &model, seed % 3 == 0 ? 1000000 : 1, &strict);
    }
    cr_assert_gt(strict, 100000, "only %" PRIu64 " places strictly between: the test tells little", strict);
}
