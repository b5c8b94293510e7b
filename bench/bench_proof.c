/* What a journal costs a run, and how fast a run is verified against it. */
#include "bench/bench.h"

#include "cli/config.h"
#include "cli/journal_compare.h"
#include "cli/world_up.h"
#include "data/journal_tape.h"
#include "data/tape_reader.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of all threads until the last byte is written. */
static err_t with_journal(const struct run_config *config, const char *tape, const char *path,
                          struct bench_result *result, struct err_text *why)
{
    struct tape_reader *reader;
    err_t err = tape_reader_open(&reader, tape, NULL, why);
    if (err != ERR_OK)
        return err;
    const struct tape_info *info = tape_reader_info(reader);
    const struct journal_tape_options options = {.source = "bench", .created_by = "tapedeck bench"};
    struct journal_tape *journal;
    err = journal_tape_open(&journal, path, info->instruments, info->instrument_count, &options, why);
    if (err == ERR_OK) {
        const struct stage_watch watch = {.journal = journal_tape_journal(journal)};
        err = bench_one_run(config, &watch, result, why);
        const double run = (double)info->levels / result->levels_per_s;
        const double t0 = bench_cpu_s();
        const err_t closed = journal_tape_close(journal, why);
        err = err == ERR_OK ? closed : err;
        result->levels_per_s = (double)info->levels / (run + bench_cpu_s() - t0);
    }
    tape_reader_close(reader);
    return err;
}

static err_t against_journal(const struct run_config *config, const char *path, struct bench_result *result,
                             struct err_text *why)
{
    struct journal_compare *compare;
    err_t err = journal_compare_open(&compare, path, why);
    if (err != ERR_OK)
        return err;
    const struct stage_watch watch = {.journal = journal_compare_journal(compare)};
    err = bench_one_run(config, &watch, result, why);
    if (err == ERR_OK && journal_compare_differs(compare))
        err = err_say(why, ERR_MISMATCH, "%s: the run is not the one of the journal", path);
    journal_compare_close(compare);
    return err;
}

enum way { PLAIN, JOURNAL, VERIFY };

/* A config for each run: its strategy's state is used up by one. */
static err_t run_once(const char *tape, enum way way, const char *path, struct bench_result *result,
                      struct err_text *why)
{
    struct option_list list = {0};
    struct run_config *config;
    *result = (struct bench_result){0};
    err_t err = option_list_add(&list, tape);
    const struct config_options options = {.tapes = &list};
    if (err == ERR_OK)
        err = run_config_parse(&config, "bench.yaml", bench_maker, strlen(bench_maker), &options, why);
    if (err == ERR_OK) {
        if (way == JOURNAL)
            err = with_journal(config, tape, path, result, why);
        else if (way == VERIFY)
            err = against_journal(config, path, result, why);
        else
            err = bench_one_run(config, NULL, result, why);
        run_config_free(config);
    }
    option_list_free(&list);
    return err;
}

err_t bench_proof(const char *tape, const char *dir, uint32_t rounds, struct bench_proof *best, struct err_text *why)
{
    char path[512];
    err_t err = ERR_OK;
    *best = (struct bench_proof){0};
    snprintf(path, sizeof(path), "%s/tapedeck-bench-%d-journal.tape", dir, (int)getpid());
    for (uint32_t round = 0; round < rounds && err == ERR_OK; round++) {
        for (enum way way = PLAIN; way <= VERIFY && err == ERR_OK; way++) {
            struct bench_result result;
            double *const engine[] = {&best->plain.engine, &best->journal.engine, &best->verify.engine};
            double *const all[] = {&best->plain.all, &best->journal.all, &best->verify.all};
            err = run_once(tape, way, path, &result, why);
            *engine[way] = result.levels_per_thread_s > *engine[way] ? result.levels_per_thread_s : *engine[way];
            *all[way] = result.levels_per_s > *all[way] ? result.levels_per_s : *all[way];
        }
    }
    struct stat status;
    best->journal_bytes = stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
    unlink(path);
    return err;
}
