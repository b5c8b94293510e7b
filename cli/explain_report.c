#include "cli/explain_report.h"

#include "cli/table.h"
#include "cli/version.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DIGEST_SHOWN 8

static const struct explain_figures *end_of(const struct explain_report *report, int side)
{
    return report->sums->figures[side == EXPLAIN_A ? 0 : explain_sums_last(report->sums)];
}

/* ---- text: what differs ---- */

static void print_sides(const struct explain_report *report)
{
    for (int i = 0; i < 2; i++) {
        const struct rerun *run = report->sides[i].run;
        const struct explain_figures *figures = end_of(report, i);
        printf("%c  %s: strategy %s %s, %" PRIu64 " orders, %" PRIu64 " fills, digest %s\n", 'A' + i, run->name,
               run->config->strategy->name, run->config->strategy->version, figures->orders, figures->fills,
               figures->digest);
    }
}

static void print_keys(const struct explain_report *report)
{
    const struct explain_mix *mix = report->mix;
    if (mix->differs == 0) {
        puts("\nNothing differs in the configs, the tapes and the programs.");
        return;
    }
    putchar('\n');
    struct table *table = table_new("llw", "group", "differs in", "A -> B");
    for (uint32_t step = 0; step < report->sums->step_count; step++)
        for (int group = 0; group < EXPLAIN_GROUPS; group++)
            for (size_t i = 0; i < mix->key_count; i++) {
                const struct explain_key *key = &mix->keys[i];
                if (!key->differs || key->group != (enum explain_group)group ||
                    (report->sums->steps[step].set & mix->differs & 1u << group) == 0)
                    continue;
                table_cell(table, "%s", explain_group_name(key->group));
                table_cell(table, "%s", key->path);
                table_cell(table, "%s -> %s", key->text[0] != NULL ? key->text[0] : "(not set)",
                           key->text[1] != NULL ? key->text[1] : "(not set)");
            }
    table_print(table, stdout);
}

/* ---- text: money ---- */

/* As many decimals as the finest of them has: columns line up, and what is seen adds up exactly. */
static unsigned decimals_of(const struct explain_sums *sums, const char *currency)
{
    unsigned most = 2;
    char text[DECIMAL_TEXT_SIZE];
    for (unsigned world = 0; world <= explain_sums_last(sums); world++)
        for (int part = 0; part < EXPLAIN_PARTS && sums->figures[world] != NULL; part++) {
            decimal_format(text, explain_figures_money(sums->figures[world], currency)->parts[part], MONEY_DECIMALS,
                           0);
            const char *point = strchr(text, '.');
            const unsigned decimals = point != NULL ? (unsigned)strlen(point + 1) : 0;
            most = decimals > most ? decimals : most;
        }
    return most;
}

/* `sign`: a difference, with a + when it is more. */
static void cell_money(struct table *table, money_t value, unsigned decimals, bool sign)
{
    char text[DECIMAL_TEXT_SIZE];
    if (sign && value == 0) {
        table_cell(table, "0");
        return;
    }
    decimal_format(text, value, MONEY_DECIMALS, decimals);
    table_cell(table, "%s%s", sign && value > 0 ? "+" : "", text);
}

static void cell_count(struct table *table, uint64_t from, uint64_t to)
{
    table_cell(table, "%s%" PRIu64, to > from ? "+" : to < from ? "-" : "", to > from ? to - from : from - to);
}

/* Of a currency that nothing settles in there is nothing but fees. */
struct money_table {
    struct table *table;
    const char *currency;
    unsigned decimals;
    bool fees_alone;
};

static bool is_shown(const struct money_table *money, int part)
{
    return !money->fees_alone || part == EXPLAIN_PART_FEES;
}

static void print_end(const struct money_table *money, const struct explain_figures *figures, const char *name)
{
    table_cell(money->table, "%s", name);
    for (int part = 0; part < EXPLAIN_PARTS; part++)
        if (is_shown(money, part))
            cell_money(money->table, explain_figures_money(figures, money->currency)->parts[part], money->decimals,
                       false);
    table_cell(money->table, "%" PRIu64, figures->orders);
    table_cell(money->table, "%" PRIu64, figures->fills);
    table_cell(money->table, "%.*s", DIGEST_SHOWN, figures->digest);
}

static void print_step(const struct money_table *money, const struct explain_sums *sums,
                       const struct explain_step *step, const char *name, bool executed)
{
    const struct explain_figures *from = sums->figures[step->from], *to = sums->figures[step->to];
    table_cell(money->table, "%s", name);
    for (int part = 0; part < EXPLAIN_PARTS; part++)
        if (is_shown(money, part))
            cell_money(money->table, explain_sums_step(sums, step, money->currency, (enum explain_part)part),
                       money->decimals, true);
    cell_count(money->table, from->orders, to->orders);
    cell_count(money->table, from->fills, to->fills);
    table_cell(money->table, "%.*s", DIGEST_SHOWN, executed ? to->digest : "-");
}

static bool settles(const struct explain_sums *sums, const char *currency)
{
    for (unsigned world = 0; world <= explain_sums_last(sums); world++)
        if (sums->figures[world] != NULL && explain_figures_money(sums->figures[world], currency)->settles)
            return true;
    return false;
}

