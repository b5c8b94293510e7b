/* import_run.h: recorded frames become a tape.
 *
 *   capture reader ─► venue's market machine ─► events ─┬─► tape writer
 *     (data/)            (adapters/)                    ├─► quality of each instrument (data/quality.h)
 *                                                       └─► clock offset (data/one_way_offset.h)
 *
 * The machine is the one that live sessions run. It needs the decimals of each symbol before its first
 * frame, and a tape names its instruments in its header, so the beginning of every file is looked at first.
 * When a later frame needs more (a symbol, a decimal, a finer tick), everything is looked at and the import
 * begins again: nothing is rounded, no level is lost. Correcting the clock takes a pass of its own before
 * the tape is written, since the correction must be known at the first event.
 *
 * Stamps on the tape never fall: a frame whose stamp lies before the one of the frame before it takes that
 * one, and is counted. Lines that cannot be used are counted, the first ones listed with their reasons.
 */
#ifndef TAPEDECK_CLI_IMPORT_RUN_H
#define TAPEDECK_CLI_IMPORT_RUN_H

#include "adapters/market.h"
#include "data/quality.h"
#include "data/tape_writer.h"

#include <signal.h>

enum import_clock { IMPORT_CLOCK_NONE, IMPORT_CLOCK_CONSTANT, IMPORT_CLOCK_DRIFT };

#define IMPORT_BASE_LATENCY_DEFAULT NS_PER_MS
#define IMPORT_SILENCE_DEFAULT      (30 * NS_PER_S)
#define IMPORT_SCAN_BYTES_DEFAULT   (1u << 20)
#define IMPORT_LISTED               20 /* dropped lines that are listed; all are counted */

struct import_options {
    const char *const *files;
    uint32_t file_count;
    const char *out;   /* NULL: no tape, only the summary */
    const char *form;  /* NULL: looked up in each file */
    const char *venue; /* NULL: looked up in the frames */
    const char *const *symbols;
    uint32_t symbol_count;     /* 0: all */
    const char *const *assets; /* "SYMBOL=BASE/QUOTE" */
    uint32_t asset_count;
    enum import_clock clock;
    ns_t base_latency; /* 0: the default */
    ns_t silence;      /* 0: the default */
    bool no_bbo;       /* best bid and offer are compared, but not written */
    bool exclusive;    /* do not replace an existing tape */
    uint32_t block_levels;
    int zstd_level;
    ns_t flush_ns;
    uint64_t scan_bytes;                      /* looked at before the import, of all files together; 0: the default */
    bool progress;                            /* a line on the terminal */
    const volatile sig_atomic_t *interrupted; /* NULL: never */
    const char *created_by;
};

struct import_instrument {
    struct instrument instrument;
    struct market_stats stats; /* what the machine counted */
    struct quality quality;    /* its book's levels are gone; touch and counters stay */
    uint64_t messages;         /* events on the tape */
    uint64_t dropped_lines;    /* of them those that are known to be this instrument's */
};

struct import_drop {
    uint32_t file;
    uint64_t line;
    uint32_t line_count;
    char reason[200];
};

struct import_file {
    const char *path;
    const char *form;
    uint64_t lines;
    uint64_t passed_over; /* understood, no market data */
    uint64_t frames;      /* given to the machine */
    uint64_t dropped_lines;
};

struct import_result {
    char venue[NAME_SIZE];
    struct import_instrument *instruments;
    uint16_t instrument_count;
    struct import_file *files;
    uint32_t file_count;
    uint64_t lines, frames;
    uint64_t text_bytes;   /* of the frames */
    uint64_t other_frames; /* of symbols that were not asked for, or of none: answers to requests and the like */
    uint64_t dropped_lines;
    struct import_drop drops[IMPORT_LISTED];
    uint32_t drop_count;          /* listed */
    uint64_t local_backwards;     /* frames stamped before the frame before them */
    ns_t local_backwards_longest; /* how far, at most */
    uint64_t reconnects;
    uint32_t restarts; /* begun again for want of decimals or symbols */
    char restart_reason[200];
    ns_t clock_offset; /* least (local - venue); NS_MAX: no frame had a venue stamp */
    bool clock_corrected;
    ns_t clock_shift_first, clock_shift_last; /* what was added to the first and the last stamp */
    int64_t clock_ppb;                        /* drift that was taken out */
    char clock_words[200];                    /* what was done, for people and for the tape */
    struct err_text damage;                   /* a file that ended in disorder; what came before it was imported */
    struct tape_writer_stats tape;
};

/* Run it. The result is filled and to be freed when this returns ERR_OK, ERR_INTERRUPTED (the tape is closed
 * and holds what was read) or the code of `result->damage`; with any other error there is none, and a tape that
 * was begun holds what was written last (`tapedeck tape check` reads it). */
err_t import_run(const struct import_options *options, struct import_result *result, struct err_text *why) MUST_USE;
/* Is there a result after `err`? */
bool import_has_result(const struct import_result *result);
void import_result_free(struct import_result *result);

#endif
