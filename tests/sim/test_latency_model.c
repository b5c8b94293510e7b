#include "core/digest.h"
#include "sim/latency_math.h"
#include "sim/latency_model.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define DRAWS 1000000
#define SEED  20240808
#define START INT64_C(1723075200000000000)

static void make(struct latency_model *model, const struct latency_config *config)
{
    struct err_text why = {0};
    cr_assert_eq(latency_model_init(model, config, &why), ERR_OK, "%s", why.text);
}

static void refused(const struct latency_config *config, err_t code, const char *words)
{
    struct latency_model model;
    struct err_text why = {0};
    cr_assert_eq(latency_model_init(&model, config, &why), code, "%s", why.text);
    cr_assert_not_null(strstr(why.text, words), "'%s' is not in '%s'", words, why.text);
}

static struct latency_config both(struct latency_direction direction)
{
    return (struct latency_config){.seed = SEED, .entry = direction, .response = direction};
}

static const struct latency_direction usual = {.kind = LATENCY_LOGNORMAL, .value = 5 * NS_PER_MS, .sigma = 700000000};

/* ---- the functions underneath ---- */

Test(latency_math, exp_is_as_exact_as_it_says)
{
    for (int64_t i = 0; i <= 400000; i++) {
        const int64_t y = -i * INT64_C(7925689123123); /* to -44 */
        const long double expected = expl(ldexpl((long double)y, -56));
        cr_assert_lt(fabsl(ldexpl((long double)latency_exp_neg(y), -62) - expected), ldexpl(1, -54), "y %" PRId64, y);
        if (i % 4 == 0) {
            const long double scaled = (long double)INT64_MAX * expected;
            const int64_t got = latency_exp_scale(INT64_MAX, y);
            cr_assert_lt(fabsl((long double)got - scaled), 1 + scaled * ldexpl(1, -54), "y %" PRId64, y);
        }
    }
}

Test(latency_math, exp_at_its_ends)
{
    cr_expect_eq(latency_exp_neg(0), Q62);
    cr_expect_eq(latency_exp_neg(INT64_MIN), 0);
    cr_expect_eq(latency_exp_scale(7, 0), 7);
    cr_expect_eq(latency_exp_scale(0, INT64_MAX), 0);
    cr_expect_eq(latency_exp_scale(1, INT64_MAX), INT64_MAX);
    cr_expect_eq(latency_exp_scale(INT64_MAX, INT64_MAX), INT64_MAX);
    cr_expect_eq(latency_exp_scale(INT64_MAX, INT64_MIN), 0);
    cr_expect_eq(latency_exp_scale(1000000, INT64_C(1) << 56), 2718281);
}

Test(latency_math, square_root_is_rounded_down)
{
    cr_expect_eq(latency_sqrt(0), 0);
    cr_expect_eq(latency_sqrt(Q62), Q62);
    cr_expect_eq(latency_sqrt(Q62 / 4), Q62 / 2);
    for (int64_t i = 1; i < 20000; i++) {
        const int64_t x = (int64_t)(((u128_t)i * i * i * 576460752303423) % (u128_t)Q62), root = latency_sqrt(x);
        const u128_t square = (u128_t)x << 62;
        cr_assert((u128_t)root * (u128_t)root <= square && (u128_t)(root + 1) * (u128_t)(root + 1) > square);
    }
}

Test(latency_math, normal_is_as_exact_as_it_says)
{
    for (int64_t z = -9 * UNIT_1E9; z <= 9 * UNIT_1E9; z += 123457) {
        const long double at = fminl(fmaxl((long double)z / UNIT_1E9, -8), 8);
        const long double expected = erfcl(-at / sqrtl(2)) / 2;
        cr_assert_lt(fabsl(ldexpl((long double)latency_normal(z), -62) - expected), 1e-12L, "z %" PRId64, z);
    }
    cr_expect_eq(latency_normal(0), Q62 / 2);
    cr_expect_eq(latency_normal(INT64_MAX), latency_normal(8 * UNIT_1E9));
    cr_expect_eq(latency_normal(INT64_MIN), latency_normal(-8 * UNIT_1E9));
}

