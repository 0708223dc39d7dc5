//! One file of hypervisor, configuration and guests.

mod common;

use bulkhead_abi::image::{EarlyUart, HEADER_OFFSET, ImageHeader};
use bulkhead_model::config::check::elf_head;
use bulkhead_model::config::example;
use bulkhead_model::fdt::{corpus, dts, mutate};
use bulkhead_model::gzip;
use bulkhead_model::random::Random;
use bulkhead_tool::inspect::inspect;
use bulkhead_tool::modules::ModuleFile;
use bulkhead_tool::pack::{EarlyConsole, pack, pack_with};
use bulkhead_tool::source::Source;
use bulkhead_vmm::address::Pa;
use bulkhead_vmm::config::Configuration;
use bulkhead_vmm::config::board::Board;
use bulkhead_vmm::fdt::Tree;
use common::{BARE_SIZE, Folder, image, kernel, modules};

fn config() -> Vec<u8> {
    dts::compile(example::source("two-guests"))
}

fn header(packed: &[u8]) -> ImageHeader {
    ImageHeader::parse(&packed[HEADER_OFFSET..]).expect("a header")
}

fn packed_tree(packed: &[u8]) -> Tree {
    let header = header(packed);
    let (start, size) = (header.pack_offset as usize, header.pack_size as usize);
    Tree::new(&packed[start..start + size]).expect("a tree")
}

#[test]
fn the_hypervisor_finds_every_module_where_the_pack_has_it() {
    let packed = pack(&image(), &config(), &modules()).expect("a pack");
    let board = Board::read(&Tree::new(&dts::compile(corpus::SOURCES[0].1)).expect("a tree")).expect("a board");
    let base = Pa::new(0x4020_0000);
    let configuration = Configuration::read(&packed_tree(&packed), &board, Some(base));
    assert_eq!((configuration.errors, configuration.warnings), (vec![], vec![]));
    let found: Vec<_> = configuration.vms.iter().flat_map(|vm| vm.vm.modules()).collect();
    assert_eq!(found.len(), 3);
    for (module, given) in found.iter().zip(modules()) {
        let offset = module.range.start().offset_from(base).expect("an offset") as usize;
        assert_eq!(module.node, given.path);
        assert_eq!(offset % 4096, 0);
        assert_eq!(packed[offset..offset + module.range.size() as usize], given.bytes, "{}", module.node);
    }
}

#[test]
fn the_pack_lies_behind_bss_and_every_size_says_so() {
    let bare = image();
    let packed = pack(&bare, &config(), &modules()).expect("a pack");
    let header = header(&packed);
    assert_eq!((header.bare_size, header.pack_offset), (BARE_SIZE, BARE_SIZE));
    assert_eq!(packed.len() % 4096, 0);
    assert_eq!(packed[16..24], (packed.len() as u64).to_le_bytes(), "image_size of the arm64 header");
    assert_eq!(packed[0x200 + 80..][..4], (packed.len() as u32).to_le_bytes(), "SizeOfImage of the PE header");
    assert!(packed[bare.len()..BARE_SIZE as usize].iter().all(|byte| *byte == 0), "BSS is zero");
    assert_eq!(packed[0x300..bare.len()], bare[0x300..]);
}

#[test]
fn equal_modules_are_stored_once() {
    let mut equal = modules();
    equal[2].bytes = equal[0].bytes.clone();
    let regs = |packed: &[u8]| {
        let tree = packed_tree(packed);
        ["linux", "rtos"].map(|vm| {
            let view = tree.view();
            let node = view.find(&format!("/chosen/hypervisor/{vm}/kernel")).expect("a node");
            node.reg_as((2, 2)).expect("a reg")
        })
    };
    let [linux, rtos] = regs(&pack(&image(), &config(), &equal).expect("a pack"));
    assert_eq!(linux, rtos);
    let [linux, rtos] = regs(&pack(&image(), &config(), &modules()).expect("a pack"));
    assert_ne!(linux, rtos);
}

