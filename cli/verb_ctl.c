#include "cli/ctl_server.h"
#include "cli/exit_code.h"
#include "cli/json_out.h"
#include "cli/options.h"
#include "cli/run_open.h"
#include "cli/session_door.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char verb_ctl_help[] =
    "NAME\n"
    "  tapedeck ctl - speak to a session that is going on\n"
    "\n"
    "SYNOPSIS\n"
    "  tapedeck ctl RUN status | pause | resume | cancel | kill | clear | stop [--runs DIR]\n"
    "  tapedeck ctl RUN set NAME=VALUE\n"
    "\n"
    "DESCRIPTION\n"
    "  RUN is a paper session: its directory, or its name under runs/. What is asked becomes an "
    "input of the session:\n"
    "  it is on its tape, and 'tapedeck verify' hears it again. The session's log says what came of "
    "it. A directory that\n"
    "  'tapedeck record' writes into takes status and stop.\n"
    "\n"
    "  status   what the session is doing, as JSON\n"
    "  pause    refuse new orders; open ones stay, cancels pass\n"
    "  resume   the end of a pause\n"
    "  cancel   cancel every open order\n"
    "  kill     set the kill switch: new orders are refused until it is cleared\n"
    "  clear    clear it\n"
    "  stop     end the session in good order\n"
    "  set      change a parameter of the strategy while it runs\n"
    "\n"
    "OPTIONS\n"
    "      --runs DIR   where RUN is looked for by its name; default: runs\n"
    "\n"
    "EXIT STATUS\n"
    "  0    it is on its way\n"
    "  2    wrong command line\n"
    "  5    no session listens there, or it did not answer\n"
    "\n"
    "EXAMPLES\n"
    "  tapedeck ctl runs/maker-1a2b3c4d-1 status\n"
    "  tapedeck ctl runs/maker-1a2b3c4d-1 set half_spread=20\n";

/* "set half_spread=20", of one word or two. */
static err_t join(int argc, char **argv, char *request, size_t size, struct err_text *why)
{
    const int used =
        argc > 3 ? snprintf(request, size, "%s %s", argv[2], argv[3]) : snprintf(request, size, "%s", argv[2]);
    if (used < 0 || (size_t)used >= size)
        return err_say(why, ERR_USAGE, "the command is too long");
    if (strchr(request, '\n') != NULL)
        return err_say(why, ERR_USAGE, "a command is one line");
    return ERR_OK;
}

/* RUN as other verbs take it; or the socket itself. */
static err_t socket_of(const char *run, const char *runs, char *path, size_t size, struct err_text *why)
{
    struct stat status;
    struct run_opened opened = {0};
    const bool is_socket = stat(run, &status) == 0 && S_ISSOCK(status.st_mode);
    err_t err = is_socket ? ERR_OK : run_open(&opened, run, runs, why);
    if (err == ERR_OK) {
        const int used =
            is_socket ? snprintf(path, size, "%s", run) : snprintf(path, size, "%s/" SESSION_SOCKET, opened.dir);
        if (used < 0 || (size_t)used >= size)
            err = err_say(why, ERR_USAGE, "%s: the path is too long", run);
    }
    run_close(&opened);
    return err;
}

static err_t show(const char *answer, struct err_text *why)
{
    json_t *object = json_loads(answer, 0, NULL);
    const json_t *said = json_object_get(object, "error"), *status = json_object_get(object, "status");
    err_t err = ERR_OK;
    if (object == NULL)
        err = err_say(why, ERR_IO, "the session answered with something else: %.200s", answer);
    else if (!json_is_true(json_object_get(object, "ok")))
        err = err_say(why, ERR_USAGE, "%s", json_is_string(said) ? json_string_value(said) : "the session refused");
    else if (status != NULL) {
        json_t *told = json_deep_copy(status);
        json_set(told, "said_ms_ago", json_incref(json_object_get(object, "said_ms_ago")));
        err = json_print(stdout, told, false);
    }
    json_decref(object);
    return err;
}

int verb_ctl(int argc, char **argv)
{
    struct err_text why = {0};
    char request[200], path[4096], answer[CTL_LINE_SIZE];
    const char *runs = NULL;
    const struct option_spec specs[] = {{.name = "runs", .type = OPTION_TEXT, .target = &runs, .value = "DIR"}};
    err_t err = options_parse(specs, ARRAY_LEN(specs), &argc, argv, &why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 2, 3, "RUN and one command", &why);
    if (err == ERR_OK)
        err = join(argc, argv, request, sizeof(request), &why);
    if (err == ERR_OK)
        err = socket_of(argv[1], runs, path, sizeof(path), &why);
    if (err == ERR_OK)
        err = ctl_ask(path, request, answer, &why);
    if (err == ERR_OK)
        err = show(answer, &why);
    return err == ERR_OK ? EXIT_CODE_OK : exit_with("ctl", &why);
}
