//! What must hold for every configuration. Property tests and fuzz targets call the same functions.

use super::example;
use bulkhead_abi::image::{HEADER_LENGTH, HEADER_OFFSET, ImageHeader};
use bulkhead_vmm::address::{Ipa, Pa, Range};
use bulkhead_vmm::config::board::{Board, Enable};
use bulkhead_vmm::config::guest_tree::{self, Machine};
use bulkhead_vmm::config::plan::{HYPERVISOR_RESERVE, Occupied, Plan, VmPlan, plan};
use bulkhead_vmm::config::{Configuration, Module, RawPlace, VmConfig};
use bulkhead_vmm::fault::ConfigError;
use bulkhead_vmm::fdt::Tree;
use bulkhead_vmm::kernel_image::{Inflater, KernelFile, LoadPlan, UnknownFormat};

/// Where the hypervisor lies in the checks.
const IMAGE: (u64, u64) = (0x4020_0000, 0x10_0000);

/// Reads board and configuration from `tree`, plans it, and checks the plan.
///
/// # Errors
/// The board cannot run anything.
///
/// # Panics
/// Something does not hold.
pub fn configuration(tree: &Tree) -> Result<Plan, ConfigError> {
    let board = Board::read(tree)?;
    check_board(&board);
    let image = Range::<Pa>::new(Pa::new(IMAGE.0), IMAGE.1).expect("a range");
    let occupied = [Occupied { by: "the hypervisor", range: image, released: false }];
    let packed = plan(&board, Configuration::read(tree, &board, Some(image.start())), &occupied);
    check_plan(&packed, &board, &image);
    let loose = plan(&board, Configuration::read(tree, &board, None), &occupied);
    check_plan(&loose, &board, &image);
    Ok(loose)
}

fn check_board(board: &Board) {
    assert!(!board.memory.is_empty() && !board.cpus.is_empty());
    assert!(board.memory.windows(2).all(|pair| pair[0].last() < pair[1].start()), "RAM is ascending without overlap");
    assert!(board.memory.iter().all(|range| range.start().is_aligned(4096) && range.size().is_multiple_of(4096)));
    board.warnings.iter().for_each(well_said);
}

/// A mistake names its node, and what was found and expected.
fn well_said(error: &ConfigError) {
    let said = error.to_string();
    let (found, expected) = said.split_once("; expected ").expect("an expectation");
    let (place, value) = found.split_once(" is ").expect("a value");
    assert!(place.starts_with('/') && !value.is_empty() && !expected.is_empty(), "{said}");
    assert!(value.len() < 2000, "{said}");
}

fn check_plan(plan: &Plan, board: &Board, image: &Range<Pa>) {
    let vms: Vec<&VmPlan> = plan.starting().collect();
    plan.vms.iter().flat_map(|vm| &vm.errors).for_each(well_said);
    check_cores(&vms, board);
    check_memory(plan, &vms, board, image);
    for (index, vm) in vms.iter().enumerate() {
        assert!(vms.iter().skip(index + 1).all(|other| other.vm.name != vm.vm.name), "two VMs named {}", vm.vm.name);
        check_guest(vm);
    }
    assert!(plan.housekeeping_core < board.cpus.len());
}

/// Every core has one vCPU at most, and can be started.
fn check_cores(vms: &[&VmPlan], board: &Board) {
    let mut cores: Vec<usize> = vms.iter().flat_map(|vm| vm.cores.clone()).collect();
    assert!(cores.iter().all(|core| board.cpus.get(*core).is_some_and(|cpu| cpu.enable != Enable::Disabled)));
    cores.sort_unstable();
    assert!(cores.windows(2).all(|pair| pair[0] != pair[1]), "a core has two vCPUs");
    assert!(vms.iter().all(|vm| (1..=32).contains(&vm.cores.len())));
}

/// What is free, each guest's fixed RAM, each module, the image and what is reserved do not overlap, and lie in RAM.
fn check_memory(plan: &Plan, vms: &[&VmPlan], board: &Board, image: &Range<Pa>) {
    let modules: Vec<&Module> = vms.iter().flat_map(|vm| vm.vm.modules()).collect();
    let fixed: Vec<Range<Pa>> = vms.iter().filter_map(|vm| vm.memory).collect();
    let given: Vec<Range<Pa>> = fixed.iter().chain(&plan.free).copied().collect();
    for (index, range) in given.iter().enumerate() {
        assert!(board.is_ram(range) && range.start().is_aligned(4096) && range.size().is_multiple_of(4096));
        assert!(!range.overlaps(image) && board.reserved.iter().all(|reserved| !reserved.overlaps(range)));
        assert!(
            modules.iter().all(|module| !module.range.overlaps(range)),
            "a module lies in memory that is given away"
        );
        assert!(given.iter().skip(index + 1).all(|other| !other.overlaps(range)));
    }
    let same_or_apart = |a: &Module, b: &Module| a.range == b.range || !a.range.overlaps(&b.range);
    assert!(modules.iter().all(|a| modules.iter().all(|b| same_or_apart(a, b))));
    let wanted: u128 = vms.iter().filter(|vm| vm.memory.is_none()).map(|vm| u128::from(vm.memory_size)).sum();
    let free: u128 = plan.free.iter().map(|range| u128::from(range.size())).sum();
    assert!(wanted == 0 || wanted + u128::from(HYPERVISOR_RESERVE) <= free, "{wanted:#x} of {free:#x}");
}

