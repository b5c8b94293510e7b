/* Frames of a session, parsed again and again by the adapter. */
#include "bench/bench_live.h"

#include "adapters/binance/market.h"
#include "bench/bench.h"
#include "cli/wire_sources.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BYTES_MAX  (32u << 20)
#define FRAMES_MAX 200000

struct frames {
    char *bytes;
    size_t size, depth_bytes;
    struct frame *list;
    uint32_t count;
    const struct instrument *instrument;
    uint64_t events;
};

static void keep(struct frames *frames, const struct link_input *input, enum frame_kind kind)
{
    char *at = frames->bytes + frames->size;
    memcpy(at, input->text, input->text_size);
    memset(at + input->text_size, 0, FRAME_PADDING);
    frames->size += input->text_size + FRAME_PADDING;
    frames->list[frames->count++] = (struct frame){.ts = input->ts,
                                                   .text = at,
                                                   .size = input->text_size,
                                                   .kind = kind,
                                                   .symbol = frames->instrument->symbol,
                                                   .symbol_size = strlen(frames->instrument->symbol)};
}

/* Diffs that came over the WebSocket, and whole books that were asked for, in the order in which they came: as in the
 * session, diffs wait for the book that they meet. */
static err_t collect(struct frames *frames, struct wire_source *source, struct err_text *why)
{
    static const char book[] = "{\"lastUpdateId\"";
    struct link_input input;
    err_t err;
    while ((err = source->ops->next(source, &input)) == ERR_OK) {
        const bool room = frames->size + input.text_size + FRAME_PADDING <= BYTES_MAX && frames->count < FRAMES_MAX;
        const bool snapshot = input.what == LINK_ANSWER && input.text_size > sizeof(book) &&
                              memcmp(input.text, book, sizeof(book) - 1) == 0;
        if (!room)
            return ERR_OK;
        if (snapshot) {
            keep(frames, &input, FRAME_REST_SNAPSHOT);
        } else if (input.what == LINK_TEXT) {
            frames->depth_bytes += input.text_size;
            keep(frames, &input, FRAME_WS);
        }
    }
    return err == ERR_END || err == ERR_OK ? ERR_OK : err_say(why, err, "%s", source->why.text);
}

static err_t count_event(void *context, const struct event *event)
{
    (void)event;
    ((struct frames *)context)->events++;
    return ERR_OK;
}

static err_t the_one(void *context, const char *symbol, size_t symbol_size, uint16_t *number,
                     const struct instrument **instrument)
{
    (void)symbol;
    (void)symbol_size;
    *number = 0;
    *instrument = ((struct frames *)context)->instrument;
    return ERR_OK;
}

static double thread_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static err_t parse_once(struct frames *frames, double *seconds, struct err_text *why)
{
    const struct market_sink sink = {frames, count_event, the_one};
    struct market *market;
    err_t err = binance_market_open(BINANCE_USDM, &sink, &market);
    if (err != ERR_OK)
        return err_say(why, err, "%s", err_words(err));
    frames->events = 0;
    const double t0 = thread_s();
    for (uint32_t i = 0; i < frames->count && err == ERR_OK; i++)
        err = market->ops->frame(market, &frames->list[i], why);
    *seconds = thread_s() - t0;
    market->ops->close(market);
    /* What is refused or old costs little: nearly all must have become events. */
    if (err == ERR_OK && frames->events < frames->count / 10 * 9)
        return err_say(why, ERR_MISMATCH, "%llu events of %u frames: these are not the frames of one session",
                       (unsigned long long)frames->events, frames->count);
    return err;
}

err_t bench_parse(const char *inputs, uint32_t rounds, double *bytes_per_s, double *frame_bytes, struct err_text *why)
{
    const struct raw_source_options options = {.read_ahead = false, .lenient = true};
    struct wire_source *source;
    *bytes_per_s = 0;
    err_t err = raw_source_open(&source, inputs, &options, why);
    if (err != ERR_OK)
        return err;
    struct frames frames = {.bytes = malloc(BYTES_MAX), .list = calloc(FRAMES_MAX, sizeof(*frames.list))};
    const struct tape_info *info = raw_source_info(source);
    if (frames.bytes == NULL || frames.list == NULL)
        err = err_say(why, ERR_NOMEM, "no memory for frames");
    else if (info->instrument_count == 0)
        err = err_say(why, ERR_CORRUPT, "%s: no instrument", inputs);
    else
        frames.instrument = &info->instruments[0];
    if (err == ERR_OK)
        err = collect(&frames, source, why);
    if (err == ERR_OK && frames.count < 2)
        err = err_say(why, ERR_CORRUPT, "%s: no depth frames", inputs);
    for (uint32_t round = 0; round < rounds && err == ERR_OK; round++) {
        double seconds = 0;
        err = parse_once(&frames, &seconds, why);
        if (err == ERR_OK && (double)frames.depth_bytes / seconds > *bytes_per_s)
            *bytes_per_s = (double)frames.depth_bytes / seconds;
    }
    if (err == ERR_OK)
        *frame_bytes = (double)frames.depth_bytes / frames.count;
    free(frames.bytes);
    free(frames.list);
    source->ops->close(source);
    return err;
}
