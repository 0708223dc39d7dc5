//! The SMC Calling Convention (DEN0028 1.2): who a call is for, and how wide it is.

/// A call's function identifier, W0 (DEN0028 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function(pub u32);

/// SMCCC_VERSION.
const VERSION: u32 = 0x8000_0000;
/// SMCCC_ARCH_FEATURES.
const ARCH_FEATURES: u32 = 0x8000_0001;
/// Version 1.2.
const VERSION_1_2: i64 = 0x1_0002;
/// NOT_SUPPORTED.
pub const NOT_SUPPORTED: i64 = -1;

impl Function {
    /// The function that the register W0 names.
    pub const fn new(x0: u64) -> Self {
        Self((x0 & 0xffff_ffff) as u32)
    }

    /// Whether arguments and results have 64 bits.
    pub const fn is_64_bit(self) -> bool {
        self.0 & 1 << 30 != 0
    }

    /// Whether the call is for PSCI: the standard service range's first 32 functions (DEN0022 5.1).
    pub const fn is_psci(self) -> bool {
        self.0 & 0xbfff_ffe0 == 0x8400_0000
    }

    /// An argument as wide as the call is.
    pub const fn argument(self, register: u64) -> u64 {
        if self.is_64_bit() { register } else { register & 0xffff_ffff }
    }

    /// `value` as X0 gets it: a 32-bit call changes W0 only by what it returns, and has no upper half.
    pub const fn result(self, value: i64) -> u64 {
        if self.is_64_bit() { value as u64 } else { value as u64 & 0xffff_ffff }
    }
}

/// Answers a call that is neither for PSCI nor for a service of ours, with the first argument `first`: the Arm
/// architecture calls, and NOT_SUPPORTED for all else. Workarounds are not offered, because none is implemented.
pub fn call(function: Function, first: u64) -> i64 {
    match function.0 {
        VERSION => VERSION_1_2,
        ARCH_FEATURES => features(function.argument(first)),
        _ => NOT_SUPPORTED,
    }
}

fn features(asked: u64) -> i64 {
    if asked == u64::from(VERSION) || asked == u64::from(ARCH_FEATURES) { 0 } else { NOT_SUPPORTED }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_calls_are_refused_in_their_own_width() {
        for (function, answer) in [(Function(0xc300_0001), u64::MAX), (Function(0x8300_0001), 0xffff_ffff)] {
            assert_eq!(function.result(call(function, 0)), answer);
        }
    }

    #[test]
    fn features_are_those_that_exist() {
        let ask = |function: u32| call(Function(ARCH_FEATURES), u64::from(function) | 1 << 32);
        assert_eq!((ask(VERSION), ask(0x8000_8000)), (0, NOT_SUPPORTED));
    }

    #[test]
    fn psci_is_told_apart_by_its_range() {
        assert!(Function(0x8400_0000).is_psci() && Function(0xc400_001f).is_psci());
        assert!(!Function(0x8400_0020).is_psci() && !Function(0x8500_0000).is_psci());
    }
}
