/*
 * The PL011 UART (Arm DDI 0183).
 */
#ifndef UART_H
#define UART_H

#include <stdbool.h>
#include <stdint.h>

/* Sets 115200 8N1 with FIFOs. Transmission works from here on; nothing is received yet. */
void uart_initialise(void);

/* Number of characters that may be written now without looking again, 0 to 16. Never waits. */
unsigned uart_transmit_room(void);

/* Hands one character over; uart_transmit_room must have allowed it. */
void uart_write(char character);

/* Waits for the transmit FIFO. For start-up and the exception report only. */
void uart_write_polled(const char *text);

/* Takes one received character if there is one. */
bool uart_try_read(char *character);

/* Number of times the receive FIFO ran over, as told by uart_try_read. */
uint64_t uart_overruns(void);

/* Lets the UART raise its interrupt while received characters wait, or keeps it silent. */
void uart_receive_interrupt(bool enabled);

#endif
