//! The board's UART: PL011 (Arm DDI 0183 3.3). The firmware has set its clock and line; we enable its FIFOs.

use crate::device::Register;
use crate::mmu::{self, Kind};
use crate::vectors;
use bulkhead_vmm::address::{Pa, Range};
use bulkhead_vmm::lock::lock;
use bulkhead_vmm::tell::{Level, tell};
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use spin::Mutex;
use tock_registers::interfaces::{ReadWriteable, Readable, Writeable};
use tock_registers::{register_bitfields, register_structs};

#[allow(missing_docs, reason = "register_bitfields! cannot document what it makes; names are the manual's")]
mod bits {
    use super::register_bitfields;
    register_bitfields! [u32,
        pub FR [RXFE OFFSET(4) NUMBITS(1) [], TXFF OFFSET(5) NUMBITS(1) [], BUSY OFFSET(3) NUMBITS(1) []],
        pub LCR_H [FEN OFFSET(4) NUMBITS(1) [], WLEN OFFSET(5) NUMBITS(2) [Eight = 3]],
        pub CR [UARTEN OFFSET(0) NUMBITS(1) [], TXE OFFSET(8) NUMBITS(1) [], RXE OFFSET(9) NUMBITS(1) []],
        pub INTERRUPT [RX OFFSET(4) NUMBITS(1) [], TX OFFSET(5) NUMBITS(1) [], RT OFFSET(6) NUMBITS(1) []]
    ];
}
use bits::{CR, FR, INTERRUPT, LCR_H};

register_structs! {
    Registers {
        (0x000 => data: Register),
        (0x004 => _status),
        (0x018 => flag: Register<FR::Register>),
        (0x01c => _divisors),
        (0x02c => line_control: Register<LCR_H::Register>),
        (0x030 => control: Register<CR::Register>),
        (0x034 => _level),
        (0x038 => mask: Register<INTERRUPT::Register>),
        (0x03c => _raw),
        (0x044 => clear: Register<INTERRUPT::Register>),
        (0x048 => @END),
    }
}

/// A PL011 that is mapped.
#[derive(Clone, Copy)]
struct Uart(&'static Registers);

// SAFETY: each access to a register is one load or store of a device; the locks around them keep sequences whole.
unsafe impl Send for Uart {}

/// The board's UART, once it is known.
static UART: Mutex<Option<Uart>> = Mutex::new(None);

/// Where it is, or 0, for those who must not wait for the lock.
static BASE: AtomicU64 = AtomicU64::new(0);

/// Takes the PL011 at `registers` as the board's UART, and maps it. Where nothing answers there is none: that is logged.
pub fn use_pl011(registers: Range<Pa>) {
    let base = registers.start().get();
    mmu::map(base, size_of::<Registers>() as u64, Kind::Device);
    // SAFETY: just mapped as a device, for good; the caller names a PL011.
    let uart = unsafe { &*(base as *const Registers) };
    if !vectors::can_be_read(&raw const uart.flag as u64) {
        return tell(Level::Warn, format_args!("no UART answers at {base:#x}"));
    }
    // DDI 0183 3.3.8: what is on the wire ends first, and the line is set up while the UART is off. Interrupts that
    // firmware used are off and cleared.
    while uart.flag.is_set(FR::BUSY) {
        core::hint::spin_loop();
    }
    uart.control.modify(CR::UARTEN::CLEAR);
    uart.line_control.modify(LCR_H::FEN::SET + LCR_H::WLEN::Eight);
    uart.mask.set(0);
    uart.clear.set(0x7ff);
    uart.control.modify(CR::UARTEN::SET + CR::TXE::SET + CR::RXE::SET);
    BASE.store(base, Ordering::Release);
    *lock(&UART) = Some(Uart(uart));
}

/// Whether a UART is known.
pub fn is_known() -> bool {
    lock(&UART).is_some()
}

fn with<R>(otherwise: R, work: impl FnOnce(&Registers) -> R) -> R {
    lock(&UART).as_ref().map_or(otherwise, |uart| work(uart.0))
}

/// Gives `bytes` to the UART until its FIFO is full; returns how many it took. Without a UART it takes all.
pub fn write(bytes: &[u8]) -> usize {
    with(bytes.len(), |uart| {
        let taken = bytes.iter().take_while(|byte| {
            let room = !uart.flag.is_set(FR::TXFF);
            if room {
                uart.data.set(u32::from(**byte));
            }
            room
        });
        taken.count()
    })
}

/// Lets the UART interrupt when bytes arrive.
pub fn enable_receive_interrupt() {
    with((), |uart| uart.mask.modify(INTERRUPT::RX::SET + INTERRUPT::RT::SET));
}

/// Lets the UART interrupt when its FIFO has room, or no longer.
pub fn transmit_interrupt(wanted: bool) {
    with((), |uart| uart.mask.modify(INTERRUPT::TX.val(u32::from(wanted))));
}

/// The next byte received, if there is one.
pub fn read() -> Option<u8> {
    with(None, |uart| {
        uart.clear.write(INTERRUPT::RX::SET + INTERRUPT::RT::SET);
        (!uart.flag.is_set(FR::RXFE)).then(|| uart.data.get().to_le_bytes()[0])
    })
}

/// Writes `text` for whoever runs before the consoles do: every byte waits for room.
pub fn print(text: &str) {
    with((), |uart| write_polled(uart, text));
}

/// The UART for a core that found an invariant broken: it waits for no lock.
pub struct Emergency;

impl fmt::Write for Emergency {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let base = BASE.load(Ordering::Acquire) as *const Registers;
        // SAFETY: either null, or where `use_pl011` mapped a PL011 for good.
        if let Some(uart) = unsafe { base.as_ref() } {
            write_polled(uart, text);
        }
        Ok(())
    }
}

fn write_polled(uart: &Registers, text: &str) {
    for byte in text.bytes() {
        while uart.flag.is_set(FR::TXFF) {
            core::hint::spin_loop();
        }
        uart.data.set(u32::from(byte));
    }
}
