/* tape_show.c: tape info and tape cat. */
#include "cli/tape_actions.h"

#include "cli/exit_code.h"
#include "cli/json_out.h"
#include "cli/options.h"
#include "cli/stop_signal.h"
#include "cli/suggest.h"
#include "cli/table.h"
#include "cli/tape_cat.h"
#include "cli/values.h"
#include "data/tape_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* ---- info ---- */

static json_t *instrument_json(const struct instrument *instrument)
{
    json_t *object = json_object();
    json_set_text(object, "venue", instrument->venue);
    json_set_text(object, "symbol", instrument->symbol);
    json_set_text(object, "base", instrument->base);
    json_set_text(object, "quote", instrument->quote);
    json_set_text(object, "settle", instrument->settle);
    json_set_text(object, "contract", contract_kind_name(instrument->contract));
    json_set_u64(object, "price_decimals", instrument->price_decimals);
    json_set_u64(object, "qty_decimals", instrument->qty_decimals);
    json_t *tables = json_array();
    for (uint32_t i = 0; i < instrument->tick_table_count; i++) {
        const struct tick_table *table = &instrument->tick_tables[i];
        json_t *entry = json_object(), *bands = json_array();
        json_set_i64(entry, "from_ns", table->from_ts);
        for (uint32_t j = 0; j < table->band_count; j++) {
            json_t *band = json_object();
            json_set_price(band, "from", instrument, table->bands[j].from);
            json_set_price(band, "tick", instrument, table->bands[j].tick);
            json_array_append_new(bands, band);
        }
        json_set(entry, "bands", bands);
        json_array_append_new(tables, entry);
    }
    json_set(object, "tick_tables", tables);
    json_set_qty(object, "lot", instrument, instrument->lot);
    json_set_qty(object, "qty_min", instrument, instrument->qty_min);
    json_set_qty(object, "qty_max", instrument, instrument->qty_max);
    json_set_decimal(object, "notional_min", instrument->notional_min,
                     (unsigned)instrument->price_decimals + instrument->qty_decimals);
    json_set_decimal(object, "multiplier", instrument->multiplier, instrument->multiplier_decimals);
    json_set_decimal(object, "maker_fee", instrument->maker_fee, FEE_DECIMALS);
    json_set_decimal(object, "taker_fee", instrument->taker_fee, FEE_DECIMALS);
    return object;
}

static json_t *info_json(const char *path, const struct tape_info *info)
{
    json_t *object = json_object(), *instruments = json_array();
    json_set_text(object, "file", path);
    json_set_u64(object, "version", info->version);
    json_set_text(object, "hash", info->hash);
    json_set_text(object, "source", info->source);
    json_set_text(object, "created_by", info->created_by);
    json_set_u64(object, "bytes", info->file_bytes);
    json_set_bool(object, "closed", info->indexed);
    json_set_u64(object, "blocks", info->blocks);
    json_set_u64(object, "messages", info->messages);
    json_set_u64(object, "levels", info->levels);
    json_set_time(object, "first", info->first_ts);
    json_set_time(object, "last", info->last_ts);
    for (uint16_t i = 0; i < info->instrument_count; i++)
        json_array_append_new(instruments, instrument_json(&info->instruments[i]));
    json_set(object, "instruments", instruments);
    return object;
}

static void print_instruments(const struct tape_info *info)
{
    struct table *table =
        table_new("lllrrrrr", "venue", "symbol", "contract", "tick", "lot", "min value", "maker", "taker");
    for (uint16_t i = 0; i < info->instrument_count; i++) {
        const struct instrument *instrument = &info->instruments[i];
        char tick[DECIMAL_TEXT_SIZE], lot[DECIMAL_TEXT_SIZE], least[DECIMAL_TEXT_SIZE], maker[DECIMAL_TEXT_SIZE],
            taker[DECIMAL_TEXT_SIZE];
        const struct tick_table *ticks = instrument_tick_table(instrument, info->last_ts);
        instrument_format_price(instrument, ticks->bands[0].tick, tick);
        instrument_format_qty(instrument, instrument->lot, lot);
        decimal_format(least, instrument->notional_min,
                       (unsigned)instrument->price_decimals + instrument->qty_decimals, 0);
        decimal_format(maker, instrument->maker_fee, FEE_DECIMALS, 0);
        decimal_format(taker, instrument->taker_fee, FEE_DECIMALS, 0);
        table_cell(table, "%s", instrument->venue);
        table_cell(table, "%s", instrument->symbol);
        table_cell(table, "%s", contract_kind_name(instrument->contract));
        table_cell(table, "%s%s", tick, ticks->band_count > 1 ? " (bands)" : "");
        table_cell(table, "%s", lot);
        table_cell(table, "%s", least);
        table_cell(table, "%s", maker);
        table_cell(table, "%s", taker);
    }
    table_print(table, stdout);
}