/// The guest's tree can be written, and whatever its kernel is, nothing overlaps.
fn check_guest(vm: &VmPlan) {
    assert!(vm.memory_size > 0 && vm.memory_size.is_multiple_of(4096));
    let ram = vm.vm.layout.ram(vm.memory_size).expect("RAM that the guest can address");
    assert_eq!(vm.vm.layout.overlapped(&ram, vm.gic), None);
    let (layout, bootargs) = (&vm.vm.layout, vm.vm.bootargs.as_str());
    let machine = Machine {
        layout,
        vcpus: vm.cores.len(),
        ram,
        gic: vm.gic,
        console: vm.vm.console,
        bootargs,
        ramdisk: None,
        seeds: &[1; 5],
    };
    let tree = guest_tree::build(&machine);
    Tree::new(&tree).expect("a guest's tree");
    for (text_offset, image_size) in [(0, 0), (0, 0x20_0000), (0x8_0000, 1), (u64::MAX, 1), (0, u64::MAX)] {
        let file =
            open_kernel(&kernel_head(text_offset, image_size), vm.vm.kernel.range.size()).expect("it is not packed");
        if let Ok(load) = LoadPlan::new(&vm.vm, ram, &file) {
            check_load(&load, &ram, &vm.vm);
            assert!(vm.vm.device_tree.is_some() || load.tree.is_none_or(|place| place.size() >= tree.len() as u64));
        }
    }
}

fn check_load(load: &LoadPlan, ram: &Range<Ipa>, vm: &VmConfig) {
    let kernel: Vec<Range<Ipa>> = load.kernel.iter().map(|segment| segment.memory).collect();
    assert!(kernel.iter().any(|memory| memory.contains(load.entry)), "{:?} is in none of {kernel:?}", load.entry);
    assert!(load.kernel.iter().all(|segment| segment.size <= segment.memory.size()));
    assert_eq!(load.ramdisk.map(|ramdisk| ramdisk.size()), vm.ramdisk.as_ref().map(|module| module.range.size()));
    let all: Vec<Range<Ipa>> = kernel.into_iter().chain(load.tree).chain(load.ramdisk).collect();
    for (index, range) in all.iter().enumerate() {
        assert!(ram.contains_range(range), "{range} is not in {ram}");
        assert!(all.iter().skip(index + 1).all(|other| !other.overlaps(range)), "{range} overlaps");
    }
    assert_eq!(load.boot_argument % 8, 0);
    assert_eq!(load.boot_argument, load.tree.map_or(0, |tree| tree.start().get()));
}

/// The first bytes of an ELF file with these `segments` to load: type, offset in the file, physical address, size there and in
/// memory. Addresses take 8 bytes (`wide`), or 4. It is entered at the first segment's start.
pub fn elf_head(wide: bool, segments: &[[u64; 5]]) -> Vec<u8> {
    let word = |value: u64| value.to_le_bytes()[..if wide { 8 } else { 4 }].to_vec();
    let half = |value: usize| (value as u16).to_le_bytes().to_vec();
    let (header, entry_size) = if wide { (64, 56) } else { (52, 32) };
    let entry = segments.first().map_or(0, |segment| segment[2]);
    let mut bytes = vec![0x7f, b'E', b'L', b'F', if wide { 2 } else { 1 }, 1, 1];
    bytes.resize(16, 0);
    bytes.extend([half(2), half(183), vec![1, 0, 0, 0], word(entry), word(header), word(0), vec![0; 4]].concat());
    bytes.extend([header as usize, entry_size, segments.len(), 0, 0, 0].map(half).concat());
    for [kind, offset, address, file_size, memory_size] in segments {
        let (kind, flags) = ((*kind as u32).to_le_bytes().to_vec(), vec![7, 0, 0, 0]);
        let words = [offset, address, address, file_size, memory_size].map(|value| word(*value)).concat();
        let parts = if wide { vec![kind, flags, words, word(8)] } else { vec![kind, words, flags, word(8)] };
        bytes.extend(parts.concat());
    }
    bytes
}

