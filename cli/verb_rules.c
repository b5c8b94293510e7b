#include "cli/exit_code.h"
#include "cli/json_out.h"
#include "cli/options.h"
#include "cli/rules_up.h"
#include "cli/suggest.h"
#include "cli/table.h"
#include "cli/values.h"
#include "cli/verbs.h"

#include <string.h>

const char verb_rules_help[] =
    "NAME\n"
    "  tapedeck rules - what a venue accepts at a date, and who says so\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck rules VENUE SYMBOL [--at DATE] [--json]\n"
    "\n"
    "DESCRIPTION\n"
    "  Prints the rules that the simulated venue keeps for orders of SYMBOL: ticks, lot, smallest and largest\n"
    "  orders, price bands, open orders, fees, request limits. Each with the day from which it holds, the day of\n"
    "  the next change, and its source; then what is not known, and the codes with which the venue refuses.\n"
    "  VENUE is binance-spot, binance-usdm, binance-coinm or upbit; SYMBOL as the venue writes it.\n"
    "\n"
    "OPTIONS\n"
    "  -a, --at DATE   the rules of that time, UTC (default: the newest that are known)\n"
    "  -j, --json      machine-readable output\n"
    "\n"
    "EXIT STATUS\n"
    "  0  printed\n"
    "  2  wrong command line, or no rules are known of that venue or market\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck rules upbit KRW-BTC --at 2024-03-01\n"
    "  tapedeck rules binance-usdm BTCUSDT\n";

/* 2024-01-28T15:00Z; "-": since ever, or never. Rules change on the minute. */
static const char *minute_text(ns_t ts, char *text)
{
    char whole[VALUE_TEXT_SIZE];
    if (ts == 0 || ts == NS_MAX)
        return "-";
    snprintf(text, VALUE_TEXT_SIZE, "%.16sZ", value_time_text(ts, whole));
    return text;
}

static ns_t since_of(const struct venue_rule_row *row)
{
    ns_t ts = 0;
    err_t err = venue_rule_time(row->from, &ts);
    ASSERT(err == ERR_OK);
    return ts;
}

/* "1000000:1000 500000:500" as a list of bands, a line each, for people. */
static void print_ticks(const char *value)
{
    puts("\ntick by price, from the lower bound on");
    struct table *table = table_new("rr", "price from", "tick");
    for (const char *at = value; *at != '\0'; at += *at == ' ') {
        size_t bound = strcspn(at, ":"), tick = strcspn(at + bound + 1, " ");
        table_cell(table, "%.*s", (int)bound, at);
        table_cell(table, "%.*s", (int)tick, at + bound + 1);
        at += bound + 1 + tick;
    }
    table_print(table, stdout);
}

static bool is_banded(const char *ticks)
{
    return strchr(ticks, ' ') != NULL;
}

static void print_rules(const struct venue_profile *profile, const char *symbol, ns_t at)
{
    struct table *table = table_new("llllw", "rule", "value", "since", "until", "source");
    const struct venue_rule_row *ticks = NULL;
    for (int rule = 0; rule < RULE_COUNT; rule++) {
        const struct venue_rule_row *row = venue_rule_at(profile, symbol, (enum venue_rule)rule, at);
        if (row == NULL)
            continue;
        char until[VALUE_TEXT_SIZE], text[VALUE_TEXT_SIZE];
        ns_t since = since_of(row);
        if (rule == RULE_TICK && is_banded(row->value))
            ticks = row;
        const bool single = rule == RULE_TICK && !is_banded(row->value);
        table_cell(table, "%s", venue_rule_name((enum venue_rule)rule));
        table_cell(table, "%s", row == ticks ? "by price, below" : single ? strchr(row->value, ':') + 1 : row->value);
        table_cell(table, "%s", minute_text(since, text));
        table_cell(table, "%s", minute_text(venue_rule_next(profile, symbol, (enum venue_rule)rule, at), until));
        table_cell(table, "%s", row->source);
    }
    table_print(table, stdout);
    if (ticks != NULL)
        print_ticks(ticks->value);
}

static const char *code_words(const struct venue_profile *profile, const struct venue_code *code, char *text,
                              size_t room)
{
    const int16_t codes[] = {code->buy, code->sell, code->market_buy, code->market_sell};
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        bool seen = codes[i] == 0;
        for (size_t j = 0; j < i; j++)
            seen |= codes[j] == codes[i];
        char word[VENUE_CODE_TEXT_SIZE];
        if (!seen && used < room)
            used += (size_t)snprintf(text + used, room - used, "%s%s", used > 0 ? ", " : "",
                                     venue_code_text(profile, codes[i], word));
    }
    return text;
}

