# shellcheck shell=bash
# Words to the person at the terminal.

say() { printf '%s\n' "$*"; }

complain() { printf '%s\n' "$*" >&2; }

# give_up STATUS MESSAGE...: 2 means that nothing was changed.
give_up() {
    local status=$1
    shift
    complain "$program: $*"
    exit "$status"
}

# step MESSAGE...: what is being done now.
step() {
    if [ -t 1 ]; then printf '\033[1m==> %s\033[0m\n' "$*"; else printf '==> %s\n' "$*"; fi
}

# agree QUESTION: asks once. Without a terminal nobody could answer, and starting the script was the answer.
agree() {
    local answer
    if [ "$yes" = yes ] || [ ! -t 0 ]; then return 0; fi
    read -r -p "$1 [Y/n] " answer || return 1
    case $answer in '' | [Yy]*) return 0 ;; *) return 1 ;; esac
}

# megabytes BYTES
megabytes() { printf '%d MB' $((($1 + 999999) / 1000000)); }

# as_root COMMAND...: the environment is not passed on.
as_root() {
    if [ "$EUID" = 0 ]; then "$@"; else sudo "$@"; fi
}

may_become_root() {
    if [ "$EUID" = 0 ]; then return 0; fi
    command -v sudo > /dev/null || return 1
    [ -t 0 ] || sudo -n true 2> /dev/null
}
