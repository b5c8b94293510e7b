/* journal.h: what a run writes down of itself, so that it can be shown afterwards.
 *
 *   inputs ─► engine ─► strategy ─► outputs          each a record, in the order in which it happened
 *               │                      │
 *               └─ executions ─► journal ◄─ orders, cancels, amendments, log lines, curves, written lines
 *                                  ▲
 *                                  └── every JOURNAL_CHECKPOINT inputs: the digests so far
 *
 * A record is an event (event.h), so that a journal is a tape: ts is the engine's time, seq the number of inputs
 * handled by then (the input being handled included). Executions are recorded as they came, refusals of the risk gate
 * too (venue_ts is then the engine's time). What the run did is an EVENT_OUTPUT, the digests an EVENT_CHECKPOINT.
 *
 * Market data are not recorded again where they lie in tapes, which the run names by hash: between two checkpoints
 * the digest of the market says that they were the same. So a journal of a replay is small, and costs next to
 * nothing.
 *
 * The journal is told, never asked, and changes no digest. In a lockstep only the leader has one.
 */
#ifndef TAPEDECK_CORE_JOURNAL_H
#define TAPEDECK_CORE_JOURNAL_H

#include "core/event.h"

#ifdef __cplusplus
extern "C" {
#endif

#define JOURNAL_CHECKPOINT 4096 /* inputs */

struct journal {
    void *context;
    /* The record and its body live for the call. */
    void (*record)(void *context, const struct event *record);
};

#ifdef __cplusplus
}
#endif
#endif
