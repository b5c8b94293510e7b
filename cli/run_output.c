#include "cli/run_output.h"

#include "cli/crash_note.h"
#include "cli/rules_up.h"
#include "cli/run_dir.h"
#include "cli/run_files.h"
#include "cli/run_tail.h"
#include "cli/values.h"
#include "cli/version.h"
#include "data/journal_tape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum stream { STREAM_ORDERS, STREAM_FILLS, STREAM_EQUITY, STREAM_PLOT, STREAM_PAYMENTS, STREAM_LOG, STREAM_COUNT };

static const struct {
    const char *name, *head;
} stream_files[STREAM_COUNT] = {
    [STREAM_ORDERS] = {"orders.csv",
                       "ts,ts_ns,order_id,venue,instrument,event,state,side,type,tif,flags,price,qty,filled,"
                       "reason,venue_code,venue_ts_ns,tag,funds,expire_ts_ns,self_trade\n"},
    [STREAM_FILLS] = {"fills.csv", "ts,ts_ns,venue_ts_ns,order_id,trade_id,venue,instrument,side,price,qty,liquidity,"
                                   "fee,fee_currency,position\n"},
    [STREAM_EQUITY] = {"equity.csv", "ts,ts_ns,currency,equity,cash,locked,fees,realised\n"},
    [STREAM_PLOT] = {"plot.csv", "ts,ts_ns,name,value\n"},
    [STREAM_PAYMENTS] = {"payments.csv", "ts,ts_ns,venue_ts_ns,payment,venue,instrument,reason,amount,currency,"
                                         "position,mark,rate,balance\n"},
    [STREAM_LOG] = {"log.txt", ""},
};

#define STREAM_BUFFER (256 * 1024)

struct run_output {
    const struct run_config *config;
    const struct instrument *instruments;
    uint16_t instrument_count;
    const struct engine *engine;
    char *dir; /* NULL: no files */
    FILE *files[STREAM_COUNT];
    struct run_files own;        /* the strategy's */
    const struct run_rows *rows; /* who takes the rows; NULL: files of `dir` do */
    struct engine_sink sink;
    struct journal journal;       /* the engine's: hands on to the tape */
    struct journal_tape *records; /* NULL: none is kept */
    struct run_tail tail;
    err_t broken;
    struct err_text why;
    char last_error[512];
    char buffers[STREAM_COUNT][STREAM_BUFFER];
};

static void break_with(struct run_output *output, enum stream stream, int number)
{
    if (output->broken != ERR_OK)
        return;
    output->broken = number == ENOSPC || number == EDQUOT ? ERR_NOSPACE : ERR_IO;
    (void)err_say(&output->why, output->broken, "%s/%s: cannot write: %s", output->dir, stream_files[stream].name,
                  strerror(number != 0 ? number : EIO));
}

static FILE *open_stream(struct run_output *output, enum stream stream)
{
    char path[PATH_SIZE];
    if (output->files[stream] != NULL || output->broken != ERR_OK)
        return output->files[stream];
    if (output->rows != NULL) {
        output->files[stream] = output->rows->open(output->rows->context, stream_files[stream].name);
        if (output->files[stream] == NULL)
            break_with(output, stream, errno);
        else
            fputs(stream_files[stream].head, output->files[stream]);
        return output->files[stream];
    }
    if (!run_dir_path(path, output->dir, stream_files[stream].name)) {
        break_with(output, stream, ENAMETOOLONG);
        return NULL;
    }
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        break_with(output, stream, errno);
        return NULL;
    }
    setvbuf(file, output->buffers[stream], _IOFBF, STREAM_BUFFER);
    crash_note_stream(file, output->buffers[stream]);
    fputs(stream_files[stream].head, file);
    output->files[stream] = file;
    return file;
}

/* Called after every row: a full disk is noticed when the buffer goes out, not at the end of the run. */
static void check_stream(struct run_output *output, enum stream stream)
{
    if (output->broken == ERR_OK && ferror(output->files[stream]) != 0)
        break_with(output, stream, errno);
}

