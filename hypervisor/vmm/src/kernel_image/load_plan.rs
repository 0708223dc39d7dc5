//! Where in a guest's RAM its kernel, RAM disk and device tree go.
//!
//! ```text
//! RAM base                                          upper end of the window
//! │ 2 MiB │ text_offset │ kernel, BSS │ ... │ RAM disk │ tree │
//! └ free for the kernel                     └ page     └ page
//! ```
//! The window is the first 512 MiB of RAM, or more if that is not enough: Linux wants its RAM disk within 32 GiB of
//! the kernel, others can reach less.

use super::header::{BASE_ALIGNMENT, KernelImage};
use crate::address::{Ipa, PAGE_SIZE, Range};
use crate::config::VmConfig;
use crate::fault::ConfigError;

/// Bytes of RAM below the kernel.
const KERNEL_OFFSET: u64 = 2 << 20;
/// RAM disk and tree end within so many bytes of RAM if there is room...
const WINDOW: u64 = 512 << 20;
/// ... and otherwise within so many.
const WIDEST_WINDOW: u64 = 16 << 30;
/// Room for a generated tree: 32 vCPUs and the longest command line take a third of it.
const TREE_ROOM: u64 = 64 << 10;

/// Where in a guest's RAM everything goes. The ranges lie in RAM and do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadPlan {
    /// Where the kernel's file goes.
    pub kernel: Range<Ipa>,
    /// What the kernel takes there, with its BSS.
    pub kernel_memory: Range<Ipa>,
    /// Where the RAM disk goes.
    pub ramdisk: Option<Range<Ipa>>,
    /// Room for the device tree: for the module if there is one, otherwise for a generated tree.
    pub tree: Range<Ipa>,
    /// The boot vCPU's first instruction.
    pub entry: Ipa,
    /// The boot vCPU's x0: the tree's address.
    pub boot_argument: u64,
}

impl LoadPlan {
    /// Plans `vm` in `ram`. `head` is the start of its kernel's file, [`HEADER_SIZE`](super::HEADER_SIZE) bytes if
    /// it has as many.
    ///
    /// # Errors
    /// The kernel's format is unknown, or not everything fits into RAM.
    pub fn new(vm: &VmConfig, ram: Range<Ipa>, head: &[u8]) -> Result<Self, ConfigError> {
        let file_size = vm.kernel.range.size();
        let image = KernelImage::parse(head, file_size).map_err(|unknown| unknown_kernel(vm, &unknown))?;
        let sizes = Sizes {
            kernel: file_size,
            ramdisk: vm.ramdisk.as_ref().map(|ramdisk| ramdisk.range.size()),
            tree: vm.device_tree.as_ref().map_or(TREE_ROOM, |tree| tree.range.size()),
        };
        let windows = [WINDOW, WIDEST_WINDOW].map(|window| ram.size().min(window));
        let plan = windows.into_iter().find_map(|window| sizes.place(&image, ram.start(), window));
        plan.ok_or_else(|| too_small(vm, ram, &image, &sizes))
    }
}

/// Sizes of what is to be placed, in bytes.
struct Sizes {
    kernel: u64,
    ramdisk: Option<u64>,
    tree: u64,
}

impl Sizes {
    /// Places everything in the `window` bytes from `base`, if it fits.
    fn place(&self, image: &KernelImage, base: Ipa, window: u64) -> Option<LoadPlan> {
        let start = base.get().checked_add(KERNEL_OFFSET)?.checked_next_multiple_of(BASE_ALIGNMENT)?;
        let entry = Ipa::new(start).checked_add(image.text_offset)?;
        let kernel_memory = Range::<Ipa>::new(entry, image.memory_size)?;
        let kernel_end = entry.get().checked_add(image.memory_size)?;
        let end = base.get().checked_add(window)?;
        let tree = place_below(end, self.tree)?;
        let ramdisk = match self.ramdisk {
            Some(size) => Some(place_below(tree.start().get(), size)?),
            None => None,
        };
        let lowest = ramdisk.unwrap_or(tree).start().get();
        (kernel_end <= lowest).then_some(LoadPlan {
            kernel: Range::<Ipa>::new(entry, self.kernel)?,
            kernel_memory,
            ramdisk,
            tree,
            entry,
            boot_argument: tree.start().get(),
        })
    }
}

/// The page-aligned range of `size` bytes that ends in the last page below `end`.
fn place_below(end: u64, size: u64) -> Option<Range<Ipa>> {
    let start = end.checked_sub(size)? & !(PAGE_SIZE - 1);
    Range::<Ipa>::new(Ipa::new(start), size)
}

fn unknown_kernel(vm: &VmConfig, unknown: &super::UnknownFormat) -> ConfigError {
    let value = format_args!("a kernel that starts with {unknown}");
    ConfigError::new(&vm.kernel.node, "reg", value, format_args!("an arm64 Image"))
}

fn too_small(vm: &VmConfig, ram: Range<Ipa>, image: &KernelImage, sizes: &Sizes) -> ConfigError {
    let needed = [KERNEL_OFFSET, image.text_offset, image.memory_size, sizes.ramdisk.unwrap_or(0), sizes.tree];
    // Up to a page is lost to alignment above and below the RAM disk, and 2 MiB below the kernel.
    let needed = needed.iter().fold(3 * PAGE_SIZE, |sum, size| sum.saturating_add(*size)).div_ceil(1024);
    let value = format_args!("{} KiB", ram.size() / 1024);
    let expected = format_args!("at least {needed} KiB for its kernel, RAM disk and device tree");
    ConfigError::new(&vm.node, "memory", value, expected)
}
