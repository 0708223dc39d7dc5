//! Stage 2 as a core sees it: a walk of the tables (Arm ARM DDI 0487 D8.2), and a TLB that remembers it.

use super::tables::Tables;
use bulkhead_vmm::address::Pa;
use bulkhead_vmm::platform::TableMemory;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

const PAGE: u64 = 0xfff;
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;
const ACCESS_FLAG: u64 = 1 << 10;
const READ_WRITE: u64 = 0b11 << 6;
const EXECUTE_NEVER: u64 = 0b10 << 53;

/// Where a guest's page leads.
#[derive(Clone, Debug)]
pub struct Translation {
    page: u64,
    executable: bool,
    /// The tables that the walk went through.
    path: Vec<u64>,
}

/// What one core's walker starts from.
#[derive(Clone, Copy, Debug)]
pub struct Root {
    pub table: u64,
    pub bits: u8,
    pub vmid: u8,
}

/// One core's TLB: pages by VMID and address.
#[derive(Debug, Default)]
pub struct Tlb(BTreeMap<(u8, u64), Translation>);

impl Tlb {
    /// Where `address` leads; `None` is a fault, which no TLB keeps.
    pub fn translate(&mut self, tables: &Tables, root: Root, address: u64, fetch: bool) -> Option<u64> {
        let key = (root.vmid, address & !PAGE);
        let found = match self.0.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(walk(tables, root, address)?),
        };
        (found.executable || !fetch).then_some(found.page | address & PAGE)
    }

    /// Forgets everything tagged with `vmid`.
    pub fn invalidate(&mut self, vmid: u8) {
        self.0.retain(|(tag, _), _| *tag != vmid);
    }

    /// Every table that it has walked.
    pub fn tables(&self) -> impl Iterator<Item = u64> {
        self.0.values().flat_map(|found| found.path.iter().copied())
    }
}

fn walk(tables: &Tables, root: Root, address: u64) -> Option<Translation> {
    if address >> root.bits != 0 {
        return None;
    }
    let (mut table, mut path) = (root.table, Vec::new());
    for shift in [30, 21, 12] {
        path.push(table);
        let descriptor = tables.read(Pa::new(table), (address >> shift & 0x1ff) as usize);
        match (descriptor & 0b11, shift) {
            (0b11, 21 | 30) => table = descriptor & ADDRESS,
            (0b01, 21 | 30) | (0b11, 12) => {
                assert!(descriptor & ACCESS_FLAG != 0, "{descriptor:#x} lacks its access flag");
                assert!(descriptor & READ_WRITE == READ_WRITE, "{descriptor:#x} is not for reading and writing");
                let block = (1 << shift) - 1;
                let page = (descriptor & ADDRESS & !block) | (address & block & !PAGE);
                return Some(Translation { page, executable: descriptor & EXECUTE_NEVER == 0, path });
            }
            _ => return None,
        }
    }
    None
}
