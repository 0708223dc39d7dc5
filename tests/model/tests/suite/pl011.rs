//! The virtual PL011 and its console, in random sequences.

use bulkhead_campaign::Campaign;
use bulkhead_model::pl011::driver::HABITS;
use bulkhead_model::pl011::machine;
use bulkhead_model::pl011::oracle::Oracle;
use bulkhead_model::random::Random;
use bulkhead_vmm::device::pl011::Pl011;

const SEQUENCES: u64 = 100;
const STEPS_A_SEQUENCE: u64 = 500;
/// Runs of drivers in a round.
const RUNS: u64 = 50;

const AGREES: Campaign<'_> = Campaign {
    name: "the_uart_agrees_with_its_manual",
    stage: "model",
    unit: "steps of UARTs",
    each: SEQUENCES * STEPS_A_SEQUENCE,
    sample: 20,
    long: 2000,
};

const DRIVERS: Campaign<'_> = Campaign {
    name: "no_driver_loses_a_byte_or_a_wake_up",
    stage: "model",
    unit: "runs of drivers",
    each: RUNS,
    sample: 4,
    long: 2000,
};

/// Offsets worth touching, the often used more than once; the last three hold nothing.
const OFFSETS: [u64; 24] = [
    0, 0, 0, 0, 0, 4, 0x18, 0x18, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x38, 0x3c, 0x40, 0x44, 0x44, 0x48, 0xfe0, 8,
    0x80, 0xfdc,
];

fn agree(real: &Pl011, oracle: &Oracle) -> bool {
    (real.interrupt(), real.can_receive(), real.lost()) == (oracle.interrupt(), oracle.can_receive(), oracle.lost)
}

/// One random step of both; what it was, and whether they agree.
fn step(random: &mut Random, real: &mut Pl011, oracle: &mut Oracle) -> (String, bool) {
    let offset = random.pick(&OFFSETS) + if random.one_in(16) { random.bits() % 4 } else { 0 };
    let size = random.pick(&[1, 2, 4, 4, 4, 8]);
    let (text, same) = match random.below(10) {
        0..4 => {
            let (found, expected) = (real.read(offset, size), oracle.read(offset, size));
            (format!("read {offset:#x} size {size}: {found:#x}, expected {expected:#x}"), found == expected)
        }
        4..7 => {
            let any = random_value(random);
            let value = random.pick(&[any, 0x301, 0x70, 0x60, 0x7ff, 0x10, 0x40]);
            let (found, expected) = (real.write(offset, size, value), oracle.write(offset, size, value));
            (
                format!("write {value:#x} to {offset:#x} size {size}: {found:?}, expected {expected:?}"),
                found == expected,
            )
        }
        7 => {
            let room = random.pick(&[0, 1, 3, 15, 16, 17, 31, 32, 33, 100]);
            real.set_transmit_space(room);
            oracle.set_room(room);
            (format!("room for {room}"), true)
        }
        _ => {
            let byte = random.byte();
            let count = random.pick(&[1, 1, 5, 40]);
            let same = (0..count).all(|_| real.receive(byte) == oracle.receive(byte));
            (format!("receive {count}"), same)
        }
    };
    let same = same && agree(real, oracle);
    (text, same)
}

fn random_value(random: &mut Random) -> u64 {
    let value = random.bits();
    // Loopback only sometimes, or little else would be tried.
    if random.one_in(4) { value } else { value & !0x80 }
}

/// One random sequence of steps.
fn sequence(name: u64) {
    let mut random = Random::new(name);
    let (mut real, mut oracle) = (Pl011::new(), Oracle::new(32));
    let mut log = Vec::new();
    for _ in 0..STEPS_A_SEQUENCE {
        let (text, same) = step(&mut random, &mut real, &mut oracle);
        log.push(text);
        let tail = &log[log.len().saturating_sub(40)..];
        assert!(same, "sequence {name:#x}; the last steps:\n{}", tail.join("\n"));
        if random.one_in(50) {
            let state = real.state().clone();
            real = Pl011::restore(state.clone()).expect("a UART can be in the state that it is in");
            assert_eq!(real.state(), &state);
            // The far end is another one, that has room for what the FIFO shows.
            let fifo = if oracle.read(0x2c, 4) & 0x10 > 0 { 32 } else { 1 };
            oracle.set_room(fifo - state.transmit_level);
        }
    }
}

#[test]
fn the_uart_agrees_with_its_manual() {
    AGREES.run(|seed| (0..SEQUENCES).for_each(|number| sequence(seed << 32 | number)));
}

#[test]
fn no_driver_loses_a_byte_or_a_wake_up() {
    DRIVERS.run(|seed| {
        let mut total = machine::Tally::default();
        for run in 0..RUNS {
            let mut random = Random::new(seed << 32 | run);
            let habits = [random.pick(&HABITS), random.pick(&HABITS)];
            let tally = machine::run(habits, random.bits());
            let tally = tally.unwrap_or_else(|wrong| panic!("{wrong}, in run {run} of seed {seed}, {habits:?}"));
            total.printed += tally.printed;
            total.typed += tally.typed;
            total.interrupts += tally.interrupts;
        }
        let least = RUNS as usize * 20;
        assert!(total.printed > least && total.typed > least && total.interrupts > least, "too little: {total:?}");
    });
}
