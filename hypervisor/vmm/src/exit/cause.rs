//! Exits counted by cause.

use core::sync::atomic::{AtomicU64, Ordering};

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $label:literal,)*) => {
        /// What an exit is counted as.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Cause { $($(#[$doc])* $name,)* }

        impl Cause {
            /// Every cause, in the order of their discriminants.
            pub const ALL: [Self; COUNT] = [$(Self::$name,)*];

            /// The name that `stats` prints.
            pub fn label(self) -> &'static str {
                LABELS.get(self as usize).copied().unwrap_or_default()
            }
        }
        static LABELS: [&str; COUNT] = [$($label,)*];
        const COUNT: usize = [$($label,)*].len();
    };
}

causes! {
    /// The virtual timer expired.
    VirtualTimer = "virtual-timer",
    /// The physical timer expired.
    PhysicalTimer = "physical-timer",
    /// Another deadline of the hypervisor's own timer, on which the physical timer rests.
    HypervisorTimer = "hypervisor-timer",
    /// Another core asked for attention: an interrupt for this vCPU, or a change of its VM.
    Kick = "kick",
    /// Another vCPU's SGI interrupted this one.
    SgiReceived = "sgi-received",
    /// The list registers ran low.
    Maintenance = "maintenance",
    /// Any other physical interrupt, such as the UART's.
    DeviceInterrupt = "device-interrupt",
    /// An interrupt that was gone when it was acknowledged.
    SpuriousInterrupt = "spurious-interrupt",
    /// An SGI sent by a trapped register.
    SgiSent = "sgi-sent",
    /// HVC.
    Hvc = "hvc",
    /// SMC.
    Smc = "smc",
    /// A trapped system register, but for SGIs.
    SystemRegister = "system-register",
    /// The interrupt controller's registers.
    InterruptController = "gic-access",
    /// The UART's registers.
    Uart = "uart-access",
    /// An access that no device answers.
    Stage2Fault = "stage2-fault",
    /// WFI, while it is timed.
    Wait = "wait",
    /// Everything else.
    Other = "other",
}

/// Exits of one vCPU, counted by cause. Only the core that has it loaded counts; anyone may look.
#[derive(Debug, Default)]
pub struct Counters([AtomicU64; COUNT]);

impl Counters {
    /// Counts one exit. Only for the core that has the vCPU loaded: of two at once, one would be lost.
    pub fn count(&self, cause: Cause) {
        if let Some(counter) = self.0.get(cause as usize) {
            counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    /// Exits for a timer of the vCPU that expired.
    pub fn expiries(&self) -> u64 {
        self.get(Cause::VirtualTimer) + self.get(Cause::PhysicalTimer)
    }

    /// Exits with the cause `cause`.
    pub fn get(&self, cause: Cause) -> u64 {
        self.0.get(cause as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// All exits.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|counter| counter.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_a_counter_of_its_own() {
        let counters = Counters::default();
        Cause::ALL.iter().for_each(|cause| counters.count(*cause));
        assert!(Cause::ALL.iter().all(|cause| counters.get(*cause) == 1));
        assert_eq!(counters.total(), Cause::ALL.len() as u64);
    }

    #[test]
    fn expiries_are_those_of_both_timers_and_of_nothing_else() {
        let counters = Counters::default();
        assert!(Cause::ALL.iter().all(|cause| counters.get(*cause) == 0) && counters.expiries() == 0);
        for cause in [Cause::VirtualTimer, Cause::PhysicalTimer, Cause::PhysicalTimer, Cause::HypervisorTimer] {
            counters.count(cause);
        }
        assert_eq!((counters.get(Cause::PhysicalTimer), counters.expiries(), counters.total()), (2, 3, 4));
    }
}
