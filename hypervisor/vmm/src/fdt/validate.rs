//! The validator: copies a tree in canonical form, or says what is wrong with it. Linear in the tree's size.

use super::header::{COMPATIBLE_VERSION, HEADER_SIZE, MAGIC, VERSION, word};
use super::{BEGIN_NODE, END, END_NODE, Extent, FdtError, NOP, PROPERTY};
use alloc::vec::Vec;

/// Nodes nest at most this deep, the root being at depth 1. Debian's arm64 trees reach 12.
pub const MAXIMUM_DEPTH: usize = 32;
/// A node's or property's name has at most this many bytes. The specification's 31 is often exceeded.
pub const MAXIMUM_NAME: usize = 127;

/// A tree in canonical form.
pub(super) struct Canonical {
    pub bytes: Vec<u8>,
    /// The number of each node's parent, in the nodes' order; the root's is its own.
    pub parents: Vec<usize>,
}

/// The canonical copy of the tree `bytes`, laid out as `extent` says: no NOPs, blocks side by side in the
/// specification's order, `totalsize` exact.
///
/// # Errors
/// The first thing that breaks a precondition listed in the module's documentation.
pub(super) fn canonical(bytes: &[u8], extent: &Extent) -> Result<Canonical, FdtError> {
    let truncated = FdtError::Truncated { needed: extent.used(), found: bytes.len() };
    let strings = bytes.get(extent.strings.clone()).ok_or(truncated)?;
    let reservations = reservations(bytes.get(extent.reservations.clone()).ok_or(truncated)?)?;
    let block = bytes.get(extent.structure.clone()).ok_or(truncated)?;
    check_names(strings, extent.strings.start)?;
    let copy = Vec::with_capacity(block.len());
    let mut structure = Structure { block, base: extent.structure.start, at: 0, strings, copy, parents: Vec::new() };
    structure.root()?;
    let bytes = assemble(reservations, &structure.copy, strings, extent.boot_cpu);
    Ok(Canonical { bytes, parents: structure.parents })
}

/// Checks that the strings block, which lies at `base`, is names that are not too long and end by NUL.
fn check_names(strings: &[u8], base: usize) -> Result<(), FdtError> {
    let mut length = 0;
    for (at, byte) in strings.iter().enumerate() {
        length = if *byte == 0 { 0 } else { length + 1 };
        if length > MAXIMUM_NAME || !(byte.is_ascii_graphic() || *byte == 0) {
            return Err(FdtError::Strings(base + at));
        }
    }
    if length == 0 { Ok(()) } else { Err(FdtError::Strings(base + strings.len())) }
}

/// The entries of the reservation block up to and with the empty one that ends it.
fn reservations(block: &[u8]) -> Result<&[u8], FdtError> {
    let entries = block.chunks_exact(16).position(|entry| entry.iter().all(|byte| *byte == 0));
    let end = entries.and_then(|index| (index + 1).checked_mul(16)).ok_or(FdtError::Reservations)?;
    block.get(..end).ok_or(FdtError::Reservations)
}

/// Lays the blocks out behind a header that tells where they are.
pub(super) fn assemble(reservations: &[u8], structure: &[u8], strings: &[u8], boot_cpu: u32) -> Vec<u8> {
    let structure_offset = HEADER_SIZE + reservations.len();
    let strings_offset = structure_offset + structure.len();
    let total = strings_offset + strings.len();
    let size = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
    let fields = [
        MAGIC,
        size(total),
        size(structure_offset),
        size(strings_offset),
        size(HEADER_SIZE),
        VERSION,
        COMPATIBLE_VERSION,
        boot_cpu,
        size(strings.len()),
        size(structure.len()),
    ];
    let mut tree = Vec::with_capacity(total);
    fields.iter().for_each(|field| tree.extend_from_slice(&field.to_be_bytes()));
    [reservations, structure, strings].iter().for_each(|block| tree.extend_from_slice(block));
    tree
}

/// A structure block on its way through the validator.
struct Structure<'a> {
    block: &'a [u8],
    /// Offset of the block in the tree, for messages.
    base: usize,
    /// Bytes of the block that are read.
    at: usize,
    /// Names, each known to be good and ended by NUL.
    strings: &'a [u8],
    copy: Vec<u8>,
    parents: Vec<usize>,
}

