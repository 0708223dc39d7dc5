//! The validator: copies a tree in canonical form, or says what is wrong with it. Linear in the tree's size.

use super::header::{HEADER_SIZE, write_header};
use super::index::NodeEntry;
use super::property::{before, cell, take_number};
use super::{BEGIN_NODE, END, END_NODE, Extent, FdtError, NOP, PROPERTY};
use alloc::vec::Vec;
use core::ops::Range;

/// Nodes nest at most this deep, the root being at depth 1. Debian's arm64 trees reach 12.
pub const MAXIMUM_DEPTH: usize = 32;
/// A node's or property's name has at most this many bytes. The specification's 31 is often exceeded.
pub const MAXIMUM_NAME: usize = 127;

/// Writes the canonical copy of the tree `bytes`, laid out as `extent` says, to `copy`: no NOPs, blocks side by side in
/// the specification's order, `totalsize` exact. Gives the nodes with their places in the tree, without names and
/// properties.
///
/// # Errors
/// The first thing that breaks a precondition listed in the module's documentation.
pub(super) fn canonical(
    bytes: &[u8],
    extent: &Extent,
    copy: &mut Vec<u8>,
    nodes: &mut Vec<NodeEntry>,
) -> Result<(), FdtError> {
    let cut_short = FdtError::new(FdtError::CUT_SHORT, bytes.len());
    let block = |range: &Range<usize>| bytes.get(range.clone()).ok_or(cut_short);
    let (strings, structure) = (block(&extent.strings)?, block(&extent.structure)?);
    check_names(strings, extent.strings.end)?;
    let endless = FdtError::new(FdtError::RESERVATIONS, extent.reservations.start);
    let reservations = reservations(block(&extent.reservations)?).ok_or(endless)?;
    copy.reserve(extent.used());
    copy.extend_from_slice(&[0; HEADER_SIZE]);
    copy.extend_from_slice(reservations);
    let structure_offset = copy.len();
    Structure { rest: structure, end: extent.structure.end, strings, copy, nodes }.copy()?;
    let strings_offset = copy.len();
    copy.extend_from_slice(strings);
    write_header(copy, structure_offset, strings_offset, extent.boot_cpu);
    Ok(())
}

/// Checks that the strings block, which ends at `end`, is names that are not too long and end by NUL.
fn check_names(mut strings: &[u8], end: usize) -> Result<(), FdtError> {
    while !strings.is_empty() {
        let rest = name(strings).and_then(|name| strings.get(name.len() + 1..));
        strings = rest.ok_or(FdtError::new(FdtError::STRINGS, end - strings.len()))?;
    }
    Ok(())
}

/// The printable ASCII name at the start of `bytes`, without the NUL that ends it.
fn name(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| !byte.is_ascii_graphic())?;
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
    /// Where the block ends in the tree, for messages.
    end: usize,
    /// Names, each known to be good and ended by NUL.
    strings: &'a [u8],
    copy: &'a mut Vec<u8>,
    nodes: &'a mut Vec<NodeEntry>,
}

impl Structure<'_> {
    /// Copies the root, all below it and the end token.
    fn copy(&mut self) -> Result<(), FdtError> {
        let (mut place, mut depth, mut open) = (Place::Root, 0, 0);
        while place != Place::Nothing {
            let (part, offset) = (self.rest, self.offset());
            let token = self.word()?;
            place = match (token, place) {
                (NOP, _) => continue,
                (BEGIN_NODE, Place::Root | Place::Properties | Place::Children) => {
                    self.node_name(offset, place == Place::Root)?;
                    let number = self.nodes.len();
                    self.nodes.push(NodeEntry::new(number, open));
                    (open, depth) = (number, depth + 1);
                    Place::Properties
                }
                (PROPERTY, Place::Properties) => {
                    self.property(offset)?;
                    place
                }
                (END_NODE, Place::Properties | Place::Children) => {
                    let end = self.nodes.len();
                    if let Some(node) = self.nodes.get_mut(open) {
                        node.end = end;
                        open = node.parent;
                    }
                    depth -= 1;
                    if depth == 0 { Place::End } else { Place::Children }
                }
                (END, Place::End) => Place::Nothing,
                _ => return Err(FdtError::new(place.expectation(), offset)),
            };
            if depth > MAXIMUM_DEPTH {
                return Err(FdtError::new(FdtError::DEPTH, offset));
            }
            self.copy.extend_from_slice(part.get(..part.len() - self.rest.len()).unwrap_or_default());
        }
        Ok(())
    }

    /// Bytes from the start of the tree to what is read next.
    fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    /// The next word.
    fn word(&mut self) -> Result<u32, FdtError> {
        let incomplete = FdtError::new(FdtError::INCOMPLETE, self.offset());
        let (word, rest) = self.rest.split_at_checked(4).ok_or(incomplete)?;
        self.rest = rest;
        Ok(cell(word))
    }

    /// Passes over the name of a node; the root's is empty, another's is not.
    fn node_name(&mut self, offset: usize, root: bool) -> Result<(), FdtError> {
        let good = |name: &&[u8]| name.is_empty() == root && before(name, b'/').len() == name.len();
        let name = name(self.rest).filter(good).ok_or(FdtError::new(FdtError::NODE_NAME, offset))?;
        self.skip(name.len() + 1)
    }

    /// Passes over a property behind its token.
    fn property(&mut self, offset: usize) -> Result<(), FdtError> {
        let (size, name_offset) = (self.word()?, self.word()?);
        let name = self.strings.get(name_offset as usize..).filter(|name| name.first().is_some_and(|sign| *sign != 0));
        let name = name.ok_or(FdtError::new(FdtError::PROPERTY_NAME, offset))?;
        if size != 4 && (name.starts_with(b"#address-cells\0") || name.starts_with(b"#size-cells\0")) {
            return Err(FdtError::new(FdtError::CELLS, offset));
        }
        self.skip(size as usize)
    }

    /// Passes over `size` bytes and what pads them to a word.
    fn skip(&mut self, size: usize) -> Result<(), FdtError> {
        let rest = self.rest.get(size.next_multiple_of(4)..);
        self.rest = rest.ok_or(FdtError::new(FdtError::INCOMPLETE, self.offset()))?;
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
