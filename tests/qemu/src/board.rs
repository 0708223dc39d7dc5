//! Boards: a QEMU machine with its cores and its memory.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fmt, fs, process};

use bulkhead_tool::turns::turns;
use bulkhead_vmm::fdt::Tree;

use crate::artifacts;
use crate::model::Model;

/// Interrupt controller of a `virt` board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Gic {
    V2,
    V3,
}

impl Gic {
    /// Its number, as QEMU and the configuration take it.
    pub fn version(self) -> u32 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

/// Both interrupt controllers, for matrices.
pub const GICS: [Gic; 2] = [Gic::V2, Gic::V3];

/// A machine of QEMU's.
#[derive(Clone, Copy, Debug)]
enum Machine {
    /// `virt`, made to order.
    Virt(Gic),
    /// One that imitates a real board.
    Real(&'static Model),
}

/// A board in QEMU.
#[derive(Clone, Debug)]
pub struct Board {
    machine: Machine,
    cpu: String,
    cores: u32,
    memory_mib: u64,
    virtualization: bool,
    instruction_count: bool,
    one_thread: bool,
    is_traced: bool,
    is_debugged: bool,
    reboots: bool,
    machine_options: Vec<String>,
    globals: Vec<String>,
}

/// Microseconds that a core's turn takes at most where instructions are counted.
const TURN: u32 = 200;

/// Boards with more memory than this, in MiB, run one at a time.
const BIG_MIB: u64 = 2048;

impl Board {
    /// A `virt` board with one cortex-a57, 256 MiB and EL2.
    pub fn virt(gic: Gic) -> Self {
        Self {
            machine: Machine::Virt(gic),
            cpu: "cortex-a57".into(),
            cores: 1,
            memory_mib: 256,
            virtualization: true,
            instruction_count: false,
            one_thread: false,
            is_traced: false,
            is_debugged: false,
            reboots: false,
            machine_options: Vec::new(),
            globals: Vec::new(),
        }
    }

    /// The board that `model` describes. Its cores and memory are fixed.
    pub fn real(model: &'static Model) -> Self {
        Self { machine: Machine::Real(model), cores: model.cores, memory_mib: 2048, ..Self::virt(Gic::V2) }
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

    /// With all cores in one thread of the host's, where a core that waits by WFE hands its turn over: for cores that wait for
    /// each other all the time. Time goes on as ever.
    pub fn one_thread(self) -> Self {
        Self { one_thread: true, ..self }
    }

    /// Leaving a trace of its UART and its time, which [`crate::wire`] reads.
    pub fn traced(self) -> Self {
        Self { is_traced: true, ..self }
    }

    /// Whether it leaves a trace.
    pub fn is_traced(&self) -> bool {
        self.is_traced
    }

    /// With a door for [`crate::Debugger`].
    pub fn debugged(self) -> Self {
        Self { is_debugged: true, ..self }
    }

    /// Whether it has that door.
    pub fn is_debugged(&self) -> bool {
        self.is_debugged
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

    /// With a property of all of QEMU's devices of a kind, as `-global` takes it.
    pub fn global(mut self, property: &str) -> Self {
        self.globals.push(property.into());
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

    /// RAM in MiB.
    pub fn memory(&self) -> u64 {
        self.memory_mib
    }

    /// The interrupt controller of a `virt` board.
    pub fn gic(&self) -> Option<Gic> {
        match self.machine {
            Machine::Virt(gic) => Some(gic),
            Machine::Real(_) => None,
        }
    }

    /// The board's device tree, if it does not bring one.
    pub fn tree(&self) -> Option<PathBuf> {
        match self.machine {
            Machine::Real(model) if model.needs_tree => Some(artifacts::tree(model.name)),
            _ => None,
        }
    }

    /// The tree that QEMU makes for the board.
    ///
    /// # Panics
    /// If QEMU is missing or makes none.
    pub fn own_tree(&self) -> Tree {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let file = env::temp_dir().join(format!("bulkhead-tree-{}-{number}.dtb", process::id()));
        let qemu = artifacts::qemu().expect("the suite skips tests without QEMU");
        let mut arguments = self.arguments();
        arguments.extend(["-M".into(), format!("dumpdtb={}", file.display())]);
        let output = process::Command::new(qemu).args(&arguments).stdin(process::Stdio::null()).output();
        let bytes = fs::read(&file).unwrap_or_else(|error| panic!("{arguments:?}: {error}, {output:?}"));
        // Nobody looks at it again.
        let _ = fs::remove_file(&file);
        Tree::new(&bytes).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    /// QEMU's arguments for the board: its serial port on standard input and output, and nothing else attached.
    pub fn arguments(&self) -> Vec<String> {
        let memory = format!("{}M", self.memory_mib);
        let arguments = ["-nodefaults", "-display", "none", "-serial", "stdio", "-m", &memory];
        let mut arguments: Vec<String> = arguments.map(String::from).into();
        arguments.extend(match self.machine {
            Machine::Virt(gic) => self.virt_arguments(gic),
            Machine::Real(model) => self.real_arguments(model),
        });
        if self.instruction_count {
            arguments.extend(["-icount".into(), "shift=0,sleep=off".into()]);
            arguments.extend(turns(TURN));
        }
        if self.one_thread {
            arguments.extend(["-accel", "tcg,thread=single"].map(String::from));
        }
        for property in &self.globals {
            arguments.extend(["-global".into(), property.clone()]);
        }
        if !self.reboots {
            arguments.push("-no-reboot".into());
        }
        arguments
    }

    fn virt_arguments(&self, gic: Gic) -> Vec<String> {
        let mut machine = format!("virt,gic-version={}", gic.version());
        if self.virtualization {
            machine += ",virtualization=on";
        }
        for option in &self.machine_options {
            machine += &format!(",{option}");
        }
        ["-M", &machine, "-cpu", &self.cpu, "-smp", &self.cores.to_string()].map(String::from).into()
    }

    fn real_arguments(&self, model: &Model) -> Vec<String> {
        let (machine, cores) = (format!("{}{}", model.name, model.options), model.smp.to_string());
        let mut arguments: Vec<String> = ["-audio", "none", "-M", &machine, "-smp", &cores].map(String::from).into();
        if let Some(tree) = self.tree() {
            arguments.extend(["-dtb".into(), tree.display().to_string()]);
        }
        arguments
    }
}

/// The board's part of a test's name: `virt_gicv3_a57_smp4`, with the memory if it is not 256 MiB, or QEMU's name.
impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gic = match self.machine {
            Machine::Virt(gic) => gic.version(),
            Machine::Real(model) => return f.write_str(model.name),
        };
        let model = self.cpu.split(',').next().unwrap_or_default();
        let model = model.trim_start_matches("cortex-").replace('-', "_");
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
    use crate::model;

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
        assert!(arguments.contains("-m 256M"), "{arguments}");
        assert!(arguments.contains("-icount shift=0,sleep=off"), "{arguments}");
        assert!(!arguments.contains("virtualization"), "{arguments}");
    }

    #[test]
    fn a_real_board_has_its_own_cores_and_perhaps_a_tree() {
        let arguments = Board::real(&model::ZCU102).arguments().join(" ");
        assert!(arguments.contains("-M xlnx-zcu102,virtualization=on -smp 4 -dtb "), "{arguments}");
        assert!(arguments.contains("boards/xlnx-zcu102.dtb"), "{arguments}");
        let board = Board::real(&model::VERSAL);
        assert_eq!((board.tree(), board.core_count(), board.to_string()), (None, 2, "xlnx-versal-virt".into()));
    }
}
