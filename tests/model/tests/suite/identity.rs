//! What a guest sees of its processor is what the document says, field by field, whatever the core has.

use bulkhead_model::random::Random;
use bulkhead_vmm::exit::SystemRegister;
use bulkhead_vmm::identity::{COUNT, Identity};

const DOCUMENT: &str = include_str!("../../../../hypervisor/docs/identity.md");
/// Processors of which every bit is any.
const PROCESSORS: usize = 10_000;

/// A register that is not the core's own, with what the document says of it.
struct Row {
    name: &'static str,
    index: usize,
    /// The whole value, if there are no fields to it.
    whole: Option<u64>,
    fields: Vec<Field>,
}

struct Field {
    low: u32,
    bits: u64,
    seen: Seen,
}

/// What a guest sees of a field.
enum Seen {
    Value(u64),
    AtMost(u64),
    /// The core's; 0 without GICv3's system registers.
    OfGicv3,
}

/// The rows of the table under `heading`, cell by cell.
fn table(heading: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let (_, section) = DOCUMENT.split_once(&format!("\n## {heading}\n\n")).expect(heading);
    let rows = section.lines().take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
}

/// CRm and op2 of `S3_0_C0_Cn_n`, as an index.
fn index(encoding: &str) -> usize {
    let (crm, op2) = encoding.strip_prefix("S3_0_C0_C").and_then(|rest| rest.split_once('_')).expect(encoding);
    (crm.parse::<usize>().expect(encoding) - 1) * 8 + op2.parse::<usize>().expect(encoding)
}

fn number(text: &str) -> u64 {
    let digits = text.strip_prefix("0x");
    let parsed = digits.map_or_else(|| text.parse(), |digits| u64::from_str_radix(digits, 16));
    parsed.unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn seen(text: &str) -> Seen {
    match text.strip_prefix("at most ") {
        Some(most) => Seen::AtMost(number(most)),
        None if text == "the core's; 0 with a GICv2" => Seen::OfGicv3,
        None => Seen::Value(number(text)),
    }
}

fn field(cells: &[&'static str]) -> Field {
    let (high, low) = cells[2].split_once(':').expect(cells[2]);
    let (high, low) = (number(high) as u32, number(low) as u32);
    assert!(high < 64 && low <= high, "{}", cells[2]);
    Field { low, bits: (u64::MAX >> (63 - (high - low))) << low, seen: seen(cells[3]) }
}

/// Both tables.
fn document() -> Vec<Row> {
    let mut rows: Vec<Row> = table("Registers")
        .map(|cells| {
            let value = cells[2].split(':').next().unwrap_or_default();
            let whole = (value != "fields below").then(|| number(value));
            Row { name: cells[0], index: index(cells[1]), whole, fields: Vec::new() }
        })
        .collect();
    for cells in table("Fields") {
        let row = rows.iter_mut().find(|row| row.name == cells[0]);
        let row = row.unwrap_or_else(|| panic!("{} is not among the registers", cells[0]));
        assert!(row.whole.is_none(), "{} has fields, and a value", row.name);
        let field = field(&cells);
        assert!(row.fields.iter().all(|other| other.bits & field.bits == 0), "{} {}", row.name, cells[1]);
        row.fields.push(field);
    }
    assert!(rows.iter().all(|row| row.whole.is_some() || !row.fields.is_empty()), "a register has no field");
    rows
}

impl Field {
    fn of(&self, hardware: u64, gic_v3: bool) -> u64 {
        let value = (hardware & self.bits) >> self.low;
        let seen = match self.seen {
            Seen::Value(value) => value,
            Seen::AtMost(most) => value.min(most),
            Seen::OfGicv3 => value * u64::from(gic_v3),
        };
        seen << self.low
    }
}

/// What the document says that a guest sees.
fn expected(document: &[Row], hardware: &[u64; COUNT], gic_v3: bool) -> [u64; COUNT] {
    let mut seen = *hardware;
    for row in document {
        let of_fields = |value: u64, field: &Field| value & !field.bits | field.of(value, gic_v3);
        seen[row.index] = row.whole.unwrap_or_else(|| row.fields.iter().fold(hardware[row.index], of_fields));
    }
    seen
}

fn read(identity: &Identity, index: usize) -> u64 {
    let register = SystemRegister::new(3, 0, 0, (index / 8 + 1) as u8, (index % 8) as u8);
    identity.read(register).expect("it is an identification register")
}

#[test]
fn a_guest_sees_what_the_document_says() {
    let document = document();
    let mut random = Random::new(1);
    let any = (0..PROCESSORS).map(|_| core::array::from_fn(|_| random.bits()));
    for hardware in [[0; COUNT], [u64::MAX; COUNT]].into_iter().chain(any) {
        for gic_v3 in [false, true] {
            let identity = Identity::for_guest(hardware, gic_v3);
            let expected = expected(&document, &hardware, gic_v3);
            for (index, expected) in expected.into_iter().enumerate() {
                let name = document.iter().find(|row| row.index == index).map_or("another register", |row| row.name);
                let hardware = hardware[index];
                assert_eq!(read(&identity, index), expected, "{name} ({index}) of {hardware:#x}, GICv3 {gic_v3}");
            }
        }
    }
}

#[test]
fn what_is_not_stopped_is_named_where_it_is_told_of() {
    let (_, last) = DOCUMENT.split_once("\n## Not stopped\n").expect("the last section");
    let told = table("Fields").flat_map(|cells| cells[4].split('[').skip(1));
    let told: Vec<&str> = told.filter_map(|link| link.split_once("](#not-stopped)")).map(|(name, _)| name).collect();
    assert!(told.len() >= 5, "{told:?}");
    let names =
        told.iter().filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    names.for_each(|name| assert!(last.contains(&format!("**{name}**")), "{name}"));
}
