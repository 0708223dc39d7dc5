//! Boards: a QEMU machine with its cores and its memory.

use std::fmt;

/// Interrupt controller of a `virt` board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Gic {
    V2,
    V3,
}

/// Both interrupt controllers, for matrices.
pub const GICS: [Gic; 2] = [Gic::V2, Gic::V3];

/// A QEMU `virt` board.
#[derive(Clone, Debug)]
pub struct Board {
    gic: Gic,
    cpu: String,
    cores: u32,
    memory_mib: u64,
    virtualization: bool,
    instruction_count: bool,
    reboots: bool,
    machine_options: Vec<String>,
}

/// Under `-icount` cores take turns, each as long as it is to the machine's next timer, divided by the number of cores
/// (QEMU accel/tcg/tcg-accel-ops-icount.c, `icount_percpu_budget`): a busy core could keep another from its deadline for
/// many milliseconds, which no real board does. A timer that is always there, and that no guest can see, bounds every
/// turn: a packet filter's, in microseconds.
const TURNS: [&str; 4] =
    ["-netdev", "hubport,id=nobody,hubid=0", "-object", "filter-buffer,id=turns,netdev=nobody,interval=200"];

/// Boards with more memory than this, in MiB, run one at a time.
const BIG_MIB: u64 = 2048;

impl Board {
    /// A `virt` board with one cortex-a57, 256 MiB and EL2.
    pub fn virt(gic: Gic) -> Self {
        Self {
            gic,
            cpu: "cortex-a57".into(),
            cores: 1,
            memory_mib: 256,
            virtualization: true,
            instruction_count: false,
            reboots: false,
            machine_options: Vec::new(),
        }
    }

    /// With cores of model `cpu`, as `-cpu` takes it.
    pub fn cpu(self, cpu: &str) -> Self {
        Self { cpu: cpu.into(), ..self }
    }

    /// With `cores` cores.
    pub fn cores(self, cores: u32) -> Self {
        Self { cores, ..self }
    }

    /// With `memory_mib` MiB of RAM.
    pub fn memory_mib(self, memory_mib: u64) -> Self {
        Self { memory_mib, ..self }
    }

    /// Without EL2: software starts at EL1.
    pub fn without_el2(self) -> Self {
        Self { virtualization: false, ..self }
    }

    /// Counting instructions instead of time: exact and repeatable, and cores take turns.
    pub fn instruction_count(self) -> Self {
        Self { instruction_count: true, ..self }
    }

    /// Starting again after a reset of the machine, where others end QEMU.
    pub fn reboots(self) -> Self {
        Self { reboots: true, ..self }
    }

    /// With a further option of `-M`.
    pub fn machine_option(mut self, option: &str) -> Self {
        self.machine_options.push(option.into());
        self
    }

    /// Whether the board takes so much of the host's memory that it runs alone.
    pub fn is_big(&self) -> bool {
        self.memory_mib > BIG_MIB
    }

    /// Number of cores.
    pub fn core_count(&self) -> u32 {
        self.cores
    }

    /// QEMU's arguments for the board: its serial port on standard input and output, and nothing else attached.
    pub fn arguments(&self) -> Vec<String> {
        let version = if self.gic == Gic::V2 { 2 } else { 3 };
        let mut machine = format!("virt,gic-version={version}");
        if self.virtualization {
            machine += ",virtualization=on";
        }
        for option in &self.machine_options {
            machine += &format!(",{option}");
        }
        let (cores, memory) = (self.cores.to_string(), format!("{}M", self.memory_mib));
        let mut arguments: Vec<String> =
            ["-nodefaults", "-display", "none", "-serial", "stdio", "-M", &machine, "-cpu", &self.cpu]
                .iter()
                .chain(&["-smp", &cores, "-m", &memory])
                .map(ToString::to_string)
                .collect();
        if self.instruction_count {
            arguments.extend(["-icount".into(), "shift=0,sleep=off".into()]);
            arguments.extend(TURNS.map(String::from));
        }
        if !self.reboots {
            arguments.push("-no-reboot".into());
        }
        arguments
    }
}

/// The board's part of a test's name: `virt_gicv3_a57_smp4`, with the memory if it is not 256 MiB.
impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = self.cpu.split(',').next().unwrap_or_default();
        let model = model.trim_start_matches("cortex-").replace('-', "_");
        let gic = if self.gic == Gic::V2 { 2 } else { 3 };
        write!(f, "virt_gicv{gic}_{model}_smp{}", self.cores)?;
        if self.memory_mib != 256 {
            write!(f, "_{}m", self.memory_mib)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_names_what_tells_it_apart() {
        assert_eq!(Board::virt(Gic::V3).cores(4).to_string(), "virt_gicv3_a57_smp4");
        assert_eq!(
            Board::virt(Gic::V2).cpu("neoverse-n1").memory_mib(8192).to_string(),
            "virt_gicv2_neoverse_n1_smp1_8192m"
        );
    }

    #[test]
    fn arguments_follow_the_description() {
        let arguments =
            Board::virt(Gic::V2).without_el2().instruction_count().machine_option("highmem=off").arguments().join(" ");
        assert!(arguments.contains("-M virt,gic-version=2,highmem=off "), "{arguments}");
        assert!(arguments.contains("-icount shift=0,sleep=off"), "{arguments}");
        assert!(!arguments.contains("virtualization"), "{arguments}");
    }
}
