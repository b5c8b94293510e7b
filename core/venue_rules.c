/* venue_rules.c: which row is in force, and what the venue calls a fault. What values mean is
 * venue_rules_resolve.c's. */
#include "core/venue_rules.h"

#include <stdio.h>
#include <string.h>

/* ---- dates ---- */

/* Exactly `count` digits. */
static bool digits(const char **at, int count, int *value)
{
    *value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *value = *value * 10 + (**at - '0');
    }
    return true;
}

/* Days since 1970-01-01 of a civil date (H. Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

err_t venue_rule_time(const char *text, ns_t *ts)
{
    int year, month, day, hour = 0, minute = 0, east_hour = 0, east_minute = 0;
    if (text[0] == '\0') {
        *ts = 0;
        return ERR_OK;
    }
    if (!digits(&text, 4, &year) || *text++ != '-' || !digits(&text, 2, &month) || *text++ != '-' ||
        !digits(&text, 2, &day) || year < 1970 || month < 1 || month > 12 || day < 1 || day > 31)
        return ERR_SYNTAX;
    if (*text == 'T') {
        text++;
        if (!digits(&text, 2, &hour) || *text++ != ':' || !digits(&text, 2, &minute) || hour > 23 || minute > 59)
            return ERR_SYNTAX;
    }
    if (*text == '+') {
        text++;
        if (!digits(&text, 2, &east_hour) || *text++ != ':' || !digits(&text, 2, &east_minute))
            return ERR_SYNTAX;
    } else if (*text == 'Z') {
        text++;
    }
    if (*text != '\0')
        return ERR_SYNTAX;
    int64_t minutes = days_of(year, month, day) * 1440 + (hour - east_hour) * 60 + minute - east_minute;
    *ts = minutes * 60 * NS_PER_S;
    return ERR_OK;
}

static ns_t time_of(const struct venue_rule_row *row)
{
    ns_t ts = 0;
    err_t err = venue_rule_time(row->from, &ts);
    ASSERT(err == ERR_OK);
    return ts;
}

/* ---- rows ---- */

/* How closely a row names a market: 0 not at all, 1 by "*", more by longer prefixes, most by its whole name. */
static size_t closeness(const char *markets, const char *market)
{
    size_t best = 0, size = strlen(market);
    for (const char *at = markets; *at != '\0';) {
        size_t length = strcspn(at, "|");
        if (at[length - 1] == '*') {
            if (length - 1 <= size && memcmp(at, market, length - 1) == 0 && length > best)
                best = length;
        } else if (length == size && memcmp(at, market, size) == 0) {
            return SIZE_MAX;
        }
        at += length + (at[length] == '|');
    }
    return best;
}

/* The youngest row of one closeness that has begun at `ts`. */
static const struct venue_rule_row *youngest(const struct venue_profile *profile, const char *market,
                                             enum venue_rule rule, ns_t ts, size_t close)
{
    const struct venue_rule_row *found = NULL;
    ns_t found_ts = 0;
    for (size_t i = 0; i < profile->row_count; i++) {
        const struct venue_rule_row *row = &profile->rows[i];
        if (row->rule != rule || closeness(row->markets, market) != close)
            continue;
        ns_t from = time_of(row);
        if (from <= ts && (found == NULL || from >= found_ts)) {
            found = row;
            found_ts = from;
        }
    }
    return found;
}

const struct venue_rule_row *venue_rule_at(const struct venue_profile *profile, const char *market,
                                           enum venue_rule rule, ns_t ts)
{
    const struct venue_rule_row *found = NULL;
    size_t found_close = 0;
    for (size_t i = 0; i < profile->row_count; i++) {
        const struct venue_rule_row *row = &profile->rows[i];
        size_t close = row->rule == rule ? closeness(row->markets, market) : 0;
        if (close <= found_close)
            continue;
        row = youngest(profile, market, rule, ts, close);
        if (row != NULL && row->value != NULL) {
            found = row;
            found_close = close;
        }
    }
    return found;
}

ns_t venue_rule_next(const struct venue_profile *profile, const char *market, enum venue_rule rule, ns_t ts)
{
    const struct venue_rule_row *now = venue_rule_at(profile, market, rule, ts);
    ns_t next = NS_MAX;
    for (size_t i = 0; i < profile->row_count; i++) {
        const struct venue_rule_row *row = &profile->rows[i];
        if (row->rule != rule || closeness(row->markets, market) == 0)
            continue;
        ns_t from = time_of(row);
        if (from > ts && from < next && venue_rule_at(profile, market, rule, from) != now)
            next = from;
    }
    return next;
}

bool venue_market_is_known(const struct venue_profile *profile, const char *market)
{
    for (size_t i = 0; i < profile->row_count; i++)
        if (closeness(profile->rows[i].markets, market) > 1)
            return true;
    return false;
}

/* ---- names ---- */

const char *venue_rule_name(enum venue_rule rule)
{
#define RULE_NAME(name, text, help) text,
    static const char *const names[] = {VENUE_RULE_MAP(RULE_NAME)};
#undef RULE_NAME
    return (unsigned)rule < ARRAY_LEN(names) ? names[rule] : "?";
}

const char *venue_rule_help(enum venue_rule rule)
{
#define RULE_HELP(name, text, help) help,
    static const char *const helps[] = {VENUE_RULE_MAP(RULE_HELP)};
#undef RULE_HELP
    return (unsigned)rule < ARRAY_LEN(helps) ? helps[rule] : "?";
}

const char *venue_fault_name(enum venue_fault fault)
{
#define FAULT_NAME(name, reason) #name,
    static const char *const names[] = {VENUE_FAULT_MAP(FAULT_NAME)};
#undef FAULT_NAME
    return (unsigned)fault < ARRAY_LEN(names) ? names[fault] : "?";
}

enum reason venue_fault_reason(enum venue_fault fault)
{
#define FAULT_REASON(name, reason) REASON_##reason,
    static const enum reason reasons[] = {VENUE_FAULT_MAP(FAULT_REASON)};
#undef FAULT_REASON
    ASSERT((unsigned)fault < ARRAY_LEN(reasons));
    return reasons[fault];
}

/* ---- codes ---- */

int16_t venue_code_of(const struct venue_profile *profile, enum venue_fault fault, enum side side, bool market_order)
{
    for (size_t i = 0; i < profile->code_count; i++) {
        const struct venue_code *code = &profile->codes[i];
        if (code->fault != fault)
            continue;
        int16_t market = side == SIDE_BUY ? code->market_buy : code->market_sell;
        if (market_order && market != 0)
            return market;
        return side == SIDE_BUY ? code->buy : code->sell;
    }
    return 0;
}

const char *venue_code_text(const struct venue_profile *profile, int16_t code, char *text)
{
    if (profile != NULL && profile->code_words != NULL && code > 0 && (size_t)code <= profile->code_word_count)
        snprintf(text, VENUE_CODE_TEXT_SIZE, "%s", profile->code_words[code - 1]);
    else
        snprintf(text, VENUE_CODE_TEXT_SIZE, "%d", code);
    return text;
}
