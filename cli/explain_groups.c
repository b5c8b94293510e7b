#include "cli/explain_groups.h"

#include "cli/suggest.h"

#include <stdio.h>
#include <string.h>

#define GROUP_NAME(name, word, help) word,
#define GROUP_HELP(name, word, help) help,
static const char *const names[] = {EXPLAIN_GROUP_MAP(GROUP_NAME)};
static const char *const helps[] = {EXPLAIN_GROUP_MAP(GROUP_HELP)};
#undef GROUP_NAME
#undef GROUP_HELP

/* A name that ends in a point is a whole section. Sections of which parts belong to several groups (venue, feed,
 * instruments) are named key by key: a new key there is to be thought about. */
static const struct {
    const char *name;
    enum explain_group group;
} belongs[] = {
    {"venue.latency.", EXPLAIN_LATENCY},

    {"venue.fees.", EXPLAIN_FEES},
    {"venue.margin.liquidation_fee", EXPLAIN_FEES},
    {"instruments[].maker_fee", EXPLAIN_FEES},
    {"instruments[].taker_fee", EXPLAIN_FEES},

    {"venue.queue", EXPLAIN_FILLS},
    {"venue.queue_exponent", EXPLAIN_FILLS},
    {"venue.trade_through", EXPLAIN_FILLS},
    {"venue.impact.", EXPLAIN_FILLS},
    {"venue.rules", EXPLAIN_FILLS},
    {"venue.self_trade", EXPLAIN_FILLS},
    {"venue.order_types", EXPLAIN_FILLS},
    {"venue.check_funds", EXPLAIN_FILLS},
    {"instruments[].tick", EXPLAIN_FILLS},
    {"instruments[].lot", EXPLAIN_FILLS},
    {"instruments[].qty_min", EXPLAIN_FILLS},
    {"instruments[].notional_min", EXPLAIN_FILLS},
    {"instruments[].impact_volatility", EXPLAIN_FILLS},
    {"instruments[].impact_volume", EXPLAIN_FILLS},

    {"mode", EXPLAIN_DATA},
    {"feed.tapes", EXPLAIN_DATA},
    {"feed.synth.", EXPLAIN_DATA},
    {"feed.latency.", EXPLAIN_DATA},
    {"feed.from", EXPLAIN_DATA},
    {"feed.to", EXPLAIN_DATA},
    {"venue.faults.", EXPLAIN_DATA},

    {"account.balances", EXPLAIN_ACCOUNT},
    {"venue.margin.", EXPLAIN_ACCOUNT},
    {"venue.funding.", EXPLAIN_ACCOUNT},
    {"instruments[].leverage", EXPLAIN_ACCOUNT},

    {"seed", EXPLAIN_SEED},

    {"engine.", EXPLAIN_ENGINE},
    {"output.equity_interval", EXPLAIN_ENGINE}, /* the first point of the grid is where a profit begins */

    {"strategy.params", EXPLAIN_PARAMETERS},
    {"risk.", EXPLAIN_PARAMETERS},

    {"strategy.name", EXPLAIN_CODE},
    {"strategy.plugin", EXPLAIN_CODE},

    /* how fast, where to, and who looks on */
    {"journal", EXPLAIN_NOTHING},
    {"feed.speed", EXPLAIN_NOTHING},
    {"feed.live", EXPLAIN_NOTHING}, /* what came of it is on the session's tape */
    {"feed.live[].", EXPLAIN_NOTHING},
    {"session.", EXPLAIN_NOTHING},
    {"feed.read_ahead", EXPLAIN_NOTHING},
    {"venue.bracket", EXPLAIN_NOTHING},
    {"output.dir", EXPLAIN_NOTHING},
    {"output.log_level", EXPLAIN_NOTHING},
    {"output.snapshots", EXPLAIN_NOTHING},
    {"output.snapshot_interval", EXPLAIN_NOTHING},
    {"engine.checks", EXPLAIN_NOTHING},
    /* which instrument the rest of an entry is about: alone it changes nothing */
    {"instruments[].symbol", EXPLAIN_NOTHING},
    {"instruments[].venue", EXPLAIN_NOTHING},
};

const char *explain_group_name(enum explain_group group)
{
    return names[group];
}

const char *explain_group_help(enum explain_group group)
{
    return helps[group];
}

const char *explain_set_text(unsigned set, char *text)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < EXPLAIN_GROUPS; i++)
        if ((set & 1u << i) != 0)
            used +=
                (size_t)snprintf(text + used, EXPLAIN_SET_TEXT_SIZE - used, "%s%s", used != 0 ? "+" : "", names[i]);
    return text;
}

bool explain_group_of(const char *key, enum explain_group *group)
{
    size_t longest = 0;
    for (size_t i = 0; i < ARRAY_LEN(belongs); i++) {
        const size_t size = strlen(belongs[i].name);
        const bool fits = belongs[i].name[size - 1] == '.' ? strncmp(key, belongs[i].name, size) == 0
                                                           : strcmp(key, belongs[i].name) == 0;
        if (!fits || size < longest)
            continue;
        longest = size;
        *group = belongs[i].group;
    }
    return longest != 0;
}

/* ---- the order ---- */

static err_t find_group(const char *word, size_t size, unsigned taken, enum explain_group *group,
                        struct err_text *why)
{
    struct suggestion suggestion;
    char hint[128];
    suggest_start(&suggestion, word, size);
    for (int i = 0; i < EXPLAIN_GROUPS; i++) {
        suggest_offer(&suggestion, names[i]);
        if (strlen(names[i]) != size || memcmp(names[i], word, size) != 0)
            continue;
        if ((taken & 1u << i) != 0)
            return err_say(why, ERR_USAGE, "--order: '%s' is named twice", names[i]);
        *group = (enum explain_group)i;
        return ERR_OK;
    }
    return err_say(why, ERR_USAGE, "--order: there is no group '%.*s'%s", (int)size, word,
                   suggest_text(&suggestion, hint));
}

err_t explain_order_parse(const char *text, struct explain_order *order, struct err_text *why)
{
    struct explain_order made = {.count = 0};
    unsigned taken = 0;
    bool joined = false;
    for (const char *at = text; at != NULL;) {
        enum explain_group group = EXPLAIN_LATENCY;
        const size_t size = strcspn(at, ",+");
        err_t err = find_group(at, size, taken, &group, why);
        if (err != ERR_OK)
            return err;
        made.count += !joined;
        made.sets[made.count - 1] |= 1u << group;
        taken |= 1u << group;
        joined = at[size] == '+';
        at = at[size] != '\0' ? at + size + 1 : NULL;
    }
    for (unsigned i = 0; i < EXPLAIN_GROUPS; i++)
        if ((taken & 1u << i) == 0)
            made.sets[made.count++] = 1u << i;
    *order = made;
    return ERR_OK;
}
