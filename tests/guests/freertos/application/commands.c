/*
 * What can be typed behind the prompt: the table of all commands.
 */
#include "commands.h"

#include "console.h"
#include "string.h"

#include <stddef.h>
#include <stdint.h>

#define WORDS_MAX 24

struct command {
    const char *name;
    const char *arguments;
    const char *purpose;
    command_function *run;
};

static command_function run_help;

static const struct command commands[] = {
    { "help", "", "this list", run_help },
    { "tasks", "", "states, stacks and shares of time", run_tasks },
    { "stat", "", "the control loop's counts", run_stat },
    { "health", "", "queue, floating point and timer counts", run_health },
    { "status", "on|off", "a status line four times a second", run_status },
    { "echo", "WORDS", "the words again", run_echo },
    { "await", "PERIOD", "wait until the control loop has run so many periods", run_await },
    { "log", "N|K0 K1|start|stop", "samples: the last N, those from K0 to K1, or all as they come", run_log },
    { "delay", "PERIODS", "hold the control loop once, so that it misses so many periods", run_delay },
    { "suspend", "TASK", "stop control, consumer or producer", run_suspend },
    { "resume", "TASK", "let it go on", run_suspend },
    { "check", "", "verify 1 MiB of known memory", run_check },
    { "sequence", "", "a numbered line every 100 ms until a key is pressed", run_sequence },
    { "touch", "ADDRESS [VALUE]", "read, or write and read, 32 bits through the guest's map", run_touch },
    { "probe", "ADDRESS [VALUE]", "the same, after mapping the address as device memory", run_touch },
    { "undef", "", "execute an undefined instruction", run_undef },
    { "overflow", "", "recurse until the stack's guard page stops it", run_overflow },
    { "poweroff", "", "PSCI SYSTEM_OFF", run_poweroff },
    { "reset", "", "PSCI SYSTEM_RESET", run_reset },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static bool run_help(unsigned count, char **words)
{
    (void)count;
    (void)words;
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        console_print("%9s%19s %s", commands[i].name, commands[i].arguments, commands[i].purpose);
    }
    return true;
}

static const struct command *find_command(const char *name)
{
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* Cuts a line at its spaces. What exceeds the last word stays part of it. */
static unsigned split(char *line, char **words)
{
    unsigned count = 0;

    while (count < WORDS_MAX) {
        while (*line == ' ') {
            *line++ = '\0';
        }
        if (*line == '\0') {
            break;
        }
        words[count++] = line;
        while (*line != '\0' && *line != ' ') {
            line++;
        }
    }
    return count;
}

void command_run(char *line)
{
    char *words[WORDS_MAX];
    unsigned count = split(line, words);
    const struct command *command = count > 0 ? find_command(words[0]) : NULL;

    if (count == 0) {
        return;
    }
    if (command == NULL) {
        console_print("%s: unknown command; try help", words[0]);
    } else if (!command->run(count, words)) {
        console_print("usage: %s %s", command->name, command->arguments);
    }
}

void commands_run_all(const char *lines)
{
    char line[CONSOLE_LINE_BYTES];
    size_t length = 0;

    for (; lines != NULL; lines++) {
        if (*lines != ';' && *lines != '\0') {
            if (length + 1 == sizeof(line)) {
                console_print("bootargs: a command is longer than %u characters", sizeof(line) - 1);
                return;
            }
            line[length++] = *lines;
            continue;
        }
        line[length] = '\0';
        length = 0;
        command_run(line);
        if (*lines == '\0') {
            return;
        }
    }
}
