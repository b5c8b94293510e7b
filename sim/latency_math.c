/* latency_math.c: see the header for the methods. All products are 128 bits wide; right shifts of negative numbers
 * round down (arithmetic shift, as both supported compilers define it). */
#include "sim/latency_math.h"

#define LN2_Q62      INT64_C(0x2c5c85fdf473de6b)
#define INV_ROOT_2PI INT64_C(0x19884533d436508d) /* 1 / sqrt(2 pi), Q62 */

/* 2^(i / 64) at Q62, nearest. */
static const int64_t exp_table[64] = {
    0x4000000000000000, 0x40b268f9de0183ba, 0x4166c34c5615d0ec, 0x421d1461d66f2023, 0x42d561b3e6243d8a,
    0x438fb0cb4f468808, 0x444c0740496d4294, 0x450a6abaa4b77ecd, 0x45cae0f1f545eb73, 0x468d6fadbf2dd4f3,
    0x47521cc5a2e6a9e0, 0x4818ee218a3358ee, 0x48e1e9b9d588e19b, 0x49ad159789f37496, 0x4a7a77d47f7b84b1,
    0x4b4a169b900c2d00, 0x4c1bf828c6dc54b8, 0x4cf022c9905bfd32, 0x4dc69cdceaa72a9c, 0x4e9f6cd3967fdba8,
    0x4f7a993048d088d7, 0x50582887dcb8a7e1, 0x513821818624b40c, 0x521a8ad704f3404f, 0x52ff6b54d8a89c75,
    0x53e6c9da74b29ab5, 0x54d0ad5a753e077c, 0x55bd1cdad49f699c, 0x56ac1f752150a563, 0x579dbc56b48521ba,
    0x5891fac0e95612c8, 0x5988e20954889245, 0x5a827999fcef3242, 0x5b7ec8f19468bbc9, 0x5c7dd7a3b17dcf75,
    0x5d7fad59099f22fe, 0x5e8451cfac061b5f, 0x5f8bccdb3d398841, 0x6096266533384a2b, 0x61a3666d124bb204,
    0x62b39508aa836d6f, 0x63c6ba6455dcd8ae, 0x64dcdec3371793d1, 0x65f60a7f79393e2e, 0x6712460a8fc24072,
    0x683199ed779592ca, 0x69540ec8f895722d, 0x6a79ad55e7f6fd10, 0x6ba27e656b4eb57a, 0x6cce8ae13c57ebdb,
    0x6dfddbcbed791bab, 0x6f307a412f074892, 0x70666f76154a7089, 0x719fc4b95f452d29, 0x72dc8373be41a454,
    0x741cb5281e25ee34, 0x75606373ee921c97, 0x76a7980f6cca15c2, 0x77f25ccdee6d7ae6, 0x7940bb9e2cffd89d,
    0x7a92be8a92436616, 0x7be86fb985689ddc, 0x7d41d96db915019d, 0x7e9f06067a4360ba,
};

