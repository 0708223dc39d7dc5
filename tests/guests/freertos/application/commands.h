/*
 * What can be typed behind the prompt.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

/* Runs one line; it is cut into words in place. */
void command_run(char *line);

#endif
