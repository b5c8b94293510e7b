#include "adapters/json.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { A, LONG_NAME, DATA, B, FIELD_COUNT };

static struct json *parser;
static struct json_shape shape;
static struct json_value values[FIELD_COUNT];
static char text[4096];

static void setup(void)
{
    static const char *const names[FIELD_COUNT] = {"a", "a_long_name", "data", "b"};
    json_shape_init(&shape, names, FIELD_COUNT, "data");
    cr_assert_eq(json_open(64, &parser), ERR_OK);
}

static void teardown(void)
{
    json_close(parser);
}

TestSuite(json, .init = setup, .fini = teardown);

static err_t parse(const char *json)
{
    memset(text, '"', sizeof(text));
    memcpy(text, json, strlen(json));
    return json_members(parser, text, strlen(json), &shape, values, NULL);
}

static void value_is(int field, enum json_kind kind, const char *expected)
{
    cr_assert_eq(values[field].kind, kind, "kind of %d is %d", field, values[field].kind);
    cr_assert(values[field].size == strlen(expected) && memcmp(values[field].text, expected, strlen(expected)) == 0,
              "field %d is %.*s", field, (int)values[field].size, values[field].text);
}

Test(json, members_come_out_as_they_stand)
{
    cr_assert_eq(parse("{\"b\": 1.50e-7 ,\"a\" : \"x\\\"y\" , \"a_long_name\":[1, {\"a\":2}] }"), ERR_OK);
    value_is(B, JSON_NUMBER, "1.50e-7");
    value_is(A, JSON_STRING, "x\\\"y");
    value_is(LONG_NAME, JSON_ARRAY, "[1, {\"a\":2}]");
    cr_assert_eq(values[DATA].kind, JSON_ABSENT);
}

Test(json, the_named_member_is_descended_into_once)
{
    cr_assert_eq(parse("{\"a\":1,\"data\":{\"b\":true,\"data\":{\"b\":5},\"c\":{\"a\":9}}}"), ERR_OK);
    value_is(A, JSON_NUMBER, "1");
    value_is(B, JSON_BOOL, "true");
}

Test(json, unknown_members_and_odd_keys_are_skipped)
{
    cr_assert_eq(parse("{\"\":1,\"\\u0061\":2,\"aa\":3,\"a_long_nam\":4,\"a_long_name_and_more_than_anyone_wants\":5,"
                       "\"zz\":{\"a\":[[]]},\"a\":null}"),
                 ERR_OK);
    value_is(A, JSON_NULL, "null");
    cr_assert_eq(values[LONG_NAME].kind, JSON_ABSENT);
}

Test(json, of_equal_keys_the_last_one_counts)
{
    cr_assert_eq(parse("{\"a\":1,\"a\":2}"), ERR_OK);
    value_is(A, JSON_NUMBER, "2");
}

Test(json, what_is_not_one_object_is_refused)
{
    static const char *const cases[] = {"",
                                        " ",
                                        "{",
                                        "}",
                                        "[]",
                                        "5",
                                        "{\"a\":1} x",
                                        "{\"a\":1}}",
                                        "{\"a\":}",
                                        "{\"a\" 1}",
                                        "{\"a\":1,",
                                        "{\"a\":tru}",
                                        "{\"a\":nul}",
                                        "{\"a\":\"x}",
                                        "{\"a\":[1}",
                                        "{\"a\":1 \"b\":2}",
                                        "{'a':1}",
                                        "nonsense"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_assert_eq(parse(cases[i]), ERR_SYNTAX, "%s", cases[i]);
}

Test(json, texts_larger_than_the_parser_was_opened_for_make_it_grow)
{
    char *large = malloc(1 << 20);
    size_t size = 0;
    size += (size_t)sprintf(large, "{\"a\":[");
    while (size < 1000000)
        size += (size_t)sprintf(large + size, "\"%zu\",", size);
    size += (size_t)sprintf(large + size, "1],\"b\":7}");
    cr_assert_eq(json_members(parser, large, size, &shape, values, NULL), ERR_OK);
    value_is(B, JSON_NUMBER, "7");
    free(large);
}

static err_t count_row(void *context, const struct json_value *row, struct err_text *why)
{
    (void)why;
    int *count = context;
    if (row[A].kind != JSON_NUMBER)
        return ERR_STALE;
    (*count)++;
    return ERR_OK;
}

Test(json, rows_of_an_array_come_one_by_one)
{
    struct json_value row[FIELD_COUNT];
    int count = 0;
    memset(text, ' ', sizeof(text));
    memcpy(text, "[{\"a\":1},{\"a\":2,\"b\":3}]", 23);
    cr_assert_eq(json_rows(parser, text, 23, &shape, row, count_row, &count, NULL), ERR_OK);
    cr_assert_eq(count, 2);
    memcpy(text, "[{\"a\":1},{\"b\":2,\"b\":3}]", 23);
    cr_assert_eq(json_rows(parser, text, 23, &shape, row, count_row, &count, NULL), ERR_STALE);
    cr_assert_eq(json_rows(parser, text, 20, &shape, row, count_row, &count, NULL), ERR_SYNTAX);
}

Test(json, items_of_an_array_come_as_pieces)
{
    struct json_value items[3];
    size_t count = 0;
    memset(text, ' ', sizeof(text));
    memcpy(text, "[{\"a\":1}, [2],3]", 16);
    cr_assert_eq(json_items(parser, text, 16, items, 3, &count, NULL), ERR_OK);
    cr_assert_eq(count, 3);
    cr_assert(items[1].kind == JSON_ARRAY && items[1].size == 3);
    cr_assert_eq(json_items(parser, text, 16, items, 2, &count, NULL), ERR_FULL);
}

Test(json, strings_are_copied_with_their_escapes_resolved)
{
    static const struct {
        const char *raw, *copy;
        err_t err;
    } cases[] = {
        {"plain", "plain", ERR_OK},
        {"a\\n\\\"\\\\\\/b", "a\n\"\\/b", ERR_OK},
        {"\\u00e9\\ud55c", "\xc3\xa9\xed\x95\x9c", ERR_OK},
        {"\\ud83d\\ude00", "\xf0\x9f\x98\x80", ERR_OK},
        {"\\ud83d", "", ERR_SYNTAX},
        {"\\ude00", "", ERR_SYNTAX},
        {"\\x", "", ERR_SYNTAX},
        {"\\u12", "", ERR_SYNTAX},
        {"0123456789abcdef", "", ERR_RANGE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct json_value value = {.text = cases[i].raw, .size = (uint32_t)strlen(cases[i].raw), .kind = JSON_STRING};
        char copy[16] = "";
        size_t size = 0;
        cr_assert_eq(json_copy_string(&value, copy, sizeof(copy), &size), cases[i].err, "%s", cases[i].raw);
        if (cases[i].err == ERR_OK)
            cr_assert_str_eq(copy, cases[i].copy);
    }
}
