/*
 * The PL011 UART (Arm DDI 0183).
 */
#ifndef UART_H
#define UART_H

#include <stdbool.h>
#include <stdint.h>

/* Sets 115200 8N1 with FIFOs. Transmission works from here on; nothing is received yet. */
void uart_initialise(void);

/* Hands one character over if the transmit FIFO has room. Never waits. */
bool uart_try_write(char character);

/* Waits for the transmit FIFO. For start-up and the exception report only. */
void uart_write_polled(const char *text);

/* Takes one received character if there is one. */
bool uart_try_read(char *character);

/* Lets the UART raise its interrupt while received characters wait, or keeps it silent. */
void uart_receive_interrupt(bool enabled);

#endif
