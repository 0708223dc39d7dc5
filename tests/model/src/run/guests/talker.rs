//! Guests that print and read.

use crate::run::library::{self, IRQ, START, SYNCHRONOUS, UART, UART_INTID, Wanted, psci};
use crate::run::machine::DATA;
use crate::run::program::{Assembler, Instruction, Program};
use crate::run::register;

/// Data: bytes that were read.
pub const READ: u64 = 0x10;
/// Data: what did not hold.
pub const WRONG: u64 = 0x18;
/// Data: bytes that each vCPU has read, eight bytes for each.
pub const BY_VCPU: u64 = 0x40;

/// Prints the numbers from 1 to `lines`, one a line of five digits, each byte as soon as TXFF allows.
pub fn printer(lines: u64) -> Program {
    let mut made = Assembler::new(START, [None, None]);
    let a = &mut made;
    a.place(START);
    let line = a.here();
    a.work(|x| {
        x.set(19, x.get(19) + 1);
        x.set(20, 10_000);
    });
    let digit = a.here();
    a.work(|x| x.set(21, u64::from(b'0') + x.get(19) / x.get(20) % 10));
    library::print(a, 21);
    a.work(|x| x.set(20, x.get(20) / 10));
    a.jump_if(digit, |x| x.get(20) != 0);
    a.set(21, u64::from(b'\n'));
    library::print(a, 21);
    a.jump_if(line, move |x| x.get(19) < lines);
    library::stay(a);
    made.finish()
}

/// What [`printer`] prints.
pub fn printed(lines: u64) -> String {
    (1..=lines).map(|line| format!("{line:05}\n")).collect()
}

/// How the vCPUs of [`echo`] wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sleep {
    /// By WFI.
    Wait,
    /// In CPU_SUSPEND with this power state.
    Suspend(u64),
    /// vCPU 1 by WFI, after vCPU 0 has switched itself off.
    Off,
}

/// Sends back what it reads, by interrupt: two vCPUs, of which the UART interrupts one that is on; on GICv2 either may be.
pub fn echo(v3: bool, sleep: Sleep) -> Program {
    let mut made = Assembler::new(START, [Some(SYNCHRONOUS), Some(IRQ)]);
    let a = &mut made;
    let (second, resumed, wrong) = (a.label(), a.label(), a.label());
    a.place(START);
    library::set_up_distributor(a);
    library::enable_uart(a, v3, u64::from(sleep == Sleep::Off));
    const RECEIVE_INTERRUPTS: u64 = 1 << 4 | 1 << 6;
    a.poke(4, RECEIVE_INTERRUPTS, UART + 0x38);
    a.add(Instruction::Address(2, second));
    library::call(a, psci::CPU_ON, |x| x.set(1, 1));
    a.jump_if(wrong, |x| x.get(0) != 0);
    a.place(second);
    library::set_up_private(a, Wanted { v3, private: 0xffff });
    a.place(resumed);
    library::set_up_interface(a, v3);
    let again = a.here();
    match sleep {
        Sleep::Wait => a.add(Instruction::Wait),
        Sleep::Off => {
            let on = a.label();
            a.jump_if(on, |x| x.get(8) != 0);
            library::call(a, psci::CPU_OFF, |_| {});
            a.place(on);
            a.add(Instruction::Wait);
        }
        Sleep::Suspend(state) => {
            a.add(Instruction::Mask(true));
            a.add(Instruction::Address(22, resumed));
            library::call(a, psci::CPU_SUSPEND, move |x| {
                x.set(1, state);
                x.set(2, x.get(22));
            });
            a.add(Instruction::Mask(false));
        }
    }
    a.jump(again);
    library::handle_irq(a, v3, |a| library::only_for(a, UART_INTID, answer));
    a.place(SYNCHRONOUS);
    a.place(wrong);
    a.poke(8, 1, DATA + WRONG);
    library::stay(a);
    made.finish()
}

/// In the handler: reads while there is something, and prints it.
fn answer(a: &mut Assembler) {
    const FLAGS: u64 = UART + 0x18;
    const RECEIVE_EMPTY: u64 = 1 << 4;
    let (more, done) = (a.label(), a.label());
    a.place(more);
    a.load(4, 12, FLAGS);
    a.jump_if(done, |x| x.get(12) & RECEIVE_EMPTY != 0);
    a.load(4, 13, UART);
    library::count_in_handler(a, READ);
    a.add(Instruction::Read(14, register::MPIDR_EL1));
    a.work(|x| x.set(14, DATA + BY_VCPU + 8 * (x.get(14) & 0xff)));
    a.add(Instruction::Load(8, 15, 14, 0));
    a.work(|x| x.set(15, x.get(15) + 1));
    a.add(Instruction::Store(8, 15, 14, 0));
    a.store(1, 13, UART);
    a.jump(more);
    a.place(done);
}
