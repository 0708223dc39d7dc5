//! Kernels in ELF files and packed ones, drawn at random: what is loaded is what was put in.

use bulkhead_campaign::Campaign;
use bulkhead_model::config::check::{elf_head, open_kernel, packed_kernel};
use bulkhead_model::config::example;
use bulkhead_model::gzip::pack;
use bulkhead_model::random::Random;
use bulkhead_vmm::address::{Ipa, Range};
use bulkhead_vmm::kernel_image::{Inflater, LoadPlan};

const RAM: u64 = 0x4000_0000;
const RAM_SIZE: u64 = 64 << 20;
const FILE_SIZE: u64 = 1 << 20;

const ELVES: Campaign<'_> = Campaign {
    name: "a_segment_goes_where_its_header_says_or_the_file_is_refused",
    stage: "model",
    unit: "ELF files",
    each: 1000,
    sample: 20,
    long: 2000,
};

const PACKED: Campaign<'_> = Campaign {
    name: "what_was_packed_comes_out",
    stage: "model",
    unit: "packed files",
    each: 20,
    sample: 10,
    long: 500,
};

/// Any number, most of them near one at which something changes.
fn near(random: &mut Random, places: &[u64]) -> u64 {
    let place = random.pick(places);
    match random.below(4) {
        0 => place.wrapping_sub(random.below(0x2000)),
        1 => place.wrapping_add(random.below(0x2000)),
        _ => place,
    }
}

/// A segment: type, offset in the file, physical address, size there and in memory.
fn segment(random: &mut Random) -> [u64; 5] {
    let kind = if random.below(8) == 0 { 2 } else { 1 };
    let address = RAM + random.below(RAM_SIZE / 0x10_0000) * 0x10_0000;
    let address = if random.below(16) == 0 { near(random, &[0, RAM, RAM + RAM_SIZE, 1 << 32]) } else { address };
    let offset = if random.below(16) == 0 { near(random, &[0, FILE_SIZE]) } else { random.below(FILE_SIZE / 2) };
    let size = if random.below(16) == 0 {
        near(random, &[0, FILE_SIZE / 2, 1 << 31])
    } else {
        4 + random.below(FILE_SIZE / 2)
    };
    let memory = if random.below(16) == 0 { near(random, &[0, size, 1 << 31]) } else { size + random.below(0x8_0000) };
    [kind, offset, address, size, memory].map(|value| value & 0xffff_ffff)
}

/// What is expected of the file: each part that is loaded, or nothing.
fn expected(segments: &[[u64; 5]]) -> Option<Vec<[u64; 4]>> {
    let loaded: Vec<_> = segments.iter().filter(|[kind, .., memory]| *kind == 1 && *memory != 0).collect();
    let inside = |[_, offset, address, size, memory]: &&&[u64; 5]| {
        size <= memory && offset + size <= FILE_SIZE && *address >= RAM && address + memory <= RAM + RAM_SIZE
    };
    let bytes: u64 = loaded.iter().map(|segment| segment[4]).sum();
    let mut places: Vec<_> = loaded.iter().map(|segment| (segment[2], segment[2] + segment[4])).collect();
    places.sort_unstable();
    let apart = places.windows(2).all(|pair| pair[0].1 <= pair[1].0);
    let [_, _, entry, ..] = segments.first()?;
    let entered = loaded.iter().any(|[_, _, address, size, _]| (*address..address + size).contains(entry));
    let good = loaded.len() <= 16 && loaded.iter().filter(inside).count() == loaded.len() && apart && entered;
    let fits = bytes < RAM_SIZE / 2;
    (good && entry % 4 == 0 && fits)
        .then(|| loaded.iter().map(|segment| [segment[1], segment[3], segment[2], segment[4]]).collect())
}

