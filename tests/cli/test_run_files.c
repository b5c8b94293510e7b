/* The files of a run directory that its strategy writes. */
#include "cli/run_files.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(run_files, lines_arrive_in_order_in_the_file_of_their_name)
{
    struct scratch scratch;
    struct run_files files = {0};
    struct err_text why = {0};
    scratch_begin(&scratch);
    cr_assert_eq(run_files_write(&files, scratch.dir, "a.csv", "1,2", &why), ERR_OK);
    cr_assert_eq(run_files_write(&files, scratch.dir, "b.csv", "x", &why), ERR_OK);
    cr_assert_eq(run_files_write(&files, scratch.dir, "a.csv", "3,4", &why), ERR_OK);
    cr_assert_eq(run_files_close(&files, scratch.dir, &why), ERR_OK);
    size_t size;
    char *text = scratch_read(scratch_path(&scratch, "a.csv"), &size);
    cr_assert(text != NULL && size == 8 && memcmp(text, "1,2\n3,4\n", 8) == 0);
    free(text);
    scratch_end(&scratch);
}

Test(run_files, names_of_the_run_itself_and_a_seventeenth_file_are_refused_with_and_without_a_directory)
{
    static const char *const taken[] = {"orders.csv", "fills.csv", "result.json", "timing.json", "config.yaml"};
    struct run_files files = {0};
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        struct err_text why = {0};
        cr_assert_eq(run_files_write(&files, NULL, taken[i], "x", &why), ERR_CONFIG);
        cr_assert_not_null(strstr(why.text, taken[i]));
    }
    for (int i = 0; i <= RUN_FILES_MAX; i++) {
        struct err_text why = {0};
        char name[16];
        snprintf(name, sizeof(name), "f%d", i);
        cr_assert_eq(run_files_write(&files, NULL, name, "x", &why), i < RUN_FILES_MAX ? ERR_OK : ERR_CONFIG, "%d",
                     i);
    }
}

Test(run_files, a_folder_that_is_not_there_is_an_error_with_the_path)
{
    struct run_files files = {0};
    struct err_text why = {0};
    cr_assert_eq(run_files_write(&files, "/nowhere/at/all", "a.csv", "x", &why), ERR_IO);
    cr_assert_not_null(strstr(why.text, "/nowhere/at/all/a.csv"), "%s", why.text);
}
