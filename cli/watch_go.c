#include "cli/watch_go.h"

#include "cli/values.h"

#include "core/decimal.h"

#include <stdio.h>
#include <string.h>

#define GO_TEXT 64

const char watch_go_expected[] = "an input (12345, +500), a share (50%), a time (10:00:01.5, +5s) or a date and time";

/* Digits, with or without commas, to at most 18 of them: more are nanoseconds. */
static bool parse_count(const char *text, uint64_t *value)
{
    char digits[GO_TEXT];
    size_t size = 0;
    for (; *text != '\0'; text++) {
        if (*text == ',')
            continue;
        if (*text < '0' || *text > '9' || size == 18)
            return false;
        digits[size++] = *text;
    }
    int64_t number;
    if (size == 0 || decimal_parse(digits, size, 0, ROUND_EXACT, &number) != ERR_OK)
        return false;
    *value = (uint64_t)number;
    return true;
}

static bool parse_share(const char *text, uint64_t inputs, uint64_t *input)
{
    const size_t size = strlen(text);
    int64_t share;
    if (size < 2 || text[size - 1] != '%' || decimal_parse(text, size - 1, 6, ROUND_DOWN, &share) != ERR_OK ||
        share < 0)
        return false;
    const u128_t place = (u128_t)inputs * (uint64_t)share / 100000000u;
    *input = place > inputs ? inputs : (uint64_t)place;
    return true;
}

static bool parse_step(const char *text, const struct watch_place_now *now, struct watch_where *where)
{
    const bool back = text[0] == '-';
    uint64_t count;
    ns_t span;
    if (text[0] != '-' && text[0] != '+')
        return false;
    if (parse_count(text + 1, &count)) {
        if (back)
            where->input = count > now->input ? 0 : now->input - count;
        else
            where->input = count > now->inputs - now->input ? now->inputs : now->input + count;
        return true;
    }
    if (value_duration(text + 1, strlen(text + 1), &span) != ERR_OK || span < 0)
        return false;
    where->timed = true;
    where->ts = back ? now->ts - span : span > NS_MAX - now->ts ? NS_MAX : now->ts + span;
    return true;
}

static bool parse_time(const char *text, ns_t now, ns_t *ts)
{
    char full[GO_TEXT + VALUE_TEXT_SIZE], day[VALUE_TEXT_SIZE];
    if (value_time(text, strlen(text), ts) == ERR_OK)
        return true;
    value_time_text(now, day);
    snprintf(full, sizeof(full), "%.10sT%s", day, text);
    return strchr(text, ':') != NULL && value_time(full, strlen(full), ts) == ERR_OK;
}

err_t watch_go_parse(const char *text, const struct watch_place_now *now, struct watch_where *where,
                     struct err_text *why)
{
    struct watch_where found = {false, 0, 0};
    if (strlen(text) < GO_TEXT) {
        if (parse_count(text, &found.input) || parse_share(text, now->inputs, &found.input) ||
            parse_step(text, now, &found)) {
            if (found.input > now->inputs)
                found.input = now->inputs;
            *where = found;
            return ERR_OK;
        }
        if (parse_time(text, now->ts, &found.ts)) {
            found.timed = true;
            *where = found;
            return ERR_OK;
        }
    }
    return err_say(why, ERR_USAGE, "'%.*s' is no place of a run: expected %s", GO_TEXT, text, watch_go_expected);
}
