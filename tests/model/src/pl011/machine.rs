//! A machine with two guests and a housekeeping core that owns the physical UART. Everything sleeps until it is
//! woken: if a wake-up is missing anywhere, the machine stands still with work left.

use bulkhead_vmm::console::{InputAction, Kind, Multiplexer, Port, Serial, Settings, Sizes, split};
use bulkhead_vmm::device::pl011::Pl011;
use spin::Mutex;

use super::driver::{Driver, Habit};
use crate::random::Random;

/// A driver's way to its UART: 32-bit accesses.
pub trait Bus {
    /// Reads a register.
    fn read(&mut self, offset: u64) -> u64;
    /// Writes a register.
    fn write(&mut self, offset: u64, value: u64);
}

const GUESTS: [&str; 2] = ["one", "another"];

/// Many times more than any run needs.
const MOST_TURNS: usize = 1_000_000;

/// All but the guests.
struct Board {
    random: Random,
    serials: [Serial; 2],
    /// The levels of their interrupt lines that the guests' interrupt controllers know.
    lines: [bool; 2],
    ports: Vec<Mutex<Port>>,
    multiplexer: Multiplexer,
    now: u64,
    awake: bool,
    wire: Vec<u8>,
}

/// One guest's UART on the board.
struct Wiring<'a> {
    board: &'a mut Board,
    guest: usize,
}

impl Bus for Wiring<'_> {
    fn read(&mut self, offset: u64) -> u64 {
        self.board.sometimes_housekeep();
        let Board { serials, ports, .. } = &mut *self.board;
        let value = serials[self.guest].access(offset, 4, None, &ports[self.guest]).0;
        self.board.hear_of_change(self.guest);
        value
    }

    fn write(&mut self, offset: u64, value: u64) {
        self.board.sometimes_housekeep();
        let Board { serials, ports, .. } = &mut *self.board;
        self.board.awake |= serials[self.guest].access(offset, 4, Some(value), &ports[self.guest]).1;
        self.board.hear_of_change(self.guest);
    }
}

impl Board {
    fn new(mut random: Random) -> Self {
        let sizes = Sizes { transmit: random.pick(&[64, 128, 4096]), input: 16, replay: 64 };
        let ports: Vec<_> = GUESTS.iter().map(|name| Mutex::new(Port::new(name, Kind::Guest, sizes))).collect();
        let settings = Settings { escape: Settings::DEFAULT_ESCAPE, flush_after: 50 };
        let multiplexer = Multiplexer::new(&ports, settings);
        let serials = [Pl011::new(), Pl011::new()].map(Serial::new);
        Self { random, serials, lines: [false; 2], ports, multiplexer, now: 0, awake: false, wire: Vec::new() }
    }

    /// The guest's VM hears of room or input.
    fn refresh(&mut self, guest: usize) {
        self.serials[guest].refresh(&mut self.ports[guest].lock());
        self.lines[guest] = self.serials[guest].tell_line();
    }

    /// After an access of the guest its VM hears of the interrupt line only where that has changed.
    fn hear_of_change(&mut self, guest: usize) {
        if self.serials[guest].has_changed_line() {
            self.lines[guest] = self.serials[guest].tell_line();
        }
    }

    fn sometimes_housekeep(&mut self) {
        if self.awake && self.random.one_in(20) {
            self.housekeep();
        }
    }

    /// The physical UART has room for some bytes.
    fn housekeep(&mut self) {
        let mut room = vec![0; 1 + self.random.below(100) as usize];
        let count = self.multiplexer.pull(&self.ports, self.now, &mut room);
        self.wire.extend_from_slice(&room[..count]);
        self.awake = count == room.len();
        let freed = self.multiplexer.take_freed();
        for guest in (0..GUESTS.len()).filter(|guest| freed.contains(*guest)) {
            self.refresh(guest);
        }
    }

    /// Time passes while somebody runs, and the clock wakes the housekeeping core.
    fn pass_time(&mut self) {
        self.now += u64::from(self.random.one_in(4));
        self.awake |= self.multiplexer.deadline().is_some_and(|deadline| deadline <= self.now);
    }

    fn type_byte(&mut self, byte: u8) -> Option<usize> {
        let action = self.multiplexer.input(&self.ports, byte);
        match action {
            InputAction::Delivered(guest) => {
                self.refresh(guest);
                return Some(guest);
            }
            InputAction::Escaped => {}
            InputAction::Focused(_) | InputAction::Answered => self.awake = true,
            InputAction::Refused(_) | InputAction::Unwanted => {}
        }
        None
    }
}

/// What happened in a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Bytes that guests printed.
    pub printed: usize,
    /// Bytes that were typed and read.
    pub typed: usize,
    /// Interrupts taken.
    pub interrupts: usize,
}

