//! Guests send SGIs.

use super::world::{World, id};
use bulkhead_vmm::vcpu::{VcpuId, VcpuSet};

impl World {
    /// `vcpu` writes ICC_SGI1R_EL1 (0), ICC_SGI0R_EL1 (1) or ICC_ASGI1R_EL1 (2).
    ///
    /// # Errors
    /// A disagreement.
    pub fn generate(&mut self, vcpu: usize, register: u64, value: u64) -> Result<(), String> {
        self.oracle.generate(vcpu, value, register == 0);
        if !self.oracle.v3 {
            return Ok(());
        }
        if register == 0 {
            let targets = self.vgic.mailboxes().targets(id(vcpu), value);
            return self.send(vcpu, targets, (value >> 24 & 0xF) as u32);
        }
        let kicks = self.leave(vcpu);
        self.work(vcpu, kicks, |world| ((), world.vgic.send_group_0(id(vcpu), value)))
    }

    /// `vcpu` sends `targets` an SGI: again to those that have a list register for it, if chance wants it.
    pub(super) fn send(&mut self, vcpu: usize, targets: VcpuSet, intid: u32) -> Result<(), String> {
        let mut left = VcpuSet::EMPTY;
        let plain = self.random.one_in(4);
        for target in targets.iter() {
            let again = !plain
                && if target == id(vcpu) { self.send_oneself(vcpu, intid)? } else { self.post(vcpu, target, intid)? };
            if !again {
                left.insert(target);
            }
        }
        if left.is_empty() {
            return self.settle(VcpuSet::EMPTY);
        }
        let kicks = self.leave(vcpu);
        self.work(vcpu, kicks, |world| ((), world.vgic.send(id(vcpu), left, intid)))
    }

    fn send_oneself(&mut self, vcpu: usize, intid: u32) -> Result<bool, String> {
        let lent = self.interfaces[vcpu].written.lent(intid);
        let other = lent.is_none_or(|(_, register)| match self.oracle.v3 {
            true => !self.vgic.mailboxes().is_open(id(vcpu), intid),
            false => usize::from(register.source()) != vcpu,
        });
        if other || !self.interfaces[vcpu].make_pending(intid, false)? {
            return Ok(false);
        }
        self.tally.again += 1;
        Ok(true)
    }

    fn post(&mut self, vcpu: usize, target: VcpuId, intid: u32) -> Result<bool, String> {
        match self.vgic.mailboxes().post(id(vcpu), target, intid) {
            None => return Ok(false),
            Some(None) => return Err(format!("the mail of {target} was not taken at once")),
            Some(Some(_)) => {}
        }
        // Sent twice before it is looked for, it is there once.
        if self.random.one_in(4) && self.vgic.mailboxes().post(id(vcpu), target, intid) != Some(None) {
            return Err(format!("the doorbell of {target} is to be rung twice"));
        }
        let kicks = self.answer(target.index())?;
        self.late_kicks = self.late_kicks.union(kicks);
        Ok(true)
    }
}
