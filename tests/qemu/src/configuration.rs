//! Configurations made in code, and packed with the hypervisor's image.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use bulkhead_abi::image::{EarlyUart, HEADER_OFFSET, ImageHeader};
use bulkhead_abi::property;
use bulkhead_tool::modules::ModuleFile;
use bulkhead_tool::pack::{EarlyConsole, pack_with};
use bulkhead_vmm::fdt::{Node, Tree, Writer};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{Board, artifacts};

/// The value of a property.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Value {
    Empty,
    U32(u32),
    U64(u64),
    Cells(Vec<u32>),
    Text(String),
}

/// Where a module is said to be, in the place of where it is.
#[derive(Clone, Copy, Debug)]
pub enum Misplaced {
    /// So many bytes at this distance in bytes from the start of the hypervisor's image.
    At(u64, u64),
    /// A page, the second of the kernel of the VM of this name.
    Over(&'static str),
}

/// A virtual machine that runs a guest of `tests/guests`, or another kernel.
#[derive(Clone, Debug)]
pub struct Vm {
    name: String,
    kernel: Option<Kernel>,
    /// Whether the kernel is packed by gzip.
    is_packed: bool,
    kernel_properties: Vec<(String, Value)>,
    /// Devices: `compatible` and properties.
    devices: Vec<(String, Vec<(String, Value)>)>,
    ram_disk: Option<PathBuf>,
    misplaced: Option<Misplaced>,
    properties: Vec<(String, Value)>,
}

/// A VM's kernel.
#[derive(Clone, Debug)]
enum Kernel {
    /// This file.
    File(PathBuf),
    /// These bytes.
    Bytes(Vec<u8>),
}

impl Vm {
    /// A VM that runs `guest`, with one vCPU and 16 MiB.
    pub fn new(name: &str, guest: &str) -> Self {
        Self::of_file(name, artifacts::guest(guest))
    }

    /// A VM that runs the kernel `file`, with one vCPU and 16 MiB.
    pub fn of_file(name: &str, file: PathBuf) -> Self {
        let kernel = Some(Kernel::File(file));
        let vm = Self {
            name: name.into(),
            kernel,
            is_packed: false,
            kernel_properties: Vec::new(),
            devices: Vec::new(),
            ram_disk: None,
            misplaced: None,
            properties: Vec::new(),
        };
        vm.cpus(1).memory_mib(16)
    }

    /// With this file as its RAM disk.
    pub fn ram_disk(self, file: PathBuf) -> Self {
        Self { ram_disk: Some(file), ..self }
    }

    /// With `count` vCPUs.
    pub fn cpus(self, count: u32) -> Self {
        self.property(property::CPUS, Value::U32(count))
    }

    /// On exactly these cores.
    pub fn cores(self, cores: &[u32]) -> Self {
        let count = cores.len() as u32;
        self.cpus(count).property(property::CORES, Value::Cells(cores.to_vec()))
    }

    /// With `mib` MiB of RAM.
    pub fn memory_mib(self, mib: u64) -> Self {
        self.property(property::MEMORY, Value::U64(mib * 1024))
    }

    /// With this command line.
    pub fn bootargs(self, bootargs: &str) -> Self {
        self.property(property::BOOTARGS, Value::Text(bootargs.into()))
    }

    /// With a property, in place of an earlier one of the name.
    pub fn property(mut self, name: &str, value: Value) -> Self {
        self.properties.retain(|(other, _)| other != name);
        self.properties.push((name.into(), value));
        self
    }

    /// Without the property `name`.
    pub fn without(mut self, name: &str) -> Self {
        self.properties.retain(|(other, _)| other != name);
        self
    }

    /// With a kernel of these bytes.
    pub fn kernel(self, bytes: Vec<u8>) -> Self {
        Self { kernel: Some(Kernel::Bytes(bytes)), ..self }
    }

    /// With its kernel packed by gzip.
    pub fn packed(self) -> Self {
        Self { is_packed: true, ..self }
    }

    /// With a property of its kernel's node.
    pub fn kernel_property(mut self, name: &str, value: Value) -> Self {
        self.kernel_properties.push((name.into(), value));
        self
    }

    /// With a device of its machine described.
    pub fn device(mut self, compatible: &str, properties: &[(&str, Value)]) -> Self {
        let properties = properties.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        self.devices.push((compatible.into(), properties));
        self
    }

