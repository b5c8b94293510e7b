/* wire_feed.h: a session's inputs to the engine's events: the links of all venues behind the face of one feed.
 *
 *                    ┌───────────────────── wire_feed ─────────────────────┐
 *   wire_source ───► │ input ─► its link (market machines) ─► events ──────┼──► feed: batches, lane `lane`
 *   (sockets with    │                │                                    │
 *    a tee, or a     │                └─► open, send, get ... ─► digest ───┼──► link_wire: who carries it out
 *    raw tape)       └─────────────────────────────────────────────────────┘    (of a recorded session: nobody)
 *
 * A session is a function of its inputs. Whoever records it writes every input down before it is applied; whoever
 * reads the record gives the same inputs to the same links and gets the same events. What the links ask for is
 * folded into a digest, and told to the source after each input that made them ask, so that a re-execution which
 * asks for something else is noticed at that input.
 *
 * Of which input becomes what:
 *
 *   UP DOWN TEXT BINARY PONG ANSWER FAILED DROPPED   given to their link
 *   TICK      given to every link; EVENT_TICK, so that what is due by the clock happens
 *   CLOCK     given to every link; EVENT_SIGNAL "clock_step" of the step in seconds
 *   COMMAND   "set KEY=VALUE": EVENT_PARAMETER "KEY=VALUE"; else EVENT_OPERATOR with the text; after "stop" the feed
 *             ends
 *
 * All events of an input have its ts. The result depends on the inputs alone, never on how many of them a batch
 * holds. Nothing is allocated while there is room; when batches are held longer than ever before, memory grows.
 */
#ifndef TAPEDECK_ADAPTERS_WIRE_FEED_H
#define TAPEDECK_ADAPTERS_WIRE_FEED_H

#include "adapters/heartbeat.h"
#include "adapters/link.h"
#include "core/digest.h"
#include "core/feed.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WIRE_LINKS_MAX   64
#define WIRE_COMMAND_MAX 119 /* bytes of a COMMAND (of "KEY=VALUE" in a "set"); longer ones are refused, counted */

/* What the links have asked for so far. */
struct wire_asked {
    uint64_t inputs; /* handled by then */
    uint64_t requests;
    struct digest_value digest; /* of all of them, in their order */
};

/* Where inputs come from. */
struct wire_source;
struct wire_source_ops {
    /* The next input; it and its texts live until the next call. ERR_AGAIN: nothing now, see wait; ERR_END: the
     * session is over; another code: broken, and source->why says how. ts never falls. */
    err_t (*next)(struct wire_source *source, struct link_input *input) MUST_USE;
    /* After ERR_AGAIN: come back when there is an input; at `due` (NS_MAX: never) there is one, a LINK_TICK, unless
     * another was there before. May come back too early. Errors as with next. NULL: next never says ERR_AGAIN. */
    err_t (*wait)(struct wire_source *source, ns_t due) MUST_USE;
    /* The input given last made links ask for something. Who records writes it down; who reads a record compares:
     * ERR_MISMATCH. May be NULL. */
    err_t (*asked)(struct wire_source *source, const struct wire_asked *asked) MUST_USE;
    void (*close)(struct wire_source *source);
};
struct wire_source {
    const struct wire_source_ops *ops;
    struct err_text why;
};

struct wire_feed_config {
    struct wire_source *source;           /* outlives the feed */
    const struct link_wire *wire;         /* carries out what links ask for, copied; NULL: nobody does */
    const struct instrument *instruments; /* of the session; outlive the feed */
    uint16_t instrument_count;
    uint16_t link_count; /* 1 to WIRE_LINKS_MAX */
    uint16_t lane;
    ns_t heartbeat;        /* a longer stretch without an input is counted; 0: none is */
    uint32_t batch_events; /* a batch ends with the input that brings it to so many; 0: 1, every input by itself */
};

struct wire_feed_stats {
    uint64_t inputs, by_what[LINK_WHAT_COUNT];
    uint64_t events;
    uint64_t commands_refused;
    uint64_t memory; /* bytes held for batches */
    struct heartbeat heart;
};

struct wire_feed;
err_t wire_feed_open(struct wire_feed **wire, const struct wire_feed_config *config, struct err_text *why) MUST_USE;
/* What link `number` of venue `venue` (as instruments name it; a literal) is to be opened with. `discover` knows the
 * session's instruments of that venue, and declines others. */
struct market_sink wire_feed_sink(struct wire_feed *wire, uint16_t number, const char *venue);
const struct link_wire *wire_feed_wire(struct wire_feed *wire);
/* Put link `number` in its place; all are in theirs before the first batch. Closed with the feed. */
void wire_feed_set(struct wire_feed *wire, uint16_t number, struct link *link);
/* The face that a world reads. Closing it closes the links and frees all, but not the source. */
struct feed *wire_feed_lane(struct wire_feed *wire);

/* When the first link wants to be woken; NS_MAX: none does. */
ns_t wire_feed_due(const struct wire_feed *wire);
/* After ERR_AGAIN: the source's wait, until `due` or the links' due, whichever is first. */
err_t wire_feed_wait(struct wire_feed *wire, ns_t due, struct err_text *why) MUST_USE;
const struct link *wire_feed_link(const struct wire_feed *wire, uint16_t number);
void wire_feed_asked(const struct wire_feed *wire, struct wire_asked *asked);
const struct wire_feed_stats *wire_feed_stats(const struct wire_feed *wire);

#ifdef __cplusplus
}
#endif
#endif
