#include "cli/ci_suite.h"

#include "cli/ci_read.h"
#include "cli/config_schema.h"
#include "cli/run_metrics.h"
#include "cli/suggest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES_MAX        4096
#define CASE_NAME_MAX    64
#define ROUNDS_DEFAULT   5
#define BASELINES_FOLDER "baselines"

static const struct {
    const char *name, *words;
} warnings[] = {
#define CI_WARNING_ROW(name, word, text) {word, text},
    CI_WARNING_MAP(CI_WARNING_ROW)
#undef CI_WARNING_ROW
};

const char *ci_warning_name(enum ci_warning warning)
{
    return warnings[warning].name;
}

const char *ci_warning_words(enum ci_warning warning)
{
    return warnings[warning].words;
}

/* ---- tolerances ---- */

static err_t read_bound(struct ci_reader *reader, const struct config_node *node, struct metrics_bound *bound)
{
    static const char *const known[] = {"absolute", "relative", NULL};
    const money_t most = money_pow10(30), share_most = 1000 * money_pow10(METRICS_RATE_DECIMALS);
    money_t relative = 0;
    err_t err = ci_expect(reader, node, CONFIG_NODE_MAP,
                          "a section with absolute, relative or both, such as {absolute: \"0.5\"}");
    if (err == ERR_OK)
        err = ci_known_keys(reader, node, known);
    const struct config_node *absolute = err == ERR_OK ? ci_child(node, "absolute") : NULL;
    const struct config_node *share = err == ERR_OK ? ci_child(node, "relative") : NULL;
    if (err == ERR_OK && absolute == NULL && share == NULL)
        return config_say(reader->why, node, CONFIG_KEY, "expected absolute, relative or both");
    /* A win rate's bound has to fit 64 bits at 18 decimals. */
    const bool fraction = strcmp(node->key, "win_rate") == 0;
    if (err == ERR_OK && absolute != NULL)
        err = ci_read_decimal(reader, absolute, MONEY_DECIMALS, fraction ? money_pow10(MONEY_DECIMALS) : most,
                              fraction ? "a decimal from 0 to 1" : "a decimal that is not negative, such as \"0.5\"",
                              &bound->absolute);
    if (err == ERR_OK && share != NULL)
        err =
            ci_read_decimal(reader, share, METRICS_RATE_DECIMALS, share_most,
                            "a decimal from 0 to 1000 of at most nine decimals, such as \"0.01\" for 1 %", &relative);
    bound->has_absolute = absolute != NULL;
    bound->has_relative = share != NULL;
    bound->relative = (int64_t)relative;
    return err;
}

static err_t read_tolerances(struct ci_reader *reader, const struct config_node *node, struct ci_tolerance *list,
                             uint32_t *count)
{
    err_t err = ci_expect(reader, node, CONFIG_NODE_MAP, "a section METRIC: {absolute: ..., relative: ...}");
    for (const struct config_node *child = node->first; child != NULL && err == ERR_OK; child = child->next) {
        char hint[128];
        if (!run_metric_known(child->key, hint))
            return config_say(reader->why, child, CONFIG_KEY,
                              "unknown metric%s; 'tapedeck run --json' lists them under metrics", hint);
        list[*count].metric = child->key;
        err = read_bound(reader, child, &list[*count].bound);
        (*count)++;
    }
    return err;
}

const struct metrics_bound *ci_case_bound(const struct ci_case *one, const char *metric)
{
    const struct metrics_bound *of_name = NULL;
    const size_t size = strcspn(metric, ".");
    for (uint32_t i = 0; i < one->tolerance_count; i++) {
        const char *name = one->tolerances[i].metric;
        if (strcmp(name, metric) == 0)
            return &one->tolerances[i].bound;
        if (of_name == NULL && strlen(name) == size && memcmp(name, metric, size) == 0)
            of_name = &one->tolerances[i].bound;
    }
    return of_name;
}

/* ---- cases ---- */

