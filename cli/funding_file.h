/* funding_file.h: funding as it was, from a CSV file.
 *
 *   symbol,ts,rate,mark                                      symbol and mark may be left out
 *   BTCUSDT,2024-08-08T08:00:00Z,0.0001,55123.4              ts: UTC, or whole nanoseconds since 1970
 *
 * Without symbols the rows are of the one contract that the run has. Symbols that the run does not have are passed
 * over.
 */
#ifndef TAPEDECK_CLI_FUNDING_FILE_H
#define TAPEDECK_CLI_FUNDING_FILE_H

#include "cli/config.h"
#include "sim/perp.h"

struct funding_entry {
    const char *symbol; /* not NUL-terminated; NULL: none written */
    size_t symbol_size;
    ns_t ts;
    int64_t rate;
    const char *mark; /* as symbol */
    size_t mark_size;
    uint32_t line;
};

struct funding_file {
    const char *path;
    struct funding_entry *entries;
    uint32_t count;
    char hash[33]; /* of the bytes */
};

/* Entries live as long as the config. ERR_CONFIG at `key`. */
err_t funding_file_read(const struct run_config *config, const char *key, const char *path, struct funding_file *file,
                        struct err_text *why) MUST_USE;
/* The rows of a run's instruments, by (ts, instrument); a row that is there twice counts once. The caller frees. */
err_t funding_file_rows(const struct run_config *config, const char *key, const struct funding_file *file,
                        const struct instrument *instruments, uint16_t instrument_count, struct funding_row **rows,
                        uint32_t *count, struct err_text *why) MUST_USE;

#endif
