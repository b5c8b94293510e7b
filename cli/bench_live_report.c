#include "cli/bench_live_report.h"

#include "cli/json_out.h"
#include "cli/table.h"

#include <inttypes.h>
#include <stdio.h>

static double share(ns_t cpu, ns_t window)
{
    return window > 0 ? (double)cpu / (double)window : 0;
}

static double rate_of(const struct bench_session_result *session)
{
    return session->window > 0 ? (double)session->frames * 1e9 / (double)session->window : 0;
}

/* ---- JSON ---- */

static json_t *session_json(const struct bench_session_result *session)
{
    json_t *object = json_object();
    json_set_u64(object, "frames", session->frames);
    json_set(object, "frames_per_s", json_real(rate_of(session)));
    json_set_u64(object, "dropped", session->dropped);
    json_set_u64(object, "samples", session->latency.count);
    json_set_i64(object, "mean_ns", latency_hist_mean(&session->latency));
    json_set_i64(object, "p50_ns", latency_hist_at(&session->latency, 5000));
    json_set_i64(object, "p90_ns", latency_hist_at(&session->latency, 9000));
    json_set_i64(object, "p99_ns", latency_hist_at(&session->latency, 9900));
    json_set_i64(object, "p999_ns", latency_hist_at(&session->latency, 9990));
    json_set_i64(object, "least_ns", session->latency.least);
    json_set_i64(object, "most_ns", session->latency.most);
    json_set(object, "cpu_share", json_real(share(session->cpu_all, session->window)));
    json_set(object, "cpu_share_engine", json_real(share(session->cpu_engine, session->window)));
    json_set_u64(object, "ring_most", session->ring_most);
    json_set_u64(object, "ring_bytes", session->ring_bytes);
    json_set_i64(object, "server_cpu_ns", session->mock.cpu);
    json_set_i64(object, "server_late_max_ns", session->mock.late_max);
    json_set(object, "load", json_real(session->load));
    return object;
}

err_t bench_live_print_json(const struct bench_live *figures, const struct bench_live_options *options)
{
    json_t *root = json_object();
    json_set_u64(root, "rate", options->rate);
    json_set_i64(root, "duration_ns", options->duration);
    json_set_i64(root, "spin_ns", options->spin);
    json_set_text(root, "strategy", options->strategy);
    json_set_text(root, "io", options->one_thread ? "inline" : "thread");
    json_set_bool(root, "pinned", options->pin);
    json_set_i64(root, "frame_to_callback_ns_p50", latency_hist_at(&figures->session.latency, 5000));
    json_set_i64(root, "frame_to_callback_ns_p99", latency_hist_at(&figures->session.latency, 9900));
    if (options->step > 0) {
        json_set(root, "ingest_capacity_per_s", json_real(figures->capacity));
        json_set_text(root, "ingest_limit", figures->ring_full ? "ring" : "server");
    }
    json_set(root, "parse_bytes_per_s", json_real(figures->parse));
    json_set(root, "frame_bytes", json_real(figures->frame_bytes));
    json_set(root, "memcpy_bytes_per_s", json_real(figures->memcpy_rate));
    json_set(root, "session", session_json(&figures->session));
    json_set(root, "floor", session_json(&figures->bare));
    json_t *steps = json_array();
    for (uint32_t i = 0; i < figures->step_count; i++) {
        const struct bench_step *step = &figures->steps[i];
        json_t *object = json_object();
        json_set_u64(object, "rate", step->rate);
        json_set(object, "received_per_s", json_real(step->received));
        json_set_u64(object, "dropped", step->dropped);
        json_set(object, "ring_share", json_real(step->ring_share));
        json_set(object, "cpu_share", json_real(step->cpu_share));
        json_set_i64(object, "server_late_max_ns", step->late_max);
        json_array_append_new(steps, object);
    }
    json_set(root, "ingest", steps);
    return json_print(stdout, root, false);
}

/* ---- table ---- */

static void latency_row(struct table *table, const char *what, const struct bench_session_result *session)
{
    const struct latency_hist *hist = &session->latency;
    table_cell(table, "%s", what);
    table_cell(table, "%.0f", rate_of(session));
    const ns_t values[] = {latency_hist_at(hist, 5000), latency_hist_at(hist, 9000), latency_hist_at(hist, 9900),
                           latency_hist_at(hist, 9990), hist->least};
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        table_cell(table, "%.2f", (double)values[i] * 1e-3);
    table_cell(table, "%" PRIu64, session->dropped);
    table_cell(table, "%.0f", share(session->cpu_all, session->window) * 100);
    table_cell(table, "%.0f", share(session->cpu_engine, session->window) * 100);
}

void bench_live_print(const struct bench_live *figures, const struct bench_live_options *options)
{
    printf(
        "from the last byte of a depth frame (%.0f bytes) to the callback, us; %.0f s; load of the machine %.1f\n\n",
        figures->frame_bytes, (double)options->duration * 1e-9, figures->session.load);
    struct table *table = table_new("lrrrrrrrrr", "session", "frames/s", "P50", "P90", "P99", "P99.9", "least",
                                    "dropped", "CPU %", "engine %");
    latency_row(table, options->strategy, &figures->session);
    latency_row(table, "noop, no journal", &figures->bare);
    table_print(table, stdout);
    printf("\nparsing        %8.0f MB/s of frames on one core (%.3f of memcpy)\n", figures->parse * 1e-6,
           figures->parse / figures->memcpy_rate);
    if (options->step == 0)
        return;
    printf("capacity       %8.0f frames/s without a drop; %s\n\n", figures->capacity,
           figures->ring_full ? "at the next rate the ring was full" : "the server could not send more");
    table = table_new("rrrrrr", "asked/s", "received/s", "dropped", "ring %", "CPU %", "server late ms");
    for (uint32_t i = 0; i < figures->step_count; i++) {
        const struct bench_step *step = &figures->steps[i];
        table_cell(table, "%u", step->rate);
        table_cell(table, "%.0f", step->received);
        table_cell(table, "%" PRIu64, step->dropped);
        table_cell(table, "%.1f", step->ring_share * 100);
        table_cell(table, "%.0f", step->cpu_share * 100);
        table_cell(table, "%.1f", (double)step->late_max * 1e-6);
    }
    table_print(table, stdout);
}
