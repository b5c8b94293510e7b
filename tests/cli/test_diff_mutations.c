/* Seeded mutations: one message of the tape changed, left out or swapped with the next, one constant of the strategy,
 * one fee. What diff says is held against a comparison that bisects nothing: both runs executed from their first
 * input to their last, every input and every record kept, and walked side by side.
 *
 * TAPEDECK_MUTATIONS says how many (20), TAPEDECK_SEED from which seed. */
#include "cli/json_out.h"
#include "cli/rerun.h"
#include "core/order.h"
#include "core/prng.h"
#include "data/tape_reader.h"
#include "data/tape_writer.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scratch scratch;
static struct ran ran;

static const char config_text[] =
    "journal: on\n"
    "feed: {tapes: [%s%s]%s}\n"
    "venue: {fees: {maker: \"%s\", taker: \"%s\"}, latency: {entry: 2ms, response: 2ms}}\n"
    "account: {balances: {USDT: \"100000\"}}\n"
    "risk: {position_max: \"0.2\", open_orders_max: 4, orders_per_second_max: 20}\n"
    "strategy: {name: maker, params: {size: \"0.01\", position_max: \"%s\", half_spread: %u, skew: \"%s\", move_min: "
    "%u}}\n";

static void setup(void)
{
    scratch_begin(&scratch);
}
static void teardown(void)
{
    scratch_end(&scratch);
}
/* How the market comes to the run. */
struct way {
    const char *before, *more; /* the tape that is mutated: tapes before it, and keys of the feed */
    unsigned lane;             /* of the tape that is mutated */
    bool plain;                /* the journals alone tell the input of a message */
};
static const struct way one_tape = {"", "", 0, true};
static const struct way others[] = {
    {"other.tape, ", "", 1, false},
    {"other.tape, ", ", from: 2024-01-01T00:00:20Z", 1, false},
    {"", ", latency: {model: constant, delay: 40ms}", 0, false},
};

TestSuite(diff_mutations, .init = setup, .fini = teardown);

/* ---- a tape in memory ---- */

struct message {
    struct event event;
    struct level *levels;
};
struct market {
    struct message *messages;
    uint64_t count;
    struct instrument instrument;
};

static void market_load(struct market *market, const char *path)
{
    struct tape_reader *reader;
    struct tape_block block;
    cr_assert_eq(tape_reader_open(&reader, path, NULL, NULL), ERR_OK);
    const struct tape_info *info = tape_reader_info(reader);
    market->instrument = info->instruments[0];
    market->messages = calloc(info->messages, sizeof(*market->messages));
    while (tape_reader_next(reader, &block, NULL) == ERR_OK) {
        for (uint32_t i = 0; i < block.event_count; i++) {
            struct message *message = &market->messages[market->count++];
            const size_t count = (size_t)block.events[i].bid_count + block.events[i].ask_count;
            cr_assert(event_has_levels(block.events[i].kind));
            message->event = block.events[i];
            message->levels = malloc((count + 1) * sizeof(struct level));
            memcpy(message->levels, block.events[i].levels, count * sizeof(struct level));
            message->event.levels = message->levels;
        }
        tape_reader_release(reader, block.buffer);
    }
    tape_reader_close(reader);
}

/* `order[i]` is which message comes at place i; ts stay where they are, so that time does not fall. */
static void market_save(const struct market *market, const uint64_t *order, uint64_t count, const char *path)
{
    struct tape_writer *writer;
    cr_assert_eq(tape_writer_open(&writer, path, &market->instrument, 1,
                                  &(struct tape_writer_options){.block_levels = 2048}, NULL),
                 ERR_OK);
    for (uint64_t i = 0; i < count; i++)
        cr_assert_eq(tape_writer_add(writer, &market->messages[order[i]].event), ERR_OK);
    cr_assert_eq(tape_writer_close(writer, NULL, NULL), ERR_OK);
}

