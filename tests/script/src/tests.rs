use crate::{Act, Script, Version};

const LENGTH: usize = 500;

fn whole(version: Version, number: u64) -> impl Iterator<Item = crate::Access> {
    of(version, 1, number)
}

fn of(version: Version, vcpus: u8, number: u64) -> impl Iterator<Item = crate::Access> {
    Script::new(version, vcpus, 7, number, LENGTH)
}

#[test]
fn a_script_follows_from_its_seed_and_number() {
    for version in [Version::V2, Version::V3] {
        assert!(whole(version, 3).eq(whole(version, 3)));
        assert!(whole(version, 3).ne(whole(version, 4)));
        assert_eq!(whole(version, 3).count(), LENGTH);
    }
}

#[test]
fn most_accesses_are_to_registers_and_many_acknowledge() {
    for number in 0..100 {
        for version in [Version::V2, Version::V3] {
            let of = |wanted: fn(&crate::Access) -> bool| whole(version, number).filter(wanted).count();
            assert!(of(|access| access.exists) > LENGTH * 4 / 5);
            assert!(of(|access| !access.exists) > 0);
            assert!(of(|access| matches!(access.act, Act::Acknowledge(..))) > LENGTH / 20);
        }
    }
}

#[test]
fn two_vcpus_take_turns_and_one_never_does() {
    for version in [Version::V2, Version::V3] {
        assert!(whole(version, 0).all(|access| access.vcpu == 0));
        for number in 0..100 {
            let turns = |vcpu| of(version, 2, number).filter(|access| access.vcpu == vcpu).count();
            assert_eq!(turns(0) + turns(1), LENGTH);
            assert!(turns(0).min(turns(1)) > LENGTH / 5, "{version:?} {number}");
        }
    }
}
