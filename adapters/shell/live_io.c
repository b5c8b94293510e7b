/* How: three rings, each with one writer and one reader.
 *
 *   inputs    I/O thread ─► engine     struct link_input, head, text, FRAME_PADDING bytes
 *   orders    engine ─► I/O thread     struct order_of, text
 *   answers   HTTP ─► I/O thread       struct link_input and the rest, unstamped
 *
 * The engine sleeps on an event file descriptor. It says so in `sleeping` before it looks at the ring a last time,
 * and whoever commits looks at `sleeping` afterwards; both with a full barrier between, so that one of them sees the
 * other. */
#include "adapters/shell/live_io.h"

#include "adapters/shell/live_clock.h"
#include "adapters/shell/net_http.h"
#include "adapters/shell/net_ws.h"
#include "core/ring.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define ORDERS_BYTES  (4u << 20)
#define ANSWERS_BYTES (256u << 20) /* touched as far as it is used */
#define COMMANDS_MAX  16
#define COMMAND_SIZE  120
#define ROOM_WAIT_NS  (100 * NS_PER_US)
#define MAX_SLEEP     NS_PER_S

enum order_kind { ORDER_TO_OPEN, ORDER_TO_CLOSE, ORDER_TO_SEND, ORDER_TO_PING };

/* What the engine's thread wants of the I/O thread. */
struct order_of {
    uint32_t key;
    uint32_t size;
    enum order_kind kind;
    char text[]; /* an address has its NUL */
};

struct live_io {
    struct link_wire wire;
    struct ring inputs, orders, answers;
    void *memory[3];
    struct net_ws *ws;
    struct net_http *http;
    char *ca_file, *proxy, *no_proxy, *agent;
    ns_t spin, tick;
    pthread_t thread;
    bool runs;
    bool one_thread;
    bool over;     /* atomic: the thread is to end */
    bool broken;   /* atomic: the thread ended by itself */
    bool overrun;  /* the engine's: a request found no room */
    bool sleeping; /* atomic */
    int event;
    /* the engine's side */
    bool holding;                             /* an input that is not released yet */
    bool closing[LIVE_LINKS_MAX][LINK_CONNS]; /* asked for; its DOWN has not come yet */
    ns_t last_ts, last_input;
    /* the I/O thread's side */
    struct live_clock clock;
    ns_t offset; /* atomic: a copy of the clock's */
    ns_t looked;
    uint64_t dropped[LIVE_LINKS_MAX][LINK_CONNS]; /* not told yet */
    bool any_dropped;
    struct live_io_stats stats; /* fields atomic */
    pthread_mutex_t lock;       /* of what follows */
    char commands[COMMANDS_MAX][COMMAND_SIZE];
    uint32_t command_count;
};

static uint32_t key_of(uint16_t link, uint8_t conn)
{
    return (uint32_t)link << 8 | conn;
}

static void count(uint64_t *counter, uint64_t more)
{
    __atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED);
}

/* ---- the I/O thread's side ---- */

