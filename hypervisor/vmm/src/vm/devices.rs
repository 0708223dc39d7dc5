//! The devices on a VM's bus, and the way to those that are the VM's.

use super::Vm;
use crate::console::{Port, Serial};
use crate::device::pl011::Pl011;
use crate::exit::Cause;
use crate::fault::GuestFault;
use crate::lock::lock;
use crate::vcpu::{VcpuId, VcpuSet};
use crate::vgic::{Access, Part, REDISTRIBUTOR_SIZE};
use spin::Mutex;

/// A device on the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// GICD.
    Distributor,
    /// The redistributors of all vCPUs.
    Redistributors,
    /// GICC, two pages, of which the first is the hardware's. The second holds GICC_DIR (IHI 0048 4.4.15), which in
    /// hardware could not end an interrupt that has no list register.
    CpuInterface,
    /// The PL011, which needs its VM only when its interrupt line changes: see [`crate::console::Serial`].
    Uart,
}

impl Vm {
    /// Finds the register for an access of `size` bytes by `vcpu` at `offset` of `device`, a part of its interrupt
    /// controller.
    ///
    /// # Errors
    /// As [`crate::vgic::Vgic::find`] has it.
    #[inline(always)]
    pub(crate) fn find(&self, vcpu: VcpuId, device: Device, offset: u64, size: u8) -> Result<Access, GuestFault> {
        if device == Device::Distributor {
            return self.vgic.find(vcpu, Part::Distributor, offset, size);
        }
        let owner =
            u8::try_from(offset / REDISTRIBUTOR_SIZE).ok().and_then(VcpuId::new).ok_or(GuestFault::ExternalAbort)?;
        self.vgic.find(vcpu, Part::Redistributor(owner), offset % REDISTRIBUTOR_SIZE, size)
    }

    /// Carries out a store of `value` in the interrupt controller, and says whom to kick.
    #[inline(always)]
    pub(crate) fn store(&mut self, access: Access, value: u64) -> VcpuSet {
        self.vgic.write(access, value);
        self.vgic.take_kicks()
    }

    /// An SGI was sent, for which `kicks` are kicked.
    pub(crate) fn sent_sgi(&mut self, kicks: VcpuSet) {
        self.sgi_kicks = self.sgi_kicks.union(kicks);
    }

    /// Whether `vcpu`, which was kicked, was so because of an SGI since it last was.
    pub(crate) fn take_sgi(&mut self, vcpu: VcpuId) -> bool {
        let sent = self.sgi_kicks.contains(vcpu);
        self.sgi_kicks.remove(vcpu);
        sent
    }

    /// Puts `uart` in the place of the UART.
    #[inline(never)]
    pub(super) fn replace_uart(&self, uart: Pl011) {
        *lock(&self.shared.serial) = Serial::new(uart);
    }

    /// The interrupt line of the UART may have changed. Returns whom to kick.
    pub(crate) fn follow_uart(&mut self) -> VcpuSet {
        let level = self.shared.serial.lock().tell_line();
        self.vgic.set_shared_line(self.config().layout.uart_intid, level)
    }

    /// Something changed at the VM's console: there is room in its queue, or a byte was typed. Returns whom to kick.
    /// `None` if a vCPU is at the UART or its port just now: to be tried again.
    pub(crate) fn console_changed(&mut self, port: &Mutex<Port>) -> Option<VcpuSet> {
        if !self.config().console {
            return Some(VcpuSet::EMPTY);
        }
        let level = {
            let mut serial = self.shared.serial.try_lock()?;
            serial.refresh(&mut *port.try_lock()?);
            serial.tell_line()
        };
        Some(self.vgic.set_shared_line(self.config().layout.uart_intid, level))
    }
}

impl Device {
    /// What its accesses are counted as.
    pub(crate) const fn cause(self) -> Cause {
        match self {
            Self::Distributor | Self::Redistributors | Self::CpuInterface => Cause::InterruptController,
            Self::Uart => Cause::Uart,
        }
    }
}
