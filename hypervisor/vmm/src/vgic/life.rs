//! The life of an interrupt: where it stands, and every move that it can make. Nothing else changes where it stands.
//!
//! An interrupt is inactive, pending, active, or active and pending (GICv3 IHI 0069 4.1.2, GICv2 IHI 0048 3.2.4). Pending is
//! what its line says, or what was latched, or what was latched and then lent to a list register. An edge is a line that
//! goes high:
//!
//! | move | who makes it | inactive | pending | active | active and pending |
//! |---|---|---|---|---|---|
//! | [`drive`](Lives::drive) high | its line | pending | pending | active and pending | active and pending |
//! | [`drive`](Lives::drive) low | its line | inactive | inactive; pending if latched | active | active; pending too if latched |
//! | [`pend`](Lives::pend) | GICD_ISPENDR, an SGI | pending | pending | active and pending | active and pending |
//! | [`clear_pending`](Lives::clear_pending) | GICD_ICPENDR | inactive | inactive; pending if its line says so | active | active; pending too if its line says so |
//! | [`set_active`](Lives::set_active) | GICD_ISACTIVER | active | active and pending | active | active and pending |
//! | [`set_active`](Lives::set_active) not | GICD_ICACTIVER | inactive | pending | inactive | pending |
//! | [`acknowledge`](Lives::acknowledge), [`show`](Lives::show) | the guest, of a list register | - | active; pending too if its line says so | - | as when pending |
//! | [`show`](Lives::show), [`end`](Lives::end) | the guest, of a list register | - | - | inactive | pending |
//!
//! The others change where it is handled and not what it is: [`list`](Lives::list), [`lend`](Lives::lend),
//! [`reclaim`](Lives::reclaim) and [`take_out`](Lives::take_out) its list register, [`link`](Lives::link),
//! [`hold`](Lives::hold), [`let_go`](Lives::let_go) and [`take_released`](Lives::take_released) the physical interrupt behind
//! it. While that is active on the guest's behalf, its line is not the interrupt's: GICD_ISPENDR shows it
//! ([`look_behind`](Lives::look_behind)), and nothing rests on it.

#[cfg(test)]
mod tests;

use super::interrupts::Interrupts;

/// Sets (`true`) or clears `bits` of `word`.
const fn assign(word: &mut u32, bits: u32, value: bool) {
    *word = if value { *word | bits } else { *word & !bits };
}

/// The lives of 32 interrupts: bit n of each word is the nth's. Moves are made by those whose bit is set in `bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lives {
    /// Edge-triggered, or else level-sensitive: the configuration, which is no move.
    pub edge: u32,
    /// The levels of the lines.
    line: u32,
    /// Pending by an edge or by software, and not lent.
    latch: u32,
    /// In service.
    active: u32,
    /// They stand in a list register.
    listed: u32,
    /// The latch was set, and is now held as the pending bit of a list register.
    lent: u32,
    /// A register made them active, or not, while their list register was out in the hardware: what that says of it
    /// does not count.
    written: u32,
    /// There is a physical interrupt behind them.
    linked: u32,
    /// It is active in the physical distributor on the guest's behalf.
    held: u32,
    /// It is active still, though the guest will not end it: its vCPU must deactivate it.
    released: u32,
    /// The line of the physical interrupt was high when it was last looked at, of which nothing else tells while that is
    /// active.
    behind: u32,
}

/// Where they stand.
impl Lives {
    /// What the specification keeps of them, `saved`, with no list register and nothing physical.
    pub const fn new(saved: &Interrupts) -> Self {
        let Interrupts { edge, line, latch, active, .. } = *saved;
        Self { edge, line, latch, active, listed: 0, lent: 0, written: 0, linked: 0, held: 0, released: 0, behind: 0 }
    }

    /// Those that are pending, but for what the lines behind those in service say: these show again as new physical
    /// interrupts.
    #[inline(always)]
    pub const fn pending(&self) -> u32 {
        self.latch | self.lent | self.level()
    }

    /// Those that are pending, as GICD_ISPENDR reads.
    #[inline(always)]
    pub const fn shown_pending(&self) -> u32 {
        self.pending() | self.behind & self.held
    }

    /// Those that are pending by the levels of their lines.
    #[inline(always)]
    const fn level(&self) -> u32 {
        self.line & !self.edge
    }

    /// Those that are pending by the levels of lines which nothing physical lowers on the guest's acknowledge.
    pub const fn lasting(&self) -> u32 {
        self.level() & !self.linked
    }

    /// Those in service, as GICD_ISACTIVER reads.
    #[inline(always)]
    pub const fn active(&self) -> u32 {
        self.active
    }

    /// The levels of the lines.
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// Those that are pending by an edge or by software.
    pub const fn latched(&self) -> u32 {
        self.latch | self.lent
    }

    /// Those that stand in a list register.
    #[inline(always)]
    pub const fn listed(&self) -> u32 {
        self.listed
    }

    /// Those whose latch a list register holds.
    #[inline(always)]
    pub const fn lent(&self) -> u32 {
        self.lent
    }

    /// Those that are lent to list registers as pending and nothing else.
    #[inline(always)]
    pub const fn only_lent(&self) -> u32 {
        self.lent & !self.latch & !self.active
    }

    /// Those that stay where they are, active or in a list register, whatever their route says.
    #[inline(always)]
    pub const fn settled(&self) -> u32 {
        self.active | self.listed
    }

