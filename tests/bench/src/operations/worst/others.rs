//! What reaches every other vCPU: first while they are off, then while they sleep in the guest, where each is kicked.

use super::flood::{Flood, affinity};
use crate::Bench;
use crate::operations::access::write;
use crate::operations::cores;
use crate::vectors::ticks;
use bulkhead_guests::gic::register as offset;
use bulkhead_guests::memory::write32;
use bulkhead_guests::psci::{self, function, status};
use bulkhead_guests::timer;

core::arch::global_asm!(include_str!("sleeper.s"));

unsafe extern "C" {
    fn sleeper_entry();
}

/// SGIs that there are: GICv2 has no way to make them not pending on other vCPUs, so one is sent after the other.
const SGIS: u32 = 16;
/// ICC_SGI1R_EL1.IRM: all but the sender.
const ALL_OTHERS: u64 = 1 << 40;
/// GICD_SGIR.TargetListFilter: all but the sender.
const FILTER_OTHERS: u32 = 1 << 24;
/// Of as many starts of a vCPU the one counts that took least: what the starting one does meanwhile is counted, too, where
/// cores take turns.
const TRIES: usize = 8;
/// Ticks in which what was started, or woken, has gone to sleep.
const SETTLED: u64 = 2_000_000;

pub fn measure(bench: &Bench, flood: &Flood) {
    // Not the last: its core keeps house. All SPIs are to be chosen from for it.
    flood.route(1 << 1, 1);
    bench.measure("worst-cpu-on", || (0..TRIES).map(|_| cores::cpu_on(affinity(1))).min().unwrap_or(0));
    flood.route(0xff, 0);
    let mut intids = (0..SGIS).cycle();
    let mut sgi = || sgi(flood, intids.next().unwrap_or(0));
    bench.measure("worst-sgi-to-all", &mut sgi);
    for vcpu in 1..flood.vcpus {
        let entry = sleeper_entry as *const () as u64;
        let answer = psci::psci(function::CPU_ON_64, [affinity(vcpu), entry, 0]);
        assert_eq!(answer, status::SUCCESS, "vCPU {vcpu} starts");
    }
    timer::spin(SETTLED);
    bench.measure("worst-sgi-to-all-running", sgi);
}

/// Sends the SGI `intid`, mostly pending nowhere, to all other vCPUs.
fn sgi(flood: &Flood, intid: u32) -> u64 {
    for frame in (1..flood.vcpus).filter_map(|vcpu| flood.private_of(vcpu)) {
        write32(frame + offset::ICPENDR, 1 << intid);
    }
    timer::spin(SETTLED);
    cores::take_a_whole_turn();
    match flood.redistributors {
        Some(_) => ticks!(["msr s3_0_c12_c11_5, {value}"], value = in(reg) ALL_OTHERS | u64::from(intid) << 24,),
        None => write(flood.distributor + offset::SGIR, FILTER_OTHERS | intid),
    }
}
