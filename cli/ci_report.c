#include "cli/ci_report.h"

#include "cli/json_out.h"
#include "cli/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "-";
}

/* ---- the report ---- */

json_t *ci_report_new(const char *suite, json_t *cases, bool strict)
{
    json_t *report = json_object(), *counts = json_object();
    uint64_t number[CI_VERDICT_COUNT] = {0};
    enum ci_verdict worst = CI_IDENTICAL;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const enum ci_verdict verdict = ci_verdict_of(json_array_get(cases, i));
        number[verdict]++;
        worst = verdict > worst ? verdict : worst;
    }
    for (int i = 0; i < CI_VERDICT_COUNT; i++)
        if (number[i] != 0)
            json_set_u64(counts, ci_verdict_name((enum ci_verdict)i), number[i]);
    json_set_text(report, "suite", suite);
    json_set_bool(report, "strict", strict);
    json_set_u64(report, "exit_code", (uint64_t)ci_verdict_code(worst, strict));
    json_set(report, "cases", cases);
    json_set(report, "counts", counts);
    return report;
}

int ci_report_code(const json_t *report)
{
    return (int)json_integer_value(json_object_get(report, "exit_code"));
}

/* ---- details ---- */

static void list_changes(const json_t *list, const char *word, const char *key, const char *indent, FILE *file)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        fprintf(file, "%s%s %s: %s -> %s\n", indent, word, text_of(entry, key), text_of(entry, "baseline"),
                text_of(entry, "now"));
    }
}

static void list_metrics(const json_t *list, const char *indent, FILE *file)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        const char *delta = json_string_value(json_object_get(entry, "delta"));
        fprintf(file, "%smetric %s: %s -> %s%s%s%s, bound %s%s\n", indent, text_of(entry, "name"),
                text_of(entry, "baseline"), text_of(entry, "now"), delta != NULL ? " (" : "",
                delta != NULL ? delta : "", delta != NULL ? ")" : "", text_of(entry, "bound"),
                json_is_true(json_object_get(entry, "within")) ? "" : "  OUTSIDE");
    }
}

/* Its lines, with the indent of the others. */
static void list_first(const json_t *first, const char *indent, FILE *file)
{
    const char *text = json_string_value(json_object_get(first, "text"));
    const char *error = json_string_value(json_object_get(first, "error"));
    if (error != NULL)
        fprintf(file, "%sfirst difference: not known: %s\n", indent, error);
    while (text != NULL && *text != '\0') {
        const size_t size = strcspn(text, "\n");
        fprintf(file, "%s%.*s\n", indent, (int)size, text);
        text += size + (text[size] == '\n');
    }
}

void ci_report_details(const json_t *comparison, const char *indent, FILE *file)
{
    const json_t *digest = json_object_get(comparison, "digest"), *warnings = json_object_get(comparison, "warnings"),
                 *speed = json_object_get(comparison, "speed");
    const char *was = text_of(digest, "baseline"), *now = text_of(digest, "now");
    const bool differs = json_is_string(json_object_get(digest, "baseline")) &&
                         json_is_string(json_object_get(digest, "now")) && strcmp(was, now) != 0;
    if (differs)
        fprintf(file, "%sdigest %s -> %s\n", indent, was, now);
    if (json_is_string(json_object_get(comparison, "divergence")))
        fprintf(file, "%s%s\n", indent, text_of(comparison, "divergence"));
    list_first(json_object_get(comparison, "first"), indent, file);
    list_metrics(json_object_get(comparison, "metrics"), indent, file);
    list_changes(json_object_get(comparison, "config"), "config", "key", indent, file);
    list_changes(json_object_get(comparison, "tapes"), "tape", "name", indent, file);
    if (differs || json_array_size(json_object_get(comparison, "metrics")) != 0)
        list_changes(json_object_get(comparison, "binary"), "binary", "key", indent, file);
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        const json_t *entry = json_array_get(warnings, i);
        fprintf(file, "%swarning %s: %s (%lld)%s\n", indent, text_of(entry, "name"), text_of(entry, "text"),
                (long long)json_integer_value(json_object_get(entry, "count")),
                json_is_true(json_object_get(entry, "allowed")) ? ", allowed" : "");
    }
    if (json_is_object(speed))
        fprintf(file, "%sspeed %s times the bare loop, at most %s\n", indent, text_of(speed, "ratio"),
                text_of(speed, "ratio_max"));
}