static void put_time(FILE *file, ns_t ts)
{
    char text[VALUE_TEXT_SIZE];
    fprintf(file, "%s,%" PRId64, value_time_text(ts, text), ts);
}

static void put_money(FILE *file, money_t value, unsigned decimals)
{
    char text[DECIMAL_TEXT_SIZE];
    decimal_format(text, value, decimals, 0);
    fprintf(file, ",%s", text);
}

static void put_price(FILE *file, const struct instrument *instrument, px_t price)
{
    char text[DECIMAL_TEXT_SIZE];
    instrument_format_price(instrument, price, text);
    fprintf(file, ",%s", text);
}

static void put_qty(FILE *file, const struct instrument *instrument, qty_t qty)
{
    char text[DECIMAL_TEXT_SIZE];
    instrument_format_qty(instrument, qty, text);
    fprintf(file, ",%s", text);
}

/* ---- the sink ---- */

static const char *flag_words(uint8_t flags)
{
    static const char *const words[] = {
        "",          "post_only",           "reduce_only",           "post_only|reduce_only",
        "remaining", "post_only|remaining", "reduce_only|remaining", "post_only|reduce_only|remaining"};
    return words[flags & (ARRAY_LEN(words) - 1)];
}

static void on_order(void *context, ns_t ts, const struct order *order, const struct execution *execution)
{
    struct run_output *output = context;
    FILE *file = output->files[STREAM_ORDERS];
    const struct instrument *instrument = &output->instruments[order->instrument];
    const char *event = execution == NULL ? "submit" : exec_kind_name((enum exec_kind)execution->kind);
    put_time(file, ts);
    fprintf(file, ",%" PRIu64 ",%s,%s,%s,%s,%s,%s,%s,%s", order->id, instrument->venue, instrument->symbol, event,
            order_state_name((enum order_state)order->state), side_name((enum side)order->side),
            order_type_name((enum order_type)order->type), tif_name((enum time_in_force)order->tif),
            flag_words(order->flags));
    put_price(file, instrument, order->price);
    put_qty(file, instrument, order->qty);
    put_qty(file, instrument, order->filled);
    char code[VENUE_CODE_TEXT_SIZE] = "0";
    if (execution != NULL && execution->venue_code != 0)
        (void)venue_code_text(rules_profile(instrument->venue), execution->venue_code, code);
    fprintf(file, ",%s,%s,%" PRId64 ",%" PRIu64,
            execution == NULL || execution->reason == REASON_NONE ? "" : reason_name((enum reason)execution->reason),
            code, execution == NULL ? 0 : execution->venue_ts, order->tag);
    put_money(file, order->funds, MONEY_DECIMALS);
    fprintf(file, ",%" PRId64 ",%s\n", order->expire_ts, stp_mode_name((enum stp_mode)order->stp));
    check_stream(output, STREAM_ORDERS);
    run_tail_order(&output->tail, engine_counters(output->engine)->inputs, ts, order, execution);
}

static void on_fill(void *context, ns_t ts, const struct order *order, const struct execution *execution)
{
    struct run_output *output = context;
    FILE *file = output->files[STREAM_FILLS];
    const struct instrument *instrument = &output->instruments[order->instrument];
    const struct position *position = account_position(engine_account_view(output->engine), order->instrument);
    put_time(file, ts);
    fprintf(file, ",%" PRId64 ",%" PRIu64 ",%" PRIu64 ",%s,%s,%s", execution->venue_ts, order->id,
            execution->trade_id, instrument->venue, instrument->symbol, side_name((enum side)order->side));
    put_price(file, instrument, execution->price);
    put_qty(file, instrument, execution->qty);
    fprintf(file, ",%s", execution->maker != 0 ? "maker" : "taker");
    put_money(file, execution->fee, execution->fee_decimals);
    fprintf(file, ",%.*s", (int)sizeof(execution->fee_currency), execution->fee_currency);
    put_qty(file, instrument, position->qty);
    fputc('\n', file);
    check_stream(output, STREAM_FILLS);
}

