//! The devices on a VM's bus, and the way to those that are the VM's.

use super::Vm;
use crate::console::Port;
use crate::exit::Cause;
use crate::fault::GuestFault;
use crate::vcpu::{VcpuId, VcpuSet};
use crate::vgic::{Part, REDISTRIBUTOR_SIZE, Version};
use spin::Mutex;

/// A device on the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// GICD.
    Distributor,
    /// The redistributors of all vCPUs.
    Redistributors,
    /// The PL011, which needs its VM only when its interrupt line changes: see [`crate::console::Serial`].
    Uart,
}

/// GICD_SGIR, by which a GICv2 guest sends SGIs (IHI 0048 4.3.15).
const SGIR: u64 = 0xf00;

impl Vm {
    /// Carries out that `vcpu` stores `stored`, or else loads, `size` bytes at `offset` of its interrupt controller, of
    /// which `device` is a part. What a load reads; after a store, [`crate::vgic::Vgic::take_kicks`] says who must look again. `None` as
    /// [`crate::vgic::Vgic::access`] has it.
    ///
    /// # Errors
    /// What is there does not answer such an access.
    #[inline(always)]
    pub(crate) fn access(
        &mut self,
        vcpu: VcpuId,
        device: Device,
        offset: u64,
        size: u8,
        stored: Option<u64>,
    ) -> Result<Option<u64>, GuestFault> {
        let (mut part, mut within) = (Part::Distributor, offset);
        if device == Device::Redistributors {
            let index = u8::try_from(offset / REDISTRIBUTOR_SIZE).ok();
            part = Part::Redistributor(index.and_then(VcpuId::new).ok_or(GuestFault::ExternalAbort)?);
            within = offset % REDISTRIBUTOR_SIZE;
        }
        self.vgic.access(vcpu, part, within, size, stored)
    }

    /// Whether a store at `offset` of `device` sends an SGI.
    pub(crate) fn sends_sgi(&self, device: Device, offset: u64) -> bool {
        device == Device::Distributor && offset == SGIR && self.vgic.layout().version == Version::V2
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

    /// The interrupt line of the UART may have changed. Returns whom to kick.
    pub(crate) fn follow_uart(&mut self) -> VcpuSet {
        let level = self.shared.serial.lock().tell_line();
        self.vgic.set_shared_line(self.config().layout.uart_intid, level)
    }

    /// Something changed at the VM's console: there is room in its queue, or a byte was typed. Returns whom to kick.
    pub(crate) fn console_changed(&mut self, port: &Mutex<Port>) -> VcpuSet {
        if !self.config().console {
            return VcpuSet::EMPTY;
        }
        self.shared.serial.lock().refresh(&mut port.lock());
        self.follow_uart()
    }
}

impl Device {
    /// What its accesses are counted as.
    pub(crate) const fn cause(self) -> Cause {
        match self {
            Self::Distributor | Self::Redistributors => Cause::InterruptController,
            Self::Uart => Cause::Uart,
        }
    }
}
