/*
 * A PID controller that moves a damped mass between two set points. README.md states the same in formulas, for
 * whoever wants to recompute the checksum elsewhere. Right shifts of negative numbers are arithmetic (GCC).
 */
#include "plant.h"

#define ONE                 (INT64_C(1) << 16)
#define PROPORTIONAL_GAIN   (6 * ONE)
#define INTEGRAL_GAIN       (ONE / 64)
#define DERIVATIVE_GAIN     (96 * ONE)
#define DAMPING             (ONE / 2)
#define DRIVE_LIMIT         (64 * ONE)
#define ERROR_SUM_LIMIT     (1024 * ONE)
#define STEP_SHIFT          6       /* one period is 1/64 of the model's unit of time */
#define SET_POINT_PERIODS   1024
#define SET_POINT_LOW       (1 * ONE)
#define SET_POINT_HIGH      (5 * ONE)
#define CHECKSUM_PRIME      UINT64_C(0x100000001B3) /* FNV-1a's, on whole 64-bit values */

static int64_t multiply(int64_t left, int64_t right) { return (left * right) >> 16; }

static int64_t limit(int64_t value, int64_t bound)
{
    return value > bound ? bound : value < -bound ? -bound : value;
}

static int64_t control(struct plant *plant, uint64_t period)
{
    int64_t set_point = (period / SET_POINT_PERIODS) % 2 == 0 ? SET_POINT_LOW : SET_POINT_HIGH;
    int64_t error = set_point - plant->position;
    int64_t change = error - plant->last_error;

    plant->error_sum = limit(plant->error_sum + error, ERROR_SUM_LIMIT);
    plant->last_error = error;
    return limit(multiply(PROPORTIONAL_GAIN, error) + multiply(INTEGRAL_GAIN, plant->error_sum) +
                     multiply(DERIVATIVE_GAIN, change),
                 DRIVE_LIMIT);
}

void plant_step(struct plant *plant, uint64_t period)
{
    int64_t drive = control(plant, period);

    plant->velocity += (drive - multiply(DAMPING, plant->velocity)) >> STEP_SHIFT;
    plant->position += plant->velocity >> STEP_SHIFT;
    plant->checksum = (plant->checksum ^ (uint64_t)plant->position) * CHECKSUM_PRIME;
    plant->checksum = (plant->checksum ^ (uint64_t)drive) * CHECKSUM_PRIME;
}
