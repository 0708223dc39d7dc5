//! Links every guest with `linker/guest.ld`, and renames the hypervisor's functions that the guest `bytes` tries.

use std::path::Path;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let script = root.join("linker/guest.ld");
    println!("cargo:rerun-if-changed={}", script.display());
    println!("cargo:rustc-link-arg-bins=-T{}", script.display());
    println!("cargo:rustc-link-arg-bins=-zmax-page-size=4096");
    rename_bytes(&root.join("hypervisor/el2/src/bytes.s"));
}

/// Writes the assembly `source` to the output folder with `hypervisor_` before each function's name.
fn rename_bytes(source: &Path) {
    println!("cargo:rerun-if-changed={}", source.display());
    let text = std::fs::read_to_string(source).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    let renamed = ["memcpy", "memmove", "memset", "memcmp", "bcmp"]
        .into_iter()
        .fold(text, |text, name| text.replace(name, &format!("hypervisor_{name}")));
    let folder = std::env::var_os("OUT_DIR").expect("cargo names the output folder");
    let file = Path::new(&folder).join("hypervisor_bytes.s");
    std::fs::write(&file, renamed).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}
