//! The command as a user types it.

mod common;

use bulkhead_model::config::example;
use bulkhead_model::fdt::{corpus, dts};
use common::{Folder, image, modules};
use std::process::{Command, Output};

/// Runs the command with `arguments` in `folder`.
fn run(folder: &Folder, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bulkhead"));
    command.args(arguments.split(' ')).current_dir(folder.path()).output().expect("the command")
}

/// A folder with board, image, configuration and modules.
fn desk(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("board.dtb", &dts::compile(corpus::SOURCES[0].1));
    folder.write("config.dtb", &dts::compile(example::source("two-guests")));
    folder.write("config.dts", example::source("two-guests").as_bytes());
    folder.write("hypervisor.img", &image());
    for (module, file) in modules().iter().zip(["Image", "initramfs.cpio", "freertos.bin"]) {
        folder.write(file, &module.bytes);
    }
    folder
}

#[test]
fn a_configuration_goes_from_check_to_pack_to_inspect() {
    let folder = desk("walk");
    let good = |arguments: &str| {
        let output = run(&folder, arguments);
        assert!(output.status.success(), "{arguments}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let map = good("map config.dtb --board-dtb board.dtb --svg map.svg");
    for part in ["\nmemory\n", "\ncores\n", "linux vcpu0", "\nguests\n", "\ninterrupts (GICv3)\n", "PPI 11 (INTID 27)"]
    {
        assert!(map.contains(part), "{part:?} in\n{map}");
    }
    let verdict = "\nconfig.dtb: VMs: 2, warnings: 0, no mistakes\n";
    assert_eq!(good("check config.dtb --board-dtb board.dtb"), format!("{map}{verdict}"));
    assert!(folder.path().join("map.svg").exists());
    let said = good("pack hypervisor.img config.dtb -o packed.img --early-uart pl011@0x9000000 --board-dtb board.dtb");
    assert!(said.ends_with("modules: 3\n"), "{said}");
    assert!(good("inspect packed.img").contains("early UART    pl011@0x9000000"));
    // What a pack holds is in no file beside it.
    for file in ["Image", "initramfs.cpio", "freertos.bin"] {
        std::fs::remove_file(folder.path().join(file)).expect(file);
    }
    assert!(good("check packed.img --board-dtb board.dtb").ends_with("no mistakes\n"));
    let said = good("pack hypervisor.img packed.img -o again.img --early-uart pl011@0x9000000");
    assert!(said.ends_with("; not checked: --board-dtb FILE does\n"), "{said}");
    let bytes = |file: &str| std::fs::read(folder.path().join(file)).expect(file);
    assert_eq!(bytes("again.img"), bytes("packed.img"));
}

#[test]
fn an_output_that_takes_nothing_is_an_exit_status_of_1() {
    let folder = desk("full");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bulkhead"));
    let full = std::fs::File::create("/dev/full").expect("a device that is full");
    command.args(["map", "config.dtb", "--board-dtb", "board.dtb"]).current_dir(folder.path()).stdout(full);
    let output = command.output().expect("the command");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("bulkhead: standard output: "), "{output:?}");
}

#[test]
fn a_mistake_is_an_exit_status_of_1_and_leaves_no_file() {
    let folder = desk("mistake");
    folder.write("bad.dtb", &dts::compile(&example::source("two-guests").replace("<3>", "<4>")));
    let said = |arguments: &str| {
        let output = run(&folder, arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments}");
        String::from_utf8(output.stderr).expect("text")
    };
    let mistake = "error: bad.dtb: /chosen/hypervisor/rtos: bulkhead,cores is <0x4>; expected 1 to 32 different cores below 4 that can be started, one cell each\n";
    assert_eq!(said("check bad.dtb --board-dtb board.dtb"), format!("{mistake}bad.dtb: mistakes: 1\n"));
    // What the others get is drawn all the same, and on its own stream.
    let drawn = String::from_utf8(run(&folder, "check bad.dtb --board-dtb board.dtb").stdout).expect("text");
    assert!(
        drawn.contains("linux vcpu0") && drawn.contains("  rtos             does not start (mistakes: 1)"),
        "{drawn}"
    );
    assert!(!drawn.contains("error: "), "{drawn}");
    assert_eq!(said("pack hypervisor.img bad.dtb -o out.img --board-dtb board.dtb"), mistake);
    assert!(
        said("pack hypervisor.img config.dtb -o out.img --module rtos/kernel=nothing")
            .contains("nothing: No such file")
    );
    assert!(!folder.path().join("out.img").exists());
    assert_eq!(
        said("check config.dtb"),
        "bulkhead: the configuration holds no board; give the board's device tree by --board-dtb\n"
    );
    assert_eq!(
        said("check Image --board-dtb board.dtb"),
        "bulkhead: Image: the magic 0xd00dfeed of a device tree is missing at 0x0\n"
    );
    assert_eq!(
        said("check hypervisor.img"),
        "bulkhead: hypervisor.img: an image without a pack: give a configuration, or pack it first\n"
    );
}

#[test]
fn a_source_is_compiled_by_dtc_or_its_absence_is_said() {
    let folder = desk("source");
    let output = run(&folder, "check config.dts --board-dtb board.dtb");
    match Command::new("dtc").arg("--version").output() {
        Ok(_) => assert!(output.status.success(), "{output:?}"),
        Err(_) => println!("SKIPPED: the check of a source, for there is no dtc"),
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_bulkhead"));
    let output =
        command.args(["check", "config.dts"]).current_dir(folder.path()).env("PATH", "").output().expect("the command");
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(
        said,
        "bulkhead: config.dts: a .dts needs dtc (package device-tree-compiler), which is not installed; or give a .dtb\n"
    );
}
