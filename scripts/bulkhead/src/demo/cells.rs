//! Rows of `key=value` cells, as the monitor answers (`hypervisor/docs/console.md`, "The monitor").

use std::collections::BTreeMap;

/// What a row is about: a core, a VM, or one of its vCPUs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A core of the machine.
    Core(u64),
    /// A guest.
    Vm(String),
    /// A vCPU of a guest.
    Vcpu(String, u64),
}

/// The cells of each subject, by key.
pub type Table = BTreeMap<Subject, BTreeMap<String, String>>;

/// Reads an answer's rows. Lines that are none are passed over.
pub fn table(answer: &str) -> Table {
    let mut table = Table::new();
    for line in answer.lines() {
        let cells: Vec<(&str, &str)> = line.split_whitespace().filter_map(|cell| cell.split_once('=')).collect();
        let Some((subject, rest)) = subject(&cells) else { continue };
        let row = table.entry(subject).or_default();
        row.extend(rest.iter().map(|(key, value)| (key.to_string(), value.to_string())));
    }
    table
}

fn subject<'c, 'l>(cells: &'c [(&'l str, &'l str)]) -> Option<(Subject, &'c [(&'l str, &'l str)])> {
    match cells {
        [("vm", name), ("vcpu", index), rest @ ..] => {
            Some((Subject::Vcpu(name.to_string(), index.parse().ok()?), rest))
        }
        [("vm", name), rest @ ..] => Some((Subject::Vm(name.to_string()), rest)),
        [("core", index), rest @ ..] => Some((Subject::Core(index.parse().ok()?), rest)),
        _ => None,
    }
}

/// The number `key` of `subject`, decimal or, behind `0x`, hexadecimal.
pub fn number(table: &Table, subject: &Subject, key: &str) -> Option<u64> {
    crate::pack::parse_address(table.get(subject)?.get(key)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_go_on_in_a_further_line_are_one() {
        let answer = "core=0  vm=linux/0  wake-ups=3\nvm=linux  exits=9  sgis-sent=2\nvm=linux  restarts=1\n\
                      vm=linux  vcpu=0  core=0  kick=4\nvm=linux  vcpu=0  hvc=5\nvm=linux  vcpu=1  core=1  kick=6\nnoise\n";
        let table = table(answer);
        let linux = Subject::Vm("linux".into());
        assert_eq!((number(&table, &linux, "exits"), number(&table, &linux, "restarts")), (Some(9), Some(1)));
        assert_eq!(number(&table, &Subject::Core(0), "wake-ups"), Some(3));
        assert_eq!(number(&table, &Subject::Vcpu("linux".into(), 0), "hvc"), Some(5));
        assert_eq!(number(&table, &Subject::Vcpu("linux".into(), 1), "kick"), Some(6));
    }
}
