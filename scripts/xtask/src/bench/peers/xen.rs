//! Xen with one guest that its tree names and no control domain ("dom0less", Xen docs/features/dom0less.pandoc and
//! docs/misc/arm/device-tree/booting.txt). Options are Xen's own choice, but for what it says of guests.

use super::{host, tree};
use crate::bench::matrix::Configuration;
use crate::{Result, workspace};
use std::path::Path;
use std::process::Command;

/// Where the guest's kernel is loaded, and Xen finds it.
const KERNEL: u64 = 0x4c00_0000;
/// KiB of the guest's RAM.
const MEMORY: u64 = 256 << 10;
/// Offset of `text_offset` in an arm64 kernel's header (Linux Documentation/arch/arm64/booting.rst).
const TEXT_OFFSET: usize = 8;
/// Where the guest is linked, in bytes from the start of RAM.
const LINKED: u64 = 2 << 20;

/// The board's command; what it boots beside Xen is written to files that begin with `place`.
pub fn board(qemu: &Path, xen: &Path, configuration: &Configuration, bootargs: &str, place: &Path) -> Result<Command> {
    let (tree, guest) = (place.with_extension("dtb"), place.with_extension("img"));
    let machine = super::machine(configuration.gic, true);
    let kernel = literal_offset(std::fs::read(workspace::guests().join("bench.img"))?)?;
    std::fs::write(&guest, &kernel)?;
    let mut dump = host(qemu, configuration.cores);
    tree::dump(dump.arg("-kernel").arg(xen), &machine, &tree)?;
    tree::add(&tree, &domain(configuration.cores, kernel.len(), bootargs))?;
    let mut command = host(qemu, configuration.cores);
    command.args(["-M", &machine, "-kernel"]).arg(xen).arg("-dtb").arg(&tree);
    let guest = guest.display().to_string().replace(',', ",,");
    command.args(["-device", &format!("loader,file={guest},addr={KERNEL:#x},force-raw=on")]);
    Ok(command)
}

/// The kernel with its place in its header: QEMU and Bulkhead put a kernel that asks for no offset 2 MiB above the start
/// of RAM, Xen takes it by its word.
fn literal_offset(mut kernel: Vec<u8>) -> Result<Vec<u8>> {
    let field = kernel.get_mut(TEXT_OFFSET..TEXT_OFFSET + 8).ok_or("the guest has no header")?;
    field.copy_from_slice(&LINKED.to_le_bytes());
    Ok(kernel)
}

/// What the tree says of the guest. Xen's own messages about what guests do cost time where they are made.
fn domain(cpus: u8, length: usize, bootargs: &str) -> String {
    format!(
        r#"
/ {{ chosen {{
    xen,xen-bootargs = "console=dtuart guest_loglvl=none";
    #address-cells = <2>;
    #size-cells = <2>;
    domU1 {{
        compatible = "xen,domain";
        #address-cells = <2>;
        #size-cells = <2>;
        cpus = <{cpus}>;
        memory = <0 {MEMORY}>;
        vpl011;
        module@{KERNEL:x} {{
            compatible = "multiboot,kernel", "multiboot,module";
            reg = <0 {KERNEL:#x} 0 {length}>;
            bootargs = {};
        }};
    }};
}}; }};
"#,
        tree::quoted(bootargs)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_offset_of_the_kernel_changes() {
        let kernel: Vec<u8> = (0..64).collect();
        let changed = literal_offset(kernel.clone()).unwrap();
        assert_eq!(changed[TEXT_OFFSET..16], LINKED.to_le_bytes());
        assert_eq!((&changed[..TEXT_OFFSET], &changed[16..]), (&kernel[..TEXT_OFFSET], &kernel[16..]));
        assert!(literal_offset(vec![0; 15]).is_err());
    }

    #[test]
    fn the_domain_has_the_boards_cores_and_the_command_line() {
        let text = domain(2, 4096, "samples=9");
        for part in ["cpus = <2>", "reg = <0 0x4c000000 0 4096>", "bootargs = \"samples=9\"", "memory = <0 262144>"] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}
