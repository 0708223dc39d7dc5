//! Offsets and bits of the PL011's registers (Arm DDI 0183 r1p5, chapter 3).

use tock_registers::fields::Field;
use tock_registers::register_bitfields;

/// A modem output, the input that it is looped back to (3.3.8, LBE), and the interrupt of that input.
type ModemSignal = (Field<u32, Control::Register>, Field<u32, Flag::Register>, Field<u32, Interrupt::Register>);

/// The four of them.
pub const MODEM: [ModemSignal; 4] = [
    (Control::RTS, Flag::CTS, Interrupt::CTS),
    (Control::DTR, Flag::DSR, Interrupt::DSR),
    (Control::OUT1, Flag::DCD, Interrupt::DCD),
    (Control::OUT2, Flag::RI, Interrupt::RI),
];

/// Data (3.3.1).
pub const DR: u64 = 0x000;
/// Receive status when read, error clear when written (3.3.2).
pub const RSR_ECR: u64 = 0x004;
/// Flags (3.3.3).
pub const FR: u64 = 0x018;
/// The first of those that a UART keeps as they were written; the others follow, 4 bytes apart.
pub const FIRST_KEPT: u64 = 0x020;
/// How many follow it, with itself: IrDA low-power counter, integer and fractional baud rate divisors, then those
/// below (3.3.4 to 3.3.14).
pub const KEPT: usize = 11;
/// Line control (3.3.7), as all below by its place among those.
pub const LCR_H: usize = 3;
/// Control (3.3.8).
pub const CR: usize = 4;
/// FIFO level select (3.3.9).
pub const IFLS: usize = 5;
/// Interrupt mask set/clear: a bit of 1 lets the interrupt through (3.3.10).
pub const IMSC: usize = 6;
/// Raw interrupt status (3.3.11).
pub const RIS: usize = 7;
/// Masked interrupt status (3.3.12).
pub const MIS: usize = 8;
/// Interrupt clear (3.3.13).
pub const ICR: usize = 9;
/// Their bits that are implemented; the last is DMA control (3.3.14). Of UARTCR, bits 6:3 are reserved.
pub const IMPLEMENTED: [u32; KEPT] = [0xff, 0xffff, 0x3f, 0xff, 0xff87, 0x3f, INTERRUPTS, INTERRUPTS, 0, 0, 0x7];
/// Their values after reset (3.2).
pub const RESET: [u32; KEPT] = [0, 0, 0, 0, 0x300, 0x12, 0, 0, 0, 0, 0];
/// Every interrupt.
pub const INTERRUPTS: u32 = 0x7ff;
/// The first of eight identification registers, a byte each (3.3.15 to 3.3.22).
pub const PERIPH_ID0: u64 = 0xfe0;

/// UARTPeriphID0 to 3, then UARTPCellID0 to 3. Part 0x011, designer 0x41 (Arm), revision 3 (r1p5): by the
/// revision, drivers know that the FIFOs are 32 deep.
pub const IDENTIFICATION: [u8; 8] = [0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

register_bitfields![u32,
    /// UARTRSR.
    pub ReceiveStatus [
        OVERRUN OFFSET(3) NUMBITS(1) []
    ],
    /// UARTFR.
    pub Flag [
        CTS OFFSET(0) NUMBITS(1) [],
        DSR OFFSET(1) NUMBITS(1) [],
        DCD OFFSET(2) NUMBITS(1) [],
        BUSY OFFSET(3) NUMBITS(1) [],
        RXFE OFFSET(4) NUMBITS(1) [],
        TXFF OFFSET(5) NUMBITS(1) [],
        RXFF OFFSET(6) NUMBITS(1) [],
        TXFE OFFSET(7) NUMBITS(1) [],
        RI OFFSET(8) NUMBITS(1) []
    ],
    /// UARTLCR_H.
    pub LineControl [
        BRK OFFSET(0) NUMBITS(1) [],
        PEN OFFSET(1) NUMBITS(1) [],
        EPS OFFSET(2) NUMBITS(1) [],
        STP2 OFFSET(3) NUMBITS(1) [],
        /// FIFOs enabled; if clear, each is one character deep.
        FEN OFFSET(4) NUMBITS(1) [],
        WLEN OFFSET(5) NUMBITS(2) [],
        SPS OFFSET(7) NUMBITS(1) []
    ],
    /// UARTCR.
    pub Control [
        UARTEN OFFSET(0) NUMBITS(1) [],
        SIREN OFFSET(1) NUMBITS(1) [],
        SIRLP OFFSET(2) NUMBITS(1) [],
        /// Loopback: what is transmitted is received, and modem outputs are modem inputs.
        LBE OFFSET(7) NUMBITS(1) [],
        TXE OFFSET(8) NUMBITS(1) [],
        RXE OFFSET(9) NUMBITS(1) [],
        DTR OFFSET(10) NUMBITS(1) [],
        RTS OFFSET(11) NUMBITS(1) [],
        OUT1 OFFSET(12) NUMBITS(1) [],
        OUT2 OFFSET(13) NUMBITS(1) [],
        RTSEN OFFSET(14) NUMBITS(1) [],
        CTSEN OFFSET(15) NUMBITS(1) []
    ],
    /// UARTIFLS: 0 to 4 stand for 1/8, 1/4, 1/2, 3/4 and 7/8 of a FIFO; the rest is reserved.
    pub FifoLevel [
        TXIFLSEL OFFSET(0) NUMBITS(3) [],
        RXIFLSEL OFFSET(3) NUMBITS(3) []
    ],
    /// UARTIMSC, UARTRIS, UARTMIS and UARTICR.
    pub Interrupt [
        RI OFFSET(0) NUMBITS(1) [],
        CTS OFFSET(1) NUMBITS(1) [],
        DCD OFFSET(2) NUMBITS(1) [],
        DSR OFFSET(3) NUMBITS(1) [],
        /// The receive FIFO has reached its trigger level.
        RX OFFSET(4) NUMBITS(1) [],
        /// The transmit FIFO has fallen to its trigger level.
        TX OFFSET(5) NUMBITS(1) [],
        /// Characters wait and no more came for a while.
        RT OFFSET(6) NUMBITS(1) [],
        FE OFFSET(7) NUMBITS(1) [],
        PE OFFSET(8) NUMBITS(1) [],
        BE OFFSET(9) NUMBITS(1) [],
        OE OFFSET(10) NUMBITS(1) []
    ]
];
