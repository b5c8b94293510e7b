/* import_pass.h: one pass of an import over its files (inside the import only).
 *
 *   record ─► stamp (corrected, never falling) ─► machine ─► event ─► clock, quality, tape
 *          └─► of no use: counted, listed
 *
 * A pass begins with a fresh machine, fresh counters and empty books. It ends with ERR_AGAIN when it met
 * something that the scan had not seen (`trouble` says what): the import then looks at everything and begins
 * again.
 */
#ifndef TAPEDECK_CLI_IMPORT_PASS_H
#define TAPEDECK_CLI_IMPORT_PASS_H

#include "cli/import_run.h"
#include "cli/import_scan.h"
#include "cli/progress.h"
#include "data/one_way_offset.h"

/* Whether a number is a multiple, in one multiplication: n is a multiple of d = 2^k m (m odd) exactly when
 * n x (1/m mod 2^64), rotated right by k, is at most (2^64 - 1) / d (Warren, Hacker's Delight, 10-17). Dividing
 * each level took 3 % of an import. */
struct import_multiple {
    uint64_t inverse, limit;
    unsigned shift;
};

static inline bool import_is_multiple(const struct import_multiple *of, int64_t value)
{
    uint64_t product = (value < 0 ? 0 - (uint64_t)value : (uint64_t)value) * of->inverse;
    return (product >> of->shift | product << (-of->shift & 63)) <= of->limit;
}

/* `divisor` > 0. */
struct import_multiple import_multiple_of(int64_t divisor);

/* What an instrument needs while its events pass. */
struct import_lane {
    bool gridded; /* tick or lot above one unit, learnt from the data: must hold for every level */
    struct import_multiple tick, lot;
};

struct import {
    const struct import_options *options;
    struct import_result *result;
    struct err_text *why;
    struct import_scan scan;
    struct import_lane *lanes;
    uint16_t *numbers; /* by scale: instrument number, or INSTRUMENT_NONE */
    void *books;       /* memory of all books */
    size_t books_size;
    struct one_way_offset clock;
    struct clock_point *hull;
    struct clock_line line;
    bool have_line;
    struct market *market;
    struct tape_writer *writer;
    struct capture_reader *reader;
    struct progress progress;
    /* the frame in hand */
    ns_t raw_ts;  /* its own stamp */
    ns_t last_ts; /* of the frame before, corrected and never falling */
    ns_t last_raw_ts;
    uint32_t file;
    uint64_t emitted;
    /* why the pass must begin again; empty: it need not */
    char trouble[200];
    /* symbols without known currencies: their lines are dropped */
    char (*refused)[SYMBOL_SIZE];
    uint32_t refused_count;
    struct err_text refused_why;
};

/* Read everything once. ERR_AGAIN: see above; ERR_INTERRUPTED; errors of the reader and of the tape. */
err_t import_pass(struct import *import, const char *name) MUST_USE;
/* The base latency that was asked for. */
ns_t import_base_latency(const struct import *import);

#endif
