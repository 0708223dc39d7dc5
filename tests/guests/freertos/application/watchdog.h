/*
 * Watches the others and says so when one stops or errs.
 */
#ifndef WATCHDOG_H
#define WATCHDOG_H

void watchdog_create(void);

#endif
