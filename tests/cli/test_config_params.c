/* Parameters that are files, and the state that depends on them. */
#include "cli/config.h"
#include "scratch.h"
#include "strategies/scripted.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define ORDERS "order_id,submit_ts,side,price,qty,type,tif,cancel_ts\n"

static struct scratch scratch;
static void begin(void)
{
    scratch_begin(&scratch);
}
static void end(void)
{
    scratch_end(&scratch);
}
TestSuite(config_params, .init = begin, .fini = end);

/* The config lies in the scratch folder; `params` is the inside of a flow map. */
static err_t parse(const char *params, const char *set, struct run_config **config, struct err_text *why)
{
    char text[512], path[300];
    struct option_list sets = {.items = &set, .count = set != NULL};
    const struct config_options options = {.sets = &sets};
    snprintf(text, sizeof(text), "feed: {tapes: [a.tape]}\nstrategy: {name: scripted, params: {%s}}\n", params);
    snprintf(path, sizeof(path), "%s/run.yaml", scratch.dir);
    err_clear(why);
    return run_config_parse(config, path, text, strlen(text), &options, why);
}

static struct run_config *good(const char *params, const char *set)
{
    struct run_config *config = NULL;
    struct err_text why = {0};
    cr_assert_eq(parse(params, set, &config, &why), ERR_OK, "%s", why.text);
    return config;
}

static const struct strategy_file *file_of(const struct run_config *config)
{
    cr_assert_eq(config->strategy->params[0].type, PARAM_FILE);
    return (const void *)((const char *)config->strategy_state + config->strategy->params[0].offset);
}

Test(config_params, a_file_is_read_whole_from_the_folder_of_the_config)
{
    const char *path = scratch_write(&scratch, "orders.csv", ORDERS);
    struct run_config *config = good("orders: orders.csv", NULL);
    cr_assert_str_eq(file_of(config)->name, path);
    cr_assert_str_eq(file_of(config)->text, ORDERS);
    cr_assert_eq(file_of(config)->size, strlen(ORDERS));
    cr_assert_gt(config->strategy_state_size, config->strategy->state_size);
    run_config_free(config);
}

Test(config_params, the_hash_is_that_of_the_content_and_not_of_the_name)
{
    scratch_write(&scratch, "a.csv", ORDERS);
    scratch_write(&scratch, "b.csv", ORDERS);
    scratch_write(&scratch, "c.csv", ORDERS "#\n");
    struct run_config *a = good("orders: a.csv", NULL), *b = good("orders: b.csv", NULL),
                      *c = good("orders: c.csv", NULL);
    cr_assert_str_eq(a->hash, b->hash);
    cr_assert_str_neq(a->hash, c->hash);
    cr_assert_not_null(strstr(a->resolved, "a.csv\""), "%s", a->resolved);
    run_config_free(a);
    run_config_free(b);
    run_config_free(c);
}

Test(config_params, a_path_of_the_command_line_begins_where_the_user_stands)
{
    char set[300];
    snprintf(set, sizeof(set), "strategy.params.orders=%s", scratch_write(&scratch, "a.csv", ORDERS));
    struct run_config *config = good("", set);
    cr_assert_str_eq(file_of(config)->text, ORDERS);
    run_config_free(config);
    struct err_text why;
    cr_assert_eq(parse("", "strategy.params.orders=a.csv", &config, &why), ERR_CONFIG);
    cr_assert_not_null(strstr(why.text, "a.csv: No such file"), "%s", why.text);
}

Test(config_params, a_file_that_is_missing_a_folder_or_not_named_is_an_error_at_the_key)
{
    struct run_config *config = NULL;
    struct err_text why;
    cr_assert_eq(parse("", NULL, &config, &why), ERR_CONFIG);
    cr_assert_not_null(strstr(why.text, "strategy 'scripted' needs 'orders'"), "%s", why.text);
    cr_assert_eq(parse("orders: none.csv", NULL, &config, &why), ERR_CONFIG);
    cr_assert_not_null(strstr(why.text, "run.yaml:2:45: strategy.params.orders: "), "%s", why.text);
    cr_assert_eq(parse("orders: .", NULL, &config, &why), ERR_CONFIG);
    cr_assert_not_null(strstr(why.text, "expected a file"), "%s", why.text);
    cr_assert_eq(parse("orders: [a, b]", NULL, &config, &why), ERR_CONFIG);
    cr_assert_not_null(strstr(why.text, "expected the path of a file, got a list"), "%s", why.text);
}
