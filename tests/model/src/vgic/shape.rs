//! The shapes that sequences of steps take in turn.

use bulkhead_vmm::vgic::{Layout, Version};

/// What one sequence of steps is like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The controller.
    pub layout: Layout,
    /// Guests end interrupts in two writes (EOImode = 1).
    pub split: bool,
    /// Lines stay high, and what is in service is often looked for anew: list registers are short all the time.
    pub busy: bool,
    /// Steps.
    pub steps: u64,
}

impl Shape {
    /// The shape of sequence `number`: all versions, list register counts, vCPU counts and EOI modes in turn.
    pub fn of(number: u64, steps: u64) -> Self {
        let version = if number.is_multiple_of(2) { Version::V2 } else { Version::V3 };
        let list_registers = [1, 4, 16, 2][(number / 2 % 4) as usize];
        let vcpus = (number / 8 % 4) as usize + 1;
        let layout = Layout { version, vcpus, spis: 64, priority_bits: 5, list_registers };
        Self { layout, split: number / 32 % 2 == 1, busy: number / 64 % 2 == 1, steps }
    }
}
