/*
 * Creates the tasks and hands over to the kernel; and the few functions that the kernel wants of an application.
 */
#include "board.h"
#include "console.h"
#include "control.h"
#include "exception.h"
#include "floating.h"
#include "format.h"
#include "gic.h"
#include "logger.h"
#include "memory_pattern.h"
#include "pipeline.h"
#include "psci.h"
#include "receiver.h"
#include "registers.h"
#include "string.h"
#include "tasks.h"
#include "timer.h"
#include "uart.h"
#include "watchdog.h"

static StaticTask_t task_blocks[STACK_COUNT];
static TaskHandle_t task_handles[STACK_COUNT];

void vApplicationIdleHook(void);

void task_create(unsigned stack, const char *name, UBaseType_t priority, TaskFunction_t body, void *argument)
{
    task_handles[stack] = xTaskCreateStatic(body, name, STACK_WORDS, argument, priority, stacks[stack].words,
                                            &task_blocks[stack]);
}

TaskHandle_t task_on_stack(unsigned stack)
{
    return stack == STACK_IDLE ? xTaskGetIdleTaskHandle() : task_handles[stack];
}

TaskHandle_t task_by_name(const char *name)
{
    for (unsigned stack = STACK_IDLE; stack < STACK_COUNT; stack++) {
        if (task_on_stack(stack) != NULL && strcmp(pcTaskGetName(task_on_stack(stack)), name) == 0) {
            return task_on_stack(stack);
        }
    }
    return NULL;
}

/* The idle task's memory: like every other task, on a stack with a guard page. */
void vApplicationGetIdleTaskMemory(StaticTask_t **block, StackType_t **stack, configSTACK_DEPTH_TYPE *words)
{
    *block = &task_blocks[STACK_IDLE];
    *stack = stacks[STACK_IDLE].words;
    *words = STACK_WORDS;
}

/* Sleeps until the next interrupt: nothing in this guest waits by turning in a circle. */
void vApplicationIdleHook(void)
{
    wait_for_interrupt();
}

static void print_banner(void)
{
    char text[320];
    uint64_t psci = psci_version();

    format(text, sizeof(text),
           "\r\nFreeRTOS %s on %s: GICv%u, PSCI %u.%u, %u KiB of RAM, counter %u Hz, T=%u ticks\r\n",
           tskKERNEL_VERSION_NUMBER, machine_facts.model != NULL ? machine_facts.model : "an unnamed machine",
           (uint64_t)gic_version, psci >> 16, psci & 0xFFFF, machine_facts.memory_bytes / 1024,
           timer_frequency(), timer_period());
    uart_write_polled(text);
    if (!machine_facts.present) {
        uart_write_polled("no device tree: the built-in map is assumed\r\n");
    }
}

void application_start(void)
{
    print_banner();
    memory_pattern_fill();
    control_create();
    pipeline_create();
    watchdog_create();
    floating_create();
    logger_create();
    receiver_create();
    console_create();
    vTaskStartScheduler();
    refuse_to_run("the scheduler did not start");
}
