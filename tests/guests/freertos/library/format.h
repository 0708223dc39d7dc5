/*
 * Text from numbers and back.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes at most `size` - 1 characters and a closing zero; returns the number of characters written.
 * Understands %s (const char *), %c, %u (uint64_t), %d (int64_t), %x (uint64_t, without 0x), each but %c with
 * an optional width: zeros before %x when it starts with 0, otherwise spaces behind %s and before numbers.
 * Every number must be passed as a 64-bit value.
 */
size_t format(char *buffer, size_t size, const char *pattern, ...);
size_t format_arguments(char *buffer, size_t size, const char *pattern, va_list arguments);

/* Reads a whole word as a number, decimal or hexadecimal with 0x. False if it is none or exceeds 64 bits. */
bool parse_number(const char *word, uint64_t *value);

#endif
