# shellcheck shell=bash
# What is needed, what of it is missing, and how it is got.

qemu_version() {
    local version
    version=$("$1" --version 2> /dev/null | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p')
    printf '%s\n' "${version:-0}"
}

qemu_is_new_enough() { at_least 10 "$(qemu_version "$1")"; }

# qemu_is_ready: the one that the caller names, now or earlier, or the one in PATH. Sets its fact.
qemu_is_ready() {
    local candidate
    for candidate in "$qemu" "$(fact BULKHEAD_QEMU)" "$(command -v qemu-system-aarch64)"; do
        if [ -n "$candidate" ] && [ -x "$candidate" ] && qemu_is_new_enough "$candidate"; then
            BULKHEAD_QEMU=$candidate
            return 0
        fi
    done
    return 1
}

# Without -nic none, QEMU's virt board does not start without the boot ROM of its network card.
network_rom_is_ready() {
    local folder
    while read -r folder; do
        [ ! -e "$folder/efi-virtio.rom" ] || return 0
    done < <("${BULKHEAD_QEMU:-qemu-system-aarch64}" -L help 2> /dev/null)
    return 1
}

crates_are_ready() { [ -e "$(crates_stamp)" ]; }

# crates_stamp: the file that says that the crates of these lock files are where cargo keeps them. Its name tells which:
# checkouts whose lock files differ share the cache, and what one fetches is no business of another.
crates_stamp() {
    local locks=("$root"/{,tests/guests/freertos/,tests/fuzz/}Cargo.lock) hash
    hash=$({ printf '%s\n' "${CARGO_HOME:-$HOME/.cargo}" "${BULKHEAD_BUILD_STD-}" && cat "${locks[@]}"; } | sha256sum)
    printf '%s/crates-%s\n' "$cache" "${hash:0:16}"
}

# fetch_crates: also those that FreeRTOS's sources are taken from, those of the fuzz targets, and, where core is built from source, core's own
fetch_crates() {
    cargo fetch --target "$bare_metal" --target "$(rustc -vV | sed -n 's/^host: //p')" &&
        cargo fetch --manifest-path "$root/tests/guests/freertos/Cargo.toml" &&
        cargo fetch --manifest-path "$root/tests/fuzz/Cargo.toml" &&
        { [ -z "$BULKHEAD_BUILD_STD" ] || RUSTC_BOOTSTRAP=1 cargo fetch -Zbuild-std=core,alloc --target "$bare_metal"; } &&
        touch "$(crates_stamp)"
}

has() { command -v "$1" > /dev/null; }

# find_missing: sets missing, and the facts of what is there.
find_missing() {
    missing=()
    qemu_is_ready || missing+=(qemu)
    network_rom_is_ready || missing+=(network-rom)
    has dtc || missing+=(dtc)
    has aarch64-linux-gnu-gcc || missing+=(cross-compiler)
    has cc || missing+=(compiler)
    rust_is_ready || missing+=(rust)
    crates_are_ready || missing+=(crates)
    [ -f "$kernel" ] || kernel_is_ready || missing+=(kernel)
    [ -n "$busybox" ] || busybox_is_ready || missing+=(busybox)
    [ "$boards" = no ] || trees_are_ready || missing+=(board-trees)
    [ "$backports" = no ] || backports_kernel_is_ready || missing+=(backports-kernel)
    [ "$peers" = no ] || find_missing_peers
}

is_missing() {
    local item
    for item in "${missing[@]}"; do [ "$item" != "$1" ] || return 0; done
    return 1
}

# forget_missing ITEM: it is done without.
forget_missing() {
    local item others=()
    for item in "${missing[@]}"; do [ "$item" = "$1" ] || others+=("$item"); done
    missing=("${others[@]}")
}

found_qemu() { if has qemu-system-aarch64; then qemu_version qemu-system-aarch64; else echo none; fi; }

# describe ITEM: for whoever has to provide it by hand
describe() {
    case $1 in
        qemu) echo "qemu-system-aarch64 10 or newer (found: $(found_qemu)); --qemu FILE names one" ;;
        network-rom) echo "QEMU's efi-virtio.rom (Debian: ipxe-qemu)" ;;
        dtc) echo "dtc, the device tree compiler" ;;
        cross-compiler) echo "aarch64-linux-gnu-gcc, for FreeRTOS" ;;
        compiler) echo "cc, which Rust links host programs with" ;;
        rust) echo "Rust $(rust_channel) with the target $bare_metal, rustfmt and clippy" ;;
        crates) echo "the crates of Cargo.lock (cargo fetch)" ;;
        kernel) echo "an arm64 Linux kernel; --kernel FILE names an Image" ;;
        busybox) echo "a static BusyBox for arm64; --busybox FILE names one" ;;
        board-trees) echo "device trees of boards in $trees: ${board_trees[*]%%=*}" ;;
        backports-kernel) echo "Debian's linux-image-cloud-arm64 of backports in $backports_folder" ;;
        xen) echo "Debian's package of Xen for arm64" ;;
        host-kernel) echo "Debian's linux-image-cloud-arm64" ;;
        monitor-target) echo "Rust's library for $monitor_target" ;;
    esac
}

