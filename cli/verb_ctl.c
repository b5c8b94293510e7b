#include "cli/ctl_server.h"
#include "cli/exit_code.h"
#include "cli/json_out.h"
#include "cli/options.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char verb_ctl_help[] = "NAME\n"
                             "  tapedeck ctl - speak to a session that is going on\n"
                             "\n"
                             "SYNOPSIS\n"
                             "  tapedeck ctl RUN status | pause | resume | cancel | kill | clear | stop\n"
                             "  tapedeck ctl RUN set NAME=VALUE\n"
                             "\n"
                             "DESCRIPTION\n"
                             "  RUN is the directory of a paper session. What is asked becomes an input of the "
                             "session: it is in its journal, and\n"
                             "  'tapedeck verify' hears it again. The session's log says what came of it.\n"
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

static err_t socket_of(const char *run, char *path, size_t size, struct err_text *why)
{
    struct stat status;
    const bool directory = stat(run, &status) == 0 && S_ISDIR(status.st_mode);
    const int used = snprintf(path, size, "%s%s", run, directory ? "/ctl.sock" : "");
    return used < 0 || (size_t)used >= size ? err_say(why, ERR_USAGE, "%s: the path is too long", run) : ERR_OK;
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
    else if (status != NULL)
        err = json_print(stdout, json_deep_copy(status), false);
    json_decref(object);
    return err;
}

int verb_ctl(int argc, char **argv)
{
    struct err_text why = {0};
    char request[200], path[4096], answer[CTL_LINE_SIZE];
    err_t err = options_parse(NULL, 0, &argc, argv, &why);
    if (err == ERR_OK)
        err = options_operands(argc, argv, 2, 3, "RUN and one command", &why);
    if (err == ERR_OK)
        err = join(argc, argv, request, sizeof(request), &why);
    if (err == ERR_OK)
        err = socket_of(argv[1], path, sizeof(path), &why);
    if (err == ERR_OK)
        err = ctl_ask(path, request, answer, &why);
    if (err == ERR_OK)
        err = show(answer, &why);
    return err == ERR_OK ? EXIT_CODE_OK : exit_with("ctl", &why);
}
