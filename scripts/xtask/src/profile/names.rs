//! The functions that an instruction belongs to, those that the compiler put into others included.

use crate::Result;
use addr2line::Context;
use addr2line::gimli::{self, EndianSlice, LittleEndian};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Sequences that the compiler found in several functions and made one of.
const OUTLINED: &str = "outlined by the compiler";

/// Characters of a name at most: types of library code may take hundreds.
const LONGEST: usize = 120;

/// Names by offset.
pub struct Names<'elf> {
    context: Context<EndianSlice<'elf, LittleEndian>>,
    /// Symbols by offset: what assembly has.
    symbols: BTreeMap<u64, String>,
    found: HashMap<u64, Rc<[String]>>,
}

impl<'elf> Names<'elf> {
    /// From the symbols and the debugging information of `elf`.
    pub fn new(elf: &'elf [u8]) -> Result<Self> {
        let file = object::File::parse(elf)?;
        let load = |id: gimli::SectionId| {
            let data = file.section_by_name(id.name()).map(|section| section.data());
            Ok::<_, object::Error>(EndianSlice::new(data.transpose()?.unwrap_or_default(), LittleEndian))
        };
        let context = Context::from_dwarf(gimli::Dwarf::load(load)?)?;
        Ok(Self { context, symbols: symbols(&file), found: HashMap::new() })
    }

    /// The functions around the instruction at `offset`, the outermost first.
    pub fn at(&mut self, offset: u64) -> Result<Rc<[String]>> {
        if let Some(found) = self.found.get(&offset) {
            return Ok(found.clone());
        }
        let mut names = self.inlined(offset)?;
        if names.is_empty() {
            names.extend(self.symbols.range(..=offset).next_back().map(|(_, name)| readable(name)));
        }
        names.reverse();
        let names: Rc<[String]> = names.into();
        self.found.insert(offset, names.clone());
        Ok(names)
    }

    /// What the debugging information has, the innermost first: nothing for assembly.
    fn inlined(&self, offset: u64) -> Result<Vec<String>> {
        let mut frames = self.context.find_frames(offset).skip_all_loads()?;
        let mut names = Vec::new();
        while let Some(frame) = frames.next()? {
            if let Some(function) = frame.function {
                names.push(readable(&function.raw_name()?));
            }
        }
        Ok(names)
    }
}

/// Symbols of text. Mapping symbols (ELF for the Arm 64-bit Architecture, 5.5.4) tell code from data and are none.
fn symbols(file: &object::File<'_>) -> BTreeMap<u64, String> {
    let is_code = |kind| matches!(kind, SymbolKind::Text | SymbolKind::Label | SymbolKind::Unknown);
    let symbols = file.symbols().filter(|symbol| is_code(symbol.kind()));
    let named = symbols.filter_map(|symbol| Some((symbol.address(), symbol.name().ok()?.to_owned())));
    named.filter(|(_, name)| !name.is_empty() && !name.starts_with('$')).collect()
}

/// A function's path, without what tells it from others of that path. A stack's names are separated by semicolons.
fn readable(symbol: &str) -> String {
    if symbol.starts_with("OUTLINED_FUNCTION_") {
        return OUTLINED.to_owned();
    }
    let path = format!("{:#}", rustc_demangle::demangle(symbol)).replace(';', ",");
    // A method that stands in another module than its type: `module::<impl other::module::Type>::method`.
    match path.split_once("::<impl ").and_then(|(module, rest)| Some((module, rest.split_once(">::")?))) {
        _ if path.len() > LONGEST => shortened(&path),
        Some((module, (of, method))) if !of.contains(['<', ' ']) => {
            format!("{module}::{}::{method}", of.rsplit("::").next().unwrap_or(of))
        }
        _ => path,
    }
}

/// The beginning and the end of `path`.
fn shortened(path: &str) -> String {
    let characters: Vec<char> = path.chars().collect();
    let (first, last) = (LONGEST * 2 / 3, LONGEST / 3 - 1);
    let last = characters.len().saturating_sub(last);
    characters[..first.min(last)].iter().chain(&['…']).chain(&characters[last..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_paths() {
        for (symbol, name) in [
            ("_ZN12bulkhead_vmm4psci4call17h0123456789abcdefE", "bulkhead_vmm::psci::call"),
            ("_ZN4core3fmt24A$u5b$u8$u3b$$u20$4$u5d$1f17h0123456789abcdefE", "core::fmt::A[u8, 4]::f"),
            ("_ZN1a1b25_$LT$impl$u20$a..c..D$GT$1e17h0123456789abcdefE", "a::b::D::e"),
            (
                "_ZN1a1b42_$LT$impl$u20$a..F$u20$for$u20$a..c..D$GT$1e17h0123456789abcdefE",
                "a::b::<impl a::F for a::c::D>::e",
            ),
            ("guest_enter", "guest_enter"),
            ("OUTLINED_FUNCTION_17", OUTLINED),
        ] {
            assert_eq!(readable(symbol), name);
        }
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        let path = format!("a::b<{}>::end", "c::d".repeat(99));
        let short = readable(&path);
        assert_eq!(short.chars().count(), LONGEST);
        assert!(short.starts_with("a::b<c::d") && short.ends_with(">::end") && short.contains('…'), "{short}");
    }

    /// This test's own function, in its own file.
    #[test]
    fn a_function_is_found_by_its_debugging_information() {
        let elf = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let file = object::File::parse(&*elf).unwrap();
        let is_it = |name: &str| name.contains("names_are_paths") && !name.contains("closure");
        let symbols = file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text);
        let symbol = symbols.filter(|symbol| symbol.name().is_ok_and(is_it)).max_by_key(|symbol| symbol.size());
        let at = symbol.expect("a symbol").address();
        let names = Names::new(&elf).unwrap().at(at).unwrap();
        assert!(names.first().is_some_and(|name| name.ends_with("names_are_paths")), "{names:?}");
    }
}
