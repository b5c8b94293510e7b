#include "cli/exit_code.h"
#include "cli/mock_market.h"
#include "cli/mock_say.h"
#include "cli/options.h"
#include "cli/stop_signal.h"
#include "cli/values.h"
#include "cli/verbs.h"

#include "sim/wire/shell/mock_crypto.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char verb_mock_help[] =
    "NAME\n"
    "  tapedeck mock - play a market as an exchange that clients connect to\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck mock --venue VENUE --tape FILE... [--speed N|max] [--listen HOST:PORT] [OPTIONS]\n"
    "  tapedeck mock --venue VENUE --synth WORDS [OPTIONS]\n"
    "\n"
    "DESCRIPTION\n"
    "  Serves tapes, or a made market, behind the venue's own REST and WebSocket protocols over TLS, to any number "
    "of\n"
    "  clients: order books that follow the venue's rules of synchronisation, with the venue's ids; trades, best\n"
    "  prices, candles, tickers; limits, error bodies and headers as the venue has them. The diffs of a tape come "
    "out\n"
    "  one for one on the fastest depth stream, so a client's book can be compared with the tape's at every "
    "message.\n"
    "\n"
    "  On first use it makes a certificate authority for tests and a certificate of it (localhost, 127.0.0.1, ::1).\n"
    "  Clients must be told to trust that authority: its file is printed with the endpoints, and with the lines "
    "that\n"
    "  a run's config needs to listen here.\n"
    "\n"
    "OPTIONS\n"
    "      --venue VENUE        binance-usdm, binance-coinm, binance-spot or upbit\n"
    "  -t, --tape FILE...       what happened; several tapes are one market\n"
    "      --synth WORDS        a made market without end instead: seed=1,instruments=1,rate=2400,volatility=30,\n"
    "                           diff-interval=100ms,bbo (each may be left out)\n"
    "      --speed N            times the recorded pace, 1 by default, or max: as fast as clients read\n"
    "      --rate N             depth frames a second, for measuring: a stretch of a made market again and again\n"
    "      --listen HOST:PORT   an address of this machine (default 127.0.0.1:8443; port 0: any free one)\n"
    "      --from TIME          begin there, with whole books\n"
    "      --to TIME            end there\n"
    "      --loop               when the tapes end, begin again; times and ids go on\n"
    "      --hold N             the market begins when N WebSockets are open and one has subscribed (default 0; "
    "with\n"
    "                           --speed max 1)\n"
    "      --stamps tape|wall   times in messages are the tape's (default), or the moment of sending\n"
    "      --frames binary|text Upbit: data come in binary frames (default), or in text ones\n"
    "      --fault NAME=VALUE   something goes wrong on purpose; see FAULTS; may be given often\n"
    "  -s, --seed N             of the faults (default 1)\n"
    "      --no-limits          nobody is refused for asking too much\n"
    "      --clients N          connections at once (default 256)\n"
    "      --out-max SIZE       a client for which so much waits is cut off (default 16M)\n"
    "      --ping-interval TIME instead of the venue's\n"
    "      --http-idle TIME     HTTP connections that say nothing are ended after so long (default 75s)\n"
    "      --state DIR          where certificates are kept (default: $XDG_STATE_HOME/tapedeck/mock, or\n"
    "                           ~/.local/state/tapedeck/mock)\n"
    "      --duration TIME      stop after so much wall time\n"
    "      --exit-at-end        stop when the market has ended and all was read\n"
    "      --ready-json         when it listens, print one line of JSON instead of text\n"
    "  -q, --quiet              no progress line\n"
    "  -j, --json               print the summary as JSON, one line\n"
    "\n"
    "FAULTS\n"
    "  Rates are 5%, 0.1% or 250ppm; times 30s, 2m.\n"
#define FAULT_HELP(name, type, text) "  " #name "\n      " text "\n"
    WIRE_FAULT_MAP(FAULT_HELP)
#undef FAULT_HELP
        "\n"
        "EXIT STATUS\n"
        "  0    done: the market or the duration ended\n"
        "  2    wrong command line\n"
        "  4    a tape that is damaged\n"
        "  5    cannot listen there, or the certificates could not be written\n"
        "  130  interrupted\n"
        "\n"
        "EXAMPLES\n"
        "  tapedeck mock --venue binance-usdm --tape btcusdt.tape --speed 10\n"
        "  tapedeck mock --venue upbit --tape krw.tape --fault drop=0.1% --fault half_open_after=30s\n"
        "  tapedeck mock --venue binance-usdm --rate 50000 --listen 127.0.0.1:0 --ready-json\n"
        "  curl --cacert ~/.local/state/tapedeck/mock/ca.pem "
        "'https://localhost:8443/fapi/v1/depth?symbol=BTCUSDT&limit=5'\n";