/* The keys of feed.synth, checked here so that a mistake is shown where it was written, and handed on as --set. */
static err_t read_synth(struct ci_reader *reader, const struct config_node *node, struct ci_case *one)
{
    struct config_tree *tree = reader->tree;
    struct run_config unused;
    memset(&unused, 0, sizeof(unused));
    err_t err = ci_expect(reader, node, CONFIG_NODE_MAP, "a section with the keys of feed.synth, such as {seed: 7}");
    if (err == ERR_OK)
        err = ci_add_item(reader, &one->sets, "feed.tapes=[]");
    if (err == ERR_OK && node->count == 0)
        err = ci_add_item(reader, &one->sets, "feed.synth={}");
    for (const struct config_node *child = node->first; child != NULL && err == ERR_OK; child = child->next) {
        const struct config_key *key = NULL;
        struct suggestion suggestion;
        char hint[128], expected[CONFIG_EXPECTED_SIZE];
        suggest_start(&suggestion, child->key, strlen(child->key));
        while ((key = config_key_next("feed.synth.", key)) != NULL && strcmp(config_key_name(key), child->key) != 0)
            suggest_offer(&suggestion, config_key_name(key));
        if (key == NULL)
            return config_say(reader->why, child, CONFIG_KEY, "unknown key%s; 'tapedeck config explain feed.synth'",
                              suggest_text(&suggestion, hint));
        config_value_expected(key, expected);
        err = ci_expect(reader, child, CONFIG_NODE_SCALAR, expected);
        if (err != ERR_OK)
            return err;
        if (config_value_parse(key, child->text, child->text_size, tree, "", &unused) != ERR_OK)
            return config_say(reader->why, child, CONFIG_VALUE, "expected %s, got '%.60s'", expected, child->text);
        const size_t size = strlen(key->path) + 3 + child->text_size + 1;
        char *set = config_tree_alloc(tree, size + 1);
        if (set == NULL)
            return ci_no_memory(reader);
        snprintf(set, size + 1, "%s=\"%s\"", key->path, child->text);
        err = ci_add_item(reader, &one->sets, set);
    }
    return err;
}

static err_t read_sets(struct ci_reader *reader, const struct config_node *node, struct ci_case *one)
{
    err_t err = ci_expect(reader, node, CONFIG_NODE_LIST, "a list of KEY=VALUE, such as [\"seed=7\"]");
    for (const struct config_node *child = node->first; child != NULL && err == ERR_OK; child = child->next) {
        err = ci_expect(reader, child, CONFIG_NODE_SCALAR, "KEY=VALUE, such as \"seed=7\"");
        if (err == ERR_OK && (child->text[0] == '=' || strchr(child->text, '=') == NULL))
            return config_say(reader->why, child, CONFIG_VALUE, "expected KEY=VALUE, such as \"seed=7\", got '%.60s'",
                              child->text);
        if (err == ERR_OK)
            err = ci_add_item(reader, &one->sets, child->text);
    }
    return err;
}

static err_t read_tapes(struct ci_reader *reader, const struct config_node *node, struct ci_case *one)
{
    err_t err = ci_expect(reader, node, CONFIG_NODE_LIST, "a list of tapes");
    if (err == ERR_OK && node->count == 0)
        return config_say(reader->why, node, CONFIG_VALUE,
                          "no tape is named: leave the key out to take the config's");
    for (const struct config_node *child = node->first; child != NULL && err == ERR_OK; child = child->next) {
        const char *path = NULL;
        err = ci_read_path(reader, child, &path);
        if (err == ERR_OK)
            err = ci_add_item(reader, &one->tapes, path);
    }
    return err;
}

