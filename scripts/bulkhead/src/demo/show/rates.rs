//! Exits per second and time asleep, from two answers of the monitor's `stats`.

use crate::demo::cells::{Subject, Table, number};
use std::collections::BTreeMap;

/// What the cells of a vCPU's row count besides exits.
const NOT_CAUSES: [&str; 5] = ["core", "asleep", "asleep-ticks", "total-ticks", "exits"];

/// What changed between two answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rates {
    /// Exits per second of all vCPUs of a guest, by cause; causes without an exit are left out.
    pub exits: BTreeMap<String, Vec<(String, f64)>>,
    /// Share of time asleep, in percent, of each core and what it runs.
    pub asleep: Vec<(u64, String, f64)>,
}

/// The changes from `before` to `after`, which are `seconds` apart.
pub fn rates(before: &Table, after: &Table, seconds: f64) -> Rates {
    let mut rates = Rates::default();
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    for (subject, row) in after {
        match subject {
            Subject::Vcpu(vm, _) => {
                for cause in row.keys().filter(|key| !NOT_CAUSES.contains(&key.as_str())) {
                    *counts.entry((vm.clone(), cause.clone())).or_default() += grown(before, after, subject, cause);
                }
            }
            Subject::Core(core) => {
                let (asleep, total) =
                    (grown(before, after, subject, "asleep-ticks"), grown(before, after, subject, "total-ticks"));
                let runs = row.get("vm").cloned().unwrap_or_default();
                rates.asleep.push((*core, runs, asleep as f64 * 100.0 / total.max(1) as f64));
            }
            Subject::Vm(_) => {}
        }
    }
    for ((vm, cause), count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        rates.exits.entry(vm).or_default().push((cause, count as f64 / seconds));
    }
    rates.exits.values_mut().for_each(|causes| causes.sort_by(|a, b| b.1.total_cmp(&a.1)));
    rates
}

/// How much the number `key` grew. A sleep that was told while it seemed to last may be taken back.
fn grown(before: &Table, after: &Table, subject: &Subject, key: &str) -> u64 {
    let before = number(before, subject, key).unwrap_or(0);
    number(after, subject, key).map_or(0, |after| after.saturating_sub(before))
}

/// The machine's counter, if the answer tells it.
pub fn counter(table: &Table) -> Option<u64> {
    table.keys().find_map(|subject| match subject {
        Subject::Core(_) => number(table, subject, "total-ticks"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::cells::table;

    #[test]
    fn exits_are_summed_over_vcpus_and_sorted() {
        let before = table(
            "core=0  vm=linux/0  asleep-ticks=10  total-ticks=100\nvm=linux  vcpu=0  core=0  kick=1  hvc=4\nvm=linux  vcpu=1  kick=0\n",
        );
        let after = table(
            "core=0  vm=linux/0  asleep-ticks=60  total-ticks=200\nvm=linux  vcpu=0  core=0  kick=3  hvc=14\nvm=linux  vcpu=1  kick=4\n",
        );
        let rates = rates(&before, &after, 2.0);
        assert_eq!(rates.exits["linux"], [("hvc".to_string(), 5.0), ("kick".to_string(), 3.0)]);
        assert_eq!(rates.asleep, [(0, "linux/0".to_string(), 50.0)]);
        assert_eq!(counter(&after), Some(200));
    }

    #[test]
    fn a_sleep_that_was_taken_back_is_none() {
        let [before, after] = [(50, 100), (40, 200)]
            .map(|(asleep, total)| table(&format!("core=0  vm=none  asleep-ticks={asleep}  total-ticks={total}\n")));
        assert_eq!(rates(&before, &after, 1.0).asleep, [(0, "none".to_string(), 0.0)]);
    }
}
