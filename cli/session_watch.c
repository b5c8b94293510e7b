#include "cli/session_watch.h"

void session_watch_begin(struct session_watch *watch, ns_t tick, ns_t wall, ns_t ts, ns_t forward)
{
    *watch = (struct session_watch){.tick = tick, .wall = wall, .ts = ts, .forward = forward};
}

static bool agree(const struct session_watch *watch, ns_t wall, ns_t ts, ns_t forward, struct breach *breach)
{
    const ns_t passed = wall - watch->wall, went = ts - watch->ts - (forward - watch->forward);
    const ns_t apart = went > passed ? went - passed : passed - went;
    if (apart <= passed / WATCH_SHARE + WATCH_ALLOWANCE + 2 * watch->tick)
        return true;
    return breach_say(breach, "wall_clock", "session", "", passed, went, 9);
}

bool session_watch_look(struct session_watch *watch, ns_t wall, ns_t ts, ns_t forward, struct breach *breach)
{
    if (wall - watch->wall < WATCH_EVERY)
        return true;
    if (!agree(watch, wall, ts, forward, breach)) {
        /* a step of the clock may be on its way still: the next look decides */
        const bool again = watch->doubted;
        watch->doubted = true;
        return !again;
    }
    const uint64_t looks = watch->looks + 1;
    session_watch_begin(watch, watch->tick, wall, ts, forward);
    watch->looks = looks;
    return true;
}

bool session_watch_end(struct session_watch *watch, ns_t wall, ns_t ts, ns_t forward, struct breach *breach)
{
    watch->looks++;
    return agree(watch, wall, ts, forward, breach);
}