/* ---- text ---- */

void ci_report_print(const json_t *report)
{
    const json_t *cases = json_object_get(report, "cases"), *counts = json_object_get(report, "counts");
    struct table *table = table_new("llw", "case", "verdict", "");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        table_cell(table, "%s", text_of(one, "name"));
        table_cell(table, "%s", text_of(one, "verdict"));
        table_cell(table, "%s", text_of(one, "summary"));
    }
    table_print(table, stdout);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        char *details = NULL;
        size_t size = 0;
        FILE *file = open_memstream(&details, &size);
        if (file == NULL)
            continue;
        ci_report_details(one, "  ", file);
        fclose(file);
        if (size != 0)
            printf("\n%s\n%s", text_of(one, "name"), details);
        free(details);
    }
    const char *name;
    json_t *number;
    bool first = true;
    putchar('\n');
    json_object_foreach((json_t *)(uintptr_t)counts, name, number)
    {
        printf("%s%lld %s", first ? "" : ", ", (long long)json_integer_value(number), name);
        first = false;
    }
    printf("; exit code %d%s\n", ci_report_code(report),
           json_is_true(json_object_get(report, "strict")) ? " (strict)" : "");
}

/* ---- files ---- */

static err_t open_file(const char *path, const char *mode, FILE **file, struct err_text *why)
{
    *file = fopen(path, mode);
    if (*file != NULL)
        return ERR_OK;
    return err_say(why,
                   errno == EACCES   ? ERR_PERMISSION
                   : errno == ENOSPC ? ERR_NOSPACE
                                     : ERR_IO,
                   "%s: cannot be written: %s", path, strerror(errno));
}

static err_t close_file(FILE *file, const char *path, struct err_text *why)
{
    errno = 0;
    const bool bad = ferror(file) != 0;
    if (fclose(file) == 0 && !bad)
        return ERR_OK;
    return err_say(why, errno == ENOSPC ? ERR_NOSPACE : ERR_IO, "%s: cannot be written: %s", path,
                   strerror(errno != 0 ? errno : EIO));
}

/* ---- JUnit ---- */

/* XML 1.0 has no way to write control characters. */
static void put_xml(FILE *file, const char *text)
{
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '&')
            fputs("&amp;", file);
        else if (c == '<')
            fputs("&lt;", file);
        else if (c == '>')
            fputs("&gt;", file);
        else if (c == '"')
            fputs("&quot;", file);
        else if (c == '\n')
            fputs("&#10;", file);
        else
            fputc(c < 0x20 && c != '\t' ? '?' : c, file);
    }
}

static void put_details_xml(FILE *file, const json_t *one)
{
    char *details = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&details, &size);
    if (memory == NULL)
        return;
    ci_report_details(one, "", memory);
    fclose(memory);
    for (char *line = details, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        put_xml(file, line);
        fputc('\n', file);
    }
    free(details);
}

static bool is_error(enum ci_verdict verdict)
{
    return verdict == CI_BROKEN || verdict == CI_NO_BASELINE;
}

static void put_testcase(FILE *file, const json_t *one, const char *suite)
{
    const enum ci_verdict verdict = ci_verdict_of(one);
    const bool failed = json_is_true(json_object_get(one, "failed"));
    const char *element = !failed ? "system-out" : is_error(verdict) ? "error" : "failure";
    fputs("    <testcase classname=\"", file);
    put_xml(file, suite);
    fputs("\" name=\"", file);
    put_xml(file, text_of(one, "name"));
    fputs("\">\n      <", file);
    fputs(element, file);
    if (failed) {
        fprintf(file, " type=\"%s\" message=\"", ci_verdict_name(verdict));
        put_xml(file, text_of(one, "summary"));
        fputc('"', file);
    }
    fputc('>', file);
    put_xml(file, text_of(one, "verdict"));
    fputs(": ", file);
    put_xml(file, text_of(one, "summary"));
    fputc('\n', file);
    put_details_xml(file, one);
    fprintf(file, "</%s>\n    </testcase>\n", element);
}

