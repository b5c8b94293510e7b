#include "cli/ci_compare.h"

#include "cli/config_schema.h"
#include "cli/json_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum exit_code code, strict_code;
} verdicts[CI_VERDICT_COUNT] = {
    [CI_IDENTICAL] = {"identical", EXIT_CODE_OK, EXIT_CODE_OK},
    [CI_WARNED] = {"warning", EXIT_CODE_CI_WARNING, EXIT_CODE_CI_STRICT_WARNING},
    [CI_DIFFERS] = {"digest", EXIT_CODE_CI_DIGEST, EXIT_CODE_CI_STRICT_DIGEST},
    [CI_SLOW] = {"speed", EXIT_CODE_CI_SPEED, EXIT_CODE_CI_SPEED},
    [CI_MOVED] = {"metrics", EXIT_CODE_CI_METRICS, EXIT_CODE_CI_METRICS},
    [CI_NO_BASELINE] = {"no baseline", EXIT_CODE_CI_BASELINE, EXIT_CODE_CI_BASELINE},
    [CI_BROKEN] = {"broken", EXIT_CODE_CI_BROKEN, EXIT_CODE_CI_BROKEN},
};

const char *ci_verdict_name(enum ci_verdict verdict)
{
    return verdicts[verdict].name;
}

enum ci_verdict ci_verdict_of(const json_t *comparison)
{
    const char *name = json_string_value(json_object_get(comparison, "verdict"));
    for (int i = 0; i < CI_VERDICT_COUNT; i++)
        if (name != NULL && strcmp(verdicts[i].name, name) == 0)
            return (enum ci_verdict)i;
    return CI_BROKEN;
}

bool ci_verdict_fails(enum ci_verdict verdict, bool strict)
{
    return verdict > (strict ? CI_IDENTICAL : CI_DIFFERS);
}

