//! The hypervisor's own memcpy, memmove, memset and memcmp: every short length at every alignment and overlap, and long ones at
//! random, held against where each byte must come from.
//!
//! The build script gives them other names: this guest's runtime keeps the compiler's, which work with the MMU off.
//! Bootargs: `seed=N` (1) for the long ones.
#![no_std]
#![no_main]

use core::ffi::c_int;

use bulkhead_guests::random::Random;
use bulkhead_guests::{Machine, entry, expect_eq};

core::arch::global_asm!(include_str!(concat!(env!("OUT_DIR"), "/hypervisor_bytes.s")));

unsafe extern "C" {
    fn hypervisor_memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8;
    fn hypervisor_memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8;
    fn hypervisor_memset(to: *mut u8, byte: c_int, length: usize) -> *mut u8;
    fn hypervisor_memcmp(left: *const u8, right: *const u8, length: usize) -> c_int;
}

entry!(main);

type Move = unsafe extern "C" fn(*mut u8, *const u8, usize) -> *mut u8;
type Compare = unsafe extern "C" fn(*const u8, *const u8, usize) -> c_int;
type Fill = unsafe extern "C" fn(*mut u8, c_int, usize) -> *mut u8;

/// Short lengths, and where source and destination begin, are below this: three pairs of words with every rest.
const SHORT: usize = 64;
/// Bytes on either side of the short ones, which must stay.
const MARGIN: usize = 16;
/// Room for the long ones, in bytes, and how many there are.
const LONG: usize = 8192;
const LONG_ROUNDS: usize = 200;
/// What is filled in: a byte, and what C wants cut down to one (C11 7.24.6.1).
const FILLS: [c_int; 4] = [0, 0x5a, 0xff, 0x1a5];

/// What is moved where, in bytes from the start of the room.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Case {
    length: usize,
    to: usize,
    from: usize,
}

#[repr(align(16))]
struct Room<const SIZE: usize>([u8; SIZE]);

fn main(machine: &'static Machine) {
    let mut room = Room([0; MARGIN + 2 * SHORT + MARGIN]);
    let room = &mut room.0;
    let apart = |case: &Case| case.to.abs_diff(case.from) >= case.length;
    expect_eq!("memcpy, short", short(SHORT).filter(apart).find(|case| !moves(hypervisor_memcpy, room, *case)), None);
    expect_eq!("memmove, short", short(SHORT).find(|case| !moves(hypervisor_memmove, room, *case)), None);
    expect_eq!("memset, short", short(1).find(|case| !fills(hypervisor_memset, room, *case)), None);

    expect_eq!("memcmp, short", short(SHORT).find(|case| !compares(hypervisor_memcmp, case)), None);

    let random = &mut Random::new(machine.arguments.number("seed", 1));
    let mut room = Room([0; LONG]);
    let room = &mut room.0;
    expect_eq!("memmove, long", long(random).find(|case| !moves(hypervisor_memmove, room, *case)), None);
    expect_eq!("memset, long", long(random).find(|case| !fills(hypervisor_memset, room, *case)), None);
}

/// Every short length and destination, with sources that begin in the first `sources` bytes.
fn short(sources: usize) -> impl Iterator<Item = Case> {
    let ends = move || (0..SHORT).flat_map(move |to| (0..sources).map(move |from| (MARGIN + to, MARGIN + from)));
    (0..SHORT).flat_map(move |length| ends().map(move |(to, from)| Case { length, to, from }))
}

fn long(random: &mut Random) -> impl Iterator<Item = Case> {
    (0..LONG_ROUNDS).map(|_| {
        let length = random.below(LONG as u64) as usize;
        let [to, from] = [(); 2].map(|()| random.below((LONG - length) as u64) as usize);
        Case { length, to, from }
    })
}

/// What stands at `index` before anything is moved: within 256 bytes no two are the same.
fn before(index: usize) -> u8 {
    (index ^ index >> 8) as u8
}

/// Whether `function` moves bytes within `room` as it should, leaves all others, and returns the destination.
fn moves(function: Move, room: &mut [u8], Case { length, to, from }: Case) -> bool {
    let after = |index: usize| before(if (to..to + length).contains(&index) { index - to + from } else { index });
    judge(room, to, length.max(1) + to.max(from), after, |room| {
        // SAFETY: both ends lie in the room, and memcpy is given none that overlap.
        unsafe { function(room.add(to), room.add(from), length) }
    })
}

/// Whether `function` fills bytes of `room` as it should with each value, leaves all others, and returns the
/// destination.
fn fills(function: Fill, room: &mut [u8], Case { length, to, .. }: Case) -> bool {
    FILLS.into_iter().all(|byte| {
        let after = |index: usize| if (to..to + length).contains(&index) { byte as u8 } else { before(index) };
        // SAFETY: what is filled lies in the room.
        judge(room, to, length.max(1) + to, after, |room| unsafe { function(room.add(to), byte, length) })
    })
}

/// Whether `function` finds bytes equal that are, whatever stands behind them, and otherwise says which are above.
fn compares(function: Compare, &Case { length, to, from }: &Case) -> bool {
    let (mut left, mut right) = (Room([1; MARGIN + 2 * SHORT]), Room([2; MARGIN + 2 * SHORT]));
    let (left, right) = (&mut left.0[to..=to + length], &mut right.0[from..=from + length]);
    (0..length).for_each(|index| (left[index], right[index]) = (before(index), before(index)));
    // SAFETY: both have so many bytes.
    let compared = |left: &[u8], right: &[u8]| unsafe { function(left.as_ptr(), right.as_ptr(), length) };
    if compared(left, right) != 0 {
        return false;
    }
    // Bytes count without a sign (C11 7.24.4), and the first that differ decide.
    let Some(first) = (to * SHORT + from).checked_rem(length) else { return true };
    left[first..length].fill(0x80);
    right[first..length].fill(0x81);
    right[first] = 0x7f;
    compared(left, right) > 0 && compared(right, left) < 0
}

/// Whether `work` on `room`, of which it may use `used` bytes, returns the address of the byte `to` and leaves the room
/// as `after` says.
fn judge(
    room: &mut [u8],
    to: usize,
    used: usize,
    after: impl Fn(usize) -> u8,
    work: impl Fn(*mut u8) -> *mut u8,
) -> bool {
    assert!(used <= room.len(), "{used} bytes of {}", room.len());
    room.iter_mut().enumerate().for_each(|(index, byte)| *byte = before(index));
    let start = room.as_mut_ptr();
    let returned = work(start);
    returned == start.wrapping_add(to) && room.iter().enumerate().all(|(index, byte)| *byte == after(index))
}
