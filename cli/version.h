/* version.h: which binary this is. */
#ifndef TAPEDECK_CLI_VERSION_H
#define TAPEDECK_CLI_VERSION_H

/* "0.1.0"; static storage. */
const char *cli_version(void);
/* The linker's build id of this program, hex digits, or "unknown"; static storage. */
const char *cli_build_id(void);
/* "gcc 12.2.0, -O" and the like: what a bug report needs. */
const char *cli_compiler(void);

#endif
