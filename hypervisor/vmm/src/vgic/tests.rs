//! What the model test does not see: how few exits and writes things take, and what is refused.

mod bank;
mod fields;
mod kicks;
mod mailbox;
mod power;
mod registers;
mod slots;
mod state;

use super::*;
use crate::fault::GuestFault;
use alloc::vec::Vec;

const BOOT: VcpuId = VcpuId::BOOT;
const UART: u32 = 33;
const TIMER: u32 = 27;

fn second() -> VcpuId {
    VcpuId::new(1).unwrap()
}

fn layout(version: Version) -> Layout {
    Layout { version, vcpus: 2, spis: 64, priority_bits: 5, list_registers: 4 }
}

/// `vcpu` writes as many bytes as it says. Whom to kick.
fn write(vgic: &mut Vgic, vcpu: VcpuId, part: Part, (offset, size): (u64, u8), value: u64) -> VcpuSet {
    let access = vgic.find(vcpu, part, offset, size).unwrap();
    if vgic.rests(access, true) {
        vgic.recall_others(vcpu);
    }
    vgic.write(access, value);
    vgic.take_kicks()
}

/// What `vcpu` reads.
fn read(vgic: &Vgic, vcpu: VcpuId, part: Part, (offset, size): (u64, u8)) -> u64 {
    vgic.read(vgic.find(vcpu, part, offset, size).unwrap())
}

/// Both groups on; the UART's interrupt and the timers enabled, the UART's on the boot vCPU.
fn set_up(version: Version) -> Vgic {
    let mut vgic = Vgic::new(layout(version));
    for vcpu in [BOOT, second()] {
        vgic.link_hardware(vcpu, TIMER, TIMER);
        match version {
            Version::V2 => write(&mut vgic, vcpu, Part::Distributor, (0x100, 4), 1 << TIMER),
            Version::V3 => write(&mut vgic, vcpu, Part::Redistributor(vcpu), (0x1_0100, 4), 1 << TIMER | 0xFFFF),
        };
    }
    for (offset, size, value) in [(0, 4, 3), (0x104, 4, 1 << (UART - 32)), (0x800 + u64::from(UART), 1, 1)] {
        write(&mut vgic, BOOT, Part::Distributor, (offset, size), value);
    }
    vgic
}

/// Enters; the guest then makes `state` of the list register of `intid`, and exits.
fn enter_and_leave(vgic: &mut Vgic, vcpu: VcpuId, intid: u32, state: ListRegisterState) -> VcpuSet {
    let mut read = *vgic.flush(vcpu);
    let index = read.used_indices().find(|index| read.get(*index).intid() == intid).unwrap();
    read.registers[usize::from(index)].set_state(state);
    vgic.fold(vcpu, &read)
}

fn register_of(vgic: &mut Vgic, vcpu: VcpuId, intid: u32) -> Option<ListRegister> {
    let registers = *vgic.flush(vcpu);
    registers.used_indices().map(|index| registers.get(index)).find(|register| register.intid() == intid)
}

#[test]
fn with_nothing_in_flight_nothing_is_written() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        for _ in 0..3 {
            let registers = *vgic.flush(BOOT);
            assert_eq!((registers.used, registers.changed, registers.maintenance), (0, 0, Maintenance::NONE));
            // Nothing is chosen anew at the next entry either.
            assert!(!vgic.dirty.contains(BOOT));
            assert!(vgic.fold(BOOT, &registers).is_empty());
            assert!(!vgic.dirty.contains(BOOT));
        }
        assert!(!vgic.has_deliverable(BOOT));
    }
}

#[test]
fn a_device_served_before_the_end_of_its_interrupt_costs_no_maintenance_interrupt() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        vgic.set_shared_line(UART, true);
        // The guest acknowledges, then reads the device, which lowers the line.
        enter_and_leave(&mut vgic, BOOT, UART, ListRegisterState::Active);
        vgic.set_shared_line(UART, false);
        let register = register_of(&mut vgic, BOOT, UART).unwrap();
        assert_eq!((register.state(), register.eoi_maintenance()), (ListRegisterState::Active, false));
        // It ends the interrupt without an exit; at the next one, whenever that is, nothing is left to write.
        enter_and_leave(&mut vgic, BOOT, UART, ListRegisterState::Empty);
        let registers = vgic.flush(BOOT);
        assert_eq!((registers.used, registers.changed), (0, 0));
    }
}