#[test]
fn a_segment_goes_where_its_header_says_or_the_file_is_refused() {
    let ram = Range::<Ipa>::new(Ipa::new(RAM), RAM_SIZE).expect("a range");
    let vm = example::vm(FILE_SIZE, Some(0x1234), None);
    ELVES.run(|seed| {
        let mut random = Random::new(seed);
        let mut loaded = 0;
        for _ in 0..ELVES.each {
            let most = if random.below(50) == 0 { 20 } else { 4 };
            let segments: Vec<_> = (0..1 + random.below(most)).map(|_| segment(&mut random)).collect();
            let head = elf_head(random.below(2) == 0, &segments);
            let file = open_kernel(&head, FILE_SIZE).expect("it is not packed");
            let plan = LoadPlan::new(&vm, ram, &file);
            let Some(expected) = expected(&segments) else {
                // What is good but large may find room still.
                assert!(
                    plan.is_err() || segments.iter().map(|segment| segment[4]).sum::<u64>() >= RAM_SIZE / 2,
                    "{segments:x?}"
                );
                continue;
            };
            let plan = plan.unwrap_or_else(|error| panic!("{segments:x?}: {error}"));
            let found =
                plan.kernel.iter().map(|part| [part.offset, part.size, part.memory.start().get(), part.memory.size()]);
            assert_eq!((found.collect::<Vec<_>>(), plan.entry.get()), (expected, segments[0][2]), "{segments:x?}");
            loaded += 1;
        }
        assert!(loaded > ELVES.each / 10, "{loaded} of {} were loaded", ELVES.each);
    });
}

/// Bytes that repeat themselves, near and far, as a kernel's do.
fn text(random: &mut Random) -> Vec<u8> {
    let bits = random.below(20);
    let size = random.below(1 << bits) as usize;
    let mut text: Vec<u8> = Vec::new();
    while text.len() < size {
        let length = 1 + random.below(600) as usize;
        match text.len() as u64 {
            0 => text.push(random.bits() as u8),
            there if random.below(3) != 0 => {
                let back = 1 + random.below(there.min(40_000)) as usize;
                for _ in 0..length {
                    text.push(text[text.len() - back]);
                }
            }
            _ => text.extend((0..length).map(|_| random.bits() as u8)),
        }
    }
    text
}

#[test]
fn what_was_packed_comes_out() {
    PACKED.run(|seed| {
        let mut random = Random::new(seed);
        for _ in 0..PACKED.each {
            let text = text(&mut random);
            let packed = pack(&text, if random.below(2) == 0 { b"" } else { b"a-name" });
            let mut source =
                |offset: u64, into: &mut [u8]| into.copy_from_slice(&packed[offset as usize..][..into.len()]);
            let mut inflater = Inflater::open((0, packed.len() as u64), &mut source).expect("a packed file");
            let mut out = Vec::new();
            while !inflater.is_done() {
                let (at, bytes) = inflater.step(&mut source).expect("nothing is wrong");
                assert_eq!(at as usize, out.len());
                out.extend_from_slice(bytes);
            }
            assert!(out == text, "{} bytes", text.len());
            let bit = random.below(packed.len() as u64 * 8) as usize;
            let mut damaged = packed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // Of the header's name, times and system nothing is checked, nor what FLG's lowest bit guesses.
            assert!(bit / 8 < 320 || !packed_kernel(&damaged), "bit {bit} of {} bytes", packed.len());
            assert!(!packed_kernel(&packed[..packed.len() - 1]) && !packed_kernel(&[&packed[..], &[0]].concat()));
        }
    });
}

#[test]
fn a_file_that_says_less_than_comes_out_is_stopped_at_once() {
    let mut bomb = pack(&vec![0; 64 << 20], b"");
    let end = bomb.len();
    bomb[end - 4..].copy_from_slice(&5000_u32.to_le_bytes());
    let mut source = |offset: u64, into: &mut [u8]| into.copy_from_slice(&bomb[offset as usize..][..into.len()]);
    let mut inflater = Inflater::open((0, end as u64), &mut source).expect("a packed file");
    let steps =
        core::iter::from_fn(|| inflater.step(&mut source).ok().map(|(_, bytes)| bytes.len())).collect::<Vec<_>>();
    assert!(steps.iter().sum::<usize>() <= 5000, "{steps:?}");
}
