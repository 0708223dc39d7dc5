//! Every error that PSCI and SMCCC have for a call, as a table.
//!
//! QEMU 10's built-in PSCI natively looks at neither entries nor the upper halves of 32-bit arguments, takes every
//! affinity level above 0 for on, and has no SYSTEM_SUSPEND, SYSTEM_RESET2, ON_PENDING and power-down state: what rests on
//! those is left out there.

use bulkhead_guests::psci::{Conduit, call, function, psci, status};
use bulkhead_guests::section::{self, Section};
use bulkhead_guests::{Machine, cpu};

/// Where a vCPU could begin: the guest's own code.
const CODE: u64 = 0x4020_0000;
/// Upper halves that a 32-bit call has no use for.
const UPPER: u64 = 0x5a5a_5a5a_0000_0000;
/// An address where no guest has RAM, and one behind every guest's address space.
const DEVICE: u64 = 0x0900_0000;
const BEYOND: u64 = 1 << 47;
/// CPU_SUSPEND's power_state in the original format: a power-down (DEN0022 5.4.2).
const POWERDOWN: u64 = 1 << 16;

use function::{AFFINITY_INFO, AFFINITY_INFO_64, CPU_ON, CPU_ON_64, CPU_SUSPEND, CPU_SUSPEND_64, SYSTEM_SUSPEND_64};
use function::{PSCI_FEATURES, SYSTEM_RESET2, SYSTEM_RESET2_64, SYSTEM_SUSPEND};
use status::{ALREADY_ON, INVALID_ADDRESS, INVALID_PARAMETERS, NOT_SUPPORTED, SUCCESS};

