/*
 * GICv3 (Arm IHI 0069) with affinity routing and system registers; interrupts in group 1, signalled as IRQs.
 */
#include "gic.h"

#include "machine.h"
#include "registers.h"

/* Distributor, IHI 0069 12.9. */
#define GICD_CTLR           (GIC_DISTRIBUTOR_BASE + 0x0000)
#define GICD_TYPER          (GIC_DISTRIBUTOR_BASE + 0x0004)
#define GICD_IGROUPR(n)     (GIC_DISTRIBUTOR_BASE + 0x0080 + 4 * (n))
#define GICD_ISENABLER(n)   (GIC_DISTRIBUTOR_BASE + 0x0100 + 4 * (n))
#define GICD_ICENABLER(n)   (GIC_DISTRIBUTOR_BASE + 0x0180 + 4 * (n))
#define GICD_IPRIORITYR(n)  (GIC_DISTRIBUTOR_BASE + 0x0400 + (n))
#define GICD_ICFGR(n)       (GIC_DISTRIBUTOR_BASE + 0x0C00 + 4 * (n))
#define GICD_IROUTER(n)     (GIC_DISTRIBUTOR_BASE + 0x6000 + 8 * (n))
#define GICD_CTLR_GROUP1    (1u << 1)
#define GICD_CTLR_AFFINITY  (1u << 4)
#define GICD_CTLR_RWP       (1u << 31)

/* Redistributor, IHI 0069 12.11: the first frame, then the one for SGIs and PPIs. */
#define GICR_CTLR           (GIC_REDISTRIBUTOR_BASE + 0x0000)
#define GICR_TYPER          (GIC_REDISTRIBUTOR_BASE + 0x0008)
#define GICR_WAKER          (GIC_REDISTRIBUTOR_BASE + 0x0014)
#define GICR_PRIVATE        (GIC_REDISTRIBUTOR_BASE + 0x10000)
#define GICR_IGROUPR0       (GICR_PRIVATE + 0x0080)
#define GICR_ISENABLER0     (GICR_PRIVATE + 0x0100)
#define GICR_ICENABLER0     (GICR_PRIVATE + 0x0180)
#define GICR_IPRIORITYR(n)  (GICR_PRIVATE + 0x0400 + (n))
#define GICR_CTLR_RWP       (1u << 3)
#define GICR_WAKER_SLEEP    (1u << 1)
#define GICR_WAKER_ASLEEP   (1u << 2)

#define ALL                 0xFFFFFFFFu
#define FIRST_SPI           32u
#define AFFINITY            0xFF00FFFFFFull /* MPIDR_EL1.Aff3 and Aff2..Aff0 */

const unsigned gic_version = 3;

const struct gic_region gic_regions[2] = {
    { GIC_DISTRIBUTOR_BASE, 0x10000 },
    { GIC_REDISTRIBUTOR_BASE, 0x20000 },
};

static void wait_until_clear(uint64_t address, uint32_t bits)
{
    while ((read32(address) & bits) != 0) {
    }
}

static void initialise_distributor(void)
{
    uint32_t words = (read32(GICD_TYPER) & 0x1F) + 1; /* ITLinesNumber, 32 interrupts each */

    write32(GICD_CTLR, 0);
    wait_until_clear(GICD_CTLR, GICD_CTLR_RWP);
    /* Affinity routing may only be switched while the groups are off (IHI 0069 12.9, GICD_CTLR). */
    write32(GICD_CTLR, GICD_CTLR_AFFINITY);
    wait_until_clear(GICD_CTLR, GICD_CTLR_RWP);
    for (uint32_t word = 1; word < words; word++) {
        write32(GICD_ICENABLER(word), ALL);
        write32(GICD_IGROUPR(word), ALL);
    }
    wait_until_clear(GICD_CTLR, GICD_CTLR_RWP);
    write32(GICD_CTLR, GICD_CTLR_AFFINITY | GICD_CTLR_GROUP1);
    wait_until_clear(GICD_CTLR, GICD_CTLR_RWP);
}

static void initialise_redistributor(void)
{
    write32(GICR_WAKER, read32(GICR_WAKER) & ~GICR_WAKER_SLEEP);
    wait_until_clear(GICR_WAKER, GICR_WAKER_ASLEEP);
    write32(GICR_ICENABLER0, ALL);
    write32(GICR_IGROUPR0, ALL);
    wait_until_clear(GICR_CTLR, GICR_CTLR_RWP);
}

/* IHI 0069 12.2: system registers on, one running priority per level, every interrupt let through. */
static bool initialise_cpu_interface(void)
{
    write_system_register(icc_sre_el1, read_system_register(icc_sre_el1) | 1);
    instruction_barrier();
    if ((read_system_register(icc_sre_el1) & 1) == 0) {
        return false;
    }
    write_system_register(icc_pmr_el1, 0xFF);
    write_system_register(icc_bpr1_el1, 0);
    write_system_register(icc_ctlr_el1, 0);
    write_system_register(icc_igrpen1_el1, 1);
    instruction_barrier();
    return true;
}

static uint64_t own_affinity(void)
{
    return read_system_register(mpidr_el1) & AFFINITY;
}

const char *gic_initialise(void)
{
    /* ID_AA64PFR0_EL1.GIC (Arm ARM DDI 0487 D24.2.76): without it ICC_* are undefined. */
    if (((read_system_register(id_aa64pfr0_el1) >> 24) & 0xF) == 0) {
        return "the processor has no GICv3 system registers";
    }
    uint64_t affinity = own_affinity();
    uint64_t packed = (affinity & 0xFFFFFF) | ((affinity >> 8) & 0xFF000000);
    if ((read64(GICR_TYPER) >> 32) != packed) {
        return "the first redistributor belongs to another processor";
    }
    if ((read32(GICD_TYPER) & 0x1F) == 0) {
        return "the GIC has no shared interrupt for the UART";
    }
    initialise_distributor();
    initialise_redistributor();
    return initialise_cpu_interface() ? 0 : "ICC_SRE_EL1.SRE cannot be set";
}

void gic_enable(uint32_t intid)
{
    if (intid < FIRST_SPI) {
        write8(GICR_IPRIORITYR(intid), GIC_PRIORITY);
        write32(GICR_ISENABLER0, 1u << intid);
    } else {
        uint32_t configuration = read32(GICD_ICFGR(intid / 16));
        write32(GICD_ICFGR(intid / 16), configuration & ~(2u << (2 * (intid % 16))));
        write8(GICD_IPRIORITYR(intid), GIC_PRIORITY);
        write64(GICD_IROUTER(intid), own_affinity());
        write32(GICD_ISENABLER(intid / 32), 1u << (intid % 32));
    }
    data_barrier();
}
