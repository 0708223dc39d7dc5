//! A VM's life, and the work that each of its cores has in it.
//!
//! ```text
//!  scrub ──► load ──► run ──► stop ──► scrub ──► off
//!    ▲                 │ ▲      │                 │
//!    │                 ▼ │      └──► kept         │ vm start
//!    │                move             │          ▼
//!    └───────── restart policy ────────┴──────► load
//! ```
//! Every transition is a change of one value under the VM's lock. Cores look at it whenever they were kicked, so whoever
//! makes the change only has to do that. Memory is worked on by the boot vCPU's core, a piece at a time.

use super::{Blueprint, Run, Slot, Vm, memory};
use crate::address::{Ipa, Pa, Range};
use crate::config::{Policy, guest_tree};
use crate::device::pl011::Pl011;
use crate::platform::{CoreId, Platform};
use crate::psci::Entry;
use crate::vcpu::{VcpuId, VcpuSet};
use alloc::string::String;

/// What follows when a VM has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It is scrubbed and stays off.
    Off,
    /// It is scrubbed, loaded and started.
    Start,
    /// It stays as it is, for the monitor to look at.
    Keep,
}

impl From<Policy> for After {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Halt => Self::Off,
            Policy::Restart => Self::Start,
            Policy::Report => Self::Keep,
        }
    }
}

/// Where a VM is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Its RAM is being zeroed; so many bytes are.
    Scrubbing(u64, After),
    /// Its modules are being copied: which one, and how many bytes of it are there.
    Loading(Part, u64),
    /// Its vCPUs run.
    Running,
    /// Its vCPUs are being parked.
    Stopping(After),
    /// Its vCPU is being parked, to go on on another core.
    Moving(CoreId),
    /// It is off, and its RAM is zero.
    Off,
    /// It is off, with its RAM and registers as they were.
    Kept,
}

/// What is loaded, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The kernel.
    Kernel,
    /// The initial RAM disk.
    Ramdisk,
    /// The device tree.
    Tree,
}

impl Lifecycle {
    /// What a VM begins with: its RAM holds whatever the firmware left there.
    pub(super) const fn first() -> Self {
        Self::Scrubbing(0, After::Start)
    }

    /// A word for it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Scrubbing(..) => "scrubbing",
            Self::Loading(..) => "loading",
            Self::Running => "running",
            Self::Stopping(_) => "stopping",
            Self::Moving(_) => "moving",
            Self::Off => "off",
            Self::Kept => "stopped",
        }
    }

    /// Whether the VM is off for good. One that is kept for the owner to look at is not.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Off)
    }

    /// Whether the VM does not run, and nothing is about to change that.
    pub const fn is_at_rest(self) -> bool {
        matches!(self, Self::Off | Self::Kept)
    }
}

/// What the core of a vCPU should do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Enter the guest.
    Run,
    /// Set the vCPU up at this entry, then enter the guest.
    Start(Entry),
    /// Sleep until an interrupt is pending for the vCPU; then go on, or from the entry.
    Wait(Option<Entry>),
    /// The vCPU is off: leave it in this core, out of reset.
    Rest,
    /// Take the vCPU out of this core.
    Park,
    /// Do the next piece of preparing or scrubbing the VM.
    Prepare,
    /// Every vCPU is parked: do what follows.
    Finish,
    /// Nothing.
    Nothing,
}

impl Vm {
    /// Whether the core of `vcpu` should run it now: [`Work::Run`], in a few instructions.
    #[inline(always)]
    pub fn runs(&self, vcpu: VcpuId) -> bool {
        self.lifecycle == Lifecycle::Running && self.slot(vcpu).is_some_and(|slot| matches!(slot.run, Run::On))
    }

    /// What the core of `vcpu` should do now.
    pub fn work(&self, vcpu: VcpuId) -> Work {
        let Some(slot) = self.slot(vcpu) else { return Work::Nothing };
        match self.lifecycle {
            Lifecycle::Running => match slot.run {
                Run::On => Work::Run,
                Run::Starting(entry) => Work::Start(entry),
                Run::Suspended(resume) => Work::Wait(resume),
                Run::Off if slot.loaded => Work::Rest,
                Run::Off => Work::Nothing,
            },
            Lifecycle::Stopping(_) | Lifecycle::Moving(_) if slot.loaded => Work::Park,
            Lifecycle::Stopping(_) | Lifecycle::Moving(_) if vcpu == VcpuId::BOOT && self.all_parked() => Work::Finish,
            Lifecycle::Scrubbing(..) | Lifecycle::Loading(..) if vcpu == VcpuId::BOOT => Work::Prepare,
            _ => Work::Nothing,
        }
    }

    pub(super) fn all_parked(&self) -> bool {
        self.slots.iter().all(|slot| !slot.loaded)
    }