struct mock_run {
    struct mock_config config;
    struct option_list tapes, faults;
    const char *venue, *synth, *speed, *listen, *state;
    char host[256];
    char state_made[MOCK_PATH_MAX];
    ns_t from, to, duration;
    bool loop, exit_at_end, ready_json, quiet, json, hold_given, stamps_given;
    struct mock_files files;
    struct mock_market *market;
    struct mock_server *server;
};

/* ---- the command line ---- */

static err_t bad(struct err_text *why, const char *option, const char *value, const char *expected)
{
    return err_say(why, ERR_USAGE, "--%s %s: expected %s", option, value, expected);
}

static err_t read_speed(struct mock_run *run, struct err_text *why)
{
    const char *text = run->speed;
    uint64_t speed = 0;
    if (strcmp(text, "max") == 0) {
        run->config.pace = MOCK_MAX;
        return ERR_OK;
    }
    /* Up to three decimals: 0.5 is half as fast. */
    size_t size = strlen(text), decimals = 0;
    if (size > 0 && text[size - 1] == 'x')
        size--;
    bool point = false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '.' && !point && i > 0) {
            point = true;
            continue;
        }
        if (text[i] < '0' || text[i] > '9' || decimals == 3 || speed > 1000000000)
            return bad(why, "speed", text, "a number of times like 1, 10 or 0.5, or max");
        decimals += point;
        speed = speed * 10 + (uint64_t)(text[i] - '0');
    }
    run->config.num = speed;
    run->config.den = decimals == 0 ? 1 : decimals == 1 ? 10 : decimals == 2 ? 100 : 1000;
    return speed > 0 ? ERR_OK : bad(why, "speed", text, "more than 0, or max");
}

static err_t read_listen(struct mock_run *run, struct err_text *why)
{
    const char *colon = strrchr(run->listen, ':');
    char *end;
    if (colon == NULL || colon == run->listen || (size_t)(colon - run->listen) >= sizeof(run->host))
        return bad(why, "listen", run->listen, "HOST:PORT, like 127.0.0.1:8443");
    const long port = strtol(colon + 1, &end, 10);
    if (*end != '\0' || end == colon + 1 || port < 0 || port > 65535)
        return bad(why, "listen", run->listen, "a port of 0 to 65535 behind the colon");
    memcpy(run->host, run->listen, (size_t)(colon - run->listen));
    run->config.port = (int)port;
    run->config.address = run->host;
    return ERR_OK;
}

/* "5%", "0.1%", "250ppm", "0" */
static err_t read_rate(const char *text, size_t size, int64_t *ppm)
{
    const bool percent = size > 1 && text[size - 1] == '%', parts = size > 3 && strcmp(text + size - 3, "ppm") == 0;
    if (percent)
        return decimal_parse(text, size - 1, 4, ROUND_EXACT, ppm);
    if (parts)
        return decimal_parse(text, size - 3, 0, ROUND_EXACT, ppm);
    return strcmp(text, "0") == 0 ? (*ppm = 0, ERR_OK) : ERR_SYNTAX;
}

enum fault_type { FAULT_RATE, FAULT_SIGNED_RATE, FAULT_TIME, FAULT_SIGNED_TIME };
static const struct {
    const char *name;
    enum fault_type type;
    size_t offset;
} faults[] = {
#define FAULT_ROW(name, type, text) {#name, FAULT_##type, offsetof(struct wire_faults, name)},
    WIRE_FAULT_MAP(FAULT_ROW)
#undef FAULT_ROW
};

static err_t read_fault(struct wire_faults *into, const char *text, struct err_text *why)
{
    const size_t name_size = strcspn(text, "=");
    const char *value = text + name_size + (text[name_size] == '=');
    const size_t size = strlen(value);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        if (strlen(faults[i].name) != name_size || memcmp(faults[i].name, text, name_size) != 0)
            continue;
        char *at = (char *)into + faults[i].offset;
        int64_t number;
        if (faults[i].type == FAULT_RATE || faults[i].type == FAULT_SIGNED_RATE) {
            if (read_rate(value, size, &number) != ERR_OK || number > 1000000 || number < -500000 ||
                (number < 0 && faults[i].type == FAULT_RATE))
                return bad(why, "fault", text, "a rate from 0% to 100%, like drop=0.1% or drop=250ppm");
            const int32_t rate = (int32_t)number;
            memcpy(at, &rate, sizeof(rate));
        } else {
            ns_t time;
            if (value_duration(value, size, &time) != ERR_OK || (time < 0 && faults[i].type == FAULT_TIME))
                return bad(why, "fault", text, "a time, like slow_time=3s");
            memcpy(at, &time, sizeof(time));
        }
        return ERR_OK;
    }
    return err_say(why, ERR_USAGE, "--fault %s: no such fault; 'tapedeck mock --help' lists them", text);
}

