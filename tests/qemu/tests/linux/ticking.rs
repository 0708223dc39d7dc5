//! A guest that ticks beside Linux on GICv2.
//!
//! QEMU 10 does not look at its GICv2's physical interrupts anew when a guest's end of a virtual interrupt deactivates the
//! physical one behind it, as the state machine of IHI 0048B 3.2.4 has it: one whose line rose meanwhile is seen with the
//! GIC's next event, whichever core's that is. A guest whose timer expires while it handles its timer's last interrupt, and
//! which has no other CPU running, would sleep until somebody types. QEMU's GICv3 looks, so there Linux is alone.

use bulkhead_qemu::{Session, Vm};

/// The VM's name; it is the last one.
const VM: &str = "ticking";
/// Cores that it takes.
pub const CORES: u32 = 1;

/// The VM: it has an event each 10 ms.
pub fn ticking() -> Vm {
    Vm::new(VM, "quiet").bootargs("alone hz=100")
}

/// Ends it, the second and last VM, and thereby the machine.
#[track_caller]
pub fn end(session: &mut Session) {
    session.focus('2').send("q").port(VM).verdict();
    session.end();
}
