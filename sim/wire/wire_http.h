/* wire_http.h: HTTP/1.1 and WebSocket frames as bytes, the server's side; for whoever has a stream of bytes to a
 * client.
 *
 *   bytes ─► wire_http_parse ─► struct wire_http (a wire_request)      ERR_AGAIN: more bytes are needed
 *   bytes ─► wire_ws_parse ─► struct wire_ws (a frame)                 other codes: close the connection
 *
 *   wire_answer ─► wire_http_put_answer ─► bytes        frame ─► wire_ws_put_frame ─► bytes
 *
 * References: RFC 9112 (HTTP/1.1), RFC 6455 (WebSocket). Bodies come with a content-length; chunked requests are
 * refused. No extension is offered: frames are not compressed.
 */
#ifndef TAPEDECK_SIM_WIRE_HTTP_H
#define TAPEDECK_SIM_WIRE_HTTP_H

#include "sim/wire/wire.h"
#include "sim/wire/wire_text.h"

#define WIRE_HTTP_HEAD_MAX    16384
#define WIRE_HTTP_BODY_MAX    65536
#define WIRE_HTTP_HEADERS_MAX 64
#define WIRE_WS_MESSAGE_MAX   65536

struct wire_http {
    char head[WIRE_HTTP_HEAD_MAX]; /* the texts of the request, cut into pieces by NULs */
    struct wire_header headers[WIRE_HTTP_HEADERS_MAX];
    struct wire_request request; /* id and peer are the caller's */
    bool keep_alive;
    bool upgrade;            /* wants a WebSocket, and all headers for it are there */
    const char *upgrade_key; /* of Sec-WebSocket-Key */
};

/* One request from the beginning of `bytes`; its body points into them. `used`: how many they were.
 * ERR_AGAIN: not all there yet; ERR_SYNTAX: no HTTP (answer 400); ERR_RANGE: too large (431 or 413);
 * ERR_UNSUPPORTED: chunked (411). */
err_t wire_http_parse(struct wire_http *http, const char *bytes, size_t size, size_t *used) MUST_USE;
/* The head of an answer and as much of its body as it is to have. */
void wire_http_put_answer(struct wire_text *text, const struct wire_answer *answer, bool keep_alive);
/* 101; `accept` is the base64 of the hash of the key (the caller's business: it has the cryptography). */
void wire_http_put_upgrade(struct wire_text *text, const char *accept);

struct wire_ws {
    enum wire_opcode opcode; /* 0: continues the message before */
    bool last;               /* FIN */
    char *payload;           /* unmasked in place */
    size_t size;
};
/* One frame from the beginning of `bytes`, which are changed. ERR_AGAIN; ERR_SYNTAX: against the protocol (close
 * 1002); ERR_RANGE: larger than WIRE_WS_MESSAGE_MAX (1009). */
err_t wire_ws_parse(struct wire_ws *frame, char *bytes, size_t size, size_t *used) MUST_USE;
/* Room for the largest head of a frame of a server. */
#define WIRE_WS_HEAD_MAX 10
/* Writes the head of an unmasked, whole frame; returns its length. */
size_t wire_ws_head(char head[WIRE_WS_HEAD_MAX], enum wire_opcode opcode, size_t size);
void wire_ws_put_close(struct wire_text *text, uint16_t code, const char *reason);

#endif
