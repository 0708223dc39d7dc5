/*
 * From the first instruction to the application, and from an interrupt to its handler.
 */
#include "board.h"

#include "FreeRTOS.h"
#include "exception.h"
#include "gic.h"
#include "machine.h"
#include "mmu.h"
#include "psci.h"
#include "registers.h"
#include "task.h"
#include "timer.h"
#include "uart.h"

extern char image_end[];

struct device_tree_facts machine_facts;

void vApplicationIRQHandler(uint32_t acknowledged);

/* The map is built in: a tree that tells of another one is better refused than misunderstood. */
static const char *mismatch(const struct device_tree_facts *facts)
{
    if (facts->gic_version != 0 && facts->gic_version != gic_version) {
        return gic_version == 2 ? "built for GICv2, but the device tree has a GICv3"
                                : "built for GICv3, but the device tree has a GICv2";
    }
    if (facts->gic_distributor != 0 && facts->gic_distributor != GIC_DISTRIBUTOR_BASE) {
        return "the GIC is not at 0x08000000";
    }
    if (facts->memory_bytes != 0 && facts->memory_base + facts->memory_bytes < (uint64_t)image_end) {
        return "the memory of the device tree ends before the image does";
    }
    return 0;
}

/* MMU off before, on after; the tree's facts are known. */
static void start_memory(uint64_t device_tree)
{
    uint64_t bytes = device_tree_bytes(device_tree);

    if (mmu_overlaps_image(device_tree, bytes)) {
        bytes = 0;
    }
    mmu_enable(device_tree, bytes);
    machine_facts = device_tree_read(device_tree, bytes);
    if (mismatch(&machine_facts) != 0) {
        refuse_to_run(mismatch(&machine_facts));
    }
}

static void start_interrupts(void)
{
    if (!timer_initialise()) {
        refuse_to_run("CNTFRQ_EL0 is below 1000");
    }
    const char *problem = gic_initialise();
    if (problem != 0) {
        refuse_to_run(problem);
    }
    gic_enable(VIRTUAL_TIMER_INTID);
    gic_enable(UART_INTID);
}

void board_start(uint64_t device_tree)
{
    uart_initialise();
    /* CurrentEL (Arm ARM DDI 0487 C5.2). */
    if (read_system_register(CurrentEL) >> 2 != 1) {
        refuse_to_run("entered above EL1: start it without EL2, or as a guest");
    }
    start_memory(device_tree);
    psci_use_smc(machine_facts.psci_by_smc);
    write_system_register(cpacr_el1, 3ull << 20); /* FPEN: for the tasks that ask for floating point */
    instruction_barrier();
    start_interrupts();
    application_start();
}

/* Called by the port between acknowledging and completing an interrupt, interrupts masked. */
void vApplicationIRQHandler(uint32_t acknowledged)
{
    uint32_t intid = acknowledged & (gic_version == 2 ? 0x3FF : 0xFFFFFF);

    if (intid == VIRTUAL_TIMER_INTID) {
        FreeRTOS_Tick_Handler();
    } else if (intid == UART_INTID) {
        application_uart_interrupt();
    } else if (intid < GIC_SPECIAL_INTIDS) {
        refuse_to_run("an interrupt that was never enabled");
    }
}
