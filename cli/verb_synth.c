#include "cli/exit_code.h"
#include "cli/json_out.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/values.h"
#include "cli/verbs.h"
#include "cli/version.h"

#include "data/tape_reader.h"
#include "data/tape_writer.h"
#include "feeds/synth_market.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char verb_synth_help[] =
    "NAME\n"
    "  tapedeck synth - write tapes of a market that does not exist\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck synth FILE.tape [--duration TIME] [--seed N] [--instruments N] [--level 2|3|both] [OPTIONS]\n"
    "\n"
    "DESCRIPTION\n"
    "  Simulates an order-driven market from a seed and writes what its venue publishes. Limit, market and cancel\n"
    "  orders arrive in clusters, around a value that moves with changing volatility; the book is kept order by\n"
    "  order. The same seed and options give the same tape, byte for byte, on every machine; any length uses the\n"
    "  same memory. The numbers look like a market and are not fitted to any real one.\n"
    "\n"
    "  Level 2 is what a crypto venue sends: one snapshot, then depth updates with chained update ids, and every\n"
    "  trade. Level 3 has every order with its id. Trades are on both. 'both' writes two tapes of one market: the\n"
    "  level-3 messages up to update id u make the level-2 book after u, so the queue of every level is known.\n"
    "\n"
    "  An earlier synthetic tape of that name is replaced; any other file is not, unless --force says so.\n"
    "\n"
    "OPTIONS\n"
    "  -o, --out FILE           the tape, if not given as the first word; with 'both' the level-2 one\n"
    "      --l3 FILE            with 'both': the level-3 tape (default: FILE.l3.tape)\n"
    "  -s, --seed N             default 1\n"
    "  -d, --duration TIME      simulated time: 30m, 1h, 2d (default 1h)\n"
    "      --hours N            the same in whole hours\n"
    "  -n, --instruments N      SYN1USDT, SYN2USDT ..., up to 256, of eight sorts (default 1)\n"
    "  -l, --level 2|3|both     default 2\n"
    "      --diff-interval TIME depth updates are gathered for so long; 0: one after every action (default 100ms)\n"
    "      --snapshot-interval TIME\n"
    "                           also a snapshot so often; 0: only at the start (default)\n"
    "      --bbo                best bid and offer whenever they change\n"
    "      --start TIME         first instant (default 2024-01-01T00:00:00Z)\n"
    "      --contract linear|spot\n"
    "                           default linear\n"
    "      --latency TIME       from the venue to us, at least (default 5ms)\n"
    "      --latency-jitter TIME\n"
    "                           mean of the exponential part (default 1ms)\n"
    "      --rate N             actions a second and instrument (default 2400)\n"
    "      --volatility PPM     of the value, standard deviation over one second in millionths (default 30)\n"
    "      --block-levels N     levels a block of the tape, 64 to 65536 (default 32768)\n"
    "      --force              replace whatever file is there\n"
    "  -q, --quiet              no progress line\n"
    "  -j, --json               print the summary as JSON\n"
    "\n"
    "EXIT STATUS\n"
    "  0    done\n"
    "  2    wrong command line\n"
    "  5    a file is there already and is not a synthetic tape, or could not be written\n"
    "  6    no space left on the device; the tape is valid as far as it goes\n"
    "  130  interrupted; the tape is whole up to there\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck synth demo.tape\n"
    "  tapedeck synth day.tape --duration 1d --instruments 4 --bbo --seed 7\n"
    "  tapedeck synth truth.tape --level both --duration 10m --diff-interval 0\n";

struct synth_run {
    struct synth_config config;
    const char *out, *l3;
    char *l3_made; /* the name of the level-3 tape when none was given */
    int64_t block_levels;
    bool force, quiet, json;
    void *memory;
    struct synth_market *market;
    struct tape_writer *writers[2]; /* level 2, level 3 */
    struct tape_writer_stats written[2];
    struct digest digest;
    bool interrupted;
    uint64_t elapsed_ns;
};

