/* How: a process a channel (latency_channel.h). This one asks for the venue's rules, starts them, says when the
 * window begins and ends, and chooses the correction of the clock. */
#include "cli/exit_code.h"
#include "cli/latency_report.h"
#include "cli/link_flags.h"
#include "cli/links_up.h"
#include "cli/options.h"
#include "cli/stop_signal.h"
#include "cli/values.h"
#include "cli/verbs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY (50 * NS_PER_MS)
#define WARM_MAX   (30 * NS_PER_S)
#define END_MAX    (10 * NS_PER_S)

const char verb_latency_help[] =
    "NAME\n"
    "  tapedeck latency - measure WebSocket against REST polling on the same market at the same time\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck latency CONFIG [--set KEY=VALUE]... [--poll 100ms,500ms] [--duration 60s] [OPTIONS]\n"
    "  tapedeck latency --venue VENUE --symbols A,B... [OPTIONS]\n"
    "\n"
    "DESCRIPTION\n"
    "  Follows the books of one venue over a WebSocket and, at the same time, by asking for them every so often, "
    "each\n"
    "  in a process of its own, and says how late each way learns of what happened and what it costs.\n"
    "\n"
    "  age on arrival  from the venue's stamp of a book or update to its arrival. The venue's clock is measured "
    "(its\n"
    "                  offset and how well it is known are told) and taken out, the same for all channels.\n"
    "  known after     from the stamp of every update to the arrival of the first message that holds it: what a\n"
    "                  strategy waits for. By polling that includes the time until the next question.\n"
    "  round trip      from asking to the answer, of requests; needs no clock but ours.\n"
    "\n"
    "  CPU is user and system time of the channel's process, all its threads; 100 % is one core. Memory is what is\n"
    "  resident at the end. Traffic is what TCP carried, TLS included. docs/latency-live.md says more.\n"
    "\n"
    "OPTIONS\n"
    "  -V, --venue VENUE     binance-usdm, binance-spot or upbit\n"
    "  -S, --symbols LIST    its symbols, 16 at most: BTCUSDT,ETHUSDT\n"
    "      --streams LIST    of the WebSocket: book, partial, trades, ...; default: book\n"
    "  -p, --poll LIST       intervals of the REST channels (default 100ms,500ms; at most 8), or none\n"
    "      --levels N        of the books that are polled (default: those of the config, or 20)\n"
    "      --rest URL        where requests go, in place of the venue's address\n"
    "      --stream URL      where WebSockets are opened, in place of the venue's address\n"
    "      --ca-file FILE    certificates to trust in place of the system's\n"
    "  -s, --set KEY=VALUE   put VALUE in the place of what the config says\n"
    "  -d, --duration TIME   how long it is measured (default 60s)\n"
    "  -q, --quiet           no line on the terminal\n"
    "  -j, --json            one JSON object\n"
    "\n"
    "EXIT STATUS\n"
    "  0    measured\n"
    "  2    wrong command line\n"
    "  3    the config is wrong\n"
    "  5    a channel has no book after 30 s, or the venue could not be asked for its rules\n"
    "  130  ended by Ctrl-C; what was measured till then is printed\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck latency --venue binance-usdm --symbols BTCUSDT --duration 10m\n"
    "  tapedeck latency live.yaml --poll 250ms,1s,5s --json\n";

struct latency {
    struct link_flags flags;
    struct option_list sets;
    const char *polls;
    int64_t levels;
    ns_t duration;
    bool quiet, json, shown;
    struct run_config *config;
    struct instrument *instruments;
    uint16_t instrument_count;
    struct latency_shared *shared;
    uint32_t channel_count;
    pid_t pids[LATENCY_CHANNELS_MAX]; /* 0: not started, or over */
    ns_t first_offset;
    struct latency_state state;
    struct err_text why;
};

