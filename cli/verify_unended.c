#include "cli/verify_unended.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

err_t verify_unended_open(struct verify_unended *unended, struct rerun *rerun, struct journal_compare *compare,
                          struct err_text *why)
{
    *unended = (struct verify_unended){.rerun = rerun, .compare = compare};
    unended->has_mark = run_progress_read(rerun->dir, &unended->mark);
    if (rerun->crashed && unended->has_mark && unended->mark.inputs > rerun->inputs)
        rerun->inputs = unended->mark.inputs; /* it broke after that input, not in it */
    err_t err = rows_compare_open(&unended->rows, rerun->dir, why);
    return err == ERR_OK ? run_output_new(&unended->output, rerun->config, why) : err;
}

static void look_at_mark(struct verify_unended *unended)
{
    const struct engine *engine = unended->rerun->stage->engine;
    if (!unended->has_mark || unended->mark_reached || engine_counters(engine)->inputs != unended->mark.inputs)
        return;
    unended->mark_reached = true;
    digest_text(engine_digest(engine), unended->mark_got);
    unended->mark_differs = strcmp(unended->mark_got, unended->mark.digest) != 0;
}

err_t verify_unended_start(struct verify_unended *unended, struct err_text *why)
{
    struct rerun *rerun = unended->rerun;
    const struct stage_watch watch = {.journal = unended->compare != NULL ? journal_compare_journal(unended->compare)
                                                                          : NULL};
    err_t err = rerun_stage(rerun, run_output_sink(unended->output, false), &watch, why);
    if (err == ERR_OK && unended->compare != NULL)
        err = journal_compare_instruments(unended->compare, rerun->stage->instruments, rerun->stage->instrument_count,
                                          why);
    if (err == ERR_OK)
        err = run_output_open_rows(unended->output, rows_compare_rows(unended->rows, rerun->stage->engine),
                                   rerun->stage->instruments, rerun->stage->instrument_count, rerun->stage->engine,
                                   why);
    if (err == ERR_OK)
        err = rerun_start(rerun, why);
    if (err == ERR_OK)
        look_at_mark(unended);
    return err;
}

bool verify_unended_differs(const struct verify_unended *unended)
{
    return unended->mark_differs || rows_compare_difference(unended->rows) != NULL ||
           (unended->compare != NULL && journal_compare_differs(unended->compare));
}

static bool is_done(struct verify_unended *unended)
{
    return rows_compare_done(unended->rows) && (!unended->has_mark || unended->mark_reached) &&
           (unended->compare == NULL || journal_compare_over(unended->compare));
}

/* The run has come to its end, and not all that lies there has come again. It was stopped then: its last rows and
 * records follow. One that crashed was not, or broke in that; and of the input that broke it some rows may have been
 * written, but it is not handled again. */
static err_t finish(struct verify_unended *unended, struct err_text *why)
{
    const struct rerun *rerun = unended->rerun;
    if (stage_is_cut(rerun->stage)) { /* its inputs are written apart: what else was written may go further */
        rows_compare_finish(unended->rows, true);
        return ERR_OK;
    }
    if (!rerun->crashed)
        (void)stage_stop(rerun->stage);
    rows_compare_finish(unended->rows, rerun->crashed);
    if (unended->has_mark && !unended->mark_reached) {
        digest_text(engine_digest(rerun->stage->engine), unended->mark_got);
        unended->mark_differs = true;
    }
    if (unended->compare == NULL || (rerun->crashed && !journal_compare_over(unended->compare) &&
                                     journal_compare_next_input(unended->compare) > rerun->inputs))
        return ERR_OK;
    return journal_compare_finish(unended->compare, false, why);
}

err_t verify_unended_advance(struct verify_unended *unended, uint64_t budget, struct err_text *why)
{
    const struct engine *engine = unended->rerun->stage->engine;
    const uint64_t inputs = engine_counters(engine)->inputs;
    if (verify_unended_differs(unended) || is_done(unended))
        return ERR_END;
    if (unended->has_mark && inputs < unended->mark.inputs && unended->mark.inputs - inputs < budget)
        budget = unended->mark.inputs - inputs;
    err_t err = ERR_END; /* where it ended then, it ends now */
    if (!unended->mark_reached || !unended->mark.ended)
        err = rerun_advance(unended->rerun, budget, why);
    look_at_mark(unended);
    if (err == ERR_END && !verify_unended_differs(unended)) {
        const err_t finished = finish(unended, why);
        err = finished != ERR_OK ? finished : ERR_END;
    }
    return err;
}

uint64_t verify_unended_input(const struct verify_unended *unended)
{
    uint64_t input = rows_compare_input(unended->rows);
    if (unended->mark_reached && unended->mark.inputs > input)
        input = unended->mark.inputs;
    if (unended->compare != NULL && journal_compare_input(unended->compare) > input)
        input = journal_compare_input(unended->compare);
    return input;
}

