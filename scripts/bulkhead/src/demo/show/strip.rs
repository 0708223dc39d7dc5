//! Cores and memory by who has them, in colour.

use super::draw::{FREE, FREERTOS, HYPERVISOR, LINUX};
use super::facts::Facts;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};

/// Cores and memory with headings.
pub fn lines(facts: &Facts, width: usize) -> Vec<Line<'static>> {
    let [cores, memory] = [cores(facts), memory(facts, width)];
    vec![Line::default(), cores, memory, legend(facts)]
}

/// Cores and memory in two lines.
pub fn short(facts: &Facts, width: usize) -> Vec<Line<'static>> {
    vec![cores(facts), memory(facts, width)]
}

fn colour(vm: &str) -> Color {
    match vm {
        "linux" => LINUX,
        "freertos" => FREERTOS,
        _ => Color::Magenta,
    }
}

fn block(text: String, colour: Color) -> Span<'static> {
    Span::styled(text, Style::new().bg(colour).fg(Color::Black))
}

fn cores(facts: &Facts) -> Line<'static> {
    let mut spans = vec![Span::raw("cores   ")];
    for core in 0..facts.cores() {
        let vm = facts.vms.iter().find(|vm| vm.cores.contains(&core));
        let (name, colour) = match vm {
            Some(vm) => (vm.name.as_str(), colour(&vm.name)),
            None if facts.housekeeping() == Some(core) => ("housekeeping", HYPERVISOR),
            None => ("free", FREE),
        };
        spans.extend([block(format!(" {core} {name} "), colour), Span::raw(" ")]);
    }
    Line::from(spans)
}

/// A bar in which each part is as long as it has memory, but long enough to be seen.
fn memory(facts: &Facts, width: usize) -> Line<'static> {
    let room = width.saturating_sub(10).max(20) as u64;
    let all = facts.memory().max(1);
    let columns = |memory: u64| (memory * room / all).max(1) as usize;
    let mut spans = vec![Span::raw("memory  "), block("H".into(), HYPERVISOR)];
    let mut used = 1;
    for vm in &facts.vms {
        let columns = columns(vm.memory);
        let name = format!(" {} {} MiB", vm.name, vm.memory);
        let text = if name.len() <= columns { name } else { String::new() };
        spans.push(block(format!("{text:<columns$}"), colour(&vm.name)));
        used += columns;
    }
    let rest = (room as usize).saturating_sub(used);
    let taken: u64 = facts.vms.iter().map(|vm| vm.memory).sum();
    let free = format!(" {} MiB free", all.saturating_sub(taken));
    spans.push(block(format!("{:<rest$}", if free.len() <= rest { free } else { String::new() }), FREE));
    Line::from(spans)
}

fn legend(facts: &Facts) -> Line<'static> {
    let names = facts.vms.iter().flat_map(|vm| {
        let cores = if vm.cores.len() == 1 { "core" } else { "cores" };
        let text = format!("{}: {} {cores}, {} MiB", vm.name, vm.cores.len(), vm.memory);
        [block("  ".into(), colour(&vm.name)), Span::raw(format!(" {text}   "))]
    });
    let own = [block("H ".into(), HYPERVISOR), Span::raw(" hypervisor")];
    Line::from(std::iter::once(Span::raw("        ")).chain(names).chain(own).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_core_and_every_megabyte_is_somebodys() {
        let mut facts = Facts::default();
        facts.read_banner(
            "  cores    5 of 5, housekeeping on 3\n  memory   1024 MiB, 9 MiB free\n  \
             vm       linux: cores [0, 1], 256 MiB\n  vm       freertos: cores [2], 16 MiB\n",
        );
        assert_eq!(cores(&facts).to_string(), "cores    0 linux   1 linux   2 freertos   3 housekeeping   4 free  ");
        let bar = memory(&facts, 110).to_string();
        assert!(bar.contains(" linux 256 MiB") && bar.contains(" 752 MiB free"), "{bar}");
        assert_eq!(bar.chars().count(), 8 + 100);
    }
}
