/*
 * The machine this guest is built for: the memory map of QEMU's `virt` board. Shared by C, assembly and the
 * linker script, so it holds plain numbers only.
 */
#ifndef MACHINE_H
#define MACHINE_H

/* RAM, and the place where a loader puts an arm64 Image with text_offset 0: RAM base + 2 MiB. */
#define RAM_BASE                0x40000000
#define IMAGE_BASE              0x40200000

#define GIC_DISTRIBUTOR_BASE    0x08000000
#define GIC_CPU_INTERFACE_BASE  0x08010000 /* GICv2 only */
#define GIC_REDISTRIBUTOR_BASE  0x080A0000 /* GICv3 only */
#define UART_BASE               0x09000000

#define VIRTUAL_TIMER_INTID     27
#define UART_INTID              33

#define PAGE_SIZE               0x1000

#endif