# refuse REASON: names everything that is missing; nothing was changed. The crates come by themselves, with a network.
refuse() {
    local item
    complain "$program: $1 Missing:"
    for item in "${missing[@]}"; do
        [ "$item" = crates ] && [ "$offline" = no ] || complain "  $(describe "$item")"
    done
    exit 2
}

# only_crates: cargo itself fetches them, on any system
only_crates() { [ "${missing[*]}" = crates ]; }

# go_without_extras REASON: what only some tests and measurements want
go_without_extras() {
    go_without_trees "$1"
    go_without_backports_kernel "$1"
    go_without_peers "$1" "${peer_items[@]}"
    peers=no
}

# refuse_what_nobody_provides: what is missing where set-up may not, or cannot, get it.
refuse_what_nobody_provides() {
    local offline_reason="--offline forbids to fetch what is missing." foreign="this is neither Debian 12 nor 13, so nothing is installed."
    if [ ${#missing[@]} -eq 0 ]; then return 0; fi
    [ "$offline" = no ] || go_without_extras "$offline_reason"
    release=$(debian_release) || go_without_extras "$foreign"
    if [ ${#missing[@]} -eq 0 ]; then return 0; fi
    [ "$offline" = no ] || refuse "$offline_reason"
    [ -n "$release" ] || only_crates || refuse "$foreign"
}

install_missing() {
    machine=$(dpkg --print-architecture)
    plan
    if [ ${#missing[@]} -eq 0 ]; then return 0; fi
    agree "Go ahead?" || give_up 2 "nothing was changed"
    carry_out
}

# plan: what to install, said with its size
plan() {
    packages=() archives='' plan_count=0 plan_bytes=0 rustup_fallback=()
    refresh_apt "$machine"
    ! is_missing qemu || plan_qemu
    ! is_missing network-rom || packages+=(ipxe-qemu)
    ! is_missing dtc || packages+=(device-tree-compiler)
    ! is_missing cross-compiler || packages+=("$([ "$machine" = arm64 ] && echo gcc || echo gcc-aarch64-linux-gnu)")
    ! is_missing compiler || packages+=(gcc libc6-dev)
    [ -e /etc/ssl/certs/ca-certificates.crt ] || packages+=(ca-certificates)
    ! is_missing rust || plan_rust
    if is_missing kernel || is_missing busybox || is_missing board-trees || is_missing backports-kernel ||
        is_missing xen || is_missing host-kernel; then
        refresh_apt arm64
    fi
    plan_backports_kernel
    plan_peers
    if [ ${#missing[@]} -eq 0 ]; then return 0; fi
    say "Bulkhead needs what this machine lacks:"
    if [ ${#packages[@]} -gt 0 ]; then
        plan_packages "${packages[@]}" || give_up 2 "apt cannot provide ${packages[*]}; nothing was changed"
        say "  to install     ${packages[*]}"
        say "                 packages with what they depend on: $plan_count, to download: $(megabytes "$plan_bytes")"
        may_become_root || give_up 2 "that needs root, and there is no sudo to ask; nothing was changed"
    fi
    [ -z "$archives" ] || say "  apt source     $backports_file ($release-backports)"
    ! is_missing rust || say_rust
    ! is_missing crates || say "  crates         of Cargo.lock, about 20 MB"
    say_guest
    ! is_missing board-trees || say_trees
    ! is_missing backports-kernel || say_backports_kernel
    say_peers
}

packaged_qemu() { at_least 10 "$(upstream_version "$(package_field "$machine" qemu-system-arm Version)")"; }

plan_qemu() {
    if ! packaged_qemu; then
        prefer_backports 'qemu-system-*'
        packaged_qemu || refuse "the machine's apt sources and their backports have no QEMU 10."
        backports_are_configured || archives=yes
    fi
    packages+=(qemu-system-arm)
}

# plan_rust: rustup where it is there, with the distribution's packages should its network fail; else those
# packages; else the distribution's rustup.
plan_rust() {
    local distribution=()
    read -r -a distribution <<< "$(distribution_packages)"
    if [ "$rust" != distribution ] && find_rustup > /dev/null; then
        rustup_fallback=("${distribution[@]}")
    elif [ "$rust" != rustup ] && [ ${#distribution[@]} -gt 0 ]; then
        packages+=("${distribution[@]}")
    elif [ "$rust" != distribution ] && [ -n "$(package_field "$machine" rustup Version)" ]; then
        packages+=(rustup)
        is_missing compiler || packages+=(gcc libc6-dev)
    else
        refuse "no rustup, and no package of Rust $(rust_least) or newer in the archives of the machine's apt sources \
(Debian 12 has one in its security archive, Debian 13 has rustup)."
    fi
}

# distribution_packages: of the first compiler that is new enough, with the lld of its own LLVM
distribution_packages() {
    local web version llvm
    for web in -web ''; do
        version=$(upstream_version "$(package_field "$machine" "rustc$web" Version)")
        if at_least "$(rust_least)" "${version:-0}"; then
            llvm=$(package_field "$machine" "libstd-rust$web-${version%.*}" Depends | grep -o 'libllvm[0-9]*')
            echo "rustc$web cargo$web rust$web-src rust$web-clippy rustfmt$web lld-${llvm#libllvm}"
            return 0
        fi
    done
}

say_rust() {
    if rustup_is_planned; then
        say "  Rust           $(rust_channel) by rustup, about 160 MB"
        [ ${#rustup_fallback[@]} -eq 0 ] || say "                 or, if rustup fails, ${rustup_fallback[*]}, about 180 MB"
    fi
}

rustup_is_planned() {
    [ "$rust" != distribution ] && { find_rustup > /dev/null || [[ " ${packages[*]} " = *" rustup "* ]]; }
}

say_guest() {
    local wanted=()
    ! is_missing kernel || wanted+=("$(newest_kernel)")
    ! is_missing busybox || wanted+=(busybox-static)
    [ ${#wanted[@]} -eq 0 ] || say "  Linux guest    ${wanted[*]} for arm64, $(megabytes "$(download_size "${wanted[@]}")"), into $cache"
}

carry_out() {
    if [ ${#packages[@]} -gt 0 ]; then
        step "installing ${packages[*]}"
        install_packages "${packages[@]}"
        [ -z "$archives" ] || keep_backports
        hash -r
    fi
    ! is_missing rust || carry_out_rust
    ! is_missing kernel || fetch_kernel
    ! is_missing busybox || fetch_busybox
    ! is_missing board-trees || fetch_trees
    ! is_missing backports-kernel || fetch_backports_kernel
    carry_out_peers
    refresh=no peers=no
    find_missing
    [ ${#missing[@]} -eq 0 ] || only_crates || give_up 1 "still missing after installing: ${missing[*]//crates/}"
}

carry_out_rust() {
    if rustup_is_planned; then
        step "installing Rust $(rust_channel) by rustup"
        install_by_rustup && return 0
        [ ${#rustup_fallback[@]} -gt 0 ] || give_up 1 "rustup could not install Rust $(rust_channel)"
        step "installing the distribution's Rust instead"
        install_packages "${rustup_fallback[@]}"
        rust=distribution
    fi
    rust_is_ready || give_up 1 "the installed Rust is not usable"
}

# finish: what cargo does, now that there is one
finish() {
    use_facts
    cd "$root" || exit
    if ! crates_are_ready; then
        step "fetching the crates of Cargo.lock"
        fetch_crates || give_up 1 "cargo could not fetch the crates"
    fi
    initramfs_is_ready || make_initramfs
    ln -sfn "${BULKHEAD_LINUX##*/}" "$cache/linux"
}
