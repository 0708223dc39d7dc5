//! A small compiler of device-tree sources: the subset that this project's trees are written in. It shares no code
//! with the hypervisor's writer.
//!
//! Known are `/dts-v1/;`, `/memreserve/ ADDRESS SIZE;`, nodes with labels, properties of `<numbers &labels>`,
//! `"strings"` and `[hexadecimal bytes]` with commas between, and comments.

mod emit;
mod scan;

use scan::{Scanner, Sign};

/// A node of a source.
#[derive(Debug, Default)]
struct Node {
    name: String,
    label: Option<String>,
    properties: Vec<(String, Vec<Value>)>,
    children: Vec<Node>,
}

/// A part of a property's value.
#[derive(Debug)]
enum Value {
    Cells(Vec<Cell>),
    Bytes(Vec<u8>),
}

/// A number, or a reference to a node that becomes its phandle.
#[derive(Debug)]
enum Cell {
    Number(u32),
    Reference(String),
}

/// Compiles `source` to a flattened tree.
///
/// # Panics
/// The source is not in the subset: sources are part of the tests.
pub fn compile(source: &str) -> Vec<u8> {
    let mut scanner = Scanner::new(source);
    scanner.expect_word("/dts-v1/");
    scanner.expect(';');
    let mut reservations = Vec::new();
    loop {
        match scanner.next() {
            Sign::Word(word) if word == "/memreserve/" => {
                reservations.push((scanner.number(), scanner.number()));
                scanner.expect(';');
            }
            Sign::Word(word) if word == "/" => break,
            sign => panic!("{sign:?} before the root"),
        }
    }
    scanner.expect('{');
    let root = node(&mut scanner, String::new(), None);
    emit::emit(&root, &reservations)
}

/// The rest of a node behind its opening brace.
fn node(scanner: &mut Scanner<'_>, name: String, label: Option<String>) -> Node {
    let mut node = Node { name, label, ..Node::default() };
    loop {
        let word = match scanner.next() {
            Sign::Word(word) => word,
            Sign::Mark('}') => break,
            sign => panic!("{sign:?} in node {:?}", node.name),
        };
        item(scanner, &mut node, word);
    }
    scanner.expect(';');
    node
}

/// A property or child that starts with `word`.
fn item(scanner: &mut Scanner<'_>, parent: &mut Node, word: String) {
    match scanner.next() {
        Sign::Mark(';') => parent.properties.push((word, Vec::new())),
        Sign::Mark('=') => parent.properties.push((word, values(scanner))),
        Sign::Mark('{') => parent.children.push(node(scanner, word, None)),
        Sign::Mark(':') => {
            let Sign::Word(name) = scanner.next() else { panic!("label {word} without a node") };
            scanner.expect('{');
            parent.children.push(node(scanner, name, Some(word)));
        }
        sign => panic!("{sign:?} behind {word}"),
    }
}

fn values(scanner: &mut Scanner<'_>) -> Vec<Value> {
    let mut values = Vec::new();
    loop {
        values.push(match scanner.next() {
            Sign::Mark('<') => Value::Cells(cells(scanner)),
            Sign::Mark('[') => Value::Bytes(bytes(scanner)),
            Sign::Text(text) => Value::Bytes(text.bytes().chain([0]).collect()),
            sign => panic!("{sign:?} as a value"),
        });
        match scanner.next() {
            Sign::Mark(',') => {}
            Sign::Mark(';') => return values,
            sign => panic!("{sign:?} behind a value"),
        }
    }
}

fn cells(scanner: &mut Scanner<'_>) -> Vec<Cell> {
    let mut cells = Vec::new();
    loop {
        match scanner.next() {
            Sign::Mark('>') => return cells,
            Sign::Mark('&') => match scanner.next() {
                Sign::Word(label) => cells.push(Cell::Reference(label)),
                sign => panic!("{sign:?} as a label"),
            },
            Sign::Word(word) => cells.push(Cell::Number(u32::try_from(scan::number(&word)).expect("a cell"))),
            sign => panic!("{sign:?} among cells"),
        }
    }
}

fn bytes(scanner: &mut Scanner<'_>) -> Vec<u8> {
    let mut digits = String::new();
    loop {
        match scanner.next() {
            Sign::Mark(']') => break,
            Sign::Word(word) => digits += &word,
            sign => panic!("{sign:?} among bytes"),
        }
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("bytes")).collect()
}
