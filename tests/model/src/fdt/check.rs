//! What must hold for every tree, however damaged. Property tests and fuzz targets call the same functions.

use bulkhead_vmm::fdt::{FdtError, Node, Tree, extent};

/// Names and values of a node's properties.
type Properties<'a> = Vec<(&'a [u8], &'a [u8])>;

/// A node as two readers must agree on it: its path and its properties.
type Entry<'a> = (String, Properties<'a>);

/// Of one node in this many the interrupts are read.
const INTERRUPTS_EVERY: usize = 16;

/// Refuses `bytes`, or else: the copy is its own canonical form, the crate `fdt` walks it whole, and it says the
/// same as the original does.
///
/// # Errors
/// Why `bytes` are refused.
///
/// # Panics
/// Something does not hold.
pub fn tree(bytes: &[u8]) -> Result<Tree, FdtError> {
    let tree = Tree::new(bytes)?;
    assert_eq!(Tree::new(tree.as_bytes()).as_ref(), Ok(&tree), "canonical form is not stable");
    let walked = walk(tree.as_bytes());
    let read: Vec<Entry<'_>> = tree.view().nodes().map(|node| entry(&node)).collect();
    assert_eq!(read, original(bytes), "the copy differs from the original");
    assert!(walked.iter().eq(read.iter().map(|(_, properties)| properties)), "the crate fdt reads other properties");
    Ok(tree)
}

fn entry<'a>(node: &Node<'a>) -> Entry<'a> {
    (node.path(), node.properties().map(|(name, property)| (name.as_bytes(), property.value)).collect())
}

/// Calls everything of `fdt` that is safe on every tree, for every node of `bytes`; the properties that it finds.
fn walk(bytes: &[u8]) -> Vec<Properties<'_>> {
    let fdt = fdt::Fdt::new(bytes).expect("fdt takes what was validated");
    let mut found = Vec::new();
    for node in fdt.all_nodes() {
        found.push(node.properties().map(|property| (property.name.as_bytes(), property.value)).collect());
        let _ = node.cell_sizes();
        let _ = node.reg().map(Iterator::count);
        let _ = node.compatible().map(|list| list.all().count());
        let _ = node.interrupt_cells();
        // It searches the whole tree for the parent, so that all would take quadratic time.
        if found.len() % INTERRUPTS_EVERY == 0 {
            let _ = node.interrupts().map(Iterator::count);
        }
    }
    assert_eq!(found.len(), count(fdt.find_node("/").expect("a root")), "all_nodes loses nodes");
    assert!(fdt.memory_reservations().count() <= bytes.len());
    assert!(fdt.strings().count() <= bytes.len());
    assert_eq!(fdt.total_size(), bytes.len());
    found
}

fn count(node: fdt::node::FdtNode<'_, '_>) -> usize {
    1 + node.children().map(count).sum::<usize>()
}

/// Every node in the tree `bytes`, which are known to be good, read by the letter of the specification.
fn original<'a>(bytes: &'a [u8]) -> Vec<Entry<'a>> {
    let extent = extent(bytes).expect("a good header");
    let (structure, strings) = (&bytes[extent.structure], &bytes[extent.strings]);
    let word = |at: usize| u32::from_be_bytes(structure[at..at + 4].try_into().expect("a word")) as usize;
    let text = |bytes: &'a [u8]| bytes.split(|byte| *byte == 0).next().expect("a name");
    let (mut path, mut at, mut entries) = (Vec::<&[u8]>::new(), 0, Vec::<Entry<'_>>::new());
    loop {
        let token = word(at);
        at += 4;
        match token {
            1 => {
                path.push(text(&structure[at..]));
                at += (path.last().expect("a name").len() + 1).next_multiple_of(4);
                let whole = if path.len() == 1 { "/".into() } else { path.join(&b'/') };
                entries.push((String::from_utf8(whole).expect("ASCII"), Vec::new()));
            }
            2 => drop(path.pop()),
            3 => {
                let (size, name) = (word(at), text(&strings[word(at + 4)..]));
                entries.last_mut().expect("a node").1.push((name, &structure[at + 8..at + 8 + size]));
                at += 8 + size.next_multiple_of(4);
            }
            4 => {}
            _ => return entries,
        }
    }
}
