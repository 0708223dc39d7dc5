//! Who hears of a change, and what of the hardware comes back for it.

use super::*;

/// A private interrupt without hardware behind it.
const PPI: u32 = 30;

/// Both vCPUs are in the guest.
fn enter_both(vgic: &mut Vgic) {
    for vcpu in [BOOT, second()] {
        vgic.flush(vcpu);
    }
}

fn enable_ppi(vgic: &mut Vgic, vcpu: VcpuId) {
    match vgic.layout().version {
        Version::V2 => write(vgic, vcpu, Part::Distributor, (0x100, 4), 1 << PPI),
        Version::V3 => write(vgic, vcpu, Part::Redistributor(vcpu), (0x1_0100, 4), 1 << PPI),
    };
}

#[test]
fn a_private_line_kicks_its_vcpu_if_that_could_take_it() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        enter_both(&mut vgic);
        assert!(vgic.set_private_line(second(), PPI, true).is_empty(), "it is disabled");
        assert!(vgic.set_private_line(second(), PPI, false).is_empty());
        for vcpu in [second(), BOOT] {
            enable_ppi(&mut vgic, vcpu);
            assert_eq!(vgic.set_private_line(vcpu, PPI, true), VcpuSet::only(vcpu));
        }
        // SGIs have no line, and shared ones another owner.
        for intid in [15, 32, UART] {
            assert!(vgic.set_private_line(BOOT, intid, true).is_empty());
        }
        assert_eq!(
            vgic.state().interrupts.iter().map(|word| word.line).collect::<Vec<_>>(),
            [1 << PPI, 1 << PPI, 0, 0]
        );
    }
}

/// GICD_CTLR's enables, GICD_ISENABLER and GICD_IGROUPR decide together (GICv2 IHI 0048 4.3.1, GICv3 IHI 0069 4.7).
#[test]
fn an_interrupt_is_forwarded_while_it_and_its_group_are_enabled() {
    for version in [Version::V2, Version::V3] {
        for case in 0..16_u64 {
            let (groups, one, enabled) = (case & 0b11, case >> 2 & 1, case >> 3);
            let mut vgic = set_up(version);
            let bit = 1 << (UART - 32);
            write(&mut vgic, BOOT, Part::Distributor, (0x084, 4), one * bit);
            write(&mut vgic, BOOT, Part::Distributor, (if enabled == 1 { 0x104 } else { 0x184 }, 4), bit);
            write(&mut vgic, BOOT, Part::Distributor, (0, 4), groups);
            vgic.set_shared_line(UART, true);
            let forwarded = enabled == 1 && groups >> one & 1 == 1;
            assert_eq!(vgic.has_deliverable(BOOT), forwarded, "{version:?} {case:#b}");
            assert_eq!(register_of(&mut vgic, BOOT, UART).is_some(), forwarded, "{version:?} {case:#b}");
        }
    }
}

#[test]
fn an_end_by_another_vcpu_calls_the_list_register_back() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        vgic.set_shared_line(UART, true);
        enter_and_leave(&mut vgic, BOOT, UART, ListRegisterState::Active);
        vgic.set_shared_line(UART, false);
        let mut read = *vgic.flush(BOOT);
        assert_eq!(vgic.deactivate(second(), UART), VcpuSet::only(BOOT));
        assert_eq!(vgic.still_recalled(VcpuSet::only(BOOT)), VcpuSet::only(BOOT));
        read.registers[0].set_state(ListRegisterState::Active);
        vgic.fold(BOOT, &read);
        assert_eq!((vgic.state().interrupts[2].active, register_of(&mut vgic, BOOT, UART)), (0, None));
    }
}

