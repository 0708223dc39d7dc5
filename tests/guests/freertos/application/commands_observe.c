/*
 * The commands that look.
 */
#include "commands.h"
#include "console.h"
#include "control.h"
#include "floating.h"
#include "format.h"
#include "logger.h"
#include "memory_pattern.h"
#include "pipeline.h"
#include "receiver.h"
#include "string.h"
#include "tasks.h"
#include "timer.h"
#include "uart.h"

#define SEQUENCE_PERIOD pdMS_TO_TICKS(100)

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
bool run_tasks(unsigned count, char **words)
{
    uint64_t total = timer_count() - timer_first_compare() + timer_period();

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

bool run_stat(unsigned count, char **words)
{
    struct control_statistics now = control_statistics();

    (void)count;
    (void)words;
    console_print("periods=%u missed=%u jitter min=%u mean=%u max=%u checksum=0x%016x", now.periods, now.missed,
                  now.jitter_minimum, control_jitter_mean(&now), now.jitter_maximum, now.checksum);
    return true;
}

bool run_health(unsigned count, char **words)
{
    struct pipeline_statistics pipeline = pipeline_statistics();
    struct floating_statistics floating = floating_statistics();

    (void)count;
    (void)words;
    console_print("received=%u errors=%u floating=%u mismatches=%u timer=%u ticks=%u overruns=%u", pipeline.received,
                  pipeline.errors, floating.rounds, floating.mismatches, timer_interrupts(),
                  (uint64_t)xTaskGetTickCount(), uart_overruns());
    return true;
}

bool run_echo(unsigned count, char **words)
{
    char line[CONSOLE_LINE_BYTES] = "";
    size_t length = 0;

    for (unsigned i = 1; i < count; i++) {
        length += format(line + length, sizeof(line) - length, i == 1 ? "%s" : " %s", words[i]);
    }
    console_print("%s", line);
    return true;
}

bool run_await(unsigned count, char **words)
{
    uint64_t wanted;

    if (count != 2 || !parse_number(words[1], &wanted)) {
        return false;
    }
    for (uint64_t now = control_statistics().periods; now < wanted; now = control_statistics().periods) {
        vTaskDelay(wanted - now);
    }
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

bool run_log(unsigned count, char **words)
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

bool run_status(unsigned count, char **words)
{
    if (count != 2 || (strcmp(words[1], "on") != 0 && strcmp(words[1], "off") != 0)) {
        return false;
    }
    logger_status(strcmp(words[1], "on") == 0);
    return true;
}

bool run_check(unsigned count, char **words)
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
bool run_sequence(unsigned count, char **words)
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
    } while (!receiver_take(&key, due > now ? due - now : 0));
    return true;
}
