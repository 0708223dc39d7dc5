//! Barriers, cache maintenance and what this core is.

/// Affinity fields of an MPIDR (Arm ARM DDI 0487 D19.2.110).
pub const AFFINITY: u64 = 0xff_00ff_ffff;

/// This core's affinity, Aff3.Aff2.Aff1.Aff0.
pub fn affinity() -> u64 {
    crate::sysreg::read!("mpidr_el1") & AFFINITY
}

/// Whether this core is at EL2 (CurrentEL).
pub fn is_at_el2() -> bool {
    crate::sysreg::read!("currentel") >> 2 & 0b11 == 2
}

/// Bits of a physical address that this core has (ID_AA64MMFR0_EL1.PARange), at most 48: the tables that we
/// build hold no more.
pub fn physical_address_bits() -> u8 {
    match crate::sysreg::read!("id_aa64mmfr0_el1") & 0xf {
        0 => 32,
        1 => 36,
        2 => 40,
        3 => 42,
        4 => 44,
        _ => 48,
    }
}

/// VTCR_EL2.PS and TCR_EL2.PS for [`physical_address_bits`].
pub fn physical_address_field() -> u64 {
    (crate::sysreg::read!("id_aa64mmfr0_el1") & 0xf).min(5)
}

/// A feature field of an identification register: bits `shift + 3` to `shift`.
pub fn feature(register: u64, shift: u32) -> u64 {
    register >> shift & 0xf
}

/// Bytes in the smallest data cache line of the machine (CTR_EL0.DminLine).
fn data_line() -> u64 {
    4 << (crate::sysreg::read!("ctr_el0") >> 16 & 0xf)
}

/// Completes every access and maintenance operation of this core before anything that follows.
pub fn synchronize() {
    aarch64_cpu::asm::barrier::dsb(aarch64_cpu::asm::barrier::SY);
    aarch64_cpu::asm::barrier::isb(aarch64_cpu::asm::barrier::SY);
}

/// Cleans and invalidates the lines of `size` bytes, at least one, from the virtual address `start` to the point of coherency.
/// Nothing that Rust can see changes: EL2's own view stays what it was.
pub fn clean_and_invalidate(start: u64, size: u64) {
    let (line, end) = (data_line(), start + size);
    let mut address = start & !(line - 1);
    loop {
        // SAFETY: DC CIVAC changes no data that EL2 can see; the address is mapped by the caller, else this is
        // an exception of our own.
        unsafe {
            core::arch::asm!("dc civac, {}", in(reg) address, options(nostack, preserves_flags));
        }
        address += line;
        if address >= end {
            break;
        }
    }
    aarch64_cpu::asm::barrier::dsb(aarch64_cpu::asm::barrier::SY);
}

/// Bytes that DC ZVA zeroes at once (DCZID_EL0.BS), at most a page; `None` where it is prohibited.
fn zeroed_at_once() -> Option<u64> {
    const PROHIBITED: u64 = 1 << 4;
    let identification = crate::sysreg::read!("dczid_el0");
    (identification & PROHIBITED == 0).then(|| 4 << (identification & 0xf))
}

/// Zeroes the `size` bytes, at least one, from the virtual address `start`, and cleans and invalidates them to the point of
/// coherency.
///
/// # Safety
/// The bytes must be mapped as Normal memory, writable, and nothing that Rust holds may lie in them.
pub unsafe fn zero_and_clean(start: u64, size: u64) {
    match zeroed_at_once().filter(|block| start.is_multiple_of(*block) && size.is_multiple_of(*block)) {
        Some(block) => {
            let (mut address, end) = (start, start + size);
            loop {
                // SAFETY: the block lies in the bytes that the caller gave away.
                unsafe { core::arch::asm!("dc zva, {}", in(reg) address, options(nostack, preserves_flags)) };
                address += block;
                if address == end {
                    break;
                }
            }
        }
        // SAFETY: as the caller promised.
        None => unsafe { core::ptr::write_bytes(start as *mut u8, 0, size as usize) },
    }
    clean_and_invalidate(start, size);
}

/// Invalidates all instruction caches of the inner-shareable domain.
pub fn invalidate_instructions() {
    // SAFETY: IC IALLUIS drops only copies of memory.
    unsafe {
        core::arch::asm!("ic ialluis", "dsb ish", "isb", options(nostack, preserves_flags));
    }
}

/// Whether a physical interrupt is pending for EL2 on this core (ISR_EL1.I and F).
pub fn is_interrupted() -> bool {
    crate::sysreg::read!("isr_el1") & (1 << 7 | 1 << 6) != 0
}

/// Sleeps until an interrupt is pending; it need not be unmasked.
pub fn wait_for_interrupt() {
    aarch64_cpu::asm::barrier::dsb(aarch64_cpu::asm::barrier::SY);
    aarch64_cpu::asm::wfi();
}

/// Hints that this core only waits for another (YIELD).
pub fn give_way() {
    // SAFETY: a hint.
    unsafe { core::arch::asm!("yield", options(nomem, nostack, preserves_flags)) };
}

/// Stops this core for good.
pub fn halt() -> ! {
    loop {
        wait_for_interrupt();
    }
}

/// Waits, by WFE, until `ready` gives a value. Whoever makes it ready calls [`signal_event`] after.
pub fn wait_for_event_until<T>(ready: impl Fn() -> Option<T>) -> T {
    loop {
        if let Some(value) = ready() {
            return value;
        }
        aarch64_cpu::asm::wfe();
    }
}

/// Wakes every core from [`wait_for_event_until`].
pub fn signal_event() {
    aarch64_cpu::asm::barrier::dsb(aarch64_cpu::asm::barrier::SY);
    aarch64_cpu::asm::sev();
}
