//! A broken invariant of ours: say it on the UART with a backtrace, and stop.

use crate::{boot, cpu, uart};
use core::fmt::{Arguments, Write};
use core::panic::PanicInfo;

/// Calls that a backtrace shows at most.
const CALLS: usize = 24;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let (file, place) = info.location().map_or(("", [0, 0]), |at| (at.file(), [at.line(), at.column()]));
    let [line, column] = place.map(u64::from);
    // What is said of the panic lies on the stack of who panicked.
    let pushed = &raw const *info as u64;
    report(format_args!("panicked at {file}:{line}:{column}: {}", info.message()), pushed);
    cpu::halt()
}

/// Says `message` and the calls that are under way by the stack from `pushed` up, the latest first. Addresses are
/// offsets in the image, as `addr2line` takes them.
pub fn report(message: Arguments<'_>, pushed: u64) {
    let mut uart = uart::Emergency;
    let base = boot::image::layout().start;
    let affinity = cpu::affinity();
    let _ = write!(uart, "\r\nbulkhead: stopped on core {affinity:#x}: {message}\r\nbacktrace, offsets in the image:");
    for address in return_addresses(pushed).take(CALLS) {
        let _ = write!(uart, " {:#x}", address - base);
    }
    let _ = write!(uart, "\r\n");
}

/// The words of a stack that follow a call in the image. No frame pointer leads from one to the next, which each
/// function would have to keep; so one of an earlier call is among them where nothing was written over it.
fn return_addresses(pushed: u64) -> impl Iterator<Item = u64> {
    // SAFETY: they lie in a stack, which is mapped.
    let words = boot::stack_from(pushed).step_by(8).map(|address| unsafe { *(address as *const u64) });
    words.filter(|word| follows_call(*word))
}

/// Whether the instruction before `address` is a BL or a BLR (Arm ARM DDI 0487 C6.2) of the image.
fn follows_call(address: u64) -> bool {
    let layout = boot::image::layout();
    if address <= layout.start || address >= layout.rodata || !address.is_multiple_of(4) {
        return false;
    }
    // SAFETY: the word is one of the image's code, which is mapped and never written.
    let instruction = unsafe { *((address - 4) as *const u32) };
    instruction & 0xfc00_0000 == 0x9400_0000 || instruction & 0xffff_fc1f == 0xd63f_0000
}
