//! SGIs that come again.

use super::*;
use crate::platform::Doorbell;

/// The SGIs in the mailbox of `BOOT`, a bit each.
fn mail(vgic: &Vgic) -> u16 {
    let (mut mail, mut word) = (vgic.mailboxes().take(BOOT), 0);
    while let Some((intid, rest)) = mail.next() {
        word |= 1 << intid;
        mail = rest;
    }
    word
}

/// `BOOT` is in the guest, SGI 3 of `source` pending in a list register.
fn lent(version: Version, source: VcpuId) -> (Vgic, alloc::sync::Arc<Mailboxes>) {
    let mut vgic = set_up(version);
    let mailboxes = vgic.mailboxes();
    mailboxes.set_doorbell(BOOT, Doorbell(7));
    vgic.send(source, VcpuSet::only(BOOT), 3);
    assert_eq!(mailboxes.post(source, BOOT, 3), None, "nothing is out");
    vgic.flush(BOOT);
    (vgic, mailboxes)
}

#[test]
fn an_sgi_comes_again_by_mail() {
    for version in [Version::V2, Version::V3] {
        let (vgic, mailboxes) = lent(version, second());
        assert_eq!(mailboxes.post(second(), BOOT, 4), None, "it has no list register");
        assert_eq!(mailboxes.post(second(), BOOT, 3), Some(Some(Doorbell(7))));
        assert_eq!(mailboxes.post(second(), BOOT, 3), Some(None), "the doorbell was rung");
        assert_eq!((mail(&vgic), mail(&vgic)), (1 << 3, 0));
        assert_eq!(mailboxes.post(second(), BOOT, 3), Some(Some(Doorbell(7))));
    }
}

#[test]
fn a_list_register_shows_one_sender() {
    let (vgic, mailboxes) = lent(Version::V2, second());
    assert_eq!(mailboxes.post(BOOT, BOOT, 3), None);
    assert!(mailboxes.post(second(), BOOT, 3).is_some());
    assert_eq!(mail(&vgic), 1 << 3);
    let (_, mailboxes) = lent(Version::V2, BOOT);
    assert_eq!(mailboxes.post(second(), BOOT, 3), None);
    assert_eq!(mailboxes.post(BOOT, BOOT, 3), None, "who sends himself one needs no mail");
}

#[test]
fn mail_that_nobody_took_is_pending_once() {
    // Acknowledged before it came again: now it is pending anew. Not acknowledged: still.
    for state in [ListRegisterState::Empty, ListRegisterState::Pending] {
        let (mut vgic, mailboxes) = lent(Version::V3, second());
        assert!(mailboxes.post(second(), BOOT, 3).is_some());
        let mut read = vgic.vcpus[0].list_registers;
        read.registers[0].set_state(state);
        vgic.fold(BOOT, &read);
        assert_eq!(mailboxes.post(second(), BOOT, 3), None, "closed");
        assert_eq!(vgic.state().interrupts[0].latch, 1 << 3);
        enter_and_leave(&mut vgic, BOOT, 3, ListRegisterState::Empty);
        assert_eq!((vgic.state().interrupts[0].latch, mail(&vgic)), (0, 0));
    }
}

#[test]
fn what_is_recalled_takes_no_mail() {
    for (offset, value, pending) in [(0x180, 1 << 3, true), (0x400, 0x8000_0000, true), (0x280, 1 << 3, false)] {
        let (mut vgic, mailboxes) = lent(Version::V3, second());
        assert!(mailboxes.post(second(), BOOT, 3).is_some());
        let kicks = write(&mut vgic, second(), Part::Redistributor(BOOT), (0x1_0000 + offset, 4), value);
        assert_eq!((kicks, mail(&vgic)), (VcpuSet::only(BOOT), 0), "{offset:#x}");
        assert_eq!(mailboxes.post(second(), BOOT, 3), None, "{offset:#x}");
        let mut read = vgic.vcpus[0].list_registers;
        read.registers[0].set_state(ListRegisterState::Empty);
        vgic.fold(BOOT, &read);
        assert_eq!(vgic.state().interrupts[0].latch != 0, pending, "{offset:#x}");
    }
}

#[test]
fn an_sgi_that_another_clears_is_not_sent_again_by_its_own_vcpu() {
    let mut vgic = set_up(Version::V3);
    vgic.send(second(), VcpuSet::only(BOOT), 3);
    vgic.flush(BOOT);
    assert!(vgic.mailboxes().is_open(BOOT, 3) && !vgic.mailboxes().is_open(BOOT, 4));
    write(&mut vgic, second(), Part::Redistributor(BOOT), (0x1_0280, 4), 1 << 3);
    assert!(!vgic.mailboxes().is_open(BOOT, 3));
}

#[test]
fn each_vcpu_has_a_mailbox_of_its_own() {
    let mut vgic = Vgic::new(Layout { vcpus: 32, ..layout(Version::V3) });
    write(&mut vgic, BOOT, Part::Distributor, (0, 4), 3);
    let (mailboxes, all) = (vgic.mailboxes(), VcpuSet::first(32));
    for vcpu in all.iter() {
        write(&mut vgic, BOOT, Part::Redistributor(vcpu), (0x1_0100, 4), 0xFFFF);
        mailboxes.set_doorbell(vcpu, Doorbell(u64::from(vcpu.number()) + 100));
    }
    vgic.send(BOOT, all, 3);
    for vcpu in all.iter() {
        vgic.flush(vcpu);
        assert!(mailboxes.take(vcpu).is_empty() && mailboxes.take(vcpu).next().is_none());
    }
    let odd = |vcpu: VcpuId| vcpu.number() % 2 == 1;
    for vcpu in all.iter().filter(|vcpu| odd(*vcpu)) {
        assert_eq!(mailboxes.post(BOOT, vcpu, 3), Some(Some(Doorbell(u64::from(vcpu.number()) + 100))));
    }
    for vcpu in all.iter() {
        let mail = mailboxes.take(vcpu);
        assert_eq!((mail.is_empty(), mail.next().map(|(intid, _)| intid)), (!odd(vcpu), odd(vcpu).then_some(3)));
    }
}

/// The vCPUs that the SGIs of `vcpu` are pending from, on GICv2, as a bit each; the others are not pending.
fn sources(vgic: &Vgic, vcpu: VcpuId) -> Vec<(usize, u8)> {
    let interrupts = vgic.state().interrupts[vcpu.index()].details;
    interrupts.iter().map(|detail| detail.sources).enumerate().filter(|(_, sources)| *sources != 0).collect()
}

#[test]
fn mail_that_nobody_took_is_pending_from_who_sent_it() {
    let mut vgic = Vgic::new(Layout { vcpus: 8, ..layout(Version::V2) });
    write(&mut vgic, BOOT, Part::Distributor, (0, 4), 3);
    let (mailboxes, target) = (vgic.mailboxes(), VcpuId::new(2).unwrap());
    let sent = [(3, 1), (5, 7), (14, 0)].map(|(intid, source)| (intid, VcpuId::new(source).unwrap()));
    for (intid, source) in sent {
        vgic.send(source, VcpuSet::only(target), intid);
    }
    let mut read = *vgic.flush(target);
    for (intid, source) in sent {
        assert!(mailboxes.post(source, target, intid).is_some());
    }
    // All are acknowledged and ended, and come again.
    for index in read.used_indices() {
        read.registers[usize::from(index)].set_state(ListRegisterState::Empty);
    }
    vgic.fold(target, &read);
    assert_eq!(sources(&vgic, target), [(3, 1 << 1), (5, 1 << 7), (14, 1)]);
}
