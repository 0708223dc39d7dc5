//! What set-up does before it may do anything.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("scripts/xtask is two folders deep")
}

/// An empty folder for the test `name`.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // What an earlier run left.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Runs `script` of `scripts/` for someone whose home is `home` and who has the programs in `path`.
fn run(script: &str, arguments: &[&str], home: &Path, path: &Path) -> Output {
    let mut command = Command::new("bash");
    command.arg(root().join("scripts").join(script)).args(arguments).env_clear();
    command.env("PATH", path).env("HOME", home).output().expect("bash")
}

/// A folder with those of the system's programs that the scripts look with, and with none that installs or builds.
fn bare_system(folder: &Path) -> PathBuf {
    let programs = folder.join("programs");
    fs::create_dir(&programs).expect("a folder");
    let needed = "bash cat cut dirname flock grep head mkdir od realpath readlink rm sed sha256sum sort tail touch tr";
    for program in needed.split(' ') {
        let path = env::var_os("PATH").expect("PATH");
        let found = env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
        symlink(found.unwrap_or_else(|| panic!("{program} is in PATH")), programs.join(program)).expect("a link");
    }
    programs
}

/// Status 2, everything that is missing by name, and not so much as a cache.
fn refused(output: &Output, why: &str, home: &Path) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for text in [
        why,
        "Missing:",
        "  qemu-system-aarch64 10 or newer (found: none)",
        "  dtc, ",
        "--kernel FILE",
        "--busybox FILE",
    ] {
        assert!(said.contains(text), "expected {text:?} in:\n{said}");
    }
    let left: Vec<_> = fs::read_dir(home).expect("home").map(|entry| entry.expect("an entry").path()).collect();
    assert!(left.is_empty(), "something was changed: {left:?}");
}

#[test]
fn where_nothing_can_be_installed_nothing_is_changed() {
    let folder = folder("foreign");
    let (home, path) = (folder.join("home"), bare_system(&folder));
    fs::create_dir(&home).expect("a folder");
    for script in ["setup", "demo", "test"] {
        refused(&run(script, &["--yes"], &home, &path), "this is neither Debian 12 nor 13", &home);
        refused(&run(script, &["--offline"], &home, &path), "--offline forbids to fetch what is missing", &home);
    }
}

#[test]
fn checkouts_with_other_lock_files_do_not_disturb_each_other() {
    let folder = folder("stamps");
    // Says whether the crates of the checkout $1 are there, and stamps that they are.
    let script =
        ". \"$2/scripts/lib/needs.sh\"; root=$1 cache=$3; crates_are_ready && echo ready; touch \"$(crates_stamp)\"";
    let is_ready = |checkout: &str| {
        let mut command = Command::new("bash");
        command.args(["-euc", script, "bash"]).args([folder.join(checkout).as_path(), root(), &folder]);
        let output = command.env("CARGO_HOME", "cargo").output().expect("bash");
        assert!(output.status.success(), "{output:?}");
        output.stdout == b"ready\n"
    };
    for checkout in ["one", "two", "same-as-one"] {
        for lock in ["", "tests/guests/freertos", "tests/fuzz"] {
            let place = folder.join(checkout).join(lock);
            fs::create_dir_all(&place).expect("a folder");
            fs::write(place.join("Cargo.lock"), format!("{lock} {}", checkout == "two")).expect("a lock file");
        }
    }
    assert_eq!(["one", "two", "one", "two", "same-as-one"].map(is_ready), [false, false, true, true, true]);
}

/// Runs set-up's part that plans and fetches for someone who lacks `missing`, after `lists`, which stands for what the
/// package lists say.
fn install(name: &str, lists: &str, missing: &str) -> Output {
    let script = r#"
        program=setup root=$1 cache=$2 facts=$2/toolchain release=bookworm yes=yes refresh=no backports=yes peers=yes rust= kernel=cloud missing=($3)
        for part in say rust debian guest-linux board-trees backports-kernel peers needs; do . "$root/scripts/lib/$part.sh"; done
        BULKHEAD_LINUX=$(linux_folder)
        dpkg() { echo amd64; }
        refresh_apt() { :; }
        eval "$4"
        install_missing
        echo "still missing: ${missing[*]}""#;
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", script, "bash"]).args([root(), &folder(name)]).args([missing, lists]);
    command.output().expect("bash")
}

#[test]
fn a_kernel_that_backports_do_not_have_is_left_out_and_said() {
    let same = r#"package_field() { echo "linux-image-9-cloud-arm64 (= 9)"; }"#;
    for (name, lists) in [("no-kernel", "package_field() { :; }"), ("same-kernel", same)] {
        let output = install(name, lists, "backports-kernel");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "still missing: \n", "{said}");
        let lists = "setup: Debian's package lists for arm64 name no other kernel in bookworm-backports. Without ";
        assert!(said.starts_with(lists) && said.ends_with(" the tests of that kernel are SKIPPED.\n"), "{said}");
    }
}

/// Since Linux 7 the Image is in a package of its own.
#[test]
fn a_kernels_image_is_looked_for_where_its_version_has_it() {
    let lists = r#"
        package_field() {
            case $2,${preferred_suite-} in
                linux-image-cloud-arm64,bookworm-backports) echo "linux-image-9-cloud-arm64 (= 9)" ;;
                linux-image-cloud-arm64,) echo "linux-image-6-cloud-arm64 (= 6)" ;;
                linux-image-9-*) echo "linux-base-9 (= 9), linux-binary-9-cloud-arm64 (= 9)" ;;
                linux-image-6-*) echo "kmod, linux-base (>= 4.3~)" ;;
            esac
        }
        newest_kernel; newest_backports_kernel; missing=()"#;
    let output = install("image", lists, "kernel");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(said.starts_with("linux-image-6-cloud-arm64\nlinux-binary-9-cloud-arm64\n"), "{said}");
}

#[test]
fn other_hypervisors_without_a_package_are_left_out_and_said() {
    let output = install("empty-lists", "package_field() { :; }", "xen host-kernel");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "still missing: \n", "{said}");
    let lists = "setup: Debian's package lists for arm64 do not name it. Without Debian's";
    let expected = [
        format!("{lists} package of Xen for arm64 the numbers of Xen are SKIPPED."),
        format!("{lists} linux-image-cloud-arm64 the numbers of KVM are SKIPPED."),
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_machine_without_anything_is_told_all_that_it_gets_and_asked() {
    let lists = r#"
        find_rustup() { return 1; }
        package_field() { case $3 in Version) echo "1:99.1-1" ;; Depends) echo "linux-image-9${preferred_suite:+.1}-cloud-arm64 (= 9)" ;; *) echo 7000000 ;; esac; }
        plan_packages() { plan_count=12 plan_bytes=34000000; }
        may_become_root() { :; }
        agree() { echo "$1"; return 1; }"#;
    let missing =
        "qemu network-rom dtc cross-compiler compiler rust crates kernel busybox board-trees backports-kernel";
    let output = install("everything", lists, missing);
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{said}{complained}");
    for text in [
        "qemu-system-arm ipxe-qemu device-tree-compiler gcc-aarch64-linux-gnu gcc libc6-dev",
        "12, to download: 34 MB",
        "Cargo.lock",
        "Linux guest",
        "linux-image-9.1-cloud-arm64 for arm64, 7 MB",
        "Go ahead?",
    ] {
        assert!(said.contains(text), "expected {text:?} in:\n{said}{complained}");
    }
    assert_eq!(complained, "setup: nothing was changed\n");
}
