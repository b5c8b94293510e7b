/* verb_bench.c: the figures of bench/, in one table or as JSON. */
#include "bench/bench.h"
#include "cli/bench_live_report.h"
#include "cli/exit_code.h"
#include "cli/json_out.h"
#include "cli/options.h"
#include "cli/stop_signal.h"
#include "cli/table.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* With fewer, a thread for the sockets, the engine's and the server's are in each other's way. */
#define FEW_CPUS 4

const char verb_bench_help[] =
    "NAME\n"
    "    tapedeck bench - measure this program on this machine\n\n"
    "SYNOPSIS\n"
    "    tapedeck bench [--tape FILE] [--capture FILE] [--json] [OPTIONS]\n"
    "    tapedeck bench --live [--rate N] [--duration TIME] [--json] [OPTIONS]\n\n"
    "DESCRIPTION\n"
    "    Repeats a tape until it is long enough (your own with --tape, a synthetic market without), and\n"
    "    measures size, decoding, book building, replay through the engine, the market makers against the\n"
    "    simulated exchange, a merge of 64 instruments, importing, and resident memory. Each figure is the best\n"
    "    of several rounds in CPU time of one thread, beside a reference measured in the same run: machines\n"
    "    are shared and noisy, ratios travel better than absolutes.\n\n"
    "OPTIONS\n"
    "    --tape FILE         the tape to repeat; its first instrument is used\n"
    "    --capture FILE      an unpacked capture for the import figure; without it lines are written from\n"
    "                        the tape\n"
    "    --levels N          repeat the tape to at least N levels (default 20e6)\n"
    "    --diff-events N     make the runs that diff compares of at least N messages (default: those of the tape);\n"
    "                        about 25 bytes a message, twice\n"
    "    --rounds N          rounds of each loop, the best counts (default 3)\n"
    "    --block-levels N    levels a block of the tapes that are made (default 32768)\n"
    "    --dir DIR           where the temporary files go (default: $TMPDIR or /tmp); about 10 bytes a level\n"
    "    --no-memory         leave out the memory figures (they make a tape of 24 hours)\n"
    "    --json              one JSON object\n\n"
    "  With --live a session of mode paper listens to a mock exchange in a process beside it, over TLS:\n"
    "    --rate N            depth frames a second of the latency figure (default 1000)\n"
    "    --duration TIME     how long it is measured (default 10s)\n"
    "    --step TIME         how long each rate of the capacity figure is tried (default 3s; 0s: leave it out)\n"
    "    --io thread|inline  session.io: sockets in a thread of their own, or in the engine's (default on fewer\n"
    "                        than four CPUs)\n"
    "    --spin TIME         session.spin: how long the engine looks for input before it sleeps (default 10ms)\n"
    "    --pin               the engine's thread has the last CPU, server and other threads the rest\n"
    "    --strategy NAME     whose callback is timed (default maker)\n\n"
    "FIGURES\n"
    "    tape_bytes_per_level        depth and trades, ids kept\n"
    "    tape_bytes_per_level_bbo    best bid/offer included; each counts as two levels\n"
    "    decode_levels_per_s         tape to decoded messages; zstd_share is the part spent inside zstd\n"
    "    bare_levels_per_s           tape to book in a bare loop, without an engine\n"
    "    replay_levels_per_s         the same through the engine, strategy noop\n"
    "    maker_levels_per_s          the market maker with latencies and queue positions\n"
    "    grid_levels_per_s           the grid market maker, 10 orders a side, queue model power 2\n"
    "    grid200_levels_per_s        the same with 100 a side, on the same lines; grid200_cost_ratio is how much\n"
    "                                more a level costs than with 10\n"
    "    bracket_levels_per_s        the grid under three queue models in lockstep; bracket_cost is how much more a\n"
    "                                level costs than under one\n"
    "    journal_cost                the market maker's time with a journal against without one; of the engine's\n"
    "                                thread, and of all threads\n"
    "    verify_speed                the speed of verify against that of the run without a journal; the same two\n"
    "    state_at_s_p99              elapsed time of putting the market maker's run to a place of it, from "
    "snapshots:\n"
    "                                the slowest but one of 100 places\n"
    "    diff_s                      elapsed time of `diff --where` for two runs of the market maker whose tapes "
    "differ\n"
    "                                in one trade; diff_checkpoints_read of diff_checkpoints are looked at\n"
    "    replay64_levels_per_s       64 instruments merged from 64 tapes, noop\n"
    "    import_bytes_per_s          text of a capture to a tape\n"
    "    parse_bytes_per_s           book diffs as a venue sends them, through the adapter to events\n"
    "    rss_bytes_1h, rss_bytes_24h peak resident memory of `tapedeck run` on tapes of that length\n\n"
    "FIGURES OF --live\n"
    "    frame_to_callback_ns_p50, frame_to_callback_ns_p99\n"
    "                                last byte of a frame in the I/O thread to the strategy, journal on\n"
    "    ingest_capacity_per_s       frames a second without a drop; ingest_limit says what ended it: the ring was\n"
    "                                full, or the server could not send more\n"
    "    parse_bytes_per_s           frames in memory to events, one core\n"
    "    floor                       the same session with the strategy noop and no journal\n\n"
    "EXIT STATUS\n"
    "    0  measured          2  wrong use          4  the tape is damaged          5, 6  files\n\n"
    "EXAMPLES\n"
    "    tapedeck bench\n"
    "    tapedeck bench --tape btcusdt.tape --json\n"
    "    tapedeck bench --live --json\n"
    "    tapedeck bench --live --rate 50000 --duration 10m --step 0s\n";

