//! Counts what each operation costs, read by CNTVCT_EL0 around it. Where the board counts instructions (`-icount
//! shift=0` and a counter of 1 GHz) a tick is an instruction, so the numbers are exact and the same on every machine.
//!
//! Prints one line an operation, `bench NAME median=M minimum=M p99=M maximum=M`, in ticks. The difference of two
//! counts next to each other is one tick: an operation of one instruction costs two.
//!
//! Before them stands `guest: in main at N ticks`: the physical counter, which nobody holds back but a hypervisor that
//! traps it, so natively it counts from reset.
//!
//! Bootargs: `samples=N` (2000) counted and `warm=N` (200) before them; `only=TEXT,TEXT` leaves out operations whose
//! names begin with none of these; `from=N` waits until the counter stands at N; `crowd` has all other vCPUs sleep while
//! it measures, and leaves out what needs them; `idle` measures nothing and sleeps for good; `worst` measures each exit in
//! its most expensive state instead, for which the machine should have all the vCPUs that it can; `restart` resets the
//! machine over and over.
#![no_std]
#![no_main]

mod operations;
mod samples;
mod vectors;

use arrayvec::ArrayVec;
use bulkhead_guests::{Machine, cpu, entry, interrupt, println, timer};
use core::cell::RefCell;
use operations::{calls, controller, cores, faults, interrupts, memory, registers, restart, uart, worst};
use samples::Line;

entry!(main);

/// What operations need of the machine.
struct Bench {
    machine: &'static Machine,
    samples: u64,
    warm: u64,
    /// What is still to be said; nothing, where it is said at once.
    kept: Option<RefCell<ArrayVec<Line, LINES>>>,
}

/// Operations of which what is to be said can be kept.
const LINES: usize = 80;

impl Bench {
    /// Runs `operation`, which returns what it cost in ticks, and prints what it cost mostly and at worst.
    fn measure(&self, name: &str, operation: impl FnMut() -> u64) {
        self.measure_then(name, operation, || {});
    }

    /// [`Self::measure`], with `tidy_up` called before anything is printed.
    fn measure_then(&self, name: &str, mut operation: impl FnMut() -> u64, tidy_up: impl FnOnce()) {
        let only = self.machine.arguments.text("only").unwrap_or("");
        if !only.split(',').any(|begin| name.starts_with(begin)) {
            return;
        }
        for _ in 0..self.warm {
            operation();
        }
        let samples = samples::take(self.samples as usize, operation);
        tidy_up();
        self.say(samples.line(name));
    }

    /// Prints the line of an operation, now or at the end. Then no other core does what printing gives it to do while the
    /// next operation is measured: under a counter of instructions all cores' are counted.
    fn say(&self, line: Line) {
        match &self.kept {
            Some(kept) => kept.borrow_mut().push(line),
            None => line.print(),
        }
    }

    /// Prints what was kept.
    fn say_all(&self) {
        self.kept.iter().for_each(|kept| kept.borrow().iter().for_each(Line::print));
    }
}

fn main(machine: &'static Machine) {
    println!("guest: in main at {} ticks", timer::physical_count());
    let number = |name, default| machine.arguments.number(name, default);
    let worst = machine.arguments.flag("worst");
    let kept = worst.then(|| RefCell::new(ArrayVec::new()));
    let bench = Bench { machine, samples: number("samples", 2000), warm: number("warm", 200), kept };
    if machine.arguments.flag("idle") {
        cpu::sleep_for_good();
    }
    interrupt::initialise(machine);
    vectors::install();
    if machine.arguments.flag("restart") {
        return restart::reset();
    }
    if worst {
        worst::measure(&bench);
        return bench.say_all();
    }
    let is_crowded = machine.arguments.flag("crowd");
    if is_crowded {
        cores::crowd(machine);
    }
    let from = number("from", 0);
    while timer::count() < from {}
    calls::measure(&bench);
    registers::measure(&bench);
    controller::measure(&bench);
    interrupts::measure(&bench);
    memory::measure(&bench);
    faults::measure(&bench);
    uart::measure(&bench);
    if machine.cpus.len() > 1 && !is_crowded {
        cores::measure(&bench);
    }
}
