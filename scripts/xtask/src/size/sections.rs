//! Sizes read from the ELF file: sections by what they are for, text by the room that it comes from.

use crate::Result;
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SectionKind, SymbolKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Text of functions without a size: entry.s, the 2 KiB of vectors, and what aligns them.
const ASSEMBLY: &str = "assembly and padding";

/// Bytes by purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sections {
    /// Instructions.
    pub text: u64,
    /// Constants, relocations and whatever else is only read.
    pub rodata: u64,
    /// Initialised and written.
    pub data: u64,
    /// Zero at first and written: takes memory only.
    pub bss: u64,
}

/// The text of one room.
pub struct Room {
    /// Crate, and module for the crates of this repository.
    pub name: String,
    /// Bytes of text.
    pub bytes: u64,
}

/// Adds the sections up that are in memory.
pub fn measure(elf: &[u8]) -> Result<Sections> {
    let file = object::File::parse(elf)?;
    let mut sizes = Sections::default();
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags: flags, .. } = section.flags() else { continue };
        let has = |flag: object::elf::SectionFlags| flags.0 & flag.0 != 0;
        let size = match section.kind() {
            _ if !has(object::elf::SHF_ALLOC) => continue,
            SectionKind::UninitializedData => &mut sizes.bss,
            _ if has(object::elf::SHF_EXECINSTR) => &mut sizes.text,
            _ if has(object::elf::SHF_WRITE) => &mut sizes.data,
            _ => &mut sizes.rodata,
        };
        *size += section.size();
    }
    Ok(sizes)
}

/// The functions added up by room, the largest first.
pub fn rooms(elf: &[u8]) -> Result<Vec<Room>> {
    let file = object::File::parse(elf)?;
    let mut by_address = BTreeMap::new();
    for symbol in file.symbols() {
        if symbol.kind() == SymbolKind::Text && symbol.size() > 0 {
            // Identical functions share an address and are counted once.
            by_address.entry(symbol.address()).or_insert((symbol.size(), room_of(symbol.name().unwrap_or_default())));
        }
    }
    let mut sums = BTreeMap::new();
    for (size, room) in by_address.into_values() {
        *sums.entry(room).or_insert(0) += size;
    }
    let text = measure(elf)?.text;
    let rest = text.saturating_sub(sums.values().sum());
    *sums.entry(ASSEMBLY.to_owned()).or_insert(0) += rest;
    let mut rooms: Vec<_> = sums.into_iter().map(|(name, bytes)| Room { name, bytes }).collect();
    rooms.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    Ok(rooms)
}

/// `bulkhead_vmm::vgic` for a function anywhere below that module; the crate for a function of a dependency.
fn room_of(symbol: &str) -> String {
    let name = format!("{:#}", rustc_demangle::demangle(symbol));
    if symbol.starts_with("OUTLINED_FUNCTION_") {
        // Tails and sequences that functions of any room share.
        return "outlined by the compiler".to_owned();
    }
    if name.starts_with("core::ptr::drop_in_place<") {
        return "drop glue".to_owned();
    }
    if name == symbol {
        return unmangled_room(symbol).to_owned();
    }
    let path: Vec<_> = first_path(&name).split("::").collect();
    match *path {
        [crate_name, module, _, ..] if crate_name.starts_with("bulkhead") => format!("{crate_name}::{module}"),
        [crate_name, _, ..] => crate_name.to_owned(),
        // Traits of core for primitive types, and for every type.
        _ => "core".to_owned(),
    }
}

/// Functions that assembly or the compiler calls by their plain names; what has no name is assembly itself.
fn unmangled_room(symbol: &str) -> &'static str {
    match symbol {
        "boot_primary" | "boot_secondary" | "boot_below_el2" => "bulkhead_el2::boot",
        "own_exception_report" => "bulkhead_el2::vectors",
        "bulkhead_primary" | "bulkhead_secondary" | "bulkhead_below_el2" => "bulkhead",
        "memcpy" | "memmove" | "memset" | "memcmp" | "bcmp" => "compiler_builtins",
        _ => ASSEMBLY,
    }
}

/// In `<dyn a::b::C as d::E>::f` and the like, the path of the type that the function belongs to.
fn first_path(name: &str) -> &str {
    let start = name.trim_start_matches(['<', '&', '[', '(', '*']);
    let start = ["mut ", "const ", "dyn "].iter().fold(start, |start, word| start.strip_prefix(word).unwrap_or(start));
    let start = start.trim_start_matches('<');
    let end = start.find(|character: char| !(character.is_alphanumeric() || "_:".contains(character)));
    start[..end.unwrap_or(start.len())].trim_end_matches(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_belongs_to_the_module_of_its_type() {
        for (symbol, room) in [
            ("_ZN12bulkhead_vmm4vgic11distributor4read17h0123456789abcdefE", "bulkhead_vmm::vgic"),
            ("_ZN12bulkhead_vmm4main17h0123456789abcdefE", "bulkhead_vmm"),
            ("_ZN4core3fmt3num52_$LT$impl$u20$core..fmt..Debug$u20$for$u20$usize$GT$3fmt17h0123456789abcdefE", "core"),
            ("_ZN42_$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE", "core"),
            ("_ZN4core3fmt5write17h0123456789abcdefE", "core"),
            ("_start", ASSEMBLY),
            ("boot_primary", "bulkhead_el2::boot"),
            ("memcmp", "compiler_builtins"),
            ("OUTLINED_FUNCTION_17", "outlined by the compiler"),
            ("_ZN4core3ptr55drop_in_place$LT$bulkhead_vmm..config..vm..VmConfig$GT$17h0123456789abcdefE", "drop glue"),
            (
                "_ZN62_$LT$bulkhead_vmm..fdt..Node$u20$as$u20$core..fmt..Display$GT$3fmt17h0123456789abcdefE",
                "bulkhead_vmm::fdt",
            ),
        ] {
            assert_eq!(room_of(symbol), room, "{symbol}");
        }
    }

    #[test]
    fn sigils_before_a_type_are_no_part_of_its_path() {
        assert_eq!(first_path("<&mut a::b::C<d> as e::F>::g"), "a::b::C");
        assert_eq!(first_path("<dyn a::b as c>::d"), "a::b");
        assert_eq!(first_path("a::b::{{closure}}"), "a::b");
    }
}
