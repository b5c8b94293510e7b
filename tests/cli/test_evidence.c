/* What a run leaves, however it ends, and what is told when it is not as it was. */
#include "cli/evidence.h"
#include "cli/hash_file.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HAS(text, part) cr_assert(strstr(text, part) != NULL, "expected '%s' in:\n%s", part, text)

static struct scratch scratch;
static struct ran ran;

static const char config[] = "feed: {synth: {duration: 2m}}\n"
                             "strategy: {name: maker, params: {size: \"0.01\"}}\n"
                             "venue: {fees: {maker: \"0.0002\", taker: \"0.0005\"}}\n"
                             "account: {balances: {USDT: \"100000\"}}\n";

static void begin(void)
{
    scratch_begin(&scratch);
}
static void end(void)
{
    scratch_end(&scratch);
}
TestSuite(evidence, .init = begin, .fini = end, .timeout = 120);

static const char *at(const char *name)
{
    return scratch_path(&scratch, name);
}

static void make_run(const char *dir)
{
    scratch_write(&scratch, "run.yaml", config);
    run_program(&scratch, &ran, "run run.yaml --out %s --quiet", dir);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}

static char *text_of(const char *name, size_t *size)
{
    char *text = scratch_read(at(name), size);
    cr_assert_not_null(text, "%s", name);
    return text;
}

static void put_bytes(const char *name, const char *text, size_t size)
{
    FILE *file = fopen(at(name), "wb");
    cr_assert(file != NULL && fwrite(text, 1, size, file) == size && fclose(file) == 0);
}

/* The exit code of `evidence run`, and what it prints. */
static int told(const char *words)
{
    run_program(&scratch, &ran, "evidence %s", words);
    return ran.code;
}

