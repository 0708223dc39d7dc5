//! Which instructions belong to one repetition of an operation: those between the guest's reads of the counter.

use super::calls::Place;
use crate::Result;
use object::{Object, ObjectSection, ObjectSymbol, SectionKind};
use std::collections::{BTreeMap, HashMap};

/// Bytes that a read of the counter may stand behind the one that it is compared with (`ticks!` of tests/bench).
const CLOSE: u64 = 12;
/// Registers that `ticks!` reads the counter into, before and after.
const BEFORE: u32 = 21;
const AFTER: u32 = 22;
/// Bytes of a vector table.
const VECTORS: u64 = 0x800;

/// What a read of the counter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// A sample may begin behind it.
    Begin,
    /// A sample ends with it.
    End,
}

/// The guest's reads of the counter by address.
pub struct Marks(HashMap<u64, Mark>);

impl Marks {
    /// Finds them in the guest's file, which is linked where it runs.
    pub fn new(elf: &[u8]) -> Result<Self> {
        let file = object::File::parse(elf)?;
        let symbol = |name: &str| {
            let found = file.symbols().find(|symbol| symbol.name() == Ok(name));
            found.map(|symbol| symbol.address()).ok_or_else(|| format!("the guest's file has no symbol {name}"))
        };
        let (vectors, started) = (symbol("bench_vectors")?, symbol("started_entry")?);
        let mut reads = BTreeMap::new();
        for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
            reads.extend(self::reads(section.data()?, section.address()));
        }
        Ok(Self::of(&reads, |address| address == started || (vectors..vectors + VECTORS).contains(&address)))
    }

    /// `reads`: each read's address and register. Reads for which `is_handler` holds always end a sample.
    fn of(reads: &BTreeMap<u64, u32>, is_handler: impl Fn(u64) -> bool) -> Self {
        let is_pair = |first: (&u64, &u32), last: (&u64, &u32)| {
            *first.1 == BEFORE && *last.1 == AFTER && last.0 - first.0 <= CLOSE
        };
        let mark = |read: (&u64, &u32)| {
            let close_before = reads.range(read.0.saturating_sub(CLOSE)..*read.0);
            let close_after = reads.range(read.0 + 1..=read.0 + CLOSE);
            let is_inside = close_before.clone().any(|first| close_after.clone().any(|last| is_pair(first, last)));
            let is_end = is_handler(*read.0) || close_before.clone().any(|first| is_pair(first, read));
            match (is_inside, is_end) {
                (true, _) => None,
                (_, true) => Some(Mark::End),
                _ => Some(Mark::Begin),
            }
        };
        Self(reads.iter().filter_map(|read| Some((*read.0, mark(read)?))).collect())
    }
}

/// Reads of CNTVCT_EL0 in `text`: address and register.
fn reads(text: &[u8], start: u64) -> impl Iterator<Item = (u64, u32)> {
    let words = text.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
    let reads = words.enumerate().filter(|(_, word)| word & 0xffff_ffe0 == 0xd53b_e040);
    reads.map(move |(index, word)| (start + index as u64 * 4, word & 0x1f))
}

/// The instructions of one sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The hypervisor's, in their order.
    pub places: Vec<Place>,
    /// The guest's before the first of the hypervisor's.
    pub before: u64,
    /// The guest's after that.
    pub after: u64,
}

impl Window {
    /// What the guest counts: everything, or what follows when a deadline passed, which brings the hypervisor in.
    pub fn cost(&self, from_deadline: bool) -> u64 {
        self.places.len() as u64 + self.after + if from_deadline { 0 } else { self.before }
    }
}

/// Gathers the windows as instructions come.
pub struct Windows {
    marks: Marks,
    /// The read that the open window began behind.
    open: Option<(u64, Window)>,
    /// The windows by the reads at their ends.
    closed: BTreeMap<(u64, u64), Vec<Window>>,
}

impl Windows {
    /// None yet.
    pub fn new(marks: Marks) -> Self {
        Self { marks, open: None, closed: BTreeMap::new() }
    }

    /// The hypervisor executed the instruction at `place`.
    pub fn hypervisor(&mut self, place: Place) {
        if let Some((_, window)) = &mut self.open {
            window.places.push(place);
        }
    }

    /// A guest executed the instruction at `address`.
    pub fn guest(&mut self, address: u64) {
        if let Some((_, window)) = &mut self.open {
            let count = if window.places.is_empty() { &mut window.before } else { &mut window.after };
            *count += 1;
        }
        match self.marks.0.get(&address) {
            Some(Mark::Begin) => self.open = Some((address, Window::default())),
            Some(Mark::End) => {
                if let Some((begin, window)) = self.open.take() {
                    self.closed.entry((begin, address)).or_default().push(window);
                }
            }
            None => {}
        }
    }

    /// The windows of the operation, the samples that it was warmed up with first: those that there are most of.
    pub fn most(self) -> Vec<Window> {
        self.closed.into_values().max_by_key(Vec::len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { core: 0, chain: 0, offset: 0 };

    /// Reads at 0 and 8 by `ticks!` with one between, a lone one at 100, and a handler's at 200.
    fn windows() -> Windows {
        let reads = [(0, BEFORE), (4, 3), (8, AFTER), (100, AFTER), (200, 9)].into();
        Windows::new(Marks::of(&reads, |address| address == 200))
    }

    #[test]
    fn only_a_close_pair_or_a_handler_ends_a_sample() {
        let marks = windows().marks.0;
        assert_eq!([0, 4, 8, 100, 200].map(|at| marks.get(&at).copied()), {
            use Mark::{Begin, End};
            [Some(Begin), None, Some(End), Some(Begin), Some(End)]
        });
    }

    #[test]
    fn reads_are_found_with_their_registers() {
        let text: Vec<u8> =
            [0xd503_201f_u32, 0xd53b_e056, 0xd53b_e036].iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(reads(&text, 0x40).collect::<Vec<_>>(), [(0x44, 22)], "CNTPCT_EL0 is another counter");
    }

    #[test]
    fn a_window_counts_what_lies_between_two_reads() {
        let mut windows = windows();
        windows.hypervisor(PLACE);
        [0, 4].into_iter().for_each(|address| windows.guest(address));
        windows.hypervisor(PLACE);
        windows.hypervisor(PLACE);
        [8, 12].into_iter().for_each(|address| windows.guest(address));
        windows.hypervisor(PLACE);
        let most = windows.most();
        assert_eq!(most, [Window { places: vec![PLACE; 2], before: 1, after: 1 }]);
        assert_eq!((most[0].cost(false), most[0].cost(true)), (4, 3));
    }

    #[test]
    fn the_operation_is_what_was_repeated_most() {
        let mut windows = windows();
        for _ in 0..3 {
            [0, 100, 104].into_iter().for_each(|address| windows.guest(address));
            windows.hypervisor(PLACE);
            windows.guest(200);
        }
        [0, 8, 200].into_iter().for_each(|address| windows.guest(address));
        let most = windows.most();
        assert_eq!(most, vec![Window { places: vec![PLACE], before: 1, after: 1 }; 3]);
    }
}
