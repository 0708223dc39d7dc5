//! Makes one file of hypervisor, configuration and guests, which needs only `-kernel`.
//!
//! ```text
//! 0            image, padded to its bare size (the end of its BSS)
//! pack offset  the configuration's tree, each module's reg counting from offset 0
//! ...          the modules, each at a multiple of 4096
//! ```

use crate::error::ToolError;
use crate::modules::{ModuleFile, is_module};
use bulkhead_abi::image::{ARM64_IMAGE_SIZE_OFFSET, EarlyUart, HEADER_LENGTH, HEADER_OFFSET, ImageHeader};
use bulkhead_abi::property;
use bulkhead_vmm::fdt::{Node, Tree, Writer};

/// Everything in a pack starts at a multiple of this.
const ALIGNMENT: u64 = 4096;

/// A UART that the hypervisor may use before it has read a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlyConsole {
    /// What it is.
    pub kind: EarlyUart,
    /// Physical address of its registers.
    pub base: u64,
}

impl std::str::FromStr for EarlyConsole {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let base = text.strip_prefix("pl011@").ok_or("expected pl011@ADDRESS, such as pl011@0x9000000")?;
        let base = parse_address(base)?;
        Ok(Self { kind: EarlyUart::Pl011, base })
    }
}

/// The number `text`, decimal or, behind `0x`, hexadecimal.
///
/// # Errors
/// It is none.
pub fn parse_address(text: &str) -> Result<u64, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|error| format!("{text}: {error}"))
}

/// One file of `image`, the configuration `config_dtb` and its `modules`.
///
/// # Errors
/// The image is none of ours or has a pack, the configuration is no tree, or a module is missing.
pub fn pack(image: &[u8], config_dtb: &[u8], modules: &[ModuleFile]) -> Result<Vec<u8>, ToolError> {
    pack_with(image, config_dtb, modules, None)
}

/// The same with a UART to use before a tree is read; `None` leaves the image's own choice.
///
/// # Errors
/// As [`pack`].
pub fn pack_with(
    image: &[u8],
    config_dtb: &[u8],
    modules: &[ModuleFile],
    early: Option<EarlyConsole>,
) -> Result<Vec<u8>, ToolError> {
    let mut header = bare_header(image)?;
    let tree = Tree::new(config_dtb).map_err(|error| ToolError(format!("configuration: {error}")))?;
    let layout = Layout::new(&tree, header.bare_size, modules)?;
    header.pack_offset = layout.tree_offset;
    header.pack_size = layout.tree.len() as u64;
    if let Some(early) = early {
        (header.early_uart_kind, header.early_uart_base) = (early.kind as u32, early.base);
    }
    let mut packed = image.to_vec();
    pad_to(&mut packed, layout.tree_offset);
    packed.extend_from_slice(&layout.tree);
    for (offset, module) in &layout.modules {
        pad_to(&mut packed, *offset);
        packed.extend_from_slice(&module.bytes);
    }
    let end = packed.len() as u64;
    pad_to(&mut packed, end.next_multiple_of(ALIGNMENT));
    write_headers(&mut packed, &header)?;
    Ok(packed)
}

/// The header of `image`, which has no pack yet.
///
/// # Errors
/// It is no image of ours, or has a pack.
pub fn bare_header(image: &[u8]) -> Result<ImageHeader, ToolError> {
    let header = image.get(HEADER_OFFSET..).and_then(ImageHeader::parse);
    let header = header.ok_or_else(|| ToolError("the image has no Bulkhead header of this version".into()))?;
    if header.pack_offset != 0 {
        return Err(ToolError("the image has a pack already: give the bare one".into()));
    }
    if header.bare_size < image.len() as u64 || !header.bare_size.is_multiple_of(ALIGNMENT) {
        let (claimed, found) = (header.bare_size, image.len());
        return Err(ToolError(format!(
            "the image's header gives a size of {claimed:#x} bytes, but the file has {found:#x}"
        )));
    }
    Ok(header)
}

fn pad_to(bytes: &mut Vec<u8>, offset: u64) {
    bytes.resize(offset as usize, 0);
}

/// Writes our header, and the new size to the arm64 header and to the PE header, if there is one.
fn write_headers(packed: &mut [u8], header: &ImageHeader) -> Result<(), ToolError> {
    let size = packed.len() as u64;
    packed[ARM64_IMAGE_SIZE_OFFSET..][..8].copy_from_slice(&size.to_le_bytes());
    packed[HEADER_OFFSET..][..HEADER_LENGTH].copy_from_slice(&header.to_bytes());
    let size = u32::try_from(size).map_err(|_| ToolError("the pack is larger than 4 GiB".into()))?;
    if let Some(field) = size_of_image_field(packed) {
        packed[field..][..4].copy_from_slice(&size.to_le_bytes());
    }
    Ok(())
}

