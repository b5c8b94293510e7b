/* The program as a user runs it: verbs, exit codes, what is on standard output and standard error. */
#include "scratch.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HAS(text, part) cr_assert(strstr(text, part) != NULL, "expected '%s' in:\n%s", part, text)

static struct scratch scratch;
static struct ran ran;

static void begin(void)
{
    scratch_begin(&scratch);
}
static void end(void)
{
    scratch_end(&scratch);
}
TestSuite(program, .init = begin, .fini = end);

static void make_tape(const char *name, unsigned seed)
{
    run_program(&scratch, &ran, "synth %s --duration 30s --seed %u --quiet", name, seed);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}

static const char maker_config[] = "feed: {tapes: [a.tape]}\n"
                                   "account: {balances: {USDT: 100000}}\n"
                                   "strategy: {name: maker, params: {interval: 10ms, half_spread: 1, move_min: 1}}\n";

static json_t *json_of(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, 0, &error);
    cr_assert_not_null(value, "%s: %s", error.text, text);
    return value;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    cr_assert_not_null(text, "%s", key);
    return text;
}

/* The digest of a run with these words; checks that the run went well. */
static void digest_of(char digest[64], const char *words)
{
    run_program(&scratch, &ran, "run run.yaml --json %s", words);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    json_t *result = json_of(ran.out);
    snprintf(digest, 64, "%s", text_at(result, "digest"));
    json_decref(result);
}

Test(program, help_and_version_are_there)
{
    run_program(&scratch, &ran, "--help");
    cr_assert_eq(ran.code, 0);
    HAS(ran.out, "config");
    run_program(&scratch, &ran, "--version");
    cr_assert_eq(ran.code, 0);
    HAS(ran.out, "tapedeck ");
    HAS(ran.out, "build ");
    run_program(&scratch, &ran, " ");
    cr_assert_eq(ran.code, 2);
}

Test(program, every_verb_has_a_whole_manual_page)
{
    static const char *const verbs[] = {"run",   "why",    "tape",  "strategy", "config",
                                        "synth", "import", "rules", "calibrate"};
    static const char *const parts[] = {"NAME\n",    "SYNOPSIS\n",    "DESCRIPTION\n",
                                        "OPTIONS\n", "EXIT STATUS\n", "EXAMPLES\n"};
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        run_program(&scratch, &ran, "help %s", verbs[i]);
        cr_assert_eq(ran.code, 0, "%s", verbs[i]);
        for (size_t j = 0; j < sizeof(parts) / sizeof(parts[0]); j++)
            HAS(ran.out, parts[j]);
        for (const char *line = ran.out; (line = strchr(line, '\n')) != NULL; line++) {
            const char *next = strchr(line + 1, '\n');
            cr_assert(next == NULL || next - line <= 121, "%s: %.*s", verbs[i], (int)(next - line), line);
        }
        static struct ran same;
        run_program(&scratch, &same, "%s x --help", verbs[i]);
        cr_assert_str_eq(same.out, ran.out);
    }
}

