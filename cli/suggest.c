#include "cli/suggest.h"

#include "core/base.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 63

/* Optimal string alignment: Levenshtein with swaps of neighbours, three rows kept. */
unsigned suggest_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    uint8_t rows[3][WORD_MAX + 1];
    a_size = a_size > WORD_MAX ? WORD_MAX : a_size;
    b_size = b_size > WORD_MAX ? WORD_MAX : b_size;
    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = (uint8_t)j;
    for (size_t i = 1; i <= a_size; i++) {
        uint8_t *row = rows[i % 3];
        const uint8_t *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = (uint8_t)i;
        for (size_t j = 1; j <= b_size; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            unsigned best = (unsigned)above[j - 1] + (x != y);
            if (above[j] + 1u < best)
                best = above[j] + 1u;
            if (row[j - 1] + 1u < best)
                best = row[j - 1] + 1u;
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2]) &&
                above2[j - 2] + 1u < best)
                best = above2[j - 2] + 1u;
            row[j] = (uint8_t)best;
        }
    }
    return rows[a_size % 3][b_size];
}

void suggest_start(struct suggestion *suggestion, const char *word, size_t word_size)
{
    suggestion->word = word;
    suggestion->word_size = word_size;
    suggestion->best = NULL;
    suggestion->best_distance = word_size / 3 < 2 ? 2 : (unsigned)(word_size / 3);
    suggestion->best_distance++; /* offers must be below */
}

void suggest_offer(struct suggestion *suggestion, const char *candidate)
{
    size_t size = strlen(candidate);
    unsigned distance = suggest_distance(suggestion->word, suggestion->word_size, candidate, size);
    /* A short word that shares no letter is not a misspelling. */
    if (distance >= size || distance >= suggestion->word_size)
        return;
    if (distance < suggestion->best_distance) {
        suggestion->best = candidate;
        suggestion->best_distance = distance;
    }
}

const char *suggest_text(const struct suggestion *suggestion, char *text)
{
    text[0] = '\0';
    if (suggestion->best != NULL)
        snprintf(text, 128, " (did you mean '%.80s'?)", suggestion->best);
    return text;
}
