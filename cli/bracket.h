/* bracket.h: the same run under several queue models in lockstep, and what comes out as an interval.
 *
 *   market ──► pessimistic   strategy, orders, account ──► profit ─┐
 *        ├───► the run's own strategy, orders, account ──► profit ─┼─► lowest .. highest
 *        └───► optimistic    strategy, orders, account ──► profit ─┘
 *
 * The lower bound also lets a trade through our price fill no more than its quantity (venue.trade_through), the upper
 * bound fills whole. The run's own model leads, and its outputs are those of the run without the bracket, byte for
 * byte. Where it is one of the two bounds itself, there are only two.
 */
#ifndef TAPEDECK_CLI_BRACKET_H
#define TAPEDECK_CLI_BRACKET_H

#include "cli/run_result.h"

/* Models that follow that of the run; returns how many. */
uint16_t bracket_followers(const struct run_config *config, struct queue_model followers[STAGE_FOLLOWERS_MAX]);
/* NULL without a bracket. */
json_t *bracket_json(const struct run_summary *summary);
void bracket_print(const struct run_summary *summary);

#endif
