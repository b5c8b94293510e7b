/* strategy_params.h: a strategy's typed parameters: text into its state block, and back.
 *
 *   int 3 | decimal 0.25 (at most 8 decimals) | duration 250ms | bool true | text anything | file orders.csv
 *
 * Ranges are those that the strategy declares, as text in the parameter's own unit.
 */
#ifndef TAPEDECK_CLI_STRATEGY_PARAMS_H
#define TAPEDECK_CLI_STRATEGY_PARAMS_H

#include "core/strategy.h"

const char *strategy_param_type_name(enum param_type type);
/* Bytes of the value in the state, 0 for an unknown type; and their alignment. */
size_t strategy_param_size(enum param_type type);
size_t strategy_param_align(enum param_type type);

/* To `value` (strategy_param_size bytes, untouched on failure). ERR_SYNTAX, ERR_RANGE, ERR_PRECISION. */
err_t strategy_param_parse_value(const struct strategy_param *param, const char *text, size_t size,
                                 void *value) MUST_USE;
/* Into the state block. */
err_t strategy_param_parse(const struct strategy_param *param, const char *text, size_t size, void *state) MUST_USE;
/* "name=value" into the state of a run that goes on: for engine_config. ERR_UNKNOWN: no such parameter;
 * ERR_UNSUPPORTED: a file, which is read before the start. */
err_t strategy_params_set(const struct strategy *strategy, void *state, const char *text,
                          struct err_text *why) MUST_USE;
/* All defaults; parameters without one stay zero. The strategy has passed strategy_check. */
void strategy_params_defaults(const struct strategy *strategy, void *state);

#define STRATEGY_PARAM_EXPECTED_SIZE 256
/* "a duration from 1ms to 1h (such as 250ms)"; returns the buffer. */
const char *strategy_param_expected(const struct strategy_param *param, char *text);
/* The allowed range for tables: "1 .. 1000", ">= 0", "". Returns the buffer (96 bytes). */
const char *strategy_param_range(const struct strategy_param *param, char *text);
/* Canonical text of the value in the state; the buffer holds PARAM_TEXT_SIZE bytes; returns it. */
const char *strategy_param_text(const struct strategy_param *param, const void *state, char *text);

#endif