#[test]
fn an_sgi_from_one_vcpu_asks_for_no_maintenance_and_from_two_for_one() {
    let mut vgic = set_up(Version::V2);
    vgic.send(BOOT, VcpuSet::only(BOOT), 3);
    assert!(!register_of(&mut vgic, BOOT, 3).unwrap().eoi_maintenance());
    enter_and_leave(&mut vgic, BOOT, 3, ListRegisterState::Active);
    assert!(!register_of(&mut vgic, BOOT, 3).unwrap().eoi_maintenance());
    enter_and_leave(&mut vgic, BOOT, 3, ListRegisterState::Active);
    vgic.send(second(), VcpuSet::only(BOOT), 3);
    let register = register_of(&mut vgic, BOOT, 3).unwrap();
    assert_eq!((register.state(), register.source(), register.eoi_maintenance()), (ListRegisterState::Active, 0, true));
    enter_and_leave(&mut vgic, BOOT, 3, ListRegisterState::Empty);
    let register = register_of(&mut vgic, BOOT, 3).unwrap();
    assert_eq!(
        (register.state(), register.source(), register.eoi_maintenance()),
        (ListRegisterState::Pending, 1, false)
    );
}

#[test]
fn an_active_interrupt_ends_with_the_priority_that_it_was_acknowledged_with() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        let priority = 0x400 + u64::from(UART);
        write(&mut vgic, BOOT, Part::Distributor, (priority, 1), 0x40);
        write(&mut vgic, BOOT, Part::Distributor, (0x204, 4), 1 << (UART - 32));
        enter_and_leave(&mut vgic, BOOT, UART, ListRegisterState::Active);
        write(&mut vgic, BOOT, Part::Distributor, (priority, 1), 0x80);
        let register = register_of(&mut vgic, BOOT, UART).unwrap();
        assert_eq!((register.state(), register.priority()), (ListRegisterState::Active, 0x40));
        // Pending once more, it has another priority, for which it must wait.
        enter_and_leave(&mut vgic, BOOT, UART, ListRegisterState::Active);
        write(&mut vgic, BOOT, Part::Distributor, (0x204, 4), 1 << (UART - 32));
        let register = register_of(&mut vgic, BOOT, UART).unwrap();
        assert_eq!((register.state(), register.eoi_maintenance()), (ListRegisterState::Active, true));
        enter_and_leave(&mut vgic, BOOT, UART, ListRegisterState::Empty);
        let register = register_of(&mut vgic, BOOT, UART).unwrap();
        assert_eq!((register.state(), register.priority()), (ListRegisterState::Pending, 0x80));
    }
}

#[test]
fn a_copy_of_list_registers_follows_by_what_changed() {
    let mut vgic = set_up(Version::V3);
    let mut copy = ListRegisters::EMPTY;
    for intid in 0..6 {
        vgic.send(second(), VcpuSet::only(BOOT), intid);
        copy.update_from(vgic.flush(BOOT));
        assert_eq!(copy, *vgic.flush(BOOT));
        assert_eq!(copy.changed != 0, intid < 4, "INTID {intid}");
        vgic.fold(BOOT, &copy);
    }
}

#[test]
fn what_does_not_fit_is_waited_for() {
    let mut vgic = set_up(Version::V3);
    for intid in 0..5 {
        vgic.send(second(), VcpuSet::only(BOOT), intid);
    }
    let full = *vgic.flush(BOOT);
    assert_eq!((full.used, full.maintenance), (0xF, Maintenance::NO_PENDING));
    // The last of Group 1: now the two groups compete, and it matters which the CPU interface has enabled.
    vgic.fold(BOOT, &full);
    write(&mut vgic, BOOT, Part::Redistributor(BOOT), (0x1_0080, 4), 1 << 4);
    let mut compete = *vgic.flush(BOOT);
    let groups = |of: [Maintenance; 2], maintenance: Maintenance| of.map(|group| maintenance.has(group));
    assert_eq!(groups(Maintenance::GROUP_ENABLED, compete.maintenance), [false; 2]);
    assert_eq!(groups(Maintenance::GROUP_DISABLED, compete.maintenance), [true; 2]);
    assert!(!compete.registers.iter().any(|register| register.intid() == 4));
    compete.groups = [false, true];
    vgic.fold(BOOT, &compete);
    let chosen = *vgic.flush(BOOT);
    assert_eq!(groups(Maintenance::GROUP_ENABLED, chosen.maintenance), [true, false]);
    assert_eq!(groups(Maintenance::GROUP_DISABLED, chosen.maintenance), [false; 2]);
    assert!(chosen.registers.iter().any(|register| register.intid() == 4));
    // One is taken, so that all fit.
    let mut taken = chosen;
    let index = taken.used_indices().find(|index| taken.get(*index).intid() == 4).unwrap();
    taken.registers[usize::from(index)].set_state(ListRegisterState::Empty);
    vgic.fold(BOOT, &taken);
    assert_eq!(vgic.flush(BOOT).maintenance, Maintenance::NONE);
}

