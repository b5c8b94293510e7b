/* net_http.h: GET requests by a thread of their own: libcurl behind four verbs. The only file that includes it is
 * net_http.c.
 *
 *   net_http_get(id, url) ──► thread: name, TCP, TLS, HTTP/2 or 1.1 over kept connections ──► done(id, answer)
 *
 * TLS 1.2 or later, chain and host's name verified, always; `http:` is refused but for this very machine. A proxy and
 * its exceptions are taken from the environment (https_proxy, no_proxy); this machine is always called directly.
 * Redirects are not followed. Compressed answers come back plain.
 */
#ifndef TAPEDECK_ADAPTERS_SHELL_NET_HTTP_H
#define TAPEDECK_ADAPTERS_SHELL_NET_HTTP_H

#include "core/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NET_HTTP_HEAD_MAX   (64u << 10)
#define NET_HTTP_BODY_MAX   (64u << 20)
#define NET_HTTP_FLIGHT_MAX 64 /* requests under way at once; more wait */

struct net_http_answer {
    uint64_t id;
    int status;       /* 0: no whole answer, and `why` says what happened */
    const char *head; /* header lines of the last answer, each with its CR LF */
    size_t head_size;
    const char *body;
    size_t body_size;
    const char *why;
};

struct net_http;
struct net_http_options {
    const char *ca_file; /* NULL: the system's, or the environment's SSL_CERT_FILE */
    const char *agent;   /* User-Agent */
    void *context;
    void (*done)(void *context,
                 const struct net_http_answer *answer); /* in the thread; the answer lives for the call */
};
err_t net_http_new(struct net_http **http, const struct net_http_options *options, struct err_text *why) MUST_USE;
/* From one thread. `timeout` from now to the last byte. False: too many are waiting, nothing will come. */
bool net_http_get(struct net_http *http, uint64_t id, const char *url, ns_t timeout);
/* What is under way is given up, without `done`. */
void net_http_free(struct net_http *http);

/* One GET, waited for, in the calling thread; before there is a session. *body is the caller's to free (NUL after its
 * end). ERR_IO: no answer, or one with a status other than 2xx. */
err_t net_http_fetch(const struct net_http_options *options, const char *url, ns_t timeout, char **body,
                     size_t *body_size, struct err_text *why) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
