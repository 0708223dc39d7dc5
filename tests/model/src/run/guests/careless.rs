//! A guest that reads what its own stage 1 refuses.

use crate::run::library::{self, START, SYNCHRONOUS};
use crate::run::machine::{DATA, KERNEL};
use crate::run::program::{Assembler, Instruction, Program, VECTORS_OFFSET};
use crate::run::register;

/// The page that is to be closed ([`crate::run::machine::Shape::closed`]).
pub const CLOSED: u64 = DATA + 0x4000;
/// Data: faults that were taken as the architecture has them.
pub const FAULTS: u64 = 0x10;
/// Data: what did not hold.
pub const WRONG: u64 = 0x18;

/// A permission fault at EL1, level 3 (Arm ARM DDI 0487 D19.2.37), by a load.
const PERMISSION_FAULT: u64 = 0x25 << 26 | 1 << 25 | 0b00_1111;
/// What no load is to write over.
const UNTOUCHED: u64 = 0x5a5a_0f0f_1234_4321;

/// Loads and stores that begin in the page, end in it, or lie in it, over and over: each must be told as the page's. X20
/// is what ESR_EL1 must say, X21 what FAR_EL1 must.
pub fn careless() -> Program {
    let mut made = Assembler::new(START, [Some(SYNCHRONOUS), None]);
    let a = &mut made;
    let wrong = a.label();
    a.place(START);
    a.write(register::VBAR_EL1, KERNEL + VECTORS_OFFSET);
    let again = a.here();
    for (address, far) in [(CLOSED - 4, CLOSED), (CLOSED + 0xffd, CLOSED + 0xffd), (CLOSED + 8, CLOSED + 8)] {
        for (size, write) in [(4, false), (8, false), (8, true)] {
            // Half of what crosses lies on either side.
            let address = if address < far { far - u64::from(size) / 2 } else { address };
            a.set(20, PERMISSION_FAULT | u64::from(write) << 6);
            a.set(21, far);
            a.set(22, UNTOUCHED);
            let (load, store) = (Instruction::Load(size, 22, 31, address), Instruction::Store(size, 22, 31, address));
            a.add(if write { store } else { load });
            a.jump_if(wrong, |x| x.get(20) != 0 || x.get(22) != UNTOUCHED);
        }
        a.set(20, PERMISSION_FAULT);
        a.set(22, address);
        a.add(Instruction::Pair(false, 22));
        a.jump_if(wrong, |x| x.get(20) != 0);
    }
    a.jump(again);
    a.place(SYNCHRONOUS);
    library::check_exception(a, FAULTS, wrong);
    a.place(wrong);
    library::count(a, WRONG);
    library::stay(a);
    made.finish()
}