#[test]
fn a_line_still_high_at_the_end_is_delivered_again() {
    let mut vgic = set_up(Version::V3);
    vgic.set_shared_line(UART, true);
    assert!(register_of(&mut vgic, BOOT, UART).unwrap().eoi_maintenance());
    enter_and_leave(&mut vgic, BOOT, UART, ListRegisterState::Empty);
    assert_eq!(register_of(&mut vgic, BOOT, UART).unwrap().state(), ListRegisterState::Pending);
}

#[test]
fn the_timer_is_ended_by_the_hardware_alone() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        vgic.raise_hardware(BOOT, TIMER);
        let register = register_of(&mut vgic, BOOT, TIMER).unwrap();
        assert_eq!((register.hardware(), register.eoi_maintenance()), (Some(TIMER), false));
        assert_eq!(vgic.hardware_active(BOOT).collect::<Vec<_>>(), [TIMER]);
        enter_and_leave(&mut vgic, BOOT, TIMER, ListRegisterState::Active);
        assert_eq!(vgic.hardware_active(BOOT).collect::<Vec<_>>(), [TIMER]);
        assert!(!vgic.has_deliverable(BOOT));
        // It stays where it is while the guest serves it, and leaves nothing to do when it is ended.
        assert_eq!(vgic.flush(BOOT).changed, 0);
        enter_and_leave(&mut vgic, BOOT, TIMER, ListRegisterState::Empty);
        assert!(!vgic.dirty.contains(BOOT));
        assert_eq!((vgic.hardware_active(BOOT).count(), vgic.take_released(BOOT)), (0, None));
        assert_eq!(vgic.hardware_active(second()).count(), 0);
    }
}

#[test]
fn a_timer_that_is_over_before_it_is_taken_lets_go_of_the_hardware() {
    let mut vgic = set_up(Version::V3);
    vgic.raise_hardware(BOOT, TIMER);
    vgic.follow_hardware(BOOT, TIMER, false);
    assert_eq!((vgic.take_released(second()), vgic.take_released(BOOT)), (None, Some(TIMER)));
    assert_eq!(register_of(&mut vgic, BOOT, TIMER), None);
}

#[test]
fn a_timer_ended_behind_its_vcpus_back_calls_it_to_let_go_of_the_hardware() {
    let mut vgic = Vgic::new(Layout { list_registers: 1, ..layout(Version::V3) });
    vgic.link_hardware(BOOT, TIMER, TIMER);
    write(&mut vgic, BOOT, Part::Distributor, (0, 4), 3);
    write(&mut vgic, BOOT, Part::Redistributor(BOOT), (0x1_0100, 4), 1 << TIMER | 1);
    vgic.raise_hardware(BOOT, TIMER);
    enter_and_leave(&mut vgic, BOOT, TIMER, ListRegisterState::Active);
    // A pending interrupt takes the only list register; the timer is active without one.
    vgic.send(BOOT, VcpuSet::only(BOOT), 0);
    let registers = *vgic.flush(BOOT);
    assert_eq!((registers.used, registers.get(0).intid()), (1, 0));
    let kicks = write(&mut vgic, second(), Part::Redistributor(BOOT), (0x1_0380, 4), 1 << TIMER);
    assert_eq!((kicks, vgic.take_released(BOOT)), (VcpuSet::only(BOOT), Some(TIMER)));
}

