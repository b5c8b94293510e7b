#include "data/one_way_offset.h"

#include "core/decimal.h"

void one_way_offset_init(struct one_way_offset *clock, struct clock_point *hull, uint32_t capacity)
{
    ASSERT(hull == NULL || capacity > 1);
    *clock = (struct one_way_offset){.hull = hull, .hull_capacity = hull == NULL ? 0 : capacity};
    clock->hull_full = hull == NULL;
}

/* Twice the signed area of the triangle: > 0 when c lies left of (above) the ray from a through b. */
static int turn(const struct clock_point *a, const struct clock_point *b, const struct clock_point *c)
{
    money_t area = (money_t)(b->local - a->local) * ((money_t)c->delta - a->delta) -
                   ((money_t)b->delta - a->delta) * (c->local - a->local);
    return (area > 0) - (area < 0);
}

/* Points come rising by time, so the hull's right end is where all work happens. */
static void hull_add(struct one_way_offset *clock, struct clock_point point)
{
    struct clock_point *hull = clock->hull;
    uint32_t count = clock->hull_count;
    if (count > 0 && hull[count - 1].local == point.local) {
        if (hull[count - 1].delta <= point.delta)
            return;
        count--;
    }
    while (count >= 2 && turn(&hull[count - 2], &hull[count - 1], &point) <= 0)
        count--;
    if (count == clock->hull_capacity) {
        clock->hull_full = true;
        return;
    }
    hull[count] = point;
    clock->hull_count = count + 1;
}

void one_way_offset_add(struct one_way_offset *clock, ns_t local, ns_t exch_ts)
{
    struct clock_point point = {.local = local};
    if (exch_ts == 0 || __builtin_sub_overflow(local, exch_ts, &point.delta) ||
        (clock->samples > 0 && local < clock->last_local)) {
        clock->skipped++;
        return;
    }
    if (clock->samples == 0)
        clock->first_local = local;
    if (clock->samples == 0 || point.delta < clock->least.delta)
        clock->least = point;
    clock->samples++;
    clock->last_local = local;
    clock->local_sum += (u128_t)((money_t)local - clock->first_local);
    if (!clock->hull_full)
        hull_add(clock, point);
}

err_t one_way_offset_constant(const struct one_way_offset *clock, struct clock_line *line)
{
    if (clock->samples == 0)
        return ERR_NOTFOUND;
    *line = (struct clock_line){clock->least, clock->least};
    return ERR_OK;
}

err_t one_way_offset_drift(const struct one_way_offset *clock, struct clock_line *line)
{
    if (clock->samples == 0)
        return ERR_NOTFOUND;
    if (clock->hull_full)
        return ERR_FULL;
    /* The edge over the mean of t: with its two ends on either side, compared without dividing. */
    uint32_t to = 1;
    while (to + 1 < clock->hull_count &&
           (u128_t)((money_t)clock->hull[to].local - clock->first_local) * clock->samples < clock->local_sum)
        to++;
    if (to >= clock->hull_count)
        to = 0;
    struct clock_line edge = {clock->hull[to == 0 ? 0 : to - 1], clock->hull[to]};
    money_t rise = (money_t)edge.to.delta - edge.from.delta;
    money_t run = edge.to.local - edge.from.local;
    if ((rise < 0 ? -rise : rise) * 1000000 > run * CLOCK_DRIFT_MAX_PPM)
        return ERR_RANGE;
    *line = edge;
    return ERR_OK;
}

ns_t clock_line_at(const struct clock_line *line, ns_t local)
{
    money_t run = (money_t)line->to.local - line->from.local;
    if (run == 0)
        return line->from.delta;
    money_t rise = (money_t)line->to.delta - line->from.delta;
    money_t along = (money_t)local - line->from.local;
    return (ns_t)(line->from.delta + money_divide(rise * along, run, ROUND_FLOOR));
}

ns_t clock_line_correct(const struct clock_line *line, ns_t local, ns_t base_latency)
{
    return local - clock_line_at(line, local) + base_latency;
}

int64_t clock_line_ppb(const struct clock_line *line)
{
    money_t run = (money_t)line->to.local - line->from.local;
    if (run == 0)
        return 0;
    return (int64_t)(((money_t)line->to.delta - line->from.delta) * 1000000000 / run);
}
