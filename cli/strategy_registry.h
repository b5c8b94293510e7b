/* strategy_registry.h: strategies by name (compiled in) and by file (shared objects).
 *
 * A shared object is opened with all its symbols resolved at once, so a missing one is an error here and not a
 * crash in the middle of a run. It exports STRATEGY_SYMBOL; the table it returns is checked before anything
 * of it is used: its ABI number first, then names, parameters and their defaults.
 */
#ifndef TAPEDECK_CLI_STRATEGY_REGISTRY_H
#define TAPEDECK_CLI_STRATEGY_REGISTRY_H

#include "core/strategy.h"

struct strategy_library;

/* NULL when there is none of that name. */
const struct strategy *strategy_find(const char *name);
/* " (did you mean 'maker'?)" or ""; buffer of 128 bytes, returned. */
const char *strategy_suggest(const char *name, char *text);
/* ERR_NOTFOUND, ERR_CONFIG: not a plug-in, ERR_VERSION: built for another ABI. `strategy` lives until
 * strategy_unload. */
err_t strategy_load(const char *path, struct strategy_library **library, const struct strategy **strategy,
                    struct err_text *why) MUST_USE;
void strategy_unload(struct strategy_library *library);
/* The table itself is in order: ABI, names, parameter places inside the state, defaults that parse and lie in
 * their range. `where` begins the sentence. */
err_t strategy_check(const struct strategy *strategy, const char *where, struct err_text *why) MUST_USE;

#endif
