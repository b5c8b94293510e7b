#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The one word of state outside of a run: written once, on the way down. */
static struct assert_place place;

const struct assert_place *assert_failed_at(void)
{
    return &place;
}

void assert_failed(const char *condition, const char *file, int line)
{
    place = (struct assert_place){condition, file, line};
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}

const char *err_name(err_t err)
{
    static const char *const names[] = {
#define ERR_NAME(name, text) "ERR_" #name,
        ERR_MAP(ERR_NAME)
#undef ERR_NAME
    };
    return (unsigned)err < ERR_COUNT ? names[err] : "ERR_?";
}

const char *err_words(err_t err)
{
    static const char *const words[] = {
#define ERR_TEXT(name, text) text,
        ERR_MAP(ERR_TEXT)
#undef ERR_TEXT
    };
    return (unsigned)err < ERR_COUNT ? words[err] : "?";
}

err_t err_say(struct err_text *why, err_t code, const char *fmt, ...)
{
    if (why == NULL || why->code != ERR_OK)
        return code;
    why->code = code;
    va_list args;
    va_start(args, fmt);
    vsnprintf(why->text, sizeof(why->text), fmt, args);
    va_end(args);
    return code;
}

void err_clear(struct err_text *why)
{
    why->code = ERR_OK;
    why->text[0] = '\0';
}
