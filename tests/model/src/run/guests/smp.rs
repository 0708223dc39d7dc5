//! A guest whose boot vCPU switches the others on and off, and one whose vCPUs race to do so.

use crate::run::library::{self, IRQ, START, SYNCHRONOUS, Wanted, psci};
use crate::run::machine::DATA;
use crate::run::program::{Assembler, Instruction, Label, Program};
use crate::run::register;
use bulkhead_vmm::vcpu::GeneralRegisters;

/// Data: rounds that the boot vCPU has finished.
pub const ROUNDS: u64 = 0x10;
/// Data: what did not hold; 0 if all did.
pub const WRONG: u64 = 0x18;
/// Data: for racer 0, then 1: calls of CPU_ON that succeeded.
pub const STARTED: u64 = 0x20;
/// Data: for each racer's calls: vCPUs that came up.
pub const CAME: u64 = 0x30;
/// Data: calls that were refused because another had been first.
pub const REFUSED: u64 = 0x40;

/// SGI to the boot vCPU: a worker is there. To a worker: it may go on.
const THERE: u64 = 1;
const GO_ON: u64 = 2;
/// In a vCPU's area: the number of its latest task; whether it lived before; timer interrupts; SGIs, by INTID.
const TASK: u64 = 0;
const LIVED: u64 = 0x20;
const EXPIRED: u64 = 0x30;
const SGIS: u64 = 0x40;
const MARK: u64 = 0x77;

const fn area(vcpu: u64) -> u64 {
    DATA + 0x1000 + vcpu * 0x100
}

/// What a worker does with its task, whose number ends in this: CPU_OFF; sleep in standby; sleep in powerdown; sleep
/// in powerdown until its timer wakes it.
const STANDBY: u64 = 1;
const POWERDOWN: u64 = 2;
const TIMER: u64 = 3;

/// vCPU 0 gives tasks to `vcpus` - 1 workers, chosen by chance: switches one on, waits till it is there, lets it go
/// on, and waits till it is off. X19 is the task's number, X20 the worker's.
pub fn boss(v3: bool, vcpus: u64) -> Program {
    let mut made = Assembler::new(START, [Some(SYNCHRONOUS), Some(IRQ)]);
    let a = &mut made;
    let (worker, wrong) = (a.label(), a.label());
    a.place(START);
    library::set_up_distributor(a);
    library::set_up_vcpu(a, Wanted { v3, private: 0xffff });
    a.add(Instruction::Read(28, register::CNTVCT_EL0));
    let round = a.here();
    library::shuffle(a);
    a.work(move |x| {
        x.set(19, x.get(19) + 4 - x.get(19) % 4 + (x.get(28) >> 40) % 4);
        x.set(20, 1 + (x.get(28) >> 50) % (vcpus - 1));
        x.set(21, area(x.get(20)));
    });
    switch_on(a, worker, wrong);
    library::sleep_until(a, library::wait, |a| a.add(Instruction::Load(8, 9, 21, TASK)), |x| x.get(9) == x.get(19));
    library::send_sgi(a, v3, GO_ON, 20);
    let off = a.here();
    library::call(a, psci::AFFINITY_INFO, |x| {
        x.set(1, x.get(20));
        x.set(2, 0);
    });
    a.jump_if(wrong, |x| x.get(0) > 1);
    a.jump_if(off, |x| x.get(0) != 1);
    library::count(a, ROUNDS);
    a.jump(round);
    a.place(worker);
    work(a, v3, wrong);
    handler(a, v3);
    fail(a, wrong);
    made.finish()
}

/// The worker X20 is off. It is switched on once, and not twice.
fn switch_on(a: &mut Assembler, worker: Label, wrong: Label) {
    for offset in [TASK, EXPIRED, SGIS + 8 * GO_ON] {
        a.add(Instruction::Store(8, 31, 21, offset));
    }
    a.add(Instruction::Address(22, worker));
    for again in [false, true] {
        library::call(a, psci::CPU_ON, |x| {
            x.set(1, x.get(20));
            x.set(2, x.get(22));
            x.set(3, x.get(19));
        });
        a.jump_if(wrong, move |x| if again { ![-4, -5].contains(&(x.get(0) as i64)) } else { x.get(0) != 0 });
    }
}