/* P(Z <= i / 16) at Q62, nearest. */
static const int64_t normal_table[129] = {
    0x2000000000000000, 0x2198404764aecc89, 0x232ee93c40695982, 0x24c2684da4be446d, 0x265134562ddad86a,
    0x27d9d217427c8c6d, 0x295ad86fe17dbce7, 0x2ad2f43b11f23e0d, 0x2c40ebc46558edbd, 0x2da3a1c3c4be3ed2,
    0x2efa17d4e1b3602c, 0x3043706200245ee7, 0x317eeffd4a62d925, 0x32abfe2760e2ca08, 0x33ca25853fada308,
    0x34d9138acac646e1, 0x35d897a241a6fa69, 0x36c8a1db6d2aefec, 0x37a9412f8327a3bf, 0x387aa1686cb707f5,
    0x393d08bb5158f5af, 0x39f0d526ffd7c66c, 0x3a9679a708db7e82, 0x3b2e7b4c24ecbbf6, 0x3bb96e49da6e0458,
    0x3c37f30854bd4a01, 0x3caab3480b60fa3e, 0x3d125f63476a7533, 0x3d6fabb7d755246b, 0x3dc34e4167deccad,
    0x3e0dfc6b13409851, 0x3e50691cd73c3081, 0x3e8b4307d3627a06, 0x3ebf33327f99d958, 0x3eecdbc480c7fd85,
    0x3f14d71065d9c0c3, 0x3f37b6d86f164f6e, 0x3f5603ca8f5c709c, 0x3f703d2f1b26b412, 0x3f86d8c512b019e3,
    0x3f9a42c6a06d8c6f, 0x3faade103f22cadb, 0x3fb90464fe083ae7, 0x3fc506ca800319c8, 0x3fcf2df796c26ffa,
    0x3fd7bad0b57c9ac6, 0x3fdee6ede3064812, 0x3fe4e5264a606725, 0x3fe9e21e067a4a29, 0x3fee04d3452e9496,
    0x3ff16f285a8f9149, 0x3ff43e68d53947d6, 0x3ff68bc81417e5fd, 0x3ff86cd8440ec28a, 0x3ff9f3f906fda150,
    0x3ffb30bd5523a1a5, 0x3ffc30486da91045, 0x3ffcfda1e36925d0, 0x3ffda2010079dc31, 0x3ffe250fde36f203,
    0x3ffe8d26a9b4d232, 0x3ffedf7f9e88ef90, 0x3fff20644ce2dade, 0x3fff5354c51e9a12, 0x3fff7b294355a800,
    0x3fff9a2ef1fec25a, 0x3fffb240544c9cb8, 0x3fffc4d9e07df576, 0x3fffd32b48681b76, 0x3fffde25e3c5bee5,
    0x3fffe688a4ba3d97, 0x3fffece9f3e7d93e, 0x3ffff1bfc6b91628, 0x3ffff566384a839b, 0x3ffff824e3e0b6d4,
    0x3ffffa33371e1f3c, 0x3ffffbbbea497f0d, 0x3ffffcdfc5eac9b7, 0x3ffffdb7d6cc49ca, 0x3ffffe572bff5243,
    0x3ffffecc35d0decc, 0x3fffff21d893a27c, 0x3fffff6042b93897, 0x3fffff8d92d24bd2, 0x3fffffae57a4ca12,
    0x3fffffc5f287a60a, 0x3fffffd6e28e6aa9, 0x3fffffe2fdb67ee9, 0x3fffffeb9c305638, 0x3ffffff1b8fd40b5,
    0x3ffffff60a65d6dc, 0x3ffffff9143d19ab, 0x3ffffffb35728733, 0x3ffffffcb21bdb8a, 0x3ffffffdbad93911,
    0x3ffffffe72400f2f, 0x3ffffffef0cf10ff, 0x3fffffff47cd44ae, 0x3fffffff835d8ade, 0x3fffffffabfd412a,
    0x3fffffffc7967ae2, 0x3fffffffda43a830, 0x3fffffffe6da903d, 0x3fffffffef4e99b0, 0x3ffffffff4f5fda7,
    0x3ffffffff8ba49b3, 0x3ffffffffb3a3aa5, 0x3ffffffffce142e0, 0x3ffffffffdf7d0ec, 0x3ffffffffeae8599,
    0x3fffffffff25e480, 0x3fffffffff739454, 0x3fffffffffa5f0f2, 0x3fffffffffc6763a, 0x3fffffffffdb613f,
    0x3fffffffffe8c84b, 0x3ffffffffff1560e, 0x3ffffffffff6c628, 0x3ffffffffffa37b6, 0x3ffffffffffc63c9,
    0x3ffffffffffdc12e, 0x3ffffffffffe9bdc, 0x3fffffffffff2432, 0x3fffffffffff78dc, 0x3fffffffffffad3b,
    0x3fffffffffffcd80, 0x3fffffffffffe14f, 0x3fffffffffffed6b, 0x3ffffffffffff4cb,
};

