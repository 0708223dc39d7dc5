//! One console: what its owner has printed, what was typed for it, and what it printed last.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::ring::Ring;

/// A line longer than this many bytes is not waited for.
pub(super) const LONG_LINE: usize = 256;

/// Whose console a port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A guest's. Loses nothing: its UART shows the guest when the queue is full.
    Guest,
    /// The monitor's. Loses nothing: the monitor keeps what does not fit.
    Monitor,
    /// The hypervisor's log. Takes no input, never waits: when the queue is full the oldest line goes, and the
    /// multiplexer says how much is missing.
    Log,
}

/// Bytes in a port's three rings; each is rounded up to a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Printed and not yet on the wire.
    pub transmit: usize,
    /// Typed and not yet read.
    pub input: usize,
    /// Printed last, to show again.
    pub replay: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { transmit: 4096, input: 256, replay: 2048 }
    }
}

/// What went through a port since it was made, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Printed by the owner and taken.
    pub printed: u64,
    /// Printed and dropped for want of room: by a log only.
    pub dropped: u64,
    /// Typed for the owner and taken.
    pub typed: u64,
    /// Typed and dropped, because the owner does not read.
    pub refused: u64,
}

/// What the multiplexer, when it rests, must be woken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watch {
    /// It comes back by itself.
    Nothing,
    /// A byte.
    Byte,
    /// The end of a line, or more than is waited for.
    Line,
}

/// One console.
#[derive(Debug)]
pub struct Port {
    name: String,
    kind: Kind,
    transmit: Ring,
    /// Line feeds in `transmit`.
    line_ends: usize,
    input: Ring,
    replay: Ring,
    counters: Counters,
    /// Bytes dropped that the multiplexer has not reported.
    unreported: u64,
    watch: Watch,
    notice: bool,
    awaited_space: Option<usize>,
}

impl Port {
    /// An empty console. `name` is the prefix of its lines: at most 31 bytes of it are used, and what is not a
    /// printable ASCII character other than space becomes `_`.
    pub fn new(name: &str, kind: Kind, sizes: Sizes) -> Self {
        let mut printable = String::new();
        for byte in name.bytes().take(31) {
            printable.push(if byte.is_ascii_graphic() { char::from(byte) } else { '_' });
        }
        Self {
            name: printable,
            kind,
            transmit: Ring::new(sizes.transmit),
            line_ends: 0,
            input: Ring::new(sizes.input),
            replay: Ring::new(sizes.replay),
            counters: Counters::default(),
            unreported: 0,
            watch: Watch::Byte,
            notice: false,
            awaited_space: None,
        }
    }

    /// The name as it is printed.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whose console it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What went through so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Prints `byte`. False if the queue is full, and then nothing has changed; a log always takes it.
    pub fn push(&mut self, byte: u8) -> bool {
        if self.kind == Kind::Log && self.transmit.free() == 0 {
            self.drop_oldest_line();
        }
        if !self.transmit.push(byte) {
            return false;
        }
        self.counters.printed += 1;
        self.line_ends += usize::from(byte == b'\n');
        if self.is_watched_for(byte) {
            self.watch = Watch::Nothing;
            self.notice = true;
        }
        true
    }

    /// Bytes that [`Self::push`] takes before the queue is full.
    pub fn free(&self) -> usize {
        self.transmit.free()
    }

    /// Bytes printed and not yet on the wire.
    pub fn queued(&self) -> usize {
        self.transmit.len()
    }

    /// Whether the multiplexer's core must be woken, because it rests and would not look at this port in time.
    /// Ask after pushing; the answer is true once until the multiplexer has looked.
    pub fn take_notice(&mut self) -> bool {
        core::mem::take(&mut self.notice)
    }

    /// Asks to be named by [`super::Multiplexer::take_freed`] once there are `free` bytes of room; `None`
    /// takes the wish back.
    pub fn await_space(&mut self, free: Option<usize>) {
        self.awaited_space = free;
    }

    /// The next byte typed for the owner.
    pub fn take_input(&mut self) -> Option<u8> {
        self.input.pop()
    }

    /// Whether a typed byte waits for the owner.
    pub fn has_input(&self) -> bool {
        self.input.len() > 0
    }

    /// Types `byte`. False if the owner has left the queue full: the byte is dropped and counted.
    pub fn push_input(&mut self, byte: u8) -> bool {
        let taken = self.kind != Kind::Log && self.input.push(byte);
        let counter = if taken { &mut self.counters.typed } else { &mut self.counters.refused };
        *counter += 1;
        taken
    }

    /// The last output that is on the wire, and where in it the first whole line begins, or the part of a line if there
    /// is only that.
    pub(super) fn replay(&self) -> (Vec<u8>, usize) {
        let last = self.replay.to_vec();
        let cut = if self.replay.free() == 0 { last.iter().position(|byte| *byte == b'\n') } else { None };
        (last, cut.map_or(0, |end| end + 1))
    }

    /// The next byte for the wire.
    pub(crate) fn take_printed(&mut self) -> Option<u8> {
        let byte = self.transmit.pop()?;
        self.line_ends -= usize::from(byte == b'\n');
        self.replay.push_over(byte);
        Some(byte)
    }

    /// Whether a line can be printed that nobody needs to wait for: a whole one, or more than is waited for.
    pub(super) fn has_line(&self) -> bool {
        self.line_ends > 0 || self.transmit.len() >= LONG_LINE || self.transmit.free() == 0
    }

    /// Bytes dropped since this was last asked.
    pub(super) fn take_unreported(&mut self) -> u64 {
        core::mem::take(&mut self.unreported)
    }

    pub(super) fn has_unreported(&self) -> bool {
        self.unreported > 0
    }

    pub(super) fn watch(&mut self, watch: Watch) {
        self.watch = watch;
        self.notice = false;
    }

    /// Whether the room that the owner waits for is there; true once.
    pub(super) fn take_space(&mut self) -> bool {
        let there = self.awaited_space.is_some_and(|free| free <= self.transmit.free());
        if there {
            self.awaited_space = None;
        }
        there
    }

    fn is_watched_for(&self, byte: u8) -> bool {
        match self.watch {
            Watch::Nothing => false,
            Watch::Byte => true,
            Watch::Line => byte == b'\n' || self.has_line(),
        }
    }

    fn drop_oldest_line(&mut self) {
        while let Some(byte) = self.transmit.pop() {
            self.unreported += 1;
            self.counters.dropped += 1;
            if byte == b'\n' {
                self.line_ends -= 1;
                return;
            }
        }
    }
}

impl fmt::Write for Port {
    /// Prints `text`.
    ///
    /// # Errors
    ///
    /// The queue became full, and only the beginning of `text` is in it. Never for a log.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.bytes().all(|byte| self.push(byte)) { Ok(()) } else { Err(fmt::Error) }
    }
}
