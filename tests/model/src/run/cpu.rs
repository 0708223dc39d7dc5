//! A guest on a core, from its entry to its next exit.

use super::execute::Done;
use super::hardware::Asleep;
use super::platform::Core;
use bulkhead_vmm::exit::{RawExit, Vector};
use bulkhead_vmm::platform::PhysicalInterrupt;
use bulkhead_vmm::vcpu::LoadedVcpu;

const INTERRUPTED: RawExit = RawExit { vector: Vector::Irq, esr: 0, far: 0, hpfar: 0 };

impl Core {
    /// Executes instructions of the guest until one traps or a physical interrupt is pending. Others go on in
    /// between.
    pub(super) fn run_guest(&self, vcpu: &mut LoadedVcpu) -> RawExit {
        loop {
            let (done, pass) = {
                let mut hardware = self.hardware();
                let pending = hardware.pending(self.id.0);
                if !pending.is_empty() {
                    hardware.tally.maintenance += u64::from(pending == [PhysicalInterrupt::Maintenance]);
                    return INTERRUPTED;
                }
                hardware.tick();
                hardware.tally.instructions += 1;
                let done = hardware.execute(self.id.0, vcpu);
                (done, hardware.random.one_in(3))
            };
            match done {
                Done::Went if pass => self.pass(),
                Done::Went => {}
                Done::Sleeps => self.sleep(Asleep::Guest),
                Done::Trapped(exit) => return exit,
            }
        }
    }
}
