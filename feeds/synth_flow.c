#include "feeds/synth_flow.h"

#include <string.h>

/* Shares in percent. */
#define ROUND_SIZE_SHARE     40 /* orders of a round size */
#define ROUND_PRICE_SHARE    25 /* deep orders at a multiple of ten ticks */
#define ROUND_PRICE_FROM     20 /* ticks from the opposite best price */
#define MARKET_AT_BEST_SHARE 70 /* market orders that take no more than the best price shows */
#define UNAWARE_SHARE        12 /* limit orders placed without a thought for the value */
#define REDUCE_SHARE         6  /* cancels that take only a part off */
#define REPRICE_SHARE        8  /* cancels near the touch that move the order instead */
#define REPRICE_TICKS        48
#define INFORMED_TAKE        35
#define INFORMED_PULL        40 /* the rest improves */
#define PULL_ORDERS_MAX      4
#define SYNTH_CANDIDATES_MAX 64

static uint32_t percent(struct synth_flow *flow)
{
    return (uint32_t)prng_below(&flow->prng, 100);
}

/* ---- the population: which orders there are, by band ---- */

/* From its own best price, and not beyond the end of the tables. */
static int64_t distance_now(const struct synth_flow *flow, const struct synth_order *order)
{
    int64_t distance = (flow->book->best[order->side] - order->tick) * side_sign(order->side);
    return distance < SYNTH_DEPTH ? distance : SYNTH_DEPTH - 1;
}

static void band_put(struct synth_flow *flow, uint32_t index, uint8_t band)
{
    struct synth_order *order = &flow->book->orders[index];
    order->band = band;
    order->band_index = flow->band_count[band]++;
    flow->band_orders[band][order->band_index] = index;
}

static void band_take(struct synth_flow *flow, uint32_t index)
{
    struct synth_order *order = &flow->book->orders[index];
    uint32_t last = flow->band_orders[order->band][--flow->band_count[order->band]];
    flow->band_orders[order->band][order->band_index] = last;
    flow->book->orders[last].band_index = order->band_index;
}

/* ---- changes of the book, each written down ---- */

static void note(struct synth_flow *flow, enum synth_change_kind kind, const struct synth_order *order, int64_t lots)
{
    ASSERT(flow->change_count < SYNTH_CHANGES_MAX);
    flow->changes[flow->change_count++] = (struct synth_change){
        .order_id = order->id,
        .update_id = flow->book->update_id,
        .tick = order->tick,
        .lots = lots,
        .kind = (uint8_t)kind,
        .side = order->side,
    };
}

static void add(struct synth_flow *flow, enum side side, int64_t tick, int64_t lots)
{
    uint32_t index = synth_book_add(flow->book, side, tick, lots);
    struct synth_order *order = &flow->book->orders[index];
    band_put(flow, index, flow->tables->band[distance_now(flow, order)]);
    note(flow, SYNTH_ADD, order, lots);
}

/* Take lots off an order, as a cancel (in part or whole) or as an execution. */
static void reduce(struct synth_flow *flow, uint32_t index, int64_t lots, enum synth_change_kind kind)
{
    struct synth_order *order = &flow->book->orders[index];
    int64_t left = order->lots - lots;
    if (left == 0)
        band_take(flow, index);
    synth_book_reduce(flow->book, index, lots);
    note(flow, kind, order, kind == SYNTH_EXECUTE ? lots : left);
}

static void move(struct synth_flow *flow, uint32_t index, int64_t tick, int64_t lots)
{
    struct synth_order *order = &flow->book->orders[index];
    band_take(flow, index);
    synth_book_move(flow->book, index, tick, lots);
    band_put(flow, index, flow->tables->band[distance_now(flow, order)]);
    note(flow, SYNTH_MODIFY, order, lots);
}

/* ---- draws ---- */

