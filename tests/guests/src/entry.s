// Image header (Linux Documentation/arch/arm64/booting.rst) and the first instructions of every vCPU.

.section .head, "ax"
.global _image_start
    b       boot_entry              // code0
    nop                             // code1
    .quad   0                       // text_offset: at a 2 MiB boundary
    .quad   _image_size             // image_size, BSS included
    .quad   0xa                     // flags: little-endian, 4 KiB pages
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .word   0

.section .text.entry, "ax"

// The boot vCPU. x0 = device tree; MMU and data cache off. When it began goes on to Rust.
boot_entry:
    mrs     x21, cntvct_el0
    mov     x19, x0
    adr     x1, _image_start
    ldr     x2, =_image_start
    cmp     x1, x2
    b.ne    misplaced

    ldr     x1, =_bss_start
    ldr     x2, =_bss_end
1:  stp     xzr, xzr, [x1], #16
    cmp     x1, x2
    b.lo    1b

    mov     x20, xzr                // vCPU 0
    bl      prepare
    mov     x0, x19
    mov     x1, x21
    bl      boot_main
    b       .

// A vCPU that CPU_ON started. x0 = its index; MMU and data cache off. How it was entered goes on to Rust.
.global secondary_entry
secondary_entry:
    mov     x20, x0
    mrs     x21, sctlr_el1
    mrs     x22, daif
    bl      prepare
    mov     x0, x20
    mov     x1, x21
    mov     x2, x22
    bl      secondary_main
    b       .

// Known SCTLR_EL1 (RES1 bits and SA), FP and SIMD usable, vectors, index and stack of vCPU x20.
prepare:
    mov     x1, #0x0808
    movk    x1, #0x30d0, lsl #16
    msr     sctlr_el1, x1
    mov     x1, #3 << 20
    msr     cpacr_el1, x1
    ldr     x1, =exception_vectors
    msr     vbar_el1, x1
    msr     tpidr_el1, x20
    ldr     x1, =STACKS
    add     x2, x20, #1
    add     x1, x1, x2, lsl #{stack_shift}
    msr     spsel, #1
    isb
    mov     sp, x1
    ret

// Loaded at another address than the one it was linked for: say so with what runs anywhere, then SYSTEM_OFF.
misplaced:
    adr     x1, misplaced_text
    mov     x2, #0x09000000
1:  ldrb    w3, [x1], #1
    cbz     w3, 2f
    str     w3, [x2]
    b       1b
2:  mov     x0, #0x0008
    movk    x0, #0x8400, lsl #16
    hvc     #0
    b       .
misplaced_text:
    .asciz  "guest: not loaded at 0x40200000, where it was linked\n"
