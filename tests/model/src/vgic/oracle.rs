//! What the architecture says, as simply as it can be put: every interrupt a value, no list registers, no caches.
//! Sections: GICv2 IHI 0048 3.2 and 4.3, GICv3 IHI 0069 4.1 to 4.9 and 12.

use super::interface::{Acknowledged, Settings};

/// No vCPU in particular: which one an interrupt that several may take is made active on by a register is the
/// implementation's choice.
pub const SOMEWHERE: usize = usize::MAX;

/// One interrupt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interrupt {
    /// Enabled.
    pub enabled: bool,
    /// Of Group 1.
    pub group_1: bool,
    /// Edge-triggered.
    pub edge: bool,
    /// Priority, with the implemented bits only.
    pub priority: u8,
    /// Its line is high.
    pub line: bool,
    /// Made pending by an edge or a register, and not yet acknowledged.
    pub latch: bool,
    /// GICv2 SGI: pending from these.
    pub sources: u8,
    /// In service.
    pub active: bool,
    /// On which vCPU, if so; or [`SOMEWHERE`].
    pub active_on: usize,
    /// GICD_IROUTER or GICD_ITARGETSR.
    pub route: u64,
}

impl Interrupt {
    /// Whether it is pending.
    pub fn pending(&self) -> bool {
        self.latch || self.sources != 0 || (!self.edge && self.line)
    }
}

/// One interrupt controller.
#[derive(Clone, Debug)]
pub struct Oracle {
    /// GICv3.
    pub v3: bool,
    /// Private interrupts by vCPU and INTID.
    pub private: Vec<[Interrupt; 32]>,
    /// Shared interrupts, from INTID 32 on.
    pub shared: Vec<Interrupt>,
    /// GICD_CTLR.EnableGrp0 and EnableGrp1.
    pub forward: [bool; 2],
    /// GICR_WAKER.ProcessorSleep.
    pub asleep: Vec<bool>,
    /// CPU interfaces' settings.
    pub settings: Vec<Settings>,
    /// Group priorities in service by vCPU, the latest last.
    pub running: Vec<Vec<u8>>,
}

impl Oracle {
    /// Out of reset.
    pub fn new(v3: bool, vcpus: usize, spis: usize, settings: Settings) -> Self {
        let mut private = [Interrupt::default(); 32];
        for sgi in &mut private[..16] {
            sgi.edge = true;
            sgi.enabled = !v3;
        }
        Self {
            v3,
            private: vec![private; vcpus],
            shared: vec![Interrupt::default(); spis],
            forward: [false; 2],
            asleep: vec![true; vcpus],
            settings: vec![settings; vcpus],
            running: vec![Vec::new(); vcpus],
        }
    }

    /// How many vCPUs there are.
    pub fn vcpus(&self) -> usize {
        self.private.len()
    }

    /// Interrupt `intid` as `vcpu` sees it.
    pub fn get(&self, vcpu: usize, intid: u32) -> Option<&Interrupt> {
        if intid < 32 { self.private[vcpu].get(intid as usize) } else { self.shared.get(intid as usize - 32) }
    }

    /// Interrupt `intid` as `vcpu` sees it, to change.
    pub fn get_mut(&mut self, vcpu: usize, intid: u32) -> Option<&mut Interrupt> {
        if intid < 32 { self.private[vcpu].get_mut(intid as usize) } else { self.shared.get_mut(intid as usize - 32) }
    }

    /// A line changes.
    pub fn line(&mut self, vcpu: usize, intid: u32, level: bool) {
        let Some(interrupt) = self.get_mut(vcpu, intid) else { return };
        if interrupt.edge && level && !interrupt.line {
            interrupt.latch = true;
        }
        interrupt.line = level;
    }

    /// The vCPUs that may be given `intid`, which `vcpu` sees.
    pub fn targets(&self, vcpu: usize, intid: u32) -> Vec<usize> {
        let all = 0..self.vcpus();
        let Some(interrupt) = self.get(vcpu, intid) else { return Vec::new() };
        match () {
            () if intid < 32 => vec![vcpu],
            () if self.v3 => all.filter(|target| interrupt.route == *target as u64).collect(),
            () if self.vcpus() == 1 => vec![0],
            () => all.filter(|target| interrupt.route >> target & 1 == 1).collect(),
        }
    }

    /// Whether `intid` could be signalled to `vcpu`, masks and preemption aside.
    fn ready(&self, vcpu: usize, intid: u32) -> bool {
        let Some(interrupt) = self.get(vcpu, intid) else { return false };
        let group = usize::from(interrupt.group_1);
        interrupt.pending()
            && interrupt.enabled
            && !interrupt.active
            && self.forward[group]
            && self.settings[vcpu].enabled[group]
            && self.targets(vcpu, intid).contains(&vcpu)
    }

    /// The bits of a priority that count for preemption (IHI 0069 4.8.2).
    fn group_priority(&self, vcpu: usize, interrupt: &Interrupt) -> u8 {
        let settings = &self.settings[vcpu];
        let subpriority_bits = match interrupt.group_1 && !settings.common {
            true => settings.binary_point[1] - 1,
            false => settings.binary_point[0],
        };
        let field = 0xFF_u32 << (subpriority_bits + 1);
        interrupt.priority & field as u8
    }

