//! Boots the demo's guests on a board whose memory is a file, uses the monitor, and switches off.

use crate::toolchain::Toolchain;
use crate::{Result, process, workspace};
use bulkhead_vmm::console::{Source, Splitter};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Offset in memory at which QEMU loads the hypervisor.
const LOADED: u64 = 2 << 20;
/// Bytes of memory that are read: the hypervisor's image takes at most 1 MiB.
const READ: usize = 1 << 20;
/// Seconds after which the board is ended.
const LIMIT: &str = "600";

/// What is typed once `text` stands on `port` behind what was printed when the step before was typed.
struct Step {
    port: &'static str,
    text: &'static str,
    keys: &'static str,
}

const fn after(port: &'static str, text: &'static str, keys: &'static str) -> Step {
    Step { port, text, keys }
}

/// Every kind of work that the demo has EL2 do. The escape key and `m` give the monitor the focus.
const STEPS: [Step; 5] = [
    after("linux", "linux# ", "\x1dmhelp\rvm list\rvm info linux\rstats\rlog 50\r"),
    after("monitor", "records=", "vm stop linux\r"),
    after("hypervisor", "linux: off", "vm start linux\r"),
    after("linux", "linux# ", "vm move freertos 4\r"),
    after("hypervisor", "freertos: goes on on core 4", "poweroff\r"),
];

/// EL2's memory after the demo's guests ran; why not, if one of their files is missing.
pub fn memory(toolchain: &Toolchain) -> Result<std::result::Result<Vec<u8>, String>> {
    let linux = workspace::linux()?;
    let modules = [
        ("linux/kernel", linux.join("Image")),
        ("linux/ramdisk", linux.join("initramfs.cpio")),
        ("freertos/kernel", workspace::guests().join("freertos-gicv3.img")),
    ];
    if let Some((_, file)) = modules.iter().find(|(_, file)| !file.is_file()) {
        return Ok(Err(format!("{} is missing (scripts/setup and cargo xtask build make it)", workspace::shown(file))));
    }
    let folder = workspace::target().join("size");
    std::fs::create_dir_all(&folder)?;
    let (packed, ram) = (folder.join("packed.img"), folder.join("ram"));
    pack(toolchain, &modules, &packed)?;
    // It must be new: old memory is not zero.
    File::create(&ram)?;
    let ran = run(board(&toolchain.qemu(), &packed, &ram)).and_then(|()| read(&ram));
    std::fs::remove_file(&ram)?;
    ran.map(Ok)
}

fn pack(toolchain: &Toolchain, modules: &[(&str, PathBuf)], to: &Path) -> Result<()> {
    let mut command = toolchain.host_cargo();
    command.args(["run", "--quiet", "--release", "--package", "bulkhead-tool", "--", "pack"]);
    command.arg(workspace::image()).arg("boards/qemu-virt/demo.dts").arg("--output").arg(to);
    command.args(modules.iter().flat_map(|(name, file)| ["--module".to_owned(), format!("{name}={}", file.display())]));
    process::run(command.stdout(Stdio::null()))
}

/// The demo's board, as `bulkhead demo` has it.
fn board(qemu: &Path, packed: &Path, ram: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10", LIMIT]).arg(qemu);
    command.args(["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot", "-cpu", "cortex-a57"]);
    command.args(["-M", "virt,virtualization=on,gic-version=3,memory-backend=ram", "-smp", "5", "-m", "1024"]);
    let file = ram.display().to_string().replace(',', ",,");
    command.args(["-object", &format!("memory-backend-file,id=ram,size=1G,share=on,mem-path={file}")]);
    command.args(["-icount", "shift=0,sleep=off"]).args(crate::bench::run::TURNS).arg("-kernel").arg(packed);
    command
}

/// Takes every step and waits for the board's end.
fn run(mut command: Command) -> Result<()> {
    let line = process::line(&command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("{line}: {error}"))?;
    let (Some(mut keys), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("no pipes to QEMU".into());
    };
    let (mut consoles, mut steps, mut buffer) = (Consoles::default(), STEPS.iter().peekable(), [0; 4096]);
    while let length @ 1.. = output.read(&mut buffer)? {
        consoles.push(&buffer[..length]);
        if let Some(step) = steps.next_if(|step| consoles.has(step)) {
            consoles.look_on();
            keys.write_all(step.keys.as_bytes())?;
        }
    }
    let status = child.wait()?;
    match steps.next() {
        None if status.success() => Ok(()),
        None => Err(format!("{line} ended with {status}").into()),
        Some(step) => Err(format!("{line} ended with {status} before {:?} stood on {}", step.text, step.port).into()),
    }
}

/// What the board's ports print.
#[derive(Default)]
struct Consoles {
    splitter: Splitter,
    /// What each printed since the last step.
    ports: BTreeMap<String, Vec<u8>>,
}

impl Consoles {
    fn push(&mut self, bytes: &[u8]) {
        let ports = &mut self.ports;
        self.splitter.push(bytes, &mut |piece| {
            if piece.source == Source::Output {
                ports.entry(piece.port.to_owned()).or_default().extend_from_slice(piece.bytes);
            }
        });
    }

    fn has(&self, step: &Step) -> bool {
        let printed = self.ports.get(step.port).map_or(&[][..], Vec::as_slice);
        printed.windows(step.text.len()).any(|window| window == step.text.as_bytes())
    }

    /// Only what comes from now on matters to the next step.
    fn look_on(&mut self) {
        self.ports.clear();
    }
}

/// The memory that the hypervisor was loaded to.
fn read(ram: &Path) -> Result<Vec<u8>> {
    let mut file = File::open(ram)?;
    file.seek(SeekFrom::Start(LOADED))?;
    let mut memory = vec![0; READ];
    file.read_exact(&mut memory)?;
    Ok(memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_waits_for_what_comes_after_the_one_before() {
        let mut consoles = Consoles::default();
        let prompt = b"\x1b[0;36mlinux\x1b[0m| linux# \x1b[?z\r\n";
        consoles.push(prompt);
        assert!(consoles.has(&STEPS[0]) && !consoles.has(&STEPS[1]));
        consoles.look_on();
        assert!(!consoles.has(&STEPS[3]));
        consoles.push(prompt);
        assert!(consoles.has(&STEPS[3]));
    }
}
