/* tape_normalise.c: tape normalise: the inputs of sessions, read by the adapters of today, as a market tape. */
#include "cli/tape_actions.h"

#include "cli/exit_code.h"
#include "cli/json_out.h"
#include "cli/links_up.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/quality_json.h"
#include "cli/stop_signal.h"
#include "cli/table.h"
#include "cli/values.h"
#include "cli/version.h"
#include "cli/wire_sources.h"
#include "data/quality.h"
#include "data/tape_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BOOK_WINDOW 131072
#define BOOK_FAR    16384
#define SILENCE_MIN (10 * NS_PER_S)

/* ---- several tapes of one recording, one after the other ---- */

struct chain {
    struct wire_source source; /* first */
    const char *const *paths;
    uint32_t count, at; /* at: the next to be opened */
    struct wire_source *now;
    ns_t ts;
    bool cut;
};

static err_t open_next(struct chain *chain)
{
    static const struct raw_source_options options = {.read_ahead = true, .lenient = true};
    const bool cut = chain->now != NULL && raw_source_cut(chain->now);
    if (chain->now != NULL)
        chain->now->ops->close(chain->now);
    chain->now = NULL;
    chain->cut |= cut;
    return raw_source_open(&chain->now, chain->paths[chain->at++], &options, &chain->source.why);
}

static err_t chain_next(struct wire_source *source, struct link_input *input)
{
    struct chain *chain = (struct chain *)(void *)source;
    err_t err = chain->now->ops->next(chain->now, input);
    while (err == ERR_END && chain->at < chain->count) {
        err = open_next(chain);
        if (err == ERR_OK)
            err = chain->now->ops->next(chain->now, input);
    }
    if (err == ERR_OK && input->ts < chain->ts)
        return err_say(&source->why, ERR_ORDER, "%s: begins before the tape before it ends: name them in their order",
                       chain->paths[chain->at - 1]);
    if (err == ERR_OK)
        chain->ts = input->ts;
    else if (err != ERR_END && chain->now != NULL)
        err_say(&source->why, err, "%s", chain->now->why.text);
    return err;
}

static const struct wire_source_ops chain_ops = {.next = chain_next};

/* ---- the job ---- */

struct normalise {
    struct chain chain;
    struct run_config *config;
    struct instrument *instruments; /* of the session */
    uint16_t instrument_count;
    uint16_t *map; /* to those of the tape that is written; INSTRUMENT_NONE: left out */
    struct instrument *wanted;
    uint16_t wanted_count;
    struct quality *quality; /* one a wanted instrument */
    void *books;
    struct wire_feed *wire;
    struct tape_writer *writer;
    struct tape_writer_stats stats;
    struct progress progress;
    uint64_t total;
    char temporary[4200]; /* what is being written */
    struct err_text why;
};

static err_t no_memory(struct normalise *job)
{
    return err_say(&job->why, ERR_NOMEM, "out of memory");
}

/* How the session listened: as the tape says, or a config. */
static err_t read_config(struct normalise *job, const char *path)
{
    const struct config_options options = {.recording = true};
    if (path != NULL)
        return run_config_load(&job->config, path, &options, &job->why);
    const char *text = raw_source_info(job->chain.now)->session;
    if (text == NULL)
        return err_say(&job->why, ERR_USAGE,
                       "%s: does not say how the session listened; name a config with the same feed.live: --config "
                       "FILE",
                       job->chain.paths[0]);
    char name[4200];
    snprintf(name, sizeof(name), "header of %s", job->chain.paths[0]);
    return run_config_parse(&job->config, name, text, strlen(text), &options, &job->why);
}

static bool names(const char *word, const struct instrument *instrument)
{
    const size_t venue = strlen(instrument->venue);
    return strcmp(word, instrument->symbol) == 0 || strcmp(word, instrument->venue) == 0 ||
           (strncmp(word, instrument->venue, venue) == 0 && word[venue] == ':' &&
            strcmp(word + venue + 1, instrument->symbol) == 0);
}

