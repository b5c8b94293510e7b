/* suggest.h: "did you mean": the nearest of the known words to one that is not known. */
#ifndef TAPEDECK_CLI_SUGGEST_H
#define TAPEDECK_CLI_SUGGEST_H

#include <stddef.h>

/* Edits (insert, delete, replace, swap of neighbours) between two words, case ignored; words longer than 63
 * bytes are compared by their first 63. */
unsigned suggest_distance(const char *a, size_t a_size, const char *b, size_t b_size);

/* Collects candidates; the nearest wins, the first of equals. */
struct suggestion {
    const char *word;
    size_t word_size;
    const char *best; /* NULL: nothing near enough (a third of the word's length, at least two edits) */
    unsigned best_distance;
};
void suggest_start(struct suggestion *suggestion, const char *word, size_t word_size);
void suggest_offer(struct suggestion *suggestion, const char *candidate);
/* " (did you mean 'xyz'?)", or "" when there is none. Buffer of 128 bytes; returns it. */
const char *suggest_text(const struct suggestion *suggestion, char *text);

#endif
