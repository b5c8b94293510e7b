/* rows_compare.h: the rows of a run as it is executed now, held byte by byte against what lies in its directory.
 *
 *   rerun ─► engine ─► run_output ─► rows_compare ◄─ orders.csv, fills.csv, log.txt, ... of then
 *                                        │
 *                                        └─ the first line that is not the same, and after which input
 *
 * For a run that was killed: its files end where the last flush ended, in the middle of a line maybe. So a file of
 * then must be a beginning of what comes now; what comes after its end is not compared.
 */
#ifndef TAPEDECK_CLI_ROWS_COMPARE_H
#define TAPEDECK_CLI_ROWS_COMPARE_H

#include "cli/run_output.h"

#define ROWS_LINE 256

struct rows_difference {
    const char *file;                     /* lives as long as the rows_compare */
    uint64_t line;                        /* from 1 */
    uint64_t input;                       /* handled by then */
    char then[ROWS_LINE], now[ROWS_LINE]; /* cut when longer; `now` empty: the run now writes no more of it */
};

struct rows_compare;

/* The files of the directory that hold rows, with the size that they have now. */
err_t rows_compare_open(struct rows_compare **rows, const char *dir, struct err_text *why) MUST_USE;
/* For run_output_open_rows; `engine` tells the inputs. Lives as long as the rows_compare. */
const struct run_rows *rows_compare_rows(struct rows_compare *rows, const struct engine *engine);
/* Everything that lies in the files came now too, or something differs: there is nothing left to compare. */
bool rows_compare_done(const struct rows_compare *rows);
/* NULL: so far all is the same. */
const struct rows_difference *rows_compare_difference(const struct rows_compare *rows);
/* Now no more will come. `cut`: then neither did more be written than by now, but for rows of one more input. What is
 * left of a file of then is a difference, unless `cut`. */
void rows_compare_finish(struct rows_compare *rows, bool cut);
/* Found the same: bytes, and the input after which the last of them came. */
uint64_t rows_compare_bytes(const struct rows_compare *rows);
uint64_t rows_compare_input(const struct rows_compare *rows);
/* Files that the run now has not written a line of, and that are none of the run's own; NULL: no more. */
const char *rows_compare_unknown(const struct rows_compare *rows, size_t number);
void rows_compare_close(struct rows_compare *rows);

#endif
