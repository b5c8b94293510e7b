#include "adapters/shell/live_source.h"
#include "cli/ctl_server.h"
#include "cli/exit_code.h"
#include "cli/json_out.h"
#include "cli/link_flags.h"
#include "cli/links_up.h"
#include "cli/options.h"
#include "cli/record_report.h"
#include "cli/record_tapes.h"
#include "cli/session_door.h"
#include "cli/stop_signal.h"
#include "cli/values.h"
#include "cli/verbs.h"
#include "cli/version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char verb_record_help[] =
    "NAME\n"
    "  tapedeck record - write down what venues send, as it happens\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck record CONFIG [--set KEY=VALUE]... --out DIR [OPTIONS]\n"
    "  tapedeck record --venue VENUE --symbols A,B... [--streams S,T...] --out DIR [OPTIONS]\n"
    "\n"
    "DESCRIPTION\n"
    "  Listens to the venues of feed.live in CONFIG (or to the one of the command line) and writes two tapes: what\n"
    "  came over the wire, byte for byte, and the market events in it. At midnight (UTC) new ones begin; the "
    "market's\n"
    "  begins with the books as they are. Names say when a tape begins; nothing is written over.\n"
    "\n"
    "  Connections that break come back by themselves, with a GAP on the tape for what may be missing. Ctrl-C ends\n"
    "  the recording in good order. After kill -9 the tapes hold everything but the last second ('tapedeck tape\n"
    "  repair' gives them their index). What a market tape lost then is in the raw tape ('tapedeck tape "
    "normalise').\n"
    "\n"
    "  While it runs, a line on the terminal says how it goes; at the end a table says what the data are worth.\n"
    "\n"
    "OPTIONS\n"
    "  -o, --out DIR         where the tapes go; made if it is not there\n"
    "  -V, --venue VENUE     binance-usdm, binance-spot or upbit\n"
    "  -S, --symbols LIST    its symbols: BTCUSDT,ETHUSDT\n"
    "      --streams LIST    book, partial, trades, bbo, mark, candles, ticker; default: book,trades\n"
    "      --rest URL        where requests go, in place of the venue's address\n"
    "      --stream URL      where WebSockets are opened, in place of the venue's address\n"
    "      --ca-file FILE    certificates to trust in place of the system's\n"
    "  -s, --set KEY=VALUE   put VALUE in the place of what the config says\n"
    "  -d, --duration TIME   stop after so long: 10m, 24h\n"
    "      --no-raw          do not keep what came over the wire\n"
    "      --no-market       keep nothing but that\n"
    "      --one-pair        no new tapes at midnight\n"
    "  -q, --quiet           no line on the terminal\n"
    "  -j, --json            print the summary as JSON\n"
    "\n"
    "EXIT STATUS\n"
    "  0    --duration is over, or 'tapedeck ctl DIR stop'\n"
    "  2    wrong command line\n"
    "  3    the config is wrong\n"
    "  5    a venue could not be asked for its rules, or a file could not be written\n"
    "  6    no space left on the device\n"
    "  130  ended by Ctrl-C (143: terminated); the tapes are whole\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck record --venue binance-usdm --symbols BTCUSDT,ETHUSDT --out tapes\n"
    "  tapedeck record live.yaml --out tapes --duration 24h\n";

struct record {
    struct record_options options;
    struct link_flags flags;
    ns_t duration;
    bool quiet, json;
    struct run_config *config;
    struct instrument *instruments;
    uint16_t instrument_count;
    struct live_io *io;
    struct live_source live;
    char source[200], created[80]; /* for headers, also of tomorrow's tapes */
    char *session;
    struct wire_feed *wire;
    struct record_tapes tapes;
    bool tapes_open;
    struct ctl_server *ctl; /* NULL: none */
    struct record_report report;
    struct err_text why;
};

/* ---- the config ---- */

static err_t load_config(struct record *record, int argc, char **argv, const struct option_list *sets)
{
    const struct config_options options = {.sets = sets, .recording = true};
    if (record->options.dir == NULL)
        return err_say(&record->why, ERR_USAGE, "--out DIR is missing: where do the tapes go?");
    if (record->options.no_raw && record->options.no_market)
        return err_say(&record->why, ERR_USAGE, "--no-raw and --no-market: then there is nothing to write");
    return link_flags_config(&record->flags, argc, argv, &options, &record->config, &record->why);
}

