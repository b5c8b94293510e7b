/* sim_world.h: recorded or live market data, invented fills.
 *
 *            lane 0 ─┐   ts order    ┌────────────┐ run      ┌────────┐
 *            lane 1 ─┼──────────────►│            ├─────────►│ engine │
 *            ...    ─┤               │ sim_world  │◄─────────┤        │
 *                    │ exch_ts order │            │ requests └────────┘
 *                    └──────────────►│  (venue)   │ + entry latency
 *                                    └────────────┘ executions + response latency
 *
 * Two clocks: the venue sees a market event at exch_ts, the engine at ts; a request sent at t reaches the venue at
 * t + entry, its executions reach the engine at venue time + response. Both directions are first in, first out.
 * The venue therefore reads the lanes ahead of the engine, as far as it must and never further than
 *
 *     venue time <= (the engine's next possible moment) + entry
 *
 * (the least that the latency model gives) because an order sent at that moment could still change what happens
 * later. Answers come no earlier than the least response latency after that, so the longer the least latencies are,
 * the longer runs the engine gets. A market event and a request of the same venue instant: the event first. A market
 * event and an execution of the same engine instant: the event first. Within a lane the venue takes events in the
 * lane's order; its clock there is the highest exch_ts so far (streams of one connection are stamped out of step by a
 * few milliseconds). An event stamped by the venue after its own arrival (a local clock that runs behind) counts as
 * of its arrival; see sim_world_stats. One that the venue did not stamp (exch_ts 0) counts as delayed like the last
 * stamped one of its lane, in a lane without stamps not at all.
 *
 * A request that the latency model rejects never reaches the venue: its order gets REJECT (CANCEL_REJECT,
 * AMEND_REJECT) with REASON_VENUE when the model says, venue_ts 0. It is the word of someone on the way: first in,
 * first out among its like, after executions of the same instant, and it holds up no execution.
 *
 * Lockstep. Branches share the lanes, the market's books and the clock of the venue; each has an engine, a venue with
 * models of its own, and its messages under way. What one of them does changes nothing for the others, and each comes
 * out as if it had run alone (an instrument wakes for all with the first order of any of them).
 *
 * Faults (faults.h). Whatever goes wrong makes a message later, or takes it away: the least latencies stay true, and
 * with them how far the venue is read ahead. A lost request: REJECT (CANCEL_REJECT, AMEND_REJECT) with REASON_TIMEOUT
 * after the time-out, venue_ts 0. A lost answer comes after the query, with REASON_QUERIED where it had none, and
 * what comes for its order meanwhile comes with it, so that an order's story is never told out of order. While the
 * channel of answers is down they wait; while the market's line is down its events do not come: the engine gets
 * CONNECTION_DOWN and a GAP of all, then CONNECTION_UP and a snapshot of each book that is known. These notices come
 * before anything else of their instant, as of lane 0. In an outage that stops the market nothing fills, and the line
 * is down.
 *
 * Causal. A venue that reads ahead is for lanes that lie there; where they come in as things happen nobody can know
 * more than what has arrived. With `causal` the venue sees an event when the engine has consumed it, never before,
 * and before an input at T is given it lives up to
 *
 *     venue time <= T - response      (the least that the latency model gives)
 *
 * because what it does later cannot be known before T. So the outcome hangs on the sequence of inputs alone: not on
 * how they are cut into batches, nor on when they are asked for. Where the least response latency is longer than the
 * market data are late, all that the venue needs has arrived in time, and orders and fills are those of the
 * ordinary world, event by event. Else some events reach the venue late: they count at the venue's clock, which never
 * goes back behind a request that it has handled, and a word that should have come before the input given last comes
 * at once; both are counted. All instruments wake with the first order. A lane may say ERR_AGAIN; then so does the
 * world, as ERR_WAIT, and `due` tells the ts of the next input, a tick if nothing else comes, that is needed.
 *
 * As long as an instrument has never had an order, its venue costs nothing: it sleeps, and wakes with a copy of
 * the engine's book.
 */
#ifndef TAPEDECK_SIM_SIM_WORLD_H
#define TAPEDECK_SIM_SIM_WORLD_H

#include "core/feed.h"
#include "core/world.h"
#include "sim/faults.h"
#include "sim/latency_model.h"
#include "sim/venue.h"

#define SIM_LOOKAHEAD_MAX 64 /* batches a lane may hold, unless sim_config says more */

