#include "cli/config_faults.h"

#include "cli/config_tree.h"
#include "cli/values.h"
#include "core/decimal.h"

#include <stdio.h>
#include <string.h>

#define KEY_SIZE 64

/* Keys of one kind of window, by enum fault_place. */
static const char *const list_keys[] = {"outages", "line_cuts", "channel_cuts"};
static const char *const drawn_keys[] = {"outage", "line_cut", "channel_cut"};

static err_t bad_window(const struct run_config *config, const char *key, const char *at, size_t size,
                        struct err_text *why)
{
    return run_config_error(config, key, why, "expected BEGIN/LENGTH, such as 2024-08-08T01:00:00Z/30s, got '%.*s'",
                            size > 60 ? 60 : (int)size, at);
}

static err_t parse_list(struct run_config *config, const char *key, const char *text, struct config_windows *windows,
                        struct err_text *why)
{
    for (const char *at = text; at != NULL && *at != '\0';) {
        at += strspn(at, " ");
        const size_t size = strcspn(at, ",");
        const char *slash = memchr(at, '/', size);
        ns_t from, length;
        if (windows->span_count == FAULTS_SPANS_MAX)
            return run_config_error(config, key, why, "more than %d windows", FAULTS_SPANS_MAX);
        if (slash == NULL || value_time(at, (size_t)(slash - at), &from) != ERR_OK ||
            value_duration(slash + 1, size - (size_t)(slash + 1 - at), &length) != ERR_OK || length <= 0 ||
            from > NS_MAX - length)
            return bad_window(config, key, at, size, why);
        windows->spans[windows->span_count++] = (struct fault_span){from, from + length};
        at = at[size] == ',' ? at + size + 1 : NULL;
    }
    return ERR_OK;
}

static err_t read_windows(struct run_config *config, enum fault_place place, struct err_text *why)
{
    struct config_windows *windows = &config->venue.faults.windows[place];
    char list[KEY_SIZE], every[KEY_SIZE], length[KEY_SIZE];
    snprintf(list, sizeof(list), "venue.faults.%s", list_keys[place]);
    snprintf(every, sizeof(every), "venue.faults.%s_every", drawn_keys[place]);
    snprintf(length, sizeof(length), "venue.faults.%s_length", drawn_keys[place]);
    if ((windows->every == 0) != (windows->length == 0))
        return run_config_error(config, windows->every == 0 ? every : length, why,
                                "%s_every and %s_length belong together: how often, and how long in the mean",
                                drawn_keys[place], drawn_keys[place]);
    if (windows->every != 0 && windows->every < NS_PER_MS)
        return run_config_error(config, every, why, "expected 0s (none) or at least 1ms");
    if (windows->length > windows->every / 4)
        return run_config_error(config, length, why, "expected at most a quarter of %s", every);
    if (windows->list == NULL)
        return ERR_OK;
    windows->spans = config_tree_alloc(config->tree, FAULTS_SPANS_MAX * sizeof(*windows->spans));
    if (windows->spans == NULL)
        return err_say(why, ERR_NOMEM, "%s: out of memory", config->path);
    err_t err = parse_list(config, list, windows->list, windows, why);
    for (uint32_t i = 1; i < windows->span_count && err == ERR_OK; i++)
        if (windows->spans[i].from <= windows->spans[i - 1].until)
            err = run_config_error(config, list, why, "window %u begins before the one before it has ended", i + 1);
    return err;
}

static err_t read_chance(const struct run_config *config, const char *name, const struct config_decimal *decimal,
                         int64_t *chance, struct err_text *why)
{
    char key[KEY_SIZE];
    if (decimal_parse(decimal->text, strlen(decimal->text), 9, ROUND_EXACT, chance) == ERR_OK)
        return ERR_OK;
    snprintf(key, sizeof(key), "venue.faults.%s", name);
    return run_config_error(config, key, why, "'%s' has more than 9 decimals", decimal->text);
}

err_t config_faults_read(struct run_config *config, struct err_text *why)
{
    struct config_faults *faults = &config->venue.faults;
    for (int place = 0; place < FAULT_PLACES; place++) {
        err_t err = read_windows(config, (enum fault_place)place, why);
        if (err != ERR_OK)
            return err;
    }
    err_t err = read_chance(config, "request_loss", &faults->request_loss, &faults->request_loss_1e9, why);
    if (err == ERR_OK)
        err = read_chance(config, "answer_loss", &faults->answer_loss, &faults->answer_loss_1e9, why);
    if (err == ERR_OK)
        err = read_chance(config, "answer_late", &faults->answer_late, &faults->answer_late_1e9, why);
    if (err == ERR_OK && (faults->answer_late_1e9 == 0) != (faults->answer_delay == 0))
        err = run_config_error(
            config, faults->answer_late_1e9 == 0 ? "venue.faults.answer_late" : "venue.faults.answer_delay", why,
            "answer_late and answer_delay belong together: how often, and how long in the mean");
    return err;
}

err_t run_config_faults(const struct run_config *config, struct faults *faults, struct err_text *why)
{
    const struct config_faults *section = &config->venue.faults;
    struct err_text inner = {0};
    *faults = (struct faults){.seed = config->seed,
                              .outage_silent = section->outage_requests == 1,
                              .outage_stops = section->outage_market == 1,
                              .request_loss = section->request_loss_1e9,
                              .answer_loss = section->answer_loss_1e9,
                              .answer_late = section->answer_late_1e9,
                              .answer_delay = section->answer_delay,
                              .timeout = section->timeout,
                              .query = section->query};
    for (int place = 0; place < FAULT_PLACES; place++)
        faults->windows[place] = (struct fault_windows){.spans = section->windows[place].spans,
                                                        .span_count = section->windows[place].span_count,
                                                        .every = section->windows[place].every,
                                                        .length = section->windows[place].length};
    if (faults_check(faults, &inner) != ERR_OK)
        return run_config_error(config, "venue.faults", why, "%s", inner.text);
    return ERR_OK;
}
