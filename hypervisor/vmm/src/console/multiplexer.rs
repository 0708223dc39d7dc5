//! From many ports to one wire, a line at a time.

use crate::lock::lock;
use alloc::vec::Vec;

use spin::Mutex;

use super::lane::{Lane, Readiness};
use super::port::{Kind, LONG_LINE, Port};
use super::words::Words;

/// Bytes made ready for the wire at a time. Few, because what is ready goes out before anything more urgent.
pub(super) const ENOUGH: usize = 128;

/// What the owner of the machine may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The key that makes the next one a command.
    pub escape: u8,
    /// A part of a line of a port without the focus is shown when it has rested for this many ticks.
    pub flush_after: u64,
}

impl Settings {
    /// Control and `]`.
    pub const DEFAULT_ESCAPE: u8 = 0x1d;

    /// The usual settings for a clock of `frequency` Hz: a rest of 50 ms.
    pub fn new(frequency: u64) -> Self {
        Self { escape: Self::DEFAULT_ESCAPE, flush_after: frequency / 20 }
    }
}

/// The most ports that there can be: far more than cores, of which each VM has one or more.
const MOST_PORTS: usize = 64;

/// Some ports, by index below 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortSet(u64);

impl PortSet {
    /// Adds the port of this index.
    pub fn insert(&mut self, index: usize) {
        self.0 |= bit(index);
    }

    /// Members of either set.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the port of this index is a member.
    pub fn contains(self, index: usize) -> bool {
        self.0 & bit(index) != 0
    }

    /// Whether there is no member.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

fn bit(index: usize) -> u64 {
    if index < MOST_PORTS { 1 << index } else { 0 }
}

/// One port's right to the wire.
#[derive(Clone, Copy, Debug)]
struct Turn {
    lane: usize,
    /// Bytes that it may still send.
    left: usize,
}

/// Joins the output of all ports into one stream of lines, and hands what is typed to the port in focus.
///
/// One core owns it; the ports are shared. Their order never changes: the guests', the monitor's, the log's.
#[derive(Debug)]
pub struct Multiplexer {
    pub(super) lanes: Vec<Lane>,
    pub(super) settings: Settings,
    pub(super) focus: Option<usize>,
    pub(super) escaped: bool,
    pub(super) words: Words,
    /// The port whose line the cursor is in.
    open: Option<usize>,
    turn: Option<Turn>,
    /// The port that had the last turn.
    last: usize,
    pub(super) staged: Vec<u8>,
    /// Bytes of `staged` that are on the wire.
    sent: usize,
    deadline: Option<u64>,
    freed: PortSet,
}

impl Multiplexer {
    /// A multiplexer for `ports`. The first guest has the focus, or else the monitor.
    pub fn new(ports: &[Mutex<Port>], settings: Settings) -> Self {
        debug_assert!(ports.len() <= MOST_PORTS, "there are more console ports than a set of them holds");
        let mut lanes = Vec::with_capacity(ports.len());
        let mut width = 0;
        for port in ports {
            let lane = Lane::new(&lock(port));
            width = width.max(lane.name().len());
            lanes.push(lane);
        }
        for (index, lane) in lanes.iter_mut().enumerate() {
            lane.colour(index, width);
        }
        let focus = lanes.iter().position(|lane| lane.kind() != Kind::Log);
        Self {
            focus,
            last: lanes.len().saturating_sub(1),
            lanes,
            settings,
            escaped: false,
            words: Words::default(),
            open: None,
            turn: None,
            staged: Vec::with_capacity(4 * ENOUGH),
            sent: 0,
            deadline: None,
            freed: PortSet::default(),
        }
    }

    /// Fills `out` with the next bytes for the wire at the time `now`, in ticks. Returns how many there are:
    /// less than `out` holds only if nothing more is to be sent now; then call again at [`Self::deadline`], or
    /// when a port has taken notice ([`Port::take_notice`]), or after input.
    pub fn pull(&mut self, ports: &[Mutex<Port>], now: u64, out: &mut [u8]) -> usize {
        self.deadline = None;
        let mut count = 0;
        while let Some(room) = out.get_mut(count..).filter(|room| !room.is_empty()) {
            let taken = self.take_staged(room);
            if taken == 0 && !self.stage(ports, now) {
                break;
            }
            count += taken;
        }
        count
    }

