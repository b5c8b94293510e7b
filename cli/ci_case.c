#include "cli/ci_case.h"

#include "cli/config_flat.h"
#include "cli/json_out.h"
#include "cli/run_metrics.h"
#include "cli/run_output.h"
#include "cli/stop_signal.h"
#include "cli/values.h"
#include "cli/version.h"
#include "core/book_l3.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct checkpoint {
    uint64_t inputs;
    ns_t ts;
    char digest[DIGEST_TEXT_SIZE];
};

struct case_run {
    const struct ci_case *one;
    struct run_config *config;
    struct run_output *output;
    struct run_metrics *metrics;
    struct stage *stage;
    struct checkpoint checkpoints[CI_CHECKPOINTS_MAX];
    uint32_t checkpoint_count;
    uint64_t spacing;
    char digest[DIGEST_TEXT_SIZE];
    struct err_text why;
};

/* ---- the run ---- */

static err_t open_case(struct case_run *run)
{
    const struct run_output_options files = {.none = true};
    const struct config_options options = {.sets = &run->one->sets, .tapes = &run->one->tapes};
    struct err_text *why = &run->why;
    err_t err = run_config_load(&run->config, run->one->config, &options, why);
    if (err == ERR_OK)
        err = run_config_check_files(run->config, why);
    if (err == ERR_OK)
        err = run_output_new(&run->output, run->config, why);
    if (err == ERR_OK)
        err = run_metrics_new(&run->metrics, run_output_sink(run->output, true), why);
    if (err == ERR_OK)
        err = stage_open(&run->stage, run->config, run_metrics_sink(run->metrics), why);
    if (err == ERR_OK)
        err = run_metrics_open(run->metrics, run->stage, why);
    if (err == ERR_OK)
        err = run_output_open(run->output, &files, run->stage->instruments, run->stage->instrument_count,
                              run->stage->engine, why);
    return err;
}

static void close_case(struct case_run *run)
{
    stage_close(run->stage);
    run_metrics_free(run->metrics);
    run_output_free(run->output);
    run_config_free(run->config);
}

static err_t start(struct case_run *run)
{
    err_t err = stage_start(run->stage);
    if (err == ERR_OK)
        return ERR_OK;
    const char *said = run_output_last_error(run->output);
    return err_say(&run->why, ERR_CONFIG, "the strategy '%s' refused to start: %s", run->config->strategy->name,
                   said != NULL ? said : err_words(err));
}

/* When there is no more room, every second one goes, and they stand twice as far apart from then on. */
static void keep_checkpoint(struct case_run *run)
{
    if (run->checkpoint_count == CI_CHECKPOINTS_MAX) {
        run->checkpoint_count = 0;
        run->spacing *= 2;
        for (uint32_t i = 0; i < CI_CHECKPOINTS_MAX; i++)
            if (run->checkpoints[i].inputs % run->spacing == 0)
                run->checkpoints[run->checkpoint_count++] = run->checkpoints[i];
    }
    const uint64_t inputs = engine_counters(run->stage->engine)->inputs;
    if (inputs % run->spacing != 0)
        return;
    struct checkpoint *checkpoint = &run->checkpoints[run->checkpoint_count++];
    checkpoint->inputs = inputs;
    checkpoint->ts = engine_now(run->stage->engine);
    digest_text(engine_digest(run->stage->engine), checkpoint->digest);
}

static err_t execute(struct case_run *run)
{
    struct engine *engine = run->stage->engine;
    run->spacing = CI_CHECKPOINT_FIRST;
    err_t err = start(run);
    if (err != ERR_OK)
        return err;
    while (err == ERR_OK) {
        if (stop_signal() != 0)
            return err_say(&run->why, ERR_INTERRUPTED, "interrupted");
        err = engine_run(engine, run->spacing - engine_counters(engine)->inputs % run->spacing);
        if (err == ERR_OK)
            err = run_output_error(run->output, &run->why);
        if (err == ERR_OK)
            keep_checkpoint(run);
    }
    digest_text(stage_stop(run->stage), run->digest);
    if (err == ERR_END)
        return run_output_close(run->output, &run->why);
    return err_say(&run->why, err, "the run broke: %s", engine_why(engine)->text);
}

/* What must hold of every run, whatever its strategy: looked at from the outside. */
static err_t check_invariants(struct case_run *run)
{
    const struct engine *engine = run->stage->engine;
    const struct engine_counters *counters = engine_counters(engine);
    uint64_t booked = 0;
    if (counters->illegal_reports != 0)
        return err_say(&run->why, ERR_MISMATCH,
                       "invariant: %" PRIu64 " reports of the venue that the order table does not allow",
                       counters->illegal_reports);
    for (uint16_t i = 0; i < run->stage->instrument_count; i++) {
        const struct position *position = account_position(engine_account_view(engine), i);
        booked += position->fill_count;
        if (position->qty != position->bought - position->sold)
            return err_say(&run->why, ERR_MISMATCH,
                           "invariant: the position in %s is not what was bought less what was sold",
                           run->stage->instruments[i].symbol);
    }
    if (booked != counters->fills)
        return err_say(&run->why, ERR_MISMATCH, "invariant: %" PRIu64 " fills were reported, %" PRIu64 " were booked",
                       counters->fills, booked);
    return ERR_OK;
}

