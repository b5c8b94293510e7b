#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/suggest.h"
#include "cli/tape_actions.h"
#include "cli/verbs.h"

#include <string.h>

const char verb_tape_help[] =
    "NAME\n"
    "  tapedeck tape - look into tapes, check and repair them, cut, merge and normalise them\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck tape info FILE... [--json]\n"
    "  tapedeck tape cat FILE [--from TIME] [--to TIME] [--instrument SYMBOL]... [--kind KIND]...\n"
    "                         [--message N] [--count N] [--levels N] [--json]\n"
    "  tapedeck tape check FILE... [--json]\n"
    "  tapedeck tape repair FILE [--out FILE] [--json]\n"
    "  tapedeck tape cut FILE --out FILE [--from TIME] [--to TIME] [--no-snapshot] [--force] [--json]\n"
    "  tapedeck tape merge FILE... --out FILE [--force] [--json]\n"
    "  tapedeck tape normalise FILE... --out FILE [--instrument SYMBOL]... [--config FILE] [--force] [--json]\n"
    "\n"
    "DESCRIPTION\n"
    "  info    prints what a tape holds: instruments with their rules, span of time, counts, the hash of its\n"
    "          content, where it comes from.\n"
    "  cat     prints messages, one a line, prices and quantities as decimal text; with --json each line is a\n"
    "          JSON object. --from jumps there by the index. Levels with quantity 0 are deletions.\n"
    "  check   reads every byte: seals, checksums, the chain of blocks, their content and order, the index. Goes\n"
    "          on after damage, and tells for each fault which block, which messages and which span of time it\n"
    "          costs.\n"
    "  repair  keeps the longest valid prefix, byte for byte, and closes it with a new index: to --out FILE, or\n"
    "          in place, and then the damaged tape stays as FILE.bak. A tape that is whole is left alone.\n"
    "  cut     writes the messages with from <= time < to. It begins with a snapshot of every book as it stood at\n"
    "          --from, so that the result can be run by itself.\n"
    "  merge   writes one tape of many, in the order of time; ties go to the tape named first. Instruments of the\n"
    "          same venue and symbol become one and must be defined alike.\n"
    "\n"
    "  normalise reads the inputs of a session (a raw tape of 'tapedeck record', the inputs.tape of a paper run) "
    "with\n"
    "          the adapters of this program and writes the market events in them, with a summary of their quality:\n"
    "          so a mended adapter mends old days. Several tapes of one recording are named in their order. The\n"
    "          session's feed.live is in the tape; --config takes that of a file instead.\n"
    "\n"
    "  Results of repair, cut, merge and normalise appear under their name only when they are whole.\n"
    "\n"
    "OPTIONS\n"
    "  -f, --from TIME          2024-08-08T12:30:00.5Z, 2024-08-08, or nanoseconds since 1970; UTC\n"
    "  -t, --to TIME            the same; what happens at TIME is not included\n"
    "  -i, --instrument SYMBOL  only this instrument, BTCUSDT or binance-usdm:BTCUSDT; may be given several times\n"
    "                           (normalise: a venue too)\n"
    "  -k, --kind KIND          only this kind: snapshot, delta, trade, bbo, gap, mark ...; may be given several\n"
    "                           times\n"
    "  -m, --message N          begin with message N of the tape, counted from 0 (as 'tapedeck why' names them)\n"
    "  -n, --count N            stop after N lines\n"
    "  -l, --levels N           show at most N levels a side, and count the others\n"
    "  -o, --out FILE           the result\n"
    "      --no-snapshot        do not begin a cut with snapshots (its books are stale until the next one)\n"
    "  -c, --config FILE        normalise: how the session listened\n"
    "      --force              replace FILE when it exists\n"
    "  -j, --json               machine-readable output\n"
    "\n"
    "EXIT STATUS\n"
    "  0    done; check: the tape is whole\n"
    "  1    check: damage was found; repair: something was lost and the rest is saved\n"
    "  2    wrong command line\n"
    "  4    not a tape, or damaged where it had to be read\n"
    "  5    a file is missing, exists already, or could not be read or written\n"
    "  6    no space left on the device\n"
    "  130  interrupted; nothing was written\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck tape info demo.tape\n"
    "  tapedeck tape cat demo.tape --kind trade --from 2024-01-01T00:10:00Z --count 20\n"
    "  tapedeck tape cat demo.tape --message 4711 --count 1\n"
    "  tapedeck tape check *.tape\n"
    "  tapedeck tape repair crashed.tape --out whole.tape\n"
    "  tapedeck tape cut day.tape --from 2024-08-08T12:00:00Z --to 2024-08-08T13:00:00Z --out hour.tape\n"
    "  tapedeck tape merge monday.tape tuesday.tape --out week.tape\n"
    "  tapedeck tape normalise tapes/raw-*.tape --instrument binance-usdm:BTCUSDT --out btc.tape\n";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} actions[] = {
    {"info", tape_action_info},           {"cat", tape_action_cat}, {"check", tape_action_check},
    {"repair", tape_action_repair},       {"cut", tape_action_cut}, {"merge", tape_action_merge},
    {"normalise", tape_action_normalise},
};

int verb_tape(int argc, char **argv)
{
    struct err_text why = {0};
    struct suggestion suggestion;
    char hint[128];
    const char *name = argc > 1 ? argv[1] : "";
    suggest_start(&suggestion, name, strlen(name));
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(name, actions[i].name) == 0)
            return actions[i].run(argc - 1, argv + 1);
        suggest_offer(&suggestion, actions[i].name);
    }
    if (argc > 1)
        (void)err_say(&why, ERR_USAGE, "expected info, cat, check, repair, cut or merge, got '%s'%s", name,
                      suggest_text(&suggestion, hint));
    else
        (void)err_say(&why, ERR_USAGE, "expected info, cat, check, repair, cut or merge");
    return exit_with("tape", &why);
}
