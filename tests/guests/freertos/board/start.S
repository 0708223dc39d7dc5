/*
 * The arm64 Image header (Linux Documentation/arch/arm64/booting.rst) and the first instructions: x0 holds the
 * address of the device tree, the MMU is off.
 */
#include "machine.h"
#include "stacks.h"

    .section .header, "ax"
    .global image_header
image_header:
    b       start
    .long   0                               /* code1 */
    .quad   0                               /* text_offset */
    .quad   image_end - image_header        /* image_size, with all memory that is not in the file */
    .quad   0x2                             /* flags: little endian, 4 KiB pages, near the start of RAM */
    .quad   0
    .quad   0
    .quad   0
    .ascii  "ARM\x64"
    .long   0

start:
    msr     daifset, #0xf
    mov     x19, x0
    adr     x1, image_header
    ldr     x2, =image_start
    cmp     x1, x2
    b.ne    wrong_address

    ldr     x0, =text_end
    ldr     x1, =stacks_end
    bl      invalidate_to_memory            /* before the first write: no stale line may be written over it */
    ldr     x0, =bss_start
    ldr     x1, =bss_end
clear_bss:
    stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    clear_bss

    ldr     x0, =stacks + STACK_TOP_OFFSET(STACK_BOOT)
    mov     sp, x0
    mov     x29, xzr
    mov     x30, xzr
    ldr     x1, =exception_vectors
    mrs     x0, CurrentEL
    cmp     x0, #(1 << 2)
    b.ne    1f
    msr     vbar_el1, x1
    isb
1:  mov     x0, x19
    bl      board_start

/* Not where it was linked: nothing but code that needs no address of its own may run. */
wrong_address:
    adr     x0, wrong_address_text
    ldr     x1, =UART_BASE
2:  ldrb    w2, [x0], #1
    cbz     w2, 4f
3:  ldr     w3, [x1, #0x18]                 /* UARTFR.TXFF, PL011 DDI 0183 3.3.3 */
    tbnz    w3, #5, 3b
    str     w2, [x1]
    b       2b
4:  wfi
    b       4b
wrong_address_text:
    .asciz  "freertos: this image runs only at 0x40200000 (RAM base + 2 MiB)\r\n"
    .balign 4

/* void invalidate_to_memory(start, end): data cache lines of a range, to the point of coherency. */
    .global invalidate_to_memory
invalidate_to_memory:
    mrs     x2, ctr_el0                     /* DminLine: log2 of words, Arm ARM DDI 0487 D24.2 */
    ubfx    x2, x2, #16, #4
    mov     x3, #4
    lsl     x3, x3, x2
    sub     x4, x3, #1
    bic     x0, x0, x4
5:  dc      ivac, x0
    add     x0, x0, x3
    cmp     x0, x1
    b.lo    5b
    dsb     sy
    ret
