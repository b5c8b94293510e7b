#include "cli/import_scale.h"

#include <stdlib.h>
#include <string.h>

void scale_table_free(struct scale_table *table)
{
    free(table->items);
    *table = (struct scale_table){0};
}

static bool is_symbol(const struct scale *scale, const char *symbol, size_t size)
{
    return strlen(scale->symbol) == size && memcmp(scale->symbol, symbol, size) == 0;
}

uint32_t scale_find(struct scale_table *table, const char *symbol, size_t symbol_size)
{
    if (table->last < table->count && is_symbol(&table->items[table->last], symbol, symbol_size))
        return table->last;
    for (uint32_t i = 0; i < table->count; i++)
        if (is_symbol(&table->items[i], symbol, symbol_size)) {
            table->last = i;
            return i;
        }
    return UINT32_MAX;
}

err_t scale_of(struct scale_table *table, const char *symbol, size_t symbol_size, struct scale **scale)
{
    uint32_t index = scale_find(table, symbol, symbol_size);
    if (index != UINT32_MAX) {
        *scale = &table->items[index];
        return ERR_OK;
    }
    if (symbol_size >= SYMBOL_SIZE || memchr(symbol, '\0', symbol_size) != NULL)
        return ERR_RANGE;
    if (table->count == INSTRUMENTS_MAX)
        return ERR_FULL;
    if (table->count == table->capacity) {
        uint32_t capacity = table->capacity == 0 ? 8 : table->capacity * 2;
        struct scale *items = realloc(table->items, capacity * sizeof(*items));
        if (items == NULL)
            return ERR_NOMEM;
        table->items = items;
        table->capacity = capacity;
    }
    *scale = &table->items[table->count];
    **scale = (struct scale){0};
    memcpy((*scale)->symbol, symbol, symbol_size);
    table->last = table->count++;
    return ERR_OK;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static unsigned digits_of(int64_t value)
{
    unsigned digits = 0;
    for (; value > 0; value /= 10)
        digits++;
    return digits;
}

void scale_side_add(struct scale_side *side, const char *text, size_t size)
{
    unsigned needed, written;
    int64_t value;
    if (decimal_measure(text, size, &needed, &written) != ERR_OK || needed > SCALE_DECIMALS_MAX ||
        decimal_parse(text, size, needed, ROUND_EXACT, &value) != ERR_OK || value < 0) {
        side->absurd++;
        return;
    }
    if (side->texts++ == 0)
        side->written_min = side->written_max = written;
    else if (written < side->written_min)
        side->written_min = written;
    else if (written > side->written_max)
        side->written_max = written;
    side->needed[needed]++;
    side->digits[digits_of(value / decimal_pow10(needed))]++;
    int64_t *divisor = &side->divisor[needed];
    if (*divisor == 0 || value % *divisor != 0)
        *divisor = common_divisor(value, *divisor);
}

static void side_merge(struct scale_side *to, const struct scale_side *from)
{
    if (from->texts > 0) {
        if (to->texts == 0 || from->written_min < to->written_min)
            to->written_min = from->written_min;
        if (to->texts == 0 || from->written_max > to->written_max)
            to->written_max = from->written_max;
    }
    to->texts += from->texts;
    to->absurd += from->absurd;
    for (size_t i = 0; i < ARRAY_LEN(to->needed); i++) {
        to->needed[i] += from->needed[i];
        to->divisor[i] = common_divisor(from->divisor[i], to->divisor[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(to->digits); i++)
        to->digits[i] += from->digits[i];
}

void scale_merge(struct scale *to, const struct scale *from)
{
    side_merge(&to->price, &from->price);
    side_merge(&to->qty, &from->qty);
}

/* Digits before the point that the symbol's values usually have: what one in a hundred reaches. */
static unsigned usual_digits(const struct scale_side *side)
{
    uint64_t beyond = 0;
    for (unsigned digits = ARRAY_LEN(side->digits) - 1; digits > 0; digits--) {
        beyond += side->digits[digits];
        if (beyond * 100 >= side->texts)
            return digits;
    }
    return 0;
}

/* The digits after the point that the venue shows everywhere; 0: it shows what there is. */
static unsigned shown_decimals(const struct scale_side *side, unsigned needed)
{
    unsigned written = side->written_min;
    bool uniform = side->texts > 0 && written == side->written_max && written <= SCALE_DECIMALS_MAX;
    bool padded = written >= 8 && needed < written;
    bool float_like = written == 1 && needed == 0;
    return uniform && !padded && !float_like ? written : 0;
}

void scale_side_choose(const struct scale_side *side, struct scale_choice *choice)
{
    unsigned room = 18 - usual_digits(side);
    unsigned decimals = SCALE_DECIMALS_MAX < room ? SCALE_DECIMALS_MAX : room;
    while (decimals > 0 && side->needed[decimals] == 0)
        decimals--;
    unsigned show = shown_decimals(side, decimals);
    if (show > room)
        show = decimals;
    if (show > decimals)
        decimals = show;
    int64_t step = 0;
    for (unsigned d = 0; d <= decimals && d <= SCALE_DECIMALS_MAX; d++) {
        int64_t divisor;
        if (!__builtin_mul_overflow(side->divisor[d], decimal_pow10(decimals - d), &divisor))
            step = common_divisor(divisor, step);
    }
    *choice = (struct scale_choice){(uint8_t)decimals, (uint8_t)show, step > 0 ? step : 1};
}
