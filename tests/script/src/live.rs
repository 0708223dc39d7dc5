//! The interrupts of a script that may be delivered, and every interrupt's priority.

use crate::draw::{Activity, INTIDS, WORDS};
use crate::random::Random;

const SGIS: u64 = 16;
/// All SGIs, which on GICv2 cannot be disabled, some PPIs, and SPIs, of which a few have high INTIDs.
const MOST: usize = 28;
const DEEP: [usize; 3] = [16, 4, 8];
/// As many as any virtual CPU interface has list registers.
const FEW: [usize; 3] = [1, 1, 2];
/// Priorities that pass the mask 0xff on machines with five bits of priority.
const LEVELS: u64 = 31;
/// Priority of those that are never enabled, at first.
const OTHERS: u8 = 0xa0;

/// Which interrupts may be enabled, or sent, and all priorities.
#[derive(Debug)]
pub(crate) struct Live {
    intids: [u32; MOST],
    sgis: usize,
    count: usize,
    priorities: [u8; INTIDS as usize],
}

impl Live {
    /// Chooses them, and a priority of its own for each.
    pub fn new(random: &mut Random, activity: Activity) -> Self {
        let kinds = if activity == Activity::Deep { DEEP } else { FEW };
        let [sgis, ppis, spis] = kinds;
        let mut live = Self { intids: [0; MOST], sgis, count: 0, priorities: [OTHERS; INTIDS as usize] };
        for index in 0..sgis + ppis + spis {
            let intid = loop {
                let intid = if index < sgis {
                    random.below(SGIS)
                } else if index < sgis + ppis {
                    SGIS + random.below(32 - SGIS)
                } else {
                    let reach = if random.below(4) == 0 { INTIDS - 32 } else { 64 };
                    32 + random.below(reach)
                };
                if !live.all().contains(&(intid as u32)) {
                    break intid;
                }
            };
            live.priorities[intid as usize] = live.free(random);
            live.intids[index] = intid as u32;
            live.count += 1;
        }
        live
    }

    fn all(&self) -> &[u32] {
        &self.intids[..self.count]
    }

    /// A priority that none of them has.
    fn free(&self, random: &mut Random) -> u8 {
        loop {
            let priority = (random.below(LEVELS) << 3) as u8;
            if self.all().iter().all(|intid| self.priorities[*intid as usize] != priority) {
                return priority;
            }
        }
    }

    /// Each of them, one after the other.
    pub fn in_order(&self, index: usize) -> Option<u32> {
        self.all().get(index).copied()
    }

    /// One of them that is not an SGI.
    pub fn any(&self, random: &mut Random) -> u32 {
        *random.pick(&self.all()[self.sgis..])
    }

    /// One of them that is an SGI.
    pub fn any_sgi(&self, random: &mut Random) -> u32 {
        *random.pick(&self.all()[..self.sgis])
    }

    pub fn priority(&self, intid: u32) -> u8 {
        self.priorities[intid as usize]
    }

    /// Gives `intid` another priority: a free one, if it may be delivered.
    pub fn change_priority(&mut self, random: &mut Random, intid: u32) {
        let is_live = self.all().contains(&intid);
        let priority = if is_live { self.free(random) } else { (random.below(32) << 3) as u8 };
        self.priorities[intid as usize] = priority;
    }

    /// Those in a word of a bitmap.
    pub fn word(&self, word: u64) -> u32 {
        assert!(word < WORDS);
        let within = self.all().iter().filter(|intid| u64::from(**intid / 32) == word);
        within.fold(0, |bits, intid| bits | 1 << (intid % 32))
    }
}
