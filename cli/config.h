/* config.h: what a run is, parsed, checked and in units.
 *
 *   file.yaml ─► config_yaml (libfyaml) ─► tree ─► config_read ─┐
 *   --set a.b=c ───────────────────────────► │     one table   ├─► struct run_config ─► resolved YAML ─► config hash
 *   --tape FILE ───────────────────────────► │  (config_schema)│
 *                                                              └─► config explain
 *
 * One table (config_schema.c) holds every key: its type, range, default, help and its place in struct run_config.
 * Checking, `config explain` and the resolved config are walks over that table; there is no second list.
 * Decimals are read as text and kept exactly; nothing passes through a double.
 *
 * Errors name file, line and column, show the offending text with a caret, and say what is allowed. That holds
 * for later errors too (a tick that does not fit the instrument of the tape): see run_config_error.
 */
#ifndef TAPEDECK_CLI_CONFIG_H
#define TAPEDECK_CLI_CONFIG_H

#include "cli/options.h"
#include "core/engine.h"
#include "core/instrument.h"
#include "core/risk.h"
#include "core/strategy.h"
#include "sim/faults.h"
#include "sim/impact.h"
#include "sim/latency_model.h"
#include "sim/queue_model.h"

enum run_mode { RUN_BACKTEST, RUN_PAPER };

/* Set when the config has the key (or its default is a value), else the rest is zero. */
struct config_rate {
    bool set;
    int64_t value; /* at FEE_DECIMALS */
};
struct config_money {
    bool set;
    money_t value; /* at MONEY_DECIMALS */
};
/* A decimal whose scale is known only when the instrument is. Text in canonical form, NULL: not set. */
struct config_decimal {
    const char *text;
};
struct config_time {
    bool set;
    ns_t value;
};

struct config_synth {
    bool set; /* feed.synth is in the config: the market is made, not read */
    uint64_t seed;
    struct config_time start; /* when it begins */
    ns_t duration;            /* of the made market */
    uint32_t instruments;     /* how many */
    bool level3;              /* order-by-order events beside the price levels */
};

#define CONFIG_LATENCY_DEFAULT (2 * NS_PER_MS)
struct config_latency_side {
    ns_t delay; /* constant: it; lognormal: the median */
    ns_t min, burst;
    struct config_decimal sigma; /* NULL: not set */
    int64_t sigma_1e9;
};
/* TAPE: as recorded; the others are those of enum latency_kind, one further. */
enum feed_latency_model { FEED_LATENCY_TAPE };
struct config_feed_latency {
    int model;
    struct config_latency_side side;
    const char *file; /* NULL: none */
    /* of the file: its rows (req and exch the venue's stamp, resp the arrival) and their delays, rising */
    struct latency_row *rows;
    uint32_t row_count;
    ns_t *samples;
    char file_hash[33]; /* of the rows; empty: no file */
};

/* A venue that is listened to (adapters/link.h). */
enum config_link_venue { LINK_BINANCE_USDM, LINK_BINANCE_SPOT, LINK_UPBIT };
struct config_link {
    int venue;                     /* enum config_link_venue */
    const char *symbols, *streams; /* words with commas between */
    const char *rest, *stream;     /* addresses, NULL: the venue's own */
    const char *interval, *format; /* NULL: the adapter's default */
    ns_t depth;                    /* 0: the fastest there is */
    uint32_t levels;
    ns_t poll, stale, silence, renew; /* 0: the adapter's default */
};
#define CONFIG_LINKS_MAX 16
struct config_session {
    const char *ca_file; /* NULL: the system's certificates */
    const char *proxy;   /* NULL: the environment's */
    enum { SESSION_IO_THREAD, SESSION_IO_INLINE } io;
    ns_t spin, tick;
    uint32_t ring;   /* bytes */
    uint32_t health; /* a port on this machine; 0: none */
};

struct config_feed {
    struct config_link *links;
    uint32_t link_count;
    const char **tapes; /* paths, relative ones already joined to the config's folder */
    uint32_t tape_count;
    struct config_synth synth;
    struct config_feed_latency latency;
    struct config_time from, to; /* inputs with from <= ts < to */
    uint32_t speed;              /* times the recorded pace; 0: as fast as possible */
    bool read_ahead;
};

struct config_instrument { /* overrides what the tape says of an instrument */
    const char *symbol;
    const char *venue; /* NULL: any */
    struct config_rate maker_fee, taker_fee;
    struct config_decimal tick, lot, qty_min, notional_min;
    struct config_decimal impact_volatility, impact_volume;
    struct config_decimal leverage;
};

