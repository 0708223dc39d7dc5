//! What the specification keeps for 32 interrupts with successive INTIDs, as its registers do: a bit each.

/// Interrupts that a word of registers holds.
pub const WIDTH: usize = 32;

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

/// 32 interrupts: bit n of each word, and the nth of `details`, is the nth interrupt's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupts {
    /// GICD_IGROUPR.
    pub group: u32,
    /// GICD_ISENABLER.
    pub enabled: u32,
    /// GICD_ICFGR: edge-triggered, pending from a rising edge until acknowledged; the others are level-sensitive,
    /// pending for as long as their line is high.
    pub edge: u32,
    /// The levels of the lines.
    pub line: u32,
    /// The pending latch: set by an edge or a write to GICD_ISPENDR, cleared by the acknowledge. For an SGI of GICv2:
    /// it is pending from some vCPU.
    pub latch: u32,
    /// In service: acknowledged and not yet ended.
    pub active: u32,
    /// What takes more than a bit.
    pub details: [Detail; WIDTH],
}

/// What the specification keeps for one interrupt in more than a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// GICD_IPRIORITYR, its unimplemented low bits zero. 0 is the most urgent.
    pub priority: u8,
    /// The priority that it was acknowledged with, if it is active.
    pub active_priority: u8,
    /// A register made it active (GICD_ISACTIVER), if it is active: it was not acknowledged, so that no end belongs to it.
    pub active_by_register: bool,
    /// The index of the vCPU that it is active on, if it is active.
    pub owner: u8,
    /// For an SGI of GICv2, which has one pending state per source (IHI 0048 4.3.15): a bit for each vCPU that it is
    /// pending from.
    pub sources: u8,
    /// For an active SGI of GICv2: the index of the vCPU that sent it.
    pub active_source: u8,
    /// For an SPI: GICD_IROUTER (GICv3), or GICD_ITARGETSR in bits 7:0 (GICv2).
    pub route: u64,
}

impl Detail {
    /// Out of reset.
    pub const RESET: Self = Self {
        priority: 0,
        active_priority: 0,
        active_by_register: false,
        owner: 0,
        sources: 0,
        active_source: 0,
        route: 0,
    };
}

impl Interrupts {
    /// Level-sensitive interrupts out of reset.
    pub const RESET: Self =
        Self { group: 0, enabled: 0, edge: 0, line: 0, latch: 0, active: 0, details: [Detail::RESET; WIDTH] };
}
