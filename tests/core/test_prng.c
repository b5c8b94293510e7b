#include "core/prng.h"

#include <criterion/criterion.h>
#include <math.h>

#define SEED  7
#define DRAWS 200000

Test(prng, numbers_are_those_of_the_reference_generator)
{
    /* xoshiro256** from the state 1, 2, 3, 4: the published test vector. */
    static const uint64_t expected[] = {
        UINT64_C(11520),
        UINT64_C(0),
        UINT64_C(1509978240),
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
        UINT64_C(16172922978634559625),
        UINT64_C(8476171486693032832),
        UINT64_C(10595114339597558777),
        UINT64_C(2904607092377533576),
    };
    struct prng prng = {.state = {1, 2, 3, 4}};
    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        cr_expect_eq(prng_next(&prng), expected[i], "number %zu", i);
}

Test(prng, the_same_seed_gives_the_same_numbers_on_every_machine)
{
    struct prng prng;
    prng_init(&prng, 42, 1);
    uint64_t sum = 0;
    for (int i = 0; i < 10000; i++) {
        sum = sum * 31 + prng_next(&prng);
        sum = sum * 31 + prng_below(&prng, 1000003);
        sum = sum * 31 + (uint64_t)prng_range(&prng, -5, 1000);
        sum = sum * 31 + (uint64_t)prng_exponential(&prng, 1000000007);
        sum = sum * 31 + (uint64_t)prng_normal(&prng);
        sum = sum * 31 + prng_at(42, 1, (uint64_t)i, 3);
    }
    /* Written down once: another number means that old runs no longer replay. */
    cr_assert_eq(sum, UINT64_C(1759203678184408994), "%llu", (unsigned long long)sum);
}

Test(prng, seeds_and_streams_are_not_interchangeable)
{
    static const uint64_t pairs[][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 2}, {2, 1}, {7, 0}, {0, 7}, {UINT64_MAX, 1}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        for (size_t j = 0; j < i; j++) {
            struct prng a, b;
            prng_init(&a, pairs[i][0], pairs[i][1]);
            prng_init(&b, pairs[j][0], pairs[j][1]);
            int same = 0;
            for (int n = 0; n < 1000; n++)
                same += prng_next(&a) == prng_next(&b);
            cr_expect_eq(same, 0, "pairs %zu and %zu", i, j);
        }
    }
}

Test(prng, neighbouring_streams_are_uncorrelated)
{
    struct prng a, b;
    prng_init(&a, SEED, 1);
    prng_init(&b, SEED, 2);
    uint64_t ones = 0;
    for (int i = 0; i < DRAWS; i++)
        ones += (uint64_t)__builtin_popcountll(prng_next(&a) ^ prng_next(&b));
    double bits = 64.0 * DRAWS;
    cr_assert_lt(fabs((double)ones - bits / 2), 3 * sqrt(bits) / 2, "%llu ones", (unsigned long long)ones);
}

Test(prng, below_is_uniform_and_stays_below)
{
    static const uint64_t bounds[] = {1, 2, 3, 10, 37, 64};
    for (size_t b = 0; b < ARRAY_LEN(bounds); b++) {
        struct prng prng;
        prng_init(&prng, SEED, b);
        uint64_t counts[64] = {0};
        for (int i = 0; i < DRAWS; i++) {
            uint64_t x = prng_below(&prng, bounds[b]);
            cr_assert_lt(x, bounds[b]);
            counts[x]++;
        }
        double expected = (double)DRAWS / (double)bounds[b];
        for (uint64_t x = 0; x < bounds[b]; x++)
            cr_expect_leq(fabs((double)counts[x] - expected), 4 * sqrt(expected), "%llu of %llu: %llu",
                          (unsigned long long)x, (unsigned long long)bounds[b], (unsigned long long)counts[x]);
    }
}

Test(prng, below_has_no_bias_where_a_plain_remainder_has_one)
{
    /* bound = 3 x 2^62: without rejection every third value would come twice as often. */
    struct prng prng;
    prng_init(&prng, SEED, 9);
    uint64_t bound = UINT64_C(3) << 62;
    int low = 0, middle = 0;
    for (int i = 0; i < DRAWS; i++) {
        uint64_t x = prng_below(&prng, bound);
        cr_assert_lt(x, bound);
        low += x < bound / 3;
        middle += x % 3 == 0;
    }
    double sigma = sqrt(DRAWS * 2.0 / 9.0);
    cr_expect_lt(fabs(low - DRAWS / 3.0), 3 * sigma, "%d", low);
    cr_expect_lt(fabs(middle - DRAWS / 3.0), 3 * sigma, "%d", middle);
}

