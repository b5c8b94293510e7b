#include "cli/diff_find.h"

#include <string.h>

const char *diff_first_name(enum diff_first first)
{
    static const char *const names[] = {
        [DIFF_NOTHING] = "nothing", [DIFF_MARKET] = "market", [DIFF_OUTPUTS] = "outputs",
        [DIFF_TIMER] = "timer",     [DIFF_STATE] = "state",   [DIFF_SEGMENT] = "segment"};
    return names[first];
}

static const char *lane_text(const struct diff_side *side, size_t lane, const char *key)
{
    const json_t *tapes = json_object_get(side->result, "tapes");
    const char *text = json_string_value(json_object_get(json_array_get(tapes, lane), key));
    return text != NULL ? text : "";
}

size_t diff_lanes(const struct diff_side *side)
{
    return json_array_size(json_object_get(side->result, "tapes"));
}
const char *diff_lane_hash(const struct diff_side *side, size_t lane)
{
    return lane_text(side, lane, "hash");
}
const char *diff_lane_path(const struct diff_side *side, size_t lane)
{
    return lane_text(side, lane, "path");
}

/* ---- the market ---- */

static const char *key_of(const struct diff_side *side, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(side->config, key));
    return text != NULL ? text : otherwise;
}

static bool is_set(const struct diff_side *side, const char *key, const char *off)
{
    return strcmp(key_of(side, key, off), off) != 0;
}

/* Is the n-th message of the only tape the n-th input of the market? Stretches leave messages out, latencies of the
 * feed may put them in another order with answers, and cuts of the line add notices. */
static bool is_plain(const struct diff_side *side)
{
    return diff_lanes(side) == 1 && !is_set(side, "feed.latency.model", "tape") && !is_set(side, "feed.from", "") &&
           !is_set(side, "feed.to", "") && !is_set(side, "venue.faults.line_cuts", "") &&
           !is_set(side, "venue.faults.line_cut_every", "0s") &&
           !is_set(side, "venue.faults.outage_market", "continues");
}

/* From the tape's own numbers to the run's. */
static err_t number_instrument(const struct diff_side *side, const char *path, struct tape_message *message,
                               struct err_text *why)
{
    struct tape_reader *reader;
    const struct tape_info *run = tape_reader_info(side->journal.reader);
    err_t err = message->known ? tape_reader_open(&reader, path, NULL, why) : ERR_OK;
    if (err != ERR_OK || !message->known)
        return err;
    const struct tape_info *tape = tape_reader_info(reader);
    const struct instrument *its =
        message->event.instrument < tape->instrument_count ? &tape->instruments[message->event.instrument] : NULL;
    for (uint16_t i = 0; its != NULL && i < run->instrument_count; i++)
        if (strcmp(run->instruments[i].venue, its->venue) == 0 &&
            strcmp(run->instruments[i].symbol, its->symbol) == 0)
            message->event.instrument = i;
    tape_reader_close(reader);
    return ERR_OK;
}

/* The tapes themselves: what the digest of the market shows only later, they show at once. Of several lanes the one
 * whose message comes first. */
static err_t compare_tapes(const struct diff_side *a, const struct diff_side *b, struct diff_found *found,
                           struct err_text *why)
{
    struct rerun *left = NULL, *right = NULL;
    struct diff_market *market = &found->market;
    err_t err = ERR_OK;
    size_t differing = 0;
    const size_t lanes = diff_lanes(a) < diff_lanes(b) ? diff_lanes(a) : diff_lanes(b);
    for (size_t lane = 0; lane < lanes; lane++)
        differing += strcmp(diff_lane_hash(a, lane), diff_lane_hash(b, lane)) != 0;
    if (differing == 0)
        return ERR_OK;
    err = rerun_open(&left, a->dir, &a->options, why);
    if (err == ERR_OK)
        err = rerun_open(&right, b->dir, &b->options, why);
    for (size_t lane = 0; lane < lanes && err == ERR_OK; lane++) {
        const char *path_a, *path_b, *hash_a, *hash_b;
        if (!rerun_tape(left, lane, &path_a, &hash_a) || !rerun_tape(right, lane, &path_b, &hash_b) ||
            strcmp(hash_a, hash_b) == 0)
            continue;
        struct tape_difference difference;
        err = tape_compare(path_a, path_b, &difference, why);
        if (err == ERR_OK)
            err = number_instrument(a, path_a, &difference.a, why);
        if (err == ERR_OK)
            err = number_instrument(a, path_b, &difference.b, why);
        const struct tape_message *one = difference.a.known ? &difference.a : &difference.b;
        const struct tape_message *had = market->a.known ? &market->a : &market->b;
        market->decoded += difference.decoded;
        if (err != ERR_OK || !difference.differs || (market->differs && had->event.ts <= one->event.ts)) {
            tape_difference_free(&difference);
            continue;
        }
        tape_message_free(&market->a);
        tape_message_free(&market->b);
        market->differs = market->numbered = true;
        market->lane = (uint16_t)lane;
        market->message = difference.message;
        market->a = difference.a; /* what they point to is the market's now */
        market->b = difference.b;
    }
    rerun_close(left);
    rerun_close(right);
    return err;
}

