//! The boards that are measured.

use std::fmt;

/// What the guest runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// The board itself, without EL2.
    Native,
    /// The hypervisor.
    Bulkhead,
}

/// One board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// What the guest runs on.
    pub system: System,
    /// Version of the interrupt controller.
    pub gic: u8,
    /// Cores of the board, all of them the guest's.
    pub cores: u8,
}

const fn on(system: System, gic: u8, cores: u8) -> Configuration {
    Configuration { system, gic, cores }
}

/// The boards with the hypervisor.
pub const HYPERVISOR: [Configuration; 4] =
    [on(System::Bulkhead, 2, 1), on(System::Bulkhead, 2, 2), on(System::Bulkhead, 3, 1), on(System::Bulkhead, 3, 2)];

/// All boards.
pub const ALL: [Configuration; 8] = [
    on(System::Native, 2, 1),
    on(System::Native, 2, 2),
    on(System::Native, 3, 1),
    on(System::Native, 3, 2),
    HYPERVISOR[0],
    HYPERVISOR[1],
    HYPERVISOR[2],
    HYPERVISOR[3],
];

/// The board's part of a result's name: `bulkhead-gicv3-1`.
impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = if self.system == System::Native { "native" } else { "bulkhead" };
        write!(f, "{system}-gicv{}-{}", self.gic, self.cores)
    }
}
