/* config_explain.c: the schema as a page for people, and as JSON. */
#include "cli/config_schema.h"
#include "cli/json_out.h"
#include "cli/table.h"

#include <string.h>

static const char *type_name(const struct config_key *key)
{
    switch (key->type) {
    case CONFIG_SECTION:
    case CONFIG_SECTION_OPTIONAL:
        return "section";
    case CONFIG_INSTRUMENTS:
    case CONFIG_LINKS:
        return "list of sections";
    case CONFIG_BALANCES:
        return "section of amounts";
    case CONFIG_TAPES:
        return "list of paths";
    case CONFIG_PARAMS:
        return "section";
    case CONFIG_BOOL:
        return "true, false";
    case CONFIG_U32:
    case CONFIG_U64:
        return "whole number";
    case CONFIG_POWER2:
        return "power of two";
    case CONFIG_CHOICE:
        return "choice";
    case CONFIG_SPEED:
        return "speed";
    case CONFIG_DURATION:
        return "duration";
    case CONFIG_TIME:
        return "time";
    case CONFIG_RATE:
        return "rate";
    case CONFIG_MONEY:
        return "money";
    case CONFIG_DECIMAL:
        return "decimal";
    case CONFIG_TEXT:
        return "text";
    case CONFIG_WORDS:
        return "list of words";
    case CONFIG_PATH:
        return "path";
    }
    return "?";
}

static bool has_value(const struct config_key *key)
{
    return !config_type_is_section(key->type) && key->type != CONFIG_PARAMS && key->type != CONFIG_INSTRUMENTS &&
           key->type != CONFIG_LINKS && key->type != CONFIG_BALANCES;
}

static const char *default_text(const struct config_key *key)
{
    if ((key->flags & CONFIG_REQUIRED) != 0)
        return "(required)";
    return key->default_value != NULL ? key->default_value : has_value(key) ? "(not set)" : "";
}

static const char *range_text(const struct config_key *key, char *text, size_t room)
{
    text[0] = '\0';
    if (key->type == CONFIG_CHOICE)
        return key->choices;
    if (key->minimum != NULL && key->maximum != NULL)
        snprintf(text, room, "%s .. %s", key->minimum, key->maximum);
    else if (key->minimum != NULL)
        snprintf(text, room, strcmp(key->minimum, "0") == 0 ? ">= 0" : "> 0");
    return text;
}

/* `path` itself or something under it. A user may write an item's key with any number: instruments[2].tick. */
static bool selected(const struct config_key *key, const char *path)
{
    if (path == NULL)
        return true;
    const char *at = key->path;
    while (*path != '\0' && *at == *path) {
        at++;
        path++;
        if (path[-1] == '[')
            path += strspn(path, "0123456789");
    }
    return *path == '\0' && (*at == '\0' || *at == '.' || *at == '[');
}

static void explain_one(FILE *file, const struct config_key *key)
{
    char expected[CONFIG_EXPECTED_SIZE];
    fprintf(file, "%s\n  %s\n", key->path, key->help);
    if (!config_type_is_section(key->type))
        fprintf(file, "  takes:   %s\n", config_value_expected(key, expected));
    if (default_text(key)[0] != '\0')
        fprintf(file, "  default: %s\n", default_text(key));
}

bool config_explain(FILE *file, const char *path)
{
    const struct config_key *only = path != NULL ? config_key_find(path) : NULL;
    if (only != NULL && !config_type_is_section(only->type) && only->type != CONFIG_INSTRUMENTS &&
        only->type != CONFIG_LINKS) {
        explain_one(file, only);
        return true;
    }
    struct table *table = table_new("lllw", "key", "type", "default", "meaning");
    char range[96];
    bool any = false;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (!selected(key, path))
            continue;
        any = true;
        range_text(key, range, sizeof(range));
        table_cell(table, "%s", key->path);
        table_cell(table, "%s", type_name(key));
        table_cell(table, "%s", default_text(key));
        const char *allowed = range_text(key, range, sizeof(range));
        table_cell(table, "%s%s%s%s", key->help, allowed[0] != '\0' ? " [" : "", allowed,
                   allowed[0] != '\0' ? "]" : "");
    }
    if (any)
        table_print(table, file);
    else
        table_drop(table);
    return any;
}

bool config_explain_json(FILE *file, const char *path)
{
    json_t *list = json_array();
    char range[96];
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (!selected(key, path))
            continue;
        json_t *entry = json_object();
        json_set_text(entry, "key", key->path);
        json_set_text(entry, "type", type_name(key));
        json_set_bool(entry, "required", (key->flags & CONFIG_REQUIRED) != 0);
        json_set_text(entry, "default", key->default_value);
        json_set_text(entry, "allowed", range_text(key, range, sizeof(range)));
        json_set_text(entry, "help", key->help);
        json_array_append_new(list, entry);
    }
    bool any = json_array_size(list) > 0;
    return json_print(file, list, false) == ERR_OK && any;
}
