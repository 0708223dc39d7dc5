/*
 * A mebibyte of memory with known contents.
 */
#include "memory_pattern.h"

#define WORDS           (MEMORY_PATTERN_BYTES / sizeof(uint64_t))
#define SEED            UINT64_C(0x9E3779B97F4A7C15)
#define CHECKSUM_PRIME  UINT64_C(0x100000001B3)

static volatile uint64_t area[WORDS] __attribute__((section(".noinit"), aligned(4096)));
static uint64_t expected_checksum;

/* Marsaglia's xorshift (shifts 13, 7, 17): every word differs from its neighbours. */
static uint64_t next(uint64_t value)
{
    value ^= value << 13;
    value ^= value >> 7;
    value ^= value << 17;
    return value;
}

static uint64_t fold(uint64_t checksum, uint64_t word)
{
    return (checksum ^ word) * CHECKSUM_PRIME;
}

void memory_pattern_fill(void)
{
    uint64_t word = SEED;

    for (uint64_t i = 0; i < WORDS; i++) {
        word = next(word);
        area[i] = word;
        expected_checksum = fold(expected_checksum, word);
    }
}

uint64_t memory_pattern_address(void)
{
    return (uint64_t)area;
}

struct memory_verdict memory_pattern_check(void)
{
    struct memory_verdict verdict = { .expected = expected_checksum };
    uint64_t word = SEED;

    for (uint64_t i = 0; i < WORDS; i++) {
        uint64_t found = area[i];
        word = next(word);
        verdict.checksum = fold(verdict.checksum, found);
        if (found != word && verdict.first_difference == 0) {
            verdict.first_difference = (uint64_t)&area[i];
        }
    }
    verdict.intact = verdict.first_difference == 0 && verdict.checksum == expected_checksum;
    return verdict;
}
