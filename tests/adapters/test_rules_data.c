/* The tables of rules themselves: every row can be read, dates rise, codes and words fit. */
#include "adapters/binance/rules.h"
#include "adapters/upbit/rules.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const struct venue_profile *const profiles[] = {&binance_spot_profile, &binance_usdm_profile,
                                                       &binance_coinm_profile, &upbit_profile};

Test(rules_data, every_row_has_a_date_a_source_and_a_market)
{
    for (size_t p = 0; p < ARRAY_LEN(profiles); p++) {
        for (size_t i = 0; i < profiles[p]->row_count; i++) {
            const struct venue_rule_row *row = &profiles[p]->rows[i];
            ns_t ts;
            cr_assert_eq(venue_rule_time(row->from, &ts), ERR_OK, "%s row %zu: %s", profiles[p]->venue, i, row->from);
            cr_assert(row->source != NULL && row->source[0] != '\0', "%s row %zu", profiles[p]->venue, i);
            cr_assert(strstr(row->source, "://") == NULL, "%s row %zu", profiles[p]->venue, i);
            cr_assert(row->markets != NULL && row->markets[0] != '\0');
            cr_assert((unsigned)row->rule < RULE_COUNT);
            /* the same markets, rule and day twice would leave it to the order of the rows */
            for (size_t j = 0; j < i; j++) {
                const struct venue_rule_row *other = &profiles[p]->rows[j];
                cr_assert(row->rule != other->rule || strcmp(row->markets, other->markets) != 0 ||
                              strcmp(row->from, other->from) != 0,
                          "%s rows %zu and %zu", profiles[p]->venue, j, i);
            }
        }
    }
}

/* At every scale, so that no scale of a tape meets a row that cannot be read. */
Test(rules_data, every_row_resolves_at_every_scale)
{
    static struct venue_rules rules;
    for (size_t p = 0; p < ARRAY_LEN(profiles); p++) {
        for (size_t i = 0; i < profiles[p]->row_count; i++) {
            char symbol[SYMBOL_SIZE];
            snprintf(symbol, sizeof(symbol), "%.*s", (int)strcspn(profiles[p]->rows[i].markets, "|*"),
                     profiles[p]->rows[i].markets);
            strncat(symbol, strchr(profiles[p]->rows[i].markets, '*') != NULL ? "XYZ" : "", 4);
            for (unsigned decimals = 0; decimals <= 10; decimals++) {
                struct instrument instrument;
                struct err_text why = {0};
                cr_assert_eq(instrument_init(&instrument, profiles[p]->venue, symbol, "A", "B", CONTRACT_SPOT,
                                             decimals, decimals),
                             ERR_OK);
                (void)venue_rules_put_ticks(profiles[p], &instrument);
                cr_assert_eq(instrument_check(&instrument, &why), ERR_OK, "%s", why.text);
                cr_assert_eq(venue_rules_resolve(profiles[p], &instrument, &rules, &why), ERR_OK, "%s %s: %s",
                             profiles[p]->venue, symbol, why.text);
                for (uint32_t s = 0; s < rules.span_count; s++) {
                    const struct venue_span *span = &rules.spans[s];
                    cr_assert(s == 0 || span->from_ts > rules.spans[s - 1].from_ts);
                    cr_assert(span->lot >= 1 && span->qty_min >= 0 && span->notional_min >= 0);
                }
            }
        }
    }
}

Test(rules_data, codes_are_of_known_faults_and_words)
{
    for (size_t p = 0; p < ARRAY_LEN(profiles); p++) {
        for (size_t i = 0; i < profiles[p]->code_count; i++) {
            const struct venue_code *code = &profiles[p]->codes[i];
            const int16_t all[] = {code->buy, code->sell, code->market_buy, code->market_sell};
            cr_assert(code->fault > FAULT_NONE && code->fault < FAULT_COUNT);
            for (size_t c = 0; c < ARRAY_LEN(all); c++) {
                if (profiles[p]->code_words == NULL)
                    cr_assert(all[c] <= 0);
                else
                    cr_assert(all[c] >= 0 && (size_t)all[c] <= profiles[p]->code_word_count);
            }
        }
    }
}

Test(rules_data, words_of_codes_read_as_the_venue_writes_them)
{
    char text[VENUE_CODE_TEXT_SIZE];
    int16_t code = venue_code_of(&upbit_profile, FAULT_NOTIONAL_SMALL, SIDE_SELL, true);
    cr_assert_str_eq(venue_code_text(&upbit_profile, code, text), "under_min_total_market_ask");
    cr_assert_str_eq(venue_code_text(&upbit_profile, 0, text), "0");
    cr_assert_str_eq(venue_code_text(&upbit_profile, 30000, text), "30000");
    cr_assert_str_eq(venue_code_text(&binance_usdm_profile, -5022, text), "-5022");
    cr_assert_str_eq(venue_code_text(NULL, -5022, text), "-5022");
}
