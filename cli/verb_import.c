#include "cli/exit_code.h"
#include "cli/import_report.h"
#include "cli/import_venue.h"
#include "cli/json_out.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "cli/version.h"
#include "data/capture_reader.h"

#include <signal.h>
#include <string.h>

const char verb_import_help[] =
    "NAME\n"
    "  tapedeck import - turn recorded venue frames into a tape\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck import FILE... -o OUT.tape [OPTIONS]\n"
    "  tapedeck import FILE... [OPTIONS]           check the capture, write nothing\n"
    "  tapedeck import --forms                     list the forms of captures that are read\n"
    "\n"
    "DESCRIPTION\n"
    "  Reads captures, plain or gzipped, runs the venue's market-data code over them (the same code that live\n"
    "  sessions run) and writes the events to a tape. Several files are one capture: files that follow each\n"
    "  other are read one after the other, files that overlap are merged by stamp. All must be of one venue.\n"
    "\n"
    "  Form and venue are told from the files. The forms are:\n"
    "    stamped     <local stamp> <json> a line; the stamp in ns, us, ms or seconds; combined-stream wrapper\n"
    "                or bare frames; REST depth answers in between\n"
    "    cryptofeed  <seconds>: <json or b'...'> a line, with lines for connections and HTTP answers; give the\n"
    "                ws and the http files together\n"
    "    dlasota     CSV of the Binance Data Processor, a row a level or a trade\n"
    "\n"
    "  Books follow the venue's own rule (spot U/u, futures pu, Upbit whole books). Where the chain of updates\n"
    "  breaks, a GAP goes on the tape and the book waits for the next snapshot. Prices and quantities are kept\n"
    "  exactly: decimals, tick and lot are learnt from the data, and when a later line needs more, the import\n"
    "  begins again with more. A line that cannot be used is counted and listed with its reason; the import goes\n"
    "  on. A row of a CSV that cannot be read takes its whole message with it.\n"
    "\n"
    "  The summary tells what is to be known of the data. 'late stamps' counts venue stamps that fall within one\n"
    "  stream, 'across' those that fall from one stream to the next (normal). 'ticker compared' counts the\n"
    "  bookTickers with the update id of a diff that was applied: price and size of both sides must be those of\n"
    "  the book after that diff, else they are 'wrong'. 'clock' is the least (local - venue) of all messages: below zero\n"
    "  the local clock was behind for certain.\n"
    "\n"
    "OPTIONS\n"
    "  -o, --out FILE             the tape to write; an existing one is replaced\n"
    "      --no-clobber           fail when the tape exists\n"
    "  -f, --form FORM            do not guess the form: stamped, cryptofeed, dlasota\n"
    "  -v, --venue VENUE          do not guess the venue: binance-spot, binance-usdm, binance-coinm, upbit\n"
    "  -s, --symbol SYMBOL        only this symbol, as the venue writes it; may be given several times\n"
    "      --assets SYM=BASE/QUOTE  currencies of a symbol that does not tell them; may be given several times\n"
    "  -c, --clock-offset MODE    none (default): stamps stay as they are, the offset is reported\n"
    "                             constant: shift all stamps, so that the least latency is the base latency\n"
    "                             drift: the same along a line under all latencies (lower convex hull)\n"
    "                             Both do nothing when no message came before it was sent.\n"
    "      --base-latency TIME    what the least latency becomes (default 1ms)\n"
    "      --no-bbo               compare bookTickers, but do not write them\n"
    "      --silence TIME         count silences longer than this (default 30s)\n"
    "      --block-levels N       levels a block of the tape, 64 to 65536 (default 32768)\n"
    "      --zstd-level N         compression, 1 to 19 (default 4)\n"
    "      --flush TIME           end a block after so much event time (default: by size only)\n"
    "      --scan SIZE            text to look at before the import (default 4M); more saves a new beginning when\n"
    "                             decimals or symbols appear late\n"
    "  -j, --json                 the summary as JSON\n"
    "  -q, --quiet                no progress line\n"
    "\n"
    "JSON\n"
    "  instruments[]: instrument, venue, contract, base, quote, price_decimals, qty_decimals, tick, lot, messages\n"
    "  (events on the tape), messages_by_kind (events seen), levels (in book messages), trades, diffs_seen,\n"
    "  diffs_applied, diffs_old (already in the snapshot), diffs_waiting (no snapshot came), diffs_dropped,\n"
    "  snapshots, snapshots_old, gaps, crossed, bbo_compared, bbo_wrong, best_bid and best_ask {price, qty} as\n"
    "  decimal text (null: that side is empty), book_deletes_absent, book_levels_refused, clock_offset_ns\n"
    "  (null: no stamps), stamps_backwards, stamps_backwards_across, duplicates, silences, silence_longest_ns,\n"
    "  silences_listed[], first_ts, last_ts, dropped_lines. Then totals, clock, files[], dropped[] (file, line,\n"
    "  lines, reason; the first 20), damage, restarts, tape, tape_bytes, tape_blocks, venue.\n"
    "\n"
    "EXIT STATUS\n"
    "  0    done; dropped lines, gaps and the like are in the summary\n"
    "  2    wrong command line\n"
    "  4    a file is in no known form, empty, without one usable frame, or damaged (gzip cut short or broken: what\n"
    "       comes before the damage is imported)\n"
    "  5    a file cannot be read or written\n"
    "  6    no space left on the device; the tape holds the blocks written before\n"
    "  7    out of memory\n"
    "  130  interrupted; the tape is closed and holds what was read until then\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck import usdm__btcusdt_20240808.gz -o btc.tape\n"
    "  tapedeck import btc_20240808.gz btc_20240809.gz -o btc.tape --clock-offset drift --json\n"
    "  tapedeck import BINANCE.ws.1.0.gz BINANCE.http.0.0.gz -o binance.tape\n";

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

