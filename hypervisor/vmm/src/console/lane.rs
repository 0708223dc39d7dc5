//! What the multiplexer keeps of one port.

use crate::tell;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::port::{Kind, Port, Watch};
use super::segment::{MARK_CONTINUED, MARK_LINE, MARK_NOTICE, Pen, Segment};
use super::text::Text;

/// Colours of guests' names, by turns, as SGR parameters (ECMA-48 8.3.117).
const GUEST_COLOURS: [u8; 10] = [36, 32, 33, 35, 34, 96, 92, 93, 95, 94];
const MONITOR_COLOUR: u8 = 97;
const LOG_COLOUR: u8 = 90;

/// The way of one port's output to the wire.
#[derive(Debug)]
pub(super) struct Lane {
    kind: Kind,
    name: String,
    /// What the port's segments begin with.
    prefix: String,
    text: Text,
    segment: Segment,
    /// Bytes printed when the multiplexer last looked, and when that number was new.
    printed: u64,
    since: u64,
}

/// Whether a port has something to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// Nothing.
    Empty,
    /// A part of a line that is to rest until the time given.
    Resting(u64),
    /// Something to print now.
    Ready,
}

impl Lane {
    /// The lane of `port`, without a prefix.
    pub fn new(port: &Port) -> Self {
        let (name, prefix) = (String::from(port.name()), String::new());
        let segment = Segment::new(MARK_LINE, MARK_CONTINUED);
        Self { kind: port.kind(), name, prefix, text: Text::default(), segment, printed: 0, since: 0 }
    }

    /// Gives the `index`th lane its prefix: the name in colour, padded to `width`.
    pub fn colour(&mut self, index: usize, width: usize) {
        let colour = match self.kind {
            Kind::Guest => GUEST_COLOURS.get(index % GUEST_COLOURS.len()).copied().unwrap_or(MONITOR_COLOUR),
            Kind::Monitor => MONITOR_COLOUR,
            Kind::Log => LOG_COLOUR,
        };
        self.prefix = tell::text(format_args!("\x1b[0;{}m{:width$}\x1b[0m", usize::from(colour), self.name));
    }

    /// The port's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whose lane it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the port's segments begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether the cursor is in the port's line.
    pub fn is_open(&self) -> bool {
        self.segment.is_open()
    }

    /// Looks at the port at the time `now`. `eager`: a part of a line need not rest. A part that is not printed
    /// for `flush_after` has rested.
    pub fn look(&mut self, port: &mut Port, eager: bool, now: u64, flush_after: u64) -> Readiness {
        if port.queued() == 0 && !port.has_unreported() {
            port.watch(Watch::Byte);
            return Readiness::Empty;
        }
        if port.counters().printed != self.printed {
            self.printed = port.counters().printed;
            self.since = now;
        }
        let rested = self.since.saturating_add(flush_after);
        if port.has_line() || port.has_unreported() || eager || rested <= now {
            port.watch(Watch::Nothing);
            return Readiness::Ready;
        }
        port.watch(Watch::Line);
        Readiness::Resting(rested)
    }

    /// Sends one byte of the port's output.
    pub fn put(&mut self, byte: u8, answerable: bool, wire: &mut Vec<u8>) {
        let mut pen = Pen { segment: &mut self.segment, prefix: &self.prefix, wire };
        self.text.push(byte, answerable, &mut pen);
    }

    /// Leaves the port's line, if the cursor is in it.
    pub fn interrupt(&mut self, wire: &mut Vec<u8>) {
        Pen { segment: &mut self.segment, prefix: &self.prefix, wire }.interrupt();
        self.text.restart_column();
    }

    /// Says that `count` bytes are missing here. The line they belonged to ends.
    pub fn put_loss(&mut self, count: u64, wire: &mut Vec<u8>) {
        Pen { segment: &mut self.segment, prefix: &self.prefix, wire }.finish();
        self.text = Text::default();
        self.put_notice(format_args!("{count} bytes were lost here"), wire);
    }

    /// Sends a line of the multiplexer's own about the port. The cursor must not be in a line.
    pub fn put_notice(&self, text: fmt::Arguments<'_>, wire: &mut Vec<u8>) {
        let mut pen = Pen { segment: &mut Segment::new(MARK_NOTICE, MARK_NOTICE), prefix: &self.prefix, wire };
        pen.put(tell::text(text).as_bytes(), true);
        pen.put_end();
    }
}
