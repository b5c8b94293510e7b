/* The time of a run against that of the bare loop over the same market data, in the same process: what a machine is
 * worth shortens out. Elapsed time and not that of the processor: a run that waits is slower too. Other work on the
 * machine can only lengthen a round, so the shortest one is the truest. */
#include "cli/ci_case.h"

#include "cli/json_out.h"
#include "cli/world_up.h"
#include "core/book_l3.h"
#include "core/feed.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TRIES 3

static uint64_t elapsed_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * (uint64_t)NS_PER_S + (uint64_t)now.tv_nsec;
}

struct speed {
    const struct ci_case *one;
    uint64_t run_ns, bare_ns; /* the shortest so far; 0: none */
    struct err_text why;
};

static void keep_shortest(uint64_t *shortest, uint64_t spent)
{
    if (*shortest == 0 || spent < *shortest)
        *shortest = spent != 0 ? spent : 1;
}

/* ---- the bare loop ---- */

static err_t make_books(const struct stage *stage, const struct run_config *config, struct book **books,
                        void **memory)
{
    const size_t plain = align64(book_size(config->engine.book_window, config->engine.book_far));
    const size_t single = config->engine.l3_orders != 0 ? align64(book_l3_size(config->engine.l3_orders)) : 0;
    const size_t size = (plain + single) * stage->instrument_count;
    uint8_t *at = *memory = aligned_alloc(64, size);
    *books = calloc(stage->instrument_count, sizeof(**books));
    if (at == NULL || *books == NULL)
        return ERR_NOMEM;
    memset(at, 0, size);
    for (uint16_t i = 0; i < stage->instrument_count; i++, at += plain + single) {
        book_init(&(*books)[i], at, config->engine.book_window, config->engine.book_far, &stage->instruments[i]);
        if (single != 0)
            book_l3_attach(&(*books)[i], at + plain, config->engine.l3_orders, BOOK_BY_EITHER);
    }
    return ERR_OK;
}

static bool moves_book(const struct event *event, uint16_t instrument_count)
{
    return event->instrument < instrument_count &&
           (event->kind == EVENT_BOOK_DELTA || event->kind == EVENT_BOOK_SNAPSHOT ||
            (event->kind >= EVENT_L3_ADD && event->kind <= EVENT_L3_EXECUTE));
}

static err_t read_lane(struct feed *feed, struct book *books, uint16_t instrument_count)
{
    struct event_batch batch;
    err_t err;
    while ((err = feed->ops->next(feed, &batch)) == ERR_OK) {
        for (uint32_t i = 0; i < batch.count; i++)
            if (moves_book(&batch.events[i], instrument_count))
                book_apply(&books[batch.events[i].instrument], &batch.events[i]);
        feed->ops->release(feed, batch.handle);
    }
    return err;
}

static err_t time_bare(struct speed *speed, const struct run_config *config)
{
    static const struct engine_sink nobody;
    struct stage *stage = NULL;
    struct book *books = NULL;
    void *memory = NULL;
    err_t err = stage_open(&stage, config, &nobody, &speed->why);
    if (err != ERR_OK)
        return err;
    if (make_books(stage, config, &books, &memory) != ERR_OK)
        err = err_say(&speed->why, ERR_NOMEM, "out of memory");
    const uint64_t begun = elapsed_ns();
    for (uint16_t lane = 0; lane < stage->lane_count && err == ERR_OK; lane++) {
        struct feed *feed = stage_lanes(stage)[lane];
        err = read_lane(feed, books, stage->instrument_count);
        err = err == ERR_END ? ERR_OK : err_say(&speed->why, err, "%s", feed->why.text);
    }
    keep_shortest(&speed->bare_ns, elapsed_ns() - begun);
    free(books);
    free(memory);
    stage_close(stage);
    return err;
}

/* ---- the run ---- */

static err_t time_run(struct speed *speed, const struct run_config *config)
{
    static const struct engine_sink nobody;
    struct stage *stage = NULL;
    err_t err = stage_open(&stage, config, &nobody, &speed->why);
    if (err != ERR_OK)
        return err;
    err = stage_start(stage);
    if (err != ERR_OK) {
        stage_close(stage);
        return err_say(&speed->why, err, "the strategy refused to start");
    }
    const uint64_t begun = elapsed_ns();
    do
        err = engine_run(stage->engine, UINT64_MAX);
    while (err == ERR_OK);
    (void)stage_stop(stage);
    keep_shortest(&speed->run_ns, elapsed_ns() - begun);
    if (err != ERR_END)
        err = err_say(&speed->why, err, "%s", engine_why(stage->engine)->text);
    stage_close(stage);
    return err == ERR_END ? ERR_OK : err;
}

/* A config is good for one run: the strategy's memory is in it. */
static err_t time_round(struct speed *speed)
{
    const struct config_options options = {.sets = &speed->one->sets, .tapes = &speed->one->tapes};
    struct run_config *config = NULL;
    err_t err = run_config_load(&config, speed->one->config, &options, &speed->why);
    if (err == ERR_OK)
        err = time_bare(speed, config);
    if (err == ERR_OK)
        err = time_run(speed, config);
    run_config_free(config);
    return err;
}

static int64_t ratio_of(const struct speed *speed)
{
    return (int64_t)((u128_t)speed->run_ns * (uint64_t)decimal_pow10(CI_RATIO_DECIMALS) / speed->bare_ns);
}

json_t *ci_case_speed(const struct ci_case *one)
{
    struct speed speed = {.one = one};
    json_t *outcome = json_object();
    err_t err = ERR_OK;
    int64_t ratio = INT64_MAX;
    for (int i = 0; i < TRIES && err == ERR_OK && ratio > one->ratio_max; i++) {
        for (uint32_t round = 0; round < one->rounds && err == ERR_OK; round++)
            err = time_round(&speed);
        if (err == ERR_OK)
            ratio = ratio_of(&speed);
    }
    json_set_text(outcome, "error",
                  err == ERR_OK               ? NULL
                  : speed.why.text[0] != '\0' ? speed.why.text
                                              : err_words(err));
    if (err == ERR_OK)
        json_set_decimal(outcome, "ratio", ratio, CI_RATIO_DECIMALS);
    json_set_bool(outcome, "over", err == ERR_OK && ratio > one->ratio_max);
    return outcome;
}
