/* A backtest and a paper session of one market, held against each other event by event.
 *
 *   made market ─► venue (its own protocol) ─► network, 3 ms ─► links ─► engine        mode paper
 *        └─► on_market: what the venue took in, 3 ms later ─► tape ─► engine           mode backtest
 *
 * The tape of the backtest is written from what the venue did, not from what the session heard; all that it borrows
 * from the session is when that began to hear. Answers take 9 ms, longer than market data are late, so every order
 * and every fill must be the same. Upbit sends books in another form than its market has (the best levels of it, each
 * time whole), and USD-M futures their trades in sums; of those the session's own events are compared, in
 * test_paper.c. */
#include "cli/links_up.h"
#include "cli/virtual_wire.h"
#include "cli/wire_sources.h"
#include "cli/world_up.h"

#include "core/order.h"
#include "data/tape_writer.h"
#include "feeds/synth_market.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START    (INT64_C(1704067200) * NS_PER_S)
#define DURATION (30 * NS_PER_S)
#define DELAY    (3 * NS_PER_MS) /* of the network, one way */

static struct scratch scratch;

static void setup(void)
{
    scratch_begin(&scratch);
}
static void teardown(void)
{
    scratch_end(&scratch);
}
#ifdef __SANITIZE_ADDRESS__
#define SEEDS 1 /* ten times as slow */
#else
#define SEEDS 3
#endif

TestSuite(paper_equal, .init = setup, .fini = teardown, .timeout = 600);

/* ---- orders and fills, line by line ---- */

struct lines {
    struct journal journal;
    char *text;
    size_t size;
    FILE *file;
    uint64_t orders, fills;
};

static void on_record(void *context, const struct event *record)
{
    struct lines *lines = context;
    if (record->kind == EVENT_EXECUTION) {
        const struct execution *said = record->body;
        fprintf(lines->file,
                "%" PRId64 " %s of order %" PRIu64 ": %" PRId64 " x %" PRId64 ", left %" PRId64 ", fee %" PRId64
                " %s\n",
                record->ts, exec_kind_name((enum exec_kind)said->kind), said->order_id, said->price, said->qty,
                said->leaves, (int64_t)said->fee, reason_name((enum reason)said->reason));
        lines->fills += said->kind == EXEC_FILL;
    } else if (record->kind == EVENT_OUTPUT) {
        const struct event_output *output = record->body;
        fprintf(lines->file, "%" PRId64 " %s %" PRIu64 ": %" PRId64 " x %" PRId64 " %s\n", record->ts,
                output_kind_name((enum output_kind)output->kind), output->order_id, output->price, output->qty,
                output->text);
        lines->orders += output->kind == OUTPUT_ORDER;
    }
}

/* Runs a stage to its end; `wait`: of a session that goes on. */
static void run_stage(const struct run_config *config, const struct stage_session *session, struct lines *lines)
{
    struct stage *stage;
    struct err_text why = {0};
    *lines = (struct lines){.journal = {lines, on_record}};
    lines->file = open_memstream(&lines->text, &lines->size);
    const struct stage_watch watch = {.journal = &lines->journal};
    err_t err = stage_open_session(&stage, config, NULL, &watch, session, &why);
    cr_assert_eq(err, ERR_OK, "%s", why.text);
    cr_assert_eq(stage_start(stage), ERR_OK);
    while ((err = engine_run(stage->engine, 1000)) == ERR_OK || err == ERR_WAIT)
        if (err == ERR_WAIT)
            cr_assert_eq(wire_feed_wait(stage->wire, engine_due(stage->engine), &why), ERR_OK, "%s", why.text);
    cr_assert_eq(err, ERR_END, "%s", engine_why(stage->engine)->text);
    const struct sim_stats sim = sim_world_stats(stage->world);
    cr_expect_eq(sim.late_events + sim.late_words, 0);
    (void)stage_stop(stage);
    stage_close(stage);
    fclose(lines->file);
}

