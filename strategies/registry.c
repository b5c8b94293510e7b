#include "strategies/registry.h"

const struct strategy *const strategies_builtin[] = {
    &noop_strategy, &maker_strategy, &grid_strategy, &cross_strategy, &scripted_strategy,
};
const uint32_t strategies_builtin_count = ARRAY_LEN(strategies_builtin);