err_t ci_report_junit(const json_t *report, const char *path, struct err_text *why)
{
    const json_t *cases = json_object_get(report, "cases");
    const char *suite = text_of(report, "suite");
    const size_t count = json_array_size(cases);
    size_t failures = 0, errors = 0;
    FILE *file;
    err_t err = open_file(path, "w", &file, why);
    if (err != ERR_OK)
        return err;
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(cases, i);
        const bool failed = json_is_true(json_object_get(one, "failed")), error = is_error(ci_verdict_of(one));
        failures += failed && !error;
        errors += failed && error;
    }
    fprintf(file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"tapedeck ci\" tests=\"%zu\" "
            "failures=\"%zu\" errors=\"%zu\">\n  <testsuite name=\"",
            count, failures, errors);
    put_xml(file, suite);
    fprintf(file, "\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"0\">\n", count, failures, errors);
    for (size_t i = 0; i < count; i++)
        put_testcase(file, json_array_get(cases, i), suite);
    fputs("  </testsuite>\n</testsuites>\n", file);
    return close_file(file, path, why);
}

/* ---- Markdown ---- */

/* In a cell of a table. */
static void put_cell(FILE *file, const char *text)
{
    fputs("| ", file);
    for (; *text != '\0'; text++) {
        if (*text == '|' || *text == '<' || *text == '`' || *text == '*' || *text == '_')
            fputc('\\', file);
        fputc(*text == '\n' ? ' ' : *text, file);
    }
    fputc(' ', file);
}

static const char *mark_of(const json_t *one)
{
    if (json_is_true(json_object_get(one, "failed")))
        return "FAIL";
    return ci_verdict_of(one) == CI_IDENTICAL ? "ok" : "WARN";
}

static void put_metrics_markdown(FILE *file, const json_t *metrics)
{
    if (json_array_size(metrics) == 0)
        return;
    fputs("\n| metric | baseline | now | delta | bound | |\n| --- | ---: | ---: | ---: | ---: | --- |\n", file);
    for (size_t i = 0; i < json_array_size(metrics); i++) {
        const json_t *entry = json_array_get(metrics, i);
        put_cell(file, text_of(entry, "name"));
        put_cell(file, text_of(entry, "baseline"));
        put_cell(file, text_of(entry, "now"));
        put_cell(file, text_of(entry, "delta"));
        put_cell(file, text_of(entry, "bound"));
        put_cell(file, json_is_true(json_object_get(entry, "within")) ? "within" : "**outside**");
        fputs("|\n", file);
    }
}

static void put_case_markdown(FILE *file, const json_t *one)
{
    char *details = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&details, &size);
    if (memory == NULL)
        return;
    ci_report_details(one, "", memory);
    fclose(memory);
    if (size != 0 && ci_verdict_of(one) != CI_IDENTICAL) {
        fprintf(file, "\n<details><summary>%s: %s</summary>\n", text_of(one, "name"), text_of(one, "verdict"));
        put_metrics_markdown(file, json_object_get(one, "metrics"));
        fprintf(file, "\n```text\n%s```\n\n</details>\n", details);
    }
    free(details);
}

err_t ci_report_markdown(const json_t *report, const char *path, struct err_text *why)
{
    const json_t *cases = json_object_get(report, "cases");
    FILE *file;
    err_t err = open_file(path, "a", &file, why);
    if (err != ERR_OK)
        return err;
    fprintf(file, "### tapedeck ci: %s\n\n| case | | verdict | |\n| --- | --- | --- | --- |\n",
            text_of(report, "suite"));
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        put_cell(file, text_of(one, "name"));
        put_cell(file, mark_of(one));
        put_cell(file, text_of(one, "verdict"));
        put_cell(file, text_of(one, "summary"));
        fputs("|\n", file);
    }
    for (size_t i = 0; i < json_array_size(cases); i++)
        put_case_markdown(file, json_array_get(cases, i));
    fprintf(file, "\nExit code %d%s.\n\n", ci_report_code(report),
            json_is_true(json_object_get(report, "strict")) ? " (strict)" : "");
    return close_file(file, path, why);
}