    /// When a resting part of a line is to be shown, in ticks, as [`Self::pull`] last saw it. `None`: no need to
    /// call by the clock.
    pub fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    /// The ports that have now the room that was waited for ([`Port::await_space`]): their owners want to know.
    pub fn take_freed(&mut self) -> PortSet {
        core::mem::take(&mut self.freed)
    }

    /// Moves staged bytes to `room`; returns how many.
    fn take_staged(&mut self, room: &mut [u8]) -> usize {
        let staged = self.staged.get(self.sent..).unwrap_or_default();
        let count = staged.len().min(room.len());
        room.iter_mut().zip(staged).for_each(|(place, byte)| *place = *byte);
        self.sent += count;
        if self.sent == self.staged.len() {
            self.staged.clear();
            self.sent = 0;
        }
        count
    }

    /// Makes more bytes ready, when none are; false if there are none.
    fn stage(&mut self, ports: &[Mutex<Port>], now: u64) -> bool {
        while self.staged.is_empty() {
            if !self.words.is_empty() {
                self.speak(ports);
                continue;
            }
            let Some(turn) = self.turn.take().or_else(|| self.next_turn(ports, now)) else { return false };
            self.turn = self.serve(turn, ports);
        }
        true
    }

    /// The next port by turns that has something to print. If there is none, notes when there will be.
    fn next_turn(&mut self, ports: &[Mutex<Port>], now: u64) -> Option<Turn> {
        let mut deadline = None;
        let mut index = self.last;
        for _ in 0..self.lanes.len() {
            index = self.behind(index);
            let eager = self.focus == Some(index) || self.open == Some(index);
            let (lane, port) = (self.lanes.get_mut(index)?, ports.get(index)?);
            match lane.look(&mut lock(port), eager, now, self.settings.flush_after) {
                Readiness::Empty => {}
                Readiness::Resting(until) => deadline = Some(until.min(deadline.unwrap_or(until))),
                Readiness::Ready => {
                    self.last = index;
                    return Some(Turn { lane: index, left: LONG_LINE });
                }
            }
        }
        self.deadline = deadline;
        None
    }

    /// The index of the port behind the port `index`, by turns.
    pub(super) fn behind(&self, index: usize) -> usize {
        if index + 1 < self.lanes.len() { index + 1 } else { 0 }
    }

    /// Sends some of the port's line; returns what is left of its turn.
    fn serve(&mut self, turn: Turn, ports: &[Mutex<Port>]) -> Option<Turn> {
        if self.open != Some(turn.lane) {
            self.interrupt();
        }
        let lane = self.lanes.get_mut(turn.lane)?;
        let mut port = lock(ports.get(turn.lane)?);
        let lost = port.take_unreported();
        if lost > 0 {
            lane.put_loss(lost, &mut self.staged);
        }
        let answerable = self.focus == Some(turn.lane);
        let enough = ENOUGH.min(turn.left);
        let mut more = true;
        while more && self.staged.len() < enough {
            let byte = port.take_printed();
            if let Some(byte) = byte {
                lane.put(byte, answerable, &mut self.staged);
            }
            more = !matches!(byte, None | Some(b'\n'));
        }
        if port.take_space() {
            self.freed.insert(turn.lane);
        }
        self.open = lane.is_open().then_some(turn.lane);
        let left = turn.left.saturating_sub(self.staged.len());
        (more && left > 0).then_some(Turn { left, ..turn })
    }

    /// Leaves the line that the cursor is in, if any.
    pub(super) fn interrupt(&mut self) {
        if let Some(lane) = self.open.take().and_then(|index| self.lanes.get_mut(index)) {
            lane.interrupt(&mut self.staged);
        }
    }
}
