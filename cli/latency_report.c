#include "cli/latency_report.h"

#include "cli/json_out.h"
#include "cli/table.h"
#include "cli/values.h"

#include <inttypes.h>
#include <stdio.h>

const char *latency_name(const struct latency_channel *channel, char *text)
{
    char every[VALUE_TEXT_SIZE];
    if (channel->poll == 0)
        snprintf(text, LATENCY_NAME, "WebSocket");
    else
        snprintf(text, LATENCY_NAME, "REST %s", value_duration_text(channel->poll, every));
    return text;
}

static double per_s(const struct latency_result *result, uint64_t count)
{
    return result->window > 0 ? (double)count * 1e9 / (double)result->window : 0;
}

static double cpu_share(const struct latency_result *result)
{
    return result->window > 0 ? (double)(result->cpu_user + result->cpu_system) / (double)result->window : 0;
}

/* ---- tables ---- */

static const struct {
    const char *name;
    size_t offset;
} times[] = {{"age on arrival", offsetof(struct latency_result, age)},
             {"known after", offsetof(struct latency_result, known)},
             {"round trip", offsetof(struct latency_result, rtt)}};

static const struct latency_hist *hist_of(const struct latency_result *result, size_t which)
{
    return (const struct latency_hist *)(const void *)((const char *)result + times[which].offset);
}

static void time_row(struct table *table, const char *what, const struct latency_channel *channel,
                     const struct latency_hist *hist)
{
    char name[LATENCY_NAME];
    table_cell(table, "%s", what);
    table_cell(table, "%s", latency_name(channel, name));
    table_cell(table, "%" PRIu64, hist->count);
    const ns_t values[] = {latency_hist_mean(hist),
                           latency_hist_at(hist, 5000),
                           latency_hist_at(hist, 9500),
                           latency_hist_at(hist, 9900),
                           hist->least,
                           hist->most};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        if (hist->count > 0)
            table_cell(table, "%.3f", (double)values[i] * 1e-6);
        else
            table_cell(table, "-");
    }
}

static void cost_row(struct table *table, const struct latency_channel *channel)
{
    const struct latency_result *result = &channel->result;
    char name[LATENCY_NAME];
    table_cell(table, "%s", latency_name(channel, name));
    table_cell(table, "%.1f", per_s(result, result->events));
    table_cell(table, "%.2f", cpu_share(result) * 100);
    table_cell(table, "%.1f", (double)result->memory / (1 << 20));
    table_cell(table, "%.2f", per_s(result, result->traffic.in) * 3600 / 1e6);
    table_cell(table, "%.2f", per_s(result, result->traffic.out) * 3600 / 1e6);
    table_cell(table, "%" PRIu64, result->traffic.connections);
    table_cell(table, "%.2f", per_s(result, result->requests));
    table_cell(table, "%" PRIu64, result->gaps);
    table_cell(table, "%" PRIu64, result->failures);
    table_cell(table, "%" PRIu64, result->held + result->limited);
}

/* What makes figures worth less than they look. */
static void print_notes(const struct latency_state *state)
{
    char name[LATENCY_NAME];
    if (state->samples == 0)
        puts("The venue's clock could not be measured: ages are not corrected, only their differences mean "
             "something.");
    else
        printf("Venue's clock minus ours: %+.3f ms, known to +- %.3f ms; ages are off by that much, all alike. The "
               "estimate moved by %.3f ms meanwhile.\n",
               (double)state->offset * 1e-6, (double)state->uncertainty * 1e-6, (double)state->drift * 1e-6);
    puts("Stamps are whole milliseconds: ages read up to 1 ms too long. Percentiles are off by 0.4 % at most.");
    for (uint32_t i = 0; i < state->channel_count; i++) {
        const struct latency_channel *channel = &state->shared->channels[i];
        const struct latency_result *result = &channel->result;
        latency_name(channel, name);
        if (result->unstamped > 0)
            printf("%s: %" PRIu64 " books without a venue's stamp have no age.\n", name, result->unstamped);
        if (result->lapped > 0)
            printf("%s: %" PRIu64 " updates came too fast to be looked up.\n", name, result->lapped);
        if (result->dropped + result->downs > 0)
            printf("%s: %" PRIu64 " messages dropped, %" PRIu64 " connections lost.\n", name, result->dropped,
                   result->downs);
        if (result->said.text[0] != '\0')
            printf("%s: %s\n", name, result->said.text);
    }
}

