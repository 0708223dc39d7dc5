/*
 * The Power State Coordination Interface, over the SMC Calling Convention (Arm DEN 0028).
 */
#include "psci.h"

#define PSCI_VERSION        0x84000000
#define PSCI_SYSTEM_OFF     0x84000008
#define PSCI_SYSTEM_RESET   0x84000009

static bool conduit_is_smc;

static int64_t call(uint64_t function)
{
    register uint64_t x0 __asm__("x0") = function;

    /* The callee may change x1 to x17 (DEN 0028, SMC and HVC in AArch64). */
    if (conduit_is_smc) {
        __asm__ volatile("smc #0" : "+r"(x0) : : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10",
                         "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
    } else {
        __asm__ volatile("hvc #0" : "+r"(x0) : : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10",
                         "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
    }
    return (int32_t)x0;
}

void psci_use_smc(bool use_smc) { conduit_is_smc = use_smc; }

uint32_t psci_version(void) { return (uint32_t)call(PSCI_VERSION); }

int64_t psci_system_off(void) { return call(PSCI_SYSTEM_OFF); }

int64_t psci_system_reset(void) { return call(PSCI_SYSTEM_RESET); }
