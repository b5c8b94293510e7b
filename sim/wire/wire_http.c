#include "sim/wire/wire_http.h"

#include <strings.h>

/* ---- requests ---- */

/* The end of the head, behind its empty line; 0: not there. */
static size_t head_size(const char *bytes, size_t size)
{
    const size_t most = size < WIRE_HTTP_HEAD_MAX ? size : WIRE_HTTP_HEAD_MAX;
    for (const char *at = bytes; (at = memchr(at, '\r', most - (size_t)(at - bytes))) != NULL; at++)
        if ((size_t)(at - bytes) + 4 <= most && memcmp(at, "\r\n\r\n", 4) == 0)
            return (size_t)(at - bytes) + 4;
    return 0;
}

/* "GET /path?query HTTP/1.1" */
static bool parse_line(struct wire_http *http, char *line, bool *modern)
{
    char *target = strchr(line, ' ');
    char *version = target == NULL ? NULL : strchr(target + 1, ' ');
    if (version == NULL || target == line || target[1] != '/' || strncmp(version + 1, "HTTP/1.", 7) != 0)
        return false;
    *target++ = '\0';
    *version++ = '\0';
    *modern = strcmp(version, "HTTP/1.1") == 0;
    char *query = strchr(target, '?');
    if (query != NULL)
        *query++ = '\0';
    http->request.method = line;
    http->request.path = target;
    http->request.query = query != NULL ? query : "";
    return true;
}

