// memcpy, memmove, memset and memcmp: what the compiler calls (C11 7.24.2.1, 7.24.2.2, 7.24.6.1, 7.24.4.1).
// Pairs first, then what the low bits of the length ask for. Addresses need no alignment once the MMU is on
// (SCTLR_ELx.A is 0); before, Rust moves only words.

.section .text.bytes, "ax"

// x0: destination, kept; x1: source; x2: bytes.
.global memcpy
.global memmove
memcpy:
memmove:
    sub     x3, x0, x1
    cmp     x3, x2
    b.lo    4f                      // the destination starts within the source: from the end
    mov     x3, x0
    b       2f
1:  ldp     x4, x5, [x1], #16
    stp     x4, x5, [x3], #16
2:  subs    x2, x2, #16
    b.hs    1b
    tbz     x2, #3, 3f
    ldr     x4, [x1], #8
    str     x4, [x3], #8
3:  tbz     x2, #2, 3f
    ldr     w4, [x1], #4
    str     w4, [x3], #4
3:  tbz     x2, #1, 3f
    ldrh    w4, [x1], #2
    strh    w4, [x3], #2
3:  tbz     x2, #0, 3f
    ldrb    w4, [x1]
    strb    w4, [x3]
3:  ret

4:  add     x1, x1, x2
    add     x3, x0, x2
    b       6f
5:  ldp     x4, x5, [x1, #-16]!
    stp     x4, x5, [x3, #-16]!
6:  subs    x2, x2, #16
    b.hs    5b
    tbz     x2, #3, 7f
    ldr     x4, [x1, #-8]!
    str     x4, [x3, #-8]!
7:  tbz     x2, #2, 7f
    ldr     w4, [x1, #-4]!
    str     w4, [x3, #-4]!
7:  tbz     x2, #1, 7f
    ldrh    w4, [x1, #-2]!
    strh    w4, [x3, #-2]!
7:  tbz     x2, #0, 7f
    ldrb    w4, [x1, #-1]
    strb    w4, [x3, #-1]
7:  ret

// x0: destination, kept; x1: the byte; x2: bytes.
.global memset
memset:
    and     x1, x1, #0xff
    mov     x3, #0x0101010101010101
    mul     x1, x1, x3
    mov     x3, x0
    b       9f
8:  stp     x1, x1, [x3]
    stp     x1, x1, [x3, #16]
    stp     x1, x1, [x3, #32]
    stp     x1, x1, [x3, #48]
    add     x3, x3, #64
9:  subs    x2, x2, #64
    b.hs    8b
    tbz     x2, #5, 3f
    stp     x1, x1, [x3], #16
    stp     x1, x1, [x3], #16
3:  tbz     x2, #4, 3f
    stp     x1, x1, [x3], #16
3:
    tbz     x2, #3, 3f
    str     x1, [x3], #8
3:  tbz     x2, #2, 3f
    str     w1, [x3], #4
3:  tbz     x2, #1, 3f
    strh    w1, [x3], #2
3:  tbz     x2, #0, 3f
    strb    w1, [x3]
3:  ret

// x0, x1: what is compared; x2: bytes. w0: 0 if they are equal, or else the sign of how the first that differ do.
.global memcmp
.global bcmp
memcmp:
bcmp:
    mov     x3, x0
    mov     w0, #0
1:  subs    x2, x2, #8
    b.lo    2f
    ldr     x4, [x3], #8
    ldr     x5, [x1], #8
    cmp     x4, x5
    b.eq    1b
    sub     x3, x3, #8              // they differ within these eight
    sub     x1, x1, #8
    mov     x2, #0
2:  adds    x2, x2, #8
    b.eq    4f
3:  ldrb    w4, [x3], #1
    ldrb    w5, [x1], #1
    subs    w0, w4, w5
    b.ne    4f
    subs    x2, x2, #1
    b.ne    3b
4:  ret