/* The same, up to where the market ends: after it a session has time still, and a tape has not. */
static void same_lines(const struct lines *paper, const struct lines *back, const char *what)
{
    const char *x = paper->text, *y = back->text;
    uint64_t number = 0;
    for (;; number++) {
        const size_t x_size = strcspn(x, "\n"), y_size = strcspn(y, "\n");
        const int64_t end = START + DURATION - NS_PER_S;
        if ((x_size == 0 || strtoll(x, NULL, 10) > end) && (y_size == 0 || strtoll(y, NULL, 10) > end))
            return;
        cr_assert(x_size == y_size && memcmp(x, y, x_size) == 0,
                  "%s: line %" PRIu64 " is the first that differs:\n  paper    %.*s\n  backtest %.*s", what, number,
                  (int)x_size, x, (int)y_size, y);
        x += x_size + (x[x_size] == '\n');
        y += y_size + (y[y_size] == '\n');
    }
}

/* ---- the market, as the venue had it ---- */

struct taken_in {
    struct event *events;
    uint32_t count;
    struct instrument instrument;
};

static void on_market(void *context, uint16_t venue, const struct wire *wire, ns_t now, const struct event *event)
{
    struct taken_in *market = context;
    (void)venue, (void)wire, (void)now;
    const size_t size = event_has_levels(event->kind)
                            ? ((size_t)event->bid_count + event->ask_count) * sizeof(struct level)
                            : event_body_size((enum event_kind)event->kind);
    market->events = realloc(market->events, (market->count + 1) * sizeof(*market->events));
    struct event *kept = &market->events[market->count++];
    *kept = *event;
    void *body = malloc(size + 1);
    memcpy(body, event->body, size);
    kept->body = body;
    kept->ts = now + DELAY;
    kept->exch_ts = event->exch_ts / NS_PER_MS * NS_PER_MS; /* as the venue's messages say it */
}

static void market_free(struct taken_in *market)
{
    for (uint32_t i = 0; i < market->count; i++)
        free((void *)(uintptr_t)market->events[i].body);
    free(market->events);
}

/* When a session began to hear: its first book and first trade. */
struct hearing {
    ns_t book, trade;
    uint64_t seq; /* of that book */
};

static struct hearing hearing_of(const struct run_config *config, const char *raw)
{
    struct wire_source *source;
    struct wire_feed *wire;
    struct event_batch batch;
    struct err_text why = {0};
    struct hearing hearing = {.trade = NS_MAX};
    const struct raw_source_options options = {.lenient = true};
    cr_assert_eq(raw_source_open(&source, raw, &options, &why), ERR_OK, "%s", why.text);
    const struct tape_info *info = raw_source_info(source);
    const struct wire_feed_config feed_config = {.source = source,
                                                 .instruments = info->instruments,
                                                 .instrument_count = info->instrument_count,
                                                 .link_count = 1};
    cr_assert_eq(wire_feed_open(&wire, &feed_config, &why), ERR_OK, "%s", why.text);
    cr_assert_eq(links_open(config, info->instruments, info->instrument_count, wire, &why), ERR_OK, "%s", why.text);
    struct feed *feed = wire_feed_lane(wire);
    while (feed->ops->next(feed, &batch) == ERR_OK) {
        for (uint32_t i = 0; i < batch.count; i++) {
            const struct event *event = &batch.events[i];
            if (event->kind == EVENT_BOOK_SNAPSHOT && hearing.book == 0) {
                hearing.book = event->ts;
                hearing.seq = event->seq;
            }
            if (event->kind == EVENT_TRADE && hearing.trade == NS_MAX)
                hearing.trade = event->ts;
        }
        feed->ops->release(feed, batch.handle);
    }
    feed->ops->close(feed);
    source->ops->close(source);
    cr_assert_neq(hearing.book, 0, "the session never had a book");
    return hearing;
}

static bool is_book(const struct event *event)
{
    return event->kind == EVENT_BOOK_SNAPSHOT || event->kind == EVENT_BOOK_DELTA;
}

