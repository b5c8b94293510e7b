#include "cli/config.h"
#include "cli/config_schema.h"
#include "cli/exit_code.h"
#include "cli/json_out.h"
#include "cli/options.h"
#include "cli/suggest.h"
#include "cli/verbs.h"

#include <string.h>

const char verb_config_help[] =
    "NAME\n"
    "  tapedeck config - check a run's configuration, and explain its keys\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck config check FILE [--set KEY=VALUE]... [--tape FILE...] [--resolved] [--json]\n"
    "  tapedeck config explain [KEY] [--json]\n"
    "\n"
    "DESCRIPTION\n"
    "  check     reads FILE as 'tapedeck run' would: every key, type, unit and range, the strategy and its\n"
    "            parameters, and that the tapes are there. The first thing that is wrong is shown with file,\n"
    "            line, column and a caret, with what is allowed there. Nothing is run.\n"
    "  explain   prints every key with its type, default, range and meaning, or those under KEY.\n"
    "\n"
    "OPTIONS\n"
    "  -s, --set KEY=VALUE   put VALUE in the place of what the file says: --set risk.open_orders_max=4\n"
    "  -t, --tape FILE...    these tapes in the place of feed.tapes\n"
    "  -r, --resolved        print the whole config as it would run, defaults included\n"
    "  -j, --json            machine-readable output\n"
    "\n"
    "EXIT STATUS\n"
    "  0  the config is right\n"
    "  2  wrong command line\n"
    "  3  the config is wrong\n"
    "  5  the file could not be read\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck config check examples/maker.yaml --tape demo.tape\n"
    "  tapedeck config check run.yaml --set seed=7 --resolved\n"
    "  tapedeck config explain risk\n"
    "  tapedeck config explain feed.speed\n";

static int print_json(const struct run_config *config)
{
    json_t *result = json_object();
    json_set_bool(result, "ok", true);
    json_set_text(result, "config_hash", config->hash);
    json_set_text(result, "strategy", config->strategy->name);
    json_set_u64(result, "seed", config->seed);
    json_set_u64(result, "tapes", config->feed.tape_count);
    json_set_text(result, "resolved", config->resolved);
    return exit_code_of(json_print(stdout, result, false));
}

static err_t check(const char *path, const struct config_options *options, bool resolved, bool json, int *code,
                   struct err_text *why)
{
    struct run_config *config = NULL;
    err_t err = run_config_load(&config, path, options, why);
    if (err == ERR_OK)
        err = run_config_check_files(config, why);
    if (err == ERR_OK && json)
        *code = print_json(config);
    else if (err == ERR_OK && resolved)
        fputs(config->resolved, stdout);
    else if (err == ERR_OK)
        printf("%s: ok, strategy %s, config hash %s\n", path, config->strategy->name, config->hash);
    run_config_free(config);
    return err;
}

static int action_check(int argc, char **argv)
{
    struct option_list sets = {0}, tapes = {0};
    bool resolved = false, json = false;
    const struct option_spec specs[] = {
        {.name = "set", .letter = 's', .type = OPTION_LIST, .target = &sets, .value = "KEY=VALUE"},
        {.name = "tape", .letter = 't', .type = OPTION_WORDS, .target = &tapes, .value = "FILE"},
        {.name = "resolved", .letter = 'r', .type = OPTION_FLAG, .target = &resolved},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &json},
    };
    struct err_text why = {0};
    int code = EXIT_CODE_OK;
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 1, 1, "one FILE (before --tape)", &why);
    if (err == ERR_OK) {
        struct config_options options = {.sets = &sets, .tapes = &tapes};
        err = check(argv[1], &options, resolved, json, &code, &why);
    }
    option_list_free(&sets);
    option_list_free(&tapes);
    return err == ERR_OK ? code : exit_with("config", &why);
}

static int unknown_key(const char *path)
{
    struct suggestion suggestion;
    char hint[128];
    struct err_text why = {0};
    suggest_start(&suggestion, path, strlen(path));
    for (size_t i = 0; i < config_key_count; i++) {
        suggest_offer(&suggestion, config_keys[i].path);
        suggest_offer(&suggestion, config_key_name(&config_keys[i]));
    }
    (void)err_say(&why, ERR_USAGE, "there is no key '%s'%s", path, suggest_text(&suggestion, hint));
    return exit_with("config", &why);
}

static int action_explain(int argc, char **argv)
{
    bool json = false;
    const struct option_spec specs[] = {
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &json},
    };
    struct err_text why = {0};
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 0, 1, "at most one KEY", &why);
    if (err != ERR_OK)
        return exit_with("config", &why);
    const char *path = argc > 1 ? argv[1] : NULL;
    bool found = json ? config_explain_json(stdout, path) : config_explain(stdout, path);
    return found ? EXIT_CODE_OK : unknown_key(path);
}

int verb_config(int argc, char **argv)
{
    struct err_text why = {0};
    if (argc > 1 && strcmp(argv[1], "check") == 0)
        return action_check(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "explain") == 0)
        return action_explain(argc - 1, argv + 1);
    (void)err_say(&why, ERR_USAGE, "expected check or explain, got %s%s%s", argc > 1 ? "'" : "",
                  argc > 1 ? argv[1] : "nothing", argc > 1 ? "'" : "");
    return exit_with("config", &why);
}