/* ---- opening ---- */

static err_t make_dir(const char *dir, struct err_text *why)
{
    if (mkdir(dir, 0777) == 0 || errno == EEXIST)
        return ERR_OK;
    return err_say(why, errno == ENOSPC ? ERR_NOSPACE : ERR_IO, "%s: %s", dir, strerror(errno));
}

static err_t open_session(struct record *record)
{
    struct err_text *why = &record->why;
    const struct config_session *session = &record->config->session;
    const struct live_io_options io = {.ca_file = session->ca_file,
                                       .proxy = session->proxy,
                                       .ring_bytes = session->ring,
                                       .one_thread = session->io == SESSION_IO_INLINE,
                                       .spin = session->spin,
                                       .tick = session->tick};
    err_t err = live_io_open(&record->io, &io, why);
    if (err != ERR_OK)
        return err;
    live_source_init(&record->live, record->io);
    snprintf(record->source, sizeof(record->source), "live: %s", links_venue(&record->config->feed.links[0]));
    snprintf(record->created, sizeof(record->created), "tapedeck %s", cli_version());
    record->options.source = record->source;
    record->options.created_by = record->created;
    record->options.session = record->session = links_text(record->config);
    if (record->session == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    err = record_tapes_open(&record->tapes, &record->options, record->instruments, record->instrument_count,
                            &record->live.source, live_io_now(record->io), why);
    if (err != ERR_OK)
        return err;
    record->tapes_open = true;
    struct wire_source *tee = record_tapes_source(&record->tapes);
    const struct wire_feed_config config = {.source = tee != NULL ? tee : &record->live.source,
                                            .wire = live_io_wire(record->io),
                                            .instruments = record->instruments,
                                            .instrument_count = record->instrument_count,
                                            .link_count = (uint16_t)record->config->feed.link_count};
    err = wire_feed_open(&record->wire, &config, why);
    return err == ERR_OK
               ? links_open(record->config, record->instruments, record->instrument_count, record->wire, why)
               : err;
}

/* A recording without a socket is a recording: what is in the way is said. */
static void open_door(struct record *record)
{
    char path[4096];
    struct err_text why = {0};
    const int used = snprintf(path, sizeof(path), "%s/" SESSION_SOCKET, record->options.dir);
    const struct ctl_options options = {.path = path, .recording = true, .io = record->io};
    if (used < 0 || (size_t)used >= sizeof(path))
        return;
    if (ctl_server_open(&record->ctl, &options, &why) != ERR_OK)
        fprintf(stderr, "tapedeck record: 'tapedeck ctl' cannot speak to this recording: %s\n", why.text);
}

/* ---- the loop ---- */

static err_t write_batch(struct record *record, const struct event_batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        const err_t err = record_tapes_event(&record->tapes, &batch->events[i]);
        if (err != ERR_OK)
            return err_say(&record->why, err, "%s", record->tapes.why.text);
    }
    return ERR_OK;
}

static void show(struct record *record, ns_t now)
{
    struct record_state state = {
        .io = record->io, .wire = record->wire, .tapes = &record->tapes, .config = record->config, .now = now};
    record_report_line(&record->report, &state);
    if (record->ctl == NULL)
        return;
    json_t *status = record_report_json(&record->report, &state);
    char *text = json_dumps(status, JSON_COMPACT);
    if (text != NULL)
        ctl_server_say(record->ctl, text);
    free(text);
    json_decref(status);
}

static err_t run_loop(struct record *record)
{
    struct feed *feed = wire_feed_lane(record->wire);
    const ns_t began = live_io_now(record->io);
    const ns_t end = record->duration > 0 ? began + record->duration : NS_MAX;
    ns_t next_look = began + NS_PER_S;
    err_t err = ERR_OK;
    record_report_begin(&record->report, began, !record->quiet && isatty(STDERR_FILENO));
    while (err == ERR_OK && stop_signal() == 0) {
        struct event_batch batch;
        err = feed->ops->next(feed, &batch);
        if (err == ERR_OK) {
            err = write_batch(record, &batch);
            feed->ops->release(feed, batch.handle);
        } else if (err == ERR_END) { /* the operator's stop */
            err = ERR_OK;
            break;
        } else if (err == ERR_AGAIN) {
            err = wire_feed_wait(record->wire, next_look < end ? next_look : end, &record->why);
        } else {
            /* the tape could not take an input: the disk did not follow */
            err = err_say(&record->why, err == ERR_FULL ? ERR_IO : err, "%s", feed->why.text);
        }
        const ns_t now = live_io_now(record->io);
        if (now < next_look && now < end)
            continue;
        if (err == ERR_OK)
            err = record_tapes_flush(&record->tapes);
        if (err == ERR_OK)
            show(record, now);
        next_look = now + NS_PER_S;
        if (now >= end)
            break;
    }
    record_report_end(&record->report);
    if (err == ERR_OK && stop_signal() != 0)
        return ERR_INTERRUPTED;
    return err;
}

