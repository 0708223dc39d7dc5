//! A guest that tries its physical timer in every way.

use crate::run::library::{self, IRQ, PHYSICAL_TIMER, START, SYNCHRONOUS, Wanted};
use crate::run::machine::DATA;
use crate::run::program::{Assembler, Instruction, Program};
use crate::run::register;

/// Data: accesses to the timer so far.
pub const ACCESSES: u64 = 0x10;
/// Data: what did not hold.
pub const WRONG: u64 = 0x18;
/// Data: interrupts taken.
pub const TAKEN: u64 = 0x20;

/// Compare values that never come, and some that came long ago; beside them, distances from now are used.
const EXTREMES: [u64; 6] = [u64::MAX, u64::MAX - 1, u64::MAX - 2_000_000, 0, 1 << 63, (1 << 63) - 1];

/// Reads and writes the timer's registers by chance. The handler masks the timer.
pub fn physical_timer(v3: bool) -> Program {
    let mut made = Assembler::new(START, [Some(SYNCHRONOUS), Some(IRQ)]);
    let a = &mut made;
    a.place(START);
    library::set_up_distributor(a);
    library::set_up_vcpu(a, Wanted { v3, private: 1 << PHYSICAL_TIMER });
    a.set(28, 12345);
    let again = a.here();
    library::count(a, ACCESSES);
    library::shuffle(a);
    let choices: [&dyn Fn(&mut Assembler); 8] = [
        &|a| a.add(Instruction::Read(20, register::CNTP_CTL_EL0)),
        &|a| a.add(Instruction::Read(20, register::CNTP_TVAL_EL0)),
        &|a| a.add(Instruction::Read(20, register::CNTP_CVAL_EL0)),
        &|a| a.add(Instruction::Read(20, register::CNTPCT_EL0)),
        &|a| {
            a.work(|x| x.set(20, [0, 1, 1, 1, 3, 7, 5, 1][(x.get(28) >> 40 & 7) as usize]));
            a.add(Instruction::Write(register::CNTP_CTL_EL0, 20));
        },
        &|a| {
            a.work(|x| x.set(20, (x.get(28) >> 30 & 0xff).wrapping_sub(60) & 0xffff_ffff));
            a.add(Instruction::Write(register::CNTP_TVAL_EL0, 20));
        },
        &|a| {
            a.add(Instruction::Read(20, register::CNTVCT_EL0));
            a.work(|x| {
                let extreme = EXTREMES.get((x.get(28) >> 40 & 31) as usize);
                x.set(20, extreme.copied().unwrap_or(x.get(20) + (x.get(28) >> 30 & 0xff)));
            });
            a.add(Instruction::Write(register::CNTP_CVAL_EL0, 20));
        },
        &|a| {
            a.work(|x| x.set(20, x.get(28) >> 40 & 63));
            let spin = a.here();
            a.work(|x| x.set(20, x.get(20).saturating_sub(1)));
            a.jump_if(spin, |x| x.get(20) != 0);
        },
    ];
    for (number, choice) in (0..).zip(choices) {
        let other = a.label();
        a.jump_if(other, move |x| x.get(28) >> 60 & 7 != number);
        choice(a);
        a.jump(again);
        a.place(other);
    }
    a.jump(again);
    library::handle_irq(a, v3, |a| {
        library::only_for(a, PHYSICAL_TIMER, |a| {
            library::count_in_handler(a, TAKEN);
            a.set(12, 3);
            a.add(Instruction::Write(register::CNTP_CTL_EL0, 12));
        });
    });
    a.place(SYNCHRONOUS);
    a.poke(8, 1, DATA + WRONG);
    library::stay(a);
    made.finish()
}
