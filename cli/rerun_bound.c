/* A run that was killed, up to where it is known to have come. The digest that it wrote last is looked at in passing,
 * since inputs may be known beyond it. */
#include "cli/rerun_inside.h"

#include "cli/version.h"

#include <inttypes.h>
#include <string.h>

err_t rerun_bound(struct rerun *rerun, uint64_t inputs, struct err_text *why)
{
    struct rerun_inside *inside = rerun->inside;
    if (!rerun->unended)
        return ERR_OK;
    inside->marked = run_progress_read(rerun->dir, &inside->mark);
    if (inside->marked && inside->mark.inputs > rerun->inputs)
        rerun->inputs = inside->mark.inputs;
    if (!rerun->crashed && inputs > rerun->inputs)
        rerun->inputs = inputs;
    if (!rerun->crashed && !inside->marked && inputs == 0)
        return err_say(why, ERR_STATE,
                       "%s: was killed before it wrote how far it had come; 'tapedeck verify' holds what is there "
                       "against a run",
                       rerun->name);
    rerun->partial = true;
    return ERR_OK;
}

uint64_t rerun_bound_marked(const struct rerun *rerun)
{
    return rerun->inside->mark_got[0] != '\0' ? rerun->inside->mark.inputs : 0;
}

uint64_t rerun_bound_left(const struct rerun *rerun, uint64_t done)
{
    const struct rerun_inside *inside = rerun->inside;
    return inside->marked && done < inside->mark.inputs ? inside->mark.inputs - done : UINT64_MAX;
}

void rerun_bound_look(struct rerun *rerun)
{
    struct rerun_inside *inside = rerun->inside;
    if (inside->marked && engine_counters(rerun->stage->engine)->inputs == inside->mark.inputs)
        digest_text(engine_digest(rerun->stage->engine), inside->mark_got);
}

/* Where no mark was written, nothing is there to be compared. */
err_t rerun_bound_finish(struct rerun *rerun, struct err_text *why)
{
    const struct rerun_inside *inside = rerun->inside;
    memcpy(rerun->got, inside->mark_got, sizeof(rerun->got));
    if (!inside->marked || strcmp(inside->mark_got, inside->mark.digest) == 0)
        return ERR_OK;
    return err_say(why, ERR_MISMATCH,
                   "%s: NOT THE SAME RUN. After input %" PRIu64 " its digest was %s, executed again it is %s%s%s%s",
                   rerun->dir, inside->mark.inputs, inside->mark.digest,
                   inside->mark_got[0] != '\0' ? inside->mark_got : "none: it ends before",
                   strcmp(rerun->build_id, cli_build_id()) != 0 ? ". It was made by another binary (build " : "",
                   strcmp(rerun->build_id, cli_build_id()) != 0 ? rerun->build_id : "",
                   strcmp(rerun->build_id, cli_build_id()) != 0 ? "): take that one" : "");
}
