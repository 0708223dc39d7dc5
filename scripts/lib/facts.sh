# shellcheck shell=bash
# The cache outside git, and the file of facts in it that scripts and `cargo xtask` read.

cache=${BULKHEAD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bulkhead}
facts=$cache/toolchain

# What set-up found out. An empty value is a fact as well.
fact_names=(BULKHEAD_QEMU BULKHEAD_RUST BULKHEAD_PATH BULKHEAD_BUILD_STD BULKHEAD_LINUX)

# fact NAME: what the file says.
fact() {
    [ ! -e "$facts" ] || sed -n "s|^$1=||p" "$facts"
}

# write_facts: from the variables of those names, only if something changed.
write_facts() {
    local name text="# Written by scripts/setup."
    for name in "${fact_names[@]}"; do
        text+=$'\n'"$name=${!name-}"
    done
    if [ "$(cat "$facts" 2> /dev/null)" != "$text" ]; then
        printf '%s\n' "$text" > "$facts.$$"
        mv "$facts.$$" "$facts"
    fi
}

# use_facts: exports the file's facts, unless the environment says otherwise, and puts the compiler first in PATH.
use_facts() {
    local name
    for name in "${fact_names[@]}"; do
        export "$name=${!name:-$(fact "$name")}"
    done
    if [ -n "$BULKHEAD_PATH" ]; then
        export PATH=$BULKHEAD_PATH:$PATH
    fi
}
