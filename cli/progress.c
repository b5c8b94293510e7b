#include "cli/progress.h"

#include "cli/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REDRAW_NS UINT64_C(100000000)
#define BAR_CELLS 20

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void progress_begin(struct progress *progress, const char *what, const char *unit, bool wanted)
{
    *progress = (struct progress){.what = what, .unit = unit, .shown = wanted && isatty(STDERR_FILENO) == 1};
    progress->start_ns = clock_ns();
    progress->last_ns = progress->start_ns;
}

static void speed_text(double per_second, const char *unit, char *text, size_t size)
{
    if (strcmp(unit, "bytes") == 0)
        snprintf(text, size, "%.0f MB/s", per_second / 1e6);
    else if (per_second >= 1e6)
        snprintf(text, size, "%.1f M %s/s", per_second / 1e6, unit);
    else
        snprintf(text, size, "%.1f k %s/s", per_second / 1e3, unit);
}

static void draw(struct progress *progress, uint64_t done, uint64_t total, uint64_t count, ns_t sim_ts)
{
    double elapsed = (double)(progress->last_ns - progress->start_ns) / 1e9;
    char line[256], speed[48];
    size_t used = (size_t)snprintf(line, sizeof(line), "%s  ", progress->what);
    double share = total == 0 ? 0 : (double)done / (double)total;
    share = share > 1 ? 1 : share;
    if (total != 0) {
        unsigned full = (unsigned)(share * BAR_CELLS);
        line[used++] = '[';
        for (unsigned i = 0; i < BAR_CELLS; i++)
            line[used++] = i < full ? '#' : '.';
        used += (size_t)snprintf(line + used, sizeof(line) - used, "] %5.1f %%  ", share * 100);
    }
    if (sim_ts != 0) {
        char time[VALUE_TEXT_SIZE];
        value_time_text(sim_ts, time);
        time[10] = ' ';
        used += (size_t)snprintf(line + used, sizeof(line) - used, "%.19s  ", time);
    }
    speed_text(elapsed > 0 ? (double)count / elapsed : 0, progress->unit, speed, sizeof(speed));
    used += (size_t)snprintf(line + used, sizeof(line) - used, "%s", speed);
    if (share > 0.005 && elapsed > 0.5) {
        char left[VALUE_TEXT_SIZE];
        value_span_text((ns_t)(elapsed * (1 - share) / share * 1e9), left);
        snprintf(line + used, sizeof(line) - used, "  %s left", left);
    }
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    progress->drawn = true;
}

void progress_update(struct progress *progress, uint64_t done, uint64_t total, uint64_t count, ns_t sim_ts)
{
    if (!progress->shown)
        return;
    uint64_t now = clock_ns();
    if (now - progress->last_ns < REDRAW_NS)
        return;
    progress->last_ns = now;
    draw(progress, done, total, count, sim_ts);
}

void progress_end(struct progress *progress)
{
    if (!progress->drawn)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->drawn = false;
}

uint64_t progress_elapsed(const struct progress *progress)
{
    return clock_ns() - progress->start_ns;
}
