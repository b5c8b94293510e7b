/* why_words.h: the words that an explanation is made of. Each returns a text that lives until the words are used
 * again WORDS_KEPT times. */
#ifndef TAPEDECK_CLI_WHY_WORDS_H
#define TAPEDECK_CLI_WHY_WORDS_H

#include "cli/why_record.h"

#define WORDS_KEPT 64
#define WORDS_SIZE 256

struct words {
    const struct stage *stage;
    const struct instrument *instrument;
    char kept[WORDS_KEPT][WORDS_SIZE];
    unsigned next;
};

const char *words_print(struct words *words, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *words_price(struct words *words, px_t price);
const char *words_qty(struct words *words, qty_t qty);
const char *words_ahead(struct words *words, qty_t ahead); /* a quantity, or "unknown" */
/* At most `show` decimals, half even, for eyes. */
const char *words_decimal(struct words *words, money_t value, unsigned decimals, unsigned show);
const char *words_money(struct words *words, money_t value); /* at MONEY_DECIMALS */
const char *words_span(struct words *words, ns_t span);      /* "1.204 ms" */
const char *words_time(struct words *words, ns_t ts);        /* "10:00:01.234567890" */
/* ", stamped 1.2 ms before"; a stamp of the venue against `ts`; "" without one. */
const char *words_stamp(struct words *words, ns_t ts, ns_t stamp);
const char *words_touch(struct words *words, const struct level touch[2]); /* "99.8 x 1.2 | 99.9 x 2" */
/* "delta u 4123 (message 17 of demo.tape)", "trade 512: 0.5 sold at 99.8 (message 18 of demo.tape)" */
const char *words_source(struct words *words, const struct why_source *source);
const char *words_message(struct words *words, uint16_t lane, uint64_t number); /* "message 17 of demo.tape" */
/* Why the venue said no to what arrived, with the numbers. */
const char *words_rejection(struct words *words, enum reason reason, const struct why_arrived *arrived, ns_t ts);

#endif
