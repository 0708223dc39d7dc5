//! Carries out scripts of random accesses to the interrupt controller, and says what each gave.
//!
//! Bootargs: `seed=N` (1), `scripts=N` (200), `accesses=N` (500 in each), `vcpus=N` (1, or 2 in turn). Each script begins with the controller in the same
//! state, with the guest's own interrupts masked, so that it sees everything by looking. For each 50 accesses there is a line
//! `SCRIPT.ACCESS` and an answer for each: what a load gave, in hexadecimal; `.` for a store; `!` with the fault status for
//! an abort; `!u` where the register is UNDEFINED.
#![no_std]
#![no_main]

mod carry_out;
mod hands;
mod reset;

use core::arch::asm;
use core::fmt;

use arrayvec::ArrayVec;
use bulkhead_guests::{Machine, entry, expect_eq, interrupt, println};
use bulkhead_script::{Access, Act, Script, Version};
use carry_out::Driver;
use hands::{Answer, Operation};

/// Answers on a line.
const LINE: usize = 50;

entry!(main);

fn main(machine: &'static Machine) {
    let number = |key, default| machine.arguments.number(key, default);
    let (seed, scripts, accesses) = (number("seed", 1), number("scripts", 200), number("accesses", 500));
    // SAFETY: masking is always allowed. No handler runs from here on.
    unsafe { asm!("msr daifset, #3", options(nostack)) };
    let gic = interrupt::find(machine);
    let vcpus = number("vcpus", 1) as u8;
    if vcpus > 1 {
        hands::start(machine);
    }
    let version = if gic.version() == 2 { Version::V2 } else { Version::V3 };
    println!("scripts: seed={seed}");
    let mut done = 0;
    for script in 0..scripts {
        let mut driver = Driver::new(gic);
        (0..vcpus).for_each(|vcpu| _ = hands::by(gic, vcpu, Operation::Reset));
        let mut line = ArrayVec::<Answer, LINE>::new();
        for (index, access) in Script::new(version, vcpus, seed, script, accesses as usize).enumerate() {
            line.push(driver.carry_out(access));
            done += 1;
            if line.is_full() || index + 1 == accesses as usize {
                println!("{script}.{} {}", index + 1 - line.len(), Line(&line));
                line.clear();
            }
        }
        driver.carry_out(Access { act: Act::EndAll, exists: true, vcpu: 0 });
    }
    println!("scripts={scripts} accesses={done}");
    expect_eq!("every access was carried out", done, scripts * accesses);
}

struct Line<'l>(&'l [Answer]);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, answer) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            match answer {
                Answer::Value(value) => write!(f, "{space}{value:x}")?,
                Answer::Done => write!(f, "{space}.")?,
                Answer::Abort(status) => write!(f, "{space}!{status:x}")?,
                Answer::Undefined => write!(f, "{space}!u")?,
            }
        }
        Ok(())
    }
}
