//! A broken invariant of ours: say it on the UART with a backtrace, and stop.

use crate::{boot, cpu, uart};
use core::fmt::{Arguments, Write};
use core::panic::PanicInfo;

/// Frames that a backtrace shows at most.
const FRAMES: usize = 24;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let frame: u64;
    // SAFETY: reads X29, which holds the frame pointer (the build forces frame pointers).
    unsafe {
        core::arch::asm!("mov {}, x29", out(reg) frame, options(nomem, nostack, preserves_flags));
    }
    report(format_args!("{info}"), frame);
    cpu::halt()
}

/// Says `message` and the chain of calls from the frame record at `frame`. Addresses are offsets in the image,
/// as `bulkhead symbolize` and `addr2line` take them.
pub fn report(message: Arguments<'_>, frame: u64) {
    let mut uart = uart::Emergency;
    let base = boot::image::layout().start;
    let affinity = cpu::affinity();
    let _ = write!(uart, "\r\nbulkhead: stopped on core {affinity:#x}: {message}\r\nbacktrace, offsets in the image:");
    let mut frame = frame;
    for _ in 0..FRAMES {
        if !boot::is_stack(frame) || !frame.is_multiple_of(16) {
            break;
        }
        // SAFETY: both words of a frame record (AAPCS64 6.4.6) lie in a stack, which is mapped.
        let (next, link) = unsafe { (*(frame as *const u64), *((frame + 8) as *const u64)) };
        let _ = write!(uart, " {:#x}", link.wrapping_sub(base));
        if next <= frame {
            break;
        }
        frame = next;
    }
    let _ = write!(uart, "\r\n");
}
