/* link_rest.c: what a Binance link GETs: snapshots for its books, books that are polled, the venue's time.
 *
 *   wanted, not before wanted_at ─► asked ─► answered: book in step ─► no longer wanted
 *        ▲                                      │ too old, refused, lost: wanted again, later each time
 *        └──────────────────────────────────────┘
 *
 * The one that waits longest is asked for first, a few at once. An answer that was asked for before the book's data
 * were lost (its epoch) proves nothing about the time since, and is thrown away.
 */
#include "adapters/binance/link_state.h"

#include "adapters/http_head.h"

#include <string.h>

void binance_book_want(struct binance_link *link, struct link_book *book, ns_t at)
{
    link->wanted += !book->wanted;
    book->wanted = true;
    book->first_diff = false;
    book->wanted_at = at;
    binance_link_wake(link, at);
}

void binance_book_want_none(struct binance_link *link, struct link_book *book)
{
    link->wanted -= book->wanted;
    book->wanted = book->first_diff = false;
}

void binance_book_new_epoch(struct link_book *book)
{
    book->epoch++;
    book->asked = false;
}

ns_t binance_book_retry_wait(struct link_book *book)
{
    ns_t wait = SNAPSHOT_RETRY;
    for (uint32_t i = 0; i < book->tries && wait < SNAPSHOT_RETRY_MAX; i++)
        wait *= 2;
    book->tries++;
    return wait < SNAPSHOT_RETRY_MAX ? wait : SNAPSHOT_RETRY_MAX;
}

/* --- sending --- */

static bool may_send(struct binance_link *link, uint32_t weight)
{
    ns_t when;
    if (link->requests_out == REQUESTS_MAX)
        return false;
    if (rate_limit_ask(&link->weight, link->ts, weight, &when)) {
        link->weight_held = false;
        return true;
    }
    link->stats.held += !link->weight_held;
    link->weight_held = true;
    binance_link_wake(link, when);
    return false;
}

static void request_send(struct binance_link *link, enum request_kind kind, uint32_t book, uint32_t weight,
                         const char *url)
{
    struct link_request *request = link->requests;
    while (request->kind != REQUEST_FREE)
        request++;
    *request = (struct link_request){.id = ++link->last_id,
                                     .ticket = rate_limit_take(&link->weight, link->ts, weight),
                                     .sent = link->ts,
                                     .book = book,
                                     .epoch = kind == REQUEST_TIME ? link->time_epoch : link->books[book].epoch,
                                     .kind = (uint8_t)kind};
    link->requests_out++;
    link->snapshots_out += kind == REQUEST_SNAPSHOT;
    link->stats.requests++;
    link->wire.get(link->wire.context, link->number, request->id, url,
                   kind == REQUEST_SNAPSHOT ? REQUEST_TIMEOUT : REQUEST_TIMEOUT / 2);
}

static void time_due(struct binance_link *link)
{
    if (link->ts >= link->time_at && may_send(link, 1)) {
        char url[LINK_URL_SIZE];
        binance_time_url(link, url);
        request_send(link, REQUEST_TIME, 0, 1, url);
        link->time_at = link->ts + (++link->times < TIME_FIRST_COUNT ? TIME_FIRST : TIME_EVERY);
    }
    if (link->time_at > link->ts)
        binance_link_wake(link, link->time_at);
}

static void book_send(struct binance_link *link, struct link_book *book)
{
    char url[LINK_URL_SIZE];
    bool poll = link->poll > 0;
    uint32_t levels = poll ? link->poll_levels : SNAPSHOT_LEVELS;
    binance_depth_url(link, book, levels, url);
    book->asked = true;
    request_send(link, poll ? REQUEST_POLL : REQUEST_SNAPSHOT, (uint32_t)(book - link->books),
                 binance_depth_weight(link->flavour, levels), url);
}

static void books_due(struct binance_link *link)
{
    uint32_t weight = link->poll > 0 ? link->poll_weight : binance_depth_weight(link->flavour, SNAPSHOT_LEVELS);
    while (link->wanted > 0) {
        struct link_book *first = NULL;
        ns_t next = NS_MAX;
        for (struct link_book *book = link->books; book < link->books + link->book_count; book++) {
            if (!book->wanted || book->asked)
                continue;
            if (book->wanted_at > link->ts)
                next = book->wanted_at < next ? book->wanted_at : next;
            else if (first == NULL || book->wanted_at < first->wanted_at)
                first = book;
        }
        binance_link_wake(link, next);
        if (first == NULL || (link->poll == 0 && link->snapshots_out >= SNAPSHOTS_AT_ONCE) || !may_send(link, weight))
            return;
        book_send(link, first);
    }
}

