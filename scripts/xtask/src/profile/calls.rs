//! Who called whom: each core's calls, followed instruction by instruction.

use super::trace::{CORES, Step};
use crate::Result;
use object::{Object, ObjectSection};
use std::collections::HashMap;

/// What an instruction does to the stack of calls (Arm ARM DDI 0487 C6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// BL, BLR.
    Call,
    /// RET.
    Return,
    /// MRS from CNTPCT_EL0 or CNTVCT_EL0.
    Counter,
    /// Any other.
    Plain,
}

impl Kind {
    fn of(instruction: u32) -> Self {
        match instruction {
            _ if instruction >> 26 == 0b10_0101 || instruction & 0xffff_fc1f == 0xd63f_0000 => Self::Call,
            _ if instruction & 0xffff_fc1f == 0xd65f_0000 => Self::Return,
            _ if matches!(instruction & 0xffff_ffe0, 0xd53b_e020 | 0xd53b_e040) => Self::Counter,
            _ => Self::Plain,
        }
    }
}

/// A chain of calls that are not over, by number; 0 is none.
pub type Chain = u32;

/// An instruction of the program and the calls that led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Index of the core.
    pub core: usize,
    /// The calls.
    pub chain: Chain,
    /// Offset in the program.
    pub offset: u64,
}

/// Follows the calls of a program on all cores.
pub struct Calls {
    kinds: Vec<Kind>,
    /// Offset of the program's first instruction.
    start: u64,
    cores: [Core; CORES],
    /// Each chain's next shorter one, and the offset of the call that it has beyond that.
    chains: Vec<(Chain, u64)>,
    longer: HashMap<(Chain, u64), Chain>,
}

/// What one core did.
#[derive(Clone, Default)]
struct Core {
    /// For each call that is not over: where it returns to, and the chain that ends with it.
    calls: Vec<(u64, Chain)>,
    /// Offset of the last instruction.
    last: Option<u64>,
}

impl Calls {
    /// The text of `elf`, which is linked at 0.
    pub fn new(elf: &[u8]) -> Result<Self> {
        let file = object::File::parse(elf)?;
        let text = file.section_by_name(".text").ok_or("the hypervisor's file has no section .text")?;
        let words = text.data()?.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        Ok(Self::of(words, text.address()))
    }

    fn of(instructions: impl Iterator<Item = u32>, start: u64) -> Self {
        Self {
            kinds: instructions.map(Kind::of).collect(),
            start,
            cores: std::array::from_fn(|_| Core::default()),
            chains: vec![(0, 0)],
            longer: HashMap::new(),
        }
    }

    /// Follows `step` of the program, which is loaded at `base`.
    pub fn follow(&mut self, step: &Step, base: u64) -> Place {
        let offset = step.address.wrapping_sub(base);
        let core = step.core;
        match self.cores[core].last.map(|last| (last, self.kind(last))) {
            Some((last, Kind::Call)) => {
                let chain = self.longer(self.chain(core), last);
                self.cores[core].calls.push((last + 4, chain));
            }
            Some((_, Kind::Return)) => self.end(core, offset),
            _ => {}
        }
        self.cores[core].last = Some(offset);
        Place { core, chain: self.chain(core), offset }
    }

    /// Whether the instruction at `offset` reads the counter.
    pub fn reads_counter(&self, offset: u64) -> bool {
        self.kind(offset) == Kind::Counter
    }

    /// Offsets of the calls of `chain`, the first of them first.
    pub fn path(&self, mut chain: Chain) -> Vec<u64> {
        let mut path = Vec::new();
        while chain != 0 {
            let (shorter, call) = self.chains[chain as usize];
            path.push(call);
            chain = shorter;
        }
        path.reverse();
        path
    }

    fn kind(&self, offset: u64) -> Kind {
        let index = offset.wrapping_sub(self.start) / 4;
        self.kinds.get(index as usize).copied().unwrap_or(Kind::Plain)
    }

    fn chain(&self, core: usize) -> Chain {
        self.cores[core].calls.last().map_or(0, |(_, chain)| *chain)
    }

    fn longer(&mut self, chain: Chain, call: u64) -> Chain {
        let next = self.chains.len() as Chain;
        let longer = *self.longer.entry((chain, call)).or_insert(next);
        if longer == next {
            self.chains.push((chain, call));
        }
        longer
    }

    /// Ends the calls up to the one that returns to `offset`. A jump by RET to elsewhere ends none.
    fn end(&mut self, core: usize, offset: u64) {
        let calls = &mut self.cores[core].calls;
        if let Some(depth) = calls.iter().rposition(|(return_to, _)| *return_to == offset) {
            calls.truncate(depth);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOP: u32 = 0xd503_201f;
    const BL: u32 = 0x9400_0002;
    const BLR: u32 = 0xd63f_0100;
    const RET: u32 = 0xd65f_03c0;

    fn paths(instructions: &[u32], steps: &[(usize, u64)]) -> Vec<Vec<u64>> {
        let mut calls = Calls::of(instructions.iter().copied(), 0);
        let step = |(core, offset)| Step { core, address: 0x1000 + offset, level: 2 };
        let places: Vec<_> = steps.iter().map(|at| calls.follow(&step(*at), 0x1000)).collect();
        places.iter().map(|place| calls.path(place.chain)).collect()
    }

    #[test]
    fn calls_nest_and_return() {
        let text = [BL, NOP, BLR, RET, RET];
        let paths = paths(&text, &[(0, 0), (0, 8), (0, 16), (0, 12), (0, 4)]);
        assert_eq!(paths, [vec![], vec![0], vec![0, 8], vec![0], vec![]]);
    }

    #[test]
    fn a_tail_call_returns_for_its_caller() {
        // 0 calls 8, which jumps to 16; that returns to 4.
        let paths = paths(&[BL, NOP, NOP, NOP, RET], &[(0, 0), (0, 8), (0, 16), (0, 4)]);
        assert_eq!(paths, [vec![], vec![0], vec![0], vec![]]);
    }

    #[test]
    fn cores_have_calls_of_their_own() {
        let paths = paths(&[BL, NOP, NOP, RET], &[(0, 0), (1, 4), (0, 8), (1, 8), (0, 12), (0, 4)]);
        assert_eq!(paths, [vec![], vec![], vec![0], vec![], vec![0], vec![]]);
    }

    #[test]
    fn a_return_to_where_nobody_called_from_ends_no_call() {
        let paths = paths(&[BL, NOP, RET, NOP], &[(0, 0), (0, 8), (0, 12), (0, 4)]);
        assert_eq!(paths, [vec![], vec![0], vec![0], vec![0]]);
    }

    #[test]
    fn reads_of_both_counters_are_known() {
        let calls = Calls::of([0xd53b_e029, 0xd53b_e055, 0xd53b_e009, NOP].into_iter(), 0);
        let known = [0, 4, 8, 12, 16].map(|offset| calls.reads_counter(offset));
        assert_eq!(known, [true, true, false, false, false], "CNTFRQ_EL0 is no count");
    }
}
