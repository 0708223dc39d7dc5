/*
 * What can be typed behind the prompt. The table at the end lists every command.
 */
#include "commands.h"

#include "console.h"
#include "control.h"
#include "floating.h"
#include "format.h"
#include "logger.h"
#include "memory_pattern.h"
#include "mmu.h"
#include "pipeline.h"
#include "psci.h"
#include "registers.h"
#include "string.h"
#include "tasks.h"
#include "timer.h"

#define WORDS_MAX           24
#define SEQUENCE_PERIOD     pdMS_TO_TICKS(100)
#define HOLD_PERIODS_MAX    10000

struct command {
    const char *name;
    const char *arguments;
    const char *purpose;
    /* False: the arguments are wrong, the usage is printed. words[0] is the command. */
    bool (*run)(unsigned count, char **words);
};

static const struct command *find_command(const char *name);
static void print_help(void);

static bool run_help(unsigned count, char **words)
{
    (void)count;
    (void)words;
    print_help();
    return true;
}

static const char *state_name(eTaskState state)
{
    switch (state) {
    case eRunning: return "running";
    case eReady: return "ready";
    case eBlocked: return "blocked";
    case eSuspended: return "suspended";
    default: return "gone";
    }
}

/* One task at a time: asking the kernel for all at once would stop the scheduler for long. */
static bool run_tasks(unsigned count, char **words)
{
    uint64_t total = timer_count();

    (void)count;
    (void)words;
    console_print("%12s%10s%9s%12s%s", "task", "state", "priority", "  free stack", "  permille of time");
    for (unsigned stack = STACK_IDLE; stack < STACK_COUNT; stack++) {
        TaskStatus_t status;
        vTaskGetInfo(task_on_stack(stack), &status, pdTRUE, eInvalid);
        console_print("%12s%10s%8u%13u%18u", status.pcTaskName, state_name(status.eCurrentState),
                      status.uxCurrentPriority, status.usStackHighWaterMark * sizeof(StackType_t),
                      status.ulRunTimeCounter / (total / 1000));
    }
    return true;
}

static bool run_stat(unsigned count, char **words)
{
    struct control_statistics now = control_statistics();

    (void)count;
    (void)words;
    console_print("periods=%u missed=%u jitter min=%u mean=%u max=%u checksum=0x%016x", now.periods, now.missed,
                  now.jitter_minimum, control_jitter_mean(&now), now.jitter_maximum, now.checksum);
    return true;
}

static bool run_health(unsigned count, char **words)
{
    struct pipeline_statistics pipeline = pipeline_statistics();
    struct floating_statistics floating = floating_statistics();

    (void)count;
    (void)words;
    console_print("received=%u errors=%u floating=%u mismatches=%u timer=%u ticks=%u", pipeline.received,
                  pipeline.errors, floating.rounds, floating.mismatches, timer_interrupts(),
                  (uint64_t)xTaskGetTickCount());
    return true;
}

static bool run_echo(unsigned count, char **words)
{
    char line[CONSOLE_LINE_BYTES] = "";
    size_t length = 0;

    for (unsigned i = 1; i < count; i++) {
        length += format(line + length, sizeof(line) - length, i == 1 ? "%s" : " %s", words[i]);
    }
    console_print("%s", line);
    return true;
}

static void print_log(uint64_t first, uint64_t last)
{
    uint64_t entered;

    logger_print_origin("log", first);
    for (uint64_t period = first; period <= last; period++) {
        if (control_sample(period, &entered)) {
            console_print("sample %u %u", period, entered);
        } else {
            console_print("sample %u is not in the ring", period);
            return;
        }
    }
}

static bool run_log_range(uint64_t first, uint64_t last)
{
    uint64_t periods = control_statistics().periods;

    if (first > last || last >= periods || first + CONTROL_SAMPLES < periods) {
        uint64_t oldest = periods > CONTROL_SAMPLES ? periods - CONTROL_SAMPLES : 0;
        console_print("log: the ring holds %u to %u", oldest, periods - 1);
    } else {
        print_log(first, last);
    }
    return true;
}

static bool run_log(unsigned count, char **words)
{
    uint64_t first;
    uint64_t last;

    if (count == 2 && (strcmp(words[1], "start") == 0 || strcmp(words[1], "stop") == 0)) {
        if (!logger_stream(strcmp(words[1], "start") == 0)) {
            console_print("log: already so");
        }
        return true;
    }
    if (count == 3 && parse_number(words[1], &first) && parse_number(words[2], &last)) {
        return run_log_range(first, last);
    }
    if (count == 2 && parse_number(words[1], &last) && last > 0) {
        uint64_t periods = control_statistics().periods;
        return run_log_range(last > periods ? 0 : periods - last, periods - 1);
    }
    return false;
}

