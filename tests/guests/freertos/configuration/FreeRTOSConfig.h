/*
 * The kernel's configuration for this guest. Everything is allocated statically: there is no heap.
 */
#ifndef FREERTOS_CONFIG_H
#define FREERTOS_CONFIG_H

#include "exception.h"
#include "machine.h"
#include "timer.h"

/* Scheduling. The tick comes from the virtual timer, see board/timer.c. */
#define configUSE_PREEMPTION                    1
#define configUSE_TIME_SLICING                  1
#define configTICK_RATE_HZ                      1000
#define configTICK_TYPE_WIDTH_IN_BITS           TICK_TYPE_WIDTH_64_BITS
#define configMAX_PRIORITIES                    8
#define configMINIMAL_STACK_SIZE                512 /* 64-bit words */
#define configMAX_TASK_NAME_LEN                 16
#define configIDLE_SHOULD_YIELD                 1
#define configUSE_PORT_OPTIMISED_TASK_SELECTION 1
#define configSETUP_TICK_INTERRUPT()            timer_start()
#define configCLEAR_TICK_INTERRUPT()            timer_advance()

/* Memory. Guard pages stand below every stack (board/stacks.h), so the kernel need not look for overflows. */
#define configSUPPORT_STATIC_ALLOCATION         1
#define configSUPPORT_DYNAMIC_ALLOCATION        0
#define configCHECK_FOR_STACK_OVERFLOW          0

/*
 * Floating point: tasks start without a context and ask for one (application/floating.c). All other code,
 * interrupt handlers included, is compiled with -mgeneral-regs-only, as the port saves no floating-point
 * registers on an interrupt.
 */
#define configUSE_TASK_FPU_SUPPORT              1

/*
 * Interrupt priorities. A virtual CPU interface has at least 5 bits of priority (GICv2 IHI 0048B GICH_VTR,
 * GICv3 IHI 0069 ICH_VTR_EL2.PRIbits), so 32 levels hold everywhere. The ports demand a mask in the lower half.
 */
#define configINTERRUPT_CONTROLLER_BASE_ADDRESS         GIC_DISTRIBUTOR_BASE
#define configINTERRUPT_CONTROLLER_CPU_INTERFACE_OFFSET (GIC_CPU_INTERFACE_BASE - GIC_DISTRIBUTOR_BASE)
#define configUNIQUE_INTERRUPT_PRIORITIES               32
#define configMAX_API_CALL_INTERRUPT_PRIORITY           18

/* What is built in. */
#define configUSE_IDLE_HOOK                     1
#define configUSE_TICK_HOOK                     0
#define configUSE_MUTEXES                       1
#define configUSE_TASK_NOTIFICATIONS            1
#define configUSE_TRACE_FACILITY                1
#define configUSE_TIMERS                        0
#define configUSE_CO_ROUTINES                   0
#define INCLUDE_vTaskDelay                      1
#define INCLUDE_vTaskSuspend                    1
#define INCLUDE_xTaskDelayUntil                 1
#define INCLUDE_eTaskGetState                   1
#define INCLUDE_xTaskGetSchedulerState          1
#define INCLUDE_uxTaskGetStackHighWaterMark     1
#define INCLUDE_xTaskGetIdleTaskHandle          1

/* Run time per task, in ticks of the virtual counter. */
#define configGENERATE_RUN_TIME_STATS           1
#define configRUN_TIME_COUNTER_TYPE             uint64_t
#define portCONFIGURE_TIMER_FOR_RUN_TIME_STATS()
#define portGET_RUN_TIME_COUNTER_VALUE()        timer_count()

#define configASSERT(condition) \
    do { if (!(condition)) { assertion_failed(#condition, __FILE__, __LINE__); } } while (0)

#endif
