#include "cli/rerun_at.h"

#include "core/time_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool read_count(const char *text, uint64_t *count)
{
    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
        return false;
    errno = 0;
    *count = strtoull(text, NULL, 10);
    return errno == 0;
}

err_t rerun_seek_at(struct rerun *rerun, const char *at, struct err_text *why)
{
    uint64_t inputs;
    ns_t ts;
    err_t err;
    if (read_count(at, &inputs)) {
        if (inputs > rerun->inputs && rerun->unended)
            return err_say(why, ERR_USAGE, "--at %s: the run has not ended, and is known up to input %" PRIu64, at,
                           rerun->inputs);
        if (inputs > rerun->inputs)
            return err_say(why, ERR_USAGE,
                           "--at %s: the run has %" PRIu64 " inputs (a time is written as a date: "
                           "2024-08-08T12:30:00Z)",
                           at, rerun->inputs);
        err = rerun_seek(rerun, inputs, why);
    } else if (time_parse(at, strlen(at), &ts) == ERR_OK) {
        err = rerun_seek_time(rerun, ts, why);
    } else {
        return err_say(why, ERR_USAGE, "--at %s: expected a number of inputs, or a time such as 2024-08-08T12:30:00Z",
                       at);
    }
    return err == ERR_END ? ERR_OK : err; /* the end is a place too */
}
