//! Boots the demo's guests on a board whose memory is a file, uses the monitor, and switches off.

use crate::bench::run::{TURN, turns};
use crate::steps::{self, End, Step, after};
use crate::toolchain::Toolchain;
use crate::{Result, workspace};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::Command;

/// Offset in memory at which QEMU loads the hypervisor.
const LOADED: u64 = 2 << 20;
/// Bytes of memory that are read: the hypervisor's image takes at most 2 MiB.
const READ: usize = 2 << 20;
/// Seconds after which the board is ended.
const LIMIT: &str = "600";

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
    crate::pack::pack(toolchain, Path::new("boards/qemu-virt/demo.dts"), &modules, &packed)?;
    // It must be new: old memory is not zero.
    File::create(&ram)?;
    let ran = steps::run(board(&toolchain.qemu(), &packed, &ram), &STEPS, End::Own).and_then(|_| read(&ram));
    std::fs::remove_file(&ram)?;
    ran.map(Ok)
}

/// The demo's board, as `bulkhead demo` has it.
fn board(qemu: &Path, packed: &Path, ram: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10", LIMIT]).arg(qemu);
    command.args(["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot", "-cpu", "cortex-a57"]);
    command.args(["-M", "virt,virtualization=on,gic-version=3,memory-backend=ram", "-smp", "5", "-m", "1024"]);
    let file = ram.display().to_string().replace(',', ",,");
    command.args(["-object", &format!("memory-backend-file,id=ram,size=1G,share=on,mem-path={file}")]);
    command.args(["-icount", "shift=0,sleep=off"]).args(turns(TURN)).arg("-kernel").arg(packed);
    command
}

/// The memory that the hypervisor was loaded to, of a board whose memory is the file `ram`.
pub fn read(ram: &Path) -> Result<Vec<u8>> {
    let mut file = File::open(ram)?;
    file.seek(SeekFrom::Start(LOADED))?;
    let mut memory = vec![0; READ];
    file.read_exact(&mut memory)?;
    Ok(memory)
}
