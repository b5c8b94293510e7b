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
#include "data/clock_offset.h"

/* What an instrument needs while its events pass. */
struct import_lane {
    bool gridded; /* tick or lot above one unit, learnt from the data: must hold for every level */
    px_t tick;
    qty_t lot;
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
    struct clock_offset clock;
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
