/* run_output.h: the run directory: what a run leaves behind (docs/results.md).
 *
 *   runs/maker-1f3a9c02-1/
 *     config.yaml   the config as resolved, paths absolute   at the start
 *     start.json    what the run is (run_start.h)      before the first input
 *     progress.txt  how far it is (run_progress.h)     until it ends
 *     orders.csv    every change of every order       ─┐
 *     fills.csv     every fill                         │ as they happen, buffered
 *     equity.csv    on a grid of event time            │
 *     plot.csv      named values, when there are any   │
 *     payments.csv  funding, when there is any         │
 *     log.txt       the strategy's lines               │
 *     ...           files that the strategy writes    ─┘
 *     tail.txt      the last orders, fills, log lines  at the end
 *     result.json   digest, counters, account          at the end, by rename: when it is there, it is whole
 *     timing.json   wall time, apart: all other files are the same in every run of the same inputs
 *     manifest.json hashes of all that, how it ended   last of all (run_manifest.h)
 *
 * It is the engine's sink. A write that fails is remembered and told by run_output_error, so that the run can end
 * in good order; nothing here changes what the engine does.
 */
#ifndef TAPEDECK_CLI_RUN_OUTPUT_H
#define TAPEDECK_CLI_RUN_OUTPUT_H

#include "cli/config.h"
#include "core/engine.h"

#include <stdio.h>

#define RUN_JOURNAL_FILE "journal.tape"
#define RUN_INPUTS_FILE  "inputs.tape" /* of mode paper: what the session heard */

struct run_output;

struct run_output_options {
    const char *out; /* this directory; NULL: a new one under config->output.dir */
    bool force;      /* use `out` even when there is something in it: files of the same names are replaced */
    bool none;       /* write no files at all */
};

/* Who takes the rows of an output in the place of files. A stream that it gives belongs to the output. */
struct run_rows {
    void *context;
    FILE *(*open)(void *context, const char *name); /* NULL, and errno: cannot */
};

/* Nothing is written yet. `config` must outlive it. */
err_t run_output_new(struct run_output **output, const struct run_config *config, struct err_text *why) MUST_USE;
/* For engine_config.sink; lives as long as the output. */
const struct engine_sink *run_output_sink(struct run_output *output, bool none);
/* For stage_watch.journal; NULL when the config asks for none. Lives as long as the output, and is told from
 * run_output_open on. */
struct journal *run_output_journal(struct run_output *output, bool none);
/* Make the directory, config.yaml, then the files. The engine's instruments are needed for decimals. ERR_EXISTS:
 * `out` holds something already. */
err_t run_output_open(struct run_output *output, const struct run_output_options *options,
                      const struct instrument *instruments, uint16_t instrument_count, const struct engine *engine,
                      struct err_text *why) MUST_USE;
/* The same rows to someone else (rows_compare.h), and nothing else: no directory, no journal, no config. */
err_t run_output_open_rows(struct run_output *output, const struct run_rows *rows,
                           const struct instrument *instruments, uint16_t instrument_count,
                           const struct engine *engine, struct err_text *why) MUST_USE;
/* The run goes on in another engine over the same instruments (stage_fork.h). */
void run_output_engine(struct run_output *output, const struct engine *engine);
/* Where it writes; NULL: nowhere. */
const char *run_output_dir(const struct run_output *output);
/* The first write that failed, ERR_OK: none. */
err_t run_output_error(const struct run_output *output, struct err_text *why) MUST_USE;
/* The last line of LOG_ERROR that the strategy wrote, NULL: none. */
const char *run_output_last_error(const struct run_output *output);
/* Hand what is buffered to the system, so that it survives a kill -9. A failure is remembered. */
void run_output_flush(struct run_output *output);
/* Flush and close the streams, and write tail.txt. */
err_t run_output_close(struct run_output *output, struct err_text *why) MUST_USE;
/* Write `text` to a file of the directory, whole or not at all. Nothing without a directory. */
err_t run_output_file(struct run_output *output, const char *name, const char *text, struct err_text *why) MUST_USE;
void run_output_free(struct run_output *output);

#endif