    /// Stops the VM, then does what `after` says. The caller kicks its cores.
    pub fn stop(&mut self, after: After, reason: Option<String>) {
        self.reason = reason;
        #[cfg(feature = "gzip")]
        {
            self.unpacking = None;
        }
        self.lifecycle = match self.lifecycle {
            Lifecycle::Running | Lifecycle::Stopping(_) | Lifecycle::Moving(_) => Lifecycle::Stopping(after),
            Lifecycle::Scrubbing(done, _) => Lifecycle::Scrubbing(done, after),
            Lifecycle::Off if after == After::Start => Lifecycle::Loading(Part::Kernel, 0),
            Lifecycle::Off => Lifecycle::Off,
            Lifecycle::Loading(..) | Lifecycle::Kept => Lifecycle::Scrubbing(0, after),
        };
    }

    /// What the guest itself did stops it, unless it is being stopped already: a vCPU that has not heard of that
    /// yet changes nothing that its owner, or a vCPU before it, asked for. The caller kicks its cores.
    pub(crate) fn stop_itself(&mut self, after: After, reason: String) {
        if matches!(self.lifecycle, Lifecycle::Running | Lifecycle::Moving(_)) {
            self.stop(after, Some(reason));
        }
    }

    /// Every vCPU is parked, and the VM is to stop: what follows.
    pub(crate) fn finish_stop(&mut self, after: After) {
        self.lifecycle = match after {
            After::Keep => Lifecycle::Kept,
            after => Lifecycle::Scrubbing(0, after),
        };
    }

    /// The next piece of preparing or scrubbing; `None` when the present stage is done. It is a value, so that
    /// the work is done without the VM's lock.
    pub(crate) fn next_piece(&mut self) -> Option<Piece> {
        match self.lifecycle {
            Lifecycle::Scrubbing(done, _) => {
                let next = self.memory.guest().start().checked_add(done)?;
                self.memory.contiguous(next, u64::MAX).map(Piece::Zero)
            }
            #[cfg(feature = "gzip")]
            Lifecycle::Loading(Part::Kernel, done) if let Some(packed) = self.load.packed => {
                self.next_unpacking(packed, done)
            }
            Lifecycle::Loading(part, done) => self.next_copy(part, done),
            _ => None,
        }
    }

    /// What is copied of `part`, of which so many bytes are `done`.
    fn next_copy(&self, part: Part, done: u64) -> Option<Piece> {
        let module = self.module(part)?;
        let whole = |memory: Range<Ipa>| (0, module.size(), memory.start(), done);
        let (offset, size, target, done) = match part {
            Part::Kernel => self.load.kernel_part(done)?,
            Part::Ramdisk => whole(self.load.ramdisk?),
            Part::Tree => whole(self.load.tree?),
        };
        let left = size.checked_sub(done).filter(|left| *left > 0)?;
        let destination = self.memory.contiguous(target.checked_add(done)?, left)?;
        let source = Range::<Pa>::new(module.start().checked_add(offset + done)?, destination.size())?;
        Some(Piece::Copy { destination: destination.start(), source })
    }

    /// The bytes of `part`, if there is such a module.
    fn module(&self, part: Part) -> Option<Range<Pa>> {
        let config = self.config();
        let module = match part {
            Part::Kernel => Some(&config.kernel),
            Part::Ramdisk => config.ramdisk.as_ref(),
            Part::Tree => config.device_tree.as_ref(),
        };
        Some(module?.range)
    }

    /// So many `bytes` of `piece` were carried out, in so many ticks. If the VM was stopped meanwhile they count for nothing.
    pub(crate) fn piece_done(&mut self, piece: Piece, bytes: u64, ticks: u64) {
        self.counters.preparation_ticks += ticks;
        #[cfg(feature = "gzip")]
        let piece = match piece {
            Piece::Unpack(unpacking) => return self.unpacked(unpacking, bytes),
            Piece::Wait => return,
            piece => piece,
        };
        if self.next_piece().as_ref() == Some(&piece) {
            self.note_done(bytes);
        }
    }

    /// So many bytes more of the present stage are done.
    pub(super) fn note_done(&mut self, bytes: u64) {
        if let Lifecycle::Scrubbing(done, _) | Lifecycle::Loading(_, done) = &mut self.lifecycle {
            *done += bytes;
        }
    }

    /// The present stage of preparing or scrubbing is done: on to the next. True when the VM has just begun to run
    /// or come to rest.
    pub(crate) fn next_stage<P: Platform>(&mut self, platform: &mut P) -> bool {
        self.lifecycle = match self.lifecycle {
            Lifecycle::Scrubbing(_, After::Start) => Lifecycle::Loading(Part::Kernel, 0),
            Lifecycle::Scrubbing(..) => Lifecycle::Off,
            Lifecycle::Loading(Part::Kernel, _) => Lifecycle::Loading(Part::Ramdisk, 0),
            Lifecycle::Loading(Part::Ramdisk, _) => Lifecycle::Loading(Part::Tree, 0),
            Lifecycle::Loading(Part::Tree, _) => {
                self.start(platform);
                Lifecycle::Running
            }
            other => other,
        };
        matches!(self.lifecycle, Lifecycle::Running | Lifecycle::Off)
    }

