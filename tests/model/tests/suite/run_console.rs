//! Output and input of VMs by way of the one UART.

use bulkhead_campaign::Campaign;
use bulkhead_model::run::guests::talker::{BY_VCPU, READ, Sleep, WRONG, echo, printed, printer};
use bulkhead_model::run::guests::ticker::{LATEST, TICKS, ticker};
use bulkhead_model::run::library::psci::POWERDOWN;
use bulkhead_model::run::machine::{Guest, Shape};
use bulkhead_model::run::world::{Ended, World};

/// Ticks of the counter that a tick of a VM beside printers may be late.
const LATE: u64 = 300;

/// Bytes that the housekeeping core moves to the UART before it runs its guest again.
const BURST: usize = 512;

/// Lines that a printer prints.
const LINES: u64 = 400;
/// Words that are typed at an echo.
const WORDS: u64 = 150;

const OUTPUT: Campaign<'_> = Campaign {
    name: "every_byte_printed_arrives_once_and_in_order",
    stage: "model",
    unit: "lines of output",
    each: 4 * 2 * LINES,
    sample: 1,
    long: 500,
};

const INPUT: Campaign<'_> = Campaign {
    name: "what_is_typed_reaches_a_vcpu_that_sleeps_and_comes_back",
    stage: "model",
    unit: "words of input",
    each: 4 * 4 * WORDS,
    sample: 1,
    long: 500,
};

#[test]
fn every_byte_printed_arrives_once_and_in_order() {
    OUTPUT.run(|seed| {
        for shape in Shape::all(3) {
            let printer = |name, core| Guest::new(name, printer(LINES), &[core]);
            let victim = Guest::new("victim", ticker(shape.v3, 500), &[2]);
            let world = World::new(shape, seed, vec![printer("a", 0), printer("b", 1), victim]);
            world.run_until(LINES * 2_000, "all is printed", |world| {
                ["a", "b"].iter().all(|name| world.output(name).len() as u64 >= 6 * LINES)
            });
            world.run(1_000);
            for name in ["a", "b"] {
                assert!(world.output(name) == printed(LINES), "{name} of {shape:?}:\n{}", world.output(name));
            }
            let (sent, interrupts) = (world.sent(), world.tally().uart_interrupts);
            println!("{shape:?}: {sent} bytes sent, {interrupts} interrupts of the UART");
            // One when half of the FIFO's 32 bytes are out, and once again before that is dealt with.
            assert!(interrupts <= sent / 8, "{interrupts} interrupts for {sent} bytes");
            let (ticks, latest) = (world.data(2, TICKS), world.data(2, LATEST));
            assert!(ticks > 10 && latest < LATE, "{ticks} ticks, one {latest} late: {shape:?}");
        }
    });
}

/// Such a UART ends no visit of the housekeeping core to the consoles: it ends by itself, however much is to be printed.
#[test]
fn a_uart_that_takes_all_at_once_keeps_no_guest_from_running() {
    for shape in Shape::all(3).map(|shape| Shape { housekeeping: 2, ..shape }) {
        let printer = |name, core| Guest::new(name, printer(LINES), &[core]);
        let victim = Guest::new("victim", ticker(shape.v3, 500), &[2]);
        let world = World::new(shape, 1, vec![printer("a", 0), printer("b", 1), victim]);
        // The ports fill.
        world.stop_sending();
        world.run(40_000);
        world.send_at_once();
        world.run_until(LINES * 2_000, "all is printed", |world| {
            ["a", "b"].iter().all(|name| world.output(name).len() as u64 >= 6 * LINES)
        });
        for name in ["a", "b"] {
            assert!(world.output(name) == printed(LINES), "{name} of {shape:?}:\n{}", world.output(name));
        }
        assert_eq!(world.longest_burst(), BURST, "{shape:?}");
    }
}

#[test]
fn what_is_typed_reaches_a_vcpu_that_sleeps_and_comes_back() {
    INPUT.run(|seed| {
        let sleeps = [Sleep::Wait, Sleep::Suspend(0), Sleep::Suspend(POWERDOWN), Sleep::Off];
        for (shape, sleep) in Shape::all(3).flat_map(|shape| sleeps.map(|sleep| (shape, sleep))) {
            let mut world = World::new(shape, seed, vec![Guest::new("echo", echo(shape.v3, sleep), &[1, 2])]);
            let mut typed = String::new();
            assert_eq!(world.run(20_000), Ended::Idle, "{}", world.describe());
            for _ in 0..WORDS {
                let length = 1 + world.random().below(6);
                let word: String = (0..length).map(|_| char::from(b'a' + world.random().below(26) as u8)).collect();
                world.type_in(word.as_bytes());
                typed += &word;
                let some = world.random().below(60);
                let ended = match world.random().one_in(3) {
                    true => world.run(20_000),
                    false => world.run(some),
                };
                if ended == Ended::Idle {
                    assert_eq!(world.data(0, READ), typed.len() as u64, "{shape:?} {sleep:?}\n{}", world.describe());
                }
            }
            assert_eq!(world.run(50_000), Ended::Idle, "{}", world.describe());
            assert_eq!(world.output("echo"), typed, "{shape:?} {sleep:?}");
            let by_vcpu = [0, 8].map(|offset| world.data(0, BY_VCPU + offset));
            println!("{shape:?} {sleep:?}: {by_vcpu:?} bytes read by each vCPU, {:?}", world.tally());
            assert_eq!((by_vcpu[0] + by_vcpu[1], world.data(0, WRONG)), (typed.len() as u64, 0));
        }
    });
}
