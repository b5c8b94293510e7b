#include "cli/stop_signal.h"

#include "cli/exit_code.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t caught;

static void handle(int number)
{
    caught = number;
}

void stop_signal_catch(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = handle;
    action.sa_flags = SA_RESETHAND | SA_RESTART; /* the second one is not caught */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int stop_signal(void)
{
    return caught;
}

int stop_signal_exit_code(void)
{
    return caught == SIGTERM ? EXIT_CODE_SIGTERM : EXIT_CODE_SIGINT;
}
