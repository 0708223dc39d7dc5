//! A vCPU in and out of this core: the registers that EL1 uses directly, and the controls that fence it in.

use crate::{cpu, sysreg};
use aarch64_cpu::asm::barrier;
use aarch64_cpu::registers::{CNTHCTL_EL2, CPTR_EL2, HCR_EL2, HPFAR_EL2, MDCR_EL2, VTCR_EL2, VTTBR_EL2};
use aarch64_cpu::registers::{ESR_EL2, FAR_EL2, ReadWriteable, Readable, Writeable};
use bulkhead_vmm::address::Ipa;
use bulkhead_vmm::exit::{RawExit, Syndrome, Vector, VectorNumber, exception_entry};
use bulkhead_vmm::platform::{VmContext, Vmid};
use bulkhead_vmm::stage2::Stage2;
use bulkhead_vmm::vcpu::{FloatingPoint, LoadedVcpu, PointerAuthenticationKeys, SystemRegisters, Timers, Vcpu};
use core::arch::asm;

/// What this core has that is switched or fenced only where it exists.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    pointer_authentication: bool,
    /// 1 for FEAT_FGT, 2 for FEAT_FGT2 too.
    fine_grained_traps: u64,
    memory_partitioning: bool,
    /// FEAT_RAS.
    deferred_errors: bool,
    extended_hypervisor_configuration: bool,
}

impl Features {
    /// Reads the identification registers.
    pub fn read() -> Self {
        let (isar1, isar2) = (sysreg::read!("id_aa64isar1_el1"), sysreg::read!("S3_0_C0_C6_2"));
        let pfr0 = sysreg::read!("id_aa64pfr0_el1");
        let (mmfr0, mmfr1) = (sysreg::read!("id_aa64mmfr0_el1"), sysreg::read!("id_aa64mmfr1_el1"));
        // APA, API, GPA, GPI in ISAR1; GPA3 and APA3 in ISAR2.
        let authentication = isar1 & 0xff00_0ff0 != 0 || isar2 & 0xff00 != 0;
        Self {
            pointer_authentication: authentication,
            fine_grained_traps: cpu::feature(mmfr0, 56),
            memory_partitioning: cpu::feature(pfr0, 40) != 0,
            deferred_errors: cpu::feature(pfr0, 28) != 0,
            extended_hypervisor_configuration: cpu::feature(mmfr1, 40) != 0,
        }
    }
}

/// Sets this core's controls of EL1 and EL0 that are the same for all guests. Every register that could let a
/// guest through is written, because its reset value is unknown (Arm ARM DDI 0487 D19.2).
pub fn init(features: Features) {
    hold_interrupts();
    // Debug exceptions that firmware left on would be the guest's, who cannot switch them off.
    sysreg::write!("mdscr_el1", 0);
    CPTR_EL2.set(cptr());
    MDCR_EL2.set(mdcr());
    sysreg::write!("hstr_el2", 0);
    // EL1 reads neither the physical counter nor the physical timer: both are offset like the virtual ones.
    CNTHCTL_EL2.set(0);
    if features.extended_hypervisor_configuration {
        sysreg::write!("S3_4_C1_C2_2", 0); // HCRX_EL2
    }
    if features.fine_grained_traps >= 1 {
        // HFGRTR, HFGWTR, HFGITR, HDFGRTR, HDFGWTR: no trap; but the bits that read "n..." do trap at 0, which
        // is right, because what they guard is not switched.
        sysreg::write!("S3_4_C1_C1_4", 0);
        sysreg::write!("S3_4_C1_C1_5", 0);
        sysreg::write!("S3_4_C1_C1_6", 0);
        sysreg::write!("S3_4_C3_C1_4", 0);
        sysreg::write!("S3_4_C3_C1_5", 0);
    }
    if features.fine_grained_traps >= 2 {
        // HDFGRTR2, HDFGWTR2, HFGRTR2, HFGWTR2, HFGITR2: likewise.
        sysreg::write!("S3_4_C3_C1_0", 0);
        sysreg::write!("S3_4_C3_C1_1", 0);
        sysreg::write!("S3_4_C3_C1_2", 0);
        sysreg::write!("S3_4_C3_C1_3", 0);
        sysreg::write!("S3_4_C3_C1_7", 0);
    }
    if features.memory_partitioning {
        // MPAM2_EL2: EL1's MPAM0 and MPAM1 trap; everything runs in the default partition.
        sysreg::write!("S3_4_C10_C5_0", 0b11 << 48);
    }
    let shape = VTCR_EL2::RES1.val(1)
        + VTCR_EL2::PS.val(cpu::physical_address_field())
        + VTCR_EL2::TG0::Granule4KB
        + VTCR_EL2::SH0::Inner
        + VTCR_EL2::ORGN0::NormalWBRAWA
        + VTCR_EL2::IRGN0::NormalWBRAWA
        // Level 1 first; T0SZ follows with the guest.
        + VTCR_EL2::SL0.val(0b01);
    VTCR_EL2.write(shape);
    cpu::synchronize();
}