static err_t read_speed(struct ci_reader *reader, const struct config_node *node, struct ci_case *one)
{
    static const char *const known[] = {"ratio_max", "rounds", NULL};
    money_t ratio = 0, rounds = ROUNDS_DEFAULT;
    err_t err = ci_expect(reader, node, CONFIG_NODE_MAP, "a section with ratio_max");
    if (err == ERR_OK)
        err = ci_known_keys(reader, node, known);
    if (err != ERR_OK)
        return err;
    const struct config_node *most = ci_child(node, "ratio_max"), *count = ci_child(node, "rounds");
    if (most == NULL)
        return config_say(reader->why, node, CONFIG_KEY,
                          "'ratio_max' is missing: the run's time at most, in times of "
                          "the bare loop over the same market data");
    err = ci_read_decimal(reader, most, CI_RATIO_DECIMALS, 1000000 * money_pow10(CI_RATIO_DECIMALS),
                          "a decimal above 0 of at most three decimals, such as 6.5", &ratio);
    if (err == ERR_OK && ratio == 0)
        return config_say(reader->why, most, CONFIG_VALUE, "expected a decimal above 0, such as 6.5");
    if (err == ERR_OK && count != NULL)
        err = ci_read_decimal(reader, count, 0, 1000, "a whole number from 1 to 1000", &rounds);
    if (err == ERR_OK && rounds == 0)
        return config_say(reader->why, count, CONFIG_VALUE, "expected a whole number from 1 to 1000");
    one->ratio_max = (int64_t)ratio;
    one->rounds = (uint32_t)rounds;
    return err;
}

static err_t read_allow(struct ci_reader *reader, const struct config_node *node, struct ci_case *one)
{
    err_t err = ci_expect(reader, node, CONFIG_NODE_LIST, "a list of warnings");
    for (const struct config_node *child = node->first; child != NULL && err == ERR_OK; child = child->next) {
        err = ci_expect(reader, child, CONFIG_NODE_SCALAR, "the name of a warning");
        if (err != ERR_OK)
            return err;
        struct suggestion suggestion;
        char hint[128];
        unsigned found = 0;
        suggest_start(&suggestion, child->text, child->text_size);
        for (int i = 0; i < CI_WARNING_COUNT; i++) {
            suggest_offer(&suggestion, warnings[i].name);
            if (strcmp(child->text, warnings[i].name) == 0)
                found = 1u << i;
        }
        if (found == 0)
            return config_say(reader->why, child, CONFIG_VALUE,
                              "unknown warning%s; there are gaps, stale_config, clock_behind and lost_orders",
                              suggest_text(&suggestion, hint));
        one->allowed |= found;
    }
    return err;
}