static void market_free(struct market *market)
{
    for (uint64_t i = 0; i < market->count; i++)
        free(market->messages[i].levels);
    free(market->messages);
}

/* ---- the comparison that looks at everything ---- */

struct record {
    struct event event;
    uint8_t body[128];
};
struct history {
    struct record *records; /* of the journal */
    uint64_t record_count, record_room;
    uint64_t *inputs; /* a hash of each; executions have the lowest bit set, and no more */
    uint64_t input_count, input_room;
};

static void on_record(void *context, const struct event *event)
{
    struct history *history = context;
    if (history->record_count == history->record_room)
        history->records = realloc(history->records,
                                   (history->record_room = history->record_room * 2 + 4096) * sizeof(struct record));
    struct record *record = &history->records[history->record_count++];
    memset(record, 0, sizeof(*record));
    record->event = *event;
    record->event.body = NULL;
    memcpy(record->body, event->body,
           event->kind == EVENT_EXECUTION ? sizeof(struct execution) : event_body_size((enum event_kind)event->kind));
    if (event->kind == EVENT_EXECUTION) { /* padding, and what stands behind the end of a text, say nothing */
        struct execution *execution = (struct execution *)(void *)record->body;
        const size_t size = strnlen(execution->fee_currency, sizeof(execution->fee_currency));
        memset(execution->fee_currency + size, 0, sizeof(execution->fee_currency) - size);
        memset(record->body + offsetof(struct execution, leaves) + sizeof(qty_t), 0,
               offsetof(struct execution, fee) - offsetof(struct execution, leaves) - sizeof(qty_t));
    }
    if (event->kind == EVENT_CHECKPOINT) /* the market is looked at itself */
        memset(((struct event_checkpoint *)(void *)record->body)->market, 0, 16);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t hash_of(const struct event *event)
{
    if (event->kind == EVENT_EXECUTION)
        return 1;
    uint64_t hash = mix(mix(mix(mix(7, (uint64_t)event->ts), (uint64_t)event->exch_ts), event->seq), event->kind);
    hash = mix(mix(mix(mix(hash, event->seq_first), event->seq_prev), event->flags), event->bid_count);
    for (uint32_t i = 0; i < event->bid_count + event->ask_count; i++)
        hash = mix(mix(hash, (uint64_t)event->levels[i].price), (uint64_t)event->levels[i].qty);
    return hash & ~UINT64_C(1);
}

static void execute_all(const char *dir, struct history *history)
{
    struct rerun *rerun;
    struct err_text why = {0};
    char path[512];
    struct journal journal = {history, on_record};
    const struct stage_watch watch = {.journal = &journal};
    snprintf(path, sizeof(path), "%s", scratch_path(&scratch, dir));
    cr_assert_eq(rerun_open(&rerun, path, &(struct rerun_options){0}, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(rerun_stage(rerun, NULL, &watch, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(rerun_start(rerun, &why), ERR_OK);
    *history = (struct history){0};
    err_t err;
    while ((err = rerun_advance(rerun, 1, &why)) == ERR_OK) {
        if (history->input_count == history->input_room)
            history->inputs =
                realloc(history->inputs, (history->input_room = history->input_room * 2 + 4096) * sizeof(uint64_t));
        history->inputs[history->input_count++] = hash_of(rerun->stage->world->run.at - 1);
    }
    cr_assert_eq(err, ERR_END, "%s", why.text);
    cr_assert_eq(rerun_finish(rerun, &why), ERR_OK, "%s", why.text);
    rerun_close(rerun);
}

static void history_free(struct history *history)
{
    free(history->records);
    free(history->inputs);
}

struct truth {
    uint64_t record; /* the first that differs; UINT64_MAX: none */
    uint64_t record_input;
    uint64_t market_input; /* the first input of the market that differs, from 1; UINT64_MAX: none */
};

static uint64_t next_market(const struct history *history, uint64_t i)
{
    while (i < history->input_count && history->inputs[i] == 1)
        i++;
    return i;
}

static struct truth walk(const struct history *a, const struct history *b)
{
    struct truth truth = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    uint64_t i = 0;
    while (i < a->record_count && i < b->record_count &&
           memcmp(&a->records[i], &b->records[i], sizeof(struct record)) == 0)
        i++;
    if (i < a->record_count || i < b->record_count) {
        const uint64_t of_a = i < a->record_count ? a->records[i].event.seq : UINT64_MAX;
        const uint64_t of_b = i < b->record_count ? b->records[i].event.seq : UINT64_MAX;
        truth.record = i;
        truth.record_input = of_a < of_b ? of_a : of_b;
    }
    /* the market alone: executions between its messages are no part of it */
    uint64_t of_a = next_market(a, 0), of_b = next_market(b, 0);
    while (of_a < a->input_count && of_b < b->input_count && a->inputs[of_a] == b->inputs[of_b]) {
        of_a = next_market(a, of_a + 1);
        of_b = next_market(b, of_b + 1);
    }
    if (of_a < a->input_count || of_b < b->input_count)
        truth.market_input = 1 + (of_b >= b->input_count || (of_a < a->input_count && of_a < of_b) ? of_a : of_b);
    return truth;
}

/* ---- mutations ---- */

struct mutation {
    char what[160];
    uint64_t message; /* of the tape, the first that differs; UINT64_MAX: the tape is the same */
    const char *maker, *taker, *position_max, *skew;
    unsigned half_spread, move_min;
};

static const struct mutation untouched = {.message = UINT64_MAX,
                                          .maker = "0.0002",
                                          .taker = "0.0005",
                                          .position_max = "0.1",
                                          .skew = "2",
                                          .half_spread = 10,
                                          .move_min = 3};

static bool same_message(const struct message *a, const struct message *b)
{
    struct event left = a->event, right = b->event;
    left.levels = right.levels = NULL;
    return memcmp(&left, &right, sizeof(left)) == 0 &&
           memcmp(a->levels, b->levels, (left.bid_count + left.ask_count) * sizeof(struct level)) == 0;
}

/* The tape with one message changed, left out or swapped. */
static void mutate_tape(struct prng *prng, const struct market *market, struct mutation *mutation, const char *path)
{
    uint64_t *order = malloc(market->count * sizeof(*order)), count = market->count;
    const uint64_t at = 1 + prng_below(prng, market->count - 2);
    struct message *message = &market->messages[at], *next = message + 1;
    const struct event saved = message->event, saved_next = next->event;
    for (uint64_t i = 0; i < count; i++)
        order[i] = i;
    mutation->message = at;
    switch (prng_below(prng, 3)) {
    case 0: {
        const uint32_t levels = saved.bid_count + saved.ask_count;
        struct level *level = levels != 0 ? &message->levels[prng_below(prng, levels)] : NULL;
        const struct level before = level != NULL ? *level : (struct level){0};
        snprintf(mutation->what, sizeof(mutation->what), "message %" PRIu64 " changed", at);
        if (level != NULL)
            level->qty += 1 + (qty_t)prng_below(prng, 1000);
        else
            message->event.seq++;
        market_save(market, order, count, path);
        if (level != NULL)
            *level = before;
        break;
    }
    case 1: {
        snprintf(mutation->what, sizeof(mutation->what), "message %" PRIu64 " left out", at);
        uint64_t first = at; /* of equal ones in a row the last is as good as missing */
        while (first + 1 < count && same_message(&market->messages[first], &market->messages[first + 1]))
            first++;
        mutation->message = first;
        memmove(order + at, order + at + 1, (count - at - 1) * sizeof(*order));
        market_save(market, order, count - 1, path);
        break;
    }
    default:
        snprintf(mutation->what, sizeof(mutation->what), "messages %" PRIu64 " and the next swapped", at);
        message->event.ts = saved_next.ts; /* time stays in its order */
        next->event.ts = saved.ts;
        order[at] = at + 1;
        order[at + 1] = at;
        market_save(market, order, count, path);
        break;
    }
    message->event = saved;
    next->event = saved_next;
    free(order);
}

static void mutate(struct prng *prng, const struct market *market, struct mutation *mutation)
{
    static const char *const fees[] = {"0.0001", "0.0003", "0.00021", "0"};
    *mutation = untouched;
    snprintf(mutation->what, sizeof(mutation->what), "nothing");
    switch (prng_below(prng, 5)) {
    case 0: /* a constant, which may matter from the first order on, or only with a position, or never */
        switch (prng_below(prng, 4)) {
        case 0:
            mutation->half_spread = 10 + 1 + (unsigned)prng_below(prng, 5);
            snprintf(mutation->what, sizeof(mutation->what), "half_spread %u", mutation->half_spread);
            break;
        case 1:
            mutation->skew = "3";
            snprintf(mutation->what, sizeof(mutation->what), "skew 3");
            break;
        case 2:
            mutation->position_max = "0.02";
            snprintf(mutation->what, sizeof(mutation->what), "position_max 0.02");
            break;
        default:
            mutation->move_min = 4 + (unsigned)prng_below(prng, 20);
            snprintf(mutation->what, sizeof(mutation->what), "move_min %u", mutation->move_min);
            break;
        }
        break;
    case 1: {
        const char *fee = fees[prng_below(prng, 4)];
        if (prng_below(prng, 4) != 0)
            mutation->maker = fee;
        else
            mutation->taker = fee;
        snprintf(mutation->what, sizeof(mutation->what), "fees %s and %s", mutation->maker, mutation->taker);
        break;
    }
    default:
        mutate_tape(prng, market, mutation, scratch_path(&scratch, "b.tape"));
        break;
    }
}

static void make_run(const struct way *way, const struct mutation *mutation, const char *name)
{
    char text[2048], file[32];
    const char *tape = mutation->message != UINT64_MAX ? "b.tape" : "a.tape";
    snprintf(file, sizeof(file), "%s.yaml", name);
    snprintf(text, sizeof(text), config_text, way->before, tape, way->more, mutation->maker, mutation->taker,
             mutation->position_max, mutation->half_spread, mutation->skew, mutation->move_min);
    scratch_write(&scratch, file, text);
    run_program(&scratch, &ran, "run %s --out %s --force -q", file, name);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}

static bool digests_equal(void)
{
    json_t *a = json_load_file(scratch_path(&scratch, "a/result.json"), 0, NULL);
    json_t *b = json_load_file(scratch_path(&scratch, "b/result.json"), 0, NULL);
    const bool same = json_equal(json_object_get(a, "digest"), json_object_get(b, "digest"));
    json_decref(a);
    json_decref(b);
    return same;
}

static uint64_t number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? (uint64_t)json_integer_value(value) : UINT64_MAX;
}

/* What diff found against what is so; `executed`: it could look at the runs, and not at the journals and tapes alone.
 */
static void check(const struct way *way, const struct mutation *mutation, const struct truth *truth, const char *seed,
                  bool executed)
{
    run_program(&scratch, &ran, "diff a b --json %s >report.json 2>report.err; exit $?", executed ? "" : "--where");
    cr_assert_eq(ran.code, 1, "%s: %s: exit code %d: %s", seed, mutation->what, ran.code, ran.err);
    json_t *report = json_load_file(scratch_path(&scratch, "report.json"), 0, NULL);
    cr_assert_not_null(report, "%s", seed);
    const char *first = json_string_value(json_object_get(report, "first"));
    const json_t *market = json_object_get(report, "market"), *outputs = json_object_get(report, "outputs");
    const bool by_market = truth->market_input <= truth->record_input;
    const uint64_t input = by_market ? truth->market_input : truth->record_input;
    cr_assert_str_eq(first, by_market ? "market" : "outputs",
                     "%s: %s: first is %s; record %" PRIu64 " after input %" PRIu64 ", the market at input %" PRIu64,
                     seed, mutation->what, first, truth->record, truth->record_input, truth->market_input);
    cr_assert_eq(number_of(report, "input"), input, "%s: %s: at input %" PRIu64 ", and it is %" PRIu64, seed,
                 mutation->what, number_of(report, "input"), input);
    if (mutation->message != UINT64_MAX && (way->plain || by_market)) {
        cr_assert_eq(number_of(market, "lane"), way->lane, "%s: %s", seed, mutation->what);
        cr_assert_eq(number_of(market, "message"), mutation->message,
                     "%s: %s: message %" PRIu64 ", and it is %" PRIu64, seed, mutation->what,
                     number_of(market, "message"), mutation->message);
    }
    if (truth->record != UINT64_MAX && json_is_object(outputs))
        cr_assert_eq(number_of(outputs, "record"), truth->record, "%s: %s: record %" PRIu64 ", and it is %" PRIu64,
                     seed, mutation->what, number_of(outputs, "record"), truth->record);
    cr_assert_eq(json_is_object(json_object_get(report, "state")), executed, "%s: %s: %s", seed, mutation->what,
                 json_string_value(json_object_get(report, "state_unknown")));
    json_decref(report);
}

static unsigned rounds(void)
{
    const char *text = getenv("TAPEDECK_MUTATIONS");
    return text != NULL ? (unsigned)atoi(text) : 20;
}

/* The mutations of one way; a seed is all that it takes to have them again. */
static void mutate_and_compare(const struct way *way, unsigned count, uint64_t seed)
{
    struct market market = {0};
    struct history a, b;
    struct prng prng;
    char tag[96];
    unsigned without = 0, outputs_first = 0;
    run_program(&scratch, &ran, "synth a.tape --duration 2m --seed 5 --force -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    market_load(&market, scratch_path(&scratch, "a.tape"));
    uint64_t *order = malloc(market.count * sizeof(*order));
    for (uint64_t i = 0; i < market.count; i++)
        order[i] = i;
    market_save(&market, order, market.count, scratch_path(&scratch, "a.tape"));
    free(order);
    make_run(way, &untouched, "a");
    execute_all("a", &a);
    cr_assert_gt(a.input_count, 3 * JOURNAL_CHECKPOINT);
    prng_init(&prng, seed, 0);
    for (unsigned round = 0; round < count;) {
        struct mutation mutation;
        mutate(&prng, &market, &mutation);
        make_run(way, &mutation, "b");
        if (digests_equal()) { /* a level that nobody looked at before it was gone, a fee that was never paid */
            without++;
            continue;
        }
        snprintf(tag, sizeof(tag), "tapes [%sb.tape]%s, seed %" PRIu64 " round %u", way->before, way->more, seed,
                 round);
        execute_all("b", &b);
        const struct truth truth = walk(&a, &b);
        outputs_first += truth.record_input < truth.market_input;
        check(way, &mutation, &truth, tag, true);
        if (way->plain)
            check(way, &mutation, &truth, tag, false);
        history_free(&b);
        round++;
    }
    printf("diff: %u mutations, seed %" PRIu64 ", %u with an output first; %u more changed no digest\n", count, seed,
           outputs_first, without);
    history_free(&a);
    market_free(&market);
}

static uint64_t seed_of_all(void)
{
    const char *text = getenv("TAPEDECK_SEED");
    return text != NULL ? (uint64_t)atoi(text) : 4;
}

Test(diff_mutations, the_first_difference_is_named_exactly, .timeout = 1200)
{
    mutate_and_compare(&one_tape, rounds(), seed_of_all());
}

Test(diff_mutations, of_several_tapes_stretches_and_remodelled_arrivals_too, .timeout = 1200)
{
    run_program(&scratch, &ran, "synth other.tape --duration 2m --seed 6 --rate 600 -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        mutate_and_compare(&others[i], (rounds() + 4) / 5, seed_of_all() + i);
}