/// Offset of SizeOfImage in the PE optional header (PE Format, "Optional Header Windows-Specific Fields").
fn size_of_image_field(image: &[u8]) -> Option<usize> {
    let pe = u32::from_le_bytes(*image.get(60..)?.first_chunk()?) as usize;
    let is_pe = image.starts_with(b"MZ") && image.get(pe..)?.starts_with(b"PE\0\0");
    let field = pe.checked_add(24 + 56)?;
    (is_pe && field.checked_add(4)? <= image.len()).then_some(field)
}

/// Where everything goes.
pub struct Layout<'m> {
    /// Offset of the tree in the packed file.
    pub tree_offset: u64,
    /// The tree with the modules' offsets in it.
    pub tree: Vec<u8>,
    /// The modules that are stored, by ascending offset. Of modules with equal bytes one is.
    pub modules: Vec<(u64, &'m ModuleFile)>,
}

impl<'m> Layout<'m> {
    /// Lays out `modules` behind an image of `bare_size` bytes.
    ///
    /// # Errors
    /// A module that `config` names is missing, or empty.
    pub fn new(config: &Tree, bare_size: u64, modules: &'m [ModuleFile]) -> Result<Self, ToolError> {
        // The tree's size does not depend on the offsets in it, but they depend on its size.
        let measure = rewrite(config, &mut |path| place(path, modules, 0, &mut Vec::new()))?;
        let mut stored = Vec::new();
        let end = bare_size + measure.len() as u64;
        let tree = rewrite(config, &mut |path| place(path, modules, end, &mut stored))?;
        Ok(Self { tree_offset: bare_size, tree, modules: stored })
    }
}

/// Offset and size of the module of the node at `path`: behind all that is `stored`, which itself is behind `end`,
/// or where the same bytes are.
fn place<'m>(
    path: &str,
    modules: &'m [ModuleFile],
    end: u64,
    stored: &mut Vec<(u64, &'m ModuleFile)>,
) -> Result<(u64, u64), ToolError> {
    let module = modules.iter().find(|module| module.path == path);
    let missing =
        || ToolError(format!("{path}: no file for this module; give its node {} or use --module", property::FILE));
    let module = module.ok_or_else(missing)?;
    let size = module.bytes.len() as u64;
    if size == 0 {
        return Err(ToolError(format!("{path}: the module's file is empty")));
    }
    if let Some((offset, _)) = stored.iter().find(|(_, other)| other.bytes == module.bytes) {
        return Ok((*offset, size));
    }
    let end = stored.last().map_or(end, |(offset, other)| offset + other.bytes.len() as u64);
    let offset = end.next_multiple_of(ALIGNMENT);
    stored.push((offset, module));
    Ok((offset, size))
}

/// Gives offset and size of the module of the node at a path.
type Locate<'l> = dyn FnMut(&str) -> Result<(u64, u64), ToolError> + 'l;

/// `config` with the offset and size that `locate` gives as the `reg` of each module.
fn rewrite(config: &Tree, locate: &mut Locate<'_>) -> Result<Vec<u8>, ToolError> {
    let view = config.view();
    let root = view.root().ok_or_else(|| ToolError("the configuration has no root".into()))?;
    let mut writer = Writer::new();
    config.reservations().into_iter().for_each(|range| writer.reserve(range));
    copy(&root, &mut writer, locate)?;
    let bytes = writer.finish();
    Tree::new(&bytes).map_err(|error| ToolError(format!("the packed configuration: {error}")))?;
    Ok(bytes)
}

fn copy(node: &Node<'_>, writer: &mut Writer, locate: &mut Locate<'_>) -> Result<(), ToolError> {
    writer.begin_node(node.name());
    let module = is_module(node);
    for (name, property) in node.properties().filter(|(name, _)| !(module && *name == property::REG)) {
        writer.property(name, property.value);
    }
    if module {
        let (offset, size) = locate(&node.path())?;
        let (address_cells, size_cells) = node.inherited_cell_counts();
        let mut value = cells(node, offset, address_cells)?;
        value.extend(cells(node, size, size_cells)?);
        writer.property_cells(property::REG, &value);
    }
    for child in node.children() {
        copy(&child, writer, locate)?;
    }
    writer.end_node();
    Ok(())
}

/// `number` in `count` cells.
fn cells(node: &Node<'_>, number: u64, count: u32) -> Result<Vec<u32>, ToolError> {
    let low = number as u32;
    match (count, u32::try_from(number >> 32).unwrap_or_default()) {
        (1, 0) => Ok(vec![low]),
        (2, high) => Ok(vec![high, low]),
        _ => {
            let path = node.path();
            Err(ToolError(format!(
                "{path}: {number:#x} does not fit {count} cells; expected #address-cells and #size-cells of 1 or 2 above it"
            )))
        }
    }
}
