//! Interrupts acknowledged and ended, while many more are pending than there are list registers, or more are active.

use super::flood::{ALL, Flood};
use crate::Bench;
use crate::vectors::ticks;
use bulkhead_guests::gic::register as offset;
use bulkhead_guests::machine::Controller;
use bulkhead_guests::memory::{write8, write32};
use bulkhead_guests::write_register;

/// Offsets of GICv2's CPU interface (IHI 0048 4.4): GICC_IAR, GICC_EOIR.
const IAR: usize = 0xc;
const EOIR: usize = 0x10;
/// More than there are list registers.
const NESTED: usize = 6;
/// GICD_IPRIORITYR of what is nested first, and by how much the next is more urgent: all more so than the rest.
const URGENT: u8 = 0x70;
const STEP: u8 = 0x10;

pub fn measure(bench: &Bench, flood: &Flood) {
    let interface = match bench.machine.controller {
        Controller::V2 { cpu_interface, .. } => Some(cpu_interface),
        Controller::V3 { .. } => None,
    };
    // The one after which no list register is pending asks for more.
    bench.measure("worst-acknowledge", || {
        let ticks = (0..NESTED).map(|_| {
            let (ticks, acknowledged) = acknowledge(interface);
            end(interface, acknowledged);
            ticks
        });
        let longest = ticks.max().unwrap_or(0);
        pend_again(flood);
        longest
    });
    bench.measure("worst-end", || {
        let active = nest(flood, interface);
        let longest = active.into_iter().rev().map(|intid| end(interface, intid)).max().unwrap_or(0);
        pend_again(flood);
        longest
    });
    if interface.is_none() {
        deactivation(bench, flood);
    }
}

/// The priority of an interrupt dropped apart from its end (ICC_CTLR_EL1.EOImode, GICv3 IHI 0069 12.2.8), which is then
/// trapped.
fn deactivation(bench: &Bench, flood: &Flood) {
    write_register!("s3_0_c12_c12_4", 2);
    bench.measure("worst-icc-dir-write", || {
        let active = nest(flood, None);
        let ends = active.into_iter().rev().map(|intid| {
            end(None, intid);
            ticks!(["msr s3_0_c12_c11_1, {intid}"], intid = in(reg) intid,)
        });
        let longest = ends.max().unwrap_or(0);
        pend_again(flood);
        longest
    });
    write_register!("s3_0_c12_c12_4", 0);
}

/// Acknowledges interrupts of which each is more urgent than the last.
fn nest(flood: &Flood, interface: Option<usize>) -> [u64; NESTED] {
    let mut active = [0; NESTED];
    for (depth, place) in active.iter_mut().enumerate() {
        let intid = flood.lines - 1 - depth;
        let bit = 1 << (intid % 32);
        write8(flood.distributor + offset::IPRIORITYR + intid, URGENT - STEP * depth as u8);
        write32(flood.distributor + offset::ISPENDR + flood.last_word(), bit);
        *place = acknowledge(interface).1;
    }
    active
}

/// Back to what [`Flood::begin`] made.
fn pend_again(flood: &Flood) {
    for intid in flood.lines - NESTED..flood.lines {
        write8(flood.distributor + offset::IPRIORITYR + intid, flood.priority(intid));
    }
    for word in (4..=flood.last_word()).step_by(4) {
        write32(flood.distributor + offset::ISPENDR + word, ALL);
    }
}

/// Takes the most urgent interrupt: ticks, and what was acknowledged.
fn acknowledge(interface: Option<usize>) -> (u64, u64) {
    let acknowledged: u64;
    let ticks = match interface {
        Some(base) => ticks!(["ldr {value:w}, [{address}]"], value = out(reg) acknowledged,
            address = in(reg) base + IAR,),
        None => ticks!(["mrs {value}, s3_0_c12_c12_0"], value = out(reg) acknowledged,),
    };
    (ticks, acknowledged & 0xffff_ffff)
}

/// Ends it.
fn end(interface: Option<usize>, acknowledged: u64) -> u64 {
    match interface {
        Some(base) => ticks!(["str {value:w}, [{address}]"], value = in(reg) acknowledged,
            address = in(reg) base + EOIR,),
        None => ticks!(["msr s3_0_c12_c12_1, {value}"], value = in(reg) acknowledged,),
    }
}