/// A worker out of reset with its task in X0.
fn work(a: &mut Assembler, v3: bool, wrong: Label) {
    let (off, resumed) = (a.label(), a.label());
    begin(a, v3, wrong);
    a.add(Instruction::Store(8, 19, 21, TASK));
    a.set(20, 0);
    library::send_sgi(a, v3, THERE, 20);
    a.jump_if(off, |x| x.get(19) % 4 == 0);
    let timer = a.label();
    a.jump_if(timer, |x| x.get(19) % 4 == TIMER);
    a.add(Instruction::Address(22, resumed));
    library::sleep_until(a, suspend, |a| a.add(Instruction::Load(8, 9, 21, SGIS + 8 * GO_ON)), |x| x.get(9) != 0);
    a.jump(off);
    a.place(resumed);
    begin(a, v3, wrong);
    a.jump_if(wrong, |x| x.get(19) % 4 == STANDBY);
    let awake = a.label();
    a.jump_if(awake, |x| x.get(19) % 4 == POWERDOWN);
    look_for_timer(a);
    a.place(awake);
    library::sleep_until(a, library::wait, |a| a.add(Instruction::Load(8, 9, 21, SGIS + 8 * GO_ON)), |x| x.get(9) != 0);
    a.place(off);
    library::sleep_until(a, library::wait, |a| a.add(Instruction::Load(8, 9, 21, SGIS + 8 * GO_ON)), |x| x.get(9) != 0);
    // Its timer interrupts only if it was set, and not for what a former life set.
    a.add(Instruction::Load(8, 9, 21, EXPIRED));
    a.jump_if(wrong, |x| (x.get(19) % 4 == TIMER) != (x.get(9) != 0));
    a.add(Instruction::Mask(true));
    set_timer(a, |x| x.get(19) / 4 % 16);
    library::call(a, psci::CPU_OFF, |_| {});
    a.jump(wrong);
    a.place(timer);
    a.add(Instruction::Address(22, resumed));
    set_timer(a, |_| 150);
    library::sleep_until(a, suspend, |a| a.add(Instruction::Load(8, 9, 21, EXPIRED)), |x| x.get(9) != 0);
    a.jump(off);
}

/// Sets the timer to so many ticks from now.
fn set_timer(a: &mut Assembler, ticks: impl Fn(&GeneralRegisters) -> u64 + Send + Sync + 'static) {
    a.add(Instruction::Read(9, register::CNTVCT_EL0));
    a.work(move |x| x.set(9, x.get(9) + ticks(x)));
    a.add(Instruction::Write(register::CNTV_CVAL_EL0, 9));
    a.write(register::CNTV_CTL_EL0, 1);
}

fn look_for_timer(a: &mut Assembler) {
    library::sleep_until(a, library::wait, |a| a.add(Instruction::Load(8, 9, 21, EXPIRED)), |x| x.get(9) != 0);
}

/// Out of reset: nothing of what was before is there. X19 is the context, X21 the area, X8 the vCPU.
fn begin(a: &mut Assembler, v3: bool, wrong: Label) {
    a.jump_if(wrong, |x| (1..31).any(|register| x.get(register) != 0) || x.pstate != 0x3c5);
    a.work(|x| x.set(19, x.get(0)));
    a.add(Instruction::Read(9, register::TPIDR_EL1));
    a.jump_if(wrong, |x| x.get(9) != 0);
    a.write(register::TPIDR_EL1, MARK);
    a.add(Instruction::Read(8, register::MPIDR_EL1));
    a.work(|x| {
        x.set(8, x.get(8) & 0xff);
        x.set(21, area(x.get(8)));
    });
    // Its private interrupts keep their set-up while it is off. Then nothing here takes an exit.
    let ready = a.label();
    a.add(Instruction::Load(8, 9, 21, LIVED));
    a.jump_if(ready, |x| x.get(9) != 0);
    library::set_up_private(a, Wanted { v3, private: 0xffff | 1 << library::TIMER });
    a.set(9, 1);
    a.add(Instruction::Store(8, 9, 21, LIVED));
    a.place(ready);
    library::set_up_interface(a, v3);
}

