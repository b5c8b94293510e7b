#include "cli/mock_market.h"

#include "feeds/clip_feed.h"
#include "feeds/tape_feed.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#define OPENING_EVENTS 2000000 /* so far into a tape its first books are looked for */
#define LOAD_EVENTS    20000
#define LOAD_INTERVAL  (10 * NS_PER_MS)

struct strand {
    struct feed *tape, *feed; /* feed: the tape, or its clip */
    struct event_batch batch;
    uint32_t next; /* in the batch */
    bool held, ended;
    ns_t clock; /* latest stamp: never falls */
};

/* A tape that is played again goes on: later stamps, higher trade ids. (Books: the wire raises their ids itself.) */
struct again {
    uint64_t first_id, last_id;
};

struct mock_market {
    struct instrument *instruments;
    uint16_t instrument_count;
    struct event current;
    bool has_current;

    struct strand *strands;
    const struct option_list *tapes;
    uint32_t strand_count, playing; /* playing: whose event is current */
    ns_t from, to;
    bool loop, upbit_names;
    struct again *ids;
    uint64_t rounds;
    ns_t shift, first_ts, last_ts;
    struct event *opening; /* by instrument: its first book, told before all else; kind 0: none */
    struct level **opening_levels;
    bool *opened;      /* that book comes up on the tape, and is passed over there */
    uint16_t openings; /* told so far */

    void *synth_memory;
    struct synth_market *synth;

    struct event *load; /* copies; their levels follow in load_levels */
    struct level *load_levels;
    uint32_t load_count, load_snapshots, load_next;
    uint64_t *load_ids;
};

static struct mock_market *market_new(struct err_text *why)
{
    struct mock_market *market = calloc(1, sizeof(*market));
    if (market == NULL)
        (void)err_say(why, ERR_NOMEM, "no memory for a market");
    return market;
}

/* ---- tapes ---- */

static void name_as_upbit(struct instrument *instrument)
{
    if (strchr(instrument->symbol, '-') == NULL)
        snprintf(instrument->symbol, SYMBOL_SIZE, "%.12s-%.12s", instrument->quote, instrument->base);
}

static uint16_t number_of(struct mock_market *market, const struct instrument *instrument)
{
    struct instrument named = *instrument;
    if (market->upbit_names)
        name_as_upbit(&named);
    for (uint16_t i = 0; i < market->instrument_count; i++)
        if (strcmp(market->instruments[i].symbol, named.symbol) == 0)
            return i;
    if (market->instrument_count == INSTRUMENTS_MAX)
        return INSTRUMENT_NONE;
    market->instruments[market->instrument_count] = *instrument;
    return market->instrument_count++;
}

static bool same_scale(const struct instrument *a, const struct instrument *b)
{
    return a->price_decimals == b->price_decimals && a->qty_decimals == b->qty_decimals;
}

static err_t strand_open(struct mock_market *market, uint32_t i, struct err_text *why)
{
    const char *path = market->tapes->items[i];
    struct strand *strand = &market->strands[i];
    struct tape_reader *reader;
    uint16_t map[INSTRUMENTS_MAX];
    err_t err = tape_reader_open(&reader, path, NULL, why);
    if (err != ERR_OK)
        return err;
    const struct tape_info *info = tape_reader_info(reader);
    for (uint16_t n = 0; n < info->instrument_count && err == ERR_OK; n++) {
        map[n] = number_of(market, &info->instruments[n]);
        if (map[n] == INSTRUMENT_NONE)
            err = err_say(why, ERR_FULL, "%s: more than %d instruments in all tapes", path, INSTRUMENTS_MAX);
        else if (!same_scale(&market->instruments[map[n]], &info->instruments[n]))
            err = err_say(why, ERR_MISMATCH,
                          "%s: %s has other decimals than in a tape before it; import them in one go", path,
                          info->instruments[n].symbol);
    }
    tape_reader_close(reader);
    const struct tape_feed_options options = {.map = map, .lane = (uint16_t)i};
    if (err == ERR_OK)
        err = tape_feed_open(&strand->tape, path, &options, why);
    strand->feed = strand->tape;
    return err;
}

