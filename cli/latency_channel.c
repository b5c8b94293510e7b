#include "cli/latency_channel.h"

#include "adapters/shell/live_clock.h"
#include "adapters/shell/live_source.h"
#include "cli/links_up.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define LOOK_EVERY (100 * NS_PER_MS)
#define REQUESTS   64 /* under way at once, whose time of asking is kept */
#define WARM_MAX   (5 * NS_PER_S)

struct asked {
    uint64_t id; /* 0: free */
    ns_t at;
};

struct channel {
    struct latency_shared *shared;
    struct latency_channel *own;
    struct latency_result *result;
    bool writes; /* the log */
    bool measuring;
    uint16_t instrument_count;
    /* between the link and the sockets */
    struct wire_source tap;
    struct live_source live;
    struct link_wire wire;
    const struct link_wire *below;
    struct live_io *io;
    struct asked asked[REQUESTS];
    struct wire_feed *feed;
    /* polled books: what is known already */
    struct polled {
        uint64_t cursor; /* in the log */
        uint64_t seq;    /* of the last answer */
        ns_t stamp, arrival;
    } polled[LATENCY_SYMBOLS_MAX];
    /* at the beginning of the window */
    struct rusage usage;
    struct link_stats link;
    struct live_io_stats io_stats;
    struct latency_traffic traffic;
    struct latency_meter meter;
    ns_t began, next_look;
};

/* ---- round trips: seen on the way between the link and the sockets ---- */

static void tap_get(void *context, uint16_t link, uint64_t id, const char *url, ns_t timeout)
{
    struct channel *channel = context;
    struct asked *asked = &channel->asked[id % REQUESTS];
    *asked = (struct asked){id, live_io_now(channel->io)};
    channel->below->get(channel->below->context, link, id, url, timeout);
}

static void tap_open(void *context, uint16_t link, uint8_t conn, const char *url)
{
    const struct channel *channel = context;
    channel->below->open(channel->below->context, link, conn, url);
}

static void tap_close_conn(void *context, uint16_t link, uint8_t conn)
{
    const struct channel *channel = context;
    channel->below->close(channel->below->context, link, conn);
}

static void tap_send(void *context, uint16_t link, uint8_t conn, const char *text, size_t size)
{
    const struct channel *channel = context;
    channel->below->send(channel->below->context, link, conn, text, size);
}

static void tap_ping(void *context, uint16_t link, uint8_t conn)
{
    const struct channel *channel = context;
    channel->below->ping(channel->below->context, link, conn);
}

static struct channel *of_tap(struct wire_source *source)
{
    return (struct channel *)((char *)source - offsetof(struct channel, tap));
}

static err_t tap_next(struct wire_source *source, struct link_input *input)
{
    struct channel *channel = of_tap(source);
    struct wire_source *live = &channel->live.source;
    const err_t err = live->ops->next(live, input);
    if (err != ERR_OK) {
        source->why = live->why;
        return err;
    }
    if (input->what == LINK_ANSWER || input->what == LINK_FAILED) {
        struct asked *asked = &channel->asked[input->id % REQUESTS];
        if (asked->id == input->id && input->what == LINK_ANSWER && channel->measuring)
            latency_hist_add(&channel->result->rtt, input->ts - asked->at);
        asked->id = 0;
    }
    return ERR_OK;
}

static err_t tap_wait(struct wire_source *source, ns_t due)
{
    struct wire_source *live = &of_tap(source)->live.source;
    return live->ops->wait(live, due);
}

static void tap_close(struct wire_source *source)
{
    (void)source;
}

static const struct wire_source_ops tap_ops = {.next = tap_next, .wait = tap_wait, .asked = NULL, .close = tap_close};

/* ---- one-way ages ---- */

static ns_t age_of(const struct channel *channel, ns_t stamp, ns_t arrival)
{
    return arrival + __atomic_load_n(&channel->shared->offset, __ATOMIC_RELAXED) - stamp;
}

static void log_update(struct channel *channel, const struct event *event)
{
    struct latency_log *log = &channel->shared->logs[event->instrument];
    const uint64_t at = log->written;
    log->updates[at % LATENCY_LOG].seq = event->seq;
    log->updates[at % LATENCY_LOG].stamp = event->exch_ts;
    __atomic_store_n(&log->written, at + 1, __ATOMIC_RELEASE);
}

/* Does a book hold this update? Where one of both has no id, stamps decide. */
static bool holds(uint64_t book_seq, ns_t book_stamp, uint64_t seq, ns_t stamp)
{
    return seq != 0 && book_seq != 0 ? seq <= book_seq : stamp <= book_stamp;
}

/* Updates that this book holds are known from now on; those that the one before held already (it overtook channel 0)
 * since then. */