/// CPTR_EL2 without E2H: RES1 bits; traces, activity monitors, SVE and SME trap. Floating point does not.
fn cptr() -> u64 {
    const TTA: u64 = 1 << 20;
    const TAM: u64 = 1 << 30;
    const RES1_WITH_TRAPS: u64 = 0x33ff;
    RES1_WITH_TRAPS | TTA | TAM
}

/// MDCR_EL2: debug, performance monitors, statistical profiling and trace are all trapped, and their buffers
/// belong to EL2. HPMN keeps its full count, because smaller ones are CONSTRAINED UNPREDICTABLE.
fn mdcr() -> u64 {
    const TPMCR: u64 = 1 << 5;
    const TPM: u64 = 1 << 6;
    const TDA: u64 = 1 << 9;
    const TDOSA: u64 = 1 << 10;
    const TDRA: u64 = 1 << 11;
    const TPMS: u64 = 1 << 14;
    const TTRF: u64 = 1 << 19;
    let monitors = cpu::feature(sysreg::read!("id_aa64dfr0_el1"), 8);
    let counters = if monitors == 0 || monitors == 15 { 0 } else { sysreg::read!("pmcr_el0") >> 11 & 0x1f };
    counters | TPMCR | TPM | TDA | TDOSA | TDRA | TPMS | TTRF
}

/// HCR_EL2 for every guest; architecture.md holds the table of bits with their reasons.
fn hcr() -> u64 {
    let fields = HCR_EL2::VM::Enable
        + HCR_EL2::SWIO::SET
        + HCR_EL2::PTW::SET
        + HCR_EL2::FMO::EnableVirtualFIQ
        + HCR_EL2::IMO::EnableVirtualIRQ
        + HCR_EL2::AMO::SET
        + HCR_EL2::FB::SET
        + HCR_EL2::BSU::InnerShareable
        + HCR_EL2::TID3::SET
        + HCR_EL2::TSC::EnableTrapEl1SmcToEl2
        + HCR_EL2::TIDCP::SET
        + HCR_EL2::TACR::SET
        + HCR_EL2::TLOR::SET
        + HCR_EL2::TERR::SET
        + HCR_EL2::RW::EL1IsAarch64
        + HCR_EL2::APK.val(1)
        + HCR_EL2::API.val(1);
    fields.value
}

/// Points this core at the VM's address space and identity, then fills in the vCPU's registers.
pub fn load(vcpu: &Vcpu, context: &VmContext<'_>, features: Features) {
    let size = 64 - u64::from(context.stage2.geometry().bits());
    VTCR_EL2.set(VTCR_EL2.get() & !0x3f | size);
    VTTBR_EL2.set(context.stage2.root().get() | u64::from(context.vmid.0) << 48);
    HCR_EL2.set(hcr());
    sysreg::write!("vpidr_el2", sysreg::read!("midr_el1"));
    sysreg::write!("vmpidr_el2", context.mpidr);
    sysreg::write!("cntvoff_el2", context.counter_offset);
    load_registers(vcpu, features);
}

/// Fills in the vCPU's registers, and forgets translations and instructions that this core cached: two vCPUs of one VM, or two
/// lives of one, share a VMID, and what one cached must not serve the other.
pub fn load_registers(vcpu: &Vcpu, features: Features) {
    load_system(&vcpu.system);
    if features.pointer_authentication {
        load_keys(&vcpu.system.keys);
    }
    if features.deferred_errors {
        // The guest's DISR_EL1, while HCR_EL2.AMO is set. FEAT_RAS is hidden, and no trap stops it.
        sysreg::write!("S3_4_C12_C1_1", 0); // VDISR_EL2
    }
    load_timers(&vcpu.timers);
    load_floating_point(&vcpu.floating_point);
    // SAFETY: drops only cached translations of the VM whose VMID stands in VTTBR_EL2, and cached instructions.
    unsafe { asm!("isb", "tlbi vmalls12e1", "ic iallu", "dsb sy", "isb", options(nostack, preserves_flags)) };
}

/// Whether WFI of the loaded vCPU traps instead of sleeping.
pub fn trap_wait(trap: bool) {
    HCR_EL2.modify(HCR_EL2::TWI.val(trap.into()));
}

