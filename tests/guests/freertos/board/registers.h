/*
 * Access to system registers and to device registers.
 */
#ifndef REGISTERS_H
#define REGISTERS_H

#include <stdint.h>

#define read_system_register(name) \
    ({ uint64_t value_; __asm__ volatile("mrs %0, " #name : "=r"(value_)); value_; })

#define write_system_register(name, value) \
    do { __asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(value)) : "memory"); } while (0)

static inline void instruction_barrier(void) { __asm__ volatile("isb" : : : "memory"); }
static inline void data_barrier(void) { __asm__ volatile("dsb sy" : : : "memory"); }
static inline void wait_for_interrupt(void) { __asm__ volatile("dsb sy\n\twfi" : : : "memory"); }

/*
 * One load or store instruction each, of the simplest form: only those give a hypervisor a valid syndrome
 * (Arm ARM DDI 0487 D24.2, ESR_EL2: ISS.ISV), which a compiler's post-indexed access would not.
 */
static inline uint32_t read32(uint64_t address)
{
    uint32_t value;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void write32(uint64_t address, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static inline void write8(uint64_t address, uint8_t value)
{
    __asm__ volatile("strb %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static inline uint64_t read64(uint64_t address)
{
    uint64_t value;
    __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void write64(uint64_t address, uint64_t value)
{
    __asm__ volatile("str %0, [%1]" : : "r"(value), "r"(address) : "memory");
}

#endif