/* The book of the venue after update `seq`, as a snapshot. */
static void write_first_book(struct tape_writer *writer, const struct taken_in *market, const struct hearing *hearing)
{
    enum { WINDOW = 16384, FAR = 4096 };
    struct book book;
    struct level levels[8192];
    void *memory = aligned_alloc(64, align64(book_size(WINDOW, FAR)));
    memset(memory, 0, align64(book_size(WINDOW, FAR)));
    book_init(&book, memory, WINDOW, FAR, &market->instrument);
    const struct event *last = NULL;
    for (uint32_t i = 0; i < market->count; i++)
        if (is_book(&market->events[i]) && market->events[i].seq <= hearing->seq) {
            last = &market->events[i];
            book_apply(&book, last);
        }
    cr_assert(last != NULL && last->seq == hearing->seq, "the first book is one that the venue had");
    struct event event = *last;
    event.kind = EVENT_BOOK_SNAPSHOT;
    event.ts = hearing->book;
    event.bid_count = book_top(&book, SIDE_BUY, levels, 4096);
    event.ask_count = book_top(&book, SIDE_SELL, levels + event.bid_count, 4096);
    event.levels = levels;
    cr_assert_eq(tape_writer_add(writer, &event), ERR_OK, "%s", tape_writer_why(writer)->text);
    free(memory);
}

static void write_market(const struct taken_in *market, const struct hearing *hearing, const char *path)
{
    struct tape_writer *writer;
    struct err_text why = {0};
    bool began = false;
    cr_assert_eq(tape_writer_open(&writer, path, &market->instrument, 1, NULL, &why), ERR_OK);
    for (uint32_t i = 0; i < market->count; i++) {
        struct event event = market->events[i];
        const bool book = is_book(&event);
        if (event.ts > START + DURATION || (!book && event.kind != EVENT_TRADE))
            continue;
        if (!began && event.ts >= hearing->book) {
            write_first_book(writer, market, hearing);
            began = true;
        }
        if (book && !began)
            cr_assert_leq(event.seq, hearing->seq, "a diff came before the book that it follows");
        if (book ? event.seq <= hearing->seq : event.ts < hearing->trade)
            continue;
        cr_assert_eq(tape_writer_add(writer, &event), ERR_OK, "%s", tape_writer_why(writer)->text);
    }
    cr_assert_eq(tape_writer_close(writer, NULL, &why), ERR_OK);
}

/* ---- both ---- */

static const char *const strategies[] = {
    "name: noop",
    "name: maker\n  params: {size: \"0.01\", half_spread: 1, move_min: 1, interval: 50ms, position_max: \"0.5\"}",
    "name: grid\n  params: {size: \"0.01\"}",
    "name: cross\n  params: {fast: 1, slow: 2, bar: 1s}",
    "name: scripted\n  params: {orders: " TEST_SOURCE "/examples/scripted.csv}",
};

static struct run_config *config_of(const char *mode, const char *tape, const char *venue, const char *streams,
                                    const char *strategy)
{
    char text[2048];
    struct run_config *config;
    struct err_text why = {0};
    snprintf(text, sizeof(text),
             "mode: %s\nfeed:\n%s%s%s  live:\n    - {venue: %s, symbols: [SYN1USDT], streams: [%s]}\n"
             "venue:\n  rules: tape\n  latency: {entry: 2ms, response: 9ms}\n"
             "account:\n  balances: {USDT: \"1000000\"}\nstrategy:\n  %s",
             mode, tape != NULL ? "  tapes: [" : "", tape != NULL ? tape : "", tape != NULL ? "]\n" : "", venue,
             streams, strategy);
    err_t err = run_config_parse(&config, "test.yaml", text, strlen(text), &(struct config_options){0}, &why);
    cr_assert_eq(err, ERR_OK, "%s", why.text);
    return config;
}

