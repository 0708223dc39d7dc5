//! List registers that go out, stay out and come back.

use super::*;

/// As many list registers as `count`; SGIs of both vCPUs and the UART's interrupt enabled, edge-triggered, on the boot vCPU.
fn with_list_registers(count: usize) -> Vgic {
    let mut vgic = Vgic::new(Layout { list_registers: count, ..layout(Version::V3) });
    for vcpu in [BOOT, second()] {
        write(&mut vgic, vcpu, Part::Redistributor(vcpu), (0x1_0100, 4), 0xFFFF);
    }
    for (offset, value) in [(0, 3), (0x104, 1 << (UART - 32)), (0xC08, 0b10 << (2 * (UART - 32)))] {
        write(&mut vgic, BOOT, Part::Distributor, (offset, 4), value);
    }
    vgic
}

fn set_priority(vgic: &mut Vgic, intid: u32, priority: u64) {
    let part = if intid < 32 { Part::Redistributor(BOOT) } else { Part::Distributor };
    let frame = if intid < 32 { 0x1_0000 } else { 0 };
    write(vgic, BOOT, part, (frame + 0x400 + u64::from(intid), 1), priority);
}

fn edge(vgic: &mut Vgic) {
    vgic.set_shared_line(UART, true);
    vgic.set_shared_line(UART, false);
}

fn active(vgic: &Vgic) -> Vec<u32> {
    let interrupts = vgic.state().interrupts;
    let of = |index: usize, first: u32| crate::bits::bits(interrupts[index].active).map(move |bit| first + bit);
    of(0, 0).chain(of(2, 32)).collect()
}

#[test]
fn list_registers_are_out_until_they_are_taken_back() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        assert!(!vgic.is_out(BOOT));
        let registers = *vgic.flush(BOOT);
        assert!(vgic.is_out(BOOT) && !vgic.is_out(second()));
        vgic.leave(BOOT);
        assert!(vgic.is_out(BOOT));
        assert!(vgic.set_shared_line(UART, true).is_empty(), "it looks before it enters");
        assert!(!vgic.enter_again(BOOT), "there is something new");
        vgic.fold(BOOT, &registers);
        assert!(!vgic.is_out(BOOT));
    }
}

#[test]
fn who_enters_again_is_in_the_guest_and_has_list_registers_out() {
    let mut vgic = set_up(Version::V3);
    vgic.reset_vcpu(BOOT);
    vgic.settle(BOOT);
    vgic.switch_on(BOOT);
    assert!(vgic.enter_again(BOOT) && vgic.is_out(BOOT));
    assert_eq!(vgic.set_shared_line(UART, true), VcpuSet::only(BOOT));
}

#[test]
fn what_waits_without_a_list_register_is_asked_for_at_each_entry() {
    let mut vgic = with_list_registers(1);
    for intid in [1, 2] {
        vgic.send(BOOT, VcpuSet::only(BOOT), intid);
    }
    let registers = *vgic.flush(BOOT);
    assert_eq!(registers.maintenance, Maintenance::NO_PENDING);
    vgic.leave(BOOT);
    assert!(vgic.enter_again(BOOT), "it is asked for still");
    vgic.fold(BOOT, &registers);
    assert!(!vgic.enter_again(BOOT), "the hardware was cleared");
    assert_eq!(vgic.flush(BOOT).maintenance, Maintenance::NO_PENDING);
}

#[test]
fn groups_are_looked_at_only_if_they_were_asked_for() {
    let mut vgic = set_up(Version::V3);
    vgic.send(BOOT, VcpuSet::only(BOOT), 1);
    let mut read = *vgic.flush(BOOT);
    read.groups = [false, false];
    vgic.fold(BOOT, &read);
    assert_eq!(vgic.vcpus[0].list_registers.groups, [true; 2]);
    assert!(!vgic.dirty.contains(BOOT));
}

/// EOICount (ICH_HCR_EL2, GICv3 IHI 0069 12.4.5): what preempted all others is what ends first.
#[test]
fn ends_without_a_list_register_are_of_the_most_urgent_first() {
    let mut vgic = with_list_registers(1);
    // Acknowledged in ascending urgency; the last is no SGI.
    for (intid, priority) in [(1, 0x80), (2, 0x60), (3, 0x40), (UART, 0x20)] {
        set_priority(&mut vgic, intid, priority);
        match intid {
            UART => edge(&mut vgic),
            _ => assert!(vgic.send(BOOT, VcpuSet::only(BOOT), intid).is_empty()),
        }
        enter_and_leave(&mut vgic, BOOT, intid, ListRegisterState::Active);
    }
    assert_eq!(active(&vgic), [1, 2, 3, UART]);
    // A still more urgent one is pending, and takes the list register.
    vgic.send(BOOT, VcpuSet::only(BOOT), 0);
    let mut read = *vgic.flush(BOOT);
    assert_eq!((read.get(0).intid(), read.maintenance.has(Maintenance::ENTRY_NOT_PRESENT)), (0, true));
    for (ended, left) in [(0, &[1, 2, 3, UART][..]), (1, &[1, 2, 3]), (2, &[1])] {
        read.eoi_count = ended;
        vgic.fold(BOOT, &read);
        assert_eq!(active(&vgic), left);
        read = *vgic.flush(BOOT);
        read.eoi_count = 0;
    }
    // What stands in the list register is not left out: its own state tells of its end.
    read.registers[0].set_state(ListRegisterState::Active);
    read.eoi_count = 31;
    vgic.fold(BOOT, &read);
    assert_eq!(active(&vgic), [0]);
}

