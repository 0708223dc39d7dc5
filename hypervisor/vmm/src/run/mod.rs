//! The run loop: what each core does, over and over.
//!
//! One [`CoreLoop`] belongs to each core, and [`Machine`] to all. A step looks at what the core should do, does
//! it, and returns; to run a guest is to run it until there is something else to do. The order of locks is a VM's, then its
//! UART's, then a console port's, and never two of a kind; the console's own lock is taken before them (docs/locking.md).

mod accesses;
mod alone;
mod calls;
mod commands;
mod core_loop;
mod exits;
mod housekeeping;
mod interrupts;
mod loaded;
mod machine;
mod others;
mod sgi;
mod system_registers;
mod transfers;
mod watch;

pub use core_loop::{CoreLoop, Step};
pub use housekeeping::Console;
pub use machine::{Assignment, CoreState, Machine};

/// How far an access has been dealt with while the list registers were out in the hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    /// The guest may go on.
    Wholly,
    /// What stands in the list registers must be chosen anew before it does.
    Choose,
}

/// What becomes of a vCPU after an exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// It goes on where it is.
    Resume,
    /// It goes on after the trapped instruction.
    Skip,
    /// It goes on after the trapped instruction, with this value in this register.
    Load(u8, u64),
    /// It goes on after its call, with this value in X0.
    Return(u64),
    /// It takes an exception; of which something was told, or not.
    Inject(crate::exit::Syndrome, bool),
    /// Its VM is stopped by policy, for this reason.
    Stop(&'static str),
}
