# shellcheck shell=bash
# What scripts/test and scripts/demo share: options for set-up, and entering the repository with its facts.

. "$root/scripts/lib/say.sh"
. "$root/scripts/lib/facts.sh"

setup_usage="  --yes, --offline, --qemu FILE, --kernel WHICH, --busybox FILE, --rust WHICH: see scripts/setup --help"

# split_options ARGUMENTS...: sets setup_options and own_options.
split_options() {
    setup_options=() own_options=()
    while [ $# -gt 0 ]; do
        case $1 in
            --yes | --offline) setup_options+=("$1") ;;
            --qemu | --kernel | --busybox | --rust)
                [ $# -ge 2 ] || give_up 2 "$1 needs a value"
                setup_options+=("$1" "$2")
                # An option is nearer than the environment.
                unset "${fact_names[@]}"
                shift
                ;;
            *) own_options+=("$1") ;;
        esac
        shift
    done
}

# enter: sets up, and makes the facts known to what follows.
enter() {
    # Standard output belongs to what follows: lists, verdicts, a picture.
    "$root/scripts/setup" "${setup_options[@]}" >&2
    use_facts
    if [[ " ${setup_options[*]} " = *" --offline "* ]]; then export CARGO_NET_OFFLINE=true; fi
    cd "$root" || exit
}