impl<'a> Structure<'a> {
    /// Copies the root, all below it and the end token.
    fn root(&mut self) -> Result<(), FdtError> {
        // Numbers of the nodes that are open, and whether the innermost may still have properties: none may follow a
        // child.
        let mut open: Vec<usize> = Vec::with_capacity(MAXIMUM_DEPTH);
        let mut properties = false;
        loop {
            let offset = self.base + self.at;
            let token = self.token()?;
            match token {
                BEGIN_NODE if open.len() == MAXIMUM_DEPTH => return Err(FdtError::Depth(offset)),
                BEGIN_NODE => {
                    self.node_name(offset, open.is_empty())?;
                    let number = self.parents.len();
                    self.parents.push(open.last().copied().unwrap_or(number));
                    open.push(number);
                    properties = true;
                }
                PROPERTY if properties => self.property(offset)?,
                END_NODE if !open.is_empty() => {
                    open.pop();
                    properties = false;
                    self.emit(&END_NODE.to_be_bytes());
                }
                _ => return Err(FdtError::Token { offset, token, expected: expected(open.len(), properties) }),
            }
            if open.is_empty() {
                return self.end();
            }
        }
    }

    /// Copies the end token, the only one that may follow the root.
    fn end(&mut self) -> Result<(), FdtError> {
        let offset = self.base + self.at;
        match self.token()? {
            END => self.emit(&END.to_be_bytes()),
            token => return Err(FdtError::Token { offset, token, expected: "the end" }),
        }
        Ok(())
    }

    /// The next token that is no NOP.
    fn token(&mut self) -> Result<u32, FdtError> {
        loop {
            let token = self.word("token")?;
            if token != NOP {
                return Ok(token);
            }
        }
    }

    /// The next word.
    fn word(&mut self, what: &'static str) -> Result<u32, FdtError> {
        let word = word(self.block, self.at).ok_or(FdtError::CutShort { offset: self.base + self.at, what })?;
        self.at += 4;
        Ok(word)
    }

    /// Copies a token that opens a node with the node's name; the root's is empty, another's is not.
    fn node_name(&mut self, offset: usize, root: bool) -> Result<(), FdtError> {
        let name = name(self.block.get(self.at..).unwrap_or_default()).ok_or(FdtError::NodeName(offset))?;
        if name.is_empty() != root || name.contains(&b'/') {
            return Err(FdtError::NodeName(offset));
        }
        self.emit(&BEGIN_NODE.to_be_bytes());
        self.bytes(name.len() + 1, "node name")?;
        Ok(())
    }

    /// Copies a property behind its token.
    fn property(&mut self, offset: usize) -> Result<(), FdtError> {
        let (size, name_offset) = (self.word("property")?, self.word("property")?);
        let name = self.strings.get(name_offset as usize..).filter(|name| name.first().is_some_and(|sign| *sign != 0));
        let name = name.ok_or(FdtError::PropertyName(offset))?;
        if (name.starts_with(b"#address-cells\0") || name.starts_with(b"#size-cells\0")) && size != 4 {
            return Err(FdtError::Cells(offset));
        }
        [PROPERTY, size, name_offset].iter().for_each(|word| self.emit(&word.to_be_bytes()));
        self.bytes(size as usize, "property value")
    }

    /// Copies `size` bytes and pads the copy to a word.
    fn bytes(&mut self, size: usize, what: &'static str) -> Result<(), FdtError> {
        let cut_short = FdtError::CutShort { offset: self.base + self.at, what };
        let end = self.at.checked_add(size).ok_or(cut_short)?;
        let bytes = self.block.get(self.at..end).ok_or(cut_short)?;
        self.at = end.next_multiple_of(4);
        self.emit(bytes);
        self.copy.resize(self.copy.len().next_multiple_of(4), 0);
        Ok(())
    }

    fn emit(&mut self, bytes: &[u8]) {
        self.copy.extend_from_slice(bytes);
    }
}

/// What may stand at this place of a structure block, in words.
fn expected(depth: usize, properties: bool) -> &'static str {
    match (depth, properties) {
        (0, _) => "the root",
        (_, true) => "a property, a node or the node's end",
        (_, false) => "a node or the node's end",
    }
}

/// The printable ASCII name at the start of `bytes`, without the NUL that ends it.
fn name(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.iter().take(MAXIMUM_NAME + 1).position(|byte| *byte == 0)?;
    bytes.get(..length).filter(|name| name.iter().all(u8::is_ascii_graphic))
}
