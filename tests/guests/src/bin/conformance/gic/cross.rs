//! One vCPU changes the interrupts of another while that runs: pending, active, enabled, routed.

use bulkhead_guests::gic::{Gic, register};
use bulkhead_guests::memory::{read32, write8, write32, write64};
use bulkhead_guests::section::Section;
use bulkhead_guests::{Machine, interrupt, section};

use super::either;
use super::held::{take, taken};
use super::interface::{Register, SPURIOUS, acknowledge, end, forget, is_signalled, split_end, write};
use crate::crew;

/// An SPI and a PPI that no device of the machine raises.
const SPI: u32 = 52;
const PPI: u32 = 20;
/// Neither pending nor active.
const IDLE: (bool, bool) = (false, false);
/// The SGI that comes last of those that a check sends.
const LAST: u32 = 9;

pub fn check(machine: &Machine, gic: &Gic) {
    if machine.cpus.len() < 2 {
        return;
    }
    let last = machine.cpus.len() - 1;
    elsewhere(machine, gic);
    active_elsewhere(machine, gic);
    migration(machine, gic, last);
    if gic.version() == 3 {
        private(machine, gic, last);
    }
    forget(gic, SPI);
}

/// Routes the SPI to vCPU `index`.
fn route(machine: &Machine, gic: &Gic, intid: u32, index: usize) {
    match gic.version() {
        2 => write8(gic.distributor() + register::ITARGETSR + intid as usize, 1 << index),
        _ => write64(gic.distributor() + register::IROUTER + 8 * intid as usize, machine.cpus[index]),
    }
}

/// Pending and active as the distributor shows them at once, whatever another vCPU's interface has done before.
fn state(gic: &Gic, intid: u32) -> (bool, bool) {
    (gic.bit(register::ISPENDR, intid), gic.bit(register::ISACTIVER, intid))
}

/// What is signalled here, acknowledged and ended.
fn take_here(gic: &Gic) -> u32 {
    let intid = if is_signalled() { acknowledge(gic) } else { SPURIOUS };
    end(gic, intid);
    intid
}

fn targets(gic: &Gic) -> Section {
    either(gic, "4.3.12", "12.9")
}

/// An SPI goes to the vCPU that it is routed to, each time, and nowhere else.
fn elsewhere(machine: &Machine, gic: &Gic) {
    gic.enable(SPI);
    for index in 1..machine.cpus.len() {
        route(machine, gic, SPI, index);
        take(index, 1);
        gic.set_bit(register::ISPENDR, SPI);
        let seen = (taken(index), take_here(gic), state(gic, SPI));
        let name = format_args!("an SPI made pending for vCPU {index} comes there alone");
        targets(gic).equal(name, (seen.0.as_slice(), seen.1, seen.2), (&[SPI][..], SPURIOUS, IDLE));
    }
}

/// vCPU 1 leaves what it took active.
fn acknowledge_and_drop(_: usize) {
    let gic = interrupt::controller();
    split_end(gic, true);
    loop {
        let value = acknowledge(gic);
        end(gic, value);
        match value & 0x3ff {
            SPI => return split_end(gic, false),
            SPURIOUS => {}
            _ => write(gic, Register::Deactivate, value),
        }
    }
}

fn deactivate(_: usize) {
    let gic = interrupt::controller();
    split_end(gic, true);
    write(gic, Register::Deactivate, SPI);
    split_end(gic, false);
}

