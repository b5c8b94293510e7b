/* stale_watch.h: has this stream gone quiet?
 *
 *            start                seen                  nothing for `patience`
 *   OFF ───────────► WAITING ───────────► FRESH ──────────────────────────► STALE ──── seen ───► FRESH
 *                       │                                                     ▲
 *                       └─ nothing ever for `patience` (told once) ───────────┘
 *
 * One watch a stream, one a connection. It holds no clock: whoever keeps it looks at it now and then
 * (stale_watch_look) with the time, and says when something came (stale_watch_seen), which is one store and one test.
 *
 * A stream that never said anything is told apart from one that stopped: Binance is silent, without an error, for a
 * stream that is asked for on the wrong route.
 *
 * A connection that answers pings and brings no data is a zombie: keep one watch that is told of data only.
 */
#ifndef TAPEDECK_ADAPTERS_STALE_WATCH_H
#define TAPEDECK_ADAPTERS_STALE_WATCH_H

#include "core/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum stale_state { STALE_OFF, STALE_WAITING, STALE_FRESH, STALE_STALE };
enum stale_verdict {
    STALE_NO,    /* nothing new */
    STALE_ENDED, /* went quiet just now */
    STALE_NEVER, /* nothing since it was started, told just now */
};

struct stale_watch {
    ns_t patience; /* > 0 */
    ns_t last;     /* when something came last, or when it was started */
    uint8_t state; /* enum stale_state */
    bool ever;     /* something came since it was first started */
};

static inline void stale_watch_init(struct stale_watch *watch, ns_t patience)
{
    ASSERT(patience > 0);
    *watch = (struct stale_watch){.patience = patience, .state = STALE_OFF};
}

/* From now on something should come: it was subscribed, or subscribed again. */
static inline void stale_watch_start(struct stale_watch *watch, ns_t ts)
{
    watch->last = ts;
    watch->state = STALE_WAITING;
}

/* Nothing is expected any more. */
static inline void stale_watch_stop(struct stale_watch *watch)
{
    watch->state = STALE_OFF;
}

/* Something came. True: it had been stale. */
static inline bool stale_watch_seen(struct stale_watch *watch, ns_t ts)
{
    bool was_stale = watch->state == STALE_STALE;
    watch->last = ts;
    watch->state = STALE_FRESH;
    watch->ever = true;
    return was_stale;
}

/* When a look would find it stale; NS_MAX: never (it is off, or it is stale already). */
static inline ns_t stale_watch_due(const struct stale_watch *watch)
{
    if (watch->state != STALE_WAITING && watch->state != STALE_FRESH)
        return NS_MAX;
    return watch->last > NS_MAX - watch->patience ? NS_MAX : watch->last + watch->patience;
}

/* Each silence is told once. */
static inline enum stale_verdict stale_watch_look(struct stale_watch *watch, ns_t ts)
{
    if (ts < stale_watch_due(watch))
        return STALE_NO;
    bool never = watch->state == STALE_WAITING && !watch->ever;
    watch->state = STALE_STALE;
    return never ? STALE_NEVER : STALE_ENDED;
}

/* How long nothing came. */
static inline ns_t stale_watch_age(const struct stale_watch *watch, ns_t ts)
{
    return ts - watch->last;
}

/* The local clock was stepped by `step` > 0: what looks like silence was none. */
static inline void stale_watch_shift(struct stale_watch *watch, ns_t step)
{
    watch->last = watch->last > NS_MAX - step ? NS_MAX : watch->last + step;
}

#ifdef __cplusplus
}
#endif
#endif
