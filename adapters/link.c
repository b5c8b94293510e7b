#include "adapters/link.h"

const char *link_what_name(enum link_what what)
{
#define LINK_NAME(name, text) [LINK_##name] = text,
    static const char *const names[] = {LINK_WHAT_MAP(LINK_NAME)};
#undef LINK_NAME
    return (unsigned)what < ARRAY_LEN(names) ? names[what] : "unknown";
}
