//! One interrupt's life: a value, and the table of its legal moves.

use crate::vcpu::VcpuId;

/// Interrupt group (GICv3 IHI 0069 4.6; GICv2 IHI 0048 2.3). With one Security state, as every guest sees it,
/// there are two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Group {
    /// Group 0; the reset value.
    #[default]
    Zero,
    /// Group 1.
    One,
}

impl Group {
    /// Group 1 for `true`, as the bit of GICD_IGROUPR says it.
    pub const fn from_bit(bit: bool) -> Self {
        if bit { Self::One } else { Self::Zero }
    }

    /// The bit of GICD_IGROUPR.
    pub const fn bit(self) -> bool {
        matches!(self, Self::One)
    }
}

/// How a signal makes an interrupt pending (GICD_ICFGR).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trigger {
    /// Pending for as long as the line is high; the reset value of every interrupt but SGIs.
    #[default]
    Level,
    /// Pending from a rising edge until acknowledged.
    Edge,
}

/// What can happen to an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Its line goes, or stays, high.
    Raise,
    /// Its line goes, or stays, low.
    Lower,
    /// A write to GICD_ISPENDR, an SGI (GICv3), or a message.
    SetPending,
    /// A write to GICD_ICPENDR.
    ClearPending,
    /// A list register takes the latched pending state along.
    Lend,
    /// The list register gives it back, not acknowledged.
    Reclaim,
    /// The guest acknowledged it in the list register.
    Acknowledge,
    /// A write to GICD_ISACTIVER.
    Activate,
    /// The guest ended it, or wrote GICD_ICACTIVER.
    Deactivate,
}

/// Where an interrupt stands: the inputs of the pending state (GICv2 IHI 0048 4.3.8, figure 4-10) and the
/// active state. The four states of GICv3 IHI 0069 4.1.2 are [`Self::pending`] and `active` together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// The level of its line.
    pub line: bool,
    /// The latch that an edge, or a write to GICD_ISPENDR, sets.
    pub latch: bool,
    /// The latch was set and is now held as the pending bit of a list register.
    pub lent: bool,
    /// In service: acknowledged and not yet ended.
    pub active: bool,
}

impl Life {
    /// The one table of moves. A move that changes nothing is legal and gives the same value.
    #[inline(always)]
    pub const fn after(self, step: Move, trigger: Trigger) -> Self {
        let rises = matches!(trigger, Trigger::Edge) && !self.line;
        match step {
            Move::Raise => Self { line: true, latch: self.latch || rises, ..self },
            Move::Lower => Self { line: false, ..self },
            Move::SetPending => Self { latch: true, ..self },
            Move::ClearPending => Self { latch: false, lent: false, ..self },
            Move::Lend => Self { latch: false, lent: self.latch || self.lent, ..self },
            Move::Reclaim => Self { latch: self.latch || self.lent, lent: false, ..self },
            Move::Acknowledge => Self { lent: false, active: true, ..self },
            Move::Activate => Self { active: true, ..self },
            Move::Deactivate => Self { active: false, ..self },
        }
    }

    /// Whether the interrupt is pending, be it also active or not.
    #[inline(always)]
    pub const fn pending(self, trigger: Trigger) -> bool {
        self.latch || self.lent || (self.line && matches!(trigger, Trigger::Level))
    }
}

/// Which vCPUs an SGI of GICv2 is pending from: it has one pending state per source (IHI 0048 4.3.15). It
/// stands in for the latch of [`Life`], which such an SGI does not use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// One bit per source vCPU.
    pub pending: u8,
    /// The source, as a bit, whose pending state a list register holds; 0 for none.
    pub lent: u8,
    /// The source vCPU of the SGI in service; of no meaning while it is not active.
    pub active: u8,
}

/// The physical interrupt behind a virtual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Physical INTID.
    pub physical: u32,
    /// It is active in the physical distributor on the guest's behalf.
    pub held: bool,
}

/// The list register that an interrupt stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Whose it is.
    pub vcpu: VcpuId,
    /// Its index, below the number of list registers.
    pub index: u8,
}

/// One interrupt of one VM: what the specification keeps for an INTID, and where it is handled just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupt {
    /// GICD_ISENABLER.
    pub enabled: bool,
    /// GICD_IGROUPR.
    pub group: Group,
    /// GICD_ICFGR.
    pub trigger: Trigger,
    /// GICD_IPRIORITYR, its unimplemented low bits zero. 0 is the most urgent.
    pub priority: u8,
    /// Pending and active.
    pub life: Life,
    /// For SGIs of GICv2.
    pub sources: Sources,
    /// For SPIs: GICD_IROUTER (GICv3), or GICD_ITARGETSR in bits 7:0 (GICv2).
    pub route: u64,
    /// Whose CPU interface it is active on; of no meaning while it is not active.
    pub active_on: VcpuId,
    /// The priority that it was acknowledged with; of no meaning while it is not active.
    pub active_priority: u8,
    /// The physical interrupt behind it, if any.
    pub link: Option<Link>,
    /// The list register that it stands in, if any.
    pub slot: Option<Slot>,
    /// What a write by another vCPU made of the active state while the list register was out in the hardware.
    pub active_wish: Option<bool>,
    /// Whose candidates for list registers it is counted among; derived, kept to undo it cheaply.
    pub candidate: Option<VcpuId>,
}

impl Interrupt {
    /// An interrupt out of reset, private to `vcpu` or shared.
    pub const fn new(vcpu: VcpuId, trigger: Trigger) -> Self {
        Self {
            enabled: false,
            group: Group::Zero,
            trigger,
            priority: 0,
            life: Life { line: false, latch: false, lent: false, active: false },
            sources: Sources { pending: 0, lent: 0, active: 0 },
            route: 0,
            active_on: vcpu,
            active_priority: 0,
            link: None,
            slot: None,
            active_wish: None,
            candidate: None,
        }
    }

    /// Makes one of the legal moves. Inlined, for most callers know which: of the table little is left then.
    #[inline(always)]
    pub const fn step(&mut self, step: Move) {
        self.life = self.life.after(step, self.trigger);
    }

    /// Whether it is pending, as GICD_ISPENDR reads.
    #[inline(always)]
    pub const fn pending(&self) -> bool {
        self.life.pending(self.trigger) || self.sources.pending != 0 || self.sources.lent != 0
    }

    /// The guest acknowledged it in the list register that it stands in, which named the vCPU `source` as the
    /// sender of an SGI of GICv2.
    pub const fn acknowledge(&mut self, source: u8) {
        self.step(Move::Acknowledge);
        self.sources.lent = 0;
        self.sources.active = source;
        if self.link.is_some() {
            // Its line shows again as a new physical interrupt once the guest has ended this one.
            self.step(Move::Lower);
        }
    }

    /// Gives back what a list register held of its pending state.
    pub const fn reclaim(&mut self) {
        self.step(Move::Reclaim);
        self.sources.pending |= self.sources.lent;
        self.sources.lent = 0;
    }

    /// Takes away every pending state but that of a level line.
    pub const fn clear_pending(&mut self) {
        self.step(Move::ClearPending);
        self.sources.pending = 0;
        self.sources.lent = 0;
    }
}
