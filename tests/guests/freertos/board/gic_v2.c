/*
 * GICv2 (Arm IHI 0048B). Without Security Extensions in sight every interrupt is left in group 0, as reset has
 * it, and signalled as an IRQ.
 */
#include "gic.h"

#include "machine.h"
#include "registers.h"

/* Distributor, IHI 0048B 4.3. */
#define GICD_CTLR           (GIC_DISTRIBUTOR_BASE + 0x000)
#define GICD_TYPER          (GIC_DISTRIBUTOR_BASE + 0x004)
#define GICD_ISENABLER(n)   (GIC_DISTRIBUTOR_BASE + 0x100 + 4 * (n))
#define GICD_ICENABLER(n)   (GIC_DISTRIBUTOR_BASE + 0x180 + 4 * (n))
#define GICD_ICPENDR(n)     (GIC_DISTRIBUTOR_BASE + 0x280 + 4 * (n))
#define GICD_ICACTIVER(n)   (GIC_DISTRIBUTOR_BASE + 0x380 + 4 * (n))
#define GICD_IPRIORITYR(n)  (GIC_DISTRIBUTOR_BASE + 0x400 + (n))
#define GICD_ITARGETSR(n)   (GIC_DISTRIBUTOR_BASE + 0x800 + (n))
#define GICD_ICFGR(n)       (GIC_DISTRIBUTOR_BASE + 0xC00 + 4 * (n))

/* CPU interface, IHI 0048B 4.4. */
#define GICC_CTLR           (GIC_CPU_INTERFACE_BASE + 0x00)
#define GICC_PMR            (GIC_CPU_INTERFACE_BASE + 0x04)
#define GICC_BPR            (GIC_CPU_INTERFACE_BASE + 0x08)

#define ENABLE              1u
#define ALL                 0xFFFFFFFFu
#define FIRST_SPI           32u
#define THIS_PROCESSOR      1u

const unsigned gic_version = 2;

const struct gic_region gic_regions[2] = {
    { GIC_DISTRIBUTOR_BASE, 0x1000 },
    { GIC_CPU_INTERFACE_BASE, 0x2000 },
};

const char *gic_initialise(void)
{
    uint32_t words = (read32(GICD_TYPER) & 0x1F) + 1; /* ITLinesNumber, 32 interrupts each */

    if (words * 32 <= UART_INTID) {
        return "the GIC has no shared interrupt for the UART";
    }
    write32(GICD_CTLR, 0);
    for (uint32_t word = 0; word < words; word++) {
        write32(GICD_ICENABLER(word), ALL);
        write32(GICD_ICPENDR(word), ALL);
        write32(GICD_ICACTIVER(word), ALL);
    }
    write32(GICD_CTLR, ENABLE);
    write32(GICC_BPR, 0); /* its least value: all priority bits count for preemption */
    write32(GICC_PMR, 0xFF);
    write32(GICC_CTLR, ENABLE);
    return 0;
}

void gic_enable(uint32_t intid)
{
    write8(GICD_IPRIORITYR(intid), GIC_PRIORITY);
    if (intid >= FIRST_SPI) {
        uint32_t configuration = read32(GICD_ICFGR(intid / 16));
        write32(GICD_ICFGR(intid / 16), configuration & ~(2u << (2 * (intid % 16))));
        write8(GICD_ITARGETSR(intid), THIS_PROCESSOR);
    }
    write32(GICD_ISENABLER(intid / 32), 1u << (intid % 32));
    data_barrier();
}
