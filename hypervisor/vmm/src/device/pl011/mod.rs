//! A virtual UART: Arm PrimeCell PL011, revision r1p5 (Arm DDI 0183).
//!
//! The far end of the line is a console port of the hypervisor, which differs from a wire in three ways:
//!
//! - It is as fast as there is room. A byte leaves the transmit FIFO when it is written, as long as the port
//!   has room; [`Pl011::set_transmit_space`] says how much. The last places of the port's queue, as many as the
//!   FIFO is deep, stand for the FIFO: when they fill up the guest sees its FIFO fill up, so a driver that
//!   trusts `TXFF` or the transmit interrupt loses nothing. What is written to a full FIFO is lost, as in
//!   hardware, and counted.
//! - It never sends faster than the guest reads: [`Pl011::receive`] refuses a byte when the FIFO is full, and
//!   the byte waits in the port. Overruns happen in loopback only; framing, parity and break errors never.
//! - It takes no time. The receive timeout (32 bit periods without a character) elapses at once, so
//!   `UARTRTINTR` is raised with every character. Because a driver may clear the interrupt just after a
//!   character that it has not noticed, when the hardware's timeout would still be running, one clear per
//!   arrival leaves it raised.
//!
//! Two more differences help guests that rely on what firmware leaves behind, as on QEMU's `virt` board:
//! `UARTEN`, `TXE` and `WLEN` hold nothing back (early consoles write with all of them unset), and the modem
//! inputs CTS, DSR and DCD are asserted. The baud rate and IrDA settings are kept and have no effect; there
//! is no DMA controller to ask. Registers for integration test (chapter 4) read as zero and ignore writes.

mod interrupt;
mod register;
mod state;
#[cfg(test)]
mod tests;

use self::register as offset;
use self::register::{Control, Flag, Interrupt, LineControl, ReceiveStatus};
pub use self::state::{FIFO_DEPTH, State};

/// Bytes of the register window.
pub const SIZE: u64 = 0x1000;

/// A virtual PL011.
#[derive(Clone, Debug)]
pub struct Pl011 {
    state: State,
    /// Bytes that the far end takes now.
    transmit_space: usize,
}

impl Default for Pl011 {
    fn default() -> Self {
        Self::new()
    }
}

impl Pl011 {
    /// A UART as after reset, with an empty transmit FIFO.
    pub fn new() -> Self {
        Self { state: State::default(), transmit_space: FIFO_DEPTH }
    }

    /// The UART that was saved as `state`, wherever that is from; `None` if no PL011 can be in it.
    pub fn restore(state: State) -> Option<Self> {
        (state.is_possible() && state.transmit_level <= state.fifo_depth()).then(|| Self::adopt(state))
    }

    /// The UART that was saved as `state` a moment ago.
    pub fn adopt(state: State) -> Self {
        let transmit_space = state.fifo_depth().saturating_sub(state.transmit_level);
        Self { state, transmit_space }
    }

    /// The whole state, from which [`Self::restore`] makes an equal UART.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Reads `size` bytes (1, 2, 4 or 8) at `offset` bytes from the UART's base. Reading may change the UART.
    ///
    /// The registers stand 4 bytes apart. A narrow read takes the register's bytes from `offset` on; a read of
    /// 8 bytes is two reads of 4.
    #[inline(always)]
    pub fn read(&mut self, offset: u64, size: u8) -> u64 {
        let word = offset & !3;
        let mut value = u64::from(self.read_register(word));
        if size > 4 {
            value |= u64::from(self.read_register(word.wrapping_add(4))) << 32;
        }
        value >> (8 * (offset & 3)) & ones(size)
    }

