/* fuzz_decimal.c: any bytes as decimal text, held against arithmetic on paper and against itself.
 *
 * Input: decimals, rounding, then the text.
 */
#include "core/decimal.h"
#include "tests/core/decimal_oracle.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLD(condition) ((condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 2 + ORACLE_TEXT_MAX)
        return 0;
    unsigned decimals = data[0] % (DECIMALS_MAX + 1);
    unsigned money_decimals = data[0] % (DECIMAL_MONEY_MAX + 1);
    enum rounding rounding = (enum rounding)(data[1] % 7);
    size_t text_size = size - 2;
    char *text = malloc(text_size + 1); /* of the exact size: a read beyond it is seen */
    HOLD(text != NULL);
    memcpy(text, data + 2, text_size);
    char *exact = text_size == 0 ? text : realloc(text, text_size);
    HOLD(exact != NULL);

    int64_t value = 1, paper = 1;
    err_t err = decimal_parse(exact, text_size, decimals, rounding, &value);
    HOLD(err == oracle_parse_int64(exact, text_size, decimals, rounding, &paper));
    HOLD(value == paper);

    money_t money = 1, paper_money = 1;
    err = decimal_parse_money(exact, text_size, money_decimals, rounding, &money);
    HOLD(err == oracle_parse_money(exact, text_size, money_decimals, rounding, &paper_money));
    HOLD(money == paper_money);
    if (err == ERR_OK) {
        char back[DECIMAL_TEXT_SIZE];
        money_t again = ~money;
        size_t back_size = decimal_format(back, money, money_decimals, 0);
        HOLD(back_size < sizeof(back));
        HOLD(decimal_parse_money(back, back_size, money_decimals, ROUND_EXACT, &again) == ERR_OK);
        HOLD(again == money);
    }

    unsigned needed = 0, written = 0;
    int paper_needed = 0, paper_written = 0;
    err = decimal_measure(exact, text_size, &needed, &written);
    if (!oracle_measure(exact, text_size, &paper_needed, &paper_written))
        HOLD(err == ERR_SYNTAX);
    else if (paper_written > 999)
        HOLD(err == ERR_RANGE);
    else
        HOLD(err == ERR_OK && (int)needed == paper_needed && (int)written == paper_written);
    free(exact);
    return 0;
}
