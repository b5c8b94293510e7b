/* Bytes of HTTP, WebSocket and JSON, in whole and in pieces, right and wrong. */
#include "core/decimal.h"
#include "core/prng.h"
#include "sim/wire/wire_http.h"
#include "sim/wire/wire_read.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

Test(wire_codec, decimals_are_written_as_the_core_writes_them)
{
    struct wire_text text;
    struct prng prng;
    prng_init(&prng, 11, 1);
    cr_assert(wire_text_init(&text, 16));
    for (int i = 0; i < 20000; i++) {
        const int64_t value =
            (int64_t)(prng_next(&prng) >> prng_below(&prng, 64)) * (prng_below(&prng, 2) == 0 ? 1 : -1);
        const unsigned decimals = (unsigned)prng_below(&prng, 19), show = (unsigned)prng_below(&prng, decimals + 1);
        char wanted[DECIMAL_TEXT_SIZE];
        decimal_format(wanted, value, decimals, show);
        wire_text_clear(&text);
        wire_put_decimal(&text, value, decimals, show);
        wire_put_char(&text, '\0');
        cr_assert_str_eq(text.bytes, wanted, "%lld at %u, %u shown", (long long)value, decimals, show);
    }
    wire_text_clear(&text);
    wire_put_i64(&text, INT64_MIN);
    wire_put_char(&text, '\0');
    cr_assert_str_eq(text.bytes, "-9223372036854775808");
    wire_text_deinit(&text);
}

Test(wire_codec, a_text_in_a_fixed_room_fails_and_does_not_grow)
{
    char room[8] = "";
    struct wire_text text = wire_text_in(room, 4);
    wire_put(&text, "abcd");
    cr_assert(wire_text_ok(&text));
    wire_put(&text, "e");
    cr_assert_not(wire_text_ok(&text));
    cr_assert_str_eq(room, "abcd");
}

Test(wire_codec, strings_are_escaped)
{
    struct wire_text text;
    cr_assert(wire_text_init(&text, 4));
    wire_put_string(&text, "a\"b\\c\n\x01", 7);
    wire_put_char(&text, '\0');
    cr_assert_str_eq(text.bytes, "\"a\\\"b\\\\c\\u000a\\u0001\"");
    wire_text_deinit(&text);
}

/* ---- JSON ---- */

Test(wire_codec, json_is_read_and_what_is_none_is_refused)
{
    static const char *const good[] = {"{}", "[]", " [ 1 , -2.5e+3, \"x\\u00e9\\\"\", true, null, {\"a\":[{}]} ] ",
                                       "0", "\"\""};
    static const char *const wrong[] = {
        "",        "{",      "[1,]",  "{\"a\"}", "{\"a\":}",      "{a:1}",      "[01]", "[1.]", "[1e]",
        "\"\\x\"", "\"\n\"", "[1] 2", "tru",     "[\"\\u12g4\"]", "{\"a\":1,}", "nul",  "-",    "[,]"};
    struct wire_token tokens[64];
    uint32_t count;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        cr_assert_eq(wire_json(good[i], strlen(good[i]), tokens, 64, &count), ERR_OK, "%s", good[i]);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        cr_assert_eq(wire_json(wrong[i], strlen(wrong[i]), tokens, 64, &count), ERR_SYNTAX, "%s", wrong[i]);
    char deep[64];
    memset(deep, '[', 32);
    memset(deep + 32, ']', 32);
    cr_assert_eq(wire_json(deep, 64, tokens, 64, &count), ERR_RANGE);
    cr_assert_eq(wire_json("[1,2,3,4]", 9, tokens, 4, &count), ERR_RANGE);
}

Test(wire_codec, keys_are_found_past_what_other_keys_hold)
{
    static const char text[] = "{\"a\":{\"method\":1},\"method\":\"S\",\"n\":\"17\",\"m\":18446744073709551616}";
    struct wire_token tokens[32];
    uint32_t count;
    uint64_t value;
    cr_assert_eq(wire_json(text, sizeof(text) - 1, tokens, 32, &count), ERR_OK);
    cr_assert(wire_token_is(wire_json_get(tokens, 0, "method"), "S"));
    cr_assert(wire_token_u64(wire_json_get(tokens, 0, "n"), &value) && value == 17);
    cr_assert_not(wire_token_u64(wire_json_get(tokens, 0, "m"), &value), "more than 64 bits");
    cr_assert_null(wire_json_get(tokens, 0, "b"));
}