    /// Writes the low `size` bytes (1, 2, 4 or 8) of `value` at `offset` bytes from the UART's base. The byte
    /// returned, if any, is transmitted: the far end must take it.
    ///
    /// The peripheral bus has no byte strobes, so a narrow write sets the whole register, zero-extended; a
    /// write that does not begin at a register is ignored, and one of 8 bytes is two of 4.
    pub fn write(&mut self, offset: u64, size: u8, value: u64) -> Option<u8> {
        if offset & 3 != 0 {
            return None;
        }
        let value = value & ones(size);
        let sent = self.write_register(offset, (value & 0xffff_ffff) as u32);
        if size <= 4 {
            return sent;
        }
        sent.or(self.write_register(offset.wrapping_add(4), (value >> 32) as u32))
    }

    /// Whether an access at `offset` moves a character: it is that to UARTDR. No other read changes anything.
    pub fn is_data(offset: u64) -> bool {
        offset < offset::RSR_ECR
    }

    /// Whether there is a character in the transmit FIFO: the far end had no room for it.
    pub fn is_transmitting(&self) -> bool {
        self.state.transmit_level > 0
    }

    /// Says that the far end takes `free` more bytes now.
    pub fn set_transmit_space(&mut self, free: usize) {
        // Mostly there is more room than the FIFO needs, and the guest sees no change.
        if self.state.fifo_depth().saturating_sub(free) == self.state.transmit_level {
            self.transmit_space = free;
        } else {
            self.move_transmit_level(free);
        }
    }

    #[inline(never)]
    fn move_transmit_level(&mut self, free: usize) {
        let before = self.levels();
        self.transmit_space = free;
        self.follow(before);
    }

    /// How much transmit space the guest waits for, in bytes: when there is as much, [`Self::set_transmit_space`]
    /// will raise the interrupt. `None` if the guest waits for no interrupt.
    pub fn awaited_transmit_space(&self) -> Option<usize> {
        let waits = Interrupt::TX.is_set(self.state.registers[offset::IMSC]) && !self.transmit_is_low();
        waits.then(|| self.state.fifo_depth() - self.state.transmit_trigger())
    }

    /// Whether [`Self::receive`] would take a byte now.
    pub fn can_receive(&self) -> bool {
        let control = self.state.registers[offset::CR];
        Control::RXE.is_set(control) && !Control::LBE.is_set(control) && !self.state.receive_is_full()
    }

    /// Delivers `byte` from the line. False if the guest cannot take it now: keep it and try again after the
    /// guest's next access.
    pub fn receive(&mut self, byte: u8) -> bool {
        let possible = self.can_receive();
        if possible {
            self.accept(byte);
        }
        possible
    }

    /// Bytes that the guest wrote to a full transmit FIFO.
    pub fn lost(&self) -> u64 {
        self.state.lost
    }

    fn read_register(&mut self, offset: u64) -> u32 {
        match offset {
            offset::FR => self.flags(),
            offset::DR => self.read_data(),
            offset::RSR_ECR => self.state.receive_status,
            offset::PERIPH_ID0.. => identification(offset - offset::PERIPH_ID0),
            _ => match kept(offset) {
                Some(offset::MIS) => self.masked_interrupts(),
                index => index.and_then(|index| self.state.registers.get(index)).copied().unwrap_or(0),
            },
        }
    }

    fn write_register(&mut self, offset: u64, value: u32) -> Option<u8> {
        match offset {
            offset::DR => return self.transmit(value),
            offset::RSR_ECR => self.state.receive_status = 0,
            _ => {
                if let Some(index) = kept(offset) {
                    self.write_kept(index, value);
                }
            }
        }
        None
    }

    fn write_kept(&mut self, index: usize, value: u32) {
        let (levels, modem) = (self.levels(), self.modem());
        let fifos = LineControl::FEN.is_set(self.state.registers[offset::LCR_H]);
        match index {
            offset::ICR => return self.clear_interrupts(value),
            offset::RIS | offset::MIS => return,
            _ => {}
        }
        if let (Some(place), Some(implemented)) = (self.state.registers.get_mut(index), offset::IMPLEMENTED.get(index))
        {
            *place = value & implemented;
        }
        let disabled = fifos && !LineControl::FEN.is_set(self.state.registers[offset::LCR_H]);
        if disabled {
            self.state.received.clear();
        }
        self.follow(levels);
        self.after_modem(modem ^ self.modem());
        if disabled {
            self.after_read();
        }
    }

