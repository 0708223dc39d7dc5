//! Guests load from the controller's registers, and store.

use super::registers::Frame;
use super::world::{World, id};
use bulkhead_vmm::fault::GuestFault;
use bulkhead_vmm::vcpu::VcpuSet;
use bulkhead_vmm::vgic::{Part, SGIR, Vgic};

impl World {
    /// `vcpu` writes a register.
    ///
    /// # Errors
    /// A disagreement.
    pub fn write(&mut self, vcpu: usize, frame: Frame, offset: u64, size: u8, value: u64) -> Result<(), String> {
        self.oracle.write(vcpu, frame, offset, size, value);
        if !self.oracle.v3 && (frame, offset, size) == (Frame::Distributor, SGIR, 4) {
            let list = match value >> 24 & 3 {
                0 => value >> 16 & 0xFF,
                1 => !(1 << vcpu) & 0xFF,
                2 => 1 << vcpu,
                _ => 0,
            };
            return self.send(vcpu, VcpuSet::from_bits(list as u32), (value & 0xF) as u32);
        }
        match self.access(vcpu, frame, offset, size, Some(value))? {
            Ok(_) => Ok(()),
            Err(fault) => self.expect_abort(frame, offset, fault),
        }
    }

    /// `vcpu` accesses a register: with its list registers out in the hardware, or after they have been taken back if
    /// the controller wants that, and now and then at once.
    fn access(
        &mut self,
        vcpu: usize,
        frame: Frame,
        offset: u64,
        size: u8,
        stored: Option<u64>,
    ) -> Result<Result<u64, GuestFault>, String> {
        let part = match frame {
            Frame::Distributor => Part::Distributor,
            Frame::Redistributor(owner) => Part::Redistributor(id(owner)),
        };
        let access = match self.vgic.find(id(vcpu), part, offset, size) {
            // The bus lets nothing through that is behind a frame's end.
            Ok(access) if offset < self.end_of(frame) => access,
            _ => return Ok(Err(GuestFault::ExternalAbort)),
        };
        let carry_out = |vgic: &mut Vgic| match stored {
            Some(value) => {
                vgic.write(access, value);
                0
            }
            None => vgic.read(access),
        };
        if self.random.one_in(2) && !self.vgic.rests(access, stored.is_some()) {
            let answer = carry_out(&mut self.vgic);
            let kicks = self.vgic.take_kicks();
            self.tally.in_place += 1;
            return self.settle(kicks).map(|()| Ok(answer));
        }
        let mut kicks = self.exit(vcpu);
        if self.vgic.rests(access, stored.is_some()) {
            kicks = kicks.union(self.recall_others(vcpu)?);
        }
        let (answer, kicks) = self.work(vcpu, kicks, |world| {
            let answer = carry_out(&mut world.vgic);
            let kicks = world.vgic.take_kicks();
            ((answer, kicks), kicks)
        })?;
        if kicks.contains(id(vcpu)) {
            return Err("the accessing vCPU is to be kicked".into());
        }
        Ok(Ok(answer))
    }

    /// Those whose list registers an access of `vcpu`, which is out of the guest, rests on, come by. Whom to kick of others.
    fn recall_others(&mut self, vcpu: usize) -> Result<VcpuSet, String> {
        let others = self.vgic.recall_others(id(vcpu));
        let kicks = self.vgic.take_kicks();
        if kicks.intersection(others) != others {
            return Err(format!("{others:?} are waited for, but only {kicks:?} hear of it"));
        }
        for other in others.iter() {
            self.vgic.leave(other);
            self.enter(other.index())?;
            self.tally.recalled += 1;
        }
        match self.vgic.still_recalled(others).is_empty() {
            true => Ok(kicks.without(others)),
            false => Err(format!("{others:?} came by, and are still waited for")),
        }
    }

    /// Bytes in `frame`, none if there is no such frame.
    fn end_of(&self, frame: Frame) -> u64 {
        match frame {
            Frame::Distributor if self.oracle.v3 => 0x1_0000,
            Frame::Distributor => 0x1000,
            Frame::Redistributor(_) if self.oracle.v3 => 0x2_0000,
            Frame::Redistributor(_) => 0,
        }
    }

    fn expect_abort(&self, frame: Frame, offset: u64, fault: GuestFault) -> Result<(), String> {
        if fault == GuestFault::ExternalAbort && offset >= self.end_of(frame) {
            return Ok(());
        }
        Err(format!("{frame:?} + {offset:#x}: {fault:?}"))
    }

    /// `vcpu` reads a register, whoever else is in the guest.
    ///
    /// # Errors
    /// A disagreement.
    pub fn read(&mut self, vcpu: usize, frame: Frame, offset: u64, size: u8) -> Result<(), String> {
        let value = match self.access(vcpu, frame, offset, size, None)? {
            Ok(value) => value,
            Err(fault) => return self.expect_abort(frame, offset, fault),
        };
        match self.oracle.read(vcpu, frame, offset, size) {
            Some(expected) if expected != value => {
                Err(format!("{frame:?} + {offset:#x} ({size}) by vCPU {vcpu}: {value:#x}, expected {expected:#x}"))
            }
            _ => Ok(()),
        }
    }
}