static err_t strand_clip(struct mock_market *market, uint32_t i, struct err_text *why)
{
    struct strand *strand = &market->strands[i];
    strand->clock = INT64_MIN;
    if (market->from == 0 && market->to == NS_MAX)
        return ERR_OK;
    return clip_feed_open(&strand->feed, strand->tape, market->instruments, market->instrument_count, market->from,
                          market->to, (uint16_t)i, why);
}

static void strands_close(struct mock_market *market)
{
    for (uint32_t i = 0; market->strands != NULL && i < market->strand_count; i++) {
        struct strand *strand = &market->strands[i];
        if (strand->held)
            strand->feed->ops->release(strand->feed, strand->batch.handle);
        if (strand->feed != NULL && strand->feed != strand->tape)
            strand->feed->ops->close(strand->feed);
        if (strand->tape != NULL)
            strand->tape->ops->close(strand->tape);
        *strand = (struct strand){0};
    }
}

static err_t strands_open(struct mock_market *market, struct err_text *why)
{
    err_t err = ERR_OK;
    for (uint32_t i = 0; i < market->strand_count && err == ERR_OK; i++)
        err = strand_open(market, i, why);
    for (uint32_t i = 0; i < market->strand_count && err == ERR_OK; i++)
        err = strand_clip(market, i, why);
    return err;
}

/* The next event of a strand, NULL: it has none. */
static const struct event *strand_peek(struct strand *strand, struct err_text *why)
{
    while (!strand->ended && (!strand->held || strand->next == strand->batch.count)) {
        if (strand->held)
            strand->feed->ops->release(strand->feed, strand->batch.handle);
        strand->held = false;
        const err_t err = strand->feed->ops->next(strand->feed, &strand->batch);
        if (err == ERR_OK) {
            strand->held = true;
            strand->next = 0;
            continue;
        }
        strand->ended = true;
        if (err != ERR_END)
            (void)err_say(why, err, "%s", strand->feed->why.text);
    }
    return strand->ended ? NULL : &strand->batch.events[strand->next];
}

/* ---- opening ---- */

static bool keep_opening(struct mock_market *market, const struct event *event)
{
    const size_t count = (size_t)event->bid_count + event->ask_count;
    struct level *levels = malloc((count + 1) * sizeof(*levels));
    if (levels == NULL)
        return false;
    if (count > 0)
        memcpy(levels, event->levels, count * sizeof(*levels));
    market->opening_levels[event->instrument] = levels;
    market->opening[event->instrument] = *event;
    market->opening[event->instrument].levels = levels;
    market->opened[event->instrument] = true;
    return true;
}

/* A recorder gets its first book a moment after its first trades; the venue had it all the time. So the first book of
 * each instrument is told before the market begins, and not where it lies. */
static err_t find_openings(struct mock_market *market, struct err_text *why)
{
    uint32_t found = 0;
    market->opening = calloc(INSTRUMENTS_MAX, sizeof(*market->opening));
    market->opening_levels = calloc(INSTRUMENTS_MAX, sizeof(*market->opening_levels));
    market->opened = calloc(INSTRUMENTS_MAX, sizeof(*market->opened));
    if (market->opening == NULL || market->opening_levels == NULL || market->opened == NULL)
        return err_say(why, ERR_NOMEM, "no memory for the first books");
    for (uint32_t i = 0; i < market->strand_count; i++) {
        struct strand *strand = &market->strands[i];
        const struct event *event;
        for (uint64_t n = 0; n < OPENING_EVENTS && found < market->instrument_count; n++) {
            if ((event = strand_peek(strand, why)) == NULL)
                break;
            if (event->kind == EVENT_BOOK_SNAPSHOT && event->instrument < market->instrument_count &&
                market->opening[event->instrument].kind == EVENT_NONE) {
                if (!keep_opening(market, event))
                    return err_say(why, ERR_NOMEM, "no memory for the first books");
                found++;
            }
            strand->next++;
        }
        if (why->code != ERR_OK)
            return why->code;
    }
    strands_close(market);
    return strands_open(market, why);
}

