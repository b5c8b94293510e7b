/* strategy_variables.h: what a strategy shows of itself (core/strategy.h), as text. */
#ifndef TAPEDECK_CLI_STRATEGY_VARIABLES_H
#define TAPEDECK_CLI_STRATEGY_VARIABLES_H

#include "core/strategy.h"

#define VARIABLE_TEXT_SIZE 320

/* A table whose entries have names of their own and lie in the state. ERR_CONFIG otherwise; `where` is the plug-in's
 * path. */
err_t strategy_variables_check(const struct strategy *strategy, const char *where, struct err_text *why) MUST_USE;
/* Its value in `state`. */
void strategy_variable_text(const struct strategy_variable *variable, const void *state,
                            const struct instrument *instruments, uint16_t instrument_count,
                            char text[VARIABLE_TEXT_SIZE]);

#endif