/* ---- drawn ---- */

/* Of so many draws those that are counted are a share p, within three standard errors. */
static void expect_share(uint64_t count, int draws, double p, const char *what)
{
    const double error = sqrt(draws * p * (1 - p));
    cr_expect_lt(fabs((double)count - draws * p), 3 * error, "%s: %" PRIu64 " of %d, expected %.0f +- %.0f", what,
                 count, draws, draws * p, error);
}

static void check_lognormal(ns_t step, ns_t tau)
{
    struct latency_model model;
    struct latency_direction direction = usual;
    direction.tau = tau;
    const struct latency_config config = both(direction);
    make(&model, &config);
    uint64_t median = 0, p99 = 0, p999 = 0;
    double sum = 0;
    for (int i = 0; i < DRAWS; i++) {
        const struct latency_outcome drawn = latency_entry(&model, START + i * step, 0);
        cr_assert(!drawn.rejected && drawn.delay >= latency_entry_min(&model));
        median += drawn.delay <= 5000000;
        p99 += drawn.delay <= 25479784;  /* 5 ms x e^(0.7 x 2.326347874) */
        p999 += drawn.delay <= 43493243; /* 5 ms x e^(0.7 x 3.090232306) */
        sum += (double)drawn.delay;
    }
    printf("seed %d: mean %.4f ms, above p99 %" PRIu64 ", above p99.9 %" PRIu64 "\n", SEED, sum / DRAWS / 1e6,
           DRAWS - p99, DRAWS - p999);
    expect_share(median, DRAWS, 0.5, "median");
    expect_share(p99, DRAWS, 0.99, "p99");
    expect_share(p999, DRAWS, 0.999, "p99.9");
    const double deviation = 6.388106e6 * sqrt(exp(0.49) - 1);
    cr_expect_lt(fabs(sum / DRAWS - 6.388106e6), 3 * deviation / sqrt(DRAWS), "mean %f", sum / DRAWS);
}

Test(latency_model, lognormal_has_its_quantiles)
{
    check_lognormal(1000003, 0);
}

Test(latency_model, lognormal_with_bursts_has_the_same_quantiles)
{
    check_lognormal(97 * NS_PER_MS + 11, 10 * NS_PER_MS);
}

Test(latency_model, messages_of_one_moment_are_drawn_apart)
{
    struct latency_model model;
    const struct latency_config config = both(usual);
    make(&model, &config);
    uint64_t median = 0;
    for (uint64_t i = 0; i < DRAWS; i++)
        median += latency_entry(&model, START, i).delay <= 5000000;
    expect_share(median, DRAWS, 0.5, "median");
}

Test(latency_model, entry_and_response_are_independent)
{
    struct latency_model model;
    const struct latency_config config = both(usual);
    make(&model, &config);
    uint64_t together = 0;
    for (int i = 0; i < DRAWS; i++)
        together += (latency_entry(&model, START + i, 0).delay <= 5000000) ==
                    (latency_response(&model, START + i, 0) <= 5000000);
    expect_share(together, DRAWS, 0.5, "on the same side of the median");
}

static double z_of(const struct latency_model *model, ns_t ts)
{
    return log((double)latency_entry(model, ts, 0).delay / 5e6) / 0.7;
}

/* The correlation of Z at distances of 1 to 8 steps is e^(-k dt / tau): steps wider and narrower than the grid. */
Test(latency_model, bursts_decay_as_they_should)
{
    enum { N = 100000 };
    static double z[N];
    const ns_t tau = 50 * NS_PER_MS;
    static const ns_t steps[] = {35 * NS_PER_MS + 1, 10 * NS_PER_MS, 1234567};
    for (size_t s = 0; s < ARRAY_LEN(steps); s++) {
        struct latency_model model;
        struct latency_direction direction = usual;
        direction.tau = tau;
        const struct latency_config config = both(direction);
        make(&model, &config);
        for (int i = 0; i < N; i++)
            z[i] = z_of(&model, START + i * steps[s]);
        const double rho = exp(-(double)steps[s] / (double)tau);
        for (int k = 1; k <= 8; k *= 2) {
            double sum = 0;
            for (int i = 0; i + k < N; i++)
                sum += z[i] * z[i + k];
            /* Bartlett: the variance of a covariance of lag k, mean known */
            const double square = rho * rho, lagged = pow(rho, 2 * k);
            const double variance = (1 + square + 2 * lagged * square) / (1 - square) + (2 * k + 1) * lagged;
            const double acf = sum / (N - k), error = sqrt(variance / N);
            cr_expect_lt(fabs(acf - pow(rho, k)), 3 * error, "dt %" PRId64 ", lag %d: %f, expected %f +- %f",
                         steps[s], k, acf, pow(rho, k), error);
        }
    }
}

