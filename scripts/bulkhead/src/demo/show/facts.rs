//! What the hypervisor says of itself and of the machine when it boots.

/// A guest, as the banner names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vm {
    /// Its name.
    pub name: String,
    /// Its cores.
    pub cores: Vec<usize>,
    /// Its RAM in MiB.
    pub memory: u64,
}

/// What is known so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The banner's lines as they are: a key and what it says.
    pub lines: Vec<(String, String)>,
    /// The first line: version and exception level.
    pub title: String,
    /// Guests in the configuration's order.
    pub vms: Vec<Vm>,
    /// When the first guest began, as the log says.
    pub first_guest: Option<String>,
    /// RAM that the hypervisor keeps, as the monitor says.
    pub kept: Option<String>,
}

impl Facts {
    /// Reads the banner anew from `text`, everything that stood on the UART before the consoles.
    pub fn read_banner(&mut self, text: &str) {
        self.lines.clear();
        self.vms.clear();
        for line in text.lines() {
            if line.starts_with("Bulkhead ") {
                self.title = line.into();
            } else if let Some((key, value)) = line.trim().split_once(' ').filter(|_| line.starts_with("  ")) {
                let value = value.trim();
                if key == "vm" {
                    self.vms.extend(vm(value));
                }
                self.lines.push((key.into(), value.into()));
            }
        }
    }

    /// Reads a line of the hypervisor's log.
    pub fn read_log(&mut self, line: &str) {
        let Some((_, said)) = line.split_once(": running, ").filter(|_| self.first_guest.is_none()) else { return };
        let ticks: Vec<u64> = said.split(' ').filter_map(|word| word.parse().ok()).collect();
        self.first_guest = match ticks.as_slice() {
            [all, copying] => {
                // Under -icount an instruction takes a nanosecond.
                let instructions = |ticks: u64| grouped(ticks * (1_000_000_000 / self.frequency()));
                let own = all.saturating_sub(*copying);
                Some(format!(
                    "after {} instructions besides copying and zeroing ({})",
                    instructions(own),
                    instructions(*copying)
                ))
            }
            _ => Some(said.into()),
        };
    }

    /// The counter's ticks per second: 62.5 MHz, QEMU's, if it is not known.
    pub fn frequency(&self) -> u64 {
        let said = self.value("counter").and_then(|value| value.split(' ').next()?.parse().ok());
        said.filter(|frequency| *frequency > 0).unwrap_or(62_500_000)
    }

    /// Number of the board's cores.
    pub fn cores(&self) -> usize {
        self.value("cores").and_then(|value| value.split(' ').next()?.parse().ok()).unwrap_or(0)
    }

    /// The core that does the hypervisor's own work.
    pub fn housekeeping(&self) -> Option<usize> {
        self.value("cores")?.rsplit(' ').next()?.parse().ok()
    }

    /// The board's RAM in MiB.
    pub fn memory(&self) -> u64 {
        self.value("memory").and_then(|value| value.split(' ').next()?.parse().ok()).unwrap_or(0)
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.lines.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The most of it in a line.
    pub fn headline(&self) -> String {
        let board = self.value("board").unwrap_or_default();
        let gic = self.value("gic").and_then(|gic| gic.split(',').next()).unwrap_or_default();
        let kept = self.kept.as_deref().map(|kept| format!(", keeps {kept} of RAM")).unwrap_or_default();
        format!("{} on {board}: {} cores, {gic}{kept}", self.title, self.cores())
    }

    /// Whether the banner would lack nothing.
    pub fn are_complete(&self) -> bool {
        self.kept.is_some() && self.first_guest.is_some()
    }

    /// The banner in ten lines: a key and what it says.
    pub fn banner(&self) -> Vec<(String, String)> {
        let unknown = || "not known yet".to_string();
        let said = self.lines.iter().filter(|(key, _)| key != "vm").cloned();
        let vms: Vec<String> =
            self.vms.iter().map(|vm| format!("{} on {:?}, {} MiB", vm.name, vm.cores, vm.memory)).collect();
        let more = [
            ("kept", self.kept.clone().map_or_else(unknown, |kept| format!("{kept} of RAM by the hypervisor"))),
            ("guests", vms.join("; ")),
            ("first", self.first_guest.clone().unwrap_or_else(unknown)),
        ];
        said.chain(more.map(|(key, value)| (key.to_string(), value))).collect()
    }
}

/// `linux: cores [0, 1], 256 MiB`
fn vm(text: &str) -> Option<Vm> {
    let (name, rest) = text.split_once(": cores [")?;
    let (cores, memory) = rest.split_once("], ")?;
    let cores = cores.split(", ").map(|core| core.parse().ok()).collect::<Option<Vec<usize>>>()?;
    Some(Vm { name: name.into(), cores, memory: memory.split(' ').next()?.parse().ok()? })
}

/// `number` with its digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANNER: &str = "\nBulkhead 0.1.0 at EL2\n  board    linux,dummy-virt\n  cores    5 of 5, housekeeping on 3\n  \
                          memory   1024 MiB, 995 MiB free for guests\n  counter  62500000 Hz\n  \
                          vm       linux: cores [0, 1], 256 MiB\n  vm       freertos: cores [2], 16 MiB\n";

    #[test]
    fn the_banner_is_read_as_it_is_printed() {
        let mut facts = Facts::default();
        facts.read_banner(BANNER);
        facts.read_banner(BANNER);
        assert_eq!(
            (facts.title.as_str(), facts.cores(), facts.housekeeping(), facts.memory()),
            ("Bulkhead 0.1.0 at EL2", 5, Some(3), 1024)
        );
        assert_eq!(facts.vms[0], Vm { name: "linux".into(), cores: vec![0, 1], memory: 256 });
        facts.read_log(
            "[    0.003] info: freertos: running, 207852 ticks after entry, 157325 spent on zeroing and copying",
        );
        facts.read_log(
            "[    0.062] info: linux: running, 3930516 ticks after entry, 3707111 spent on zeroing and copying",
        );
        let first = "after 808,432 instructions besides copying and zeroing (2,517,200)";
        assert_eq!(facts.first_guest.as_deref(), Some(first));
        assert!(facts.banner().contains(&("first".into(), first.into())));
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!([0, 999, 1000, 1234567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
