#include "cli/run_manifest.h"

#include "cli/evidence.h"
#include "cli/run_start.h"

#include <signal.h>

static const char *end_word(const struct run_ending *ending)
{
    if (!ending->started)
        return "refused";
    return ending->summary->end == RUN_FINISHED      ? "finished"
           : ending->summary->end == RUN_INTERRUPTED ? "interrupted"
                                                     : "error";
}

/* What does not hold, when that is how it ended. */
static json_t *breach_json(const struct breach *breach)
{
    if (breach == NULL)
        return json_null();
    json_t *object = json_object();
    json_set_text(object, "invariant", breach->invariant);
    json_set_text(object, "where", breach->where);
    json_set_decimal(object, "expected", breach->expected, breach->decimals);
    json_set_decimal(object, "found", breach->found, breach->decimals);
    json_set_u64(object, "inputs", breach->inputs);
    json_set_time(object, "ts", breach->ts);
    return object;
}

static json_t *checks_json(const struct run_summary *summary)
{
    const struct engine_check_counts counts = engine_check_counts(summary->stage->engine);
    json_t *object = json_object();
    json_set_text(object, "level", summary->config->engine.checks == ENGINE_CHECKS_ALL ? "all" : "cheap");
    json_set_u64(object, "done", counts.checks);
    json_set_u64(object, "with_venue", counts.audits);
    json_set(object, "breach",
             breach_json(summary->breach != NULL ? summary->breach : engine_breach(summary->stage->engine)));
    return object;
}

static json_t *facts_of(const struct run_ending *ending)
{
    const struct run_summary *summary = ending->summary;
    const struct run_config *config = summary->config;
    const struct engine_counters *counters = engine_counters(summary->stage->engine);
    char digest[DIGEST_TEXT_SIZE];
    json_t *object = json_object(), *strategy = json_object();
    digest_text(summary->digest, digest);
    json_set_u64(object, "format", EVIDENCE_FORMAT);
    json_set_text(object, "end", end_word(ending));
    json_set_text(object, "signal",
                  ending->signal == SIGINT    ? "SIGINT"
                  : ending->signal == SIGTERM ? "SIGTERM"
                                              : NULL);
    json_set_text(object, "reason", ending->reason);
    json_set_i64(object, "exit_code", ending->exit_code);
    json_set_text(object, "digest", ending->started ? digest : NULL);
    json_set_u64(object, "seed", config->seed);
    json_set_text(object, "config_hash", config->hash);
    json_set(object, "binary", run_binary_json());
    json_set_text(strategy, "name", config->strategy->name);
    json_set_text(strategy, "version", config->strategy->version);
    json_set(object, "strategy", strategy);
    json_set(object, "tapes", run_tapes_json(summary->stage));
    json_set(object, "inputs_read", run_inputs_json(summary->inputs));
    json_set_u64(object, "inputs", counters->inputs);
    json_set_u64(object, "orders", counters->orders);
    json_set_u64(object, "fills", counters->fills);
    json_set(object, "checks", checks_json(summary));
    json_set_time(object, "last", counters->inputs > 0 ? summary->last_ts : 0);
    return object;
}

err_t run_manifest_write(const struct run_ending *ending, struct err_text *why)
{
    if (ending->summary->dir == NULL)
        return ERR_OK;
    return evidence_write(ending->summary->dir, facts_of(ending), why);
}