/* The first Ctrl-C ends the import in good order, the second one at once. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void print_forms(void)
{
    struct table *table = table_new("lw", "form", "what it looks like");
    for (uint32_t i = 0; capture_form_name(i) != NULL; i++) {
        table_cell(table, "%s", capture_form_name(i));
        table_cell(table, "%s", capture_form_summary(i));
    }
    table_print(table, stdout);
}

static err_t check_assets(const struct import_options *options, struct err_text *why)
{
    for (uint32_t i = 0; i < options->asset_count; i++) {
        const char *equals = strchr(options->assets[i], '=');
        const char *slash = equals != NULL ? strchr(equals, '/') : NULL;
        if (slash == NULL || equals == options->assets[i] || slash == equals + 1 || slash[1] == '\0')
            return err_say(why, ERR_USAGE, "--assets %s: expected SYMBOL=BASE/QUOTE, such as NKNUSDT=NKN/USDT",
                           options->assets[i]);
    }
    return ERR_OK;
}

static int report(const struct import_options *options, const struct import_result *result, bool json,
                  uint64_t elapsed_ns, err_t err, struct err_text *why)
{
    if (json) {
        struct err_text printed = {0};
        printed.code = json_print(stdout, import_report_json(options, result), false);
        if (printed.code != ERR_OK && err == ERR_OK) {
            err = printed.code;
            err_say(why, err, "cannot print the summary: %s", err_words(err));
        }
    } else {
        import_report_print(options, result, elapsed_ns);
    }
    return err == ERR_OK ? EXIT_CODE_OK : exit_with("import", why);
}

static int run(struct import_options *options, bool json)
{
    struct import_result result;
    struct err_text why = {0};
    struct progress clock;
    catch_signals();
    progress_begin(&clock, "import", "frames", false);
    err_t err = import_run(options, &result, &why);
    if (!import_has_result(&result))
        return exit_with("import", &why);
    int code = report(options, &result, json, progress_elapsed(&clock), err, &why);
    import_result_free(&result);
    return code;
}

int verb_import(int argc, char **argv)
{
    struct import_options options = {.interrupted = &interrupted};
    struct option_list symbols = {0}, assets = {0};
    bool json = false, quiet = false, forms = false;
    int clock = IMPORT_CLOCK_NONE;
    int64_t block_levels = 0, zstd_level = 0;
    const struct option_spec specs[] = {
        {"out", 'o', OPTION_TEXT, &options.out, .value = "FILE"},
        {"no-clobber", 0, OPTION_FLAG, &options.exclusive, .value = NULL},
        {"form", 'f', OPTION_TEXT, &options.form, .value = "FORM"},
        {"forms", 0, OPTION_FLAG, &forms, .value = NULL},
        {"venue", 'v', OPTION_TEXT, &options.venue, .value = "VENUE"},
        {"symbol", 's', OPTION_LIST, &symbols, .value = "SYMBOL"},
        {"assets", 0, OPTION_LIST, &assets, .value = "SYMBOL=BASE/QUOTE"},
        {"clock-offset", 'c', OPTION_CHOICE, &clock, .value = "MODE", .choices = "none|constant|drift"},
        {"base-latency", 0, OPTION_DURATION, &options.base_latency, .value = "TIME", .minimum = 1,
         .maximum = NS_PER_S * 60},
        {"no-bbo", 0, OPTION_FLAG, &options.no_bbo, .value = NULL},
        {"silence", 0, OPTION_DURATION, &options.silence, .value = "TIME", .minimum = 1, .maximum = NS_MAX},
        {"block-levels", 0, OPTION_INT, &block_levels, .value = "N", .minimum = 64, .maximum = 65536},
        {"zstd-level", 0, OPTION_INT, &zstd_level, .value = "N", .minimum = 1, .maximum = 19},
        {"flush", 0, OPTION_DURATION, &options.flush_ns, .value = "TIME", .minimum = 1, .maximum = NS_MAX},
        {"scan", 0, OPTION_SIZE, &options.scan_bytes, .value = "SIZE", .minimum = 1, .maximum = INT64_MAX},
        {"json", 'j', OPTION_FLAG, &json, .value = NULL},
        {"quiet", 'q', OPTION_FLAG, &quiet, .value = NULL},
    };
    struct err_text why = {0};
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
    if (err == ERR_OK && forms) {
        print_forms();
        return EXIT_CODE_OK;
    }
    if (err == ERR_OK)
        err = options_operands(argc, argv, 1, INT32_MAX, "FILE...", &why);
    options.files = (const char *const *)(argv + 1);
    options.file_count = (uint32_t)(argc - 1);
    options.symbols = symbols.items;
    options.symbol_count = (uint32_t)symbols.count;
    options.assets = assets.items;
    options.asset_count = (uint32_t)assets.count;
    options.clock = (enum import_clock)clock;
    options.block_levels = (uint32_t)block_levels;
    options.zstd_level = (int)zstd_level;
    options.progress = !quiet;
    char created_by[64];
    snprintf(created_by, sizeof(created_by), "tapedeck %s", cli_version());
    options.created_by = created_by;
    if (err == ERR_OK && options.venue != NULL && import_family_of(options.venue) == NULL)
        err = err_say(&why, ERR_USAGE, "no venue is called '%s'; there are: %s", options.venue, import_venue_names());
    if (err == ERR_OK)
        err = check_assets(&options, &why);
    int code = err == ERR_OK ? run(&options, json) : exit_with("import", &why);
    option_list_free(&symbols);
    option_list_free(&assets);
    return code;
}
