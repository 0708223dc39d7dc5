//! A virtual CPU: its name within a VM, and (below) its whole architectural state as a movable value.

mod id;

pub use id::{VcpuId, VcpuSet};
