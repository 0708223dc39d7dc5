//! What must hold for every tree, however damaged. Property tests and fuzz targets call the same functions.

use bulkhead_vmm::fdt::{FdtError, Node, Tree, extent};

/// A property as two readers must agree on it: the path of its node, its name and its value.
type Entry = (String, String, Vec<u8>);

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
    walk(tree.as_bytes());
    let read: Vec<Entry> = tree.view().nodes().flat_map(|node| entries(&node)).collect();
    assert_eq!(read, original(bytes), "the copy differs from the original");
    Ok(tree)
}

fn entries(node: &Node<'_>) -> Vec<Entry> {
    let path = node.path();
    node.properties().map(|property| (path.clone(), property.name.into(), property.value.into())).collect()
}

/// Calls everything of `fdt` that is safe on every tree, for every node of `bytes`.
fn walk(bytes: &[u8]) {
    let fdt = fdt::Fdt::new(bytes).expect("fdt takes what was validated");
    let mut nodes = 0;
    for node in fdt.all_nodes() {
        nodes += 1;
        let properties = node.properties().filter(|property| property.name.len() < 1000).count();
        assert!(properties <= bytes.len());
        let _ = node.cell_sizes();
        let _ = node.reg().map(Iterator::count);
        let _ = node.compatible().map(|list| list.all().count());
        let _ = node.interrupt_cells();
        // It searches the whole tree for the parent, so that all would take quadratic time.
        if nodes % INTERRUPTS_EVERY == 0 {
            let _ = node.interrupts().map(Iterator::count);
        }
    }
    assert_eq!(nodes, count(fdt.find_node("/").expect("a root")), "all_nodes loses nodes");
    assert!(fdt.memory_reservations().count() <= bytes.len());
    assert!(fdt.strings().count() <= bytes.len());
    assert_eq!(fdt.total_size(), bytes.len());
}

fn count(node: fdt::node::FdtNode<'_, '_>) -> usize {
    1 + node.children().map(count).sum::<usize>()
}

/// Every property in the tree `bytes`, which are known to be good, read by the letter of the specification.
fn original(bytes: &[u8]) -> Vec<Entry> {
    let extent = extent(bytes.first_chunk().expect("a header")).expect("a good header");
    let (structure, strings) = (&bytes[extent.structure], &bytes[extent.strings]);
    let word = |at: usize| u32::from_be_bytes(structure[at..at + 4].try_into().expect("a word")) as usize;
    let text = |bytes: &[u8]| bytes.iter().take_while(|byte| **byte != 0).map(|byte| *byte as char).collect::<String>();
    let (mut path, mut at, mut entries) = (Vec::<String>::new(), 0, Vec::new());
    loop {
        let token = word(at);
        at += 4;
        match token {
            1 => {
                path.push(text(&structure[at..]));
                at += (path.last().expect("a name").len() + 1).next_multiple_of(4);
            }
            2 => drop(path.pop()),
            3 => {
                let (size, name) = (word(at), text(&strings[word(at + 4)..]));
                let node = if path.len() == 1 { "/".into() } else { path.join("/") };
                entries.push((node, name, structure[at + 8..at + 8 + size].to_vec()));
                at += 8 + size.next_multiple_of(4);
            }
            4 => {}
            _ => return entries,
        }
    }
}