static int64_t draw_lots(struct synth_flow *flow)
{
    uint64_t bits = prng_next(&flow->prng);
    uint32_t i = (uint32_t)(bits % SYNTH_SIZES);
    if ((bits >> 32) % 100 < ROUND_SIZE_SHARE)
        return flow->tables->round_size[i];
    uint32_t low = flow->tables->size[i], high = flow->tables->size[i + 1];
    return low + (int64_t)prng_below(&flow->prng, high - low + 1);
}

static int64_t draw_tick(struct synth_flow *flow, enum side side)
{
    const struct synth_book *book = flow->book;
    uint32_t away = synth_alias_pick(&flow->tables->placement, prng_next(&flow->prng)) + 1;
    int64_t reference = book->best[side_opposite(side)];
    int64_t value = flow->clock.value_q16 >> 16;
    /* Nobody who knows the value buys above it or sells below it; a value beyond the opposite best price is
     * the business of the informed flow. */
    if (percent(flow) >= UNAWARE_SHARE) {
        if (side == SIDE_BUY && value + 1 < reference)
            reference = value + 1;
        if (side == SIDE_SELL && value > reference)
            reference = value;
    }
    int64_t tick = reference - side_sign(side) * (int64_t)away;
    if (away > ROUND_PRICE_FROM && percent(flow) < ROUND_PRICE_SHARE)
        tick -= side_sign(side) * (side == SIDE_BUY ? tick % 10 : (10 - tick % 10) % 10);
    return tick;
}

static enum side draw_sign(struct synth_flow *flow)
{
    uint32_t i = (uint32_t)prng_below(&flow->prng, SYNTH_METAORDERS);
    if (flow->metaorders[i].left == 0) {
        /* P(length > l) = l^-3/2, at most 2^(16 x 2/3) = 1625 orders. */
        uint64_t uniform = prng_below(&flow->prng, 65536) + 1;
        const struct synth_exp *exp = &flow->tables->exp;
        uint64_t length = synth_pow_neg(exp, uniform, Q16 * 2 / 3) / synth_pow_neg(exp, 65536, Q16 * 2 / 3);
        flow->metaorders[i].left = (uint32_t)length + (length == 0);
        flow->metaorders[i].side = (uint8_t)prng_below(&flow->prng, 2);
    }
    flow->metaorders[i].left--;
    return flow->metaorders[i].side;
}

/* ---- the flows ---- */

static void place_limit(struct synth_flow *flow, enum side side, int64_t tick, int64_t lots)
{
    if (!synth_book_full(flow->book) && synth_book_in_window(flow->book, tick))
        add(flow, side, tick, lots);
}

/* Walk the other side, first come first served at each price, not beyond `limit`. */
static void take(struct synth_flow *flow, enum side side, int64_t lots, int64_t limit)
{
    struct synth_book *book = flow->book;
    enum side maker_side = side_opposite(side);
    flow->aggressor = (uint8_t)side;
    for (uint32_t met = 0; met < SYNTH_MAKERS_MAX && lots > 0; met++) {
        int64_t tick = book->best[maker_side];
        if (book->order_count[maker_side] <= SYNTH_SIDE_MIN || (limit - tick) * side_sign(side) < 0)
            return;
        uint32_t maker = synth_book_level(book, tick)->head;
        int64_t executed = book->orders[maker].lots < lots ? book->orders[maker].lots : lots;
        reduce(flow, maker, executed, SYNTH_EXECUTE);
        lots -= executed;
    }
}

static void act_market(struct synth_flow *flow)
{
    enum side side = draw_sign(flow);
    int64_t best = flow->book->best[side_opposite(side)], lots = draw_lots(flow);
    int64_t shown = synth_book_level(flow->book, best)->lots;
    if (lots > shown && percent(flow) < MARKET_AT_BEST_SHARE)
        lots = shown;
    take(flow, side, lots, best + side_sign(side) * SYNTH_COLLAR);
    synth_clock_heat(&flow->clock);
}

/* An order of the band is looked at, and joins the band where it is now; it is cancelled with the ratio of its own
 * hazard to the band's largest. */
