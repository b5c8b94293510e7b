#include "cli/run_result.h"

#include "cli/bracket.h"
#include "cli/json_out.h"
#include "cli/rules_up.h"
#include "cli/session_result.h"
#include "cli/run_start.h"
#include "cli/table.h"
#include "cli/values.h"
#include "cli/version.h"
#include "core/book_l3.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static const char *end_word(enum run_end end)
{
    return end == RUN_FINISHED ? "finished" : end == RUN_INTERRUPTED ? "interrupted" : "error";
}

/* ---- what things are worth ---- */

/* Mid of the book, or the one side there is; 0: no book, and then the position counts at its entry. */
static px_t mark_of(const struct engine *engine, uint16_t number)
{
    struct level bid, ask;
    const struct book *book = engine_book(engine, number);
    bool has_bid = book_best(book, SIDE_BUY, &bid), has_ask = book_best(book, SIDE_SELL, &ask);
    if (has_bid && has_ask)
        return (px_t)(((money_t)bid.price + ask.price) / 2);
    return has_bid ? bid.price : has_ask ? ask.price : 0;
}

static money_t unrealised_of(const struct engine *engine, uint16_t number)
{
    money_t profit;
    px_t mark = mark_of(engine, number);
    if (mark == 0 || account_unrealised(engine_account_view(engine), number, mark, &profit) != ERR_OK)
        return 0;
    return profit;
}

struct currency_sum {
    const char *name;
    money_t realised, unrealised, fees, equity;
};

/* Sums a settle currency, in the order of the instruments. */
static uint32_t sum_currencies(const struct stage *stage, struct currency_sum *sums, uint32_t capacity)
{
    uint32_t count = 0;
    for (uint16_t i = 0; i < stage->instrument_count; i++) {
        const char *name = stage->instruments[i].settle;
        uint32_t at = 0;
        while (at < count && strcmp(sums[at].name, name) != 0)
            at++;
        if (at == capacity)
            continue;
        if (at == count) {
            const struct balance *balance = account_balance(engine_account_view(stage->engine), name);
            sums[count++] = (struct currency_sum){.name = name,
                                                  .realised = balance != NULL ? balance->realised : 0,
                                                  .fees = balance != NULL ? balance->fees : 0,
                                                  .equity = engine_equity(stage->engine, name)};
        }
        sums[at].unrealised += unrealised_of(stage->engine, i);
    }
    return count;
}

/* ---- JSON ---- */

static json_t *counters_json(const struct engine_counters *counters)
{
    json_t *object = json_object(), *kinds = json_object();
    json_set_u64(object, "inputs", counters->inputs);
    json_set_u64(object, "levels", counters->levels);
    for (int i = 0; i < EVENT_KIND_COUNT; i++) {
        if (counters->by_kind[i] != 0)
            json_set_u64(kinds, event_kind_name((enum event_kind)i), counters->by_kind[i]);
    }
    json_set(object, "by_kind", kinds);
    json_set_u64(object, "orders", counters->orders);
    json_set_u64(object, "refused", counters->refused);
    json_set_u64(object, "cancels", counters->cancels);
    json_set_u64(object, "amends", counters->amends);
    json_set_u64(object, "fills", counters->fills);
    json_set_u64(object, "maker_fills", counters->maker_fills);
    json_set_u64(object, "rejects", counters->rejects);
    json_set_u64(object, "illegal_reports", counters->illegal_reports);
    json_set_u64(object, "timers_fired", counters->timers_fired);
    json_set_u64(object, "gaps", counters->gaps);
    json_set_u64(object, "crossed", counters->crossed);
    json_set_u64(object, "money_overflows", counters->money_overflows);
    json_set_u64(object, "payments", counters->payments);
    json_set_u64(object, "venue_orders", counters->venue_orders);
    return object;
}