static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
    stop_signal = number;
}

/* ---- the command line ---- */

static err_t read_options(struct synth_run *run, int argc, char **argv, struct err_text *why)
{
    struct synth_config *config = &run->config;
    int64_t instruments = 1, rate = config->actions_per_s, volatility = config->volatility_ppm, hours = 0, seed = 1;
    int level = 0, contract = 0;
    bool hours_given = false, duration_given = false;
    const struct option_spec specs[] = {
        {.name = "out", .letter = 'o', .type = OPTION_TEXT, .target = &run->out, .value = "FILE"},
        {.name = "l3", .type = OPTION_TEXT, .target = &run->l3, .value = "FILE"},
        {.name = "seed", .letter = 's', .type = OPTION_INT, .target = &seed, .maximum = INT64_MAX},
        {.name = "duration",
         .letter = 'd',
         .type = OPTION_DURATION,
         .target = &config->duration_ns,
         .given = &duration_given},
        {.name = "hours",
         .type = OPTION_INT,
         .target = &hours,
         .minimum = 1,
         .maximum = 876000,
         .given = &hours_given},
        {.name = "instruments",
         .letter = 'n',
         .type = OPTION_INT,
         .target = &instruments,
         .minimum = 1,
         .maximum = SYNTH_INSTRUMENTS_MAX},
        {.name = "level", .letter = 'l', .type = OPTION_CHOICE, .target = &level, .choices = "2|3|both"},
        {.name = "diff-interval", .type = OPTION_DURATION, .target = &config->diff_interval_ns},
        {.name = "snapshot-interval", .type = OPTION_DURATION, .target = &config->snapshot_interval_ns},
        {.name = "bbo", .type = OPTION_FLAG, .target = &config->bbo},
        {.name = "start", .type = OPTION_TIME, .target = &config->start_ts},
        {.name = "contract", .type = OPTION_CHOICE, .target = &contract, .choices = "linear|spot"},
        {.name = "latency", .type = OPTION_DURATION, .target = &config->latency_base_ns},
        {.name = "latency-jitter", .type = OPTION_DURATION, .target = &config->latency_jitter_ns},
        {.name = "rate", .type = OPTION_INT, .target = &rate, .minimum = 1, .maximum = 1000000},
        {.name = "volatility", .type = OPTION_INT, .target = &volatility, .minimum = 0, .maximum = 1000},
        {.name = "block-levels",
         .type = OPTION_INT,
         .target = &run->block_levels,
         .minimum = 64,
         .maximum = 65536},
        {.name = "force", .type = OPTION_FLAG, .target = &run->force},
        {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .target = &run->quiet},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &run->json},
    };
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 0, 1, "FILE.tape", why);
    if (err != ERR_OK)
        return err;
    if (argc == 2 && run->out != NULL)
        return err_say(why, ERR_USAGE, "two names for the tape: '%s' and --out '%s'; give one", argv[1], run->out);
    if (argc == 2)
        run->out = argv[1];
    if (run->out == NULL)
        return err_say(why, ERR_USAGE, "no tape named; say where to write it: tapedeck synth FILE.tape");
    if (hours_given && duration_given)
        return err_say(why, ERR_USAGE, "--hours and --duration are the same thing; give one");
    if (hours_given)
        config->duration_ns = hours * 3600 * NS_PER_S;
    config->seed = (uint64_t)seed;
    config->levels = (enum synth_levels)(level + 1);
    config->contract = contract == 0 ? CONTRACT_LINEAR : CONTRACT_SPOT;
    config->instrument_count = (uint32_t)instruments;
    config->actions_per_s = (uint32_t)rate;
    config->volatility_ppm = (uint32_t)volatility;
    if (config->duration_ns <= 0)
        return err_say(why, ERR_USAGE, "a duration above 0 is needed: a tape cannot be endless");
    if (run->l3 != NULL && config->levels != SYNTH_BOTH)
        return err_say(why, ERR_USAGE, "--l3 names the second tape of --level both; with one tape, use --out");
    err = synth_config_check(config, why);
    return err == ERR_RANGE ? (why->code = ERR_USAGE) : err;
}

