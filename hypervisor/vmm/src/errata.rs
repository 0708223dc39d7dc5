//! Errata that policy must know of, by the core that has them.

use crate::address::PAGE_SIZE;

/// Whether a core with this MIDR_EL1 may tell of a translation fault at stage 2 where a load that crosses into another page
/// has a fault at stage 1, which comes first: erratum 834220 of Cortex-A57 up to r1p2. HPFAR_EL2 then holds anything.
pub const fn misreports_loads(midr: u64) -> bool {
    /// Implementer, architecture and part number (Arm ARM DDI 0487 D19.2.109).
    const CORE: u64 = 0xff0f_fff0;
    const CORTEX_A57: u64 = 0x410f_d070;
    const R1P2: u64 = 0x12;
    let revision = midr >> 16 & 0xf0 | midr & 0xf;
    midr & CORE == CORTEX_A57 && revision <= R1P2
}

/// Whether a load of up to `size` bytes that is told to fault at `address` may be one that crosses into another page: it
/// faults at its first byte, or at the first one in that page.
pub const fn may_cross(address: u64, size: u64) -> bool {
    address.wrapping_sub(1) % PAGE_SIZE + size >= PAGE_SIZE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_may_cross_at_either_end_of_a_page() {
        let crossing = |size| (0..3 * PAGE_SIZE).filter(move |at| may_cross(*at, size)).collect::<alloc::vec::Vec<_>>();
        assert_eq!(crossing(1), [0, 4096, 8192]);
        assert_eq!(crossing(4), [0, 4093, 4094, 4095, 4096, 8189, 8190, 8191, 8192, 12285, 12286, 12287]);
        assert!(may_cross(0, 1) && may_cross(u64::MAX, 2) && !may_cross(u64::MAX, 1));
    }

    #[test]
    fn early_cortex_a57_are_told_from_all_others() {
        for (midr, is_one) in [
            (0x410f_d070, true),
            (0x410f_d07f, true),
            (0x411f_d070, true),
            (0x411f_d072, true),
            (0x411f_d073, false),
            (0x412f_d070, false),
            (0x410f_d080, false),
            (0x410f_d034, false),
            (0x510f_d070, false),
            (0, false),
        ] {
            assert_eq!(misreports_loads(midr), is_one, "{midr:#x}");
        }
    }
}
