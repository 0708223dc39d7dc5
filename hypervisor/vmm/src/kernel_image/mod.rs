//! Guest kernels: what their files say, and where in a guest's RAM everything goes.
//!
//! ```text
//! file ── gzip ── arm64 Image ─┐
//!              ├─ ELF ─────────┼─ LoadPlan
//!              └─ raw bytes ───┘
//! ```
//! All but the arm64 Image are optional: the features `formats` and `gzip`.

#[cfg(feature = "formats")]
mod elf;
mod file;
#[cfg(feature = "gzip")]
mod gzip;
mod header;
mod load_plan;
#[cfg(feature = "formats")]
mod placed;

pub use file::{Format, KernelFile, Source};
#[cfg(feature = "gzip")]
pub use gzip::Inflater;
pub use header::{KernelImage, UnknownFormat};
pub use load_plan::{LoadPlan, Segment, Segments, unreadable};
