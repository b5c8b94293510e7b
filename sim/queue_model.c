/* queue_model.c: shares by integers.
 *
 * Powers of a ratio are taken in the logarithm: (a/b)^n = 2^-(n (log2 b - log2 a)), so any quantity up to 2^63 and
 * any exponent cost the same, and nothing overflows or loses the small one of two quantities.
 *
 *   log2:  x = 2^k (1 + i/128) (1 + d):  k + log2_knots[i] + d (1 - d/2 + d^2/3 - d^3/4 + d^4/5) / ln 2,  d < 1/128
 *   2^-x:  x = k + i/128 + r,  r < 1/128:  2^-k exp2_knots[i] (1 - t + t^2/2 - t^3/6 + t^4/24),  t = r ln 2
 *
 * The first terms left out are d^6/6 < 2^-44 and t^5/120 < 2^-44. */
#include "sim/queue_model.h"

#define FRACTION_BITS 48
#define FRACTION_ONE  (UINT64_C(1) << FRACTION_BITS)
#define KNOT_BITS     7
#define ONE_Q62       (UINT64_C(1) << 62)
#define LN2_Q62       UINT64_C(0x2c5c85fdf473de6b) /* ln 2 */
#define LOG2E_Q62     UINT64_C(0x5c551d94ae0bf85e) /* 1 / ln 2 */

/* clang-format off */
/* log2(1 + i/128) at 2^-48. */
static const uint64_t log2_knots[1 << KNOT_BITS] = {
    0x000000000000, 0x02dfca16dde1, 0x05b9e5a170b5, 0x088e68ea899a, 0x0b5d69bac77f, 0x0e26fd5c8556,
    0x10eb389fa2a0, 0x13aa2fdd27f2, 0x1663f6fac913, 0x1918a16e4633, 0x1bc84240adac, 0x1e72ec117fa6,
    0x2118b119b4f4, 0x23b9a32eaa57, 0x2655d3c4f15c, 0x28ed53f307ef, 0x2b803473f7ad, 0x2e0e85a9de05,
    0x309857a05e07, 0x331dba0efce2, 0x359ebc5b69d9, 0x381b6d9bb29c, 0x3a93dc9864b3, 0x3d0817ce9cd5,
    0x3f782d7204d0, 0x41e42b6ec0c0, 0x444c1f6b4c2e, 0x46b016ca47c2, 0x49101eac381d, 0x4b6c43f1366b,
    0x4dc4933a9338, 0x501918ec6c11, 0x5269e12f346e, 0x54b6f7f1325b, 0x570068e7ef5a, 0x59463f919def,
    0x5b8887367433, 0x5dc74ae9fbed, 0x6002958c5871, 0x623a71cb82c9, 0x646eea247c5c, 0x66a008e4788d,
    0x68cdd829fd81, 0x6af861e5fc7d, 0x6d1fafdce20b, 0x6f43cba79e41, 0x7164beb4a56d, 0x73829248e962,
    0x759d4f80cba8, 0x77b4ff5108d9, 0x79c9aa879d53, 0x7bdb59cca389, 0x7dea15a32c1b, 0x7ff5e66a0ffe,
    0x81fed45cbccc, 0x8404e793fb82, 0x86082806b1d5, 0x88089d8a9e47, 0x8a064fd50f2a, 0x8c01467b94bb,
    0x8df988f4ae80, 0x8fef1e987409, 0x91e20ea1393e, 0x93d2602c2e60, 0x95c01a39fbd7, 0x97ab43af59f9,
    0x9993e355a4e5, 0x9b79ffdb6c8b, 0x9d5d9fd5010b, 0x9f3ec9bcfb81, 0xa11d83f4c355, 0xa2f9d4c5103a,
    0xa4d3c25e68dc, 0xa6ab52d99e76, 0xa8808c384548, 0xaa5374652a1c, 0xac241134c4ea, 0xadf26865a8a2,
    0xafbe7fa0f04d, 0xb1885c7aa982, 0xb35004723c46, 0xb5157cf2d078, 0xb6d8cb53b0ca, 0xb899f4d8ab64,
    0xba58feb2703b, 0xbc15edfeed33, 0xbdd0c7c9a817, 0xbf89910c1679, 0xc1404eadf384, 0xc2f5058593d9,
    0xc4a7ba58377c, 0xc65871da59de, 0xc80730b00016, 0xc9b3fb6d0559, 0xcb5ed69565b0, 0xcd07c69d8702,
    0xceaecfea8086, 0xd053f6d26089, 0xd1f73f9c70c1, 0xd398ae817906, 0xd53847ac00a7, 0xd6d60f388e42,
    0xd8720935e643, 0xda0c39a54804, 0xdba4a47aa997, 0xdd3b4d9cf24b, 0xded038e633f3, 0xe0636a23e2ef,
    0xe1f4e5170d03, 0xe384ad748f0e, 0xe512c6e54999, 0xe69f35065448, 0xe829fb693045, 0xe9b31d93f98f,
    0xeb3a9f019750, 0xecc08321eb31, 0xee44cd59ffab, 0xefc781043579, 0xf148a170700a, 0xf2c831e44116,
    0xf446359b1354, 0xf5c2afc65448, 0xf73da38d9d4b, 0xf8b7140edbb2, 0xfa2f045e7833, 0xfba577877d7d,
    0xfd1a708bbe12, 0xfe8df263f958,
};

