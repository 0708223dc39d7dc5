//! What `check` says, and what `map` draws.

mod common;

use bulkhead_model::config::example;
use bulkhead_model::fdt::{corpus, dts};
use bulkhead_model::gzip;
use bulkhead_tool::check::{Report, Setup, check};
use bulkhead_tool::pack::pack;
use bulkhead_tool::source::Source;
use bulkhead_tool::{map, svg};
use common::{Folder, image, kernel, modules};

/// Files as a user has them: a board's tree, a configuration and the files that it names.
struct Desk {
    folder: Folder,
}

impl Desk {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        let modules = modules();
        for (module, file) in modules.iter().zip(["Image", "initramfs.cpio", "freertos.bin"]) {
            folder.write(file, &module.bytes);
        }
        Self { folder }
    }

    fn tree(&self, name: &str, source: &str) -> Source {
        Source::read(&self.folder.write(name, &dts::compile(source))).expect("a tree")
    }

    /// The report on `config` on the board with four cores and a GICv3.
    fn check(&self, config: &str, setup: &Setup) -> Report {
        let config = self.tree("config.dtb", config);
        check(&config, &self.tree("board.dtb", corpus::SOURCES[0].1), setup).expect("a report")
    }

    /// The mistakes in `config`, without the folder's name.
    fn mistakes(&self, config: &str) -> Vec<String> {
        let folder = format!("{}/", self.folder.path().display());
        let report = self.check(config, &Setup::default());
        report.mistakes.iter().map(|mistake| mistake.replace(&folder, "")).collect()
    }
}

fn example() -> &'static str {
    example::source("two-guests")
}

