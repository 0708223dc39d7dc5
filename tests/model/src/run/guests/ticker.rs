//! A guest that lives by its virtual timer, and watches that nothing of it gets lost.

use crate::run::library::{self, IRQ, START, SYNCHRONOUS, Wanted, psci};
use crate::run::machine::DATA;
use crate::run::program::{Assembler, Instruction, Program};
use crate::run::register;

/// Data: ticks so far.
pub const TICKS: u64 = 0x10;
/// Bytes from one vCPU's ticks to the next one's.
pub const BETWEEN_VCPUS: u64 = 0x100;
/// Data: what did not hold, a bit each.
pub const WRONG: u64 = 0x18;
/// Data: how many ticks of the counter the latest tick was at most.
pub const LATEST: u64 = 0x20;
/// What TPIDR_EL1 holds less the sequence number.
const MARK: u64 = 0x1234_5678_0000_0000;

/// Takes a tick every `period` ticks of the counter, and sleeps in between. X19 counts wake-ups, and so do
/// TPIDR_EL1 and RAM: all three must always agree.
pub fn ticker(v3: bool, period: u64) -> Program {
    let mut a = Assembler::new(START, [Some(SYNCHRONOUS), Some(IRQ)]);
    let a_ = &mut a;
    a_.place(START);
    library::set_up_distributor(a_);
    a_.add(Instruction::Read(9, register::CNTVCT_EL0));
    a_.work(move |x| x.set(9, x.get(9) + period));
    a_.add(Instruction::Write(register::CNTV_CVAL_EL0, 9));
    a_.write(register::CNTV_CTL_EL0, 1);
    a_.work(|x| x.set(19, MARK));
    a_.add(Instruction::Write(register::TPIDR_EL1, 19));
    a_.store(8, 19, DATA);
    library::set_up_vcpu(a_, Wanted { v3, private: 1 << library::TIMER });
    let again = a_.here();
    a_.add(Instruction::Wait);
    check(a_);
    a_.jump(again);
    handler(a_, v3, period);
    a_.place(SYNCHRONOUS);
    a_.poke(8, 2, DATA + WRONG);
    library::stay(a_);
    a.finish()
}

/// Two vCPUs that both take ticks. vCPU 1 writes the distributor at each, which is nothing to vCPU 0.
pub fn pair(v3: bool, period: u64) -> Program {
    let mut made = Assembler::new(START, [Some(SYNCHRONOUS), Some(IRQ)]);
    let a = &mut made;
    let (second, again) = (a.label(), a.label());
    a.place(START);
    library::set_up_distributor(a);
    a.add(Instruction::Address(2, second));
    library::call(a, psci::CPU_ON, |x| x.set(1, 1));
    a.place(second);
    library::set_up_vcpu(a, Wanted { v3, private: 1 << library::TIMER });
    a.add(Instruction::Read(12, register::CNTVCT_EL0));
    a.work(move |x| x.set(12, x.get(12) + period));
    a.add(Instruction::Write(register::CNTV_CVAL_EL0, 12));
    a.write(register::CNTV_CTL_EL0, 1);
    a.place(again);
    a.add(Instruction::Wait);
    a.jump_if(again, |x| x.get(8) == 0);
    library::set_up_distributor(a);
    a.jump(again);
    handler(a, v3, period);
    a.place(SYNCHRONOUS);
    a.poke(8, 2, DATA + WRONG);
    library::stay(a);
    made.finish()
}

/// The sequence number is the same in a register, in a system register and in RAM; then it is the next.
fn check(a: &mut Assembler) {
    let good = a.label();
    a.add(Instruction::Read(20, register::TPIDR_EL1));
    a.load(8, 21, DATA);
    a.jump_if(good, |x| x.get(19) == x.get(20) && x.get(20) == x.get(21));
    a.poke(8, 1, DATA + WRONG);
    a.place(good);
    a.work(|x| x.set(19, x.get(19) + 1));
    a.store(8, 19, DATA);
    a.add(Instruction::Write(register::TPIDR_EL1, 19));
}

fn handler(a: &mut Assembler, v3: bool, period: u64) {
    library::handle_irq(a, v3, |a| {
        library::only_for(a, library::TIMER, |a| {
            a.add(Instruction::Read(14, register::MPIDR_EL1));
            a.work(|x| x.set(14, DATA + TICKS + BETWEEN_VCPUS * (x.get(14) & 0xff)));
            a.add(Instruction::Load(8, 15, 14, 0));
            a.work(|x| x.set(15, x.get(15) + 1));
            a.add(Instruction::Store(8, 15, 14, 0));
            a.add(Instruction::Read(12, register::CNTV_CVAL_EL0));
            a.add(Instruction::Read(13, register::CNTVCT_EL0));
            a.load(8, 14, DATA + LATEST);
            a.work(|x| x.set(14, x.get(14).max(x.get(13).wrapping_sub(x.get(12)))));
            a.store(8, 14, DATA + LATEST);
            a.work(move |x| x.set(12, x.get(12) + period));
            a.add(Instruction::Write(register::CNTV_CVAL_EL0, 12));
        });
    });
}
