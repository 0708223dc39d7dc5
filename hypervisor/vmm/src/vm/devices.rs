//! The devices on a VM's bus, and the way from a trapped access to them.

use super::Vm;
use crate::console::{Port, attach};
use crate::exit::{Access, Cause, DataAbort};
use crate::fault::GuestFault;
use crate::vcpu::{VcpuId, VcpuSet};
use crate::vgic::{REDISTRIBUTOR_SIZE, Version};
use spin::Mutex;

/// A device on the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// GICD.
    Distributor,
    /// The redistributors of all vCPUs.
    Redistributors,
    /// The PL011.
    Uart,
}

/// GICD_SGIR, by which a GICv2 guest sends SGIs (IHI 0048 4.3.15).
const SGIR: u64 = 0xf00;

/// What an access asks of the caller beside its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KickList {
    /// vCPUs that must look again at their interrupts.
    pub vcpus: VcpuSet,
    /// The console has something new for the housekeeping core.
    pub console: bool,
}

impl Vm {
    /// Carries out the access that `abort` describes for `vcpu`. `value` is what a store writes; the result is
    /// what a load reads, not yet extended. Says what the access is counted as.
    ///
    /// # Errors
    /// Nothing is there, or what is there does not answer such an access.
    pub(crate) fn access(
        &mut self,
        vcpu: VcpuId,
        abort: &DataAbort,
        value: u64,
        port: &Mutex<Port>,
    ) -> (Cause, Result<(u64, KickList), GuestFault>) {
        let size = abort.access().map_or(1, Access::size);
        let Some((device, offset)) = self.bus.find(abort.ipa, size) else {
            return (Cause::Stage2Fault, Err(GuestFault::ExternalAbort));
        };
        if abort.access().is_none() {
            return (device.cause(), Err(GuestFault::ExternalAbort));
        }
        let result = match device {
            Device::Uart => Ok(self.access_uart(offset, size, abort.write().then_some(value), port)),
            Device::Distributor if abort.write() => self.vgic.write_distributor(vcpu, offset, size, value).map(written),
            Device::Distributor => self.vgic.read_distributor(vcpu, offset, size).map(read),
            Device::Redistributors => self.access_redistributor(vcpu, offset, size, abort.write().then_some(value)),
        };
        if device == Device::Distributor && abort.write() && offset == SGIR && self.vgic.layout().version == Version::V2
        {
            self.sent_sgi(result.as_ref().map_or(VcpuSet::EMPTY, |(_, kicks)| kicks.vcpus));
            return (Cause::SgiSent, result);
        }
        (device.cause(), result)
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

    fn access_redistributor(
        &mut self,
        vcpu: VcpuId,
        offset: u64,
        size: u8,
        value: Option<u64>,
    ) -> Result<(u64, KickList), GuestFault> {
        let index = u8::try_from(offset / REDISTRIBUTOR_SIZE).ok();
        let frame = index.and_then(VcpuId::new).ok_or(GuestFault::ExternalAbort)?;
        let offset = offset % REDISTRIBUTOR_SIZE;
        match value {
            Some(value) => self.vgic.write_redistributor(vcpu, frame, offset, size, value).map(written),
            None => self.vgic.read_redistributor(frame, offset, size).map(read),
        }
    }

    fn access_uart(&mut self, offset: u64, size: u8, value: Option<u64>, port: &Mutex<Port>) -> (u64, KickList) {
        let mut result = 0;
        let mut port = port.lock();
        attach(&mut self.uart, &mut port);
        match value {
            Some(value) => {
                if let Some(byte) = self.uart.write(offset, size, value) {
                    port.push(byte);
                }
            }
            None => result = self.uart.read(offset, size),
        }
        let vcpus = self.refresh_uart(&mut port);
        (result, KickList { vcpus, console: port.take_notice() })
    }

    /// Moves typed bytes into the PL011 and brings its interrupt line up to date. Returns whom to kick.
    fn refresh_uart(&mut self, port: &mut Port) -> VcpuSet {
        attach(&mut self.uart, port);
        self.vgic.set_shared_line(self.config().layout.uart_intid, self.uart.interrupt())
    }

    /// Something changed at the VM's console: there is room in its queue, or a byte was typed. Returns whom to kick.
    pub(crate) fn console_changed(&mut self, port: &Mutex<Port>) -> VcpuSet {
        if !self.config().console {
            return VcpuSet::EMPTY;
        }
        self.refresh_uart(&mut port.lock())
    }
}

impl Device {
    fn cause(self) -> Cause {
        match self {
            Self::Distributor | Self::Redistributors => Cause::InterruptController,
            Self::Uart => Cause::Uart,
        }
    }
}

fn written(vcpus: VcpuSet) -> (u64, KickList) {
    (0, KickList { vcpus, console: false })
}

fn read(value: u64) -> (u64, KickList) {
    (value, KickList::default())
}