static void look_up(struct channel *channel, const struct event *event)
{
    struct latency_log *log = &channel->shared->logs[event->instrument];
    struct polled *polled = &channel->polled[event->instrument];
    const uint64_t written = __atomic_load_n(&log->written, __ATOMIC_ACQUIRE);
    uint64_t at = polled->cursor;
    /* Half of the log: the writer goes on while it is read. */
    if (written - at > LATENCY_LOG / 2) {
        channel->result->lapped += channel->measuring ? written - at - LATENCY_LOG / 2 : 0;
        at = written - LATENCY_LOG / 2;
    }
    for (; at < written; at++) {
        const uint64_t seq = log->updates[at % LATENCY_LOG].seq;
        const ns_t stamp = log->updates[at % LATENCY_LOG].stamp;
        if (!holds(event->seq, event->exch_ts, seq, stamp))
            break;
        const ns_t since = holds(polled->seq, polled->stamp, seq, stamp) ? polled->arrival : event->ts;
        if (channel->measuring && stamp != 0)
            latency_hist_add(&channel->result->known, age_of(channel, stamp, since));
    }
    polled->cursor = at;
    polled->arrival = event->ts;
}

/* A polled book that is the same as before says nothing about how long news take. */
static bool is_news(struct channel *channel, const struct event *event)
{
    struct polled *polled = &channel->polled[event->instrument];
    const bool news = event->seq != polled->seq || event->exch_ts != polled->stamp;
    polled->seq = event->seq;
    polled->stamp = event->exch_ts;
    return news;
}

static void take_book(struct channel *channel, const struct event *event)
{
    struct latency_result *result = channel->result;
    __atomic_store_n(&channel->own->seen, channel->own->seen + 1, __ATOMIC_RELAXED);
    bool news = true;
    if (channel->writes) {
        log_update(channel, event);
    } else {
        look_up(channel, event);
        news = is_news(channel, event);
    }
    if (!channel->measuring)
        return;
    result->books++;
    if (!news) {
        result->unchanged++;
    } else if (event->exch_ts == 0) {
        result->unstamped++;
    } else {
        const ns_t age = age_of(channel, event->exch_ts, event->ts);
        latency_hist_add(&result->age, age);
        if (channel->writes)
            latency_hist_add(&result->known, age);
    }
}

static void take_batch(struct channel *channel, const struct event_batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct event *event = &batch->events[i];
        if (event->instrument >= channel->instrument_count)
            continue;
        if (channel->measuring) {
            channel->result->events += event->kind != EVENT_GAP;
            channel->result->gaps += event->kind == EVENT_GAP;
        }
        if (event->kind == EVENT_BOOK_DELTA || event->kind == EVENT_BOOK_SNAPSHOT)
            take_book(channel, event);
    }
}

/* ---- the window ---- */

static ns_t time_of(struct timeval time)
{
    return (ns_t)time.tv_sec * NS_PER_S + (ns_t)time.tv_usec * NS_PER_US;
}

/* Resident memory now, in pages of the kernel's own account. */
static void read_memory(struct latency_result *result)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    unsigned long long kib;
    if (file == NULL)
        return;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "VmRSS: %llu", &kib) == 1)
            result->memory = kib << 10;
        else if (sscanf(line, "RssAnon: %llu", &kib) == 1)
            result->memory_own = kib << 10;
    }
    (void)fclose(file);
}

static const struct link *link_of(const struct channel *channel)
{
    return wire_feed_link(channel->feed, 0);
}

static void begin(struct channel *channel)
{
    const struct link *link = link_of(channel);
    link->ops->stats(link, &channel->link);
    live_io_read_stats(channel->io, &channel->io_stats);
    latency_meter_look(&channel->meter, &channel->traffic);
    getrusage(RUSAGE_SELF, &channel->usage);
    channel->measuring = true;
    channel->result->window = -live_clock_monotonic();
}

static void end(struct channel *channel)
{
    struct latency_result *result = channel->result;
    struct rusage usage;
    struct link_stats link;
    struct live_io_stats io;
    getrusage(RUSAGE_SELF, &usage);
    channel->measuring = false;
    result->window += live_clock_monotonic();
    result->cpu_user = time_of(usage.ru_utime) - time_of(channel->usage.ru_utime);
    result->cpu_system = time_of(usage.ru_stime) - time_of(channel->usage.ru_stime);
    latency_meter_look(&channel->meter, &result->traffic);
    result->traffic.in -= channel->traffic.in;
    result->traffic.out -= channel->traffic.out;
    link_of(channel)->ops->stats(link_of(channel), &link);
    live_io_read_stats(channel->io, &io);
    result->requests = link.requests - channel->link.requests;
    result->failures = link.failures - channel->link.failures;
    result->limited = link.limited - channel->link.limited;
    result->held = link.held - channel->link.held;
    result->downs = link.downs - channel->link.downs;
    result->dropped = io.dropped - channel->io_stats.dropped;
    read_memory(result);
}

