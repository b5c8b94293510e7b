/* noop.c: the strategy that does nothing.
 *
 * All callbacks are absent, so a run with it costs what the engine itself costs: books are kept, the digest
 * is folded, nothing is called and nothing is sent. It is the zero of every speed figure, the quickest way to
 * see that a tape replays, and the smallest strategy that can exist.
 */
#include "strategies/registry.h"

const struct strategy noop_strategy = {
    .abi = STRATEGY_ABI,
    .name = "noop",
    .version = "1",
    .help =
        "Does nothing. Keeps the books up to date and sends no order: for checking tapes and measuring the engine.",
    .state_size = 0,
    .params = NULL,
    .param_count = 0,
};