/* 2^-(i/128) at 2^-62. */
static const uint64_t exp2_knots[1 << KNOT_BITS] = {
    0x4000000000000000, 0x3fa784571ee3e213, 0x3f4f83033d21b05d, 0x3ef7fb5b397c2712,
    0x3ea0ecb6dc8a80cf, 0x3e4a566ed7752e9d, 0x3df437dcc2b44eee, 0x3d9e905b1ccfe11b,
    0x3d495f454921b30b, 0x3cf4a3f78e990697, 0x3ca05dcf167fec4e, 0x3c4c8c29eb425142,
    0x3bf92e66f736bd73, 0x3ba643e60368c097, 0x3b53cc07b6650ae1, 0x3b01c62d93072f77,
    0x3ab031b9f7490e4c, 0x3a5f0e101b13e316, 0x3a0e5a940f12f71a, 0x39be16aabb87f389,
    0x396e41b9df20d22a, 0x391edb280dcf6a23, 0x38cfe25cafa29694, 0x388156bfffa0f4da,
    0x383337bb0aa53844, 0x37e584b7ae3c1108, 0x37983d209783a449, 0x374b6061420c9308,
    0x36feede5f6bc8dd5, 0x36b2e51bcab2731c, 0x366745709e2bf5ed, 0x361c0e531b6ccb21,
    0x35d13f32b5a75abd, 0x3586d77fa7e6f382, 0x353cd6aaf3fb7e88, 0x34f33c266166b0de,
    0x34aa07647c4ab917, 0x346137d8945a66b2, 0x3418ccf6bbcac965, 0x33d0c633c6464630,
    0x3389230547e12039, 0x3341e2e1940f7374, 0x32fb053fbc9c9f17, 0x32b4899790a41dd3,
    0x326e6f619b8bc9e9, 0x3228b61723ff8b11, 0x31e35d322aee6c57, 0x319e642d6a8917de,
    0x3159ca845541b6b7, 0x31158fb314cd32cd, 0x30d1b3368925d902, 0x308e348c478f599d,
    0x304b1332999c2516, 0x30084ea87c34236c, 0x2fc5e66d9e9cc421, 0x2f83da02618264f9,
    0x2f4228e7d6030db0, 0x2f00d29fbcba7ec3, 0x2ebfd6ac84cf917f, 0x2e7f34914b02e77b,
    0x2e3eebd1d8bee7ba, 0x2dfefbf2a329079f, 0x2dbf6478ca345de4, 0x2d8024ea17b57ddb,
    0x2d413cccfe779921, 0x2d02aba89952e610, 0x2cc47104aa444922, 0x2c868c6999863f8f,
    0x2c48fd6074ab0964, 0x2c0bc372edb81161, 0x2bcede2b5a4290dd, 0x2b924d14b28d6e04,
    0x2b560fba90a852b2, 0x2b1a25a92f8ffa4a, 0x2ade8e6d6a4fb4ce, 0x2aa34994bb241d8a,
    0x2a6856ad3a9f03be, 0x2a2db5459ecc8382, 0x29f364ed3a594d5a, 0x29b96533fbba1ac7,
    0x297fb5aa6c544e3b, 0x294655e1afa7bcce, 0x290d456b8279a028, 0x28d483da3a00aee5,
    0x289c10c0c3125a06, 0x2863ebb2a1512db9, 0x282c1443ee5c53f1, 0x27f48a0959003741,
    0x27bd4c982468446b, 0x27865b862751c908, 0x274fb669cb3fedd4, 0x27195cda0bb0cb0b,
    0x26e34e6e7553954e, 0x26ad8abf253fe193, 0x26781164c82dfe99, 0x2642e1f899b0626a,
    0x260dfc14636e2a5c, 0x25d95f527c5eac24, 0x25a50b4dc8061680, 0x2570ffa1b5b31ffc,
    0x253d3bea3fbdc258, 0x2509bfc3eac7012e, 0x24d68acbc4f9ba4b, 0x24a39c9f654c7e6b,
    0x2470f4dceac470ce, 0x243e9322fbb92c4b, 0x240c7710c519ac77, 0x23daa045f9b23971,
    0x23a90e62d17354f0, 0x2377c10808b9a735, 0x2346b7d6df96ea79, 0x2315f271191bd377,
    0x22e57078faa2f5ba, 0x22b531914b1ca249, 0x2285355d525bbf67, 0x22557b80d86397f7,
    0x222603a024b6a14a, 0x21f6cd5ffda635e4, 0x21c7d865a7a34404, 0x21992456e48fee81,
    0x216ab0d9f3121ec5, 0x213c7d958de7068a, 0x210e8a30eb379012, 0x20e0d653bbedbb8e,
    0x20b361a62b0ae876, 0x20862bd0dcff097b, 0x2059347cef00c1dd, 0x202c7b53f6666adb,
};
/* clang-format on */