void latency_report(const struct latency_state *state)
{
    const struct latency_channel *channels = state->shared->channels;
    printf("%s %s, %.0f s\n\n", state->venue, state->symbols, (double)channels[0].result.window * 1e-9);
    struct table *table =
        table_new("llrrrrrrr", "ms", "channel", "samples", "mean", "P50", "P95", "P99", "least", "most");
    for (size_t which = 0; which < ARRAY_LEN(times); which++) {
        for (uint32_t i = 0; i < state->channel_count; i++)
            time_row(table, i == 0 ? times[which].name : "", &channels[i], hist_of(&channels[i].result, which));
        if (which + 1 < ARRAY_LEN(times))
            table_rule(table);
    }
    table_print(table, stdout);
    putchar('\n');
    table = table_new("lrrrrrrrrrr", "channel", "events/s", "CPU %", "MiB", "in MB/h", "out MB/h", "connections",
                      "requests/s", "gaps", "failed", "limited");
    for (uint32_t i = 0; i < state->channel_count; i++)
        cost_row(table, &channels[i]);
    table_print(table, stdout);
    putchar('\n');
    print_notes(state);
}

/* ---- JSON ---- */

static json_t *hist_json(const struct latency_hist *hist)
{
    json_t *object = json_object();
    json_set_u64(object, "samples", hist->count);
    if (hist->count == 0)
        return object;
    json_set_i64(object, "mean_ns", latency_hist_mean(hist));
    json_set_i64(object, "p50_ns", latency_hist_at(hist, 5000));
    json_set_i64(object, "p95_ns", latency_hist_at(hist, 9500));
    json_set_i64(object, "p99_ns", latency_hist_at(hist, 9900));
    json_set_i64(object, "least_ns", hist->least);
    json_set_i64(object, "most_ns", hist->most);
    return object;
}

static json_t *channel_json(const struct latency_channel *channel)
{
    const struct latency_result *result = &channel->result;
    char name[LATENCY_NAME];
    json_t *object = json_object();
    json_set_text(object, "channel", latency_name(channel, name));
    json_set_i64(object, "poll_ns", channel->poll);
    json_set(object, "age", hist_json(&result->age));
    json_set(object, "known_after", hist_json(&result->known));
    json_set(object, "round_trip", hist_json(&result->rtt));
    json_set_i64(object, "window_ns", result->window);
    json_set_u64(object, "events", result->events);
    json_set(object, "events_per_s", json_real(per_s(result, result->events)));
    json_set_u64(object, "books", result->books);
    json_set_u64(object, "books_unchanged", result->unchanged);
    json_set_u64(object, "books_unstamped", result->unstamped);
    json_set_u64(object, "updates_not_looked_up", result->lapped);
    json_set_i64(object, "cpu_user_ns", result->cpu_user);
    json_set_i64(object, "cpu_system_ns", result->cpu_system);
    json_set(object, "cpu_share", json_real(cpu_share(result)));
    json_set_u64(object, "memory_bytes", result->memory);
    json_set_u64(object, "memory_own_bytes", result->memory_own);
    json_set_u64(object, "bytes_in", result->traffic.in);
    json_set_u64(object, "bytes_out", result->traffic.out);
    json_set_u64(object, "connections", result->traffic.connections);
    json_set_u64(object, "requests", result->requests);
    json_set_u64(object, "requests_failed", result->failures);
    json_set_u64(object, "requests_limited", result->limited);
    json_set_u64(object, "requests_held", result->held);
    json_set_u64(object, "gaps", result->gaps);
    json_set_u64(object, "dropped", result->dropped);
    json_set_u64(object, "downs", result->downs);
    json_set_text(object, "said", result->said.text[0] != '\0' ? result->said.text : NULL);
    return object;
}

err_t latency_report_json(const struct latency_state *state)
{
    json_t *root = json_object(), *channels = json_array();
    json_set_text(root, "venue", state->venue);
    json_set_text(root, "symbols", state->symbols);
    json_set_u64(root, "clock_samples", state->samples);
    if (state->samples > 0) {
        json_set_i64(root, "clock_offset_ns", state->offset);
        json_set_i64(root, "clock_uncertainty_ns", state->uncertainty);
        json_set_i64(root, "clock_drift_ns", state->drift);
    }
    json_set_i64(root, "stamp_resolution_ns", NS_PER_MS);
    for (uint32_t i = 0; i < state->channel_count; i++)
        json_array_append_new(channels, channel_json(&state->shared->channels[i]));
    json_set(root, "channels", channels);
    return json_print(stdout, root, false);
}
