//! The demo's checks in QEMU: all are good on both interrupt controllers, and each fails when it is sabotaged.
//!
//! Without QEMU or images these are skipped, loudly; `BULKHEAD_REQUIRE_QEMU=1` makes that a failure.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One board at a time: each keeps a core of the host busy.
static BOARD: Mutex<()> = Mutex::new(());
/// Between two looks at a process.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a process may take to end: only to give up.
const PATIENCE: Duration = Duration::from_secs(20);
/// Exit status of the demo when something that it needs is missing.
const MISSING: i32 = 2;

/// Every check's name, as `--list` says.
fn names() -> Vec<String> {
    let output = demo(&["--list"]);
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| Some(line.split(' ').next()?.into())).collect()
}

fn demo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bulkhead")).arg("demo").args(arguments).output().expect("the command")
}

/// A folder for the logs of the test `name`. It stays if the test fails.
fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("bulkhead-demo-{name}-{}", std::process::id()))
}

fn board() -> MutexGuard<'static, ()> {
    BOARD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says so, past the test harness, which shows nothing of a test that holds.
fn skipped(name: &str, why: &str) {
    writeln!(std::io::stderr(), "SKIPPED: {name}, because {}", why.trim()).expect("standard error");
}

/// Runs the checks with `arguments`; `None` if something that they need is missing.
fn check(name: &str, arguments: &[&str]) -> Option<(Output, PathBuf)> {
    let _alone = board();
    let folder = folder(name);
    let output = demo(&[&["--check", "--output", folder.to_str().expect("a path")], arguments].concat());
    if output.status.code() != Some(MISSING) {
        return Some((output, folder));
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let required = std::env::var_os("BULKHEAD_REQUIRE_QEMU").is_some_and(|value| value == "1");
    assert!(!required, "{said}");
    skipped(name, &said);
    None
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stdout).lines().map(String::from).collect()
}

fn every_check_is_ok(gic: &str) {
    let Some((output, folder)) = check(&format!("gicv{gic}"), &["--gic", gic]) else { return };
    let expected: Vec<String> = names().iter().map(|name| format!("check {name}: ok")).collect();
    assert_eq!(lines(&output), expected, "logs in {}", folder.display());
    assert_eq!(output.status.code(), Some(0));
    for file in ["linux.log", "freertos.log", "monitor.log", "hypervisor.log", "uart.log", "command"] {
        let bytes = std::fs::read(folder.join(file)).expect(file);
        assert!(!bytes.is_empty(), "{file}");
    }
    let sums = Command::new("sha256sum").args(["--check", "--quiet", "sha256sums"]).current_dir(&folder).status();
    assert!(sums.is_ok_and(|status| status.success()), "sha256sums are those of the files");
    std::fs::remove_dir_all(folder).expect("the folder goes");
}

#[test]
fn every_check_is_ok_on_gicv2() {
    every_check_is_ok("2");
}

#[test]
fn every_check_is_ok_on_gicv3() {
    every_check_is_ok("3");
}

/// The sabotaged check must fail by what was seen, and say so with status 1.
fn fails_when_broken(name: &str, seen: &str) {
    let Some((output, folder)) = check(&format!("break-{name}"), &["--only", name, "--break", name]) else { return };
    let said = lines(&output).join("\n");
    assert!(said.starts_with(&format!("check {name}: expected ")), "{said}, logs in {}", folder.display());
    assert!(said.contains(seen), "{said}, logs in {}", folder.display());
    assert_eq!(output.status.code(), Some(1), "{said}");
    std::fs::remove_dir_all(folder).expect("the folder goes");
}

macro_rules! broken {
    ($($test:ident: $name:literal, $seen:literal;)*) => {
        $(#[test]
        fn $test() {
            fails_when_broken($name, $seen);
        })*

        #[test]
        fn every_check_has_its_sabotage() {
            assert_eq!(names(), [$($name),*]);
        }
    };
}

broken! {
    one_core_is_not_two: "linux-shell", "expected nproc 2, seen 1";
    a_disturbed_nonce_is_noticed: "rtos-shell", "expected a line ";
    an_echo_on_a_second_console_is_noticed: "focus", "it on freertos too";
    missed_periods_are_noticed: "periods", "periods missed, seen 3";
    memory_that_linux_can_reach_is_noticed: "isolation", "expected SIGBUS";
    a_linux_that_stays_off_is_noticed: "survive", "seen linux: off";
    a_noise_of_idle_linux_is_noticed: "quiet", "expected exits - timer expiries - SGIs = 0";
    a_sequence_that_starts_again_is_noticed: "movable", "expected a sequence without a gap";
}

#[test]
fn what_is_missing_is_said_and_nothing_is_run() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bulkhead"));
    command.args(["demo", "--check"]).env("BULKHEAD_QEMU", "/nowhere/qemu").env("BULKHEAD_LINUX", "/nowhere");
    let output = command.env("CARGO_TARGET_DIR", "/nowhere").output().expect("the command");
    assert_eq!(output.status.code(), Some(MISSING));
    let said = String::from_utf8(output.stderr).expect("text");
    let expected = "BULKHEAD_QEMU is /nowhere/qemu; expected a file that is QEMU