enum exit_code ci_verdict_code(enum ci_verdict verdict, bool strict)
{
    return strict ? verdicts[verdict].strict_code : verdicts[verdict].code;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* ---- metrics ---- */

/* "12.5" at 18 decimals, "230/412" as a fraction. False: "none", or no number. */
static bool value_of(const char *text, struct metrics_value *value)
{
    const char *slash = strchr(text, '/');
    if (slash == NULL) {
        *value = (struct metrics_value){0, 1, MONEY_DECIMALS};
        return decimal_parse_money(text, strlen(text), MONEY_DECIMALS, ROUND_EXACT, &value->numerator) == ERR_OK;
    }
    int64_t numerator, denominator;
    if (decimal_parse(text, (size_t)(slash - text), 0, ROUND_EXACT, &numerator) != ERR_OK ||
        decimal_parse(slash + 1, strlen(slash + 1), 0, ROUND_EXACT, &denominator) != ERR_OK || denominator <= 0)
        return false;
    *value = (struct metrics_value){numerator, (uint64_t)denominator, 0};
    return true;
}

/* A fraction's difference is shown at nine decimals. */
static void delta_text(const struct metrics_value *was, const struct metrics_value *now, char text[DECIMAL_TEXT_SIZE])
{
    money_t delta = 0;
    char plain[DECIMAL_TEXT_SIZE];
    if (was->denominator == 1 && now->denominator == 1 && was->decimals == now->decimals) {
        if (money_subtract(now->numerator, was->numerator, &delta) != ERR_OK) {
            strcpy(text, "too large");
            return;
        }
        decimal_format(plain, delta, now->decimals, 0);
    } else {
        money_t left = 0, right = 0;
        if (metrics_ratio(now->numerator, (money_t)now->denominator, METRICS_RATE_DECIMALS, &left) != ERR_OK ||
            metrics_ratio(was->numerator, (money_t)was->denominator, METRICS_RATE_DECIMALS, &right) != ERR_OK) {
            strcpy(text, "too large");
            return;
        }
        delta = left - right;
        decimal_format(plain, delta, METRICS_RATE_DECIMALS, 0);
    }
    snprintf(text, DECIMAL_TEXT_SIZE, "%s%.46s", delta > 0 ? "+" : "", plain);
}

static json_t *bound_json(const struct metrics_bound *bound)
{
    char absolute[DECIMAL_TEXT_SIZE] = "", relative[DECIMAL_TEXT_SIZE] = "";
    if (bound == NULL)
        return json_string("equal");
    if (bound->has_absolute)
        decimal_format(absolute, bound->absolute, MONEY_DECIMALS, 0);
    if (bound->has_relative)
        decimal_format(relative, bound->relative, METRICS_RATE_DECIMALS - 2, 0);
    return json_sprintf("%s%s%s%s%s", bound->has_absolute ? "+-" : "", absolute,
                        bound->has_absolute && bound->has_relative ? " or " : "", bound->has_relative ? "+-" : "",
                        bound->has_relative ? strcat(relative, " %") : "");
}

/* NULL: it has not moved. */
static json_t *compare_metric(const struct ci_case *one, const char *name, const char *was, const char *now)
{
    const struct metrics_bound *bound = ci_case_bound(one, name);
    struct metrics_value before, after;
    char delta[DECIMAL_TEXT_SIZE] = "";
    bool within = false;
    if (was != NULL && now != NULL && strcmp(was, now) == 0)
        return NULL;
    if (was == NULL) {
        within = true; /* a figure that the program did not tell then */
    } else if (now != NULL && value_of(was, &before) && value_of(now, &after)) {
        /* "0" and "0/4" are of two kinds when one of them had no trades: then they are not comparable as fractions */
        if (before.decimals == after.decimals) {
            if (metrics_equal(&before, &after))
                return NULL;
            within = bound != NULL && metrics_within(&before, &after, bound);
        }
        delta_text(&before, &after, delta);
    }
    json_t *entry = json_object();
    json_set_text(entry, "name", name);
    json_set_text(entry, "baseline", was);
    json_set_text(entry, "now", now);
    json_set_text(entry, "delta", delta[0] != '\0' ? delta : NULL);
    json_set(entry, "bound", bound_json(bound));
    json_set_bool(entry, "within", within);
    return entry;
}

static json_t *compare_metrics(const struct ci_case *one, const json_t *was, const json_t *now, bool *outside)
{
    json_t *list = json_array();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)now, name, value)
    {
        json_t *entry =
            compare_metric(one, name, json_string_value(json_object_get(was, name)), json_string_value(value));
        if (entry != NULL)
            json_array_append_new(list, entry);
    }
    json_object_foreach((json_t *)(uintptr_t)was, name, value) if (json_object_get(now, name) == NULL)
        json_array_append_new(list, compare_metric(one, name, json_string_value(value), NULL));
    *outside = false;
    for (size_t i = 0; i < json_array_size(list); i++)
        *outside |= !json_is_true(json_object_get(json_array_get(list, i), "within"));
    return list;
}

/* ---- what may be the cause ---- */

static void add_difference(json_t *list, const char *word, const char *name, const char *was, const char *now)
{
    if (was != NULL && now != NULL && strcmp(was, now) == 0)
        return;
    json_t *entry = json_object();
    json_set_text(entry, word, name);
    json_set_text(entry, "baseline", was);
    json_set_text(entry, "now", now);
    json_array_append_new(list, entry);
}

/* Texts by key; null stands for a key that is not there. */
static json_t *differences(const json_t *was, const json_t *now)
{
    json_t *list = json_array(), *value;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)now, key, value)
        add_difference(list, "key", key, json_string_value(json_object_get(was, key)), json_string_value(value));
    json_object_foreach((json_t *)(uintptr_t)was, key, value) if (json_object_get(now, key) == NULL)
        add_difference(list, "key", key, json_string_value(value), NULL);
    return list;
}

/* A key that this version added, and that says what it says when nobody sets it: no change of the user's. */
static bool is_new_default(const json_t *was, const char *name, const char *now)
{
    const struct config_key *key = config_key_find(name);
    return json_object_get(was, name) == NULL && key != NULL && key->default_value != NULL &&
           strcmp(key->default_value, now) == 0;
}

static json_t *config_differences(const json_t *was, const json_t *now)
{
    json_t *list = differences(was, now);
    for (size_t i = json_array_size(list); i-- > 0;) {
        const json_t *entry = json_array_get(list, i);
        if (is_new_default(was, text_of(entry, "key"), text_of(entry, "now")))
            (void)json_array_remove(list, i);
    }
    return list;
}