    /// Those that are pending, active or in a list register.
    #[inline(always)]
    pub const fn in_use(&self) -> u32 {
        self.pending() | self.settled()
    }

    /// Those whose physical interrupt is active on the guest's behalf.
    #[inline(always)]
    pub const fn held(&self) -> u32 {
        self.held
    }

    /// Those whose physical interrupt must be deactivated.
    #[inline(always)]
    pub const fn released(&self) -> u32 {
        self.released
    }
}

/// Moves that lines and registers make. Each returns those that it changed.
impl Lives {
    /// Their lines go, or stay, high or low.
    pub const fn drive(&mut self, bits: u32, high: bool) -> u32 {
        let changed = (self.line ^ if high { u32::MAX } else { 0 }) & bits;
        self.line ^= changed;
        self.latch |= changed & self.line & self.edge;
        changed
    }

    /// They are made pending: by a write to GICD_ISPENDR, or as SGIs of GICv3.
    pub const fn pend(&mut self, bits: u32) -> u32 {
        let changed = bits & !self.latch;
        self.latch |= bits;
        changed
    }

    /// A write to GICD_ICPENDR: what was latched is gone, what their lines say stays.
    pub const fn clear_pending(&mut self, bits: u32) -> u32 {
        let changed = bits & (self.latch | self.lent);
        self.latch &= !bits;
        self.lent &= !bits;
        changed
    }

    /// SGIs of GICv2, which are pending from some vCPU: whether a list register holds them from one (`lent`), and whether
    /// they are so from others (`waiting`).
    pub const fn set_sources(&mut self, bits: u32, lent: bool, waiting: bool) {
        assign(&mut self.lent, bits, lent);
        assign(&mut self.latch, bits, waiting);
    }

    /// Writes to GICD_ISACTIVER (`true`) and GICD_ICACTIVER. Of those in list registers it is not known whether they are
    /// active already: what is written now holds as soon as these are taken back.
    pub const fn set_active(&mut self, bits: u32, active: bool) -> u32 {
        let changed = bits & (self.listed | (self.active ^ if active { bits } else { 0 }));
        assign(&mut self.active, bits, active);
        self.written |= self.listed & bits;
        changed
    }
}

/// Moves into list registers, there by the guest's doing, and out of them.
impl Lives {
    /// They get list registers.
    #[inline(always)]
    pub const fn list(&mut self, bits: u32) {
        self.listed |= bits;
    }

    /// List registers get what is latched of them.
    #[inline(always)]
    pub const fn lend(&mut self, bits: u32) {
        self.lent |= self.latch & bits;
        self.latch &= !bits;
    }

    /// What list registers held of their latches is back.
    #[inline(always)]
    pub const fn reclaim(&mut self, bits: u32) {
        self.latch |= self.lent & bits;
        self.lent &= !bits;
    }

    /// They are taken out of list registers that are not out in the hardware.
    pub const fn take_out(&mut self, bits: u32) {
        self.listed &= !bits;
        self.written &= !bits;
        self.reclaim(bits);
    }

    /// List registers that come back show them as active or not.
    #[inline(always)]
    pub const fn show(&mut self, bits: u32, active: bool) {
        assign(&mut self.active, bits & !self.written, active);
        self.written &= !bits;
    }

    /// The guest acknowledged them, which list registers held as pending. The line of a linked one shows again as a new
    /// physical interrupt once the guest has ended this one.
    #[inline(always)]
    pub const fn acknowledge(&mut self, bits: u32) {
        self.lent &= !bits;
        self.line &= !(self.linked & bits);
    }

    /// Their list registers came back empty. If these had the physical interrupts in them (`hardware`), the guest's
    /// deactivation has reached those.
    #[inline(always)]
    pub const fn end(&mut self, bits: u32, hardware: bool) {
        self.listed &= !bits;
        if hardware {
            self.held &= !bits;
        }
    }
}

/// Moves of the physical interrupts behind them.
impl Lives {
    /// There are physical interrupts behind them, which those that are pending or active take along.
    pub const fn link(&mut self, bits: u32) {
        self.linked |= bits;
        self.held |= bits & (self.pending() | self.active);
    }

    /// Those that are linked: their physical interrupts were acknowledged and are active now. Returns which.
    pub const fn hold(&mut self, bits: u32) -> u32 {
        let linked = self.linked & bits;
        self.held |= linked;
        self.line |= linked & !self.edge;
        self.latch |= linked & self.edge;
        linked
    }

    /// The lines of their physical interrupts are high, or low.
    #[inline(always)]
    pub const fn look_behind(&mut self, bits: u32, high: bool) {
        assign(&mut self.behind, bits, high);
    }

    /// Nobody will end them: their physical interrupts are to be deactivated.
    pub const fn let_go(&mut self, bits: u32) {
        self.released |= self.held & bits;
        self.held &= !bits;
    }

    /// Takes one whose physical interrupt is to be deactivated: its position.
    pub const fn take_released(&mut self) -> u32 {
        let position = self.released.trailing_zeros();
        self.released &= self.released.wrapping_sub(1);
        position
    }

    /// Out of a reset of the controller: `self` is new, and has the physical interrupts of `before`, of which none is in use.
    pub const fn inherit(&mut self, before: &Self) {
        self.linked = before.linked;
        self.released = before.released | before.held;
    }
}
