//! Registers that are the controller's or a vCPU's and no interrupt's.

use super::*;

const DISTRIBUTOR: Part = Part::Distributor;

fn redistributor(vcpu: VcpuId) -> Part {
    Part::Redistributor(vcpu)
}

/// GICD_CTLR: the enables in bits 1:0; of GICv3 with one Security state DS (bit 6) and ARE (bit 4) read as one, and RWP is
/// bit 31 (GICv2 IHI 0048 4.3.1, GICv3 IHI 0069 12.9).
#[test]
fn the_control_register_keeps_the_group_enables_alone() {
    for (version, fixed) in [(Version::V2, 0), (Version::V3, 0x50)] {
        let mut vgic = set_up(version);
        for groups in [0, 1, 2, 3] {
            write(&mut vgic, BOOT, DISTRIBUTOR, (0, 4), 0xFFFF_FFFC | groups);
            assert_eq!(read(&vgic, second(), DISTRIBUTOR, (0, 4)), fixed | groups, "{version:?}");
            assert_eq!(vgic.state().group_enables, [groups & 1 != 0, groups & 2 != 0]);
        }
    }
}

/// RWP of GICD_CTLR and of GICR_CTLR (bit 3): a disable has yet to reach a vCPU (IHI 0069 12.9 and 12.11).
#[test]
fn a_write_is_pending_where_it_has_yet_to_be_seen() {
    let mut vgic = set_up(Version::V3);
    vgic.send(BOOT, VcpuSet::only(second()), 3);
    let registers = *vgic.flush(second());
    let pending = |vgic: &Vgic| {
        let of = |vcpu| read(vgic, BOOT, redistributor(vcpu), (0, 4));
        (read(vgic, BOOT, DISTRIBUTOR, (0, 4)), of(BOOT), of(second()))
    };
    assert_eq!(pending(&vgic), (0x53, 0, 0));
    write(&mut vgic, BOOT, redistributor(second()), (0x1_0180, 4), 1 << 3);
    assert_eq!(pending(&vgic), (0x8000_0053, 0, 8));
    vgic.fold(second(), &registers);
    assert_eq!(pending(&vgic), (0x53, 0, 0));
}

/// GICD_TYPER: ITLinesNumber in bits 4:0; CPUNumber in 7:5 of GICv2 (IHI 0048 4.3.2); of GICv3 IDbits (23:19) one less than
/// 10, A3V (24), No1N (25) (IHI 0069 12.9). GICD_IIDR and GICR_IIDR: the implementer in bits 11:0.
#[test]
fn the_controller_says_what_it_is() {
    for (version, kind) in [(Version::V2, 0x22), (Version::V3, 0x0348_0002)] {
        let vgic = set_up(version);
        assert_eq!(read(&vgic, BOOT, DISTRIBUTOR, (4, 4)), kind, "{version:?}");
        assert_eq!(read(&vgic, BOOT, DISTRIBUTOR, (8, 4)), 0x4200_043B, "{version:?}");
        // PIDR0 and the lowest bits of PIDR1: the part that Arm's implementation of the architecture has, GIC-400, GIC-500.
        let (end, part) = if version == Version::V2 { (0x1000, 0x90) } else { (0x1_0000, 0x92) };
        let parts = [0x20, 0x1C].map(|before| read(&vgic, BOOT, DISTRIBUTOR, (end - before, 4)));
        assert_eq!(parts, [part, 0xB4], "{version:?}");
        // PIDR2.ArchRev, and CIDR0 to CIDR3 at the frame's end (IHI 0048 4.3.18, IHI 0069 12.1.4).
        let revision = if version == Version::V2 { 2 } else { 3 };
        assert_eq!(read(&vgic, BOOT, DISTRIBUTOR, (end - 0x18, 4)) >> 4, revision);
        let component = [0x10, 0xC, 8, 4].map(|before| read(&vgic, BOOT, DISTRIBUTOR, (end - before, 4)));
        assert_eq!(component, [0x0D, 0xF0, 0x05, 0xB1]);
    }
    assert_eq!(read(&set_up(Version::V3), BOOT, redistributor(second()), (4, 4)), 0x4200_043B);
}

