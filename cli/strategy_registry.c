#include "cli/strategy_registry.h"

#include "cli/strategy_params.h"
#include "cli/strategy_variables.h"
#include "cli/suggest.h"
#include "strategies/registry.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct strategy_library {
    void *handle;
};

const struct strategy *strategy_find(const char *name)
{
    for (uint32_t i = 0; i < strategies_builtin_count; i++) {
        if (strcmp(strategies_builtin[i]->name, name) == 0)
            return strategies_builtin[i];
    }
    return NULL;
}

const char *strategy_suggest(const char *name, char *text)
{
    struct suggestion suggestion;
    suggest_start(&suggestion, name, strlen(name));
    for (uint32_t i = 0; i < strategies_builtin_count; i++)
        suggest_offer(&suggestion, strategies_builtin[i]->name);
    return suggest_text(&suggestion, text);
}

static err_t check_param(const struct strategy *strategy, uint32_t index, const char *where, struct err_text *why)
{
    const struct strategy_param *param = &strategy->params[index];
    if (param->name == NULL || param->name[0] == '\0' || param->help == NULL)
        return err_say(why, ERR_CONFIG, "%s: parameter %u of strategy '%s' has no name or no help", where, index,
                       strategy->name);
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(strategy->params[i].name, param->name) == 0)
            return err_say(why, ERR_CONFIG, "%s: strategy '%s' declares parameter '%s' twice", where, strategy->name,
                           param->name);
    }
    size_t size = strategy_param_size(param->type);
    if (size == 0 || param->offset > strategy->state_size || size > strategy->state_size - param->offset ||
        param->offset % strategy_param_align(param->type) != 0)
        return err_say(why, ERR_CONFIG,
                       "%s: parameter '%s' of strategy '%s' does not lie in its state (offset %zu, state %zu bytes)",
                       where, param->name, strategy->name, param->offset, strategy->state_size);
    /* The limits have no limits of their own; the default must respect them. */
    struct strategy_param plain = *param;
    plain.minimum = plain.maximum = NULL;
    const struct {
        const char *what, *text;
        const struct strategy_param *rule;
    } texts[] = {{"minimum", param->minimum, &plain},
                 {"maximum", param->maximum, &plain},
                 {"default", param->default_value, param}};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        _Alignas(16) char value[PARAM_TEXT_SIZE];
        if (texts[i].text == NULL)
            continue;
        err_t err = strategy_param_parse_value(texts[i].rule, texts[i].text, strlen(texts[i].text), value);
        if (err != ERR_OK)
            return err_say(why, ERR_CONFIG, "%s: the %s '%s' of parameter '%s' of strategy '%s' is wrong: %s", where,
                           texts[i].what, texts[i].text, param->name, strategy->name, err_words(err));
    }
    return ERR_OK;
}

err_t strategy_check(const struct strategy *strategy, const char *where, struct err_text *why)
{
    if (strategy->abi != STRATEGY_ABI)
        return err_say(why, ERR_VERSION,
                       "%s: built for strategy ABI %u, this tapedeck speaks ABI %u: build it again with the "
                       "headers of this version",
                       where, strategy->abi, (unsigned)STRATEGY_ABI);
    if (strategy->name == NULL || strategy->name[0] == '\0' || strategy->version == NULL || strategy->help == NULL)
        return err_say(why, ERR_CONFIG, "%s: the strategy has no name, version or help", where);
    if (strategy->param_count > 0 && strategy->params == NULL)
        return err_say(why, ERR_CONFIG, "%s: strategy '%s' says %u parameters and has no table", where,
                       strategy->name, strategy->param_count);
    for (uint32_t i = 0; i < strategy->param_count; i++) {
        err_t err = check_param(strategy, i, where, why);
        if (err != ERR_OK)
            return err;
    }
    return strategy_variables_check(strategy, where, why);
}

err_t strategy_load(const char *path, struct strategy_library **library, const struct strategy **strategy,
                    struct err_text *why)
{
    if (access(path, R_OK) != 0)
        return err_say(why, errno == EACCES ? ERR_PERMISSION : ERR_NOTFOUND, "%s: %s", path, strerror(errno));
    char *real = realpath(path, NULL); /* with a slash in it, or dlopen would search the system's folders */
    if (real == NULL)
        return err_say(why, ERR_NOTFOUND, "%s: %s", path, strerror(errno));
    void *handle = dlopen(real, RTLD_NOW | RTLD_LOCAL);
    free(real);
    if (handle == NULL)
        return err_say(why, ERR_CONFIG, "%s: not a loadable strategy: %s", path, dlerror());
    struct strategy_library *opened = malloc(sizeof(*opened));
    const struct strategy *(*entry)(void) = NULL;
    void *symbol = dlsym(handle, STRATEGY_SYMBOL);
    memcpy(&entry, &symbol, sizeof(entry)); /* ISO C has no cast from an object to a function pointer */
    err_t err = ERR_OK;
    const struct strategy *found = NULL;
    if (opened == NULL)
        err = err_say(why, ERR_NOMEM, "%s: out of memory", path);
    else if (entry == NULL)
        err = err_say(why, ERR_CONFIG,
                      "%s: a shared object, but not a strategy: it has no function '" STRATEGY_SYMBOL
                      "' (see 'tapedeck strategy new')",
                      path);
    else if ((found = entry()) == NULL)
        err = err_say(why, ERR_CONFIG, "%s: " STRATEGY_SYMBOL "() returned nothing", path);
    else
        err = strategy_check(found, path, why);
    if (err != ERR_OK) {
        free(opened);
        dlclose(handle);
        return err;
    }
    opened->handle = handle;
    *library = opened;
    *strategy = found;
    return ERR_OK;
}

void strategy_unload(struct strategy_library *library)
{
    if (library == NULL)
        return;
    dlclose(library->handle);
    free(library);
}
