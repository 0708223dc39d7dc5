/*
 * The 1 kHz control loop. The tick of number n (from 0) is due at t0 + n * T and raises the kernel's tick count
 * to n + 1; the loop waits for tick counts 1, 2, 3, ..., so period k is released by tick k. A period that comes
 * late is run late, never skipped: k counts on without a gap.
 */
#include "control.h"

#include "plant.h"
#include "tasks.h"
#include "timer.h"

struct sample {
    uint64_t period;
    uint64_t count;
};

static volatile struct sample samples[CONTROL_SAMPLES] __attribute__((section(".noinit")));
static struct plant plant;
static struct control_statistics statistics = { .jitter_minimum = UINT64_MAX };
static volatile uint64_t periods_done;
static volatile uint64_t hold_periods;

/* Behind it everything before is written, and nothing after it is read yet: there is one core only. */
static inline void compiler_barrier(void) { __asm__ volatile("" : : : "memory"); }

static uint64_t due(uint64_t period)
{
    return timer_first_compare() + period * timer_period();
}

static void hold_if_asked(uint64_t period)
{
    uint64_t until = due(period + hold_periods);

    if (hold_periods == 0) {
        return;
    }
    hold_periods = 0;
    while (timer_count() <= until) {
    }
}

static void record(uint64_t period, uint64_t entered)
{
    uint64_t jitter = entered - due(period);

    samples[period % CONTROL_SAMPLES].period = period;
    samples[period % CONTROL_SAMPLES].count = entered;
    if (entered > due(period + 1)) {
        statistics.missed++;
        statistics.last_missed = period;
    }
    statistics.jitter_sum += jitter;
    if (jitter < statistics.jitter_minimum) {
        statistics.jitter_minimum = jitter;
    }
    if (jitter > statistics.jitter_maximum) {
        statistics.jitter_maximum = jitter;
    }
}

static void control_task(void *unused)
{
    /* The tick before period 0. A processor that is slow to begin may have passed further ones: those were missed. */
    TickType_t released = 0;

    (void)unused;
    for (uint64_t period = 0;; period++) {
        xTaskDelayUntil(&released, 1);
        hold_if_asked(period);
        uint64_t entered = timer_count();
        record(period, entered);
        plant_step(&plant, period);
        statistics.checksum = plant.checksum;
        statistics.periods = period + 1;
        compiler_barrier();
        periods_done = period + 1;
    }
}

void control_create(void)
{
    task_create(STACK_CONTROL, "control", PRIORITY_CONTROL, control_task, NULL);
}

struct control_statistics control_statistics(void)
{
    struct control_statistics copy;

    /* The loop preempts its readers and runs to its end: if its count stands still, so did the rest. */
    do {
        compiler_barrier();
        copy = statistics;
        compiler_barrier();
    } while (copy.periods != periods_done);
    return copy;
}

uint64_t control_jitter_mean(const struct control_statistics *taken)
{
    return taken->periods == 0 ? 0 : taken->jitter_sum / taken->periods;
}

bool control_sample(uint64_t period, uint64_t *count)
{
    const volatile struct sample *slot = &samples[period % CONTROL_SAMPLES];

    if (period >= periods_done || slot->period != period) {
        return false;
    }
    *count = slot->count;
    return slot->period == period; /* not overwritten in between */
}

uint64_t control_jitter_since(uint64_t first)
{
    uint64_t worst = 0;
    uint64_t entered;

    for (uint64_t period = first; period < periods_done; period++) {
        if (control_sample(period, &entered) && entered - due(period) > worst) {
            worst = entered - due(period);
        }
    }
    return worst;
}

void control_hold(uint64_t periods)
{
    hold_periods = periods;
}
