//! A node that knows its ancestors: `reg`, `ranges` and `interrupt-parent` cannot be read without them.

use super::index::{NodeEntry, PropertyEntry};
use super::{Property, Tree};
use alloc::string::String;
use alloc::vec::Vec;

/// A node of a [`Tree`].
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree,
    number: usize,
}

/// Cells that an address or a size takes in a child's `reg` if the node does not say (Devicetree
/// Specification 0.4 2.3.5).
const DEFAULT_CELLS: (u32, u32) = (2, 1);

impl<'t> Node<'t> {
    /// Node `number` of `tree`.
    pub(super) fn new(tree: &'t Tree, number: usize) -> Self {
        Self { tree, number }
    }

    fn entry(&self) -> Option<&'t NodeEntry> {
        self.tree.index.nodes.get(self.number)
    }

    fn name_bytes(&self) -> &'t [u8] {
        self.entry().map(|entry| entry.name.bytes(self.tree.as_bytes())).unwrap_or_default()
    }

    /// The name with its unit address; empty for the root.
    pub fn name(&self) -> &'t str {
        core::str::from_utf8(self.name_bytes()).unwrap_or_default()
    }

    /// The name without its unit address.
    pub fn base_name(&self) -> &'t str {
        self.name().split('@').next().unwrap_or_default()
    }

    /// The path from the root, such as `/chosen/hypervisor`.
    pub fn path(&self) -> String {
        match self.parent() {
            None => String::from("/"),
            Some(parent) if parent.number == 0 => String::from("/") + self.name(),
            Some(parent) => parent.path() + "/" + self.name(),
        }
    }

    /// The parent; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let entry = self.entry()?;
        (self.number != 0).then_some(Self { tree: self.tree, number: entry.parent })
    }

    /// The children, in order.
    pub fn children(&self) -> impl Iterator<Item = Self> + use<'t> {
        let tree = self.tree;
        let end = self.entry().map_or(0, |entry| entry.end);
        let mut number = self.number + 1;
        core::iter::from_fn(move || {
            let child = Self { tree, number };
            let entry = child.entry().filter(|_| number < end)?;
            number = entry.end;
            Some(child)
        })
    }

    /// The child called `name`; without an `@` in it, also one that has a unit address.
    pub fn child(&self, name: &str) -> Option<Self> {
        let matches = |child: &Self| {
            let rest = child.name_bytes().strip_prefix(name.as_bytes());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"@") && !name.contains('@'))
        };
        self.children().find(matches)
    }

    fn read(&self, entry: &PropertyEntry) -> Property<'t> {
        let bytes = self.tree.as_bytes();
        let name = core::str::from_utf8(entry.name.bytes(bytes)).unwrap_or_default();
        Property { name, value: entry.value.bytes(bytes) }
    }

    /// The properties, in order.
    pub fn properties(&self) -> impl Iterator<Item = Property<'t>> + use<'t> {
        let node = *self;
        self.tree.index.properties_of(self.number).iter().map(move |entry| node.read(entry))
    }

    /// The first property called `name`.
    pub fn property(&self, name: &str) -> Option<Property<'t>> {
        let bytes = self.tree.as_bytes();
        let mut entries = self.tree.index.properties_of(self.number).iter();
        entries.find(|entry| entry.name.bytes(bytes) == name.as_bytes()).map(|entry| self.read(entry))
    }

    /// Whether there is a property called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.property(name).is_some()
    }

    /// Whether `compatible` names one of `models`.
    pub fn is_compatible(&self, models: &[&str]) -> bool {
        self.property("compatible").is_some_and(|list| list.strings().any(|model| models.contains(&model)))
    }

    /// Whether `status` says that the node may be used: it is absent, `okay` or `ok`.
    pub fn is_enabled(&self) -> bool {
        self.property("status").is_none_or(|status| matches!(status.string(), Some("okay" | "ok")))
    }

    /// The node's phandle.
    pub fn phandle(&self) -> Option<u32> {
        self.property("phandle").or_else(|| self.property("linux,phandle"))?.u32()
    }

    /// Cells that an address and a size take in the children's `reg`.
    pub fn cell_counts(&self) -> (u32, u32) {
        let count = |name| self.property(name).and_then(|count| count.u32());
        let (address, size) = DEFAULT_CELLS;
        (count("#address-cells").unwrap_or(address), count("#size-cells").unwrap_or(size))
    }

    /// The same for this node's own `reg` where its parent may leave the counts to an ancestor, as Xen allows
    /// below `/chosen`.
    pub fn inherited_cell_counts(&self) -> (u32, u32) {
        let count = |name| {
            let mut ancestors = core::iter::successors(self.parent(), Self::parent);
            ancestors.find_map(|node| node.property(name).and_then(|count| count.u32()))
        };
        let (address, size) = DEFAULT_CELLS;
        (count("#address-cells").unwrap_or(address), count("#size-cells").unwrap_or(size))
    }

    /// The pairs of address and size in `reg`, as this node's parent counts them, not translated. `None` if
    /// there is no `reg`, it is no whole number of pairs, or an address or size is wider than 64 bits.
    pub fn reg(&self) -> Option<Vec<(u64, u64)>> {
        self.reg_as(self.parent()?.cell_counts())
    }

    /// The same if an address and a size take `cell_counts` cells.
    pub fn reg_as(&self, cell_counts: (u32, u32)) -> Option<Vec<(u64, u64)>> {
        let rows = split(self.property("reg")?.cells()?, &[cell_counts.0, cell_counts.1])?;
        Some(rows.into_iter().filter_map(|row| Some((*row.first()?, *row.get(1)?))).collect())
    }

    /// `address` of `size` bytes, in the terms of this node's children, in those of the processor: through the
    /// `ranges` of this node and of all its ancestors (Devicetree Specification 0.4 2.3.8). `None` if a bus on
    /// the way does not pass it on.
    pub fn translate(&self, address: u64, size: u64) -> Option<u64> {
        let Some(parent) = self.parent() else { return Some(address) };
        let ranges = self.property("ranges")?.cells()?;
        if ranges.is_empty() {
            return parent.translate(address, size);
        }
        let ((child_cells, size_cells), (parent_cells, _)) = (self.cell_counts(), parent.cell_counts());
        let rows = split(ranges, &[child_cells, parent_cells, size_cells])?;
        let passed = rows.iter().find_map(|row| match row.as_slice() {
            [child, parent, length] => {
                let offset = address.checked_sub(*child)?;
                if offset.checked_add(size)? <= *length { parent.checked_add(offset) } else { None }
            }
            _ => None,
        })?;
        parent.translate(passed, size)
    }
}

/// Splits `cells` into rows whose columns are as many cells wide as `widths` say. `None` if they do not divide
/// evenly, or a column is wider than 64 bits.
pub(super) fn split(cells: Vec<u32>, widths: &[u32]) -> Option<Vec<Vec<u64>>> {
    if widths.iter().any(|width| *width > 2) {
        return None;
    }
    let width: u32 = widths.iter().sum();
    if width == 0 || !cells.len().is_multiple_of(width as usize) {
        return None;
    }
    let number = |cells: &[u32]| cells.iter().fold(0, |number, cell| number << 32 | u64::from(*cell));
    let row = |mut row: &[u32]| {
        let mut column = |width: &u32| {
            let (head, tail) = row.split_at_checked(*width as usize).unwrap_or_default();
            row = tail;
            number(head)
        };
        widths.iter().map(&mut column).collect()
    };
    Some(cells.chunks_exact(width as usize).map(row).collect())
}