static uint64_t mul_q62(uint64_t a, uint64_t b)
{
    return (uint64_t)((u128_t)a * b >> 62);
}

uint64_t queue_log2(uint64_t x)
{
    ASSERT(x > 0);
    unsigned k = 63 - (unsigned)__builtin_clzll(x);
    uint64_t mantissa = x << (63 - k); /* 2^63 .. 2^64 */
    uint64_t top = mantissa >> (63 - KNOT_BITS);
    uint64_t rest = mantissa & ((UINT64_C(1) << (63 - KNOT_BITS)) - 1);
    uint64_t d = (rest << 6) / top; /* at 2^-62 */
    uint64_t sum = ONE_Q62 / 4 - mul_q62(d, ONE_Q62 / 5);
    sum = ONE_Q62 / 3 - mul_q62(d, sum);
    sum = ONE_Q62 / 2 - mul_q62(d, sum);
    sum = ONE_Q62 - mul_q62(d, sum);
    uint64_t tail = mul_q62(mul_q62(d, sum), LOG2E_Q62);
    return ((uint64_t)k << FRACTION_BITS) + log2_knots[top & ((1 << KNOT_BITS) - 1)] + (tail >> (62 - FRACTION_BITS));
}

uint64_t queue_exp2_neg(uint64_t x)
{
    uint64_t k = x >> FRACTION_BITS;
    if (k >= 62)
        return 0;
    uint64_t knot = x >> (FRACTION_BITS - KNOT_BITS) & ((1 << KNOT_BITS) - 1);
    uint64_t rest = x & ((UINT64_C(1) << (FRACTION_BITS - KNOT_BITS)) - 1);
    uint64_t t = mul_q62(rest << (62 - FRACTION_BITS), LN2_Q62);
    uint64_t sum = ONE_Q62 / 6 - mul_q62(t, ONE_Q62 / 24);
    sum = ONE_Q62 / 2 - mul_q62(t, sum);
    sum = ONE_Q62 - mul_q62(t, sum);
    sum = ONE_Q62 - mul_q62(t, sum);
    return mul_q62(exp2_knots[knot], sum) >> k >> (62 - FRACTION_BITS);
}

const char *queue_kind_name(enum queue_kind kind)
{
    static const char *const names[] = {[QUEUE_PESSIMISTIC] = "pessimistic",
                                        [QUEUE_OPTIMISTIC] = "optimistic",
                                        [QUEUE_PROPORTIONAL] = "proportional",
                                        [QUEUE_POWER] = "power",
                                        [QUEUE_POWER2] = "power2",
                                        [QUEUE_POWER3] = "power3",
                                        [QUEUE_LOG] = "log",
                                        [QUEUE_LOG2] = "log2",
                                        [QUEUE_L3_FIFO] = "l3_fifo"};
    return names[kind];
}

bool queue_model_has_exponent(enum queue_kind kind)
{
    return kind == QUEUE_POWER || kind == QUEUE_POWER2 || kind == QUEUE_POWER3;
}

bool queue_model_is_valid(const struct queue_model *model)
{
    if (queue_model_has_exponent(model->kind))
        return model->exponent >= 1 && model->exponent <= QUEUE_EXPONENT_MAX;
    if (model->kind == QUEUE_LOG || model->kind == QUEUE_LOG2)
        return model->unit >= 1 && model->unit <= INT64_C(1000000000000000000);
    return model->kind <= QUEUE_L3_FIFO;
}

/* The share of the cancelled quantity that stood ahead, 1 - p, as numerator / denominator; numerator <= denominator <
 * 2^63. */
struct share {
    uint64_t numerator, denominator;
};