    #[inline(never)]
    fn read_data(&mut self) -> u32 {
        let before = self.levels();
        let Some(character) = self.state.received.pop_at(0) else { return 0 };
        self.follow(before);
        self.after_read();
        u32::from(character)
    }

    fn transmit(&mut self, value: u32) -> Option<u8> {
        let [byte, ..] = value.to_le_bytes();
        if Control::LBE.is_set(self.state.registers[offset::CR]) {
            self.loop_back(byte);
            return None;
        }
        if self.transmit_space == 0 {
            self.state.lost = self.state.lost.saturating_add(1);
            return None;
        }
        self.set_transmit_space(self.transmit_space - 1);
        self.after_transmit();
        Some(byte)
    }

    #[inline(never)]
    fn loop_back(&mut self, byte: u8) {
        match (Control::RXE.is_set(self.state.registers[offset::CR]), self.state.receive_is_full()) {
            (true, false) => self.accept(byte),
            (true, true) => self.overrun(),
            (false, _) => {}
        }
        self.after_transmit();
    }

    fn overrun(&mut self) {
        self.state.overrun = true;
        self.state.receive_status |= ReceiveStatus::OVERRUN::SET.value;
        self.raise(Interrupt::OE::SET);
    }

    fn accept(&mut self, byte: u8) {
        let overrun = core::mem::take(&mut self.state.overrun);
        let mark = if overrun { State::OVERRUN } else { 0 };
        let before = self.levels();
        if self.state.received.try_push(mark | u16::from(byte)).is_err() {
            return;
        }
        self.follow(before);
        self.after_arrival();
    }

    /// The modem inputs, as bits of UARTFR. In loopback the outputs are looped back too (3.3.8, LBE).
    #[inline(always)]
    fn modem(&self) -> u32 {
        if Control::LBE.is_set(self.state.registers[offset::CR]) {
            return self.looped_modem();
        }
        (Flag::CTS::SET + Flag::DSR::SET + Flag::DCD::SET).value
    }

    #[inline(never)]
    fn looped_modem(&self) -> u32 {
        let control = self.state.registers[offset::CR];
        offset::MODEM.iter().fold(0, |flags, (output, input, _)| flags | input.val(output.read(control)).value)
    }

    fn flags(&self) -> u32 {
        let state = &self.state;
        let transmitting = self.is_transmitting();
        let transmit_full = state.transmit_level >= state.fifo_depth();
        let flags = Flag::BUSY.val(u32::from(transmitting))
            + Flag::TXFE.val(u32::from(!transmitting))
            + Flag::TXFF.val(u32::from(transmit_full))
            + Flag::RXFE.val(u32::from(state.received.is_empty()))
            + Flag::RXFF.val(u32::from(state.receive_is_full()));
        self.modem() | flags.value
    }
}

/// The place of the register at `offset` among those of [`State::registers`].
fn kept(offset: u64) -> Option<usize> {
    let index = usize::try_from(offset.checked_sub(offset::FIRST_KEPT)? / 4).ok()?;
    (index < offset::KEPT).then_some(index)
}

/// A mask of the low `size` bytes.
fn ones(size: u8) -> u64 {
    !u64::MAX.checked_shl(8 * u32::from(size)).unwrap_or(0)
}

/// The identification register at `offset` bytes from the first.
fn identification(offset: u64) -> u32 {
    let index = usize::try_from(offset / 4).unwrap_or(usize::MAX);
    offset::IDENTIFICATION.get(index).map_or(0, |byte| u32::from(*byte))
}
