/*
 * Prints what goes on while the user does something else: the status line and the continuous sample log.
 */
#ifndef LOGGER_H
#define LOGGER_H

#include <stdbool.h>
#include <stdint.h>

void logger_create(void);

/* Switches the status line, four a second. */
void logger_status(bool on);

/*
 * Starts the log of every sample from now on, or ends it; returns when its first or last line is out. False if
 * it is already so. For the console task only.
 */
bool logger_stream(bool on);

/* Prints where samples begin and how far apart they are due: "WHAT t0=... T=... frequency=...". */
void logger_print_origin(const char *what, uint64_t first);

#endif