Test(wire_codec, queries_are_decoded)
{
    char value[16];
    uint64_t number;
    bool given;
    cr_assert(wire_query("a=1&symbols=%5B%22X%22%5D&b=x+y", "symbols", value, sizeof(value)));
    cr_assert_str_eq(value, "[\"X\"]");
    cr_assert(wire_query("a=1&b=x+y", "b", value, sizeof(value)));
    cr_assert_str_eq(value, "x y");
    cr_assert_not(wire_query("ab=1", "a", value, sizeof(value)));
    cr_assert_not(wire_query("a=%5", "a", value, sizeof(value)), "cut short");
    cr_assert_not(wire_query("a=%00", "a", value, sizeof(value)), "a NUL");
    cr_assert_not(wire_query("a=0123456789abcdef", "a", value, sizeof(value)), "too long");
    cr_assert(wire_query_u64("limit=12", "limit", &number, &given) && given && number == 12);
    cr_assert(wire_query_u64("x=1", "limit", &number, &given) && !given);
    cr_assert_not(wire_query_u64("limit=-1", "limit", &number, &given));
}

/* ---- HTTP ---- */

static const char request[] =
    "POST /a/b?x=1&y=2 HTTP/1.1\r\nHost: localhost\r\nX-MBX-APIKEY:  k \r\nContent-Length: 5\r\n\r\nhello"
    "GET / HTTP/1.1\r\n\r\n";

Test(wire_codec, a_request_is_read_from_any_number_of_pieces)
{
    struct wire_http *http = malloc(sizeof(*http));
    const size_t first = sizeof(request) - 1 - strlen("GET / HTTP/1.1\r\n\r\n");
    size_t used;
    for (size_t size = 0; size < first; size++)
        cr_assert_eq(wire_http_parse(http, request, size, &used), ERR_AGAIN, "at %zu", size);
    cr_assert_eq(wire_http_parse(http, request, sizeof(request) - 1, &used), ERR_OK);
    cr_assert_eq(used, first);
    cr_assert_str_eq(http->request.method, "POST");
    cr_assert_str_eq(http->request.path, "/a/b");
    cr_assert_str_eq(http->request.query, "x=1&y=2");
    cr_assert_str_eq(http->request.headers[1].value, "k");
    cr_assert_eq(http->request.body_size, 5);
    cr_assert(http->keep_alive && !http->upgrade);
    cr_assert_eq(wire_http_parse(http, request + used, sizeof(request) - 1 - used, &used), ERR_OK, "the next one");
    free(http);
}

Test(wire_codec, what_is_no_request_is_refused)
{
    static const struct {
        const char *bytes;
        err_t err;
    } rows[] = {
        {"hello\r\n\r\n", ERR_SYNTAX},
        {"GET / SMTP/1.0\r\n\r\n", ERR_SYNTAX},
        {"GET http://x/ HTTP/1.1\r\n\r\n", ERR_SYNTAX},
        {"GET / HTTP/1.1\r\nno colon\r\n\r\n", ERR_SYNTAX},
        {"\r\n\r\n", ERR_SYNTAX},
        {"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", ERR_SYNTAX},
        {"GET / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", ERR_RANGE},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_UNSUPPORTED},
    };
    struct wire_http *http = malloc(sizeof(*http));
    size_t used;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_assert_eq(wire_http_parse(http, rows[i].bytes, strlen(rows[i].bytes), &used), rows[i].err, "%s",
                     rows[i].bytes);
    char *large = malloc(WIRE_HTTP_HEAD_MAX);
    memset(large, 'a', WIRE_HTTP_HEAD_MAX);
    cr_assert_eq(wire_http_parse(http, large, WIRE_HTTP_HEAD_MAX, &used), ERR_RANGE);
    free(large);
    free(http);
}

