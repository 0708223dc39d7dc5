//! The architectural state of one vCPU's CPU interface. While the vCPU is loaded on a core it lives in the
//! hardware's virtual CPU interface; el2 converts it from and to GICH_VMCR/GICH_APR or ICH_VMCR_EL2/ICH_APnRn_EL2.

use super::interrupts::Group;

/// The CPU interface's registers (GICv2 IHI 0048 4.4 and 5.5; GICv3 IHI 0069 12.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuInterface {
    /// GICC_PMR, ICC_PMR_EL1: only interrupts with a lower value are signalled.
    pub priority_mask: u8,
    /// Group 0 binary point (GICC_BPR, ICC_BPR0_EL1), 0 to 7, as the guest would read it.
    pub binary_point_0: u8,
    /// Group 1 binary point (GICC_ABPR, ICC_BPR1_EL1), 0 to 7, as the guest would read it with CBPR = 0.
    pub binary_point_1: u8,
    /// Group 0 enabled (GICC_CTLR.EnableGrp0, ICC_IGRPEN0_EL1).
    pub group_0_enabled: bool,
    /// Group 1 enabled (GICC_CTLR.EnableGrp1, ICC_IGRPEN1_EL1).
    pub group_1_enabled: bool,
    /// End of interrupt only drops the priority; deactivation is apart (EOImode).
    pub split_end_of_interrupt: bool,
    /// The Group 0 binary point serves both groups (CBPR).
    pub common_binary_point: bool,
    /// GICv2: an acknowledge of a Group 1 interrupt by GICC_IAR succeeds (GICC_CTLR.AckCtl).
    pub acknowledge_control: bool,
    /// GICv2: Group 0 is signalled as FIQ (GICC_CTLR.FIQEn). On GICv3 it always is.
    pub fiq_enabled: bool,
    /// Active priorities of Group 0 (GICC_APRn; ICC_AP0Rn_EL1), one bit per preemption level. GICv2's virtual
    /// CPU interface has one register for both groups, which is kept here.
    pub active_priorities_0: [u32; 4],
    /// Active priorities of Group 1 (ICC_AP1Rn_EL1). GICv3 only.
    pub active_priorities_1: [u32; 4],
}

impl CpuInterface {
    /// The registers out of reset, with `priority_bits` (5 to 7) implemented bits of priority.
    pub const fn new(priority_bits: u8) -> Self {
        // The binary points' least values (IHI 0069 4.8.2): 7 less the bits of preemption for Group 0, one more
        // for Group 1.
        let least = 7_u8.saturating_sub(priority_bits);
        Self {
            priority_mask: 0,
            binary_point_0: least,
            binary_point_1: least + 1,
            group_0_enabled: false,
            group_1_enabled: false,
            split_end_of_interrupt: false,
            common_binary_point: false,
            acknowledge_control: false,
            fiq_enabled: false,
            active_priorities_0: [0; 4],
            active_priorities_1: [0; 4],
        }
    }

    /// Whether a pending interrupt of this priority and group would be signalled to the vCPU.
    pub fn signals(&self, group: Group, priority: u8, priority_bits: u8) -> bool {
        let enabled = if group.bit() { self.group_1_enabled } else { self.group_0_enabled };
        enabled
            && priority < self.priority_mask
            && u16::from(self.group_priority(group, priority)) < self.running_priority(priority_bits)
    }

    /// The bits of `priority` that decide about preemption (IHI 0069 4.8.2, table 4-8).
    fn group_priority(&self, group: Group, priority: u8) -> u8 {
        let shift = match group {
            Group::One if !self.common_binary_point => u32::from(self.binary_point_1),
            _ => u32::from(self.binary_point_0) + 1,
        };
        priority & u8::MAX.checked_shl(shift).unwrap_or(0)
    }

    /// The priority of the most urgent active preemption level; 256 if there is none.
    fn running_priority(&self, priority_bits: u8) -> u16 {
        let levels = self.active_priorities_0.iter().zip(&self.active_priorities_1).map(|(zero, one)| zero | one);
        let mut base = 0_u16;
        for register in levels {
            if register != 0 {
                let level = base + u16::try_from(register.trailing_zeros()).unwrap_or(0);
                return level << 8_u8.saturating_sub(priority_bits);
            }
            base += 32;
        }
        256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_reset_nothing_is_signalled() {
        let reset = CpuInterface::new(5);
        assert_eq!((reset.priority_mask, reset.binary_point_0, reset.binary_point_1), (0, 2, 3));
        assert!(!reset.group_0_enabled && !reset.group_1_enabled);
        assert!(!reset.split_end_of_interrupt && !reset.common_binary_point);
        assert!(!reset.acknowledge_control && !reset.fiq_enabled);
        assert_eq!((CpuInterface::new(7).binary_point_0, CpuInterface::new(7).binary_point_1), (0, 1));
    }

    #[test]
    fn mask_group_and_preemption_decide() {
        let open = CpuInterface { priority_mask: 0xF0, group_1_enabled: true, ..CpuInterface::new(5) };
        assert!(open.signals(Group::One, 0xE8, 5) && !open.signals(Group::One, 0xF0, 5));
        assert!(!open.signals(Group::Zero, 0x00, 5));
        // Level 4 of 32 runs, that is priority 0x20.
        let running = CpuInterface { active_priorities_1: [1 << 4, 0, 0, 0], ..open };
        assert!(running.signals(Group::One, 0x18, 5) && !running.signals(Group::One, 0x20, 5));
        // The same level of both groups, as software may set the active priorities: one is enough.
        let both = CpuInterface { active_priorities_0: [1 << 4, 0, 0, 0], ..running };
        assert!(both.signals(Group::One, 0x18, 5) && !both.signals(Group::One, 0x20, 5));
        // With 7 bits the second register begins at level 32 of 128, priority 0x40.
        let fine = CpuInterface { active_priorities_0: [0, 1, 0, 0], binary_point_1: 1, ..open };
        assert!(fine.signals(Group::One, 0x3E, 7) && !fine.signals(Group::One, 0x40, 7));
    }

    #[test]
    fn binary_points_take_low_bits_out_of_the_comparison() {
        let running = [1 << 4, 0, 0, 0];
        let open =
            CpuInterface { priority_mask: 0xFF, group_0_enabled: true, group_1_enabled: true, ..CpuInterface::new(5) };
        // Bits 7:6 of Group 0, and by the common binary point of Group 1 too, bits 7:5 of Group 1 otherwise.
        let apart = CpuInterface { binary_point_0: 5, binary_point_1: 5, active_priorities_0: running, ..open };
        let common = CpuInterface { common_binary_point: true, ..apart };
        assert!(apart.signals(Group::Zero, 0x38, 5) && !apart.signals(Group::One, 0x38, 5));
        assert!(common.signals(Group::One, 0x38, 5));
        let none = CpuInterface { binary_point_0: 7, ..apart };
        assert!(none.signals(Group::Zero, 0xF0, 5));
    }
}