static ns_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (ns_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* ---- what is to be measured ---- */

static err_t read_polls(struct latency *latency)
{
    const char *at = latency->polls;
    latency->channel_count = 1;
    if (strcmp(at, "none") == 0)
        return ERR_OK;
    while (*at != '\0') {
        const size_t size = strcspn(at, ",");
        ns_t poll;
        if (value_duration(at, size, &poll) != ERR_OK || poll <= 0)
            return err_say(&latency->why, ERR_USAGE, "--poll: expected times like 100ms,500ms, or none, got '%.*s'",
                           (int)size, at);
        if (latency->channel_count == LATENCY_CHANNELS_MAX)
            return err_say(&latency->why, ERR_USAGE, "--poll: at most %d intervals", LATENCY_CHANNELS_MAX - 1);
        latency->shared->channels[latency->channel_count++].poll = poll;
        at += size;
        at += *at == ',';
    }
    return ERR_OK;
}

static err_t load(struct latency *latency, int argc, char **argv)
{
    const struct config_options options = {.sets = &latency->sets, .recording = true};
    if (latency->flags.venue != NULL && latency->flags.streams == NULL)
        latency->flags.streams = "book";
    err_t err = link_flags_config(&latency->flags, argc, argv, &options, &latency->config, &latency->why);
    if (err != ERR_OK)
        return err;
    struct config_feed *feed = &latency->config->feed;
    if (feed->link_count != 1)
        return run_config_error(latency->config, "feed.live", &latency->why,
                                "one venue at a time is measured; there are %u", feed->link_count);
    if (latency->levels > 0)
        feed->links[0].levels = (uint32_t)latency->levels;
    for (uint32_t i = 0; i < latency->channel_count && err == ERR_OK; i++) {
        feed->links[0].poll = latency->shared->channels[i].poll;
        err = links_check(latency->config, &latency->why);
    }
    return err;
}

static err_t ask_rules(struct latency *latency)
{
    err_t err = links_rules(latency->config, &latency->instruments, &latency->instrument_count, &latency->why);
    if (err == ERR_OK && latency->instrument_count > LATENCY_SYMBOLS_MAX)
        err = run_config_error(latency->config, "feed.live[0].symbols", &latency->why,
                               "at most %d symbols are measured; there are %u", LATENCY_SYMBOLS_MAX,
                               latency->instrument_count);
    return err;
}

/* ---- the channels ---- */

static uint32_t phase_of(const struct latency *latency)
{
    return __atomic_load_n(&latency->shared->phase, __ATOMIC_ACQUIRE);
}

static void set_phase(struct latency *latency, enum latency_phase phase)
{
    __atomic_store_n(&latency->shared->phase, phase, __ATOMIC_RELEASE);
}

static err_t start(struct latency *latency)
{
    const pid_t parent = getpid();
    (void)fflush(NULL);
    for (uint32_t i = 0; i < latency->channel_count; i++) {
        const pid_t pid = fork();
        if (pid < 0)
            return err_say(&latency->why, ERR_NOMEM, "no process for a channel could be started: %s",
                           strerror(errno));
        if (pid > 0) {
            latency->pids[i] = pid;
            continue;
        }
        /* No orphans: nobody would tell them that it is over. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
            _exit(EXIT_CODE_INTERNAL);
        latency_channel_run(latency->shared, i, latency->config, latency->instruments, latency->instrument_count);
        _exit(EXIT_CODE_OK);
    }
    return ERR_OK;
}

/* The best of the channels' estimates of the venue's clock, for all. */
static void choose_clock(struct latency *latency)
{
    latency->state.samples = 0;
    for (uint32_t i = 0; i < latency->channel_count; i++) {
        const struct latency_channel *channel = &latency->shared->channels[i];
        const uint64_t samples = __atomic_load_n(&channel->samples, __ATOMIC_ACQUIRE);
        const ns_t uncertainty = __atomic_load_n(&channel->uncertainty, __ATOMIC_RELAXED);
        if (samples == 0 || (latency->state.samples > 0 && uncertainty >= latency->state.uncertainty))
            continue;
        latency->state.samples = samples;
        latency->state.uncertainty = uncertainty;
        latency->state.offset = __atomic_load_n(&channel->offset, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&latency->shared->offset, latency->state.offset, __ATOMIC_RELAXED);
}

static bool all_ready(const struct latency *latency)
{
    for (uint32_t i = 0; i < latency->channel_count; i++)
        if (__atomic_load_n(&latency->shared->channels[i].ready, __ATOMIC_ACQUIRE) == 0)
            return false;
    return true;
}

static void show(const struct latency *latency, const char *what, ns_t since)
{
    char name[LATENCY_NAME];
    if (!latency->shown)
        return;
    fprintf(stderr, "\r\033[K%s %lld s", what, (long long)(since / NS_PER_S));
    for (uint32_t i = 0; i < latency->channel_count; i++) {
        const struct latency_channel *channel = &latency->shared->channels[i];
        fprintf(stderr, "  %s %llu", latency_name(channel, name),
                (unsigned long long)__atomic_load_n(&channel->seen, __ATOMIC_RELAXED));
    }
}

/* A channel that ended by itself is an error, its own or one that it could not tell. */
static err_t reap(struct latency *latency)
{
    char name[LATENCY_NAME];
    for (uint32_t i = 0; i < latency->channel_count; i++) {
        const struct latency_channel *channel = &latency->shared->channels[i];
        int status;
        if (latency->pids[i] == 0 || waitpid(latency->pids[i], &status, WNOHANG) != latency->pids[i])
            continue;
        latency->pids[i] = 0;
        latency_name(channel, name);
        if (channel->err != ERR_OK)
            return err_say(&latency->why, channel->err, "%s: %s", name, channel->why.text);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_CODE_OK || phase_of(latency) != LATENCY_OVER)
            return err_say(&latency->why, ERR_IO, "%s: its process ended", name);
    }
    return ERR_OK;
}

static void pause_a_little(void)
{
    const struct timespec pause = {.tv_nsec = LOOK_EVERY};
    (void)nanosleep(&pause, NULL);
}

static err_t wait_for_books(struct latency *latency)
{
    const ns_t began = now_ns();
    err_t err = ERR_OK;
    while (err == ERR_OK && stop_signal() == 0 && !all_ready(latency) && now_ns() - began < WARM_MAX) {
        pause_a_little();
        show(latency, "waiting for books", now_ns() - began);
        err = reap(latency);
    }
    return err;
}

static err_t measure(struct latency *latency)
{
    const ns_t began = now_ns();
    choose_clock(latency);
    latency->first_offset = latency->state.offset;
    set_phase(latency, LATENCY_MEASURING);
    err_t err = ERR_OK;
    while (err == ERR_OK && stop_signal() == 0 && now_ns() - began < latency->duration) {
        pause_a_little();
        choose_clock(latency);
        show(latency, "measuring", now_ns() - began);
        err = reap(latency);
    }
    latency->state.drift = latency->state.offset - latency->first_offset;
    return err;
}

static bool any_left(const struct latency *latency)
{
    for (uint32_t i = 0; i < latency->channel_count; i++)
        if (latency->pids[i] != 0)
            return true;
    return false;
}

static err_t end(struct latency *latency, err_t err)
{
    set_phase(latency, LATENCY_OVER);
    const ns_t began = now_ns();
    while (any_left(latency) && now_ns() - began < END_MAX) {
        const err_t reaped = reap(latency);
        err = err == ERR_OK ? reaped : err;
        if (any_left(latency))
            pause_a_little();
    }
    for (uint32_t i = 0; i < latency->channel_count; i++) {
        if (latency->pids[i] == 0)
            continue;
        (void)kill(latency->pids[i], SIGKILL);
        (void)waitpid(latency->pids[i], NULL, 0);
        if (err == ERR_OK)
            err = err_say(&latency->why, ERR_IO, "a channel did not end when it was told to");
    }
    if (latency->shown)
        fputs("\r\033[K", stderr);
    return err;
}

static err_t not_ready(struct latency *latency)
{
    char name[LATENCY_NAME];
    for (uint32_t i = 0; i < latency->channel_count; i++) {
        const struct latency_channel *channel = &latency->shared->channels[i];
        if (channel->ready != 0)
            continue;
        const char *said = channel->result.said.text;
        return err_say(&latency->why, ERR_IO, "%s: no book after %lld s%s%s", latency_name(channel, name),
                       (long long)(WARM_MAX / NS_PER_S), said[0] != '\0' ? ": " : "", said);
    }
    return ERR_OK;
}

static err_t run(struct latency *latency)
{
    err_t err = ask_rules(latency);
    if (err != ERR_OK)
        return err;
    stop_signal_catch();
    err = start(latency);
    if (err == ERR_OK)
        err = wait_for_books(latency);
    const bool measured = err == ERR_OK && stop_signal() == 0 && all_ready(latency);
    if (measured)
        err = measure(latency);
    err = end(latency, err);
    if (err != ERR_OK)
        return err;
    if (!measured)
        return stop_signal() != 0 ? ERR_INTERRUPTED : not_ready(latency);
    latency->state.shared = latency->shared;
    latency->state.channel_count = latency->channel_count;
    latency->state.venue = links_venue(&latency->config->feed.links[0]);
    latency->state.symbols = latency->config->feed.links[0].symbols;
    if (latency->json)
        err = latency_report_json(&latency->state);
    else
        latency_report(&latency->state);
    return err == ERR_OK && stop_signal() != 0 ? ERR_INTERRUPTED : err;
}

int verb_latency(int argc, char **argv)
{
    struct latency latency = {.polls = "100ms,500ms", .duration = 60 * NS_PER_S};
    const struct option_spec specs[] = {
        {.name = "venue", .letter = 'V', .type = OPTION_TEXT, .target = &latency.flags.venue, .value = "VENUE"},
        {.name = "symbols", .letter = 'S', .type = OPTION_TEXT, .target = &latency.flags.symbols, .value = "LIST"},
        {.name = "streams", .type = OPTION_TEXT, .target = &latency.flags.streams, .value = "LIST"},
        {.name = "poll", .letter = 'p', .type = OPTION_TEXT, .target = &latency.polls, .value = "LIST"},
        {.name = "levels", .type = OPTION_INT, .target = &latency.levels, .minimum = 1, .maximum = 1000},
        {.name = "rest", .type = OPTION_TEXT, .target = &latency.flags.rest, .value = "URL"},
        {.name = "stream", .type = OPTION_TEXT, .target = &latency.flags.stream, .value = "URL"},
        {.name = "ca-file", .type = OPTION_TEXT, .target = &latency.flags.ca_file, .value = "FILE"},
        {.name = "set", .letter = 's', .type = OPTION_LIST, .target = &latency.sets, .value = "KEY=VALUE"},
        {.name = "duration", .letter = 'd', .type = OPTION_DURATION, .target = &latency.duration},
        {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .target = &latency.quiet},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &latency.json},
    };
    latency.shared = mmap(NULL, sizeof(*latency.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    err_t err = latency.shared == MAP_FAILED ? err_say(&latency.why, ERR_NOMEM, "out of memory")
                                             : options_parse(specs, ARRAY_LEN(specs), &argc, argv, &latency.why);
    if (err == ERR_OK && latency.duration <= 0)
        err = err_say(&latency.why, ERR_USAGE, "--duration: expected more than zero");
    latency.shown = !latency.quiet && isatty(STDERR_FILENO);
    if (err == ERR_OK)
        err = read_polls(&latency);
    if (err == ERR_OK)
        err = load(&latency, argc, argv);
    if (err == ERR_OK)
        err = run(&latency);
    free(latency.instruments);
    run_config_free(latency.config);
    option_list_free(&latency.sets);
    if (latency.shared != MAP_FAILED)
        (void)munmap(latency.shared, sizeof(*latency.shared));
    if (err == ERR_INTERRUPTED)
        return stop_signal_exit_code();
    return err == ERR_OK ? EXIT_CODE_OK : exit_with("latency", &latency.why);
}