#[test]
fn the_early_uart_is_stored_or_left_as_it_is() {
    let early = EarlyConsole { kind: EarlyUart::Pl011, base: 0x900_0000 };
    assert_eq!("pl011@0x9000000".parse(), Ok(early));
    assert!("uart@0x9000000".parse::<EarlyConsole>().is_err() && "pl011@x".parse::<EarlyConsole>().is_err());
    let packed = header(&pack_with(&image(), &config(), &modules(), Some(early)).expect("a pack"));
    assert_eq!((packed.early_uart_kind, packed.early_uart_base), (1, 0x900_0000));
    let packed = header(&pack(&image(), &config(), &modules()).expect("a pack"));
    assert_eq!((packed.early_uart_kind, packed.early_uart_base), (0, 0));
}

#[test]
fn what_cannot_be_packed_is_named() {
    let refused =
        |image: &[u8], config: &[u8], modules: &[ModuleFile]| pack(image, config, modules).expect_err("no pack").0;
    let packed = pack(&image(), &config(), &modules()).expect("a pack");
    assert_eq!(refused(&packed, &config(), &modules()), "the image has a pack already: give the bare one");
    assert_eq!(refused(&kernel(4096, 0), &config(), &modules()), "the image has no Bulkhead header of this version");
    assert_eq!(refused(&[], &config(), &modules()), "the image has no Bulkhead header of this version");
    let long = [image(), vec![0; 0x4_0000]].concat();
    assert_eq!(
        refused(&long, &config(), &modules()),
        "the image's header gives a size of 0x40000 bytes, but the file has 0x61000"
    );
    assert_eq!(refused(&image(), &config()[..100], &modules()), "configuration: the tree is cut short at 0x64");
    assert_eq!(
        refused(&image(), &config(), &modules()[1..]),
        "/chosen/hypervisor/linux/kernel: no file for this module; give its node bulkhead,file or use --module"
    );
    let mut empty = modules();
    empty[1].bytes.clear();
    assert_eq!(refused(&image(), &config(), &empty), "/chosen/hypervisor/linux/ramdisk: the module's file is empty");
    let odd = dts::compile(&example::source("two-guests").replacen("#address-cells = <2>", "#address-cells = <3>", 1));
    assert_eq!(
        refused(&image(), &odd, &modules()),
        "/chosen/hypervisor/linux/kernel: 0x0 does not fit 3 cells; expected #address-cells and #size-cells of 1 or 2 above it"
    );
}

#[test]
fn inspect_says_what_is_inside() {
    let folder = Folder::new("inspect");
    let bare = folder.write("bare.img", &image());
    assert!(inspect(&bare).expect("a bare image").ends_with("pack          none\n"));
    let packed = folder.write("packed.img", &pack(&image(), &config(), &modules()).expect("a pack"));
    let text = inspect(&packed).expect("a packed image");
    assert!(
        text.contains("/chosen/hypervisor/linux/kernel (0x1388 bytes, arm64 kernel of 0x100000 in memory)"),
        "{text}"
    );
    assert!(text.contains("/chosen/hypervisor/linux/ramdisk (0x64 bytes)"), "{text}");
    let mut others = modules();
    others[0].bytes = gzip::pack(&kernel(5000, 1), b"Image");
    others[2].bytes = elf_head(true, &[]);
    let packed = folder.write("others.img", &pack(&image(), &config(), &others).expect("a pack"));
    let text = inspect(&packed).expect("a packed image");
    assert!(text.contains(" bytes, gzip of 0x1388 bytes, arm64 kernel of 0x100000 in memory)"), "{text}");
    assert!(text.contains("/chosen/hypervisor/rtos/kernel (0x40 bytes, ELF file)"), "{text}");
    let foreign = folder.write("foreign", b"something else");
    assert!(inspect(&foreign).expect_err("no image").0.ends_with("no Bulkhead header of this version"));
}

#[test]
fn a_damaged_pack_is_read_or_refused() {
    let folder = Folder::new("damaged");
    let packed = pack(&image(), &config(), &modules()).expect("a pack");
    let end = (header(&packed).pack_offset + header(&packed).pack_size) as usize;
    let mut refused = 0;
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let mut damaged = packed.clone();
        let at = if seed % 2 == 0 { HEADER_OFFSET..HEADER_OFFSET + 48 } else { BARE_SIZE as usize..end };
        let part = mutate::mutate(&damaged[at.clone()], &mut random);
        damaged.splice(at, part);
        damaged.truncate(damaged.len() - random.below(0x4000) as usize);
        let file = folder.write("damaged.img", &damaged);
        refused += usize::from(inspect(&file).is_err() || Source::read(&file).is_err());
    }
    assert!((30..300).contains(&refused), "{refused}");
}
