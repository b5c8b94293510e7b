/* A session written down before it is applied, and executed again from what was written: the same events, and a
 * complaint at the very input where something else is asked for. */
#include "cli/wire_sources.h"

#include "core/prng.h"
#include "data/tape_writer.h"
#include "tests/adapters/tiny_link.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define COUNT 3000

/* ---- a made session: a book, its diffs, now and then a broken line ---- */

struct made {
    struct wire_source source; /* first */
    uint64_t at, seed;
    uint64_t update;
    bool asked;
    char *text; /* padded */
};

static err_t made_next(struct wire_source *source, struct link_input *input)
{
    struct made *made = (struct made *)(void *)source;
    struct prng prng;
    prng_init(&prng, made->seed + made->at, 5);
    const uint64_t draw = prng_below(&prng, 100);
    if (made->at == COUNT)
        return ERR_END;
    memset(made->text, 0, 512);
    *input = (struct link_input){.ts = (ns_t)(1000 + made->at * 1000), .conn = 0, .text = made->text};
    if (made->at == 0 || draw < 3) {
        input->what = LINK_TICK;
    } else if (made->at == 1 || draw < 4) {
        input->what = LINK_UP;
        made->asked = true;
    } else if (draw < 5) {
        input->what = LINK_DOWN;
    } else if (made->asked) {
        made->asked = false;
        input->what = LINK_ANSWER;
        input->status = 200;
        input->id = 7;
        input->text_size = (uint32_t)sprintf(made->text,
                                             "{\"lastUpdateId\":%" PRIu64 ",\"E\":1,\"T\":1,"
                                             "\"bids\":[[\"100.0\",\"1.000\"]],\"asks\":[[\"101.0\",\"2.000\"]]}",
                                             made->update);
    } else {
        input->what = LINK_TEXT;
        input->text_size = (uint32_t)sprintf(
            made->text,
            "{\"stream\":\"btcusdt@depth\",\"data\":{\"e\":\"depthUpdate\",\"E\":1,\"T\":1,\"s\":\"BTCUSDT\",\"U\":"
            "%" PRIu64 ",\"u\":%" PRIu64 ",\"pu\":%" PRIu64 ",\"b\":[[\"%" PRIu64 ".5\",\"1.500\"]],\"a\":[]}}",
            made->update + 1, made->update + 2, made->update, 80 + draw % 20);
        made->update += 2;
    }
    made->at++;
    return ERR_OK;
}

static void made_close(struct wire_source *source)
{
    free(((struct made *)(void *)source)->text);
    free(source);
}

static struct wire_source *made_open(uint64_t seed)
{
    static const struct wire_source_ops ops = {made_next, NULL, NULL, made_close};
    struct made *made = calloc(1, sizeof(*made));
    *made = (struct made){.source = {.ops = &ops}, .seed = seed, .update = 10, .text = calloc(1, 1024)};
    return &made->source;
}

/* ---- events of a source, as a digest ---- */

struct outcome {
    err_t end;
    uint64_t inputs, events, gaps;
    struct digest_value digest;
    struct err_text why;
};

static struct outcome run(struct wire_source *source, const char *url, uint32_t batch_events)
{
    static struct instrument instrument;
    cr_assert_eq(instrument_init(&instrument, "binance-usdm", "BTCUSDT", "BTC", "USDT", CONTRACT_LINEAR, 1, 3),
                 ERR_OK);
    const struct wire_feed_config config = {.source = source,
                                            .instruments = &instrument,
                                            .instrument_count = 1,
                                            .link_count = 1,
                                            .batch_events = batch_events};
    struct wire_feed *wire;
    cr_assert_eq(wire_feed_open(&wire, &config, NULL), ERR_OK);
    const struct market_sink sink = wire_feed_sink(wire, 0, "binance-usdm");
    wire_feed_set(wire, 0, tiny_link_open(0, url, &sink, wire_feed_wire(wire)));
    struct feed *feed = wire_feed_lane(wire);
    struct outcome outcome = {.end = ERR_OK};
    struct digest digest;
    struct event_batch batch;
    digest_init(&digest, 0);
    while ((outcome.end = feed->ops->next(feed, &batch)) == ERR_OK) {
        for (uint32_t i = 0; i < batch.count; i++) {
            const struct event *event = &batch.events[i];
            digest_u64(&digest, (uint64_t)event->ts);
            digest_u64(&digest, event->kind);
            digest_u64(&digest, event->seq);
            for (uint32_t j = 0; event_has_levels(event->kind) && j < event->bid_count + event->ask_count; j++) {
                digest_u64(&digest, (uint64_t)event->levels[j].price);
                digest_u64(&digest, (uint64_t)event->levels[j].qty);
            }
            outcome.gaps += event->kind == EVENT_GAP;
        }
        outcome.events += batch.count;
        feed->ops->release(feed, batch.handle);
    }
    outcome.why = feed->why;
    outcome.inputs = wire_feed_stats(wire)->inputs;
    outcome.digest = digest_value(&digest);
    feed->ops->close(feed);
    source->ops->close(source);
    return outcome;
}