static err_t read_options(struct mock_run *run, int argc, char **argv, struct err_text *why)
{
    int64_t seed = 1, clients = 256, rate = 0, hold = 0;
    ns_t idle = 75 * NS_PER_S;
    uint64_t out_max = 16u << 20;
    int stamps = 0, frames = 0;
    bool rate_given = false;
    const struct option_spec specs[] = {
        {.name = "venue", .type = OPTION_TEXT, .target = &run->venue, .value = "VENUE"},
        {.name = "tape", .letter = 't', .type = OPTION_WORDS, .target = &run->tapes, .value = "FILE"},
        {.name = "synth", .type = OPTION_TEXT, .target = &run->synth, .value = "WORDS"},
        {.name = "speed", .type = OPTION_TEXT, .target = &run->speed, .value = "N"},
        {.name = "rate",
         .type = OPTION_INT,
         .target = &rate,
         .minimum = 1,
         .maximum = 10000000,
         .given = &rate_given},
        {.name = "listen", .type = OPTION_TEXT, .target = &run->listen, .value = "HOST:PORT"},
        {.name = "from", .type = OPTION_TIME, .target = &run->from},
        {.name = "to", .type = OPTION_TIME, .target = &run->to},
        {.name = "loop", .type = OPTION_FLAG, .target = &run->loop},
        {.name = "hold",
         .type = OPTION_INT,
         .target = &hold,
         .minimum = 0,
         .maximum = 65536,
         .given = &run->hold_given},
        {.name = "stamps",
         .type = OPTION_CHOICE,
         .target = &stamps,
         .choices = "tape|wall",
         .given = &run->stamps_given},
        {.name = "frames", .type = OPTION_CHOICE, .target = &frames, .choices = "binary|text"},
        {.name = "fault", .type = OPTION_LIST, .target = &run->faults, .value = "NAME=VALUE"},
        {.name = "seed", .letter = 's', .type = OPTION_INT, .target = &seed, .maximum = INT64_MAX},
        {.name = "no-limits", .type = OPTION_FLAG, .target = &run->config.wire.no_limits},
        {.name = "clients", .type = OPTION_INT, .target = &clients, .minimum = 1, .maximum = 65536},
        {.name = "out-max", .type = OPTION_SIZE, .target = &out_max},
        {.name = "ping-interval", .type = OPTION_DURATION, .target = &run->config.wire.ping_interval},
        {.name = "http-idle", .type = OPTION_DURATION, .target = &idle},
        {.name = "state", .type = OPTION_TEXT, .target = &run->state, .value = "DIR"},
        {.name = "duration", .letter = 'd', .type = OPTION_DURATION, .target = &run->duration},
        {.name = "exit-at-end", .type = OPTION_FLAG, .target = &run->exit_at_end},
        {.name = "ready-json", .type = OPTION_FLAG, .target = &run->ready_json},
        {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .target = &run->quiet},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &run->json},
    };
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 0, 0, "", why);
    if (err != ERR_OK)
        return err;
    struct mock_config *config = &run->config;
    const int sources = (run->tapes.count > 0) + (run->synth != NULL) + rate_given;
    if (run->venue == NULL || wire_venue_parse(run->venue, &config->wire.venue) != ERR_OK)
        return bad(why, "venue", run->venue != NULL ? run->venue : "is missing",
                   "binance-usdm, binance-coinm, binance-spot or upbit");
    if (sources != 1)
        return err_say(why, ERR_USAGE, "give one of --tape, --synth and --rate: what is to be played");
    if (rate_given && run->speed != NULL)
        return err_say(why, ERR_USAGE, "--rate and --speed are two paces; give one");
    if (run->from >= run->to)
        return err_say(why, ERR_USAGE, "--from must be before --to");
    if (out_max < 65536 || out_max > (UINT64_C(1) << 32))
        return err_say(why, ERR_USAGE, "--out-max is 64K to 4G");
    if (config->wire.ping_interval < 0 || run->duration < 0)
        return err_say(why, ERR_USAGE, "times below 0 have no meaning here");
    if (idle < NS_PER_S || idle > 86400 * NS_PER_S)
        return err_say(why, ERR_USAGE, "--http-idle is 1s to 1d");
    config->idle = (int)(idle / NS_PER_S);
    config->wire.seed = (uint64_t)seed;
    config->wire.text_frames = frames == 1;
    config->wire.client_max = (uint32_t)clients;
    config->out_max = out_max;
    config->rate = (uint32_t)rate;
    config->num = config->den = 1;
    config->wall_stamps = run->stamps_given ? stamps == 1 : rate_given;
    err = run->speed != NULL ? read_speed(run, why) : ERR_OK;
    if (rate_given)
        config->pace = MOCK_RATE;
    config->hold = run->hold_given ? (uint32_t)hold : config->pace == MOCK_MAX;
    if (err == ERR_OK)
        err = read_listen(run, why);
    for (size_t i = 0; i < run->faults.count && err == ERR_OK; i++)
        err = read_fault(&config->wire.faults, run->faults.items[i], why);
    return err;
}