/* It becomes the name of a file. */
static err_t read_name(struct ci_reader *reader, const struct config_node *node, const struct ci_case *others,
                       struct ci_case *one)
{
    err_t err = ci_read_text(reader, node, &one->name);
    if (err != ERR_OK)
        return err;
    const size_t good = strspn(one->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    if (one->name[good] != '\0' || good > CASE_NAME_MAX || one->name[0] == '.' || one->name[0] == '-')
        return config_say(reader->why, node, CONFIG_VALUE,
                          "expected a name of 1 to %d letters, digits and ._- that begins with a letter or digit",
                          CASE_NAME_MAX);
    for (; others != one; others++)
        if (strcmp(others->name, one->name) == 0)
            return config_say(reader->why, node, CONFIG_VALUE, "there is a case '%s' already", one->name);
    return ERR_OK;
}

static err_t read_seed(struct ci_reader *reader, const struct config_node *node, struct ci_case *one)
{
    money_t seed;
    err_t err = ci_read_decimal(reader, node, 0, UINT64_MAX, "a whole number from 0 to 18446744073709551615", &seed);
    char *set = err == ERR_OK ? config_tree_alloc(reader->tree, node->text_size + 6) : NULL;
    if (err == ERR_OK && set == NULL)
        return ci_no_memory(reader);
    if (err != ERR_OK)
        return err;
    sprintf(set, "seed=%s", node->text);
    return ci_add_item(reader, &one->sets, set);
}

static err_t read_case(struct ci_reader *reader, const struct config_node *node, const struct config_node *common,
                       const struct ci_case *others, struct ci_case *one)
{
    static const char *const known[] = {"name", "config",     "seed",  "synth", "tapes",
                                        "set",  "tolerances", "speed", "allow", NULL};
    err_t err = ci_expect(reader, node, CONFIG_NODE_MAP, "a section that begins '- name: NAME'");
    if (err == ERR_OK)
        err = ci_known_keys(reader, node, known);
    if (err != ERR_OK)
        return err;
    const struct config_node *name = ci_child(node, "name"), *config = ci_child(node, "config"),
                             *synth = ci_child(node, "synth"), *tapes = ci_child(node, "tapes"),
                             *own = ci_child(node, "tolerances"), *other;
    if (name == NULL)
        return config_say(reader->why, node, CONFIG_VALUE, "'name' is missing: its baseline is named after it");
    if (config == NULL)
        return config_say(reader->why, node, CONFIG_VALUE, "'config' is missing: the config of the run");
    if (synth != NULL && tapes != NULL)
        return config_say(reader->why, synth, CONFIG_KEY, "tapes and synth are both given: keep one");
    one->chosen = true;
    err = read_name(reader, name, others, one);
    if (err == ERR_OK)
        err = ci_read_path(reader, config, &one->config);
    if (err == ERR_OK && synth != NULL)
        err = read_synth(reader, synth, one);
    if (err == ERR_OK && tapes != NULL)
        err = read_tapes(reader, tapes, one);
    if (err == ERR_OK && (other = ci_child(node, "seed")) != NULL)
        err = read_seed(reader, other, one);
    if (err == ERR_OK && (other = ci_child(node, "set")) != NULL)
        err = read_sets(reader, other, one);
    if (err == ERR_OK && (other = ci_child(node, "speed")) != NULL)
        err = read_speed(reader, other, one);
    if (err == ERR_OK && (other = ci_child(node, "allow")) != NULL)
        err = read_allow(reader, other, one);
    if (err != ERR_OK)
        return err;
    const size_t room = (own != NULL ? own->count : 0) + (common != NULL ? common->count : 0);
    one->tolerances = config_tree_alloc(reader->tree, (room + 1) * sizeof(*one->tolerances));
    if (one->tolerances == NULL)
        return ci_no_memory(reader);
    if (own != NULL)
        err = read_tolerances(reader, own, one->tolerances, &one->tolerance_count);
    if (err == ERR_OK && common != NULL)
        err = read_tolerances(reader, common, one->tolerances, &one->tolerance_count);
    return err;
}

static err_t read_suite(struct ci_reader *reader, struct ci_suite *suite)
{
    static const char *const known[] = {"baselines", "tolerances", "cases", NULL};
    const struct config_node *root = suite->tree->root;
    err_t err = ci_known_keys(reader, root, known);
    if (err != ERR_OK)
        return err;
    const struct config_node *cases = ci_child(root, "cases"), *folder = ci_child(root, "baselines");
    static const struct config_node usual = {
        .kind = CONFIG_NODE_SCALAR, .text = BASELINES_FOLDER, .text_size = sizeof(BASELINES_FOLDER) - 1};
    err = ci_read_path(reader, folder != NULL ? folder : &usual, &suite->baselines);
    if (err != ERR_OK)
        return err;
    if (cases == NULL)
        return err_say(reader->why, ERR_CONFIG, "%s: 'cases' is missing: a list of runs, each with name and config",
                       suite->path);
    err = ci_expect(reader, cases, CONFIG_NODE_LIST, "a list of cases");
    if (err == ERR_OK && (cases->count == 0 || cases->count > CASES_MAX))
        return config_say(reader->why, cases, CONFIG_KEY, "expected 1 to %d cases, got %u", CASES_MAX, cases->count);
    if (err != ERR_OK)
        return err;
    suite->cases = config_tree_alloc(suite->tree, cases->count * sizeof(*suite->cases));
    if (suite->cases == NULL)
        return ci_no_memory(reader);
    for (const struct config_node *child = cases->first; child != NULL && err == ERR_OK; child = child->next) {
        struct ci_case *one = &suite->cases[suite->case_count++];
        err = read_case(reader, child, ci_child(root, "tolerances"), suite->cases, one);
    }
    return err;
}

/* ---- the file ---- */

static const char *directory_of(struct ci_suite *suite, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? "" : config_tree_copy(suite->tree, path, slash == path ? 1 : (size_t)(slash - path));
}

err_t ci_suite_parse(struct ci_suite **suite, const char *path, const char *text, size_t size, struct err_text *why)
{
    struct ci_suite *parsed = calloc(1, sizeof(*parsed));
    if (parsed != NULL)
        parsed->tree = config_tree_new();
    if (parsed == NULL || parsed->tree == NULL) {
        free(parsed);
        return err_say(why, ERR_NOMEM, "%s: out of memory", path);
    }
    struct ci_reader reader = {.tree = parsed->tree, .path = path, .why = why};
    struct config_source *source = config_tree_source(parsed->tree, path, text, size);
    struct config_node *root = NULL;
    parsed->path = source != NULL ? source->name : path;
    reader.directory = directory_of(parsed, path);
    err_t err = source == NULL || reader.directory == NULL ? ci_no_memory(&reader)
                                                           : config_yaml_parse(parsed->tree, source, 0, &root, why);
    if (err == ERR_OK && (root == NULL || root->null))
        err = err_say(why, ERR_CONFIG, "%s: the suite is empty; 'tapedeck help ci' shows one", path);
    if (err == ERR_OK)
        err = ci_expect(&reader, root, CONFIG_NODE_MAP, "a suite: cases, each with name and config");
    if (err == ERR_OK) {
        parsed->tree->root = root;
        err = read_suite(&reader, parsed);
    }
    if (err != ERR_OK) {
        ci_suite_free(parsed);
        return err;
    }
    *suite = parsed;
    return ERR_OK;
}

err_t ci_suite_load(struct ci_suite **suite, const char *path, struct err_text *why)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return err_say(why,
                       errno == ENOENT   ? ERR_NOTFOUND
                       : errno == EACCES ? ERR_PERMISSION
                                         : ERR_IO,
                       "%s: %s", path, strerror(errno));
    char *text = malloc(CONFIG_BYTES_MAX + 1);
    const size_t size = text != NULL ? fread(text, 1, CONFIG_BYTES_MAX + 1, file) : 0;
    const bool bad = ferror(file) != 0;
    const int number = errno;
    fclose(file);
    err_t err = text == NULL ? err_say(why, ERR_NOMEM, "%s: out of memory", path)
                : bad        ? err_say(why, ERR_IO, "%s: cannot be read: %s", path, strerror(number))
                             : ci_suite_parse(suite, path, text, size, why);
    free(text);
    return err;
}

void ci_suite_free(struct ci_suite *suite)
{
    if (suite == NULL)
        return;
    for (uint32_t i = 0; i < suite->case_count; i++) {
        option_list_free(&suite->cases[i].sets);
        option_list_free(&suite->cases[i].tapes);
    }
    config_tree_free(suite->tree);
    free(suite);
}

err_t ci_suite_choose(struct ci_suite *suite, const struct option_list *names, struct err_text *why)
{
    for (uint32_t i = 0; names->count != 0 && i < suite->case_count; i++)
        suite->cases[i].chosen = false;
    for (size_t k = 0; k < names->count; k++) {
        struct suggestion suggestion;
        char hint[128];
        bool found = false;
        suggest_start(&suggestion, names->items[k], strlen(names->items[k]));
        for (uint32_t i = 0; i < suite->case_count; i++) {
            suggest_offer(&suggestion, suite->cases[i].name);
            if (strcmp(suite->cases[i].name, names->items[k]) != 0)
                continue;
            suite->cases[i].chosen = true;
            found = true;
        }
        if (!found)
            return err_say(why, ERR_USAGE, "%s has no case '%s'%s", suite->path, names->items[k],
                           suggest_text(&suggestion, hint));
    }
    return ERR_OK;
}
