//! The controller's state in which each script begins, made by what the architecture offers for that.

use bulkhead_guests::gic::{Gic, PRIORITY, register};
use bulkhead_guests::memory::{read32, write32};
use bulkhead_guests::write_register;

/// INTIDs that both machines have.
const INTIDS: usize = 288;
/// GICR_WAKER.
const WAKER: usize = 0x14;
/// GICC's offsets (IHI 0048B 4.1.3).
const PMR: usize = 0x04;
const BPR: usize = 0x08;
const ABPR: usize = 0x1c;
const APR: usize = 0xd0;
const NSAPR: usize = 0xe0;

/// No interrupt is enabled, pending or active, each of Group 0 and of [`PRIORITY`], the shared ones for the boot vCPU; every mask
/// and enable is as at reset. Of what each vCPU has its own of, it is that of the vCPU that calls this.
pub fn reset(gic: &Gic) {
    write32(gic.distributor() + register::CTLR, 0);
    cpu_interface(gic);
    for first in (0..INTIDS).step_by(32) {
        let frame = frame(gic, first);
        for clear in [register::ICENABLER, register::ICPENDR, register::ICACTIVER] {
            write32(frame + clear + first / 8, u32::MAX);
        }
        write32(frame + register::IGROUPR + first / 8, 0);
        for quarter in (first..first + 32).step_by(16).filter(|quarter| *quarter >= 16) {
            write32(frame + register::ICFGR + quarter / 4, 0);
        }
        for four in (first..first + 32).step_by(4) {
            write32(frame + register::IPRIORITYR + four, u32::from(PRIORITY) * 0x0101_0101);
        }
    }
    match gic {
        Gic::V2(gic) => {
            (0..4).for_each(|word| write32(gic.distributor + register::CPENDSGIR + 4 * word, u32::MAX));
            let shared = (32..INTIDS).step_by(4);
            shared.for_each(|first| write32(gic.distributor + register::ITARGETSR + first, 0x0101_0101));
        }
        Gic::V3(_) => routes(gic),
    }
}

fn frame(gic: &Gic, intid: usize) -> usize {
    if intid < 32 { gic.private_frame() } else { gic.distributor() }
}

/// Every shared interrupt goes to the vCPU with affinity 0, whose redistributor is awake.
fn routes(gic: &Gic) {
    for intid in 32..INTIDS {
        bulkhead_guests::memory::write64(gic.distributor() + register::IROUTER + 8 * intid, 0);
    }
    let waker = gic.private_frame() - 0x1_0000 + WAKER;
    write32(waker, 0);
    while read32(waker) & 4 != 0 {}
}

/// Nothing passes, nothing is active.
fn cpu_interface(gic: &Gic) {
    match gic {
        Gic::V2(gic) => {
            let interface = gic.cpu_interface;
            for (register, value) in [(0, 0), (PMR, 0), (APR, 0), (NSAPR, 0), (BPR, 2), (ABPR, 3)] {
                write32(interface + register, value);
            }
        }
        Gic::V3(_) => {
            write_register!("s3_0_c12_c12_5", 7); // ICC_SRE_EL1
            write_register!("s3_0_c12_c12_6", 0); // ICC_IGRPEN0_EL1
            write_register!("s3_0_c12_c12_7", 0); // ICC_IGRPEN1_EL1
            write_register!("s3_0_c12_c12_4", 0); // ICC_CTLR_EL1
            write_register!("s3_0_c4_c6_0", 0); // ICC_PMR_EL1
            write_register!("s3_0_c12_c8_4", 0); // ICC_AP0R0_EL1
            write_register!("s3_0_c12_c9_0", 0); // ICC_AP1R0_EL1
            write_register!("s3_0_c12_c8_3", 2); // ICC_BPR0_EL1
            write_register!("s3_0_c12_c12_3", 3); // ICC_BPR1_EL1
        }
    }
}
