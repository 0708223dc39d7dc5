/*
 * A producer and a consumer with a queue between them. Bursts are at times larger than the queue and the
 * producer is the more urgent of the two, so both sides block: it on the full queue, the consumer on the empty.
 */
#include "pipeline.h"

#include "FreeRTOS.h"
#include "queue.h"
#include "tasks.h"

#define QUEUE_ITEMS     8
#define BURST_PERIOD    pdMS_TO_TICKS(10)
#define LARGEST_BURST   12

static StaticQueue_t queue_block;
static uint8_t queue_memory[QUEUE_ITEMS * sizeof(uint64_t)];
static QueueHandle_t queue;
static struct pipeline_statistics statistics;

static void producer_task(void *unused)
{
    uint64_t item = 0;
    TickType_t woken = xTaskGetTickCount();

    (void)unused;
    for (uint64_t burst = 1;; burst = burst % LARGEST_BURST + 1) {
        for (uint64_t i = 0; i < burst; i++, item++) {
            xQueueSend(queue, &item, portMAX_DELAY);
        }
        xTaskDelayUntil(&woken, BURST_PERIOD);
    }
}

static void consumer_task(void *unused)
{
    uint64_t item;

    (void)unused;
    for (uint64_t expected = 0;; expected = item + 1) {
        xQueueReceive(queue, &item, portMAX_DELAY);
        taskENTER_CRITICAL();
        statistics.received++;
        if (item != expected) {
            statistics.errors++;
            statistics.last_expected = expected;
            statistics.last_received = item;
        }
        taskEXIT_CRITICAL();
    }
}

void pipeline_create(void)
{
    queue = xQueueCreateStatic(QUEUE_ITEMS, sizeof(uint64_t), queue_memory, &queue_block);
    task_create(STACK_CONSUMER, "consumer", PRIORITY_CONSUMER, consumer_task, NULL);
    task_create(STACK_PRODUCER, "producer", PRIORITY_PRODUCER, producer_task, NULL);
}

struct pipeline_statistics pipeline_statistics(void)
{
    taskENTER_CRITICAL();
    struct pipeline_statistics copy = statistics;
    taskEXIT_CRITICAL();
    return copy;
}