struct figures {
    double bytes_per_level, bytes_per_level_bbo, bytes_per_book_level_bbo;
    double decode, zstd_share, bare, import_rate, parse_rate, memcpy_rate;
    struct bench_proof proof;
    struct bench_diff diff;
    double state_at_p99_s;
    struct bench_result replay, maker, grid, grid200, bracket, replay64;
    uint64_t levels;
    uint64_t rss_1h, rss_24h, levels_1h, levels_24h;
};

static err_t measure(const struct bench_options *options, struct figures *figures, struct err_text *why)
{
    struct bench_material *material = malloc(sizeof(*material));
    if (material == NULL)
        return err_say(why, ERR_NOMEM, "no memory for the bench");
    /* Memory first: the kernel counts what a process was before it became `tapedeck run` as its own peak. */
    err_t err = ERR_OK;
    if (options->memory)
        err = bench_memory(options->dir, 3600 * NS_PER_S, &figures->rss_1h, &figures->levels_1h, why);
    if (err == ERR_OK && options->memory)
        err = bench_memory(options->dir, 24 * 3600 * NS_PER_S, &figures->rss_24h, &figures->levels_24h, why);
    if (err == ERR_OK)
        err = bench_material_make(options, material, why);
    if (err != ERR_OK) {
        free(material);
        return err;
    }
    const uint32_t rounds = options->rounds;
    const char *depth[] = {material->depth};
    const char *lanes[BENCH_LANES];
    for (int i = 0; i < BENCH_LANES; i++)
        lanes[i] = material->lanes[i];
    figures->levels = material->levels;
    figures->bytes_per_level = (double)material->depth_bytes / (double)material->levels;
    figures->bytes_per_level_bbo = (double)material->bbo_bytes / (double)material->bbo_levels;
    figures->bytes_per_book_level_bbo = (double)material->bbo_bytes / (double)material->book_trade_levels;
    figures->memcpy_rate = bench_memcpy();
    err = bench_decode(material->depth, rounds, &figures->decode, &figures->zstd_share, why);
    if (err == ERR_OK)
        err = bench_bare(material->depth, rounds, &figures->bare, why);
    if (err == ERR_OK)
        err = bench_run(depth, 1, bench_noop, rounds, &figures->replay, why);
    if (err == ERR_OK)
        err = bench_run(depth, 1, bench_maker, rounds, &figures->maker, why);
    if (err == ERR_OK)
        err = bench_run(depth, 1, bench_grid, rounds, &figures->grid, why);
    if (err == ERR_OK)
        err = bench_run(depth, 1, bench_grid200, rounds, &figures->grid200, why);
    if (err == ERR_OK)
        err = bench_run(depth, 1, bench_bracket, rounds, &figures->bracket, why);
    if (err == ERR_OK)
        err = bench_proof(material->depth, options->dir, rounds, &figures->proof, why);
    if (err == ERR_OK)
        err = bench_diff(material->depth, options->dir, options->diff_events, rounds, &figures->diff, why);
    if (err == ERR_OK)
        err = bench_state(material->depth, options->dir, &figures->state_at_p99_s, why);
    if (err == ERR_OK)
        err = bench_run(lanes, BENCH_LANES, bench_noop, rounds, &figures->replay64, why);
    if (err == ERR_OK)
        err = bench_import(options->capture != NULL ? options->capture : material->capture, options->dir, rounds,
                           &figures->import_rate, why);
    if (err == ERR_OK)
        err = bench_link_parse(options->capture != NULL ? options->capture : material->capture, rounds,
                               &figures->parse_rate, why);
    bench_material_remove(material);
    free(material);
    return err;
}

