//! Does everything a guest should not, at random: its machine must answer as the architecture says, and nobody else notice.
//!
//! Bootargs: `seed=N` (1), `events=N` (10000); `only=` one of `calls`, `registers`, `pages`, `jumps`, `controller`, `flood`;
//! `every-page` touches each page where nothing is, one after the other, before them.
//! Says `hostile: N` every 10,000 events and `events=N` at the end. It never asks for what would legally end it.
#![no_std]
#![no_main]

mod accesses;
mod calls;
mod registers;

use bulkhead_guests::random::Random;
use bulkhead_guests::{Machine, entry, expect_eq, println};

entry!(main, mmu off);

/// One kind of event: its name, how often it comes among 100, and what it does. It says whether it trapped.
struct Kind {
    name: &'static str,
    weight: u64,
    act: fn(&mut Random, &Machine) -> bool,
}

const KINDS: [Kind; 6] = [
    Kind { name: "calls", weight: 25, act: calls::act },
    Kind { name: "registers", weight: 30, act: registers::act },
    Kind { name: "pages", weight: 30, act: accesses::page },
    Kind { name: "jumps", weight: 8, act: accesses::jump },
    Kind { name: "controller", weight: 6, act: accesses::controller },
    Kind { name: "flood", weight: 1, act: flood },
];

fn main(machine: &'static Machine) {
    let seed = machine.arguments.number("seed", 1);
    let events = machine.arguments.number("events", 10_000);
    let only = machine.arguments.text("only");
    println!("hostile: seed={seed}");
    if machine.arguments.flag("every-page") {
        let (pages, trapped) = accesses::every_page(machine);
        println!("hostile: pages without anything {pages}");
        expect_eq!("every access to them traps", trapped, pages);
    }
    let mut random = Random::new(seed);
    let mut done = [(0_u64, 0_u64); KINDS.len()];
    for event in 1..=events {
        let kind = choose(&mut random, only);
        let trapped = (KINDS[kind].act)(&mut random, machine);
        done[kind].0 += 1;
        done[kind].1 += u64::from(trapped);
        if event % 10_000 == 0 {
            println!("hostile: {event}");
        }
    }
    for (kind, (count, trapped)) in KINDS.iter().zip(done) {
        println!("hostile: {} {count}, trapped {trapped}", kind.name);
    }
    println!("events={events}");
    expect_eq!("every event was survived", done.iter().map(|(count, _)| count).sum::<u64>(), events);
}

fn choose(random: &mut Random, only: Option<&str>) -> usize {
    if let Some(name) = only {
        return KINDS
            .iter()
            .position(|kind| kind.name == name)
            .unwrap_or_else(|| panic!("bootargs: only={name} is not known"));
    }
    let mut ticket = random.below(KINDS.iter().map(|kind| kind.weight).sum());
    for (index, kind) in KINDS.iter().enumerate() {
        if ticket < kind.weight {
            return index;
        }
        ticket -= kind.weight;
    }
    0
}

/// A long line of bytes that terminals dislike, ended so that the next line is whole.
fn flood(random: &mut Random, _: &Machine) -> bool {
    for _ in 0..random.below(400) {
        let byte = random.bits() as u8;
        bulkhead_guests::console::write_byte(if byte == b'\n' { b' ' } else { byte });
    }
    bulkhead_guests::console::write_byte(b'\n');
    false
}
