#include "cli/quality_json.h"

json_t *quality_json(const struct instrument *instrument, const struct quality *quality)
{
    json_t *object = json_object();
    json_set_text(object, "venue", instrument->venue);
    json_set_text(object, "symbol", instrument->symbol);
    json_set_u64(object, "messages", quality->messages);
    json_set_u64(object, "levels", quality->levels);
    json_set_u64(object, "trades", quality->by_kind[EVENT_TRADE]);
    json_set_u64(object, "gaps", quality->gaps);
    json_set_u64(object, "crossed", quality->crossed);
    json_set_u64(object, "bbo_compared", quality->bbo_compared);
    json_set_u64(object, "bbo_wrong", quality->bbo_wrong);
    json_set_u64(object, "silences", quality->silences);
    json_set_i64(object, "silence_longest_ns", quality->silence_longest);
    return object;
}
