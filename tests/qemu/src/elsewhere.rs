//! A machine whose devices are not where QEMU's `virt` has them.

use crate::configuration::Value;
use crate::{Gic, Vm};
use bulkhead_abi::property;

/// `vm` with UART and interrupt controller from `base` on, a multiple of 64 KiB, and with other interrupts for UART and timers.
pub fn elsewhere(vm: Vm, gic: Gic, base: u64) -> Vm {
    let pair = |start: u64, size: u32| [(start >> 32) as u32, start as u32, 0, size];
    let reg = |pairs: &[[u32; 4]]| (property::REG, Value::Cells(pairs.concat()));
    let interrupts = |cells: &[u32]| (property::INTERRUPTS, Value::Cells(cells.to_vec()));
    let (compatible, second) = match gic {
        Gic::V2 => (property::GIC_V2, pair(base + 0x3_0000, 0x2000)),
        Gic::V3 => (property::GIC_V3, pair(base + 0x10_0000, 0x20_0000)),
    };
    let vm = vm.device(property::PL011, &[reg(&[pair(base, 0x1000)]), interrupts(&[0, 90, 4])]);
    let vm = vm.device(compatible, &[reg(&[pair(base + 0x1_0000, 0x1_0000), second])]);
    vm.device(property::TIMER, &[interrupts(&[1, 0, 4, 1, 5, 4, 1, 4, 4, 1, 1, 4])])
}
