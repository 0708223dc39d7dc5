/*
 * Two tasks that keep numbers in floating-point registers while others run. The only file compiled with
 * floating-point instructions. Each task turns a point around a circle of its own and yields on the way; a
 * register that was not restored makes its round end elsewhere than the first one did.
 */
#include "floating.h"

#include <stdbool.h>

#include "string.h"
#include "tasks.h"

#define TURNS_PER_ROUND 256
#define ROUND_PERIOD    pdMS_TO_TICKS(50)

struct point {
    double x;
    double y;
};

static volatile struct floating_statistics statistics[2];

/* Each yield lets the other task of this priority run, with its own values in the same registers. */
static struct point turn(double x, double sine, double cosine)
{
    double y = 0.0;

    for (unsigned i = 0; i < TURNS_PER_ROUND; i++) {
        double turned = x * cosine - y * sine;
        y = x * sine + y * cosine;
        x = turned;
        if (i % 32 == 31) {
            taskYIELD();
        }
    }
    return (struct point){ x, y };
}

static void floating_task(void *argument)
{
    unsigned which = (unsigned)(uintptr_t)argument;
    double sine = which == 0 ? 0.6 : 5.0 / 13.0; /* Pythagorean triples: no library needed */
    double cosine = which == 0 ? 0.8 : 12.0 / 13.0;
    struct point first;

    portTASK_USES_FLOATING_POINT();
    first = turn(1.0 + which, sine, cosine);
    for (;;) {
        struct point again = turn(1.0 + which, sine, cosine);
        if (memcmp(&again, &first, sizeof(first)) != 0) {
            statistics[which].mismatches++;
        }
        statistics[which].rounds++;
        vTaskDelay(ROUND_PERIOD);
    }
}

void floating_create(void)
{
    task_create(STACK_FLOATING_A, "floating-a", PRIORITY_FLOATING, floating_task, (void *)0);
    task_create(STACK_FLOATING_B, "floating-b", PRIORITY_FLOATING, floating_task, (void *)1);
}

struct floating_statistics floating_statistics(void)
{
    return (struct floating_statistics){
        .rounds = statistics[0].rounds + statistics[1].rounds,
        .mismatches = statistics[0].mismatches + statistics[1].mismatches,
    };
}