/* Messages sent at any moments see the same weather: what is asked, and in which order, does not change it. */
Test(latency_model, one_message_more_changes_no_other)
{
    struct latency_model model;
    struct latency_direction direction = usual;
    direction.tau = NS_PER_S;
    const struct latency_config config = both(direction);
    make(&model, &config);
    static ns_t first[1000];
    for (int i = 0; i < 1000; i++)
        first[i] = latency_entry(&model, START + i * NS_PER_MS, 0).delay;
    for (int i = 999; i >= 0; i--) {
        latency_entry(&model, START + i * NS_PER_MS - 7, 0);
        latency_entry(&model, START + i * NS_PER_MS, 1);
        cr_assert_eq(latency_entry(&model, START + i * NS_PER_MS, 0).delay, first[i]);
    }
}

Test(latency_model, another_seed_draws_other_delays)
{
    struct latency_model a, b;
    struct latency_config config = both(usual);
    make(&a, &config);
    config.seed++;
    make(&b, &config);
    int same = 0;
    for (int i = 0; i < 1000; i++)
        same += latency_entry(&a, START + i, 0).delay == latency_entry(&b, START + i, 0).delay;
    cr_expect_eq(same, 0);
}

/* Each sample is as frequent as the others, with and without bursts. */
Test(latency_model, empirical_draws_each_sample_alike)
{
    static const ns_t samples[10] = {10, 20, 30, 40, 50, 60, 70, 80, 90, 90};
    for (int burst = 0; burst < 2; burst++) {
        struct latency_model model;
        const struct latency_config config = both((struct latency_direction){
            .kind = LATENCY_EMPIRICAL, .samples = samples, .sample_count = 10, .tau = burst ? NS_PER_MS : 0});
        make(&model, &config);
        cr_expect_eq(latency_response_min(&model), 10);
        uint64_t counts[10] = {0};
        for (int i = 0; i < 200000; i++)
            counts[latency_response(&model, START + i * 9 * NS_PER_MS + i % 1000, 0) / 10]++;
        cr_expect_eq(counts[0], 0);
        for (int n = 1; n < 9; n++)
            expect_share(counts[n], 200000, 0.1, "a sample");
        expect_share(counts[9], 200000, 0.2, "a sample that is there twice");
    }
}

/* ---- limits ---- */

Test(latency_model, no_delay_is_negative_or_above_an_hour)
{
    static const ns_t moments[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, START, INT64_MAX - 1, INT64_MAX};
    static const ns_t taus[] = {0, LATENCY_TAU_MIN, 64001, NS_PER_S, LATENCY_TAU_MAX};
    static const ns_t values[] = {0, 1, LATENCY_MAX};
    for (size_t v = 0; v < 3 * 3; v++)
        for (size_t t = 0; t < ARRAY_LEN(taus); t++) {
            struct latency_model model;
            const struct latency_config config = both((struct latency_direction){.kind = LATENCY_LOGNORMAL,
                                                                                 .value = values[v % 3],
                                                                                 .min = values[v / 3],
                                                                                 .sigma = LATENCY_SIGMA_MAX,
                                                                                 .tau = taus[t]});
            make(&model, &config);
            for (size_t m = 0; m < ARRAY_LEN(moments); m++)
                for (uint64_t n = 0; n < 200; n++) {
                    const ns_t entry = latency_entry(&model, moments[m], n).delay;
                    const ns_t response = latency_response(&model, moments[m], n);
                    cr_assert(entry >= latency_entry_min(&model) && entry <= LATENCY_MAX);
                    cr_assert(response >= latency_response_min(&model) && response <= LATENCY_MAX);
                }
        }
}

