//! Configurations of several VMs, in a device tree's source.

use std::fmt::{self, Write};
use std::path::PathBuf;

/// A virtual machine.
#[derive(Clone, Debug)]
pub struct Vm {
    /// Its name.
    pub name: String,
    /// The cores of its vCPUs.
    pub cores: Vec<usize>,
    /// RAM in MiB.
    pub memory: u32,
    /// The kernel's command line.
    pub bootargs: String,
    /// The kernel.
    pub kernel: PathBuf,
    /// The initial RAM disk, if it has one.
    pub ramdisk: Option<PathBuf>,
}

/// VMs, the core that keeps house, and a machine that stays on without them.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The VMs.
    pub vms: Vec<Vm>,
    /// The core that keeps house.
    pub housekeeping: usize,
}

impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "/dts-v1/;\n/ {{ chosen {{ hypervisor {{\n    compatible = \"bulkhead,hypervisor\";")?;
        writeln!(f, "    bulkhead,housekeeping-core = <{}>;", self.housekeeping)?;
        writeln!(f, "    bulkhead,when-all-off = \"stay\";")?;
        self.vms.iter().try_for_each(|vm| write!(f, "{vm}"))?;
        writeln!(f, "}}; }}; }};")
    }
}

impl fmt::Display for Vm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, cores, memory, bootargs, kernel, ramdisk } = self;
        let cores: Vec<String> = cores.iter().map(usize::to_string).collect();
        writeln!(f, "    {name} {{\n        compatible = \"bulkhead,vm\";")?;
        writeln!(f, "        #address-cells = <2>;\n        #size-cells = <2>;")?;
        writeln!(f, "        bulkhead,cores = <{}>;\n        memory = <0 ({memory} * 1024)>;", cores.join(" "))?;
        writeln!(f, "        bootargs = {};", quoted(bootargs))?;
        for (kind, file) in [("kernel", Some(kernel)), ("ramdisk", ramdisk.as_ref())] {
            let Some(file) = file else { continue };
            writeln!(f, "        {kind} {{\n            compatible = \"multiboot,module\", \"multiboot,{kind}\";")?;
            writeln!(f, "            bulkhead,file = {};\n        }};", quoted(&file.display().to_string()))?;
        }
        writeln!(f, "    }};")
    }
}

/// A string of a device tree's source.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        let _ = quoted.write_char(character);
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vm_says_where_it_runs_and_what() {
        let vm = Vm {
            name: "guest".into(),
            cores: vec![1, 2],
            memory: 16,
            bootargs: "say=\"hello\"".into(),
            kernel: "a.img".into(),
            ramdisk: None,
        };
        let text = Configuration { vms: vec![vm], housekeeping: 3 }.to_string();
        for part in ["guest {", "bulkhead,cores = <1 2>;", r#"bootargs = "say=\"hello\"";"#, "housekeeping-core = <3>"]
        {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains("ramdisk"));
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }
}