Test(wire_codec, an_upgrade_needs_all_its_headers)
{
    static const char whole[] = "GET /ws HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    static const char old[] = "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                              "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    struct wire_http *http = malloc(sizeof(*http));
    size_t used;
    cr_assert_eq(wire_http_parse(http, whole, sizeof(whole) - 1, &used), ERR_OK);
    cr_assert(http->upgrade);
    cr_assert_eq(wire_http_parse(http, old, sizeof(old) - 1, &used), ERR_OK);
    cr_assert_not(http->upgrade);
    free(http);
}

Test(wire_codec, an_answer_that_is_cut_promises_the_whole)
{
    struct wire_text text;
    const struct wire_header type = {"content-type", "text/plain"};
    cr_assert(wire_text_init(&text, 16));
    wire_http_put_answer(&text,
                         &(struct wire_answer){.status = 418,
                                               .headers = &type,
                                               .header_count = 1,
                                               .body = "0123456789",
                                               .body_size = 10,
                                               .cut = true,
                                               .cut_size = 4},
                         false);
    wire_put_char(&text, '\0');
    cr_assert_str_eq(text.bytes, "HTTP/1.1 418 I'm a teapot\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n"
                                 "connection: close\r\n\r\n0123");
    wire_text_deinit(&text);
}

/* ---- WebSocket ---- */

Test(wire_codec, the_frames_of_the_standards_examples)
{
    /* RFC 6455, section 5.7 */
    unsigned char hello[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
    struct wire_ws frame;
    size_t used;
    for (size_t size = 0; size < sizeof(hello); size++)
        cr_assert_eq(wire_ws_parse(&frame, (char *)hello, size, &used), ERR_AGAIN);
    cr_assert_eq(wire_ws_parse(&frame, (char *)hello, sizeof(hello), &used), ERR_OK);
    cr_assert(frame.last && frame.opcode == WIRE_TEXT && frame.size == 5 && memcmp(frame.payload, "Hello", 5) == 0);
    cr_assert_eq(used, sizeof(hello));
    char head[WIRE_WS_HEAD_MAX];
    cr_assert(wire_ws_head(head, WIRE_TEXT, 5) == 2 && memcmp(head, "\x81\x05", 2) == 0);
    cr_assert(wire_ws_head(head, WIRE_BINARY, 256) == 4 && memcmp(head, "\x82\x7e\x01\x00", 4) == 0);
    cr_assert(wire_ws_head(head, WIRE_BINARY, 65536) == 10 &&
              memcmp(head, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10) == 0);
}

Test(wire_codec, frames_against_the_protocol_are_refused)
{
    static const struct {
        unsigned char bytes[8];
        err_t err;
    } rows[] = {
        {{0x81, 0x05}, ERR_SYNTAX}, /* not masked */
        {{0xc1, 0x85}, ERR_SYNTAX}, /* a reserved bit */
        {{0x83, 0x85}, ERR_SYNTAX}, /* a reserved opcode */
        {{0x8b, 0x85}, ERR_SYNTAX}, /* another */
        {{0x09, 0x85}, ERR_SYNTAX}, /* a fragment of a ping */
        {{0x89, 0xfe}, ERR_SYNTAX}, /* a long ping */
        {{0x81, 0xff, 0, 0, 0, 0, 0, 2}, ERR_AGAIN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char bytes[8];
        struct wire_ws frame;
        size_t used;
        memcpy(bytes, rows[i].bytes, 8);
        cr_assert_eq(wire_ws_parse(&frame, bytes, i < 6 ? 2 : 8, &used), rows[i].err, "row %zu", i);
    }
    char large[14] = {(char)0x81, (char)0xff, 0, 0, 0, 0, 0, 2};
    struct wire_ws frame;
    size_t used;
    cr_assert_eq(wire_ws_parse(&frame, large, sizeof(large), &used), ERR_RANGE);
}

Test(wire_codec, a_close_frame_carries_its_code)
{
    struct wire_text text;
    cr_assert(wire_text_init(&text, 16));
    wire_ws_put_close(&text, 1008, "no");
    cr_assert(text.size == 6 && memcmp(text.bytes, "\x88\x04\x03\xf0no", 6) == 0);
    wire_text_clear(&text);
    wire_ws_put_close(&text, 0, "");
    cr_assert(text.size == 2 && memcmp(text.bytes, "\x88\x00", 2) == 0);
    wire_text_deinit(&text);
}
