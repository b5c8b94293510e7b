/* How: an event is told by tape_cat, in both forms; which of its fields differ is read off the JSON of both sides, so
 * that nothing has to know the kinds of events a second time. */
#include "cli/diff_report.h"

#include "cli/tape_cat.h"
#include "cli/values.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_SHOWN 12

/* ---- events ---- */

static json_t *event_json(const struct diff_side *side, uint64_t number, const struct event *event)
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

static json_t *entry_json(const struct diff_side *side, const struct journal_entry *entry)
{
    const struct event event = diff_entry_event(entry);
    return event_json(side, entry->number, &event);
}

static void print_event(FILE *file, const struct diff_side *side, const char *head, uint64_t number,
                        const struct event *event)
{
    const struct tape_info *info = tape_reader_info(side->journal.reader);
    const struct tape_cat cat = {file, info->instruments, info->instrument_count, 4};
    fprintf(file, "  %-6s", head);
    tape_cat_text(&cat, number, event);
}

static void print_entry(FILE *file, const struct diff_side *side, const char *head, const struct journal_entry *entry)
{
    const struct event event = diff_entry_event(entry);
    print_event(file, side, head, entry->number, &event);
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
static json_t *event_fields(const json_t *a, const json_t *b)
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

static char *value_text(const json_t *value)
{
    if (json_is_string(value))
        return strdup(json_string_value(value));
    if (value == NULL || json_is_null(value))
        return strdup("-");
    return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

static void print_fields(FILE *file, const char *head, const json_t *fields)
{
    for (size_t i = 0; i < json_array_size(fields) && i < FIELDS_SHOWN; i++) {
        const json_t *entry = json_array_get(fields, i);
        char *a = value_text(json_object_get(entry, "a")), *b = value_text(json_object_get(entry, "b"));
        fprintf(file, "%s%s: %s -> %s\n", head, json_string_value(json_object_get(entry, "field")),
                a != NULL ? a : "?", b != NULL ? b : "?");
        free(a);
        free(b);
    }
    if (json_array_size(fields) > FIELDS_SHOWN)
        fprintf(file, "%sand %zu more (--json shows all)\n", head, json_array_size(fields) - FIELDS_SHOWN);
}

/* ---- what may be the cause ---- */

/* Paths of tapes and of the output say nothing of a run; the content of tapes is compared by hash. */
static json_t *config_fields(const struct diff_side *a, const struct diff_side *b)
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

static json_t *tape_fields(const struct diff_side *a, const struct diff_side *b)
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

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* ---- JSON ---- */

static json_t *side_json(const struct diff_side *side)
{
    json_t *object = json_object();
    json_set_text(object, "run", side->name);
    json_set_text(object, "digest", side->digest);
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
    json_t *left = journals->has_a ? entry_json(a, &journals->a) : json_null();
    json_t *right = journals->has_b ? entry_json(b, &journals->b) : json_null();
    json_set_u64(object, "record", first->number);
    json_set_u64(object, "input",
                 journals->has_a && journals->has_b && journals->b.event.seq < journals->a.event.seq
                     ? journals->b.event.seq
                     : first->event.seq);
    json_set(object, "fields", event_fields(left, right));
    json_set(object, "a", left);
    json_set(object, "b", right);
    for (uint32_t i = 0; i < journals->before_count; i++)
        json_array_append_new(before, entry_json(a, &journals->before[i]));
    for (uint32_t i = 0; i < journals->history_count; i++)
        json_array_append_new(history, entry_json(a, &journals->history[i]));
    json_set(object, "before", before);
    json_set(object, "order_before", history);
    return object;
}

static json_t *market_json(const struct diff_side *a, const struct diff_market *market)
{
    json_t *object = json_object();
    json_t *left = market->a.known ? event_json(a, market->message, &market->a.event) : json_null();
    json_t *right = market->b.known ? event_json(a, market->message, &market->b.event) : json_null();
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
    json_set(object, "fields", event_fields(left, right));
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
    json_set(object, "journal_a", journal_json(a));
    json_set(object, "journal_b", journal_json(b));
    json_set(object, "outputs_same_up_to", mark_json(&journals->outputs_same));
    json_set(object, "market", found->market.differs ? market_json(a, &found->market) : json_null());
    json_set(object, "outputs",
             journals->outputs_differ && !journals->unrecorded ? outputs_json(a, b, journals) : json_null());
    if (found->on.message.known)
        json_set(object, "decided_on",
                 event_json(a, found->on.numbered ? found->on.number : found->input, &found->on.message.event));
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
    json_set_text(object, "verdict", found != NULL ? "differs" : "identical");
    json_set(object, "a", side_json(a));
    json_set(object, "b", side_json(b));
    json_set(object, "config", config_fields(a, b));
    json_set(object, "tapes", tape_fields(a, b));
    if (found != NULL)
        set_found(object, a, b, found);
    return object;
}

/* ---- text ---- */

static void print_sides(FILE *file, const struct diff_side *a, const struct diff_side *b)
{
    json_t *config = config_fields(a, b), *tapes = tape_fields(a, b);
    const struct diff_side *const sides[] = {a, b};
    for (int i = 0; i < 2; i++)
        fprintf(file, "%c  %s  digest %s  %" PRIu64 " inputs%s%s\n", sides[i]->label, sides[i]->name,
                sides[i]->digest, sides[i]->inputs, sides[i]->binary != NULL ? "  by " : "",
                sides[i]->binary != NULL ? sides[i]->binary : "");
    print_fields(file, "config ", config);
    for (size_t i = 0; i < json_array_size(tapes); i++) {
        const json_t *tape = json_array_get(tapes, i);
        fprintf(file, "tape %s: %s -> %s %s\n", last_name(json_string_value(json_object_get(tape, "path_a"))),
                json_string_value(json_object_get(tape, "a")),
                last_name(json_string_value(json_object_get(tape, "path_b"))),
                json_string_value(json_object_get(tape, "b")));
    }
    if (strcmp(a->build_id, b->build_id) != 0)
        fprintf(file, "binary %s -> %s\n", a->build_id, b->build_id);
    json_decref(config);
    json_decref(tapes);
}

static void print_journals(FILE *file, const struct diff_side *a, const struct diff_side *b,
                           const struct diff_found *found)
{
    const struct diff_mark *same = &found->journals.outputs_same;
    char time[VALUE_TEXT_SIZE];
    fprintf(file,
            "journals: %" PRIu64 " and %" PRIu64 " records; read %" PRIu64 " of %" PRIu64 " and %" PRIu64
            " of %" PRIu64 " blocks, %" PRIu64 " and %" PRIu64 " checkpoints\n",
            a->journal.records, b->journal.records, a->journal.blocks_read, a->journal.blocks, b->journal.blocks_read,
            b->journal.blocks, a->journal.checkpoints_read, b->journal.checkpoints_read);
    if (!same->start)
        fprintf(file, "outputs are the same up to input %" PRIu64 " (%s), by their digest\n", same->at.inputs,
                value_time_text(same->ts, time));
}

void diff_report_where(const struct diff_side *a, const struct diff_found *found, char *text, size_t room)
{
    const struct diff_journals *journals = &found->journals;
    const struct diff_market *market = &found->market;
    char time[VALUE_TEXT_SIZE], message[PATH_SIZE] = "";
    value_time_text(found->ts, time);
    if (market->numbered)
        snprintf(message, sizeof(message), "message %" PRIu64 " of %s", market->message,
                 last_name(diff_lane_path(a, market->lane)));
    switch (found->first) {
    case DIFF_MARKET:
        snprintf(text, room, "input %" PRIu64 " (%s), %s", found->input, time,
                 market->numbered ? message : "an event of the market");
        break;
    case DIFF_OUTPUTS:
        snprintf(text, room, "record %" PRIu64 " of the journals, after input %" PRIu64 " (%s)",
                 journals->has_a ? journals->a.number : journals->b.number, found->input, time);
        break;
    case DIFF_TIMER:
        snprintf(text, room,
                 "at input %" PRIu64
                 " or the checkpoint before it (%s): no record, but what the digest knows besides, "
                 "as timers",
                 found->input, time);
        break;
    case DIFF_STATE:
        snprintf(text, room,
                 "the state at the end, after input %" PRIu64 " (%s); all inputs and outputs are the same",
                 found->input, time);
        break;
    case DIFF_SEGMENT:
        if (market->numbered)
            snprintf(text, room, "%s; which input that is shows only when both runs are executed", message);
        else
            snprintf(text, room, "the market, between input %" PRIu64 " and input %" PRIu64,
                     journals->market_same.start ? 0 : journals->market_same.at.inputs,
                     journals->market_shown.at.inputs);
        break;
    case DIFF_NOTHING:
        snprintf(text, room, "nowhere in the journals");
        break;
    }
}

static void print_market(FILE *file, const struct diff_side *a, const struct diff_found *found)
{
    const struct diff_market *market = &found->market;
    json_t *left = market->a.known ? event_json(a, market->message, &market->a.event) : json_null();
    json_t *right = market->b.known ? event_json(a, market->message, &market->b.event) : json_null();
    json_t *fields = event_fields(left, right);
    if (market->a.known)
        print_event(file, a, "a", market->message, &market->a.event);
    else
        fputs("  a     (the market ends here)\n", file);
    if (market->b.known)
        print_event(file, a, "b", market->message, &market->b.event);
    else
        fputs("  b     (the market ends here)\n", file);
    print_fields(file, "        ", fields);
    json_decref(fields);
    json_decref(left);
    json_decref(right);
}

static void print_outputs(FILE *file, const struct diff_side *a, const struct diff_side *b,
                          const struct diff_journals *journals)
{
    json_t *left = journals->has_a ? entry_json(a, &journals->a) : json_null();
    json_t *right = journals->has_b ? entry_json(b, &journals->b) : json_null();
    json_t *fields = event_fields(left, right);
    for (uint32_t i = 0; i < journals->history_count; i++)
        print_entry(file, a, "order", &journals->history[i]);
    for (uint32_t i = 0; i < journals->before_count; i++)
        print_entry(file, a, "same", &journals->before[i]);
    if (journals->has_a)
        print_entry(file, a, "a", &journals->a);
    else
        fputs("  a     (the run ends here)\n", file);
    if (journals->has_b)
        print_entry(file, b, "b", &journals->b);
    else
        fputs("  b     (the run ends here)\n", file);
    print_fields(file, "        ", fields);
    json_decref(fields);
    json_decref(left);
    json_decref(right);
}

static void print_decided_on(FILE *file, const struct diff_side *a, const struct diff_found *found)
{
    const struct diff_input *on = &found->on;
    if (found->first != DIFF_OUTPUTS || !on->message.known)
        return;
    if (on->message.event.kind == EVENT_EXECUTION && found->journals.has_a &&
        found->journals.a.event.kind == EVENT_EXECUTION)
        return; /* it is the input that differs */
    if (found->ts > on->message.event.ts)
        fprintf(file, "\ndecided by a timer, after input %" PRIu64 ":\n", found->input);
    else
        fprintf(file, "\ndecided on input %" PRIu64 "%s:\n", found->input,
                on->numbered ? ", which is this message of its tape" : "");
    print_event(file, a, "input", on->numbered ? on->number : found->input, &on->message.event);
}

static void print_state(FILE *file, const struct diff_found *found)
{
    if (found->state_a == NULL) {
        if (found->unshown.text[0] != '\0')
            fprintf(file, "\nthe state there is not shown: %s\n", found->unshown.text);
        return;
    }
    json_t *fields = diff_fields(found->state_a, found->state_b);
    fprintf(file, "\nstate after input %" PRIu64 "%s\n", found->state_inputs,
            json_array_size(fields) != 0 ? ":" : ": the same");
    print_fields(file, "  ", fields);
    json_decref(fields);
}

/* The order of the first record that differs, and who can tell more of it. */
static void print_hint(FILE *file, const struct diff_side *a, const struct diff_side *b,
                       const struct diff_journals *journals)
{
    const struct event record = diff_entry_event(journals->has_a ? &journals->a : &journals->b);
    const uint64_t order = journals->outputs_differ ? diff_order_of(&record) : 0;
    if (order == 0 || a->made || b->made)
        return;
    fprintf(file,
            "\n'tapedeck why %s %" PRIu64 "' and 'tapedeck why %s %" PRIu64 "' tell the whole story of the order\n",
            a->name, order, b->name, order);
}

void diff_report_print(FILE *file, const struct diff_side *a, const struct diff_side *b,
                       const struct diff_found *found)
{
    char where[PATH_SIZE + 256];
    print_sides(file, a, b);
    if (found == NULL) {
        fprintf(file, "identical, digest %s\n", a->digest);
        return;
    }
    const struct diff_journals *journals = &found->journals;
    const bool outputs = journals->outputs_differ && !journals->unrecorded;
    print_journals(file, a, b, found);
    diff_report_where(a, found, where, sizeof(where));
    fprintf(file, "\nDIFFERS at %s\n", where);
    if (found->first == DIFF_MARKET || (found->first == DIFF_SEGMENT && found->market.differs))
        print_market(file, a, found);
    else if (found->first == DIFF_OUTPUTS)
        print_outputs(file, a, b, journals);
    print_decided_on(file, a, found);
    print_state(file, found);
    if (outputs && found->first != DIFF_OUTPUTS) {
        fprintf(file, "\nthe first record of the journals that differs, after input %" PRIu64 ":\n",
                journals->has_a ? journals->a.event.seq : journals->b.event.seq);
        print_outputs(file, a, b, journals);
    } else if (found->first == DIFF_OUTPUTS && found->market.differs) {
        fprintf(file,
                "\nthe market differs too, later for the strategy and perhaps earlier for the venue: input %" PRIu64
                " (message %" PRIu64 " of %s)\n",
                found->market.input_a, found->market.message, last_name(diff_lane_path(a, found->market.lane)));
        print_market(file, a, found);
    }
    print_hint(file, a, b, journals);
}
