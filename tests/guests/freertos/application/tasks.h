/*
 * The guest's tasks: who they are, how urgent, and their handles.
 */
#ifndef TASKS_H
#define TASKS_H

#include "FreeRTOS.h"
#include "stacks.h"
#include "task.h"

/* The control loop is above all. Whoever prints is below whoever computes, so no output delays work. */
#define PRIORITY_CONTROL    7
#define PRIORITY_RECEIVER   6
#define PRIORITY_PRODUCER   5
#define PRIORITY_CONSUMER   4
#define PRIORITY_WATCHDOG   3
#define PRIORITY_CONSOLE    2
#define PRIORITY_LOGGER     1
#define PRIORITY_FLOATING   1

/* Creates a task on the stack of that index (board/stacks.h). */
void task_create(unsigned stack, const char *name, UBaseType_t priority, TaskFunction_t body, void *argument);

/* The task on a stack; null if there is none. */
TaskHandle_t task_on_stack(unsigned stack);

/* The task of that name; null if there is none. */
TaskHandle_t task_by_name(const char *name);

#endif