#[test]
fn each_list_register_comes_back_for_a_change_of_its_own_interrupt() {
    for changed in 0..3 {
        let mut vgic = set_up(Version::V3);
        for intid in 0..3 {
            vgic.send(BOOT, VcpuSet::only(second()), intid);
        }
        let registers = *vgic.flush(second());
        let kicks = write(&mut vgic, BOOT, Part::Redistributor(second()), (0x1_0180, 4), 1 << changed);
        assert_eq!(kicks, VcpuSet::only(second()));
        assert_eq!(vgic.vcpus[1].recall, 1 << changed);
        vgic.fold(second(), &registers);
        let left = vgic.flush(second()).used_indices().count();
        assert_eq!((left, register_of(&mut vgic, second(), changed)), (2, None));
    }
}

#[test]
fn what_a_vcpu_holds_of_the_hardware_is_for_itself_to_let_go() {
    const OTHER: u32 = 26;
    let mut vgic = set_up(Version::V3);
    for intid in [OTHER, TIMER] {
        vgic.link_hardware(second(), intid, intid);
        vgic.raise_hardware(second(), intid);
    }
    // One is disabled, and so in no list register.
    assert!(register_of(&mut vgic, second(), OTHER).is_none() && register_of(&mut vgic, second(), TIMER).is_some());
    let kicks = write(&mut vgic, BOOT, Part::Redistributor(second()), (0x1_0280, 4), 1 << OTHER);
    assert!(kicks.is_empty(), "its line is high still");
    assert_eq!(vgic.follow_hardware(second(), OTHER, false), VcpuSet::only(second()));
    assert_eq!(vgic.hardware_active(second()).collect::<Vec<_>>(), [TIMER]);
    assert_eq!((vgic.take_released(BOOT), vgic.take_released(second())), (None, Some(OTHER)));
    assert_eq!(vgic.take_released(second()), None);
}

/// GICD_ITARGETSR is RAZ/WI then (GICv2 IHI 0048 4.3.12).
#[test]
fn a_single_vcpu_gets_every_shared_interrupt() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = Vgic::new(Layout { vcpus: 1, ..layout(version) });
        for (offset, size, value) in [(0, 4, 3), (0x104, 4, 1 << (UART - 32)), (0x800 + u64::from(UART), 1, 2)] {
            write(&mut vgic, BOOT, Part::Distributor, (offset, size), value);
        }
        vgic.flush(BOOT);
        assert_eq!(vgic.set_shared_line(UART, true), VcpuSet::only(BOOT));
        let registers = *vgic.flush(BOOT);
        vgic.fold(BOOT, &registers);
        assert!(register_of(&mut vgic, BOOT, UART).is_some());
    }
}

/// Routes the UART's interrupt to `vcpu` alone. Whom to kick.
fn route_to(vgic: &mut Vgic, vcpu: VcpuId) -> VcpuSet {
    let access = match vgic.layout().version {
        Version::V2 => ((0x800 + u64::from(UART), 1), 1 << vcpu.number()),
        Version::V3 => ((0x6000 + 8 * u64::from(UART), 8), vcpu.affinity()),
    };
    write(vgic, BOOT, Part::Distributor, access.0, access.1)
}

#[test]
fn a_shared_interrupt_is_for_the_vcpu_that_it_is_routed_to() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        enter_both(&mut vgic);
        for vcpu in [second(), BOOT] {
            assert!(route_to(&mut vgic, vcpu).is_empty());
            assert_eq!(vgic.set_shared_line(UART, true), VcpuSet::only(vcpu), "{version:?}");
            vgic.set_shared_line(UART, false);
        }
    }
}

#[test]
fn a_new_route_is_taken_once_the_list_register_is_back() {
    for version in [Version::V2, Version::V3] {
        for state in [ListRegisterState::Pending, ListRegisterState::Active] {
            let mut vgic = set_up(version);
            vgic.set_shared_line(UART, true);
            enter_and_leave(&mut vgic, BOOT, UART, state);
            enter_both(&mut vgic);
            // Where it stands is not where it is routed.
            assert_eq!(route_to(&mut vgic, second()), VcpuSet::only(BOOT), "{version:?} {state:?}");
            let registers = vgic.vcpus[0].list_registers;
            // Pending it moves, active it stays until its end.
            let (here, there) = (register_of(&mut vgic, second(), UART).is_some(), vgic.fold(BOOT, &registers));
            let moves = state == ListRegisterState::Pending;
            assert_eq!((here, there), (false, if moves { VcpuSet::only(second()) } else { VcpuSet::EMPTY }));
            let of = [BOOT, second()].map(|vcpu| register_of(&mut vgic, vcpu, UART).is_some());
            assert_eq!(of, [!moves, moves], "{version:?}");
        }
    }
}

