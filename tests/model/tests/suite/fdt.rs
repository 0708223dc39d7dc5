//! The validator of device trees against real and damaged trees.

use bulkhead_campaign::Campaign;
use bulkhead_model::fdt::{check, corpus, dts, mutate};
use bulkhead_model::random::Random;
use bulkhead_vmm::fdt::{FdtError, MAXIMUM_DEPTH, Tree, Writer};
use std::io::Write;
use std::sync::OnceLock;

const MUTANTS: Campaign<'_> = Campaign {
    name: "a_mutant_is_refused_or_walked_whole",
    stage: "model",
    unit: "mutants",
    each: 1000,
    sample: 1000,
    long: 20_000,
};
/// At most this many trees of real boards are taken from the folder.
const MOST_FROM_FOLDER: usize = 40;

/// Trees that there are at least where there must be a QEMU.
const LEAST: usize = 20;

/// All trees that there are here; says aloud if QEMU's are missing.
fn samples() -> &'static [corpus::Sample] {
    static SAMPLES: OnceLock<Vec<corpus::Sample>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let (own, qemu, folder) = (corpus::own(), corpus::qemu(), corpus::folder(MOST_FROM_FOLDER));
        let found =
            format!("{} trees of our own, {} of QEMU's boards, {} of real boards", own.len(), qemu.len(), folder.len());
        let samples = [own, qemu, folder].concat();
        if std::env::var_os("BULKHEAD_REQUIRE_QEMU").is_some_and(|value| value == "1") {
            assert!(samples.len() >= LEAST, "{found}; expected {LEAST} in all");
        } else if samples.len() < LEAST {
            // Past the capture of what tests print: nobody looks at what a test says that passes.
            let _ = writeln!(std::io::stderr(), "SKIPPED: some trees, for lack of a QEMU: {found}");
        }
        samples
    })
}

#[test]
fn every_undamaged_tree_is_accepted_and_walked_whole() {
    for sample in samples() {
        if let Err(error) = check::tree(&sample.bytes) {
            panic!("{}: {error}", sample.name);
        }
    }
}

#[test]
fn a_mutant_is_refused_or_walked_whole() {
    let samples = samples();
    let unit = format!("mutants of {} trees", samples.len());
    Campaign { unit: &unit, ..MUTANTS }.run(|seed| {
        let count = MUTANTS.each;
        let accepted = (0..count).filter(|number| {
            let name = seed.wrapping_mul(count).wrapping_add(*number);
            let sample = &samples[(name % samples.len() as u64) as usize];
            let mutant = mutate::mutate(&sample.bytes, &mut Random::new(name));
            let outcome = std::panic::catch_unwind(|| check::tree(&mutant).is_ok());
            outcome.unwrap_or_else(|_| panic!("mutant {number} of seed {seed}, of {}", sample.name))
        });
        let accepted = accepted.count() as u64;
        assert!((count / 5..count * 9 / 10).contains(&accepted), "{accepted}: the damage is too weak or too strong");
    });
}

#[test]
fn a_tree_cut_short_anywhere_is_refused() {
    let bytes = dts::compile(corpus::SOURCES[0].1);
    for length in 0..bytes.len() {
        let error = Tree::new(&bytes[..length]).expect_err("a prefix");
        assert_eq!((error.what, error.offset), (FdtError::CUT_SHORT, length));
    }
    assert_eq!(Tree::new(&[]).unwrap_err().to_string(), "the tree is cut short at 0x0");
}

#[test]
fn bytes_behind_the_last_block_do_not_matter() {
    let mut bytes = dts::compile(corpus::SOURCES[0].1);
    let tree = Tree::new(&bytes).expect("a tree");
    // As QEMU does: the header claims 1 MiB, of which the last block uses little.
    bytes[4..8].copy_from_slice(&(1u32 << 20).to_be_bytes());
    assert_eq!(Tree::new(&bytes), Ok(tree));
}

