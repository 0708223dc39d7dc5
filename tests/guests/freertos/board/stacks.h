/*
 * All stacks of the guest, each with a page below it that is never mapped: a stack that overflows faults at
 * once instead of writing over its neighbour. Shared with assembly.
 */
#ifndef STACKS_H
#define STACKS_H

#define STACK_GUARD_BYTES   0x1000
#define STACK_BYTES         0x2000
#define STACK_STRIDE        (STACK_GUARD_BYTES + STACK_BYTES)

/* Stacks by index. BOOT serves start-up and then every interrupt; EMERGENCY only the exception report. */
#define STACK_BOOT          0
#define STACK_EMERGENCY     1
#define STACK_IDLE          2
#define STACK_CONTROL       3
#define STACK_CONSUMER      4
#define STACK_PRODUCER      5
#define STACK_WATCHDOG      6
#define STACK_CONSOLE       7
#define STACK_LOGGER        8
#define STACK_FLOATING_A    9
#define STACK_FLOATING_B    10
#define STACK_RECEIVER      11
#define STACK_COUNT         12

#define STACK_TOP_OFFSET(index) ((index) * STACK_STRIDE + STACK_STRIDE)

#ifndef __ASSEMBLER__
#include <stdint.h>

#define STACK_WORDS         (STACK_BYTES / sizeof(uint64_t))

struct guarded_stack {
    uint8_t guard[STACK_GUARD_BYTES];
    uint64_t words[STACK_WORDS];
};

extern struct guarded_stack stacks[STACK_COUNT];
#endif

#endif
