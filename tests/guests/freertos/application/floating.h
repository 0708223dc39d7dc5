/*
 * Two tasks that keep numbers in floating-point registers while others run.
 */
#ifndef FLOATING_H
#define FLOATING_H

#include <stdint.h>

struct floating_statistics {
    uint64_t rounds;        /* of both tasks */
    uint64_t mismatches;    /* rounds that did not repeat the first round's result to the bit */
};

void floating_create(void);
struct floating_statistics floating_statistics(void);

#endif
