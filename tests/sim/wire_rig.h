/* wire_rig.h: a venue's protocol side in a test: market events by hand, and what it said, kept as text. */
#ifndef TAPEDECK_TESTS_SIM_WIRE_RIG_H
#define TAPEDECK_TESTS_SIM_WIRE_RIG_H

#include "sim/wire/wire.h"

#define RIG_BASE (INT64_C(1700000000) * NS_PER_S) /* of both clocks */
#define RIG_KEPT 4096

struct rig_said {
    uint32_t client;
    enum wire_opcode opcode; /* WIRE_CLOSE: ended by the venue */
    uint16_t code;
    char *text; /* NUL-terminated */
    size_t size;
};

struct wire_rig {
    struct wire *wire;
    struct wire_config config;
    struct instrument instruments[4];
    ns_t now;
    struct rig_said said[RIG_KEPT]; /* since rig_clear */
    size_t count;
    /* the last answer */
    uint16_t status;
    char *body;
    char headers[1024]; /* "name: value\n" each */
    ns_t delay;
    bool cut;
    size_t cut_size;
    uint32_t frozen; /* how many clients */
    uint64_t trade_id;
    /* called instead of keeping what is said, when it is there */
    void (*hear)(void *context, uint32_t client, enum wire_opcode opcode, const char *text, size_t size);
    void *hear_context;
};

/* A config with BTCUSDT (2 and 3 decimals) and ETHUSDT; change it, then rig_open. */
void rig_init(struct wire_rig *rig, enum wire_venue venue);
void rig_open(struct wire_rig *rig);
void rig_close(struct wire_rig *rig);
void rig_clear(struct wire_rig *rig);
void rig_wait(struct wire_rig *rig, ns_t time); /* timers are run on the way */

bool rig_hello(struct wire_rig *rig, uint32_t client, const char *path, const char *query);
void rig_text(struct wire_rig *rig, uint32_t client, const char *text);
uint16_t rig_get(struct wire_rig *rig, const char *path, const char *query);

/* "100.5x2 100.4x1 / 100.6x3": bids best first, asks best first; quantities with the instrument's decimals. Ids 0:
 * none. */
void rig_book(struct wire_rig *rig, uint8_t kind, const char *levels, uint64_t first, uint64_t last,
              uint64_t previous);
void rig_trade(struct wire_rig *rig, const char *price, const char *qty, bool sold, uint64_t id);

/* The i-th thing said to anyone; "" beyond the last. */
const char *rig_at(const struct wire_rig *rig, size_t i);

#endif
