/* session_watch.h: a session's time against the wall's.
 *
 *   inputs' time    |---------- 60.0 s ----------|          went on as much, within WATCH_SHARE and an allowance:
 *   monotonic clock |---------- 61.2 s ----------|          what the strategy sees is the present
 *
 * A session whose own time falls behind trades on the past. Every minute, and at its end, both are held against each
 * other; a local clock that was set forward is no time that passed. What does not agree twice, a second apart, ends
 * the session: the invariant `wall_clock` (docs/evidence.md). This is the one check that depends on the machine: an
 * execution from the session's tape has no wall clock and does without.
 *
 * How densely inputs came is known from the inputs alone (adapters/heartbeat.h), and is told, not enforced.
 */
#ifndef TAPEDECK_CLI_SESSION_WATCH_H
#define TAPEDECK_CLI_SESSION_WATCH_H

#include "cli/config.h"
#include "core/invariants.h"

#define WATCH_EVERY     (60 * NS_PER_S)
#define WATCH_SHARE     20       /* one part in so many: 5 % */
#define WATCH_ALLOWANCE NS_PER_S /* and so much, and two ticks: the last input may be as old as a tick */
#define HEARTBEAT_TICKS 5
#define HEARTBEAT_LEAST NS_PER_S

/* The longest stretch without an input that is not remarkable. */
static inline ns_t session_heartbeat(const struct config_session *session)
{
    const ns_t limit = HEARTBEAT_TICKS * session->tick;
    return limit > HEARTBEAT_LEAST ? limit : HEARTBEAT_LEAST;
}

struct session_watch {
    ns_t tick;
    ns_t wall, ts, forward; /* where the stretch that is looked at begins */
    bool doubted;           /* it did not agree a moment ago */
    uint64_t looks;         /* judged so far */
};

/* `wall` is a monotonic clock, `ts` the session's time, `forward` by how much its clock was set forward so far. */
void session_watch_begin(struct session_watch *watch, ns_t tick, ns_t wall, ns_t ts, ns_t forward);
/* About once a second. False: `breach` says what does not hold. */
bool session_watch_look(struct session_watch *watch, ns_t wall, ns_t ts, ns_t forward, struct breach *breach);
/* The last stretch, however short. */
bool session_watch_end(struct session_watch *watch, ns_t wall, ns_t ts, ns_t forward, struct breach *breach);

#endif