/// CPU_SUSPEND as the task in X19 says, to go on at X22 if the state is not kept.
fn suspend(a: &mut Assembler) {
    library::call(a, psci::CPU_SUSPEND, |x| {
        x.set(1, if x.get(19) % 4 == STANDBY { 0 } else { psci::POWERDOWN });
        x.set(2, x.get(22));
        x.set(3, x.get(19));
    });
}

/// Counts SGIs and expiries of the timer in the vCPU's area.
fn handler(a: &mut Assembler, v3: bool) {
    library::handle_irq(a, v3, |a| {
        a.add(Instruction::Read(12, register::MPIDR_EL1));
        a.work(|x| {
            let offset = if x.get(11) < 16 { SGIS + 8 * x.get(11) } else { EXPIRED };
            x.set(12, area(x.get(12) & 0xff) + offset);
        });
        a.add(Instruction::Load(8, 15, 12, 0));
        a.work(|x| x.set(15, x.get(15) + 1));
        a.add(Instruction::Store(8, 15, 12, 0));
        library::only_for(a, library::TIMER, |a| {
            a.add(Instruction::Write(register::CNTV_CTL_EL0, 31));
        });
    });
}

/// Notes where something did not hold, in X27 if it is said there.
fn fail(a: &mut Assembler, wrong: Label) {
    a.place(SYNCHRONOUS);
    a.place(wrong);
    a.work(|x| x.set(9, (1 + x.get(8)) | (x.get(19) << 8)));
    a.store(8, 9, DATA + WRONG);
    library::stay(a);
}

/// vCPUs 0 and 1 both switch vCPU 2 on, again and again; it says whose call it was and switches itself off.
pub fn racers() -> Program {
    let mut made = Assembler::new(START, [Some(SYNCHRONOUS), Some(IRQ)]);
    let a = &mut made;
    let (worker, racer, wrong) = (a.label(), a.label(), a.label());
    a.place(START);
    a.add(Instruction::Address(2, racer));
    library::call(a, psci::CPU_ON, |x| {
        x.set(1, 1);
        x.set(3, 1);
    });
    a.jump_if(wrong, |x| x.get(0) != 0);
    a.place(racer);
    a.work(|x| x.set(19, x.get(0) & 1));
    a.add(Instruction::Address(22, worker));
    let again = a.here();
    library::call(a, psci::CPU_ON, |x| {
        x.set(1, 2);
        x.set(2, x.get(22));
        x.set(3, x.get(19));
    });
    a.jump_if(wrong, |x| ![0, -4, -5].contains(&(x.get(0) as i64)));
    a.work(|x| x.set(9, DATA + if x.get(0) == 0 { STARTED } else { REFUSED } + 8 * x.get(19)));
    add_one(a);
    a.jump(again);
    a.place(worker);
    a.work(|x| x.set(9, DATA + CAME + 8 * x.get(0)));
    add_one(a);
    library::call(a, psci::CPU_OFF, |_| {});
    a.place(IRQ);
    fail(a, wrong);
    made.finish()
}

/// Adds 1 to the eight bytes at X9, by way of X10.
fn add_one(a: &mut Assembler) {
    a.add(Instruction::Load(8, 10, 9, 0));
    a.work(|x| x.set(10, x.get(10) + 1));
    a.add(Instruction::Store(8, 10, 9, 0));
}