static void act_cancel(struct synth_flow *flow, uint8_t band)
{
    struct synth_book *book = flow->book;
    const struct synth_tables *tables = flow->tables;
    uint32_t index = flow->band_orders[band][prng_below(&flow->prng, flow->band_count[band])];
    struct synth_order *order = &book->orders[index];
    int64_t distance = distance_now(flow, order);
    if (tables->band[distance] != band) {
        band_take(flow, index);
        band_put(flow, index, tables->band[distance]);
    }
    if (prng_below(&flow->prng, tables->band_hazard_q32[band]) >= tables->hazard_q32[distance])
        return;
    uint32_t how = percent(flow);
    if (how < REDUCE_SHARE && order->lots > 1) {
        reduce(flow, index, 1 + (int64_t)prng_below(&flow->prng, (uint64_t)order->lots - 1), SYNTH_CANCEL);
    } else if (how < REDUCE_SHARE + REPRICE_SHARE && distance < REPRICE_TICKS) {
        int64_t tick = draw_tick(flow, order->side);
        if (tick != order->tick && synth_book_in_window(book, tick))
            move(flow, index, tick, order->lots);
    } else if (book->order_count[order->side] > SYNTH_SIDE_MIN) {
        reduce(flow, index, order->lots, SYNTH_CANCEL);
    }
}

/* The value has left the quotes of a side behind: take them, pull them, or bring the other side after it. */
static void act_informed(struct synth_flow *flow, int64_t pressure)
{
    struct synth_book *book = flow->book;
    enum side side = pressure > 0 ? SIDE_BUY : SIDE_SELL, stale = side_opposite(side);
    int64_t best = book->best[stale];
    uint32_t how = percent(flow);
    if (how < INFORMED_TAKE) {
        int64_t lots = draw_lots(flow), shown = synth_book_level(book, best)->lots;
        int64_t value = flow->clock.value_q16 >> 16, collar = best + side_sign(side) * SYNTH_COLLAR;
        take(flow, side, lots > shown ? lots : shown, (collar - value) * side_sign(side) > 0 ? value : collar);
    } else if (how < INFORMED_TAKE + INFORMED_PULL) {
        for (uint32_t i = 0; i < PULL_ORDERS_MAX && book->order_count[stale] > SYNTH_SIDE_MIN; i++) {
            uint32_t index = synth_book_level(book, book->best[stale])->tail;
            reduce(flow, index, book->orders[index].lots, SYNTH_CANCEL);
            if (book->best[stale] != best)
                return;
        }
    } else {
        place_limit(flow, side, best - side_sign(side), draw_lots(flow));
    }
}

bool synth_flow_next(struct synth_flow *flow, ns_t end)
{
    return synth_clock_next(&flow->clock, flow->book->best[SIDE_BUY], flow->book->best[SIDE_SELL], end);
}

/* One candidate of the ordinary flow: limits weigh 1, market orders their weight, cancels their hazards. */
static void act_ordinary(struct synth_flow *flow)
{
    uint64_t market = (uint64_t)((u128_t)flow->market_weight_q32 * ((uint64_t)Q16 + flow->clock.heat_q16) >> 16);
    uint64_t band_weights[SYNTH_BANDS], total = (uint64_t)Q32 + market;
    for (uint32_t b = 0; b < SYNTH_BANDS; b++) {
        band_weights[b] = flow->band_count[b] * flow->tables->band_hazard_q32[b];
        total += band_weights[b];
    }
    uint64_t pick = prng_below(&flow->prng, total);
    if (pick < (uint64_t)Q32) {
        enum side side = (enum side)(prng_next(&flow->prng) >> 63);
        int64_t tick = draw_tick(flow, side);
        place_limit(flow, side, tick, draw_lots(flow));
        return;
    }
    pick -= (uint64_t)Q32;
    if (pick < market) {
        act_market(flow);
        return;
    }
    pick -= market;
    uint8_t band = 0;
    while (pick >= band_weights[band])
        pick -= band_weights[band++];
    act_cancel(flow, band);
}

