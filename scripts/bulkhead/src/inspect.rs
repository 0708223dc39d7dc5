//! Says what is in a packed image.

use crate::error::ToolError;
use crate::source::{Source, read};
use crate::{kernel, modules};
use bulkhead_abi::image::{EarlyUart, HEADER_OFFSET, ImageHeader};
use std::fmt::Write;
use std::path::Path;

/// What is in the image at `path`, a line each.
///
/// # Errors
/// It is no image of ours, or a part of it is missing.
pub fn inspect(path: &Path) -> Result<String, ToolError> {
    let bytes = read(path)?;
    let header = bytes.get(HEADER_OFFSET..).and_then(ImageHeader::parse);
    let header = header.ok_or_else(|| ToolError::file(path, &"no Bulkhead header of this version"))?;
    let mut text = describe(&header, bytes.len());
    if header.pack_offset == 0 {
        text += "pack          none\n";
        return Ok(text);
    }
    let source = Source::read(path)?;
    let _ = writeln!(text, "tree          {:#x} at {:#x}", header.pack_size, header.pack_offset);
    for node in modules::nodes(&source.tree) {
        let module = modules::packed(&source, &node.path);
        let module = module.map_err(|why| ToolError::file(path, &format!("{}: {why}", node.path)))?;
        let kind = kernel::describe(module);
        let _ = writeln!(text, "module        {} ({:#x} bytes{kind})", node.path, module.len());
    }
    Ok(text)
}

fn describe(header: &ImageHeader, file_size: usize) -> String {
    let uart = match header.early_uart_kind {
        kind if kind == EarlyUart::None as u32 => "none".into(),
        kind if kind == EarlyUart::Pl011 as u32 => format!("pl011@{:#x}", header.early_uart_base),
        kind => format!("unknown kind {kind}"),
    };
    format!(
        "file          {file_size:#x} bytes\nhypervisor    {:#x} bytes in memory\nearly UART    {uart}\n",
        header.bare_size
    )
}
