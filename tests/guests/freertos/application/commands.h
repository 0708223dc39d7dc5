/*
 * What can be typed behind the prompt.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include <stdbool.h>

/* Runs one line; it is cut into words in place. */
void command_run(char *line);

/* Runs the lines between semicolons; null is none. */
void commands_run_all(const char *lines);

/* One command: words[0] is its name. False if the arguments are wrong; then its usage is printed. */
typedef bool command_function(unsigned count, char **words);

/* commands_observe.c */
command_function run_tasks, run_stat, run_health, run_status, run_echo, run_await, run_log, run_check, run_sequence;

/* commands_disturb.c */
command_function run_delay, run_suspend, run_touch, run_undef, run_overflow, run_poweroff, run_reset;

#endif
