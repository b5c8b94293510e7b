#include "cli/suggest.h"
#include "cli/table.h"
#include "cli/values.h"

#include "cli/exit_code.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static err_t duration(const char *text, ns_t *value)
{
    return value_duration(text, strlen(text), value);
}

static err_t time_of(const char *text, ns_t *value)
{
    return value_time(text, strlen(text), value);
}

Test(values, durations_are_read_exactly_in_every_unit)
{
    static const struct {
        const char *text;
        ns_t value;
    } good[] = {
        {"7ns", 7},
        {"10us", 10000},
        {"250ms", 250000000},
        {"1.5s", 1500000000},
        {"5m", 300000000000},
        {"2h", 7200000000000},
        {"1d", 86400000000000},
        {"0", 0},
        {"0s", 0},
        {"-3ms", -3000000},
        {"0.000000001s", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        ns_t value = -1;
        cr_assert_eq(duration(good[i].text, &value), ERR_OK, "%s", good[i].text);
        cr_assert_eq(value, good[i].value, "%s", good[i].text);
    }
}

Test(values, wrong_durations_are_refused_and_leave_the_target)
{
    static const struct {
        const char *text;
        err_t err;
    } bad[] = {{"250", ERR_SYNTAX}, {"", ERR_SYNTAX},         {"ms", ERR_SYNTAX},           {"1 s", ERR_SYNTAX},
               {"1S", ERR_SYNTAX},  {"0.3ns", ERR_PRECISION}, {"999999999999d", ERR_RANGE}, {"1.2.3s", ERR_SYNTAX}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ns_t value = 42;
        cr_assert_eq(duration(bad[i].text, &value), bad[i].err, "%s", bad[i].text);
        cr_assert_eq(value, 42);
    }
}

Test(values, times_are_read_in_utc_and_with_offsets)
{
    static const struct {
        const char *text;
        ns_t value;
    } good[] = {
        {"1970-01-01", 0},
        {"2024-08-08", 1723075200000000000},
        {"2024-08-08T12:30", 1723120200000000000},
        {"2024-08-08T12:30:01.123456789Z", 1723120201123456789},
        {"2024-08-08 12:30:01.5", 1723120201500000000},
        {"2024-08-08T21:30:00+09:00", 1723120200000000000},
        {"2024-02-29", 1709164800000000000},
        {"1723120200000000000", 1723120200000000000},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        ns_t value = -1;
        cr_assert_eq(time_of(good[i].text, &value), ERR_OK, "%s", good[i].text);
        cr_assert_eq(value, good[i].value, "%s: %lld", good[i].text, (long long)value);
    }
}

Test(values, days_that_do_not_exist_are_refused)
{
    static const char *const bad[] = {
        "2023-02-29",       "2024-13-01",       "2024-00-10", "2024-01-32",
        "2024-01-01T24:00", "2024-01-01T10:60", "2024-1-1",   "2024-01-01T10:00:00.1234567890Z",
        "yesterday",        "1969-12-31",       "2300-01-01", "2024-01-01T10:00Zx"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ns_t value;
        cr_assert_neq(time_of(bad[i], &value), ERR_OK, "%s", bad[i]);
    }
}

Test(values, time_text_reads_back_over_three_centuries)
{
    char text[VALUE_TEXT_SIZE];
    for (ns_t ts = 0; ts < INT64_C(9000000000000000000); ts += INT64_C(123456789123456789)) {
        ns_t back;
        cr_assert_eq(time_of(value_time_text(ts, text), &back), ERR_OK, "%s", text);
        cr_assert_eq(back, ts, "%s", text);
    }
    cr_assert_str_eq(value_time_text(-1, text), "1969-12-31T23:59:59.999999999Z");
}

Test(values, duration_text_uses_the_largest_exact_unit)
{
    char text[VALUE_TEXT_SIZE];
    cr_assert_str_eq(value_duration_text(250000000, text), "250ms");
    cr_assert_str_eq(value_duration_text(60000000000, text), "1m");
    cr_assert_str_eq(value_duration_text(61000000000, text), "61s");
    cr_assert_str_eq(value_duration_text(0, text), "0s");
    cr_assert_str_eq(value_duration_text(1, text), "1ns");
}

Test(values, sizes_take_powers_of_1024)
{
    uint64_t value;
    cr_assert_eq(value_size("64K", 3, &value), ERR_OK);
    cr_assert_eq(value, 65536);
    cr_assert_eq(value_size("2GiB", 4, &value), ERR_OK);
    cr_assert_eq(value, UINT64_C(2) << 30);
    cr_assert_eq(value_size("4096", 4, &value), ERR_OK);
    cr_assert_eq(value, 4096);
    cr_assert_eq(value_size("-1", 2, &value), ERR_RANGE);
    cr_assert_eq(value_size("9999999T", 8, &value), ERR_RANGE);
    cr_assert_neq(value_size("iB", 2, &value), ERR_OK);
    cr_assert_neq(value_size("K", 1, &value), ERR_OK);
}

Test(values, texts_for_people)
{
    char text[VALUE_TEXT_SIZE];
    cr_assert_str_eq(value_count_text(0, text), "0");
    cr_assert_str_eq(value_count_text(1234567, text), "1,234,567");
    cr_assert_str_eq(value_size_text(1023, text), "1023 B");
    cr_assert_str_eq(value_size_text(1536, text), "1.5 KiB");
    cr_assert_str_eq(value_size_text(UINT64_C(3) << 30, text), "3.0 GiB");
    cr_assert_str_eq(value_span_text(90061 * NS_PER_S, text), "1d 01:01:01");
    cr_assert_str_eq(value_span_text(3661 * NS_PER_S, text), "1:01:01");
    cr_assert_str_eq(value_span_text(61 * NS_PER_S, text), "1:01");
}

Test(suggest, distance_counts_edits_and_swaps)
{
    cr_assert_eq(suggest_distance("maker", 5, "maker", 5), 0);
    cr_assert_eq(suggest_distance("makr", 4, "maker", 5), 1);
    cr_assert_eq(suggest_distance("mkaer", 5, "maker", 5), 1);
    cr_assert_eq(suggest_distance("", 0, "abc", 3), 3);
    cr_assert_eq(suggest_distance("MAKER", 5, "maker", 5), 0);
}

Test(suggest, only_near_words_are_offered)
{
    struct suggestion suggestion;
    char text[128];
    suggest_start(&suggestion, "price_colar_bp", 14);
    suggest_offer(&suggestion, "open_orders_max");
    suggest_offer(&suggestion, "price_collar_bp");
    cr_assert_str_eq(suggest_text(&suggestion, text), " (did you mean 'price_collar_bp'?)");
    suggest_start(&suggestion, "zzz", 3);
    suggest_offer(&suggestion, "run");
    suggest_offer(&suggestion, "tape");
    cr_assert_str_eq(suggest_text(&suggestion, text), "");
}

Test(table, columns_line_up_by_code_points)
{
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    struct table *table = table_new("lr", "symbol", "n");
    table_cell(table, "%s", "KRW-₿");
    table_cell(table, "%d", 7);
    table_cell(table, "%s", "BTCUSDT");
    table_cell(table, "%d", 12345);
    table_print(table, file);
    fclose(file);
    cr_assert_str_eq(text, "symbol       n\n--------------\nKRW-₿        7\nBTCUSDT  12345\n");
    free(text);
}

Test(table, last_column_wraps_at_spaces)
{
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    struct table *table = table_new("lw", NULL);
    table_cell(table, "key");
    table_cell(table, "%s",
               "word word word word word word word word word word word word word word word word word word "
               "word word word word word word word");
    table_print(table, file);
    fclose(file);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        cr_assert_leq(strlen(line), TABLE_WRAP, "%s", line);
    free(text);
}

Test(exit_code, every_error_has_one)
{
    for (int err = 0; err < ERR_COUNT; err++) {
        int code = exit_code_of((err_t)err);
        cr_assert((code >= 0 && code <= 9) || code == 130, "%s: %d", err_name((err_t)err), code);
    }
    cr_assert_eq(exit_code_of(ERR_USAGE), 2);
    cr_assert_eq(exit_code_of(ERR_CONFIG), 3);
    cr_assert_eq(exit_code_of(ERR_CORRUPT), 4);
    cr_assert_eq(exit_code_of(ERR_NOTFOUND), 5);
    cr_assert_eq(exit_code_of(ERR_NOSPACE), 6);
    cr_assert_eq(exit_code_of(ERR_NOMEM), 7);
    cr_assert_eq(exit_code_of(ERR_INVARIANT), 9);
}
