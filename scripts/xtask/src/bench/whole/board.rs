//! Boards that count instructions, with several guests.

use super::configuration::Configuration;
use crate::Result;
use crate::bench::run;
use crate::pack::pack;
use crate::toolchain::Toolchain;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Seconds after which a board is ended.
const LIMIT: &str = "600";
/// Of QEMU's random numbers, of which the guests' seeds are made.
const SEED: &str = "1";

/// A board but for what it boots.
#[derive(Clone, Copy, Debug)]
pub struct Board {
    /// Version of the interrupt controller.
    pub gic: u8,
    /// Its cores.
    pub cores: u8,
    /// RAM in MiB.
    pub memory: u32,
    /// Microseconds that the turns of all cores take together, at most.
    pub turn: u32,
}

impl Board {
    /// The command that starts the board, whatever it boots, and ends it with whom it was started by.
    fn command(&self, qemu: &Path, virtualization: bool, ram: Option<&Path>) -> Command {
        let board = run::board_in_turns(qemu, self.cores, &format!("{}M", self.memory), self.turn);
        let mut command = Command::new("timeout");
        command.args(["--kill-after=10", LIMIT, "setpriv", "--pdeathsig", "KILL"]);
        command.arg(board.get_program()).args(board.get_args()).args(["-seed", SEED]);
        let mut machine = run::machine(self.gic, virtualization);
        if let Some(file) = ram {
            machine += ",memory-backend=ram";
            let file = file.display().to_string().replace(',', ",,");
            let backend = format!("memory-backend-file,id=ram,size={}M,share=on,mem-path={file}", self.memory);
            command.args(["-object", &backend]);
        }
        command.args(["-M", &machine]);
        command
    }

    /// The guest `kernel` alone, at EL1.
    pub fn bare(&self, toolchain: &Toolchain, kernel: &Path, bootargs: &str) -> Command {
        let mut command = self.command(&toolchain.qemu(), false, None);
        command.arg("-kernel").arg(kernel).args(["-append", bootargs]);
        command
    }

    /// The hypervisor `packed` with its guests; its memory in the file `ram`, if that is named.
    pub fn with(&self, toolchain: &Toolchain, packed: &Path, ram: Option<&Path>) -> Command {
        let mut command = self.command(&toolchain.qemu(), true, ram);
        command.arg("-kernel").arg(packed);
        command
    }
}

/// The hypervisor packed with the VMs of `configuration`; a file in `folder` that goes with this value.
pub struct Packed(PathBuf);

impl Packed {
    /// Packs them under the name `name`.
    pub fn new(toolchain: &Toolchain, configuration: &Configuration, folder: &Path, name: &str) -> Result<Self> {
        let source = folder.join(name).with_extension("dts");
        std::fs::write(&source, configuration.to_string())?;
        let packed = Self(folder.join(name).with_extension("img"));
        pack(toolchain, &source, &[], &packed.0)?;
        Ok(packed)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Packed {
    fn drop(&mut self) {
        // What cannot be removed is in nobody's way.
        let _ = std::fs::remove_file(&self.0);
    }
}