static void print_info(const char *path, const struct tape_info *info)
{
    char bytes[VALUE_TEXT_SIZE], messages[VALUE_TEXT_SIZE], levels[VALUE_TEXT_SIZE], first[VALUE_TEXT_SIZE],
        last[VALUE_TEXT_SIZE], span[VALUE_TEXT_SIZE];
    printf("%s\n", path);
    if (info->source[0] != '\0')
        printf("  source    %s\n", info->source);
    if (info->created_by[0] != '\0')
        printf("  made by   %s\n", info->created_by);
    printf("  hash      %s\n", info->hash);
    printf("  size      %s, %" PRIu64 " blocks, format %" PRIu32 "%s\n", value_size_text(info->file_bytes, bytes),
           info->blocks, info->version,
           info->indexed ? "" : ", not closed (no index): 'tapedeck tape repair' closes it");
    printf("  holds     %s messages, %s levels", value_count_text(info->messages, messages),
           value_count_text(info->levels, levels));
    if (info->levels > 0)
        printf(", %.2f bytes a level", (double)info->file_bytes / (double)info->levels);
    putchar('\n');
    if (info->messages > 0)
        printf("  time      %s to %s (%s)\n", value_time_text(info->first_ts, first),
               value_time_text(info->last_ts, last), value_span_text(info->last_ts - info->first_ts, span));
    putchar('\n');
    print_instruments(info);
}

static err_t info_one(const char *path, json_t *list, struct err_text *why)
{
    struct tape_reader *reader;
    err_t err = tape_reader_open(&reader, path, NULL, why);
    if (err != ERR_OK)
        return err;
    if (list != NULL)
        json_array_append_new(list, info_json(path, tape_reader_info(reader)));
    else
        print_info(path, tape_reader_info(reader));
    tape_reader_close(reader);
    return ERR_OK;
}

int tape_action_info(int argc, char **argv)
{
    bool json = false;
    const struct option_spec specs[] = {{.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &json}};
    struct err_text why = {0};
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 1, INT16_MAX, "FILE...", &why);
    json_t *list = json ? json_array() : NULL;
    for (int i = 1; i < argc && err == ERR_OK; i++) {
        if (i > 1 && !json)
            putchar('\n');
        err = info_one(argv[i], list, &why);
    }
    if (err == ERR_OK && json) { /* one file: one object */
        json_t *value = argc == 2 ? json_incref(json_array_get(list, 0)) : json_incref(list);
        err = json_print(stdout, value, false);
    }
    json_decref(list);
    return err == ERR_OK ? EXIT_CODE_OK : why.code != ERR_OK ? exit_with("tape info", &why) : exit_code_of(err);
}

/* ---- cat ---- */

struct filter {
    bool has_from, has_to, has_message;
    ns_t from, to;
    int64_t message; /* the first one that may be shown */
    uint32_t kinds;  /* a bit a kind */
    bool instruments[INSTRUMENTS_MAX];
    bool any_instrument;
    int64_t count; /* lines still to print, -1: no end */
    uint64_t printed;
};

static err_t filter_kinds(struct filter *filter, const struct option_list *words, struct err_text *why)
{
    filter->kinds = words->count == 0 ? UINT32_MAX : 0;
    for (size_t i = 0; i < words->count; i++) {
        enum event_kind kind;
        const char *word = words->items[i];
        if (event_kind_parse(word, strlen(word), &kind) == ERR_OK) {
            filter->kinds |= UINT32_C(1) << kind;
            continue;
        }
        struct suggestion suggestion;
        char hint[128], all[400];
        size_t used = 0;
        suggest_start(&suggestion, word, strlen(word));
        for (int k = 1; k < EVENT_KIND_COUNT; k++) {
            suggest_offer(&suggestion, event_kind_name((enum event_kind)k));
            used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", k > 1 ? ", " : "",
                                     event_kind_name((enum event_kind)k));
        }
        return err_say(why, ERR_USAGE, "--kind: unknown kind '%s'%s; kinds are %s", word,
                       suggest_text(&suggestion, hint), all);
    }
    return ERR_OK;
}
STATIC_ASSERT(EVENT_KIND_COUNT <= 32, "a bit a kind");

static bool names(const char *word, const struct instrument *instrument)
{
    size_t venue = strlen(instrument->venue);
    return strcmp(word, instrument->symbol) == 0 ||
           (strncmp(word, instrument->venue, venue) == 0 && word[venue] == ':' &&
            strcmp(word + venue + 1, instrument->symbol) == 0);
}

