/* registry.h: the strategies that are compiled in, in the order in which `tapedeck strategy list` shows them.
 *
 * One strategy, one file: `strategies/<name>.c` ends in a `const struct strategy <name>_strategy`, and
 * registry.c names it. A strategy loaded from a shared object needs no entry here.
 */
#ifndef TAPEDECK_STRATEGIES_REGISTRY_H
#define TAPEDECK_STRATEGIES_REGISTRY_H

#include "core/strategy.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct strategy *const strategies_builtin[];
extern const uint32_t strategies_builtin_count;

extern const struct strategy noop_strategy;
extern const struct strategy maker_strategy;
extern const struct strategy grid_strategy;
extern const struct strategy cross_strategy;
extern const struct strategy scripted_strategy;

#ifdef __cplusplus
}
#endif
#endif
