//! Registers with a field for each interrupt, by every size, and what of them cannot be written.

use super::*;

const D: Part = Part::Distributor;

/// What a store of `value` to the distributor leaves there, of GICv2 and GICv3.
fn left_of_both(store: (u64, u8), value: u64, load: (u64, u8)) -> [u64; 2] {
    [Version::V2, Version::V3].map(|version| {
        let mut vgic = Vgic::new(layout(version));
        write(&mut vgic, BOOT, D, store, value);
        read(&vgic, BOOT, D, load)
    })
}

#[test]
fn a_byte_is_of_one_interrupt_and_a_word_of_four() {
    // Five bits of priority.
    assert_eq!(left_of_both((0x421, 1), 0xFF, (0x420, 4)), [0xF800; 2]);
    assert_eq!(left_of_both((0x43C, 4), 0x0817_2638, (0x43C, 4)), [0x0810_2038; 2]);
    assert_eq!(left_of_both((0x43C, 4), 0x0817_2638, (0x43E, 1)), [0x10; 2]);
    assert_eq!(left_of_both((0x45F, 1), 0x50, (0x45C, 4)), [0x5000_0000; 2], "the last one");
}

#[test]
fn a_target_is_a_vcpu_that_there_is() {
    assert_eq!(left_of_both((0x820, 4), 0xFF02_0103, (0x820, 4)), [0x0302_0103, 0]);
    assert_eq!(left_of_both((0x821, 1), 0xFE, (0x820, 4)), [0x0200, 0]);
    let vgic = Vgic::new(layout(Version::V2));
    // Private interrupts target who reads (IHI 0048 4.3.12).
    assert_eq!([BOOT, second()].map(|vcpu| read(&vgic, vcpu, D, (0x81C, 4))), [0x0101_0101, 0x0202_0202]);
    let mut alone = Vgic::new(Layout { vcpus: 1, ..layout(Version::V2) });
    write(&mut alone, BOOT, D, (0x820, 4), 0x0101_0101);
    assert_eq!([0x800, 0x820].map(|offset| read(&alone, BOOT, D, (offset, 4))), [0, 0]);
    assert_eq!(alone.state().interrupts[1].details[0].route, 0);
}

#[test]
fn private_interrupts_targets_cannot_be_written() {
    let mut vgic = Vgic::new(layout(Version::V2));
    write(&mut vgic, BOOT, D, (0x800, 4), 0x0202_0202);
    assert_eq!(read(&vgic, BOOT, D, (0x800, 4)), 0x0101_0101);
    assert_eq!(vgic.state().interrupts[0].details[0].route, 0);
}

#[test]
fn a_trigger_is_the_upper_of_two_bits_and_fixed_for_private_interrupts() {
    assert_eq!(left_of_both((0xC08, 4), 0xFFFF_FFFF, (0xC08, 4)), [0xAAAA_AAAA; 2]);
    assert_eq!(left_of_both((0xC0C, 4), 0x8000_0001, (0xC0C, 4)), [0x8000_0000; 2]);
    assert_eq!(left_of_both((0xC0C, 4), 0x8000_0000, (0xC08, 4)), [0; 2], "the sixteen beside it");
    let mut vgic = Vgic::new(layout(Version::V2));
    for (offset, value) in [(0xC00, 0), (0xC04, 0xFFFF_FFFF)] {
        write(&mut vgic, BOOT, D, (offset, 4), value);
    }
    assert_eq!([0xC00, 0xC04].map(|offset| read(&vgic, BOOT, D, (offset, 4))), [0xAAAA_AAAA, 0]);
}

#[test]
fn gicv2s_sgis_are_enabled_always_and_pending_by_source_only() {
    let mut vgic = Vgic::new(layout(Version::V2));
    for offset in [0x180, 0x200] {
        write(&mut vgic, BOOT, D, (offset, 4), 0xFFFF);
    }
    assert_eq!([0x100, 0x180, 0x200].map(|offset| read(&vgic, BOOT, D, (offset, 4))), [0xFFFF, 0xFFFF, 0]);
    // SGI 5 from the vCPUs 0 and 1, then from 0 no longer.
    write(&mut vgic, BOOT, D, (0xF24, 4), 0xFF00);
    assert_eq!((read(&vgic, BOOT, D, (0xF24, 4)), read(&vgic, BOOT, D, (0x200, 4))), (0x0300, 1 << 5));
    write(&mut vgic, BOOT, D, (0x280, 4), 0xFFFF);
    assert_eq!(read(&vgic, BOOT, D, (0x200, 4)), 1 << 5, "not by ICPENDR");
    write(&mut vgic, BOOT, D, (0xF15, 1), 1);
    assert_eq!([0xF14, 0xF24].map(|offset| read(&vgic, BOOT, D, (offset, 4))), [0x0200; 2]);
    assert_eq!(read(&vgic, second(), D, (0xF14, 4)), 0, "each vCPU has its own");
}

