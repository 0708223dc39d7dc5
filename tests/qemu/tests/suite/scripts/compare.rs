//! Two machines' answers, access by access.

use std::fmt;

use bulkhead_script::{Access, Act, Script, Version};

use super::ACCESSES;
use super::known::{self, Known};
use super::transcript::Answer;

/// Accesses shown before one that is not answered as it should be.
const SHOWN: usize = 40;
/// Scripts with differences that are shown.
const MOST: usize = 12;

/// What was compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// Accesses.
    pub compared: u64,
    /// To registers that there are.
    pub existing: u64,
    /// Interrupts acknowledged, by each vCPU.
    pub acknowledged: [u64; 2],
    /// Accesses that trapped on both machines.
    pub trapped: u64,
    /// Answered in two ways.
    pub different: u64,
}

/// The comparison of all scripts of a seed.
pub struct Comparison {
    version: Version,
    /// vCPUs that take turns.
    pub vcpus: u8,
    seed: u64,
    known: Vec<&'static Known>,
    seen: Vec<u64>,
    /// What was compared.
    pub count: Count,
    /// Differences that are not known, each with what led to it.
    pub unknown: Vec<String>,
}

impl Comparison {
    pub fn new(version: Version, vcpus: u8, seed: u64) -> Self {
        let known = known::of(version, vcpus);
        let seen = vec![0; known.len()];
        Self { version, vcpus, seed, known, seen, count: Count::default(), unknown: Vec::new() }
    }

    /// Compares the answers that a script got. What follows a difference that is not known tells nothing more.
    pub fn script(&mut self, number: u64, native: &[Answer], ours: &[Answer]) {
        let script: Vec<Access> = Script::new(self.version, self.vcpus, self.seed, number, ACCESSES as usize).collect();
        for (index, (access, answers)) in script.iter().zip(native.iter().zip(ours)).enumerate() {
            let answers = (*answers.0, *answers.1);
            self.count(access, answers);
            if answers.0 != answers.1 && !self.is_known(access, index + 1 == script.len(), answers) {
                if self.unknown.len() < MOST {
                    let told = tell(&script, index, native, ours);
                    self.unknown.push(format!("seed {} script {number}:\n{told}", self.seed));
                }
                return;
            }
        }
    }

    fn count(&mut self, access: &Access, (native, ours): (Answer, Answer)) {
        let count = &mut self.count;
        count.compared += 1;
        count.existing += u64::from(access.exists);
        count.different += u64::from(native != ours);
        let trapped = |answer| matches!(answer, Answer::Abort(_) | Answer::Undefined);
        count.trapped += u64::from(trapped(native) && trapped(ours));
        let taken = |answer| matches!(answer, Answer::Value(value) if value & 0x3ff < 1020);
        if matches!(access.act, Act::Acknowledge(..)) {
            count.acknowledged[usize::from(access.vcpu)] += u64::from(taken(native) && taken(ours));
        }
    }

    fn is_known(&mut self, access: &Access, is_last: bool, (native, ours): (Answer, Answer)) -> bool {
        let found = self.known.iter().position(|known| known.explains(access, is_last, native, ours));
        found.inspect(|row| self.seen[*row] += 1).is_some()
    }

    /// Names of the known differences.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.known.iter().map(|known| known.what)
    }

    /// Rows of the list for which there was no difference.
    pub fn unseen(&self) -> Vec<&'static str> {
        self.known.iter().zip(&self.seen).filter(|(_, seen)| **seen == 0).map(|(known, _)| known.what).collect()
    }
}

/// The access `index` of `script` with both answers, the native one first, and those before it.
fn tell(script: &[Access], index: usize, native: &[Answer], ours: &[Answer]) -> String {
    let of = |number: usize| match (native[number], ours[number]) {
        (native, ours) if native == ours => format!("  {number}: {}: {ours}\n", script[number]),
        (native, ours) => format!("  {number}: {}: natively {native}, under the hypervisor {ours}\n", script[number]),
    };
    (index.saturating_sub(SHOWN)..=index).map(of).collect()
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count { compared, existing, acknowledged, trapped, different } = self.count;
        let version = self.version;
        writeln!(
            f,
            "{version:?}: {compared} accesses compared, {existing} to existing registers, {acknowledged:?} interrupts \
             acknowledged, {trapped} trapped alike, {different} answered in two ways"
        )?;
        self.known
            .iter()
            .zip(&self.seen)
            .try_for_each(|(known, seen)| writeln!(f, "{version:?}: {seen} {}", known.what))
    }
}
