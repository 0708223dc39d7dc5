//! Every life that an interrupt can have: all states that its moves lead to, and where each move leads from each.

use super::*;
use alloc::vec::Vec;

/// The one that moves, between others that do not.
const BIT: u32 = 1 << 7;

/// A move: who may make it, what it does, and whether the interrupt is then pending and active.
struct Move {
    name: &'static str,
    can: fn(&Lives) -> bool,
    make: fn(&mut Lives),
    then: fn(&Lives) -> (bool, bool),
}

const fn has(word: u32) -> bool {
    word & BIT != 0
}

/// (Pending, active).
const fn stands(lives: &Lives) -> (bool, bool) {
    (has(lives.pending()), has(lives.active()))
}

/// As it stands, but pending only if its line says so.
const fn by_line(lives: &Lives) -> bool {
    has(lives.line) && !has(lives.edge)
}

/// The table of the module's documentation.
const ARCHITECTURAL: [Move; 11] = [
    Move {
        name: "drive high",
        can: |_| true,
        make: |l| _ = l.drive(BIT, true),
        then: |l| (has(l.pending()) || !has(l.edge) || !has(l.line), has(l.active())),
    },
    Move {
        name: "drive low",
        can: |_| true,
        make: |l| _ = l.drive(BIT, false),
        then: |l| (has(l.latched()), has(l.active())),
    },
    Move { name: "pend", can: |_| true, make: |l| _ = l.pend(BIT), then: |l| (true, has(l.active())) },
    Move {
        name: "clear pending",
        can: |_| true,
        make: |l| _ = l.clear_pending(BIT),
        then: |l| (by_line(l), has(l.active())),
    },
    Move {
        name: "set active",
        can: |_| true,
        make: |l| _ = l.set_active(BIT, true),
        then: |l| (has(l.pending()), true),
    },
    Move {
        name: "clear active",
        can: |_| true,
        make: |l| _ = l.set_active(BIT, false),
        then: |l| (has(l.pending()), false),
    },
    Move {
        name: "acknowledge",
        can: |l| has(l.listed & l.pending() & !l.active & !l.written),
        make: |l| {
            l.show(BIT, true);
            l.acknowledge(BIT);
        },
        then: |l| (has(l.latch) || by_line(l) && !has(l.linked), true),
    },
    Move {
        name: "end",
        can: |l| has(l.listed & l.active & !l.lent & !l.written),
        make: |l| {
            l.show(BIT, false);
            l.end(BIT, false);
        },
        then: |l| (has(l.pending()), false),
    },
    Move {
        name: "end by hardware",
        can: |l| has(l.listed & l.active & !l.lent & !l.written & l.held) && !has(l.pending()),
        make: |l| {
            l.show(BIT, false);
            l.end(BIT, true);
        },
        then: |_| (false, false),
    },
    // What is `written` holds, whatever the list register shows.
    Move { name: "show active", can: |l| has(l.written), make: |l| l.show(BIT, true), then: stands },
    Move { name: "show inactive", can: |l| has(l.written), make: |l| l.show(BIT, false), then: stands },
];

/// Moves that change where it is handled.
const INTERNAL: [Move; 7] = [
    Move { name: "list", can: |l| has(l.pending() | l.active), make: |l| l.list(BIT), then: stands },
    Move { name: "lend", can: |l| has(l.listed & l.latch), make: |l| l.lend(BIT), then: stands },
    Move { name: "reclaim", can: |l| has(l.lent), make: |l| l.reclaim(BIT), then: stands },
    Move { name: "take out", can: |l| has(l.listed), make: |l| l.take_out(BIT), then: stands },
    Move { name: "link", can: |l| !has(l.linked), make: |l| l.link(BIT), then: stands },
    Move {
        name: "hold",
        can: |l| has(l.linked & !l.held & !l.released),
        make: |l| assert_eq!(l.hold(BIT), BIT),
        then: |l| (true, has(l.active())),
    },
    Move { name: "let go", can: |l| has(l.held) && !has(l.in_use()), make: |l| l.let_go(BIT), then: stands },
];

/// Takes what is released, whichever it is: no others are in these lives.
fn take_released(lives: &mut Lives) {
    assert_eq!(1 << lives.take_released(), BIT);
}

/// What holds of every life.
fn check(lives: &Lives, after: &str) {
    let wrong = [
        ("lent and in no list register", lives.lent & !lives.listed),
        ("written and in no list register", lives.written & !lives.listed),
        ("held without a link", (lives.held | lives.released) & !lives.linked),
        ("held and released", lives.held & lives.released),
    ];
    for (what, bits) in wrong {
        assert_eq!(bits, 0, "after {after}: {what}: {lives:?}");
    }
}

/// All lives from reset on, of an interrupt that is edge-triggered or not.
fn all_lives(edge: u32) -> Vec<Lives> {
    let mut reset = Lives::new(&Interrupts::RESET);
    reset.edge = edge;
    let mut found = alloc::vec![reset];
    let mut next = 0;
    while let Some(lives) = found.get(next).copied() {
        next += 1;
        for step in ARCHITECTURAL.iter().chain(&INTERNAL).filter(|step| (step.can)(&lives)) {
            let mut after = lives;
            (step.make)(&mut after);
            check(&after, step.name);
            assert_eq!(stands(&after), (step.then)(&lives), "{} from {lives:?}", step.name);
            if !found.contains(&after) {
                found.push(after);
            }
        }
        if has(lives.released) {
            let mut after = lives;
            take_released(&mut after);
            assert_eq!(after, Lives { released: 0, ..lives });
            if !found.contains(&after) {
                found.push(after);
            }
        }
    }
    found
}

