//! The validator: copies a tree in canonical form, or says what is wrong with it. Linear in the tree's size.

use super::header::{HEADER_SIZE, write_header};
use super::index::{NodeEntry, PropertyEntry, Span};
use super::property::take_number;
use super::{BEGIN_NODE, END, END_NODE, Extent, FdtError, NOP, PROPERTY, Tree};
use core::ops::Range;

/// Nodes nest at most this deep, the root being at depth 1. Debian's arm64 trees reach 12.
pub const MAXIMUM_DEPTH: usize = 32;
/// A node's or property's name has at most this many bytes. The specification's 31 is often exceeded.
pub const MAXIMUM_NAME: usize = 127;

/// Properties that are one cell: how many cells addresses and sizes have.
const CELL_COUNTS: [&[u8]; 2] = [b"#address-cells\0", b"#size-cells\0"];

/// Copies the tree `bytes`, laid out as `extent` says, into the empty `tree` in canonical form: no NOPs, blocks side by side
/// in the specification's order, `totalsize` exact. Notes where each node and property lies.
///
/// # Errors
/// The first thing that breaks a precondition listed in the module's documentation.
pub(super) fn copy(bytes: &[u8], extent: &Extent, tree: &mut Tree) -> Result<(), FdtError> {
    let cut_short = FdtError::new(FdtError::CUT_SHORT, bytes.len());
    let block = |range: &Range<usize>| bytes.get(range.clone()).ok_or(cut_short);
    let (strings, structure) = (block(&extent.strings)?, block(&extent.structure)?);
    check_names(strings, extent.strings.end)?;
    let endless = FdtError::new(FdtError::RESERVATIONS, extent.reservations.start);
    let reservations = reservations(block(&extent.reservations)?).ok_or(endless)?;
    tree.bytes.reserve(extent.used());
    tree.bytes.extend_from_slice(&[0; HEADER_SIZE]);
    tree.bytes.extend_from_slice(reservations);
    let structure_offset = tree.bytes.len();
    Structure { rest: structure, uncopied: structure, end: extent.structure.end, strings, tree }.copy()?;
    tree.strings = tree.bytes.len();
    tree.bytes.extend_from_slice(strings);
    write_header(&mut tree.bytes, structure_offset, tree.strings, extent.boot_cpu);
    Ok(())
}

/// Checks that the strings block, which ends at `end`, is names that are not too long and end by NUL.
fn check_names(mut strings: &[u8], end: usize) -> Result<(), FdtError> {
    while !strings.is_empty() {
        let rest = name(strings, 0).and_then(|name| strings.get(name.len() + 1..));
        strings = rest.ok_or(FdtError::new(FdtError::STRINGS, end - strings.len()))?;
    }
    Ok(())
}

/// The printable ASCII name without a `barred` sign at the start of `bytes`, without the NUL that ends it.
fn name(bytes: &[u8], barred: u8) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| !byte.is_ascii_graphic() || *byte == barred)?;
    let (name, rest) = bytes.split_at_checked(end)?;
    if name.len() <= MAXIMUM_NAME && rest.first() == Some(&0) { Some(name) } else { None }
}

/// The entries of the reservation block up to and with the empty one that ends it.
fn reservations(block: &[u8]) -> Option<&[u8]> {
    let mut rest = block;
    while take_number(&mut rest, 2)? | take_number(&mut rest, 2)? != 0 {}
    block.get(..block.len() - rest.len())
}

/// What may stand at a place of a structure block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    /// Behind a node's name or property.
    Properties,
    /// Behind a node's child: no property may follow.
    Children,
    /// Behind the root.
    End,
    /// Behind all.
    Nothing,
}

/// A structure block on its way through the validator.
struct Structure<'a> {
    /// What is still to be read.
    rest: &'a [u8],
    /// What is still to be copied: nothing of it that was read is a NOP.
    uncopied: &'a [u8],
    /// Where the block ends in the tree, for messages.
    end: usize,
    /// Names, each known to be good and ended by NUL.
    strings: &'a [u8],
    /// The copy.
    tree: &'a mut Tree,
}

