/* rules_up.h: which rules the simulated venue of a run keeps, and the profile behind a venue's name.
 *
 *   venue.rules: venue   rows of the venue's profile, by date  ◄── config overrides (instruments[], venue.fees) win
 *                tape    what the tape says of the instrument
 *                none    positive prices and quantities
 *
 * The instruments that strategies see are those of the day on which the run begins; the venue itself goes with the
 * dates.
 */
#ifndef TAPEDECK_CLI_RULES_UP_H
#define TAPEDECK_CLI_RULES_UP_H

#include "cli/config.h"
#include "core/venue_rules.h"

/* NULL: no rules known. */
const struct venue_profile *rules_profile(const char *venue);
/* All of them, ending with NULL. */
extern const struct venue_profile *const rules_profiles[];

/* Put the rules of `ts` and the config's overrides into an instrument; `rules` is filled for the venue and `*has`
 * says so (false: the venue goes by the instrument alone). Errors as of run_config_apply_instrument, and ERR_RANGE.
 */
err_t rules_up(const struct run_config *config, ns_t ts, struct instrument *instrument, struct venue_rules *rules,
               bool *has, struct err_text *why) MUST_USE;

#endif
