/*
 * The virtual timer (Arm ARM DDI 0487 D12): the kernel's tick and the control loop's clock.
 */
#ifndef TIMER_H
#define TIMER_H

#include <stdbool.h>
#include <stdint.h>

/* Ticks of the virtual counter. */
uint64_t timer_count(void);

/* Counter ticks per second, from CNTFRQ_EL0. */
uint64_t timer_frequency(void);

/* T: counter ticks between two timer interrupts, CNTFRQ_EL0 / 1000 rounded down. */
uint64_t timer_period(void);

/* t0: the compare value of the first interrupt. Valid once the scheduler runs. */
uint64_t timer_first_compare(void);

/* Number of timer interrupts taken. */
uint64_t timer_interrupts(void);

/* Reads the frequency; false if the firmware left it at less than the tick's rate. */
bool timer_initialise(void);

/* Fixes t0 one period ahead and starts the timer. Called by the kernel's port as it starts the scheduler. */
void timer_start(void);

/* Acknowledges one interrupt. Called by the kernel's tick handler. */
void timer_advance(void);

void timer_stop(void);

#endif
