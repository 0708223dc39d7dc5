/*
 * A mebibyte of memory with known contents, to see whether anyone else wrote to it.
 */
#ifndef MEMORY_PATTERN_H
#define MEMORY_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_PATTERN_BYTES 0x100000

struct memory_verdict {
    bool intact;
    uint64_t checksum;          /* of what is there now */
    uint64_t expected;          /* as computed when it was filled */
    uint64_t first_difference;  /* address of the first 64-bit word that differs; 0 if intact */
};

void memory_pattern_fill(void);
uint64_t memory_pattern_address(void);
struct memory_verdict memory_pattern_check(void);

#endif
