/* stop_signal.h: Ctrl-C and `kill` as a flag that loops look at. The first one asks the program to end in good order,
 * the second one ends it at once. */
#ifndef TAPEDECK_CLI_STOP_SIGNAL_H
#define TAPEDECK_CLI_STOP_SIGNAL_H

/* Catch SIGINT and SIGTERM from now on. */
void stop_signal_catch(void);
/* 0, SIGINT or SIGTERM. */
int stop_signal(void);
/* 130 or 143; the exit code of a verb that ended because of it. */
int stop_signal_exit_code(void);

#endif
