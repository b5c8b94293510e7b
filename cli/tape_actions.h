/* tape_actions.h: what `tapedeck tape` does; argv[0] is the action. Each returns an exit code.
 * info and cat are in tape_show.c, check and repair in tape_mend.c, cut and merge in tape_make.c,
 * normalise in tape_normalise.c. */
#ifndef TAPEDECK_CLI_TAPE_ACTIONS_H
#define TAPEDECK_CLI_TAPE_ACTIONS_H

int tape_action_info(int argc, char **argv);
int tape_action_cat(int argc, char **argv);
int tape_action_check(int argc, char **argv);
int tape_action_repair(int argc, char **argv);
int tape_action_cut(int argc, char **argv);
int tape_action_merge(int argc, char **argv);
int tape_action_normalise(int argc, char **argv);

#endif
