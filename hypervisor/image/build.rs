//! Tells the linker where everything goes: linker/hypervisor.ld.

use std::path::Path;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let script = root.join("linker/hypervisor.ld");
    println!("cargo:rerun-if-changed={}", script.display());
    // rust-lld refuses absolute relocations of the precompiled core library in read-only sections; entry.s applies
    // them before the sections are sealed, so they are allowed.
    for argument in [
        "-pie",
        "-znotext",
        "-zmax-page-size=4096",
        "--no-dynamic-linker",
        "--fix-cortex-a53-843419",
        "-zseparate-loadable-segments",
    ] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    println!("cargo:rustc-link-arg-bins=-T{}", script.display());
}
