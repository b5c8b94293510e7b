/* How: an event is told by tape_cat; which of its fields differ is read off the JSON of both sides, so that nothing
 * has to know the kinds of events a second time. */
#include "cli/diff_report.h"

#include "cli/tape_cat.h"
#include "cli/values.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- events ---- */

json_t *diff_event_json(const struct diff_side *side, uint64_t number, const struct event *event)
{
    const struct tape_info *info = tape_reader_info(side->journal.reader);
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL)
        return json_null();
    const struct tape_cat cat = {file, info->instruments, info->instrument_count, UINT32_MAX};
    tape_cat_json(&cat, number, event);
    fclose(file);
    json_t *object = json_loads(text, 0, NULL);
    free(text);
    return object != NULL ? object : json_null();
}

json_t *diff_entry_json(const struct diff_side *side, const struct journal_entry *entry)
{
    const struct event event = diff_entry_event(entry);
    return diff_event_json(side, entry->number, &event);
}

/* ---- fields ---- */

static void add_field(json_t *list, const char *name, const json_t *a, const json_t *b)
{
    json_t *entry = json_object();
    json_set_text(entry, "field", name);
    json_set(entry, "a", a != NULL ? json_incref((json_t *)(uintptr_t)a) : json_null());
    json_set(entry, "b", b != NULL ? json_incref((json_t *)(uintptr_t)b) : json_null());
    json_array_append_new(list, entry);
}

static void add_differing(json_t *list, const char *name, const json_t *a, const json_t *b)
{
    char item[160];
    if (a != NULL && b != NULL && json_equal(a, b))
        return;
    if (!json_is_array(a) || !json_is_array(b)) {
        add_field(list, name, a, b);
        return;
    }
    const size_t most = json_array_size(a) > json_array_size(b) ? json_array_size(a) : json_array_size(b);
    for (size_t i = 0; i < most; i++) {
        snprintf(item, sizeof(item), "%s[%zu]", name, i);
        add_differing(list, item, json_array_get(a, i), json_array_get(b, i));
    }
}

json_t *diff_fields(const json_t *a, const json_t *b)
{
    json_t *list = json_array(), *value;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)a, key, value) add_differing(list, key, value, json_object_get(b, key));
    json_object_foreach((json_t *)(uintptr_t)b, key, value) if (json_object_get(a, key) == NULL)
        add_field(list, key, NULL, value);
    return list;
}

/* Where it lies is told beside it: no field of the event. */
json_t *diff_event_fields(const json_t *a, const json_t *b)
{
    if (!json_is_object(a) || !json_is_object(b))
        return json_array();
    json_t *left = json_copy((json_t *)(uintptr_t)a), *right = json_copy((json_t *)(uintptr_t)b);
    const char *const places[] = {"message", "ts"}; /* ts_ns says it */
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        (void)json_object_del(left, places[i]);
        (void)json_object_del(right, places[i]);
    }
    json_t *list = diff_fields(left, right);
    json_decref(left);
    json_decref(right);
    return list;
}

/* ---- what may be the cause ---- */

/* Paths of tapes and of the output say nothing of a run; the content of tapes is compared by hash. */
json_t *diff_config_fields(const struct diff_side *a, const struct diff_side *b)
{
    json_t *all = diff_fields(a->config, b->config), *list = json_array();
    for (size_t i = 0; i < json_array_size(all); i++) {
        json_t *entry = json_array_get(all, i);
        const char *key = json_string_value(json_object_get(entry, "field"));
        if (strncmp(key, "feed.tapes", 10) != 0 && strcmp(key, "output.dir") != 0 && strcmp(key, "journal") != 0)
            json_array_append(list, entry);
    }
    json_decref(all);
    return list;
}

json_t *diff_tape_fields(const struct diff_side *a, const struct diff_side *b)
{
    json_t *list = json_array();
    const size_t lanes = diff_lanes(a) > diff_lanes(b) ? diff_lanes(a) : diff_lanes(b);
    for (size_t lane = 0; lane < lanes; lane++) {
        if (strcmp(diff_lane_hash(a, lane), diff_lane_hash(b, lane)) == 0)
            continue;
        json_t *entry = json_object();
        json_set_u64(entry, "lane", lane);
        json_set_text(entry, "path_a", diff_lane_path(a, lane));
        json_set_text(entry, "path_b", diff_lane_path(b, lane));
        json_set_text(entry, "a", diff_lane_hash(a, lane));
        json_set_text(entry, "b", diff_lane_hash(b, lane));
        json_array_append_new(list, entry);
    }
    return list;
}

/* ---- JSON ---- */

static json_t *side_json(const struct diff_side *side)
{
    json_t *object = json_object();
    json_set_text(object, "run", side->name);
    json_set_text(object, "digest", side->digest);
    json_set_bool(object, "ended", !side->unended);
    json_set_u64(object, "inputs", side->inputs);
    json_set_text(object, "build_id", side->build_id);
    if (side->binary != NULL)
        json_set_text(object, "binary", side->binary);
    return object;
}