#[test]
fn a_parked_vcpu_takes_its_timer_along() {
    let mut vgic = set_up(Version::V2);
    vgic.raise_hardware(BOOT, TIMER);
    enter_and_leave(&mut vgic, BOOT, TIMER, ListRegisterState::Active);
    let mut moved = Vgic::restore(vgic.layout(), &vgic.state()).unwrap();
    moved.link_hardware(BOOT, TIMER, TIMER);
    assert_eq!(moved.state(), vgic.state());
    assert_eq!(moved.hardware_active(BOOT).collect::<Vec<_>>(), [TIMER]);
    let register = register_of(&mut moved, BOOT, TIMER).unwrap();
    assert_eq!((register.state(), register.hardware()), (ListRegisterState::Active, Some(TIMER)));
}

#[test]
fn who_is_in_the_guest_or_asleep_is_kicked_and_nobody_else() {
    let mut vgic = set_up(Version::V3);
    assert!(vgic.set_shared_line(UART, true).is_empty());
    let registers = *vgic.flush(BOOT);
    assert_eq!(vgic.set_shared_line(UART, false), VcpuSet::only(BOOT));
    vgic.fold(BOOT, &registers);
    assert!(!vgic.has_deliverable(BOOT));
    assert_eq!(vgic.set_shared_line(UART, true), VcpuSet::only(BOOT));
    assert!(vgic.has_deliverable(BOOT));
    vgic.flush(BOOT);
    vgic.fold(BOOT, &registers);
    assert!(vgic.set_shared_line(UART, false).is_empty());
    assert!(vgic.set_shared_line(UART, true).is_empty());
}

#[test]
fn an_sgi_kicks_its_target_and_not_its_sender() {
    let mut vgic = set_up(Version::V3);
    vgic.flush(second());
    // To both: affinities 0.0.0.0 and 0.0.0.1.
    let both = vgic.mailboxes().targets(BOOT, 5 << 24 | 0b11);
    assert_eq!(vgic.send(BOOT, both, 5), VcpuSet::only(second()));
    assert!(vgic.has_deliverable(BOOT) && vgic.has_deliverable(second()));
    assert_eq!(vgic.mailboxes().targets(BOOT, 1 << 40 | 0xFFFF), VcpuSet::only(second()), "all others");
    // To affinities that no vCPU has.
    for stray in [0b100, 1 << 16 | 0b10, 1 << 32 | 0b10, 1 << 48 | 0b10] {
        let targets = vgic.mailboxes().targets(BOOT, 6 << 24 | stray);
        assert!(vgic.send(BOOT, targets, 6).is_empty(), "{stray:#x}");
    }
    assert_eq!(register_of(&mut vgic, second(), 6), None);
}

#[test]
fn one_of_many_is_one_that_is_on() {
    let mut vgic = set_up(Version::V2);
    write(&mut vgic, BOOT, Part::Distributor, (0x800 + u64::from(UART), 1), 0b11);
    vgic.set_shared_line(UART, true);
    // Nobody is on: it waits for the first, and goes to whoever comes.
    let took = |vgic: &mut Vgic| [BOOT, second()].map(|vcpu| vgic.has_deliverable(vcpu));
    assert_eq!(took(&mut vgic), [true, false]);
    let registers = *vgic.flush(second());
    assert_eq!((registers.used, took(&mut vgic)), (1, [false, true]));
    // The first comes on too; it is switched off.
    vgic.fold(second(), &registers);
    vgic.flush(BOOT);
    assert_eq!(took(&mut vgic), [true, false]);
    vgic.reset_vcpu(BOOT);
    assert_eq!(took(&mut vgic), [false, true]);
}

#[test]
fn a_disable_is_in_progress_until_the_other_vcpu_was_out() {
    const RWP: u64 = 1 << 31;
    let mut vgic = set_up(Version::V3);
    vgic.set_shared_line(UART, true);
    let mut read = *vgic.flush(BOOT);
    let kicks = write(&mut vgic, second(), Part::Distributor, (0x184, 4), 1 << (UART - 32));
    assert_eq!(kicks, VcpuSet::only(BOOT));
    let control = |vgic: &Vgic| vgic.read(vgic.find(second(), Part::Distributor, 0, 4).unwrap());
    assert_ne!(control(&vgic) & RWP, 0);
    read.registers[0].set_state(ListRegisterState::Pending);
    vgic.fold(BOOT, &read);
    assert_eq!(control(&vgic) & RWP, 0);
    let registers = vgic.flush(BOOT);
    assert_eq!((registers.used, registers.changed), (0, 1));
}

