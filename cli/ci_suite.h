/* ci_suite.h: the suite file of `tapedeck ci`: which runs, and how far their figures may move (docs/ci.md).
 *
 *   baselines: baselines            folder of the baselines, beside the suite
 *   tolerances: {...}               of every case
 *   cases:
 *     - name: maker                 its baseline is baselines/maker.json
 *       config: maker.yaml
 *       synth: {seed: 7, duration: 10m}     or tapes: [a.tape]
 *       set: ["strategy.params.half_spread=12"]
 *       tolerances: {profit: {absolute: "0.5", relative: "0.01"}, fills: {absolute: 3}}
 *       speed: {ratio_max: 6}
 *       allow: [gaps]
 *
 * Keys are strict, like the config's: errors name file, line and column, and show the text with a caret. Paths are
 * relative to the suite.
 */
#ifndef TAPEDECK_CLI_CI_SUITE_H
#define TAPEDECK_CLI_CI_SUITE_H

#include "cli/config_tree.h"
#include "cli/options.h"
#include "core/metrics.h"

/* What is worth a word and does not make a case fail by itself. name, words */
#define CI_WARNING_MAP(X)                                                                                            \
    X(GAPS, "gaps", "the data have gaps")                                                                            \
    X(STALE_CONFIG, "stale_config", "the baseline was recorded with another config")                                 \
    X(CLOCK_BEHIND, "clock_behind", "market events are stamped later than they arrived")                             \
    X(LOST_ORDERS, "lost_orders", "single orders of a level-3 book were lost")
#define CI_WARNING_ENUM(name, word, text) CI_WARN_##name,
enum ci_warning { CI_WARNING_MAP(CI_WARNING_ENUM) CI_WARNING_COUNT };
#undef CI_WARNING_ENUM
const char *ci_warning_name(enum ci_warning warning);
const char *ci_warning_words(enum ci_warning warning);

struct ci_tolerance {
    const char *metric; /* "profit", "profit.USDT" */
    struct metrics_bound bound;
};

#define CI_RATIO_DECIMALS 3
struct ci_case {
    const char *name;
    const char *config;              /* path */
    struct option_list sets, tapes;  /* as for run_config_load */
    struct ci_tolerance *tolerances; /* its own first, then the suite's: the first that fits counts */
    uint32_t tolerance_count;
    int64_t ratio_max; /* at CI_RATIO_DECIMALS; 0: speed is not looked at */
    uint32_t rounds;
    unsigned allowed; /* bits of enum ci_warning */
    bool chosen;      /* to be run: all, unless some are named */
};

struct ci_suite {
    const char *path, *baselines; /* the folder */
    struct ci_case *cases;
    uint32_t case_count;
    struct config_tree *tree; /* owns all texts */
};

/* ERR_CONFIG with the place; ERR_NOTFOUND, ERR_IO for the file itself. */
err_t ci_suite_load(struct ci_suite **suite, const char *path, struct err_text *why) MUST_USE;
/* The same from memory. */
err_t ci_suite_parse(struct ci_suite **suite, const char *path, const char *text, size_t size,
                     struct err_text *why) MUST_USE;
void ci_suite_free(struct ci_suite *suite);
/* Only these cases; ERR_USAGE with a suggestion for a name that there is not. None: all. */
err_t ci_suite_choose(struct ci_suite *suite, const struct option_list *names, struct err_text *why) MUST_USE;
/* How far a metric may move: "profit.USDT" goes before "profit". NULL: not at all. */
const struct metrics_bound *ci_case_bound(const struct ci_case *one, const char *metric);

#endif
