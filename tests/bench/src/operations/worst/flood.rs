//! All interrupts at once.

use bulkhead_guests::gic::register as offset;
use bulkhead_guests::machine::Controller;
use bulkhead_guests::memory::{write8, write32, write64};
use bulkhead_guests::psci::{self, function};
use bulkhead_guests::{Machine, interrupt};

/// One redistributor, and its frame of SGIs and PPIs (GICv3 IHI 0069 12.10).
const REDISTRIBUTOR: usize = 0x2_0000;
const PRIVATE: usize = 0x1_0000;
/// vCPUs of a cluster, by Aff0 (GICv3 IHI 0069 12.2.18).
const CLUSTER: u64 = 16;
/// Interrupts of a word of registers.
pub const ALL: u32 = u32::MAX;

/// The machine's interrupts and vCPUs.
pub struct Flood {
    pub distributor: usize,
    /// The boot vCPU's private registers.
    pub private: usize,
    /// GICv3: the first redistributor.
    pub redistributors: Option<usize>,
    /// INTIDs.
    pub lines: usize,
    pub vcpus: u64,
}

impl Flood {
    pub fn new(machine: &Machine) -> Self {
        let gic = interrupt::controller();
        let redistributors = match machine.controller {
            Controller::V2 { .. } => None,
            Controller::V3 { redistributors, .. } => Some(redistributors),
        };
        // The tree may name more than the runtime keeps.
        let there = |vcpu: &u64| psci::psci(function::AFFINITY_INFO_64, [affinity(*vcpu), 0, 0]) >= 0;
        Self {
            distributor: gic.distributor(),
            private: gic.private_frame(),
            redistributors,
            lines: gic.lines() as usize,
            vcpus: (0..).take_while(there).count() as u64,
        }
    }

    /// GICD_CTLR with both groups enabled, or neither.
    pub fn control(&self, on: bool) -> u32 {
        self.redistributors.map_or(0, |_| 0x10) | if on { 3 } else { 0 }
    }

    /// The group that the CPU interfaces have enabled, a bit for each of a word's interrupts.
    pub fn group(&self) -> u32 {
        self.redistributors.map_or(0, |_| ALL)
    }

    /// Offset of the last word of a register of 32 interrupts: the most urgent are there.
    pub fn last_word(&self) -> usize {
        self.lines / 32 * 4 - 4
    }

    /// The private registers of `vcpu`; on GICv2 only its own vCPU gets to them.
    pub fn private_of(&self, vcpu: u64) -> Option<usize> {
        self.redistributors.map(|first| first + vcpu as usize * REDISTRIBUTOR + PRIVATE)
    }

    /// Has everything pending.
    pub fn begin(&self) {
        write32(self.distributor + offset::CTLR, self.control(false));
        for intid in 32..self.lines {
            write8(self.distributor + offset::IPRIORITYR + intid, self.priority(intid));
        }
        self.route(0xff, 0);
        // Interrupts of the other group compete with them; its CPU interface is off.
        write32(self.distributor + offset::IGROUPR + 4, !self.group());
        for word in (4..=self.last_word()).step_by(4) {
            write32(self.distributor + offset::ISENABLER + word, ALL);
            write32(self.distributor + offset::ISPENDR + word, ALL);
        }
        for vcpu in 0..self.vcpus {
            self.begin_private(self.private_of(vcpu).unwrap_or(self.private));
        }
        write32(self.distributor + offset::CTLR, self.control(true));
    }

    /// Routes all SPIs: on GICv2 to any of `targets`, a bit for each vCPU, else to the vCPU with this index.
    pub fn route(&self, targets: u8, vcpu: u64) {
        for intid in 32..self.lines {
            match self.redistributors {
                None => write8(self.distributor + offset::ITARGETSR + intid, targets),
                Some(_) => write64(self.distributor + offset::IROUTER + intid * 8, affinity(vcpu)),
            }
        }
    }

    fn begin_private(&self, frame: usize) {
        write32(frame + offset::ISENABLER, ALL);
        if self.redistributors.is_some() {
            write32(frame + offset::IGROUPR, ALL);
            write32(frame + offset::ISPENDR, ALL & !self.timers());
            return;
        }
        write32(frame + offset::ISPENDR, ALL & !self.timers());
        (0..16).for_each(|intid| write8(frame + offset::SPENDSGIR + intid, 0xff));
    }

    /// The private interrupts of both timers, which their hardware drives.
    fn timers(&self) -> u32 {
        1 << bulkhead_guests::machine().virtual_timer | 1 << bulkhead_guests::machine().physical_timer
    }

    /// Of successive interrupts each is as urgent as the last, or more.
    pub fn priority(&self, intid: usize) -> u8 {
        0xe8 - (intid * 13 / self.lines * 8) as u8
    }
}

/// Affinity of the vCPU with this index.
pub fn affinity(vcpu: u64) -> u64 {
    ((vcpu / CLUSTER) << 8) | (vcpu % CLUSTER)
}
