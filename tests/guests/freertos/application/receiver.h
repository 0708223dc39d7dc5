/*
 * Characters from the UART.
 */
#ifndef RECEIVER_H
#define RECEIVER_H

#include <stdbool.h>

#include "FreeRTOS.h"

void receiver_create(void);

/* Takes the next character, waiting for up to so many ticks. False if none came. */
bool receiver_take(char *character, TickType_t patience);

#endif
