//! Headers of kernels, images and packs, damaged.

use bulkhead_campaign::Campaign;
use bulkhead_model::config::{check, example};
use bulkhead_model::fdt::mutate;
use bulkhead_model::random::Random;

const HEADERS: Campaign<'_> = Campaign {
    name: "a_mutant_of_a_header_is_read_or_refused",
    stage: "model",
    unit: "mutants of headers",
    each: 1000,
    sample: 20,
    long: 2000,
};

#[test]
fn a_mutant_of_a_header_is_read_or_refused() {
    let mut kernel = check::kernel_head(0, 0x10_0000).to_vec();
    kernel.extend([0; 8]);
    let elves = [true, false]
        .map(|wide| check::elf_head(wide, &[[1, 0, 0x4000_0000, 0x1000, 0x2000], [1, 0x1000, 0x4100_0000, 8, 8]]));
    let packed = check::packed_image(&example::on_board_bytes("virt-gicv3", example::source("every-property")));
    HEADERS.run(|seed| {
        let mut random = Random::new(seed);
        for _ in 0..HEADERS.each {
            check::kernel(&mutate::mutate(&kernel, &mut random), random.bits() >> random.below(64), None);
            let elf = &elves[random.below(2) as usize];
            check::kernel(&mutate::mutate(elf, &mut random), random.bits() >> random.below(64), None);
            check::image_header(&mutate::mutate(&packed[64..112], &mut random));
            check::packed(&mutate::mutate(&packed, &mut random));
        }
    });
}