struct config_latency {
    enum latency_kind model;
    struct config_latency_side entry, response;
    const char *file; /* NULL: none */
    /* of the file: all rows, those that reached the venue, and their latencies, rising */
    struct latency_row *rows, *accepted;
    uint32_t row_count, accepted_count;
    ns_t *entry_samples, *response_samples;
    char file_hash[33]; /* of the rows; empty: no file */
};

struct config_impact {
    struct config_decimal coefficient; /* NULL: no impact */
    struct config_decimal exponent, volatility, volume, decay;
    ns_t half_life;
    uint32_t terms;
};

enum config_rules { CONFIG_RULES_VENUE, CONFIG_RULES_TAPE, CONFIG_RULES_NONE };

struct config_windows {
    const char *list; /* NULL: none */
    struct fault_span *spans;
    uint32_t span_count;
    ns_t every, length; /* 0: none drawn */
};
struct config_faults {
    struct config_windows windows[FAULT_PLACES];
    int outage_requests; /* 0: refused, 1: unanswered */
    int outage_market;   /* 0: continues, 1: stops */
    struct config_decimal request_loss, answer_loss, answer_late;
    int64_t request_loss_1e9, answer_loss_1e9, answer_late_1e9;
    ns_t answer_delay, timeout, query;
};

struct config_margin {
    int mode; /* enum margin_mode */
    struct config_decimal leverage;
    struct config_rate maintenance; /* one tier for what the file does not have */
    const char *tiers;              /* path, NULL: none */
    char tiers_hash[33];            /* of the file; empty: none */
    struct config_rate liquidation_fee;
    int after_liquidation; /* 0: continue, 1: close */
};
struct config_funding {
    int source;         /* enum funding_source */
    const char *file;   /* path, NULL: none */
    char file_hash[33]; /* of the file; empty: none */
};
struct config_perp_files;

struct config_venue {
    int rules; /* enum config_rules */
    struct config_latency latency;
    struct config_rate maker_fee, taker_fee; /* for all instruments; an instrument's own override wins */
    enum { SPOT_FEE_QUOTE, SPOT_FEE_RECEIVED } spot_fee;
    struct queue_model queue; /* kind as written, exponent and by_quantity from: */
    enum { TRADE_THROUGH_WHOLE, TRADE_THROUGH_BY_QUANTITY } trade_through;
    struct config_impact impact;
    struct config_faults faults;
    struct config_margin margin;
    struct config_funding funding;
    struct config_perp_files *perp_files; /* what their files hold */
    struct config_decimal queue_exponent; /* checked against the kind when the config is read */
    bool bracket;                         /* run the bounds of the queue models beside it */
    int self_trade;                       /* enum stp_mode - 1: the config has no default of a default */
    int order_types;                      /* 0: all, 1: only the venue's */
    bool check_funds;
};

struct config_balance {
    const char *currency;
    money_t amount; /* at MONEY_DECIMALS */
};

struct config_risk {
    struct config_money order_notional_max;
    struct config_decimal position_max;
    uint32_t open_orders_max;
    uint32_t orders_per_second_max;
    uint32_t price_collar_bp;
    struct config_money daily_loss_max;
    bool kill_reset_daily;
    enum { RISK_STALE_REFUSE, RISK_STALE_ALLOW } stale_books;
};

struct config_output {
    const char *dir;
    ns_t equity_interval; /* 0: no equity curve */
    enum log_level log_level;
    enum { OUTPUT_SNAPSHOTS_OFF, OUTPUT_SNAPSHOTS_ON } snapshots;
    ns_t snapshot_interval;
};

struct config_engine {
    uint32_t book_window, book_far, l3_orders, order_capacity, timer_capacity;
    enum engine_checks checks;
};

struct config_tree; /* the parsed text, for messages */

struct run_config {
    const char *path;
    uint64_t seed;
    enum run_mode mode;
    enum { RUN_JOURNAL_OFF, RUN_JOURNAL_ON } journal;
    struct config_feed feed;
    struct config_instrument *instruments;
    uint32_t instrument_count;
    struct config_venue venue;
    struct config_balance *balances;
    uint32_t balance_count;
    struct config_risk risk;
    struct {
        const char *name;   /* NULL: plug-in */
        const char *plugin; /* path, NULL: built in */
    } strategy_source;
    struct config_output output;
    struct config_engine engine;
    struct config_session session;
    bool recording; /* see struct config_options */