#[test]
fn every_move_leads_from_every_life_to_where_the_table_says() {
    let counts = [0, BIT].map(|edge| all_lives(edge).len());
    assert_eq!(counts, [160, 160]);
}

#[test]
fn a_move_is_of_one_interrupt_alone() {
    for (edge, others) in [(0, 0), (BIT, 0), (0, !BIT), (BIT, !BIT)] {
        for alone in all_lives(edge) {
            for step in ARCHITECTURAL.iter().chain(&INTERNAL).filter(|step| (step.can)(&alone)) {
                let mut moved = alone;
                (step.make)(&mut moved);
                let mut among = with(alone, others);
                (step.make)(&mut among);
                assert_eq!(among, with(moved, others), "{}", step.name);
            }
        }
    }
}

/// `lives` beside `others`, which have every bit set.
fn with(lives: Lives, others: u32) -> Lives {
    let Lives { edge, line, latch, active, listed, lent, written, linked, held, released, behind } = lives;
    let [edge, line, latch, active, listed] = [edge, line, latch, active, listed].map(|word| word | others);
    let [lent, written, linked, held, released] = [lent, written, linked, held, released].map(|word| word | others);
    Lives { edge, line, latch, active, listed, lent, written, linked, held, released, behind: behind | others }
}

#[test]
fn a_move_tells_whom_it_changed() {
    let mut lives =
        Lives::new(&Interrupts { edge: 0b10, line: 0b1000, latch: 0b100, active: 0b1, ..Interrupts::RESET });
    assert_eq!((lives.pending(), lives.active(), lives.line(), lives.latched()), (0b1100, 0b1, 0b1000, 0b100));
    assert_eq!((lives.drive(0b1011, true), lives.pending(), lives.lasting()), (0b11, 0b1111, 0b1001));
    assert_eq!((lives.pend(0b110), lives.latched()), (0b0, 0b110));
    lives.list(0b100);
    lives.lend(0b100);
    assert_eq!((lives.only_lent(), lives.lent(), lives.listed(), lives.settled()), (0b100, 0b100, 0b100, 0b101));
    assert_eq!((lives.pend(0b1100), lives.only_lent()), (0b1100, 0));
    // It may be active there already: it counts as changed.
    assert_eq!((lives.set_active(0b101, true), lives.active()), (0b100, 0b101));
    assert_eq!((lives.clear_pending(0b1111), lives.pending()), (0b1110, 0b1001));
    assert_eq!((lives.set_active(0b1101, false), lives.active()), (0b101, 0));
}

#[test]
fn sources_stand_in_a_list_register_and_wait() {
    let mut lives = Lives::new(&Interrupts::RESET);
    lives.list(BIT);
    for (lent, waiting) in [(true, false), (true, true), (false, true), (false, false)] {
        lives.set_sources(BIT, lent, waiting);
        assert_eq!((has(lives.lent()), has(lives.pending())), (lent, lent || waiting));
        assert_eq!(has(lives.only_lent()), lent && !waiting);
    }
}

#[test]
fn what_is_pending_or_active_takes_its_physical_interrupt_along() {
    let mut lives = Lives::new(&Interrupts { latch: 0b0101, active: 0b0011, ..Interrupts::RESET });
    lives.link(u32::MAX);
    assert_eq!(lives.held(), 0b0111);
}

#[test]
fn the_line_behind_one_in_service_shows_while_it_is_held() {
    let mut lives = Lives::new(&Interrupts::RESET);
    lives.link(BIT);
    lives.hold(BIT);
    lives.list(BIT);
    lives.show(BIT, true);
    lives.acknowledge(BIT);
    assert_eq!((lives.pending(), lives.shown_pending()), (0, 0));
    for high in [true, false, true] {
        lives.look_behind(BIT, high);
        assert_eq!((lives.pending(), has(lives.shown_pending())), (0, high));
    }
    lives.pend(!BIT);
    assert_eq!(lives.shown_pending(), u32::MAX);
    lives.show(BIT, false);
    lives.end(BIT, true);
    assert_eq!(lives.shown_pending(), !BIT);
}

#[test]
fn a_reset_leaves_the_physical_interrupts_to_be_deactivated() {
    let mut before = Lives::new(&Interrupts { latch: 0b1, ..Interrupts::RESET });
    before.link(0b111);
    assert_eq!((before.hold(0b1010), before.held()), (0b10, 0b11));
    before.clear_pending(0b1);
    before.let_go(0b1001);
    assert_eq!((before.held(), before.released()), (0b10, 0b1));
    let mut after = Lives::new(&Interrupts::RESET);
    after.inherit(&before);
    assert_eq!((after.released(), after.held(), after.hold(0b100)), (0b11, 0, 0b100));
    assert_eq!((after.take_released(), after.take_released(), after.released()), (0, 1, 0));
}
