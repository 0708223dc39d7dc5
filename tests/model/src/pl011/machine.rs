//! A machine with two guests and a housekeeping core that owns the physical UART. Everything sleeps until it is
//! woken: if a wake-up is missing anywhere, the machine stands still with work left.

use bulkhead_vmm::console::{InputAction, Kind, Multiplexer, Port, Settings, Sizes, attach, split};
use bulkhead_vmm::device::pl011::Pl011;
use spin::Mutex;

use super::driver::{Driver, Habit};
use super::random::Random;

/// A driver's way to its UART: 32-bit accesses.
pub trait Bus {
    /// Reads a register.
    fn read(&mut self, offset: u64) -> u64;
    /// Writes a register.
    fn write(&mut self, offset: u64, value: u64);
}

const GUESTS: [&str; 2] = ["one", "another"];

/// All but the guests.
struct Board {
    random: Random,
    uarts: [Pl011; 2],
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
        self.board.attach(self.guest);
        let value = self.board.uarts[self.guest].read(offset, 4);
        self.board.attach(self.guest);
        value
    }

    fn write(&mut self, offset: u64, value: u64) {
        self.board.sometimes_housekeep();
        self.board.attach(self.guest);
        if let Some(byte) = self.board.uarts[self.guest].write(offset, 4, value) {
            let mut port = self.board.ports[self.guest].lock();
            assert!(port.push(byte), "the UART sent more than the port takes");
            self.board.awake |= port.take_notice();
        }
        self.board.attach(self.guest);
    }
}

impl Board {
    fn attach(&mut self, guest: usize) {
        attach(&mut self.uarts[guest], &mut self.ports[guest].lock());
    }

    fn sometimes_housekeep(&mut self) {
        if self.awake && self.random.one_in(20) {
            self.housekeep();
        }
    }

    /// The physical UART has room for some bytes.
    fn housekeep(&mut self) {
        let mut room = vec![0; 1 + self.random.below(100)];
        let count = self.multiplexer.pull(&self.ports, self.now, &mut room);
        self.wire.extend_from_slice(&room[..count]);
        self.awake = count == room.len();
        let freed = self.multiplexer.take_freed();
        for guest in (0..GUESTS.len()).filter(|guest| freed.contains(*guest)) {
            self.attach(guest);
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
                self.attach(guest);
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

/// Lets two guests with random habits print and read as `seed` decides, until everything sleeps.
///
/// # Errors
///
/// Something was lost, doubled or moved, or is left because nothing wakes who must do it.
pub fn run(habits: [Habit; 2], seed: u64) -> Result<Tally, String> {
    let mut random = Random::new(seed);
    let transmit = random.of(&[64, 128, 4096]);
    let sizes = Sizes { transmit, input: 16, replay: 64 };
    let ports: Vec<_> = GUESTS.iter().map(|name| Mutex::new(Port::new(name, Kind::Guest, sizes))).collect();
    let multiplexer = Multiplexer::new(&ports, Settings { escape: Settings::DEFAULT_ESCAPE, flush_after: 50 });
    let uarts = [Pl011::new(), Pl011::new()];
    let mut board = Board { random, uarts, ports, multiplexer, now: 0, awake: false, wire: Vec::new() };
    let mut drivers = [0, 1].map(|guest| Driver::new(habits[guest], &mut Wiring { board: &mut board, guest }));
    let (mut printed, mut typed) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let mut tally = Tally::default();
    let mut events = 40;
    loop {
        board.pass_time();
        let mut choices = Vec::new();
        for (guest, driver) in drivers.iter().enumerate() {
            if driver.is_runnable() || board.uarts[guest].interrupt() {
                choices.push(guest);
            }
        }
        choices.extend((events > 0).then_some(2));
        choices.extend(board.awake.then_some(3));
        if choices.is_empty() {
            let Some(deadline) = board.multiplexer.deadline() else { break };
            board.now = deadline;
            board.awake = true;
            continue;
        }
        match board.random.of(&choices) {
            2 => {
                events -= 1;
                event(&mut board, &mut drivers, &mut printed, &mut typed);
            }
            3 => board.housekeep(),
            guest => {
                let interrupted = board.uarts[guest].interrupt();
                let bus = &mut Wiring { board: &mut board, guest };
                if interrupted {
                    drivers[guest].interrupted(bus);
                    tally.interrupts += 1;
                } else {
                    drivers[guest].run(bus);
                }
            }
        }
    }
    judge(&board, &drivers, &printed, &typed)?;
    tally.printed = printed.iter().map(Vec::len).sum();
    tally.typed = typed.iter().map(Vec::len).sum();
    Ok(tally)
}

/// Something comes from outside: a guest has more to print, time passes, or somebody types.
fn event(board: &mut Board, drivers: &mut [Driver; 2], printed: &mut [Vec<u8>; 2], typed: &mut [Vec<u8>; 2]) {
    let guest = board.random.below(2);
    match board.random.below(4) {
        0 | 1 => {
            let length = board.random.of(&[1, 5, 80, 300]);
            let bytes: Vec<u8> = (0..length)
                .map(|_| if board.random.one_in(30) { b'\n' } else { b'a' + board.random.byte() % 26 })
                .collect();
            drivers[guest].output.extend(&bytes);
            printed[guest].extend(bytes);
        }
        2 => board.now += board.random.below(40) as u64,
        _ => {
            for _ in 0..board.random.of(&[1, 3, 40]) {
                let byte = b'A' + board.random.byte() % 26;
                if let Some(guest) = board.type_byte(byte) {
                    typed[guest].push(byte);
                }
            }
            if board.random.one_in(3) {
                board.type_byte(Settings::DEFAULT_ESCAPE);
                let key = board.random.of(b"12n?");
                board.type_byte(key);
            }
        }
    }
}

fn judge(board: &Board, drivers: &[Driver; 2], printed: &[Vec<u8>; 2], typed: &[Vec<u8>; 2]) -> Result<(), String> {
    let shown = split(&board.wire);
    for (guest, name) in GUESTS.iter().enumerate() {
        let found = shown.get(*name).cloned().unwrap_or_default();
        if found != printed[guest] {
            let same = found.iter().zip(&printed[guest]).take_while(|(found, printed)| found == printed).count();
            return Err(format!("{name}: {} of {} bytes arrived, {same} in place", found.len(), printed[guest].len()));
        }
        if drivers[guest].input != typed[guest] {
            return Err(format!("{name}: read {} of {} typed bytes", drivers[guest].input.len(), typed[guest].len()));
        }
        if board.uarts[guest].lost() > 0 {
            return Err(format!("{name}: its UART lost {} bytes", board.uarts[guest].lost()));
        }
    }
    Ok(())
}
