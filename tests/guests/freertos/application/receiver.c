/*
 * Characters from the UART. The interrupt handler only silences the UART and wakes a task, which empties the
 * FIFO and opens the interrupt again: however much is typed, the tick waits for no more than one register
 * access. While the queue is full the task waits and the FIFO holds the sender back.
 */
#include "receiver.h"

#include "board.h"
#include "queue.h"
#include "tasks.h"
#include "uart.h"

#define QUEUE_CHARACTERS 128

static StaticQueue_t queue_block;
static uint8_t queue_memory[QUEUE_CHARACTERS];
static QueueHandle_t queue;

void application_uart_interrupt(void)
{
    BaseType_t woken = pdFALSE;

    uart_receive_interrupt(false);
    vTaskNotifyGiveFromISR(task_on_stack(STACK_RECEIVER), &woken);
    portYIELD_FROM_ISR(woken);
}

static void receiver_task(void *unused)
{
    char character;

    (void)unused;
    for (;;) {
        while (uart_try_read(&character)) {
            xQueueSend(queue, &character, portMAX_DELAY);
        }
        /* A character that came since the last look raises the interrupt at once: it is level-sensitive. */
        uart_receive_interrupt(true);
        ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
    }
}

void receiver_create(void)
{
    queue = xQueueCreateStatic(QUEUE_CHARACTERS, sizeof(char), queue_memory, &queue_block);
    task_create(STACK_RECEIVER, "receiver", PRIORITY_RECEIVER, receiver_task, NULL);
}

bool receiver_take(char *character, TickType_t patience)
{
    return xQueueReceive(queue, character, patience) != pdFALSE;
}