struct sim_config {
    struct feed **lanes; /* lane i is the source with number i; outlive the world, closed by their owner */
    uint16_t lane_count;
    const struct latency_model *latency; /* copied; rows and samples in it outlive the world */
    uint32_t requests_max;               /* under way at once, each direction; a power of two */
    struct venue *venue;                 /* initialised with the world's sink */
    struct venue **followers;            /* lockstep: venues that follow it, each for an engine of its own */
    uint16_t follower_count;
    uint16_t instrument_count;
    struct venue_watch *watch; /* sim/why.h: the venue's own, NULL: none; outlives the world */
    /* What goes wrong, NULL: nothing; outlives the world, checked by faults_check. Then also what a book is made of:
     * while the market's line is down the world keeps those that the engines would have. */
    const struct faults *faults;
    const struct instrument *instruments;
    uint32_t book_window, book_far;
    bool causal;
    uint32_t lookahead; /* batches a lane may hold, a power of two; 0: SIM_LOOKAHEAD_MAX */
};

/* What went wrong (faults.h). */
struct sim_fault_stats {
    /* of one branch */
    uint64_t requests_lost;       /* on the way */
    uint64_t requests_unanswered; /* in an outage */
    uint64_t requests_refused;    /* in an outage */
    uint64_t answers_lost;        /* learned by asking */
    uint64_t answers_waited;      /* behind a lost one of the same order */
    uint64_t answers_late;
    uint64_t answers_held; /* until the channel was up again */
    /* of all */
    uint64_t outages, line_cuts, channel_cuts;
    uint64_t unheard; /* market events that came while the line was cut */
};

struct sim_stats {
    /* of one branch */
    uint64_t requests, executions; /* to the venue, from it */
    uint64_t rejected;             /* requests that never reached the venue */
    /* of all */
    uint64_t clock_behind;   /* events with exch_ts > ts */
    uint64_t lookahead_most; /* batches held at once by a lane */
    uint64_t late_events;    /* causal: came to the venue after it had handled something later */
    uint64_t late_words;     /* causal: came to the engine after the input that they should have come before */
    struct sim_fault_stats faults;
};

struct sim_world;
size_t sim_world_size(const struct sim_config *config);
/* `memory` is 64-byte aligned. The world of the first branch, which leads. */
struct world *sim_world_init(void *memory, const struct sim_config *config);
/* That of branch 0 (the leader), 1 (the first follower) ... */
struct world *sim_world_branch(struct world *leader, uint16_t branch);
/* Where the books come from that a venue wakes with: the engine's, after engine_init. */
typedef const struct book *(*sim_book_source)(const void *context, uint16_t instrument);
void sim_world_books(struct world *world, sim_book_source source, const void *context);
/* And the last mark of an instrument (NULL: none), with the same context. Not set: none is ever known before. */
typedef const struct event_mark *(*sim_mark_source)(const void *context, uint16_t instrument);
void sim_world_marks(struct world *world, sim_mark_source source);
/* The sink that the venue of a branch must be initialised with, before the world is. */
struct venue_sink sim_world_sink(void *memory, uint16_t branch);
/* ---- snapshots: sim_snapshot.c; the memory of a world is its state, but for what follows ---- */

/* Between two inputs: what was given to the engines and not eaten is taken back. Changes nothing of what comes of the
 * run. ERR_STATE: nothing was asked for yet, or a feed broke. */
err_t sim_world_settle(struct world *world) MUST_USE;
/* The addresses in it that come and go; all others are set by init and never change. */
void sim_world_addresses(struct world *world, void *context, void (*address)(void *context, void *at, size_t size));
/* Of a settled world: where its lanes begin, one mark each. ERR_STATE: a feed has no marks there. */
err_t sim_world_marks_of(struct world *world, struct feed_mark *marks) MUST_USE;
/* Give all batches back, before other memory is put in the place of this. */
void sim_world_drop(struct world *world);
/* The memory is now that of a settled world with these marks: bring the feeds there, and take what was held. */
err_t sim_world_resume(struct world *world, const struct feed_mark *marks) MUST_USE;

/* After the latencies were changed: a request sent from now on does not arrive before what the venue has seen. */
void sim_world_hold(struct world *world);
/* A message under way, as of now, of the branch that has this world: requests first, then words about orders, each
 * kind in the order in which it was sent. False: no more. Pointers live until the world is asked for inputs. */
struct sim_message {
    const struct venue_request *request; /* NULL: a word about an order */
    const struct execution *execution;
    uint16_t instrument;
    ns_t arrival;
};
bool sim_world_message(const struct world *world, uint32_t index, struct sim_message *message);
/* Of the branch that has this world. */
struct sim_stats sim_world_stats(const struct world *world);

#endif
