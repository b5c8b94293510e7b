#include "cli/link_flags.h"

#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>

static err_t parse_flags(const struct link_flags *flags, const struct config_options *options,
                         struct run_config **config, struct err_text *why)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    fprintf(file, "feed:\n  live:\n    - venue: '%s'\n      symbols: '%s'\n", flags->venue, flags->symbols);
    if (flags->streams != NULL)
        fprintf(file, "      streams: '%s'\n", flags->streams);
    if (flags->rest != NULL)
        fprintf(file, "      rest: '%s'\n", flags->rest);
    if (flags->stream != NULL)
        fprintf(file, "      stream: '%s'\n", flags->stream);
    if (flags->ca_file != NULL)
        fprintf(file, "session:\n  ca_file: '%s'\n", flags->ca_file);
    if (fclose(file) != 0) {
        free(text);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    const err_t err = run_config_parse(config, "command line", text, size, options, why);
    free(text);
    return err;
}

err_t link_flags_config(const struct link_flags *flags, int argc, char **argv, const struct config_options *options,
                        struct run_config **config, struct err_text *why)
{
    const bool given = flags->venue != NULL || flags->symbols != NULL;
    if (given == (argc > 1))
        return err_say(why, ERR_USAGE, "expected one CONFIG, or --venue and --symbols");
    if (given && (flags->venue == NULL || flags->symbols == NULL))
        return err_say(why, ERR_USAGE, "--venue and --symbols belong together");
    if (!given && (flags->streams != NULL || flags->rest != NULL || flags->stream != NULL || flags->ca_file != NULL))
        return err_say(why, ERR_USAGE,
                       "--streams, --rest, --stream and --ca-file go with --venue; use --set with a CONFIG");
    if (given)
        return parse_flags(flags, options, config, why);
    const err_t err = options_operands(argc, argv, 1, 1, "one CONFIG", why);
    return err == ERR_OK ? run_config_load(config, argv[1], options, why) : err;
}
