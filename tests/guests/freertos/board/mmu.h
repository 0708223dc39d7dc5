/*
 * The guest's own translation tables: everything at the address it has, no page both writable and executable.
 */
#ifndef MMU_H
#define MMU_H

#include <stdbool.h>
#include <stdint.h>

/* Builds the map of image, devices and `bytes` of device tree, and turns MMU and caches on. */
void mmu_enable(uint64_t device_tree, uint64_t bytes);

/* Maps the page of an address as device memory, to look at what the machine has there. False if impossible. */
bool mmu_map_probe(uint64_t address);

/* True if a device tree there would share pages with the image. */
bool mmu_overlaps_image(uint64_t address, uint64_t bytes);

#endif