/* The currencies that profit is counted in, each once, in the order of the instruments. */
static void on_equity(void *context, ns_t ts, const struct engine *engine)
{
    struct run_output *output = context;
    FILE *file = output->files[STREAM_EQUITY];
    for (uint16_t i = 0; i < output->instrument_count; i++) {
        if (!instrument_is_first_of_settle(output->instruments, i))
            continue;
        const char *currency = output->instruments[i].settle;
        const struct balance *balance = account_balance(engine_account_view(engine), currency);
        put_time(file, ts);
        fprintf(file, ",%s", currency);
        put_money(file, engine_equity(engine, currency), MONEY_DECIMALS);
        put_money(file, balance != NULL ? balance->total : 0, MONEY_DECIMALS);
        put_money(file, balance != NULL ? balance->locked : 0, MONEY_DECIMALS);
        put_money(file, balance != NULL ? balance->fees : 0, MONEY_DECIMALS);
        put_money(file, balance != NULL ? balance->realised : 0, MONEY_DECIMALS);
        fputc('\n', file);
    }
    check_stream(output, STREAM_EQUITY);
}

static const char *level_word(enum log_level level)
{
    static const char *const words[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    return (unsigned)level < ARRAY_LEN(words) ? words[level] : "?";
}

static void on_log(void *context, ns_t ts, enum log_level level, const char *text)
{
    struct run_output *output = context;
    char time[VALUE_TEXT_SIZE];
    if (level == LOG_ERROR)
        snprintf(output->last_error, sizeof(output->last_error), "%s", text);
    if (output->files[STREAM_LOG] == NULL || level < output->config->output.log_level)
        return;
    run_tail_log(&output->tail, engine_counters(output->engine)->inputs, ts, level, text);
    fprintf(output->files[STREAM_LOG], "%s %s %s\n", ts != 0 ? value_time_text(ts, time) : "start", level_word(level),
            text);
    check_stream(output, STREAM_LOG);
}

/* CSV: a name with a comma, a quote or a line end is quoted. */
static void put_csv_text(FILE *file, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fprintf(file, ",%s", text);
        return;
    }
    fputs(",\"", file);
    for (; *text != '\0'; text++)
        fprintf(file, *text == '"' ? "\"%c" : "%c", *text);
    fputc('"', file);
}

static void on_plot(void *context, ns_t ts, const char *name, int64_t value, unsigned decimals)
{
    struct run_output *output = context;
    FILE *file = open_stream(output, STREAM_PLOT);
    if (file == NULL)
        return;
    put_time(file, ts);
    put_csv_text(file, name);
    put_money(file, value, decimals <= DECIMALS_MAX ? decimals : DECIMALS_MAX);
    fputc('\n', file);
    check_stream(output, STREAM_PLOT);
}

static void on_payment(void *context, ns_t ts, uint16_t number, const struct execution *execution)
{
    struct run_output *output = context;
    FILE *file = open_stream(output, STREAM_PAYMENTS);
    const struct instrument *instrument = &output->instruments[number];
    char currency[NAME_SIZE];
    run_tail_payment(&output->tail, engine_counters(output->engine)->inputs, ts, number, execution);
    if (file == NULL)
        return;
    snprintf(currency, sizeof(currency), "%.*s", (int)sizeof(currency) - 1, execution->fee_currency);
    const struct balance *balance = account_balance(engine_account_view(output->engine), currency);
    put_time(file, ts);
    fprintf(file, ",%" PRId64 ",%" PRIu64 ",%s,%s,%s", execution->venue_ts, execution->trade_id, instrument->venue,
            instrument->symbol, reason_name((enum reason)execution->reason));
    put_money(file, -execution->fee, execution->fee_decimals);
    fprintf(file, ",%s", currency);
    put_qty(file, instrument, execution->qty);
    if (execution->price != 0)
        put_price(file, instrument, execution->price);
    else
        fputc(',', file);
    put_money(file, execution->rate, 12);
    put_money(file, balance != NULL ? balance->total : 0, MONEY_DECIMALS);
    fputc('\n', file);
    check_stream(output, STREAM_PAYMENTS);
}

