/*
 * The interrupt controller. One of gic_v2.c and gic_v3.c is linked; acknowledging and completing interrupts is
 * the FreeRTOS port's work.
 */
#ifndef GIC_H
#define GIC_H

#include <stdbool.h>
#include <stdint.h>

/* Acknowledged INTIDs from here on name no interrupt (GICv2 IHI 0048B 3.2.5, GICv3 IHI 0069 2.2.1). */
#define GIC_SPECIAL_INTIDS  1020

/*
 * The lowest priority that the ports accept and the only one in use: they demand it of the tick, and with the
 * UART at the same level no interrupt preempts another.
 */
#define GIC_PRIORITY        (30 << 3)

/* 2 or 3: the version this image is built for. */
extern const unsigned gic_version;

/* Resets the controller to "nothing enabled" and opens the CPU interface. Null, or what is wrong. */
const char *gic_initialise(void);

/* Enables a level-sensitive interrupt: the virtual timer's PPI or the UART's SPI. */
void gic_enable(uint32_t intid);

/* Memory the controller occupies, for the memory map. */
struct gic_region {
    uint64_t base;
    uint64_t bytes;
};
extern const struct gic_region gic_regions[2];

#endif
