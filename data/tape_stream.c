/* How: the narrow (32-bit) case is the hot one and has a shuffle version that decodes four prices and four
 * quantities a round, sums the prices in registers and stores finished levels. Everything else (64-bit values,
 * machines without shuffles) goes through plain loops that give the same numbers. */
#include "data/tape_stream.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_SHUFFLE 1
#endif

static bool portable_only;

void tape_stream_force_portable(bool portable)
{
    portable_only = portable;
}

size_t tape_stream_bound(size_t count)
{
    return 1 + 2 * ((count + 3) / 4 * 17) + 3;
}

static unsigned byte_length(uint32_t x)
{
    return x < (1u << 8) ? 1 : x < (1u << 16) ? 2 : x < (1u << 24) ? 3 : 4;
}

/* One controls + data part of the numbers' bits [shift, shift + 32). */
static size_t encode_part(const uint64_t *numbers, size_t count, unsigned shift, uint8_t *out)
{
    size_t groups = (count + 3) / 4;
    uint8_t *data = out + groups;
    for (size_t g = 0; g < groups; g++) {
        unsigned control = 0;
        for (unsigned j = 0; j < 4; j++) {
            uint32_t x = 4 * g + j < count ? (uint32_t)(numbers[4 * g + j] >> shift) : 0;
            unsigned length = byte_length(x);
            control |= (length - 1) << (2 * j);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
            x = __builtin_bswap32(x);
#endif
            memcpy(data, &x, 4); /* the next number overwrites what is too much */
            data += length;
        }
        out[g] = (uint8_t)control;
    }
    return (size_t)(data - out);
}

size_t tape_stream_encode(const uint64_t *numbers, size_t count, bool wide, uint8_t *out)
{
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++)
        all |= numbers[i];
    out[0] = wide ? 2 : all == 0 ? 0 : all <= UINT32_MAX ? 1 : 2;
    size_t size = 1;
    if (out[0] >= 1)
        size += encode_part(numbers, count, 0, out + size);
    if (out[0] == 2)
        size += encode_part(numbers, count, 32, out + size);
    return size;
}

/* ---- decoding ---- */

/* Bytes of data that `groups` control bytes announce: eight control bytes at once, their 2-bit fields summed in
 * place. */
static size_t data_size(const uint8_t *controls, size_t groups)
{
    size_t size = 4 * groups;
    size_t g = 0;
    for (; g + 8 <= groups; g += 8) {
        uint64_t c;
        memcpy(&c, controls + g, 8);
        c = (c & UINT64_C(0x3333333333333333)) + ((c >> 2) & UINT64_C(0x3333333333333333));
        c = (c & UINT64_C(0x0f0f0f0f0f0f0f0f)) + ((c >> 4) & UINT64_C(0x0f0f0f0f0f0f0f0f));
        size += (c * UINT64_C(0x0101010101010101)) >> 56;
    }
    for (; g < groups; g++) {
        unsigned c = controls[g];
        size += (c & 3) + ((c >> 2) & 3) + ((c >> 4) & 3) + (c >> 6);
    }
    return size;
}

static inline uint32_t take(const uint8_t **data, unsigned code)
{
    uint32_t x;
    memcpy(&x, *data, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap32(x);
#endif
    *data += code + 1;
    return x & (UINT32_MAX >> (24 - 8 * code));
}

/* A checked part: where its controls and data begin, and where the next part starts. */
struct part {
    const uint8_t *controls, *data, *end;
};

static bool open_part(const uint8_t *in, const uint8_t *end, size_t count, struct part *part)
{
    size_t groups = (count + 3) / 4;
    if ((size_t)(end - in) < groups)
        return false;
    size_t size = data_size(in, groups);
    if ((size_t)(end - in) - groups < size)
        return false;
    *part = (struct part){in, in + groups, in + groups + size};
    return true;
}

static void decode_part(const struct part *part, uint64_t *numbers, size_t count, unsigned shift)
{
    const uint8_t *data = part->data;
    for (size_t i = 0; i < count; i++) {
        uint64_t x = take(&data, (part->controls[i / 4] >> (2 * (i % 4))) & 3);
        numbers[i] = shift == 0 ? x : numbers[i] | x << shift;
    }
}

#ifdef HAVE_SHUFFLE
/* For a control byte: where each output byte comes from (0x80: zero), and how many bytes are used. */
static uint8_t shuffles[256][16] __attribute__((aligned(64)));
static uint8_t lengths[256];
static bool have_shuffle;

__attribute__((constructor)) static void fill_tables(void)
{
    for (unsigned control = 0; control < 256; control++) {
        unsigned at = 0;
        for (unsigned j = 0; j < 4; j++) {
            unsigned length = ((control >> (2 * j)) & 3) + 1;
            for (unsigned b = 0; b < 4; b++)
                shuffles[control][4 * j + b] = b < length ? (uint8_t)(at + b) : 0x80;
            at += length;
        }
        lengths[control] = (uint8_t)at;
    }
    __builtin_cpu_init();
    have_shuffle = __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3");
}

__attribute__((target("sse4.1,ssse3"))) static inline __m128i take4(const uint8_t **data, unsigned control)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)*data);
    *data += lengths[control];
    return _mm_shuffle_epi8(bytes, _mm_load_si128((const __m128i *)(const void *)shuffles[control]));
}

