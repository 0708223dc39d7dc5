//! What guests have in common: the interrupt controller set up, PSCI called, lines printed.
//!
//! Registers: handlers use X10 to X15 and X30; these pieces X0 to X9; programs the rest.

use super::machine::{DATA, KERNEL};
use super::program::{Assembler, Instruction, Label, VECTORS_OFFSET};
use super::register;
use bulkhead_vmm::vcpu::GeneralRegisters;

/// Where a guest sees its distributor, redistributors, CPU interface and UART.
pub const DISTRIBUTOR: u64 = 0x0800_0000;
/// The first redistributor.
pub const REDISTRIBUTORS: u64 = 0x080a_0000;
/// GICC.
pub const CPU_INTERFACE: u64 = 0x0801_0000;
/// The PL011.
pub const UART: u64 = 0x0900_0000;
/// INTID of the PL011.
pub const UART_INTID: u64 = 33;
/// INTID of the virtual timer.
pub const TIMER: u64 = 27;
/// INTID of the physical timer.
pub const PHYSICAL_TIMER: u64 = 30;

/// PSCI functions (DEN0022 5.1).
pub mod psci {
    /// CPU_SUSPEND.
    pub const CPU_SUSPEND: u64 = 0xc400_0001;
    /// CPU_OFF.
    pub const CPU_OFF: u64 = 0x8400_0002;
    /// CPU_ON.
    pub const CPU_ON: u64 = 0xc400_0003;
    /// AFFINITY_INFO.
    pub const AFFINITY_INFO: u64 = 0xc400_0004;
    /// SYSTEM_OFF.
    pub const SYSTEM_OFF: u64 = 0x8400_0008;
    /// SYSTEM_RESET.
    pub const SYSTEM_RESET: u64 = 0x8400_0009;
    /// A power state: powerdown.
    pub const POWERDOWN: u64 = 1 << 16;
}

/// The labels that every program gives: where it starts, what a synchronous exception and an IRQ do.
pub const START: Label = Assembler::given(0);
/// Synchronous exceptions.
pub const SYNCHRONOUS: Label = Assembler::given(1);
/// IRQs.
pub const IRQ: Label = Assembler::given(2);

/// Which interrupts a vCPU wants, and how.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// GICv3.
    pub v3: bool,
    /// Private INTIDs to enable, a bit each.
    pub private: u32,
}

/// Sets the distributor up: both groups on. On the boot vCPU.
pub fn set_up_distributor(a: &mut Assembler) {
    a.poke(4, 3, DISTRIBUTOR);
}

/// Sets up what belongs to the vCPU that executes it: VBAR, private interrupts at priority 0x80, CPU interface; and
/// lets IRQs through. X8 is its number within the VM, from MPIDR_EL1.
pub fn set_up_vcpu(a: &mut Assembler, wanted: Wanted) {
    set_up_private(a, wanted);
    set_up_interface(a, wanted.v3);
}

/// The private interrupts alone. X8 is the vCPU's number.
pub fn set_up_private(a: &mut Assembler, wanted: Wanted) {
    a.add(Instruction::Read(8, register::MPIDR_EL1));
    a.work(|x| x.set(8, x.get(8) & 0xff));
    let private = u64::from(wanted.private);
    if wanted.v3 {
        // X7: its redistributor; the private interrupts' frame is 64 KiB on.
        a.work(|x| x.set(7, REDISTRIBUTORS + x.get(8) * 0x2_0000));
        for (offset, value) in [(0x14, 0), (0x1_0080, 0xffff_ffff), (0x1_0100, private)] {
            a.set(9, value);
            a.add(Instruction::Store(4, 9, 7, offset));
        }
        set_priorities(a, 7, 0x1_0400);
    } else {
        a.poke(4, private, DISTRIBUTOR + 0x100);
        a.set(7, DISTRIBUTOR);
        set_priorities(a, 7, 0x400);
    }
}

/// VBAR, the CPU interface and PSTATE.I alone, which takes no exit.
pub fn set_up_interface(a: &mut Assembler, v3: bool) {
    a.write(register::VBAR_EL1, KERNEL + VECTORS_OFFSET);
    if v3 {
        a.write(register::ICC_PMR_EL1, 0xf8);
        a.write(register::ICC_IGRPEN1_EL1, 1);
    } else {
        a.poke(4, 0xf8, CPU_INTERFACE + 4);
        a.poke(4, 1, CPU_INTERFACE);
    }
    a.add(Instruction::Mask(false));
}

fn set_priorities(a: &mut Assembler, base: u8, offset: u64) {
    a.set(9, 0x8080_8080);
    for register in 0..8 {
        a.add(Instruction::Store(4, 9, base, offset + 4 * register));
    }
}

/// Lets the UART's interrupt through: on GICv3 to `vcpu`, on GICv2 to either of the first two.
pub fn enable_uart(a: &mut Assembler, v3: bool, vcpu: u64) {
    let bit = 1 << (UART_INTID - 32);
    a.poke(1, 0x80, DISTRIBUTOR + 0x400 + UART_INTID);
    if v3 {
        a.poke(4, bit, DISTRIBUTOR + 0x84);
        a.poke(8, vcpu, DISTRIBUTOR + 0x6000 + 8 * UART_INTID);
    } else {
        a.poke(1, 0b11, DISTRIBUTOR + 0x800 + UART_INTID);
    }
    a.poke(4, bit, DISTRIBUTOR + 0x104);
}

