/*
 * The 1 kHz control loop: runs once per period, notes when, and never waits for anything but the timer.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>
#include <stdint.h>

/* Samples kept: at 1 kHz the last 32.768 s. */
#define CONTROL_SAMPLES 32768u

/* Jitter is in ticks of the virtual counter: task entry minus t0 + k * T. */
struct control_statistics {
    uint64_t periods;           /* completed; the next period's number */
    uint64_t missed;            /* entered later than t0 + (k + 1) * T */
    uint64_t last_missed;       /* number of the last missed period */
    uint64_t jitter_minimum;
    uint64_t jitter_maximum;
    uint64_t jitter_sum;
    uint64_t checksum;          /* of the controlled plant; depends on `periods` alone */
};

void control_create(void);

/* A consistent copy, taken without holding up the loop. */
struct control_statistics control_statistics(void);

/* jitter_sum / periods, 0 before the first. */
uint64_t control_jitter_mean(const struct control_statistics *statistics);

/* Reads CNTVCT at the entry of period k; false if k has not run yet or has left the ring. */
bool control_sample(uint64_t period, uint64_t *count);

/* The largest jitter of the periods from `first` on, as far as the ring still has them; 0 if there are none. */
uint64_t control_jitter_since(uint64_t first);

/* Holds the loop once, at its next entry, for that many periods: so many periods are missed. */
void control_hold(uint64_t periods);

#endif
