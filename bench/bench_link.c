/* bench_link.c: how fast frames become events: lines of a capture, in memory, through a Binance USD-M link. */
#include "bench/bench.h"

#include "adapters/binance/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parse_run {
    struct link *link;
    struct instrument instrument;
    uint64_t events, levels, last_get;
    uint64_t sum; /* what came out is looked at */
};

static err_t take(void *context, const struct event *event)
{
    struct parse_run *run = context;
    run->events++;
    if (event->kind == EVENT_BOOK_DELTA || event->kind == EVENT_BOOK_SNAPSHOT) {
        run->levels += event->bid_count + event->ask_count;
        if (event->bid_count > 0)
            run->sum += (uint64_t)event->levels[0].price;
    }
    return ERR_OK;
}

static void wire_conn(void *context, uint16_t link, uint8_t conn)
{
    (void)context;
    (void)link;
    (void)conn;
}

static void wire_open(void *context, uint16_t link, uint8_t conn, const char *url)
{
    (void)url;
    wire_conn(context, link, conn);
}

static void wire_send(void *context, uint16_t link, uint8_t conn, const char *text, size_t size)
{
    (void)text;
    (void)size;
    wire_conn(context, link, conn);
}

static void wire_get(void *context, uint16_t link, uint64_t id, const char *url, ns_t timeout)
{
    struct parse_run *run = context;
    (void)link;
    (void)timeout;
    if (strstr(url, "/depth?") != NULL)
        run->last_get = id;
}

/* The frames of a capture, each followed by its padding, as they lie in the memory of whoever received them. */
struct frames {
    char *text;
    uint32_t *offsets, *sizes;
    uint32_t count, capacity;
    size_t used, text_capacity;
    uint64_t diff_bytes;
    uint32_t snapshot; /* index, or UINT32_MAX */
    char symbol[SYMBOL_SIZE];
};

static err_t add_frame(struct frames *frames, const char *text, size_t size)
{
    if (frames->count == frames->capacity) {
        frames->capacity = frames->capacity * 2 + 1024;
        frames->offsets = realloc(frames->offsets, frames->capacity * sizeof(*frames->offsets));
        frames->sizes = realloc(frames->sizes, frames->capacity * sizeof(*frames->sizes));
    }
    if (frames->text_capacity - frames->used < size + FRAME_PADDING) {
        frames->text_capacity = frames->text_capacity * 2 + size + (1u << 20);
        frames->text = realloc(frames->text, frames->text_capacity);
    }
    if (frames->offsets == NULL || frames->sizes == NULL || frames->text == NULL)
        return ERR_NOMEM;
    memcpy(frames->text + frames->used, text, size);
    memset(frames->text + frames->used + size, 0, FRAME_PADDING);
    frames->offsets[frames->count] = (uint32_t)frames->used;
    frames->sizes[frames->count++] = (uint32_t)size;
    frames->used += size + FRAME_PADDING;
    return ERR_OK;
}