    /// Without a kernel.
    pub fn without_kernel(self) -> Self {
        Self { kernel: None, ..self }
    }

    /// With a kernel that is said to be elsewhere.
    pub fn misplaced(self, misplaced: Misplaced) -> Self {
        Self { misplaced: Some(misplaced), ..self }
    }

    /// The kernel and the RAM disk as modules of the pack.
    fn modules(&self) -> impl Iterator<Item = ModuleFile> {
        let read = |file: &PathBuf| fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let kernel = self.kernel.as_ref().map(|kernel| match kernel {
            Kernel::File(file) => read(file),
            Kernel::Bytes(bytes) => bytes.clone(),
        });
        let kernel = kernel.map(|kernel| if self.is_packed { gzip(&kernel) } else { kernel });
        let modules = [(KERNEL, kernel), (RAM_DISK, self.ram_disk.as_ref().map(read))];
        modules.into_iter().filter_map(|(node, bytes)| Some(ModuleFile { path: path(&self.name, node), bytes: bytes? }))
    }

    /// The modules that are files.
    fn files(&self) -> impl Iterator<Item = PathBuf> {
        let kernel = match &self.kernel {
            Some(Kernel::File(file)) => Some(file.clone()),
            _ => None,
        };
        kernel.into_iter().chain(self.ram_disk.clone())
    }

    fn write(&self, writer: &mut Writer) {
        writer.begin_node(&self.name);
        writer.property_string("compatible", property::VM);
        writer.property_u32("#address-cells", 2);
        writer.property_u32("#size-cells", 2);
        self.properties.iter().for_each(|(name, value)| write(writer, name, value));
        for (index, (compatible, properties)) in self.devices.iter().enumerate() {
            writer.begin_node(&format!("device-{index}"));
            writer.property_string("compatible", compatible);
            properties.iter().for_each(|(name, value)| self::write(writer, name, value));
            writer.end_node();
        }
        let modules =
            [(KERNEL, property::KERNEL, self.kernel.is_some()), (RAM_DISK, property::RAMDISK, self.ram_disk.is_some())];
        for (name, kind, _) in modules.into_iter().filter(|(.., is_there)| *is_there) {
            writer.begin_node(name);
            writer.property_strings("compatible", &[kind, property::MODULE]);
            if kind == property::KERNEL {
                self.kernel_properties.iter().for_each(|(name, value)| self::write(writer, name, value));
            }
            writer.end_node();
        }
        writer.end_node();
    }
}

/// `bytes`, packed by gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
    writer.write_all(bytes).and_then(|()| writer.finish()).expect("a vector takes everything")
}

/// Names of the nodes of a VM's modules.
const KERNEL: &str = "kernel";
const RAM_DISK: &str = "ramdisk";

/// Path of the node of the module `node` of the VM `name`.
fn path(name: &str, node: &str) -> String {
    format!("{}/{name}/{node}", property::HYPERVISOR_PATH)
}

/// Changes the `reg` of the kernel of the VM `name` in `packed`, which the packer wrote.
fn misplace(packed: &mut [u8], name: &str, misplaced: Misplaced) {
    let header = packed.get(HEADER_OFFSET..).and_then(ImageHeader::parse).expect("a header");
    let tree = header.pack_offset as usize..(header.pack_offset + header.pack_size) as usize;
    let read = Tree::new(&packed[tree.clone()]).expect("a tree");
    let reg = |name: &str| {
        let view = read.view();
        let node = view.find(&path(name, KERNEL)).expect("a kernel");
        node.property(property::REG).expect("a place").value.to_vec()
    };
    let cell = |bytes: &[u8]| u64::from_be_bytes(bytes[..8].try_into().expect("8 bytes"));
    let (address, size) = match misplaced {
        Misplaced::At(offset, size) => (offset, size),
        Misplaced::Over(other) => (cell(&reg(other)) + 4096, 4096),
    };
    let (old, new) = (reg(name), [address.to_be_bytes(), size.to_be_bytes()].concat());
    let mut places = tree.filter(|start| packed[*start..].starts_with(&old));
    let (place, more) = (places.next().expect("the place stands in the tree"), places.next());
    assert_eq!(more, None, "{name}: another module has the same place");
    packed[place..place + new.len()].copy_from_slice(&new);
}

