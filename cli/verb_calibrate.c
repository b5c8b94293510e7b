#include "cli/calibrate.h"
#include "cli/exit_code.h"
#include "cli/stop_signal.h"
#include "cli/verbs.h"

#include "core/decimal.h"

#include <stdio.h>
#include <string.h>

const char verb_calibrate_help[] =
    "NAME\n"
    "  tapedeck calibrate - let own recorded fills choose the queue model\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck calibrate [CONFIG] --orders FILE.csv [--tape FILE...] [--set KEY=VALUE]... [--models LIST]\n"
    "                     [--exponents FROM:TO] [--tolerance TIME] [--folds N] [--json]\n"
    "\n"
    "DESCRIPTION\n"
    "  FILE.csv holds own orders and what became of each: the columns of a script (order_id, submit_ts, side,\n"
    "  price, qty, type, tif, cancel_ts), `filled` (a quantity, 0 for none) and `first_fill_ts` (when you heard\n"
    "  of the first fill). An outcomes.csv of the strategy 'scripted' will do as it is.\n"
    "\n"
    "  The orders are run through every queue model of a grid over the same tapes, and each model's first fills\n"
    "  are held against the real ones: too early, too late, or the same. The model that is too early as often as\n"
    "  too late, in orders of every kind, is chosen. Its error is told as it is on orders that it was not\n"
    "  chosen by: the orders are split by days, or by blocks of time, and each part is scored with the model\n"
    "  that the others choose. Printed at the end: the lines for your config.\n"
    "\n"
    "  CONFIG gives tapes, latencies, fees and instruments as in 'tapedeck run'; its strategy, queue model and\n"
    "  risk limits are not used. Set the latencies to what you really had before you calibrate. Without CONFIG\n"
    "  all keys have their defaults. docs/calibration.md explains all of it.\n"
    "\n"
    "OPTIONS\n"
    "  -r, --orders FILE       own orders and their real outcomes\n"
    "  -t, --tape FILE...      the tapes of those hours; all words up to the next option\n"
    "  -s, --set KEY=VALUE     as in 'tapedeck run': --set venue.latency.entry=4ms\n"
    "  -m, --models LIST       of proportional,power,power2,power3,log,log2 (default: all of them); pessimistic\n"
    "                          and optimistic are always there\n"
    "  -e, --exponents RANGE   n of the power models, in steps of 0.25 (default: 0.5:6, at most 0.25:8)\n"
    "      --tolerance TIME    first fills at most this far apart are the same (default: 100ms)\n"
    "      --folds N           parts for the held-out error, 2 to 20 (default: days, up to 10, or 5 of time)\n"
    "  -q, --quiet             no progress bar\n"
    "  -j, --json              machine-readable, with the figures of every model\n"
    "\n"
    "EXIT STATUS\n"
    "  0    a model was chosen; doubts are printed as warnings\n"
    "  2    wrong command line\n"
    "  3    the config or the file of orders is wrong\n"
    "  4    a tape is damaged, or the orders give nothing to choose by (none filled, or all)\n"
    "  5    a file could not be read\n"
    "  130  interrupted (143: terminated)\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck calibrate --orders mine.csv --tape monday.tape tuesday.tape wednesday.tape\n"
    "  tapedeck calibrate live.yaml --orders mine.csv --models power --exponents 1:4\n"
    "  tapedeck calibrate run.yaml --orders runs/truth/outcomes.csv --json\n";

static err_t read_models(struct calibrate *calibrate, const char *list, struct err_text *why)
{
    for (enum queue_kind kind = QUEUE_PROPORTIONAL; kind <= QUEUE_LOG2; kind++)
        calibrate->kinds[kind] = list == NULL;
    for (const char *at = list; at != NULL && *at != '\0';) {
        const size_t size = strcspn(at, ",");
        enum queue_kind kind = QUEUE_PESSIMISTIC;
        while (kind <= QUEUE_LOG2 &&
               (strlen(calibrate_kind_name(kind)) != size || memcmp(calibrate_kind_name(kind), at, size) != 0))
            kind++;
        if (kind > QUEUE_LOG2)
            return err_say(why, ERR_USAGE,
                           "--models: expected words of proportional,power,power2,power3,log,log2, got '%.*s'",
                           (int)size, at);
        calibrate->kinds[kind] = true; /* the bounds are there anyway */
        at += size + (at[size] == ',');
    }
    return ERR_OK;
}