impl Structure<'_> {
    /// Copies the root, all below it and the end token.
    fn copy(&mut self) -> Result<(), FdtError> {
        let (mut place, mut depth, mut open) = (Place::Root, 0, 0);
        while place != Place::Nothing {
            let (part, offset) = (self.rest, self.offset());
            let token = self.word().ok_or_else(|| self.incomplete())?;
            place = match (token, place) {
                (NOP, _) => {
                    self.copy_before(part);
                    continue;
                }
                (BEGIN_NODE, Place::Root | Place::Properties | Place::Children) => {
                    open = self.node(offset, open)?;
                    depth += 1;
                    Place::Properties
                }
                (PROPERTY, Place::Properties) => {
                    self.property(offset, open)?;
                    place
                }
                (END_NODE, Place::Properties | Place::Children) => {
                    open = self.close(open);
                    depth -= 1;
                    if depth == 0 { Place::End } else { Place::Children }
                }
                (END, Place::End) => Place::Nothing,
                _ => return Err(FdtError::new(place.expectation(), offset)),
            };
            if depth > MAXIMUM_DEPTH {
                return Err(FdtError::new(FdtError::DEPTH, offset));
            }
        }
        self.copy_before(self.rest);
        Ok(())
    }

    /// Copies what was read up to `part`, and goes on behind what has been read.
    fn copy_before(&mut self, part: &[u8]) {
        let length = self.uncopied.len() - part.len();
        self.tree.bytes.extend_from_slice(self.uncopied.get(..length).unwrap_or_default());
        self.uncopied = self.rest;
    }

    /// Bytes from the start of the tree to what is read next.
    fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    /// The `size` bytes that are read next, in the copy.
    fn next(&self, size: usize) -> Span {
        Span::new(self.tree.bytes.len() + self.uncopied.len() - self.rest.len(), size)
    }

    /// The block ends where more is read.
    fn incomplete(&self) -> FdtError {
        FdtError::new(FdtError::INCOMPLETE, self.offset())
    }

    /// The next word.
    fn word(&mut self) -> Option<u32> {
        let (word, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u32::from_be_bytes(*word))
    }

    /// Passes over the name of a node below the node `parent`; the root's is empty, another's is not. Gives its number.
    fn node(&mut self, offset: usize, parent: usize) -> Result<usize, FdtError> {
        let number = self.tree.nodes.len();
        let good = |name: &&[u8]| name.is_empty() == (number == 0);
        let name = name(self.rest, b'/').filter(good).ok_or(FdtError::new(FdtError::NODE_NAME, offset))?;
        let first = self.tree.properties.len();
        let entry = NodeEntry { name: self.next(name.len()), number, parent, end: number, properties: (first, first) };
        self.tree.nodes.push(entry);
        self.skip(name.len() + 1)?;
        Ok(number)
    }

    /// Passes over a property of the node `open` behind its token.
    fn property(&mut self, offset: usize, open: usize) -> Result<(), FdtError> {
        let (Some(size), Some(name)) = (self.word(), self.word()) else { return Err(self.incomplete()) };
        let text = self.strings.get(name as usize..).filter(|text| text.first().is_some_and(|sign| *sign != 0));
        let text = text.ok_or(FdtError::new(FdtError::PROPERTY_NAME, offset))?;
        if size != 4 && text.first() == Some(&b'#') && CELL_COUNTS.iter().any(|count| text.starts_with(count)) {
            return Err(FdtError::new(FdtError::CELLS, offset));
        }
        let value = self.next(size as usize);
        self.tree.properties.push(PropertyEntry { name, value });
        if let Some(node) = self.tree.nodes.get_mut(open) {
            node.properties.1 += 1;
        }
        self.skip(size as usize)
    }

    /// Closes the node `open`; gives its parent.
    fn close(&mut self, open: usize) -> usize {
        let end = self.tree.nodes.len();
        let node = self.tree.nodes.get_mut(open);
        node.map_or(0, |node| {
            node.end = end;
            node.parent
        })
    }

    /// Passes over `size` bytes and what pads them to a word.
    fn skip(&mut self, size: usize) -> Result<(), FdtError> {
        self.rest = self.rest.get(size.next_multiple_of(4)..).ok_or_else(|| self.incomplete())?;
        Ok(())
    }
}

impl Place {
    /// What is expected here, in words.
    fn expectation(self) -> &'static str {
        match self {
            Self::Root => FdtError::NOT_ROOT,
            Self::Properties => FdtError::NOT_PROPERTY,
            Self::Children => FdtError::NOT_NODE,
            Self::End | Self::Nothing => FdtError::NOT_END,
        }
    }
}