static void wake_engine(struct live_io *io)
{
    if (!__atomic_exchange_n(&io->sleeping, false, __ATOMIC_SEQ_CST))
        return;
    const uint64_t one = 1;
    while (write(io->event, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
}

static uint32_t size_of(const struct link_input *input)
{
    return (uint32_t)sizeof(*input) + input->head_size + input->text_size + FRAME_PADDING;
}

/* A copy of an input in one piece: its texts are found behind it. */
static void put(void *room, const struct link_input *input)
{
    struct link_input *copy = room;
    char *bytes = (char *)(copy + 1);
    *copy = *input;
    if (input->head_size > 0)
        memcpy(bytes, input->head, input->head_size);
    if (input->text_size > 0)
        memcpy(bytes + input->head_size, input->text, input->text_size);
    memset(bytes + input->head_size + input->text_size, 0, FRAME_PADDING);
}

static bool is_over(const struct live_io *io)
{
    return __atomic_load_n(&io->over, __ATOMIC_ACQUIRE);
}

static ns_t stamp(struct live_io *io)
{
    return live_clock_at(&io->clock, live_clock_monotonic());
}

/* Anything but a message: waits for room. */
static void hand_over(struct live_io *io, struct link_input *input)
{
    const uint32_t size = size_of(input);
    void *room;
    while ((room = ring_reserve(&io->inputs, size, 0)) == NULL) {
        if (is_over(io))
            return;
        if (io->one_thread) { /* nobody would make room; an eighth of the ring is free for these few bytes */
            io->overrun = true;
            return;
        }
        count(&io->stats.waits, 1);
        wake_engine(io);
        const struct timespec pause = {.tv_nsec = ROOM_WAIT_NS};
        (void)nanosleep(&pause, NULL);
    }
    input->ts = stamp(io);
    put(room, input);
    ring_commit(&io->inputs, size);
    wake_engine(io);
}

static void tell_dropped(struct live_io *io)
{
    io->any_dropped = false;
    for (uint16_t link = 0; link < LIVE_LINKS_MAX; link++)
        for (uint8_t conn = 0; conn < LINK_CONNS; conn++)
            if (io->dropped[link][conn] > 0) {
                struct link_input input = {
                    .link = link, .conn = conn, .what = LINK_DROPPED, .value = (int64_t)io->dropped[link][conn]};
                hand_over(io, &input);
                io->dropped[link][conn] = 0;
            }
}

static void tell(struct live_io *io, struct link_input *input)
{
    if (UNLIKELY(io->any_dropped))
        tell_dropped(io);
    hand_over(io, input);
}

static struct link_input of_key(uint32_t key, enum link_what what)
{
    return (struct link_input){.link = (uint16_t)(key >> 8), .conn = (uint8_t)key, .what = (uint8_t)what};
}

/* Counted before it is handed over: who has it, finds it counted. */
static void count_message(struct live_io *io, size_t bytes)
{
    count(&io->stats.messages, 1);
    count(&io->stats.bytes, bytes);
}

static void on_message(void *context, uint32_t key, bool binary, const char *text, size_t text_size)
{
    struct live_io *io = context;
    struct link_input input = of_key(key, binary ? LINK_BINARY : LINK_TEXT);
    input.ts = stamp(io);
    input.text = text;
    input.text_size = (uint32_t)text_size;
    const uint32_t size = size_of(&input);
    const uint64_t keep = io->inputs.capacity / 8;
    void *room = size <= RING_RECORD_MAX(io->inputs.capacity) ? ring_reserve(&io->inputs, size, keep) : NULL;
    if (UNLIKELY(room == NULL)) {
        io->dropped[input.link][input.conn]++;
        io->any_dropped = true;
        count(&io->stats.dropped, 1);
        return;
    }
    count_message(io, text_size);
    if (UNLIKELY(io->any_dropped)) {
        tell(io, &input); /* behind what is told first; what was reserved is taken by that */
        return;
    }
    put(room, &input);
    ring_commit(&io->inputs, size);
    wake_engine(io);
}

static void on_up(void *context, uint32_t key)
{
    struct link_input input = of_key(key, LINK_UP);
    tell(context, &input);
}

static void on_down(void *context, uint32_t key, int status, const char *why)
{
    struct link_input input = of_key(key, LINK_DOWN);
    input.status = status;
    input.text = why;
    input.text_size = (uint32_t)strlen(why);
    tell(context, &input);
}

static void on_pong(void *context, uint32_t key)
{
    struct link_input input = of_key(key, LINK_PONG);
    tell(context, &input);
}

static void take_orders(struct live_io *io)
{
    uint32_t size;
    const struct order_of *order;
    while ((order = ring_peek(&io->orders, &size)) != NULL) {
        switch (order->kind) {
        case ORDER_TO_OPEN:
            net_ws_open(io->ws, order->key, order->text);
            break;
        case ORDER_TO_CLOSE:
            net_ws_close(io->ws, order->key);
            break;
        case ORDER_TO_SEND:
            (void)net_ws_send(io->ws, order->key, order->text, order->size); /* else a `down` is on its way */
            break;
        case ORDER_TO_PING:
            (void)net_ws_ping(io->ws, order->key);
            break;
        }
        ring_release(&io->orders);
    }
}

static void take_answers(struct live_io *io)
{
    uint32_t size;
    const struct link_input *answer;
    while ((answer = ring_peek(&io->answers, &size)) != NULL) {
        if (io->one_thread && ring_used(&io->inputs) > io->inputs.capacity / 2) {
            net_ws_wake(io->ws); /* when the engine has read what there is */
            return;
        }
        struct link_input input = *answer;
        input.head = (const char *)(answer + 1);
        input.text = input.head + input.head_size;
        tell(io, &input);
        ring_release(&io->answers);
    }
}

static void take_commands(struct live_io *io)
{
    char text[COMMAND_SIZE];
    for (;;) {
        pthread_mutex_lock(&io->lock);
        const bool any = io->command_count > 0;
        if (any) {
            memcpy(text, io->commands[0], sizeof(text));
            memmove(io->commands[0], io->commands[1], (COMMANDS_MAX - 1) * sizeof(text));
            io->command_count--;
        }
        pthread_mutex_unlock(&io->lock);
        if (!any)
            return;
        struct link_input input = {.what = LINK_COMMAND, .text = text, .text_size = (uint32_t)strlen(text)};
        tell(io, &input);
    }
}

static void look_at_clocks(struct live_io *io)
{
    const ns_t monotonic = live_clock_monotonic();
    if (monotonic - io->looked < NS_PER_S)
        return;
    io->looked = monotonic;
    const ns_t step = live_clock_look(&io->clock, monotonic, live_clock_wall());
    __atomic_store_n(&io->offset, io->clock.offset, __ATOMIC_RELAXED);
    if (step == 0)
        return;
    count(&io->stats.clock_steps, 1);
    struct link_input input = {.what = LINK_CLOCK, .value = step};
    tell(io, &input);
}

static void on_woken(void *context)
{
    struct live_io *io = context;
    take_orders(io);
    take_answers(io);
    take_commands(io);
    look_at_clocks(io);
    if (io->any_dropped)
        tell_dropped(io);
}

static void *move_bytes(void *context)
{
    struct live_io *io = context;
    while (!is_over(io))
        if (net_ws_service(io->ws) != ERR_OK) {
            __atomic_store_n(&io->broken, true, __ATOMIC_RELEASE);
            wake_engine(io);
            break;
        }
    return NULL;
}

/* ---- the HTTP thread's side ---- */

static void on_answer(void *context, const struct net_http_answer *answer)
{
    struct live_io *io = context;
    struct link_input input = {
        .link = (uint16_t)(answer->id >> 48), .id = answer->id & ((UINT64_C(1) << 48) - 1), .status = answer->status};
    const char *why = answer->why;
    input.what = LINK_ANSWER;
    input.head = answer->head;
    input.head_size = (uint32_t)answer->head_size;
    input.text = answer->body;
    input.text_size = (uint32_t)answer->body_size;
    if (answer->status != 0 &&
        (size_of(&input) > RING_RECORD_MAX(io->inputs.capacity) || size_of(&input) > RING_RECORD_MAX(ANSWERS_BYTES)))
        why = "the answer is larger than the session's ring takes";
    if (answer->status == 0 || why != NULL) {
        input.what = LINK_FAILED;
        input.status = 0;
        input.head_size = 0;
        input.text = why != NULL ? why : "no answer";
        input.text_size = (uint32_t)strlen(input.text);
    }
    void *room;
    while ((room = ring_reserve(&io->answers, size_of(&input), 0)) == NULL) {
        if (is_over(io))
            return;
        const struct timespec pause = {.tv_nsec = ROOM_WAIT_NS};
        (void)nanosleep(&pause, NULL);
    }
    put(room, &input);
    ring_commit(&io->answers, size_of(&input));
    net_ws_wake(io->ws);
}

/* ---- the engine's side ---- */

static void ask(struct live_io *io, enum order_kind kind, uint32_t key, const char *text, size_t size)
{
    struct order_of *order = ring_reserve(&io->orders, (uint32_t)(sizeof(*order) + size), 0);
    if (order == NULL) {
        io->overrun = true;
        return;
    }
    order->kind = kind;
    order->key = key;
    order->size = (uint32_t)size;
    if (size > 0)
        memcpy(order->text, text, size);
    ring_commit(&io->orders, (uint32_t)(sizeof(*order) + size));
    net_ws_wake(io->ws);
}

static void ask_open(void *context, uint16_t link, uint8_t conn, const char *url)
{
    struct live_io *io = context;
    ASSERT(link < LIVE_LINKS_MAX && conn < LINK_CONNS);
    io->closing[link][conn] = false;
    ask(io, ORDER_TO_OPEN, key_of(link, conn), url, strlen(url) + 1);
}

static void ask_close(void *context, uint16_t link, uint8_t conn)
{
    struct live_io *io = context;
    ASSERT(link < LIVE_LINKS_MAX && conn < LINK_CONNS);
    io->closing[link][conn] = true;
    ask(io, ORDER_TO_CLOSE, key_of(link, conn), NULL, 0);
}

static void ask_send(void *context, uint16_t link, uint8_t conn, const char *text, size_t size)
{
    ask(context, ORDER_TO_SEND, key_of(link, conn), text, size);
}

static void ask_ping(void *context, uint16_t link, uint8_t conn)
{
    ask(context, ORDER_TO_PING, key_of(link, conn), NULL, 0);
}

static void ask_get(void *context, uint16_t link, uint64_t id, const char *url, ns_t timeout)
{
    struct live_io *io = context;
    ASSERT(id < UINT64_C(1) << 48);
    count(&io->stats.requests, 1);
    if (!net_http_get(io->http, (uint64_t)link << 48 | id, url, timeout))
        io->overrun = true;
}

const struct link_wire *live_io_wire(struct live_io *io)
{
    return &io->wire;
}

ns_t live_io_now(const struct live_io *io)
{
    return live_clock_monotonic() + __atomic_load_n(&io->offset, __ATOMIC_RELAXED);
}

static err_t check(const struct live_io *io, struct err_text *why)
{
    if (__atomic_load_n(&io->broken, __ATOMIC_ACQUIRE))
        return err_say(why, ERR_IO, "the thread of the connections ended");
    if (io->overrun)
        return err_say(why, ERR_FULL, "more was asked of the connections than they could take up");
    return ERR_OK;
}

/* What was under way when its connection was closed is void (adapters/link.h): all but the DOWN. */
static bool is_void(struct live_io *io, const struct link_input *input)
{
    bool of_conn = false;
    switch ((enum link_what)input->what) {
    case LINK_DOWN:
        io->closing[input->link][input->conn] = false;
        break;
    case LINK_UP:
    case LINK_TEXT:
    case LINK_BINARY:
    case LINK_PONG:
    case LINK_DROPPED:
        of_conn = true;
        break;
    case LINK_ANSWER:
    case LINK_FAILED:
    case LINK_TICK:
    case LINK_CLOCK:
    case LINK_COMMAND:
    case LINK_WHAT_COUNT:
        break;
    }
    return of_conn && io->closing[input->link][input->conn];
}

static void release(struct live_io *io)
{
    if (io->holding)
        ring_release(&io->inputs);
    io->holding = false;
}

err_t live_io_next(struct live_io *io, ns_t due, struct link_input *input, struct err_text *why)
{
    uint32_t size;
    const struct link_input *found;
    release(io);
    while ((found = ring_peek(&io->inputs, &size)) != NULL && is_void(io, found))
        ring_release(&io->inputs);
    if (LIKELY(found != NULL)) {
        io->holding = true;
        *input = *found;
        input->head = (const char *)(found + 1);
        input->text = input->head + input->head_size;
        if (UNLIKELY(input->ts < io->last_ts))
            input->ts = io->last_ts;
        io->last_ts = io->last_input = input->ts;
        return ERR_OK;
    }
    const err_t err = check(io, why);
    if (err != ERR_OK)
        return err;
    const ns_t now = live_io_now(io);
    if (now < due && now - io->last_input < io->tick)
        return ERR_AGAIN;
    *input = (struct link_input){.ts = now > io->last_ts ? now : io->last_ts, .what = LINK_TICK};
    io->last_ts = io->last_input = input->ts;
    return ERR_OK;
}

static bool has_input(struct live_io *io)
{
    uint32_t size;
    return ring_peek(&io->inputs, &size) != NULL;
}

/* One thread: move bytes until there is an input, or it is time. Who waits comes back early (a signal, a byte that is
 * no input yet): the caller looks at more than this. */
static void move_until(struct live_io *io, ns_t due)
{
    const ns_t began = live_io_now(io);
    const ns_t last = due < began + io->tick ? due : began + io->tick;
    ns_t now = began;
    bool spins;
    do {
        spins = now - began < io->spin;
        if (net_ws_service_for(io->ws, spins ? 0 : last - now) != ERR_OK) {
            __atomic_store_n(&io->broken, true, __ATOMIC_RELEASE);
            return;
        }
        now = live_io_now(io);
    } while (spins && !has_input(io) && now < last);
}

void live_io_wait(struct live_io *io, ns_t due)
{
    release(io);
    if (io->one_thread) {
        if (!has_input(io))
            move_until(io, due);
        return;
    }
    const ns_t began = live_io_now(io);
    ns_t now = began;
    do {
        if (has_input(io))
            return;
        now = live_io_now(io);
        if (now >= due)
            return;
    } while (now - began < io->spin);
    ns_t sleep = due - now < MAX_SLEEP ? due - now : MAX_SLEEP;
    if (sleep > io->tick)
        sleep = io->tick;
    (void)__atomic_exchange_n(&io->sleeping, true, __ATOMIC_SEQ_CST);
    if (!has_input(io)) {
        struct pollfd event = {.fd = io->event, .events = POLLIN};
        const struct timespec timeout = {.tv_sec = sleep / NS_PER_S, .tv_nsec = sleep % NS_PER_S};
        if (ppoll(&event, 1, &timeout, NULL) > 0) {
            uint64_t rung;
            while (read(io->event, &rung, sizeof(rung)) < 0 && errno == EINTR)
                continue;
        }
    }
    __atomic_store_n(&io->sleeping, false, __ATOMIC_RELAXED);
}

err_t live_io_command(struct live_io *io, const char *text)
{
    if (strlen(text) >= COMMAND_SIZE)
        return ERR_RANGE;
    err_t err = ERR_FULL;
    pthread_mutex_lock(&io->lock);
    if (io->command_count < COMMANDS_MAX) {
        strcpy(io->commands[io->command_count++], text);
        err = ERR_OK;
    }
    pthread_mutex_unlock(&io->lock);
    net_ws_wake(io->ws);
    return err;
}

void live_io_read_stats(const struct live_io *io, struct live_io_stats *stats)
{
    *stats = (struct live_io_stats){
        .messages = __atomic_load_n(&io->stats.messages, __ATOMIC_RELAXED),
        .bytes = __atomic_load_n(&io->stats.bytes, __ATOMIC_RELAXED),
        .dropped = __atomic_load_n(&io->stats.dropped, __ATOMIC_RELAXED),
        .waits = __atomic_load_n(&io->stats.waits, __ATOMIC_RELAXED),
        .ring_bytes = io->inputs.capacity,
        .ring_most = __atomic_load_n(&io->inputs.producer.fullest, __ATOMIC_RELAXED),
        .requests = __atomic_load_n(&io->stats.requests, __ATOMIC_RELAXED),
        .clock_steps = __atomic_load_n(&io->stats.clock_steps, __ATOMIC_RELAXED),
    };
}

/* ---- from beginning to end ---- */

static err_t make_ring(struct live_io *io, size_t number, struct ring *ring, size_t bytes, struct err_text *why)
{
    io->memory[number] = aligned_alloc(64, bytes);
    if (io->memory[number] == NULL)
        return err_say(why, ERR_NOMEM, "out of memory for a ring of %zu bytes", bytes);
    ring_init(ring, io->memory[number], bytes);
    return ERR_OK;
}

/* The ring of inputs goes round through all of its memory: give it its pages now, not in the way of a frame. */
static void touch(const struct live_io *io)
{
    memset(io->memory[0], 0, io->inputs.capacity);
}

static const char *environment(const char *lower, const char *upper)
{
    const char *value = getenv(lower);
    if (value == NULL || value[0] == '\0')
        value = getenv(upper);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static char *copy(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

/* Signals are the engine's thread's business: one that comes ends its wait. */
static bool start_thread(struct live_io *io)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool started = pthread_create(&io->thread, NULL, move_bytes, io) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static err_t start(struct live_io *io, const struct live_io_options *options, struct err_text *why)
{
    const struct net_ws_events events = {
        .context = io, .up = on_up, .down = on_down, .message = on_message, .pong = on_pong, .woken = on_woken};
    err_t err = make_ring(io, 0, &io->inputs, options->ring_bytes != 0 ? options->ring_bytes : LIVE_RING_BYTES, why);
    if (err == ERR_OK)
        touch(io);
    if (err == ERR_OK)
        err = make_ring(io, 1, &io->orders, ORDERS_BYTES, why);
    if (err == ERR_OK)
        err = make_ring(io, 2, &io->answers, ANSWERS_BYTES, why);
    if (err == ERR_OK)
        err = net_ws_new(
            &io->ws, &(struct net_ws_options){.ca_file = io->ca_file, .proxy = io->proxy, .no_proxy = io->no_proxy},
            &events, why);
    if (err == ERR_OK)
        err = net_http_new(
            &io->http,
            &(struct net_http_options){.ca_file = io->ca_file, .agent = io->agent, .context = io, .done = on_answer},
            why);
    if (err != ERR_OK || io->one_thread)
        return err;
    io->runs = start_thread(io);
    return io->runs ? ERR_OK : err_say(why, ERR_NOMEM, "no thread for the connections could be started");
}

err_t live_io_open(struct live_io **out, const struct live_io_options *options, struct err_text *why)
{
    struct live_io *io = aligned_alloc(64, align64(sizeof(*io)));
    if (io == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    memset(io, 0, sizeof(*io));
    io->wire = (struct link_wire){
        .context = io, .open = ask_open, .close = ask_close, .send = ask_send, .ping = ask_ping, .get = ask_get};
    io->ca_file = copy(options->ca_file);
    io->proxy = copy(options->proxy != NULL ? options->proxy : environment("https_proxy", "HTTPS_PROXY"));
    io->no_proxy = copy(environment("no_proxy", "NO_PROXY"));
    io->agent = copy(options->agent != NULL ? options->agent : "tapedeck");
    io->spin = options->spin;
    io->one_thread = options->one_thread;
    io->tick = options->tick != 0 ? options->tick : NS_PER_S;
    io->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&io->lock, NULL);
    live_clock_begin(&io->clock, live_clock_monotonic(), live_clock_wall());
    io->offset = io->clock.offset;
    io->looked = live_clock_monotonic();
    io->last_ts = io->last_input = live_io_now(io);
    const err_t err =
        io->event < 0 ? err_say(why, ERR_IO, "no event descriptor: %s", strerror(errno)) : start(io, options, why);
    if (err != ERR_OK) {
        live_io_close(io);
        return err;
    }
    *out = io;
    return ERR_OK;
}

void live_io_close(struct live_io *io)
{
    if (io == NULL)
        return;
    __atomic_store_n(&io->over, true, __ATOMIC_RELEASE);
    net_http_free(io->http);
    if (io->runs) {
        net_ws_wake(io->ws);
        pthread_join(io->thread, NULL);
    }
    net_ws_free(io->ws);
    if (io->event >= 0)
        close(io->event);
    pthread_mutex_destroy(&io->lock);
    for (size_t i = 0; i < ARRAY_LEN(io->memory); i++)
        free(io->memory[i]);
    free(io->ca_file);
    free(io->proxy);
    free(io->no_proxy);
    free(io->agent);
    free(io);
}