/* "<ns> <json>"; diffs only, called as a link asks for them, and the first snapshot. At most 256 MiB. */
static err_t take_line(struct frames *frames, char *line, size_t size)
{
    static const char prefix[] = "{\"stream\":\"";
    char *json = memchr(line, ' ', size);
    if (json == NULL || frames->used > (256u << 20))
        return ERR_OK;
    json++;
    size_t left = size - (size_t)(json - line);
    if (strncmp(json, "{\"lastUpdateId\"", 15) == 0) {
        if (frames->snapshot != UINT32_MAX)
            return ERR_OK;
        frames->snapshot = frames->count;
        return add_frame(frames, json, left);
    }
    char *at = strstr(json, "@depth@0ms\"");
    if (strncmp(json, prefix, sizeof(prefix) - 1) != 0 || at == NULL)
        return ERR_OK;
    size_t symbol_size = (size_t)(at - json) - (sizeof(prefix) - 1);
    if (symbol_size >= SYMBOL_SIZE)
        return ERR_OK;
    for (size_t i = 0; i < symbol_size; i++) {
        char c = json[sizeof(prefix) - 1 + i];
        frames->symbol[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    /* "@depth@0ms" is the fastest stream of former years; room for two more letters is made by copying. */
    char *renamed = malloc(left + 8);
    if (renamed == NULL)
        return ERR_NOMEM;
    size_t head = (size_t)(at - json);
    memcpy(renamed, json, head);
    memcpy(renamed + head, "@depth@100ms", 12);
    memcpy(renamed + head + 12, at + 10, left - head - 10);
    err_t err = add_frame(frames, renamed, left + 2);
    frames->diff_bytes += left + 2;
    free(renamed);
    return err;
}

static err_t read_frames(const char *capture, struct frames *frames, struct err_text *why)
{
    FILE *file = fopen(capture, "r");
    if (file == NULL)
        return err_say(why, ERR_IO, "%s: cannot be opened", capture);
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    err_t err = ERR_OK;
    while (err == ERR_OK && (size = getline(&line, &capacity, file)) > 0) {
        if (line[size - 1] == '\n')
            line[--size] = '\0';
        err = take_line(frames, line, (size_t)size);
    }
    free(line);
    fclose(file);
    if (err == ERR_OK && frames->snapshot == UINT32_MAX)
        err = err_say(why, ERR_NOTFOUND, "%s: no snapshot, so no book", capture);
    return err;
}

static err_t give(struct parse_run *run, struct link_input input, struct err_text *why)
{
    return run->link->ops->input(run->link, &input, why);
}

static struct link_input frame_of(const struct frames *frames, uint32_t i, ns_t ts, enum link_what what)
{
    return (struct link_input){
        .ts = ts, .what = (uint8_t)what, .text = frames->text + frames->offsets[i], .text_size = frames->sizes[i]};
}

static err_t parse_once(const struct frames *frames, double *seconds, struct err_text *why)
{
    struct parse_run run = {0};
    err_t err =
        instrument_init(&run.instrument, "binance-usdm", frames->symbol, "BASE", "QUOTE", CONTRACT_LINEAR, 2, 3);
    const struct link_symbol symbol = {frames->symbol, 0, LINK_BOOK};
    const struct link_config config = {
        .symbols = &symbol, .symbol_count = 1, .instruments = &run.instrument, .seed = 1};
    const struct market_sink sink = {&run, take, NULL};
    const struct link_wire wire = {&run, wire_open, wire_conn, wire_send, wire_conn, wire_get};
    if (err == ERR_OK)
        err = binance_link_open(BINANCE_USDM, &config, &sink, &wire, &run.link);
    if (err != ERR_OK)
        return err;
    ns_t ts = INT64_C(1700000000) * NS_PER_S;
    err = give(&run, (struct link_input){.ts = ts, .what = LINK_TICK}, why);
    if (err == ERR_OK)
        err = give(&run, (struct link_input){.ts = ts, .what = LINK_UP}, why);
    double t0 = bench_cpu_s();
    bool answered = false;
    for (uint32_t i = 0; i < frames->count && err == ERR_OK; i++) {
        if (i == frames->snapshot)
            continue; /* it comes when it is asked for */
        ts += 20 * NS_PER_US;
        err = give(&run, frame_of(frames, i, ts, LINK_TEXT), why);
        if (err != ERR_OK || answered || run.last_get == 0)
            continue;
        struct link_input snapshot = frame_of(frames, frames->snapshot, ts, LINK_ANSWER);
        snapshot.status = 200;
        snapshot.id = run.last_get;
        answered = true;
        err = give(&run, snapshot, why);
    }
    *seconds = bench_cpu_s() - t0;
    const struct market_stats *stats = run.link->ops->market(run.link, 0);
    if (err == ERR_OK && stats->diffs_applied + 64 < frames->count)
        err = err_say(why, ERR_GAP, "only %llu of %u diffs were applied", (unsigned long long)stats->diffs_applied,
                      frames->count);
    run.link->ops->close(run.link);
    return err;
}

err_t bench_link_parse(const char *capture, uint32_t rounds, double *bytes_per_s, struct err_text *why)
{
    struct frames frames = {.snapshot = UINT32_MAX};
    *bytes_per_s = 0;
    err_t err = read_frames(capture, &frames, why);
    for (uint32_t round = 0; round < rounds && err == ERR_OK; round++) {
        double seconds = 1;
        err = parse_once(&frames, &seconds, why);
        if (err == ERR_OK && (double)frames.diff_bytes / seconds > *bytes_per_s)
            *bytes_per_s = (double)frames.diff_bytes / seconds;
    }
    free(frames.text);
    free(frames.offsets);
    free(frames.sizes);
    return err;
}