#[test]
fn redistributors_tell_who_they_are_and_wake_up() {
    let mut vgic = set_up(Version::V3);
    assert_eq!(read(&vgic, BOOT, Part::Redistributor(BOOT), (0x8, 8)), 0);
    assert_eq!(read(&vgic, BOOT, Part::Redistributor(second()), (0x8, 8)), 1 << 32 | 1 << 8 | 1 << 4);
    assert_eq!(read(&vgic, BOOT, Part::Redistributor(second()), (0xC, 4)), 1);
    assert_eq!(read(&vgic, BOOT, Part::Redistributor(BOOT), (0x14, 4)), 6);
    write(&mut vgic, BOOT, Part::Redistributor(BOOT), (0x14, 4), 0);
    assert_eq!(read(&vgic, BOOT, Part::Redistributor(BOOT), (0x14, 4)), 0);
    assert_eq!(read(&vgic, BOOT, Part::Redistributor(BOOT), (0xFFE8, 4)), 0x3B);
}

#[test]
fn a_register_reads_as_no_more_bytes_than_the_access_has() {
    for (version, parts) in [
        (Version::V2, [Part::Distributor, Part::Distributor]),
        (Version::V3, [Part::Distributor, Part::Redistributor(second())]),
    ] {
        let mut vgic = set_up(version);
        let accesses = || (0..REDISTRIBUTOR_SIZE).flat_map(|at| [1, 2, 4, 8].map(|size| (at, size)));
        for (part, access) in parts.into_iter().flat_map(|part| accesses().map(move |access| (part, access))) {
            write(&mut vgic, BOOT, part, access, u64::MAX);
            let read = read(&vgic, BOOT, part, access);
            assert!(read <= u64::MAX >> (64 - 8 * u32::from(access.1)), "{version:?} {access:x?} {read:#x}");
        }
    }
}

#[test]
fn nobody_answers_for_a_redistributor_that_there_is_not() {
    let absent = Part::Redistributor(VcpuId::new(2).unwrap());
    assert_eq!(set_up(Version::V3).find(BOOT, absent, 0, 4), Err(GuestFault::ExternalAbort));
    assert_eq!(set_up(Version::V2).find(BOOT, Part::Redistributor(BOOT), 0, 4), Err(GuestFault::ExternalAbort));
}

#[test]
fn a_parked_vcpu_is_signalled_what_its_masks_let_through() {
    let mut vgic = set_up(Version::V2);
    vgic.set_shared_line(UART, true);
    assert!(vgic.has_deliverable(BOOT) && !vgic.has_signalled(BOOT));
    let interface = vgic.cpu_interface_mut(BOOT).unwrap();
    (interface.group_0_enabled, interface.priority_mask) = (true, 0xF0);
    assert!(vgic.has_signalled(BOOT));
    // A running priority as urgent as the interrupt's, 0.
    vgic.cpu_interface_mut(BOOT).unwrap().active_priorities_0[0] = 1;
    assert!(vgic.has_deliverable(BOOT) && !vgic.has_signalled(BOOT));
}

#[test]
fn a_reset_gives_a_second_life_like_the_first() {
    let mut vgic = set_up(Version::V3);
    vgic.raise_hardware(BOOT, TIMER);
    vgic.set_shared_line(UART, true);
    vgic.reset();
    assert_eq!(vgic.state(), Vgic::new(layout(Version::V3)).state());
    assert_eq!((vgic.take_released(BOOT), vgic.take_released(BOOT)), (Some(TIMER), None));
    vgic.raise_hardware(BOOT, TIMER);
    assert_eq!(vgic.hardware_active(BOOT).collect::<Vec<_>>(), [TIMER]);
}