static bool is_nothing(const struct explain_sums *sums, const char *currency)
{
    static const struct explain_money nothing;
    for (unsigned world = 0; world <= explain_sums_last(sums); world++)
        if (sums->figures[world] != NULL && memcmp(explain_figures_money(sums->figures[world], currency)->parts,
                                                   nothing.parts, sizeof(nothing.parts)) != 0)
            return false;
    return true;
}

static void print_currency(const struct explain_report *report, const char *currency)
{
    if (is_nothing(report->sums, currency)) {
        printf("\n%s: no profit and no fees in any of the runs.\n", currency);
        return;
    }
    const struct explain_sums *sums = report->sums;
    const struct explain_step whole = {.from = 0, .to = explain_sums_last(sums)};
    struct money_table money = {
        .currency = currency, .decimals = decimals_of(sums, currency), .fees_alone = !settles(sums, currency)};
    char name[EXPLAIN_SET_TEXT_SIZE];
    putchar('\n');
    money.table = money.fees_alone ? table_new("lrrrl", currency, "fees paid", "orders", "fills", "digest")
                                   : table_new("lrrrrrrrl", currency, "profit", "realised", "marked", "fees paid",
                                               "funding", "orders", "fills", "digest");
    print_end(&money, end_of(report, EXPLAIN_A), "A");
    table_rule(money.table);
    for (uint32_t i = 0; i < sums->step_count; i++) {
        const struct explain_step *step = &sums->steps[i];
        print_step(&money, sums, step, explain_set_text(step->set, name), step->from != step->to);
    }
    table_rule(money.table);
    print_end(&money, end_of(report, EXPLAIN_B), "B");
    print_step(&money, sums, &whole, "B - A", false);
    table_print(money.table, stdout);
}

/* ---- text: shares ---- */

/* Rounded once, to what the others are shown with. */
static void cell_mean(struct table *table, const struct explain_share *share, money_t denominator, unsigned decimals)
{
    const money_t unit = money_pow10(MONEY_DECIMALS - decimals);
    cell_money(table, money_divide(share->numerator, denominator * unit, ROUND_HALF_EVEN) * unit, decimals, true);
}

static void print_shares(const struct explain_report *report, uint32_t currency)
{
    const struct explain_sums *sums = report->sums;
    const char *name = sums->currencies[currency];
    const unsigned decimals = decimals_of(sums, name);
    char title[NAME_SIZE + 16], text[EXPLAIN_SET_TEXT_SIZE];
    snprintf(title, sizeof(title), "%s profit", name);
    putchar('\n');
    struct table *table = table_new("lrrr", title, "mean of all orders", "least", "most");
    for (uint32_t unit = 0; unit < sums->unit_count; unit++) {
        const struct explain_share *share = &sums->shares[unit][currency];
        table_cell(table, "%s", explain_set_text(sums->units[unit], text));
        cell_mean(table, share, sums->share_denominator, decimals);
        cell_money(table, share->least, decimals, true);
        cell_money(table, share->most, decimals, true);
    }
    table_print(table, stdout);
}

static void print_proof(const struct explain_report *report)
{
    const struct explain_sums *sums = report->sums;
    char text[EXPLAIN_SET_TEXT_SIZE];
    printf(
        "\nB - A is the sum of the steps exactly, residual 0. Both runs came out as recorded; %u run%s executed.\n",
        report->executed, report->executed == 1 ? " was" : "s were");
    if (strcmp(report->sides[0].run->build_id, report->sides[1].run->build_id) != 0 &&
        report->sides[0].program == report->sides[1].program)
        printf(
            "The runs were made by two builds of tapedeck; this one gives both as they were, so that the builds make "
            "no\ndifference.\n");
    for (uint32_t i = 0; i < sums->step_count; i++)
        if (sums->steps[i].why != NULL)
            printf("%s were taken together, since in between: %s\n", explain_set_text(sums->steps[i].set, text),
                   sums->steps[i].why);
    if (sums->unit_count > 1 && !sums->shared)
        puts("A step is what its groups change when those above it are B's and those below it still A's. Another\n"
             "order (--order) parts the same difference in another way; --all-orders tells how far.");
    if (sums->shared)
        puts("Least and most are what a group changes in any order; where they are the same, it does not depend on\n"
             "the others. The means add up to B - A exactly; they are shown rounded, and as fractions with --json.");
}

void explain_report_print(const struct explain_report *report)
{
    const struct explain_sums *sums = report->sums;
    print_sides(report);
    print_keys(report);
    for (uint32_t i = 0; i < sums->currency_count; i++)
        print_currency(report, sums->currencies[i]);
    for (uint32_t i = 0; i < sums->currency_count && sums->shared; i++)
        if (settles(sums, sums->currencies[i]) && !is_nothing(sums, sums->currencies[i]))
            print_shares(report, i);
    print_proof(report);
}

/* ---- JSON ---- */

