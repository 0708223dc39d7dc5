//! Kernels in each format, packed by gzip and not, and where their trees go.

use bulkhead_abi::property;
use bulkhead_qemu::board::GICS;
use bulkhead_qemu::configuration::{Value, gzip};
use bulkhead_qemu::model::VERSAL;
use bulkhead_qemu::{Board, Boot, Configuration, Session, Suite, Vm, artifacts};
use std::fs;

/// Where the guests of `tests/guests` are linked.
const LINKED: u64 = 0x4020_0000;
/// Where raw bytes are loaded: at no page's start.
const LOAD: u64 = 0x4012_3410;
/// Bytes of them before their first instruction.
const BEFORE: usize = 0x2c;
/// Starts of a guest that is restarted which are awaited.
const STARTS: usize = 3;
/// Guests with packed kernels: more than EL2's heap could unpack at once.
const MANY: u32 = 7;

pub fn register(suite: &mut Suite) {
    for (name, vm) in kernels() {
        let boot = Boot::packed(Configuration::new().vm(vm));
        suite.on_each(&format!("formats_{name}"), &boot, boards(), |session| {
            session.port("guest").expect("hello: model \"Bulkhead virtual machine\"");
            session.port("guest").verdict();
            session.end();
        });
    }
    for (name, vm, tree) in trees() {
        let boot = Boot::packed(
            Configuration::new().vm(vm
                .kernel(raw(tree))
                .kernel_property(property::LOAD_ADDRESS, Value::U64(LOAD))
                .kernel_property(property::ENTRY, Value::U64(LOAD + BEFORE as u64))),
        );
        suite.on_each(&format!("formats_raw_{name}"), &boot, boards(), |session| {
            session.port("guest").expect("1");
            session.end();
        });
    }
    for gic in GICS {
        let file = artifacts::guest("x").with_file_name(format!("freertos-gicv{}.elf", gic.version()));
        let boot = Boot::packed(Configuration::new().vm(Vm::of_file("rtos", file).packed().memory_mib(32)));
        suite.on_each("formats_freertos_elf_packed", &boot, [Board::virt(gic).cores(2)], |session| {
            session.port("rtos").expect("FreeRTOS");
            session.stands();
        });
    }
    let many = (0..MANY).map(|index| Vm::new(&format!("vm{index}"), "hello").packed());
    let boot = Boot::packed(many.fold(Configuration::new(), Configuration::vm));
    let large = GICS.into_iter().map(|gic| Board::virt(gic).cores(MANY + 1));
    suite.on_each("formats_many_packed", &boot, large, |session| {
        for index in 0..MANY {
            session.port(&format!("vm{index}")).verdict();
        }
        session.end();
    });
    let restarted = elf().packed().property(property::ON_POWER_OFF, Value::Text(property::RESTART.into()));
    let boot = Boot::packed(Configuration::new().vm(restarted));
    suite.on_each("formats_unpacked_again", &boot, boards(), unpacked_again);
    for (name, said, kernel) in damaged() {
        let bad = Vm::new("bad", "hello").kernel(kernel);
        let boot = Boot::packed(Configuration::new().vm(bad).vm(Vm::new("good", "hello")));
        suite.on_each(&format!("formats_{name}"), &boot, boards(), move |session| {
            session.port("hypervisor").expect(&format!("error: bad: its kernel is {said}")).expect("bad: off, ");
            session.port("good").verdict();
            session.end();
            assert_eq!(session.port("bad").text(), "", "a damaged kernel ran");
        });
    }
}

fn boards() -> impl Iterator<Item = Board> {
    GICS.into_iter().map(|gic| Board::virt(gic).cores(2)).chain([Board::real(&VERSAL)])
}

fn elf() -> Vm {
    Vm::of_file("guest", artifacts::guest_elf("hello"))
}

fn kernels() -> [(&'static str, Vm); 8] {
    let image = || Vm::new("guest", "hello");
    let raw = || image().kernel_property(property::LOAD_ADDRESS, Value::U64(LINKED));
    let tree = Value::U64(0x4000_0000);
    [
        ("elf", elf()),
        ("elf_packed", elf().packed()),
        ("image_packed", image().packed()),
        ("efi_packed", image().kernel(efi_packed())),
        ("raw", raw()),
        ("raw_packed", raw().packed()),
        ("elf_with_tree_at_the_start", elf().property(property::TREE_ADDRESS, tree.clone())),
        ("image_with_tree_at_the_start", image().property(property::TREE_ADDRESS, tree)),
    ]
}

/// The guest `hello` as a compressed EFI image: a header, the packed kernel, and what an EFI loader would run.
fn efi_packed() -> Vec<u8> {
    const PAYLOAD: usize = 0x40;
    let payload = gzip(&fs::read(artifacts::guest("hello")).unwrap_or_default());
    let mut bytes = vec![0; PAYLOAD];
    bytes[..8].copy_from_slice(b"MZ\0\0zimg");
    bytes[8..12].copy_from_slice(&(PAYLOAD as u32).to_le_bytes());
    bytes[12..16].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    bytes[24..28].copy_from_slice(b"gzip");
    [bytes, payload, vec![0xff; 5000]].concat()
}

/// Where a guest is told that its tree is.
fn trees() -> [(&'static str, Vm, u64); 2] {
    let vm = || Vm::new("guest", "hello");
    [
        ("without_tree", vm().property(property::NO_TREE, Value::Empty), 0),
        ("with_tree", vm().property(property::TREE_ADDRESS, Value::U64(0x4030_0000)), 0x4030_0000),
    ]
}

/// A program for any place that says `1` if its x0 is `tree`, a multiple of 64 KiB below 4 GiB, and switches itself off.
fn raw(tree: u64) -> Vec<u8> {
    let instructions = [
        0xd2a0_0003 | (tree as u32 >> 16) << 5, // movz x3, #tree >> 16, lsl #16
        0xeb03_001f,                            // cmp x0, x3
        0x1a9f_17e2,                            // cset w2, eq
        0x1100_c042,                            // add w2, w2, #'0'
        0xd2a1_2001,                            // movz x1, #0x900, lsl #16
        0xb900_0022,                            // str w2, [x1]
        0xd280_0100,                            // movz x0, #8
        0xf2b0_8000,                            // movk x0, #0x8400, lsl #16
        0xd400_0002_u32,                        // hvc #0
    ];
    let mut bytes = vec![0xff; BEFORE];
    instructions.iter().for_each(|instruction| bytes.extend(instruction.to_le_bytes()));
    bytes
}

/// Each start unpacks it anew.
fn unpacked_again(session: &mut Session) {
    for _ in 0..STARTS {
        session.port("guest").expect("hello: model ");
        session.port("guest").verdict();
        session.port("hypervisor").expect("info: guest: it switched itself off");
    }
    session.port("hypervisor").expect("guest: running, ");
    session.stands();
}

/// Packed kernels whose damage shows late: a name, what is said, and the kernel.
fn damaged() -> [(&'static str, &'static str, Vec<u8>); 2] {
    let whole = || gzip(&fs::read(artifacts::guest("hello")).unwrap_or_else(|_| vec![0; 1 << 20]));
    let (mut checksum, mut data) = (whole(), whole());
    let end = checksum.len();
    checksum[end - 8] ^= 1;
    data.drain(end - 600..end - 500);
    [("with_a_wrong_checksum", "a gzip file whose checksum is wrong", checksum), ("with_bytes_missing", "a ", data)]
}
