/*
 * Watches the others. Looks four times a second and prints one line per kind of trouble and look, nothing when
 * all is well.
 */
#include "watchdog.h"

#include "console.h"
#include "control.h"
#include "floating.h"
#include "pipeline.h"
#include "tasks.h"

#define LOOK_PERIOD pdMS_TO_TICKS(250)

static void watch_control(struct control_statistics *seen)
{
    struct control_statistics now = control_statistics();

    if (now.periods == seen->periods) {
        console_print("watchdog: control makes no progress, periods=%u", now.periods);
    }
    if (now.missed != seen->missed) {
        console_print("watchdog: control missed %u, last k=%u", now.missed - seen->missed, now.last_missed);
    }
    *seen = now;
}

static void watch_pipeline(struct pipeline_statistics *seen)
{
    struct pipeline_statistics now = pipeline_statistics();

    if (now.received == seen->received) {
        console_print("watchdog: consumer makes no progress, received=%u", now.received);
    }
    if (now.errors != seen->errors) {
        console_print("watchdog: consumer expected %u and received %u", now.last_expected, now.last_received);
    }
    *seen = now;
}

static void watch_floating(struct floating_statistics *seen)
{
    struct floating_statistics now = floating_statistics();

    if (now.mismatches != seen->mismatches) {
        console_print("watchdog: floating point state was damaged %u times", now.mismatches - seen->mismatches);
    }
    *seen = now;
}

static void watchdog_task(void *unused)
{
    struct control_statistics control = { 0 };
    struct pipeline_statistics pipeline = { 0 };
    struct floating_statistics floating = { 0 };

    (void)unused;
    for (;;) {
        vTaskDelay(LOOK_PERIOD);
        watch_control(&control);
        watch_pipeline(&pipeline);
        watch_floating(&floating);
    }
}

void watchdog_create(void)
{
    task_create(STACK_WATCHDOG, "watchdog", PRIORITY_WATCHDOG, watchdog_task, NULL);
}
