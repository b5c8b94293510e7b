/* verbs.h: every verb is one function and one page of help.
 *
 * `run` gets argv with argv[0] the verb's own name and returns an exit code (cli/exit_code.h). `help` is the
 * whole manual page: NAME, SYNOPSIS, DESCRIPTION, OPTIONS, EXIT STATUS, EXAMPLES.
 */
#ifndef TAPEDECK_CLI_VERBS_H
#define TAPEDECK_CLI_VERBS_H

int verb_tape(int argc, char **argv);
int verb_run(int argc, char **argv);
int verb_strategy(int argc, char **argv);
int verb_config(int argc, char **argv);
int verb_ctl(int argc, char **argv);
int verb_record(int argc, char **argv);
int verb_latency(int argc, char **argv);
int verb_import(int argc, char **argv);
int verb_synth(int argc, char **argv);
int verb_rules(int argc, char **argv);
int verb_verify(int argc, char **argv);
int verb_diff(int argc, char **argv);
int verb_why(int argc, char **argv);
int verb_explain(int argc, char **argv);
int verb_watch(int argc, char **argv);
int verb_ci(int argc, char **argv);
int verb_bench(int argc, char **argv);
int verb_calibrate(int argc, char **argv);
int verb_evidence(int argc, char **argv);
int verb_bundle(int argc, char **argv);
int verb_state(int argc, char **argv);
int verb_mock(int argc, char **argv);
int verb_fork(int argc, char **argv);

extern const char verb_tape_help[];
extern const char verb_run_help[];
extern const char verb_strategy_help[];
extern const char verb_config_help[];
extern const char verb_ctl_help[];
extern const char verb_record_help[];
extern const char verb_latency_help[];
extern const char verb_import_help[];
extern const char verb_synth_help[];
extern const char verb_rules_help[];
extern const char verb_verify_help[];
extern const char verb_diff_help[];
extern const char verb_why_help[];
extern const char verb_explain_help[];
extern const char verb_watch_help[];
extern const char verb_ci_help[];
extern const char verb_bench_help[];
extern const char verb_calibrate_help[];
extern const char verb_evidence_help[];
extern const char verb_bundle_help[];
extern const char verb_state_help[];
extern const char verb_mock_help[];
extern const char verb_fork_help[];

#endif