/* ---- the market ---- */

/* "seed=7,instruments=4,bbo" */
static err_t read_synth(const char *text, struct synth_config *config, struct err_text *why)
{
    for (const char *at = text; *at != '\0';) {
        const size_t size = strcspn(at, ","), name = strcspn(at, "=,");
        const char *value = at + name + 1;
        const size_t value_size = size > name ? size - name - 1 : 0;
        int64_t number = -1;
        ns_t time = -1;
        if (value_size > 0 && decimal_parse(value, value_size, 0, ROUND_EXACT, &number) != ERR_OK)
            number = -1;
        if (value_size > 0 && value_duration(value, value_size, &time) != ERR_OK)
            time = -1;
#define NAMED(word) (name == strlen(word) && memcmp(at, word, name) == 0)
        bool known = true;
        if (NAMED("seed") && number >= 0)
            config->seed = (uint64_t)number;
        else if (NAMED("instruments") && number > 0 && number <= SYNTH_INSTRUMENTS_MAX)
            config->instrument_count = (uint32_t)number;
        else if (NAMED("rate") && number > 0 && number <= 1000000)
            config->actions_per_s = (uint32_t)number;
        else if (NAMED("volatility") && number >= 0 && number <= 1000)
            config->volatility_ppm = (uint32_t)number;
        else if (NAMED("diff-interval") && time >= 0)
            config->diff_interval_ns = time;
        else if (NAMED("bbo") && value_size == 0)
            config->bbo = true;
        else
            known = false;
#undef NAMED
        if (!known)
            return err_say(
                why, ERR_USAGE,
                "--synth: '%.*s': expected seed=N, instruments=1..%d, rate=1..1000000, volatility=0..1000, "
                "diff-interval=TIME or bbo",
                (int)size, at, SYNTH_INSTRUMENTS_MAX);
        at += size;
        at += *at == ',';
    }
    return ERR_OK;
}

static err_t open_market(struct mock_run *run, struct err_text *why)
{
    struct synth_config synth;
    synth_config_default(&synth);
    synth.duration_ns = 0;
    synth.contract = run->config.wire.venue == WIRE_BINANCE_USDM ? CONTRACT_LINEAR : CONTRACT_SPOT;
    err_t err = run->synth != NULL ? read_synth(run->synth, &synth, why) : ERR_OK;
    if (err != ERR_OK)
        return err;
    err = run->tapes.count > 0 ? mock_market_tapes(&run->market, &run->tapes, run->from, run->to, run->loop, why)
          : run->synth != NULL ? mock_market_synth(&run->market, &synth, why)
                               : mock_market_load(&run->market, &synth, why);
    if (err == ERR_OK && run->config.wire.venue == WIRE_UPBIT)
        mock_market_upbit_names(run->market);
    return err;
}

/* ---- certificates ---- */

static err_t make_directory(const char *path, struct err_text *why)
{
    char part[MOCK_PATH_MAX];
    if (strlen(path) >= sizeof(part))
        return err_say(why, ERR_RANGE, "%s: the path is too long", path);
    for (size_t i = 1; i <= strlen(path); i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return err_say(why, ERR_IO, "%s: the directory could not be made: %s", part, strerror(errno));
    }
    return ERR_OK;
}

