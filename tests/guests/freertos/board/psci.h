/*
 * The Power State Coordination Interface (Arm DEN 0022).
 */
#ifndef PSCI_H
#define PSCI_H

#include <stdbool.h>
#include <stdint.h>

/* Chooses the conduit that /psci names in the device tree: SMC, otherwise HVC. */
void psci_use_smc(bool use_smc);

/* PSCI_VERSION (DEN 0022 5.1): major version in bits 31:16, minor in 15:0. */
uint32_t psci_version(void);

/* SYSTEM_OFF and SYSTEM_RESET (DEN 0022 5.1). They return only when the firmware refuses. */
int64_t psci_system_off(void);
int64_t psci_system_reset(void);

#endif
