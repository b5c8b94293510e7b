/* The first message that two tapes do not share: whatever their headers and blocks are. */
#include "data/tape_compare.h"
#include "data/tape_writer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGES 20000
#define NOWHERE  UINT64_MAX

static char a[128], b[128];

static void setup(void)
{
    snprintf(a, sizeof(a), "/tmp/tapedeck-compare-%d-a.tape", (int)getpid());
    snprintf(b, sizeof(b), "/tmp/tapedeck-compare-%d-b.tape", (int)getpid());
}
static void teardown(void)
{
    unlink(a);
    unlink(b);
}
TestSuite(tape_compare, .init = setup, .fini = teardown);

/* Trades, one of them larger; `count` of them. */
static void write_tape(const char *path, uint64_t count, uint64_t changed, const char *source, uint32_t block_levels)
{
    struct instrument instrument;
    struct tape_writer *writer;
    const struct tape_writer_options options = {.block_levels = block_levels, .source = source};
    cr_assert_eq(instrument_init(&instrument, "synthetic", "X", "X", "Y", CONTRACT_SPOT, 2, 3), ERR_OK);
    cr_assert_eq(tape_writer_open(&writer, path, &instrument, 1, &options, NULL), ERR_OK);
    for (uint64_t i = 0; i < count; i++) {
        const struct level level = {10000 + (px_t)(i % 97), 1 + (qty_t)(i % 31) + (i == changed)};
        const struct event event = {
            .ts = (ns_t)(1000 + i / 3), .seq = i + 1, .levels = &level, .bid_count = 1, .kind = EVENT_TRADE};
        cr_assert_eq(tape_writer_add(writer, &event), ERR_OK);
    }
    cr_assert_eq(tape_writer_close(writer, NULL, NULL), ERR_OK);
}

static void compared(uint64_t wanted, uint64_t decoded_most)
{
    struct tape_difference difference;
    struct err_text why = {0};
    cr_assert_eq(tape_compare(a, b, &difference, &why), ERR_OK, "%s", why.text);
    cr_expect_eq(difference.differs, wanted != NOWHERE);
    if (wanted != NOWHERE) {
        cr_expect_eq(difference.message, wanted, "%llu", (unsigned long long)difference.message);
        cr_expect(difference.a.known || difference.b.known);
    }
    cr_expect_leq(difference.decoded, decoded_most, "%llu messages were decoded",
                  (unsigned long long)difference.decoded);
    tape_difference_free(&difference);
}

Test(tape_compare, the_same_tape_has_no_difference_and_is_not_decoded)
{
    write_tape(a, MESSAGES, NOWHERE, "one", 256);
    write_tape(b, MESSAGES, NOWHERE, "one", 256);
    compared(NOWHERE, 256);
}

Test(tape_compare, one_message_is_found_by_decoding_one_block)
{
    static const uint64_t places[] = {0, 1, 255, 256, 12345, MESSAGES - 1};
    write_tape(a, MESSAGES, NOWHERE, "one", 256);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        write_tape(b, MESSAGES, places[i], "one", 256);
        compared(places[i], 256);
        write_tape(b, MESSAGES, places[i], "of another source", 256);
        compared(places[i], 256);
    }
}

Test(tape_compare, blocks_that_are_cut_elsewhere_hide_nothing)
{
    write_tape(a, MESSAGES, NOWHERE, "one", 256);
    write_tape(b, MESSAGES, 12345, "one", 1000);
    compared(12345, MESSAGES);
    write_tape(b, MESSAGES, NOWHERE, "one", 1000);
    compared(NOWHERE, MESSAGES);
}

Test(tape_compare, a_tape_that_ends_earlier_differs_there)
{
    write_tape(a, MESSAGES, NOWHERE, "one", 256);
    write_tape(b, MESSAGES - 700, NOWHERE, "one", 256);
    compared(MESSAGES - 700, 256);
    write_tape(b, 0, NOWHERE, "one", 256);
    compared(0, 256);
}