static json_t *balances_json(const struct account *account)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < account_balance_count(account); i++) {
        const struct balance *balance = account_balance_at(account, i);
        json_t *entry = json_object();
        json_set_text(entry, "currency", balance->currency);
        json_set_decimal(entry, "total", balance->total, MONEY_DECIMALS);
        json_set_decimal(entry, "locked", balance->locked, MONEY_DECIMALS);
        json_set_decimal(entry, "fees", balance->fees, MONEY_DECIMALS);
        json_set_decimal(entry, "realised", balance->realised, MONEY_DECIMALS);
        json_set_decimal(entry, "funding", balance->funding, MONEY_DECIMALS);
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *positions_json(const struct stage *stage)
{
    const struct account *account = engine_account_view(stage->engine);
    json_t *list = json_array();
    for (uint16_t i = 0; i < stage->instrument_count; i++) {
        const struct instrument *instrument = &stage->instruments[i];
        const struct position *position = account_position(account, i);
        px_t mark = mark_of(stage->engine, i);
        json_t *entry = json_object();
        json_set_text(entry, "venue", instrument->venue);
        json_set_text(entry, "instrument", instrument->symbol);
        json_set_qty(entry, "qty", instrument, position->qty);
        if (position->qty != 0)
            json_set_decimal(entry, "entry_price", account_entry_price(account, i, 8),
                             instrument->price_decimals + 8u);
        else
            json_set(entry, "entry_price", json_null());
        if (mark != 0)
            json_set_price(entry, "mark_price", instrument, mark);
        else
            json_set(entry, "mark_price", json_null());
        json_set_text(entry, "currency", instrument->settle);
        json_set_decimal(entry, "realised", position->realised, MONEY_DECIMALS);
        json_set_decimal(entry, "unrealised", unrealised_of(stage->engine, i), MONEY_DECIMALS);
        json_set_decimal(entry, "fees", position->fees, MONEY_DECIMALS);
        json_set_decimal(entry, "funding", position->funding, MONEY_DECIMALS);
        json_set_qty(entry, "bought", instrument, position->bought);
        json_set_qty(entry, "sold", instrument, position->sold);
        json_set_u64(entry, "fills", position->fill_count);
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *account_json(const struct stage *stage)
{
    struct currency_sum sums[CURRENCIES_MAX];
    uint32_t count = sum_currencies(stage, sums, ARRAY_LEN(sums));
    json_t *object = json_object(), *realised = json_object(), *unrealised = json_object(), *fees = json_object(),
           *equity = json_object();
    json_set(object, "balances", balances_json(engine_account_view(stage->engine)));
    json_set(object, "positions", positions_json(stage));
    for (uint32_t i = 0; i < count; i++) {
        json_set_decimal(realised, sums[i].name, sums[i].realised, MONEY_DECIMALS);
        json_set_decimal(unrealised, sums[i].name, sums[i].unrealised, MONEY_DECIMALS);
        json_set_decimal(fees, sums[i].name, sums[i].fees, MONEY_DECIMALS);
        json_set_decimal(equity, sums[i].name, sums[i].equity, MONEY_DECIMALS);
    }
    json_set(object, "realised", realised);
    json_set(object, "unrealised", unrealised);
    json_set(object, "fees", fees);
    json_set(object, "equity", equity);
    return object;
}

/* Of all books. False: none has single orders. */
static bool sum_level3(const struct stage *stage, struct l3_stats *sum)
{
    *sum = (struct l3_stats){0};
    for (uint16_t i = 0; i < stage->instrument_count; i++) {
        const struct book *book = engine_book(stage->engine, i);
        if (book->l3 == NULL)
            continue;
        const struct l3_stats *stats = &book->l3->stats;
        sum->orders_most = stats->orders_most > sum->orders_most ? stats->orders_most : sum->orders_most;
        sum->lost_full += stats->lost_full;
        sum->lost_wrong += stats->lost_wrong;
        sum->passed_over += stats->passed_over;
    }
    return sum->orders_most + sum->passed_over != 0;
}

static const char *const rules_words[] = {"venue", "tape", "none"};

static json_t *faults_json(const struct sim_fault_stats *faults)
{
    json_t *object = json_object();
    json_set_u64(object, "outages", faults->outages);
    json_set_u64(object, "line_cuts", faults->line_cuts);
    json_set_u64(object, "channel_cuts", faults->channel_cuts);
    json_set_u64(object, "unheard", faults->unheard);
    json_set_u64(object, "requests_lost", faults->requests_lost);
    json_set_u64(object, "requests_unanswered", faults->requests_unanswered);
    json_set_u64(object, "requests_refused", faults->requests_refused);
    json_set_u64(object, "answers_lost", faults->answers_lost);
    json_set_u64(object, "answers_waited", faults->answers_waited);
    json_set_u64(object, "answers_late", faults->answers_late);
    json_set_u64(object, "answers_held", faults->answers_held);
    return object;
}

/* What contracts met beyond their fills. */
static json_t *perp_json(const struct stage *stage)
{
    const struct perp_stats *stats = venue_perp_stats(stage->venue);
    json_t *object = json_object(), *insurance = json_object();
    json_set_u64(object, "funding_payments", stats->payments);
    json_set_u64(object, "funding_unmarked", stats->funding_unmarked);
    json_set_u64(object, "funding_refused", stats->funding_refused);
    json_set_u64(object, "marks_made", stats->marks_made);
    json_set_u64(object, "margin_rejects", stats->margin_rejects);
    json_set_decimal(object, "margin_ratio_peak", stats->ratio_peak, RATIO_DECIMALS);
    json_set_u64(object, "liquidations", stats->liquidations);
    json_set_u64(object, "liquidation_fills", stats->liquidation_fills);
    json_set_u64(object, "overflows", stats->overflows);
    for (uint16_t i = 0; i < stage->instrument_count; i++) {
        const money_t fund = venue_insurance(stage->venue, i);
        if (fund != 0)
            json_set_decimal(insurance, stage->instruments[i].settle, fund, MONEY_DECIMALS);
    }
    json_set(object, "insurance", insurance);
    return object;
}

/* What the simulated venue counted; `clock_behind` above zero says that arrival stamps are not to be trusted. */
static json_t *venue_json(const struct stage *stage, int rules)
{
    const struct sim_stats stats = sim_world_stats(stage->world);
    json_t *object = json_object();
    json_set_u64(object, "requests", stats.requests);
    json_set_u64(object, "rejected_on_the_way", stats.rejected);
    json_set_u64(object, "executions", stats.executions);
    json_set_u64(object, "clock_behind", stats.clock_behind);
    json_set_u64(object, "lookahead_blocks", stats.lookahead_most);
    json_set_u64(object, "feed_unstamped", stage_feed_unstamped(stage));
    json_set(object, "faults", faults_json(&stats.faults));
    struct l3_stats level3;
    if (sum_level3(stage, &level3)) {
        json_t *orders = json_object();
        json_set_u64(orders, "orders_most", level3.orders_most);
        json_set_u64(orders, "lost_full", level3.lost_full);
        json_set_u64(orders, "lost_wrong", level3.lost_wrong);
        json_set_u64(orders, "passed_over", level3.passed_over);
        json_set(object, "level3", orders);
    }
    json_set(object, "contracts", perp_json(stage));
    json_set_text(object, "rules", rules_words[rules]);
    struct venue_refusals refusals;
    json_t *refused = json_array();
    for (uint32_t i = 0; venue_refused(stage->venue, i, &refusals); i++) {
        const char *venue = stage->instruments[refusals.instrument].venue;
        char code[VENUE_CODE_TEXT_SIZE];
        json_t *entry = json_object();
        json_set_text(entry, "venue", venue);
        json_set_text(entry, "reason", reason_name((enum reason)refusals.reason));
        json_set_text(entry, "venue_code", venue_code_text(rules_profile(venue), refusals.code, code));
        json_set_u64(entry, "count", refusals.count);
        json_array_append_new(refused, entry);
    }
    json_set(object, "refused", refused);
    return object;
}

json_t *run_result_json(const struct run_summary *summary)
{
    const struct run_config *config = summary->config;
    const struct engine_counters *counters = engine_counters(summary->stage->engine);
    char digest[DIGEST_TEXT_SIZE];
    json_t *object = json_object(), *strategy = json_object();
    digest_text(summary->digest, digest);
    json_set_u64(object, "format", 1);
    json_set_text(object, "digest", digest);
    json_set_u64(object, "seed", config->seed);
    json_set_text(object, "config_hash", config->hash);
    json_set_text(object, "end", end_word(summary->end));
    json_set_bool(object, "partial", summary->end != RUN_FINISHED);
    json_set_text(object, "error", summary->error);
    json_set(object, "binary", run_binary_json());
    json_set_text(strategy, "name", config->strategy->name);
    json_set_text(strategy, "version", config->strategy->version);
    json_set(object, "strategy", strategy);
    json_set(object, "tapes", run_tapes_json(summary->stage));
    json_set(object, "inputs_read", run_inputs_json(summary->inputs));
    json_set_time(object, "first", counters->inputs > 0 ? summary->stage->first_ts : 0);
    json_set_time(object, "last", counters->inputs > 0 ? summary->last_ts : 0);
    json_set_u64(object, "inputs", counters->inputs);
    json_set_u64(object, "orders", counters->orders);
    json_set_u64(object, "fills", counters->fills);
    json_set(object, "counters", counters_json(counters));
    json_set(object, "venue", venue_json(summary->stage, config->venue.rules));
    if (summary->stage->wire != NULL)
        json_set(object, "session", session_json(summary->stage));
    json_set(object, "account", account_json(summary->stage));
    if (summary->metrics != NULL)
        json_set(object, "metrics", run_metrics_json(summary->metrics));
    if (summary->stage->follower_count != 0)
        json_set(object, "bracket", bracket_json(summary));
    return object;
}

json_t *run_timing_json(const struct run_summary *summary)
{
    const struct engine_counters *counters = engine_counters(summary->stage->engine);
    double seconds = (double)summary->wall_ns / 1e9;
    json_t *object = json_object();
    char cwd[4096];
    json_set_text(object, "cwd", getcwd(cwd, sizeof(cwd)));
    json_set(object, "wall_s", json_real(seconds));
    json_set(object, "inputs_per_s", json_real(seconds > 0 ? (double)counters->inputs / seconds : 0));
    json_set(object, "levels_per_s", json_real(seconds > 0 ? (double)counters->levels / seconds : 0));
    return object;
}

/* ---- text ---- */

static void print_identity(const struct run_summary *summary)
{
    char digest[DIGEST_TEXT_SIZE];
    digest_text(summary->digest, digest);
    struct table *table = table_new("ll", NULL);
    table_cell(table, "seed");
    table_cell(table, "%" PRIu64, summary->config->seed);
    table_cell(table, "config");
    table_cell(table, "%s", summary->config->hash);
    for (uint16_t i = 0; i < summary->stage->lane_count; i++) {
        const struct stage_tape *tape = &summary->stage->tapes[i];
        table_cell(table, i == 0 ? "tape" : "");
        table_cell(table, "%s%s%s%s", tape->hash, tape->hash[0] != '\0' ? "  " : "", tape->path,
                   tape->closed ? "" : "  (not closed)");
    }
    table_cell(table, "binary");
    table_cell(table, "tapedeck %s, build %s", cli_version(), cli_build_id());
    table_cell(table, "digest");
    table_cell(table, "%s", digest);
    if (summary->dir != NULL) {
        table_cell(table, "results");
        table_cell(table, "%s", summary->dir);
    }
    table_print(table, stdout);
}

static void cell_money(struct table *table, money_t value)
{
    char text[DECIMAL_TEXT_SIZE];
    /* For eyes: eight decimals. result.json has all. */
    decimal_format(text, money_divide(value, money_pow10(MONEY_DECIMALS - 8), ROUND_HALF_EVEN), 8, 2);
    table_cell(table, "%s", text);
}

/* Only what happened. */
static void print_contracts(const struct stage *stage)
{
    const struct perp_stats *stats = venue_perp_stats(stage->venue);
    char text[DECIMAL_TEXT_SIZE];
    if (stats->payments != 0)
        printf("funding payments %" PRIu64 "\n", stats->payments);
    if (stats->ratio_peak != 0) {
        decimal_format(text, stats->ratio_peak, RATIO_DECIMALS, 2);
        printf("highest margin ratio %s, rejected for margin %" PRIu64 ", liquidations %" PRIu64 "\n", text,
               stats->margin_rejects, stats->liquidations);
    }
    if (stats->funding_unmarked != 0)
        printf("warning: %" PRIu64 " times of funding passed without any price to pay it at\n",
               stats->funding_unmarked);
    if (stats->payments != 0 || stats->ratio_peak != 0)
        putchar('\n');
}

static void print_account(const struct stage *stage)
{
    struct currency_sum sums[CURRENCIES_MAX];
    uint32_t count = sum_currencies(stage, sums, ARRAY_LEN(sums));
    struct table *table = table_new("lrrrr", "currency", "realised", "unrealised", "fees", "equity");
    for (uint32_t i = 0; i < count; i++) {
        table_cell(table, "%s", sums[i].name);
        cell_money(table, sums[i].realised);
        cell_money(table, sums[i].unrealised);
        cell_money(table, sums[i].fees);
        cell_money(table, sums[i].equity);
    }
    table_print(table, stdout);
}

static void print_positions(const struct stage *stage)
{
    const struct account *account = engine_account_view(stage->engine);
    struct table *table = table_new("lrrrrr", "instrument", "position", "bought", "sold", "fills", "realised");
    bool any = false;
    for (uint16_t i = 0; i < stage->instrument_count; i++) {
        const struct instrument *instrument = &stage->instruments[i];
        const struct position *position = account_position(account, i);
        char qty[DECIMAL_TEXT_SIZE], bought[DECIMAL_TEXT_SIZE], sold[DECIMAL_TEXT_SIZE];
        if (position->fill_count == 0)
            continue;
        any = true;
        instrument_format_qty(instrument, position->qty, qty);
        instrument_format_qty(instrument, position->bought, bought);
        instrument_format_qty(instrument, position->sold, sold);
        table_cell(table, "%s", instrument->symbol);
        table_cell(table, "%s", qty);
        table_cell(table, "%s", bought);
        table_cell(table, "%s", sold);
        table_cell(table, "%" PRIu64, position->fill_count);
        cell_money(table, position->realised);
    }
    if (!any) {
        table_drop(table);
        return;
    }
    putchar('\n');
    table_print(table, stdout);
}

void run_result_print(const struct run_summary *summary)
{
    const struct engine_counters *counters = engine_counters(summary->stage->engine);
    char inputs[VALUE_TEXT_SIZE], levels[VALUE_TEXT_SIZE], time[VALUE_TEXT_SIZE], span[VALUE_TEXT_SIZE];
    double seconds = (double)summary->wall_ns / 1e9;
    if (summary->end != RUN_FINISHED)
        printf("PARTIAL RESULT: the run was ended %s\n\n",
               summary->end == RUN_INTERRUPTED ? "by a signal" : "by an error");
    printf("%s, %s inputs, %s levels", summary->config->strategy->name, value_count_text(counters->inputs, inputs),
           value_count_text(counters->levels, levels));
    if (counters->inputs > 0)
        printf(", up to %.19sZ (%s simulated)", value_time_text(summary->last_ts, time),
               value_span_text(summary->last_ts - summary->stage->first_ts, span));
    printf("\n%.2f s, %.1f M levels/s\n\n", seconds, seconds > 0 ? (double)counters->levels / seconds / 1e6 : 0);
    printf("orders %" PRIu64 ", refused by the risk gate %" PRIu64 ", rejected by the venue %" PRIu64
           ", cancels %" PRIu64 "\nfills %" PRIu64 " (%" PRIu64 " maker), gaps %" PRIu64 ", crossed books %" PRIu64
           "\n\n",
           counters->orders, counters->refused, counters->rejects, counters->cancels, counters->fills,
           counters->maker_fills, counters->gaps, counters->crossed);
    const uint64_t behind = sim_world_stats(summary->stage->world).clock_behind;
    if (behind != 0)
        printf("warning: %" PRIu64
               " market events carry venue stamps later than their arrival: the clock of the recording "
               "ran behind;\n         they count as of their arrival. `tapedeck import --clock-offset constant` "
               "corrects a tape\n\n",
               behind);
    if (summary->stage->wire != NULL)
        session_print(summary->stage);
    struct l3_stats level3;
    if (sum_level3(summary->stage, &level3) && level3.lost_full + level3.lost_wrong != 0)
        printf("warning: single orders were lost %" PRIu64
               " times for want of room (raise engine.l3_orders) and %" PRIu64
               " times by messages\n         that do not fit what came before; their books were stale until told "
               "anew\n\n",
               level3.lost_full, level3.lost_wrong);
    print_contracts(summary->stage);
    print_account(summary->stage);
    print_positions(summary->stage);
    if (summary->metrics != NULL)
        run_metrics_print(summary->metrics);
    bracket_print(summary);
    putchar('\n');
    print_identity(summary);
}