#[test]
fn an_end_is_that_of_what_was_acknowledged_before_what_a_register_made_active() {
    let mut vgic = with_list_registers(1);
    for (intid, priority) in [(0, 0), (1, 0x80), (2, 0x40)] {
        set_priority(&mut vgic, intid, priority);
    }
    vgic.send(BOOT, VcpuSet::only(BOOT), 1);
    enter_and_leave(&mut vgic, BOOT, 1, ListRegisterState::Active);
    write(&mut vgic, BOOT, Part::Redistributor(BOOT), (0x1_0300, 4), 1 << 2);
    vgic.send(BOOT, VcpuSet::only(BOOT), 0);
    for left in [&[2][..], &[]] {
        let mut read = *vgic.flush(BOOT);
        assert_eq!(read.get(0).intid(), 0);
        read.eoi_count = 1;
        vgic.fold(BOOT, &read);
        assert_eq!(active(&vgic), left);
    }
}

#[test]
fn nothing_is_pending_beside_active_while_others_wait() {
    for (others, together) in [(&[][..], true), (&[1], true), (&[1, 2], false)] {
        let mut vgic = with_list_registers(2);
        edge(&mut vgic);
        enter_and_leave(&mut vgic, BOOT, UART, ListRegisterState::Active);
        edge(&mut vgic);
        for intid in others {
            set_priority(&mut vgic, *intid, 0x80);
            vgic.send(BOOT, VcpuSet::only(BOOT), *intid);
        }
        let register = register_of(&mut vgic, BOOT, UART).unwrap();
        let expected = if together { ListRegisterState::PendingAndActive } else { ListRegisterState::Active };
        assert_eq!((register.state(), register.eoi_maintenance()), (expected, !together), "{others:?}");
    }
}

/// An active interrupt whose line is low is a candidate, too: the hypervisor would not hear of its end else.
#[test]
fn what_is_in_service_is_not_forgotten_when_list_registers_run_out() {
    let mut vgic = with_list_registers(2);
    edge(&mut vgic);
    enter_and_leave(&mut vgic, BOOT, UART, ListRegisterState::Active);
    for intid in 1..4 {
        vgic.send(BOOT, VcpuSet::only(BOOT), intid);
    }
    let registers = *vgic.flush(BOOT);
    assert_eq!(registers.maintenance, Maintenance::NO_PENDING);
    let held: Vec<_> = registers.used_indices().map(|index| registers.get(index).intid()).collect();
    assert_eq!(held, [UART, 1], "of equally urgent ones what is in service comes first");
}

#[test]
fn what_fits_leaves_nothing_to_wait_for_and_what_ended_nothing_to_look_at() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        vgic.set_shared_line(UART, true);
        vgic.send(BOOT, VcpuSet::only(BOOT), 3);
        vgic.flush(BOOT);
        assert!(!vgic.vcpus[0].overflow && vgic.busy != 0);
        for intid in [UART, 3] {
            enter_and_leave(&mut vgic, BOOT, intid, ListRegisterState::Active);
            vgic.set_shared_line(UART, false);
            enter_and_leave(&mut vgic, BOOT, intid, ListRegisterState::Empty);
        }
        // Both vCPUs look once more, and find nothing.
        for vcpu in [BOOT, second()] {
            vgic.reset_vcpu(vcpu);
            assert_eq!(vgic.flush(vcpu).used, 0);
        }
        assert_eq!(vgic.busy, 0, "{version:?}");
    }
}

#[test]
fn a_timer_that_a_store_made_pending_is_the_hardwares_again_once_it_is_taken() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        vgic.raise_hardware(BOOT, TIMER);
        match version {
            Version::V2 => write(&mut vgic, BOOT, Part::Distributor, (0x200, 4), 1 << TIMER),
            Version::V3 => write(&mut vgic, BOOT, Part::Redistributor(BOOT), (0x1_0200, 4), 1 << TIMER),
        };
        let told = |register: ListRegister| (register.state(), register.hardware(), register.eoi_maintenance());
        let register = register_of(&mut vgic, BOOT, TIMER).map(told);
        assert_eq!(register, Some((ListRegisterState::Pending, None, true)));
        enter_and_leave(&mut vgic, BOOT, TIMER, ListRegisterState::Active);
        let register = register_of(&mut vgic, BOOT, TIMER).map(told);
        assert_eq!(register, Some((ListRegisterState::Active, Some(TIMER), false)), "its end costs no exit");
    }
}
