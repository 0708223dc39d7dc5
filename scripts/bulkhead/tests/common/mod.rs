//! What several tests need: an image, kernels, and files in a folder of their own.

use bulkhead_abi::image::{HEADER_OFFSET, ImageHeader};
use bulkhead_model::config::check::kernel_head;
use bulkhead_tool::modules::ModuleFile;
use std::path::{Path, PathBuf};

/// Bytes that the image takes in memory; its file is shorter.
pub const BARE_SIZE: u64 = 0x4_0000;

/// A bare image: our header behind an arm64 header and a PE signature.
pub fn image() -> Vec<u8> {
    let mut image = vec![0x5a; 0x2_1000];
    image[..64].copy_from_slice(&kernel_head(0, BARE_SIZE));
    image[..2].copy_from_slice(b"MZ");
    image[60..64].copy_from_slice(&0x200u32.to_le_bytes());
    image[0x200..0x204].copy_from_slice(b"PE\0\0");
    let header =
        ImageHeader { early_uart_kind: 0, early_uart_base: 0, bare_size: BARE_SIZE, pack_offset: 0, pack_size: 0 };
    let bytes = header.to_bytes();
    image[HEADER_OFFSET..][..bytes.len()].copy_from_slice(&bytes);
    image
}

/// A kernel of `size` bytes, each of the later ones `fill`.
pub fn kernel(size: usize, fill: u8) -> Vec<u8> {
    let mut kernel = vec![fill; size];
    kernel[..64].copy_from_slice(&kernel_head(0, 0x10_0000));
    kernel
}

/// The modules of the example with two guests.
pub fn modules() -> Vec<ModuleFile> {
    let module = |path: &str, bytes| ModuleFile { path: format!("/chosen/hypervisor/{path}"), bytes };
    vec![
        module("linux/kernel", kernel(5000, 1)),
        module("linux/ramdisk", vec![2; 100]),
        module("rtos/kernel", kernel(4096, 3)),
    ]
}

/// A folder that goes when it is dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// An empty folder for the test `name`.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bulkhead-tool-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// Writes a file and gives its path.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
