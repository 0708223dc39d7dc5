//! A node that knows its ancestors: `reg`, `ranges` and `interrupt-parent` cannot be read without them.

use super::index::{NodeEntry, PropertyEntry};
use super::property::{before, behind, take_number};
use super::{Property, Tree};
use alloc::string::String;
use alloc::vec::Vec;

/// A node of a [`Tree`].
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree,
    entry: &'t NodeEntry,
}

/// Cells that an address or a size takes in a child's `reg` if the node does not say (Devicetree
/// Specification 0.4 2.3.5).
const DEFAULT_CELLS: (u32, u32) = (2, 1);

impl<'t> Node<'t> {
    /// The node `entry` of `tree`.
    pub(super) fn new(tree: &'t Tree, entry: &'t NodeEntry) -> Self {
        Self { tree, entry }
    }

    fn name_bytes(&self) -> &'t [u8] {
        self.entry.name.bytes(self.tree.as_bytes())
    }

    /// The name with its unit address; empty for the root.
    pub fn name(&self) -> &'t str {
        core::str::from_utf8(self.name_bytes()).unwrap_or_default()
    }

    /// The name without its unit address.
    pub fn base_name(&self) -> &'t str {
        core::str::from_utf8(self.base_name_bytes()).unwrap_or_default()
    }

    fn base_name_bytes(&self) -> &'t [u8] {
        before(self.name_bytes(), b'@')
    }

    /// The path from the root, such as `/chosen/hypervisor`.
    pub fn path(&self) -> String {
        let mut path = String::new();
        self.write_path(&mut path);
        if path.is_empty() {
            path.push('/');
        }
        path
    }

    fn write_path(&self, path: &mut String) {
        if let Some(parent) = self.parent() {
            parent.write_path(path);
            path.push('/');
            path.push_str(self.name());
        }
    }

    /// The parent; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.entry.number == 0 {
            return None;
        }
        Some(Self { tree: self.tree, entry: self.tree.nodes.get(self.entry.parent)? })
    }

    /// The children, in order.
    pub fn children(&self) -> impl Iterator<Item = Self> + use<'t> {
        let Self { tree, entry } = *self;
        let mut next = entry.number + 1;
        core::iter::from_fn(move || {
            let child = tree.nodes.get(next).filter(|_| next < entry.end)?;
            next = child.end;
            Some(Self { tree, entry: child })
        })
    }

    /// The child called `name`; without an `@` in it, also one that has a unit address.
    pub fn child(&self, name: &str) -> Option<Self> {
        self.child_named(name.as_bytes())
    }

    pub(super) fn child_named(&self, name: &[u8]) -> Option<Self> {
        let ends: &[u8] = if name.contains(&b'@') { b"" } else { b"@" };
        self.children().find(|child| {
            let rest = behind(child.name_bytes(), name);
            rest.is_some_and(|rest| rest.first().is_none_or(|sign| ends.contains(sign)))
        })
    }

    fn property_entries(&self) -> &'t [PropertyEntry] {
        let (first, end) = self.entry.properties;
        self.tree.properties.get(first..end).unwrap_or_default()
    }

    fn value(&self, entry: &PropertyEntry) -> Property<'t> {
        Property { value: entry.value.bytes(self.tree.as_bytes()) }
    }

    /// The properties and their names, in order.
    pub fn properties(&self) -> impl Iterator<Item = (&'t str, Property<'t>)> + use<'t> {
        let node = *self;
        self.property_entries().iter().map(move |entry| {
            let name = before(node.tree.names().get(entry.name as usize..).unwrap_or_default(), 0);
            (core::str::from_utf8(name).unwrap_or_default(), node.value(entry))
        })
    }

    /// The first property called `name`.
    pub fn property(&self, name: &str) -> Option<Property<'t>> {
        let names = self.tree.names();
        let is_it = |entry: &&PropertyEntry| {
            let rest = behind(names.get(entry.name as usize..).unwrap_or_default(), name.as_bytes());
            rest.is_some_and(|rest| rest.first() == Some(&0))
        };
        self.property_entries().iter().find(is_it).map(|entry| self.value(entry))
    }

    /// The property `name` of this node, or of the nearest ancestor that has it.
    pub fn inherited(&self, name: &str) -> Option<Property<'t>> {
        let mut node = *self;
        loop {
            match node.property(name) {
                None => node = node.parent()?,
                property => return property,
            }
        }
    }

    /// Whether there is a property called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.property(name).is_some()
    }

    /// Whether `compatible` names one of `models`.
    pub fn is_compatible(&self, models: &[&str]) -> bool {
        self.property("compatible")
            .is_some_and(|list| list.texts().any(|text| models.iter().any(|model| text == model.as_bytes())))
    }

    /// Whether `status` says that the node may be used: it is absent, `okay` or `ok`.
    pub fn is_enabled(&self) -> bool {
        self.property("status")
            .is_none_or(|status| status.string().is_some_and(|status| ["okay", "ok"].contains(&status)))
    }

    /// The node's phandle.
    pub fn phandle(&self) -> Option<u32> {
        self.property("phandle")?.u32()
    }

    /// Cells that an address and a size take in the children's `reg`.
    pub fn cell_counts(&self) -> (u32, u32) {
        self.counts(false)
    }

    /// The same for this node's own `reg` where its parent may leave the counts to an ancestor, as Xen allows
    /// below `/chosen`.
    pub fn inherited_cell_counts(&self) -> (u32, u32) {
        self.parent().map_or(DEFAULT_CELLS, |parent| parent.counts(true))
    }

    fn counts(&self, inherited: bool) -> (u32, u32) {
        let count = |name, default| {
            let count = if inherited { self.inherited(name) } else { self.property(name) };
            count.and_then(|count| count.u32()).unwrap_or(default)
        };
        (count("#address-cells", DEFAULT_CELLS.0), count("#size-cells", DEFAULT_CELLS.1))
    }

    /// The pairs of address and size in `reg`, as this node's parent counts them, not translated. `None` if
    /// there is no `reg`, it is no whole number of pairs, or an address or size is wider than 64 bits.
    pub fn reg(&self) -> Option<Vec<(u64, u64)>> {
        self.reg_as(self.parent()?.cell_counts())
    }

    /// The same if an address and a size take `cell_counts` cells.
    pub fn reg_as(&self, (address_cells, size_cells): (u32, u32)) -> Option<Vec<(u64, u64)>> {
        let mut reg = self.property("reg")?.value;
        let mut pairs = Vec::new();
        while !reg.is_empty() && address_cells | size_cells != 0 {
            pairs.push((take_number(&mut reg, address_cells)?, take_number(&mut reg, size_cells)?));
        }
        if reg.is_empty() { Some(pairs) } else { None }
    }

    /// `address` of `size` bytes, in the terms of this node's children, in those of the processor: through the
    /// `ranges` of this node and of all its ancestors (Devicetree Specification 0.4 2.3.8). `None` if a bus on
    /// the way does not pass it on.
    pub fn translate(&self, mut address: u64, size: u64) -> Option<u64> {
        let mut bus = *self;
        while let Some(parent) = bus.parent() {
            let ranges = bus.property("ranges")?.value;
            if !ranges.is_empty() {
                let ((child_cells, size_cells), (parent_cells, _)) = (bus.cell_counts(), parent.cell_counts());
                address = pass(ranges, [child_cells, parent_cells, size_cells], address, size)?;
            }
            bus = parent;
        }
        Some(address)
    }
}

/// `address` of `size` bytes on the other side of a bus with these `ranges`: rows of an address on this side, one on
/// the other side and a length, which are as many cells wide as `widths` say.
fn pass(mut ranges: &[u8], widths: [u32; 3], address: u64, size: u64) -> Option<u64> {
    while !ranges.is_empty() && widths != [0; 3] {
        let [child, parent, length] = widths.map(|width| take_number(&mut ranges, width));
        let room = length?.checked_sub(size);
        if let Some(offset) = address.checked_sub(child?)
            && room.is_some_and(|room| offset <= room)
        {
            return parent?.checked_add(offset);
        }
    }
    None
}
