/* explain_mix.h: the configs of two runs, key by key, and every config between them.
 *
 *   A's keys ─┐                      ┌─ {}                       A's config
 *             ├─► pairs, by group ──►├─ {latency}                A's, with the latency of B
 *   B's keys ─┘                      ├─ {latency, fees} ...
 *                                    └─ all                      B's config
 *
 * A config between two runs takes each group whole from one of them. Files (tapes, tables, plug-ins) are the same
 * when their content is, wherever they lie. A parameter that only one of two strategies has goes with the strategy,
 * so with the code. Keys that cannot change a result are left out.
 */
#ifndef TAPEDECK_CLI_EXPLAIN_MIX_H
#define TAPEDECK_CLI_EXPLAIN_MIX_H

#include "cli/config_schema.h"
#include "cli/explain_groups.h"
#include "cli/rerun.h"

enum explain_side_name { EXPLAIN_A, EXPLAIN_B };

/* A key that is set on at least one side. */
struct explain_key {
    const char *path; /* "venue.fees.maker"; "instruments[BTCUSDT@upbit].tick" */
    enum explain_group group;
    const char *text[2]; /* NULL: not set there */
    bool differs;
};

struct explain_mix {
    struct explain_key *keys;
    size_t key_count;
    unsigned differs; /* set of groups of which a key differs */
    struct explain_mix_inside *inside;
};

/* The runs outlive it. ERR_IO, ERR_NOTFOUND: a file that a run names cannot be read. */
err_t explain_mix_new(struct explain_mix **mix, const struct rerun *const runs[2], struct err_text *why) MUST_USE;
/* A difference that is in no key: "binary". The texts outlive the mix. */
err_t explain_mix_add(struct explain_mix *mix, const char *path, enum explain_group group, const char *a,
                      const char *b, struct err_text *why) MUST_USE;
/* The config with B's side of the groups of `set`, and A's of the others; to be freed. NULL: no memory. */
char *explain_mix_text(const struct explain_mix *mix, unsigned set);
void explain_mix_free(struct explain_mix *mix);

#endif