Test(prng, range_reaches_both_ends)
{
    struct prng prng;
    prng_init(&prng, SEED, 3);
    int low = 0, high = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t x = prng_range(&prng, -3, 4);
        cr_assert(x >= -3 && x <= 4);
        low += x == -3;
        high += x == 4;
    }
    cr_assert(low > 50 && high > 50);
    cr_assert_eq(prng_range(&prng, INT64_MIN, INT64_MIN), INT64_MIN);
    cr_assert_eq(prng_range(&prng, INT64_MAX, INT64_MAX), INT64_MAX);
    int negative = 0;
    for (int i = 0; i < 1000; i++)
        negative += prng_range(&prng, INT64_MIN, INT64_MAX) < 0;
    cr_assert(negative > 400 && negative < 600);
    for (int i = 0; i < 1000; i++)
        cr_assert_neq(prng_range(&prng, INT64_MIN + 1, INT64_MAX), INT64_MIN);
}

/* ---- exponential ---- */

Test(prng, exponential_is_minus_the_logarithm_to_the_last_digits)
{
    struct prng prng, shadow;
    prng_init(&prng, SEED, 4);
    const int64_t mean = INT64_C(1) << 45;
    for (int i = 0; i < DRAWS; i++) {
        shadow = prng;
        long double u = (long double)prng_next(&shadow) / 18446744073709551616.0L;
        long double exact = -logl(u) * (long double)mean;
        int64_t x = prng_exponential(&prng, mean);
        cr_assert_lt(fabsl((long double)x - exact), 0.6L, "draw %d: %lld, exact %.3Lf", i, (long long)x, exact);
    }
}

Test(prng, exponential_has_its_mean_variance_and_quantiles)
{
    struct prng prng;
    prng_init(&prng, SEED, 5);
    const double mean = 1e9;
    double sum = 0, squares = 0;
    int above[4] = {0}; /* quantiles 1/2, 3/4, 15/16, 255/256 */
    static const int bits[4] = {1, 2, 4, 8};
    for (int i = 0; i < DRAWS; i++) {
        double x = (double)prng_exponential(&prng, 1000000000);
        sum += x;
        squares += x * x;
        for (int q = 0; q < 4; q++)
            above[q] += x > mean * bits[q] * log(2);
    }
    cr_expect_lt(fabs(sum / DRAWS - mean), 3 * mean / sqrt(DRAWS));
    /* the square has mean 2 and variance 24 - 4 = 20 */
    cr_expect_lt(fabs(squares / DRAWS - 2 * mean * mean), 3 * mean * mean * sqrt(20.0 / DRAWS));
    for (int q = 0; q < 4; q++) {
        double p = pow(2, -bits[q]);
        cr_expect_lt(fabs(above[q] - DRAWS * p), 3 * sqrt(DRAWS * p * (1 - p)), "2^-%d: %d", bits[q], above[q]);
    }
}

Test(prng, exponential_keeps_its_bounds)
{
    struct prng prng;
    prng_init(&prng, SEED, 6);
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(prng_exponential(&prng, 0), 0);
        int64_t x = prng_exponential(&prng, INT64_MAX);
        cr_assert_geq(x, 0);
        x = prng_exponential(&prng, 1);
        cr_assert(x >= 0 && x <= 44);
    }
    /* The generator's own extremes: a draw of 0 stands for 2^64, a draw of 1 is the largest value. */
    struct prng zero = {.state = {1, 0, 3, 4}}, one = {.state = {1, 0, 3, 4}};
    cr_assert_eq(prng_exponential(&zero, 1000000), 0);
    /* s[1] such that rotl(5 s1, 7) x 9 = 1 */
    uint64_t ninth = UINT64_C(0x8e38e38e38e38e39), fifth = UINT64_C(0xcccccccccccccccd);
    one.state[1] = ((ninth >> 7) | (ninth << 57)) * fifth;
    cr_assert_eq(prng_exponential(&one, 1000000), 44361420); /* 64 ln 2 = 44.36141955583650 */
}

