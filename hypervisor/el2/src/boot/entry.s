// From the firmware to Rust. Runs with the MMU off, at whatever address the image was loaded.
// Header: Linux Documentation/arch/arm64/booting.rst, then hypervisor/abi/src/image.rs.

.section .text.head, "ax"
.global _start
_start:
    b       entry
    .long   0
    .quad   0                       // text_offset
    .quad   image_size
    .quad   0xa                     // little-endian, 4 KiB pages, anywhere in memory
    .quad   0
    .quad   0
    .quad   0
    .ascii  "ARM\x64"
    .long   0
    .ascii  "BULKHEAD"
    .long   1
    .long   0                       // early UART kind: filled by `bulkhead pack`
    .quad   0                       // early UART base
    .quad   image_size              // bare size
    .quad   0                       // pack offset
    .quad   0                       // pack size

entry:
    msr     daifset, #0xf
    msr     spsel, #1
    mov     x19, x0                 // the tree
    adrp    x20, image_start
    mrs     x21, CurrentEL
    cmp     x21, #8
    b.hi    park                    // EL3: no firmware of ours; nothing may be assumed
    b.ne    1f
    bl      leave_firmware_mmu
1:  // The loader cleaned the image to memory, but lines of the BSS may be dirty still and would later be
    // written over what follows (caches are off here, so our writes go to memory). Behind the first core's stack
    // nothing but tables, which see to it themselves, is written before the caches are on.
    adrp    x0, data_start
    adrp    x1, stacks + {stack_stride}
    bl      clean_and_invalidate
    adrp    x0, rodata_start
    adrp    x1, data_start
    bl      clean_and_invalidate
    adrp    x0, bss_start
    adrp    x1, bss_end
    add     x1, x1, :lo12:bss_end
2:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    2b
    bl      apply_relocations
    dsb     sy
    ic      iallu
    dsb     sy
    isb
    mov     x0, #0
    bl      set_stack
    mov     x0, x19
    mov     x1, x20
    mov     x30, xzr
    cmp     x21, #8
    b.ne    3f
    b       boot_primary
3:  b       boot_below_el2

// Adds the image's address, x20, to each of its pointers; it is linked at 0. They are packed (ELF gABI, SHT_RELR):
// an even entry is the offset of one pointer; in an odd one bits 1 to 63 say which of the next 63 words are pointers.
apply_relocations:
    adrp    x0, relocations_start
    add     x0, x0, :lo12:relocations_start
    adrp    x1, relocations_end
    add     x1, x1, :lo12:relocations_end
4:  cmp     x0, x1
    b.hs    7f
    ldr     x2, [x0], #8
    tbnz    x2, #0, 5f
    add     x3, x2, x20
    ldr     x4, [x3]
    add     x4, x4, x20
    str     x4, [x3], #8
    b       4b
5:  sub     x5, x3, #8
    add     x3, x3, #(63 * 8)
6:  add     x5, x5, #8
    lsr     x2, x2, #1
    cbz     x2, 4b
    tbz     x2, #0, 6b
    ldr     x4, [x5]
    add     x4, x4, x20
    str     x4, [x5]
    b       6b
7:  ret

// x0: index of the core. Stacks grow down; the lowest page of each is a guard.
set_stack:
    adrp    x1, stacks
    add     x1, x1, :lo12:stacks
    mov     x2, #{stack_stride}
    add     x0, x0, #1
    madd    x1, x0, x2, x1
    mov     sp, x1
    ret

// x0 to x1: clean and invalidate to the point of coherency.
clean_and_invalidate:
    mrs     x2, ctr_el0
    ubfx    x2, x2, #16, #4
    mov     x3, #4
    lsl     x3, x3, x2
8:  dc      civac, x0
    add     x0, x0, x3
    cmp     x0, x1
    b.lo    8b
    dsb     sy
    ret

// Firmware may have left its MMU and caches on: the image goes to memory first, then they go off.
leave_firmware_mmu:
    mov     x22, x30
    mrs     x4, sctlr_el2
    tbz     x4, #0, 9f
    adrp    x0, image_start
    adrp    x1, bss_start
    bl      clean_and_invalidate
    mrs     x4, sctlr_el2
    bic     x4, x4, #1
    bic     x4, x4, #4
    msr     sctlr_el2, x4
    isb
9:  // RW alone; in particular no E2H and no TGE, whatever was left.
    mov     x4, #(1 << 31)
    msr     hcr_el2, x4
    isb
    tlbi    alle2
    dsb     sy
    isb
    ret     x22

// A secondary core, x0 its index. Its registers come from `secondary_parameters`.
.global secondary_entry
secondary_entry:
    msr     daifset, #0xf
    msr     spsel, #1
    msr     spsel, #1
    mov     x19, x0
    mov     x4, #(1 << 31)
    msr     hcr_el2, x4
    isb
    bl      set_stack
    adrp    x0, secondary_parameters
    add     x0, x0, :lo12:secondary_parameters
    ldp     x1, x2, [x0]
    ldp     x3, x4, [x0, #16]
    msr     mair_el2, x1
    msr     tcr_el2, x2
    msr     ttbr0_el2, x3
    isb
    tlbi    alle2
    ic      iallu
    dsb     sy
    isb
    msr     sctlr_el2, x4
    isb
    mov     x0, x19
    mov     x30, xzr
    b       boot_secondary

// A secondary core released from a spin table has no index: x0 is unspecified. It finds itself by MPIDR.
.global secondary_entry_by_mpidr
secondary_entry_by_mpidr:
    msr     daifset, #0xf
    mrs     x1, mpidr_el1
    ldr     x2, =0xff00ffffff
    and     x1, x1, x2
    adrp    x3, secondary_mpidrs
    add     x3, x3, :lo12:secondary_mpidrs
    mov     x0, #0
1:  ldr     x4, [x3, x0, lsl #3]
    cmp     x4, x1
    b.eq    secondary_entry
    add     x0, x0, #1
    cmp     x0, #{cores}
    b.lo    1b
    // Released with another core by one shared address: its turn comes.
    wfe
    b       secondary_entry_by_mpidr

.global park
park:
    wfi
    b       park