/nowhere/bulkhead.img is missing: run `cargo xtask build`
/nowhere/Image is missing: run `scripts/setup`
/nowhere/initramfs.cpio is missing: run `scripts/setup`
/nowhere/guests/freertos-gicv3.img is missing: run `cargo xtask build`
";
    assert_eq!(said, expected);
}

#[test]
fn a_qemu_that_ends_is_said_at_once() {
    let folder = folder("no-qemu");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bulkhead"));
    command.args(["demo", "--check", "--only", "focus", "--output"]).arg(&folder).env("BULKHEAD_QEMU", "/bin/false");
    let output = command.output().expect("the command");
    if output.status.code() == Some(MISSING) {
        return skipped("the end of QEMU", &String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(output.status.code(), Some(1));
    let expected = "check focus: expected a run that gets so far, seen the boot stopped: expected \"> \" on monitor, seen QEMU \
                    ended and monitor had printed \"\"";
    assert_eq!(lines(&output), [expected]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("QEMU ended by itself"));
    std::fs::remove_dir_all(folder).expect("the folder goes");
}

/// The captions in order, the acts' effects, and a picture of it.
#[test]
fn a_tour_plays_every_act_and_gives_a_picture() {
    let _alone = board();
    let folder = folder("tour");
    let output = demo(&["--tour", "--output", folder.to_str().expect("a path")]);
    if output.status.code() == Some(MISSING) {
        return skipped("the tour", &String::from_utf8_lossy(&output.stderr));
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let marks = [
        "hypervisor| Bulkhead ",
        "demo      | 1  Linux crashes",
        "Kernel panic - not syncing: sysrq triggered crash",
        "demo      | 2  Linux reads",
        "linux     | Bus error",
        "demo      | 3  Linux floods",
        "linux     | Linux floods its console",
        "demo      | That was Bulkhead",
        "and missed 0.",
    ];
    let mut from = 0;
    for mark in marks {
        let found = said[from..].find(mark);
        from += found.unwrap_or_else(|| panic!("{mark:?} is not there, or too early, in\n{said}"));
    }
    let picture = demo(&["--picture", folder.join("tour.log").to_str().expect("a path")]);
    let svg = String::from_utf8(picture.stdout).expect("text");
    assert!(svg.starts_with("<svg") && svg.contains("Bus error") && svg.ends_with("</svg>\n"), "{svg}");
    std::fs::remove_dir_all(folder).expect("the folder goes");
}

#[test]
fn a_check_that_is_not_there_is_refused_by_name() {
    let output = demo(&["--check", "--break", "nothing"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no check \"nothing\"; there are: linux-shell, rtos-shell, focus"), "{said}");
}

#[test]
fn a_picture_needs_a_log() {
    let output = demo(&["--picture", "/dev/null"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("expected the tour.log that --tour leaves"));
}

/// Stands in for QEMU: says who it is, and runs for ever.
const NO_BOARD: &str = "#!/bin/sh\necho $$ > \"$PWD/board\"\nexec sleep 600\n";

/// Killed, the demo can clear nothing up; its board must end all the same.
#[test]
fn a_board_ends_with_a_demo_that_is_killed() {
    let folder = folder("killed");
    let (qemu, told) = (folder.join("qemu"), folder.join("board"));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(&qemu, NO_BOARD).expect("a script");
    std::fs::set_permissions(&qemu, std::fs::Permissions::from_mode(0o755)).expect("that can be run");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_bulkhead"));
    demo.args(["demo", "--check", "--output"]).arg(folder.join("logs")).current_dir(&folder);
    let mut demo = demo.env("BULKHEAD_QEMU", &qemu).stdout(Stdio::null()).spawn().expect("the command");
    let board = loop {
        match std::fs::read_to_string(&told).ok().and_then(|text| text.trim().parse::<u32>().ok()) {
            Some(board) => break board,
            None if demo.try_wait().expect("our child").is_some() => {
                assert!(std::env::var_os("BULKHEAD_REQUIRE_QEMU").is_none_or(|value| value != "1"), "it ended");
                skipped("killed", "the demo's images or QEMU are missing");
                return;
            }
            None => std::thread::sleep(PAUSE),
        }
    };
    demo.kill().and_then(|()| demo.wait()).expect("our child");
    let began = Instant::now();
    while runs(board) {
        if began.elapsed() >= PATIENCE {
            // It is ended here, however that goes.
            let _ = Command::new("kill").arg(board.to_string()).status();
            panic!("process {board} outlived the demo");
        }
        std::thread::sleep(PAUSE);
    }
    std::fs::remove_dir_all(folder).expect("the folder goes");
}

/// Whether the process is there, and no zombie.
fn runs(process: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    state.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}