/// The first bytes of an arm64 kernel.
pub fn kernel_head(text_offset: u64, image_size: u64) -> [u8; 64] {
    let mut head = [0; 64];
    head[8..16].copy_from_slice(&text_offset.to_le_bytes());
    head[16..24].copy_from_slice(&image_size.to_le_bytes());
    head[56..60].copy_from_slice(b"ARM\x64");
    head
}

/// Opens a kernel's file of `size` bytes that begins with `head` and has zeroes behind it.
///
/// # Errors
/// It is packed, and damaged.
pub fn open_kernel(head: &[u8], size: u64) -> Result<KernelFile, UnknownFormat> {
    KernelFile::open(size, &mut |offset, bytes| {
        assert!(
            offset.checked_add(bytes.len() as u64).is_some_and(|end| end <= size),
            "it reads behind the file's end"
        );
        let there = usize::try_from(offset).ok().and_then(|offset| head.get(offset..)).unwrap_or_default();
        bytes.fill(0);
        bytes.iter_mut().zip(there).for_each(|(byte, there)| *byte = *there);
    })
}

/// Reads `bytes` as the first of a kernel's file of `size` bytes, with zeroes behind them, raw if `raw` says its place: it is
/// placed in RAM so that every promise holds, or its first bytes are said. Whether it is placed.
///
/// # Panics
/// That does not hold.
pub fn kernel(bytes: &[u8], size: u64, raw: Option<RawPlace>) -> bool {
    let Some(size) = Some(size).filter(|size| *size != 0) else { return false };
    let vm = VmConfig { raw, ..example::vm(size, None, None) };
    let file = match open_kernel(bytes, size) {
        Ok(file) => file,
        Err(unknown) => {
            let there = bytes.iter().take(usize::try_from(size).unwrap_or(usize::MAX));
            assert!(there.zip(unknown.first).all(|(byte, first)| *byte == first));
            return false;
        }
    };
    let ram = Range::<Ipa>::new(Ipa::new(0x4000_0000), 64 << 20).expect("a range");
    let plan = LoadPlan::new(&vm, ram, &file);
    match &plan {
        Ok(load) => {
            assert!(
                load.kernel.iter().all(|part| part.offset.checked_add(part.size).is_some_and(|end| end <= file.size))
            );
            check_load(load, &ram, &vm);
        }
        Err(error) => well_said(error),
    }
    plan.is_ok()
}

/// Unpacks `bytes`: never more than they say come out, and the end is found. Whether they are whole.
///
/// # Panics
/// That does not hold.
pub fn packed_kernel(bytes: &[u8]) -> bool {
    let mut source = |offset: u64, into: &mut [u8]| into.copy_from_slice(&bytes[offset as usize..][..into.len()]);
    let Ok(mut inflater) = Inflater::open((0, bytes.len() as u64), &mut source) else { return false };
    let (mut produced, claimed) = (0, inflater.unpacked_size());
    // A step yields something, takes a chunk of the file, or is the last.
    let mut idle = 0..bytes.len() / 4096 + 3;
    while !inflater.is_done() {
        let Ok((at, out)) = inflater.step(&mut source) else { return false };
        assert!(at == produced && out.len() <= 4096);
        produced += out.len() as u64;
        assert!(produced <= claimed && (!out.is_empty() || idle.next().is_some()), "it goes on for ever");
    }
    assert_eq!(produced, claimed);
    true
}

/// Reads `bytes` as our header: what is read is what stands there.
///
/// # Panics
/// That does not hold.
pub fn image_header(bytes: &[u8]) -> Option<ImageHeader> {
    let header = ImageHeader::parse(bytes)?;
    assert_eq!(header.to_bytes(), bytes[..HEADER_LENGTH]);
    Some(header)
}

/// Reads `bytes` as a packed image: its header, and the tree that it says is behind it. Whether that can be planned.
///
/// # Panics
/// Something does not hold.
pub fn packed(bytes: &[u8]) -> bool {
    let header = bytes.get(HEADER_OFFSET..).and_then(image_header);
    let tree = header.and_then(|header| {
        let start = usize::try_from(header.pack_offset).ok()?;
        bytes.get(start..start.checked_add(usize::try_from(header.pack_size).ok()?)?)
    });
    matches!(tree.map(crate::fdt::check::tree), Some(Ok(tree)) if configuration(&tree).is_ok())
}

/// A packed image whose tree is `tree`: a header and nothing else.
pub fn packed_image(tree: &[u8]) -> Vec<u8> {
    let (bare_size, pack_size) = (4096, tree.len() as u64);
    let header =
        ImageHeader { early_uart_kind: 1, early_uart_base: 0x900_0000, bare_size, pack_offset: 128, pack_size };
    [&kernel_head(0, bare_size)[..], &header.to_bytes(), &[0; 16], tree].concat()
}
