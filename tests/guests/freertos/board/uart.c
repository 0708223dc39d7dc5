/*
 * The PL011 UART. Register offsets and bits: PL011 Technical Reference Manual, Arm DDI 0183, chapter 3.3.
 */
#include "uart.h"

#include "machine.h"
#include "registers.h"

#define UARTDR      (UART_BASE + 0x000)
#define UARTFR      (UART_BASE + 0x018)
#define UARTIBRD    (UART_BASE + 0x024)
#define UARTFBRD    (UART_BASE + 0x028)
#define UARTLCR_H   (UART_BASE + 0x02C)
#define UARTCR      (UART_BASE + 0x030)
#define UARTIMSC    (UART_BASE + 0x038)
#define UARTICR     (UART_BASE + 0x044)

#define UARTDR_ERRORS       0x700u /* framing, parity, break; after an overrun (bit 11) the character is good */
#define UARTFR_RXFE         (1u << 4)
#define UARTFR_TXFF         (1u << 5)
#define UARTFR_TXFE         (1u << 7)
#define UARTLCR_H_FEN       (1u << 4)
#define UARTLCR_H_8_BITS    (3u << 5)
#define UARTCR_ENABLE       (1u << 0)
#define UARTCR_TRANSMIT     (1u << 8)
#define UARTCR_RECEIVE      (1u << 9)
#define UARTIMSC_RECEIVE    ((1u << 4) | (1u << 6)) /* FIFO level, and time-out below that level */
#define ALL_INTERRUPTS      0x7FFu

/* 24 MHz / (16 * 115200) = 13 + 1/64 (the virt board's clock; an emulated UART ignores it). */
#define DIVISOR_INTEGER     13
#define DIVISOR_FRACTION    1

#define FIFO_CHARACTERS     16 /* up to r1p4; later ones hold 32 */

static uint64_t overruns;

void uart_initialise(void)
{
    write32(UARTCR, 0);
    write32(UARTIMSC, 0);
    write32(UARTICR, ALL_INTERRUPTS);
    write32(UARTIBRD, DIVISOR_INTEGER);
    write32(UARTFBRD, DIVISOR_FRACTION);
    write32(UARTLCR_H, UARTLCR_H_8_BITS | UARTLCR_H_FEN);
    write32(UARTCR, UARTCR_ENABLE | UARTCR_TRANSMIT | UARTCR_RECEIVE);
}

unsigned uart_transmit_room(void)
{
    uint32_t flags = read32(UARTFR);

    if ((flags & UARTFR_TXFE) != 0) {
        return FIFO_CHARACTERS;
    }
    return (flags & UARTFR_TXFF) != 0 ? 0 : 1;
}

void uart_write(char character)
{
    write32(UARTDR, (uint8_t)character);
}

void uart_write_polled(const char *text)
{
    for (; *text != '\0'; text++) {
        while (uart_transmit_room() == 0) {
        }
        uart_write(*text);
    }
}

bool uart_try_read(char *character)
{
    while ((read32(UARTFR) & UARTFR_RXFE) == 0) {
        uint32_t data = read32(UARTDR);
        overruns += (data >> 11) & 1;
        if ((data & UARTDR_ERRORS) == 0) {
            *character = (char)data;
            return true;
        }
    }
    return false;
}

uint64_t uart_overruns(void) { return overruns; }

void uart_receive_interrupt(bool enabled)
{
    write32(UARTIMSC, enabled ? UARTIMSC_RECEIVE : 0);
}
