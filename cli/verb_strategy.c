#include "cli/exit_code.h"
#include "cli/json_out.h"
#include "cli/options.h"
#include "cli/strategy_new.h"
#include "cli/strategy_params.h"
#include "cli/strategy_registry.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "strategies/registry.h"

#include <string.h>

const char verb_strategy_help[] =
    "NAME\n"
    "  tapedeck strategy - list and show strategies, begin a new one\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck strategy list [--json]\n"
    "  tapedeck strategy show NAME|FILE.so [--json]\n"
    "  tapedeck strategy new NAME [--dir DIR]\n"
    "\n"
    "DESCRIPTION\n"
    "  list   prints the strategies that are compiled into this program.\n"
    "  show   prints what a strategy does and its parameters: name, type, range, default and meaning. A word\n"
    "         with a slash or ending in .so is a plug-in, and is loaded and checked as a run would do it.\n"
    "  new    writes a project that compiles as it is: NAME.c with every callback in its place, a Makefile, a\n"
    "         config and a README. Build it with 'make', then run the config. The headers are those of this\n"
    "         program, installed or in its source tree; 'make TAPEDECK_INCLUDE=DIR' says otherwise.\n"
    "\n"
    "OPTIONS\n"
    "  -d, --dir DIR   where to write the project (default: a new folder NAME)\n"
    "  -j, --json      machine-readable output\n"
    "\n"
    "EXIT STATUS\n"
    "  0  done\n"
    "  2  wrong command line\n"
    "  3  the plug-in cannot be loaded or was built for another version\n"
    "  5  a file is missing, is there already or could not be written\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck strategy list\n"
    "  tapedeck strategy show maker\n"
    "  tapedeck strategy new mine && make -C mine && tapedeck run mine/mine.yaml --tape demo.tape\n"
    "  tapedeck strategy show ./mine/mine.so\n";

/* The first sentence of a paragraph. */
static int first_sentence(const char *text)
{
    const char *end = strstr(text, ". ");
    return end != NULL ? (int)(end - text) + 1 : (int)strlen(text);
}

static json_t *params_json(const struct strategy *strategy)
{
    json_t *params = json_array();
    for (uint32_t i = 0; i < strategy->param_count; i++) {
        const struct strategy_param *param = &strategy->params[i];
        json_t *entry = json_object();
        json_set_text(entry, "name", param->name);
        json_set_text(entry, "type", strategy_param_type_name(param->type));
        json_set_text(entry, "minimum", param->minimum);
        json_set_text(entry, "maximum", param->maximum);
        json_set_text(entry, "default", param->default_value);
        json_set_text(entry, "help", param->help);
        json_array_append_new(params, entry);
    }
    return params;
}

static json_t *strategy_json(const struct strategy *strategy)
{
    json_t *entry = json_object();
    json_set_text(entry, "name", strategy->name);
    json_set_text(entry, "version", strategy->version);
    json_set_u64(entry, "abi", strategy->abi);
    json_set_text(entry, "help", strategy->help);
    json_set(entry, "params", params_json(strategy));
    return entry;
}

static int list(bool json)
{
    if (json) {
        json_t *entries = json_array();
        for (uint32_t i = 0; i < strategies_builtin_count; i++)
            json_array_append_new(entries, strategy_json(strategies_builtin[i]));
        return exit_code_of(json_print(stdout, entries, false));
    }
    struct table *table = table_new("llrw", "name", "version", "params", "what it does");
    for (uint32_t i = 0; i < strategies_builtin_count; i++) {
        const struct strategy *strategy = strategies_builtin[i];
        table_cell(table, "%s", strategy->name);
        table_cell(table, "%s", strategy->version);
        table_cell(table, "%u", strategy->param_count);
        table_cell(table, "%.*s", first_sentence(strategy->help), strategy->help);
    }
    table_print(table, stdout);
    return EXIT_CODE_OK;
}

static void print_strategy(const struct strategy *strategy)
{
    struct table *heading = table_new("lw", NULL);
    table_cell(heading, "%s", strategy->name);
    table_cell(heading, "%s", strategy->help);
    table_print(heading, stdout);
    printf("version %s, strategy ABI %u\n", strategy->version, strategy->abi);
    if (strategy->param_count == 0) {
        puts("\nNo parameters.");
        return;
    }
    putchar('\n');
    struct table *table = table_new("llllw", "parameter", "type", "range", "default", "meaning");
    for (uint32_t i = 0; i < strategy->param_count; i++) {
        const struct strategy_param *param = &strategy->params[i];
        char range[96];
        const char *value = param->default_value;
        table_cell(table, "%s", param->name);
        table_cell(table, "%s", strategy_param_type_name(param->type));
        table_cell(table, "%s", strategy_param_range(param, range));
        table_cell(table, "%s", value == NULL ? "(required)" : value[0] == '\0' ? "\"\"" : value);
        table_cell(table, "%s", param->help);
    }
    table_print(table, stdout);
}

static err_t show(const char *name, bool json, int *code, struct err_text *why)
{
    size_t size = strlen(name);
    bool is_file = strchr(name, '/') != NULL || (size > 3 && strcmp(name + size - 3, ".so") == 0);
    struct strategy_library *library = NULL;
    const struct strategy *strategy = NULL;
    char hint[128];
    if (is_file) {
        err_t err = strategy_load(name, &library, &strategy, why);
        if (err == ERR_VERSION) /* of the plug-in: a matter of set-up, not of input data */
            why->code = ERR_CONFIG;
        if (err != ERR_OK)
            return why->code;
    } else if ((strategy = strategy_find(name)) == NULL) {
        return err_say(why, ERR_CONFIG, "unknown strategy '%s'%s; 'tapedeck strategy list' shows all", name,
                       strategy_suggest(name, hint));
    }
    if (json)
        *code = exit_code_of(json_print(stdout, strategy_json(strategy), false));
    else
        print_strategy(strategy);
    fflush(stdout);
    strategy_unload(library);
    return ERR_OK;
}

static err_t run_action(const char *action, int argc, char **argv, int *code, struct err_text *why)
{
    const char *dir = NULL;
    bool json = false;
    const struct option_spec specs[] = {
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &json},
        {.name = "dir", .letter = 'd', .type = OPTION_TEXT, .target = &dir, .value = "DIR"},
    };
    bool is_list = strcmp(action, "list") == 0, is_new = strcmp(action, "new") == 0;
    if (!is_list && !is_new && strcmp(action, "show") != 0)
        return err_say(why, ERR_USAGE, "expected list, show or new, got '%s'", action);
    err_t err = options_parse(specs, is_new ? 2 : 1, &argc, argv, why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, is_list ? 0 : 1, is_list ? 0 : 1, "one NAME", why);
    if (err != ERR_OK)
        return err;
    if (is_list) {
        *code = list(json);
        return ERR_OK;
    }
    return is_new ? strategy_new(argv[1], dir, why) : show(argv[1], json, code, why);
}

int verb_strategy(int argc, char **argv)
{
    struct err_text why = {0};
    int code = EXIT_CODE_OK;
    if (argc < 2)
        (void)err_say(&why, ERR_USAGE, "expected list, show or new");
    else if (run_action(argv[1], argc - 1, argv + 1, &code, &why) == ERR_OK)
        return code;
    return exit_with("strategy", &why);
}
