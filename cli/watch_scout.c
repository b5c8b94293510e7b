/* How: one input at a time, so that an entry of the index knows between which two it happened. */
#include "cli/watch_scout.h"

#include "cli/journal_compare.h"
#include "cli/run_dir.h"
#include "cli/run_output.h"
#include "cli/run_progress.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct watch_scout {
    struct watch_index *index;
    struct watch_trail *trail;
    struct watch_step *step;
    struct journal_compare *compare; /* NULL: the run has no journal */
    struct stage_watch watch;
    struct run_progress_mark mark; /* of a run that was killed or crashed: the last digest that it wrote */
    bool marked;
    bool ended, failed; /* failed: the digest is not that of result.json, or of the mark */
};

static err_t open_journal(struct watch_scout *scout, const char *dir, struct err_text *why)
{
    char path[PATH_SIZE];
    if (!run_dir_path(path, dir, RUN_JOURNAL_FILE))
        return err_say(why, ERR_RANGE, "%s: too long", dir);
    return access(path, F_OK) == 0 ? journal_compare_open(&scout->compare, path, why) : ERR_OK;
}

static err_t open_all(struct watch_scout *scout, const char *dir, const struct rerun_options *options,
                      struct err_text *why)
{
    scout->index = watch_index_new();
    scout->trail = watch_trail_new();
    if (scout->index == NULL || scout->trail == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    err_t err = open_journal(scout, dir, why);
    if (err != ERR_OK)
        return err;
    scout->watch.engine = watch_index_observer(scout->index);
    scout->watch.journal = scout->compare != NULL ? journal_compare_journal(scout->compare) : NULL;
    watch_index_begin(scout->index, 0);
    err = watch_step_open(&scout->step, dir, options, watch_index_sink(scout->index), &scout->watch, NULL, why);
    if (err != ERR_OK)
        return err;
    struct stage *stage = watch_step_rerun(scout->step)->stage;
    scout->marked = watch_step_rerun(scout->step)->unended && run_progress_read(dir, &scout->mark);
    watch_trail_begin(scout->trail, stage);
    if (scout->compare == NULL)
        return ERR_OK;
    return journal_compare_instruments(scout->compare, stage->instruments, stage->instrument_count, why);
}

err_t watch_scout_open(struct watch_scout **scout, const char *dir, const struct rerun_options *options,
                       struct err_text *why)
{
    struct watch_scout *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    const err_t err = open_all(opened, dir, options, why);
    if (err != ERR_OK) {
        watch_scout_close(opened);
        return err;
    }
    *scout = opened;
    return ERR_OK;
}

void watch_scout_close(struct watch_scout *scout)
{
    if (scout == NULL)
        return;
    watch_step_close(scout->step);
    journal_compare_close(scout->compare);
    watch_index_free(scout->index);
    watch_trail_free(scout->trail);
    free(scout);
}

static void look_at_mark(struct watch_scout *scout)
{
    char got[DIGEST_TEXT_SIZE];
    if (!scout->marked || watch_step_at(scout->step) != scout->mark.inputs)
        return;
    digest_text(engine_digest(watch_step_rerun(scout->step)->stage->engine), got);
    scout->failed = strcmp(got, scout->mark.digest) != 0;
}

/* The strategy's last words are of the last input. Those of a run that was killed were never said. */
static err_t end(struct watch_scout *scout, struct err_text *why)
{
    struct err_text unheard = {0};
    struct rerun *rerun = watch_step_rerun(scout->step);
    scout->ended = true;
    if (!rerun->unended)
        scout->failed = rerun_finish(rerun, &unheard) != ERR_OK;
    const err_t err = scout->compare != NULL ? journal_compare_finish(scout->compare, !rerun->unended, why) : ERR_OK;
    return err == ERR_OK ? ERR_END : err;
}

err_t watch_scout_run(struct watch_scout *scout, uint64_t budget, struct err_text *why)
{
    if (scout->ended)
        return ERR_END;
    for (; budget != 0; budget--) {
        const uint64_t next = watch_step_at(scout->step) + 1;
        watch_index_begin(scout->index, next);
        const err_t err = watch_step_to(scout->step, next, 1, why);
        if (err == ERR_END)
            return end(scout, why);
        if (err != ERR_OK)
            return err;
        struct stage *stage = watch_step_rerun(scout->step)->stage;
        watch_index_end(scout->index, engine_now(stage->engine));
        look_at_mark(scout);
        watch_trail_pass(scout->trail, stage, next);
        if (watch_index_broken(scout->index))
            return err_say(why, ERR_NOMEM, "out of memory: what the run did up to here does not fit");
    }
    return ERR_OK;
}

bool watch_scout_ended(const struct watch_scout *scout)
{
    return scout->ended;
}

uint64_t watch_scout_at(const struct watch_scout *scout)
{
    return watch_step_at(scout->step);
}

const struct watch_index *watch_scout_index(const struct watch_scout *scout)
{
    return scout->index;
}

struct rerun *watch_scout_rerun(const struct watch_scout *scout)
{
    return watch_step_rerun(scout->step);
}

bool watch_scout_journal(const struct watch_scout *scout, uint64_t input)
{
    if (scout->compare == NULL)
        return false;
    const bool whole = !watch_step_rerun(scout->step)->unended && !journal_compare_past(scout->compare);
    return whole || input <= journal_compare_input(scout->compare);
}

enum watch_proof watch_scout_proof(const struct watch_scout *scout, uint64_t input, uint64_t *from)
{
    const bool unended = watch_step_rerun(scout->step)->unended;
    const uint64_t at = watch_step_at(scout->step);
    if (scout->compare != NULL && journal_compare_differs(scout->compare)) {
        const struct journal_difference *difference = journal_compare_difference(scout->compare);
        *from = (difference->verdict == JOURNAL_GOES_ON ? &difference->then : &difference->now)->event.seq;
        if (*from <= input)
            return PROOF_DIFFERS;
    }
    if (scout->failed)
        return PROOF_FAILED;
    const bool by_digest =
        unended ? scout->marked && at >= scout->mark.inputs && input <= scout->mark.inputs : scout->ended;
    return by_digest || (input <= at && watch_scout_journal(scout, input)) ? PROOF_SAME : PROOF_OPEN;
}

const struct watch_trail *watch_scout_trail(const struct watch_scout *scout)
{
    return scout->trail;
}
