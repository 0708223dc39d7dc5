# shellcheck shell=bash
# Device trees of boards that tests boot, where QEMU's machine brings none: Debian's kernel package has them.
#
# Only scripts/test asks for them. Without them its tests of those boards are skipped, and say so.

trees=$cache/boards

# The files' names are QEMU's machines'; where they stand in the package follows.
board_trees=(
    raspi4b=broadcom/bcm2711-rpi-4-b.dtb
    xlnx-zcu102=xilinx/zynqmp-zcu102-rev1.0.dtb
    imx8mp-evk=freescale/imx8mp-evk.dtb
)

trees_are_ready() {
    local tree
    for tree in "${board_trees[@]}"; do is_cached "$trees/${tree%%=*}.dtb" '' || return 1; done
}

trees_package() { package_behind linux-image-arm64; }

# go_without_trees REASON: they are no longer among what is missing, nor asked for.
go_without_trees() {
    is_missing board-trees || return 0
    complain "$program: $1 Without $(describe board-trees) the tests of those boards are SKIPPED."
    forget_missing board-trees
    boards=no
}

say_trees() {
    local package
    package=$(trees_package)
    say "  boards' trees  ${#board_trees[@]} files of $package for arm64, $(megabytes "$(download_size "$package")"), into $trees"
}

fetch_trees() {
    local package work=$cache/unpacked.$$ tree found
    package=$(trees_package)
    step "fetching $package for its device trees"
    fetch "$package" "$work" "${board_trees[@]/#*=/*/}"
    mkdir -p "$trees"
    for tree in "${board_trees[@]}"; do
        found=$(find "$work" -path "*/${tree#*=}" | head -n 1)
        [ -n "$found" ] || give_up 1 "$package has no ${tree#*=}"
        mv "$found" "$trees/${tree%%=*}.dtb"
    done
    printf 'trees %s %s\n' "$package" "$(package_field arm64 "$package" Version)" > "$trees/version"
    rm -rf "$work"
}
