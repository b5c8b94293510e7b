#include "core/event.h"

#include <string.h>

static const char *const kind_names[] = {
#define KIND_NAME(name, text) text,
    EVENT_KIND_MAP(KIND_NAME)
#undef KIND_NAME
};

const char *output_kind_name(enum output_kind kind)
{
    static const char *const names[] = {
#define OUTPUT_NAME(name, text) text,
        OUTPUT_KIND_MAP(OUTPUT_NAME)
#undef OUTPUT_NAME
    };
    return (unsigned)kind < OUTPUT_KIND_COUNT ? names[kind] : "?";
}

const char *event_kind_name(enum event_kind kind)
{
    return (unsigned)kind < EVENT_KIND_COUNT ? kind_names[kind] : "?";
}

err_t event_kind_parse(const char *name, size_t name_size, enum event_kind *kind)
{
    for (unsigned i = EVENT_NONE + 1; i < EVENT_KIND_COUNT; i++) {
        if (strlen(kind_names[i]) == name_size && memcmp(kind_names[i], name, name_size) == 0) {
            *kind = (enum event_kind)i;
            return ERR_OK;
        }
    }
    return ERR_UNKNOWN;
}

size_t event_body_size(enum event_kind kind)
{
    switch (kind) {
    case EVENT_MARK:
        return sizeof(struct event_mark);
    case EVENT_CANDLE:
        return sizeof(struct event_candle);
    case EVENT_TICKER:
        return sizeof(struct event_ticker);
    case EVENT_BALANCE:
    case EVENT_POSITION:
        return sizeof(struct event_balance);
    case EVENT_OUTPUT:
        return sizeof(struct event_output);
    case EVENT_CHECKPOINT:
        return sizeof(struct event_checkpoint);
    case EVENT_GAP:
    case EVENT_PARAMETER:
    case EVENT_OPERATOR:
        return sizeof(struct event_text);
    case EVENT_SIGNAL:
        return sizeof(struct event_signal);
    default: /* levels, or nothing but the header; EVENT_EXECUTION's body is order.h's, EVENT_WIRE's is not one piece
              */
        return 0;
    }
}
