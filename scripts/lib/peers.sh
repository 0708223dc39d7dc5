# shellcheck shell=bash
# Other hypervisors, which `cargo xtask bench --peers` measures beside this one: Debian's Xen, and KVM in Debian's kernel.
#
# Nobody else asks for them. One that cannot be had is left out, and said so.

peer_files=$cache/peers
# The host of KVM: the kernel that a Linux guest is by default.
host_folder=$cache/linux-cloud
peer_items=(xen host-kernel monitor-target)
monitor_target=aarch64-unknown-linux-musl

xen_is_ready() { is_cached "$peer_files/xen/Image" ''; }

host_kernel_is_ready() { is_cached "$host_folder/Image" ''; }

# monitor_target_is_ready: the pinned compiler can build a program of arm64 Linux.
monitor_target_is_ready() {
    local sysroot
    sysroot=$(cd "$root" && "${BULKHEAD_PATH:+$BULKHEAD_PATH/}rustc" --print sysroot 2> /dev/null) &&
        [ -d "$sysroot/lib/rustlib/$monitor_target/lib" ]
}

find_missing_peers() {
    xen_is_ready || missing+=(xen)
    host_kernel_is_ready || { is_missing kernel && [ "$BULKHEAD_LINUX" = "$host_folder" ]; } || missing+=(host-kernel)
    monitor_target_is_ready || missing+=(monitor-target)
}

# column_of ITEM: whose numbers it takes
column_of() { if [ "$1" = xen ]; then echo Xen; else echo KVM; fi; }

# go_without_peers REASON ITEM...: they are no longer among what is missing.
go_without_peers() {
    local item
    for item in "${@:2}"; do
        ! is_missing "$item" || complain "$program: $1 Without $(describe "$item") the numbers of $(column_of "$item") are SKIPPED."
        forget_missing "$item"
    done
}

# newest_xen: the hypervisor's package behind the system's; empty where the index has none.
newest_xen() { package_field arm64 xen-system-arm64 Depends | grep -o 'xen-hypervisor-[0-9][^ ,]*' | head -n 1 || true; }

host_package() { package_behind linux-image-cloud-arm64 || true; }

# plan_peers: leaves out what the package lists and rustup do not have
plan_peers() {
    local none="Debian's package lists for arm64 do not name it."
    ! is_missing xen || [ -n "$(newest_xen)" ] || go_without_peers "$none" xen
    ! is_missing host-kernel || [ -n "$(host_package)" ] || go_without_peers "$none" host-kernel
    # Where there is no Rust yet, nothing says whose it is.
    [ "${BULKHEAD_RUST-}" = rustup ] || rustup_is_planned || go_without_peers "Rust is not rustup's here." monitor-target
}

say_peers() {
    local wanted=()
    ! is_missing xen || wanted+=("$(newest_xen)")
    ! is_missing host-kernel || wanted+=("$(host_package)")
    [ ${#wanted[@]} -eq 0 ] || say "  other hypervisors  ${wanted[*]} for arm64, $(megabytes "$(download_size "${wanted[@]}")"), into $cache"
    ! is_missing monitor-target || say "  KVM's monitor  Rust's library for $monitor_target by rustup, about 50 MB, and five crates"
}

fetch_xen() {
    local package work=$cache/unpacked.$$ image
    package=$(newest_xen)
    step "fetching $package"
    fetch "$package" "$work"
    image=$(find "$work/boot" -name 'xen-*-arm64' -o -name 'xen-*-arm64.gz' | head -n 1)
    plain_image "$image" || give_up 1 "$package: $image is no arm64 Image that could be unpacked"
    mkdir -p "$peer_files/xen"
    mv "$image" "$peer_files/xen/Image"
    printf 'xen %s %s %s\n' "$(sha256sum < "$peer_files/xen/Image" | cut -c 1-64)" \
        "$package" "$(package_field arm64 "$package" Version)" > "$peer_files/xen/version"
    rm -rf "$work"
}

# add_monitor_target: a failure is no reason to stop: the others can be measured.
add_monitor_target() {
    step "installing Rust's library for $monitor_target"
    "$(find_rustup)" target add --toolchain "$(rust_channel)" "$monitor_target" ||
        go_without_peers "rustup could not install it." monitor-target
}

carry_out_peers() {
    ! is_missing xen || (fetch_xen) || go_without_peers "It could not be fetched." xen
    ! is_missing host-kernel || (BULKHEAD_LINUX=$host_folder kernel=cloud fetch_kernel)
    ! is_missing monitor-target || add_monitor_target
}