static ns_t market_ts(const struct diff_market *market)
{
    const ns_t a = market->a.known ? market->a.event.ts : NS_MAX, b = market->b.known ? market->b.event.ts : NS_MAX;
    return a < b ? a : b;
}

/* By the journals alone, where that can be. */
static err_t number_plain(struct diff_side *a, struct diff_side *b, struct diff_found *found, struct err_text *why)
{
    struct diff_market *market = &found->market;
    if (!market->differs || !is_plain(a) || !is_plain(b))
        return ERR_OK;
    err_t err = diff_journal_input(&a->journal, market->message, &market->input_a, why);
    if (err == ERR_AGAIN)
        market->input_a = 0;
    if (err == ERR_OK || err == ERR_AGAIN)
        err = diff_journal_input(&b->journal, market->message, &market->input_b, why);
    if (err == ERR_AGAIN)
        market->input_b = 0;
    if (err != ERR_OK && err != ERR_AGAIN)
        return err;
    /* Neither run came to it: it was interrupted before. Of one that has not ended it is not known. */
    const bool beyond_a = market->input_a > a->inputs, beyond_b = market->input_b > b->inputs;
    if ((beyond_a && beyond_b) || (beyond_a && a->unended) || (beyond_b && b->unended))
        market->differs = false;
    return ERR_OK;
}

uint64_t diff_inputs_known(const struct diff_side *a, const struct diff_side *b)
{
    if (a->unended && b->unended)
        return a->inputs < b->inputs ? a->inputs : b->inputs;
    return a->unended ? a->inputs : b->unended ? b->inputs : UINT64_MAX;
}

/* ---- which is the first ---- */

static uint64_t record_input(const struct diff_journals *journals)
{
    if (!journals->outputs_differ)
        return UINT64_MAX;
    const uint64_t a = journals->has_a ? journals->a.event.seq : UINT64_MAX;
    const uint64_t b = journals->has_b ? journals->b.event.seq : UINT64_MAX;
    return a < b ? a : b;
}

static uint64_t market_input(const struct diff_market *market)
{
    const uint64_t a = market->input_a != 0 ? market->input_a : UINT64_MAX;
    const uint64_t b = market->input_b != 0 ? market->input_b : UINT64_MAX;
    return market->differs ? (a < b ? a : b) : UINT64_MAX;
}

/* `executed`: the market was looked at up to the first record. */
static void decide(struct diff_found *found, bool executed)
{
    const struct diff_journals *journals = &found->journals;
    const uint64_t record = record_input(journals), market = market_input(&found->market);
    if (found->market.differs && market != UINT64_MAX && market <= record) {
        found->first = DIFF_MARKET;
        found->input = market;
        found->ts = market_ts(&found->market);
    } else if (!executed && (journals->market_differs || (found->market.differs && market == UINT64_MAX))) {
        found->first = DIFF_SEGMENT;
        found->ts = journals->market_same.ts;
    } else if (journals->outputs_differ) {
        found->first = !journals->unrecorded ? DIFF_OUTPUTS : journals->at_end ? DIFF_STATE : DIFF_TIMER;
        found->input = record;
        found->ts = journals->has_a ? journals->a.event.ts : journals->b.event.ts;
    } else {
        found->first = DIFF_NOTHING;
    }
}

