# shellcheck shell=bash
# Which Rust builds Bulkhead: rustup's, or the distribution's compiler with its sources.

bare_metal=aarch64-unknown-none-softfloat

rust_channel() { sed -n 's/^channel = "\(.*\)"/\1/p' "$root/rust-toolchain.toml"; }

rust_least() { sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml"; }

# at_least WANTED FOUND: dotted numbers.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

find_rustup() {
    command -v rustup || ls "${CARGO_HOME:-$HOME/.cargo}/bin/rustup" 2> /dev/null
}

# rustup_is_ready: the pinned compiler with its target, formatter and linter. Sets the facts.
rustup_is_ready() {
    local rustup sysroot
    rustup=$(find_rustup) || return 1
    sysroot=$("$rustup" run "$(rust_channel)" rustc --print sysroot 2> /dev/null) || return 1
    [ -d "$sysroot/lib/rustlib/$bare_metal/lib" ] || return 1
    [ -x "$sysroot/bin/cargo" ] && [ -x "$sysroot/bin/rustfmt" ] && [ -x "$sysroot/bin/cargo-clippy" ] || return 1
    BULKHEAD_RUST=rustup BULKHEAD_BUILD_STD=''
    BULKHEAD_PATH=''
    command -v cargo > /dev/null && [ "$(command -v rustup)" = "$rustup" ] || BULKHEAD_PATH=$(dirname "$rustup")
}

# install_by_rustup: asks explicitly, because rustup may have been told not to install by itself.
install_by_rustup() {
    local rustup
    rustup=$(find_rustup) || return 1
    "$rustup" toolchain install "$(rust_channel)" --profile minimal --component rustfmt --component clippy \
        --target "$bare_metal" --no-self-update && rustup_is_ready
}

# distribution_tool NAME: the system's own, never rustup's stand-in of that name.
distribution_tool() {
    local folder
    for folder in /usr/bin /usr/local/bin /bin; do
        if [ -x "$folder/$1" ] && [ "$(readlink -f "$folder/$1")" != "$(readlink -f "$(find_rustup)")" ]; then
            printf '%s\n' "$folder/$1"
            return 0
        fi
    done
    return 1
}

# distribution_linker RUSTC: an lld of the compiler's own LLVM, else any.
distribution_linker() {
    local llvm
    llvm=$("$1" -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
    distribution_tool rust-lld || distribution_tool "ld.lld-$llvm" || distribution_tool ld.lld
}

# distribution_is_ready: new enough, and with either the target's library or the sources to build it from.
distribution_is_ready() {
    local rustc version sysroot tool
    rustc=$(distribution_tool rustc) || return 1
    version=$("$rustc" --version 2> /dev/null | cut -d ' ' -f 2)
    at_least "$(rust_least)" "$version" || return 1
    distribution_linker "$rustc" > /dev/null || return 1
    sysroot=$("$rustc" --print sysroot)
    BULKHEAD_BUILD_STD=''
    if [ ! -d "$sysroot/lib/rustlib/$bare_metal/lib" ]; then
        [ -e "$sysroot/lib/rustlib/src/rust/library/core/Cargo.toml" ] || return 1
        BULKHEAD_BUILD_STD=yes
    fi
    for tool in "${distribution_tools[@]}"; do distribution_tool "$tool" > /dev/null || return 1; done
    BULKHEAD_RUST=distribution BULKHEAD_PATH=$cache/bin
}

distribution_tools=(cargo rustc rustdoc rustfmt cargo-fmt cargo-clippy clippy-driver)

# link_distribution: where the distribution's compiler is used, its programs get a folder of their own in the cache,
# because rustup's may stand first in PATH.
link_distribution() {
    local tool path
    [ "$BULKHEAD_RUST" = distribution ] || return 0
    mkdir -p "$cache/bin"
    for tool in "${distribution_tools[@]}"; do
        path=$(distribution_tool "$tool")
        ln -sfn "$path" "$cache/bin/$tool"
    done
    path=$(distribution_linker "$cache/bin/rustc")
    ln -sfn "$path" "$cache/bin/rust-lld"
}

# rust_is_ready: the way that --rust names, else rustup before the distribution.
rust_is_ready() {
    case $rust in
        rustup) rustup_is_ready ;;
        distribution) distribution_is_ready ;;
        *) rustup_is_ready || distribution_is_ready ;;
    esac
}
