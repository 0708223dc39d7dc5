//! Tells the linker where everything goes: linker/hypervisor.ld.

use std::path::Path;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let script = root.join("linker/hypervisor.ld");
    println!("cargo:rerun-if-changed={}", script.display());
    // Without optimisation rust-lld refuses absolute relocations of the precompiled core library in read-only
    // sections; entry.s applies them before the sections are sealed, so they are allowed. It knows packed ones only.
    for argument in [
        "-pie",
        "-znotext",
        "-zmax-page-size=4096",
        "--no-dynamic-linker",
        "--pack-dyn-relocs=relr",
        "--icf=all",
        "--fix-cortex-a53-843419",
        "-zseparate-loadable-segments",
    ] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    // How far its code model lets code and data be apart. Without optimisation the tiny one's 1 MiB does not suffice:
    // `cargo xtask build --debug` asks for the small one.
    let reach: u64 = if std::env::var("PROFILE").as_deref() == Ok("release") { 1 << 20 } else { 1 << 32 };
    println!("cargo:rustc-link-arg-bins=--defsym=code_model_reach={reach:#x}");
    println!("cargo:rustc-link-arg-bins=-T{}", script.display());
}