/* Snapshots first: they are few, and a book waits for each. */
void binance_requests_due(struct binance_link *link)
{
    books_due(link);
    time_due(link);
}

/* --- answers --- */

static struct link_request *request_find(struct binance_link *link, uint64_t id)
{
    for (struct link_request *request = link->requests; request < link->requests + REQUESTS_MAX; request++)
        if (request->kind != REQUEST_FREE && request->id == id)
            return request;
    return NULL;
}

/* It is over: what it was, by value. */
static struct link_request request_end(struct binance_link *link, struct link_request *request)
{
    struct link_request ended = *request;
    rate_limit_settle(&link->weight, link->ts, request->ticket);
    request->kind = REQUEST_FREE;
    link->requests_out--;
    link->snapshots_out -= ended.kind == REQUEST_SNAPSHOT;
    if (ended.kind != REQUEST_TIME && link->books[ended.book].epoch == ended.epoch)
        link->books[ended.book].asked = false;
    binance_link_wake(link, link->ts);
    return ended;
}

static const char *request_words(const struct link_request *request)
{
    return request->kind == REQUEST_TIME ? "the venue's time" : "a book";
}

/* No answer that can be used: later again. */
static void request_again(struct binance_link *link, const struct link_request *request, ns_t at_least)
{
    link->stats.failures++;
    if (request->kind == REQUEST_TIME)
        return;
    struct link_book *book = &link->books[request->book];
    if (book->epoch != request->epoch || !book->wanted)
        return;
    ns_t wait = binance_book_retry_wait(book);
    binance_book_want(link, book, link->ts + (wait > at_least ? wait : at_least));
}

static void take_time(struct binance_link *link, const struct link_request *request, const struct link_input *input)
{
    static const char *const names[] = {"serverTime"};
    struct json_shape shape;
    struct json_value value;
    struct err_text why = {.code = ERR_OK};
    ns_t venue;
    json_shape_init(&shape, names, ARRAY_LEN(names), NULL);
    if (json_members(link->json, input->text, input->text_size, &shape, &value, &why) != ERR_OK ||
        wire_time(&value, "serverTime", &venue, &why) != ERR_OK) {
        link->stats.failures++;
        binance_link_say(link, ERR_SYNTAX, "GET /time: %s", why.text);
        return;
    }
    /* A clock that was stepped in between measures nothing. The venue cuts its clock to milliseconds. */
    if (request->epoch == link->time_epoch)
        (void)venue_clock_sample(&link->clock, request->sent, input->ts, venue, venue + NS_PER_MS - 1);
}

static struct frame frame_of(const struct link_input *input, const struct link_book *book, enum frame_kind kind)
{
    return (struct frame){.ts = input->ts,
                          .text = input->text,
                          .size = input->text_size,
                          .kind = kind,
                          .symbol = book->text,
                          .symbol_size = book->size};
}

static bool is_final(err_t err)
{
    return err != ERR_OK && err != ERR_SYNTAX && err != ERR_RANGE && err != ERR_PRECISION && err != ERR_UNSUPPORTED;
}

static err_t take_snapshot(struct binance_link *link, const struct link_request *request,
                           const struct link_input *input)
{
    struct link_book *book = &link->books[request->book];
    if (book->epoch != request->epoch || !book->wanted)
        return ERR_OK;
    struct err_text why = {.code = ERR_OK};
    const struct frame frame = frame_of(input, book, FRAME_REST_SNAPSHOT);
    err_t err = link->market->ops->frame(link->market, &frame, &why);
    if (is_final(err))
        return err;
    if (err != ERR_OK) {
        binance_link_say(link, err, "GET /depth of %s: %s", book->text, why.text);
        request_again(link, request, 0);
        return ERR_OK;
    }
    if (book->epoch != request->epoch)
        return ERR_OK; /* it broke again at a buffered diff, and is wanted already */
    if (book->symbol->sync.state == SYNC_WAITING) {
        binance_book_want(link, book, link->ts + binance_book_retry_wait(book)); /* too old to meet the diffs */
        return ERR_OK;
    }
    binance_book_want_none(link, book);
    book->synced_at = link->ts;
    stale_watch_start(&link->streams[book->stream_of[OF_DIFF]].watch, link->ts);
    return ERR_OK;
}

