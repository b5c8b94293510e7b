/* strategy_new.h: writes a plug-in project that compiles, loads and runs as it is. */
#ifndef TAPEDECK_CLI_STRATEGY_NEW_H
#define TAPEDECK_CLI_STRATEGY_NEW_H

#include "core/err.h"

/* `name` is a C identifier in lower case; `dir` NULL: a folder of that name. Nothing that exists is touched.
 * Says on stdout what it wrote and what to do next. */
err_t strategy_new(const char *name, const char *dir, struct err_text *why) MUST_USE;

#endif
