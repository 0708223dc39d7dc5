//! Software-generated interrupts (GICv2 IHI 0048 4.3.15, GICv3 IHI 0069 12.2.18), whichever register sends them.

use super::list_register::Maintenance;
use super::mailbox::{Mail, Mailboxes};
use super::{SGIS, Version, Vgic};
use crate::vcpu::{VcpuId, VcpuSet};
use alloc::sync::Arc;

impl Vgic {
    /// `source` sends `targets`, of which only those count that there are, the SGI `intid` (below 16). Returns the vCPUs that
    /// must be kicked. One whose list registers are out, and in them that SGI as pending, has them taken back: it may be
    /// sent without that by [`Mailboxes::post`].
    pub fn send(&mut self, source: VcpuId, targets: VcpuSet, intid: u32) -> VcpuSet {
        for target in targets.intersection(VcpuSet::first(self.vcpus.len())).iter() {
            self.latch_sgi(source.number(), target, intid);
        }
        self.take_kicks()
    }

    /// `source` writes `value` to ICC_SGI0R_EL1, which generates SGIs of Group 0 only. Returns whom to kick.
    pub fn send_group_0(&mut self, source: VcpuId, value: u64) -> VcpuSet {
        let intid = (value >> 24 & 0xF) as u32;
        let mut targets = self.mailboxes.targets(source, value);
        for (index, bank) in self.banks.iter().enumerate().take(self.vcpus.len()) {
            if bank.group & 1 << intid != 0 {
                targets = targets.without(VcpuSet::from_bits(1 << index));
            }
        }
        self.send(source, targets, intid)
    }

    /// The SGI `position` is pending for `target`, on GICv2 from the vCPU with the index `source`.
    fn latch_sgi(&mut self, source: u8, target: VcpuId, position: u32) {
        if self.layout.version == Version::V3 {
            return self.set_latch(target.index(), 1 << position, true);
        }
        let Some(bank) = self.banks.get_mut(target.index()) else { return };
        let changed = bank.change_sources(position, 1 << (source % 8), 0);
        self.touched(target.index(), u32::from(changed) << position);
    }

    /// The mailboxes of the vCPUs, for the cores that have these loaded.
    pub fn mailboxes(&self) -> Arc<Mailboxes> {
        self.mailboxes.clone()
    }

    /// The list registers of `vcpu` go out: what is lent there may be sent again.
    #[inline(always)]
    pub(super) fn open_mailbox(&self, vcpu: VcpuId) {
        let Some(bank) = self.banks.get(vcpu.index()) else { return };
        if bank.lives.lent() & SGIS != 0 {
            self.open_for(vcpu, bank.lives.only_lent() & SGIS);
        }
    }

    #[inline(never)]
    fn open_for(&self, vcpu: VcpuId, lent: u32) {
        let (Some(bank), Some(per)) = (self.banks.get(vcpu.index()), self.vcpus.get(vcpu.index())) else { return };
        // A list register without maintenance: see `ListRegisters::lent`.
        if per.list_registers.maintenance == Maintenance::NONE {
            let lowest = |position| VcpuSet::from_bits(bank.lent_source(position).into()).lowest();
            let v2 = self.layout.version == Version::V2;
            self.mailboxes.open(vcpu, lent, |position| if v2 { lowest(position) } else { Some(vcpu) });
        }
    }

    /// What of `vcpu` is in list registers comes back, or is made another: what was sent again until now, and not shown, is
    /// pending beside that. If it was acknowledged there it is so once more, and else it is the same.
    #[inline(always)]
    pub(super) fn close_mailbox(&mut self, vcpu: VcpuId) {
        let mail = self.mailboxes.close(vcpu);
        if !mail.is_empty() {
            self.latch_mail(vcpu, mail);
        }
    }

    #[inline(never)]
    fn latch_mail(&mut self, vcpu: VcpuId, mut mail: Mail) {
        while let Some((position, rest)) = mail.next() {
            self.latch_sgi(mail.source(vcpu, position), vcpu, position);
            mail = rest;
        }
    }
}
