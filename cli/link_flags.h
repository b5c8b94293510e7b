/* link_flags.h: one venue on the command line in place of a config: --venue, --symbols and what belongs to them. */
#ifndef TAPEDECK_CLI_LINK_FLAGS_H
#define TAPEDECK_CLI_LINK_FLAGS_H

#include "cli/config.h"

struct link_flags {
    const char *venue, *symbols, *streams, *rest, *stream, *ca_file; /* NULL: not given */
};

/* The config that they stand for, or the CONFIG of argv (operands as options_parse left them). ERR_USAGE: both, or
 * neither. */
err_t link_flags_config(const struct link_flags *flags, int argc, char **argv, const struct config_options *options,
                        struct run_config **config, struct err_text *why) MUST_USE;

#endif
