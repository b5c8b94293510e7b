#include "strategies/registry.h"
#include "tests/strategies/fake_engine.h"

#include <criterion/criterion.h>
#include <string.h>

Test(registry, every_strategy_is_built_for_this_contract_and_says_what_it_is)
{
    for (uint32_t i = 0; i < strategies_builtin_count; i++) {
        const struct strategy *strategy = strategies_builtin[i];
        cr_assert_eq(strategy->abi, STRATEGY_ABI, "%s", strategy->name);
        cr_assert(strategy->name[0] != '\0' && strategy->version[0] != '\0' && strategy->help[0] != '\0');
        for (uint32_t j = 0; j < i; j++)
            cr_assert_str_neq(strategy->name, strategies_builtin[j]->name);
    }
}

static size_t value_size(enum param_type type)
{
    return type == PARAM_BOOL   ? sizeof(bool)
           : type == PARAM_TEXT ? PARAM_TEXT_SIZE
           : type == PARAM_FILE ? sizeof(struct strategy_file)
                                : sizeof(int64_t);
}

Test(registry, parameters_lie_inside_the_state_and_do_not_overlap)
{
    for (uint32_t i = 0; i < strategies_builtin_count; i++) {
        const struct strategy *strategy = strategies_builtin[i];
        for (uint32_t j = 0; j < strategy->param_count; j++) {
            const struct strategy_param *a = &strategy->params[j];
            cr_assert_leq(a->offset + value_size(a->type), strategy->state_size, "%s.%s", strategy->name, a->name);
            for (uint32_t k = 0; k < j; k++) {
                const struct strategy_param *b = &strategy->params[k];
                cr_assert_str_neq(a->name, b->name);
                cr_assert(a->offset + value_size(a->type) <= b->offset ||
                              b->offset + value_size(b->type) <= a->offset,
                          "%s: %s and %s share bytes", strategy->name, a->name, b->name);
            }
        }
    }
}

Test(registry, every_parameter_has_help_and_every_strategy_starts_on_its_defaults_or_says_which_file_it_needs)
{
    for (uint32_t i = 0; i < strategies_builtin_count; i++) {
        const struct strategy *strategy = strategies_builtin[i];
        const char *needed = NULL;
        for (uint32_t j = 0; j < strategy->param_count; j++) {
            const struct strategy_param *param = &strategy->params[j];
            cr_assert(param->help != NULL && param->help[0] != '\0');
            cr_assert(param->default_value != NULL || param->type == PARAM_FILE, "%s.%s", strategy->name,
                      param->name);
            if (param->default_value == NULL)
                needed = param->name;
        }
        struct fake *fake = fake_new(strategy); /* parses every default */
        if (needed == NULL)
            cr_assert_eq(fake_start(fake), ERR_OK, "%s: %s", strategy->name, fake->last_log);
        else
            cr_assert(fake_start(fake) != ERR_OK && strstr(fake->last_log, needed) != NULL, "%s: '%s'",
                      strategy->name, fake->last_log);
        fake_free(fake);
    }
}

Test(registry, noop_asks_to_be_called_for_nothing)
{
    const struct strategy *noop = &noop_strategy;
    cr_assert(noop->start == NULL && noop->book == NULL && noop->trade == NULL && noop->order == NULL &&
              noop->fill == NULL && noop->timer == NULL && noop->signal == NULL && noop->stop == NULL);
}
