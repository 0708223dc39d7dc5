//! How EL2 maps itself, seen by a debugger: no page is both written and executed, and none is mapped below a stack.

use std::collections::BTreeSet;
use std::fs;

use bulkhead_abi::image::ARM64_IMAGE_SIZE_OFFSET;
use bulkhead_qemu::{Board, Boot, Debugger, Gic, Session, Suite, artifacts};

/// Bits of SCTLR_EL2 (Arm ARM DDI 0487 D19.2.121): the MMU, data cache, instruction cache, and that what can be written is
/// never executed.
const SCTLR: [(&str, u64); 4] = [("M", 1), ("C", 1 << 2), ("I", 1 << 12), ("WXN", 1 << 19)];
/// Bits of a stage-1 descriptor (D8.3): that it is valid and a table or a page, AP\[2\], XN, and the next address.
const TABLE_OR_PAGE: u64 = 0b11;
const READ_ONLY: u64 = 1 << 7;
const EXECUTE_NEVER: u64 = 1 << 54;
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;

const PAGE: u64 = 4096;
/// What an image's address is a multiple of; no image is larger.
const ALIGNMENT: u64 = 2 << 20;
/// Cores that the hypervisor has stacks for.
const STACKS: usize = 16;
/// ESR_EL2 of an instruction abort in EL2, by a translation fault at level 3 (D19.2.40).
const NOT_MAPPED: &str = "ESR 0x86000007";

pub fn register(suite: &mut Suite) {
    let boards = [Board::virt(Gic::V3).cores(2), Board::virt(Gic::V2)].map(Board::debugged);
    suite.on_each("own_memory", &Boot::hypervisor(), boards, own_memory);
}

/// The pages of the image, a letter each: `x` is executed, `r` read, `w` written, `-` not mapped, `!` both written and
/// executed.
struct Map {
    start: u64,
    pages: String,
}

impl Map {
    fn look(debugger: &mut Debugger) -> Self {
        let start = debugger.system("VBAR_EL2") & !(ALIGNMENT - 1);
        let pages = (start..start + image_size()).step_by(PAGE as usize);
        Self { start, pages: pages.map(|page| letter(debugger, page)).collect() }
    }

    fn at(&self, address: u64) -> char {
        let page = address.checked_sub(self.start).and_then(|offset| usize::try_from(offset / PAGE).ok());
        page.and_then(|page| self.pages.chars().nth(page)).expect("the address is in the image")
    }

    /// The hole below the stack that `sp` is in: its number from 0 and its address.
    fn hole(&self, sp: u64) -> (usize, u64) {
        let below = &self.pages[..((sp - 1 - self.start) / PAGE) as usize];
        let last = below.rfind('-').expect("a stack has a hole below it");
        (below.matches('-').count() - 1, self.start + last as u64 * PAGE)
    }
}

/// As the image's header has it, in bytes: with its variables.
fn image_size() -> u64 {
    let image = fs::read(artifacts::hypervisor()).expect("the suite skips tests without it");
    let size = image.get(ARM64_IMAGE_SIZE_OFFSET..).and_then(|rest| rest.first_chunk());
    u64::from_le_bytes(*size.expect("it has a header"))
}

/// Walks EL2's tables (4 KiB granule, 48 bits) for the page at `address`.
fn letter(debugger: &mut Debugger, address: u64) -> char {
    let mut descriptor = debugger.system("TTBR0_EL2");
    for shift in [39, 30, 21, 12] {
        descriptor = debugger.word((descriptor & ADDRESS) + (address >> shift & 0x1ff) * 8);
        match descriptor & TABLE_OR_PAGE {
            TABLE_OR_PAGE => {}
            0b01 => panic!("{address:#x} is mapped by a block"),
            _ => return '-',
        }
    }
    assert_eq!(descriptor & ADDRESS, address, "the image is mapped at its own address");
    match (descriptor & READ_ONLY == 0, descriptor & EXECUTE_NEVER == 0) {
        (true, true) => '!',
        (true, false) => 'w',
        (false, true) => 'x',
        (false, false) => 'r',
    }
}

fn own_memory(session: &mut Session) {
    let cores = session.board().core_count();
    session.expect(&format!("cores    {cores} of {cores}, "));
    let mut debugger = session.debugger();
    let map = Map::look(&mut debugger);
    one_stretch_of_each(&map);
    let holes: BTreeSet<_> = (0..cores).map(|core| stands(debugger.core(core), &map).0).collect();
    assert_eq!(holes.len(), cores as usize, "two cores are in one stack");
    assert!(holes.last() < Some(&STACKS), "a core is in the emergency stack: {holes:?}");
    overflows(session, &mut debugger, &map);
}

/// Text, constants, variables, and then stacks of one size with a hole below each; the emergency stack is the last.
fn one_stretch_of_each(map: &Map) {
    let parts = ['x', 'r', 'w'];
    let stacks = parts.into_iter().fold(map.pages.as_str(), |rest, part| {
        assert!(rest.starts_with(part), "expected {part} before {rest} in {}", map.pages);
        rest.trim_start_matches(part)
    });
    let sizes: Vec<usize> = stacks.split('-').skip(1).map(str::len).collect();
    assert!(stacks.chars().all(|page| page == '-' || page == 'w'), "expected stacks, got {stacks}");
    assert_eq!(sizes.len(), STACKS + 1, "expected a hole below each stack: {stacks}");
    let (emergency, of_cores) = sizes.split_last().expect("there are some");
    assert!(*emergency > 0 && of_cores.iter().all(|size| *size > 0 && *size == of_cores[0]), "{stacks}");
}

/// The core's SCTLR_EL2, what it executes, and its stack, which has a hole below it: which one is returned.
fn stands(core: &mut Debugger, map: &Map) -> (usize, u64) {
    let sctlr = core.system("SCTLR_EL2");
    for (name, bit) in SCTLR {
        assert_ne!(sctlr & bit, 0, "SCTLR_EL2.{name} is 0: {sctlr:#x}");
    }
    assert_eq!((map.at(core.pc()), map.at(core.sp() - 1)), ('x', 'w'));
    map.hole(core.sp())
}

/// The boot core, sent to the hole below its stack, finds that nothing is there, and says so from the emergency stack.
fn overflows(session: &mut Session, debugger: &mut Debugger, map: &Map) {
    let (_, hole) = map.hole(debugger.core(0).sp());
    debugger.set_pc(hole);
    debugger.go();
    // It may have slept, which what is typed ends.
    session.send("\r").expect(&format!("exception 4 at EL2: {NOT_MAPPED} FAR {hole:#x} PC {hole:#x} "));
    session.expect("backtrace, offsets in the image:");
    let calls = session.rest_of_line();
    let offsets: Vec<_> = calls.split_whitespace().filter_map(|call| call.strip_prefix("0x")).collect();
    assert!(offsets.len() > 1, "expected the calls that led to the sleep: {calls:?}");
    for offset in offsets {
        let offset = u64::from_str_radix(offset, 16).expect("an offset is a number");
        assert_eq!(map.at(map.start + offset), 'x', "{offset:#x} is no code");
    }
    debugger.stop();
    assert_eq!(map.hole(debugger.core(0).sp()).0, STACKS, "the report did not come from the emergency stack");
}
