/* prng.c: xoshiro256** and what is drawn from it, in integers only.
 *
 * The shared piece is neg_ln: -ln(u / 2^64) in fixed point, from a table of 128 logarithms and seven terms of
 * the series for the rest. The exponential is that number times the mean; the normal is Marsaglia's polar
 * method, x sqrt(-2 ln s / s) with s = x^2 + y^2 < 1, which needs no sine and whose s is exact in 64 bits.
 */
#include "core/prng.h"

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

/* The finaliser of splitmix64 (Steele, Lea & Flood 2014; constants of Vigna's splitmix64.c). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

void prng_init(struct prng *prng, uint64_t seed, uint64_t stream)
{
    /* Both are mixed on their own first, so that (1, 2) and (2, 1), or (7, 0) and (0, 7), differ. */
    uint64_t x = mix(mix(seed + GOLDEN) + stream + GOLDEN);
    uint64_t any = 0;
    for (int i = 0; i < 4; i++) {
        x += GOLDEN;
        prng->state[i] = mix(x);
        any |= prng->state[i];
    }
    ASSERT(any != 0); /* mix is a bijection: four equal zeros cannot be */
}

uint64_t prng_next(struct prng *prng)
{
    uint64_t *s = prng->state;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t prng_below(struct prng *prng, uint64_t bound)
{
    ASSERT(bound > 0);
    u128_t product = (u128_t)prng_next(prng) * bound;
    if (UNLIKELY((uint64_t)product < bound)) {
        uint64_t threshold = (0 - bound) % bound; /* 2^64 mod bound: so many low halves come once too often */
        while ((uint64_t)product < threshold)
            product = (u128_t)prng_next(prng) * bound;
    }
    return (uint64_t)(product >> 64);
}

int64_t prng_range(struct prng *prng, int64_t low, int64_t high)
{
    ASSERT(low <= high);
    uint64_t span = (uint64_t)high - (uint64_t)low;
    uint64_t offset = span == UINT64_MAX ? prng_next(prng) : prng_below(prng, span + 1);
    return (int64_t)((uint64_t)low + offset);
}

uint64_t prng_at(uint64_t seed, uint64_t stream, uint64_t index, uint64_t kind)
{
    uint64_t x = mix(seed + GOLDEN);
    x = mix((x ^ stream) + GOLDEN);
    x = mix((x ^ index) + GOLDEN);
    return mix((x ^ kind) + GOLDEN);
}

/* ---- logarithm ---- */

/* ln(i / 128) x 2^57 for i in 128..255, nearest. */
static const uint64_t ln_table[128] = {
    0x0000000000000000, 0x0003fc054d620cf1, 0x0007f02a2c3f00f9, 0x000bdc8d83ead88d, 0x000fc14d873c1980,
    0x00139e87b9febd60, 0x00177458f632dcfc, 0x001b42dd711971bf, 0x001f0a30c01162a6, 0x0022ca6ddd46f5c2,
    0x002683af2c37a3a1, 0x002a360e7e0c307f, 0x002de1a515cad697, 0x0031868bac633642, 0x003524da7495aac7,
    0x0038bca91eb78e86, 0x003c4e0edc55e5cc, 0x003fd92263b7d575, 0x00435df9f3423966, 0x0046dcab54bd9e81,
    0x004a554be07fd48d, 0x004dc7f0807a3dd1, 0x005134adb32df47a, 0x00549b978e86d0df, 0x0057fcc1c29e4f4f,
    0x005b583f9c674872, 0x005eae2408436424, 0x0061fe8194832442, 0x0065496a73d15ad2, 0x00688ef07f8ad58c,
    0x006bcf253a02ffcb, 0x006f0a19d0b63359, 0x00723fdf1e6a6887, 0x00757085ad3eee45, 0x00789c1db8abcb98,
    0x007bc2b72f7164d9, 0x007ee461b578f8aa, 0x0082012ca5a68207, 0x00851927139c871b, 0x00882c5fcd7256a9,
    0x008b3ae55d5d3070, 0x008e44c60b4ccfd8, 0x00914a0fde7bcb2d, 0x00944ad09ef4351b, 0x00974715d708e985,
    0x009a3eecd4c3eaa7, 0x009d3262ab4a2f4e, 0x00a0218434353f1e, 0x00a30c5e10e2f614, 0x00a5f2fcabbbc507,
    0x00a8d56c396fc168, 0x00abb3b8ba2ad363, 0x00ae8dedfac04e53, 0x00b1641795ce3ca9, 0x00b43640f4d8a576,
    0x00b70475515d0f1c, 0x00b9cebfb5de8035, 0x00bc952afeea3d14, 0x00bf57c1dc157e1b, 0x00c2168ed0f458ba,
    0x00c4d19c360a12d6, 0x00c788f439b3163c, 0x00ca3ca0e108b7d6, 0x00ccecac08bf0456, 0x00cf991f65fcc260,
    0x00d24204872dd851, 0x00d4e764d4d0424c, 0x00d78949923bc359, 0x00da27bbde647b14, 0x00dcc2c4b49887db,
    0x00df5a6ced38dbe0, 0x00e1eebd3e6d6a6c, 0x00e47fbe3cd4d10d, 0x00e70d785c2f9f5c, 0x00e997f3f0075eab,
    0x00ec1f392c5179f3, 0x00eea350260e2506, 0x00f12440d3e36131, 0x00f3a2130eb43c3f, 0x00f61cce92346601,
    0x00f8947afd783766, 0x00fb091fd3814563, 0x00fd7ac47bc798f7, 0x00ffe97042bfa4c3, 0x0102552a5a5d0fec,
    0x0104bdf9da926d26, 0x010723e5c1cdf405, 0x010986f4f573520c, 0x010be72e4252a82b, 0x010e44985d1cc8bf,
    0x01109f39e2d4c970, 0x0112f719593efbc5, 0x01154c3d2f4d5e9b, 0x01179eabbd899a0c, 0x0119ee6b467c96ed,
    0x011c3b81f713c24c, 0x011e85f5e7040d04, 0x0120cdcd192ab6d9, 0x0123130d7bebf428, 0x012555bce98f7cb4,
    0x012795e1289b11af, 0x0129d37fec2b08ad, 0x012c0e9ed448e8bc, 0x012e47436e402684, 0x01307d7334f10be2,
    0x0132b1339121d713, 0x0134e289d9ce1d31, 0x0137117b54747b5c, 0x01393e0d3562a19b, 0x013b68449fffc22b,
    0x013d9026a7156faa, 0x013fb5b84d16f426, 0x0141d8fe84672ae6, 0x0143f9fe2f9ce678, 0x014618bc21c5ec28,
    0x0148353d1ea88df7, 0x014a4f85db03ebb0, 0x014c679afccee39b, 0x014e7d811b75bb0a, 0x0150913cc01686b5,
    0x0152a2d265bc5aaf, 0x0154b2467999497b, 0x0156bf9d5b3f3994, 0x0158cadb5cd79893, 0x015ad404c359f2d0,
    0x015cdb1dc6c17649, 0x015ee02a92416757, 0x0160e32f44788d8d,
};
#define LN2_Q57 UINT64_C(0x0162e42fefa39ef3)

/* -ln(u / 2^64) x 2^57; u = 0 stands for 2^64. At most 64 ln 2 x 2^57, below 2^63. Error below 2^-54. */
static uint64_t neg_ln(uint64_t u)
{
    if (u == 0)
        return 0;
    int zeros = __builtin_clzll(u);
    uint64_t mantissa = u << zeros; /* 1 <= mantissa / 2^63 < 2 */
    uint64_t head = mantissa >> 56; /* 128..255 */
    /* mantissa = head x 2^56 x (1 + x), 0 <= x < 1/128, x here in Q63 */
    uint64_t x = ((mantissa & ((UINT64_C(1) << 56) - 1)) << 7) / head;
    /* ln(1 + x) = x (1 - x (1/2 - x (1/3 - ...))), Horner in Q63 */
    uint64_t sum = 0;
    for (unsigned n = 7; n >= 1; n--) {
        uint64_t term = (UINT64_C(1) << 63) / n;
        sum = term - (uint64_t)(((u128_t)sum * x) >> 63);
    }
    uint64_t ln_rest = (uint64_t)(((u128_t)sum * x) >> 63) >> 6; /* Q57 */
    return (uint64_t)(zeros + 1) * LN2_Q57 - ln_table[head - 128] - ln_rest;
}

int64_t prng_exponential(struct prng *prng, int64_t mean)
{
    ASSERT(mean >= 0);
    u128_t value = (u128_t)neg_ln(prng_next(prng)) * (uint64_t)mean;
    value = (value + (UINT64_C(1) << 56)) >> 57;
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* ---- normal ---- */

/* floor(sqrt(n)), bit by bit. */
static uint64_t isqrt64(uint64_t n)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 62; bit != 0; bit >>= 2) {
        if (n >= root + bit) {
            n -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return root;
}

/* floor(sqrt(n)) for n < 2^127: the upper half gives 32 bits, one Newton step doubles them. */
static uint64_t isqrt128(u128_t n)
{
    if (n <= UINT64_MAX)
        return isqrt64((uint64_t)n);
    int shift = (__builtin_clzll((uint64_t)(n >> 64)) & ~1);      /* even, so that the root shifts by half of it */
    uint64_t guess = isqrt64((uint64_t)((n << shift) >> 64)) + 1; /* 2^31 < guess <= 2^32 */
    u128_t root = (u128_t)guess << (32 - shift / 2);              /* not below the true root */
    root = (root + n / root) >> 1;
    while (root * root > n)
        root--;
    while ((root + 1) * (root + 1) <= n)
        root++;
    return (uint64_t)root;
}

int64_t prng_normal(struct prng *prng)
{
    for (;;) {
        uint64_t draw = prng_next(prng);
        /* Odd numbers in units of 2^-32: symmetric about zero, and zero itself never comes. */
        int64_t x = (int64_t)(int32_t)(draw >> 32) * 2 + 1;
        int64_t y = (int64_t)(int32_t)(uint32_t)draw * 2 + 1;
        uint64_t xx = (uint64_t)x * (uint64_t)x, yy = (uint64_t)y * (uint64_t)y, s; /* up to (2^32 - 1)^2 */
        if (__builtin_add_overflow(xx, yy, &s)) /* s >= 1 in units of 2^-64: outside the circle */
            continue;
        /* (x sqrt(2E / s))^2 = x^2 / s x 2E, with E = -ln s */
        uint64_t share = (uint64_t)(((u128_t)xx << 63) / s); /* Q63, below 1 */
        u128_t square = (u128_t)share * (neg_ln(s) << 1);    /* Q120 */
        uint64_t root = isqrt128(square);                    /* Q60 */
        int64_t value = (int64_t)(((u128_t)root * 1000000000 + (UINT64_C(1) << 59)) >> 60);
        return x < 0 ? -value : value;
    }
}
