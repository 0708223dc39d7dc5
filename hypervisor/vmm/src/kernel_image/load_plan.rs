//! Where in a guest's RAM its kernel, RAM disk and device tree go.
//!
//! ```text
//! RAM base                                          upper end of the window
//! │ 2 MiB │ text_offset │ kernel, BSS │ ... │ RAM disk │ tree │
//! └ free for the kernel                     └ page     └ page
//! ```
//! The window is the first 512 MiB of RAM, or more if that is not enough: Linux wants its RAM disk within 32 GiB of
//! the kernel, others can reach less.

use super::file::{Format, KernelFile};
use super::header::{BASE_ALIGNMENT, KernelImage, UnknownFormat};
#[cfg(feature = "formats")]
use super::placed::placed;
use crate::address::{Ipa, PAGE_SIZE, Range};
use crate::config::{TreePlace, VmConfig};
use crate::fault::ConfigError;

/// Bytes of RAM below the kernel.
const KERNEL_OFFSET: u64 = 2 << 20;
/// RAM disk and tree end within so many bytes of RAM if there is room...
const WINDOW: u64 = 512 << 20;
/// ... and otherwise within so many.
const WIDEST_WINDOW: u64 = 16 << 30;
/// Room for a generated tree: 32 vCPUs and the longest command line take a third of it.
const TREE_ROOM: u64 = 64 << 10;

/// The parts of a kernel. They are moved with their VM, across stacks that are small.
#[cfg(feature = "formats")]
pub type Segments = alloc::vec::Vec<Segment>;
/// The one part of a kernel.
#[cfg(not(feature = "formats"))]
pub type Segments = [Segment; 1];

/// A part of a module, and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where in the module's bytes, which may come out of a packed file, it begins.
    pub offset: u64,
    /// Bytes of the module.
    pub size: u64,
    /// What it takes in memory: these bytes, and zeroes behind them.
    pub memory: Range<Ipa>,
}

/// Where in a guest's RAM everything goes. The ranges lie in RAM and do not overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadPlan {
    /// Where the kernel goes.
    pub kernel: Segments,
    /// Where in its file the kernel stands packed by gzip: offset and size. `None` if it is not packed.
    #[cfg(feature = "gzip")]
    pub packed: Option<(u64, u64)>,
    /// Where the RAM disk goes.
    pub ramdisk: Option<Range<Ipa>>,
    /// Room for the device tree: for the module if there is one, otherwise for a generated tree. `None` if there is no tree.
    pub tree: Option<Range<Ipa>>,
    /// The boot vCPU's first instruction.
    pub entry: Ipa,
    /// The boot vCPU's x0: the tree's address, or 0.
    pub boot_argument: u64,
}

impl LoadPlan {
    /// Plans `vm`, whose kernel is `file`, in `ram`.
    ///
    /// # Errors
    /// The kernel's format is unknown, it does not go where it says, or not everything fits into RAM.
    pub fn new(vm: &VmConfig, ram: Range<Ipa>, file: &KernelFile) -> Result<Self, ConfigError> {
        let format = file.format(vm.raw.is_some()).map_err(|unknown| unreadable(vm, &unknown))?;
        let (kernel, needed) = match format {
            Format::Image(image) => (Kernel::of_image(&image, &ram, file.size), image.needed()),
            #[cfg(feature = "formats")]
            _ => placed(vm, &ram, file).map(|kernel| (Some(kernel), file.size))?,
        };
        let wanted = Wanted {
            ramdisk: vm.ramdisk.as_ref().map(|ramdisk| ramdisk.range.size()),
            tree: vm.device_tree.as_ref().map_or(TREE_ROOM, |tree| tree.range.size()),
            tree_place: vm.tree_place,
        };
        let [first, second] = [WINDOW, WIDEST_WINDOW].map(|window| ram.size().min(window));
        let places = kernel
            .as_ref()
            .and_then(|kernel| wanted.place(kernel, &ram, first).or_else(|| wanted.place(kernel, &ram, second)));
        let (Some(kernel), Some(Places { tree, ramdisk })) = (kernel, places) else {
            return Err(too_small(vm, &ram, needed, &wanted));
        };
        Ok(Self {
            kernel: kernel.segments,
            #[cfg(feature = "gzip")]
            packed: file.packed,
            ramdisk,
            tree,
            entry: kernel.entry,
            boot_argument: tree.map_or(0, |tree| tree.start().get()),
        })
    }
}

impl LoadPlan {
    /// The part of the kernel that is copied when so many bytes are `done`: its offset in the file, its size, where it goes,
    /// and how much of it is done.
    pub(crate) fn kernel_part(&self, done: u64) -> Option<(u64, u64, Ipa, u64)> {
        let (mut parts, mut done) = (self.kernel.iter(), done);
        let mut part = parts.next()?;
        while done >= part.size
            && let Some(next) = parts.next()
        {
            done -= part.size;
            part = next;
        }
        Some((part.offset, part.size, part.memory.start(), done))
    }
}

