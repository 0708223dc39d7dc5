//! The interrupts of a script that may be delivered, and every interrupt's priority: each vCPU has its own of the private
//! ones.

use crate::draw::{Activity, INTIDS, PRIVATE, VCPUS, WORDS};
use crate::random::Random;

/// A bit for each vCPU.
const ALL: u8 = (1 << VCPUS) - 1;
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
    priorities: [[u8; INTIDS as usize]; VCPUS],
}

impl Live {
    /// Chooses them, and a priority of its own for each.
    pub fn new(random: &mut Random, activity: Activity) -> Self {
        let kinds = if activity == Activity::Deep { DEEP } else { FEW };
        let [sgis, ppis, spis] = kinds;
        let mut live = Self { intids: [0; MOST], sgis, count: 0, priorities: [[OTHERS; INTIDS as usize]; VCPUS] };
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
            let priority = live.free(random, ALL).expect("there are fewer of them than priorities");
            live.priorities.iter_mut().for_each(|of_one| of_one[intid as usize] = priority);
            live.intids[index] = intid as u32;
            live.count += 1;
        }
        live
    }

    fn all(&self) -> &[u32] {
        &self.intids[..self.count]
    }

    /// A priority that none of them has at any of `banks`, a bit each, if there is one.
    fn free(&self, random: &mut Random, banks: u8) -> Option<u8> {
        let of_banks = (0..VCPUS).filter(|bank| banks >> bank & 1 != 0).map(|bank| &self.priorities[bank]);
        let used = of_banks.flat_map(|of_one| self.all().iter().map(|intid| of_one[*intid as usize] >> 3));
        let used = used.fold(0_u32, |used, level| used | 1 << level);
        let free = || (0..LEVELS).filter(|level| used >> level & 1 == 0);
        let count = free().count() as u64;
        if count == 0 { None } else { free().nth(random.below(count) as usize).map(|level| (level << 3) as u8) }
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// Each of them, one after the other.
    pub fn in_order(&self, index: usize) -> u32 {
        self.all()[index]
    }

    /// One of them that is not an SGI.
    pub fn any(&self, random: &mut Random) -> u32 {
        *random.pick(&self.all()[self.sgis..])
    }

    /// One of them that is an SGI which `is_wanted`.
    pub fn any_sgi(&self, random: &mut Random, is_wanted: impl Fn(u32) -> bool) -> Option<u32> {
        let wanted = || self.all()[..self.sgis].iter().filter(|intid| is_wanted(**intid));
        let count = wanted().count() as u64;
        if count == 0 { None } else { wanted().nth(random.below(count) as usize).copied() }
    }

    /// Of a private interrupt, that of `vcpu`.
    pub fn priority(&self, vcpu: u8, intid: u32) -> u8 {
        self.priorities[usize::from(vcpu)][intid as usize]
    }

    /// Gives `intid`, if it is private that of `vcpu`, another priority: a free one, if it may be delivered and there is one.
    pub fn change_priority(&mut self, random: &mut Random, vcpu: u8, intid: u32) {
        let banks = if intid < PRIVATE { 1 << vcpu } else { ALL };
        let is_live = self.all().contains(&intid);
        let any = (random.below(32) << 3) as u8;
        let Some(priority) = (if is_live { self.free(random, banks) } else { Some(any) }) else { return };
        for (index, of_one) in self.priorities.iter_mut().enumerate() {
            if banks >> index & 1 != 0 {
                of_one[intid as usize] = priority;
            }
        }
    }

    /// Those in a word of a bitmap.
    pub fn word(&self, word: u64) -> u32 {
        assert!(word < WORDS);
        let within = self.all().iter().filter(|intid| u64::from(**intid / 32) == word);
        within.fold(0, |bits, intid| bits | 1 << (intid % 32))
    }
}