static err_t choose(struct normalise *job, const struct option_list *words)
{
    const struct tape_info *info = raw_source_info(job->chain.now);
    const uint16_t count = job->instrument_count = info->instrument_count;
    job->instruments = calloc(count + 1u, sizeof(*job->instruments));
    job->wanted = calloc(count + 1u, sizeof(*job->wanted));
    job->map = calloc(count + 1u, sizeof(*job->map));
    if (job->instruments == NULL || job->wanted == NULL || job->map == NULL)
        return no_memory(job);
    memcpy(job->instruments, info->instruments, count * sizeof(*job->instruments));
    bool *used = calloc(words->count + 1, sizeof(*used));
    if (used == NULL)
        return no_memory(job);
    for (uint16_t i = 0; i < count; i++) {
        bool wanted = words->count == 0;
        for (size_t w = 0; w < words->count; w++)
            if (names(words->items[w], &job->instruments[i]))
                wanted = used[w] = true;
        job->map[i] = wanted ? job->wanted_count : INSTRUMENT_NONE;
        if (wanted)
            job->wanted[job->wanted_count++] = job->instruments[i];
    }
    err_t err = ERR_OK;
    for (size_t w = 0; w < words->count && err == ERR_OK; w++)
        if (!used[w])
            err = err_say(&job->why, ERR_USAGE,
                          "--instrument: the session has no '%s'; 'tapedeck tape info' lists what it has",
                          words->items[w]);
    free(used);
    return err;
}

static err_t make_books(struct normalise *job)
{
    const size_t size = align64(quality_size(BOOK_WINDOW, BOOK_FAR)), count = job->wanted_count;
    job->quality = calloc(count + 1, sizeof(*job->quality));
    job->books = aligned_alloc(64, size * (count + 1));
    if (job->quality == NULL || job->books == NULL)
        return no_memory(job);
    memset(job->books, 0, size * count);
    for (size_t i = 0; i < count; i++)
        quality_init(&job->quality[i], (uint8_t *)job->books + i * size, BOOK_WINDOW, BOOK_FAR, &job->wanted[i],
                     SILENCE_MIN);
    return ERR_OK;
}

static err_t open_tape(struct normalise *job, const char *out, bool force)
{
    char source[256], created_by[64];
    snprintf(source, sizeof(source), "normalised from %.200s%s", job->chain.paths[0],
             job->chain.count > 1 ? " and more" : "");
    snprintf(created_by, sizeof(created_by), "tapedeck %s", cli_version());
    if (!force && access(out, F_OK) == 0)
        return err_say(&job->why, ERR_EXISTS, "%s: exists already; --force replaces it", out);
    if ((size_t)snprintf(job->temporary, sizeof(job->temporary), "%s.tmp", out) >= sizeof(job->temporary))
        return err_say(&job->why, ERR_RANGE, "%s: too long", out);
    const struct tape_writer_options options = {.source = source, .created_by = created_by};
    err_t err = tape_writer_open(&job->writer, job->temporary, job->wanted, job->wanted_count, &options, &job->why);
    if (err != ERR_OK)
        return err;
    const struct wire_feed_config wire = {.source = &job->chain.source,
                                          .instruments = job->instruments,
                                          .instrument_count = job->instrument_count,
                                          .link_count = (uint16_t)job->config->feed.link_count,
                                          .batch_events = 256};
    err = wire_feed_open(&job->wire, &wire, &job->why);
    return err == ERR_OK ? links_open(job->config, job->instruments, job->instrument_count, job->wire, &job->why)
                         : err;
}

/* ---- events ---- */

