/* crash_note.h: what is left behind when the program itself breaks.
 *
 *   SIGABRT (a failed assertion), SIGSEGV, SIGBUS, SIGFPE, SIGILL
 *      └─► crash.txt: signal, assertion, inputs handled, engine time, binary
 *          rows that are still in a buffer go out to their files
 *          and the signal goes its way: core dump, exit status 128 + signal
 *
 * Everything in the handler is safe there: open, write, fsync, and reads of memory that the run owns. A run directory
 * with crash.txt has no manifest: it did not end.
 */
#ifndef TAPEDECK_CLI_CRASH_NOTE_H
#define TAPEDECK_CLI_CRASH_NOTE_H

#include "core/engine.h"

#include <stdio.h>

#define CRASH_NOTE_FILE "crash.txt"

/* From now on a crash is noted in `dir`. One run at a time; `engine` must live until crash_note_disarm. */
void crash_note_arm(const char *dir, const struct engine *engine, const char *config_hash);
/* The run goes on in another engine. */
void crash_note_engine(const struct engine *engine);
/* A stream of whole rows with a buffer of its own, given to setvbuf. */
void crash_note_stream(FILE *file, const char *buffer);
/* Before the streams are closed. */
void crash_note_disarm(void);

#endif
