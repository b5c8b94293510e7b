/* How: one kind of question, GET /v1/orderbook of some markets, for two reasons: a book that was not heard of for a
 * while, or poll mode. The answer is a frame like any other. */
#include "adapters/upbit/link_state.h"

#include "adapters/http_head.h"
#include "adapters/upbit/rules.h"

#include <stdio.h>
#include <string.h>

#define BOOKS (LINK_BOOK | LINK_PARTIAL)

static struct upbit_get *free_request(struct upbit_link *link)
{
    for (unsigned i = 0; i < REQUESTS_MAX; i++)
        if (link->requests[i].id == 0)
            return &link->requests[i];
    return NULL;
}

/* Symbols [first, first + count) that have a book, as one GET. False: not now. */
static bool ask_for_books(struct upbit_link *link, uint32_t first, uint32_t count)
{
    ns_t when;
    struct upbit_get *get = free_request(link);
    if (get == NULL || !rate_limit_ask(&link->gets, link->ts, 1, &when)) {
        link->stats.held++;
        return false;
    }
    char url[LINK_URL_SIZE];
    int used = snprintf(url, sizeof(url), "%s/v1/orderbook?markets=", link->rest);
    bool any = false;
    for (uint32_t i = first; i < first + count; i++) {
        struct upbit_symbol *symbol = &link->symbols[i];
        if ((symbol->streams & BOOKS) == 0)
            continue;
        used += snprintf(url + used, sizeof(url) - (size_t)used, "%s%s", any ? "%2C" : "", symbol->text);
        symbol->asked = any = true;
        symbol->asked_at = link->ts;
    }
    if (!any)
        return true;
    ASSERT((size_t)used < sizeof(url));
    *get = (struct upbit_get){.id = ++link->last_id, .sent = link->ts, .first = first, .count = count};
    get->ticket = rate_limit_take(&link->gets, link->ts, 1);
    link->stats.requests++;
    link->wire.get(link->wire.context, link->number, get->id, url, REQUEST_TIMEOUT);
    return true;
}

static void settle(struct upbit_link *link, struct upbit_get *get)
{
    rate_limit_settle(&link->gets, link->ts, get->ticket);
    for (uint32_t i = get->first; i < get->first + get->count; i++)
        link->symbols[i].asked = false;
    get->id = 0;
}

static struct upbit_get *find(struct upbit_link *link, uint64_t id)
{
    for (unsigned i = 0; i < REQUESTS_MAX && id != 0; i++)
        if (link->requests[i].id == id)
            return &link->requests[i];
    return NULL;
}

/* ---- answers ---- */

static void read_head(struct upbit_link *link, const struct upbit_get *get, const struct link_input *input)
{
    struct http_remaining remaining;
    ns_t date;
    if (input->head_size == 0)
        return;
    if (http_remaining_req(input->head, input->head_size, &remaining) && remaining.sec <= 10)
        rate_limit_told(&link->gets, link->ts, get->ticket, 0, 10 - remaining.sec);
    if (http_date(input->head, input->head_size, &date))
        (void)venue_clock_sample(&link->clock, get->sent, link->ts, date, date + NS_PER_S - 1);
}

/* The stream is behind what REST knows: it is dead for this symbol. */
static void compare(struct upbit_link *link, const struct upbit_get *get)
{
    for (uint32_t i = get->first; i < get->first + get->count; i++) {
        struct upbit_symbol *symbol = &link->symbols[i];
        if (symbol->last[OF_BOOK].from != FROM_REST || symbol->last[OF_BOOK].stamp - symbol->stream_stamp <= LAG)
            continue;
        upbit_note(link, ERR_STALE, "%s: the stream is %lld ms behind the venue's own book", symbol->text,
                   (long long)((symbol->last[OF_BOOK].stamp - symbol->stream_stamp) / NS_PER_MS));
        if (symbol->dead++ == 0)
            upbit_resubscribe(link);
        else
            upbit_renew(link, "a stream stayed silent after it was subscribed again");
    }
}

err_t upbit_answered(struct upbit_link *link, const struct link_input *input)
{
    struct upbit_get *get = find(link, input->id);
    if (get == NULL)
        return ERR_OK;
    const struct upbit_get was = *get;
    read_head(link, get, input);
    const ns_t stopped = rate_limit_answer(&link->gets, link->ts, input->status, input->head, input->head_size,
                                           input->text, input->text_size, link->clock.offset);
    settle(link, get);
    link->stats.limited += stopped != 0;
    if (input->status < 200 || input->status > 299) {
        link->stats.failures++;
        upbit_note(link, ERR_IO, "HTTP %d: %.*s", input->status,
                   (int)(input->text_size < 200 ? input->text_size : 200), input->text != NULL ? input->text : "");
        return ERR_OK;
    }
    const uint64_t refused = link->stats.refused;
    const err_t err = upbit_frame(link, input, FRAME_REST_SNAPSHOT, FROM_REST);
    link->stats.failures += link->stats.refused != refused;
    if (err == ERR_OK && link->poll == 0)
        compare(link, &was);
    return err;
}

void upbit_failed(struct upbit_link *link, const struct link_input *input)
{
    struct upbit_get *get = find(link, input->id);
    if (get == NULL)
        return;
    settle(link, get);
    link->stats.failures++;
    upbit_note(link, ERR_IO, "a request failed: %.*s", (int)(input->text_size < 200 ? input->text_size : 200),
               input->text != NULL ? input->text : "");
}

/* ---- time ---- */

static void look_at_requests(struct upbit_link *link)
{
    for (unsigned i = 0; i < REQUESTS_MAX; i++)
        if (link->requests[i].id != 0 && link->ts - link->requests[i].sent >= REQUEST_TIMEOUT + REQUEST_GRACE) {
            settle(link, &link->requests[i]); /* its answer was thrown away on the way to us */
            link->stats.failures++;
        }
}

/* A quarter of what is left until it is stale between two questions about one book. */
static bool wants_asking(const struct upbit_link *link, const struct upbit_symbol *symbol)
{
    return (symbol->streams & BOOKS) != 0 && !symbol->asked &&
           (symbol->watch.state == STALE_FRESH || symbol->watch.state == STALE_STALE) &&
           stale_watch_age(&symbol->watch, link->ts) >= link->stale / 2 &&
           link->ts - symbol->asked_at >= link->stale / 4;
}

static void ask_about_the_quiet(struct upbit_link *link)
{
    for (uint32_t i = 0; i < link->symbol_count; i++)
        if (wants_asking(link, &link->symbols[i]) && !ask_for_books(link, i, 1))
            return;
}

static void poll(struct upbit_link *link)
{
    if (link->ts < link->poll_at)
        return;
    const ns_t next = link->poll_at + link->poll;
    link->poll_at = next > link->ts ? next : link->ts + link->poll;
    for (uint32_t first = 0; first < link->symbol_count; first += MARKETS_PER_GET) {
        const uint32_t left = link->symbol_count - first;
        if (!ask_for_books(link, first, left < MARKETS_PER_GET ? left : MARKETS_PER_GET))
            return;
        for (uint32_t i = first; i < link->symbol_count && i < first + MARKETS_PER_GET; i++)
            if ((link->symbols[i].streams & BOOKS) != 0 && link->symbols[i].watch.state == STALE_OFF)
                stale_watch_start(&link->symbols[i].watch, link->ts);
    }
}

void upbit_rest_look(struct upbit_link *link)
{
    look_at_requests(link);
    if (link->poll > 0)
        poll(link);
    else
        ask_about_the_quiet(link);
}