#[test]
fn nodes_deleted_by_nops_leave_the_rest_readable() {
    let mut bytes = dts::compile("/dts-v1/; / { a { }; b { x = <1>; }; };");
    let node_a = bytes.windows(8).position(|window| window == [0, 0, 0, 1, b'a', 0, 0, 0]).expect("node a");
    bytes[node_a..node_a + 12].chunks_exact_mut(4).for_each(|word| word.copy_from_slice(&[0, 0, 0, 4]));
    let tree = check::tree(&bytes).expect("a tree");
    let names: Vec<String> = tree.view().nodes().map(|node| node.path()).collect();
    assert_eq!(names, ["/", "/b"]);
}

/// A tree whose structure block is `words`.
fn structure(words: &[u32]) -> Vec<u8> {
    structure_with(words, b"x\0#size-cells\0")
}

/// The same with its own strings block.
fn structure_with(words: &[u32], strings: &[u8]) -> Vec<u8> {
    let structure_size = words.len() as u32 * 4;
    let header = [0xd00d_feed, 56 + structure_size + strings.len() as u32, 56, 56 + structure_size, 40, 17, 16, 0];
    let header = header.into_iter().chain([strings.len() as u32, structure_size]);
    let words = header.chain([0; 4]).chain(words.iter().copied());
    words.flat_map(u32::to_be_bytes).chain(strings.iter().copied()).collect()
}

#[test]
fn each_broken_precondition_is_named() {
    let refused = |words: &[u32]| Tree::new(&structure(words)).expect_err("a broken tree").to_string();
    const NAME: u32 = 0x6100_0000;
    assert!(Tree::new(&structure(&[1, 0, 3, 0, 0, 2, 9])).is_ok());
    assert_eq!(refused(&[]), "the structure block ends behind the part at 0x38");
    assert_eq!(refused(&[1, 0, 2]), "the structure block ends behind the part at 0x44");
    assert_eq!(refused(&[9]), "the root is expected at 0x38");
    assert_eq!(refused(&[1, NAME, 2, 9]), "a bad name of a node at 0x38");
    assert_eq!(refused(&[1, 0, 1, 0, 2, 2, 9]), "a bad name of a node at 0x40");
    assert_eq!(refused(&[1, 0, 1, 0x6161_6161]), "a bad name of a node at 0x40");
    assert_eq!(refused(&[1, 0, 2, 2, 9]), "the end of the tree is expected at 0x44");
    assert_eq!(refused(&[1, 0, 2, 1, 0, 2, 9]), "the end of the tree is expected at 0x44");
    assert_eq!(refused(&[1, 0, 1, NAME, 2, 3, 0, 0, 2, 9]), "a node or a node's end is expected at 0x4c");
    assert_eq!(refused(&[1, 0, 7, 2, 9]), "a property, a node or a node's end is expected at 0x40");
    assert_eq!(refused(&[1, 0, 3, 0]), "the structure block ends behind the part at 0x48");
    assert_eq!(refused(&[1, 0, 3, 100, 0, 2, 9]), "the structure block ends behind the part at 0x4c");
    assert_eq!(refused(&[1, 0, 3, u32::MAX, 0, 2, 9]), "the structure block ends behind the part at 0x4c");
    assert_eq!(refused(&[1, 0, 3, 0, 2, 2, 9]), "a count of cells is not one cell at 0x40");
    for offset in [1, 13, 14, 15, u32::MAX] {
        assert_eq!(refused(&[1, 0, 3, 0, offset, 2, 9]), "a bad name of a property at 0x40", "{offset}");
    }
}

