/*
 * The end of the road: exceptions nobody expects, and broken assumptions.
 */
#ifndef EXCEPTION_H
#define EXCEPTION_H

#include <stdint.h>

/* Prints what happened and stops the machine. `vector` counts from 0 in the order of the vector table. */
__attribute__((noreturn)) void exception_report(uint64_t vector, uint64_t link_register);

__attribute__((noreturn)) void assertion_failed(const char *condition, const char *file, int line);

/* Prints "freertos: REASON" and stops. */
__attribute__((noreturn)) void refuse_to_run(const char *reason);

#endif