/* The next first book that was not told yet, NULL: all were. */
static const struct event *opening_peek(struct mock_market *market, ns_t ts)
{
    while (market->openings < market->instrument_count && market->opening[market->openings].kind == EVENT_NONE)
        market->openings++;
    if (market->openings == market->instrument_count)
        return NULL;
    market->current = market->opening[market->openings];
    market->current.ts = market->current.exch_ts = ts;
    return &market->current;
}

/* Is it a first book that was told already? */
static bool told_already(struct mock_market *market, const struct event *event)
{
    if (market->rounds > 0 || market->opened == NULL || event->kind != EVENT_BOOK_SNAPSHOT ||
        event->instrument >= market->instrument_count || !market->opened[event->instrument])
        return false;
    market->opened[event->instrument] = false;
    return true;
}

static ns_t time_of(const struct strand *strand, const struct event *event)
{
    const ns_t stamp = event->exch_ts != 0 ? event->exch_ts : strand->clock == INT64_MIN ? event->ts : strand->clock;
    return stamp > strand->clock ? stamp : strand->clock;
}

static void shift_ids(struct mock_market *market, struct event *event)
{
    struct again *ids = &market->ids[event->instrument];
    if (market->rounds == 0) {
        if (ids->first_id == 0 || event->seq < ids->first_id)
            ids->first_id = event->seq_first != 0 ? event->seq_first : event->seq;
        if (event->seq > ids->last_id)
            ids->last_id = event->seq;
        return;
    }
    const uint64_t by = market->rounds * (ids->last_id - ids->first_id + 1);
    event->seq += event->seq != 0 ? by : 0;
    event->seq_first += event->seq_first != 0 ? by : 0;
}

static const struct event *tapes_peek(struct mock_market *market, struct err_text *why)
{
    for (;;) {
        const struct event *first = NULL;
        ns_t first_time = 0;
        for (uint32_t i = 0; i < market->strand_count; i++) {
            const struct event *event = strand_peek(&market->strands[i], why);
            if (why->code != ERR_OK)
                return NULL;
            if (event == NULL)
                continue;
            const ns_t time = time_of(&market->strands[i], event);
            if (first != NULL && time >= first_time)
                continue;
            first = event;
            first_time = time;
            market->playing = i;
        }
        if (first != NULL) {
            if (market->opening != NULL && market->rounds == 0 && opening_peek(market, first_time) != NULL)
                return &market->current;
            market->strands[market->playing].clock = first_time;
            if (told_already(market, first)) {
                market->strands[market->playing].next++;
                continue;
            }
            market->current = *first;
            market->current.ts = first_time + market->shift;
            market->current.exch_ts = (first->exch_ts != 0 ? first->exch_ts : first_time) + market->shift;
            if (market->rounds == 0 && market->first_ts == 0)
                market->first_ts = first_time;
            market->last_ts = first_time;
            if (first->kind == EVENT_TRADE && first->instrument < market->instrument_count)
                shift_ids(market, &market->current);
            return &market->current;
        }
        if (!market->loop || market->first_ts == 0)
            return NULL;
        market->shift += market->last_ts - market->first_ts + NS_PER_S;
        market->rounds++;
        strands_close(market);
        if (strands_open(market, why) != ERR_OK)
            return NULL;
    }
}

