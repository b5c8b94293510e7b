#include "cli/diff_report.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/stop_signal.h"
#include "cli/verbs.h"

#include <string.h>

const char verb_diff_help[] =
    "NAME\n"
    "  tapedeck diff - find where two runs part\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck diff A B [--where] [--binary-a FILE] [--binary-b FILE] [--tape FILE...] [--runs DIR] [--json]\n"
    "\n"
    "DESCRIPTION\n"
    "  A and B are runs (a directory, the name of one under 'runs', or a bundle) or configs (*.yaml), which are "
    "run.\n"
    "  The journals are bisected by the digests in their checkpoints, the tapes by the hashes of their blocks, so\n"
    "  that a difference is found by reading a few blocks, however long the runs are. Then both are executed up to\n"
    "  it. Printed are: the config keys, tapes and binaries that differ; the first input or record that does, on\n"
    "  both sides, and its fields; the records before it, which are the same in both; the input it was decided on;\n"
    "  and the state that differs after it: books, positions, balances, open orders.\n"
    "\n"
    "  A run that kept no journal (config: 'journal: on') is executed again to make one, in a temporary directory.\n"
    "  One that was killed or crashed is compared as far as its journal goes; without one, as far as it is known to\n"
    "  have come.\n"
    "  With --binary-a or --binary-b that side is run anew by another tapedeck, from its own config and tapes: what\n"
    "  does the new build do otherwise?\n"
    "\n"
    "OPTIONS\n"
    "      --binary-a FILE   run A anew with this tapedeck\n"
    "      --binary-b FILE   run B anew with this tapedeck\n"
    "  -w, --where           only where: what needs no execution of the runs\n"
    "  -t, --tape FILE...    where the runs' tapes are now; all words up to the next option\n"
    "  -r, --runs DIR        where runs are looked for that are no paths (default: runs)\n"
    "  -j, --json            one JSON object\n"
    "\n"
    "EXIT STATUS\n"
    "  0    identical: the digests are the same\n"
    "  1    they differ, or a tape is not the one that a run read\n"
    "  2    wrong command line\n"
    "  3    a config cannot be read or run\n"
    "  4    a journal, result.json or tape is damaged\n"
    "  5    there is no such run, or a tape is gone\n"
    "  12   a run was killed before its first input\n"
    "  13   identical as far as one of them, which was killed or crashed, is known\n"
    "  130  interrupted (143: terminated)\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck diff maker-1f3a9c02-1 maker-77aa0134-1\n"
    "  tapedeck diff before.yaml after.yaml\n"
    "  tapedeck diff maker-1f3a9c02-1 maker-1f3a9c02-1 --binary-b build/release/tapedeck\n";

struct diff_job {
    struct diff_side a, b;
    struct diff_found found;
    bool json;
    bool so_far; /* the same, as far as one of them is known */
    struct err_text why;
};

static err_t tell(struct diff_job *job, const struct diff_found *found)
{
    if (job->json && json_print(stdout, diff_report_json(&job->a, &job->b, found), false) != ERR_OK)
        return err_say(&job->why, ERR_IO, "standard output could not be written");
    if (!job->json)
        diff_report_print(stdout, &job->a, &job->b, found);
    if (found != NULL && diff_same_so_far(&job->a, &job->b, found)) {
        job->so_far = true;
        return ERR_OK;
    }
    return found == NULL ? ERR_OK : err_say(&job->why, ERR_MISMATCH, "the runs are not the same");
}

static err_t compare(struct diff_job *job, const struct diff_options *options)
{
    if (!job->a.unended && !job->b.unended && strcmp(job->a.digest, job->b.digest) == 0)
        return tell(job, NULL);
    err_t err = diff_side_journal(&job->a, &job->why);
    if (err == ERR_OK)
        err = diff_side_journal(&job->b, &job->why);
    if (err == ERR_OK)
        err = diff_find(&job->a, &job->b, options, &job->found, &job->why);
    return err == ERR_OK ? tell(job, &job->found) : err;
}

int verb_diff(int argc, char **argv)
{
    static struct diff_job job;
    struct option_list tapes = {0};
    struct rerun_options options = {.tapes = &tapes, .unended = true};
    struct diff_options how = {0};
    const char *binary_a = NULL, *binary_b = NULL;
    const struct option_spec specs[] = {
        {.name = "binary-a", .type = OPTION_TEXT, .target = &binary_a, .value = "FILE"},
        {.name = "binary-b", .type = OPTION_TEXT, .target = &binary_b, .value = "FILE"},
        {.name = "where", .letter = 'w', .type = OPTION_FLAG, .target = &how.only_where},
        {.name = "tape", .letter = 't', .type = OPTION_WORDS, .target = &tapes, .value = "FILE"},
        {.name = "runs", .letter = 'r', .type = OPTION_TEXT, .target = &options.runs, .value = "DIR"},
        {.name = "json", .letter = 'j', .type = OPTION_FLAG, .target = &job.json},
    };
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &job.why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 2, 2, "two runs, A and B", &job.why);
    if (err == ERR_OK) {
        stop_signal_catch();
        err = diff_side_open(&job.a, 'a', argv[1], binary_a, &options, &job.why);
    }
    if (err == ERR_OK)
        err = diff_side_open(&job.b, 'b', argv[2], binary_b, &options, &job.why);
    if (err == ERR_OK)
        err = compare(&job, &how);
    const int code = err == ERR_OK            ? job.so_far ? EXIT_CODE_PREFIX : EXIT_CODE_OK
                     : err == ERR_INTERRUPTED ? stop_signal_exit_code()
                                              : exit_with_run("diff", &job.why);
    diff_found_free(&job.found);
    diff_side_close(&job.a);
    diff_side_close(&job.b);
    option_list_free(&tapes);
    return code;
}