#[test]
fn states_that_no_controller_reaches_are_refused() {
    let good = set_up(Version::V2).state();
    let fits = layout(Version::V2);
    assert!(Vgic::restore(fits, &good).is_ok());
    let refuse = |change: fn(&mut State), error| {
        let mut bad = good.clone();
        change(&mut bad);
        assert_eq!(Vgic::restore(fits, &bad).err(), Some(error));
    };
    refuse(|state| state.version = Version::V3, RestoreError::Version);
    refuse(|state| state.cpu_interfaces.truncate(1), RestoreError::Vcpus);
    refuse(|state| state.online = VcpuSet::first(3), RestoreError::Vcpus);
    refuse(|state| state.interrupts.truncate(3), RestoreError::Spis);
    refuse(|state| state.priority_bits = 7, RestoreError::PriorityBits);
    // Banks 0 and 1 are the vCPUs' own, INTIDs 0 to 31; bank 2 begins at 32.
    refuse(|state| state.interrupts[2].details[1].priority = 1, RestoreError::Interrupt(33));
    refuse(|state| state.interrupts[2].details[1].active_priority = 1, RestoreError::Interrupt(33));
    refuse(|state| state.interrupts[2].details[0].owner = 2, RestoreError::Interrupt(32));
    refuse(|state| state.interrupts[3].details[0].route = 4, RestoreError::Interrupt(64));
    refuse(|state| state.interrupts[0].details[17].route = 1, RestoreError::Interrupt(17));
    refuse(|state| state.interrupts[1].details[3].sources = 4, RestoreError::Interrupt(3));
    refuse(|state| state.interrupts[1].details[3].sources = 1, RestoreError::Interrupt(3));
    refuse(|state| state.interrupts[0].details[3].active_source = 2, RestoreError::Interrupt(3));
    refuse(|state| state.interrupts[0].edge &= !8, RestoreError::Interrupt(3));
    refuse(|state| state.interrupts[0].edge |= 1 << 27, RestoreError::Interrupt(27));
    refuse(|state| state.interrupts[0].line |= 8, RestoreError::Interrupt(3));
    refuse(|state| state.interrupts[0].enabled &= !8, RestoreError::Interrupt(3));
    refuse(|state| state.interrupts[0].latch |= 8, RestoreError::Interrupt(3));
    refuse(|state| state.interrupts[0].details[16].sources = 1, RestoreError::Interrupt(16));
    let too_many = Layout { vcpus: 9, ..fits };
    assert_eq!(Vgic::restore(too_many, &good).err(), Some(RestoreError::Layout(LayoutError::Vcpus)));
}

#[test]
fn layouts_are_checked() {
    let good = layout(Version::V3);
    assert_eq!(good.check(), Ok(()));
    assert_eq!(Layout { vcpus: 32, spis: 960, priority_bits: 7, list_registers: 16, ..good }.check(), Ok(()));
    assert_eq!(Layout { vcpus: 0, ..good }.check(), Err(LayoutError::Vcpus));
    assert_eq!(Layout { vcpus: 33, ..good }.check(), Err(LayoutError::Vcpus));
    assert_eq!(Layout { spis: 33, ..good }.check(), Err(LayoutError::Spis));
    assert_eq!(Layout { spis: 992, ..good }.check(), Err(LayoutError::Spis));
    assert_eq!(Layout { priority_bits: 4, ..good }.check(), Err(LayoutError::PriorityBits));
    assert_eq!(Layout { priority_bits: 8, ..good }.check(), Err(LayoutError::PriorityBits));
    assert_eq!(Layout { list_registers: 0, ..good }.check(), Err(LayoutError::ListRegisters));
    assert_eq!(Layout { list_registers: 17, ..good }.check(), Err(LayoutError::ListRegisters));
}

#[test]
fn what_is_active_elsewhere_is_asked_for() {
    let mut vgic = set_up(Version::V3);
    vgic.set_shared_line(UART, true);
    let index = vgic.flush(BOOT).find(UART).unwrap();
    let mut read = vgic.vcpus[0].list_registers;
    read.registers[usize::from(index)].set_state(ListRegisterState::Active);
    vgic.fold(BOOT, &read);
    vgic.set_shared_line(UART, false);
    vgic.flush(BOOT);
    // The guest ends it without an exit, and leaves its list registers out from then on.
    vgic.leave(BOOT);
    vgic.enter_again(BOOT);
    let access = vgic.find(second(), Part::Distributor, 0x304, 4).unwrap();
    assert!(vgic.rests(access, false));
    let others = vgic.recall_others(second());
    assert_eq!((others, vgic.take_kicks()), (VcpuSet::only(BOOT), VcpuSet::only(BOOT)));
    assert_eq!(vgic.still_recalled(others), others, "what it was when last seen must not be read");
    vgic.leave(BOOT);
    assert!(!vgic.enter_again(BOOT), "it must take them back");
    read = vgic.vcpus[0].list_registers;
    read.registers.fill(ListRegister::EMPTY);
    vgic.fold(BOOT, &read);
    assert!(vgic.still_recalled(others).is_empty());
    assert_eq!(vgic.read(access), 0);
}