#[test]
fn what_is_private_to_one_is_for_nobody_else() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        vgic.send(BOOT, VcpuSet::only(second()), 3);
        assert!(!vgic.has_deliverable(BOOT) && vgic.has_deliverable(second()));
        assert_eq!((register_of(&mut vgic, BOOT, 3), register_of(&mut vgic, second(), 3).is_some()), (None, true));
    }
}

/// ICC_SGI0R_EL1 (GICv3 IHI 0069 12.2.17): what is of Group 1 at its target is not sent, with one Security state.
#[test]
fn an_sgi_of_group_0_reaches_those_for_whom_it_is_of_group_0() {
    const BOTH: u64 = 5 << 24 | 0b11;
    for (group_1, reached) in [(BOOT, second()), (second(), BOOT)] {
        let mut vgic = set_up(Version::V3);
        // All but this SGI are of the other group.
        write(&mut vgic, BOOT, Part::Redistributor(group_1), (0x1_0080, 4), 1 << 5);
        write(&mut vgic, BOOT, Part::Redistributor(reached), (0x1_0080, 4), !(1 << 5));
        enter_both(&mut vgic);
        assert_eq!(vgic.send_group_0(BOOT, BOTH), VcpuSet::only(reached));
        let pending = [BOOT, second()].map(|vcpu| vgic.state().interrupts[vcpu.index()].latch);
        assert_eq!(pending, [BOOT, second()].map(|vcpu| if vcpu == reached { 1 << 5 } else { 0 }));
    }
}

/// One store may leave one interrupt nobody's and another pending.
#[test]
fn what_a_store_leaves_of_private_interrupts_concerns_their_vcpu_alone() {
    let mut vgic = set_up(Version::V3);
    enable_ppi(&mut vgic, second());
    vgic.raise_hardware(second(), TIMER);
    vgic.set_private_line(second(), PPI, true);
    // The timer's is pending by a store alone.
    write(&mut vgic, BOOT, Part::Redistributor(second()), (0x1_0200, 4), 1 << TIMER | 1 << PPI);
    vgic.follow_hardware(second(), TIMER, false);
    assert_eq!(vgic.take_released(second()), None);
    vgic.flush(BOOT);
    let kicks = write(&mut vgic, BOOT, Part::Redistributor(second()), (0x1_0280, 4), 1 << TIMER | 1 << PPI);
    assert!(kicks.is_empty(), "it is out of the guest, and looks before it enters");
    assert_eq!(vgic.take_released(second()), Some(TIMER));
    assert_eq!([TIMER, PPI].map(|intid| register_of(&mut vgic, second(), intid).is_some()), [false, true]);
    assert!(vgic.enter_again(BOOT));
}

#[test]
fn what_is_released_is_known_until_each_vcpu_has_let_go_of_its_own() {
    let mut vgic = set_up(Version::V3);
    assert!(!vgic.holds_hardware(BOOT) && !vgic.has_released());
    for vcpu in [BOOT, second()] {
        vgic.raise_hardware(vcpu, TIMER);
    }
    assert!(vgic.holds_hardware(BOOT) && vgic.holds_hardware(second()) && !vgic.has_released());
    for vcpu in [BOOT, second()] {
        vgic.follow_hardware(vcpu, TIMER, false);
        assert!(!vgic.holds_hardware(vcpu));
    }
    assert!(vgic.has_released());
    assert_eq!((vgic.take_released(BOOT), vgic.take_released(BOOT), vgic.has_released()), (Some(TIMER), None, true));
    assert_eq!((vgic.take_released(second()), vgic.has_released()), (Some(TIMER), false));
}