Test(latency_model, the_least_delay_is_near_the_least_drawn)
{
    struct latency_model model;
    struct latency_direction direction = usual;
    direction.min = NS_PER_MS;
    const struct latency_config config = both(direction);
    make(&model, &config);
    const double expected = 1e6 + 5e6 * exp(-9.5 * 0.7);
    cr_expect_lt(fabs((double)latency_entry_min(&model) - expected), 2, "%" PRId64, latency_entry_min(&model));
}

Test(latency_model, constant_is_constant)
{
    struct latency_model model;
    const struct latency_config config = {.entry = {.value = 7}, .response = {.value = LATENCY_MAX}};
    make(&model, &config);
    cr_expect_eq(latency_entry(&model, START, 3).delay, 7);
    cr_expect_eq(latency_entry_min(&model), 7);
    cr_expect_eq(latency_response(&model, INT64_MIN, UINT64_MAX), LATENCY_MAX);
    cr_expect_eq(latency_response_min(&model), LATENCY_MAX);
}

Test(latency_model, what_cannot_be_is_refused_with_words)
{
    static const ns_t falling[] = {3, 2};
    struct latency_config config = both((struct latency_direction){.value = -1});
    refused(&config, ERR_RANGE, "entry: a latency is 0 to an hour, not -1 ns");
    config = both((struct latency_direction){.value = LATENCY_MAX + 1});
    refused(&config, ERR_RANGE, "an hour");
    config = both((struct latency_direction){.kind = LATENCY_LOGNORMAL, .sigma = LATENCY_SIGMA_MAX + 1});
    refused(&config, ERR_RANGE, "sigma is 0 to 4");
    config = both((struct latency_direction){.kind = LATENCY_LOGNORMAL, .tau = 999});
    refused(&config, ERR_RANGE, "bursts last 1us to 24h");
    config = (struct latency_config){.response = {.kind = LATENCY_EMPIRICAL}};
    refused(&config, ERR_RANGE, "response: no samples");
    config = both((struct latency_direction){.kind = LATENCY_EMPIRICAL, .samples = falling, .sample_count = 2});
    refused(&config, ERR_ORDER, "sample 1 is smaller");
}

/* Written down once: other numbers mean that old runs no longer replay, or that a compiler computes differently. */
Test(latency_model, delays_are_the_same_with_every_compiler)
{
    static const ns_t samples[] = {100, 250, 260, 1000, 4000, 100000};
    struct digest digest;
    char text[DIGEST_TEXT_SIZE];
    digest_init(&digest, 0);
    for (int n = 0; n < 8; n++) {
        struct latency_model model;
        const struct latency_config config =
            both((struct latency_direction){.kind = n % 2 == 0 ? LATENCY_LOGNORMAL : LATENCY_EMPIRICAL,
                                            .value = 5 * NS_PER_MS,
                                            .min = n * 1000,
                                            .sigma = INT64_C(300000000) * (n + 1),
                                            .tau = n < 4 ? 0 : n * 10000019,
                                            .samples = samples,
                                            .sample_count = ARRAY_LEN(samples)});
        make(&model, &config);
        for (int i = 0; i < 5000; i++) {
            digest_u64(&digest, (uint64_t)latency_entry(&model, START + i * INT64_C(1234567), (uint64_t)i % 3).delay);
            digest_u64(&digest, (uint64_t)latency_response(&model, START + i * INT64_C(1234567), (uint64_t)i % 3));
        }
    }
    digest_text(digest_value(&digest), text);
    cr_assert_str_eq(text, "58507df72fbbcdd938459bcbf83c15fe");
}

/* ---- interpolated ---- */

#define ROWS(...)                                                                                                    \
    (const struct latency_row[])                                                                                     \
    {                                                                                                                \
        __VA_ARGS__                                                                                                  \
    }

struct measured {
    struct latency_model model;
    struct latency_row accepted[16];
};

