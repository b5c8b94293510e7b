/* How: the thread owns a curl multi handle. Requests come to it through a ring; curl_multi_wakeup ends its wait. Easy
 * handles are kept for the next request, connections by the multi handle. */
#include "adapters/shell/net_http.h"

#include "adapters/shell/net_host.h"
#include "core/ring.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define RING_SIZE    (1u << 20)
#define CONNECT_MS   10000
#define WAIT_MS      1000
#define URL_SIZE     4096
#define BUFFER_FIRST (64u << 10)

struct buffer {
    char *bytes;
    size_t size, capacity, most;
};

struct flight {
    CURL *easy;
    bool flying;
    uint64_t id;
    struct buffer head, body;
    char words[CURL_ERROR_SIZE];
};

struct asked {
    uint64_t id;
    ns_t timeout;
    char url[];
};

struct net_http {
    struct net_http_options options;
    char *ca_file, *agent;
    CURLM *multi;
    struct ring ring;
    void *memory;
    struct flight flights[NET_HTTP_FLIGHT_MAX];
    uint32_t flying;
    bool over; /* atomic */
    bool runs;
    pthread_t thread;
};

static size_t keep(struct buffer *buffer, const char *bytes, size_t size)
{
    if (buffer->size + size + 1 > buffer->capacity) {
        size_t capacity = buffer->capacity == 0 ? BUFFER_FIRST : buffer->capacity;
        while (capacity < buffer->size + size + 1)
            capacity *= 2;
        char *grown = buffer->size + size <= buffer->most ? realloc(buffer->bytes, capacity) : NULL;
        if (grown == NULL)
            return 0;
        buffer->bytes = grown;
        buffer->capacity = capacity;
    }
    memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
    buffer->bytes[buffer->size] = '\0';
    return size;
}

static size_t on_body(char *bytes, size_t one, size_t count, void *context)
{
    struct flight *flight = context;
    return keep(&flight->body, bytes, one * count);
}

/* A new status line begins the head of another answer: after a proxy's, or a 100. */
static size_t on_head(char *bytes, size_t one, size_t count, void *context)
{
    struct flight *flight = context;
    if (count >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
        flight->head.size = 0;
    return keep(&flight->head, bytes, one * count);
}

static bool is_here(const char *url)
{
    char *host = NULL;
    CURLU *parts = curl_url();
    const bool here = parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                      curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && net_host_is_here(host);
    curl_free(host);
    curl_url_cleanup(parts);
    return here;
}

static void set(struct flight *flight, const struct net_http_options *options, const char *url, ns_t timeout)
{
    CURL *easy = flight->easy;
    const bool here = is_here(url);
    flight->head.size = flight->body.size = 0;
    flight->head.most = NET_HTTP_HEAD_MAX;
    flight->body.most = NET_HTTP_BODY_MAX;
    flight->words[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, here ? "https,http" : "https");
    curl_easy_setopt(easy, CURLOPT_PROXY, here ? "" : NULL); /* NULL: the environment's */
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (options->ca_file != NULL) { /* instead of the system's file, and of its folder */
        curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, options->agent);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(timeout / NS_PER_MS));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, flight);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, flight);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, flight->words);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, flight);
}

static void finish(struct net_http *http, struct flight *flight, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(flight->easy, CURLINFO_RESPONSE_CODE, &status);
    struct net_http_answer answer = {.id = flight->id};
    if (code == CURLE_OK) {
        answer.status = (int)status;
        answer.head = flight->head.bytes;
        answer.head_size = flight->head.size;
        answer.body = flight->body.bytes;
        answer.body_size = flight->body.size;
    } else {
        answer.why = flight->words[0] != '\0' ? flight->words : curl_easy_strerror(code);
    }
    http->options.done(http->options.context, &answer);
}

static struct flight *free_flight(struct net_http *http)
{
    for (uint32_t i = 0; i < NET_HTTP_FLIGHT_MAX; i++)
        if (!http->flights[i].flying)
            return &http->flights[i];
    return NULL;
}

static void refuse(struct net_http *http, uint64_t id, const char *why)
{
    const struct net_http_answer answer = {.id = id, .why = why};
    http->options.done(http->options.context, &answer);
}

static void begin(struct net_http *http, struct flight *flight, const struct asked *asked)
{
    if (flight->easy == NULL)
        flight->easy = curl_easy_init();
    if (flight->easy == NULL) {
        refuse(http, asked->id, "out of memory");
        return;
    }
    flight->id = asked->id;
    set(flight, &http->options, asked->url, asked->timeout);
    if (curl_multi_add_handle(http->multi, flight->easy) != CURLM_OK) {
        refuse(http, asked->id, "the request could not be begun");
        return;
    }
    flight->flying = true;
    http->flying++;
}