uint64_t verify_unended_unknown(const struct verify_unended *unended)
{
    const uint64_t input = verify_unended_input(unended);
    uint64_t most;
    if (unended->rerun->crashed)
        most = unended->rerun->inputs + 1;
    else if (unended->has_mark)
        most = unended->mark.inputs + (unended->mark.ended ? 0 : RUN_PROGRESS_EVERY);
    else
        return UINT64_MAX;
    return most > input ? most - input : 0;
}

/* ---- telling ---- */

static void print_difference(const struct verify_unended *unended)
{
    const char *name = unended->rerun->name;
    const struct rows_difference *rows = rows_compare_difference(unended->rows);
    if (rows != NULL) {
        printf("%s: DIFFERS in line %" PRIu64 " of %s, after input %" PRIu64 "\n\n  then  %s\n  now   %s\n", name,
               rows->line, rows->file, rows->input, rows->then,
               rows->now[0] != '\0' ? rows->now : "(nothing more is written)");
    } else if (unended->mark_reached) {
        printf("%s: DIFFERS after input %" PRIu64 ": its digest was %s, now it is %s\n", name, unended->mark.inputs,
               unended->mark.digest, unended->mark_got);
    } else {
        printf("%s: DIFFERS: it had handled %" PRIu64 " inputs, now it ends after %" PRIu64 "\n", name,
               unended->mark.inputs, engine_counters(unended->rerun->stage->engine)->inputs);
    }
}

void verify_unended_print(const struct verify_unended *unended)
{
    const uint64_t unknown = verify_unended_unknown(unended);
    const char *unread;
    if (verify_unended_differs(unended)) {
        print_difference(unended);
        return;
    }
    printf("%s: identical up to input %" PRIu64, unended->rerun->name, verify_unended_input(unended));
    if (unended->rerun->crashed)
        printf(" (the run crashed: %" PRIu64 " inputs after that are unknown, the last of them broke it)", unknown);
    else if (unknown == 0)
        fputs(", the last one (the run was killed while it ended)", stdout);
    else if (unknown != UINT64_MAX)
        printf(" (the run was killed, or is still going on: up to %" PRIu64 " inputs after that are unknown)",
               unknown);
    else
        fputs(" (the run was killed, or is still going on: how many inputs came after that is unknown)", stdout);
    printf("; %" PRIu64 " bytes of rows", rows_compare_bytes(unended->rows));
    if (unended->compare != NULL)
        printf(", %" PRIu64 " records of the journal", journal_compare_records(unended->compare));
    if (unended->mark_reached)
        printf(", digest %s after input %" PRIu64, unended->mark.digest, unended->mark.inputs);
    putchar('\n');
    for (size_t i = 0; (unread = rows_compare_unknown(unended->rows, i)) != NULL; i++)
        printf("%s: %s: not compared, the run writes no such file\n", unended->rerun->name, unread);
}

void verify_unended_json(const struct verify_unended *unended, json_t *object)
{
    const bool differs = verify_unended_differs(unended);
    const uint64_t unknown = differs ? UINT64_MAX : verify_unended_unknown(unended);
    const struct rows_difference *rows = rows_compare_difference(unended->rows);
    json_set_text(object, "verdict", differs ? "differs" : "identical_so_far");
    json_set_text(object, "end", unended->rerun->crashed ? "crashed" : "not_ended");
    json_set_u64(object, "inputs", verify_unended_input(unended));
    json_set(object, "unknown_inputs_most", unknown == UINT64_MAX ? json_null() : json_integer((json_int_t)unknown));
    json_set_u64(object, "row_bytes", rows_compare_bytes(unended->rows));
    json_set_bool(object, "journal", unended->compare != NULL);
    if (unended->compare != NULL)
        json_set_u64(object, "records", journal_compare_records(unended->compare));
    json_set_text(object, "digest", unended->has_mark ? unended->mark.digest : NULL);
    if (unended->has_mark)
        json_set_u64(object, "digest_inputs", unended->mark.inputs);
    if (unended->mark_differs)
        json_set_text(object, "now_digest", unended->mark_got);
    if (rows != NULL) {
        json_set_text(object, "file", rows->file);
        json_set_u64(object, "line", rows->line);
        json_set_u64(object, "input", rows->input);
        json_set_text(object, "then", rows->then);
        json_set_text(object, "now", rows->now);
    }
}

void verify_unended_close(struct verify_unended *unended)
{
    run_output_free(unended->output); /* its streams end in `rows` */
    rows_compare_close(unended->rows);
    *unended = (struct verify_unended){0};
}
