//! The boards that are measured.

use std::fmt;

/// What the guest runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// The board itself, without EL2.
    Native,
    /// The hypervisor.
    Bulkhead,
    /// Debian's Xen.
    Xen,
    /// KVM in Debian's kernel.
    Kvm,
}

impl System {
    /// What it calls itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Bulkhead => "Bulkhead",
            Self::Xen => "Xen",
            Self::Kvm => "KVM",
        }
    }
}

/// The other hypervisors.
pub const PEERS: [System; 2] = [System::Xen, System::Kvm];

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

/// The boards with `system`: both interrupt controllers, each with one core and with two.
pub const fn boards(system: System) -> [Configuration; 4] {
    [on(system, 2, 1), on(system, 2, 2), on(system, 3, 1), on(system, 3, 2)]
}

/// The boards with the hypervisor.
pub const HYPERVISOR: [Configuration; 4] = boards(System::Bulkhead);

/// The boards of the worst cases: as many cores, and so vCPUs, as a GICv2 has, and as the hypervisor runs.
pub const WORST: [Configuration; 2] = [on(System::Bulkhead, 2, 8), on(System::Bulkhead, 3, 16)];

/// The board's part of a result's name: `bulkhead-gicv3-1`.
impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-gicv{}-{}", self.system.name().to_lowercase(), self.gic, self.cores)
    }
}
