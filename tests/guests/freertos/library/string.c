/*
 * Byte-wise and simple: nothing here is on the control loop's path. Compiled with
 * -fno-tree-loop-distribute-patterns, or the compiler would turn these loops into calls of themselves.
 */
#include "string.h"

void *memcpy(void *destination, const void *source, size_t bytes)
{
    unsigned char *to = destination;
    const unsigned char *from = source;

    while (bytes-- > 0) {
        *to++ = *from++;
    }
    return destination;
}

void *memmove(void *destination, const void *source, size_t bytes)
{
    unsigned char *to = destination;
    const unsigned char *from = source;

    if (to <= from) {
        return memcpy(destination, source, bytes);
    }
    while (bytes-- > 0) {
        to[bytes] = from[bytes];
    }
    return destination;
}

void *memset(void *destination, int value, size_t bytes)
{
    unsigned char *to = destination;

    while (bytes-- > 0) {
        *to++ = (unsigned char)value;
    }
    return destination;
}

int memcmp(const void *left, const void *right, size_t bytes)
{
    const unsigned char *a = left;
    const unsigned char *b = right;

    for (; bytes > 0; bytes--, a++, b++) {
        if (*a != *b) {
            return *a - *b;
        }
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0') {
        length++;
    }
    return length;
}

int strcmp(const char *left, const char *right)
{
    while (*left != '\0' && *left == *right) {
        left++;
        right++;
    }
    return (unsigned char)*left - (unsigned char)*right;
}