static void on_write(void *context, ns_t ts, const char *file, const char *line)
{
    struct run_output *output = context;
    struct err_text why = {0};
    (void)ts;
    if (output->broken != ERR_OK)
        return;
    if ((output->broken = run_files_write(&output->own, output->dir, file, line, &why)) != ERR_OK)
        (void)err_say(&output->why, output->broken, "%s", why.text);
}

/* ---- beginning and end ---- */

err_t run_output_new(struct run_output **output, const struct run_config *config, struct err_text *why)
{
    struct run_output *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    made->config = config;
    *output = made;
    return ERR_OK;
}

const struct engine_sink *run_output_sink(struct run_output *output, bool none)
{
    output->sink = (struct engine_sink){.context = output, .log = on_log, .write = on_write};
    if (!none) {
        output->sink.order = on_order;
        output->sink.fill = on_fill;
        output->sink.payment = on_payment;
        output->sink.equity = on_equity;
        output->sink.plot = on_plot;
    }
    return &output->sink;
}

static void on_record(void *context, const struct event *record)
{
    struct run_output *output = context;
    const struct journal *journal = journal_tape_journal(output->records);
    journal->record(journal->context, record);
}

struct journal *run_output_journal(struct run_output *output, bool none)
{
    output->journal = (struct journal){output, on_record};
    return none || output->config->journal == RUN_JOURNAL_OFF ? NULL : &output->journal;
}

static err_t open_journal(struct run_output *output, struct err_text *why)
{
    char path[PATH_SIZE], source[128];
    if (output->config->journal == RUN_JOURNAL_OFF)
        return ERR_OK;
    if (!run_dir_path(path, output->dir, RUN_JOURNAL_FILE))
        return err_say(why, ERR_RANGE, "%s: too long", output->dir);
    snprintf(source, sizeof(source), "journal of %s, config %s, build %s", output->config->strategy->name,
             output->config->hash, cli_build_id());
    char created_by[64];
    snprintf(created_by, sizeof(created_by), "tapedeck %s", cli_version());
    const struct journal_tape_options options = {
        .source = source, .created_by = created_by, .live = output->config->mode == RUN_PAPER};
    return journal_tape_open(&output->records, path, output->instruments, output->instrument_count, &options, why);
}

static err_t make_dir(struct run_output *output, const struct run_output_options *options, struct err_text *why)
{
    const struct run_config *config = output->config;
    if (options->out != NULL)
        return run_dir_use(options->out, options->force, &output->dir, why);
    return run_dir_new(config->output.dir, config->strategy->name, config->hash, &output->dir, why);
}

/* Those that every run has. */
static err_t open_streams(struct run_output *output, struct err_text *why)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        if (i != STREAM_PLOT && i != STREAM_PAYMENTS)
            (void)open_stream(output, (enum stream)i);
    }
    return run_output_error(output, why);
}

err_t run_output_open(struct run_output *output, const struct run_output_options *options,
                      const struct instrument *instruments, uint16_t instrument_count, const struct engine *engine,
                      struct err_text *why)
{
    output->instruments = instruments;
    output->instrument_count = instrument_count;
    output->engine = engine;
    if (options->none)
        return ERR_OK;
    err_t err = make_dir(output, options, why);
    if (err != ERR_OK)
        return err;
    crash_note_arm(output->dir, engine, output->config->hash);
    char *text = NULL;
    err = run_config_text_anywhere(output->config, &text, why);
    if (err == ERR_OK)
        err = run_output_file(output, "config.yaml", text, why);
    free(text);
    if (err == ERR_OK)
        err = open_streams(output, why);
    return err == ERR_OK ? open_journal(output, why) : err;
}