static err_t take(struct normalise *job, const struct event *event)
{
    struct event kept = *event;
    kept.lane = 0;
    if (event->kind == EVENT_TICK || event->kind == EVENT_PARAMETER || event->kind == EVENT_OPERATOR)
        return ERR_OK; /* of that session, not of the market */
    if (event->instrument < job->instrument_count)
        kept.instrument = job->map[event->instrument];
    if (event->instrument != INSTRUMENT_NONE && kept.instrument == INSTRUMENT_NONE)
        return ERR_OK;
    if (kept.instrument < job->wanted_count)
        quality_apply(&job->quality[kept.instrument], &kept, kept.ts - kept.exch_ts);
    err_t err = tape_writer_add(job->writer, &kept);
    return err == ERR_OK ? ERR_OK : err_say(&job->why, err, "%s", tape_writer_why(job->writer)->text);
}

static err_t read_all(struct normalise *job, const char *out)
{
    struct feed *feed = wire_feed_lane(job->wire);
    struct event_batch batch;
    err_t err;
    while ((err = feed->ops->next(feed, &batch)) == ERR_OK) {
        for (uint32_t i = 0; i < batch.count && err == ERR_OK; i++)
            err = take(job, &batch.events[i]);
        const ns_t ts = batch.events[batch.count - 1].ts;
        feed->ops->release(feed, batch.handle);
        progress_update(&job->progress, wire_feed_stats(job->wire)->inputs, job->total,
                        tape_writer_stats(job->writer)->levels, ts);
        if (stop_signal() != 0)
            err = ERR_INTERRUPTED;
        if (err != ERR_OK)
            return err;
    }
    if (err != ERR_END)
        return err_say(&job->why, err, "%s", feed->why.text);
    err = tape_writer_close(job->writer, &job->stats, &job->why);
    job->writer = NULL;
    if (err == ERR_OK && rename(job->temporary, out) != 0)
        err = err_say(&job->why, ERR_IO, "%s: %s", out, strerror(errno));
    return err;
}

/* ---- telling ---- */

static void links_of(const struct normalise *job, uint64_t *refused, struct err_text *said)
{
    const struct link *link;
    *refused = 0;
    for (uint16_t i = 0; (link = wire_feed_link(job->wire, i)) != NULL; i++) {
        struct link_stats stats;
        link->ops->stats(link, &stats);
        *refused += stats.refused;
        if (stats.refused != 0)
            *said = stats.said;
    }
}

static err_t print_json(const struct normalise *job, const char *out)
{
    uint64_t refused;
    struct err_text said = {0};
    links_of(job, &refused, &said);
    json_t *object = json_object(), *list = json_array();
    json_set_text(object, "file", out);
    json_set_u64(object, "inputs", wire_feed_stats(job->wire)->inputs);
    json_set_u64(object, "messages", job->stats.messages);
    json_set_u64(object, "levels", job->stats.levels);
    json_set_u64(object, "bytes", job->stats.bytes);
    json_set_u64(object, "refused", refused);
    json_set_bool(object, "cut", job->chain.cut || raw_source_cut(job->chain.now));
    for (uint16_t i = 0; i < job->wanted_count; i++)
        json_array_append_new(list, quality_json(&job->wanted[i], &job->quality[i]));
    json_set(object, "instruments", list);
    return json_print(stdout, object, false);
}