static json_t *tape_differences(const json_t *was, const json_t *now)
{
    json_t *list = json_array();
    const size_t before = json_array_size(was), after = json_array_size(now);
    for (size_t i = 0; i < before || i < after; i++) {
        const json_t *a = json_array_get(was, i), *b = json_array_get(now, i);
        add_difference(list, "name", text_of(b != NULL ? b : a, "name"), a != NULL ? text_of(a, "hash") : NULL,
                       b != NULL ? text_of(b, "hash") : NULL);
    }
    return list;
}

/* "4096 2024-01-01T00:00:12.000000000Z digest" */
struct checkpoint {
    uint64_t inputs;
    char time[40], digest[40];
};

static bool read_checkpoint(const json_t *list, size_t index, struct checkpoint *checkpoint)
{
    const char *text = json_string_value(json_array_get(list, index));
    return text != NULL &&
           sscanf(text, "%" SCNu64 " %39s %39s", &checkpoint->inputs, checkpoint->time, checkpoint->digest) == 3;
}

/* The one place that knows where two runs part. The checkpoints of both records at the same inputs bracket it; their
 * spacings are powers of two, so that the coarser ones are always among the finer. */
json_t *ci_first_divergence(const json_t *baseline, const json_t *now)
{
    const json_t *was = json_object_get(baseline, "checkpoints"), *is = json_object_get(now, "checkpoints");
    struct checkpoint a, b, same = {0};
    size_t k = 0;
    bool shared = false;
    for (size_t i = 0; i < json_array_size(was); i++) {
        if (!read_checkpoint(was, i, &a))
            return NULL;
        while (read_checkpoint(is, k, &b) && b.inputs < a.inputs)
            k++;
        if (!read_checkpoint(is, k, &b))
            break;
        if (b.inputs != a.inputs)
            continue;
        shared = true;
        if (strcmp(a.digest, b.digest) == 0) {
            same = b;
            continue;
        }
        return same.inputs == 0
                   ? json_sprintf("the runs part within the first %" PRIu64 " inputs (up to %s)", b.inputs, b.time)
                   : json_sprintf("the runs are the same up to input %" PRIu64 " (%s) and part before input %" PRIu64
                                  " (%s)",
                                  same.inputs, same.time, b.inputs, b.time);
    }
    if (!shared)
        return NULL;
    return json_sprintf("the runs are the same up to input %" PRIu64 " (%s) and part after it", same.inputs,
                        same.time);
}

/* ---- the whole ---- */

static json_t *list_warnings(const struct ci_case *one, const json_t *counts, bool stale, bool *any)
{
    json_t *list = json_array();
    *any = false;
    for (int i = 0; i < CI_WARNING_COUNT; i++) {
        const json_t *count = json_object_get(counts, ci_warning_name((enum ci_warning)i));
        if (count == NULL && !(i == CI_WARN_STALE_CONFIG && stale))
            continue;
        const bool allowed = (one->allowed & 1u << i) != 0;
        json_t *entry = json_object();
        json_set_text(entry, "name", ci_warning_name((enum ci_warning)i));
        json_set_text(entry, "text", ci_warning_words((enum ci_warning)i));
        json_set_u64(entry, "count", count != NULL ? (uint64_t)json_integer_value(count) : 1);
        json_set_bool(entry, "allowed", allowed);
        json_array_append_new(list, entry);
        *any |= !allowed;
    }
    return list;
}

static json_t *digests_json(const json_t *was, const json_t *now)
{
    json_t *object = json_object();
    json_set_text(object, "baseline", was != NULL ? text_of(was, "digest") : NULL);
    json_set_text(object, "now", now != NULL ? text_of(now, "digest") : NULL);
    return object;
}

static json_t *speed_json(const struct ci_case *one, const json_t *speed)
{
    if (speed == NULL)
        return json_null();
    json_t *object = json_object();
    json_set(object, "ratio", json_incref(json_object_get(speed, "ratio")));
    json_set_decimal(object, "ratio_max", one->ratio_max, CI_RATIO_DECIMALS);
    json_set(object, "over", json_incref(json_object_get(speed, "over")));
    return object;
}