/// Forgets every translation tagged with `vmid`, on all cores. It is said twice: to some cores' DSB the first does not count
/// (architecture.md, "Errata").
pub fn invalidate(stage2: &Stage2, vmid: Vmid) {
    let own = VTTBR_EL2.get();
    VTTBR_EL2.set(stage2.root().get() | u64::from(vmid.0) << 48);
    // SAFETY: drops only cached translations of the VM whose VMID stands in VTTBR_EL2.
    unsafe {
        asm!(
            "isb",
            "dsb ishst",
            "tlbi vmalls12e1is",
            "dsb ish",
            "tlbi vmalls12e1is",
            "dsb ish",
            "isb",
            options(nostack, preserves_flags)
        );
    }
    VTTBR_EL2.set(own);
    cpu::synchronize();
}

/// Reads the vCPU's registers out of this core.
pub fn park(vcpu: &mut Vcpu, features: Features) {
    fence_par();
    park_system(&mut vcpu.system);
    fence_par();
    if features.pointer_authentication {
        park_keys(&mut vcpu.system.keys);
    }
    park_timers(&mut vcpu.timers);
    park_floating_point(&mut vcpu.floating_point);
    hold_interrupts();
}

/// HCR_EL2 and VTTBR_EL2 while no guest is loaded: no stage 2, and every interrupt is EL2's, so that it ends a WFI
/// (Arm ARM DDI 0487 D1.3.6 and "Wait For Interrupt").
fn hold_interrupts() {
    HCR_EL2.write(
        HCR_EL2::RW::EL1IsAarch64 + HCR_EL2::IMO::EnableVirtualIRQ + HCR_EL2::FMO::EnableVirtualFIQ + HCR_EL2::AMO::SET,
    );
    VTTBR_EL2.set(0);
    cpu::synchronize();
}

/// Runs the guest until its next exit.
#[inline(always)]
pub fn enter(vcpu: &mut LoadedVcpu) -> VectorNumber {
    VectorNumber::new(crate::vectors::enter(vcpu.general_mut()))
}

/// What the exit by the vector `number` left in the syndrome registers.
#[inline(always)]
pub fn describe(number: VectorNumber) -> RawExit {
    let vector = number.vector();
    let none = RawExit { vector, esr: 0, far: 0, hpfar: 0 };
    match vector {
        Vector::Synchronous => RawExit { esr: ESR_EL2.get(), far: FAR_EL2.get(), hpfar: HPFAR_EL2.get(), ..none },
        Vector::SystemError => RawExit { esr: ESR_EL2.get(), ..none },
        Vector::Irq | Vector::Fiq => none,
    }
}

/// Makes the loaded vCPU take an exception at EL1 (Arm ARM DDI 0487, AArch64.TakeException).
pub fn inject(vcpu: &mut LoadedVcpu, syndrome: Syndrome) {
    let general = vcpu.general_mut();
    let entry = exception_entry(general.pstate, sysreg::read!("vbar_el1"), system_control());
    sysreg::write!("elr_el1", general.pc);
    sysreg::write!("spsr_el1", general.pstate);
    sysreg::write!("esr_el1", syndrome.esr(general.pstate));
    if let Some(far) = syndrome.far() {
        sysreg::write!("far_el1", far);
    }
    (general.pc, general.pstate) = (entry.pc, entry.pstate);
}

/// SCTLR_EL1 of the loaded vCPU.
#[inline(always)]
pub fn system_control() -> u64 {
    sysreg::read!("sctlr_el1")
}

/// Where the loaded vCPU's own stage 1 leads `address`, at its EL0 (`unprivileged`) or its EL1, if it may read there (AT,
/// Arm ARM DDI 0487 C5.5). Its PAR_EL1 stays as it was.
pub fn translate(address: u64, unprivileged: bool) -> Option<Ipa> {
    const FAULT: u64 = 1;
    const PAGE: u64 = 0x000f_ffff_ffff_f000;
    fence_par();
    let before = sysreg::read!("par_el1");
    // SAFETY: the walk is of the guest's tables, and its outcome goes to PAR_EL1 alone.
    unsafe {
        if unprivileged {
            asm!("at s1e0r, {}", in(reg) address, options(nostack, preserves_flags));
        } else {
            asm!("at s1e1r, {}", in(reg) address, options(nostack, preserves_flags));
        }
    }
    cpu::synchronize();
    fence_par();
    let found = sysreg::read!("par_el1");
    fence_par();
    sysreg::write!("par_el1", before);
    (found & FAULT == 0).then(|| Ipa::new(found & PAGE | address & 0xfff))
}

/// Keeps reads of PAR_EL1 apart from loads of devices and exclusives, with which Cortex-A77 may stop for good (erratum 1508412).
fn fence_par() {
    barrier::dmb(barrier::SY);
}

macro_rules! switched {
    ($load:ident, $park:ident, $state:ty, $($field:ident $([$half:literal])? = $name:literal),* $(,)?) => {
        fn $load(state: &$state) {
            $(sysreg::write!($name, state.$field$([$half])?);)*
        }

        fn $park(state: &mut $state) {
            $(state.$field$([$half])? = sysreg::read!($name);)*
        }
    };
}

