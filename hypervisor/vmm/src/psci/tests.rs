//! Each call's answers and effects.

use super::*;

/// vCPU 0 runs, 1 is off, 2 comes; RAM is at 1 GiB and above.
struct Three;

impl Machine for Three {
    fn power(&self, vcpu: VcpuId) -> Option<Power> {
        [Power::On, Power::Off, Power::OnPending].get(vcpu.index()).copied()
    }
    fn others_are_off(&self, caller: VcpuId) -> bool {
        caller == VcpuId::new(9).unwrap()
    }
    fn is_memory(&self, address: Ipa) -> bool {
        address.get() >= 0x4000_0000
    }
}

fn psci(function: u32, first: u64, second: u64, third: u64) -> Outcome {
    let function = Function(function);
    own(function, first).map_or_else(|| call(&Three, VcpuId::BOOT, function, [first, second, third]), answer)
}

#[test]
fn cpu_on_has_every_error() {
    const CPU_ON: u32 = 0xc400_0003;
    assert_eq!(psci(CPU_ON, 0, 0x4000_0000, 0).0, ALREADY_ON);
    assert_eq!(psci(CPU_ON, 2, 0x4000_0000, 0).0, ON_PENDING);
    assert_eq!(psci(CPU_ON, 3, 0x4000_0000, 0).0, INVALID_PARAMETERS);
    assert_eq!(psci(CPU_ON, 1 << 31 | 1, 0x4000_0000, 0).0, INVALID_PARAMETERS);
    assert_eq!(psci(CPU_ON, 1, 0x1000, 0).0, INVALID_ADDRESS);
    assert_eq!([1, 2, 3].map(|odd| psci(CPU_ON, 1, 0x4000_0000 + odd, 0).0), [INVALID_ADDRESS; 3]);
    let entry = Entry { address: Ipa::new(0x4000_0000), context: 7 };
    assert_eq!(psci(CPU_ON, 1, 0x4000_0000, 7), (0, Effect::TurnOn(VcpuId::new(1).unwrap(), entry)));
}

/// DEN0022 5.2.2.
#[test]
fn errors_have_the_specifications_numbers() {
    let named = [NOT_SUPPORTED, INVALID_PARAMETERS, DENIED, ALREADY_ON, ON_PENDING, INVALID_ADDRESS];
    assert_eq!(named, [-1, -2, -3, -4, -5, -9]);
}

#[test]
fn affinity_info_sums_up_a_cluster() {
    const AFFINITY_INFO: u32 = 0xc400_0004;
    assert_eq!([0, 1, 2].map(|vcpu| psci(AFFINITY_INFO, vcpu, 0, 0).0), [0, 1, 2]);
    assert_eq!(psci(AFFINITY_INFO, 0, 1, 0).0, 0);
    assert_eq!(psci(AFFINITY_INFO, 0x100, 1, 0).0, INVALID_PARAMETERS);
    assert_eq!([1, 2, 3].map(|level| psci(AFFINITY_INFO, 0, level, 0).0), [0; 3]);
    assert_eq!(psci(AFFINITY_INFO, 0, 4, 0).0, INVALID_PARAMETERS);
    for reserved in [1 << 24, 1 << 31, 1 << 40, 1 << 63] {
        assert_eq!(psci(AFFINITY_INFO, reserved, 0, 0).0, INVALID_PARAMETERS, "{reserved:#x}");
    }
    assert_eq!(psci(0x8400_0004, 1 << 24, 0, 0).0, INVALID_PARAMETERS);
    // Above the level nothing else counts.
    assert_eq!(psci(AFFINITY_INFO, 0xff, 1, 0).0, 0);
}

#[test]
fn suspend_keeps_or_drops_the_state() {
    assert_eq!(psci(0xc400_0001, 0, 0, 0), (0, Effect::Suspend(None)));
    assert_eq!(psci(0xc400_0001, POWERDOWN, 0, 0).0, INVALID_ADDRESS);
    assert_eq!(psci(0xc400_0001, POWERDOWN, 0x4000_0002, 0).0, INVALID_ADDRESS);
    assert_eq!(psci(0xc400_0001, 1 << 31, 0, 0).0, INVALID_PARAMETERS);
    assert_eq!(psci(0xc400_000e, 0x4000_0000, 0, 0).0, DENIED);
}

#[test]
fn features_agree_with_what_is_answered() {
    for function in (0x8400_0000..0x8400_0020).chain(0xc400_0000..0xc400_0020) {
        let offered = psci(function::FEATURES, u64::from(function), 0, 0).0 == SUCCESS;
        let answered = psci(function, 0, 0, 0).0 != NOT_SUPPORTED || function == function::FEATURES;
        assert_eq!(offered, answered, "{function:#x}");
    }
}

/// Arguments that mean something to some call, and some that do to none.
const ARGUMENTS: [u64; 12] =
    [0, 1, 2, 3, 0x100, POWERDOWN, 1 << 31, 0x4000_0000, 0x8400_0003, 0xc400_0003, 1 << 63, u64::MAX];

fn every_call() -> impl Iterator<Item = (u32, [u64; 3], Outcome)> {
    let functions = (0x8400_0000..0x8400_0020).chain(0xc400_0000..0xc400_0020);
    let calls = functions.flat_map(|function| ARGUMENTS.map(|first| (function, first)));
    calls.flat_map(|(function, first)| {
        let pairs = ARGUMENTS.into_iter().flat_map(|second| ARGUMENTS.map(|third| (second, third)));
        pairs.map(move |(second, third)| (function, [first, second, third], psci(function, first, second, third)))
    })
}

#[test]
fn a_call_that_is_refused_has_no_effect() {
    for (function, arguments, (answer, effect)) in every_call() {
        let fine = effect == Effect::None || answer == SUCCESS;
        assert!(fine, "{function:#x} {arguments:x?}: {answer}, {effect:?}");
        assert!((INVALID_ADDRESS..=VERSION_1_1).contains(&answer), "{function:#x} {arguments:x?}: {answer}");
    }
}

#[test]
fn vcpus_begin_only_in_memory_and_only_those_that_are_off() {
    for (function, arguments, (_, effect)) in every_call() {
        let entry = match effect {
            Effect::TurnOn(vcpu, entry) => {
                assert_eq!(vcpu, VcpuId::new(1).unwrap(), "{function:#x} {arguments:x?}");
                entry
            }
            Effect::Suspend(Some(entry)) => entry,
            _ => continue,
        };
        assert!(Three.is_memory(entry.address), "{function:#x} {arguments:x?}: {entry:?}");
    }
}

#[test]
fn a_lone_vcpu_may_suspend_the_system() {
    let alone = VcpuId::new(9).unwrap();
    let suspend = |address| call(&Three, alone, Function(0xc400_000e), [address, 7, 0]);
    let entry = Entry { address: Ipa::new(0x4000_0000), context: 7 };
    assert_eq!(suspend(0x4000_0000), (SUCCESS, Effect::Suspend(Some(entry))));
    assert_eq!(suspend(0x1000), (INVALID_ADDRESS, Effect::None));
}

#[test]
fn only_the_architectural_warm_reset_exists() {
    const SYSTEM_RESET2: u32 = 0xc400_0012;
    assert_eq!(psci(SYSTEM_RESET2, 0, 0, 0), (SUCCESS, Effect::SystemReset));
    for kind in [1, 1 << 31, 0xffff_ffff] {
        assert_eq!(psci(SYSTEM_RESET2, kind, 0, 0), (INVALID_PARAMETERS, Effect::None));
    }
}