static json_t *journal_json(const struct diff_side *side)
{
    json_t *object = json_object();
    json_set_u64(object, "records", side->journal.records);
    json_set_u64(object, "blocks", side->journal.blocks);
    json_set_u64(object, "blocks_read", side->journal.blocks_read);
    json_set_u64(object, "checkpoints_read", side->journal.checkpoints_read);
    return object;
}

static json_t *outputs_json(const struct diff_side *a, const struct diff_side *b,
                            const struct diff_journals *journals)
{
    json_t *object = json_object(), *before = json_array(), *history = json_array();
    const struct journal_entry *first = journals->has_a ? &journals->a : &journals->b;
    json_t *left = journals->has_a ? diff_entry_json(a, &journals->a) : json_null();
    json_t *right = journals->has_b ? diff_entry_json(b, &journals->b) : json_null();
    json_set_u64(object, "record", first->number);
    json_set_u64(object, "input",
                 journals->has_a && journals->has_b && journals->b.event.seq < journals->a.event.seq
                     ? journals->b.event.seq
                     : first->event.seq);
    json_set(object, "fields", diff_event_fields(left, right));
    json_set(object, "a", left);
    json_set(object, "b", right);
    for (uint32_t i = 0; i < journals->before_count; i++)
        json_array_append_new(before, diff_entry_json(a, &journals->before[i]));
    for (uint32_t i = 0; i < journals->history_count; i++)
        json_array_append_new(history, diff_entry_json(a, &journals->history[i]));
    json_set(object, "before", before);
    json_set(object, "order_before", history);
    return object;
}

static json_t *market_json(const struct diff_side *a, const struct diff_market *market)
{
    json_t *object = json_object();
    json_t *left = market->a.known ? diff_event_json(a, market->message, &market->a.event) : json_null();
    json_t *right = market->b.known ? diff_event_json(a, market->message, &market->b.event) : json_null();
    if (market->numbered) {
        json_set_u64(object, "lane", market->lane);
        json_set_text(object, "tape", diff_lane_path(a, market->lane));
        json_set_u64(object, "message", market->message);
    }
    if (market->input_a != 0)
        json_set_u64(object, "input_a", market->input_a);
    if (market->input_b != 0)
        json_set_u64(object, "input_b", market->input_b);
    json_set_u64(object, "messages_decoded", market->decoded);
    json_set(object, "fields", diff_event_fields(left, right));
    json_set(object, "a", left);
    json_set(object, "b", right);
    return object;
}

static json_t *mark_json(const struct diff_mark *mark)
{
    json_t *object = json_object();
    json_set_u64(object, "input", mark->start ? 0 : mark->at.inputs);
    if (!mark->start)
        json_set_time(object, "ts", mark->ts);
    return object;
}

static void set_found(json_t *object, const struct diff_side *a, const struct diff_side *b,
                      const struct diff_found *found)
{
    const struct diff_journals *journals = &found->journals;
    json_set_text(object, "first", diff_first_name(found->first));
    if (found->first == DIFF_SEGMENT || found->first == DIFF_TIMER || found->first == DIFF_NOTHING) {
        json_set(object, "after", mark_json(&journals->market_same));
        if (journals->market_differs)
            json_set(object, "before", mark_json(&journals->market_shown));
    }
    if (found->first != DIFF_SEGMENT && found->first != DIFF_NOTHING) {
        json_set_u64(object, "input", found->input);
        json_set_time(object, "ts", found->ts);
    }
    json_set_bool(object, "market_unknown", found->market_unknown);
    json_set(object, "journal_a", journal_json(a));
    json_set(object, "journal_b", journal_json(b));
    json_set(object, "outputs_same_up_to", mark_json(&journals->outputs_same));
    json_set(object, "market", found->market.differs ? market_json(a, &found->market) : json_null());
    json_set(object, "outputs",
             journals->outputs_differ && !journals->unrecorded ? outputs_json(a, b, journals) : json_null());
    if (found->on.message.known)
        json_set(object, "decided_on",
                 diff_event_json(a, found->on.numbered ? found->on.number : found->input, &found->on.message.event));
    if (found->state_a != NULL) {
        json_t *state = json_object();
        json_set_u64(state, "inputs", found->state_inputs);
        json_set(state, "fields", diff_fields(found->state_a, found->state_b));
        json_set(state, "a", json_incref(found->state_a));
        json_set(state, "b", json_incref(found->state_b));
        json_set(object, "state", state);
    } else {
        json_set(object, "state", json_null());
        if (found->unshown.text[0] != '\0')
            json_set_text(object, "state_unknown", found->unshown.text);
    }
}

json_t *diff_report_json(const struct diff_side *a, const struct diff_side *b, const struct diff_found *found)
{
    json_t *object = json_object();
    const bool so_far = found != NULL && diff_same_so_far(a, b, found);
    json_set_text(object, "verdict", so_far ? "identical_so_far" : found != NULL ? "differs" : "identical");
    if (so_far)
        json_set_u64(object, "identical_inputs", diff_inputs_known(a, b));
    json_set(object, "a", side_json(a));
    json_set(object, "b", side_json(b));
    json_set(object, "config", diff_config_fields(a, b));
    json_set(object, "tapes", diff_tape_fields(a, b));
    if (found != NULL)
        set_found(object, a, b, found);
    return object;
}
