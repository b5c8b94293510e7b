#include "cli/options.h"

#include <criterion/criterion.h>
#include <string.h>

struct parsed {
    bool flag, verbose;
    const char *out;
    int64_t count;
    ns_t every;
    int mode;
    struct option_list sets, files;
    int argc;
    char *argv[32];
    struct err_text why;
    err_t err;
};

static char words[512];

/* Splits `line` at spaces; the first word is the verb. */
static void parse(struct parsed *parsed, const char *line)
{
    memset(parsed, 0, sizeof(*parsed));
    const struct option_spec specs[] = {
        {.name = "flag", .letter = 'f', .type = OPTION_FLAG, .target = &parsed->flag},
        {.name = "verbose", .letter = 'v', .type = OPTION_FLAG, .target = &parsed->verbose},
        {.name = "out", .letter = 'o', .type = OPTION_TEXT, .target = &parsed->out, .value = "DIR"},
        {.name = "count",
         .letter = 'n',
         .type = OPTION_INT,
         .target = &parsed->count,
         .value = "N",
         .minimum = 1,
         .maximum = 10},
        {.name = "every", .type = OPTION_DURATION, .target = &parsed->every, .value = "TIME"},
        {.name = "mode", .type = OPTION_CHOICE, .target = &parsed->mode, .choices = "slow|fast"},
        {.name = "set", .letter = 's', .type = OPTION_LIST, .target = &parsed->sets, .value = "KEY=VALUE"},
        {.name = "file", .type = OPTION_WORDS, .target = &parsed->files, .value = "FILE"},
    };
    strcpy(words, line);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
        parsed->argv[parsed->argc++] = word;
    parsed->err = options_parse(specs, ARRAY_LEN(specs), &parsed->argc, parsed->argv, &parsed->why);
}

static void end(struct parsed *parsed)
{
    option_list_free(&parsed->sets);
    option_list_free(&parsed->files);
}

Test(options, all_spellings_are_understood)
{
    struct parsed parsed;
    parse(&parsed, "verb a --flag --out=x -n3 b -vs k=1 --set k=2 --every 250ms --mode fast");
    cr_assert_eq(parsed.err, ERR_OK, "%s", parsed.why.text);
    cr_assert(parsed.flag && parsed.verbose);
    cr_assert_str_eq(parsed.out, "x");
    cr_assert_eq(parsed.count, 3);
    cr_assert_eq(parsed.every, 250 * NS_PER_MS);
    cr_assert_eq(parsed.mode, 1);
    cr_assert_eq(parsed.sets.count, 2);
    cr_assert_str_eq(parsed.sets.items[1], "k=2");
    cr_assert_eq(parsed.argc, 3);
    cr_assert_str_eq(parsed.argv[1], "a");
    cr_assert_str_eq(parsed.argv[2], "b");
    end(&parsed);
}

Test(options, words_go_on_to_the_next_option)
{
    struct parsed parsed;
    parse(&parsed, "verb config --file a b c --flag --file d -- --e -");
    cr_assert_eq(parsed.err, ERR_OK, "%s", parsed.why.text);
    cr_assert_eq(parsed.files.count, 4);
    cr_assert_str_eq(parsed.files.items[3], "d");
    cr_assert_eq(parsed.argc, 4);
    cr_assert_str_eq(parsed.argv[2], "--e");
    cr_assert_str_eq(parsed.argv[3], "-");
    end(&parsed);
}

Test(options, errors_name_option_value_and_expectation)
{
    static const struct {
        const char *line, *text;
    } bad[] = {
        {"verb --flg", "unknown option '--flg' (did you mean '--flag'?)"},
        {"verb -x", "unknown option '-x' in '-x'"},
        {"verb --count 11", "--count: expected a whole number from 1 to 10, got '11'"},
        {"verb -n x", "-n: expected a whole number from 1 to 10, got 'x'"},
        {"verb --every 5", "--every: expected a duration such as 250ms, 1.5s, 5m, 2h, 1d, 10us, 7ns, got '5'"},
        {"verb --mode medium", "--mode: expected one of slow|fast, got 'medium'"},
        {"verb --out", "--out: expected a value (DIR) after it"},
        {"verb --out --flag", "--out: expected a value (DIR) after it, got the option --flag"},
        {"verb --flag=1", "--flag: takes no value, got '1'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct parsed parsed;
        parse(&parsed, bad[i].line);
        cr_assert_eq(parsed.err, ERR_USAGE, "%s", bad[i].line);
        cr_assert_str_eq(parsed.why.text, bad[i].text);
        end(&parsed);
    }
}

Test(options, operands_are_counted)
{
    char verb[] = "verb", a[] = "a", b[] = "b";
    char *argv[] = {verb, a, b, NULL};
    struct err_text why = {0};
    cr_assert_eq(options_operands(3, argv, 1, 2, "one or two FILEs", &why), ERR_OK);
    cr_assert_eq(options_operands(3, argv, 1, 1, "one FILE", &why), ERR_USAGE);
    cr_assert_str_eq(why.text, "unexpected word 'b' (expected one FILE)");
    err_clear(&why);
    cr_assert_eq(options_operands(1, argv, 1, 1, "one FILE", &why), ERR_USAGE);
    cr_assert_str_eq(why.text, "expected one FILE, got nothing");
}
