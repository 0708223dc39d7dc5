//! Packs files by gzip (RFC 1952), with what the header may have: what the system's gzip writes has none of it but a name.

use flate2::{Compression, GzBuilder};
use std::io::Write;

/// `bytes`, packed. If `name` is not empty the header has it, with a comment and an extra field.
///
/// # Panics
/// `name` has a zero in it.
pub fn pack(bytes: &[u8], name: &[u8]) -> Vec<u8> {
    let builder = GzBuilder::new();
    let builder = if name.is_empty() { builder } else { builder.filename(name).comment("why").extra(vec![7; 300]) };
    let mut writer = builder.write(Vec::new(), Compression::best());
    writer.write_all(bytes).expect("a vector takes everything");
    writer.finish().expect("a vector takes everything")
}
