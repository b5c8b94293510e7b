#include "sim/wire/wire_candles.h"

#include <stdlib.h>
#include <string.h>

#define INTERVAL_NAME(name, seconds) name,
const char *const wire_interval_names[WIRE_INTERVALS] = {WIRE_INTERVAL_MAP(INTERVAL_NAME)};
#undef INTERVAL_NAME
#define INTERVAL_SECONDS(name, seconds) seconds,
const uint32_t wire_interval_seconds[WIRE_INTERVALS] = {WIRE_INTERVAL_MAP(INTERVAL_SECONDS)};
#undef INTERVAL_SECONDS

#define DAY_NS    (86400 * NS_PER_S)
#define MINUTE_NS (60 * NS_PER_S)

int wire_interval_find(const char *name, size_t size)
{
    for (int i = 0; i < WIRE_INTERVALS; i++)
        if (strlen(wire_interval_names[i]) == size && memcmp(wire_interval_names[i], name, size) == 0)
            return i;
    return -1;
}

/* Days since 1970 of the first of a month, and back; Howard Hinnant's "chrono-compatible low-level date algorithms".
 */
static int64_t days_of_month(int64_t year, int64_t month)
{
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void month_of_days(int64_t days, int64_t *year, int64_t *month)
{
    days += 719468;
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const int64_t day_of_era = days - era * 146097;
    const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted = (5 * day_of_year + 2) / 153;
    *month = shifted + (shifted < 10 ? 3 : -9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static ns_t floor_to(ns_t ts, ns_t step, ns_t offset)
{
    ns_t rest = (ts - offset) % step;
    return ts - (rest < 0 ? rest + step : rest);
}

ns_t wire_interval_start(unsigned interval, ns_t ts)
{
    const ns_t length = wire_interval_seconds[interval] * NS_PER_S;
    if (length == 0) {
        int64_t year, month;
        month_of_days(floor_to(ts, DAY_NS, 0) / DAY_NS, &year, &month);
        return days_of_month(year, month) * DAY_NS;
    }
    /* 1970-01-05 was a Monday. */
    return floor_to(ts, length, length == 7 * DAY_NS ? 4 * DAY_NS : 0);
}

ns_t wire_interval_next(unsigned interval, ns_t start)
{
    const ns_t length = wire_interval_seconds[interval] * NS_PER_S;
    return length != 0 ? start + length : wire_interval_start(interval, start + 31 * DAY_NS);
}

bool wire_candles_init(struct wire_candles *candles)
{
    *candles = (struct wire_candles){.seconds = calloc(WIRE_SECONDS, sizeof(struct wire_candle)),
                                     .minutes = calloc(WIRE_MINUTES, sizeof(struct wire_candle))};
    return candles->seconds != NULL && candles->minutes != NULL;
}

void wire_candles_deinit(struct wire_candles *candles)
{
    free(candles->seconds);
    free(candles->minutes);
    *candles = (struct wire_candles){0};
}

/* A later candle is added to one that begins earlier. */
static void add(struct wire_candle *to, const struct wire_candle *candle)
{
    to->high = candle->high > to->high ? candle->high : to->high;
    to->low = candle->low < to->low ? candle->low : to->low;
    to->close = candle->close;
    to->volume += candle->volume;
    to->bought += candle->bought;
    to->value += candle->value;
    to->bought_value += candle->bought_value;
    to->last_id = candle->last_id;
    to->last_ts = candle->last_ts;
    to->count += candle->count;
}

static void put(struct wire_candle *rows, uint64_t *count, uint64_t size, ns_t length, const struct wire_candle *one)
{
    struct wire_candle candle = *one;
    candle.open_ts = floor_to(one->last_ts, length, 0);
    if (*count > 0) {
        struct wire_candle *last = &rows[(*count - 1) % size];
        /* Stamps of a venue go back by a few ms; such a trade belongs to the row that is open. */
        if (candle.open_ts <= last->open_ts) {
            add(last, &candle);
            return;
        }
    }
    rows[(*count)++ % size] = candle;
}

void wire_candles_trade(struct wire_candles *candles, ns_t stamp, px_t price, qty_t qty, bool sold, uint64_t first_id,
                        uint64_t last_id)
{
    const money_t value = instrument_notional(price, qty);
    const struct wire_candle one = {.open = price,
                                    .high = price,
                                    .low = price,
                                    .close = price,
                                    .volume = qty,
                                    .bought = sold ? 0 : qty,
                                    .value = value,
                                    .bought_value = sold ? 0 : value,
                                    .first_id = first_id,
                                    .last_id = last_id,
                                    .last_ts = stamp,
                                    .count = last_id >= first_id ? last_id - first_id + 1 : 1};
    candles->trades++;
    put(candles->seconds, &candles->second_count, WIRE_SECONDS, NS_PER_S, &one);
    put(candles->minutes, &candles->minute_count, WIRE_MINUTES, MINUTE_NS, &one);
}

struct ring {
    const struct wire_candle *rows;
    uint64_t size, first, end;
};

static struct ring ring_of(const struct wire_candles *candles, bool seconds)
{
    const uint64_t size = seconds ? WIRE_SECONDS : WIRE_MINUTES;
    const uint64_t end = seconds ? candles->second_count : candles->minute_count;
    return (struct ring){seconds ? candles->seconds : candles->minutes, size, end > size ? end - size : 0, end};
}

/* The first row with open_ts >= ts. */
static uint64_t lower_bound(const struct ring *ring, ns_t ts)
{
    uint64_t low = ring->first, high = ring->end;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (ring->rows[middle % ring->size].open_ts < ts)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool fold(const struct ring *ring, ns_t from, ns_t to, struct wire_candle *candle)
{
    bool found = false;
    for (uint64_t i = lower_bound(ring, from); i < ring->end && ring->rows[i % ring->size].open_ts < to; i++) {
        if (found)
            add(candle, &ring->rows[i % ring->size]);
        else
            *candle = ring->rows[i % ring->size];
        found = true;
    }
    return found;
}

bool wire_candles_fold(const struct wire_candles *candles, unsigned interval, ns_t start, struct wire_candle *candle)
{
    const struct ring ring = ring_of(candles, wire_interval_seconds[interval] == 1);
    if (!fold(&ring, start, wire_interval_next(interval, start), candle))
        return false;
    candle->open_ts = start;
    return true;
}

bool wire_candles_span(const struct wire_candles *candles, ns_t from, ns_t to, struct wire_candle *candle)
{
    const struct ring ring = ring_of(candles, false);
    return fold(&ring, from, to, candle);
}

px_t wire_candles_close_before(const struct wire_candles *candles, ns_t ts)
{
    const struct ring minutes = ring_of(candles, false), seconds = ring_of(candles, true);
    const uint64_t second = lower_bound(&seconds, ts);
    if (second > seconds.first)
        return seconds.rows[(second - 1) % seconds.size].close;
    const uint64_t minute = lower_bound(&minutes, floor_to(ts, MINUTE_NS, 0));
    return minute > minutes.first ? minutes.rows[(minute - 1) % minutes.size].close : 0;
}

uint32_t wire_candles_list(const struct wire_candles *candles, unsigned interval, ns_t from, ns_t to, bool empty,
                           struct wire_candle *rows, uint32_t capacity)
{
    const struct ring ring = ring_of(candles, wire_interval_seconds[interval] == 1);
    if (ring.first == ring.end || capacity == 0 || from >= to)
        return 0;
    const ns_t oldest = wire_interval_start(interval, ring.rows[ring.first % ring.size].open_ts);
    uint32_t count = 0;
    /* From the newest backwards, then the other way round: it is the newest that are wanted. */
    ns_t start = wire_interval_start(interval, to - 1);
    while (start >= oldest && start >= from && count < capacity) {
        struct wire_candle *row = &rows[count];
        if (wire_candles_fold(candles, interval, start, row)) {
            count++;
        } else if (empty) {
            const px_t close = wire_candles_close_before(candles, start);
            *row = (struct wire_candle){
                .open_ts = start, .open = close, .high = close, .low = close, .close = close, .last_ts = start};
            count++;
        } else {
            /* Over a hole in one step: the next row with a trade. */
            const uint64_t next = lower_bound(&ring, start);
            if (next == ring.first)
                break;
            start = wire_interval_start(interval, ring.rows[(next - 1) % ring.size].open_ts);
            continue;
        }
        start = wire_interval_start(interval, start - 1);
    }
    for (uint32_t i = 0; i < count / 2; i++) {
        const struct wire_candle swap = rows[i];
        rows[i] = rows[count - 1 - i];
        rows[count - 1 - i] = swap;
    }
    return count;
}
