//! A guest that does anything.

use crate::run::library::{self, CPU_INTERFACE, DISTRIBUTOR, IRQ, REDISTRIBUTORS, START, SYNCHRONOUS, UART, psci};
use crate::run::machine::{DATA, KERNEL};
use crate::run::program::{Assembler, Instruction, Program, VECTORS_OFFSET};
use crate::run::register;

/// Data: operations so far, in this life.
pub const OPERATIONS: u64 = 0x10;

/// Bases that random addresses are near.
const BASES: [u64; 8] =
    [DISTRIBUTOR, REDISTRIBUTORS, REDISTRIBUTORS + 0x1_0000, CPU_INTERFACE, UART, DATA, KERNEL, 0x50_0000_0000];

/// Random accesses, calls, system registers and interrupts, on `vcpus` vCPUs; by chance `seed`. About once in `life`
/// operations it ends its life: by PSCI or by a fault.
pub fn hostile(v3: bool, vcpus: u64, seed: u64, life: u64) -> Program {
    let mut made = Assembler::new(START, [Some(SYNCHRONOUS), Some(IRQ)]);
    let a = &mut made;
    let (second, again) = (a.label(), a.label());
    a.place(START);
    library::set_up_distributor(a);
    library::enable_uart(a, v3, 0);
    a.place(second);
    a.add(Instruction::Read(28, register::CNTVCT_EL0));
    a.add(Instruction::Read(27, register::MPIDR_EL1));
    a.work(move |x| x.set(28, x.get(28) ^ seed.rotate_left(20) ^ x.get(27) << 40));
    library::set_up_vcpu(a, library::Wanted { v3, private: u32::MAX });
    arm(a, 22);
    a.place(again);
    library::count(a, OPERATIONS);
    library::shuffle(a);
    // X20: an address; X21 and the argument registers: anything.
    a.work(|x| {
        let spread = [0xfff, 0xffff, 0x1f_ffff][(x.get(28) >> 20) as usize % 3];
        x.set(20, BASES[(x.get(28) >> 24) as usize % 8].wrapping_add(x.get(28) >> 32 & spread));
    });
    library::shuffle(a);
    a.work(|x| x.set(21, x.get(28) >> (x.get(28) & 63)));
    operations(a, v3, vcpus, second, again, life);
    a.jump(again);
    // Its timer goes on, so that it does not sleep for ever.
    library::handle_irq(a, v3, |a| arm(a, 12));
    a.place(SYNCHRONOUS);
    a.add(Instruction::Read(12, register::ELR_EL1));
    a.work(|x| x.set(12, x.get(12) + 4));
    a.add(Instruction::Write(register::ELR_EL1, 12));
    a.add(Instruction::ReturnFromException);
    made.finish()
}

/// The timer is to expire in 100 ticks, by way of `register`.
fn arm(a: &mut Assembler, register: u8) {
    a.add(Instruction::Read(register, register::CNTVCT_EL0));
    a.work(move |x| x.set(register, x.get(register) + 100));
    a.add(Instruction::Write(register::CNTV_CVAL_EL0, register));
    a.work(move |x| x.set(register, 1));
    a.add(Instruction::Write(register::CNTV_CTL_EL0, register));
}

type Operation<'a> = &'a dyn Fn(&mut Assembler);

fn operations(
    a: &mut Assembler,
    v3: bool,
    vcpus: u64,
    second: crate::run::program::Label,
    again: crate::run::program::Label,
    life: u64,
) {
    let choices: [Operation<'_>; 16] = [
        &|a| a.add(Instruction::Load(4, 22, 20, 0)),
        &|a| a.add(Instruction::Store(4, 21, 20, 0)),
        &|a| a.add(Instruction::Store(8, 21, 20, 0)),
        &|a| a.add(Instruction::Load(1, 22, 20, 0)),
        &|a| a.add(Instruction::Store(1, 21, 20, 0)),
        &|a| a.add(Instruction::Pair(true, 20)),
        &|a| {
            a.work(|x| x.set(26, x.get(28) >> 30));
            a.add(Instruction::Any(false, 22));
        },
        &|a| {
            a.work(|x| x.set(26, x.get(28) >> 30));
            a.add(Instruction::Any(true, 21));
        },
        &|a| calls(a, second, vcpus, life),
        &|a| a.add(Instruction::Wait),
        &|a| library::send_sgi(a, v3, 5, 31),
        &|a| {
            a.add(Instruction::Read(22, register::CNTVCT_EL0));
            a.work(|x| x.set(22, x.get(22) + (x.get(28) >> 40 & 0xff)));
            a.add(Instruction::Write(register::CNTV_CVAL_EL0, 22));
            a.work(|x| x.set(22, x.get(28) >> 50 & 1));
            a.add(Instruction::Write(register::CNTV_CTL_EL0, 22));
        },
        &|a| {
            a.add(Instruction::Write(register::CNTP_CVAL_EL0, 21));
            a.work(|x| x.set(22, x.get(28) >> 50 & 3));
            a.add(Instruction::Write(register::CNTP_CTL_EL0, 22));
        },
        &|a| {
            a.work(|x| x.set(10, x.get(28) >> 40 & 0x3f));
            library::end(a, v3);
        },
        &|a| a.add(Instruction::Mask(true)),
        &|a| a.add(Instruction::Mask(false)),
    ];
    for (number, choice) in (0..).zip(choices) {
        let other = a.label();
        a.jump_if(other, move |x| x.get(28) >> 60 != number);
        choice(a);
        a.jump(again);
        a.place(other);
    }
}

/// HVC or SMC with a function that exists, or any. What ends the VM is rare.
fn calls(a: &mut Assembler, second: crate::run::program::Label, vcpus: u64, life: u64) {
    let (harmless, smc, fault) = (a.label(), a.label(), a.label());
    a.add(Instruction::Address(23, second));
    a.work(move |x| {
        let functions = [psci::CPU_ON, psci::CPU_OFF, psci::CPU_SUSPEND, psci::AFFINITY_INFO, x.get(21), 0xc400_000e];
        x.set(0, functions[(x.get(28) >> 8) as usize % 6]);
        x.set(1, if x.get(0) == psci::CPU_ON { (x.get(28) >> 16) % (vcpus + 1) } else { x.get(21) & 0x1_0001 });
        x.set(2, if x.get(28) & 3 == 0 { x.get(21) } else { x.get(23) });
    });
    a.jump_if(harmless, move |x| (x.get(28) >> 4) % life != 0);
    a.jump_if(fault, |x| x.get(28) & 1 == 0);
    a.work(|x| x.set(0, psci::SYSTEM_OFF + (x.get(28) >> 1 & 1)));
    a.place(harmless);
    a.jump_if(smc, |x| x.get(28) & 2 == 0);
    a.add(Instruction::Hvc(0));
    let done = a.label();
    a.jump(done);
    a.place(smc);
    a.add(Instruction::Smc(0));
    a.jump(done);
    a.place(fault);
    a.write(register::VBAR_EL1, 0x1_0000_0000);
    a.add(Instruction::Return(31));
    a.place(done);
    a.write(register::VBAR_EL1, KERNEL + VECTORS_OFFSET);
}
