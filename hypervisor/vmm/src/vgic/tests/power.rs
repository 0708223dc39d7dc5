//! vCPUs that are switched on and off, parked and reset.

use super::*;

#[test]
fn what_is_reset_with_nothing_to_take_enters_as_the_hardware_has_it() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        for pending in [false, true] {
            if pending {
                vgic.send(second(), VcpuSet::only(BOOT), 3);
            }
            assert!(vgic.reset_vcpu(BOOT).is_empty());
            vgic.settle(BOOT);
            assert!(vgic.switch_on(BOOT).is_empty());
            // Else its list registers are chosen anew, so that the SGI gets one.
            assert_eq!(vgic.enter_again(BOOT), !pending);
        }
        assert_eq!(register_of(&mut vgic, BOOT, 3).map(ListRegister::state), Some(ListRegisterState::Pending));
    }
}

#[test]
fn a_parked_cpu_interface_is_kept_until_its_vcpu_is_reset() {
    let mut vgic = set_up(Version::V3);
    vgic.cpu_interface_mut(BOOT).unwrap().priority_mask = 0xF0;
    let kept = [BOOT, second()].map(|vcpu| vgic.cpu_interface(vcpu).unwrap().priority_mask);
    assert_eq!((kept, vgic.state().cpu_interfaces[0].priority_mask), ([0xF0, 0], 0xF0));
    vgic.reset_vcpu(BOOT);
    assert_eq!(vgic.cpu_interface(BOOT), Some(&CpuInterface::new(5)));
    assert_eq!(vgic.cpu_interface(VcpuId::new(2).unwrap()), None);
}

/// GICv2's 1-of-N choice falls on the first that is on.
#[test]
fn switching_on_takes_from_the_others_what_is_not_theirs_any_more() {
    let mut vgic = set_up(Version::V2);
    write(&mut vgic, BOOT, Part::Distributor, (0x800 + u64::from(UART), 1), 0b11);
    vgic.set_shared_line(UART, true);
    assert_eq!(register_of(&mut vgic, second(), UART).map(ListRegister::state), Some(ListRegisterState::Pending));
    assert_eq!(vgic.switch_on(BOOT), VcpuSet::only(second()));
    let registers = vgic.vcpus[1].list_registers;
    vgic.fold(second(), &registers);
    assert!(register_of(&mut vgic, second(), UART).is_none() && register_of(&mut vgic, BOOT, UART).is_some());
}

#[test]
fn switching_on_disturbs_nobody_whose_interrupts_are_their_own() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        write(&mut vgic, BOOT, Part::Distributor, (0x6108, 8), 1);
        // On GICv2 one that nobody else may take, and on GICv3 any.
        vgic.send(BOOT, VcpuSet::only(second()), 3);
        if version == Version::V3 {
            vgic.set_shared_line(UART, true);
        }
        let registers = *vgic.flush(second());
        assert_eq!(registers.used.count_ones(), if version == Version::V3 { 2 } else { 1 });
        assert!(vgic.switch_on(BOOT).is_empty());
        vgic.leave(second());
        assert!(vgic.enter_again(second()), "nothing comes back");
    }
}

#[test]
fn a_reset_lets_go_of_the_physical_interrupts_of_every_vcpu() {
    let mut vgic = set_up(Version::V3);
    vgic.raise_hardware(second(), TIMER);
    vgic.reset();
    assert_eq!((vgic.take_released(BOOT), vgic.take_released(second())), (None, Some(TIMER)));
    assert_eq!(vgic.take_released(second()), None);
}

#[test]
fn a_parked_vcpu_is_signalled_by_group_and_not_what_it_has_in_service() {
    let mut vgic = set_up(Version::V3);
    write(&mut vgic, BOOT, Part::Distributor, (0x084, 4), 1 << (UART - 32));
    vgic.set_shared_line(UART, true);
    for (zero, one) in [(false, false), (true, false), (false, true)] {
        let interface = vgic.cpu_interface_mut(BOOT).unwrap();
        (interface.group_0_enabled, interface.group_1_enabled, interface.priority_mask) = (zero, one, 0xF0);
        assert_eq!(vgic.has_signalled(BOOT), one);
    }
    enter_and_leave(&mut vgic, BOOT, UART, ListRegisterState::Active);
    assert!(!vgic.has_signalled(BOOT), "its line is high, but it is not signalled twice");
}