/* Ten times a second: tell the parent, hear from it. */
static void look(struct channel *channel, ns_t now)
{
    struct latency_channel *own = channel->own;
    struct link_stats stats;
    struct latency_traffic traffic;
    link_of(channel)->ops->stats(link_of(channel), &stats);
    latency_meter_look(&channel->meter, &traffic);
    __atomic_store_n(&own->offset, stats.clock_offset, __ATOMIC_RELAXED);
    __atomic_store_n(&own->uncertainty, stats.clock_uncertainty, __ATOMIC_RELAXED);
    __atomic_store_n(&own->samples, stats.clock_samples, __ATOMIC_RELEASE);
    /* A venue that tells its time seldom, or a link that asks for nothing, is not waited for. */
    if (own->seen > 0 && (stats.clock_samples >= 4 || now - channel->began >= WARM_MAX))
        __atomic_store_n(&own->ready, 1, __ATOMIC_RELEASE);
    const uint32_t phase = __atomic_load_n(&channel->shared->phase, __ATOMIC_ACQUIRE);
    if (phase == LATENCY_MEASURING && !channel->measuring)
        begin(channel);
}

static err_t follow(struct channel *channel, struct err_text *why)
{
    struct feed *feed = wire_feed_lane(channel->feed);
    err_t err = ERR_OK;
    channel->began = live_io_now(channel->io);
    while (err == ERR_OK && __atomic_load_n(&channel->shared->phase, __ATOMIC_ACQUIRE) != LATENCY_OVER) {
        struct event_batch batch;
        err = feed->ops->next(feed, &batch);
        if (err == ERR_OK) {
            take_batch(channel, &batch);
            feed->ops->release(feed, batch.handle);
        } else if (err == ERR_AGAIN) {
            err = wire_feed_wait(channel->feed, channel->next_look, why);
        } else {
            err = err_say(why, err, "%s", feed->why.text);
        }
        const ns_t now = live_io_now(channel->io);
        if (now >= channel->next_look) {
            look(channel, now);
            channel->next_look = now + LOOK_EVERY;
        }
    }
    if (channel->measuring)
        end(channel);
    struct link_stats stats;
    link_of(channel)->ops->stats(link_of(channel), &stats);
    channel->result->said = stats.said;
    return err;
}

/* ---- from beginning to end ---- */

static err_t open_all(struct channel *channel, struct run_config *config, const struct instrument *instruments,
                      struct err_text *why)
{
    const struct config_session *session = &config->session;
    const struct live_io_options options = {.ca_file = session->ca_file,
                                            .proxy = session->proxy,
                                            .ring_bytes = session->ring,
                                            .one_thread = session->io == SESSION_IO_INLINE,
                                            .spin = session->spin,
                                            .tick = session->tick};
    err_t err = live_io_open(&channel->io, &options, why);
    if (err != ERR_OK)
        return err;
    channel->below = live_io_wire(channel->io);
    channel->wire = (struct link_wire){.context = channel,
                                       .open = tap_open,
                                       .close = tap_close_conn,
                                       .send = tap_send,
                                       .ping = tap_ping,
                                       .get = tap_get};
    live_source_init(&channel->live, channel->io);
    channel->tap.ops = &tap_ops;
    const struct wire_feed_config feed = {.source = &channel->tap,
                                          .wire = &channel->wire,
                                          .instruments = instruments,
                                          .instrument_count = channel->instrument_count,
                                          .link_count = 1};
    err = wire_feed_open(&channel->feed, &feed, why);
    return err == ERR_OK ? links_open(config, instruments, channel->instrument_count, channel->feed, why) : err;
}

void latency_channel_run(struct latency_shared *shared, uint32_t number, struct run_config *config,
                         const struct instrument *instruments, uint16_t instrument_count)
{
    static struct channel channel; /* large, and the process is this channel's own */
    ASSERT(instrument_count <= LATENCY_SYMBOLS_MAX);
    channel = (struct channel){.shared = shared,
                               .own = &shared->channels[number],
                               .result = &shared->channels[number].result,
                               .writes = number == 0,
                               .instrument_count = instrument_count};
    config->feed.links[0].poll = channel.own->poll;
    err_t err = open_all(&channel, config, instruments, &channel.own->why);
    if (err == ERR_OK)
        err = follow(&channel, &channel.own->why);
    channel.own->err = err;
    if (channel.feed != NULL) {
        struct feed *feed = wire_feed_lane(channel.feed);
        feed->ops->close(feed);
    }
    live_io_close(channel.io);
}
