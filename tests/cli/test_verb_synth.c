/* The verb synth through the program itself: what it writes, refuses and reports. */
#include "data/tape_reader.h"
#include "feeds/synth_market.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static void setup(void)
{
    strcpy(folder, "/tmp/tapedeck-synth-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL && chdir(folder) == 0);
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    cr_assert(chdir("/") == 0 && system(command) == 0);
}

/* The exit code; what it printed is in the files `out` and `err`. */
static int run(const char *arguments)
{
    char command[512];
    snprintf(command, sizeof(command), "'%s' synth %s >out 2>err", TEST_PROGRAM, arguments);
    int status = system(command);
    cr_assert(WIFEXITED(status), "%s", command);
    return WEXITSTATUS(status);
}

static bool printed(const char *file, const char *text)
{
    static char content[65536];
    FILE *stream = fopen(file, "r");
    cr_assert(stream != NULL);
    content[fread(content, 1, sizeof(content) - 1, stream)] = '\0';
    fclose(stream);
    return strstr(content, text) != NULL;
}

static bool same_files(const char *a, const char *b)
{
    char command[128];
    snprintf(command, sizeof(command), "cmp -s %s %s", a, b);
    return system(command) == 0;
}

/* Digest and counts of a tape, read back. */
static struct digest_value read_back(const char *path, struct digest *digest, uint64_t kinds[EVENT_KIND_COUNT])
{
    struct tape_reader *reader;
    struct tape_block block;
    struct err_text why = {0};
    err_t err;
    memset(kinds, 0, EVENT_KIND_COUNT * sizeof(*kinds));
    cr_assert(tape_reader_open(&reader, path, NULL, &why) == ERR_OK, "%s", why.text);
    while ((err = tape_reader_next(reader, &block, &why)) == ERR_OK) {
        for (uint32_t i = 0; i < block.event_count; i++) {
            kinds[block.events[i].kind]++;
            synth_digest(digest, &block.events[i]);
        }
        tape_reader_release(reader, block.buffer);
    }
    cr_assert(err == ERR_END, "%s", why.text);
    tape_reader_close(reader);
    return digest_value(digest);
}

TestSuite(verb_synth, .init = setup, .fini = teardown);

Test(verb_synth, the_same_seed_writes_the_same_bytes)
{
    cr_assert(run("a.tape --duration 20s --seed 3 --bbo --instruments 2") == 0);
    cr_assert(run("-o b.tape -d 20s -s 3 --bbo -n 2 --quiet") == 0);
    cr_assert(run("c.tape --duration 20s --seed 4 --bbo --instruments 2") == 0);
    cr_assert(same_files("a.tape", "b.tape"));
    cr_assert(!same_files("a.tape", "c.tape"));
}

Test(verb_synth, a_tape_holds_what_the_market_made_and_the_summary_says_so)
{
    cr_assert(run("a.tape --duration 10s --json --bbo --snapshot-interval 2s") == 0);
    json_error_t error;
    json_t *summary = json_load_file("out", 0, &error);
    cr_assert(summary != NULL, "%s", error.text);
    struct digest digest;
    uint64_t kinds[EVENT_KIND_COUNT];
    char text[DIGEST_TEXT_SIZE];
    digest_init(&digest, 0);
    digest_text(read_back("a.tape", &digest, kinds), text);
    cr_assert_str_eq(json_string_value(json_object_get(summary, "digest")), text);
    cr_assert(json_integer_value(json_object_get(summary, "trades")) == (json_int_t)kinds[EVENT_TRADE]);
    cr_assert(json_integer_value(json_object_get(summary, "bbos")) == (json_int_t)kinds[EVENT_BBO]);
    cr_assert(json_integer_value(json_object_get(summary, "snapshots")) == 6 && kinds[EVENT_BOOK_SNAPSHOT] == 6);
    cr_assert(kinds[EVENT_BOOK_DELTA] == 100 && kinds[EVENT_L3_ADD] == 0);
    cr_assert(json_integer_value(json_object_get(summary, "seed")) == 1);
    json_decref(summary);
}

Test(verb_synth, both_levels_make_two_tapes_of_one_market)
{
    uint64_t level2[EVENT_KIND_COUNT], level3[EVENT_KIND_COUNT];
    struct digest digest;
    cr_assert(run("a.tape --duration 5s --level both") == 0);
    digest_init(&digest, 0);
    read_back("a.tape", &digest, level2);
    read_back("a.l3.tape", &digest, level3);
    cr_assert(level2[EVENT_TRADE] > 0 && level2[EVENT_TRADE] == level3[EVENT_TRADE]);
    cr_assert(level3[EVENT_L3_EXECUTE] == level3[EVENT_TRADE]);
    cr_assert(level2[EVENT_BOOK_DELTA] == 50 && level2[EVENT_L3_ADD] == 0);
    cr_assert(level3[EVENT_BOOK_DELTA] == 0 && level3[EVENT_L3_ADD] > 1000);
    cr_assert(run("a.tape --duration 5s --level both --l3 other.tape") == 0);
    cr_assert(same_files("a.l3.tape", "other.tape"));
    cr_assert(run("a.tape --level both --l3 a.tape") == 2);
}

Test(verb_synth, only_a_synthetic_tape_is_replaced)
{
    FILE *file = fopen("precious", "w");
    fputs("cannot be made again", file);
    fclose(file);
    cr_assert(run("precious --duration 1s") == 5);
    cr_assert(printed("err", "precious") && printed("err", "--force"));
    cr_assert(printed("precious", "cannot be made again"));
    cr_assert(run("precious --duration 1s --force") == 0);
    cr_assert(run("precious --duration 2s") == 0, "a synthetic tape may be replaced");
}

Test(verb_synth, a_wrong_command_line_is_explained)
{
    cr_assert(run("") == 2 && printed("err", "FILE.tape"));
    cr_assert(run("a.tape --duration 0") == 2 && printed("err", "endless"));
    cr_assert(run("a.tape --diff-interval -1s") == 2 && printed("err", "diff interval"));
    cr_assert(run("a.tape --hours 1 --duration 1h") == 2);
    cr_assert(run("a.tape --l3 b.tape") == 2);
    cr_assert(run("a.tape -o b.tape") == 2);
    cr_assert(run("a.tape --level 4") == 2);
    cr_assert(run("a.tape --instruments 257") == 2);
    cr_assert(access("a.tape", F_OK) != 0, "nothing was written");
    cr_assert(run("no/such/folder/a.tape --duration 1s") == 5);
}

Test(verb_synth, a_full_disk_is_said)
{
    if (access("/dev/full", W_OK) != 0)
        cr_skip_test("no /dev/full here");
    cr_assert(run("/dev/full --duration 10s") == 6);
    cr_assert(printed("err", "No space left"));
}

Test(verb_synth, an_interrupt_leaves_a_whole_tape)
{
    char command[512];
    snprintf(command, sizeof(command), "timeout --preserve-status -s INT 0.5 '%s' synth a.tape -d 300d -q >out 2>err",
             TEST_PROGRAM);
    int status = system(command);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 130, "status %d", status);
    struct digest digest;
    uint64_t kinds[EVENT_KIND_COUNT];
    digest_init(&digest, 0);
    read_back("a.tape", &digest, kinds);
    cr_assert(kinds[EVENT_BOOK_SNAPSHOT] == 1 && printed("out", "interrupted"));
}
