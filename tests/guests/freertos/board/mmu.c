/*
 * Stage 1 translation: 4 KiB granule, 32-bit addresses, 4 KiB pages throughout (Arm ARM DDI 0487 D8). Built
 * with the MMU off, so the tables are made of plain stores and cleaned from the caches before use.
 */
#include "mmu.h"

#include "exception.h"
#include "gic.h"
#include "machine.h"
#include "registers.h"
#include "stacks.h"

#define ENTRIES         512
#define TABLE_COUNT     16

#define VALID_TABLE     3ull    /* a table on levels 1 and 2, a page on level 3 */
#define NORMAL          (1ull << 2)
#define DEVICE          (0ull << 2)
#define READ_ONLY       (1ull << 7)
#define INNER_SHAREABLE (3ull << 8)
#define ACCESSED        (1ull << 10)
#define NEVER_EXECUTE   ((1ull << 53) | (1ull << 54))
#define NEVER_BY_EL0    (1ull << 54)
#define ADDRESS_MASK    0x0000FFFFFFFFF000ull

#define TEXT            (VALID_TABLE | NORMAL | INNER_SHAREABLE | ACCESSED | READ_ONLY | NEVER_BY_EL0)
#define CONSTANTS       (VALID_TABLE | NORMAL | INNER_SHAREABLE | ACCESSED | READ_ONLY | NEVER_EXECUTE)
#define DATA            (VALID_TABLE | NORMAL | INNER_SHAREABLE | ACCESSED | NEVER_EXECUTE)
#define REGISTERS       (VALID_TABLE | DEVICE | ACCESSED | NEVER_EXECUTE)

/* Attribute 0: Device-nGnRE, 1: Normal, write-back, allocating (DDI 0487 D24.2, MAIR_EL1). */
#define MAIR            ((0x04ull << 0) | (0xFFull << 8))
/* T0SZ 32, walks write-back inner shareable, 4 KiB, TTBR1 off, 32-bit output addresses (TCR_EL1). */
#define TCR             (32ull | (1ull << 8) | (1ull << 10) | (3ull << 12) | (1ull << 23))
/* M, C, SA, I, WXN, and the bits that Armv8.0 wants set (SCTLR_EL1). */
#define SCTLR           (0x30D00800ull | (1u << 0) | (1u << 2) | (1u << 3) | (1u << 12) | (1u << 19))

struct table {
    uint64_t entry[ENTRIES];
};

extern char image_start[], text_end[], rodata_end[], stacks_start[], stacks_end[], image_end[];
extern void invalidate_to_memory(const void *start, const void *end);

struct guarded_stack stacks[STACK_COUNT] __attribute__((section(".stacks"), aligned(PAGE_SIZE)));

static struct table tables[TABLE_COUNT] __attribute__((aligned(PAGE_SIZE)));
static unsigned tables_used = 1; /* tables[0] is the root */

static struct table *next_level(struct table *table, uint64_t index)
{
    if (table->entry[index] == 0) {
        if (tables_used == TABLE_COUNT) {
            refuse_to_run("out of translation tables");
        }
        table->entry[index] = (uint64_t)&tables[tables_used++] | VALID_TABLE;
    }
    return (struct table *)(table->entry[index] & ADDRESS_MASK);
}

static uint64_t *page_entry(uint64_t address)
{
    struct table *level2 = next_level(&tables[0], address >> 30);
    struct table *level3 = next_level(level2, (address >> 21) % ENTRIES);

    return &level3->entry[(address >> 12) % ENTRIES];
}

static void map(uint64_t start, uint64_t end, uint64_t attributes)
{
    for (uint64_t page = start & ~(PAGE_SIZE - 1ull); page < end; page += PAGE_SIZE) {
        *page_entry(page) = page | attributes;
    }
}

static void map_image(void)
{
    map((uint64_t)image_start, (uint64_t)text_end, TEXT);
    map((uint64_t)text_end, (uint64_t)rodata_end, CONSTANTS);
    map((uint64_t)rodata_end, (uint64_t)stacks_start, DATA);
    for (unsigned i = 0; i < STACK_COUNT; i++) {
        map((uint64_t)stacks[i].words, (uint64_t)stacks[i].words + STACK_BYTES, DATA);
    }
    map((uint64_t)stacks_end, (uint64_t)image_end, DATA);
}

static void map_devices(void)
{
    for (unsigned i = 0; i < 2; i++) {
        map(gic_regions[i].base, gic_regions[i].base + gic_regions[i].bytes, REGISTERS);
    }
    map(UART_BASE, UART_BASE + PAGE_SIZE, REGISTERS);
}

bool mmu_overlaps_image(uint64_t address, uint64_t bytes)
{
    uint64_t page = address & ~(PAGE_SIZE - 1ull);

    return page < (uint64_t)image_end && address + bytes > (uint64_t)image_start;
}

void mmu_enable(uint64_t device_tree, uint64_t bytes)
{
    map_image();
    map_devices();
    if (bytes != 0) {
        map(device_tree, device_tree + bytes, CONSTANTS);
    }
    /* All written so far went past the caches: drop what they may hold of it. */
    invalidate_to_memory(text_end, stacks_end);
    write_system_register(mair_el1, MAIR);
    write_system_register(tcr_el1, TCR);
    write_system_register(ttbr0_el1, (uint64_t)&tables[0]);
    __asm__ volatile("dsb sy\n\ttlbi vmalle1\n\tic iallu\n\tdsb sy\n\tisb" : : : "memory");
    write_system_register(sctlr_el1, SCTLR);
    instruction_barrier();
}

bool mmu_map_probe(uint64_t address)
{
    if (address >> 32 != 0 || mmu_overlaps_image(address, 1)) {
        return false;
    }
    uint64_t *entry = page_entry(address);
    if (*entry == 0) {
        *entry = (address & ~(PAGE_SIZE - 1ull)) | REGISTERS;
    }
    /* An entry that was invalid is in no TLB: the walk only has to see the store (DDI 0487 D8, TLB maintenance). */
    data_barrier();
    instruction_barrier();
    return true;
}
