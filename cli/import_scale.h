/* import_scale.h: how many decimals, which tick and which lot a capture needs, learnt from its own texts.
 *
 *   "61659.70" ─► needs 1 decimal, written with 2 ─┐
 *   "61659.80" ─► needs 1, written with 2          ├─► price: 2 decimals, shown with 2, tick 10 units (0.10)
 *   "61702.00" ─► needs 0, written with 2         ─┘
 *
 * Captures do not carry the venue's rules, so the numbers themselves must do: decimals are what the finest
 * value needs, tick and lot are the greatest common divisor of all values seen. Zeros that only pad (spot
 * writes eight decimals everywhere) do not count, neither does the ".0" of a float printed by a program; two
 * decimals written everywhere are the venue's way of showing its prices and are kept.
 *
 * One absurd value must not spoil the scale: values beyond SCALE_DECIMALS_MAX decimals do not take part, and
 * a scale in which the usual values of the symbol no longer fit 18 digits is not chosen. Such values are
 * then refused where they are read, with their line.
 */
#ifndef TAPEDECK_CLI_IMPORT_SCALE_H
#define TAPEDECK_CLI_IMPORT_SCALE_H

#include "core/instrument.h"

#define SCALE_DECIMALS_MAX 12 /* no venue has more than 10 */

struct scale_side {
    uint64_t texts;
    uint64_t needed[SCALE_DECIMALS_MAX + 1]; /* texts that need so many decimals */
    int64_t divisor[SCALE_DECIMALS_MAX + 1]; /* of them, in units of that many decimals; 0: none but zero */
    uint64_t digits[20];                     /* texts with so many digits before the point */
    unsigned written_min, written_max;       /* digits after the point, as written */
    uint64_t absurd;                         /* texts that did not take part */
};

struct scale {
    char symbol[SYMBOL_SIZE];
    struct scale_side price, qty;
};

/* Symbols in the order in which they were seen. */
struct scale_table {
    struct scale *items;
    uint32_t count;
    uint32_t capacity;
    uint32_t last; /* found last: frames come in runs */
};

/* What to make of one side. */
struct scale_choice {
    uint8_t decimals; /* >= show */
    uint8_t show;
    int64_t step; /* tick or lot in units, >= 1 */
};

void scale_table_free(struct scale_table *table);
/* The symbol's scale, made when it is new. ERR_RANGE: the symbol does not fit; ERR_FULL: INSTRUMENTS_MAX;
 * ERR_NOMEM. The pointer lives until the next new symbol. */
err_t scale_of(struct scale_table *table, const char *symbol, size_t symbol_size, struct scale **scale) MUST_USE;
/* UINT32_MAX: not known. */
uint32_t scale_find(struct scale_table *table, const char *symbol, size_t symbol_size);
/* One text. What is no number is left to the one who reads it in earnest. */
void scale_side_add(struct scale_side *side, const char *text, size_t size);
/* Put what `from` saw into `to`. */
void scale_merge(struct scale *to, const struct scale *from);
void scale_side_choose(const struct scale_side *side, struct scale_choice *choice);

#endif
