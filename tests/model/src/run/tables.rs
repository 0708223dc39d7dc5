//! Memory for translation tables. Asserts break-before-make, and that nothing can reach a table that is freed.

use bulkhead_vmm::address::Pa;
use bulkhead_vmm::platform::TableMemory;
use std::collections::BTreeMap;

/// Where tables lie: not in RAM, so that a guest that reaches one is found out.
const BASE: u64 = 0x7000_0000;
const VALID: u64 = 1;

/// A pool of tables.
#[derive(Debug)]
pub struct Tables {
    tables: BTreeMap<u64, Box<[u64; 512]>>,
    next: u64,
    limit: usize,
    /// Tables that some core's TLB has walked, or walks from.
    pub(super) reachable: Vec<u64>,
}

impl Tables {
    pub fn new(limit: usize) -> Self {
        Self { tables: BTreeMap::new(), next: BASE, limit, reachable: Vec::new() }
    }

    /// Tables that are not free.
    pub fn in_use(&self) -> usize {
        self.tables.len()
    }

    fn table(&self, table: Pa) -> &[u64; 512] {
        self.tables.get(&table.get()).unwrap_or_else(|| panic!("{table:?} is no table, or was freed"))
    }
}

impl TableMemory for Tables {
    fn allocate(&mut self) -> Option<Pa> {
        if self.tables.len() >= self.limit {
            return None;
        }
        let table = self.next;
        self.next += 0x1000;
        self.tables.insert(table, Box::new([0; 512]));
        Some(Pa::new(table))
    }

    fn free(&mut self, table: Pa) {
        assert!(!self.reachable.contains(&table.get()), "{table:?} is freed while a walker can reach it");
        assert!(self.tables.remove(&table.get()).is_some(), "{table:?} is freed twice");
    }

    fn read(&self, table: Pa, index: usize) -> u64 {
        self.table(table)[index]
    }

    fn write(&mut self, table: Pa, index: usize, descriptor: u64) {
        let old = self.table(table)[index];
        let makes = old & VALID != 0 && descriptor & VALID != 0 && old != descriptor;
        assert!(!makes, "break before make: {old:#x} becomes {descriptor:#x} in {table:?}");
        if let Some(table) = self.tables.get_mut(&table.get()) {
            table[index] = descriptor;
        }
    }
}
