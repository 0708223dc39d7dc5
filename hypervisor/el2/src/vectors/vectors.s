// EL2's exception vectors, and the way into a guest and out of it (Arm ARM DDI 0487 D1.3.1.5).
//
// A vector has room for 32 instructions. What some leave holds the code that they lead to; the assembler refuses what
// does not fit.
//
// While a guest runs, SP_EL2 points to its GeneralRegisters, and TPIDR_EL2 holds our stack pointer:
//     sp + 16: X19 of the caller of guest_enter
//     sp +  0: its X29 and X30

// Our own exceptions go on a stack of their own: the one in use may just have overflowed into its guard.
.macro own kind
    .org    vectors + 0x80 * \kind
    msr     tpidr_el2, x0
    adrp    x0, stacks + {emergency_stack_top}
    sub     x0, x0, #272
    stp     x1, x2, [x0, #8]
    mrs     x1, tpidr_el2
    str     x1, [x0]
    mov     x1, sp
    str     x1, [x0, #264]
    mov     sp, x0
    mov     x0, #\kind
    b       own_exception
.endm

.macro guest vector
    .org    vectors + 0x400 + 0x80 * \vector
    stp     x0, x1, [sp]
    mov     x0, #\vector
.endm

.section .text.vectors, "ax"
.balign 0x800
.global vectors
vectors:
    own     0

// x0: address of a mapped word that can be read or not. Returns 1 or 0. The abort of this load alone is none of ours.
.global probe
probe:
    ldar    w0, [x0]                // of a device: as device.rs has it
    dsb     sy                      // the load is over, well or badly
    mov     x0, #1
probed:
    ret

// The load of `probe` ended in an abort: back to its caller, on the caller's stack.
probe_failed:
    adr     x1, probed
    msr     elr_el2, x1
    ldr     x1, [sp, #264]
    mov     sp, x1
    mov     x0, #0
    eret

    own     1
    own     2
    own     3
    own     4
    own     5
    own     6
    own     7

// From AArch64. A trap, the most frequent exit, goes straight on.
    guest   0
guest_exit:
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    str     x30, [sp, #240]
    mrs     x2, elr_el2
    mrs     x3, spsr_el2
    stp     x2, x3, [sp, #256]
    mrs     x2, tpidr_el2
    mov     sp, x2
    ldr     x19, [sp, #16]
    ldp     x29, x30, [sp], #32
    ret

    guest   1
    b       guest_exit

// A broken invariant of ours. x0: the vector's number; X0 to X2 and SP are on the stack already. The layout
// is that of `OwnException`.
own_exception:
    mrs     x1, elr_el2
    adr     x2, probe
    cmp     x1, x2
    b.eq    probe_failed
    str     x3, [sp, #24]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    mrs     x2, elr_el2
    stp     x30, x2, [sp, #240]
    mrs     x2, esr_el2
    str     x2, [sp, #256]
    mov     x1, sp
    bl      own_exception_report
    b       park

    guest   2
    b       guest_exit
    guest   3
    b       guest_exit

// From AArch32, which EL0 may be in: as from AArch64.
    .org    vectors + 0x600
    b       vectors + 0x400

// x0: GeneralRegisters, returns the vector's number (0 synchronous, 1 IRQ, 2 FIQ, 3 SError). Of the caller's registers
// only X19, X29 and SP are kept: those that it cannot do without.
.global guest_enter
guest_enter:
    stp     x29, x30, [sp, #-32]!
    str     x19, [sp, #16]
    mov     x1, sp
    msr     tpidr_el2, x1
    mov     sp, x0
    ldp     x1, x2, [x0, #256]
    msr     elr_el2, x1
    msr     spsr_el2, x2
    ldp     x2, x3, [x0, #16]
    ldp     x4, x5, [x0, #32]
    ldp     x6, x7, [x0, #48]
    ldp     x8, x9, [x0, #64]
    ldp     x10, x11, [x0, #80]
    ldp     x12, x13, [x0, #96]
    ldp     x14, x15, [x0, #112]
    ldp     x16, x17, [x0, #128]
    ldp     x18, x19, [x0, #144]
    ldp     x20, x21, [x0, #160]
    ldp     x22, x23, [x0, #176]
    ldp     x24, x25, [x0, #192]
    ldp     x26, x27, [x0, #208]
    ldp     x28, x29, [x0, #224]
    ldr     x30, [x0, #240]
    ldp     x0, x1, [x0]
    eret
    dsb     nsh                     // no speculation past the return
    isb

    .org    vectors + 0x680
    b       vectors + 0x480
    .org    vectors + 0x700
    b       vectors + 0x500
    .org    vectors + 0x780
    b       vectors + 0x580
