/* options.h: the words after a verb, by one table.
 *
 *     const char *out = NULL;
 *     bool json = false;
 *     struct option_list tapes = {0};
 *     const struct option_spec specs[] = {
 *         {"out", 'o', OPTION_TEXT, &out, .value = "DIR"},
 *         {"json", 'j', OPTION_FLAG, &json},
 *         {"tape", 't', OPTION_WORDS, &tapes, .value = "FILE"},
 *     };
 *     err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
 *
 * Long and short forms (`--out DIR`, `--out=DIR`, `-o DIR`, `-oDIR`, `-jv`); `--` ends the options; a single
 * `-` is an operand. Operands are moved to argv[1..argc-1], in their order. Options given twice: the last one
 * wins, lists grow. Every error names the option, the value and what was expected; unknown options come
 * with a suggestion. `--help` never gets here: main answers it for every verb.
 */
#ifndef TAPEDECK_CLI_OPTIONS_H
#define TAPEDECK_CLI_OPTIONS_H

#include "core/err.h"

enum option_type {
    OPTION_FLAG,     /* bool: no value */
    OPTION_TEXT,     /* const char *: lives as long as argv */
    OPTION_INT,      /* int64_t, minimum..maximum when they differ */
    OPTION_SIZE,     /* uint64_t bytes or counts: 4096, 64K, 16M, 2G (powers of 1024), 64KiB, 20e6 */
    OPTION_DURATION, /* ns_t: 250ms, 5s, 1m, 2h, 1d, 10us, 7ns */
    OPTION_TIME,     /* ns_t: 2024-08-08T00:00:01.5Z, 2024-08-08, or ns since 1970 */
    OPTION_CHOICE,   /* int: the number of the word in `choices`, "slow|fast" */
    OPTION_LIST,     /* struct option_list: one value each time it is given */
    OPTION_WORDS,    /* struct option_list: all words up to the next option */
};

struct option_list {
    const char **items; /* freed by option_list_free; the texts live as long as argv */
    size_t count;
    size_t capacity;
};

struct option_spec {
    const char *name; /* long form, without the dashes */
    char letter;      /* short form, 0: none */
    enum option_type type;
    void *target;        /* by type; untouched when the option is not given */
    const char *value;   /* name of the value, for messages: "FILE" */
    const char *choices; /* OPTION_CHOICE: "a|b|c" */
    int64_t minimum, maximum;
    bool *given; /* set when the option was there, may be NULL */
};

/* `argv[0]` is the verb and stays. ERR_USAGE with a sentence, ERR_NOMEM. */
err_t options_parse(const struct option_spec *specs, size_t spec_count, int *argc, char **argv,
                    struct err_text *why) MUST_USE;
/* Between `least` and `most` operands or ERR_USAGE; `operands` is how the synopsis names them: "CONFIG". */
err_t options_operands(int argc, char **argv, int least, int most, const char *operands,
                       struct err_text *why) MUST_USE;
err_t option_list_add(struct option_list *list, const char *item) MUST_USE;
void option_list_free(struct option_list *list);

#endif