err_t mock_market_tapes(struct mock_market **made, const struct option_list *tapes, ns_t from, ns_t to, bool loop,
                        struct err_text *why)
{
    struct mock_market *market = market_new(why);
    if (market == NULL)
        return ERR_NOMEM;
    market->tapes = tapes;
    market->from = from;
    market->to = to;
    market->loop = loop;
    market->strand_count = (uint32_t)tapes->count;
    market->instruments = calloc(INSTRUMENTS_MAX, sizeof(*market->instruments));
    market->strands = calloc(tapes->count, sizeof(*market->strands));
    market->ids = calloc(INSTRUMENTS_MAX, sizeof(*market->ids));
    err_t err = ERR_OK;
    if (market->instruments == NULL || market->strands == NULL || market->ids == NULL)
        err = err_say(why, ERR_NOMEM, "no memory for %zu tapes", tapes->count);
    if (err == ERR_OK)
        err = strands_open(market, why);
    if (err == ERR_OK && from == 0)
        err = find_openings(market, why);
    if (err == ERR_OK && market->instrument_count == 0)
        err = err_say(why, ERR_CONFIG, "%s: no instruments on the tape", tapes->items[0]);
    if (err != ERR_OK) {
        mock_market_close(market);
        return err;
    }
    *made = market;
    return ERR_OK;
}

/* ---- a made market ---- */

static err_t synth_open(struct mock_market *market, const struct synth_config *config, struct err_text *why)
{
    err_t err = synth_config_check(config, why);
    if (err != ERR_OK)
        return err;
    const size_t size = (synth_market_size(config) + 63) & ~(size_t)63;
    market->synth_memory = aligned_alloc(64, size);
    market->instruments = calloc(config->instrument_count, sizeof(*market->instruments));
    if (market->synth_memory == NULL || market->instruments == NULL)
        return err_say(why, ERR_NOMEM, "no memory for a market of %u instruments", config->instrument_count);
    market->synth = synth_market_init(market->synth_memory, config);
    market->instrument_count = (uint16_t)config->instrument_count;
    memcpy(market->instruments, synth_instruments(market->synth),
           config->instrument_count * sizeof(*market->instruments));
    market->strands = calloc(1, sizeof(*market->strands));
    if (market->strands == NULL)
        return err_say(why, ERR_NOMEM, "no memory for a market");
    market->strands[0] = (struct strand){.feed = synth_feed(market->synth), .clock = INT64_MIN};
    market->strand_count = 1;
    return ERR_OK;
}

void mock_market_upbit_names(struct mock_market *market)
{
    market->upbit_names = true; /* a tape that is opened again is known by them too */
    for (uint16_t i = 0; i < market->instrument_count; i++)
        name_as_upbit(&market->instruments[i]);
}

err_t mock_market_synth(struct mock_market **made, const struct synth_config *config, struct err_text *why)
{
    struct mock_market *market = market_new(why);
    if (market == NULL)
        return ERR_NOMEM;
    market->ids = calloc(INSTRUMENTS_MAX, sizeof(*market->ids));
    const err_t err =
        market->ids == NULL ? err_say(why, ERR_NOMEM, "no memory for a market") : synth_open(market, config, why);
    if (err != ERR_OK) {
        mock_market_close(market);
        return err;
    }
    *made = market;
    return ERR_OK;
}

/* ---- load ---- */

static bool load_add(struct mock_market *market, const struct event *event, size_t *levels, size_t *capacity)
{
    const size_t count = (size_t)event->bid_count + event->ask_count;
    if (*levels + count > *capacity) {
        *capacity = 2 * (*levels + count);
        struct level *grown = realloc(market->load_levels, *capacity * sizeof(*grown));
        if (grown == NULL)
            return false;
        market->load_levels = grown;
    }
    memcpy(market->load_levels + *levels, event->levels, count * sizeof(struct level));
    *levels += count;
    market->load[market->load_count++] = *event;
    return true;
}

