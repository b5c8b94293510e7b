/* watch_layout.h: a model, put into a screen of any size from 80 x 24 up.
 *
 *   narrow                               wide (from 120 columns)
 *   ┌ run, input ──────────────────┐     ┌ run, input ─────────────────────────────┐
 *   │ time, proof; the last input  │     │ time, proof; the last input             │
 *   ├ book ─────────┬ account ─────┤     ├ book ─────────┬ own orders ─────────────┤
 *   │               ├ trades ──────┤     │               ├ account ────┬ trades ───┤
 *   ├ own orders ───┴──────────────┤     │               ├ what happened ──────────┤
 *   ├ what happened ───────────────┤     │               │                         │
 *   └ keys ────────────────────────┘     └ keys ───────────────────────────────────┘
 *
 * Pure: the same frame and size give the same cells.
 */
#ifndef TAPEDECK_CLI_WATCH_LAYOUT_H
#define TAPEDECK_CLI_WATCH_LAYOUT_H

#include "cli/screen.h"
#include "cli/watch_scout.h"
#include "cli/watch_text.h"

#define WATCH_COLS_MIN 80
#define WATCH_ROWS_MIN 24

struct watch_frame {
    const char *run;      /* its name */
    const char *strategy; /* and that of its strategy */
    uint64_t inputs;      /* of the whole run */
    const char *end;      /* how it ended: "crashed"; NULL: as it should */
    const struct instrument *instruments;
    const struct watch_model *model;
    const struct watch_index *index;
    bool variables; /* those of the strategy, in the place of the trades */
    unsigned kinds; /* entries that are listed */
    uint64_t order; /* that was looked for, 0: none */
    bool journal;   /* the run has one */
    enum watch_proof proof;
    uint64_t proof_from; /* PROOF_DIFFERS */
    uint64_t scouted;    /* how many inputs are in the index */
    const char *message; /* in the place of the keys; NULL: none */
    bool alarm;          /* it is bad news */
    bool help;           /* the page of keys lies over all */
};

void watch_layout(struct screen *screen, const struct watch_frame *frame);

/* ---- its panes (watch_panes.c): each with its title line ---- */
struct watch_pane {
    int row, col, width, height;
};
void watch_pane_book(struct screen *screen, const struct watch_frame *frame, struct watch_pane pane);
void watch_pane_orders(struct screen *screen, const struct watch_frame *frame, struct watch_pane pane);
void watch_pane_account(struct screen *screen, const struct watch_frame *frame, struct watch_pane pane);
void watch_pane_trades(struct screen *screen, const struct watch_frame *frame, struct watch_pane pane);
void watch_pane_variables(struct screen *screen, const struct watch_frame *frame, struct watch_pane pane);
void watch_pane_entries(struct screen *screen, const struct watch_frame *frame, struct watch_pane pane);

#endif
