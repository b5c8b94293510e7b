#include "cli/diff_report.h"

#include "cli/tape_cat.h"
#include "cli/values.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_SHOWN 12

/* ---- events and fields ---- */

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

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* ---- text ---- */

static void print_sides(FILE *file, const struct diff_side *a, const struct diff_side *b)
{
    json_t *config = diff_config_fields(a, b), *tapes = diff_tape_fields(a, b);
    const struct diff_side *const sides[] = {a, b};
    for (int i = 0; i < 2; i++)
        fprintf(file, "%c  %s  %s%s  %" PRIu64 " inputs%s%s%s\n", sides[i]->label, sides[i]->name,
                sides[i]->unended ? "not ended" : "digest ", sides[i]->unended ? "" : sides[i]->digest,
                sides[i]->inputs, sides[i]->unended ? " known" : "", sides[i]->binary != NULL ? "  by " : "",
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

static void print_market(FILE *file, const struct diff_side *a, const struct diff_side *b,
                         const struct diff_found *found)
{
    const struct diff_market *market = &found->market;
    json_t *left = market->a.known ? diff_event_json(a, market->message, &market->a.event) : json_null();
    json_t *right = market->b.known ? diff_event_json(a, market->message, &market->b.event) : json_null();
    json_t *fields = diff_event_fields(left, right);
    if (market->a.known)
        print_event(file, a, a->head, market->message, &market->a.event);
    else
        fprintf(file, "  %-6s(the market ends here)\n", a->head);
    if (market->b.known)
        print_event(file, a, b->head, market->message, &market->b.event);
    else
        fprintf(file, "  %-6s(the market ends here)\n", b->head);
    print_fields(file, "        ", fields);
    json_decref(fields);
    json_decref(left);
    json_decref(right);
}

static void print_before(FILE *file, const struct diff_side *a, const struct diff_journals *journals)
{
    for (uint32_t i = 0; i < journals->history_count; i++)
        print_entry(file, a, "order", &journals->history[i]);
    for (uint32_t i = 0; i < journals->before_count; i++)
        print_entry(file, a, "same", &journals->before[i]);
}

static void print_outputs(FILE *file, const struct diff_side *a, const struct diff_side *b,
                          const struct diff_journals *journals)
{
    json_t *left = journals->has_a ? diff_entry_json(a, &journals->a) : json_null();
    json_t *right = journals->has_b ? diff_entry_json(b, &journals->b) : json_null();
    json_t *fields = diff_event_fields(left, right);
    if (journals->has_a)
        print_entry(file, a, a->head, &journals->a);
    else
        fprintf(file, "  %-6s(the run ends here)\n", a->head);
    if (journals->has_b)
        print_entry(file, b, b->head, &journals->b);
    else
        fprintf(file, "  %-6s(the run ends here)\n", b->head);
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
    if (found->market_unknown)
        fputs("\nthe tapes are not the same and cannot be compared: the market may differ before\n", file);
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
    if (diff_same_so_far(a, b, found)) {
        fprintf(file, "\nidentical up to input %" PRIu64 ": %s %s not ended, and what came after that is not known\n",
                diff_inputs_known(a, b),
                a->unended && b->unended ? "both"
                : a->unended             ? a->name
                                         : b->name,
                a->unended && b->unended ? "have" : "has");
        return;
    }
    diff_report_where(a, found, where, sizeof(where));
    fprintf(file, "\nDIFFERS at %s\n", where);
    if (found->first == DIFF_MARKET || (found->first == DIFF_SEGMENT && found->market.differs)) {
        print_market(file, a, b, found);
    } else if (found->first == DIFF_OUTPUTS) {
        print_before(file, a, journals);
        print_outputs(file, a, b, journals);
    }
    print_decided_on(file, a, found);
    print_state(file, found);
    if (outputs && found->first != DIFF_OUTPUTS) {
        fprintf(file, "\nthe first record of the journals that differs, after input %" PRIu64 ":\n",
                journals->has_a ? journals->a.event.seq : journals->b.event.seq);
        print_before(file, a, journals);
        print_outputs(file, a, b, journals);
    } else if (found->first == DIFF_OUTPUTS && found->market.differs) {
        fprintf(file,
                "\nthe market differs too, later for the strategy and perhaps earlier for the venue: input %" PRIu64
                " (message %" PRIu64 " of %s)\n",
                found->market.input_a, found->market.message, last_name(diff_lane_path(a, found->market.lane)));
        print_market(file, a, b, found);
    }
    print_hint(file, a, b, journals);
}

void diff_report_first(FILE *file, const struct diff_side *a, const struct diff_side *b,
                       const struct diff_found *found)
{
    char where[PATH_SIZE + 256];
    diff_report_where(a, found, where, sizeof(where));
    fprintf(file, "first difference: %s\n", where);
    if (found->first == DIFF_MARKET || (found->first == DIFF_SEGMENT && found->market.differs))
        print_market(file, a, b, found);
    else if (found->first == DIFF_OUTPUTS)
        print_outputs(file, a, b, &found->journals);
    if (found->state_a == NULL)
        return;
    json_t *fields = diff_fields(found->state_a, found->state_b);
    if (json_array_size(fields) != 0)
        fprintf(file, "state after input %" PRIu64 ":\n", found->state_inputs);
    print_fields(file, "  ", fields);
    json_decref(fields);
}
