# shellcheck shell=bash
# The Linux guest: a kernel of Debian's and an initramfs around Debian's BusyBox, or files that the caller names.
#
# Each choice of kernel has a folder of its own in the cache, with Image, initramfs.cpio and version.

# linux_folder: of the kernel that --kernel names; without the option, of the one chosen last.
linux_folder() {
    case $kernel in
        cloud | generic) printf '%s\n' "$cache/linux-$kernel" ;;
        '') linux_chosen ;;
        *) printf '%s\n' "$cache/linux-file" ;;
    esac
}

linux_chosen() {
    local chosen
    chosen=$(fact BULKHEAD_LINUX)
    printf '%s\n' "${chosen:-$cache/linux-cloud}"
}

# linux_package FOLDER: the Debian package whose dependency is the newest kernel; fails for a caller's own file.
linux_package() {
    case $1 in
        */linux-cloud | */linux-backports) printf 'linux-image-cloud-arm64\n' ;;
        */linux-generic) printf 'linux-image-arm64\n' ;;
        *) return 1 ;;
    esac
}

is_arm64_image() { [ "$(head -c 60 "$1" 2> /dev/null | tail -c 4)" = ARMd ]; }

# is_static_arm64 FILE: a 64-bit ELF file for AArch64 that names no dynamic linker.
is_static_arm64() {
    [ "$(od -An -v -tx1 -N 6 "$1" | tr -d ' ')" = 7f454c460201 ] && [ "$(od -An -v -tx1 -j 18 -N 2 "$1" | tr -d ' ')" = b700 ] &&
        ! LC_ALL=C grep -q -a '/ld-[a-z]*-aarch64' "$1"
}

# is_cached FILE NAMED: there, not to be refreshed, and equal to the caller's file if one is named
is_cached() { [ -e "$1" ] && [ "$refresh" = no ] && { [ ! -f "$2" ] || cmp -s "$1" "$2"; }; }

kernel_is_ready() { is_cached "$BULKHEAD_LINUX/Image" "$kernel"; }

busybox_is_ready() { is_cached "$cache/busybox" "$busybox"; }

# initramfs_is_ready: newer than everything that it is made of.
initramfs_is_ready() {
    local archive=$BULKHEAD_LINUX/initramfs.cpio source
    [ -e "$archive" ] || return 1
    for source in "$cache/busybox" "$root"/scripts/xtask/initramfs/* "$root/scripts/xtask/src/initramfs.rs"; do
        [ ! "$source" -nt "$archive" ] || return 1
    done
}

# named_kernel: takes the caller's file.
named_kernel() {
    [ ! -f "$kernel" ] || kernel_is_ready || {
        mkdir -p "$BULKHEAD_LINUX"
        install -m 644 "$kernel" "$BULKHEAD_LINUX/Image"
        printf 'kernel %s %s\n' "$(sha256sum < "$kernel" | cut -c 1-64)" "$kernel" > "$BULKHEAD_LINUX/version"
    }
}

# named_busybox: takes the caller's file, which was looked at before.
named_busybox() {
    [ -z "$busybox" ] || busybox_is_ready || install -m 755 "$busybox" "$cache/busybox"
}

# newest_kernel: of the flavour chosen, the package with its Image. Since Linux 7 that is one of its own, which the one
# of the old name depends on.
newest_kernel() {
    local package
    package=$(package_behind "$(linux_package "$BULKHEAD_LINUX")") && { dependency "$package" linux-binary- || printf '%s\n' "$package"; }
}

# package_behind META: the kernel's package behind a meta package, which the index names: point versions come and go.
package_behind() { dependency "$1" linux-image-; }

# dependency PACKAGE PREFIX: the first of its dependencies whose name begins so; fails if there is none.
dependency() { package_field arm64 "$1" Depends | grep -o "\<$2[^ ,]*" | head -n 1; }

# download_size PACKAGE...: sum in bytes
download_size() {
    local package sum=0 size
    for package in "$@"; do
        size=$(package_field arm64 "$package" Size)
        sum=$((sum + ${size:-0}))
    done
    printf '%s\n' "$sum"
}

# fetch PACKAGE FOLDER [PATTERN...]: downloads an arm64 package, which apt verifies, and unpacks its files, or those
# that the patterns choose, into FOLDER. A version that has left the archive since the lists were read is looked up
# once more.
fetch() {
    local package=$1 folder=$2 again
    shift 2
    rm -rf "$folder"
    mkdir -p "$folder/package"
    for again in no yes; do
        if [ $again = yes ]; then refresh_apt arm64; fi
        if (cd "$folder/package" && private_apt arm64 apt-get download -q "$package"); then
            dpkg-deb --fsys-tarfile "$folder"/package/*.deb | tar -x -C "$folder" --wildcards "${@:-*}"
            return 0
        fi
    done
    apt_log arm64 >&2
    give_up 1 "$package for arm64 could not be fetched"
}

# plain_image FILE: unpacks a gzip-compressed kernel in place; other wrappings are refused.
plain_image() {
    is_arm64_image "$1" && return 0
    zcat < "$1" > "$1.plain" 2> /dev/null && is_arm64_image "$1.plain" && mv "$1.plain" "$1"
}

fetch_kernel() {
    local package work=$cache/unpacked.$$ image
    package=$(newest_kernel)
    step "fetching $package"
    fetch "$package" "$work"
    # In boot/ as vmlinuz-VERSION; since Linux 7 among its modules as vmlinuz.
    image=$(find "$work" -type f -name 'vmlinuz*' | head -n 1)
    plain_image "$image" || give_up 1 "$package: $image is no arm64 Image that could be unpacked"
    mkdir -p "$BULKHEAD_LINUX"
    mv "$image" "$BULKHEAD_LINUX/Image"
    printf 'kernel %s %s %s\n' "$(sha256sum < "$BULKHEAD_LINUX/Image" | cut -c 1-64)" \
        "$package" "$(package_field arm64 "$package" Version)" > "$BULKHEAD_LINUX/version"
    rm -rf "$work"
}

fetch_busybox() {
    local work=$cache/unpacked.$$
    step "fetching busybox-static for arm64"
    fetch busybox-static "$work"
    mv "$(find "$work" -path '*bin/busybox' | head -n 1)" "$cache/busybox"
    rm -rf "$work"
}

make_initramfs() {
    step "packing the initramfs"
    cargo run --quiet --manifest-path "$root/Cargo.toml" --package xtask -- initramfs \
        --busybox "$cache/busybox" --output "$BULKHEAD_LINUX/initramfs.cpio"
}
