//! A controller's state, saved and restored.

use super::*;

fn restored(vgic: &Vgic) -> Vgic {
    let moved = Vgic::restore(vgic.layout(), &vgic.state()).unwrap();
    assert_eq!(moved.state(), vgic.state());
    moved
}

#[test]
fn what_is_pending_is_delivered_where_it_is_restored() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        vgic.send(BOOT, VcpuSet::first(2), 3);
        vgic.set_shared_line(UART, true);
        // A list register holds it pending, too.
        vgic.flush(second());
        let mut moved = restored(&vgic);
        for (vcpu, intid) in [(BOOT, 3), (BOOT, UART), (second(), 3)] {
            let register = register_of(&mut moved, vcpu, intid).map(ListRegister::state);
            assert_eq!(register, Some(ListRegisterState::Pending), "{version:?} {intid}");
        }
    }
}

#[test]
fn what_is_active_stays_with_its_vcpu_and_its_priority() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        write(&mut vgic, BOOT, Part::Distributor, (0x400 + u64::from(UART), 1), 0x40);
        vgic.set_shared_line(UART, true);
        enter_and_leave(&mut vgic, BOOT, UART, ListRegisterState::Active);
        vgic.raise_hardware(second(), TIMER);
        enter_and_leave(&mut vgic, second(), TIMER, ListRegisterState::Active);
        vgic.set_shared_line(UART, false);
        let (timer, uart) = (vgic.state().interrupts[1].details[27], vgic.state().interrupts[2].details[1]);
        assert_eq!((timer.owner, uart.owner, uart.active_priority), (1, 0, 0x40));
        let mut moved = restored(&vgic);
        let register = register_of(&mut moved, BOOT, UART).unwrap();
        assert_eq!((register.state(), register.priority()), (ListRegisterState::Active, 0x40));
        assert_eq!(register_of(&mut moved, second(), TIMER).unwrap().state(), ListRegisterState::Active);
    }
}

#[test]
fn what_was_served_leaves_no_trace() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        for intid in [UART, 3] {
            let priority = 0x400 + u64::from(intid);
            match version {
                Version::V3 if intid < 32 => {
                    write(&mut vgic, BOOT, Part::Redistributor(BOOT), (0x1_0000 + priority, 1), 0x40)
                }
                _ => write(&mut vgic, BOOT, Part::Distributor, (priority, 1), 0x40),
            };
        }
        write(&mut vgic, BOOT, Part::Distributor, (0x820 + 1, 1), 2);
        write(&mut vgic, BOOT, Part::Distributor, (0x6108, 8), 1);
        for vcpu in [BOOT, second()] {
            vgic.reset_vcpu(vcpu);
            vgic.switch_on(vcpu);
        }
        let before = vgic.state();
        // It goes to the second vCPU; the SGI is from there.
        vgic.set_shared_line(UART, true);
        vgic.send(second(), VcpuSet::only(BOOT), 3);
        for (vcpu, intid) in [(second(), UART), (BOOT, 3)] {
            enter_and_leave(&mut vgic, vcpu, intid, ListRegisterState::Active);
        }
        assert_ne!(vgic.state(), before);
        vgic.set_shared_line(UART, false);
        for (vcpu, intid) in [(second(), UART), (BOOT, 3)] {
            enter_and_leave(&mut vgic, vcpu, intid, ListRegisterState::Empty);
        }
        assert_eq!(vgic.state(), before, "{version:?}");
    }
}

#[test]
fn private_interrupts_are_their_vcpus_after_a_restore() {
    let mut moved = restored(&set_up(Version::V3));
    for vcpu in [BOOT, second()] {
        moved.link_hardware(vcpu, TIMER, TIMER);
        moved.flush(vcpu);
    }
    for vcpu in [BOOT, second()] {
        assert_eq!(moved.raise_hardware(vcpu, TIMER), VcpuSet::only(vcpu));
        // Before it is in a list register.
        assert_eq!(moved.follow_hardware(vcpu, TIMER, false), VcpuSet::only(vcpu));
        assert_eq!(moved.take_released(vcpu), Some(TIMER));
    }
}

#[test]
fn the_smallest_controller_and_the_largest_are_restored() {
    for (vcpus, spis) in [(1, 0), (1, 960), (32, 960)] {
        let mut vgic = Vgic::new(Layout { vcpus, spis, ..layout(Version::V3) });
        let last = VcpuId::new(vcpus as u8 - 1).unwrap();
        write(&mut vgic, BOOT, Part::Distributor, (0, 4), 3);
        write(&mut vgic, BOOT, Part::Redistributor(last), (0x1_0100, 4), 1);
        vgic.send(BOOT, VcpuSet::only(last), 0);
        assert!(register_of(&mut restored(&vgic), last, 0).is_some());
    }
}

#[test]
fn states_with_two_mistakes_are_refused_as_those_with_one() {
    let good = set_up(Version::V2).state();
    let refuse = |change: fn(&mut State), intid| {
        let mut bad = good.clone();
        change(&mut bad);
        let error = Vgic::restore(layout(Version::V2), &bad).err();
        assert_eq!(error, Some(RestoreError::Interrupt(intid)));
    };
    // An SGI is edge-triggered, has no line and is enabled on GICv2.
    refuse(|state| (state.interrupts[0].edge, state.interrupts[0].line) = (0xFFF7, 8), 3);
    refuse(|state| (state.interrupts[0].edge, state.interrupts[0].enabled) = (0xFFF7, 0xFFF7), 3);
    refuse(|state| (state.interrupts[0].line, state.interrupts[0].enabled) = (8, 0xFFF7), 3);
    refuse(
        |state| {
            let detail = &mut state.interrupts[2].details[1];
            (detail.priority, detail.active_priority) = (1, 1);
        },
        33,
    );
}

#[test]
fn what_is_latched_without_a_source_is_refused_of_gicv2s_sgis_alone() {
    for (version, bank, bit) in [(Version::V2, 2, 1), (Version::V2, 0, 27), (Version::V3, 0, 3), (Version::V3, 2, 1)] {
        let mut state = set_up(version).state();
        state.interrupts[bank].latch = 1 << bit;
        assert!(Vgic::restore(layout(version), &state).is_ok(), "{version:?} {bank} {bit}");
    }
    let mut state = set_up(Version::V2).state();
    state.interrupts[0].latch = 1 << 3;
    assert_eq!(Vgic::restore(layout(Version::V2), &state).err(), Some(RestoreError::Interrupt(3)));
}