/* ---- executed again ---- */

/* The last checkpoint up to which all is known to be the same. */
static err_t common_mark(struct diff_side *a, const struct diff_found *found, struct diff_mark *mark,
                         struct err_text *why)
{
    const struct diff_journals *journals = &found->journals;
    *mark = journals->outputs_same;
    if (mark->start || journals->market_same.start || journals->market_same.record < mark->record)
        *mark = journals->market_same;
    if (!found->market.differs || mark->start)
        return ERR_OK;
    struct diff_mark before = {.start = true};
    /* arrivals that are made anew may lie anywhere: from the beginning */
    const bool recorded = strcmp(key_of(a, "feed.latency.model", "tape"), "tape") == 0;
    err_t err = recorded ? diff_journal_before(&a->journal, market_ts(&found->market), &before, why) : ERR_OK;
    if (err == ERR_OK && (before.start || before.record < mark->record))
        *mark = before;
    return err;
}

static uint64_t input_of(const struct rerun *rerun, const struct diff_input *input)
{
    return input->message.known ? diff_replay_inputs(rerun) : 0;
}

static void take_input(struct diff_market *market, struct diff_replay *replay)
{
    const struct diff_input *one = replay->of_a.message.known ? &replay->of_a : &replay->of_b;
    tape_message_free(&market->a);
    tape_message_free(&market->b);
    *market = (struct diff_market){.differs = true,
                                   .numbered = one->numbered,
                                   .lane = one->lane,
                                   .message = one->number,
                                   .input_a = input_of(replay->a, &replay->of_a),
                                   .input_b = input_of(replay->b, &replay->of_b),
                                   .a = replay->of_a.message,
                                   .b = replay->of_b.message,
                                   .decoded = market->decoded};
    replay->of_a.message = replay->of_b.message = (struct tape_message){0};
}

static bool is_execution(const struct diff_input *input)
{
    return input->message.known && input->message.event.kind == EVENT_EXECUTION;
}

/* The inputs are not the same. An execution on one side alone is an output that differs, and has its record; but it
 * may stand where the other has a message that it lacks: the next ones of the market tell. */
static err_t look_at_market(struct diff_replay *replay, struct diff_found *found, struct err_text *why)
{
    const bool both = is_execution(&replay->of_a) && is_execution(&replay->of_b);
    const bool one = is_execution(&replay->of_a) || is_execution(&replay->of_b);
    err_t err = one && !both ? diff_replay_market(replay->a, &replay->of_a, why) : ERR_OK;
    if (err == ERR_OK && one && !both)
        err = diff_replay_market(replay->b, &replay->of_b, why);
    if (err == ERR_OK && !both && !diff_inputs_same(&replay->of_a, &replay->of_b))
        take_input(&found->market, replay);
    decide(found, true);
    if (err == ERR_OK && one && !both) /* too far, for the state */
        err = diff_replay_to(replay, found->input, found->input, why);
    return err;
}

/* Through the segment: does the market differ before the first record does, and at which input? */
static err_t walk(struct diff_replay *replay, const struct diff_side *a, const struct diff_side *b,
                  struct diff_found *found, struct err_text *why)
{
    const struct diff_journals *journals = &found->journals;
    uint64_t limit = record_input(journals);
    if (found->first == DIFF_MARKET && found->input < limit)
        limit = found->input;
    if (limit == UINT64_MAX)
        limit = a->inputs > b->inputs ? a->inputs : b->inputs;
    if (limit > diff_inputs_known(a, b))
        limit = diff_inputs_known(a, b);
    enum diff_stop stop;
    err_t err = diff_replay_walk(replay, limit, journals->unrecorded && !journals->at_end, &stop, why);
    if (err != ERR_OK)
        return err;
    const uint64_t inputs = diff_replay_inputs(replay->a);
    const bool known = found->first == DIFF_MARKET && inputs == found->input; /* by its tape */
    if (stop == DIFF_STOP_DIGEST) {
        found->input = inputs;
        found->ts = engine_now(replay->a->stage->engine);
    } else if (stop == DIFF_STOP_INPUT && !known) {
        err = look_at_market(replay, found, why);
    } else if (found->first == DIFF_SEGMENT && (journals->outputs_differ || a->unended || b->unended)) {
        found->market.differs &= journals->outputs_differ; /* else it comes after what is known */
        decide(found, true);
    }
    return err;
}