void synth_flow_act(struct synth_flow *flow)
{
    struct synth_book *book = flow->book;
    flow->change_count = 0;
    if (flow->clock.informed) {
        act_informed(flow, synth_clock_pressure(&flow->clock, book->best[SIDE_BUY], book->best[SIDE_SELL]));
        return;
    }
    /* The clock counts what happens, so a candidate that comes to nothing makes room for the next one. */
    for (uint32_t i = 0; i < SYNTH_CANDIDATES_MAX && flow->change_count == 0; i++)
        act_ordinary(flow);
}

/* ---- the window ---- */

bool synth_flow_off_centre(const struct synth_flow *flow, int64_t *centre)
{
    const struct synth_book *book = flow->book;
    int64_t middle = book->low + SYNTH_WINDOW / 2;
    int64_t touch = (book->best[SIDE_BUY] + book->best[SIDE_SELL]) >> 1;
    if (touch - middle <= SYNTH_RECENTRE && middle - touch <= SYNTH_RECENTRE)
        return false;
    *centre = touch;
    return true;
}

bool synth_flow_clear_far(struct synth_flow *flow, int64_t centre)
{
    struct synth_book *book = flow->book;
    flow->change_count = 0;
    for (unsigned side = SIDE_BUY; side <= SIDE_SELL; side++) {
        int64_t reach = centre - side_sign(side) * SYNTH_REACH, tick;
        while (synth_book_worst(book, side, &tick) && (reach - tick) * side_sign(side) > 0) {
            if (flow->change_count == SYNTH_CHANGES_MAX)
                return false;
            uint32_t index = synth_book_level(book, tick)->tail;
            reduce(flow, index, book->orders[index].lots, SYNTH_CANCEL);
        }
    }
    return true;
}

/* ---- the start ---- */

size_t synth_flow_size(void)
{
    return (size_t)SYNTH_BANDS * SYNTH_ORDERS * sizeof(uint32_t);
}

static void open_book(struct synth_flow *flow, int64_t price)
{
    for (uint32_t i = 0; i < flow->tables->opening_count; i++) {
        for (unsigned side = SIDE_BUY; side <= SIDE_SELL; side++) {
            uint32_t away = i == 0 ? 0 : synth_alias_pick(&flow->tables->opening, prng_next(&flow->prng));
            int64_t best = price + (side == SIDE_SELL);
            add(flow, side, best - side_sign(side) * (int64_t)away, draw_lots(flow));
            flow->change_count = 0;
        }
    }
}

void synth_flow_init(struct synth_flow *flow, void *memory, const struct synth_tables *tables,
                     const struct synth_flow_config *config, struct synth_book *book, uint64_t seed, uint64_t stream,
                     int64_t price, ns_t start)
{
    memset(flow, 0, sizeof(*flow));
    flow->tables = tables;
    flow->book = book;
    for (uint32_t b = 0; b < SYNTH_BANDS; b++)
        flow->band_orders[b] = (uint32_t *)memory + (size_t)b * SYNTH_ORDERS;
    prng_init(&flow->prng, seed, stream);
    synth_clock_init(&flow->clock, &tables->exp, &flow->prng, config, price);
    /* Limits weigh 1 and cancels, in balance, 1 as well: a share s of all is 2 s / (1 - s); half of the
     * market orders come from their own heat. */
    flow->market_weight_q32 = ((uint64_t)Q32 * config->market_ppm) / (1000000 - config->market_ppm);
    open_book(flow, price);
    for (uint32_t i = 0; i < SYNTH_WARMUP; i++) {
        ASSERT(synth_flow_next(flow, NS_MAX));
        synth_flow_act(flow);
        int64_t centre;
        if (synth_flow_off_centre(flow, &centre)) {
            while (!synth_flow_clear_far(flow, centre))
                continue;
            memset(book->changed, 0, sizeof(book->changed));
            synth_book_recentre(book, centre);
        }
    }
    memset(book->changed, 0, sizeof(book->changed));
    flow->change_count = 0;
    synth_clock_set(&flow->clock, start);
}
