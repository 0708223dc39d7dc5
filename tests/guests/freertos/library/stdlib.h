/*
 * FreeRTOS includes this header and, without a heap, uses nothing of it.
 */
#ifndef STDLIB_H
#define STDLIB_H

#include <stddef.h>

#endif
