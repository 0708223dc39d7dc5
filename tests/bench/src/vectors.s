// Vectors that read the counter first (Arm ARM DDI 0487 D1.3.1.5). Which registers they use: vectors.rs.

.section .text.bench_vectors, "ax"
.balign 0x800
.global bench_vectors
bench_vectors:
    .balign 0x80                    // current EL with SP_EL0: not used
    b       .
    .balign 0x80
    b       .
    .balign 0x80
    b       .
    .balign 0x80
    b       .

    .balign 0x80                    // synchronous: go on behind it, or behind the branch that led where nothing is
    mrs     x9, cntvct_el0
    mrs     x10, elr_el1
    add     x10, x10, #4
    tbz     x10, #29, 1f            // above the guest
    mov     x10, x30
1:
    msr     elr_el1, x10
    eret

    .balign 0x80                    // IRQ: acknowledge, quieten its source, end it
    mrs     x9, cntvct_el0
    b       serve
    .balign 0x80
    b       .
    .balign 0x80
    b       .
    .balign 0x80                    // lower EL: not used
    b       .

serve:
    cbz     x14, 1f
    ldr     w10, [x14, #0xc]        // GICC_IAR
    b       2f
1:  mrs     x10, s3_0_c12_c12_0     // ICC_IAR1_EL1
2:  cmp     x13, #1
    b.lo    4f
    b.eq    3f
    msr     cntp_ctl_el0, xzr
    b       4f
3:  msr     cntv_ctl_el0, xzr
4:  isb
    mov     x11, #1
    cbz     x14, 5f
    str     w10, [x14, #0x10]       // GICC_EOIR
    b       6f
5:  msr     s3_0_c12_c12_1, x10     // ICC_EOIR1_EL1
6:  dsb     sy
    isb
    eret