static const char *scratch(void)
{
    static char path[128];
    snprintf(path, sizeof(path), "/tmp/tapedeck-sources-%d.tape", (int)getpid());
    return path;
}

static struct outcome record(const char *path, uint64_t seed)
{
    struct raw_tape *tape;
    const struct raw_tape_options options = {.source = "a test", .created_by = "test"};
    cr_assert_eq(raw_tape_open(&tape, path, NULL, 0, &options, NULL), ERR_OK);
    struct wire_source *inner = made_open(seed), *tee;
    cr_assert_eq(wire_tee_open(&tee, inner, tape, NULL), ERR_OK);
    const struct outcome outcome = run(tee, "wss://one", 1);
    inner->ops->close(inner);
    cr_assert_eq(raw_tape_close(tape, NULL, NULL), ERR_OK);
    return outcome;
}

static struct wire_source *read_again(const char *path, bool lenient)
{
    struct wire_source *source;
    struct err_text why = {0};
    const struct raw_source_options options = {.lenient = lenient};
    cr_assert_eq(raw_source_open(&source, path, &options, &why), ERR_OK, "%s", why.text);
    return source;
}

Test(wire_sources, a_recorded_session_gives_the_same_events_again)
{
    for (uint64_t seed = 1; seed < 6; seed++) {
        const struct outcome then = record(scratch(), seed * 100000);
        cr_assert_eq(then.end, ERR_END, "%s", then.why.text);
        cr_assert_eq(then.inputs, COUNT);
        cr_assert_gt(then.gaps, 5);
        const struct outcome now = run(read_again(scratch(), false), "wss://one", 500);
        cr_expect_eq(now.end, ERR_END, "seed %" PRIu64 ": %s", seed, now.why.text);
        cr_expect_eq(now.events, then.events);
        cr_expect(now.digest.low == then.digest.low && now.digest.high == then.digest.high);
    }
    unlink(scratch());
}

Test(wire_sources, a_session_that_asks_for_something_else_is_named_by_its_input)
{
    const struct outcome then = record(scratch(), 7);
    const struct outcome now = run(read_again(scratch(), false), "wss://two", 500);
    cr_expect_eq(now.end, ERR_MISMATCH);
    cr_expect(strstr(now.why.text, "after input 1 ") != NULL, "%s", now.why.text);
    cr_expect_eq(now.events, 1, "what came before is given");
    const struct outcome lenient = run(read_again(scratch(), true), "wss://two", 500);
    cr_expect_eq(lenient.end, ERR_END);
    cr_expect_eq(lenient.events, then.events);
    unlink(scratch());
}

Test(wire_sources, a_tape_cut_anywhere_gives_what_is_whole_before_the_cut)
{
    const struct outcome then = record(scratch(), 9);
    struct tape_reader *reader;
    cr_assert_eq(tape_reader_open(&reader, scratch(), NULL, NULL), ERR_OK);
    const uint64_t size = tape_reader_info(reader)->file_bytes;
    tape_reader_close(reader);
    uint64_t most = 0;
    for (uint64_t cut = size - 1; cut > size / 40; cut -= size / 40) {
        cr_assert_eq(truncate(scratch(), (off_t)cut), 0);
        struct wire_source *source;
        const struct raw_source_options options = {.lenient = false};
        if (raw_source_open(&source, scratch(), &options, NULL) != ERR_OK)
            continue;
        const struct outcome now = run(source, "wss://one", 1);
        cr_expect_eq(now.end, ERR_END, "%s", now.why.text);
        cr_expect_leq(now.inputs, then.inputs);
        most = now.inputs > most ? now.inputs : most;
    }
    cr_expect_eq(most, then.inputs, "only the index was cut off at first");
    unlink(scratch());
}

Test(wire_sources, a_market_tape_is_not_taken_for_a_session)
{
    struct tape_writer *writer;
    const struct event tick = {.ts = 1, .kind = EVENT_TICK, .instrument = INSTRUMENT_NONE};
    struct wire_source *source;
    struct err_text why = {0};
    const struct raw_source_options options = {.lenient = false};
    cr_assert_eq(tape_writer_open(&writer, scratch(), NULL, 0, NULL, NULL), ERR_OK);
    cr_assert_eq(tape_writer_add(writer, &tick), ERR_OK);
    cr_assert_eq(tape_writer_close(writer, NULL, NULL), ERR_OK);
    bool raw = true;
    cr_expect_eq(tape_is_raw(scratch(), &raw, NULL), ERR_OK);
    cr_expect_not(raw);
    cr_expect_eq(raw_source_open(&source, scratch(), &options, &why), ERR_CONFIG);
    cr_expect(strstr(why.text, "market events") != NULL, "%s", why.text);
    unlink(scratch());
}