static bool states_equal(const struct diff_found *found)
{
    return found->state_a != NULL && json_equal(found->state_a, found->state_b);
}

static void take_states(struct diff_replay *replay, struct diff_found *found)
{
    json_decref(found->state_a);
    json_decref(found->state_b);
    found->state_a = diff_state_json(replay->a);
    found->state_b = diff_state_json(replay->b);
    found->state_inputs = diff_replay_inputs(replay->a);
}

/* A timer that is due before the next input is handled with it: when nothing shows yet, one input more. */
static err_t look(struct diff_replay *replay, struct diff_found *found, struct err_text *why)
{
    take_states(replay, found);
    if (!states_equal(found))
        return ERR_OK;
    err_t err = diff_replay_step(replay, why);
    if (err == ERR_OK)
        take_states(replay, found);
    return err;
}

static void forget_states(struct diff_found *found)
{
    json_decref(found->state_a);
    json_decref(found->state_b);
    found->state_a = found->state_b = NULL;
}

static err_t execute(struct diff_side *a, struct diff_side *b, struct diff_found *found, struct err_text *why)
{
    struct diff_mark mark;
    struct diff_replay replay = {0};
    err_t err = common_mark(a, found, &mark, why);
    if (err == ERR_OK)
        err = diff_replay_open(&replay, a, b, &mark, why);
    if (err == ERR_OK && found->first != DIFF_STATE)
        err = walk(&replay, a, b, found, why);
    else if (err == ERR_OK)
        err = diff_replay_to(&replay, a->inputs, b->inputs, why);
    if (err == ERR_OK && found->first == DIFF_STATE)
        err = diff_replay_step(&replay, why); /* what is due after the last input */
    if (err == ERR_OK) {
        found->on = replay.of_a;
        replay.of_a = (struct diff_input){0};
        err = look(&replay, found, why);
        if (err == ERR_OK)
            err = diff_replay_proved(&replay, a, b, why);
        if (err == ERR_OK && found->first == DIFF_STATE)
            err = diff_replay_finish(&replay, a, b, why);
        if (err != ERR_OK)
            forget_states(found);
    }
    diff_replay_close(&replay);
    return err;
}

/* ---- all ---- */

err_t diff_find(struct diff_side *a, struct diff_side *b, const struct diff_options *options,
                struct diff_found *found, struct err_text *why)
{
    *found = (struct diff_found){0};
    err_t err = diff_journals(&a->journal, &b->journal, &found->journals, why);
    if (err != ERR_OK)
        return err;
    /* A tape that is gone is no reason to tell nothing: the journals still name the segment. */
    err = compare_tapes(a, b, found, &found->unshown);
    if (err == ERR_NOMEM || err == ERR_INTERRUPTED)
        return err_say(why, err, "%s", found->unshown.text);
    found->market_unknown = err != ERR_OK;
    err = number_plain(a, b, found, why);
    if (err != ERR_OK)
        return err;
    decide(found, false);
    if (options->only_where || found->market_unknown)
        return ERR_OK;
    if (found->first == DIFF_NOTHING && (a->unended || b->unended))
        return ERR_OK;
    err = execute(a, b, found, &found->unshown);
    return err == ERR_INTERRUPTED || err == ERR_NOMEM ? err_say(why, err, "%s", found->unshown.text) : ERR_OK;
}

bool diff_same_so_far(const struct diff_side *a, const struct diff_side *b, const struct diff_found *found)
{
    return found->first == DIFF_NOTHING && (a->unended || b->unended) && !found->market_unknown;
}

void diff_found_free(struct diff_found *found)
{
    tape_message_free(&found->market.a);
    tape_message_free(&found->market.b);
    tape_message_free(&found->on.message);
    forget_states(found);
    *found = (struct diff_found){0};
}