/* demo.tape makes demo.l3.tape. */
static err_t name_level3(struct synth_run *run, struct err_text *why)
{
    if (run->config.levels != SYNTH_BOTH)
        return ERR_OK;
    if (run->l3 == NULL) {
        size_t size = strlen(run->out), stem = size;
        if (size > 5 && strcmp(run->out + size - 5, ".tape") == 0)
            stem -= 5;
        run->l3_made = malloc(stem + sizeof(".l3.tape"));
        if (run->l3_made == NULL)
            return err_say(why, ERR_NOMEM, "out of memory");
        memcpy(run->l3_made, run->out, stem);
        memcpy(run->l3_made + stem, ".l3.tape", sizeof(".l3.tape"));
        run->l3 = run->l3_made;
    }
    if (strcmp(run->l3, run->out) == 0)
        return err_say(why, ERR_USAGE, "both tapes would be '%s'; give --l3 another name", run->out);
    return ERR_OK;
}

/* ---- files ---- */

static const char source_prefix[] = "synthetic market";

/* Recordings cannot be made again; a synthetic tape can. */
static err_t may_replace(const struct synth_run *run, const char *path, struct err_text *why)
{
    struct stat status;
    if (run->force || stat(path, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
        return ERR_OK;
    struct tape_reader *reader = NULL;
    bool synthetic = false;
    if (tape_reader_open(&reader, path, NULL, NULL) == ERR_OK) {
        synthetic = strncmp(tape_reader_info(reader)->source, source_prefix, sizeof(source_prefix) - 1) == 0;
        tape_reader_close(reader);
    }
    if (synthetic)
        return ERR_OK;
    return err_say(why, ERR_EXISTS,
                   "%s: the file is there already and is not a synthetic tape; choose another name, or replace it "
                   "with --force",
                   path);
}

static err_t open_tapes(struct synth_run *run, struct err_text *why)
{
    const struct synth_config *config = &run->config;
    char source[256], created_by[64];
    snprintf(source, sizeof(source),
             "%s, seed %" PRIu64 ", rate %" PRIu32 "/s, volatility %" PRIu32 " ppm, diffs %" PRId64
             " ns, latency %" PRId64 "+%" PRId64 " ns",
             source_prefix, config->seed, config->actions_per_s, config->volatility_ppm, config->diff_interval_ns,
             config->latency_base_ns, config->latency_jitter_ns);
    snprintf(created_by, sizeof(created_by), "tapedeck %s", cli_version());
    const struct tape_writer_options options = {
        .block_levels = (uint32_t)run->block_levels, .source = source, .created_by = created_by};
    const char *paths[2] = {config->levels == SYNTH_LEVEL3 ? NULL : run->out,
                            config->levels == SYNTH_LEVEL3 ? run->out : run->l3};
    for (unsigned i = 0; i < 2; i++) {
        if (paths[i] == NULL)
            continue;
        err_t err = may_replace(run, paths[i], why);
        if (err != ERR_OK)
            return err;
    }
    for (unsigned i = 0; i < 2; i++) {
        if (paths[i] == NULL)
            continue;
        err_t err = tape_writer_open(&run->writers[i], paths[i], synth_instruments(run->market),
                                     (uint16_t)config->instrument_count, &options, why);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static err_t write_event(struct synth_run *run, const struct event *event, struct err_text *why)
{
    unsigned levels = synth_kind_levels(event->kind);
    for (unsigned i = 0; i < 2; i++) {
        if (run->writers[i] == NULL || !(levels & 1u << i))
            continue;
        err_t err = tape_writer_add(run->writers[i], event);
        if (err != ERR_OK) {
            const struct err_text *words = tape_writer_why(run->writers[i]);
            return err_say(why, err, "%s", words->code != ERR_OK ? words->text : err_words(err));
        }
    }
    return ERR_OK;
}

static err_t write_all(struct synth_run *run, struct err_text *why)
{
    const struct synth_config *config = &run->config;
    struct feed *feed = synth_feed(run->market);
    struct event_batch batch;
    struct progress progress;
    err_t err;
    progress_begin(&progress, "synth", "levels", !run->quiet);
    while ((err = feed->ops->next(feed, &batch)) == ERR_OK) {
        for (uint32_t i = 0; i < batch.count && err == ERR_OK; i++) {
            synth_digest(&run->digest, &batch.events[i]);
            err = write_event(run, &batch.events[i], why);
        }
        feed->ops->release(feed, batch.handle);
        if (err != ERR_OK)
            break;
        ns_t now = synth_now(run->market);
        progress_update(&progress, (uint64_t)(now - config->start_ts), (uint64_t)config->duration_ns,
                        synth_stats(run->market)->levels, now);
        if (stop_signal != 0) {
            run->interrupted = true;
            break;
        }
    }
    run->elapsed_ns = progress_elapsed(&progress);
    progress_end(&progress);
    return err == ERR_END || run->interrupted ? ERR_OK : err;
}

static err_t close_tapes(struct synth_run *run, struct err_text *why)
{
    err_t first = ERR_OK;
    for (unsigned i = 0; i < 2; i++) {
        if (run->writers[i] == NULL)
            continue;
        err_t err = tape_writer_close(run->writers[i], &run->written[i], why);
        run->writers[i] = NULL;
        first = first == ERR_OK ? err : first;
    }
    return first;
}

/* ---- the summary ---- */

static const char *tape_path(const struct synth_run *run, unsigned i)
{
    return i == 0 || run->config.levels == SYNTH_LEVEL3 ? run->out : run->l3;
}

static err_t print_json(const struct synth_run *run)
{
    const struct synth_config *config = &run->config;
    const struct synth_stats *stats = synth_stats(run->market);
    char digest[DIGEST_TEXT_SIZE];
    digest_text(digest_value(&run->digest), digest);
    json_t *root = json_object(), *tapes = json_array(), *names = json_array();
    json_set_u64(root, "seed", config->seed);
    json_set_time(root, "start", config->start_ts);
    json_set_i64(root, "duration_ns", config->duration_ns);
    json_set_bool(root, "interrupted", run->interrupted);
    json_set_u64(root, "messages", stats->messages);
    json_set_u64(root, "levels", stats->levels);
    json_set_u64(root, "trades", stats->trades);
    json_set_u64(root, "snapshots", stats->snapshots);
    json_set_u64(root, "deltas", stats->deltas);
    json_set_u64(root, "bbos", stats->bbos);
    json_set_u64(root, "level3", stats->level3);
    json_set_u64(root, "orders_added", stats->added);
    json_set_u64(root, "orders_cancelled", stats->cancelled);
    json_set_u64(root, "orders_modified", stats->modified);
    json_set_u64(root, "executions", stats->executed);
    json_set_u64(root, "bytes", run->written[0].bytes + run->written[1].bytes);
    json_set_text(root, "digest", digest);
    for (uint32_t i = 0; i < config->instrument_count; i++)
        json_array_append_new(names, json_string(synth_instruments(run->market)[i].symbol));
    json_set(root, "instruments", names);
    for (unsigned i = 0; i < 2; i++) {
        if (run->written[i].bytes == 0)
            continue;
        json_t *tape = json_object();
        json_set_text(tape, "file", tape_path(run, i));
        json_set_u64(tape, "level", i + 2);
        json_set_u64(tape, "messages", run->written[i].messages);
        json_set_u64(tape, "levels", run->written[i].levels);
        json_set_u64(tape, "blocks", run->written[i].blocks);
        json_set_u64(tape, "bytes", run->written[i].bytes);
        json_array_append_new(tapes, tape);
    }
    json_set(root, "tapes", tapes);
    json_set_u64(root, "elapsed_ns", run->elapsed_ns);
    return json_print(stdout, root, false);
}

static void print_table(const struct synth_run *run)
{
    const struct synth_stats *stats = synth_stats(run->market);
    char digest[DIGEST_TEXT_SIZE], span[VALUE_TEXT_SIZE], size[VALUE_TEXT_SIZE], count[3][VALUE_TEXT_SIZE];
    digest_text(digest_value(&run->digest), digest);
    struct table *table = table_new("lrrrr", "tape", "messages", "levels", "bytes", "");
    for (unsigned i = 0; i < 2; i++) {
        if (run->written[i].bytes == 0)
            continue;
        table_cell(table, "%s", tape_path(run, i));
        table_cell(table, "%s", value_count_text(run->written[i].messages, count[0]));
        table_cell(table, "%s", value_count_text(run->written[i].levels, count[1]));
        table_cell(table, "%s", value_count_text(run->written[i].bytes, count[2]));
        table_cell(table, "%s", value_size_text(run->written[i].bytes, size));
    }
    table_print(table, stdout);
    ns_t passed = run->interrupted ? synth_now(run->market) - run->config.start_ts : run->config.duration_ns;
    if (run->interrupted)
        printf("interrupted: the tapes end early, and are whole\n");
    printf("%s of market, %" PRIu32 " instrument%s, %s trades; made in %" PRIu64 ".%02" PRIu64 " s\n",
           value_span_text(passed, span), run->config.instrument_count, run->config.instrument_count == 1 ? "" : "s",
           value_count_text(stats->trades, count[0]), run->elapsed_ns / 1000000000, run->elapsed_ns / 10000000 % 100);
    printf("seed %" PRIu64 "  digest %s\n", run->config.seed, digest);
}

static err_t run_all(struct synth_run *run, struct err_text *why)
{
    size_t size = (synth_market_size(&run->config) + 63) & ~(size_t)63;
    run->memory = aligned_alloc(64, size);
    if (run->memory == NULL)
        return err_say(why, ERR_NOMEM, "no memory for %" PRIu32 " instruments (%zu bytes)",
                       run->config.instrument_count, size);
    run->market = synth_market_init(run->memory, &run->config);
    digest_init(&run->digest, 0);
    err_t err = open_tapes(run, why);
    if (err == ERR_OK)
        err = write_all(run, why);
    if (err == ERR_OK)
        err = close_tapes(run, why);
    if (err != ERR_OK)
        return err;
    if (!run->json) {
        print_table(run);
        return ERR_OK;
    }
    err = print_json(run);
    return err == ERR_OK ? ERR_OK : err_say(why, err, "the summary could not be printed: %s", err_words(err));
}

int verb_synth(int argc, char **argv)
{
    struct synth_run run = {0};
    struct err_text why = {0};
    synth_config_default(&run.config);
    err_t err = read_options(&run, argc, argv, &why);
    if (err == ERR_OK)
        err = name_level3(&run, &why);
    struct sigaction action = {.sa_handler = on_signal}, old[2];
    stop_signal = 0;
    sigaction(SIGINT, &action, &old[0]);
    sigaction(SIGTERM, &action, &old[1]);
    if (err == ERR_OK)
        err = run_all(&run, &why);
    sigaction(SIGINT, &old[0], NULL);
    sigaction(SIGTERM, &old[1], NULL);
    for (unsigned i = 0; i < 2; i++)
        if (run.writers[i] != NULL)
            tape_writer_abandon(run.writers[i]);
    free(run.memory);
    free(run.l3_made);
    if (err != ERR_OK)
        return exit_with("synth", &why);
    return !run.interrupted ? EXIT_CODE_OK : stop_signal == SIGTERM ? EXIT_CODE_SIGTERM : EXIT_CODE_SIGINT;
}
