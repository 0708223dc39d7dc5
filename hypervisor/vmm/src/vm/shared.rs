//! What the cores of a VM's vCPUs use of it without its lock.

use super::Device;
use crate::console::Serial;
use crate::device::bus::Bus;
use crate::identity::Identity;
use spin::Mutex;

/// What a VM shares with the cores that have its vCPUs loaded: it never changes, but for the UART, which has a lock of its
/// own. Who wants both locks takes the VM's first.
#[derive(Debug)]
pub(crate) struct Shared {
    /// What the guest reads of its processor.
    pub identity: Identity,
    /// Where its devices are.
    pub bus: Bus<Device>,
    /// Its UART.
    pub serial: Mutex<Serial>,
}