static bool run_status(unsigned count, char **words)
{
    if (count != 2 || (strcmp(words[1], "on") != 0 && strcmp(words[1], "off") != 0)) {
        return false;
    }
    logger_status(strcmp(words[1], "on") == 0);
    return true;
}

static bool run_delay(unsigned count, char **words)
{
    uint64_t periods;

    if (count != 2 || !parse_number(words[1], &periods) || periods == 0 || periods > HOLD_PERIODS_MAX) {
        return false;
    }
    control_hold(periods);
    return true;
}

/* Only those tasks whose standstill the watchdog is to notice, and which hold no lock. */
static bool run_suspend(unsigned count, char **words)
{
    TaskHandle_t task = count == 2 ? task_by_name(words[1]) : NULL;
    bool allowed = task != NULL && (task == task_on_stack(STACK_CONTROL) || task == task_on_stack(STACK_CONSUMER) ||
                                    task == task_on_stack(STACK_PRODUCER));

    if (!allowed) {
        return false;
    }
    if (strcmp(words[0], "suspend") == 0) {
        vTaskSuspend(task);
    } else {
        vTaskResume(task);
    }
    return true;
}

static bool run_check(unsigned count, char **words)
{
    struct memory_verdict verdict = memory_pattern_check();

    (void)count;
    (void)words;
    if (verdict.intact) {
        console_print("memory checksum=0x%016x ok base=0x%x bytes=%u", verdict.checksum, memory_pattern_address(),
                      (uint64_t)MEMORY_PATTERN_BYTES);
    } else {
        console_print("memory checksum=0x%016x DAMAGED expected=0x%016x first=0x%x", verdict.checksum,
                      verdict.expected, verdict.first_difference);
    }
    return true;
}

/* The number never starts again: lines of two calls, or from before and after a move, can be put in order. */
static bool run_sequence(unsigned count, char **words)
{
    static uint64_t number;
    TickType_t due = xTaskGetTickCount();
    TickType_t now;
    char key;

    (void)count;
    (void)words;
    do {
        console_print("sequence %u k=%u cntvct=%u", number, control_statistics().periods, timer_count());
        number++;
        due += SEQUENCE_PERIOD;
        now = xTaskGetTickCount();
    } while (!console_read_key(&key, due > now ? due - now : 0));
    return true;
}

static bool run_poweroff(unsigned count, char **words)
{
    (void)count;
    (void)words;
    console_print("poweroff: refused with %d", psci_system_off());
    return true;
}

static bool run_reset(unsigned count, char **words)
{
    (void)count;
    (void)words;
    console_print("reset: refused with %d", psci_system_reset());
    return true;
}

static bool run_undef(unsigned count, char **words)
{
    (void)count;
    (void)words;
    __asm__ volatile("udf #0");
    return true;
}

static bool run_touch(unsigned count, char **words)
{
    uint64_t address;
    uint64_t value;

    if (count < 2 || count > 3 || !parse_number(words[1], &address) || (address & 3) != 0) {
        return false;
    }
    if (count == 3 && (!parse_number(words[2], &value) || value > UINT32_MAX)) {
        return false;
    }
    /* `touch` keeps to the guest's own map; `probe` reaches whatever the machine has at that address. */
    if (strcmp(words[0], "probe") == 0 && !mmu_map_probe(address)) {
        console_print("probe: cannot be mapped");
        return true;
    }
    if (count == 3) {
        write32(address, (uint32_t)value);
    }
    console_print("0x%x: 0x%08x", address, (uint64_t)read32(address));
    return true;
}

static const struct command commands[] = {
    { "help", "", "this list", run_help },
    { "tasks", "", "states, stacks and shares of time", run_tasks },
    { "stat", "", "the control loop's counts", run_stat },
    { "health", "", "queue, floating point and timer counts", run_health },
    { "status", "on|off", "a status line once a second", run_status },
    { "echo", "WORDS", "the words again", run_echo },
    { "log", "N|K0 K1|start|stop", "samples: the last N, those from K0 to K1, or all as they come", run_log },
    { "delay", "PERIODS", "hold the control loop once, so that it misses so many periods", run_delay },
    { "suspend", "TASK", "stop control, consumer or producer", run_suspend },
    { "resume", "TASK", "let it go on", run_suspend },
    { "check", "", "verify 1 MiB of known memory", run_check },
    { "sequence", "", "a numbered line every 100 ms until a key is pressed", run_sequence },
    { "touch", "ADDRESS [VALUE]", "read, or write and read, 32 bits through the guest's map", run_touch },
    { "probe", "ADDRESS [VALUE]", "the same, after mapping the address as device memory", run_touch },
    { "undef", "", "execute an undefined instruction", run_undef },
    { "poweroff", "", "PSCI SYSTEM_OFF", run_poweroff },
    { "reset", "", "PSCI SYSTEM_RESET", run_reset },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        console_print("%9s%19s %s", commands[i].name, commands[i].arguments, commands[i].purpose);
    }
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
