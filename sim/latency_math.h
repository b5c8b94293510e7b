/* latency_math.h: exp, square root and the normal distribution in integers: the same on every machine.
 *
 * "Q62" is a number times 2^62. Errors are stated as bounds, and held against long double in the tests.
 *
 *   exp        y = k ln 2 + i ln 2 / 64 + r: a shift, a table of 64, and six terms of the series for 0 <= r < 0.011
 *   normal     a table of 129 values at steps of 1/16, and the Taylor series (Hermite functions) to h^6 from the
 *              nearest one, |h| <= 1/32
 */
#ifndef TAPEDECK_SIM_LATENCY_MATH_H
#define TAPEDECK_SIM_LATENCY_MATH_H

#include "core/base.h"

#define Q62      (INT64_C(1) << 62)
#define UNIT_1E9 INT64_C(1000000000)

/* e^y at Q62 for y at Q56, y <= 0. Error below 2^-54. */
int64_t latency_exp_neg(int64_t y_q56);
/* value x e^y, rounded down, for y at Q56 (-128 < y < 128); value >= 0; cut at INT64_MAX. Relative error below
 * 2^-54 before the rounding. */
int64_t latency_exp_scale(int64_t value, int64_t y_q56);
/* The square root of x at Q62, 0 <= x <= Q62, rounded down. */
int64_t latency_sqrt(int64_t x_q62);
/* P(Z <= z) at Q62 for a standard normal Z and z at 10^-9. Error below 10^-12; beyond 8 as at 8. */
int64_t latency_normal(int64_t z_1e9);

#endif