    const struct strategy *strategy;  /* looked up or loaded; lives as long as the config */
    void *strategy_state;             /* page-aligned, zeroed, parameters filled in */
    size_t strategy_state_size;       /* state_size, or what the strategy's state_size_of says */
    struct strategy_library *library; /* of a plug-in, NULL: built in */

    const char *resolved;     /* every key in schema order, defaults included, as YAML */
    const char *hashed;       /* the same without what cannot change a result, files by their content */
    char hash[33];            /* of that text */
    struct config_tree *tree; /* where everything was written */
};

struct config_options {
    const struct option_list *sets;  /* key.path=value, later ones win; may be NULL */
    const struct option_list *tapes; /* replaces feed.tapes (and feed.synth) when not empty; may be NULL */
    bool recording;                  /* nothing trades: mode is paper, and without a strategy it is noop */
};

/* Read, check, load the strategy, fill its parameters. Tapes are named, not opened (config_check_files does).
 * ERR_CONFIG with the place and a caret; ERR_NOTFOUND, ERR_IO, ERR_PERMISSION for the file itself. */
err_t run_config_load(struct run_config **config, const char *path, const struct config_options *options,
                      struct err_text *why) MUST_USE;
/* The same from memory; `path` is used in messages and for relative paths. */
err_t run_config_parse(struct run_config **config, const char *path, const char *text, size_t size,
                       const struct config_options *options, struct err_text *why) MUST_USE;
void run_config_free(struct run_config *config);
/* config->resolved with every path absolute, so that it means the same files wherever it is read; to be freed. */
err_t run_config_text_anywhere(const struct run_config *config, char **text, struct err_text *why) MUST_USE;

/* Every tape is there and readable; ERR_CONFIG at its place in the config. */
err_t run_config_check_files(const struct run_config *config, struct err_text *why) MUST_USE;

/* An error about a key, with its place, its text and a caret: "instruments[0].tick", "feed.tapes[2]",
 * "account.balances.USDT". A key that the user did not write is named without a place. Returns ERR_CONFIG. */
err_t run_config_error(const struct run_config *config, const char *key, struct err_text *why, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* Lay the config's fees and overrides over an instrument of a tape (venue.fees first, then its own entry).
 * ERR_CONFIG at the key when a value does not fit the instrument's decimals or its rules. */
err_t run_config_apply_instrument(const struct run_config *config, struct instrument *instrument,
                                  struct err_text *why) MUST_USE;
/* Which of its fields the config has set, for all dates. */
enum {
    CONFIG_SETS_LOT = 1 << 0,
    CONFIG_SETS_QTY_MIN = 1 << 1,
    CONFIG_SETS_NOTIONAL_MIN = 1 << 2,
    CONFIG_SETS_MAKER_FEE = 1 << 3,
    CONFIG_SETS_TAKER_FEE = 1 << 4,
};
unsigned run_config_overrides(const struct run_config *config, const struct instrument *instrument);
/* Every entry of `instruments` names one of these, or ERR_CONFIG with a suggestion. */
err_t run_config_match_instruments(const struct run_config *config, const struct instrument *instruments,
                                   uint32_t instrument_count, struct err_text *why) MUST_USE;
/* The risk section in the units of an instrument. */
err_t run_config_risk_limits(const struct run_config *config, const struct instrument *instrument,
                             struct risk_limits *limits, struct err_text *why) MUST_USE;
/* How our taking moves an instrument; terms 0: not. ERR_CONFIG at the key. */
err_t run_config_impact(const struct run_config *config, const struct instrument *instrument,
                        struct impact_model *model, struct err_text *why) MUST_USE;
/* What goes wrong (faults_any: whether anything does). What it points to lives as long as the config. */
err_t run_config_faults(const struct run_config *config, struct faults *faults, struct err_text *why) MUST_USE;
/* Is the entry about this instrument? */
bool config_instrument_matches(const struct config_instrument *entry, const struct instrument *instrument);
/* How long messages are under way. What it points to lives as long as the config. */
err_t run_config_latency(const struct run_config *config, struct latency_model *model, struct err_text *why) MUST_USE;
/* How late the market data of a lane are: the model's response direction. Not when they are so as recorded. */
enum latency_kind config_feed_latency_kind(const struct config_feed_latency *latency);
err_t run_config_feed_latency(const struct run_config *config, uint16_t lane, struct latency_model *model,
                              struct err_text *why) MUST_USE;

#endif