static err_t open_certificates(struct mock_run *run, struct err_text *why)
{
    const char *state = run->state, *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state == NULL) {
        if (xdg != NULL && xdg[0] == '/')
            snprintf(run->state_made, sizeof(run->state_made), "%s/tapedeck/mock", xdg);
        else if (home != NULL && home[0] == '/')
            snprintf(run->state_made, sizeof(run->state_made), "%s/.local/state/tapedeck/mock", home);
        else
            return err_say(why, ERR_USAGE, "no place for certificates: HOME is not set; give --state DIR");
        state = run->state_made;
    }
    err_t err = make_directory(state, why);
    if (err == ERR_OK)
        err = mock_crypto_files(state, &run->files, why);
    run->config.cert = run->files.cert;
    run->config.key = run->files.key;
    return err;
}

/* ---- serving ---- */

static err_t say_place(const struct mock_run *run)
{
    char symbols[1024];
    size_t at = 0;
    uint16_t count;
    const struct instrument *instruments = mock_market_instruments(run->market, &count);
    symbols[0] = '\0';
    for (uint16_t i = 0; i < count && at + SYMBOL_SIZE + 2 < sizeof(symbols); i++)
        at += (size_t)snprintf(symbols + at, sizeof(symbols) - at, "%s%s", i > 0 ? "," : "", instruments[i].symbol);
    const struct mock_place place = {.venue = run->config.wire.venue,
                                     .host = strcmp(run->host, "0.0.0.0") == 0 ? "127.0.0.1" : run->host,
                                     .port = mock_server_port(run->server),
                                     .ca = run->files.ca,
                                     .symbols = symbols};
    if (run->ready_json)
        return mock_say_place_json(&place);
    mock_say_place(&place);
    return ERR_OK;
}

static err_t serve(struct mock_run *run, ns_t *elapsed, struct mock_stats *stats, struct err_text *why)
{
    const bool shown = !run->quiet && isatty(STDERR_FILENO);
    const ns_t start = mock_server_now();
    ns_t shown_at = start;
    err_t err = ERR_OK;
    while (err == ERR_OK && stop_signal() == 0) {
        const ns_t now = mock_server_now();
        if (run->duration != 0 && now - start >= run->duration)
            break;
        if (shown && now - shown_at >= NS_PER_S / 4) {
            mock_server_stats(run->server, stats);
            mock_say_progress(stats);
            shown_at = now;
        }
        if (run->exit_at_end) {
            mock_server_stats(run->server, stats);
            if (stats->ended && stats->waiting == 0)
                break;
        }
        err = mock_server_step(run->server, 100 * NS_PER_MS, why);
    }
    if (shown)
        fputs("\r\033[K", stderr);
    *elapsed = mock_server_now() - start;
    mock_server_stats(run->server, stats);
    return err;
}

static err_t mock(struct mock_run *run, int argc, char **argv, struct err_text *why)
{
    struct mock_stats stats;
    ns_t elapsed;
    err_t err = read_options(run, argc, argv, why);
    if (err == ERR_OK)
        err = open_market(run, why);
    if (err == ERR_OK)
        err = open_certificates(run, why);
    if (err != ERR_OK)
        return err;
    run->config.wire.instruments = mock_market_instruments(run->market, &run->config.wire.instrument_count);
    const struct mock_source source = mock_market_source(run->market);
    err = mock_server_open(&run->server, &run->config, &source, why);
    if (err == ERR_OK)
        err = say_place(run);
    if (err != ERR_OK)
        return err;
    stop_signal_catch();
    err = serve(run, &elapsed, &stats, why);
    if (err == ERR_OK && run->json)
        err = mock_say_stats_json(&stats, elapsed);
    else if (err == ERR_OK)
        mock_say_stats(&stats, elapsed);
    return err;
}

int verb_mock(int argc, char **argv)
{
    struct mock_run *run = calloc(1, sizeof(*run));
    struct err_text why = {0};
    if (run == NULL) {
        (void)err_say(&why, ERR_NOMEM, "out of memory");
        return exit_with("mock", &why);
    }
    run->listen = "127.0.0.1:8443";
    run->to = NS_MAX;
    const err_t err = mock(run, argc, argv, &why);
    mock_server_close(run->server);
    mock_market_close(run->market);
    option_list_free(&run->tapes);
    option_list_free(&run->faults);
    free(run);
    if (err != ERR_OK) {
        if (why.code == ERR_OK)
            (void)err_say(&why, err, "%s", err_words(err));
        return exit_with("mock", &why);
    }
    return stop_signal() != 0 ? stop_signal_exit_code() : EXIT_CODE_OK;
}
