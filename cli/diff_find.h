/* diff_find.h: where two runs part, and what they were then.
 *
 *   journals ─► segment, first record ─┐
 *   tapes ────► first message ─────────┼─► the earlier of the two ─► both executed up to it ─► what differs there
 *   (config, when both are the same) ──┘
 *
 * The market comes first when both are of one input: what a run did at an input follows from it.
 */
#ifndef TAPEDECK_CLI_DIFF_FIND_H
#define TAPEDECK_CLI_DIFF_FIND_H

#include "cli/diff_replay.h"

enum diff_first {
    DIFF_NOTHING, /* the digests differ, and nothing that can be shown does */
    DIFF_MARKET,  /* an input of the market */
    DIFF_OUTPUTS, /* a record of the journals: an order, an execution, a log line ... */
    DIFF_TIMER,   /* no record: a timer, or what else only the digest knows */
    DIFF_STATE,   /* all inputs and outputs are the same, the state at the end is not */
    DIFF_SEGMENT, /* the market, somewhere between two checkpoints: what would tell more is not there */
};
const char *diff_first_name(enum diff_first first);

struct diff_market {
    bool differs;
    bool numbered; /* a message of a tape: */
    uint16_t lane;
    uint64_t message;
    uint64_t input_a, input_b; /* of that message in either run; 0: not known */
    struct tape_message a, b;  /* instruments as run a numbers them */
    uint64_t decoded;          /* messages of each tape that were read to find it */
};

struct diff_found {
    struct diff_journals journals;
    struct diff_market market;
    bool market_unknown; /* the tapes are not the same, and could not be compared: it may differ before */
    enum diff_first first;
    uint64_t input; /* the number of the input, from 1; 0: before the first, or see the segment */
    ns_t ts;
    struct diff_input on;      /* first is DIFF_OUTPUTS: the input that it was decided on; the same in both */
    uint64_t state_inputs;     /* what `state_a` and `state_b` have handled */
    json_t *state_a, *state_b; /* NULL: not shown, `unshown` says why */
    struct err_text unshown;
};

struct diff_options {
    bool only_where; /* nothing is executed but what makes a journal that is not there */
};

err_t diff_find(struct diff_side *a, struct diff_side *b, const struct diff_options *options,
                struct diff_found *found, struct err_text *why) MUST_USE;
/* How far both are known, when one of them has not ended; else UINT64_MAX. */
uint64_t diff_inputs_known(const struct diff_side *a, const struct diff_side *b);
/* Nothing differs, as far as a run that has not ended is known. */
bool diff_same_so_far(const struct diff_side *a, const struct diff_side *b, const struct diff_found *found);
void diff_found_free(struct diff_found *found);

/* The tapes of a run, as its result.json names them. */
size_t diff_lanes(const struct diff_side *side);
const char *diff_lane_hash(const struct diff_side *side, size_t lane); /* "": a made market */
const char *diff_lane_path(const struct diff_side *side, size_t lane);

#endif
