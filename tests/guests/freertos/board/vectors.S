/*
 * The vector table (Arm ARM DDI 0487 D1.3). Tasks run at EL1 on SP_EL0, interrupts and the kernel's context
 * switch on SP_EL1. FreeRTOS's own SVC handler would push a task's registers before it looks at the cause,
 * so only a real SVC reaches it.
 */
#include "stacks.h"

    .macro  unexpected index
    .balign 0x80
    b       report_\index
    .endm

    .macro  report index
report_\index:
    mov     x1, x30
    mov     x0, #\index
    b       report
    .endm

    .section .vectors, "ax"
    .balign 0x800
    .global exception_vectors
    .global _freertos_vector_table          /* the name that the ports load into VBAR_EL1 */
exception_vectors:
_freertos_vector_table:
    /* From a task. */
    stp     x0, x1, [sp, #-16]!
    mrs     x0, esr_el1
    lsr     x0, x0, #26
    cmp     x0, #0x15                       /* SVC from AArch64 */
    ldp     x0, x1, [sp], #16
    b.ne    report_0
    b       FreeRTOS_SWI_Handler
    .balign 0x80
    b       FreeRTOS_IRQ_Handler
    unexpected 2
    unexpected 3
    /* From an interrupt handler or start-up. */
    unexpected 4
    .balign 0x80
    b       FreeRTOS_IRQ_Handler
    unexpected 6
    unexpected 7
    /* From EL0, where nothing runs. */
    .irp index, 8, 9, 10, 11, 12, 13, 14, 15
    unexpected \index
    .endr
    .balign 0x80

    .irp index, 0, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    report \index
    .endr

/* On a stack of its own, because the one in use may be the cause. */
report:
    ldr     x2, =stacks + STACK_TOP_OFFSET(STACK_EMERGENCY)
    mov     sp, x2
    b       exception_report