static void print_codes(const struct venue_profile *profile)
{
    puts("\ncodes of refusals");
    struct table *table = table_new("llw", "reason", "what is wrong", "venue code");
    for (size_t i = 0; i < profile->code_count; i++) {
        char text[256];
        table_cell(table, "%s", reason_name(venue_fault_reason(profile->codes[i].fault)));
        table_cell(table, "%s", venue_fault_name(profile->codes[i].fault));
        table_cell(table, "%s", code_words(profile, &profile->codes[i], text, sizeof(text)));
    }
    table_print(table, stdout);
}

static void print_text(const struct venue_profile *profile, const char *symbol, ns_t at, bool newest)
{
    char time[VALUE_TEXT_SIZE];
    printf("%s %s, %s%s\n\n", profile->venue, symbol, newest ? "the newest rules known" : "rules at ",
           newest ? "" : value_time_text(at, time));
    print_rules(profile, symbol, at);
    if (profile->unknown != NULL) {
        putchar('\n');
        struct table *table = table_new("lw", NULL);
        table_cell(table, "not known:");
        table_cell(table, "%s", profile->unknown);
        table_print(table, stdout);
    }
    print_codes(profile);
}

static int print_json(const struct venue_profile *profile, const char *symbol, ns_t at, bool newest)
{
    json_t *root = json_object(), *rules = json_array(), *codes = json_array();
    json_set_text(root, "venue", profile->venue);
    json_set_text(root, "symbol", symbol);
    json_set_time(root, "at", newest ? 0 : at);
    for (int rule = 0; rule < RULE_COUNT; rule++) {
        const struct venue_rule_row *row = venue_rule_at(profile, symbol, (enum venue_rule)rule, at);
        if (row == NULL)
            continue;
        json_t *entry = json_object();
        ns_t next = venue_rule_next(profile, symbol, (enum venue_rule)rule, at);
        json_set_text(entry, "rule", venue_rule_name((enum venue_rule)rule));
        json_set_text(entry, "meaning", venue_rule_help((enum venue_rule)rule));
        json_set_text(entry, "value", row->value);
        json_set_time(entry, "since", since_of(row));
        json_set_time(entry, "until", next == NS_MAX ? 0 : next);
        json_set_text(entry, "source", row->source);
        json_array_append_new(rules, entry);
    }
    for (size_t i = 0; i < profile->code_count; i++) {
        char text[256];
        json_t *entry = json_object();
        json_set_text(entry, "reason", reason_name(venue_fault_reason(profile->codes[i].fault)));
        json_set_text(entry, "fault", venue_fault_name(profile->codes[i].fault));
        json_set_text(entry, "venue_code", code_words(profile, &profile->codes[i], text, sizeof(text)));
        json_array_append_new(codes, entry);
    }
    json_set(root, "rules", rules);
    json_set_text(root, "not_known", profile->unknown);
    json_set(root, "codes", codes);
    return exit_code_of(json_print(stdout, root, false));
}

static err_t find(const char *venue, const char *symbol, const struct venue_profile **profile, struct err_text *why)
{
    *profile = rules_profile(venue);
    if (*profile == NULL) {
        struct suggestion suggestion;
        char hint[128];
        suggest_start(&suggestion, venue, strlen(venue));
        for (size_t i = 0; rules_profiles[i] != NULL; i++)
            suggest_offer(&suggestion, rules_profiles[i]->venue);
        return err_say(why, ERR_USAGE,
                       "no rules are known of venue '%s'%s; known: binance-spot, binance-usdm, "
                       "binance-coinm, upbit",
                       venue, suggest_text(&suggestion, hint));
    }
    /* Without a tick by date the market's own rows say nothing, and Upbit's are all of a quote currency. */
    if (strcmp(venue, "upbit") == 0 && !venue_market_is_known(*profile, symbol))
        return err_say(why, ERR_USAGE,
                       "no rules are known of '%s' on %s; markets are written KRW-BTC, BTC-ETH, "
                       "USDT-BTC",
                       symbol, venue);
    return ERR_OK;
}

int verb_rules(int argc, char **argv)
{
    ns_t at = NS_MAX - 1;
    bool json = false, given = false;
    const struct option_spec specs[] = {
        {.name = "at", .letter = 'a', .type = OPTION_TIME, .target = &at, .value = "DATE", .given = &given},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &json},
    };
    struct err_text why = {0};
    const struct venue_profile *profile = NULL;
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 2, 2, "VENUE and SYMBOL", &why);
    if (err == ERR_OK)
        err = find(argv[1], argv[2], &profile, &why);
    if (err != ERR_OK)
        return exit_with("rules", &why);
    if (json)
        return print_json(profile, argv[2], at, !given);
    print_text(profile, argv[2], at, !given);
    return EXIT_CODE_OK;
}