/// An interrupt that is active on another vCPU is seen, made pending again and deactivated from here.
fn active_elsewhere(machine: &Machine, gic: &Gic) {
    route(machine, gic, SPI, 1);
    gic.set_bit(register::ISPENDR, SPI);
    crew::run(1, acknowledge_and_drop);
    let section = either(gic, "4.3.9", "12.9");
    section.equal("an SPI is active on another vCPU", state(gic, SPI), (false, true));
    gic.set_bit(register::ISPENDR, SPI);
    section.equal("it is pending and active there", state(gic, SPI), (true, true));
    take(1, 1);
    gic.send_sgi(LAST, machine.cpus[1], 1);
    section.equal("it does not come again while it is active", taken(1).as_slice(), [LAST]);
    section.equal("it is still pending and active", state(gic, SPI), (true, true));
    take(1, 1);
    gic.set_bit(register::ICACTIVER, SPI);
    section.equal("it comes when it is deactivated from here", taken(1).as_slice(), [SPI]);
    gic.set_bit(register::ISACTIVER, SPI);
    gic.set_bit(register::ISPENDR, SPI);
    take(1, 1);
    gic.send_sgi(LAST, machine.cpus[1], 1);
    section.equal("one made active from here does not come", taken(1).as_slice(), [LAST]);
    gic.set_bit(register::ICPENDR, SPI);
    gic.set_bit(register::ICACTIVER, SPI);
    take(1, 1);
    gic.send_sgi(LAST, machine.cpus[1], 1);
    section.equal("one whose pending state is taken back never does", taken(1).as_slice(), [LAST]);
}

/// An interrupt goes to where it is routed last, once: one that is pending, and one that is active and pending.
fn migration(machine: &Machine, gic: &Gic, last: usize) {
    let section = targets(gic);
    // Masked here, and so pending in this vCPU's interface.
    route(machine, gic, SPI, 0);
    gic.set_bit(register::ISPENDR, SPI);
    section.equal("an SPI is signalled here", is_signalled(), true);
    take(last, 1);
    route(machine, gic, SPI, last);
    section.equal("routed to another vCPU it comes there", taken(last).as_slice(), [SPI]);
    section.equal("and no longer here", (take_here(gic), state(gic, SPI)), (SPURIOUS, IDLE));
    // QEMU's own GICv2 gives an SPI out while it is active on another vCPU.
    if machine.arguments.flag("native") && gic.version() == 2 {
        return;
    }
    route(machine, gic, SPI, 1);
    gic.set_bit(register::ISPENDR, SPI);
    crew::run(1, acknowledge_and_drop);
    gic.set_bit(register::ISPENDR, SPI);
    route(machine, gic, SPI, 0);
    section.equal("active there and routed here it does not come yet", take_here(gic), SPURIOUS);
    crew::run(1, deactivate);
    section.equal("it comes here when it is deactivated there", take_here(gic), SPI);
}

/// The redistributor's frames of another vCPU.
fn private(machine: &Machine, gic: &Gic, index: usize) {
    let section = section::gic_v3("12.11");
    let frame = gic.redistributor_of(index) + 0x1_0000;
    let set = |register: usize, intid: u32| write32(frame + register, 1 << intid);
    let seen = || [register::ISPENDR, register::ISACTIVER].map(|register| read32(frame + register) >> PPI & 1);
    set(register::ISENABLER, PPI);
    take(index, 1);
    set(register::ISPENDR, PPI);
    section.equal("a PPI of another vCPU made pending comes there", taken(index).as_slice(), [PPI]);
    set(register::ISACTIVER, PPI);
    set(register::ISPENDR, PPI);
    section.equal("one made active too is pending and active", seen(), [1, 1]);
    take(index, 1);
    gic.send_sgi(LAST, machine.cpus[index], index);
    section.equal("it does not come", taken(index).as_slice(), [LAST]);
    take(index, 1);
    set(register::ICACTIVER, PPI);
    section.equal("it comes when it is deactivated from here", (taken(index).as_slice(), seen()), (&[PPI][..], [0, 0]));
    set(register::ICENABLER, PPI);
    set(register::ISPENDR, PPI);
    take(index, 1);
    gic.send_sgi(LAST, machine.cpus[index], index);
    section.equal("a disabled one does not come", (taken(index).as_slice(), seen()), (&[LAST][..], [1, 0]));
    set(register::ICPENDR, PPI);
    set(register::ISENABLER, PPI);
    take(index, 1);
    gic.send_sgi(LAST, machine.cpus[index], index);
    section.equal("one whose pending state was taken back does not either", taken(index).as_slice(), [LAST]);
    set(register::ICENABLER, PPI);
}