/* (small / large)^n at 2^-48, for 0 < small <= large. */
static uint64_t power(const struct queue_model *model, uint64_t small, uint64_t large)
{
    uint64_t small_log = queue_log2(small), large_log = queue_log2(large);
    uint64_t difference = large_log > small_log ? large_log - small_log : 0; /* < 63 x 2^48 */
    return queue_exp2_neg(difference * model->exponent / QUEUE_EXPONENT_ONE);
}

static struct share share_power(const struct queue_model *model, uint64_t ahead, uint64_t behind)
{
    /* By the ratio that is at most 1, so that nothing is divided by little. */
    if (ahead <= behind) {
        uint64_t ratio = power(model, ahead, behind);
        return (struct share){ratio, FRACTION_ONE + ratio};
    }
    return (struct share){FRACTION_ONE, FRACTION_ONE + power(model, behind, ahead)};
}

/* ln(1 + x / unit), in units that cancel in a ratio. */
static uint64_t log_weight(const struct queue_model *model, uint64_t x)
{
    uint64_t unit = (uint64_t)model->unit;
    uint64_t with = queue_log2(unit + x), without = queue_log2(unit);
    return with > without ? with - without : 0;
}

static struct share share_log(const struct queue_model *model, uint64_t ahead, uint64_t behind)
{
    uint64_t front = log_weight(model, ahead), back = log_weight(model, behind);
    uint64_t both = model->kind == QUEUE_LOG ? front + back : log_weight(model, ahead + behind);
    if (both == 0) /* quantities of a tiny part of a unit, where ln(1 + x) is x */
        return (struct share){ahead, ahead + behind};
    if (model->kind == QUEUE_LOG)
        return (struct share){front, both};
    return (struct share){both > back ? both - back : 0, both};
}

/* With something ahead and something behind. */
static struct share share_ahead(const struct queue_model *model, uint64_t ahead, uint64_t behind)
{
    bool linear = queue_model_has_exponent(model->kind) && model->exponent == QUEUE_EXPONENT_ONE;
    switch (linear ? QUEUE_PROPORTIONAL : model->kind) {
    case QUEUE_PESSIMISTIC:
    case QUEUE_L3_FIFO: /* asked by nobody: nothing is split there */
        return (struct share){0, 1};
    case QUEUE_OPTIMISTIC:
        return (struct share){1, 1};
    case QUEUE_PROPORTIONAL:
        break;
    case QUEUE_POWER:
        return share_power(model, ahead, behind);
    case QUEUE_POWER2:
        return (struct share){FRACTION_ONE - power(model, behind, ahead + behind), FRACTION_ONE};
    case QUEUE_POWER3:
        return (struct share){power(model, ahead, ahead + behind), FRACTION_ONE};
    case QUEUE_LOG:
    case QUEUE_LOG2:
        return share_log(model, ahead, behind);
    }
    return (struct share){ahead, ahead + behind};
}

/* quantity x share at 2^-16 of a unit, to the nearest. Up to 2^79, so in 128 bits. */
static u128_t take_share(uint64_t quantity, const struct share *share)
{
    u128_t product = (u128_t)quantity * share->numerator;
    u128_t half = share->denominator / 2;
    if (product >> (127 - QUEUE_PART_BITS) == 0)
        return ((product << QUEUE_PART_BITS) + half) / share->denominator;
    u128_t whole = product / share->denominator, rest = product % share->denominator;
    return (whole << QUEUE_PART_BITS) + ((rest << QUEUE_PART_BITS) + half) / share->denominator;
}

struct queue_place queue_model_cancel(const struct queue_model *model, struct queue_place place, qty_t shown,
                                      qty_t cancelled)
{
    ASSERT(shown >= 0 && cancelled >= 0 && cancelled <= shown && place.ahead >= 0);
    const qty_t left = shown - cancelled;
    if (place.ahead > shown)
        place = (struct queue_place){shown, 0};
    const qty_t behind = shown - place.ahead;
    if (cancelled > 0 && place.ahead > 0 && behind > 0) {
        struct share share = share_ahead(model, (uint64_t)place.ahead, (uint64_t)behind);
        u128_t cut = take_share((uint64_t)cancelled, &share) + place.part;
        u128_t whole = cut >> QUEUE_PART_BITS;
        if (whole >= (u128_t)place.ahead)
            place = (struct queue_place){0, 0};
        else
            place = (struct queue_place){place.ahead - (qty_t)whole, (uint32_t)(cut & ((1u << QUEUE_PART_BITS) - 1))};
    }
    /* What behind could not give: then everything left is ahead. */
    if (place.ahead > left)
        place = (struct queue_place){left, 0};
    return place;
}
