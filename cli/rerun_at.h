/* rerun_at.h: a place in a run, as a user writes it: a number of inputs, or a moment. */
#ifndef TAPEDECK_CLI_RERUN_AT_H
#define TAPEDECK_CLI_RERUN_AT_H

#include "cli/rerun.h"

/* Digits only: after so many inputs; else a date, or a date and a time. ERR_USAGE: neither, or beyond the end of the
 * run. */
err_t rerun_seek_at(struct rerun *rerun, const char *at, struct err_text *why) MUST_USE;

#endif