static void print_text(const struct normalise *job, const char *out)
{
    char count[VALUE_TEXT_SIZE], levels[VALUE_TEXT_SIZE], bytes[VALUE_TEXT_SIZE];
    uint64_t refused;
    struct err_text said = {0};
    struct table *table = table_new("lrrrrrrr", "instrument", "messages", "levels", "trades", "gaps", "crossed",
                                    "bbo wrong", "silences");
    for (uint16_t i = 0; i < job->wanted_count; i++) {
        const struct quality *quality = &job->quality[i];
        table_cell(table, "%s %s", job->wanted[i].venue, job->wanted[i].symbol);
        table_cell(table, "%s", value_count_text(quality->messages, count));
        table_cell(table, "%s", value_count_text(quality->levels, count));
        table_cell(table, "%s", value_count_text(quality->by_kind[EVENT_TRADE], count));
        table_cell(table, "%" PRIu64, quality->gaps);
        table_cell(table, "%" PRIu64, quality->crossed);
        table_cell(table, "%" PRIu64 "/%" PRIu64, quality->bbo_wrong, quality->bbo_compared);
        table_cell(table, "%" PRIu64, quality->silences);
    }
    table_print(table, stdout);
    links_of(job, &refused, &said);
    if (refused != 0)
        printf("\nwarning: %" PRIu64 " messages were not understood; last: %s\n", refused, said.text);
    if (job->chain.cut || raw_source_cut(job->chain.now))
        printf("\nwarning: a tape ends in the middle: its session was killed\n");
    printf("\nwrote %s: %s messages, %s levels, %" PRIu64 " blocks, %s\n", out,
           value_count_text(job->stats.messages, count), value_count_text(job->stats.levels, levels),
           job->stats.blocks, value_size_text(job->stats.bytes, bytes));
}

static void close_all(struct normalise *job)
{
    tape_writer_abandon(job->writer);
    if (job->wire != NULL)
        wire_feed_lane(job->wire)->ops->close(wire_feed_lane(job->wire));
    if (job->chain.now != NULL)
        job->chain.now->ops->close(job->chain.now);
    run_config_free(job->config);
    free(job->instruments);
    free(job->wanted);
    free(job->map);
    free(job->quality);
    free(job->books);
}

int tape_action_normalise(int argc, char **argv)
{
    struct normalise job = {.chain = {.source = {.ops = &chain_ops}, .ts = INT64_MIN}};
    struct option_list words = {0};
    const char *out = NULL, *config = NULL;
    bool force = false, json = false, begun = false;
    const struct option_spec specs[] = {
        {.name = "out", .letter = 'o', .type = OPTION_TEXT, .target = &out, .value = "FILE"},
        {.name = "config", .letter = 'c', .type = OPTION_TEXT, .target = &config, .value = "FILE"},
        {.name = "instrument", .letter = 'i', .type = OPTION_LIST, .target = &words, .value = "SYMBOL"},
        {.name = "force", .type = OPTION_FLAG, .target = &force},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &json},
    };
    stop_signal_catch();
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &job.why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 1, 1024, "FILE...", &job.why);
    if (err == ERR_OK && out == NULL)
        err = err_say(&job.why, ERR_USAGE, "--out FILE is missing");
    if (err == ERR_OK) {
        job.chain.paths = (const char *const *)argv + 1;
        job.chain.count = (uint32_t)(argc - 1);
        err = open_next(&job.chain);
        if (err != ERR_OK)
            err_say(&job.why, err, "%s", job.chain.source.why.text);
    }
    if (err == ERR_OK)
        job.total = job.chain.count == 1 ? raw_source_info(job.chain.now)->messages : 0;
    if (err == ERR_OK)
        err = read_config(&job, config);
    if (err == ERR_OK)
        err = choose(&job, &words);
    if (err == ERR_OK)
        err = make_books(&job);
    if (err == ERR_OK)
        err = open_tape(&job, out, force);
    if (err == ERR_OK) {
        begun = true;
        progress_begin(&job.progress, "normalise", "levels", true);
        err = read_all(&job, out);
        progress_end(&job.progress);
    }
    if (err == ERR_OK && json)
        err = print_json(&job, out);
    else if (err == ERR_OK)
        print_text(&job, out);
    close_all(&job);
    option_list_free(&words);
    if (err != ERR_OK && begun)
        (void)unlink(job.temporary); /* half a day is no day */
    if (err == ERR_INTERRUPTED && stop_signal() != 0) {
        fputs("tapedeck tape normalise: interrupted, nothing was written\n", stderr);
        return stop_signal_exit_code();
    }
    return err == ERR_OK ? EXIT_CODE_OK : exit_with("tape normalise", &job.why);
}
