/* latency_file.h: a CSV file of measured delays: two or three stamps a line, whole ns since 1970.
 *
 *     req,exch,resp                                                    orders: sent, at the venue, answer here
 *     1723075200000000000,1723075200001830000,1723075200003410000
 *     1723075200250000000,0,1723075200300000000                        0 or less: rejected, never at the venue
 *
 *     exch,recv                                                        market data: the venue's stamp, here
 *     1723075200000000000,1723075200004120000
 *
 * Empty lines and lines that begin with # are skipped. Rows live in the config's tree.
 */
#ifndef TAPEDECK_CLI_LATENCY_FILE_H
#define TAPEDECK_CLI_LATENCY_FILE_H

#include "cli/config.h"

enum latency_file_kind { LATENCY_FILE_REQUESTS, LATENCY_FILE_FEED };

struct latency_file {
    struct latency_row *rows; /* FEED: req and exch are the stamp, resp the arrival */
    uint32_t row_count;
    char hash[33]; /* of the rows */
};

/* The file that the config names at `key`. ERR_CONFIG at the key, with the file and the line. */
err_t latency_file_read(const struct run_config *config, const char *key, const char *path,
                        enum latency_file_kind kind, struct latency_file *file, struct err_text *why) MUST_USE;
/* The line that such a file begins with. */
const char *latency_file_header(enum latency_file_kind kind);

#endif