/// Acknowledges: X10 is the INTID, with an SGI's source above it on GICv2.
pub fn acknowledge(a: &mut Assembler, v3: bool) {
    match v3 {
        true => a.add(Instruction::Read(10, register::ICC_IAR1_EL1)),
        false => a.load(4, 10, CPU_INTERFACE + 0xc),
    }
}

/// Ends the interrupt in X10.
pub fn end(a: &mut Assembler, v3: bool) {
    match v3 {
        true => a.add(Instruction::Write(register::ICC_EOIR1_EL1, 10)),
        false => a.store(4, 10, CPU_INTERFACE + 0x10),
    }
}

/// Sends SGI `intid` to the vCPU whose number is in `to`, by way of X9.
pub fn send_sgi(a: &mut Assembler, v3: bool, intid: u64, to: u8) {
    match v3 {
        true => {
            a.work(move |x| x.set(9, intid << 24 | 1 << x.get(to)));
            a.add(Instruction::Write(register::ICC_SGI1R_EL1, 9));
        }
        false => {
            a.work(move |x| x.set(9, 1 << (16 + x.get(to)) | intid));
            a.store(4, 9, DISTRIBUTOR + 0xf00);
        }
    }
}

/// Calls PSCI by HVC with what `arguments` puts in X1 to X3. The answer is in X0.
pub fn call(a: &mut Assembler, function: u64, arguments: impl Fn(&mut GeneralRegisters) + Send + Sync + 'static) {
    a.work(move |x| {
        x.set(0, function);
        arguments(x);
    });
    a.add(Instruction::Hvc(0));
}

/// Adds 1 to the eight bytes at `offset` in the guest's data, by way of X9.
pub fn count(a: &mut Assembler, offset: u64) {
    a.load(8, 9, DATA + offset);
    a.work(|x| x.set(9, x.get(9) + 1));
    a.store(8, 9, DATA + offset);
}

/// The same in a handler, by way of X15.
pub fn count_in_handler(a: &mut Assembler, offset: u64) {
    a.load(8, 15, DATA + offset);
    a.work(|x| x.set(15, x.get(15) + 1));
    a.store(8, 15, DATA + offset);
}

/// A handler's whole: the exception must be what ESR_EL1 in X20 and, if that is not 0, FAR_EL1 in X21 say, or it goes on at
/// `wrong`. Clears X20, counts at `offset`, and goes on after the instruction; by way of X9 and X15.
pub fn check_exception(a: &mut Assembler, offset: u64, wrong: Label) {
    a.add(Instruction::Read(9, register::ESR_EL1));
    a.jump_if(wrong, |x| x.get(9) != x.get(20));
    a.add(Instruction::Read(9, register::FAR_EL1));
    a.jump_if(wrong, |x| x.get(21) != 0 && x.get(9) != x.get(21));
    a.set(20, 0);
    count_in_handler(a, offset);
    a.add(Instruction::Read(9, register::ELR_EL1));
    a.work(|x| x.set(9, x.get(9) + 4));
    a.add(Instruction::Write(register::ELR_EL1, 9));
    a.add(Instruction::ReturnFromException);
}

/// Prints the byte in `from` as soon as the UART has room, by way of X9.
pub fn print(a: &mut Assembler, from: u8) {
    const FLAGS: u64 = UART + 0x18;
    const TRANSMIT_FULL: u64 = 1 << 5;
    let again = a.here();
    a.load(4, 9, FLAGS);
    a.jump_if(again, |x| x.get(9) & TRANSMIT_FULL != 0);
    a.store(1, from, UART);
}

/// Stops for good, with interrupts still taken.
pub fn stay(a: &mut Assembler) {
    let again = a.here();
    a.add(Instruction::Wait);
    a.jump(again);
}

/// A handler that ends whatever it got, after `known` has dealt with it: X11 is the INTID alone.
pub fn handle_irq(a: &mut Assembler, v3: bool, known: impl FnOnce(&mut Assembler)) {
    a.place(IRQ);
    let out = a.label();
    acknowledge(a, v3);
    a.work(|x| x.set(11, x.get(10) & 0x3ff));
    a.jump_if(out, |x| x.get(11) >= 1020);
    known(a);
    end(a, v3);
    a.place(out);
    a.add(Instruction::ReturnFromException);
}

/// Code that is only for the interrupt `intid`, in a handler.
pub fn only_for(a: &mut Assembler, intid: u64, work: impl FnOnce(&mut Assembler)) {
    let other = a.label();
    a.jump_if(other, move |x| x.get(11) != intid);
    work(a);
    a.place(other);
}

/// Sleeps until the answer about what `look` has loaded is yes. IRQs are taken in between, and one that comes just
/// before WFI ends it: they are masked there.
pub fn sleep_until(
    a: &mut Assembler,
    sleep: impl Fn(&mut Assembler),
    look: impl Fn(&mut Assembler),
    question: impl Fn(&GeneralRegisters) -> bool + Send + Sync + 'static,
) {
    let out = a.label();
    let again = a.here();
    a.add(Instruction::Mask(true));
    look(a);
    a.jump_if(out, question);
    sleep(a);
    a.add(Instruction::Mask(false));
    a.jump(again);
    a.place(out);
    a.add(Instruction::Mask(false));
}

/// WFI.
pub fn wait(a: &mut Assembler) {
    a.add(Instruction::Wait);
}

/// A pseudo-random step of X28.
pub fn shuffle(a: &mut Assembler) {
    a.work(|x| x.set(28, x.get(28).wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f)));
}
