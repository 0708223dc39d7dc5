//! Kernels that say themselves where they go: ELF files, and raw bytes with their place in the configuration.

use super::elf;
use super::file::KernelFile;
use super::load_plan::{Kernel, Segment};
use crate::address::{Ipa, Range};
use crate::config::{RawPlace, VmConfig};
use crate::fault::ConfigError;
use bulkhead_abi::property;

/// The kernel of `vm` in `ram`, raw bytes or an ELF file.
///
/// # Errors
/// It does not go there.
pub fn placed(vm: &VmConfig, ram: &Range<Ipa>, file: &KernelFile) -> Result<Kernel, ConfigError> {
    if file.packed.is_some() && file.size > ram.size() {
        let value = format_args!("a gzip file that unpacks to {} bytes", file.size);
        return Err(ConfigError::new(
            &vm.kernel.node,
            property::REG,
            value,
            format_args!("no more than the guest's RAM"),
        ));
    }
    match &vm.raw {
        Some(place) => raw(vm, ram, file, place),
        None => elf::parse(&file.head, file.size, ram).map_err(|expected| {
            ConfigError::new(&vm.kernel.node, property::REG, format_args!("an ELF file"), format_args!("{expected}"))
        }),
    }
}

/// Raw bytes at their `place`.
fn raw(vm: &VmConfig, ram: &Range<Ipa>, file: &KernelFile, place: &RawPlace) -> Result<Kernel, ConfigError> {
    let refused = |name, value: Ipa, expected| {
        ConfigError::new(&vm.kernel.node, name, format_args!("{value}"), format_args!("{expected}"))
    };
    let memory = Range::<Ipa>::new(place.load, file.size).filter(|memory| ram.contains_range(memory));
    let expected = "an address from which on it fits into the guest's RAM";
    let memory = memory.ok_or_else(|| refused(property::LOAD_ADDRESS, place.load, expected))?;
    if !memory.contains(place.entry) {
        return Err(refused(property::ENTRY, place.entry, "the address of an instruction in what is loaded"));
    }
    let segment = Segment { offset: 0, size: file.size, memory };
    Ok(Kernel { segments: [segment].into(), entry: place.entry, floor: ram.start() })
}
