# shellcheck shell=bash
# A kernel of a later generation, for tests of Linux as a guest: the cloud kernel of the release's backports.
#
# Only scripts/test asks for it. Without it its tests are skipped, and say so.

backports_folder=$cache/linux-backports

backports_kernel_is_ready() { is_cached "$backports_folder/Image" ''; }

# in_backports COMMAND...: with the packages of backports before the release's.
in_backports() { preferred_suite=$release-backports BULKHEAD_LINUX=$backports_folder "$@"; }

# newest_backports_kernel: fails where backports have no other kernel than the release.
newest_backports_kernel() {
    local package
    package=$(in_backports newest_kernel) && [ "$package" != "$(BULKHEAD_LINUX=$backports_folder newest_kernel)" ] &&
        printf '%s\n' "$package"
}

# go_without_backports_kernel REASON: it is no longer among what is missing, nor asked for.
go_without_backports_kernel() {
    is_missing backports-kernel || return 0
    complain "$program: $1 Without $(describe backports-kernel) the tests of that kernel are SKIPPED."
    forget_missing backports-kernel
    backports=no
}

# plan_backports_kernel: leaves it out where the package lists do not have it.
plan_backports_kernel() {
    ! is_missing backports-kernel || newest_backports_kernel > /dev/null ||
        go_without_backports_kernel "Debian's package lists for arm64 name no other kernel in $release-backports."
}

say_backports_kernel() {
    local package
    package=$(newest_backports_kernel)
    say "  later kernel   $package for arm64, $(megabytes "$(in_backports download_size "$package")"), into $backports_folder"
}

fetch_backports_kernel() { in_backports fetch_kernel; }
