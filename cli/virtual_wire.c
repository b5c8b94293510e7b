/* How: the source. What happens next is the earliest of: a parcel's moment, a venue's timer or market event, and what
 * the links are due. At one moment venues come first, then parcels, then the tick. */
#include "cli/virtual_state.h"

#include <stdlib.h>

static ns_t local(const struct virtual_wire *all, ns_t at)
{
    const ns_t ts = at + all->offset;
    return ts > all->last_ts ? ts : all->last_ts;
}

/* Our clock is set: forward it is followed, back it is not (adapters/shell/live_clock.h). */
static void step(struct virtual_wire *all, struct link_input *input)
{
    *input = (struct link_input){.what = LINK_CLOCK, .value = all->net.step};
    if (all->net.step > 0)
        all->offset += all->net.step;
}

static bool give(struct virtual_wire *all, struct parcel *parcel, struct link_input *input)
{
    if (parcel->kind == P_STEP) {
        step(all, input);
        return true;
    }
    if (parcel->conn < LINK_CONNS) {
        struct conn *conn = &all->venues[parcel->venue].conns[parcel->conn];
        if (parcel->generation != conn->generation)
            return false;
        if (conn->frozen && parcel->input.what != LINK_DOWN)
            return false;
        if (parcel->input.what == LINK_DOWN) {
            conn->open = false;
            conn->generation++;
        }
    }
    *input = parcel->input;
    input->head = parcel->bytes;
    input->text = parcel->bytes + input->head_size;
    return true;
}

/* What happens next at the venues: the earliest timer or market event. */
static err_t next_of_venues(struct virtual_wire *all, struct venue **which, bool *timer, ns_t *at)
{
    *which = NULL;
    *at = NS_MAX;
    for (uint16_t i = 0; i < all->config.venue_count; i++) {
        struct venue *venue = &all->venues[i];
        ns_t market;
        const err_t err = virtual_venue_next(venue, &market);
        if (err != ERR_OK)
            return err;
        const ns_t due = wire_due(venue->wire);
        if (due < *at) {
            *at = due;
            *which = venue;
            *timer = true;
        }
        if (market < *at) {
            *at = market;
            *which = venue;
            *timer = false;
        }
    }
    if (*at < all->now)
        *at = all->now;
    return ERR_OK;
}

static err_t source_next(struct wire_source *source, struct link_input *input)
{
    struct virtual_wire *all = (struct virtual_wire *)(void *)source;
    free(all->given);
    all->given = NULL;
    if (!all->due_known)
        return ERR_AGAIN;
    for (;;) {
        struct venue *venue;
        bool timer = false;
        ns_t at;
        const err_t err = next_of_venues(all, &venue, &timer, &at);
        if (err != ERR_OK)
            return err;
        if (all->failed)
            return err_say(&source->why, ERR_NOMEM, "out of memory");
        const ns_t parcel_at = all->count > 0 ? all->heap[0]->at : NS_MAX;
        const ns_t tick = all->due == NS_MAX                  ? NS_MAX
                          : all->due > all->now + all->offset ? all->due - all->offset
                                                              : all->now; /* long ago: INT64_MIN, say */
        const ns_t first = parcel_at < tick ? parcel_at : tick;
        if ((at < first ? at : first) >= all->config.to)
            return ERR_END;
        if (at <= first) {
            all->now = at;
            if (timer)
                wire_timer(venue->wire, at);
            else
                virtual_venue_market(venue, at);
            continue;
        }
        all->now = first;
        if (tick < parcel_at) {
            *input = (struct link_input){.what = LINK_TICK};
        } else {
            struct parcel *parcel = virtual_net_pop(all);
            if (parcel->kind != P_INPUT && parcel->kind != P_STEP) {
                virtual_venue_arrive(all, parcel);
                free(parcel);
                continue;
            }
            if (!give(all, parcel, input)) {
                free(parcel);
                continue;
            }
            all->given = parcel;
        }
        input->ts = all->last_ts = local(all, all->now);
        all->due_known = false;
        return ERR_OK;
    }
}

static err_t source_wait(struct wire_source *source, ns_t due)
{
    struct virtual_wire *all = (struct virtual_wire *)(void *)source;
    all->due = due;
    all->due_known = true;
    return ERR_OK;
}

static void source_close(struct wire_source *source)
{
    (void)source;
}

static const struct wire_source_ops source_ops = {
    .next = source_next, .wait = source_wait, .asked = NULL, .close = source_close};

/* ---- from beginning to end ---- */

err_t virtual_wire_open(struct virtual_wire **out, const struct virtual_wire_config *config, struct err_text *why)
{
    struct virtual_wire *all = calloc(1, sizeof(*all));
    struct venue *venues = calloc(config->venue_count, sizeof(*venues));
    if (all == NULL || venues == NULL) {
        free(all);
        free(venues);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    all->source.ops = &source_ops;
    all->wire = virtual_client_wire(all);
    all->config = *config;
    all->net = *config->net;
    all->venues = venues;
    all->now = config->from;
    all->offset = all->net.clock_offset;
    all->last_ts = config->from + all->offset;
    prng_init(&all->prng, config->seed, 0x77697265);
    err_t err = ERR_OK;
    for (uint16_t i = 0; i < config->venue_count && err == ERR_OK; i++)
        err = virtual_venue_open(all, i, why);
    if (err == ERR_OK && all->net.step_at != 0)
        virtual_net_push(all, virtual_net_make(all, P_STEP, 0, LINK_CONNS, all->net.step_at, 0));
    if (err != ERR_OK) {
        virtual_wire_close(all);
        return err;
    }
    *out = all;
    return ERR_OK;
}

struct wire_source *virtual_wire_source(struct virtual_wire *all)
{
    return &all->source;
}

const struct link_wire *virtual_wire_wire(struct virtual_wire *all)
{
    return &all->wire;
}

const struct wire *virtual_wire_venue(const struct virtual_wire *all, uint16_t venue)
{
    return all->venues[venue].wire;
}

ns_t virtual_wire_now(const struct virtual_wire *all)
{
    return all->now;
}

err_t virtual_wire_fetch(struct virtual_wire *all, uint16_t venue, const char *url, char **body, size_t *size,
                         struct err_text *why)
{
    return virtual_venue_fetch(&all->venues[venue], url, body, size, why);
}

void virtual_wire_close(struct virtual_wire *all)
{
    if (all == NULL)
        return;
    for (uint16_t i = 0; i < all->config.venue_count; i++)
        virtual_venue_close(&all->venues[i]);
    for (size_t i = 0; i < all->count; i++)
        free(all->heap[i]);
    free(all->heap);
    free(all->given);
    free(all->venues);
    free(all);
}