static void take_requests(struct net_http *http)
{
    uint32_t size;
    const struct asked *asked;
    struct flight *flight;
    while ((flight = free_flight(http)) != NULL && (asked = ring_peek(&http->ring, &size)) != NULL) {
        begin(http, flight, asked);
        ring_release(&http->ring);
    }
}

static void take_answers(struct net_http *http)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        const CURLcode code = message->data.result;
        char *private = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        struct flight *flight = (struct flight *)(void *)private;
        curl_multi_remove_handle(http->multi, flight->easy);
        flight->flying = false;
        http->flying--;
        finish(http, flight, code);
    }
}

static void *fly(void *context)
{
    struct net_http *http = context;
    while (!__atomic_load_n(&http->over, __ATOMIC_ACQUIRE)) {
        int running = 0;
        take_requests(http);
        curl_multi_perform(http->multi, &running);
        take_answers(http);
        curl_multi_poll(http->multi, NULL, 0, WAIT_MS, NULL);
    }
    return NULL;
}

/* Signals are the business of the thread that holds the session. */
static bool start_thread(struct net_http *http)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool started = pthread_create(&http->thread, NULL, fly, http) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static char *copy_or_null(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

static const char *ca_file_of(const struct net_http_options *options)
{
    return options->ca_file != NULL ? options->ca_file : getenv("SSL_CERT_FILE");
}

err_t net_http_new(struct net_http **out, const struct net_http_options *options, struct err_text *why)
{
    struct net_http *http = calloc(1, sizeof(*http));
    if (http == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(http);
        return err_say(why, ERR_NOMEM, "libcurl could not be started");
    }
    http->options = *options;
    http->options.ca_file = http->ca_file = copy_or_null(ca_file_of(options));
    http->options.agent = http->agent = copy_or_null(options->agent);
    http->memory = aligned_alloc(64, RING_SIZE);
    http->multi = curl_multi_init();
    if (http->memory == NULL || http->multi == NULL) {
        net_http_free(http);
        return err_say(why, ERR_NOMEM, "out of memory");
    }
    ring_init(&http->ring, http->memory, RING_SIZE);
    http->runs = start_thread(http);
    if (!http->runs) {
        net_http_free(http);
        return err_say(why, ERR_NOMEM, "no thread for requests could be started");
    }
    *out = http;
    return ERR_OK;
}

bool net_http_get(struct net_http *http, uint64_t id, const char *url, ns_t timeout)
{
    const size_t size = sizeof(struct asked) + strlen(url) + 1;
    struct asked *asked = size <= URL_SIZE ? ring_reserve(&http->ring, (uint32_t)size, 0) : NULL;
    if (asked == NULL)
        return false;
    asked->id = id;
    asked->timeout = timeout;
    memcpy(asked->url, url, strlen(url) + 1);
    ring_commit(&http->ring, (uint32_t)size);
    curl_multi_wakeup(http->multi);
    return true;
}

void net_http_free(struct net_http *http)
{
    if (http == NULL)
        return;
    if (http->runs) {
        __atomic_store_n(&http->over, true, __ATOMIC_RELEASE);
        curl_multi_wakeup(http->multi);
        pthread_join(http->thread, NULL);
    }
    for (uint32_t i = 0; i < NET_HTTP_FLIGHT_MAX; i++) {
        struct flight *flight = &http->flights[i];
        if (flight->flying)
            curl_multi_remove_handle(http->multi, flight->easy);
        if (flight->easy != NULL)
            curl_easy_cleanup(flight->easy);
        free(flight->head.bytes);
        free(flight->body.bytes);
    }
    if (http->multi != NULL)
        curl_multi_cleanup(http->multi);
    free(http->memory);
    free(http->ca_file);
    free(http->agent);
    free(http);
    curl_global_cleanup();
}

err_t net_http_fetch(const struct net_http_options *options, const char *url, ns_t timeout, char **body,
                     size_t *body_size, struct err_text *why)
{
    struct net_http_options known = *options;
    known.ca_file = ca_file_of(options);
    struct flight flight = {.easy = curl_easy_init()};
    if (flight.easy == NULL)
        return err_say(why, ERR_NOMEM, "libcurl could not be started");
    set(&flight, &known, url, timeout);
    const CURLcode code = curl_easy_perform(flight.easy);
    long status = 0;
    curl_easy_getinfo(flight.easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(flight.easy);
    free(flight.head.bytes);
    if (code == CURLE_OK && status >= 200 && status < 300 && flight.body.bytes != NULL) {
        *body = flight.body.bytes;
        *body_size = flight.body.size;
        return ERR_OK;
    }
    err_t err;
    if (code != CURLE_OK)
        err = err_say(why, ERR_IO, "%s: %s", url, flight.words[0] != '\0' ? flight.words : curl_easy_strerror(code));
    else
        err = err_say(why, ERR_IO, "%s: the answer is HTTP %ld: %.200s", url, status,
                      flight.body.bytes != NULL ? flight.body.bytes : "");
    free(flight.body.bytes);
    return err;
}