static bool parse_header(struct wire_http *http, char *line)
{
    char *colon = strchr(line, ':');
    if (colon == NULL || colon == line || http->request.header_count == WIRE_HTTP_HEADERS_MAX)
        return false;
    *colon++ = '\0';
    colon += strspn(colon, " \t");
    char *end = colon + strlen(colon);
    while (end > colon && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    http->headers[http->request.header_count++] = (struct wire_header){line, colon};
    return true;
}

static const char *header_of(const struct wire_http *http, const char *name)
{
    for (uint32_t i = 0; i < http->request.header_count; i++)
        if (strcasecmp(http->headers[i].name, name) == 0)
            return http->headers[i].value;
    return NULL;
}

/* Is a word one of a list with commas? */
static bool lists(const char *value, const char *word)
{
    const size_t size = strlen(word);
    for (const char *at = value; at != NULL && *at != '\0'; at = strchr(at, ',')) {
        at += strspn(at, ", \t");
        if (strncasecmp(at, word, size) == 0 && strchr(", \t", at[size]) != NULL)
            return true;
        if (*at == '\0')
            break;
    }
    return false;
}

static bool parse_length(const char *text, size_t *length)
{
    *length = 0;
    if (*text == '\0')
        return false;
    for (; *text >= '0' && *text <= '9'; text++) {
        *length = *length * 10 + (size_t)(*text - '0');
        if (*length > 16 * WIRE_HTTP_BODY_MAX)
            *length = 16 * WIRE_HTTP_BODY_MAX;
    }
    return *text == '\0';
}

err_t wire_http_parse(struct wire_http *http, const char *bytes, size_t size, size_t *used)
{
    const size_t head = head_size(bytes, size);
    bool modern;
    if (head == 0)
        return size >= WIRE_HTTP_HEAD_MAX ? ERR_RANGE : ERR_AGAIN;
    if (memchr(bytes, '\0', head) != NULL)
        return ERR_SYNTAX;
    memcpy(http->head, bytes, head);
    http->head[head - 2] = '\0'; /* behind the last line's end */
    http->request = (struct wire_request){.headers = http->headers};
    char *line = http->head;
    for (bool first = true; *line != '\0'; first = false) {
        char *end = strstr(line, "\r\n");
        if (end == NULL)
            return ERR_SYNTAX;
        *end = '\0';
        if (first ? !parse_line(http, line, &modern) : !parse_header(http, line))
            return ERR_SYNTAX;
        line = end + 2;
    }
    if (http->request.method == NULL)
        return ERR_SYNTAX;
    size_t length = 0;
    const char *text = header_of(http, "content-length");
    if (header_of(http, "transfer-encoding") != NULL)
        return ERR_UNSUPPORTED;
    if (text != NULL && !parse_length(text, &length))
        return ERR_SYNTAX;
    if (length > WIRE_HTTP_BODY_MAX)
        return ERR_RANGE;
    if (size - head < length)
        return ERR_AGAIN;
    http->request.body = length > 0 ? bytes + head : NULL;
    http->request.body_size = length;
    const char *connection = header_of(http, "connection"), *upgrade = header_of(http, "upgrade");
    http->keep_alive = modern ? !lists(connection, "close") : lists(connection, "keep-alive");
    http->upgrade_key = header_of(http, "sec-websocket-key");
    const char *version = header_of(http, "sec-websocket-version");
    http->upgrade = lists(connection, "upgrade") && lists(upgrade, "websocket") && http->upgrade_key != NULL &&
                    strlen(http->upgrade_key) == 24 && version != NULL && strcmp(version, "13") == 0 &&
                    strcmp(http->request.method, "GET") == 0;
    *used = head + length;
    return ERR_OK;
}

/* ---- answers ---- */

static const char *reason_of(uint16_t status)
{
    static const struct {
        uint16_t status;
        const char *words;
    } reasons[] = {{200, "OK"},
                   {201, "Created"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {408, "Request Timeout"},
                   {411, "Length Required"},
                   {413, "Content Too Large"},
                   {414, "URI Too Long"},
                   {418, "I'm a teapot"},
                   {429, "Too Many Requests"},
                   {431, "Request Header Fields Too Large"},
                   {500, "Internal Server Error"},
                   {502, "Bad Gateway"},
                   {503, "Service Unavailable"}};
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].words;
    return "Status";
}

void wire_http_put_answer(struct wire_text *text, const struct wire_answer *answer, bool keep_alive)
{
    wire_put_format(text, "HTTP/1.1 %u %s\r\n", answer->status, reason_of(answer->status));
    for (uint32_t i = 0; i < answer->header_count; i++) {
        wire_put(text, answer->headers[i].name);
        wire_put(text, ": ");
        wire_put(text, answer->headers[i].value);
        wire_put(text, "\r\n");
    }
    wire_put_format(text, "content-length: %zu\r\nconnection: %s\r\n\r\n", answer->body_size,
                    keep_alive ? "keep-alive" : "close");
    if (answer->body_size > 0)
        wire_put_bytes(text, answer->body, answer->cut ? answer->cut_size : answer->body_size);
}

void wire_http_put_upgrade(struct wire_text *text, const char *accept)
{
    wire_put_format(text,
                    "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
                    "sec-websocket-accept: %s\r\n\r\n",
                    accept);
}

/* ---- frames ---- */

err_t wire_ws_parse(struct wire_ws *frame, char *bytes, size_t size, size_t *used)
{
    const unsigned char *head = (const unsigned char *)bytes;
    if (size < 2)
        return ERR_AGAIN;
    const unsigned opcode = head[0] & 15u;
    const bool control = opcode >= 8;
    uint64_t length = head[1] & 127u;
    size_t at = 2;
    /* Reserved bits and opcodes, and frames of a client that are not masked, are against the protocol. */
    if ((head[0] & 0x70) != 0 || (head[1] & 0x80) == 0 || (opcode > 2 && opcode < 8) || opcode > 10 ||
        (control && ((head[0] & 0x80) == 0 || length > 125)))
        return ERR_SYNTAX;
    if (length >= 126) {
        const size_t bytes_more = length == 126 ? 2 : 8;
        if (size < at + bytes_more)
            return ERR_AGAIN;
        length = 0;
        for (size_t i = 0; i < bytes_more; i++)
            length = length << 8 | head[at++];
    }
    if (length > WIRE_WS_MESSAGE_MAX)
        return ERR_RANGE;
    if (size < at + 4 + length)
        return ERR_AGAIN;
    const unsigned char *mask = head + at;
    at += 4;
    for (uint64_t i = 0; i < length; i++)
        bytes[at + i] = (char)((unsigned char)bytes[at + i] ^ mask[i & 3]);
    *frame = (struct wire_ws){.opcode = (enum wire_opcode)opcode,
                              .last = (head[0] & 0x80) != 0,
                              .payload = bytes + at,
                              .size = (size_t)length};
    *used = at + (size_t)length;
    return ERR_OK;
}

size_t wire_ws_head(char head[WIRE_WS_HEAD_MAX], enum wire_opcode opcode, size_t size)
{
    head[0] = (char)(0x80 | (unsigned)opcode);
    if (size < 126) {
        head[1] = (char)size;
        return 2;
    }
    const size_t more = size < 65536 ? 2 : 8;
    head[1] = more == 2 ? 126 : 127;
    for (size_t i = 0; i < more; i++)
        head[2 + i] = (char)(size >> 8 * (more - 1 - i));
    return 2 + more;
}

void wire_ws_put_close(struct wire_text *text, uint16_t code, const char *reason)
{
    char head[WIRE_WS_HEAD_MAX];
    const size_t size = strlen(reason) < 123 ? strlen(reason) : 123;
    wire_put_bytes(text, head, wire_ws_head(head, WIRE_CLOSE, code == 0 ? 0 : 2 + size));
    if (code == 0)
        return;
    const char number[2] = {(char)(code >> 8), (char)code};
    wire_put_bytes(text, number, 2);
    wire_put_bytes(text, reason, size);
}