/// A kernel in RAM.
pub(super) struct Kernel {
    /// Its parts, which do not overlap.
    pub segments: Segments,
    /// Its first instruction.
    pub entry: Ipa,
    /// Nothing else may lie below this.
    pub floor: Ipa,
}

impl Kernel {
    /// An arm64 Image near the start of `ram`; what is below it is its own.
    #[cfg_attr(
        not(feature = "formats"),
        expect(clippy::useless_conversion, reason = "its parts are a list where there are other formats")
    )]
    fn of_image(image: &KernelImage, ram: &Range<Ipa>, size: u64) -> Option<Self> {
        let start = ram.start().get().checked_add(KERNEL_OFFSET)?.checked_next_multiple_of(BASE_ALIGNMENT)?;
        let entry = Ipa::new(start).checked_add(image.text_offset)?;
        let memory = Range::<Ipa>::new(entry, image.memory_size)?;
        let segments = [Segment { offset: 0, size, memory }].into();
        Some(Self { segments, entry, floor: entry.checked_add(image.memory_size)? })
    }

    /// What of it, or of the `tree`, is in the way of `range`.
    #[cfg(feature = "formats")]
    fn obstacle(&self, range: &Range<Ipa>, tree: Option<&Range<Ipa>>) -> Option<u64> {
        let parts = self.segments.iter().map(|segment| &segment.memory).chain(tree);
        parts.filter(|part| part.overlaps(range)).map(|part| part.start().get()).min()
    }

    /// Nothing: an arm64 Image lies below everything else, and all of that has its turn.
    #[cfg(not(feature = "formats"))]
    const fn obstacle(&self, _: &Range<Ipa>, _: Option<&Range<Ipa>>) -> Option<u64> {
        None
    }
}

/// What is to be placed beside the kernel: sizes in bytes.
struct Wanted {
    ramdisk: Option<u64>,
    tree: u64,
    tree_place: TreePlace,
}

/// Where that goes.
struct Places {
    tree: Option<Range<Ipa>>,
    ramdisk: Option<Range<Ipa>>,
}

impl Wanted {
    /// Places everything beside `kernel` in the first `window` bytes of `ram`, if it fits.
    fn place(&self, kernel: &Kernel, ram: &Range<Ipa>, window: u64) -> Option<Places> {
        let end = ram.start().get().checked_add(window)?;
        let (tree, end) = match self.tree_place {
            TreePlace::Anywhere => {
                let tree = place_below(end, self.tree, kernel, None)?;
                (Some(tree), tree.start().get())
            }
            #[cfg(feature = "formats")]
            TreePlace::At(start) => (Some(place_at(start, self.tree, kernel, ram)?), end),
            #[cfg(feature = "formats")]
            TreePlace::Nowhere => (None, end),
        };
        let ramdisk = match self.ramdisk {
            Some(size) => Some(place_below(end, size, kernel, tree.as_ref())?),
            None => None,
        };
        Some(Places { tree, ramdisk })
    }
}

/// The last page-aligned range of `size` bytes that ends by `end`, beside `kernel` and `tree`.
fn place_below(end: u64, size: u64, kernel: &Kernel, tree: Option<&Range<Ipa>>) -> Option<Range<Ipa>> {
    let mut end = end;
    loop {
        let start = end.checked_sub(size)? & !(PAGE_SIZE - 1);
        let range = Range::<Ipa>::new(Ipa::new(start), size).filter(|range| range.start() >= kernel.floor)?;
        match kernel.obstacle(&range, tree) {
            Some(obstacle) => end = obstacle,
            None => return Some(range),
        }
    }
}

/// The `size` bytes of `ram` from `start` on, if they are beside `kernel`.
#[cfg(feature = "formats")]
fn place_at(start: Ipa, size: u64, kernel: &Kernel, ram: &Range<Ipa>) -> Option<Range<Ipa>> {
    let range = Range::<Ipa>::new(start, size).filter(|range| ram.contains_range(range))?;
    kernel.obstacle(&range, None).is_none().then_some(range)
}

/// That the kernel of `vm` is none.
pub fn unreadable(vm: &VmConfig, unknown: &UnknownFormat) -> ConfigError {
    let value = format_args!("a kernel that starts with {unknown}");
    let formats = if cfg!(feature = "formats") { "an arm64 Image or an ELF file" } else { "an unpacked arm64 Image" };
    ConfigError::new(&vm.kernel.node, "reg", value, format_args!("{formats}"))
}

fn too_small(vm: &VmConfig, ram: &Range<Ipa>, kernel: u64, wanted: &Wanted) -> ConfigError {
    let needed = [KERNEL_OFFSET, kernel, wanted.ramdisk.unwrap_or(0), wanted.tree];
    // Up to a page is lost to alignment above and below the RAM disk, and 2 MiB below the kernel.
    let needed = needed.iter().fold(3 * PAGE_SIZE, |sum, size| sum.saturating_add(*size)).div_ceil(1024);
    let value = format_args!("{} KiB", ram.size() / 1024);
    let expected = format_args!("at least {needed} KiB for its kernel, RAM disk and device tree");
    ConfigError::new(&vm.node, "memory", value, expected)
}