static void measure(struct measured *measured, const struct latency_row *rows, uint32_t count)
{
    const struct latency_config config = {
        .entry = {.kind = LATENCY_INTERPOLATED, .rows = rows, .row_count = count},
        .response = {.kind = LATENCY_INTERPOLATED,
                     .rows = measured->accepted,
                     .row_count = latency_rows_accepted(rows, count, measured->accepted)}};
    make(&measured->model, &config);
}

static void entry_is(const struct measured *measured, ns_t at, ns_t delay, bool rejected)
{
    const struct latency_outcome got = latency_entry(&measured->model, at, 0);
    cr_expect_eq(got.delay, delay, "entry at %" PRId64 ": %" PRId64 ", expected %" PRId64, at, got.delay, delay);
    cr_expect_eq(got.rejected, rejected, "entry at %" PRId64, at);
}

static void response_is(const struct measured *measured, ns_t at, ns_t delay)
{
    const ns_t got = latency_response(&measured->model, at, 0);
    cr_expect_eq(got, delay, "response at %" PRId64 ": %" PRId64 ", expected %" PRId64, at, got, delay);
}

/*            req   exch   resp    entry   response
 *  row 0    1000   1100   1300      100        200
 *  row 1    2000   2300   2400      300        100
 *  row 2    3000   3050   3060       50         10 */
static const struct latency_row three[] = {{1000, 1100, 1300}, {2000, 2300, 2400}, {3000, 3050, 3060}};

Test(latency_interpolated, entry_is_a_line_between_rows)
{
    struct measured measured;
    measure(&measured, three, 3);
    entry_is(&measured, 1000, 100, false);
    entry_is(&measured, 1001, 100, false); /* 100.2, down */
    entry_is(&measured, 1004, 100, false); /* 100.8, down */
    entry_is(&measured, 1005, 101, false);
    entry_is(&measured, 1500, 200, false);
    entry_is(&measured, 1999, 299, false); /* 299.8 */
    entry_is(&measured, 2000, 300, false);
    entry_is(&measured, 2001, 299, false); /* 299.75: down where the line falls, too */
    entry_is(&measured, 2004, 299, false);
    entry_is(&measured, 2500, 175, false);
    entry_is(&measured, 2999, 50, false); /* 50.25 */
}

Test(latency_interpolated, response_goes_by_the_venue_s_stamp)
{
    struct measured measured;
    measure(&measured, three, 3);
    response_is(&measured, 1100, 200);
    response_is(&measured, 1101, 199); /* 199.9166 */
    response_is(&measured, 1700, 150);
    response_is(&measured, 2300, 100);
    response_is(&measured, 2675, 55);
    response_is(&measured, 3049, 10); /* 10.12 */
}

Test(latency_interpolated, beyond_the_ends_the_end_row_counts)
{
    struct measured measured;
    measure(&measured, three, 3);
    entry_is(&measured, INT64_MIN, 100, false);
    entry_is(&measured, 999, 100, false);
    entry_is(&measured, 3000, 50, false);
    entry_is(&measured, INT64_MAX, 50, false);
    response_is(&measured, INT64_MIN, 200);
    response_is(&measured, 1099, 200);
    response_is(&measured, 3050, 10);
    response_is(&measured, INT64_MAX, 10);
    cr_expect_eq(latency_entry_min(&measured.model), 50);
    cr_expect_eq(latency_response_min(&measured.model), 10);
}

Test(latency_interpolated, one_row_is_a_constant)
{
    struct measured measured;
    measure(&measured, three, 1);
    entry_is(&measured, 5, 100, false);
    entry_is(&measured, 1000, 100, false);
    entry_is(&measured, 5000, 100, false);
    response_is(&measured, 5000, 200);
}

Test(latency_interpolated, of_equal_keys_the_later_row_counts)
{
    struct measured measured;
    measure(&measured,
            ROWS({1000, 1100, 1300}, {2000, 2200, 2300}, {2000, 2400, 2500}, {2000, 2400, 2800}, {3000, 3100, 3200}),
            5);
    entry_is(&measured, 1999, 199, false); /* toward the first of them: 199.9 */
    entry_is(&measured, 2000, 400, false); /* from then on the last */
    entry_is(&measured, 2500, 250, false);
    response_is(&measured, 2399, 100); /* 2200: 100, 2400 first: 100 */
    response_is(&measured, 2400, 400); /* last */
    response_is(&measured, 2750, 250);
}