static err_t take_poll(struct binance_link *link, const struct link_request *request, const struct link_input *input)
{
    struct link_book *book = &link->books[request->book];
    struct err_text why = {.code = ERR_OK};
    const struct frame frame = frame_of(input, book, FRAME_REST_PARTIAL);
    err_t err = link->market->ops->frame(link->market, &frame, &why);
    if (is_final(err))
        return err;
    if (err != ERR_OK) {
        binance_link_say(link, err, "GET /depth of %s: %s", book->text, why.text);
        request_again(link, request, link->poll);
        return machine_lost_one(book->symbol, link->ts, "an answer could not be read");
    }
    book->tries = 0;
    stale_watch_seen(&book->poll_watch, link->ts);
    ns_t next = request->sent + link->poll;
    binance_book_want(link, book, next > link->ts ? next : link->ts);
    return ERR_OK;
}

err_t binance_request_answered(struct binance_link *link, const struct link_input *input)
{
    struct link_request *under_way = request_find(link, input->id);
    if (under_way == NULL)
        return ERR_OK; /* given up before */
    uint64_t used;
    if (input->head != NULL && http_head_number(input->head, input->head_size, "x-mbx-used-weight-1m", &used))
        rate_limit_told(&link->weight, link->ts, under_way->ticket, 0, used);
    ns_t until = rate_limit_answer(&link->weight, link->ts, input->status, input->head, input->head_size, input->text,
                                   input->text_size, link->clock.offset);
    const struct link_request request = request_end(link, under_way);
    if (input->status == 200) {
        if (request.kind == REQUEST_SNAPSHOT)
            return take_snapshot(link, &request, input);
        if (request.kind == REQUEST_POLL)
            return take_poll(link, &request, input);
        take_time(link, &request, input);
        return ERR_OK;
    }
    link->stats.limited += until > 0;
    binance_link_say(link, ERR_REJECTED, "GET of %s%s%s: HTTP %d, %.*s%s", request_words(&request),
                     request.kind == REQUEST_TIME ? "" : " of ",
                     request.kind == REQUEST_TIME ? "" : link->books[request.book].text, input->status,
                     input->text_size < 300 ? (int)input->text_size : 300, input->text_size > 0 ? input->text : "",
                     until > 0 ? " (nothing is asked for until the venue allows it again)" : "");
    /* A request that is wrong stays so: it is not repeated every second. */
    bool wrong = input->status >= 400 && input->status < 500 && until == 0 && input->status != 408;
    request_again(link, &request, wrong ? 60 * NS_PER_S : 0);
    return ERR_OK;
}

err_t binance_request_failed(struct binance_link *link, const struct link_input *input)
{
    struct link_request *under_way = request_find(link, input->id);
    if (under_way == NULL)
        return ERR_OK;
    const struct link_request request = request_end(link, under_way);
    binance_link_say(link, ERR_IO, "GET of %s: %.*s", request_words(&request),
                     input->text_size < 300 ? (int)input->text_size : 300, input->text_size > 0 ? input->text : "");
    request_again(link, &request, 0);
    return ERR_OK;
}

/* Answers that will not come any more, and polled books that nobody brought. */
err_t binance_requests_look(struct binance_link *link)
{
    for (struct link_request *request = link->requests; request < link->requests + REQUESTS_MAX; request++) {
        if (request->kind == REQUEST_FREE || link->ts - request->sent < REQUEST_TIMEOUT + REQUEST_GRACE)
            continue;
        const struct link_request ended = request_end(link, request);
        binance_link_say(link, ERR_IO, "GET of %s: no answer, nor word that there is none", request_words(&ended));
        request_again(link, &ended, 0);
    }
    for (uint32_t i = 0; i < link->book_count && link->poll > 0; i++) {
        struct link_book *book = &link->books[i];
        if (stale_watch_look(&book->poll_watch, link->ts) == STALE_NO)
            continue;
        link->stats.stale++;
        binance_link_say(link, ERR_STALE, "%s: no book by REST for so long that it is stale", book->text);
        err_t err = machine_lost_one(book->symbol, link->ts, "no book by REST for too long");
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}