static err_t record_all(struct record *record)
{
    err_t err = make_dir(record->options.dir, &record->why);
    if (err == ERR_OK)
        err = links_check(record->config, &record->why);
    if (err == ERR_OK)
        err = links_rules(record->config, &record->instruments, &record->instrument_count, &record->why);
    if (err == ERR_OK)
        err = open_session(record);
    if (err != ERR_OK)
        return err;
    open_door(record);
    err = run_loop(record);
    struct err_text unheard = {0};
    const bool well = err == ERR_OK || err == ERR_INTERRUPTED;
    const err_t closed = record_tapes_close(&record->tapes, well ? &record->why : &unheard);
    struct record_state state = {.io = record->io,
                                 .wire = record->wire,
                                 .tapes = &record->tapes,
                                 .config = record->config,
                                 .now = live_io_now(record->io)};
    record_report_print(&record->report, &state, record->json);
    return well && closed != ERR_OK ? closed : err;
}

static void close_all(struct record *record)
{
    ctl_server_close(record->ctl);
    if (record->wire != NULL) {
        struct feed *feed = wire_feed_lane(record->wire);
        feed->ops->close(feed);
    }
    if (record->tapes_open)
        record_tapes_free(&record->tapes);
    live_io_close(record->io);
    free(record->session);
    free(record->instruments);
    run_config_free(record->config);
}

int verb_record(int argc, char **argv)
{
    struct record record = {0};
    struct option_list sets = {0};
    const char *duration = NULL;
    const struct option_spec specs[] = {
        {.name = "out", .letter = 'o', .type = OPTION_TEXT, .target = &record.options.dir, .value = "DIR"},
        {.name = "venue", .letter = 'V', .type = OPTION_TEXT, .target = &record.flags.venue, .value = "VENUE"},
        {.name = "symbols", .letter = 'S', .type = OPTION_TEXT, .target = &record.flags.symbols, .value = "LIST"},
        {.name = "streams", .type = OPTION_TEXT, .target = &record.flags.streams, .value = "LIST"},
        {.name = "rest", .type = OPTION_TEXT, .target = &record.flags.rest, .value = "URL"},
        {.name = "stream", .type = OPTION_TEXT, .target = &record.flags.stream, .value = "URL"},
        {.name = "ca-file", .type = OPTION_TEXT, .target = &record.flags.ca_file, .value = "FILE"},
        {.name = "set", .letter = 's', .type = OPTION_LIST, .target = &sets, .value = "KEY=VALUE"},
        {.name = "duration", .letter = 'd', .type = OPTION_TEXT, .target = &duration, .value = "TIME"},
        {.name = "no-raw", .type = OPTION_FLAG, .target = &record.options.no_raw},
        {.name = "no-market", .type = OPTION_FLAG, .target = &record.options.no_market},
        {.name = "one-pair", .type = OPTION_FLAG, .target = &record.options.one_pair},
        {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .target = &record.quiet},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &record.json},
    };
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &record.why);
    if (err == ERR_OK && duration != NULL &&
        (value_duration(duration, strlen(duration), &record.duration) != ERR_OK || record.duration <= 0))
        err = err_say(&record.why, ERR_USAGE, "--duration: expected %s above zero, got '%s'", value_duration_expected,
                      duration);
    if (err == ERR_OK)
        err = load_config(&record, argc, argv, &sets);
    if (err == ERR_OK) {
        stop_signal_catch();
        err = record_all(&record);
    }
    close_all(&record);
    option_list_free(&sets);
    if (err == ERR_INTERRUPTED)
        return stop_signal_exit_code();
    return err == ERR_OK ? EXIT_CODE_OK : exit_with("record", &record.why);
}
