#include "cli/session_door.h"

#include "adapters/shell/live_clock.h"
#include "adapters/wire_feed.h"
#include "cli/ctl_server.h"
#include "cli/link_said.h"
#include "cli/run_dir.h"
#include "cli/run_output.h"
#include "cli/session_status.h"
#include "cli/session_watch.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct session_door {
    const struct run_config *config;
    const char *dir;
    struct live_io *io;
    struct ctl_server *ctl; /* NULL: none */
    bool shown, drawn;
    ns_t began, said; /* said: monotonic */
    uint64_t said_inputs, missed;
    struct link_said links;
    struct session_watch watch;
    bool watching;
    struct breach breach; /* invariant NULL: none */
    char inputs_path[PATH_SIZE], journal_path[PATH_SIZE];
};

err_t session_door_vacant(const char *dir, struct err_text *why)
{
    char path[PATH_SIZE], answer[CTL_LINE_SIZE];
    struct err_text unheard = {0};
    if (!run_dir_path(path, dir, SESSION_SOCKET) || ctl_ask(path, "status", answer, &unheard) != ERR_OK)
        return ERR_OK;
    return err_say(why, ERR_EXISTS, "%s: a session goes on there ('tapedeck ctl %s stop' ends it)", dir, dir);
}

err_t session_door_open(struct session_door **door, const struct run_config *config, const char *dir, bool shown,
                        struct live_up *live, struct err_text *why)
{
    char path[PATH_SIZE];
    struct session_door *opened = calloc(1, sizeof(*opened));
    if (opened == NULL)
        return err_say(why, ERR_NOMEM, "out of memory");
    opened->config = config;
    opened->dir = dir;
    opened->io = live_up_io(live);
    opened->shown = shown && isatty(STDERR_FILENO) == 1;
    opened->began = live_up_session(live)->first_ts;
    opened->said = live_clock_monotonic();
    err_t err = ERR_OK;
    if (dir != NULL &&
        (!run_dir_path(path, dir, SESSION_SOCKET) || !run_dir_path(opened->inputs_path, dir, RUN_INPUTS_FILE) ||
         !run_dir_path(opened->journal_path, dir, RUN_JOURNAL_FILE)))
        err = err_say(why, ERR_RANGE, "%s: too long", dir);
    const struct ctl_options options = {
        .path = dir != NULL ? path : NULL, .health = (uint16_t)config->session.health, .io = opened->io};
    if (err == ERR_OK && (dir != NULL || options.health != 0))
        err = ctl_server_open(&opened->ctl, &options, why);
    if (err != ERR_OK) {
        session_door_close(opened);
        return err;
    }
    *door = opened;
    return ERR_OK;
}

static void wipe(void *context)
{
    struct session_door *door = context;
    if (door->drawn)
        fputs("\r\033[K", stderr);
    door->drawn = false;
}

/* As the system has it; what is under way to the disk counts. */
static uint64_t size_of(const char *path)
{
    struct stat status;
    return path[0] != '\0' && stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static void tell_heartbeats(struct session_door *door, const struct heartbeat *heart)
{
    if (heart->missed == door->missed)
        return;
    door->missed = heart->missed;
    wipe(door);
    fprintf(stderr,
            "tapedeck run: warning: the session was without any input for up to %.1f s; the machine is too busy, or "
            "it was stopped (docs/paper.md)\n",
            (double)heart->longest / 1e9);
}

static void say(struct session_door *door, const struct stage *stage, ns_t monotonic)
{
    const struct wire_feed_stats *wire = wire_feed_stats(stage->wire);
    const ns_t span = monotonic - door->said;
    const uint64_t more = wire->inputs - door->said_inputs;
    const struct session_view view = {
        .config = door->config,
        .stage = stage,
        .io = door->io,
        .dir = door->dir,
        .began = door->began,
        .now = live_io_now(door->io),
        .inputs_bytes = size_of(door->inputs_path),
        .journal_bytes = size_of(door->journal_path),
        .inputs_per_s = span > 0 ? (uint64_t)((double)more * 1e9 / (double)span) : 0,
    };
    door->said = monotonic;
    door->said_inputs = wire->inputs;
    link_said_tell(&door->links, stage->wire, view.now, wipe, door);
    tell_heartbeats(door, &wire->heart);
    if (door->ctl != NULL) {
        json_t *status = session_status_json(&view);
        char *text = json_dumps(status, JSON_COMPACT);
        if (text != NULL)
            ctl_server_say(door->ctl, text);
        free(text);
        json_decref(status);
    }
    if (door->shown) {
        char line[256];
        session_status_line(&view, line, sizeof(line));
        fprintf(stderr, "\r\033[K%s", line);
        fflush(stderr);
        door->drawn = true;
    }
}

static err_t tell_breach(const struct breach *breach, struct err_text *why)
{
    return err_say(
        why, ERR_INVARIANT,
        "the invariant 'wall_clock' does not hold: while %.3f s passed, the session went on by %.3f s; this "
        "machine does not keep up with it (docs/paper.md)",
        (double)breach->expected / 1e9, (double)breach->found / 1e9);
}

/* Does the session's time go as the wall's? */
static err_t watch_time(struct session_door *door, const struct stage *stage, ns_t monotonic, bool end,
                        struct err_text *why)
{
    const struct wire_feed_stats *wire = wire_feed_stats(stage->wire);
    const ns_t ts = engine_now(stage->engine), forward = wire->heart.forward;
    if (wire->inputs == 0)
        return ERR_OK;
    if (!door->watching) {
        session_watch_begin(&door->watch, door->config->session.tick, monotonic, ts, forward);
        door->watching = true;
    }
    struct breach breach = {0};
    if (end ? session_watch_end(&door->watch, monotonic, ts, forward, &breach)
            : session_watch_look(&door->watch, monotonic, ts, forward, &breach))
        return ERR_OK;
    door->breach = breach;
    door->breach.inputs = engine_counters(stage->engine)->inputs;
    door->breach.ts = ts;
    return tell_breach(&door->breach, why);
}

err_t session_door_look(struct session_door *door, const struct stage *stage, struct err_text *why)
{
    const ns_t monotonic = live_clock_monotonic();
    if (monotonic - door->said < NS_PER_S && door->watching)
        return ERR_OK;
    const err_t err = watch_time(door, stage, monotonic, false, why);
    say(door, stage, monotonic);
    return err;
}

err_t session_door_end(struct session_door *door, const struct stage *stage, struct err_text *why)
{
    say(door, stage, live_clock_monotonic());
    wipe(door);
    return watch_time(door, stage, live_clock_monotonic(), true, why);
}

const struct breach *session_door_breach(const struct session_door *door)
{
    return door != NULL && door->breach.invariant != NULL ? &door->breach : NULL;
}

void session_door_close(struct session_door *door)
{
    if (door == NULL)
        return;
    wipe(door);
    ctl_server_close(door->ctl);
    free(door);
}
