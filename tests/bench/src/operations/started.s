// A vCPU that CPU_ON started: tells when, and goes off. x0 = where to write it; MMU and caches off.

.section .text.started, "ax"
.global started_entry
started_entry:
    mrs     x9, cntvct_el0
    str     x9, [x0]
    dsb     sy
    mov     w0, #0x0002
    movk    w0, #0x8400, lsl #16    // CPU_OFF
    hvc     #0
    b       .
