//! System registers, and FP/SIMD state over exits.

pub mod authentication;
pub mod branch_target;

use bulkhead_guests::instruction::{self, Encoding};
use bulkhead_guests::memory::read32;
use bulkhead_guests::psci::{self, function};
use bulkhead_guests::trap::{Trapped, class};
use bulkhead_guests::vector_registers::{self, Vectors};
use bulkhead_guests::{console, read_register, section, write_register};

pub fn check(native: bool) {
    identification();
    legal();
    undefined(native);
    if !native {
        hidden();
    }
}

/// The whole feature identification space reads, reserved registers as zero (Arm ARM DDI 0487 D23.3.1).
fn identification() {
    for name in [(0, "MIDR_EL1"), (5, "MPIDR_EL1"), (6, "REVIDR_EL1")] {
        reads(name.1, Encoding::new(3, 0, 0, 0, name.0));
    }
    let trapped = (1..8).flat_map(|crm| (0..8).map(move |op2| Encoding::new(3, 0, 0, crm, op2)));
    let trapped = trapped.filter(|&register| instruction::read(register).is_err()).count();
    section::arm("D23.3.1").equal("feature registers that trap", trapped, 0);
    section::arm("D23.3.1").holds("MPIDR_EL1 has bit 31 set", read_register!("mpidr_el1") >> 31 & 1 == 1);
    section::arm("D23.3.1").holds("CNTFRQ_EL0 is set", read_register!("cntfrq_el0") != 0);
}

/// What an operating system does at boot without asking first.
fn legal() {
    const READ: [(&str, Encoding); 9] = [
        ("CCSIDR_EL1", Encoding::new(3, 1, 0, 0, 0)),
        ("CLIDR_EL1", Encoding::new(3, 1, 0, 0, 1)),
        ("CTR_EL0", Encoding::new(3, 3, 0, 0, 1)),
        ("DCZID_EL0", Encoding::new(3, 3, 0, 0, 7)),
        ("ACTLR_EL1", Encoding::new(3, 0, 1, 0, 1)),
        ("AIDR_EL1", Encoding::new(3, 1, 0, 0, 7)),
        ("OSLSR_EL1", Encoding::new(2, 0, 1, 1, 4)),
        ("MDSCR_EL1", Encoding::new(2, 0, 0, 2, 2)),
        ("ISR_EL1", Encoding::new(3, 0, 12, 1, 0)),
    ];
    for (name, register) in READ {
        reads(name, register);
    }
    const WRITE: [(&str, Encoding); 10] = [
        ("OSLAR_EL1", Encoding::new(2, 0, 1, 0, 4)),
        ("OSDLR_EL1", Encoding::new(2, 0, 1, 3, 4)),
        ("MDSCR_EL1", Encoding::new(2, 0, 0, 2, 2)),
        ("DBGBCR0_EL1", Encoding::new(2, 0, 0, 0, 5)),
        ("DBGBVR0_EL1", Encoding::new(2, 0, 0, 0, 4)),
        ("DBGWCR0_EL1", Encoding::new(2, 0, 0, 0, 7)),
        ("CNTKCTL_EL1", Encoding::new(3, 0, 14, 1, 0)),
        ("CONTEXTIDR_EL1", Encoding::new(3, 0, 13, 0, 1)),
        ("TPIDR_EL0", Encoding::new(3, 3, 13, 0, 2)),
        ("CSSELR_EL1", Encoding::new(3, 2, 0, 0, 0)),
    ];
    for (name, register) in WRITE {
        finishes(format_args!("write of {name}"), instruction::write(register, 0));
    }
    const MAINTENANCE: [(&str, Encoding); 5] = [
        ("DC CISW", Encoding::new(1, 0, 7, 14, 2)),
        ("DC ISW", Encoding::new(1, 0, 7, 6, 2)),
        ("IC IALLUIS", Encoding::new(1, 0, 7, 1, 0)),
        ("TLBI VMALLE1IS", Encoding::new(1, 0, 8, 3, 0)),
        ("TLBI VMALLE1", Encoding::new(1, 0, 8, 7, 0)),
    ];
    for (name, operation) in MAINTENANCE {
        finishes(name, instruction::write(operation, 0));
    }
}

fn reads(name: &str, register: Encoding) {
    finishes(format_args!("read of {name}"), instruction::read(register).map(|_| ()));
}

fn finishes(name: impl core::fmt::Display, outcome: Result<(), Trapped>) {
    section::arm("D23.2").equal(name, outcome.map_err(|trapped| trapped.esr), Ok(()));
}

/// Registers of higher exception levels, unallocated ones and implementation defined ones are undefined.
fn undefined(native: bool) {
    const UNDEFINED: [(&str, Encoding); 6] = [
        ("VBAR_EL2", Encoding::new(3, 4, 12, 0, 0)),
        ("SCR_EL3", Encoding::new(3, 6, 1, 1, 0)),
        ("CNTVOFF_EL2", Encoding::new(3, 4, 14, 0, 3)),
        ("unallocated S3_0_C13_C7_7", Encoding::new(3, 0, 13, 7, 7)),
        ("implementation defined S3_0_C15_C15_7", Encoding::new(3, 0, 15, 15, 7)),
        ("implementation defined S3_3_C11_C15_7", Encoding::new(3, 3, 11, 15, 7)),
    ];
    for (name, register) in UNDEFINED {
        is_undefined(format_args!("{name} read"), instruction::read(register).map(|_| ()));
        is_undefined(format_args!("{name} write"), instruction::write(register, 0));
    }
    if !native {
        is_undefined("unhandled encoding UDF", instruction::run(0, 0).map(|_| ()));
    }
}