/* ---- the record ---- */

/* The text under the hash, key by key: so that a difference can be named. */
static json_t *config_json(const struct run_config *config)
{
    json_t *object = config_flat(config->hashed, strlen(config->hashed));
    if (object == NULL)
        object = json_object();
    json_set_text(object, "strategy.name", config->strategy->name);
    json_set_text(object, "strategy.version", config->strategy->version);
    if (config->venue.latency.file_hash[0] != '\0')
        json_set_text(object, "venue.latency.file", config->venue.latency.file_hash);
    if (config->feed.latency.file_hash[0] != '\0')
        json_set_text(object, "feed.latency.file", config->feed.latency.file_hash);
    return object;
}

/* By its last name: where it lies is another place on every machine. */
static json_t *tapes_json(const struct stage *stage)
{
    json_t *list = json_array();
    for (uint16_t i = 0; i < stage->lane_count; i++) {
        const char *slash = strrchr(stage->tapes[i].path, '/');
        json_t *entry = json_object();
        json_set_text(entry, "name", slash != NULL ? slash + 1 : stage->tapes[i].path);
        json_set_text(entry, "hash", stage->tapes[i].hash);
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *checkpoints_json(const struct case_run *run)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < run->checkpoint_count; i++) {
        char text[128], time[VALUE_TEXT_SIZE];
        snprintf(text, sizeof(text), "%" PRIu64 " %s %s", run->checkpoints[i].inputs,
                 value_time_text(run->checkpoints[i].ts, time), run->checkpoints[i].digest);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

static err_t metrics_json(struct case_run *run, json_t *object)
{
    const struct run_metric *list;
    size_t count;
    char text[METRIC_TEXT_SIZE];
    err_t err = run_metrics_list(run->metrics, &list, &count, &run->why);
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        json_set_text(object, list[i].name, run_metric_text(&list[i], text));
    return err;
}

static json_t *record_json(struct case_run *run, err_t *err)
{
    json_t *record = json_object(), *binary = json_object(), *metrics = json_object();
    json_set_u64(record, "format", CI_FORMAT);
    json_set_text(record, "case", run->one->name);
    json_set_u64(record, "seed", run->config->seed);
    json_set_u64(record, "inputs", engine_counters(run->stage->engine)->inputs);
    json_set_text(record, "digest", run->digest);
    json_set_text(record, "config_hash", run->config->hash);
    json_set(record, "config", config_json(run->config));
    json_set(record, "tapes", tapes_json(run->stage));
    json_set_text(binary, "version", cli_version());
    json_set_text(binary, "build_id", cli_build_id());
    json_set_text(binary, "compiler", cli_compiler());
    json_set(record, "binary", binary);
    json_set(record, "checkpoints", checkpoints_json(run));
    *err = metrics_json(run, metrics);
    json_set(record, "metrics", metrics);
    return record;
}

static json_t *warnings_json(const struct case_run *run)
{
    uint64_t counts[CI_WARNING_COUNT] = {0};
    const struct stage *stage = run->stage;
    json_t *object = json_object();
    counts[CI_WARN_GAPS] = engine_counters(stage->engine)->gaps;
    counts[CI_WARN_CLOCK_BEHIND] = sim_world_stats(stage->world).clock_behind;
    for (uint16_t i = 0; i < stage->instrument_count; i++) {
        const struct book *book = engine_book(stage->engine, i);
        if (book->l3 != NULL)
            counts[CI_WARN_LOST_ORDERS] += book->l3->stats.lost_full + book->l3->stats.lost_wrong;
    }
    for (int i = 0; i < CI_WARNING_COUNT; i++)
        if (counts[i] != 0)
            json_set_u64(object, ci_warning_name((enum ci_warning)i), counts[i]);
    return object;
}

json_t *ci_case_run(const struct ci_case *one)
{
    struct case_run run = {.one = one};
    json_t *outcome = json_object();
    err_t err = open_case(&run);
    if (err == ERR_OK)
        err = execute(&run);
    if (err == ERR_OK)
        err = check_invariants(&run);
    if (err == ERR_OK) {
        json_set(outcome, "record", record_json(&run, &err));
        json_set(outcome, "warnings", warnings_json(&run));
    }
    json_set_text(outcome, "error", err == ERR_OK ? NULL : run.why.text[0] != '\0' ? run.why.text : err_words(err));
    close_case(&run);
    return outcome;
}
