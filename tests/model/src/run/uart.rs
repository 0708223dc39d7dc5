//! The board's UART: a PL011 (Arm DDI 0183) whose line takes time.

use std::collections::VecDeque;

/// Characters in each FIFO.
const DEPTH: usize = 32;
/// The transmit interrupt is raised when the FIFO comes down to this many characters.
const TRIGGER: usize = DEPTH / 2;
/// Ticks that a character takes on the line.
const CHARACTER: u64 = 3;

/// The UART and what lies at the far end of its line.
#[derive(Debug, Default)]
pub struct Uart {
    transmit: VecDeque<u8>,
    /// When the first character of `transmit` will be gone.
    gone_at: u64,
    transmit_wanted: bool,
    transmit_raised: bool,
    receive: VecDeque<u8>,
    /// Typed, and not yet in the receive FIFO.
    typed: VecDeque<u8>,
    /// Whether nothing leaves the line.
    stuck: bool,
    /// Whether the line takes no time, as an emulated one does.
    instant: bool,
    /// Bytes that such a line took since the core that feeds it last ran a guest, and the most that it ever did.
    pub(super) burst: usize,
    pub(super) longest_burst: usize,
    /// Everything that came out of the line.
    pub(super) sent: Vec<u8>,
}

impl Uart {
    /// Types `bytes` at the far end.
    pub fn type_in(&mut self, bytes: &[u8]) {
        self.typed.extend(bytes);
        self.fill();
    }

    /// Has nothing leave the line any more.
    pub fn stop_sending(&mut self) {
        self.stuck = true;
    }

    /// Has everything leave the line at once from now on.
    pub fn send_at_once(&mut self) {
        (self.stuck, self.instant, self.transmit_raised) = (false, true, true);
        self.sent.extend(self.transmit.drain(..));
    }

    /// Whether everything typed was read.
    pub fn is_read(&self) -> bool {
        self.typed.is_empty() && self.receive.is_empty()
    }

    fn fill(&mut self) {
        while self.receive.len() < DEPTH
            && let Some(byte) = self.typed.pop_front()
        {
            self.receive.push_back(byte);
        }
    }

    pub fn write(&mut self, bytes: &[u8], now: u64) -> usize {
        if self.instant {
            self.sent.extend(bytes);
            self.burst += bytes.len();
            self.longest_burst = self.longest_burst.max(self.burst);
            return bytes.len();
        }
        let taken = bytes.len().min(DEPTH - self.transmit.len());
        if self.transmit.is_empty() {
            self.gone_at = now + CHARACTER;
        }
        self.transmit.extend(&bytes[..taken]);
        self.transmit_raised &= self.transmit.len() <= TRIGGER;
        taken
    }

    pub fn read(&mut self) -> Option<u8> {
        let byte = self.receive.pop_front();
        self.fill();
        byte
    }

    pub fn want_transmit(&mut self, wanted: bool) {
        self.transmit_wanted = wanted;
    }

    /// The level of its interrupt line.
    pub fn line(&self) -> bool {
        !self.receive.is_empty() || (self.transmit_wanted && self.transmit_raised)
    }

    /// Lets time pass.
    pub fn advance(&mut self, now: u64) {
        if self.stuck {
            self.gone_at = now + CHARACTER;
        }
        while self.gone_at <= now
            && let Some(byte) = self.transmit.pop_front()
        {
            self.sent.push(byte);
            self.gone_at += CHARACTER;
            self.transmit_raised |= self.transmit.len() == TRIGGER;
        }
    }

    /// When something will happen by itself.
    pub fn next_event(&self) -> Option<u64> {
        (!self.transmit.is_empty()).then_some(self.gone_at)
    }
}
