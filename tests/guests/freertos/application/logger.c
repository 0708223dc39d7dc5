/*
 * Prints what goes on while the user does something else. Sleeps for good when there is nothing to print.
 */
#include "logger.h"

#include "console.h"
#include "control.h"
#include "format.h"
#include "tasks.h"
#include "timer.h"

#define SAMPLES_PER_LINE    50
#define LINE_BYTES          1280 /* 50 differences of up to 20 digits, the first sample and its number */
#define STREAM_PERIOD       pdMS_TO_TICKS(50)
#define STATUS_PERIOD       pdMS_TO_TICKS(250)

static struct {
    volatile bool status_wanted;
    volatile bool stream_wanted;
    bool streaming;
    uint64_t next_period;
    TickType_t next_status;
    uint64_t status_from; /* the first period that the next status line tells of */
    TaskHandle_t waiting;
} logger;

void logger_print_origin(const char *what, uint64_t first)
{
    console_print("%s k=%u t0=%u T=%u frequency=%u", what, first, timer_first_compare(), timer_period(),
                  timer_frequency());
}

/* "samples K COUNT D D D ...": the first sample in full, then each one's distance from the one before. */
static void print_samples(uint64_t first, uint64_t end)
{
    char line[LINE_BYTES];
    uint64_t count;
    uint64_t last = 0;
    size_t length = 0;

    for (uint64_t period = first; period < end; period++) {
        if (!control_sample(period, &count)) {
            console_stream("samples lost");
            return;
        }
        if (period == first) {
            length = format(line, sizeof(line), "samples %u %u", period, count);
        } else {
            length += format(line + length, sizeof(line) - length, " %u", count - last);
        }
        last = count;
    }
    console_stream(line);
}

static void stream_until(uint64_t end, uint64_t least)
{
    while (logger.next_period + least <= end && logger.next_period < end) {
        uint64_t here = end - logger.next_period;
        uint64_t count = here < SAMPLES_PER_LINE ? here : SAMPLES_PER_LINE;
        print_samples(logger.next_period, logger.next_period + count);
        logger.next_period += count;
    }
}

static void stream(void)
{
    if (logger.stream_wanted && !logger.streaming) {
        logger.streaming = true;
        logger.next_period = control_statistics().periods;
        logger_print_origin("log start", logger.next_period);
        xTaskNotifyGive(logger.waiting);
    } else if (!logger.stream_wanted && logger.streaming) {
        stream_until(control_statistics().periods, 1);
        logger_print_origin("log stop", logger.next_period);
        logger.streaming = false;
        xTaskNotifyGive(logger.waiting);
    } else if (logger.streaming) {
        stream_until(control_statistics().periods, SAMPLES_PER_LINE);
    }
}

/* `recent` is the largest jitter since the last such line. */
static void print_status(void)
{
    struct control_statistics now = control_statistics();

    console_print("status periods=%u missed=%u jitter min=%u mean=%u max=%u recent=%u", now.periods, now.missed,
                  now.jitter_minimum, control_jitter_mean(&now), now.jitter_maximum,
                  control_jitter_since(logger.status_from));
    logger.status_from = now.periods;
}

static void logger_task(void *unused)
{
    (void)unused;
    for (;;) {
        TickType_t patience = logger.streaming ? STREAM_PERIOD : logger.status_wanted ? STATUS_PERIOD : portMAX_DELAY;
        ulTaskNotifyTake(pdTRUE, patience);
        stream();
        if (logger.status_wanted && xTaskGetTickCount() >= logger.next_status) {
            logger.next_status = xTaskGetTickCount() + STATUS_PERIOD;
            print_status();
        }
    }
}

void logger_create(void)
{
    task_create(STACK_LOGGER, "logger", PRIORITY_LOGGER, logger_task, NULL);
}

void logger_status(bool on)
{
    logger.status_from = control_statistics().periods;
    logger.status_wanted = on;
    xTaskNotifyGive(task_on_stack(STACK_LOGGER));
}

bool logger_stream(bool on)
{
    if (logger.streaming == on) {
        return false;
    }
    logger.waiting = xTaskGetCurrentTaskHandle();
    logger.stream_wanted = on;
    xTaskNotifyGive(task_on_stack(STACK_LOGGER));
    ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
    return true;
}
