//! Lays a source's nodes out as a flattened tree (Devicetree Specification 0.4 5).

use super::{Cell, Node, Value};

/// Labels that are referred to; a node's phandle is its label's place in the list, plus 1.
struct Emitter {
    labels: Vec<String>,
    structure: Vec<u8>,
    strings: Vec<u8>,
}

/// The flattened tree of `root`.
pub(super) fn emit(root: &Node, reservations: &[(u64, u64)]) -> Vec<u8> {
    let mut emitter = Emitter { labels: Vec::new(), structure: Vec::new(), strings: Vec::new() };
    references(root, &mut emitter.labels);
    emitter.node(root);
    emitter.word(9);
    let mut entries: Vec<u8> = Vec::new();
    for (address, size) in reservations.iter().chain(&[(0, 0)]) {
        entries.extend(address.to_be_bytes().into_iter().chain(size.to_be_bytes()));
    }
    let structure_offset = 40 + entries.len();
    let strings_offset = structure_offset + emitter.structure.len();
    let total = strings_offset + emitter.strings.len();
    let sizes = [total, structure_offset, strings_offset, 40].map(|size| size as u32);
    let blocks = [emitter.strings.len() as u32, emitter.structure.len() as u32];
    let fields = [&[0xd00d_feed][..], &sizes, &[17, 16, 0], &blocks].concat();
    let header: Vec<u8> = fields.into_iter().flat_map(u32::to_be_bytes).collect();
    [header, entries, emitter.structure, emitter.strings].concat()
}

/// Adds every label that `node` or a node below it refers to.
fn references(node: &Node, labels: &mut Vec<String>) {
    for value in node.properties.iter().flat_map(|(_, values)| values) {
        let Value::Cells(cells) = value else { continue };
        for cell in cells {
            match cell {
                Cell::Reference(label) if !labels.contains(label) => labels.push(label.clone()),
                _ => {}
            }
        }
    }
    node.children.iter().for_each(|child| references(child, labels));
}

impl Emitter {
    fn node(&mut self, node: &Node) {
        self.word(1);
        self.bytes(node.name.as_bytes(), true);
        for (name, values) in &node.properties {
            let value: Vec<u8> = values.iter().flat_map(|value| self.value(value)).collect();
            self.property(name, &value);
        }
        if let Some(phandle) = node.label.as_ref().and_then(|label| self.phandle(label)) {
            self.property("phandle", &phandle.to_be_bytes());
        }
        node.children.iter().for_each(|child| self.node(child));
        self.word(2);
    }

    fn phandle(&self, label: &str) -> Option<u32> {
        self.labels.iter().position(|other| other == label).map(|index| index as u32 + 1)
    }

    fn value(&self, value: &Value) -> Vec<u8> {
        let number = |cell: &Cell| match cell {
            Cell::Number(number) => *number,
            Cell::Reference(label) => self.phandle(label).expect("a label that was collected"),
        };
        match value {
            Value::Bytes(bytes) => bytes.clone(),
            Value::Cells(cells) => cells.iter().flat_map(|cell| number(cell).to_be_bytes()).collect(),
        }
    }

    fn property(&mut self, name: &str, value: &[u8]) {
        let terminated = [name.as_bytes(), &[0]].concat();
        let known = self.strings.windows(terminated.len()).position(|window| window == terminated);
        let offset = known.unwrap_or(self.strings.len());
        if known.is_none() {
            self.strings.extend(terminated);
        }
        [3, value.len() as u32, offset as u32].into_iter().for_each(|word| self.word(word));
        self.bytes(value, false);
    }

    fn word(&mut self, word: u32) {
        self.structure.extend(word.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8], terminate: bool) {
        self.structure.extend(bytes);
        self.structure.extend(terminate.then_some(0));
        self.structure.resize(self.structure.len().next_multiple_of(4), 0);
    }
}
