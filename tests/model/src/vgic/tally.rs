//! What happened in a run: one in which too little did shows nothing.

/// How often the things happened that a run is worth nothing without.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Interrupts acknowledged.
    pub acknowledged: u64,
    /// Interrupts acknowledged while another was in service.
    pub nested: u64,
    /// Exits for a maintenance interrupt.
    pub maintenance: u64,
    /// Exits because another vCPU changed something.
    pub kicks: u64,
    /// Entries with pending interrupts left out.
    pub pending_left_out: u64,
    /// Entries with active interrupts left out.
    pub active_left_out: u64,
    /// Physical interrupts taken.
    pub physical: u64,
    /// Physical interrupts deactivated by the hypervisor.
    pub released: u64,
    /// Interrupts made pending where they were before.
    pub again: u64,
    /// SGIs made pending where they were before, that another vCPU sent.
    pub mailed: u64,
    /// Registers accessed while the list registers of their vCPU were out in the hardware.
    pub in_place: u64,
    /// List registers of other vCPUs that an access waited for.
    pub recalled: u64,
    /// Changes of EOImode.
    pub modes: u64,
}

impl Tally {
    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        self.acknowledged += other.acknowledged;
        self.nested += other.nested;
        self.maintenance += other.maintenance;
        self.kicks += other.kicks;
        self.pending_left_out += other.pending_left_out;
        self.active_left_out += other.active_left_out;
        self.physical += other.physical;
        self.released += other.released;
        self.again += other.again;
        self.mailed += other.mailed;
        self.in_place += other.in_place;
        self.recalled += other.recalled;
        self.modes += other.modes;
    }

    /// The least of all.
    pub fn least(&self) -> u64 {
        let Self { acknowledged, nested, maintenance, kicks, .. } = *self;
        let Self { pending_left_out, active_left_out, physical, released, again, mailed, .. } = *self;
        let Self { in_place, recalled, modes, .. } = *self;
        let more = [pending_left_out, active_left_out, physical, released, again, mailed, in_place, recalled, modes];
        [acknowledged, nested, maintenance, kicks].into_iter().chain(more).fold(u64::MAX, u64::min)
    }
}
