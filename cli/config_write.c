/* config_write.c: the resolved config: every key in schema order, as YAML that reads back to the same run.
 *
 * The hash is taken over the same text written a second time without what cannot change a result (paths, pace,
 * log level), with the strategy's name and version in place of a plug-in's path, the rows of the latency file in
 * place of its, and the content of the strategy's files in place of theirs.
 */
#include "cli/config_read.h"

#include "cli/config_params.h"
#include "cli/config_schema.h"
#include "cli/strategy_params.h"

#include "core/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct out {
    FILE *file;
    bool hashed;     /* leave out CONFIG_NOT_HASHED */
    const char *cwd; /* put before relative paths; NULL: they stay */
};

#define VALUE_ROOM (CONFIG_WORDS_MAX + 400) /* words, or a path, quoted */

static void indent(struct out *out, unsigned depth)
{
    fprintf(out->file, "%*s", (int)(2 * depth), "");
}

static void write_section(struct out *out, const struct run_config *config, const char *prefix, const void *base,
                          unsigned depth);

static void quote_path(const struct out *out, const char *path, char text[VALUE_ROOM])
{
    char whole[VALUE_ROOM];
    if (out->cwd == NULL || path[0] == '/' || path[0] == '\0' ||
        (size_t)snprintf(whole, sizeof(whole), "%s/%s", out->cwd, path) >= sizeof(whole))
        config_quote(path, text, VALUE_ROOM);
    else
        config_quote(whole, text, VALUE_ROOM);
}

static void write_list(struct out *out, const struct run_config *config, unsigned depth)
{
    char text[VALUE_ROOM];
    if (config->feed.tape_count == 0) {
        fputs(" null\n", out->file);
        return;
    }
    fputc('\n', out->file);
    for (uint32_t i = 0; i < config->feed.tape_count; i++) {
        quote_path(out, config->feed.tapes[i], text);
        indent(out, depth + 1);
        fprintf(out->file, "- %s\n", text);
    }
}

/* A list of sections: `count` of them, each `size` bytes from `base` on. */
static void write_sections(struct out *out, const char *prefix, const void *base, size_t size, uint32_t count,
                           unsigned depth)
{
    char text[VALUE_ROOM];
    fputs(count == 0 ? " []\n" : "\n", out->file);
    for (uint32_t i = 0; i < count; i++) {
        bool first = true;
        for (const struct config_key *key = NULL; (key = config_key_next(prefix, key)) != NULL;) {
            config_value_text(key, (const char *)base + i * size, text, sizeof(text));
            indent(out, depth + 1);
            fprintf(out->file, "%s%s: %s\n", first ? "- " : "  ", config_key_name(key), text);
            first = false;
        }
    }
}

static void write_balances(struct out *out, const struct run_config *config, unsigned depth)
{
    char key[64], text[64], digits[DECIMAL_TEXT_SIZE];
    fputs(config->balance_count == 0 ? " {}\n" : "\n", out->file);
    for (uint32_t i = 0; i < config->balance_count; i++) {
        config_quote(config->balances[i].currency, key, sizeof(key));
        decimal_format(digits, config->balances[i].amount, MONEY_DECIMALS, 0);
        config_quote(digits, text, sizeof(text));
        indent(out, depth + 1);
        fprintf(out->file, "%s: %s\n", key, text);
    }
}

/* The path for people; in the hash what the file says, whatever its name. */
static void write_file_param(struct out *out, const struct run_config *config, const struct strategy_param *param,
                             unsigned depth)
{
    const struct strategy_file *file = config_params_file(config, param);
    char text[VALUE_ROOM];
    if (out->hashed && file->text != NULL) {
        struct digest digest;
        digest_init(&digest, 0);
        digest_bytes(&digest, file->text, file->size);
        digest_text(digest_value(&digest), text);
    } else {
        quote_path(out, file->name != NULL ? file->name : "", text);
    }
    indent(out, depth);
    fprintf(out->file, "%s: %s\n", param->name, text);
}

static void write_params(struct out *out, const struct run_config *config, unsigned depth)
{
    const struct strategy *strategy = config->strategy;
    char value[PARAM_TEXT_SIZE], text[4 * PARAM_TEXT_SIZE + 16];
    fputs(strategy->param_count == 0 ? " {}\n" : "\n", out->file);
    for (uint32_t i = 0; i < strategy->param_count; i++) {
        const struct strategy_param *param = &strategy->params[i];
        if (param->type == PARAM_FILE) {
            write_file_param(out, config, param, depth + 1);
            continue;
        }
        strategy_param_text(param, config->strategy_state, value);
        bool quoted = param->type == PARAM_TEXT || param->type == PARAM_DECIMAL;
        config_quote(value, text, sizeof(text));
        indent(out, depth + 1);
        fprintf(out->file, "%s: %s\n", param->name, quoted ? text : value);
    }
}

