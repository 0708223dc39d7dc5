/*
 * A PID controller and the thing it controls, in integers, so that every run computes the same.
 */
#ifndef PLANT_H
#define PLANT_H

#include <stdint.h>

/* All values are fixed point with 16 fractional bits. Starts as all zero. */
struct plant {
    int64_t position;
    int64_t velocity;
    int64_t error_sum;
    int64_t last_error;
    uint64_t checksum;
};

/* One period of control. The state after period k depends on k alone. */
void plant_step(struct plant *plant, uint64_t period);

#endif