/// A call, and what it answers.
type Row = (&'static str, u32, [u64; 3], i64);

fn rows(number: &'static str, rows: &[Row]) {
    for (name, function, arguments, expected) in rows {
        section::psci(number).equal(format_args!("{function:#x} {name}"), psci(*function, *arguments), *expected);
    }
}

/// Checks with every other vCPU off.
pub fn check(machine: &Machine, native: bool) {
    let own = cpu::affinity();
    rows("5.1", &unsupported());
    rows(
        "5.6",
        &[
            ("of an Aff0 that is not there", CPU_ON_64, [own | 0xff, CODE, 0], INVALID_PARAMETERS),
            ("of an Aff1 that is not there", CPU_ON_64, [own | 0x5500, CODE, 0], INVALID_PARAMETERS),
            ("of an Aff3 that is not there", CPU_ON_64, [own | 0x55 << 32, CODE, 0], INVALID_PARAMETERS),
            ("with bit 24 of its affinity", CPU_ON_64, [own | 1 << 24, CODE, 0], INVALID_PARAMETERS),
            ("with bit 40 of its affinity", CPU_ON_64, [own | 1 << 40, CODE, 0], INVALID_PARAMETERS),
            ("of itself", CPU_ON, [own, CODE, 0], ALREADY_ON),
        ],
    );
    rows(
        "5.4",
        &[
            ("with bit 31 of its state", CPU_SUSPEND, [1 << 31, CODE, 0], INVALID_PARAMETERS),
            ("with bit 18 of its state", CPU_SUSPEND_64, [1 << 18, CODE, 0], INVALID_PARAMETERS),
            ("with bit 26 of its state", CPU_SUSPEND_64, [1 << 26, CODE, 0], INVALID_PARAMETERS),
        ],
    );
    rows(
        "5.7",
        &[
            ("of itself", AFFINITY_INFO, [own, 0, 0], 0),
            ("of nobody", AFFINITY_INFO_64, [own | 0x5500, 0, 0], INVALID_PARAMETERS),
        ],
    );
    if !native {
        ours(own);
        if let Some(&other) = machine.cpus.get(1) {
            off(other);
        }
        immediates();
    }
}

/// Optional functions that there are not, and 64-bit forms of those that have none: by the call, and by PSCI_FEATURES.
fn unsupported() -> arrayvec::ArrayVec<Row, 40> {
    const ABSENT: [u32; 14] = [
        0x8400_0005, // MIGRATE
        0x8400_0007, // MIGRATE_INFO_UP_CPU
        0x8400_000b, // CPU_FREEZE
        0x8400_000c, // CPU_DEFAULT_SUSPEND
        0x8400_000d, // NODE_HW_STATE
        0x8400_000f, // PSCI_SET_SUSPEND_MODE
        0x8400_0010, // PSCI_STAT_RESIDENCY
        0x8400_0011, // PSCI_STAT_COUNT
        0x8400_0013, // MEM_PROTECT
        0x8400_0014, // MEM_PROTECT_CHECK_RANGE
        0xc400_0000, // PSCI_VERSION has no 64-bit form, nor have the rest.
        0xc400_0002, // CPU_OFF
        0xc400_0008, // SYSTEM_OFF
        0xc400_000a, // PSCI_FEATURES
    ];
    let calls = ABSENT.map(|function| ("is not there", function, [0; 3], NOT_SUPPORTED));
    let asked = ABSENT.map(|function| ("of what is not there", PSCI_FEATURES, [function.into(), 0, 0], NOT_SUPPORTED));
    calls.into_iter().chain(asked).collect()
}

/// What QEMU's own PSCI does not have.
fn ours(own: u64) {
    rows(
        "5.7",
        &[
            ("of Aff1 and above", AFFINITY_INFO_64, [own, 1, 0], 0),
            ("of Aff2 and above", AFFINITY_INFO_64, [own | 0xff, 2, 0], 0),
            ("of Aff3", AFFINITY_INFO_64, [own | 0xffff, 3, 0], 0),
            ("of level 4", AFFINITY_INFO_64, [own, 4, 0], INVALID_PARAMETERS),
            ("of level 2^32", AFFINITY_INFO_64, [own, 1 << 32, 0], INVALID_PARAMETERS),
            ("with bit 24 of its affinity", AFFINITY_INFO_64, [own | 1 << 24, 0, 0], INVALID_PARAMETERS),
            ("with bit 63 of its affinity", AFFINITY_INFO_64, [own | 1 << 63, 3, 0], INVALID_PARAMETERS),
            ("with upper halves of its arguments", AFFINITY_INFO, [own | UPPER, UPPER, 0], 0),
        ],
    );
    rows("5.6", &[("of itself with upper halves", CPU_ON, [own | UPPER, CODE | UPPER, 0], ALREADY_ON)]);
    rows(
        "5.4",
        &[
            ("power-down to a device", CPU_SUSPEND_64, [POWERDOWN, DEVICE, 0], INVALID_ADDRESS),
            ("power-down beyond all addresses", CPU_SUSPEND_64, [POWERDOWN, BEYOND, 0], INVALID_ADDRESS),
            ("power-down to an odd address", CPU_SUSPEND_64, [POWERDOWN, CODE + 1, 0], INVALID_ADDRESS),
            ("power-down to a half instruction", CPU_SUSPEND, [POWERDOWN, CODE + 2, 0], INVALID_ADDRESS),
        ],
    );
    rows(
        "5.20",
        &[
            ("to a device", SYSTEM_SUSPEND_64, [DEVICE, 0, 0], INVALID_ADDRESS),
            ("to a half instruction", SYSTEM_SUSPEND, [CODE + 2, 0, 0], INVALID_ADDRESS),
        ],
    );
    rows(
        "5.18",
        &[
            ("of a reserved type", SYSTEM_RESET2, [1, 0, 0], INVALID_PARAMETERS),
            ("of a vendor's type", SYSTEM_RESET2_64, [0x8000_0000, 0, 0], INVALID_PARAMETERS),
        ],
    );
}

/// A vCPU that is off, and stays so.
fn off(other: u64) {
    rows(
        "5.6",
        &[
            ("to a device", CPU_ON_64, [other, DEVICE, 0], INVALID_ADDRESS),
            ("beyond all addresses", CPU_ON_64, [other, BEYOND, 0], INVALID_ADDRESS),
            ("to an odd address", CPU_ON_64, [other, CODE + 1, 0], INVALID_ADDRESS),
            ("to a half instruction", CPU_ON, [other, CODE + 2, 0], INVALID_ADDRESS),
        ],
    );
    rows("5.7", &[("of one that is off", AFFINITY_INFO, [other | UPPER, 0, 0], 1)]);
}

/// Calls have the immediate 0; the Arm architecture calls say what there is (DEN0028 2.9, 7.3).
fn immediates() {
    use core::arch::asm;
    let mut answers = [u64::from(function::PSCI_VERSION); 2];
    // SAFETY: calls that change nothing but x0 to x17.
    unsafe {
        asm!("hvc #1", inout("x0") answers[0], clobber_abi("C"));
        asm!("smc #0xffff", inout("x0") answers[1], clobber_abi("C"));
    }
    let section: Section = section::smccc("2.9");
    section.equal("HVC 1 and SMC 0xffff are no calls", answers.map(|answer| answer as i32), [-1, -1]);
    for (asked, expected) in [(0x8000_0000_u32, SUCCESS), (0x8000_0001, SUCCESS), (0x8000_8000, NOT_SUPPORTED)] {
        let answer = call(Conduit::Hvc, 0x8000_0001, [u64::from(asked), 0, 0]) as i32;
        section::smccc("7.3").equal(format_args!("SMCCC_ARCH_FEATURES of {asked:#x}"), i64::from(answer), expected);
    }
}