switched!(
    load_system,
    park_system,
    SystemRegisters,
    sp_el0 = "sp_el0",
    sp_el1 = "sp_el1",
    elr_el1 = "elr_el1",
    spsr_el1 = "spsr_el1",
    sctlr_el1 = "sctlr_el1",
    cpacr_el1 = "cpacr_el1",
    ttbr0_el1 = "ttbr0_el1",
    ttbr1_el1 = "ttbr1_el1",
    tcr_el1 = "tcr_el1",
    esr_el1 = "esr_el1",
    afsr0_el1 = "afsr0_el1",
    afsr1_el1 = "afsr1_el1",
    far_el1 = "far_el1",
    mair_el1 = "mair_el1",
    amair_el1 = "amair_el1",
    vbar_el1 = "vbar_el1",
    contextidr_el1 = "contextidr_el1",
    tpidr_el0 = "tpidr_el0",
    tpidrro_el0 = "tpidrro_el0",
    tpidr_el1 = "tpidr_el1",
    par_el1 = "par_el1",
    csselr_el1 = "csselr_el1",
);

// APIAKeyLo_EL1 and its nine fellows, by encoding: the assembler knows their names only with FEAT_PAuth.
switched!(
    load_keys,
    park_keys,
    PointerAuthenticationKeys,
    apia[0] = "S3_0_C2_C1_0",
    apia[1] = "S3_0_C2_C1_1",
    apib[0] = "S3_0_C2_C1_2",
    apib[1] = "S3_0_C2_C1_3",
    apda[0] = "S3_0_C2_C2_0",
    apda[1] = "S3_0_C2_C2_1",
    apdb[0] = "S3_0_C2_C2_2",
    apdb[1] = "S3_0_C2_C2_3",
    apga[0] = "S3_0_C2_C3_0",
    apga[1] = "S3_0_C2_C3_1",
);

fn load_timers(timers: &Timers) {
    sysreg::write!("cntkctl_el1", timers.kernel_control);
    sysreg::write!("cntv_cval_el0", timers.virtual_compare);
    sysreg::write!("cntv_ctl_el0", timers.virtual_control);
}

/// The physical timer's fields stay: it is emulated, and never in hardware.
fn park_timers(timers: &mut Timers) {
    timers.kernel_control = sysreg::read!("cntkctl_el1");
    timers.virtual_compare = sysreg::read!("cntv_cval_el0");
    timers.virtual_control = sysreg::read!("cntv_ctl_el0") & 0b11;
    sysreg::write!("cntv_ctl_el0", 0);
}

macro_rules! each_pair {
    ($instruction:literal) => {
        concat!(
            $instruction,
            " q0, q1, [{v}]\n",
            $instruction,
            " q2, q3, [{v}, #32]\n",
            $instruction,
            " q4, q5, [{v}, #64]\n",
            $instruction,
            " q6, q7, [{v}, #96]\n",
            $instruction,
            " q8, q9, [{v}, #128]\n",
            $instruction,
            " q10, q11, [{v}, #160]\n",
            $instruction,
            " q12, q13, [{v}, #192]\n",
            $instruction,
            " q14, q15, [{v}, #224]\n",
            $instruction,
            " q16, q17, [{v}, #256]\n",
            $instruction,
            " q18, q19, [{v}, #288]\n",
            $instruction,
            " q20, q21, [{v}, #320]\n",
            $instruction,
            " q22, q23, [{v}, #352]\n",
            $instruction,
            " q24, q25, [{v}, #384]\n",
            $instruction,
            " q26, q27, [{v}, #416]\n",
            $instruction,
            " q28, q29, [{v}, #448]\n",
            $instruction,
            " q30, q31, [{v}, #480]\n",
        )
    };
}

fn load_floating_point(state: &FloatingPoint) {
    // SAFETY: reads the 512 bytes of `v`; Rust code of EL2 is built without floating point, so V0 to V31 are
    // the guest's alone.
    unsafe {
        asm!(".arch_extension fp", ".arch_extension simd", each_pair!("ldp"), "msr fpcr, {c}", "msr fpsr, {s}",
            v = in(reg) state.v.as_ptr(), c = in(reg) state.fpcr, s = in(reg) state.fpsr,
            options(nostack, readonly, preserves_flags));
    }
}

fn park_floating_point(state: &mut FloatingPoint) {
    // SAFETY: writes the 512 bytes of `v`.
    unsafe {
        asm!(".arch_extension fp", ".arch_extension simd", each_pair!("stp"), "mrs {c}, fpcr", "mrs {s}, fpsr",
            v = in(reg) state.v.as_mut_ptr(), c = out(reg) state.fpcr, s = out(reg) state.fpsr,
            options(nostack, preserves_flags));
    }
}