/* A figure of a run, and what its strategy did meanwhile. */
static void set_run(json_t *root, const char *name, const struct bench_result *result)
{
    char key[64];
    snprintf(key, sizeof(key), "%s_levels_per_s", name);
    json_set(root, key, json_real(result->levels_per_s));
    snprintf(key, sizeof(key), "%s_orders", name);
    json_set_u64(root, key, result->orders);
    snprintf(key, sizeof(key), "%s_fills", name);
    json_set_u64(root, key, result->fills);
    snprintf(key, sizeof(key), "%s_open_mean", name);
    json_set(root, key, json_real(result->open_mean));
}

static err_t print_json(const struct figures *figures, const struct bench_options *options)
{
    json_t *root = json_object();
    json_set_u64(root, "levels", figures->levels);
    json_set(root, "tape_bytes_per_level", json_real(figures->bytes_per_level));
    json_set(root, "tape_bytes_per_level_bbo", json_real(figures->bytes_per_level_bbo));
    json_set(root, "tape_bytes_per_level_bbo_book_and_trades_only", json_real(figures->bytes_per_book_level_bbo));
    json_set(root, "decode_levels_per_s", json_real(figures->decode));
    json_set(root, "zstd_share", json_real(figures->zstd_share));
    json_set(root, "bare_levels_per_s", json_real(figures->bare));
    json_set(root, "replay_levels_per_s", json_real(figures->replay.levels_per_s));
    json_set(root, "replay_cost_ratio", json_real(figures->bare / figures->replay.levels_per_s));
    set_run(root, "maker", &figures->maker);
    set_run(root, "grid", &figures->grid);
    set_run(root, "grid200", &figures->grid200);
    json_set(root, "grid200_cost_ratio", json_real(figures->grid.levels_per_s / figures->grid200.levels_per_s));
    set_run(root, "bracket", &figures->bracket);
    json_set(root, "bracket_cost", json_real(figures->grid.levels_per_s / figures->bracket.levels_per_s));
    json_set(root, "replay64_levels_per_s", json_real(figures->replay64.levels_per_s));
    json_set(root, "journal_cost", json_real(figures->proof.plain.engine / figures->proof.journal.engine));
    json_set(root, "verify_speed", json_real(figures->proof.verify.engine / figures->proof.plain.engine));
    json_set(root, "journal_cost_all_threads", json_real(figures->proof.plain.all / figures->proof.journal.all));
    json_set(root, "verify_speed_all_threads", json_real(figures->proof.verify.all / figures->proof.plain.all));
    json_set_u64(root, "journal_bytes", figures->proof.journal_bytes);
    json_set(root, "state_at_s_p99", json_real(figures->state_at_p99_s));
    json_set(root, "diff_s", json_real(figures->diff.seconds));
    json_set_u64(root, "diff_inputs", figures->diff.inputs);
    json_set_u64(root, "diff_records", figures->diff.records);
    json_set_u64(root, "diff_blocks", figures->diff.blocks);
    json_set_u64(root, "diff_blocks_read", figures->diff.blocks_read);
    json_set_u64(root, "diff_checkpoints", figures->diff.checkpoints);
    json_set_u64(root, "diff_checkpoints_read", figures->diff.checkpoints_read);
    json_set_u64(root, "diff_messages_decoded", figures->diff.messages_decoded);
    json_set(root, "import_bytes_per_s", json_real(figures->import_rate));
    json_set(root, "parse_bytes_per_s", json_real(figures->parse_rate));
    json_set(root, "memcpy_bytes_per_s", json_real(figures->memcpy_rate));
    if (options->memory) {
        json_set_u64(root, "rss_bytes_1h", figures->rss_1h);
        json_set_u64(root, "rss_bytes_24h", figures->rss_24h);
        json_set_u64(root, "rss_levels_1h", figures->levels_1h);
        json_set_u64(root, "rss_levels_24h", figures->levels_24h);
    }
    return json_print(stdout, root, false);
}

