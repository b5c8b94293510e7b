#include "tests/plain/criterion/criterion.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TESTS_MAX 512

static struct {
    const char *suite, *name;
    void (*run)(void);
    struct plain_options options;
} tests[TESTS_MAX];
static unsigned test_count;

void plain_add(const char *suite, const char *name, void (*run)(void), struct plain_options options)
{
    if (test_count == TESTS_MAX)
        abort();
    tests[test_count].suite = suite;
    tests[test_count].name = name;
    tests[test_count].run = run;
    tests[test_count++].options = options;
}

void plain_fail(const char *file, int line, const char *what, const char *fmt, ...)
{
    va_list words;
    va_start(words, fmt);
    fprintf(stderr, "# %s:%d: %s: ", file, line, what);
    vfprintf(stderr, fmt, words);
    fputc('\n', stderr);
    va_end(words);
    _exit(1);
}

void plain_say(const char *fmt, ...)
{
    va_list words;
    va_start(words, fmt);
    fputs("# ", stderr);
    vfprintf(stderr, fmt, words);
    fputc('\n', stderr);
    va_end(words);
}

/* The exit code or, negative, the signal. */
static int run_one(unsigned number)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        alarm(tests[number].options.timeout > 0 ? (unsigned)tests[number].options.timeout + 1 : 120);
        tests[number].run();
        exit(0); /* what a sanitizer found meanwhile changes the code */
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* tests_shell [WORD]: all, or those with the word in "suite::name". */
int main(int argc, char **argv)
{
    unsigned failed = 0, chosen = 0;
    for (unsigned i = 0; i < test_count; i++) {
        char name[300];
        snprintf(name, sizeof(name), "%s::%s", tests[i].suite, tests[i].name);
        if (argc > 1 && strstr(name, argv[1]) == NULL)
            continue;
        chosen++;
        const int code = run_one(i);
        failed += code != 0;
        if (code == 0)
            printf("ok - %s\n", name);
        else
            printf("not ok - %s (%s %d)\n", name, code < 0 ? "signal" : "code", code < 0 ? -code : code);
        fflush(stdout);
    }
    printf("1..%u\n", chosen);
    return failed != 0;
}