/* ---- normal ---- */

Test(prng, normal_has_its_moments)
{
    struct prng prng;
    prng_init(&prng, SEED, 7);
    double sums[5] = {0};
    for (int i = 0; i < DRAWS; i++) {
        double x = (double)prng_normal(&prng) * 1e-9, power = 1;
        for (int k = 1; k <= 4; k++)
            sums[k] += power *= x;
    }
    /* variances of x, x^2, x^3, x^4: 1, 2, 15, 96 */
    cr_expect_lt(fabs(sums[1] / DRAWS), 3 * sqrt(1.0 / DRAWS), "mean %g", sums[1] / DRAWS);
    cr_expect_lt(fabs(sums[2] / DRAWS - 1), 3 * sqrt(2.0 / DRAWS), "variance %g", sums[2] / DRAWS);
    cr_expect_lt(fabs(sums[3] / DRAWS), 3 * sqrt(15.0 / DRAWS), "third moment %g", sums[3] / DRAWS);
    cr_expect_lt(fabs(sums[4] / DRAWS - 3), 3 * sqrt(96.0 / DRAWS), "fourth moment %g", sums[4] / DRAWS);
}

Test(prng, normal_has_its_quantiles_also_in_the_tails)
{
    struct prng prng;
    prng_init(&prng, SEED, 8);
    static const double at[] = {-3.5, -3, -2, -1, -0.5, -0.1, 0, 0.1, 0.5, 1, 2, 3, 3.5};
    int below[ARRAY_LEN(at)] = {0};
    for (int i = 0; i < DRAWS; i++) {
        double x = (double)prng_normal(&prng) * 1e-9;
        for (size_t q = 0; q < ARRAY_LEN(at); q++)
            below[q] += x < at[q];
    }
    for (size_t q = 0; q < ARRAY_LEN(at); q++) {
        double p = erfc(-at[q] / sqrt(2)) / 2;
        cr_expect_lt(fabs(below[q] - DRAWS * p), 3 * sqrt(DRAWS * p * (1 - p)), "at %g: %d, expected %.1f", at[q],
                     below[q], DRAWS * p);
    }
}

Test(prng, normal_is_the_polar_formula_to_the_last_digit)
{
    struct prng prng, shadow;
    prng_init(&prng, SEED, 10);
    for (int i = 0; i < 20000; i++) {
        shadow = prng;
        long double x, s;
        do {
            uint64_t draw = prng_next(&shadow);
            x = ((long double)(int32_t)(draw >> 32) + 0.5L) / 2147483648.0L;
            long double y = ((long double)(int32_t)(uint32_t)draw + 0.5L) / 2147483648.0L;
            s = x * x + y * y;
        } while (s >= 1);
        long double exact = x * sqrtl(-2 * logl(s) / s) * 1e9L;
        int64_t z = prng_normal(&prng);
        cr_assert_lt(fabsl((long double)z - exact), 0.51L, "draw %d: %lld, exact %.3Lf", i, (long long)z, exact);
    }
}

/* ---- stateless ---- */

Test(prng, numbers_by_place_depend_on_every_word_of_the_place)
{
    static const uint64_t places[][4] = {{1, 2, 3, 4}, {2, 2, 3, 4}, {1, 3, 3, 4}, {1, 2, 4, 4}, {1, 2, 3, 5},
                                         {2, 1, 3, 4}, {1, 3, 2, 4}, {1, 2, 4, 3}, {0, 0, 0, 0}, {4, 3, 2, 1}};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        uint64_t a = prng_at(places[i][0], places[i][1], places[i][2], places[i][3]);
        cr_assert_eq(a, prng_at(places[i][0], places[i][1], places[i][2], places[i][3]));
        for (size_t j = 0; j < i; j++)
            cr_expect_neq(a, prng_at(places[j][0], places[j][1], places[j][2], places[j][3]), "%zu and %zu", i, j);
    }
    /* Consecutive places: about half of the bits change. */
    uint64_t ones = 0;
    for (uint64_t i = 0; i < 20000; i++)
        ones += (uint64_t)__builtin_popcountll(prng_at(SEED, 1, i, 0) ^ prng_at(SEED, 1, i + 1, 0));
    cr_assert_lt(fabs((double)ones - 640000), 3 * sqrt(1280000.0) / 2);
}
