//! What reaches every other vCPU: first while they are off, then while they sleep in the guest, where each is kicked.

use super::flood::{Flood, affinity};
use crate::Bench;
use crate::operations::access::write;
use crate::operations::cores;
use crate::vectors::ticks;
use bulkhead_guests::gic::register as offset;
use bulkhead_guests::memory::{write8, write32};
use bulkhead_guests::psci::{self, function, status};
use bulkhead_guests::timer;

core::arch::global_asm!(include_str!("sleeper.s"));

unsafe extern "C" {
    fn sleeper_entry();
}

/// ICC_SGI1R_EL1.IRM: all but the sender. SGI 0.
const ALL_OTHERS: u64 = 1 << 40;
/// GICD_SGIR.TargetListFilter: all but the sender. SGI 0.
const FILTER_OTHERS: u32 = 1 << 24;
/// Ticks in which what was started, or woken, has gone to sleep.
const SETTLED: u64 = 2_000_000;

pub fn measure(bench: &Bench, flood: &Flood) {
    let last = affinity(flood.vcpus - 1);
    bench.measure("worst-cpu-on", || cores::cpu_on(last));
    bench.measure("worst-sgi-to-all", || sgi(flood));
    for vcpu in 1..flood.vcpus {
        let entry = sleeper_entry as *const () as u64;
        let answer = psci::psci(function::CPU_ON_64, [affinity(vcpu), entry, 0]);
        assert_eq!(answer, status::SUCCESS, "vCPU {vcpu} starts");
    }
    timer::spin(SETTLED);
    bench.measure("worst-sgi-to-all-running", || {
        timer::spin(SETTLED);
        sgi(flood)
    });
}

/// Sends an SGI that was pending nowhere to all other vCPUs.
fn sgi(flood: &Flood) -> u64 {
    for frame in (1..flood.vcpus).filter_map(|vcpu| flood.private_of(vcpu)) {
        write32(frame + offset::ICPENDR, 1);
    }
    match flood.redistributors {
        Some(_) => ticks!(["msr s3_0_c12_c11_5, {value}"], value = in(reg) ALL_OTHERS,),
        None => {
            write8(flood.distributor + offset::CPENDSGIR, 0xff);
            write(flood.distributor + offset::SGIR, FILTER_OTHERS)
        }
    }
}