static int64_t mul_q62(int64_t a, int64_t b)
{
    return (int64_t)(((money_t)a * b) >> 62);
}

/* e^y = mantissa x 2^(*shift), the mantissa at Q62 in [1, 2). */
static int64_t exp_parts(int64_t y_q56, int *shift)
{
    const money_t y = (money_t)y_q56 * 64; /* Q62 */
    money_t whole = y / LN2_Q62;
    if (whole * LN2_Q62 > y)
        whole--;
    const int64_t rest = (int64_t)(y - whole * LN2_Q62); /* [0, ln 2) */
    const int64_t index = (int64_t)(((money_t)rest * 64) / LN2_Q62);
    const int64_t r = rest - (int64_t)((money_t)index * LN2_Q62 / 64);
    int64_t sum = Q62;
    for (int64_t n = 6; n >= 1; n--)
        sum = Q62 + mul_q62(sum, r) / n;
    *shift = (int)whole;
    return mul_q62(exp_table[index], sum);
}

int64_t latency_exp_neg(int64_t y_q56)
{
    ASSERT(y_q56 <= 0);
    int shift;
    const int64_t mantissa = exp_parts(y_q56, &shift);
    return shift < -62 ? 0 : shift < 0 ? mantissa >> -shift : mantissa;
}

int64_t latency_exp_scale(int64_t value, int64_t y_q56)
{
    ASSERT(value >= 0);
    int shift;
    const u128_t product = (u128_t)(uint64_t)value * (uint64_t)exp_parts(y_q56, &shift); /* below 2^126 */
    const int down = 62 - shift;
    if (down >= 128)
        return 0;
    if (down < 0)
        return value == 0 ? 0 : INT64_MAX; /* at least 2^62 x 2 */
    const u128_t scaled = product >> down;
    return scaled > INT64_MAX ? INT64_MAX : (int64_t)scaled;
}

int64_t latency_sqrt(int64_t x_q62)
{
    ASSERT(x_q62 >= 0 && x_q62 <= Q62);
    u128_t rest = (u128_t)(uint64_t)x_q62 << 62, root = 0;
    for (u128_t bit = (u128_t)1 << 124; bit != 0; bit >>= 2) {
        const bool fits = rest >= root + bit;
        rest -= fits ? root + bit : 0;
        root = (root >> 1) + (fits ? bit : 0);
    }
    return (int64_t)root;
}

/* With h_n = He_n(a) phi(a):  Phi(a + h) = Phi(a) + sum over n of (-1)^n h_n h^(n+1) / (n+1)!,
 * and h_(n+1) = a h_n - n h_(n-1). Everything at Q56: h_n stays below 64 for n <= 5. */
int64_t latency_normal(int64_t z_1e9)
{
    const bool negative = z_1e9 < 0;
    int64_t z = z_1e9 < -8 * UNIT_1E9 || z_1e9 > 8 * UNIT_1E9 ? 8 * UNIT_1E9 : negative ? -z_1e9 : z_1e9;
    const int64_t nearest = (z * 16 + UNIT_1E9 / 2) / UNIT_1E9;
    const int64_t a = nearest << 52; /* Q56 */
    const int64_t h = (int64_t)(((money_t)(z * 16 - nearest * UNIT_1E9) * (INT64_C(1) << 52)) / UNIT_1E9);
    const int64_t half_square = (int64_t)(((money_t)a * a) >> 57);
    int64_t before = 0, now = mul_q62(latency_exp_neg(-half_square), INV_ROOT_2PI) >> 6;
    int64_t power = h, sum = 0; /* (-1)^n h^(n+1) / (n+1)! */
    for (int64_t n = 0; n <= 5; n++) {
        sum += (int64_t)(((money_t)now * power) >> 56);
        const int64_t after = (int64_t)(((money_t)a * now) >> 56) - n * before;
        before = now;
        now = after;
        power = -(int64_t)(((money_t)power * h) >> 56) / (n + 2);
    }
    const int64_t value = normal_table[nearest] + sum * 64;
    return negative ? Q62 - value : value;
}
