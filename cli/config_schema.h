/* config_schema.h: the one table of keys: what may be written, and where it goes.
 *
 *   { "risk.open_orders_max", CONFIG_U32, AT(risk.open_orders_max), "0", "1000000", "0", help }
 *      path                    type        place in run_config       range          default
 *
 * Children of a section are the entries whose path is the section's path, a point and one more word; keys of the
 * items of a list are written with [] ("instruments[].tick") and their offset counts from the item. A default of
 * NULL means: not set unless the user sets it.
 */
#ifndef TAPEDECK_CLI_CONFIG_SCHEMA_H
#define TAPEDECK_CLI_CONFIG_SCHEMA_H

#include "cli/config.h"

#include <stdio.h>

enum config_type {
    CONFIG_SECTION,
    CONFIG_SECTION_OPTIONAL, /* a bool at `offset` says that it is there */
    CONFIG_INSTRUMENTS,      /* list of sections */
    CONFIG_LINKS,            /* list of sections */
    CONFIG_BALANCES,         /* map of currency: amount */
    CONFIG_TAPES,            /* list of paths */
    CONFIG_PARAMS,           /* map, checked by the strategy's own table */
    CONFIG_BOOL,
    CONFIG_U32,
    CONFIG_U64,
    CONFIG_POWER2,   /* uint32_t, a power of two */
    CONFIG_CHOICE,   /* int: number of the word in `choices` */
    CONFIG_SPEED,    /* uint32_t: max (0), 1x, 10x */
    CONFIG_DURATION, /* ns_t */
    CONFIG_TIME,     /* struct config_time */
    CONFIG_RATE,     /* struct config_rate */
    CONFIG_MONEY,    /* struct config_money */
    CONFIG_DECIMAL,  /* struct config_decimal */
    CONFIG_TEXT,     /* const char * */
    CONFIG_WORDS,    /* const char *: a list of words, kept with commas between */
    CONFIG_PATH,     /* const char *, relative to the config's folder */
};

enum config_key_flag {
    CONFIG_NOT_HASHED = 1 << 0, /* where files are and how fast to go: cannot change a result */
    CONFIG_REQUIRED = 1 << 1,
    CONFIG_SOCKETS = 1 << 3,    /* for sockets alone: nothing of it reaches a run */
    CONFIG_AS_WRITTEN = 1 << 2, /* a path that stays relative to the working directory */
};

struct config_key {
    const char *path;
    enum config_type type;
    size_t offset;
    const char *minimum, *maximum; /* as a user would write them; NULL: none */
    const char *default_value;
    const char *choices;
    const char *help;
    unsigned flags;
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

bool config_type_is_section(enum config_type type);
/* The next entry under `prefix` ("", "feed.", "instruments[].") after `previous` (NULL: the first), or NULL. */
const struct config_key *config_key_next(const char *prefix, const struct config_key *previous);
const struct config_key *config_key_find(const char *path);
/* The last word of its path. */
const char *config_key_name(const struct config_key *key);

/* Text to the key's place in `base`. `directory` is what relative paths start from. ERR_SYNTAX, ERR_RANGE,
 * ERR_PRECISION, ERR_NOMEM. */
err_t config_value_parse(const struct config_key *key, const char *text, size_t size, struct config_tree *tree,
                         const char *directory, void *base) MUST_USE;
#define CONFIG_EXPECTED_SIZE 320
/* What the key takes, for messages: "a whole number from 0 to 1000000". Returns the buffer. */
const char *config_value_expected(const struct config_key *key, char *text);
/* The value back as canonical YAML text ("null" when not set); the length, cut to `room`. */
size_t config_value_text(const struct config_key *key, const void *base, char *text, size_t room);
/* Text as a double-quoted YAML scalar. */
size_t config_quote(const char *value, char *text, size_t room);

/* `config explain`: all keys, or one and what is under it. False: no such key. */
bool config_explain(FILE *file, const char *path);
bool config_explain_json(FILE *file, const char *path);

#endif