static void row(struct table *table, const char *what, double value, const char *unit, const char *against,
                double ratio)
{
    table_cell(table, "%s", what);
    table_cell(table, "%.2f", value);
    table_cell(table, "%s", unit);
    if (against != NULL) {
        table_cell(table, "%.2f", ratio);
        table_cell(table, "%s", against);
    } else {
        table_cell(table, " ");
        table_cell(table, " ");
    }
}

static void print_table(const struct figures *f, const struct bench_options *options)
{
    printf("%llu levels, best of %u rounds, CPU time of one thread; memcpy %.1f GB/s\n\n",
           (unsigned long long)f->levels, options->rounds, f->memcpy_rate * 1e-9);
    struct table *table = table_new("lrlrl", "figure", "value", "unit", "ratio", "against");
    row(table, "tape, depth and trades", f->bytes_per_level, "bytes/level", "16 bytes in memory",
        f->bytes_per_level / 16);
    row(table, "tape, best bid/offer too", f->bytes_per_level_bbo, "bytes/level", "16 bytes in memory",
        f->bytes_per_level_bbo / 16);
    row(table, "the same, a level of depth or trades", f->bytes_per_book_level_bbo, "bytes/level",
        "16 bytes in memory", f->bytes_per_book_level_bbo / 16);
    row(table, "decode", f->decode * 1e-6, "M levels/s", "memcpy of the same levels",
        f->decode * 16 / f->memcpy_rate);
    row(table, "share of it inside zstd", f->zstd_share * 100, "%", NULL, 0);
    row(table, "bare loop to book", f->bare * 1e-6, "M levels/s", "decode", f->bare / f->decode);
    const double replay = f->replay.levels_per_s, maker = f->maker.levels_per_s, grid = f->grid.levels_per_s,
                 grid200 = f->grid200.levels_per_s, replay64 = f->replay64.levels_per_s;
    row(table, "replay, noop", replay * 1e-6, "M levels/s", "bare loop", replay / f->bare);
    row(table, "replay, market maker", maker * 1e-6, "M levels/s", "bare loop", maker / f->bare);
    row(table, "replay, grid of 2 x 10", grid * 1e-6, "M levels/s", "bare loop", grid / f->bare);
    row(table, "replay, grid of 2 x 100", grid200 * 1e-6, "M levels/s", "bare loop", grid200 / f->bare);
    row(table, "  the same", grid200 * 1e-6, "M levels/s", "grid of 2 x 10", grid200 / grid);
    row(table, "  its open orders, mean", f->grid200.open_mean, "orders", "grid of 2 x 10",
        f->grid200.open_mean / f->grid.open_mean);
    row(table, "replay, grid under three queue models", f->bracket.levels_per_s * 1e-6, "M levels/s",
        "grid of 2 x 10", f->bracket.levels_per_s / grid);
    row(table, "market maker with a journal", f->proof.journal.engine * 1e-6, "M levels/s", "without",
        f->proof.journal.engine / f->proof.plain.engine);
    row(table, "verify of it", f->proof.verify.engine * 1e-6, "M levels/s", "without",
        f->proof.verify.engine / f->proof.plain.engine);
    row(table, "diff of two runs, one trade apart", f->diff.seconds * 1e3, "ms", NULL, 0);
    row(table, "  checkpoints looked at", (double)f->diff.checkpoints_read, "checkpoints", "all of a run",
        (double)f->diff.checkpoints_read / (double)f->diff.checkpoints);
    row(table, "state anywhere in the run, 99 %", f->state_at_p99_s * 1e3, "ms", NULL, 0);
    row(table, "replay, 64 instruments", replay64 * 1e-6, "M levels/s", "replay of one", replay64 / replay);
    row(table, "import", f->import_rate * 1e-6, "MB/s", "memcpy", f->import_rate / f->memcpy_rate);
    row(table, "parse", f->parse_rate * 1e-6, "MB/s", "memcpy", f->parse_rate / f->memcpy_rate);
    if (options->memory) {
        row(table, "resident, 1 h tape", (double)f->rss_1h / (1 << 20), "MiB", NULL, 0);
        row(table, "resident, 24 h tape", (double)f->rss_24h / (1 << 20), "MiB", "1 h tape",
            (double)f->rss_24h / (double)f->rss_1h);
    }
    table_print(table, stdout);
}

