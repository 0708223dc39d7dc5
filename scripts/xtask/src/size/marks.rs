//! How much of each EL2 stack and of the heap was ever used: what is no longer zero, as it was after reset.

use crate::Result;
use object::{Object, ObjectSymbol};
use std::error::Error;
use std::fmt;

/// The page below each stack, which is not mapped.
const GUARD: u64 = 4096;
/// Bytes that are told apart.
const WORD: usize = 8;
/// Bytes of an element of `secondary_mpidrs`, of which there is one for each stack.
const AFFINITY: u64 = 8;
/// Percent of a stack or of the heap that may be used.
const LIMIT: u64 = 75;

/// One piece of EL2's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which it is.
    pub name: String,
    /// Bytes that it has.
    pub size: u64,
    /// Bytes of it that were used: of a stack those down to the deepest word written, of the heap those written.
    pub used: u64,
}

impl Mark {
    /// What is wrong with it.
    pub fn problem(&self) -> Option<String> {
        let Self { name, size, used } = self;
        (used * 100 > size * LIMIT)
            .then(|| format!("{name}: {used} of {size} bytes were used, at most {LIMIT} % may be"))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, size, used } = self;
        write!(f, "{name:<18} {used:>8} of {size:>7} bytes ({} %)", used * 100 / size.max(&1))
    }
}

/// Reads the marks of the program `elf` from `memory`, which begins where it is loaded. Stacks that no core has used
/// are left out.
pub fn read(elf: &[u8], memory: &[u8]) -> Result<Vec<Mark>> {
    let file = object::File::parse(elf)?;
    let symbol = |name: &str| {
        let is_it = |found: &str| format!("{:#}", rustc_demangle::demangle(found)) == name;
        let found = file.symbols().find(|symbol| symbol.name().is_ok_and(is_it));
        let found = found.ok_or_else(|| format!("the hypervisor's file has no symbol {name}"))?;
        Ok::<_, Box<dyn Error>>((found.address(), found.size()))
    };
    let part = |start: u64, size: u64| {
        let range = usize::try_from(start)?..usize::try_from(start + size)?;
        Ok::<_, Box<dyn Error>>(memory.get(range).ok_or("the board's memory ends within the hypervisor")?)
    };
    let (stacks, size) = symbol("stacks")?;
    let cores = (symbol("secondary_mpidrs")?.1 / AFFINITY).max(1);
    // Each core's is a power of two with its guard; the emergency stack, which is smaller, follows the last.
    let stride = 1 << (size / cores).max(1).ilog2();
    let mut marks = Vec::new();
    for core in 0..cores {
        marks.push(stack(format!("stack {core}"), part(stacks + core * stride + GUARD, stride - GUARD)?));
    }
    marks.retain(|mark| mark.used > 0);
    let emergency = part(stacks + cores * stride + GUARD, size - cores * stride - GUARD)?;
    marks.push(stack("emergency stack".to_owned(), emergency));
    let (base, size) = symbol("bulkhead_el2::heap::MEMORY")?;
    marks.push(heap(part(base, size)?));
    Ok(marks)
}

/// Stacks grow down.
fn stack(name: String, bytes: &[u8]) -> Mark {
    let deepest = bytes.chunks(WORD).position(is_written).map_or(bytes.len(), |word| word * WORD);
    Mark { name, size: bytes.len() as u64, used: (bytes.len() - deepest) as u64 }
}

/// What was allocated and never written is not seen, nor is what was zeroed since.
fn heap(bytes: &[u8]) -> Mark {
    let written = bytes.chunks(WORD).filter(|word| is_written(word)).count() * WORD;
    Mark { name: "heap".to_owned(), size: bytes.len() as u64, used: written as u64 }
}

fn is_written(word: &[u8]) -> bool {
    word.iter().any(|byte| *byte != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(written: &[usize]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        written.iter().for_each(|at| bytes[*at] = 1);
        bytes
    }

    #[test]
    fn a_stack_is_used_down_to_its_deepest_word() {
        let used = |written: &[usize]| stack(String::new(), &bytes(written)).used;
        assert_eq!([used(&[]), used(&[63]), used(&[40, 63]), used(&[47]), used(&[0])], [0, 8, 24, 24, 64]);
    }

    #[test]
    fn of_the_heap_each_word_counts_for_itself() {
        assert_eq!(heap(&bytes(&[0, 1, 63])).used, 16);
        assert_eq!(heap(&bytes(&[])).used, 0);
    }

    #[test]
    fn a_quarter_must_be_left() {
        let mark = |used| Mark { name: "stack 3".to_owned(), size: 1000, used };
        assert_eq!(mark(750).problem(), None);
        assert!(mark(751).problem().is_some_and(|problem| problem.starts_with("stack 3: 751 of 1000 bytes")));
    }
}
