#include "cli/record_report.h"

#include "cli/json_out.h"
#include "cli/links_up.h"
#include "cli/quality_json.h"
#include "cli/table.h"
#include "cli/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Of the process, all threads. */
static ns_t cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (ns_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

void record_report_begin(struct record_report *report, ns_t now, bool shown)
{
    *report = (struct record_report){.began = now, .last = now, .cpu_began = cpu_now(), .shown = shown};
}

/* Of one core. */
static double cpu_share(const struct record_report *report, const struct record_state *state)
{
    const ns_t span = state->now - report->began;
    return span > 0 ? (double)(cpu_now() - report->cpu_began) / (double)span : 0;
}

static void wipe(void *context)
{
    struct record_report *report = context;
    if (report->drawn)
        fputs("\r\033[K", stderr);
    report->drawn = false;
}

static void stats_of(const struct record_state *state, uint32_t number, struct link_stats *stats)
{
    const struct link *link = wire_feed_link(state->wire, (uint16_t)number);
    link->ops->stats(link, stats);
}

struct sums {
    uint64_t gaps, dropped, stale, downs;
};

static struct sums sum_up(const struct record_state *state)
{
    struct sums sums = {0};
    for (uint32_t i = 0; i < state->config->feed.link_count; i++) {
        struct link_stats stats;
        stats_of(state, i, &stats);
        sums.dropped += stats.dropped;
        sums.stale += stats.stale;
        sums.downs += stats.downs;
    }
    for (uint16_t i = 0; i < state->tapes->instrument_count; i++)
        sums.gaps += state->tapes->quality[i].gaps;
    return sums;
}

void record_report_line(struct record_report *report, const struct record_state *state)
{
    link_said_tell(&report->said, state->wire, state->now, wipe, report);
    struct live_io_stats io;
    live_io_read_stats(state->io, &io);
    const ns_t span = state->now - report->last;
    const uint64_t rate = span > 0 ? (io.messages - report->last_messages) * (uint64_t)NS_PER_S / (uint64_t)span : 0;
    report->last = state->now;
    report->last_messages = io.messages;
    if (!report->shown)
        return;
    const struct sums sums = sum_up(state);
    uint64_t raw, market;
    (void)record_tapes_bytes(state->tapes, &raw, &market);
    char elapsed[VALUE_TEXT_SIZE], count[VALUE_TEXT_SIZE], a[VALUE_TEXT_SIZE], b[VALUE_TEXT_SIZE];
    fprintf(stderr,
            "\r\033[K%s  %s messages  %" PRIu64 "/s  gaps %" PRIu64 "  dropped %" PRIu64 "  ring %" PRIu64
            " %%  CPU %.0f %%  raw %s  market %s",
            value_span_text(state->now - report->began, elapsed), value_count_text(io.messages, count), rate,
            sums.gaps, sums.dropped, io.ring_most * 100 / io.ring_bytes, cpu_share(report, state) * 100,
            value_size_text(raw, a), value_size_text(market, b));
    fflush(stderr);
    report->drawn = true;
}

void record_report_end(struct record_report *report)
{
    wipe(report);
}

/* ---- the summary ---- */

static json_t *instrument_json(const struct record_state *state, uint16_t number)
{
    const struct quality *quality = &state->tapes->quality[number];
    const struct instrument *instrument = &state->tapes->instruments[number];
    json_t *object = quality_json(instrument, quality);
    if (quality->latency_min != NS_MAX)
        json_set_i64(object, "age_least_ns", quality->latency_min);
    return object;
}

static json_t *link_json(const struct record_state *state, uint32_t number)
{
    struct link_stats stats;
    stats_of(state, number, &stats);
    json_t *object = json_object();
    json_set_text(object, "venue", links_venue(&state->config->feed.links[number]));
    json_set_u64(object, "frames", stats.frames);
    json_set_u64(object, "bytes", stats.bytes);
    json_set_u64(object, "refused", stats.refused);
    json_set_u64(object, "connects", stats.connects);
    json_set_u64(object, "downs", stats.downs);
    json_set_u64(object, "renewals", stats.renewals);
    json_set_u64(object, "requests", stats.requests);
    json_set_u64(object, "failures", stats.failures);
    json_set_u64(object, "limited", stats.limited);
    json_set_u64(object, "held", stats.held);
    json_set_u64(object, "stale", stats.stale);
    json_set_u64(object, "dropped", stats.dropped);
    json_set_u64(object, "clock_steps", stats.clock_steps);
    if (stats.clock_samples > 0) {
        json_set_i64(object, "clock_offset_ns", stats.clock_offset);
        json_set_i64(object, "clock_uncertainty_ns", stats.clock_uncertainty);
    }
    json_set_text(object, "said", stats.said.text[0] != '\0' ? stats.said.text : NULL);
    return object;
}

json_t *record_report_json(const struct record_report *report, const struct record_state *state)
{
    json_t *root = json_object(), *instruments = json_array(), *links = json_array();
    struct live_io_stats io;
    uint64_t raw, market;
    live_io_read_stats(state->io, &io);
    (void)record_tapes_bytes(state->tapes, &raw, &market);
    json_set_time(root, "from", report->began);
    json_set_time(root, "to", state->now);
    json_set_u64(root, "messages", io.messages);
    json_set_u64(root, "dropped", io.dropped);
    json_set_u64(root, "ring_bytes", io.ring_bytes);
    json_set_u64(root, "ring_most", io.ring_most);
    json_set(root, "cpu_share", json_real(cpu_share(report, state)));
    json_set_u64(root, "raw_bytes", raw);
    json_set_u64(root, "market_bytes", market);
    json_set_u64(root, "tape_pairs", state->tapes->pairs);
    for (uint16_t i = 0; i < state->tapes->instrument_count; i++)
        json_array_append_new(instruments, instrument_json(state, i));
    for (uint32_t i = 0; i < state->config->feed.link_count; i++)
        json_array_append_new(links, link_json(state, i));
    json_set(root, "instruments", instruments);
    json_set(root, "links", links);
    return root;
}

static void print_instruments(const struct record_state *state)
{
    struct table *table = table_new("lrrrrrrrr", "instrument", "messages", "levels", "trades", "gaps", "crossed",
                                    "bbo wrong", "silences", "longest");
    char count[VALUE_TEXT_SIZE];
    for (uint16_t i = 0; i < state->tapes->instrument_count; i++) {
        const struct quality *quality = &state->tapes->quality[i];
        table_cell(table, "%s %s", state->tapes->instruments[i].venue, state->tapes->instruments[i].symbol);
        table_cell(table, "%s", value_count_text(quality->messages, count));
        table_cell(table, "%s", value_count_text(quality->levels, count));
        table_cell(table, "%s", value_count_text(quality->by_kind[EVENT_TRADE], count));
        table_cell(table, "%" PRIu64, quality->gaps);
        table_cell(table, "%" PRIu64, quality->crossed);
        table_cell(table, "%" PRIu64 "/%" PRIu64, quality->bbo_wrong, quality->bbo_compared);
        table_cell(table, "%" PRIu64, quality->silences);
        table_cell(table, "%.1f s", (double)quality->silence_longest / 1e9);
    }
    table_print(table, stdout);
}

static void print_links(const struct record_state *state)
{
    struct table *table = table_new("lrrrrrrrr", "venue", "frames", "refused", "connects", "downs", "requests",
                                    "failures", "stale", "dropped");
    char count[VALUE_TEXT_SIZE];
    for (uint32_t i = 0; i < state->config->feed.link_count; i++) {
        struct link_stats stats;
        stats_of(state, i, &stats);
        table_cell(table, "%s", links_venue(&state->config->feed.links[i]));
        table_cell(table, "%s", value_count_text(stats.frames, count));
        table_cell(table, "%" PRIu64, stats.refused);
        table_cell(table, "%" PRIu64, stats.connects);
        table_cell(table, "%" PRIu64, stats.downs);
        table_cell(table, "%" PRIu64, stats.requests);
        table_cell(table, "%" PRIu64, stats.failures);
        table_cell(table, "%" PRIu64, stats.stale);
        table_cell(table, "%" PRIu64, stats.dropped);
    }
    table_print(table, stdout);
}

void record_report_print(const struct record_report *report, const struct record_state *state, bool json)
{
    if (json) {
        if (json_print(stdout, record_report_json(report, state), false) != ERR_OK)
            fputs("tapedeck record: the summary could not be printed\n", stderr);
        return;
    }
    char span[VALUE_TEXT_SIZE], a[VALUE_TEXT_SIZE], b[VALUE_TEXT_SIZE];
    uint64_t raw, market;
    (void)record_tapes_bytes(state->tapes, &raw, &market);
    print_instruments(state);
    putchar('\n');
    print_links(state);
    printf("\n%s recorded into %s: raw %s, market %s; %.1f %% of a core\n",
           value_span_text(state->now - report->began, span), state->tapes->options.dir, value_size_text(raw, a),
           value_size_text(market, b), cpu_share(report, state) * 100);
}
