//! The Linux guest, with a load.

use super::Setting;
use super::configuration::Vm;
use crate::{Result, workspace};

/// Its name.
pub const NAME: &str = "linux";
/// Its RAM in MiB.
const MEMORY: u32 = 256;

/// Linux on `cores`, which does `load` (initramfs/whole) for `seconds`, or for good.
pub fn vm(setting: &Setting<'_>, cores: Vec<usize>, load: &str, seconds: Option<u64>) -> Result<Vm> {
    let seconds = seconds.map(|seconds| format!(" seconds={seconds}")).unwrap_or_default();
    Ok(Vm {
        name: NAME.into(),
        cores,
        memory: MEMORY,
        bootargs: format!("console=ttyAMA0 quiet cma=0 load={load}{seconds}"),
        kernel: workspace::linux()?.join("Image"),
        ramdisk: Some(setting.ramdisk.clone()),
    })
}