#[test]
fn the_strings_block_is_names_and_nothing_else() {
    let words = [1, 0, 3, 0, 0, 2, 9];
    let refused = |strings: &[u8]| Tree::new(&structure_with(&words, strings)).expect_err("bad strings").to_string();
    assert_eq!(refused(b"x\0bad name\0"), "a bad name in the strings block at 0x56");
    assert_eq!(refused(b"x\0\xc3\xa4\0"), "a bad name in the strings block at 0x56");
    assert_eq!(refused(b"x\0noend"), "a bad name in the strings block at 0x56");
    assert_eq!(refused(&[b'a'; 128]), "a bad name in the strings block at 0x54");
    let longest = [[b'a'; 127].as_slice(), b"\0"].concat();
    assert!(check::tree(&structure_with(&words, &longest)).is_ok());
}

#[test]
fn every_node_knows_its_family() {
    let source = "/dts-v1/; / { a { b { c { }; d@1 { }; }; }; e { f { }; }; d@2 { }; };";
    let tree = Tree::new(&dts::compile(source)).expect("a tree");
    let view = tree.view();
    let paths: Vec<String> = view.nodes().map(|node| node.path()).collect();
    assert_eq!(paths, ["/", "/a", "/a/b", "/a/b/c", "/a/b/d@1", "/e", "/e/f", "/d@2"]);
    let children = |path: &str| view.find(path).expect(path).children().map(|node| node.name()).collect::<Vec<_>>();
    assert_eq!(children("/"), ["a", "e", "d@2"]);
    assert_eq!(children("/a/b"), ["c", "d@1"]);
    assert_eq!(children("/a/b/c"), [""; 0]);
    assert_eq!(view.find("/a/b/d").map(|node| node.path()).as_deref(), Some("/a/b/d@1"));
    assert!(view.find("/d@1").is_none() && view.find("/a/b/d@").is_none() && view.find("a").is_none());
    assert_eq!(view.find("/d@2").and_then(|node| node.parent()).map(|node| node.path()).as_deref(), Some("/"));
}

#[test]
fn nodes_may_nest_as_deep_as_is_said_and_no_deeper() {
    let nested = |depth: usize| {
        let inner = [1, 0x6100_0000].repeat(depth - 1);
        structure(&[&[1, 0], inner.as_slice(), &[2].repeat(depth), &[9]].concat())
    };
    assert!(check::tree(&nested(MAXIMUM_DEPTH)).is_ok());
    assert!(matches!(Tree::new(&nested(MAXIMUM_DEPTH + 1)), Err(FdtError { what: FdtError::DEPTH, .. })));
}

#[test]
fn what_the_writer_writes_reads_back() {
    let mut writer = Writer::new();
    writer.begin_node("");
    writer.property_u32("one", 1);
    writer.property_strings("texts", &["a", "bc"]);
    writer.begin_node("child@1");
    writer.property_u64("two", 1 << 40);
    writer.property_empty("flag");
    let bytes = writer.finish();
    let expected = r#"/dts-v1/; / { one = <1>; texts = "a", "bc"; child@1 { two = <0x100 0>; flag; }; };"#;
    assert_eq!(Tree::new(&bytes), Tree::new(&dts::compile(expected)));
}

#[test]
fn a_name_may_be_written_twice() {
    let mut writer = Writer::new();
    writer.begin_node("");
    writer.property_u32("one", 1);
    writer.begin_node("child");
    writer.property_u32("one", 2);
    let tree = check::tree(&writer.finish()).expect("a tree");
    let ones = tree.view().nodes().map(|node| node.property("one").and_then(|one| one.u32()));
    assert!(ones.eq([Some(1), Some(2)]));
}

#[test]
fn what_the_writer_was_misused_for_is_no_tree() {
    let mut writer = Writer::new();
    writer.begin_node("");
    writer.begin_node("child");
    writer.end_node();
    writer.property_empty("late");
    assert!(matches!(Tree::new(&writer.finish()), Err(FdtError { what: FdtError::NOT_NODE, .. })));
    let mut writer = Writer::new();
    writer.begin_node("");
    writer.begin_node("bad/name");
    assert!(matches!(Tree::new(&writer.finish()), Err(FdtError { what: FdtError::NODE_NAME, .. })));
    assert!(Tree::new(&Writer::new().finish()).is_err());
}
