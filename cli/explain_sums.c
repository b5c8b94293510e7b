#include "cli/explain_sums.h"

#include "core/decimal.h"

#include <stdlib.h>
#include <string.h>

/* ---- which worlds ---- */

unsigned explain_sums_last(const struct explain_sums *sums)
{
    return (1u << sums->unit_count) - 1;
}

unsigned explain_sums_set(const struct explain_sums *sums, unsigned world)
{
    unsigned set = 0;
    if (sums->unit_count != 0 && world == explain_sums_last(sums))
        return EXPLAIN_ALL;
    for (uint32_t i = 0; i < sums->unit_count; i++)
        if ((world & 1u << i) != 0)
            set |= sums->units[i];
    return set;
}

err_t explain_sums_plan(struct explain_sums *sums, const struct explain_order *order, unsigned differs,
                        bool all_orders, struct err_text *why)
{
    for (uint32_t i = 0; i < order->count; i++)
        if ((order->sets[i] & differs) != 0)
            sums->units[sums->unit_count++] = order->sets[i] & differs;
    if (all_orders && sums->unit_count > EXPLAIN_UNITS_ALL)
        return err_say(why, ERR_USAGE,
                       "--all-orders: %u groups differ, and all orders are executed of at most %u; join some with "
                       "--order: fees+fills,data+latency",
                       sums->unit_count, EXPLAIN_UNITS_ALL);
    sums->shared = all_orders;
    for (unsigned world = 0; world <= explain_sums_last(sums); world++)
        sums->wanted[world] = all_orders || (world & (world + 1)) == 0; /* 0, 1, 3, 7 ... */
    return ERR_OK;
}

/* ---- steps ---- */

/* Worlds of which the figures are there one after the other; a group without a difference stays where it is. */
static void make_steps(struct explain_sums *sums, const struct explain_order *order, unsigned differs)
{
    unsigned from = 0, to = 0, pending = 0;
    const char *why = NULL;
    for (uint32_t i = 0; i < order->count; i++) {
        const unsigned same = order->sets[i] & ~differs, changed = order->sets[i] & differs;
        if (same != 0)
            sums->steps[sums->step_count++] = (struct explain_step){.set = same, .from = from, .to = from};
        if (changed == 0)
            continue;
        pending |= changed;
        to = to << 1 | 1;
        if (sums->figures[to] == NULL) {
            why = why == NULL ? sums->errors[to] : why;
            continue;
        }
        sums->steps[sums->step_count++] = (struct explain_step){.set = pending, .from = from, .to = to, .why = why};
        from = to;
        pending = 0;
        why = NULL;
    }
}

static void list_currencies(struct explain_sums *sums, const struct explain_figures *figures)
{
    for (uint32_t i = 0; figures != NULL && i < figures->money_count; i++) {
        uint32_t at = 0;
        while (at < sums->currency_count && strcmp(sums->currencies[at], figures->money[i].currency) != 0)
            at++;
        if (at == sums->currency_count && at < CURRENCIES_MAX)
            strcpy(sums->currencies[sums->currency_count++], figures->money[i].currency);
    }
}

static money_t part_of(const struct explain_figures *figures, const char *currency, enum explain_part part)
{
    return explain_figures_money(figures, currency)->parts[part];
}

money_t explain_sums_step(const struct explain_sums *sums, const struct explain_step *step, const char *currency,
                          enum explain_part part)
{
    return part_of(sums->figures[step->to], currency, part) - part_of(sums->figures[step->from], currency, part);
}

/* Every part, not the profit alone. */
static err_t add_up(const struct explain_sums *sums, const char *currency, const struct explain_figures *a,
                    const struct explain_figures *b, struct err_text *why)
{
    for (int part = 0; part < EXPLAIN_PARTS; part++) {
        money_t whole, sum = 0, step;
        err_t err = money_subtract(part_of(b, currency, part), part_of(a, currency, part), &whole);
        for (uint32_t i = 0; i < sums->step_count && err == ERR_OK; i++) {
            err = money_subtract(part_of(sums->figures[sums->steps[i].to], currency, part),
                                 part_of(sums->figures[sums->steps[i].from], currency, part), &step);
            if (err == ERR_OK)
                err = money_add(sum, step, &sum);
        }
        if (err != ERR_OK)
            return err_say(why, err, "the difference of '%s' in %s does not fit", explain_part_name(part), currency);
        if (sum != whole)
            return err_say(
                why, ERR_MISMATCH,
                "the steps do not add up to the difference of '%s' in %s that the runs' result.json tell, "
                "although the digests are right: one of the files was changed, or written by a version that "
                "counts otherwise",
                explain_part_name(part), currency);
    }
    return ERR_OK;
}

