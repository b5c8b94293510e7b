/* quality_json.h: what is told of an instrument's data, in every report that counts them. */
#ifndef TAPEDECK_CLI_QUALITY_JSON_H
#define TAPEDECK_CLI_QUALITY_JSON_H

#include "cli/json_out.h"
#include "core/instrument.h"
#include "data/quality.h"

/* The caller's; more may be set in it. */
json_t *quality_json(const struct instrument *instrument, const struct quality *quality);

#endif