#[test]
fn what_is_written_active_is_so_on_the_vcpu_that_it_is_routed_to() {
    for (route, owner) in [(0b10, second()), (0b01, BOOT), (0, BOOT)] {
        let mut vgic = Vgic::new(layout(Version::V2));
        write(&mut vgic, BOOT, D, (0x800 + u64::from(UART), 1), route);
        write(&mut vgic, BOOT, D, (0x400 + u64::from(UART), 1), 0x88);
        write(&mut vgic, BOOT, D, (0x304, 4), 1 << (UART - 32));
        assert_eq!(read(&vgic, BOOT, D, (0x384, 4)), 1 << (UART - 32));
        let detail = vgic.state().interrupts[2].details[1];
        assert_eq!((detail.owner, detail.active_priority), (owner.number(), 0x88), "{route:#b}");
        // Once more changes nothing of that, whatever its priority is by now.
        write(&mut vgic, BOOT, D, (0x400 + u64::from(UART), 1), 0x10);
        write(&mut vgic, second(), D, (0x304, 4), 1 << (UART - 32));
        assert_eq!(vgic.state().interrupts[2].details[1].active_priority, 0x88);
        write(&mut vgic, BOOT, D, (0x384, 4), 1 << (UART - 32));
        assert_eq!(read(&vgic, BOOT, D, (0x304, 4)), 0);
    }
}

#[test]
fn what_is_written_active_stays_with_whose_list_register_it_is_in() {
    let mut vgic = set_up(Version::V2);
    vgic.set_shared_line(UART, true);
    let registers = *vgic.flush(BOOT);
    write(&mut vgic, BOOT, D, (0x800 + u64::from(UART), 1), 0b10);
    write(&mut vgic, second(), D, (0x304, 4), 1 << (UART - 32));
    vgic.fold(BOOT, &registers);
    let interrupts = vgic.state().interrupts[2];
    assert_eq!((interrupts.active, interrupts.details[1].owner), (1 << (UART - 32), BOOT.number()));
}

#[test]
fn only_a_change_is_told() {
    let mut vgic = set_up(Version::V2);
    vgic.set_shared_line(UART, true);
    vgic.flush(BOOT);
    vgic.take_kicks();
    let same =
        [(0x104, 1 << (UART - 32)), (0x184, 0), (0x204, 0), (0x284, 0), (0x304, 0), (0x384, 0), (0x084, 0), (0xC08, 0)];
    for (offset, value) in same {
        assert!(write(&mut vgic, BOOT, D, (offset, 4), value).is_empty(), "{offset:#x}");
    }
    for (offset, value) in [(0x400 + u64::from(UART), 0), (0x800 + u64::from(UART), 1)] {
        assert!(write(&mut vgic, BOOT, D, (offset, 1), value).is_empty(), "{offset:#x}");
    }
    assert!(vgic.set_shared_line(UART, true).is_empty());
    assert_eq!(write(&mut vgic, second(), D, (0x400 + u64::from(UART), 1), 8), VcpuSet::only(BOOT));
}

#[test]
fn a_private_interrupt_is_active_on_its_own_vcpu_and_each_shared_one_where_it_is_routed() {
    let mut vgic = Vgic::new(layout(Version::V3));
    write(&mut vgic, second(), Part::Redistributor(second()), (0x1_0300, 4), 1 << 20);
    write(&mut vgic, BOOT, D, (0x6000 + 8 * 70, 8), 1);
    write(&mut vgic, BOOT, D, (0x308, 4), 1 << (70 - 64));
    let interrupts = vgic.state().interrupts;
    assert_eq!((interrupts[1].active, interrupts[1].details[20].owner), (1 << 20, 1));
    assert_eq!((interrupts[3].active, interrupts[3].details[6].owner), (1 << 6, 1));
}

/// The level of a timer that is in service shows as pending beside it, and nobody else's does.
#[test]
fn a_line_that_stays_high_behind_what_is_in_service_is_read_as_pending() {
    let mut vgic = set_up(Version::V3);
    for vcpu in [BOOT, second()] {
        vgic.raise_hardware(vcpu, TIMER);
        enter_and_leave(&mut vgic, vcpu, TIMER, ListRegisterState::Active);
    }
    for (high, shown) in [(true, 1 << TIMER), (false, 0)] {
        vgic.follow_hardware(BOOT, TIMER, high);
        let pending = [BOOT, second()].map(|vcpu| read(&vgic, BOOT, Part::Redistributor(vcpu), (0x1_0200, 4)));
        assert_eq!(pending, [shown, 0]);
    }
}