fn is_undefined(name: impl core::fmt::Display, outcome: Result<(), Trapped>) {
    match outcome {
        Err(trapped) => {
            section::arm("D24.1.1").equal(name, (trapped.class(), trapped.esr & 0x1ff_ffff), (class::UNKNOWN, 0))
        }
        Ok(()) => section::arm("D24.1.1").failed(name, "expected an undefined instruction got none"),
    }
}

/// What Bulkhead does not switch per vCPU is neither shown nor there.
fn hidden() {
    let pfr0 = read_register!("id_aa64pfr0_el1");
    let pfr1 = read_register!("id_aa64pfr1_el1");
    let dfr0 = read_register!("id_aa64dfr0_el1");
    let isar0 = read_register!("id_aa64isar0_el1");
    let field = |value: u64, low: u32| value >> low & 0xf;
    for (name, value) in [
        ("SVE", field(pfr0, 32)),
        ("MPAM", field(pfr0, 40)),
        ("AMU", field(pfr0, 44)),
        ("MTE", field(pfr1, 8)),
        ("SME", field(pfr1, 24)),
        ("PMSVer", field(dfr0, 32)),
        ("TraceBuffer", field(dfr0, 44)),
        ("RNDR", field(isar0, 60)),
    ] {
        section::arm("D23.3.1").equal(format_args!("{name} is not shown"), value, 0);
    }
    section::arm("D23.3.1").holds("PMUVer is not shown", matches!(field(dfr0, 8), 0 | 0xf));
    // What cannot be trapped, or is not, hypervisor/docs/identity.md lists.
    const TRAPPED: [(&str, Encoding); 25] = [
        ("ZCR_EL1", Encoding::new(3, 0, 1, 2, 0)),
        ("PMCR_EL0", Encoding::new(3, 3, 9, 12, 0)),
        ("PMSCR_EL1", Encoding::new(3, 0, 9, 9, 0)),
        ("SMCR_EL1", Encoding::new(3, 0, 1, 2, 6)),
        ("SVCR", Encoding::new(3, 3, 4, 2, 2)),
        ("SMPRI_EL1", Encoding::new(3, 0, 1, 2, 4)),
        ("TPIDR2_EL0", Encoding::new(3, 3, 13, 0, 5)),
        ("ERRIDR_EL1", Encoding::new(3, 0, 5, 3, 0)),
        ("ERRSELR_EL1", Encoding::new(3, 0, 5, 3, 1)),
        ("LORC_EL1", Encoding::new(3, 0, 10, 4, 3)),
        ("LORID_EL1", Encoding::new(3, 0, 10, 4, 7)),
        ("SCXTNUM_EL1", Encoding::new(3, 0, 13, 0, 7)),
        ("SCXTNUM_EL0", Encoding::new(3, 3, 13, 0, 7)),
        ("GCR_EL1", Encoding::new(3, 0, 1, 0, 6)),
        ("RGSR_EL1", Encoding::new(3, 0, 1, 0, 5)),
        ("TFSR_EL1", Encoding::new(3, 0, 5, 6, 0)),
        ("TCR2_EL1", Encoding::new(3, 0, 2, 0, 3)),
        ("SCTLR2_EL1", Encoding::new(3, 0, 1, 0, 3)),
        ("PIR_EL1", Encoding::new(3, 0, 10, 2, 3)),
        ("POR_EL0", Encoding::new(3, 3, 10, 2, 4)),
        ("AMCR_EL0", Encoding::new(3, 3, 13, 2, 0)),
        ("TRFCR_EL1", Encoding::new(3, 0, 1, 2, 1)),
        ("TRBLIMITR_EL1", Encoding::new(3, 0, 9, 11, 0)),
        ("BRBCR_EL1", Encoding::new(2, 1, 9, 0, 0)),
        ("MPAM1_EL1", Encoding::new(3, 0, 10, 5, 0)),
    ];
    // CPACR_EL1.ZEN and SMEN on: what traps then is not the guest's own doing.
    let own = read_register!("cpacr_el1");
    write_register!("cpacr_el1", own | 3 << 16 | 3 << 24);
    for (name, register) in TRAPPED {
        is_undefined(format_args!("{name} of a hidden feature"), instruction::read(register).map(|_| ()));
    }
    write_register!("cpacr_el1", own);
}

/// v0 to v31, FPSR and FPCR keep their values over a call, an emulated access and a timer interrupt.
pub fn floating_point() {
    let pattern: Vectors = core::array::from_fn(|index| 0x0123_4567_89ab_cdef_u64.rotate_left(index as u32));
    let control = (0x0040_0000, 0x0800_0001);
    vector_registers::write(&pattern);
    vector_registers::write_control(control.0, control.1);
    psci::psci(function::PSCI_VERSION, [0; 3]);
    read32(console::address(console::register::FLAGS));
    crate::timer::nap();
    section::arm("B1.2").holds("v0 to v31 kept over exits", vector_registers::read() == pattern);
    section::arm("B1.2").equal("FPCR and FPSR kept over exits", vector_registers::read_control(), control);
}
