/*
 * The virtual timer. The compare value moves on by exactly one period per interrupt and is never computed from
 * the time of day, so the tick cannot drift: interrupt n (from 0) is due at t0 + n * T. When the processor was
 * away for longer than a period, the condition stays met and the interrupts that are owed follow one by one.
 */
#include "timer.h"

#include "registers.h"

#define CNTV_CTL_ENABLE 1
#define TICKS_PER_SECOND 1000

static struct {
    uint64_t frequency;
    uint64_t period;
    uint64_t first_compare;
    uint64_t compare;
    uint64_t interrupts;
} timer;

uint64_t timer_count(void)
{
    /* Without the barrier the counter may be read ahead of earlier instructions (DDI 0487, CNTVCT_EL0). */
    instruction_barrier();
    return read_system_register(cntvct_el0);
}

uint64_t timer_frequency(void) { return timer.frequency; }

uint64_t timer_period(void) { return timer.period; }

uint64_t timer_first_compare(void) { return timer.first_compare; }

uint64_t timer_interrupts(void) { return timer.interrupts; }

bool timer_initialise(void)
{
    timer.frequency = read_system_register(cntfrq_el0);
    timer.period = timer.frequency / TICKS_PER_SECOND;
    return timer.period != 0;
}

void timer_start(void)
{
    timer.first_compare = timer_count() + timer.period;
    timer.compare = timer.first_compare;
    write_system_register(cntv_cval_el0, timer.compare);
    write_system_register(cntv_ctl_el0, CNTV_CTL_ENABLE);
    instruction_barrier();
}

void timer_advance(void)
{
    timer.interrupts++;
    timer.compare += timer.period;
    write_system_register(cntv_cval_el0, timer.compare);
    /* The interrupt line must have fallen before the interrupt is completed, or it would be taken twice. */
    instruction_barrier();
}

void timer_stop(void)
{
    write_system_register(cntv_ctl_el0, 0);
    instruction_barrier();
}
