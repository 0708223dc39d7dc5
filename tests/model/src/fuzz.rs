//! The fuzz targets of `tests/fuzz`: what each checks of any bytes, and the inputs that fuzzing starts from. A property
//! test damages these inputs in its own way, so that the targets are known to work where nobody fuzzes.

use crate::config::check;
use crate::config::example::{EXAMPLES, on_board_bytes};
use crate::fdt::corpus;
use crate::random::Random;
use crate::{calls, instruction, vgic};
use bulkhead_vmm::address::Ipa;
use bulkhead_vmm::config::RawPlace;
use bulkhead_vmm::fdt::Tree;

/// A check of any bytes, which panics if a promise does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A device tree: refused, or walked whole by the crate that reads it.
    Tree,
    /// A tree with a board and a configuration: refused, or planned so that every promise holds.
    Configuration,
    /// A packed image: its header and tree are refused, or what they lead to keeps every promise.
    Pack,
    /// A guest's kernel, behind the eight bytes of the size that its file claims, and eight of where it goes if it is raw, or 0.
    Kernel,
    /// A file packed by gzip.
    Gzip,
    /// What guests, devices and cores do to a GICv2, beside the oracle of the architecture.
    Gicv2,
    /// The same of a GICv3.
    Gicv3,
    /// A call by HVC or SMC: answered as PSCI and SMCCC have it.
    Calls,
    /// An instruction whose access no syndrome describes: decoded as its encoding has it.
    Instruction,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Tree,
        Self::Configuration,
        Self::Pack,
        Self::Kernel,
        Self::Gzip,
        Self::Gicv2,
        Self::Gicv3,
        Self::Calls,
        Self::Instruction,
    ];

    /// The name of its binary and of its folder in the corpus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Configuration => "configuration",
            Self::Pack => "pack",
            Self::Kernel => "kernel",
            Self::Gzip => "gzip",
            Self::Gicv2 => "gicv2",
            Self::Gicv3 => "gicv3",
            Self::Calls => "calls",
            Self::Instruction => "instruction",
        }
    }

    /// Checks `bytes`. Whether they were read.
    ///
    /// # Panics
    /// A promise does not hold.
    pub fn check(self, bytes: &[u8]) -> bool {
        match self {
            Self::Tree => crate::fdt::check::tree(bytes).is_ok(),
            Self::Configuration => Tree::new(bytes).is_ok_and(|tree| check::configuration(&tree).is_ok()),
            Self::Pack => check::packed(bytes),
            Self::Kernel => kernel(bytes).is_some_and(|(size, raw, head)| check::kernel(head, size, raw)),
            Self::Gzip => check::packed_kernel(bytes),
            Self::Gicv2 => vgic::fuzz::check(false, bytes),
            Self::Gicv3 => vgic::fuzz::check(true, bytes),
            Self::Calls => calls::check(bytes),
            Self::Instruction => instruction::check(bytes),
        }
    }

    /// Inputs to start from, by name: all of them are read.
    pub fn seeds(self) -> Vec<(String, Vec<u8>)> {
        match self {
            Self::Tree => own(),
            Self::Configuration => own().into_iter().chain(examples()).collect(),
            Self::Pack => examples().map(|(name, tree)| (name, check::packed_image(&tree))).collect(),
            Self::Kernel => {
                kernels().map(|(name, place, head)| (name.into(), [&SIZE[..], &place, &head].concat())).into()
            }
            Self::Gzip => packed().map(|(name, bytes)| (name.into(), bytes)).into(),
            Self::Gicv2 | Self::Gicv3 => vgic::fuzz::seeds().collect(),
            Self::Calls => calls::seeds().collect(),
            Self::Instruction => instruction::seeds().collect(),
        }
    }
}

/// The size of each kernel that fuzzing starts from.
const SIZE: [u8; 8] = 0x2000_u64.to_le_bytes();

/// Size, place if it is raw, and first bytes of the kernel that `bytes` stand for.
fn kernel(bytes: &[u8]) -> Option<(u64, Option<RawPlace>, &[u8])> {
    let (size, bytes) = bytes.split_first_chunk()?;
    let (place, head) = bytes.split_first_chunk()?;
    let load = Ipa::new(u64::from_le_bytes(*place));
    let raw = (load.get() != 0).then_some(RawPlace { load, entry: load });
    Some((u64::from_le_bytes(*size), raw, head))
}

/// Kernels to start from: name, place, first bytes.
fn kernels() -> [(&'static str, [u8; 8], Vec<u8>); 5] {
    const NOWHERE: [u8; 8] = [0; 8];
    const SEGMENTS: [[u64; 5]; 3] =
        [[1, 0x1000, 0x4100_0000, 0x1000, 0x2000], [2, 0, 0, 0, 0], [1, 0, 0x4000_0000, 0x1000, 0x1000]];
    [
        ("image", NOWHERE, check::kernel_head(0, 1 << 20).into()),
        ("elf64", NOWHERE, check::elf_head(true, &SEGMENTS)),
        ("elf32", NOWHERE, check::elf_head(false, &SEGMENTS)),
        ("efi", NOWHERE, efi_packed(&check::kernel_head(0, 1 << 20))),
        ("raw", 0x4000_0000_u64.to_le_bytes(), vec![0; 64]),
    ]
}

/// The first bytes of a compressed EFI image with `kernel` in it.
fn efi_packed(kernel: &[u8]) -> Vec<u8> {
    let payload = crate::gzip::pack(kernel, b"");
    let fields = [64_u32, payload.len() as u32].map(u32::to_le_bytes).concat();
    [b"MZ\0\0zimg", &fields[..], &[0; 8], b"gzip", &[0; 36], &payload].concat()
}

/// Files packed by gzip: one that was packed by the library's other half, one with all that its header may have.
fn packed() -> [(&'static str, Vec<u8>); 2] {
    let text: Vec<u8> = (0..100_000_u32).flat_map(|number| (number / 7 % 251).to_le_bytes()).collect();
    let plain = crate::gzip::pack(&text, &[]);
    [("plain", plain), ("named", crate::gzip::pack(b"a kernel", b"its name"))]
}

fn own() -> Vec<(String, Vec<u8>)> {
    corpus::own().into_iter().map(|sample| (sample.name, sample.bytes)).collect()
}

/// Every example of the documentation on every board of ours.
fn examples() -> impl Iterator<Item = (String, Vec<u8>)> {
    let on =
        |board: &'static str| EXAMPLES.map(|(name, source)| (format!("{board}-{name}"), on_board_bytes(board, source)));
    corpus::SOURCES.into_iter().flat_map(move |(board, _)| on(board))
}

/// One of `inputs` with damage that knows nothing of any format: what a fuzzing engine does without its feedback.
pub fn damaged(inputs: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let index = |random: &mut Random| random.below(inputs.len() as u64) as usize;
    let mut bytes = inputs[index(random)].clone();
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len() as u64 + 1) as usize;
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.bits() as u8),
            2 => bytes.splice(at.., inputs[index(random)].iter().skip(at).copied()).for_each(drop),
            3 => bytes.iter_mut().skip(at).take(8).for_each(|byte| *byte = random.bits() as u8),
            4 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
            _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.pick(&[0, 1, 0x7f, 0x80, 0xff])),
        }
    }
    bytes
}
