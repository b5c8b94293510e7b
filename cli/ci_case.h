/* ci_case.h: one case of a suite, run, and what is kept of it.
 *
 *   case ─► run_config ─► stage ─► run ─► record     everything that a baseline holds
 *                                    └──► warnings, and the error when it did not end well
 *
 * The record is the same for the same binary, config and inputs; texts in it are exact and canonical, so that two
 * records can be compared as text:
 *
 *   case, format, seed, inputs, digest, config_hash      config        key: value, of every key that is in the hash
 *   tapes        {name, hash} a lane                     metrics       name: value (cli/run_metrics.h)
 *   binary       version, build_id, compiler             checkpoints   "inputs time digest", evenly spaced
 *
 * The checkpoints say how far two runs were the same: at most CI_CHECKPOINTS_MAX, a power of two of inputs apart.
 */
#ifndef TAPEDECK_CLI_CI_CASE_H
#define TAPEDECK_CLI_CI_CASE_H

#include "cli/ci_suite.h"

#include "cli/json_out.h"

#define CI_FORMAT           1
#define CI_CHECKPOINT_FIRST 256
#define CI_CHECKPOINTS_MAX  16

/* {"record": {...}, "warnings": {name: count}, "error": text or null}. Never NULL but for want of memory. Meant for a
 * process of its own (ci_pool.h): what a strategy breaks is then its own. */
json_t *ci_case_run(const struct ci_case *one);

/* How long the run takes in times of the bare loop (decode, books) over the same market data, at CI_RATIO_DECIMALS:
 * {"ratio": text, "over": bool, "error": text or null}. Both are measured in turn, `rounds` times, and the shortest
 * of each count; when that is over the bound, it is measured again twice: a slower run stays slow. */
json_t *ci_case_speed(const struct ci_case *one);

#endif
