/*
 * A producer and a consumer with a queue between them.
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <stdint.h>

struct pipeline_statistics {
    uint64_t received;
    uint64_t errors;        /* items out of sequence */
    uint64_t last_expected; /* of the last error */
    uint64_t last_received;
};

void pipeline_create(void);
struct pipeline_statistics pipeline_statistics(void);

#endif
