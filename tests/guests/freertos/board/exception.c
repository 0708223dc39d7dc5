/*
 * The end of the road. Output is polled and takes no lock: whoever held it will not come back.
 */
#include "exception.h"

#include <stdbool.h>

#include "FreeRTOS.h"
#include "format.h"
#include "registers.h"
#include "task.h"
#include "timer.h"
#include "uart.h"

static __attribute__((noreturn)) void stop(void)
{
    __asm__ volatile("msr daifset, #0xf");
    timer_stop();
    uart_write_polled("stopped\r\n");
    for (;;) {
        wait_for_interrupt();
    }
}

/* Arm ARM DDI 0487 D24.2, ESR_EL1: EC. */
static const char *class_in_words(uint64_t syndrome)
{
    switch (syndrome >> 26) {
    case 0x00: return "undefined instruction";
    case 0x07: return "floating point without access";
    case 0x0E: return "illegal execution state";
    case 0x15: return "SVC";
    case 0x16: return "HVC";
    case 0x18: return "trapped system register";
    case 0x20: case 0x21: return "instruction abort";
    case 0x22: return "misaligned program counter";
    case 0x24: case 0x25: return "data abort";
    case 0x26: return "misaligned stack pointer";
    case 0x2F: return "SError";
    case 0x3C: return "breakpoint instruction";
    default: return "unknown class";
    }
}

static const char *vector_in_words(uint64_t vector)
{
    static const char *const names[] = { "synchronous", "IRQ", "FIQ", "SError" };

    return names[vector % 4];
}

static const char *context(uint64_t vector)
{
    if (vector >= 4) {
        return vector < 8 ? "(interrupt or start-up)" : "(EL0)";
    }
    return pcTaskGetName(NULL);
}

void exception_report(uint64_t vector, uint64_t link_register)
{
    char text[320];
    uint64_t syndrome = read_system_register(esr_el1);
    static bool reporting;

    while (reporting) {
        wait_for_interrupt(); /* the report itself failed, so there is no way left to say anything */
    }
    reporting = true;
    format(text, sizeof(text),
           "\r\nexception: %s: %s: esr=0x%08x elr=0x%016x far=0x%016x spsr=0x%x sp=0x%x lr=0x%x task=%s\r\n",
           vector_in_words(vector), class_in_words(syndrome), syndrome, read_system_register(elr_el1),
           read_system_register(far_el1), read_system_register(spsr_el1), read_system_register(sp_el0),
           link_register, context(vector));
    uart_write_polled(text);
    stop();
}

void assertion_failed(const char *condition, const char *file, int line)
{
    char text[320];

    format(text, sizeof(text), "\r\nassertion failed: %s, %s:%u\r\n", condition, file, (uint64_t)line);
    uart_write_polled(text);
    stop();
}

void refuse_to_run(const char *reason)
{
    uart_write_polled("freertos: ");
    uart_write_polled(reason);
    uart_write_polled("\r\n");
    stop();
}