/// Who can go on.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Guest(usize),
    Housekeeping,
    /// Something comes from outside.
    Event,
}

/// The machine with its guests and its user.
struct Machine {
    board: Board,
    drivers: [Driver; 2],
    printed: [Vec<u8>; 2],
    typed: [Vec<u8>; 2],
    /// Things that are still to come from outside.
    events: usize,
    interrupts: usize,
}

/// Lets two guests print and read as `seed` decides, until everything sleeps.
///
/// # Errors
///
/// Something was lost, doubled or moved, or is left because nothing wakes who must do it.
pub fn run(habits: [Habit; 2], seed: u64) -> Result<Tally, String> {
    let mut machine = Machine::new(habits, seed);
    for _ in 0..MOST_TURNS {
        machine.board.pass_time();
        let turns = machine.turns();
        if !turns.is_empty() {
            let turn = machine.board.random.pick(&turns);
            machine.take(turn);
        } else if let Some(deadline) = machine.board.multiplexer.deadline() {
            machine.board.now = deadline;
        } else {
            return machine.judge();
        }
    }
    Err(format!("somebody waits in vain after {MOST_TURNS} turns"))
}

impl Machine {
    fn new(habits: [Habit; 2], seed: u64) -> Self {
        let mut board = Board::new(Random::new(seed));
        let drivers = [0, 1].map(|guest| Driver::new(habits[guest], &mut Wiring { board: &mut board, guest }));
        Self { board, drivers, printed: Default::default(), typed: Default::default(), events: 40, interrupts: 0 }
    }

    fn turns(&self) -> Vec<Turn> {
        let can_run = |guest: &usize| self.drivers[*guest].is_runnable() || self.board.lines[*guest];
        let guests = (0..GUESTS.len()).filter(can_run).map(Turn::Guest);
        let housekeeping = self.board.awake.then_some(Turn::Housekeeping);
        guests.chain(housekeeping).chain((self.events > 0).then_some(Turn::Event)).collect()
    }

    fn take(&mut self, turn: Turn) {
        match turn {
            Turn::Guest(guest) => self.run_guest(guest),
            Turn::Housekeeping => self.board.housekeep(),
            Turn::Event => self.meet_event(),
        }
    }

    fn run_guest(&mut self, guest: usize) {
        let interrupted = self.board.lines[guest];
        let bus = &mut Wiring { board: &mut self.board, guest };
        if interrupted {
            self.interrupts += 1;
            self.drivers[guest].interrupted(bus);
        } else {
            self.drivers[guest].run(bus);
        }
    }

    /// A guest has more to print, time passes, or somebody types.
    fn meet_event(&mut self) {
        self.events -= 1;
        match self.board.random.below(4) {
            0 | 1 => self.print(),
            2 => self.board.now += self.board.random.below(40),
            _ => self.type_keys(),
        }
    }

    fn print(&mut self) {
        let random = &mut self.board.random;
        let guest = random.below(GUESTS.len() as u64) as usize;
        for _ in 0..random.pick(&[1, 5, 80, 300]) {
            let byte = if random.one_in(30) { b'\n' } else { b'a' + random.byte() % 26 };
            self.drivers[guest].output.push_back(byte);
            self.printed[guest].push(byte);
        }
    }

    fn type_keys(&mut self) {
        for _ in 0..self.board.random.pick(&[1, 3, 40]) {
            let byte = b'A' + self.board.random.byte() % 26;
            if let Some(guest) = self.board.type_byte(byte) {
                self.typed[guest].push(byte);
            }
        }
        if self.board.random.one_in(3) {
            self.board.type_byte(Settings::DEFAULT_ESCAPE);
            let key = self.board.random.pick(b"12n?");
            self.board.type_byte(key);
        }
    }

    fn judge(&self) -> Result<Tally, String> {
        let shown = split(&self.board.wire);
        for (guest, name) in GUESTS.iter().enumerate() {
            same(&format!("{name}, printed"), shown.get(*name).map_or(&[], Vec::as_slice), &self.printed[guest])?;
            same(&format!("{name}, typed"), &self.drivers[guest].input, &self.typed[guest])?;
            same(
                &format!("{name}, lost by its UART"),
                &[],
                &vec![0; self.board.serials[guest].uart().lost() as usize],
            )?;
        }
        Ok(Tally {
            printed: self.printed.iter().map(Vec::len).sum(),
            typed: self.typed.iter().map(Vec::len).sum(),
            interrupts: self.interrupts,
        })
    }
}

fn same(what: &str, found: &[u8], expected: &[u8]) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let place = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    Err(format!("{what}: {} of {} bytes, different from byte {place} on", found.len(), expected.len()))
}
