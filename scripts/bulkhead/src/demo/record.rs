//! What a run leaves behind, so that anyone can repeat and judge it.

use super::files::Files;
use crate::error::ToolError;
use crate::source::read;
use sha2::{Digest, Sha256};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;

/// A word that nobody could have printed before: 16 hexadecimal digits.
pub fn nonce() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// Writes a file.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), ToolError> {
    std::fs::write(path, bytes).map_err(|error| ToolError::file(path, &error))
}

/// Leaves the QEMU command, and the sha256 of every file that runs in it, in `folder`.
///
/// # Errors
/// A file cannot be read or written.
pub fn manifest(folder: &Path, files: &Files, packed: &Path, arguments: &[String]) -> Result<(), ToolError> {
    let command = format!("{} {}\n", files.qemu.display(), arguments.join(" "));
    write(&folder.join("command"), command.as_bytes())?;
    let mut sums = String::new();
    let guests = files.guests.iter().map(|given| given.file.as_path());
    for file in guests.chain([files.image.as_path(), &files.configuration, packed]) {
        sums += &format!("{}  {}\n", sha256(&read(file)?), file.display());
    }
    write(&folder.join("sha256sums"), sums.as_bytes())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_standard() {
        // FIPS 180-4's example of one block.
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn nonces_differ() {
        assert_ne!(nonce(), nonce());
        assert_eq!(nonce().len(), 16);
    }
}