/* Snapshots first, then diffs: the stretch that is played again and again. */
static err_t load_collect(struct mock_market *market, struct err_text *why)
{
    size_t levels = 0, capacity = 1 << 20;
    market->load = calloc(LOAD_EVENTS, sizeof(*market->load));
    market->load_levels = malloc(capacity * sizeof(*market->load_levels));
    market->load_ids = calloc(market->instrument_count, sizeof(*market->load_ids));
    bool room = market->load != NULL && market->load_levels != NULL && market->load_ids != NULL;
    while (room && market->load_count < LOAD_EVENTS) {
        const struct event *event = strand_peek(&market->strands[0], why);
        if (event == NULL)
            return why->code != ERR_OK ? why->code : err_say(why, ERR_END, "the made market ended too early");
        const bool snapshot = event->kind == EVENT_BOOK_SNAPSHOT;
        if (snapshot || event->kind == EVENT_BOOK_DELTA) {
            room = load_add(market, event, &levels, &capacity);
            market->load_snapshots += snapshot;
        }
        market->strands[0].next++;
    }
    if (!room)
        return err_say(why, ERR_NOMEM, "no memory for %d depth frames", LOAD_EVENTS);
    const struct level *at = market->load_levels;
    for (uint32_t i = 0; i < market->load_count; i++) {
        market->load[i].levels = at;
        at += market->load[i].bid_count + market->load[i].ask_count;
    }
    return ERR_OK;
}

err_t mock_market_load(struct mock_market **made, const struct synth_config *config, struct err_text *why)
{
    struct synth_config own = *config;
    own.diff_interval_ns = LOAD_INTERVAL;
    own.duration_ns = 0;
    own.bbo = false;
    struct mock_market *market;
    err_t err = mock_market_synth(&market, &own, why);
    if (err != ERR_OK)
        return err;
    err = load_collect(market, why);
    if (err != ERR_OK) {
        mock_market_close(market);
        return err;
    }
    *made = market;
    return ERR_OK;
}

static const struct event *load_peek(struct mock_market *market)
{
    const struct event *event = &market->load[market->load_next];
    uint64_t *last = &market->load_ids[event->instrument];
    market->current = *event;
    /* The books of the beginning come again with each round, and are told as what changed. */
    if (event->kind == EVENT_BOOK_SNAPSHOT) {
        market->current.seq = *last += 1;
    } else {
        market->current.seq_first = *last + 1;
        market->current.seq_prev = *last;
        *last += event->seq >= event->seq_first ? event->seq - event->seq_first + 1 : 1;
        market->current.seq = *last;
    }
    return &market->current;
}

/* ---- as a source ---- */

static const struct event *peek(void *context, struct err_text *why)
{
    struct mock_market *market = context;
    if (market->has_current)
        return &market->current;
    const struct event *event = market->load != NULL ? load_peek(market) : tapes_peek(market, why);
    market->has_current = event != NULL;
    return event;
}

static void take(void *context)
{
    struct mock_market *market = context;
    market->has_current = false;
    if (market->load != NULL)
        market->load_next = (market->load_next + 1) % market->load_count;
    else if (market->opening != NULL && market->rounds == 0 && market->openings < market->instrument_count)
        market->openings++;
    else
        market->strands[market->playing].next++;
}

struct mock_source mock_market_source(struct mock_market *market)
{
    return (struct mock_source){market, peek, take};
}

const struct instrument *mock_market_instruments(const struct mock_market *market, uint16_t *count)
{
    *count = market->instrument_count;
    return market->instruments;
}

void mock_market_close(struct mock_market *market)
{
    if (market == NULL)
        return;
    if (market->synth == NULL)
        strands_close(market);
    free(market->strands);
    free(market->instruments);
    for (uint16_t i = 0; market->opening_levels != NULL && i < INSTRUMENTS_MAX; i++)
        free(market->opening_levels[i]);
    free(market->opening);
    free(market->opening_levels);
    free(market->opened);
    free(market->ids);
    free(market->synth_memory);
    free(market->load);
    free(market->load_levels);
    free(market->load_ids);
    free(market);
}