static void parts_json(json_t *object, const struct explain_sums *sums, const struct explain_step *step)
{
    for (int part = 0; part < EXPLAIN_PARTS; part++) {
        json_t *amounts = json_object();
        for (uint32_t i = 0; i < sums->currency_count; i++)
            json_set_decimal(amounts, sums->currencies[i],
                             explain_sums_step(sums, step, sums->currencies[i], (enum explain_part)part),
                             MONEY_DECIMALS);
        json_set(object, explain_part_name((enum explain_part)part), amounts);
    }
    json_set_i64(object, "orders", (int64_t)(sums->figures[step->to]->orders - sums->figures[step->from]->orders));
    json_set_i64(object, "fills", (int64_t)(sums->figures[step->to]->fills - sums->figures[step->from]->fills));
}

static json_t *side_json(const struct explain_report *report, int number)
{
    const struct explain_side *side = &report->sides[number];
    const struct explain_figures *figures = end_of(report, number);
    json_t *object = json_object();
    json_set_text(object, "run", side->run->name);
    json_set_text(object, "strategy", side->run->config->strategy->name);
    json_set_text(object, "digest", figures->digest);
    json_set_text(object, "build_id", side->run->build_id);
    json_set_text(object, "executed_with", side->program != NULL ? side->run->build_id : cli_build_id());
    for (int part = 0; part < EXPLAIN_PARTS; part++) {
        json_t *amounts = json_object();
        for (uint32_t i = 0; i < report->sums->currency_count; i++)
            json_set_decimal(amounts, report->sums->currencies[i],
                             explain_figures_money(figures, report->sums->currencies[i])->parts[part],
                             MONEY_DECIMALS);
        json_set(object, explain_part_name((enum explain_part)part), amounts);
    }
    json_set_u64(object, "orders", figures->orders);
    json_set_u64(object, "fills", figures->fills);
    return object;
}

static json_t *groups_json(unsigned set)
{
    json_t *list = json_array();
    for (int i = 0; i < EXPLAIN_GROUPS; i++)
        if ((set & 1u << i) != 0)
            json_array_append_new(list, json_string(explain_group_name((enum explain_group)i)));
    return list;
}

static json_t *keys_json(const struct explain_mix *mix, unsigned set)
{
    json_t *list = json_array();
    for (size_t i = 0; i < mix->key_count; i++) {
        const struct explain_key *key = &mix->keys[i];
        if (!key->differs || (set & 1u << key->group) == 0)
            continue;
        json_t *entry = json_object();
        json_set_text(entry, "key", key->path);
        json_set_text(entry, "group", explain_group_name(key->group));
        json_set_text(entry, "a", key->text[0]);
        json_set_text(entry, "b", key->text[1]);
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *step_json(const struct explain_report *report, const struct explain_step *step)
{
    json_t *object = json_object();
    json_set(object, "groups", groups_json(step->set));
    json_set_bool(object, "differs", step->from != step->to);
    json_set(object, "keys", keys_json(report->mix, step->set));
    parts_json(object, report->sums, step);
    json_set_text(object, "digest", report->sums->figures[step->to]->digest);
    json_set_text(object, "joined_because", step->why);
    return object;
}

static json_t *shares_json(const struct explain_sums *sums)
{
    json_t *list = json_array();
    for (uint32_t unit = 0; unit < sums->unit_count; unit++) {
        json_t *object = json_object(), *amounts = json_object();
        json_set(object, "groups", groups_json(sums->units[unit]));
        for (uint32_t i = 0; i < sums->currency_count; i++) {
            const struct explain_share *share = &sums->shares[unit][i];
            json_t *entry = json_object();
            json_set_decimal(entry, "numerator", share->numerator, MONEY_DECIMALS);
            json_set_u64(entry, "denominator", (uint64_t)sums->share_denominator);
            json_set_decimal(entry, "least", share->least, MONEY_DECIMALS);
            json_set_decimal(entry, "most", share->most, MONEY_DECIMALS);
            json_set(amounts, sums->currencies[i], entry);
        }
        json_set(object, "profit", amounts);
        json_array_append_new(list, object);
    }
    return list;
}

json_t *explain_report_json(const struct explain_report *report)
{
    const struct explain_sums *sums = report->sums;
    const struct explain_step whole = {.from = 0, .to = explain_sums_last(sums)};
    json_t *object = json_object(), *steps = json_array(), *difference = json_object(), *residual = json_object();
    json_set_u64(object, "format", 1);
    json_set(object, "a", side_json(report, EXPLAIN_A));
    json_set(object, "b", side_json(report, EXPLAIN_B));
    for (uint32_t i = 0; i < sums->step_count; i++)
        json_array_append_new(steps, step_json(report, &sums->steps[i]));
    json_set(object, "steps", steps);
    parts_json(difference, sums, &whole);
    json_set(object, "difference", difference);
    for (uint32_t i = 0; i < sums->currency_count; i++)
        json_set_decimal(residual, sums->currencies[i], 0, MONEY_DECIMALS); /* explain_sums_make has it so */
    json_set(object, "residual", residual);
    json_set_u64(object, "executed", report->executed);
    json_set(object, "all_orders", sums->shared ? shares_json(sums) : json_null());
    return object;
}