    /// Everything is in RAM: out of reset, and off it goes.
    fn start<P: Platform>(&mut self, platform: &mut P) {
        if let Some(tree) = self.load.tree
            && self.config().device_tree.is_none()
        {
            self.write_generated_tree(platform, tree.start());
        }
        platform.synchronize_instructions();
        self.vgic.reset();
        self.forget_released();
        self.replace_uart(Pl011::new());
        self.counter_offset = platform.counter();
        for slot in &mut self.slots {
            *slot = Slot { exits: core::mem::take(&mut slot.exits), ..Slot::new(slot.core) };
        }
        if let Some(boot) = self.slots.first_mut() {
            boot.run = Run::Starting(Entry { address: self.load.entry, context: self.load.boot_argument });
        }
        self.counters.starts += 1;
        self.counters.faults_told = 0;
    }

    /// What the vCPUs' interrupts held when they were parked is not active in any core: parking cleared it.
    fn forget_released(&mut self) {
        for vcpu in VcpuSet::first(self.slots.len()).iter() {
            while self.vgic.take_released(vcpu).is_some() {}
        }
    }

    fn write_generated_tree<P: Platform>(&mut self, platform: &mut P, place: Ipa) {
        let Blueprint { plan, vmid, hardware } = &*self.blueprint;
        let machine = guest_tree::Machine {
            layout: &self.config().layout,
            vcpus: self.slots.len(),
            ram: self.memory.guest(),
            gic: plan.gic,
            console: self.config().console,
            bootargs: &self.config().bootargs,
            ramdisk: self.load.ramdisk,
            seeds: &hardware.seed.of_guest(vmid.0.into(), self.counters.starts),
        };
        memory::write(platform, &self.memory, place, &guest_tree::build(&machine));
    }

    /// Sets `vcpu`, which is parked, up out of reset at `entry`. Returns whom to wake: an interrupt that any vCPU may take
    /// can have become another's.
    pub(crate) fn begin(&mut self, vcpu: VcpuId, entry: Entry) -> VcpuSet {
        let kicks = self.reset_vcpu(vcpu);
        if let Some(slot) = self.slot_mut(vcpu) {
            let parked = slot.parked.get_or_insert_default();
            parked.reset();
            parked.general.start(entry.address, entry.context);
            slot.run = Run::On;
        }
        kicks
    }

    /// Resets what the VM keeps of `vcpu`, which is out of the guest. Returns whom to wake, as [`Self::begin`].
    pub(crate) fn reset_vcpu(&mut self, vcpu: VcpuId) -> VcpuSet {
        self.sgi_kicks.remove(vcpu);
        self.vgic.reset_vcpu(vcpu)
    }

    /// Switches `vcpu` on, which rests in its core. Returns whom to wake, as [`Self::begin`].
    pub(crate) fn begin_rested(&mut self, vcpu: VcpuId) -> VcpuSet {
        if let Some(slot) = self.slot_mut(vcpu) {
            slot.run = Run::On;
        }
        self.vgic.switch_on(vcpu)
    }

    /// Asks for the VM's only vCPU to go on on `core`, which is free. The caller kicks its present core.
    ///
    /// # Errors
    /// Why it cannot be moved now.
    pub(crate) fn request_move(&mut self, core: CoreId) -> Result<(), &'static str> {
        if self.slots.len() != 1 {
            return Err("only a VM with one vCPU can be moved");
        }
        if self.lifecycle != Lifecycle::Running {
            return Err("the VM does not run");
        }
        self.lifecycle = Lifecycle::Moving(core);
        Ok(())
    }

    /// Links each vCPU's virtual timer to the hardware's.
    pub(super) fn link_timers(&mut self) {
        for vcpu in VcpuSet::first(self.slots.len()).iter() {
            self.vgic.link_hardware(vcpu, self.virtual_timer_intid(), self.blueprint.hardware.virtual_timer);
        }
    }
}

/// A piece of the work of preparing or scrubbing a VM.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Memory to be zeroed.
    Zero(Range<Pa>),
    /// A part of a module to be copied.
    Copy {
        /// Where to.
        destination: Pa,
        /// The module's bytes.
        source: Range<Pa>,
    },
    /// A part of the kernel to be unpacked.
    #[cfg(feature = "gzip")]
    Unpack(alloc::boxed::Box<super::unpacking::Unpacking>),
    /// Nothing yet: another VM's kernel is being unpacked.
    #[cfg(feature = "gzip")]
    Wait,
}

impl Piece {
    /// Does it, or the beginning of it if something else is to be done here; returns how many bytes.
    pub(crate) fn carry_out<P: Platform>(&mut self, platform: &mut P) -> u64 {
        match self {
            Self::Zero(memory) => platform.zero(*memory),
            Self::Copy { destination, source } => platform.copy(*destination, *source),
            #[cfg(feature = "gzip")]
            Self::Unpack(unpacking) => unpacking.carry_out(platform),
            #[cfg(feature = "gzip")]
            Self::Wait => {
                platform.give_way();
                0
            }
        }
    }
}