static err_t measure_live(const struct bench_live_options *options, bool json, struct err_text *why)
{
    static struct bench_live figures; /* histograms: too large for a stack */
    stop_signal_catch();
    const err_t err = bench_live(options, &figures, why);
    if (err != ERR_OK)
        return err;
    if (json)
        return bench_live_print_json(&figures, options);
    bench_live_print(&figures, options);
    return ERR_OK;
}

int verb_bench(int argc, char **argv)
{
    const char *tmp = getenv("TMPDIR");
    struct bench_options options = {.dir = tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp"};
    uint64_t levels = 20000000, diff_events = 0;
    int64_t rounds = 3, block_levels = 0;
    bool json = false, no_memory = false, live = false;
    struct bench_live_options sockets = {
        .duration = 10 * NS_PER_S, .step = 3 * NS_PER_S, .spin = 10 * NS_PER_MS, .strategy = "maker"};
    int64_t rate = 1000;
    int io = sysconf(_SC_NPROCESSORS_ONLN) < FEW_CPUS;
    const struct option_spec specs[] = {
        {.name = "live", .type = OPTION_FLAG, .target = &live},
        {.name = "rate", .type = OPTION_INT, .target = &rate, .value = "N", .minimum = 1, .maximum = 10000000},
        {.name = "duration", .letter = 'd', .type = OPTION_DURATION, .target = &sockets.duration},
        {.name = "step", .type = OPTION_DURATION, .target = &sockets.step},
        {.name = "spin", .type = OPTION_DURATION, .target = &sockets.spin},
        {.name = "io", .type = OPTION_CHOICE, .target = &io, .choices = "thread|inline"},
        {.name = "pin", .type = OPTION_FLAG, .target = &sockets.pin},
        {.name = "strategy", .type = OPTION_TEXT, .target = &sockets.strategy, .value = "NAME"},
        {.name = "tape", .letter = 't', .type = OPTION_TEXT, .target = &options.tape, .value = "FILE"},
        {.name = "capture", .type = OPTION_TEXT, .target = &options.capture, .value = "FILE"},
        {.name = "levels", .type = OPTION_SIZE, .target = &levels, .value = "N"},
        {.name = "rounds", .type = OPTION_INT, .target = &rounds, .value = "N", .minimum = 1, .maximum = 1000},
        {.name = "block-levels",
         .type = OPTION_INT,
         .target = &block_levels,
         .value = "N",
         .minimum = 64,
         .maximum = 65536},
        {.name = "diff-events", .type = OPTION_SIZE, .target = &diff_events, .value = "N"},
        {.name = "dir", .type = OPTION_TEXT, .target = &options.dir, .value = "DIR"},
        {.name = "no-memory", .type = OPTION_FLAG, .target = &no_memory},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &json},
    };
    struct err_text why = {0};
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 0, 0, "", &why);
    options.levels_min = levels;
    options.rounds = (uint32_t)rounds;
    options.block_levels = (uint32_t)block_levels;
    options.diff_events = diff_events;
    options.memory = !no_memory;
    sockets.dir = options.dir;
    sockets.rate = (uint32_t)rate;
    sockets.one_thread = io == 1;
    sockets.rounds = options.rounds;
    if (err == ERR_OK && (sockets.duration <= 0 || sockets.step < 0 || sockets.spin < 0))
        err = err_say(&why, ERR_USAGE, "--duration must be above zero, --step and --spin not below");
    struct figures figures = {0};
    if (err == ERR_OK && live)
        err = measure_live(&sockets, json, &why);
    else if (err == ERR_OK)
        err = measure(&options, &figures, &why);
    if (live)
        ; /* printed */
    else if (err == ERR_OK && json)
        err = print_json(&figures, &options);
    else if (err == ERR_OK)
        print_table(&figures, &options);
    if (err != ERR_OK)
        fprintf(stderr, "tapedeck bench: %s\n", why.text[0] != '\0' ? why.text : err_words(err));
    return exit_code_of(err);
}
