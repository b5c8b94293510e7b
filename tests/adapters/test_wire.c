#include "adapters/json.h"
#include "adapters/wire.h"
#include "core/prng.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct wire_place here = {"SYM", "b"};

static struct json_value array_of(const char *text)
{
    return (struct json_value){.text = text, .size = (uint32_t)strlen(text), .kind = JSON_ARRAY};
}

/* The quick way of wire_levels and decimal_parse are two parsers: they must agree on every text, in value and in
 * error. */
Test(wire, levels_agree_with_the_decimal_parser_on_any_text)
{
    static const char *const pieces[] = {
        "0", "00", "1", "9", "99999999", "123456789012345678", ".", ".0", ".5", ".25", "000", "e", "E-", "e3",
        "-", "+",  "x", " ", "",         "0000000000"};
    struct prng prng;
    uint64_t seed = 20240808;
    prng_init(&prng, seed, 1);
    unsigned agreed_ok = 0;
    for (int round = 0; round < 200000; round++) {
        char number[128] = "", text[512];
        for (uint64_t n = prng_next(&prng) % 5; n > 0; n--)
            strcat(number, pieces[prng_next(&prng) % ARRAY_LEN(pieces)]);
        unsigned decimals = (unsigned)(prng_next(&prng) % 19);
        memset(text, '8', sizeof(text));
        size_t size = (size_t)snprintf(text, 300, "[[\"1\",\"%s\"]]", number);
        text[size] = '8';
        struct json_value value = {.text = text, .size = (uint32_t)size, .kind = JSON_ARRAY};
        struct level levels[64];
        uint32_t count = 0;
        int64_t parsed = 0;
        err_t expected = decimal_parse(number, strlen(number), decimals, ROUND_EXACT, &parsed);
        if (expected == ERR_OK && parsed < 0)
            expected = ERR_RANGE;
        err_t err = wire_levels(&value, here, 0, decimals, levels, ARRAY_LEN(levels), &count, NULL);
        cr_assert(err == expected, "seed %llu round %d: \"%s\" at %u: %s, expected %s", (unsigned long long)seed,
                  round, number, decimals, err_name(err), err_name(expected));
        if (err == ERR_OK) {
            agreed_ok++;
            cr_assert(count == 1 && levels[0].price == 1 && levels[0].qty == parsed,
                      "\"%s\" at %u: %lld, expected %lld", number, decimals, (long long)levels[0].qty,
                      (long long)parsed);
        }
    }
    cr_assert_gt(agreed_ok, 20000);
}

Test(wire, levels_may_hold_spaces_and_more_than_two_elements)
{
    struct level levels[64];
    uint32_t count;
    struct json_value value = array_of(" [ [ \"1.5\" , \"2\" ] ,\n[\"3\",\"4\",[]] , [\"5\",\"6\",\"]\",7] ]");
    value.text++;
    value.size--;
    cr_assert_eq(wire_levels(&value, here, 1, 0, levels, ARRAY_LEN(levels), &count, NULL), ERR_OK);
    cr_assert_eq(count, 3);
    cr_assert_eq(levels[0].price, 15);
    cr_assert_eq(levels[2].qty, 6);
    value = array_of("[ ]");
    cr_assert_eq(wire_levels(&value, here, 1, 0, levels, ARRAY_LEN(levels), &count, NULL), ERR_OK);
    cr_assert_eq(count, 0);
}

Test(wire, whole_numbers_keep_all_64_bits)
{
    static const struct {
        const char *text;
        err_t err;
        uint64_t number;
    } cases[] = {
        {"0", ERR_OK, 0},
        {"17877285547970001", ERR_OK, 17877285547970001u},
        {"18446744073709551615", ERR_OK, UINT64_MAX},
        {"18446744073709551616", ERR_RANGE, 0},
        {"99999999999999999999999", ERR_RANGE, 0},
        {"-1", ERR_RANGE, 0},
        {"-", ERR_SYNTAX, 0},
        {"", ERR_SYNTAX, 0},
        {"1.0", ERR_SYNTAX, 0},
        {"1e3", ERR_SYNTAX, 0},
        {"+1", ERR_SYNTAX, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_value value = {
            .text = cases[i].text, .size = (uint32_t)strlen(cases[i].text), .kind = JSON_NUMBER};
        uint64_t number = 77;
        cr_assert_eq(wire_u64(&value, "id", &number, NULL), cases[i].err, "%s", cases[i].text);
        cr_assert_eq(number, cases[i].err == ERR_OK ? cases[i].number : 77);
    }
}

Test(wire, dates_are_read_as_utc)
{
    static const struct {
        const char *text;
        err_t err;
        int64_t seconds;
    } cases[] = {
        {"1970-01-01T00:00:00", ERR_OK, 0},          {"2000-02-29T23:59:59", ERR_OK, 951868799},
        {"2024-12-31T12:00:00", ERR_OK, 1735646400}, {"2024-13-01T12:00:00", ERR_RANGE, 0},
        {"2024-12-31 12:00:00", ERR_SYNTAX, 0},      {"2024-12-31T12:00", ERR_SYNTAX, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_value value = {
            .text = cases[i].text, .size = (uint32_t)strlen(cases[i].text), .kind = JSON_STRING};
        ns_t ts = 0;
        cr_assert_eq(wire_iso_utc(&value, "t", &ts, NULL), cases[i].err, "%s", cases[i].text);
        cr_assert_eq(ts, cases[i].seconds * NS_PER_S);
    }
}