static bool read_exponent(const char *text, size_t size, uint32_t *quarters)
{
    int64_t hundredths;
    if (decimal_parse(text, size, 2, ROUND_EXACT, &hundredths) != ERR_OK || hundredths <= 0 ||
        hundredths * QUEUE_EXPONENT_ONE % 100 != 0 || hundredths * QUEUE_EXPONENT_ONE / 100 > QUEUE_EXPONENT_MAX)
        return false;
    *quarters = (uint32_t)(hundredths * QUEUE_EXPONENT_ONE / 100);
    return true;
}

static err_t read_exponents(struct calibrate *calibrate, const char *range, struct err_text *why)
{
    const char *colon = strchr(range, ':');
    if (colon == NULL || !read_exponent(range, (size_t)(colon - range), &calibrate->exponent_first) ||
        !read_exponent(colon + 1, strlen(colon + 1), &calibrate->exponent_last) ||
        calibrate->exponent_first > calibrate->exponent_last)
        return err_say(why, ERR_USAGE, "--exponents: expected FROM:TO in steps of 0.25, within 0.25:8, got '%s'",
                       range);
    return ERR_OK;
}

int verb_calibrate(int argc, char **argv)
{
    struct calibrate calibrate = {.tolerance = 100 * NS_PER_MS};
    struct option_list sets = {0}, tapes = {0};
    struct err_text why = {0};
    const char *models = NULL, *exponents = "0.5:6";
    int64_t folds = 0;
    bool json = false, quiet = false;
    const struct option_spec specs[] = {
        {.name = "orders", .letter = 'r', .type = OPTION_TEXT, .target = &calibrate.orders_path, .value = "FILE"},
        {.name = "tape", .letter = 't', .type = OPTION_WORDS, .target = &tapes, .value = "FILE"},
        {.name = "set", .letter = 's', .type = OPTION_LIST, .target = &sets, .value = "KEY=VALUE"},
        {.name = "models", .letter = 'm', .type = OPTION_TEXT, .target = &models, .value = "LIST"},
        {.name = "exponents", .letter = 'e', .type = OPTION_TEXT, .target = &exponents, .value = "RANGE"},
        {.name = "tolerance",
         .type = OPTION_DURATION,
         .target = &calibrate.tolerance,
         .value = "TIME",
         .minimum = 0,
         .maximum = 86400 * NS_PER_S},
        {.name = "folds",
         .type = OPTION_INT,
         .target = &folds,
         .value = "N",
         .minimum = 2,
         .maximum = SCORE_FOLDS_MAX},
        {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .target = &quiet},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &json},
    };
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 0, 1, "at most one CONFIG (before --tape)", &why);
    if (err == ERR_OK && calibrate.orders_path == NULL)
        err = err_say(&why, ERR_USAGE, "--orders is missing: a CSV of own orders and what became of them");
    if (err == ERR_OK)
        err = read_models(&calibrate, models, &why);
    if (err == ERR_OK)
        err = read_exponents(&calibrate, exponents, &why);
    if (err == ERR_OK) {
        calibrate.config_path = argc > 1 ? argv[1] : NULL;
        calibrate.sets = &sets;
        calibrate.tapes = &tapes;
        calibrate.folds_wanted = (uint32_t)folds;
        stop_signal_catch();
        progress_begin(&calibrate.progress, "calibrate", "levels", !quiet);
        err = calibrate_run(&calibrate, &why);
        progress_end(&calibrate.progress);
    }
    if (err == ERR_OK && json)
        err = calibrate_print_json(&calibrate) == ERR_OK
                  ? ERR_OK
                  : err_say(&why, ERR_IO, "standard output could not be written");
    else if (err == ERR_OK)
        calibrate_print(&calibrate);
    int code = err == ERR_OK ? EXIT_CODE_OK : exit_with("calibrate", &why);
    if (err == ERR_INTERRUPTED)
        code = stop_signal_exit_code();
    calibrate_free(&calibrate);
    option_list_free(&sets);
    option_list_free(&tapes);
    return code;
}