    /// Whether priority mask and running priority let `intid` through.
    fn passes(&self, vcpu: usize, intid: u32) -> bool {
        let Some(interrupt) = self.get(vcpu, intid) else { return false };
        let preempts = self.running[vcpu].iter().all(|running| self.group_priority(vcpu, interrupt) < *running);
        interrupt.priority < self.settings[vcpu].priority_mask && preempts
    }

    fn all_intids(&self) -> impl Iterator<Item = u32> + use<> {
        0..32 + self.shared.len() as u32
    }

    /// `vcpu` acknowledged and got `got`: takes note.
    ///
    /// # Errors
    /// If the architecture does not allow that.
    pub fn acknowledged(&mut self, vcpu: usize, got: Option<Acknowledged>) -> Result<(), String> {
        let ready: Vec<u32> = self.all_intids().filter(|intid| self.ready(vcpu, *intid)).collect();
        // An interrupt that several vCPUs may take may also have been given to another.
        let due: Vec<u32> = ready.iter().copied().filter(|intid| self.targets(vcpu, *intid).len() == 1).collect();
        let priority = |intid: &u32| self.get(vcpu, *intid).map_or(255, |interrupt| interrupt.priority);
        let best = due.iter().map(priority).min();
        let Some(got) = got else {
            // Only the most urgent is looked at (IHI 0069 4.8): what does not pass may hold back what would.
            let most_urgent = |intid: &&u32| best.is_some_and(|best| priority(intid) <= best);
            let held_back = ready.iter().filter(most_urgent).any(|intid| !self.passes(vcpu, *intid));
            let lost = best.is_some() && !held_back;
            return if lost { Err(format!("vCPU {vcpu} got none, due were {due:?}")) } else { Ok(()) };
        };
        let found = self.get(vcpu, got.intid).copied().ok_or(format!("vCPU {vcpu} got {got:?}"))?;
        if !ready.contains(&got.intid) || !self.passes(vcpu, got.intid) {
            return Err(format!("vCPU {vcpu} got {got:?}, not to be signalled: {found:?}"));
        }
        if best.is_some_and(|best| found.priority > best) {
            return Err(format!("vCPU {vcpu} got {got:?}, but due were {due:?}"));
        }
        let sgi_v2 = !self.v3 && got.intid < 16;
        if got.group_1 != found.group_1 || (sgi_v2 && found.sources >> got.source & 1 == 0) {
            return Err(format!("vCPU {vcpu} got {got:?} of {found:?}"));
        }
        let group_priority = self.group_priority(vcpu, &found);
        self.running[vcpu].push(group_priority);
        if let Some(interrupt) = self.get_mut(vcpu, got.intid) {
            interrupt.latch = false;
            interrupt.active = true;
            interrupt.active_on = vcpu;
            if sgi_v2 {
                interrupt.sources &= !(1 << got.source);
            }
        }
        Ok(())
    }

    /// `vcpu` writes the end-of-interrupt register for what it acknowledged last.
    pub fn end(&mut self, vcpu: usize, intid: u32) {
        self.running[vcpu].pop();
        if !self.settings[vcpu].split {
            self.deactivate(vcpu, intid);
        }
    }

    /// `vcpu` writes the deactivate register.
    pub fn deactivate(&mut self, vcpu: usize, intid: u32) {
        if let Some(interrupt) = self.get_mut(vcpu, intid)
            && (intid < 32 || interrupt.active_on == vcpu)
        {
            interrupt.active = false;
        }
    }

    /// `vcpu` writes ICC_SGI1R_EL1 (`group_1`), or ICC_SGI0R_EL1 or ICC_ASGI1R_EL1.
    pub fn generate(&mut self, vcpu: usize, value: u64, group_1: bool) {
        let intid = value >> 24 & 15;
        for target in 0..self.vcpus() {
            let all_others = value >> 40 & 1 == 1;
            let cluster_0 = value & 0x00FF_00FF_00FF_0000 == 0;
            let listed = cluster_0 && value >> target & 1 == 1;
            let sgi = &mut self.private[target][intid as usize];
            if (if all_others { target != vcpu } else { listed }) && (group_1 || !sgi.group_1) {
                sgi.latch = true;
            }
        }
    }
}

impl Oracle {
    /// With every CPU interface open and idle, each interrupt that could be signalled must have been taken.
    ///
    /// # Errors
    /// If one is left.
    pub fn nothing_due(&self) -> Result<(), String> {
        for vcpu in 0..self.vcpus() {
            let left = self.all_intids().find(|intid| self.ready(vcpu, *intid) && self.passes(vcpu, *intid));
            if let Some(intid) = left {
                return Err(format!("INTID {intid} was never signalled to vCPU {vcpu}: {:?}", self.get(vcpu, intid)));
            }
        }
        Ok(())
    }
}
