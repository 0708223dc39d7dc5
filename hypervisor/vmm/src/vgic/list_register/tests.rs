//! Fields as the hardware has them, and what changes a set of list registers.

use super::*;
use ListRegisterState::{Active, Empty, Pending, PendingAndActive};
use alloc::vec::Vec;

/// `ICH_LR<n>_EL2` (GICv3 IHI 0069 12.4.7): vINTID (31:0), pINTID (41:32, of which bit 41 is EOI without HW), Priority
/// (55:48), Group (60), HW (61), State (63:62).
#[test]
fn fields_stand_where_the_hardware_has_them() {
    let bits = |state, priority, group| ListRegister::new(1019, state, priority, group).bits();
    assert_eq!(bits(Empty, 0, Group::Zero), 0x3FB);
    assert_eq!(bits(Pending, 0xF8, Group::Zero), 0x40F8_0000_0000_03FB);
    assert_eq!(bits(Active, 0x08, Group::One), 0x9008_0000_0000_03FB);
    assert_eq!(bits(PendingAndActive, 0xFF, Group::One), 0xD0FF_0000_0000_03FB);
    let register = ListRegister::new(27, Pending, 0x80, Group::One);
    assert_eq!(register.with_hardware(0x3FF).bits(), 0x7080_03FF_0000_001B);
    assert_eq!(register.with_source(7).bits(), 0x5080_0007_0000_001B);
    assert_eq!(register.with_eoi_maintenance().bits(), 0x5080_0200_0000_001B);
}

#[test]
fn what_was_written_is_what_is_read() {
    for (group, state) in [Group::Zero, Group::One]
        .iter()
        .flat_map(|group| [Empty, Pending, Active, PendingAndActive].iter().map(move |state| (*group, *state)))
    {
        let register = ListRegister::new(1019, state, 0xA8, group);
        let read = |it: ListRegister| (it.intid(), it.state(), it.priority(), it.group());
        for register in [register, register.with_source(5), register.with_eoi_maintenance(), register.with_hardware(27)]
        {
            assert_eq!(read(register), (1019, state, 0xA8, group));
            for changed in [Empty, Pending, Active, PendingAndActive] {
                let mut now = register;
                now.set_state(changed);
                assert_eq!(read(now), (1019, changed, 0xA8, group));
                assert_eq!((now.hardware(), now.source()), (register.hardware(), register.source()));
            }
        }
        let asks =
            [register, register.with_source(5), register.with_hardware(0x3FF)].map(ListRegister::eoi_maintenance);
        assert_eq!(asks, [false; 3], "bit 41 is of the physical INTID there");
        let asking = register.with_source(5).with_eoi_maintenance();
        assert_eq!((asking.eoi_maintenance(), asking.source(), asking.hardware()), (true, 5, None));
        assert_eq!(asking.with_eoi_maintenance(), asking);
        let linked = register.with_hardware(0x21B);
        assert_eq!((linked.hardware(), linked.source()), (Some(0x21B), 0));
    }
}

/// ICH_HCR_EL2 (GICv3 IHI 0069 12.4.5): LRENPIE (2), NPIE (3), VGrp0EIE (4), VGrp0DIE (5), VGrp1EIE (6), VGrp1DIE (7),
/// TDIR (14).
#[test]
fn maintenance_is_asked_for_by_the_hardwares_bits() {
    let named =
        [Maintenance::NONE, Maintenance::ENTRY_NOT_PRESENT, Maintenance::NO_PENDING, Maintenance::TRAP_DEACTIVATE];
    assert_eq!(named.map(Maintenance::bits), [0, 4, 8, 0x4000]);
    // The next change that matters is an enabling, or of both enabled ones a disabling.
    for (enabled, bits) in [([false, false], 0x50), ([true, false], 0x40), ([false, true], 0x10), ([true, true], 0xA0)]
    {
        let groups = Maintenance::of_groups(enabled);
        assert_eq!((groups.bits(), groups.wants_groups()), (bits, true), "{enabled:?}");
    }
    assert_eq!(named.map(Maintenance::wants_groups), [false; 4]);
    let both = Maintenance::NO_PENDING.and(Maintenance::TRAP_DEACTIVATE, true);
    assert_eq!(both.and(Maintenance::ENTRY_NOT_PRESENT, false).bits(), 0x4008);
    assert_eq!(both.and(both, true), both);
    assert_eq!(named.map(|one| both.has(one)), [false, false, true, true]);
}

#[test]
fn list_registers_tell_what_they_hold_and_what_changed() {
    let register = |intid| ListRegister::new(intid, Pending, 0x80, Group::One);
    let mut registers = ListRegisters::EMPTY;
    for (index, intid) in [(0, 40), (3, 41), (15, 42)] {
        registers.put(index, register(intid));
    }
    registers.put(16, register(43));
    assert_eq!((registers.used, registers.changed), (0x8009, 0x8009));
    assert_eq!(registers.used_indices().collect::<Vec<_>>(), [0, 3, 15]);
    assert_eq!([40, 41, 42, 43].map(|intid| registers.find(intid)), [Some(0), Some(3), Some(15), None]);
    assert_eq!((registers.get(3), registers.get(16)), (register(41), ListRegister::EMPTY));
    // The same once more changes nothing; another does.
    registers.changed = 0;
    registers.put(3, register(41));
    assert_eq!(registers.changed, 0);
    registers.put(3, register(44));
    assert_eq!((registers.used, registers.changed), (0x8009, 8));
    // One that the guest has emptied is so in the hardware as well; one that is taken out is not.
    registers.changed = 0;
    registers.note_state(3, Empty);
    assert_eq!((registers.used, registers.changed, registers.get(3)), (0x8001, 0, ListRegister::EMPTY));
    registers.take_out(15);
    assert_eq!((registers.used, registers.changed), (1, 0x8000));
    // What asks for an interrupt at its end goes on doing so, though it is empty, until it is written.
    registers.put(1, register(45).with_eoi_maintenance());
    registers.changed = 0;
    registers.note_state(1, Active);
    assert_eq!((registers.used, registers.changed, registers.get(1).state()), (3, 0, Active));
    registers.note_state(1, Empty);
    assert_eq!((registers.used, registers.changed), (1, 2));
    registers.clear();
    assert_eq!((registers.used, registers.changed, registers.maintenance), (0, 0, Maintenance::NONE));
    // The hardware's are empty now, whatever was left here.
    registers.put(0, register(40));
    assert_eq!((registers.used, registers.changed), (1, 1));
}

#[test]
fn only_what_is_pending_with_nothing_to_hear_of_can_be_sent_again_in_place() {
    let mut registers = ListRegisters::EMPTY;
    let register = |state| ListRegister::new(3, state, 0x80, Group::One);
    for (register, lent) in [
        (register(Pending), true),
        (register(Active), false),
        (register(PendingAndActive), false),
        (register(Pending).with_eoi_maintenance(), false),
        (register(Pending).with_source(2), true),
    ] {
        registers.put(2, register);
        assert_eq!(registers.lent(3), lent.then_some((2, register)), "{register:?}");
        assert_eq!(registers.lent(4), None);
    }
    registers.maintenance = Maintenance::NO_PENDING;
    assert_eq!(registers.lent(3), None);
}