fn write(writer: &mut Writer, name: &str, value: &Value) {
    match value {
        Value::Empty => writer.property_empty(name),
        Value::U32(value) => writer.property_u32(name, *value),
        Value::U64(value) => writer.property_u64(name, *value),
        Value::Cells(value) => writer.property_cells(name, value),
        Value::Text(value) => writer.property_string(name, value),
    }
}

/// What `/chosen/hypervisor` says.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    properties: Vec<(String, Value)>,
    vms: Vec<Vm>,
    early_uart: Option<u64>,
    /// Described by the same tree.
    board: Option<Board>,
}

impl Configuration {
    /// One without VMs.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a further VM.
    pub fn vm(mut self, vm: Vm) -> Self {
        self.vms.push(vm);
        self
    }

    /// With a property of the hypervisor's node.
    pub fn property(mut self, name: &str, value: Value) -> Self {
        self.properties.push((name.into(), value));
        self
    }

    /// With the PL011 at physical address `base` in the image's header, for when no tree names one.
    pub fn early_uart(self, base: u64) -> Self {
        Self { early_uart: Some(base), ..self }
    }

    /// With the description of `board` in the same tree, for when the firmware gives none.
    pub fn board(self, board: Board) -> Self {
        Self { board: Some(board), ..self }
    }

    /// The modules of its VMs, as far as they are files.
    pub fn files(&self) -> Vec<PathBuf> {
        self.vms.iter().flat_map(Vm::files).collect()
    }

    /// The configuration as a tree.
    ///
    /// # Panics
    /// If it is none, for a bad name.
    pub fn tree(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.begin_node("");
        let board = self.board.as_ref().map(Board::own_tree);
        let root = board.as_ref().and_then(|board| board.view().root());
        root.iter().for_each(|root| copy_all_but_chosen(&mut writer, root));
        writer.begin_node("chosen");
        root.and_then(|root| root.child("chosen")).iter().for_each(|chosen| copy_properties(&mut writer, chosen));
        writer.begin_node(property::HYPERVISOR_NODE);
        writer.property_string("compatible", property::HYPERVISOR);
        writer.property_u32("#address-cells", 2);
        writer.property_u32("#size-cells", 2);
        self.properties.iter().for_each(|(name, value)| write(&mut writer, name, value));
        self.vms.iter().for_each(|vm| vm.write(&mut writer));
        let bytes = writer.finish();
        Tree::new(&bytes).unwrap_or_else(|error| panic!("{self:?}: {error}"));
        bytes
    }

    /// `image` with the configuration and the guests behind it.
    ///
    /// # Panics
    /// If a kernel cannot be read, or the pack is refused.
    pub fn pack(&self, image: &[u8]) -> Vec<u8> {
        let modules: Vec<ModuleFile> = self.vms.iter().flat_map(Vm::modules).collect();
        let early = self.early_uart.map(|base| EarlyConsole { kind: EarlyUart::Pl011, base });
        let packed = pack_with(image, &self.tree(), &modules, early);
        let mut packed = packed.unwrap_or_else(|error| panic!("{self:?}: {error}"));
        for vm in &self.vms {
            vm.misplaced.iter().for_each(|misplaced| misplace(&mut packed, &vm.name, *misplaced));
        }
        packed
    }
}

fn copy_all_but_chosen(writer: &mut Writer, node: &Node<'_>) {
    copy_properties(writer, node);
    for child in node.children().filter(|child| child.name() != "chosen") {
        writer.begin_node(child.name());
        copy_all_but_chosen(writer, &child);
        writer.end_node();
    }
}

fn copy_properties(writer: &mut Writer, node: &Node<'_>) {
    node.properties().for_each(|(name, property)| writer.property(name, property.value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_a_tree() {
        let vm = Vm::new("a", "hello").cores(&[1, 2]).memory_mib(32).bootargs("x=1");
        let bytes = Configuration::new().property(property::WHEN_ALL_OFF, Value::Text("stay".into())).vm(vm).tree();
        let tree = Tree::new(&bytes).unwrap();
        let view = tree.view();
        let kernel = view.nodes().find(|node| node.path() == "/chosen/hypervisor/a/kernel").unwrap();
        assert!(kernel.is_compatible(&[property::KERNEL]));
        let vm = kernel.parent().unwrap();
        assert_eq!(vm.property(property::BOOTARGS).and_then(|property| property.string()), Some("x=1"));
        assert_eq!(vm.property(property::CORES).and_then(|property| property.cells()), Some(vec![1, 2]));
    }
}
