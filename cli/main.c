/* main.c: picks the verb. Everything a verb knows is in its own file. */
#include "cli/exit_code.h"
#include "cli/suggest.h"
#include "cli/verbs.h"
#include "cli/version.h"

#include <stdio.h>
#include <string.h>

struct verb {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
    const char *help;
};

static const struct verb verbs[] = {
    {"run", "run a strategy over tapes", verb_run, verb_run_help},
    {"ctl", "speak to a session that is going on", verb_ctl, verb_ctl_help},
    {"verify", "execute a finished run again and prove that it is the same", verb_verify, verb_verify_help},
    {"diff", "find where two runs part: the input, the decision, the state", verb_diff, verb_diff_help},
    {"why", "explain the orders of a run: why each filled, or did not", verb_why, verb_why_help},
    {"explain", "say where the profit difference of two runs comes from", verb_explain, verb_explain_help},
    {"watch", "step through a finished run, forward and back", verb_watch, verb_watch_help},
    {"evidence", "hold a run directory against its manifest", verb_evidence, verb_evidence_help},
    {"bundle", "pack a run into one file, and unpack it", verb_bundle, verb_bundle_help},
    {"record", "write down what venues send, as it happens", verb_record, verb_record_help},
    {"latency", "measure WebSocket against REST polling on the same market", verb_latency, verb_latency_help},
    {"state", "everything that a finished run knew at one moment", verb_state, verb_state_help},
    {"fork", "go on from a moment of a finished run with a change", verb_fork, verb_fork_help},
    {"import", "turn recorded venue frames into a tape", verb_import, verb_import_help},
    {"synth", "write tapes of a synthetic market, from a seed", verb_synth, verb_synth_help},
    {"tape", "look into tapes, check, repair, cut, merge and normalise them", verb_tape, verb_tape_help},
    {"mock", "play a market as an exchange that clients connect to", verb_mock, verb_mock_help},
    {"calibrate", "let own recorded fills choose the queue model", verb_calibrate, verb_calibrate_help},
    {"strategy", "list and show strategies, begin a new one", verb_strategy, verb_strategy_help},
    {"config", "check a run's configuration, explain its keys", verb_config, verb_config_help},
    {"rules", "what a venue accepts at a date, and who says so", verb_rules, verb_rules_help},
    {"ci", "run a suite of cases against recorded baselines, for pipelines", verb_ci, verb_ci_help},
    {"bench", "measure this program on this machine", verb_bench, verb_bench_help},
    {NULL, NULL, NULL, NULL},
};

static const struct verb *find(const char *name)
{
    for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
        if (strcmp(verb->name, name) == 0)
            return verb;
    }
    return NULL;
}

static void print_help(FILE *file)
{
    fputs("tapedeck: a deterministic, simulation-first trading engine\n\n"
          "Usage:\n"
          "  tapedeck VERB [OPTIONS]\n"
          "  tapedeck help VERB        the manual page of a verb (also: tapedeck VERB --help)\n"
          "  tapedeck --version\n\n"
          "Verbs:\n",
          file);
    for (const struct verb *verb = verbs; verb->name != NULL; verb++)
        fprintf(file, "  %-10s  %s\n", verb->name, verb->summary);
    fputs("\nFirst steps:\n"
          "  tapedeck synth demo.tape                             an hour of a made market\n"
          "  tapedeck run examples/maker.yaml --tape demo.tape    a strategy on it; its last line names the run\n"
          "  tapedeck watch RUN                                   step through it (then: why, verify)\n"
          "\nEvery verb that prints figures prints them as JSON with --json.\n"
          "Exit codes:",
          file);
#define EXIT_CODE_PRINT(name, number, text) fprintf(file, "\n  %3d  %s", number, text);
    EXIT_CODE_MAP(EXIT_CODE_PRINT)
#undef EXIT_CODE_PRINT
    fputc('\n', file);
}

static int unknown_verb(const char *name)
{
    struct suggestion suggestion;
    char hint[128];
    suggest_start(&suggestion, name, strlen(name));
    for (const struct verb *verb = verbs; verb->name != NULL; verb++)
        suggest_offer(&suggestion, verb->name);
    fprintf(stderr, "tapedeck: unknown verb '%s'%s\nTry 'tapedeck --help'.\n", name, suggest_text(&suggestion, hint));
    return EXIT_CODE_USAGE;
}

static int print_page(const char *name)
{
    const struct verb *verb = find(name);
    if (verb == NULL)
        return unknown_verb(name);
    fputs(verb->help, stdout);
    return EXIT_CODE_OK;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static bool asks_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (is_help(argv[i]))
            return true;
    }
    return false;
}

/* What was printed counts only when it arrived: a full disk under `> file` is an error, not a short file. */
static int finish(int code)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return code;
    if (code == EXIT_CODE_OK) {
        fputs("tapedeck: standard output could not be written\n", stderr);
        return EXIT_CODE_IO;
    }
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_CODE_USAGE;
    }
    const char *name = argv[1];
    if (is_help(name) || (strcmp(name, "help") == 0 && argc == 2)) {
        print_help(stdout);
        return finish(EXIT_CODE_OK);
    }
    if (strcmp(name, "help") == 0)
        return finish(print_page(argv[2]));
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("tapedeck %s\nbuild %s\n%s\n", cli_version(), cli_build_id(), cli_compiler());
        return finish(EXIT_CODE_OK);
    }
    const struct verb *verb = find(name);
    if (verb == NULL)
        return unknown_verb(name);
    if (asks_help(argc - 1, argv + 1))
        return finish(print_page(name));
    return finish(verb->run(argc - 1, argv + 1));
}
