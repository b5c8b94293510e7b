/* The verb that writes lines of named files. */
#include "engine_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static char said[512];

static void on_write(void *context, ns_t ts, const char *file, const char *line)
{
    (void)context;
    const size_t used = strlen(said);
    snprintf(said + used, sizeof(said) - used, "%lld %s: %s;", (long long)ts, file, line);
}

static void writes(struct rig *rig, struct strategy_ctx *ctx, char moment, uint64_t id, ns_t ts)
{
    (void)rig, (void)id;
    static const char *const bad[] = {
        "",    ".",   ".hidden", "-x",       "../up",
        "a/b", "a b", "a,b",     "\xc3\xa4", "123456789012345678901234567890123456789012345678"};
    if (moment == 'b') {
        cr_assert_eq(strategy_write(ctx, "out.csv", "a,b"), ERR_OK);
        cr_assert_eq(strategy_write(ctx, "B_2-c.TXT", ""), ERR_OK);
        cr_assert_eq(strategy_write(ctx, "12345678901234567890123456789012345678901234567", "x"), ERR_OK);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
            cr_assert_eq(strategy_write(ctx, bad[i], "x"), ERR_RANGE, "'%s'", bad[i]);
        cr_assert_eq(strategy_write(ctx, "out.csv", "two\nlines"), ERR_RANGE);
        cr_assert_eq(strategy_write(ctx, "out.csv", "a return\r"), ERR_RANGE);
    } else if (moment == 'E') {
        cr_assert_eq(strategy_write(ctx, "out.csv", "at the end"), ERR_OK);
        cr_assert_eq(ts, 100);
    }
}

Test(engine, lines_of_files_go_to_the_sink_and_names_that_could_leave_the_directory_do_not)
{
    struct rig *rig = rig_new();
    rig->react = writes;
    rig->sink.write = on_write;
    rig_snapshot(rig, 100, 10000, 10010);
    rig_run(rig);
    cr_assert_str_eq(said, "100 out.csv: a,b;100 B_2-c.TXT: ;100 12345678901234567890123456789012345678901234567: x;"
                           "100 out.csv: at the end;");
    rig_free(rig);
}
