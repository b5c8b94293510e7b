/* quotes.c: every half second, two bids and two asks around the touch. What was there before is cancelled first.
 *
 * The strategy of a small project as a user has one: it is changed on purpose by ../changes, and the suite beside it
 * must notice, with the exit code that the change deserves.
 */
#include "core/strategy.h"

#include <stdlib.h>

#define QUOTES   4
#define INTERVAL (500 * NS_PER_MS)

struct quotes {
    int64_t half_spread; /* ticks */
    int64_t step;        /* ticks between two quotes of a side */
    bool going;          /* the timer is on: from the first message, time begins with it */
};

struct quote {
    enum side side;
    px_t price;
};

static int by_price(const void *a, const void *b)
{
    const struct quote *left = a, *right = b;
    return left->price < right->price ? -1 : left->price > right->price;
}

static void place(struct strategy_ctx *ctx, const struct quotes *s)
{
    const struct book *book = strategy_book(ctx, 0);
    const struct instrument *instrument = strategy_instrument(ctx, 0);
    struct quote quotes[QUOTES];
    struct level bid, ask;
    px_t tick;
    if (!book_is_sound(book) || !book_best(book, SIDE_BUY, &bid) || !book_best(book, SIDE_SELL, &ask) ||
        instrument_tick(instrument, bid.price, strategy_now(ctx), &tick) != ERR_OK)
        return;
    for (int i = 0; i < QUOTES / 2; i++) {
        quotes[i] = (struct quote){SIDE_BUY, bid.price - (s->half_spread + i * s->step) * tick};
        quotes[i + QUOTES / 2] = (struct quote){SIDE_SELL, ask.price + (s->half_spread + i * s->step) * tick};
    }
    qsort(quotes, QUOTES, sizeof(quotes[0]), by_price);
    for (int i = 0; i < QUOTES; i++)
        (void)strategy_limit(ctx, 0, quotes[i].side, quotes[i].price, 10 * instrument->lot, TIF_GTC, ORDER_POST_ONLY,
                             NULL);
}

static void quotes_book(struct strategy_ctx *ctx, void *state, const struct event *event)
{
    struct quotes *s = state;
    if (!s->going)
        s->going = strategy_timer_at(ctx, event->ts, NULL) == ERR_OK;
}

static void quotes_timer(struct strategy_ctx *ctx, void *state, uint64_t timer_id, ns_t deadline)
{
    (void)timer_id;
    (void)strategy_cancel_all(ctx, 0); /* none open: nothing to do */
    place(ctx, state);
    (void)strategy_timer_at(ctx, deadline - deadline % INTERVAL + INTERVAL, NULL);
}

static const struct strategy_param quotes_params[] = {
    {"half_spread", PARAM_INT, "0", "1000", "1", "ticks from the touch to the first quote",
     offsetof(struct quotes, half_spread)},
    {"step", PARAM_INT, "1", "1000", "2", "ticks from the first quote to the second", offsetof(struct quotes, step)},
};

static const struct strategy quotes_strategy = {
    .abi = STRATEGY_ABI,
    .name = "quotes",
    .version = "1",
    .help = "Two bids and two asks around the touch, placed anew every half second.",
    .state_size = sizeof(struct quotes),
    .params = quotes_params,
    .param_count = sizeof(quotes_params) / sizeof(quotes_params[0]),
    .book = quotes_book,
    .timer = quotes_timer,
};

const struct strategy *tapedeck_strategy(void);
const struct strategy *tapedeck_strategy(void)
{
    return &quotes_strategy;
}