__attribute__((target("sse4.1,ssse3"))) static inline __m128i unzigzag4(__m128i x)
{
    __m128i sign = _mm_sub_epi32(_mm_setzero_si128(), _mm_and_si128(x, _mm_set1_epi32(1)));
    return _mm_xor_si128(_mm_srli_epi32(x, 1), sign);
}

/* Four numbers a round; writes up to three numbers past `count` (TAPE_STREAM_SPARE). */
__attribute__((target("sse4.1,ssse3"))) static void decode_low_shuffled(const struct part *part, uint64_t *numbers,
                                                                        size_t count)
{
    const uint8_t *data = part->data;
    for (size_t i = 0; i < count; i += 4) {
        __m128i x = take4(&data, part->controls[i / 4]);
        __m128i *out = (__m128i *)(void *)(numbers + i);
        _mm_storeu_si128(out, _mm_cvtepu32_epi64(x));
        _mm_storeu_si128(out + 1, _mm_cvtepu32_epi64(_mm_srli_si128(x, 8)));
    }
}
#endif

/* The low halves: most streams have nothing else. */
static void decode_low(const struct part *part, uint64_t *numbers, size_t count)
{
#ifdef HAVE_SHUFFLE
    if (have_shuffle && !portable_only) {
        decode_low_shuffled(part, numbers, count);
        return;
    }
#endif
    decode_part(part, numbers, count, 0);
}

err_t tape_stream_decode(const uint8_t *in, size_t size, uint64_t *numbers, size_t count)
{
    if (count == 0)
        return size <= 1 ? ERR_OK : ERR_CORRUPT;
    if (size == 0)
        return ERR_CORRUPT;
    const uint8_t *end = in + size;
    struct part low, high;
    switch (in[0]) {
    case 0:
        memset(numbers, 0, count * sizeof(*numbers));
        return size == 1 ? ERR_OK : ERR_CORRUPT;
    case 1:
        if (!open_part(in + 1, end, count, &low) || low.end != end)
            return ERR_CORRUPT;
        decode_low(&low, numbers, count);
        return ERR_OK;
    case 2:
        if (!open_part(in + 1, end, count, &low) || !open_part(low.end, end, count, &high) || high.end != end)
            return ERR_CORRUPT;
        decode_low(&low, numbers, count);
        decode_part(&high, numbers, count, 32);
        return ERR_OK;
    default:
        return ERR_CORRUPT;
    }
}

/* ---- levels ---- */

static err_t levels_general(const uint8_t *prices, size_t prices_size, const uint8_t *qtys, size_t qtys_size,
                            bool paired, bool plain, px_t price_base, int64_t step, int64_t lot, struct level *levels,
                            size_t count, uint64_t *scratch)
{
    uint64_t *p = scratch, *q = scratch + count + TAPE_STREAM_SPARE;
    if (tape_stream_decode(prices, prices_size, p, count) != ERR_OK ||
        tape_stream_decode(qtys, qtys_size, q, count) != ERR_OK)
        return ERR_CORRUPT;
    /* Sums wrap on purpose (a damaged stream must not be undefined); those of width 1 at 32 bits, as they do in
     * the registers of the narrow version. */
    const bool narrow_price = prices_size != 0 && prices[0] == 1, narrow_qty = qtys_size != 0 && qtys[0] == 1;
    uint64_t sum = 0;
    uint64_t last[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        sum += plain ? p[i] : (uint64_t)unzigzag(p[i]);
        if (narrow_price)
            sum = (uint64_t)(int64_t)(int32_t)(uint32_t)sum;
        uint64_t raw = q[i];
        if (paired) {
            raw = last[i & 1] += (uint64_t)unzigzag(raw);
            if (narrow_qty)
                raw = last[i & 1] = (uint64_t)(int64_t)(int32_t)(uint32_t)raw;
        }
        int64_t qty;
        if (raw > INT64_MAX || __builtin_mul_overflow((int64_t)raw, lot, &qty))
            return ERR_CORRUPT;
        levels[i].price = (px_t)((uint64_t)price_base + sum * (uint64_t)step);
        levels[i].qty = qty;
    }
    return ERR_OK;
}