Test(evidence, sha256_is_that_of_the_standard)
{
    char hash[SHA256_TEXT_SIZE];
    cr_assert_eq(hash_bytes("abc", 3, hash, NULL), ERR_OK);
    cr_assert_str_eq(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    uint64_t size = 0;
    scratch_write(&scratch, "abc", "abc");
    cr_assert_eq(hash_file(at("abc"), true, hash, &size, NULL), ERR_OK);
    cr_assert(size == 3 && strncmp(hash, "ba7816bf", 8) == 0);
    cr_assert_eq(hash_file(at("nothing"), false, hash, &size, NULL), ERR_NOTFOUND);
}

Test(evidence, a_finished_run_says_how_it_ended_and_names_every_file)
{
    make_run("one");
    cr_assert_eq(told("one --strict --json"), 0, "%s", ran.err);
    json_t *object = json_loads(ran.out, 0, NULL), *manifest = json_object_get(object, "manifest");
    cr_assert_str_eq(json_string_value(json_object_get(object, "state")), "whole");
    cr_assert_str_eq(json_string_value(json_object_get(manifest, "end")), "finished");
    cr_assert_eq(json_integer_value(json_object_get(manifest, "exit_code")), 0);
    size_t i, listed = 0;
    json_t *file, *files = json_object_get(manifest, "files");
    json_array_foreach(files, i, file)
    {
        char path[300], hash[SHA256_TEXT_SIZE];
        uint64_t size;
        snprintf(path, sizeof(path), "one/%s", json_string_value(json_object_get(file, "name")));
        cr_assert_eq(hash_file(at(path), false, hash, &size, NULL), ERR_OK, "%s", path);
        cr_assert_str_eq(hash, json_string_value(json_object_get(file, "sha256")));
        cr_assert_eq(json_integer_value(json_object_get(file, "size")), (json_int_t)size);
        listed++;
    }
    size_t there = 0;
    DIR *dir = opendir(at("one"));
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        there += entry->d_name[0] != '.';
    closedir(dir);
    cr_assert_eq(listed + 1, there, "%zu files listed, %zu there", listed, there);
    json_t *result = json_load_file(at("one/result.json"), 0, NULL);
    cr_assert_str_eq(json_string_value(json_object_get(manifest, "digest")),
                     json_string_value(json_object_get(result, "digest")));
    json_decref(result);
    json_decref(object);
}

Test(evidence, a_flipped_byte_in_any_file_is_found_and_the_file_is_named)
{
    make_run("one");
    const char *const files[] = {"config.yaml", "orders.csv",  "fills.csv", "equity.csv",
                                 "result.json", "timing.json", "tail.txt"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[64], wanted[64];
        size_t size;
        snprintf(path, sizeof(path), "one/%s", files[i]);
        snprintf(wanted, sizeof(wanted), "%s: changed", files[i]);
        char *text = text_of(path, &size);
        text[size / 2] ^= 1;
        put_bytes(path, text, size);
        cr_assert_eq(told("one"), 1, "%s", files[i]);
        HAS(ran.out, wanted);
        text[size / 2] ^= 1;
        put_bytes(path, text, size);
        free(text);
    }
    cr_assert_eq(told("one"), 0, "%s", ran.out);
}

Test(evidence, a_flipped_byte_anywhere_in_the_manifest_is_found)
{
    make_run("one");
    size_t size;
    char *text = text_of("one/manifest.json", &size);
    for (size_t i = 0; i < size; i++) {
        struct evidence_report report;
        text[i] ^= 1;
        put_bytes("one/manifest.json", text, size);
        text[i] ^= 1;
        cr_assert_eq(evidence_check(at("one"), &report, NULL), ERR_CORRUPT, "byte %zu of %zu", i, size);
        evidence_report_free(&report);
    }
    put_bytes("one/manifest.json", text, size / 2);
    cr_assert_eq(told("one"), 4);
    HAS(ran.err, "does not end in its seal");
    free(text);
}

Test(evidence, cut_missing_and_added_files_are_told_apart)
{
    make_run("one");
    size_t size;
    char *text = text_of("one/fills.csv", &size);
    put_bytes("one/fills.csv", text, size - 1);
    cr_assert_eq(told("one"), 1);
    HAS(ran.out, "fills.csv: another size: expected ");
    unlink(at("one/fills.csv"));
    cr_assert_eq(told("one"), 1);
    HAS(ran.out, "fills.csv: missing");
    put_bytes("one/fills.csv", text, size);
    scratch_write(&scratch, "one/notes.txt", "mine");
    cr_assert_eq(told("one"), 0);
    HAS(ran.out, "notes.txt: not in the manifest");
    cr_assert_eq(told("one --strict"), 1);
    free(text);
}

Test(evidence, a_run_without_a_manifest_has_not_ended_and_what_is_no_run_is_not_found)
{
    make_run("one");
    unlink(at("one/manifest.json"));
    cr_assert_eq(told("one"), 12);
    HAS(ran.out, "not ended");
    mkdir(at("empty"), 0777);
    cr_assert_eq(told("empty"), 5);
    cr_assert_eq(told("nowhere"), 5);
}

Test(evidence, a_manifest_of_an_earlier_run_does_not_stand_beside_a_new_one)
{
    make_run("one");
    scratch_write(&scratch, "one/crash.txt", "signal SIGSEGV\n");
    run_program(&scratch, &ran, "run run.yaml --out one --force --quiet --set seed=2");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_assert_eq(told("one --strict"), 0, "%s", ran.out);
    cr_assert_neq(access(at("one/crash.txt"), F_OK), 0);
}

Test(evidence, a_strategy_that_refuses_leaves_its_reason)
{
    scratch_write(&scratch, "run.yaml", config);
    run_program(&scratch, &ran, "run run.yaml --out one --quiet --set strategy.params.instrument=NOPE");
    cr_assert_eq(ran.code, 3, "%s", ran.err);
    cr_assert_eq(told("one"), 0, "%s", ran.out);
    HAS(ran.out, "refused");
    HAS(ran.out, "instrument");
}

Test(evidence, the_tail_holds_the_last_lines_of_the_orders)
{
    make_run("one");
    size_t size;
    char *tail = text_of("one/tail.txt", NULL), *orders = text_of("one/orders.csv", &size);
    size_t lines = 0;
    for (const char *line = tail; (line = strchr(line, '\n')) != NULL; line++)
        lines++;
    cr_assert_eq(lines, 64 + 3, "%s", tail);
    orders[size - 1] = '\0';
    const char *last = strrchr(orders, '\n') + 1;
    char wanted[64], id[32] = "", event[32] = "";
    cr_assert_eq(sscanf(last, "%*[^,],%*[^,],%31[^,],%*[^,],%*[^,],%31[^,]", id, event), 2, "%s", last);
    snprintf(wanted, sizeof(wanted), "order %s ", id);
    const char *books = strstr(tail, "# the books");
    cr_assert_not_null(books);
    const char *entry = books - 1;
    while (entry > tail && entry[-1] != '\n')
        entry--;
    HAS(entry, wanted);
    HAS(entry, strcmp(event, "submit") == 0 ? ": sent" : event);
    free(tail);
    free(orders);
}

/* ---- bundles ---- */

static void same_file(const char *a, const char *b)
{
    size_t size_a, size_b;
    char *text_a = text_of(a, &size_a), *text_b = text_of(b, &size_b);
    cr_assert(size_a == size_b && memcmp(text_a, text_b, size_a) == 0, "%s is not %s", b, a);
    free(text_a);
    free(text_b);
}

Test(evidence, a_bundle_comes_back_as_the_same_directory_and_is_the_same_twice)
{
    make_run("one");
    run_program(&scratch, &ran, "bundle one --out a.tar.zst");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "bundle one/ --out b.tar.zst");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    same_file("a.tar.zst", "b.tar.zst");
    run_program(&scratch, &ran, "bundle --extract a.tar.zst --out two");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    DIR *dir = opendir(at("one"));
    size_t compared = 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char a[300], b[300];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(a, sizeof(a), "one/%s", entry->d_name);
        snprintf(b, sizeof(b), "two/%s", entry->d_name);
        same_file(a, b);
        compared++;
    }
    closedir(dir);
    cr_assert_geq(compared, 8);
    run_program(&scratch, &ran, "bundle one --out a.tar.zst");
    cr_assert_eq(ran.code, 5, "%s", ran.err);
    run_program(&scratch, &ran, "bundle --extract a.tar.zst --out two");
    cr_assert_eq(ran.code, 5, "%s", ran.err);
}