#[test]
fn a_good_configuration_has_no_mistakes_and_a_map() {
    let desk = Desk::new("good");
    let report = desk.check(example(), &Setup::default());
    assert_eq!((report.mistakes, report.warnings), (vec![], vec![]));
    let outcome = report.outcome.expect("an outcome");
    let text = map::draw(&outcome);
    for line in [
        "  0x000040200000 ├      2 MiB  the hypervisor",
        "  0x000040401000 ├      5 KiB  module /chosen/hypervisor/linux/kernel (kept for restarts)",
        "   0  mpidr 0x0  idle, housekeeping",
        "   2  mpidr 0x2  linux vcpu1",
        "   3  mpidr 0x3  rtos vcpu0",
        "  linux            vCPUs: 2, RAM: 256 MiB at 0x40000000, GICv3",
        "  rtos             SPI 1 (INTID 33)   PL011",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let drawing = svg::draw(&outcome);
    assert_eq!(drawing.matches("<rect").count(), 1 + 7 + 4 + 6, "{drawing}");
    assert!(drawing.starts_with("<svg ") && drawing.ends_with("</svg>\n") && drawing.contains(">rtos vcpu0<"));
}

#[test]
fn a_packed_image_is_checked_where_it_will_lie() {
    let desk = Desk::new("packed");
    let packed = pack(&image(), &dts::compile(example()), &modules()).expect("a pack");
    let config = Source::read(&desk.folder.write("packed.img", &packed)).expect("a pack");
    let board = desk.tree("board.dtb", corpus::SOURCES[0].1);
    let report =
        check(&config, &board, &Setup { image_base: Some(0x6000_0000), ..Setup::default() }).expect("a report");
    assert_eq!(report.mistakes, [""; 0]);
    let plan = report.outcome.expect("an outcome").plan;
    assert_eq!(plan.vms[0].vm.kernel.range.start().get(), 0x6004_1000);
    let nowhere = check(&config, &board, &Setup { image_base: Some(0x8000_0000), ..Setup::default() });
    assert_eq!(
        nowhere.err().expect("no room").0,
        "the hypervisor does not fit into RAM at 0x80000000; give --image-base"
    );
    let askew = check(&config, &board, &Setup { image_base: Some(0x4010_0000), ..Setup::default() });
    assert_eq!(askew.err().expect("no base").0, "--image-base is 0x40100000; expected a multiple of 2 MiB");
    let given = Setup { given: vec!["linux/kernel=Image".parse().expect("NAME=FILE")], ..Setup::default() };
    let said = check(&config, &board, &given).err().expect("no --module").0;
    assert!(said.ends_with("packed.img is packed and holds its modules"), "{said}");
}

#[test]
fn a_packed_image_without_its_end_is_a_mistake() {
    let desk = Desk::new("cut");
    let mut packed = pack(&image(), &dts::compile(example()), &modules()).expect("a pack");
    packed.truncate(packed.len() - 4096);
    let config = Source::read(&desk.folder.write("packed.img", &packed)).expect("a tree");
    let report = check(&config, &desk.tree("board.dtb", corpus::SOURCES[0].1), &Setup::default()).expect("a report");
    assert!(
        matches!(report.mistakes.as_slice(), [only] if only.contains("/chosen/hypervisor/rtos/kernel: reg is 0x1000 bytes at ")),
        "{:?}",
        report.mistakes
    );
}

#[test]
fn every_mistake_is_said_with_its_file() {
    let desk = Desk::new("mistakes");
    let config = example()
        .replace("\"freertos.bin\"", "\"missing.bin\"")
        .replace("cpus = <2>", "cpus = <7>")
        .replace("\"initramfs.cpio\"", "\"Image\"")
        .replace("<0 0x4000>", "<0 2>")
        .replace("\"Image\";\n\t\t\t\t\tbootargs", "\"initramfs.cpio\";\n\t\t\t\t\tbootargs");
    assert_eq!(
        desk.mistakes(&config),
        [
            "config.dtb: /chosen/hypervisor/rtos/kernel: bulkhead,file is missing.bin: No such file or directory (os error 2); expected a file that can be read",
            "config.dtb: /chosen/hypervisor/linux: cpus is <0x7>; expected 1 to 4 in one cell: each vCPU has a core of its own, and the board has 4",
            "config.dtb: /chosen/hypervisor/rtos: memory is <0x0 0x2>; expected KiB in two cells, a multiple of 4 and not 0",
        ]
    );
    let format = example().replace("\"Image\"", "\"initramfs.cpio\"");
    assert_eq!(
        desk.mistakes(&format),
        [
            "config.dtb: /chosen/hypervisor/linux/kernel: bulkhead,file is initramfs.cpio, which starts with [02 02 02 02 02 02 02 02] (an unknown format); expected an arm64 Image or an ELF file"
        ]
    );
    let small = example().replace("<0 0x4000>", "<0 0x800>");
    assert_eq!(
        desk.mistakes(&small),
        [
            "config.dtb: /chosen/hypervisor/rtos: memory is 2048 KiB; expected at least 3148 KiB for its kernel, RAM disk and device tree"
        ]
    );
}

#[test]
fn a_packed_kernel_that_is_damaged_is_found_to_its_last_byte() {
    let desk = Desk::new("damaged-gzip");
    let mut packed = gzip::pack(&kernel(100_000, 7), b"");
    desk.folder.write("freertos.bin", &packed);
    assert_eq!(desk.mistakes(example()), [""; 0]);
    let end = packed.len();
    packed[end - 8] ^= 1;
    desk.folder.write("freertos.bin", &packed);
    let mistakes = desk.mistakes(example());
    assert!(
        matches!(mistakes.as_slice(), [only] if only.contains("rtos/kernel: bulkhead,file is freertos.bin, which starts with [1f 8b 08 ")
            && only.contains("] (a gzip file whose checksum is wrong); expected ")),
        "{mistakes:?}"
    );
}

#[test]
fn a_board_that_is_of_no_use_is_a_mistake_in_its_file() {
    let desk = Desk::new("board");
    let config = desk.tree("config.dtb", example());
    let board = desk.tree("board.dtb", &corpus::SOURCES[0].1.replace("device_type = \"memory\";", ""));
    let report = check(&config, &board, &Setup::default()).expect("a report");
    assert!(report.outcome.is_none());
    assert!(
        matches!(report.mistakes.as_slice(), [only] if only.contains("board.dtb: /memory is absent")),
        "{:?}",
        report.mistakes
    );
}

#[test]
fn a_file_on_the_command_line_takes_the_place_of_the_named_one() {
    let desk = Desk::new("given");
    let given = |name: &str, file: &str| {
        format!("{name}={}", desk.folder.path().join(file).display()).parse().expect("NAME=FILE")
    };
    let config = example().replace("\"freertos.bin\"", "\"missing.bin\"");
    let setup = Setup { given: vec![given("rtos/kernel", "freertos.bin")], ..Setup::default() };
    assert_eq!(desk.check(&config, &setup).mistakes, [""; 0]);
    let setup = Setup { given: vec![given("rtos/kernel", "initramfs.cpio")], ..Setup::default() };
    let mistakes = desk.check(&config, &setup).mistakes;
    assert!(
        matches!(mistakes.as_slice(), [only] if only.contains("rtos/kernel: bulkhead,file is /")
            && only.contains("/initramfs.cpio, which starts with [02 ")),
        "{mistakes:?}"
    );
    let setup = Setup { given: vec![given("kernel", "freertos.bin")], ..Setup::default() };
    let config = desk.tree("config.dtb", &config);
    let refused = check(&config, &config, &setup).err().expect("an ambiguous name").0;
    assert!(
        refused.starts_with("--module kernel: means 2 modules; expected one of /chosen/hypervisor/linux/kernel, "),
        "{refused}"
    );
}