/// GICR_WAKER: ChildrenAsleep (bit 2) follows ProcessorSleep (bit 1) (IHI 0069 12.11).
#[test]
fn a_redistributor_sleeps_when_it_is_told_to() {
    let mut vgic = set_up(Version::V3);
    for (written, asleep) in [(0, 0), (2, 6), (4, 0), (6, 6), (0xFFFF_FFFF, 6), (0, 0)] {
        write(&mut vgic, BOOT, redistributor(second()), (0x14, 4), written);
        let of = [BOOT, second()].map(|vcpu| read(&vgic, BOOT, redistributor(vcpu), (0x14, 4)));
        assert_eq!(of, [6, asleep], "{written:#x}");
    }
}

/// GICD_IROUTER: Aff3 in bits 39:32, Aff2 to Aff0 in 23:0; Interrupt_Routing_Mode (31) is RAZ/WI with No1N (IHI 0069
/// 12.9). The GICv2 of [`set_up`] has 8 bits of GICD_ITARGETSR for each, of which those of two vCPUs can be set.
#[test]
fn a_route_is_kept_as_it_is_written() {
    let mut vgic = set_up(Version::V3);
    let route = 0x6000 + 8 * u64::from(UART);
    write(&mut vgic, BOOT, DISTRIBUTOR, (route, 8), u64::MAX);
    assert_eq!(read(&vgic, BOOT, DISTRIBUTOR, (route, 8)), 0xFF_00FF_FFFF);
    write(&mut vgic, BOOT, DISTRIBUTOR, (route, 4), 0x8000_0001);
    write(&mut vgic, BOOT, DISTRIBUTOR, (route + 4, 4), 0xFFFF_FF05);
    assert_eq!(read(&vgic, BOOT, DISTRIBUTOR, (route, 8)), 0x05_0000_0001);
    assert_eq!([0, 4].map(|half| read(&vgic, BOOT, DISTRIBUTOR, (route + half, 4))), [1, 5]);
    write(&mut vgic, BOOT, DISTRIBUTOR, (route + 4, 4), 0);
    assert_eq!(read(&vgic, BOOT, DISTRIBUTOR, (route, 8)), 1);
    assert_eq!(read(&vgic, BOOT, DISTRIBUTOR, (route + 8, 8)), 0, "its neighbour");
    vgic.set_shared_line(UART, true);
    assert_eq!([BOOT, second()].map(|vcpu| vgic.has_deliverable(vcpu)), [false, true]);
    let mut vgic = set_up(Version::V2);
    write(&mut vgic, BOOT, DISTRIBUTOR, (0x800 + u64::from(UART), 1), 0xFE);
    assert_eq!(read(&vgic, BOOT, DISTRIBUTOR, (0x820, 4)), 0x0200);
}

#[test]
fn enabling_a_group_wakes_whom_its_interrupts_wait_for() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        write(&mut vgic, BOOT, DISTRIBUTOR, (0, 4), 0);
        vgic.send(BOOT, VcpuSet::only(second()), 3);
        vgic.set_shared_line(UART, true);
        // Both sleep now, the first until its shared interrupt comes, the second until its SGI does.
        assert!(!vgic.has_deliverable(BOOT) && !vgic.has_deliverable(second()));
        assert!(write(&mut vgic, BOOT, DISTRIBUTOR, (0, 4), 2).is_empty(), "they are of Group 0");
        assert_eq!(write(&mut vgic, BOOT, DISTRIBUTOR, (0, 4), 3), VcpuSet::first(2));
        assert!(write(&mut vgic, BOOT, DISTRIBUTOR, (0, 4), 3).is_empty(), "nothing changes");
    }
}

#[test]
fn what_rests_on_list_registers_does_so_while_some_are_out() {
    for version in [Version::V2, Version::V3] {
        let mut vgic = set_up(version);
        let rests = |vgic: &Vgic| {
            // GICD_CTLR, GICD_ISENABLER1, GICD_ISPENDR1, GICD_ICACTIVER1: by a load, by a store.
            [0, 0x104, 0x204, 0x384].map(|offset| {
                let access = vgic.find(BOOT, DISTRIBUTOR, offset, 4).unwrap();
                [vgic.rests(access, false), vgic.rests(access, true)]
            })
        };
        assert_eq!(rests(&vgic), [[false; 2]; 4]);
        vgic.flush(second());
        assert_eq!(rests(&vgic), [[false; 2], [false; 2], [true, false], [true; 2]]);
    }
}