Test(evidence, a_bundle_with_its_tape_is_explained_where_the_tape_is_gone)
{
    run_program(&scratch, &ran, "synth a.tape --duration 2m --quiet");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    scratch_write(&scratch, "run.yaml", "feed: {tapes: [a.tape]}\nstrategy: {name: maker}\n");
    run_program(&scratch, &ran, "run run.yaml --out one --quiet");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "bundle one --with-tapes --out a.tar.zst");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "bundle one --out without.tar.zst");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    unlink(at("a.tape"));
    run_program(&scratch, &ran, "why a.tar.zst 1 --quiet");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    HAS(ran.out, "a.tar.zst executed again");
    run_program(&scratch, &ran, "why without.tar.zst 1 --quiet");
    cr_assert_eq(ran.code, 5, "%s", ran.err);
    cr_assert_eq(told("a.tar.zst"), 0, "%s", ran.err);
    HAS(ran.out, "1 tapes");

    run_program(&scratch, &ran, "bundle --extract a.tar.zst --out two");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    DIR *dir = opendir(at("two/tapes"));
    char path[300] = "";
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.')
            snprintf(path, sizeof(path), "two/tapes/%s", entry->d_name);
    closedir(dir);
    size_t size;
    char *tape = text_of(path, &size);
    tape[size / 2] ^= 1;
    put_bytes(path, tape, size);
    free(tape);
    cr_assert_eq(told("two"), 1);
    HAS(ran.out, "tapes/");
    HAS(ran.out, "damaged, or not the tape");
}

Test(evidence, a_damaged_or_foreign_bundle_is_refused_and_leaves_no_temporary_directory)
{
    make_run("one");
    run_program(&scratch, &ran, "bundle one --out a.tar.zst");
    size_t size;
    char *text = text_of("a.tar.zst", &size);
    mkdir(at("tmp"), 0777);
    setenv("TMPDIR", at("tmp"), 1);
    text[size / 2] ^= 1;
    put_bytes("bad.tar.zst", text, size);
    cr_assert_eq(told("bad.tar.zst"), 4, "%s", ran.err);
    text[size / 2] ^= 1;
    put_bytes("cut.tar.zst", text, size / 2);
    cr_assert_eq(told("cut.tar.zst"), 4, "%s", ran.err);
    cr_assert_eq(told("a.tar.zst"), 0, "%s", ran.err);
    if (system("zstd --version >/dev/null 2>&1 && tar --version >/dev/null 2>&1") == 0) {
        char command[600];
        snprintf(
            command, sizeof(command),
            "cd %s && tar --format=ustar -cf - ../%s/one/result.json -P 2>/dev/null | zstd -q -o foreign.tar.zst",
            scratch.dir, strrchr(scratch.dir, '/') + 1);
        cr_assert_eq(system(command), 0);
        cr_assert_eq(told("foreign.tar.zst"), 4, "%s", ran.err);
        HAS(ran.err, "is not a bundle of tapedeck");
    }
    unsetenv("TMPDIR");
    cr_assert_eq(rmdir(at("tmp")), 0, "something was left in TMPDIR");
    free(text);
}

Test(evidence, an_unended_run_can_be_bundled_and_says_so)
{
    make_run("one");
    unlink(at("one/manifest.json"));
    run_program(&scratch, &ran, "bundle one --out a.tar.zst");
    cr_assert_eq(ran.code, 12, "%s", ran.err);
    HAS(ran.out, "has not ended");
    cr_assert_eq(told("a.tar.zst"), 12);
}
