/*
 * What this guest wants to know of the device tree (Devicetree Specification 0.4, chapter 5).
 */
#ifndef DEVICE_TREE_H
#define DEVICE_TREE_H

#include <stdbool.h>
#include <stdint.h>

/* A field is 0 (or null) where the tree says nothing. */
struct device_tree_facts {
    bool present;
    uint64_t memory_base;
    uint64_t memory_bytes;
    uint64_t gic_version;
    uint64_t gic_distributor;
    uint64_t uart;
    bool psci_by_smc;
    const char *model;
    const char *bootargs;
};

/* Bytes the tree occupies, or 0 if there is none at this address. At most DEVICE_TREE_BYTES_MAX count. */
uint64_t device_tree_bytes(uint64_t address);

/* The boot protocol's limit: 2 MiB (Linux Documentation/arch/arm64/booting.rst). */
#define DEVICE_TREE_BYTES_MAX 0x200000

/* Reads the nodes directly below the root. `bytes` as returned above; nothing beyond it is touched. */
struct device_tree_facts device_tree_read(uint64_t address, uint64_t bytes);

#endif