/* A paper session; what the venue had goes to `market`, the session's inputs to `raw`. */
static void run_paper(const struct run_config *config, enum wire_venue venue, uint64_t seed, const char *raw,
                      struct taken_in *market, struct lines *lines)
{
    struct synth_config synth;
    struct virtual_wire *virtual;
    struct raw_tape *tape;
    struct wire_source *tee;
    struct err_text why = {0};
    synth_config_default(&synth);
    synth.seed = seed;
    synth.start_ts = START;
    synth.duration_ns = DURATION;
    synth.latency_base_ns = synth.latency_jitter_ns = 0;
    synth.volatility_ppm = 200; /* so that a grid meets its market within the half minute */
    if (venue != WIRE_BINANCE_USDM)
        synth.contract = CONTRACT_SPOT;
    void *memory = aligned_alloc(64, align64(synth_market_size(&synth)));
    struct synth_market *made = synth_market_init(memory, &synth);
    market->instrument = *synth_instruments(made);
    snprintf(market->instrument.venue, NAME_SIZE, "%s", wire_venue_name(venue));
    const struct virtual_net net = {.delay = DELAY};
    const struct virtual_venue one = {.wire = {.venue = venue,
                                               .seed = seed,
                                               .instruments = &market->instrument,
                                               .instrument_count = 1,
                                               .book_window = 16384},
                                      .market = synth_feed(made)};
    const struct virtual_wire_config wire = {.seed = seed,
                                             .net = &net,
                                             .venues = &one,
                                             .venue_count = 1,
                                             .from = START,
                                             .to = START + DURATION,
                                             .context = market,
                                             .on_market = on_market};
    cr_assert_eq(virtual_wire_open(&virtual, &wire, &why), ERR_OK, "%s", why.text);
    const struct raw_tape_options options = {.source = "a test", .created_by = "test"};
    cr_assert_eq(raw_tape_open(&tape, raw, &market->instrument, 1, &options, NULL), ERR_OK);
    cr_assert_eq(wire_tee_open(&tee, virtual_wire_source(virtual), tape, NULL), ERR_OK);
    const struct stage_session session = {.path = raw,
                                          .instruments = &market->instrument,
                                          .instrument_count = 1,
                                          .source = tee,
                                          .wire = virtual_wire_wire(virtual),
                                          .first_ts = virtual_wire_now(virtual)};
    wire_tee_begin(tee, session.first_ts);
    run_stage(config, &session, lines);
    tee->ops->close(tee);
    cr_assert_eq(raw_tape_close(tape, NULL, &why), ERR_OK, "%s", why.text);
    virtual_wire_close(virtual);
    free(memory);
}

static void compare(enum wire_venue venue, const char *streams)
{
    for (size_t s = 0; s < ARRAY_LEN(strategies); s++) {
        uint64_t orders = 0, fills = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            char raw[300], path[300], what[120];
            struct lines paper, back;
            struct taken_in market = {0};
            snprintf(raw, sizeof(raw), "%s", scratch_path(&scratch, "inputs.tape"));
            snprintf(path, sizeof(path), "%s", scratch_path(&scratch, "market.tape"));
            snprintf(what, sizeof(what), "%s, %.*s, seed %" PRIu64, wire_venue_name(venue),
                     (int)strcspn(strategies[s], "\n"), strategies[s], seed);
            struct run_config *live = config_of("paper", NULL, wire_venue_name(venue), streams, strategies[s]);
            run_paper(live, venue, seed, raw, &market, &paper);
            const struct hearing hearing = hearing_of(live, raw);
            write_market(&market, &hearing, path);
            struct run_config *backtest = config_of("backtest", path, wire_venue_name(venue), streams, strategies[s]);
            run_stage(backtest, NULL, &back);
            same_lines(&paper, &back, what);
            orders += paper.orders;
            fills += paper.fills;
            free(paper.text);
            free(back.text);
            market_free(&market);
            run_config_free(live);
            run_config_free(backtest);
        }
        const bool idle =
            s == 0 || (s == 3 && strstr(streams, "trades") == NULL); /* cross makes its bars of trades */
        cr_expect(idle ? orders == 0 : orders > 3 && fills > 0,
                  "%s, strategy %zu: %" PRIu64 " orders, %" PRIu64 " fills", wire_venue_name(venue), s, orders,
                  fills);
    }
}

Test(paper_equal, a_backtest_over_what_a_spot_venue_did_and_paper_give_the_same_orders_and_fills)
{
    compare(WIRE_BINANCE_SPOT, "book,trades");
}

Test(paper_equal, a_backtest_over_the_books_of_a_futures_venue_and_paper_give_the_same_orders_and_fills)
{
    compare(WIRE_BINANCE_USDM, "book");
}
