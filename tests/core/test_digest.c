#include "core/digest.h"

#include <criterion/criterion.h>
#include <string.h>
#include <xxhash.h>

static struct digest_value of_words(uint64_t seed, const uint64_t *words, size_t count)
{
    struct digest digest;
    digest_init(&digest, seed);
    for (size_t i = 0; i < count; i++)
        digest_u64(&digest, words[i]);
    return digest_value(&digest);
}

static bool same(struct digest_value a, struct digest_value b)
{
    return a.low == b.low && a.high == b.high;
}

/* The header's words, by hand: blocks of 512 words of which the first is the upper half of the chain. */
static struct digest_value by_hand(uint64_t seed, const uint64_t *words, size_t count)
{
    uint64_t block[512];
    uint64_t low = seed, high = 0;
    for (;;) {
        size_t part = count < 511 ? count : 511;
        block[0] = high;
        memcpy(block + 1, words, part * 8);
        XXH128_hash_t hash = XXH3_128bits_withSeed(block, (part + 1) * 8, low);
        low = hash.low64;
        high = hash.high64;
        if (count <= 511) /* a full last block is hashed once, as the value */
            return (struct digest_value){low, high};
        words += part;
        count -= part;
    }
}

static void fill(uint64_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        words[i] = i * UINT64_C(0x9e3779b97f4a7c15);
}

Test(digest, it_is_the_chain_that_the_header_describes)
{
    static uint64_t words[3000];
    fill(words, ARRAY_LEN(words));
    static const size_t counts[] = {0, 1, 2, 510, 511, 512, 513, 1021, 1022, 1023, 1024, 3000};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        cr_expect(same(of_words(5, words, counts[i]), by_hand(5, words, counts[i])), "%zu words", counts[i]);
}

Test(digest, the_value_is_the_same_on_every_machine)
{
    static uint64_t words[1000];
    fill(words, ARRAY_LEN(words));
    char text[DIGEST_TEXT_SIZE];
    digest_text(of_words(1, words, ARRAY_LEN(words)), text);
    cr_assert_str_eq(text, "cd464b0e5160a00984a5fea58b30f245");
}

Test(digest, every_bit_of_every_word_counts)
{
    static uint64_t words[600];
    fill(words, ARRAY_LEN(words));
    struct digest_value whole = of_words(0, words, ARRAY_LEN(words));
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        uint64_t bit = UINT64_C(1) << (i * 7 % 64);
        words[i] ^= bit;
        cr_expect(!same(of_words(0, words, ARRAY_LEN(words)), whole), "word %zu", i);
        words[i] ^= bit;
    }
}

Test(digest, order_seed_and_count_count)
{
    uint64_t words[] = {1, 2, 0};
    uint64_t swapped[] = {2, 1, 0};
    cr_expect(!same(of_words(0, words, 2), of_words(0, swapped, 2)));
    cr_expect(!same(of_words(0, words, 2), of_words(0, words, 3)), "a word of zeros is a word");
    cr_expect(!same(of_words(0, words, 2), of_words(1, words, 2)));
    cr_expect(!same(of_words(0, words, 0), of_words(1, words, 0)));
    static uint64_t many[1200];
    fill(many, ARRAY_LEN(many));
    struct digest_value before = of_words(0, many, ARRAY_LEN(many));
    uint64_t first = many[3];
    many[3] = many[700]; /* across two blocks */
    many[700] = first;
    cr_expect(!same(of_words(0, many, ARRAY_LEN(many)), before));
}

Test(digest, all_128_bits_of_a_block_reach_the_next)
{
    struct digest a, b;
    digest_init(&a, 0);
    for (int i = 0; i < 512; i++)
        digest_u64(&a, 0);
    b = a;
    b.high ^= 1; /* the next block starts from the chain, so the copy in the buffer is what counts */
    b.buffer[0] ^= 1;
    cr_expect(!same(digest_value(&a), digest_value(&b)));
    b = a;
    b.low ^= UINT64_C(1) << 63;
    cr_expect(!same(digest_value(&a), digest_value(&b)));
}

Test(digest, reading_changes_nothing)
{
    struct digest a, b;
    digest_init(&a, 9);
    digest_init(&b, 9);
    for (uint64_t i = 0; i < 2000; i++) {
        digest_u64(&a, i);
        digest_u64(&b, i);
        (void)digest_value(&b);
    }
    cr_assert(same(digest_value(&a), digest_value(&b)));
    cr_assert_eq(a.count, 16000);
    cr_assert_eq(b.count, 16000);
}

Test(digest, bytes_are_their_length_and_then_words)
{
    uint8_t bytes[5000];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 31 + 1);
    for (size_t size = 0; size < sizeof(bytes); size = size < 40 ? size + 1 : size * 2 + 3) {
        for (int offset = 0; offset < 2; offset++) { /* starting at two places of the block */
            struct digest a, b;
            digest_init(&a, 0);
            digest_init(&b, 0);
            for (int i = 0; i < offset * 505; i++) {
                digest_u64(&a, 1);
                digest_u64(&b, 1);
            }
            digest_bytes(&a, bytes, size);
            digest_u64(&b, size);
            for (size_t at = 0; at < size; at += 8) {
                uint64_t word = 0;
                for (size_t i = 0; i < 8 && at + i < size; i++)
                    word |= (uint64_t)bytes[at + i] << (8 * i);
                digest_u64(&b, word);
            }
            cr_expect(same(digest_value(&a), digest_value(&b)), "%zu bytes", size);
            cr_expect_eq(a.count, b.count);
        }
    }
}

Test(digest, texts_cannot_run_into_each_other)
{
    struct digest a, b, c;
    digest_init(&a, 0);
    digest_init(&b, 0);
    digest_init(&c, 0);
    digest_bytes(&a, "ab", 2);
    digest_bytes(&a, "c", 1);
    digest_bytes(&b, "a", 1);
    digest_bytes(&b, "bc", 2);
    digest_bytes(&c, "abc", 3);
    cr_expect(!same(digest_value(&a), digest_value(&b)));
    cr_expect(!same(digest_value(&a), digest_value(&c)));
    digest_init(&a, 0);
    digest_init(&b, 0);
    digest_bytes(&a, "ab\0", 3);
    digest_bytes(&b, "ab", 2);
    cr_expect(!same(digest_value(&a), digest_value(&b)), "the filling is not data");
}

Test(digest, text_is_the_upper_half_first)
{
    char text[DIGEST_TEXT_SIZE];
    digest_text((struct digest_value){.low = UINT64_C(0x0123456789abcdef), .high = 0xa}, text);
    cr_assert_str_eq(text, "000000000000000a0123456789abcdef");
}
