/* diff_replay.h: both runs, executed again side by side, input by input, through the segment in which they part.
 *
 *   a: start ════════► checkpoint ─ input ─ input ─ INPUT        proved by the digests of its journal's checkpoint
 *   b: start ════════► checkpoint ─ input ─ input ─ input        before anything is told of it
 *
 * What is compared is the input itself, every level of it, so that a difference shows which the digest of the market
 * would see only later; then the state that either side is in can be asked.
 */
#ifndef TAPEDECK_CLI_DIFF_REPLAY_H
#define TAPEDECK_CLI_DIFF_REPLAY_H

#include "cli/diff_side.h"

#include "data/tape_compare.h"

/* An input as it came. */
struct diff_input {
    struct tape_message message; /* not known: the run had ended */
    bool numbered;               /* a message of a lane's tape: */
    uint16_t lane;
    uint64_t number;
};

/* What a run does now, held against its journal from the common checkpoint on: a run of another build may do
 * otherwise, and its state here would be nobody's. */
struct diff_proof {
    struct journal journal;
    struct stage_watch watch;
    struct diff_journal then;
    struct rerun *rerun;
    uint64_t next; /* record */
    bool differs;
};

struct diff_replay {
    struct rerun *a, *b;
    struct diff_input of_a, of_b; /* the last that was handled */
    struct diff_proof proof_a, proof_b;
};

/* Bring both to a checkpoint that they share; `replay` stays where it is until it is closed. ERR_MISMATCH: executed
 * by this binary, one of them does not come there as its journal says. */
err_t diff_replay_open(struct diff_replay *replay, const struct diff_side *a, const struct diff_side *b,
                       const struct diff_mark *mark, struct err_text *why) MUST_USE;
enum diff_stop {
    DIFF_STOP_LIMIT,  /* `limit` inputs were handled by both, and were the same */
    DIFF_STOP_INPUT,  /* the last one is not the same */
    DIFF_STOP_DIGEST, /* it is, but what the runs made of it is not */
    DIFF_STOP_END,    /* both runs ended */
};
/* On, to the first difference. `digests`: also of what no record tells. */
err_t diff_replay_walk(struct diff_replay *replay, uint64_t limit, bool digests, enum diff_stop *stop,
                       struct err_text *why) MUST_USE;
bool diff_inputs_same(const struct diff_input *a, const struct diff_input *b);
/* On to the next input of the market, when the last one was an execution. */
err_t diff_replay_market(struct rerun *rerun, struct diff_input *input, struct err_text *why) MUST_USE;
/* Both handle one input more, if they have one. */
err_t diff_replay_step(struct diff_replay *replay, struct err_text *why) MUST_USE;
/* ERR_MISMATCH: one of the two does not do what its journal says. */
err_t diff_replay_proved(const struct diff_replay *replay, const struct diff_side *a, const struct diff_side *b,
                         struct err_text *why) MUST_USE;
/* At the end of both: the same of their last digests. Nothing comes after it. */
err_t diff_replay_finish(struct diff_replay *replay, const struct diff_side *a, const struct diff_side *b,
                         struct err_text *why) MUST_USE;
/* Each to where it has handled so many inputs, back too; it may have ended before. */
err_t diff_replay_to(struct diff_replay *replay, uint64_t inputs_a, uint64_t inputs_b, struct err_text *why) MUST_USE;
uint64_t diff_replay_inputs(const struct rerun *rerun);
/* Books, positions, balances, open orders: key: text. */
json_t *diff_state_json(const struct rerun *rerun);
void diff_replay_close(struct diff_replay *replay);

#endif