static err_t filter_instruments(struct filter *filter, const struct option_list *words, const struct tape_info *info,
                                struct err_text *why)
{
    filter->any_instrument = words->count == 0;
    for (size_t i = 0; i < words->count; i++) {
        bool found = false;
        struct suggestion suggestion;
        char hint[128];
        suggest_start(&suggestion, words->items[i], strlen(words->items[i]));
        for (uint16_t j = 0; j < info->instrument_count; j++) {
            suggest_offer(&suggestion, info->instruments[j].symbol);
            if (names(words->items[i], &info->instruments[j]))
                filter->instruments[j] = found = true;
        }
        if (!found)
            return err_say(why, ERR_USAGE, "--instrument: the tape has no '%s'%s; 'tapedeck tape info' lists them",
                           words->items[i], suggest_text(&suggestion, hint));
    }
    return ERR_OK;
}

static bool wanted(const struct filter *filter, const struct event *event)
{
    if ((filter->kinds >> event->kind & 1) == 0 || (filter->has_from && event->ts < filter->from))
        return false;
    return filter->any_instrument || (event->instrument < INSTRUMENTS_MAX && filter->instruments[event->instrument]);
}

/* ERR_END: enough was printed, or the span is over. */
static err_t cat_block(const struct tape_cat *cat, struct filter *filter, const struct tape_block *block, bool json)
{
    for (uint32_t i = 0; i < block->event_count; i++) {
        const struct event *event = &block->events[i];
        if (filter->has_message && block->first_message + i < (uint64_t)filter->message)
            continue;
        if ((filter->has_to && event->ts >= filter->to) || filter->count == 0)
            return ERR_END;
        if (!wanted(filter, event))
            continue;
        (json ? tape_cat_json : tape_cat_text)(cat, block->first_message + i, event);
        filter->count -= filter->count > 0;
    }
    if (ferror(cat->file) != 0)
        return errno == ENOSPC ? ERR_NOSPACE : ERR_IO;
    return stop_signal() != 0 ? ERR_INTERRUPTED : ERR_OK;
}

static err_t cat_tape(struct tape_reader *reader, struct filter *filter, uint32_t levels_max, bool json,
                      struct err_text *why)
{
    const struct tape_info *info = tape_reader_info(reader);
    struct tape_cat cat = {stdout, info->instruments, info->instrument_count, levels_max};
    struct tape_block block;
    err_t err = filter->has_message ? tape_reader_seek_message(reader, (uint64_t)filter->message, why)
                : filter->has_from  ? tape_reader_seek_ts(reader, filter->from, why)
                                    : ERR_OK;
    while (err == ERR_OK && (err = tape_reader_next(reader, &block, why)) == ERR_OK) {
        err = cat_block(&cat, filter, &block, json);
        tape_reader_release(reader, block.buffer);
    }
    if (err == ERR_END)
        return ERR_OK;
    return err_say(why, err, "standard output: %s", err_words(err));
}

int tape_action_cat(int argc, char **argv)
{
    struct filter filter = {.count = -1};
    struct option_list kinds = {0}, instruments = {0};
    int64_t levels = -1;
    bool json = false;
    const struct option_spec specs[] = {
        {.name = "from",
         .letter = 'f',
         .type = OPTION_TIME,
         .target = &filter.from,
         .value = "TIME",
         .given = &filter.has_from},
        {.name = "to",
         .letter = 't',
         .type = OPTION_TIME,
         .target = &filter.to,
         .value = "TIME",
         .given = &filter.has_to},
        {.name = "message",
         .letter = 'm',
         .type = OPTION_INT,
         .target = &filter.message,
         .value = "N",
         .minimum = 0,
         .maximum = INT64_MAX,
         .given = &filter.has_message},
        {.name = "instrument", .letter = 'i', .type = OPTION_LIST, .target = &instruments, .value = "SYMBOL"},
        {.name = "kind", .letter = 'k', .type = OPTION_LIST, .target = &kinds, .value = "KIND"},
        {.name = "count",
         .letter = 'n',
         .type = OPTION_INT,
         .target = &filter.count,
         .value = "N",
         .minimum = 0,
         .maximum = INT64_MAX},
        {.name = "levels",
         .letter = 'l',
         .type = OPTION_INT,
         .target = &levels,
         .value = "N",
         .minimum = 0,
         .maximum = 1000000},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &json},
    };
    struct err_text why = {0};
    struct tape_reader *reader = NULL;
    stop_signal_catch();
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 1, 1, "one FILE", &why);
    if (err == ERR_OK)
        err = filter_kinds(&filter, &kinds, &why);
    if (err == ERR_OK)
        err = tape_reader_open(&reader, argv[1], NULL, &why);
    if (err == ERR_OK)
        err = filter_instruments(&filter, &instruments, tape_reader_info(reader), &why);
    if (err == ERR_OK)
        err = cat_tape(reader, &filter, levels < 0 ? UINT32_MAX : (uint32_t)levels, json, &why);
    tape_reader_close(reader);
    option_list_free(&kinds);
    option_list_free(&instruments);
    if (err == ERR_INTERRUPTED)
        return stop_signal_exit_code();
    return err == ERR_OK ? EXIT_CODE_OK : exit_with("tape cat", &why);
}
