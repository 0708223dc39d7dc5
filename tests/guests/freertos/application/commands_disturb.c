/*
 * The commands that disturb, to show that it is noticed.
 */
#include "commands.h"
#include "console.h"
#include "control.h"
#include "format.h"
#include "mmu.h"
#include "psci.h"
#include "registers.h"
#include "string.h"
#include "tasks.h"

#define HOLD_PERIODS_MAX 10000

bool run_delay(unsigned count, char **words)
{
    uint64_t periods;

    if (count != 2 || !parse_number(words[1], &periods) || periods == 0 || periods > HOLD_PERIODS_MAX) {
        return false;
    }
    control_hold(periods);
    return true;
}

/* Only those tasks whose standstill the watchdog is to notice, and which hold no lock. */
bool run_suspend(unsigned count, char **words)
{
    TaskHandle_t task = count == 2 ? task_by_name(words[1]) : NULL;
    bool allowed = task != NULL && (task == task_on_stack(STACK_CONTROL) || task == task_on_stack(STACK_CONSUMER) ||
                                    task == task_on_stack(STACK_PRODUCER));

    if (!allowed) {
        return false;
    }
    if (strcmp(words[0], "suspend") == 0) {
        vTaskSuspend(task);
    } else {
        vTaskResume(task);
    }
    return true;
}

bool run_poweroff(unsigned count, char **words)
{
    (void)count;
    (void)words;
    console_print("poweroff: refused with %d", psci_system_off());
    return true;
}

bool run_reset(unsigned count, char **words)
{
    (void)count;
    (void)words;
    console_print("reset: refused with %d", psci_system_reset());
    return true;
}

bool run_undef(unsigned count, char **words)
{
    (void)count;
    (void)words;
    __asm__ volatile("udf #0");
    return true;
}

/* With frames far smaller than a guard page, so that none can step over it. */
__attribute__((noinline)) static uint64_t descend(uint64_t depth)
{
    volatile uint8_t frame[512];

    frame[0] = (uint8_t)depth;
    return depth == 0 ? frame[0] : descend(depth - 1) + frame[0];
}

bool run_overflow(unsigned count, char **words)
{
    (void)count;
    (void)words;
    console_print("overflow: survived with %u", descend(2 * STACK_BYTES / 512));
    return true;
}

bool run_touch(unsigned count, char **words)
{
    uint64_t address;
    uint64_t value;

    if (count < 2 || count > 3 || !parse_number(words[1], &address) || (address & 3) != 0) {
        return false;
    }
    if (count == 3 && (!parse_number(words[2], &value) || value > UINT32_MAX)) {
        return false;
    }
    /* `touch` keeps to the guest's own map; `probe` reaches whatever the machine has at that address. */
    if (strcmp(words[0], "probe") == 0 && !mmu_map_probe(address)) {
        console_print("probe: cannot be mapped");
        return true;
    }
    if (count == 3) {
        write32(address, (uint32_t)value);
    }
    console_print("0x%x: 0x%08x", address, (uint64_t)read32(address));
    return true;
}
