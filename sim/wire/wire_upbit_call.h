/* wire_upbit_call.h: one request of Upbit's REST, between the file that takes it and the file that answers it.
 *
 *   wire_upbit_rest.c    groups and their limits, errors, the way of a path to its call
 *   wire_upbit_calls.c   what each call answers
 */
#ifndef TAPEDECK_SIM_WIRE_UPBIT_CALL_H
#define TAPEDECK_SIM_WIRE_UPBIT_CALL_H

#include "sim/wire/wire_upbit.h"

struct upbit_call {
    struct wire *wire;
    const struct wire_request *request;
    enum upbit_group group;
    uint32_t left;    /* calls of the group in this second */
    const char *rest; /* of the path, behind the row's */
};

/* Answer with wire->answer. */
void upbit_finish(const struct upbit_call *call, uint16_t status);
/* The error of a public call: its name is a number. */
void upbit_fail(const struct upbit_call *call, uint16_t status, const char *words);

struct upbit_call_row {
    const char *path; /* "*" at the end: more of it follows */
    enum upbit_group group;
    void (*run)(struct upbit_call *call);
};
extern const struct upbit_call_row upbit_calls[];
extern const size_t upbit_call_count;

#endif
