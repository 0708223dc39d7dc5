//! Guests that end, one way or another, and one that only faults.

use crate::run::library::{self, IRQ, START, SYNCHRONOUS, psci};
use crate::run::machine::{DATA, KERNEL};
use crate::run::program::{Assembler, Instruction, Program, VECTORS_OFFSET};
use crate::run::register;

/// Data: faults that were taken as the architecture has them.
pub const FAULTS: u64 = 0x10;
/// Data: what did not hold.
pub const WRONG: u64 = 0x18;
/// Data: not zero while the guest has its RAM.
pub const ALIVE: u64 = 0x20;

/// How a guest ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// SYSTEM_OFF, by SMC.
    PowerOff,
    /// SYSTEM_RESET, by HVC.
    Reset,
    /// It takes exceptions where it has no memory.
    Fault,
    /// Memory answers it with an SError.
    SystemError,
}

/// Lives for a while and ends.
pub fn ending(end: End) -> Program {
    let mut made = Assembler::new(START, [None, None]);
    let a = &mut made;
    a.place(START);
    a.poke(8, 1, DATA + ALIVE);
    a.set(19, 20);
    let again = a.here();
    a.work(|x| x.set(19, x.get(19) - 1));
    a.jump_if(again, |x| x.get(19) != 0);
    let function = if end == End::PowerOff { psci::SYSTEM_OFF } else { psci::SYSTEM_RESET };
    a.set(0, function);
    match end {
        End::PowerOff => a.add(Instruction::Smc(0)),
        End::Reset => a.add(Instruction::Hvc(0)),
        End::SystemError => a.add(Instruction::SystemError),
        End::Fault => {}
    }
    a.write(register::VBAR_EL1, 0x1000_0000);
    a.add(Instruction::Return(31));
    made.finish()
}

/// vCPUs 0 and 1 both reset the VM, all the time.
pub fn resetters() -> Program {
    let mut made = Assembler::new(START, [None, None]);
    let a = &mut made;
    let racer = a.label();
    a.place(START);
    a.poke(8, 1, DATA + ALIVE);
    a.add(Instruction::Address(2, racer));
    library::call(a, psci::CPU_ON, |x| x.set(1, 1));
    a.place(racer);
    let again = a.here();
    library::shuffle(a);
    a.jump_if(again, |x| x.get(28) >> 60 != 0);
    library::call(a, psci::SYSTEM_RESET, |_| {});
    a.jump(again);
    made.finish()
}

/// What a fault does, and what ESR_EL1 says of it at EL1 (Arm ARM DDI 0487 D19.2.37).
const SAME_LEVEL_DATA_ABORT: u64 = 0x25 << 26 | 1 << 25 | 0b01_0000;
const UNDEFINED: u64 = 1 << 25;
/// Addresses at which nothing is: below, between and above devices, past RAM, past the address space.
const NOWHERE: [u64; 6] = [0, 0x0802_0000, 0x0900_1000, 0x3fff_fff8, DATA + 0x22_0000, 0x7f_ffff_fff0];

/// Accesses what is not there, over and over, and checks that it takes the architecture's answer each time: X20
/// is what ESR_EL1 must say, X21 what FAR_EL1 must if it is not 0.
pub fn faulter() -> Program {
    let mut made = Assembler::new(START, [Some(SYNCHRONOUS), None]);
    let a = &mut made;
    let wrong = a.label();
    a.place(START);
    a.write(register::VBAR_EL1, KERNEL + VECTORS_OFFSET);
    let again = a.here();
    for address in NOWHERE {
        for write in [false, true] {
            a.set(20, SAME_LEVEL_DATA_ABORT | u64::from(write) << 6);
            a.set(21, address);
            a.add(if write { Instruction::Store(8, 0, 31, address) } else { Instruction::Load(4, 0, 31, address) });
            a.jump_if(wrong, |x| x.get(20) != 0);
        }
    }
    a.set(20, SAME_LEVEL_DATA_ABORT);
    a.set(21, library::UART);
    a.add(Instruction::Pair(false, 21));
    a.jump_if(wrong, |x| x.get(20) != 0);
    for register in [register::PMCR_EL0, bulkhead_vmm::exit::SystemRegister::new(3, 6, 1, 0, 0)] {
        for write in [false, true] {
            a.set(20, UNDEFINED);
            a.set(21, 0);
            a.add(if write { Instruction::Write(register, 0) } else { Instruction::Read(0, register) });
            a.jump_if(wrong, |x| x.get(20) != 0);
        }
    }
    a.jump(again);
    a.place(SYNCHRONOUS);
    library::check_exception(a, FAULTS, wrong);
    a.place(IRQ);
    a.place(wrong);
    a.poke(8, 1, DATA + WRONG);
    library::stay(a);
    made.finish()
}
