/*
 * The console: whole lines from any task, a line editor and a receive queue for one.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#define CONSOLE_LINE_BYTES 160

void console_create(void);

/* One line of up to 255 characters, after which an interrupted prompt is shown again. May wait: tasks only. */
void console_print(const char *pattern, ...);

/* The same for lines that come in a stream: an empty prompt is not shown again until the user types. */
void console_stream(const char *line);

/* Reads and edits a line behind the prompt; for the console task only. */
void console_read_line(char *line);

#endif
