//! A vCPU's exits: those that KVM leaves to its monitor.

use crate::{Result, power_off};
use kvm_bindings::{KVM_SYSTEM_EVENT_SHUTDOWN, kvm_vcpu_events};
use kvm_ioctls::{VcpuExit, VcpuFd};
use std::io::Write;
use std::ops::Range;

/// The PL011's registers (DDI 0183 3.2).
const UART: Range<u64> = DATA..DATA + 0x1000;
const DATA: u64 = 0x0900_0000;
/// UARTFR, and its bits for an empty receive and an empty transmit FIFO.
const FLAGS: u64 = DATA + 0x18;
const BOTH_EMPTY: u8 = 0x90;

/// Runs `vcpu` until something is wrong with it; the whole host goes off when the guest switches its machine off.
pub fn run(mut vcpu: VcpuFd) -> Result<()> {
    loop {
        let is_nowhere = match vcpu.run() {
            Ok(VcpuExit::MmioWrite(DATA, bytes)) => {
                // Standard output keeps a line until it is whole.
                std::io::stdout().write_all(&bytes[..1])?;
                false
            }
            Ok(VcpuExit::MmioRead(address, bytes)) => {
                bytes.fill(0);
                bytes[0] = if address == FLAGS { BOTH_EMPTY } else { 0 };
                !UART.contains(&address)
            }
            Ok(VcpuExit::MmioWrite(address, _)) => !UART.contains(&address),
            Ok(VcpuExit::SystemEvent(KVM_SYSTEM_EVENT_SHUTDOWN, _)) => power_off(),
            Ok(other) => return Err(format!("unexpected {other:?}").into()),
            Err(error) if [libc::EINTR, libc::EAGAIN].contains(&error.errno()) => false,
            Err(error) => return Err(error.into()),
        };
        if is_nowhere {
            abort(&vcpu)?;
        }
    }
}

/// Answers an access to an address where nothing is: an external abort.
fn abort(vcpu: &VcpuFd) -> Result<()> {
    let mut events = kvm_vcpu_events::default();
    events.exception.ext_dabt_pending = 1;
    Ok(vcpu.set_vcpu_events(&events)?)
}