/* ---- shares ---- */

static money_t factorial(unsigned n)
{
    money_t product = 1;
    for (unsigned i = 2; i <= n; i++)
        product *= i;
    return product;
}

/* With s units before it, a unit comes next in s! (n - s - 1)! of the n! orders. */
static err_t share_of(struct explain_sums *sums, unsigned unit, uint32_t currency)
{
    struct explain_share *share = &sums->shares[unit][currency];
    const char *name = sums->currencies[currency];
    bool first = true;
    for (unsigned before = 0; before <= explain_sums_last(sums); before++) {
        if ((before & 1u << unit) != 0)
            continue;
        const unsigned had = (unsigned)__builtin_popcount(before);
        money_t step, weighed;
        err_t err = money_subtract(part_of(sums->figures[before | 1u << unit], name, EXPLAIN_PART_PROFIT),
                                   part_of(sums->figures[before], name, EXPLAIN_PART_PROFIT), &step);
        if (err == ERR_OK)
            err = money_multiply(step, factorial(had) * factorial(sums->unit_count - had - 1), &weighed);
        if (err == ERR_OK)
            err = money_add(share->numerator, weighed, &share->numerator);
        if (err != ERR_OK)
            return err;
        share->least = first || step < share->least ? step : share->least;
        share->most = first || step > share->most ? step : share->most;
        first = false;
    }
    return ERR_OK;
}

static err_t make_shares(struct explain_sums *sums, struct err_text *why)
{
    char text[EXPLAIN_SET_TEXT_SIZE];
    for (unsigned world = 0; world <= explain_sums_last(sums); world++)
        if (sums->figures[world] == NULL)
            return err_say(why, ERR_CONFIG,
                           "--all-orders: A with B's %s cannot be executed: %s; join the groups that belong together "
                           "with --order",
                           explain_set_text(explain_sums_set(sums, world), text), sums->errors[world]);
    sums->share_denominator = factorial(sums->unit_count);
    for (uint32_t i = 0; i < sums->currency_count; i++) {
        money_t sum = 0, whole = 0;
        err_t err = ERR_OK;
        for (unsigned unit = 0; unit < sums->unit_count && err == ERR_OK; unit++) {
            err = share_of(sums, unit, i);
            if (err == ERR_OK)
                err = money_add(sum, sums->shares[unit][i].numerator, &sum);
        }
        const struct explain_step all = {.from = 0, .to = explain_sums_last(sums)};
        if (err == ERR_OK)
            err = money_multiply(explain_sums_step(sums, &all, sums->currencies[i], EXPLAIN_PART_PROFIT),
                                 sums->share_denominator, &whole);
        if (err != ERR_OK)
            return err_say(why, err, "a share of %s does not fit", sums->currencies[i]);
        ASSERT(sum == whole); /* an identity: every world is added as often as it is taken off, but for both ends */
    }
    return ERR_OK;
}

err_t explain_sums_make(struct explain_sums *sums, const struct explain_order *order, unsigned differs,
                        const struct explain_figures *a, const struct explain_figures *b, struct err_text *why)
{
    make_steps(sums, order, differs);
    for (unsigned world = 0; world <= explain_sums_last(sums); world++)
        list_currencies(sums, sums->figures[world]);
    list_currencies(sums, a);
    list_currencies(sums, b);
    err_t err = ERR_OK;
    for (uint32_t i = 0; i < sums->currency_count && err == ERR_OK; i++)
        err = add_up(sums, sums->currencies[i], a, b, why);
    return err == ERR_OK && sums->shared ? make_shares(sums, why) : err;
}

void explain_sums_free(struct explain_sums *sums)
{
    for (size_t i = 0; sums != NULL && i < ARRAY_LEN(sums->figures); i++)
        free(sums->figures[i]);
    free(sums);
}
