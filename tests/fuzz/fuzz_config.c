/* fuzz_config.c: any bytes as a config file, and any line of it as a --set. What is accepted must resolve to a text
 * that is accepted again, unchanged. */
#include "cli/config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct run_config *parse(const char *text, size_t size, const struct option_list *sets)
{
    struct run_config *config = NULL;
    struct err_text why = {0};
    struct config_options options = {.sets = sets, .tapes = NULL};
    err_t err = run_config_parse(&config, "fuzz.yaml", text, size, &options, &why);
    if (err != ERR_OK && why.text[0] == '\0')
        abort(); /* an error without a sentence */
    return err == ERR_OK ? config : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run_config *config = parse((const char *)data, size, NULL);
    if (config != NULL) {
        struct run_config *again = parse(config->resolved, strlen(config->resolved), NULL);
        if (again == NULL || strcmp(again->hash, config->hash) != 0)
            abort();
        run_config_free(again);
    }
    run_config_free(config);

    static const char base[] = "feed: {tapes: [a]}\nstrategy: {name: maker}\n";
    char *line = malloc(size + 1);
    if (line == NULL)
        return 0;
    memcpy(line, data, size);
    line[size] = '\0';
    line[strcspn(line, "\n")] = '\0';
    const char *items[] = {line};
    struct option_list sets = {.items = items, .count = 1};
    run_config_free(parse(base, sizeof(base) - 1, &sets));
    free(line);
    return 0;
}