#ifdef HAVE_SHUFFLE
/* Step and lot below 2^31, both streams narrow: then no product exceeds 63 bits. */
__attribute__((target("sse4.1,ssse3"))) static err_t levels_narrow(const struct part *prices, const struct part *qtys,
                                                                   bool paired, bool plain, px_t price_base,
                                                                   int64_t step, int64_t lot, struct level *levels,
                                                                   size_t count)
{
    const uint8_t *p = prices->data, *q = qtys->data;
    __m128i carry = _mm_setzero_si128();   /* the running price, in all four lanes */
    __m128i carry_q = _mm_setzero_si128(); /* paired: running quantities of both sides, twice */
    __m128i negative = _mm_setzero_si128();
    const __m128i base = _mm_set1_epi64x(price_base);
    const __m128i steps = _mm_set1_epi64x(step), lots = _mm_set1_epi64x(lot);
    for (size_t i = 0; i < count; i += 4) {
        __m128i d = take4(&p, prices->controls[i / 4]);
        if (!plain)
            d = unzigzag4(d);
        d = _mm_add_epi32(d, _mm_slli_si128(d, 4));
        d = _mm_add_epi32(d, _mm_slli_si128(d, 8));
        d = _mm_add_epi32(d, carry);
        carry = _mm_shuffle_epi32(d, 0xff);
        __m128i n = take4(&q, qtys->controls[i / 4]);
        if (paired) {
            n = unzigzag4(n);
            n = _mm_add_epi32(n, _mm_slli_si128(n, 8));
            n = _mm_add_epi32(n, carry_q);
            carry_q = _mm_shuffle_epi32(n, 0xee);
            negative = _mm_or_si128(negative, n);
        }
        /* products of lanes 0 and 2, then of lanes 1 and 3 */
        __m128i price_even = _mm_add_epi64(base, _mm_mul_epi32(d, steps));
        __m128i price_odd = _mm_add_epi64(base, _mm_mul_epi32(_mm_srli_epi64(d, 32), steps));
        __m128i qty_even = _mm_mul_epu32(n, lots);
        __m128i qty_odd = _mm_mul_epu32(_mm_srli_epi64(n, 32), lots);
        __m128i *out = (__m128i *)(void *)(levels + i);
        _mm_storeu_si128(out + 0, _mm_unpacklo_epi64(price_even, qty_even));
        _mm_storeu_si128(out + 1, _mm_unpacklo_epi64(price_odd, qty_odd));
        _mm_storeu_si128(out + 2, _mm_unpackhi_epi64(price_even, qty_even));
        _mm_storeu_si128(out + 3, _mm_unpackhi_epi64(price_odd, qty_odd));
    }
    return _mm_movemask_ps(_mm_castsi128_ps(negative)) == 0 ? ERR_OK : ERR_CORRUPT;
}
#endif

err_t tape_stream_decode_levels(const uint8_t *prices, size_t prices_size, const uint8_t *qtys, size_t qtys_size,
                                bool paired, bool plain, px_t price_base, int64_t step, int64_t lot,
                                struct level *levels, size_t count, uint64_t *scratch)
{
#ifdef HAVE_SHUFFLE
    /* Narrow is width 1 on the wire; that the sums fit 32 bits is a promise of width 1 for prices (TAPE.md). */
    if (have_shuffle && !portable_only && step <= INT32_MAX && lot <= INT32_MAX && count != 0 && prices_size != 0 &&
        qtys_size != 0 && prices[0] == 1 && qtys[0] == 1) {
        struct part p, q;
        if (!open_part(prices + 1, prices + prices_size, count, &p) || p.end != prices + prices_size ||
            !open_part(qtys + 1, qtys + qtys_size, count, &q) || q.end != qtys + qtys_size)
            return ERR_CORRUPT;
        return levels_narrow(&p, &q, paired, plain, price_base, step, lot, levels, count);
    }
#endif
    return levels_general(prices, prices_size, qtys, qtys_size, paired, plain, price_base, step, lot, levels, count,
                          scratch);
}