Test(program, unknown_words_are_usage_errors_with_a_suggestion)
{
    static const struct {
        const char *words, *text;
    } bad[] = {
        {"rnu", "unknown verb 'rnu' (did you mean 'run'?)"},
        {"help confg", "unknown verb 'confg' (did you mean 'config'?)"},
        {"tape chekc x", "got 'chekc' (did you mean 'check'?)"},
        {"tape cat x --kid trade", "unknown option '--kid' (did you mean '--kind'?)"},
        {"config explain risk.open_order_max",
         "there is no key 'risk.open_order_max' (did you mean 'risk.open_orders_max'?)"},
        {"strategy", "expected list, show or new"},
        {"run", "expected one CONFIG (before --tape), got nothing"},
        {"run a b", "unexpected word 'b'"},
        {"run a --out x --no-output", "keep one"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        run_program(&scratch, &ran, "%s", bad[i].words);
        cr_assert_eq(ran.code, 2, "%s: %d", bad[i].words, ran.code);
        HAS(ran.err, bad[i].text);
        cr_assert_str_empty(ran.out);
    }
}

Test(program, a_run_leaves_a_whole_directory_and_the_same_digest_twice)
{
    make_tape("a.tape", 1);
    scratch_write(&scratch, "run.yaml", maker_config);
    char first[64], second[64];
    digest_of(first, "--out one");
    json_t *printed = json_of(ran.out);
    digest_of(second, "--out two --set feed.read_ahead=true");
    cr_assert_str_eq(first, second);

    static const char *const files[] = {"result.json", "orders.csv", "fills.csv", "equity.csv", "log.txt"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char a[64], b[64];
        snprintf(a, sizeof(a), "one/%s", files[i]);
        snprintf(b, sizeof(b), "two/%s", files[i]);
        char *text_a = scratch_read(scratch_path(&scratch, a), NULL),
             *text_b = scratch_read(scratch_path(&scratch, b), NULL);
        cr_assert_not_null(text_a, "%s", a);
        cr_assert_str_eq(text_a, text_b, "%s differs between two runs", files[i]);
        free(text_a);
        free(text_b);
    }
    char *text = scratch_read(scratch_path(&scratch, "one/result.json"), NULL);
    json_t *result = json_of(text);
    cr_assert_str_eq(text_at(result, "digest"), first);
    cr_assert_str_eq(text_at(result, "end"), "finished");
    cr_assert_gt(json_integer_value(json_object_get(result, "orders")), 0);
    cr_assert_gt(json_integer_value(json_object_get(result, "fills")), 0);
    cr_assert_not_null(json_object_get(json_object_get(result, "account"), "balances"));
    cr_assert_not_null(json_object_get(printed, "timing"));
    cr_assert_null(json_object_get(result, "timing"));

    /* One row a fill, one column a title. */
    char *fills = scratch_read(scratch_path(&scratch, "one/fills.csv"), NULL);
    long rows = -1;
    for (char *line = fills; *line != '\0'; rows++) {
        size_t size = strcspn(line, "\n"), commas = 0;
        for (size_t i = 0; i < size; i++)
            commas += line[i] == ',';
        cr_assert_eq(commas, 13, "%.*s", (int)size, line);
        line += size + 1;
    }
    cr_assert_eq(rows, json_integer_value(json_object_get(result, "fills")));
    free(fills);
    free(text);
    json_decref(result);
    json_decref(printed);
}

Test(program, the_resolved_config_of_a_run_runs_to_the_same_digest)
{
    make_tape("a.tape", 1);
    scratch_write(&scratch, "run.yaml", maker_config);
    char first[64], second[64];
    digest_of(first, "--out one --set seed=5");
    run_program(&scratch, &ran, "run one/config.yaml --json --no-output --tape a.tape");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    json_t *result = json_of(ran.out);
    snprintf(second, sizeof(second), "%s", text_at(result, "digest"));
    cr_assert_str_eq(first, second);
    json_decref(result);
}

Test(program, a_paced_run_takes_its_time_and_changes_nothing)
{
    make_tape("a.tape", 1);
    scratch_write(&scratch, "run.yaml", maker_config);
    char fast[64], paced[64];
    digest_of(fast, "--no-output");
    digest_of(paced, "--no-output --set feed.speed=60x");
    cr_assert_str_eq(fast, paced);
    json_t *result = json_of(ran.out);
    double wall = json_real_value(json_object_get(json_object_get(result, "timing"), "wall_s"));
    cr_assert_geq(wall, 0.49, "30 s at 60x: %f", wall);
    json_decref(result);
}

Test(program, a_directory_with_something_in_it_is_never_written_over)
{
    make_tape("a.tape", 1);
    scratch_write(&scratch, "run.yaml", maker_config);
    char digest[64];
    digest_of(digest, "--out one");
    run_program(&scratch, &ran, "run run.yaml --out one");
    cr_assert_eq(ran.code, 5);
    HAS(ran.err, "one: is not empty");
    digest_of(digest, "--out one --force");
    digest_of(digest, " ");
    digest_of(digest, " ");
    run_program(&scratch, &ran, "config check run.yaml --json");
    json_t *check = json_of(ran.out);
    char name[128];
    for (int n = 1; n <= 2; n++) {
        snprintf(name, sizeof(name), "runs/maker-%.8s-%d/result.json", text_at(check, "config_hash"), n);
        char *text = scratch_read(scratch_path(&scratch, name), NULL);
        cr_assert_not_null(text, "%s", name);
        free(text);
    }
    json_decref(check);
}

Test(program, wrong_input_gives_one_error_and_its_code)
{
    make_tape("a.tape", 1);
    scratch_write(&scratch, "run.yaml", maker_config);
    scratch_write(&scratch, "foreign.tape", "this is not a tape");
    scratch_write(&scratch, "empty.tape", "");
    static const struct {
        const char *words;
        int code;
        const char *text;
    } bad[] = {
        {"run nope.yaml", 5, "nope.yaml: No such file or directory"},
        {"run run.yaml --tape nope.tape -n", 3, "nope.tape: No such file or directory"},
        {"run run.yaml --tape foreign.tape -n", 4, "foreign.tape: not a tape"},
        {"run run.yaml --tape empty.tape -n", 4, "empty.tape: the file is empty"},
        {"run run.yaml -n --set strategy.params.instrument=X", 3, "refused to start"},
        {"run run.yaml --set strategy.name=~ --set strategy.plugin=nope.so", 3, "nope.so: No such file"},
        {"run run.yaml --set strategy.name=~ --set strategy.plugin=a.tape", 3, "not a loadable strategy"},
        {"run run.yaml --out foreign.tape", 5, "foreign.tape"},
        {"tape check foreign.tape", 4, "not a tape"},
        {"tape info nope.tape", 5, "nope.tape: cannot open"},
        {"config check foreign.tape", 3, "foreign.tape:1:1: expected key: value lines"},
        {"config check .", 5, "Is a directory"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        run_program(&scratch, &ran, "%s", bad[i].words);
        cr_assert_eq(ran.code, bad[i].code, "%s: %d, %s", bad[i].words, ran.code, ran.err);
        HAS(ran.err, bad[i].text);
    }
}

Test(program, a_run_on_a_full_disk_says_so)
{
    if (access("/dev/full", W_OK) != 0)
        cr_skip_test("no /dev/full");
    run_program(&scratch, &ran, "config explain >/dev/full");
    /* The second redirection wins inside run_program, so the shell sends standard output there directly. */
    char command[1024];
    snprintf(command, sizeof(command), "'%s' config explain >/dev/full 2>/dev/null", TEST_PROGRAM);
    int status = system(command);
    cr_assert_eq(WEXITSTATUS(status), 5);
}

Test(program, ctrl_c_ends_a_run_with_a_partial_result)
{
    run_program(&scratch, &ran, "synth a.tape --duration 10m --quiet");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    scratch_write(&scratch, "run.yaml", maker_config);
    /* Twenty tapes of the same market make a run long enough to be interrupted in it. */
    pid_t child = fork();
    if (child == 0) {
        if (chdir(scratch.dir) != 0 || freopen("/dev/null", "w", stdout) == NULL ||
            freopen("err", "w", stderr) == NULL)
            _exit(99);
        execl(TEST_PROGRAM, "tapedeck", "run", "run.yaml", "--out", "one", "--tape", "a.tape", "a.tape", "a.tape",
              "a.tape", "a.tape", "a.tape", "a.tape", "a.tape", "a.tape", "a.tape", "a.tape", "a.tape", (char *)NULL);
        _exit(98);
    }
    for (int i = 0; i < 2000 && access(scratch_path(&scratch, "one/config.yaml"), F_OK) != 0; i++)
        usleep(1000);
    kill(child, SIGINT);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == 0)
        cr_skip_test("the run was faster than the signal");
    cr_assert_eq(WEXITSTATUS(status), 130);
    char *text = scratch_read(scratch_path(&scratch, "one/result.json"), NULL);
    cr_assert_not_null(text);
    json_t *result = json_of(text);
    cr_assert_str_eq(text_at(result, "end"), "interrupted");
    cr_assert(json_is_true(json_object_get(result, "partial")));
    free(text);
    json_decref(result);
}

Test(program, a_new_strategy_compiles_loads_and_runs)
{
    make_tape("a.tape", 1);
    run_program(&scratch, &ran, "strategy new mine");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    char command[1024];
    snprintf(command, sizeof(command), "make -s -C '%s/mine' CFLAGS='-O1 -Werror' TAPEDECK_INCLUDE='%s'", scratch.dir,
             TEST_SOURCE);
    cr_assert_eq(system(command), 0);
    run_program(&scratch, &ran, "strategy show ./mine/mine.so --json");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    json_t *shown = json_of(ran.out);
    cr_assert_str_eq(text_at(shown, "name"), "mine");
    json_decref(shown);
    run_program(&scratch, &ran, "run mine/mine.yaml --tape a.tape --json --no-output");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    json_t *result = json_of(ran.out);
    cr_assert_gt(json_integer_value(json_object_get(result, "fills")), 0);
    json_decref(result);
    run_program(&scratch, &ran, "strategy new mine");
    cr_assert_eq(ran.code, 5);
    HAS(ran.err, "nothing was overwritten");
    run_program(&scratch, &ran, "strategy new Bad-Name");
    cr_assert_eq(ran.code, 2);
}

Test(program, a_plugin_of_another_abi_is_refused_with_both_numbers)
{
    scratch_write(
        &scratch, "old.c",
        "#include \"core/strategy.h\"\n"
        "static const struct strategy old = {.abi = 999, .name = \"old\", .version = \"1\", .help = \"x\"};\n"
        "const struct strategy *tapedeck_strategy(void) { return &old; }\n");
    scratch_write(&scratch, "none.c", "int nothing_here;\n");
    char command[2048];
    snprintf(command, sizeof(command),
             "cd '%s' && cc -shared -fPIC -I'%s' -o old.so old.c && cc -shared -fPIC -o none.so none.c", scratch.dir,
             TEST_SOURCE);
    cr_assert_eq(system(command), 0);
    run_program(&scratch, &ran, "strategy show ./old.so");
    cr_assert_eq(ran.code, 3);
    HAS(ran.err, "built for strategy ABI 999, this tapedeck speaks ABI 3");
    run_program(&scratch, &ran, "strategy show ./none.so");
    cr_assert_eq(ran.code, 3);
    HAS(ran.err, "no function 'tapedeck_strategy'");
}

Test(program, strategies_are_listed_with_their_parameters)
{
    run_program(&scratch, &ran, "strategy list");
    HAS(ran.out, "maker");
    HAS(ran.out, "cross");
    run_program(&scratch, &ran, "strategy show maker");
    HAS(ran.out, "half_spread");
    run_program(&scratch, &ran, "strategy list --json");
    json_t *list = json_of(ran.out);
    cr_assert_geq(json_array_size(list), 3);
    json_decref(list);
    run_program(&scratch, &ran, "strategy show makr");
    cr_assert_eq(ran.code, 3);
    HAS(ran.err, "did you mean 'maker'?");
}

/* ---- tapes ---- */

static char *hash_of(const char *tape, char *hash)
{
    run_program(&scratch, &ran, "tape info %s --json", tape);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    json_t *info = json_of(ran.out);
    strcpy(hash, text_at(info, "hash"));
    json_decref(info);
    return hash;
}

Test(program, cat_filters_by_kind_time_and_instrument)
{
    make_tape("a.tape", 1);
    run_program(&scratch, &ran, "tape cat a.tape --count 1");
    HAS(ran.out, "synthetic:SYN1USDT  snapshot");
    run_program(&scratch, &ran, "tape cat a.tape --kind trade --from 2024-01-01T00:00:10Z --count 3 --json");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    int lines = 0;
    for (char *line = strtok(ran.out, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++) {
        json_t *event = json_of(line);
        cr_assert_str_eq(text_at(event, "kind"), "trade");
        cr_assert_geq(json_integer_value(json_object_get(event, "ts_ns")), INT64_C(1704067210000000000));
        text_at(event, "price");
        json_decref(event);
    }
    cr_assert_eq(lines, 3);
    run_program(&scratch, &ran, "tape cat a.tape --instrument SYN2USDT");
    cr_assert_eq(ran.code, 2);
    HAS(ran.err, "did you mean 'SYN1USDT'?");
    run_program(&scratch, &ran, "tape cat a.tape --kind trad");
    cr_assert_eq(ran.code, 2);
    HAS(ran.err, "did you mean 'trade'?");
}

Test(program, check_finds_damage_and_repair_keeps_what_is_before_it)
{
    char before[64], after[64];
    run_program(&scratch, &ran, "synth a.tape --duration 2m --quiet");
    run_program(&scratch, &ran, "tape check a.tape");
    cr_assert_eq(ran.code, 0);
    size_t size;
    char *bytes = scratch_read(scratch_path(&scratch, "a.tape"), &size);
    bytes[size / 2] ^= 4;
    FILE *file = fopen(scratch_path(&scratch, "b.tape"), "wb");
    fwrite(bytes, 1, size, file);
    fclose(file);
    free(bytes);
    run_program(&scratch, &ran, "tape check b.tape --json");
    cr_assert_eq(ran.code, 1);
    json_t *report = json_of(ran.out);
    cr_assert_eq(json_integer_value(json_object_get(report, "fault_count")), 1);
    json_t *fault = json_array_get(json_object_get(report, "faults"), 0);
    cr_assert_gt(json_integer_value(json_object_get(fault, "block")), 0);
    text_at(fault, "first");
    json_decref(report);
    run_program(&scratch, &ran, "tape repair b.tape");
    cr_assert_eq(ran.code, 1);
    run_program(&scratch, &ran, "tape check b.tape");
    cr_assert_eq(ran.code, 0, "%s", ran.out);
    run_program(&scratch, &ran, "tape check b.tape.bak");
    cr_assert_eq(ran.code, 1);
    hash_of("b.tape", before);
    run_program(&scratch, &ran, "tape repair b.tape");
    cr_assert_eq(ran.code, 0);
    HAS(ran.out, "nothing to repair");
    cr_assert_str_eq(before, hash_of("b.tape", after));
}

Test(program, a_cut_runs_by_itself_from_whole_books)
{
    run_program(&scratch, &ran, "synth a.tape --duration 1m --quiet");
    run_program(&scratch, &ran, "tape cut a.tape --from 2024-01-01T00:00:20Z --to 2024-01-01T00:00:40Z --out c.tape");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "tape cat c.tape --count 1 --json");
    json_t *event = json_of(ran.out);
    cr_assert_str_eq(text_at(event, "kind"), "snapshot");
    cr_assert_str_eq(text_at(event, "ts"), "2024-01-01T00:00:20.000000000Z");
    json_decref(event);
    scratch_write(&scratch, "run.yaml", maker_config);
    run_program(&scratch, &ran, "run run.yaml --tape c.tape --json --no-output");
    json_t *result = json_of(ran.out);
    cr_assert_gt(json_integer_value(json_object_get(result, "orders")), 0);
    json_decref(result);
    run_program(&scratch, &ran, "tape cut a.tape --from 2024-01-01T00:00:20Z --out c.tape");
    cr_assert_eq(ran.code, 5);
    HAS(ran.err, "exists already");
    run_program(&scratch, &ran, "tape cut a.tape --from 2025-01-01 --out d.tape");
    cr_assert_eq(ran.code, 4);
    HAS(ran.err, "nothing in this span");
}

Test(program, cutting_in_two_and_merging_gives_the_messages_back)
{
    make_tape("a.tape", 1);
    run_program(&scratch, &ran, "tape cut a.tape --to 2024-01-01T00:00:15Z --no-snapshot --out x.tape");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "tape cut a.tape --from 2024-01-01T00:00:15Z --no-snapshot --out y.tape");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "tape merge x.tape y.tape --out m.tape");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    char command[1024];
    snprintf(command, sizeof(command),
             "cd '%s' && '%s' tape cat a.tape > a.txt && '%s' tape cat m.tape > m.txt && cmp a.txt m.txt",
             scratch.dir, TEST_PROGRAM, TEST_PROGRAM);
    cr_assert_eq(system(command), 0);
}

