//! Guest kernels: what their header says, and where in a guest's RAM everything goes.

mod header;
mod load_plan;

pub use header::{HEADER_SIZE, KernelImage, UnknownFormat};
pub use load_plan::LoadPlan;
