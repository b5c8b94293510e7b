/* import_scan.h: the look that an import takes at its files before it begins.
 *
 * Each file is looked at alone: a REST answer often does not name its symbol, but a file of one symbol does. A
 * stray line must not change that: a file is of one symbol when all others have at most IMPORT_STRAY_FRAMES frames
 * or a thousandth of them.
 */
#ifndef TAPEDECK_CLI_IMPORT_SCAN_H
#define TAPEDECK_CLI_IMPORT_SCAN_H

#include "cli/import_run.h"
#include "cli/import_venue.h"
#include "data/capture_reader.h"

#define IMPORT_FILE_SYMBOLS 8
#define IMPORT_STRAY_FRAMES 3

/* The symbols of one file, as far as it was looked at. */
struct import_scan_file {
    uint32_t symbols[IMPORT_FILE_SYMBOLS]; /* places in `scales`, in the order seen */
    uint64_t frames[IMPORT_FILE_SYMBOLS];  /* with prices or quantities, of each */
    uint32_t symbol_count;                 /* at most IMPORT_FILE_SYMBOLS; the rest counts in other_frames */
    uint64_t other_frames;
    uint64_t found_frames;  /* frames with prices or quantities, of any or no symbol */
    char sole[SYMBOL_SIZE]; /* the symbol that the file is of, "" when it is of several */
    struct scale unnamed;   /* what stood in answers that name no symbol */
};

struct import_scan {
    const struct import_family *family;
    char venue[NAME_SIZE];
    struct scale_table scales;
    struct import_scan_file *files;
    uint32_t file_count;
    bool whole; /* everything was looked at */
};

/* Look at `bytes` of each file (at the whole of a file that shows nothing until then; UINT64_MAX: at all).
 * ERR_UNKNOWN: no venue known here, two venues, or a file without a single frame; other errors of the capture
 * reader. */
err_t import_scan_run(struct import_scan *scan, const struct import_options *options, uint64_t bytes,
                      struct err_text *why) MUST_USE;
void import_scan_free(struct import_scan *scan);

/* The frame of a record; a snapshot that names no symbol gets its file's, when that has only one. */
void import_frame_of(const struct import_scan_file *file, const struct capture_record *record, struct frame *frame);

#endif
