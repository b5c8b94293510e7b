/* What a run reads beside its tapes: known by its bytes, carried in a bundle, refused when it was changed. */
#include "scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HAS(text, part) cr_assert(strstr(text, part) != NULL, "expected '%s' in:\n%s%s", part, text, ran.err)

static struct scratch scratch;
static struct ran ran;

/* A scripted order, measured latencies of both kinds, tiers and funding: five files. */
static void begin(void)
{
    scratch_begin(&scratch);
    scratch_write(&scratch, "orders.csv",
                  "order_id,submit_ts,side,price,qty,type,tif,cancel_ts\n"
                  "a,1704067205000000000,buy,29000.0,0.002,limit,gtc,\n"
                  "b,1704067206000000000,sell,,0.001,market,ioc,\n");
    scratch_write(&scratch, "way.csv", "req,exch,resp\n1000000,2000000,4000000\n11000000,13000000,14000000\n");
    scratch_write(&scratch, "late.csv", "exch,recv\n1000000,3000000\n11000000,12000000\n");
    scratch_write(&scratch, "tiers.csv", "symbol,floor,rate\nSYN1USDT,0,0.004\n");
    scratch_write(&scratch, "funding.csv", "ts,rate\n2024-01-01T00:00:10Z,0.0001\n");
    scratch_write(&scratch, "run.yaml",
                  "feed: {synth: {seed: 3, duration: 20s}, latency: {model: empirical, file: late.csv}}\n"
                  "venue: {latency: {model: empirical, file: way.csv}, rules: none,\n"
                  "        margin: {mode: cross, leverage: \"10\", tiers: tiers.csv, liquidation_fee: \"0.01\"},\n"
                  "        funding: {source: file, file: funding.csv}}\n"
                  "account: {balances: {USDT: \"1000\"}}\n"
                  "strategy: {name: scripted, params: {orders: orders.csv}}\n");
    run_program(&scratch, &ran, "run run.yaml --out run -q");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}
static void end(void)
{
    scratch_end(&scratch);
}
TestSuite(bundle_files, .init = begin, .fini = end, .timeout = 120);

static const char *const files[] = {"orders.csv", "way.csv", "late.csv", "tiers.csv", "funding.csv"};
static const char *const keys[] = {"strategy.params.orders", "venue.latency.file", "feed.latency.file",
                                   "venue.margin.tiers", "venue.funding.file"};
#define FILES (sizeof(files) / sizeof(files[0]))

Test(bundle_files, every_file_that_a_key_names_is_in_the_record)
{
    size_t size;
    const char *records[] = {"run/result.json", "run/start.json", "run/manifest.json"};
    for (size_t i = 0; i < 3; i++) {
        char *text = scratch_read(scratch_path(&scratch, records[i]), &size);
        for (size_t j = 0; j < FILES; j++)
            cr_expect(strstr(text, files[j]) != NULL && strstr(text, keys[j]) != NULL, "%s: %s", records[i], keys[j]);
        free(text);
    }
}

Test(bundle_files, a_bundle_is_enough_where_the_files_are_gone)
{
    run_program(&scratch, &ran, "bundle run --out run.tar.zst");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    for (size_t i = 0; i < FILES; i++)
        unlink(scratch_path(&scratch, files[i]));
    run_program(&scratch, &ran, "verify run -q");
    cr_expect_eq(ran.code, 5, "%d %s", ran.code, ran.err);
    HAS(ran.err, "is not there");
    mkdir(scratch_path(&scratch, "elsewhere"), 0777);
    rename(scratch_path(&scratch, "run"), scratch_path(&scratch, "elsewhere/gone"));
    run_program(&scratch, &ran, "verify run.tar.zst -q");
    cr_expect_eq(ran.code, 0, "%d %s", ran.code, ran.err);
    HAS(ran.out, "identical");
    run_program(&scratch, &ran, "evidence run.tar.zst");
    cr_expect_eq(ran.code, 0, "%s", ran.out);
    HAS(ran.out, "5 other inputs");
    /* what came out of a bundle goes into one again, the same to the byte */
    run_program(&scratch, &ran, "bundle --extract run.tar.zst --out run");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    run_program(&scratch, &ran, "bundle run --out again.tar.zst");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    size_t one, two;
    char *a = scratch_read(scratch_path(&scratch, "run.tar.zst"), &one);
    char *b = scratch_read(scratch_path(&scratch, "again.tar.zst"), &two);
    cr_expect(one == two && memcmp(a, b, one) == 0);
    free(a);
    free(b);
}

Test(bundle_files, each_changed_file_is_refused_and_named)
{
    for (size_t i = 0; i < FILES; i++) {
        size_t size;
        char *text = scratch_read(scratch_path(&scratch, files[i]), &size);
        char *changed = malloc(size + 2);
        snprintf(changed, size + 2, "%s\n", text);
        scratch_write(&scratch, files[i], changed);
        run_program(&scratch, &ran, "verify run -q");
        cr_expect_eq(ran.code, 1, "%s: %d %s", files[i], ran.code, ran.err);
        HAS(ran.err, files[i]);
        HAS(ran.err, keys[i]);
        HAS(ran.err, "has changed since the run read it");
        run_program(&scratch, &ran, "bundle run --out no.tar.zst");
        cr_expect_eq(ran.code, 1, "%s: %d %s", files[i], ran.code, ran.err);
        cr_expect_neq(access(scratch_path(&scratch, "no.tar.zst"), F_OK), 0);
        scratch_write(&scratch, files[i], text);
        free(text);
        free(changed);
    }
}

Test(bundle_files, a_file_that_moved_is_found_by_its_bytes)
{
    rename(scratch_path(&scratch, "way.csv"), scratch_path(&scratch, "moved.csv"));
    run_program(&scratch, &ran, "verify run -q --file late.csv moved.csv");
    cr_expect_eq(ran.code, 0, "%d %s", ran.code, ran.err);
}

Test(bundle_files, the_written_config_runs_from_anywhere)
{
    run_program(&scratch, &ran, "run run/config.yaml --out again -q");
    cr_expect_eq(ran.code, 0, "%d %s", ran.code, ran.err);
    run_program(&scratch, &ran, "verify again -q");
    cr_expect_eq(ran.code, 0, "%d %s", ran.code, ran.err);
}