Test(program, a_scripted_run_writes_the_outcome_of_every_order_and_takes_it_as_a_script_again)
{
    make_tape("a.tape", 1);
    scratch_write(&scratch, "orders.csv",
                  "order_id,submit_ts,side,price,qty,type,tif,cancel_ts\n"
                  "take,2024-01-01T00:00:05Z,buy,,0.010,market,,\n"
                  "rest,2024-01-01T00:00:05Z,buy,29000.0,0.010,limit,gtx,2024-01-01T00:00:06Z\n"
                  "late,2024-01-02,buy,29000.0,0.010,limit,gtx,\n");
    scratch_write(&scratch, "run.yaml",
                  "feed: {tapes: [a.tape]}\nstrategy: {name: scripted, params: {orders: orders.csv}}\n");
    run_program(&scratch, &ran, "run run.yaml --out one -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    size_t size;
    char *one = scratch_read(scratch_path(&scratch, "one/outcomes.csv"), &size);
    cr_assert_not_null(one);
    HAS(one, "order_id,status,filled,avg_price,maker,fills,");
    HAS(one, "\ntake,filled,0.01,");
    HAS(one, "\nrest,cancelled,0,,0,,0,,");
    HAS(one, "\nlate,not_sent,0,,0,,0,,AFTER_DATA,");
    run_program(&scratch, &ran, "run run.yaml --set strategy.params.orders=one/outcomes.csv --out two -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    char *two = scratch_read(scratch_path(&scratch, "two/outcomes.csv"), &size);
    cr_assert_str_eq(one, two);
    free(one);
    free(two);
    scratch_write(&scratch, "orders.csv",
                  "order_id,submit_ts,side,price,qty,type,tif,cancel_ts\na,1,buy,1,1,limit,day,\n");
    run_program(&scratch, &ran, "run run.yaml --no-output -q");
    cr_assert_eq(ran.code, 3);
    HAS(ran.err, "orders.csv:2:19: tif: expected gtc, ioc, fok or gtx, got 'day'");
}