err_t run_output_open_rows(struct run_output *output, const struct run_rows *rows,
                           const struct instrument *instruments, uint16_t instrument_count,
                           const struct engine *engine, struct err_text *why)
{
    output->instruments = instruments;
    output->instrument_count = instrument_count;
    output->engine = engine;
    output->rows = output->own.rows = rows;
    return open_streams(output, why);
}

void run_output_engine(struct run_output *output, const struct engine *engine)
{
    output->engine = engine;
    if (output->dir != NULL)
        crash_note_engine(engine);
}

const char *run_output_dir(const struct run_output *output)
{
    return output->dir;
}

err_t run_output_error(const struct run_output *output, struct err_text *why)
{
    if (output->broken == ERR_OK && output->records != NULL)
        return journal_tape_error(output->records, why);
    return output->broken == ERR_OK ? ERR_OK : err_say(why, output->broken, "%s", output->why.text);
}

const char *run_output_last_error(const struct run_output *output)
{
    return output->last_error[0] != '\0' ? output->last_error : NULL;
}

void run_output_flush(struct run_output *output)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        errno = 0;
        if (output->files[i] != NULL && fflush(output->files[i]) != 0)
            break_with(output, (enum stream)i, errno);
    }
    if (output->records != NULL && output->config->mode == RUN_PAPER)
        journal_tape_flush(output->records);
    struct err_text why = {0};
    const err_t err = run_files_flush(&output->own, output->dir, &why);
    if (err != ERR_OK && output->broken == ERR_OK) {
        output->broken = err;
        (void)err_say(&output->why, err, "%s", why.text);
    }
}

static err_t write_tail(struct run_output *output, struct err_text *why)
{
    if (output->dir == NULL)
        return ERR_OK;
    char *text = run_tail_text(&output->tail, output->engine, output->instruments, output->instrument_count);
    err_t err = text != NULL ? run_output_file(output, RUN_TAIL_FILE, text, why)
                             : err_say(why, ERR_NOMEM, RUN_TAIL_FILE ": out of memory");
    free(text);
    return err;
}

err_t run_output_close(struct run_output *output, struct err_text *why)
{
    crash_note_disarm();
    for (int i = 0; i < STREAM_COUNT; i++) {
        if (output->files[i] == NULL)
            continue;
        errno = 0;
        bool bad = ferror(output->files[i]) != 0;
        if (fclose(output->files[i]) != 0 || bad)
            break_with(output, (enum stream)i, errno);
        output->files[i] = NULL;
    }
    struct err_text own = {0};
    err_t err = journal_tape_close(output->records, &own); /* the first failure is the one that is told */
    output->records = NULL;
    const err_t files = run_files_close(&output->own, output->dir, &own);
    err = err == ERR_OK ? files : err;
    if (err != ERR_OK && output->broken == ERR_OK) {
        output->broken = err;
        (void)err_say(&output->why, err, "%s", own.text);
    }
    err = run_output_error(output, why);
    return err == ERR_OK ? write_tail(output, why) : err;
}

err_t run_output_file(struct run_output *output, const char *name, const char *text, struct err_text *why)
{
    return output->dir == NULL ? ERR_OK : run_dir_write(output->dir, name, text, why);
}

void run_output_free(struct run_output *output)
{
    if (output == NULL)
        return;
    crash_note_disarm();
    for (int i = 0; i < STREAM_COUNT; i++) {
        if (output->files[i] != NULL)
            fclose(output->files[i]);
    }
    struct err_text unheard = {0};
    (void)!run_files_close(&output->own, output->dir, &unheard);
    if (journal_tape_close(output->records, NULL) != ERR_OK)
        output->records = NULL; /* whoever frees without closing has given up on it */
    free(output->dir);
    free(output);
}
