use super::*;
use alloc::collections::BTreeMap;

/// Table memory on the host, with a bound on the number of tables.
#[derive(Default)]
struct Tables {
    entries: BTreeMap<(u64, usize), u64>,
    allocated: u64,
    freed: u64,
    limit: u64,
}

impl TableMemory for Tables {
    fn allocate(&mut self) -> Option<Pa> {
        (self.allocated < self.limit).then(|| {
            self.allocated += 1;
            Pa::new(self.allocated * PAGE_SIZE)
        })
    }

    fn free(&mut self, _table: Pa) {
        self.freed += 1;
    }

    fn read(&self, table: Pa, index: usize) -> u64 {
        self.entries.get(&(table.get(), index)).copied().unwrap_or(0)
    }

    fn write(&mut self, table: Pa, index: usize, descriptor: u64) {
        self.entries.insert((table.get(), index), descriptor);
    }
}

fn stage2(tables: &mut Tables) -> Stage2 {
    Stage2::new(Geometry::for_machine(44).unwrap(), tables).unwrap()
}

fn range(start: u64, size: u64) -> Range<Ipa> {
    Range::<Ipa>::new(Ipa::new(start), size).unwrap()
}

#[test]
fn the_largest_blocks_come_first() {
    let mut tables = Tables { limit: 8, ..Tables::default() };
    let mut stage2 = stage2(&mut tables);
    let size = (1 << 30) + (2 << 20) + 4096;
    stage2.map(range(1 << 30, size), Pa::new(3 << 30), Attributes::Memory, &mut tables).unwrap();
    // Root, one level-2 and one level-3 table: the first GiB is a single block.
    assert_eq!(tables.allocated, 3);
    let last = stage2.walk(Ipa::new((1 << 30) + size - 1), &tables);
    assert_eq!(last, Some((Pa::new((3 << 30) + size - 1), Attributes::Memory)));
    assert_eq!(stage2.walk(Ipa::new((1 << 30) + size), &tables), None);
    stage2.free(&mut tables);
    assert_eq!(tables.freed, tables.allocated);
}

#[test]
fn an_offset_that_differs_below_2_mib_needs_pages() {
    let mut tables = Tables { limit: 8, ..Tables::default() };
    let mut stage2 = stage2(&mut tables);
    stage2.map(range(0x4000_0000, 2 << 20), Pa::new(0x8000_1000), Attributes::Memory, &mut tables).unwrap();
    assert_eq!(tables.allocated, 3);
    let (pa, _) = stage2.walk(Ipa::new(0x4000_2345), &tables).unwrap();
    assert_eq!(pa, Pa::new(0x8000_3345));
}

#[test]
fn an_offset_alike_below_2_mib_needs_pages_up_to_the_first_block() {
    let mut tables = Tables { limit: 8, ..Tables::default() };
    let mut stage2 = stage2(&mut tables);
    assert_eq!(stage2.root(), Pa::new(PAGE_SIZE), "the first table");
    let (guest, size) = (0x4000_1000, 6 << 20);
    stage2.map(range(guest, size), Pa::new(0x8000_1000), Attributes::Memory, &mut tables).unwrap();
    for offset in (0..size).step_by(0x1000) {
        let walked = stage2.walk(Ipa::new(guest + offset), &tables);
        assert_eq!(walked, Some((Pa::new(0x8000_1000 + offset), Attributes::Memory)), "{offset:#x}");
    }
    let around = [guest - 1, guest + size].map(|address| stage2.walk(Ipa::new(address), &tables));
    assert_eq!(around, [None, None]);
    // A level-3 table at each end, and blocks between.
    assert_eq!(tables.allocated, 4);
}

#[test]
fn mistakes_have_names() {
    let mut tables = Tables { limit: 2, ..Tables::default() };
    let mut stage2 = stage2(&mut tables);
    let mut map = |start, size, pa| stage2.map(range(start, size), Pa::new(pa), Attributes::Device, &mut tables);
    for (start, size, pa) in [(0x1000, 0x800, 0), (0x800, 0x1000, 0), (0, 0x1000, 0x800), (0, !0xfff, 1 << 63)] {
        assert_eq!(map(start, size, pa), Err(MapError::Misaligned), "{start:#x} {size:#x} {pa:#x}");
    }
    // Two that are misaligned alike, and all three.
    for (start, size, pa) in [(0x800, 0x1000, 0x800), (0x800, 0x800, 0), (0, 0x800, 0x800), (0x800, 0x800, 0x800)] {
        assert_eq!(map(start, size, pa), Err(MapError::Misaligned), "{start:#x} {size:#x} {pa:#x}");
    }
    assert_eq!(map(1 << 39, 0x1000, 0), Err(MapError::OutOfRange));
    assert_eq!(map(0, 2 << 20, 0), Ok(()));
    assert_eq!(map(0, 4096, 0), Err(MapError::Occupied));
    assert_eq!(map(2 << 20, 4096, 0), Err(MapError::OutOfTables));
}

#[test]
fn a_small_machine_has_a_small_space() {
    assert_eq!(Geometry::for_machine(36).map(Geometry::bits), Some(36));
    assert_eq!([30, 31].map(|bits| Geometry::for_machine(bits).map(Geometry::bits)), [None, Some(31)]);
    assert_eq!([38, 39, 40].map(|bits| Geometry::for_machine(bits).map(Geometry::bits)), [38, 39, 39].map(Some));
}

/// Descriptors (Arm ARM DDI 0487 D8.3.1, D8.3.2): type (1:0), MemAttr (5:2), S2AP (7:6), SH (9:8), AF (10), XN (54:53). RAM is
/// Normal Write-Back, Inner Shareable, executable; a device Device-nGnRE and neither.
#[test]
fn descriptors_have_the_architectures_bits() {
    let mut tables = Tables { limit: 8, ..Tables::default() };
    let mut stage2 = stage2(&mut tables);
    const RAM: u64 = 0x7fd;
    const DEVICE: u64 = 1 << 54 | 0x4c5;
    const PAGE: u64 = 2;
    const TABLE: u64 = 3;
    let (last, block) = (0x0fff_ffff_f000, 0x8000_0000);
    for (guest, physical, size, attributes) in [
        (0x4000_0000, block, 2 << 20, Attributes::Memory),
        (0x4020_0000, block, 2 << 20, Attributes::Device),
        (0x4040_0000, last, 4096, Attributes::Memory),
        (0x4040_1000, last, 4096, Attributes::Device),
    ] {
        stage2.map(range(guest, size), Pa::new(physical), attributes, &mut tables).unwrap();
        assert_eq!(stage2.walk(Ipa::new(guest + 0x123), &tables), Some((Pa::new(physical + 0x123), attributes)));
    }
    // The root, a table of 2 MiB, a table of pages, in the order in which they were needed.
    let read = |table: u64, index| tables.read(Pa::new(table * PAGE_SIZE), index);
    assert_eq!([read(1, 0), read(1, 1)], [0, TABLE | (2 * PAGE_SIZE)]);
    assert_eq!([0, 1, 2, 3].map(|index| read(2, index)), [block | RAM, block | DEVICE, TABLE | (3 * PAGE_SIZE), 0]);
    assert_eq!([0, 1, 2].map(|index| read(3, index)), [last | RAM | PAGE, last | DEVICE | PAGE, 0]);
}