Test(latency_interpolated, equal_keys_at_the_ends)
{
    struct measured measured;
    measure(&measured, ROWS({1000, 1100, 1200}, {1000, 1300, 1400}), 2);
    entry_is(&measured, 999, 100, false);
    entry_is(&measured, 1000, 300, false);
    entry_is(&measured, 1001, 300, false);
}

/* Rejected when a row beside the moment was: known after the interpolated way there and back. */
Test(latency_interpolated, beside_a_rejected_row_requests_are_rejected)
{
    struct measured measured;
    measure(&measured,
            ROWS({1000, 1100, 1300}, {2000, 0, 2900}, {3000, -1, 3100}, {4000, 4200, 4250}, {5000, 5100, 5500}), 5);
    entry_is(&measured, 999, 100, false);
    entry_is(&measured, 1000, 300, true); /* resp - req: 300 here, 900 there */
    entry_is(&measured, 1500, 600, true);
    entry_is(&measured, 2000, 900, true);
    entry_is(&measured, 2500, 500, true);
    entry_is(&measured, 3999, 249, true); /* 249.85 */
    entry_is(&measured, 4000, 200, false);
    entry_is(&measured, 4500, 150, false);
    /* the answer's line knows only rows that reached the venue: (1100, 200), (4200, 50), (5100, 400) */
    response_is(&measured, 2650, 125);
    response_is(&measured, 4650, 225);
}

Test(latency_interpolated, large_numbers_do_not_overflow)
{
    struct measured measured;
    measure(&measured, ROWS({0, LATENCY_MAX, LATENCY_MAX}, {INT64_MAX - 10, INT64_MAX - 5, INT64_MAX}), 2);
    entry_is(&measured, 0, LATENCY_MAX, false);
    entry_is(&measured, INT64_MAX / 2 - 5, (LATENCY_MAX + 5) / 2, false);
    entry_is(&measured, INT64_MAX - 11, 5, false);
}

Test(latency_interpolated, rows_that_mean_nothing_are_refused)
{
    static const struct {
        struct latency_row rows[3];
        uint32_t count, bad;
        err_t code;
        const char *words;
    } cases[] = {
        {{{0}}, 0, 0, ERR_RANGE, "no rows"},
        {{{1, 0, 3}, {4, 5, 6}}, 2, 0, ERR_STATE, "every request before"},
        {{{1, 2, 3}, {4, 0, 6}}, 2, 1, ERR_STATE, "every request after"},
        {{{1, 2, 3}, {4, 3, 6}, {7, 8, 9}}, 3, 1, ERR_RANGE, "not between req 4 and resp 6"},
        {{{1, 2, 3}, {4, 7, 6}, {7, 8, 9}}, 3, 1, ERR_RANGE, "not between"},
        {{{1, 2, 3}, {4, 0, 3}, {7, 8, 9}}, 3, 1, ERR_RANGE, "before the request was sent"},
        {{{5, 6, 7}, {4, 6, 7}}, 2, 1, ERR_ORDER, "rows must rise in req"},
        {{{5, 9, 9}, {6, 8, 9}}, 2, 1, ERR_ORDER, "order in which they were sent"},
        {{{5, 9, 9}, {5, 0, 9}, {6, 8, 9}}, 3, 2, ERR_ORDER, "order in which they were sent"},
        {{{-5, 9, 9}}, 1, 0, ERR_RANGE, "before time began"},
        {{{5, 9, 9}, {6, 10, LATENCY_MAX + 7}}, 2, 1, ERR_RANGE, "are all stamps in ns"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t bad = 99;
        struct err_text why = {0};
        cr_expect_eq(latency_rows_check(cases[i].rows, cases[i].count, &bad, &why), cases[i].code, "case %zu", i);
        cr_expect_eq(bad, cases[i].bad, "case %zu", i);
        cr_expect_not_null(strstr(why.text, cases[i].words), "case %zu: %s", i, why.text);
    }
}