static size_t count_outside(const json_t *metrics)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(metrics); i++)
        count += !json_is_true(json_object_get(json_array_get(metrics, i), "within"));
    return count;
}

static json_t *summary_of(enum ci_verdict verdict, const json_t *comparison, const char *missing)
{
    const json_t *metrics = json_object_get(comparison, "metrics"), *speed = json_object_get(comparison, "speed");
    const size_t moved = json_array_size(metrics), outside = count_outside(metrics);
    switch (verdict) {
    case CI_IDENTICAL:
        return json_sprintf("digest %s", text_of(json_object_get(comparison, "digest"), "now"));
    case CI_WARNED:
        return json_string("the same digest, with warnings");
    case CI_DIFFERS:
        return moved == 0 ? json_string("the digest differs, all metrics are equal")
                          : json_sprintf("the digest differs, %zu metric%s moved within bounds", moved,
                                         moved == 1 ? "" : "s");
    case CI_SLOW:
        return json_sprintf("%s times the bare loop, at most %s are allowed", text_of(speed, "ratio"),
                            text_of(speed, "ratio_max"));
    case CI_MOVED:
        return json_sprintf("%zu metric%s outside of the bounds", outside, outside == 1 ? " is" : "s are");
    case CI_NO_BASELINE:
        return json_string(missing != NULL ? missing : "no baseline");
    default:
        return json_string(text_of(comparison, "error"));
    }
}

json_t *ci_compare(const struct ci_compared *compared, bool strict)
{
    const json_t *was = compared->baseline, *now = json_object_get(compared->outcome, "record");
    const char *error = json_string_value(json_object_get(compared->outcome, "error"));
    const char *speed_error = json_string_value(json_object_get(compared->speed, "error"));
    const bool both = was != NULL && now != NULL;
    const bool same = both && strcmp(text_of(was, "digest"), text_of(now, "digest")) == 0;
    json_t *config =
        both ? config_differences(json_object_get(was, "config"), json_object_get(now, "config")) : json_array();
    const bool stale = same && json_array_size(config) != 0;
    bool outside = false, warned;
    json_t *comparison = json_object();
    json_t *warnings = list_warnings(compared->one, json_object_get(compared->outcome, "warnings"), stale, &warned);
    json_t *metrics = both ? compare_metrics(compared->one, json_object_get(was, "metrics"),
                                             json_object_get(now, "metrics"), &outside)
                           : json_array();
    if (error == NULL)
        error = speed_error;
    const enum ci_verdict verdict = error != NULL || now == NULL                             ? CI_BROKEN
                                    : was == NULL                                            ? CI_NO_BASELINE
                                    : outside                                                ? CI_MOVED
                                    : json_is_true(json_object_get(compared->speed, "over")) ? CI_SLOW
                                    : !same                                                  ? CI_DIFFERS
                                    : warned                                                 ? CI_WARNED
                                                                                             : CI_IDENTICAL;
    json_set_text(comparison, "name", compared->one->name);
    json_set_text(comparison, "verdict", ci_verdict_name(verdict));
    json_set_u64(comparison, "exit_code", (uint64_t)ci_verdict_code(verdict, strict));
    json_set_bool(comparison, "failed", ci_verdict_fails(verdict, strict));
    json_set(comparison, "summary", json_null());
    json_set(comparison, "digest", digests_json(was, now));
    json_set(comparison, "metrics", metrics);
    json_set(comparison, "config", config);
    json_set(comparison, "tapes",
             both ? tape_differences(json_object_get(was, "tapes"), json_object_get(now, "tapes")) : json_array());
    json_set(comparison, "binary",
             both ? differences(json_object_get(was, "binary"), json_object_get(now, "binary")) : json_array());
    json_t *divergence = both && !same ? ci_first_divergence(was, now) : NULL;
    json_set(comparison, "divergence", divergence != NULL ? divergence : json_null());
    json_set(comparison, "first",
             compared->first != NULL ? json_incref((json_t *)(uintptr_t)compared->first) : json_null());
    json_set(comparison, "warnings", warnings);
    json_set(comparison, "speed", speed_json(compared->one, compared->speed));
    json_set_text(comparison, "error", error);
    json_set(comparison, "summary", summary_of(verdict, comparison, compared->baseline_missing));
    return comparison;
}