static void write_key(struct out *out, const struct run_config *config, const struct config_key *key,
                      const void *base, unsigned depth)
{
    char prefix[CONFIG_PATH_MAX], text[VALUE_ROOM];
    indent(out, depth);
    fprintf(out->file, "%s:", config_key_name(key));
    switch (key->type) {
    case CONFIG_SECTION_OPTIONAL:
        if (!*(const bool *)((const char *)base + key->offset)) {
            fputs(" null\n", out->file);
            return;
        }
        /* fall through */
    case CONFIG_SECTION:
        fputc('\n', out->file);
        snprintf(prefix, sizeof(prefix), "%s.", key->path);
        write_section(out, config, prefix, base, depth + 1);
        return;
    case CONFIG_TAPES:
        write_list(out, config, depth);
        return;
    case CONFIG_INSTRUMENTS:
        write_sections(out, "instruments[].", config->instruments, sizeof(*config->instruments),
                       config->instrument_count, depth);
        return;
    case CONFIG_LINKS:
        write_sections(out, "feed.live[].", config->feed.links, sizeof(*config->feed.links), config->feed.link_count,
                       depth);
        return;
    case CONFIG_BALANCES:
        write_balances(out, config, depth);
        return;
    case CONFIG_PARAMS:
        write_params(out, config, depth);
        return;
    case CONFIG_PATH: {
        const char *path;
        memcpy(&path, (const char *)base + key->offset, sizeof(path));
        if (path == NULL)
            snprintf(text, sizeof(text), "null");
        else
            quote_path(out, path, text);
        fprintf(out->file, " %s\n", text);
        return;
    }
    default:
        config_value_text(key, base, text, sizeof(text));
        fprintf(out->file, " %s\n", text);
    }
}

static void write_section(struct out *out, const struct run_config *config, const char *prefix, const void *base,
                          unsigned depth)
{
    for (const struct config_key *key = NULL; (key = config_key_next(prefix, key)) != NULL;) {
        if (!out->hashed || (key->flags & CONFIG_NOT_HASHED) == 0)
            write_key(out, config, key, base, depth);
    }
}

static err_t write_text(const struct run_config *config, bool hashed, const char *cwd, char **text, size_t *size)
{
    struct out out = {open_memstream(text, size), hashed, cwd};
    if (out.file == NULL)
        return ERR_NOMEM;
    if (hashed)
        fprintf(out.file, "# tapedeck config 1, strategy %s %s\n", config->strategy->name, config->strategy->version);
    if (hashed && config->venue.latency.file_hash[0] != '\0')
        fprintf(out.file, "# latency file %s\n", config->venue.latency.file_hash);
    if (hashed && config->venue.margin.tiers_hash[0] != '\0')
        fprintf(out.file, "# margin tiers %s\n", config->venue.margin.tiers_hash);
    if (hashed && config->venue.funding.file_hash[0] != '\0')
        fprintf(out.file, "# funding file %s\n", config->venue.funding.file_hash);
    if (hashed && config->feed.latency.file_hash[0] != '\0')
        fprintf(out.file, "# feed latency file %s\n", config->feed.latency.file_hash);
    write_section(&out, config, "", config, 0);
    bool bad = ferror(out.file) != 0;
    return fclose(out.file) != 0 || bad ? ERR_NOMEM : ERR_OK;
}

err_t config_write(struct run_config *config, struct err_text *why)
{
    char *text = NULL, *hashed = NULL;
    size_t size = 0, hashed_size = 0;
    err_t err = write_text(config, false, NULL, &text, &size);
    if (err == ERR_OK)
        err = write_text(config, true, NULL, &hashed, &hashed_size);
    if (err == ERR_OK) {
        struct digest digest;
        digest_init(&digest, 0);
        digest_bytes(&digest, hashed, hashed_size);
        digest_text(digest_value(&digest), config->hash);
        config->resolved = config_tree_copy(config->tree, text, size);
        config->hashed = config_tree_copy(config->tree, hashed, hashed_size);
        err = config->resolved == NULL || config->hashed == NULL ? ERR_NOMEM : ERR_OK;
    }
    free(text);
    free(hashed);
    return err == ERR_OK ? ERR_OK : err_say(why, ERR_NOMEM, "%s: out of memory", config->path);
}

err_t run_config_text_anywhere(const struct run_config *config, char **text, struct err_text *why)
{
    char *written = NULL, *cwd = getcwd(NULL, 0); /* NULL: it was removed; then there is nothing to put before them */
    size_t size = 0;
    err_t err = write_text(config, false, cwd, &written, &size);
    free(cwd);
    if (err != ERR_OK) {
        free(written);
        return err_say(why, ERR_NOMEM, "%s: out of memory", config->path);
    }
    *text = written;
    return ERR_OK;
}
