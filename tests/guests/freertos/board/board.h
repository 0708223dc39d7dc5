/*
 * From the first instruction to the application.
 */
#ifndef BOARD_H
#define BOARD_H

#include "device_tree.h"

/* What the tree said, for the banner. */
extern struct device_tree_facts machine_facts;

/* Called by start.S with x0 as the loader set it; ends in application_start. */
__attribute__((noreturn)) void board_start(uint64_t device_tree);

/* The application: creates its tasks and starts the scheduler. Never returns. */
__attribute__((noreturn)) void application_start(void);

/* Where the UART's interrupt goes. */
void application_uart_interrupt(void);

#endif
