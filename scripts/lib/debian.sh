# shellcheck shell=bash
# Debian's packages: what the machine's own apt configuration offers, read without changing it.
#
# Lists are kept in the cache, one apt state per architecture, so that nobody needs to be root to learn what
# would be installed, and arm64's packages can be fetched without making arm64 an architecture of this machine.
# Mirrors, suites and keys are the machine's own, and apt verifies its signatures as always.

# debian_release: the code name where set-up is promised to work, else fails.
debian_release() {
    [ "$(release_field ID)" = debian ] && command -v apt-get > /dev/null || return 1
    case $(release_field VERSION_ID) in 12 | 13) release_field VERSION_CODENAME ;; *) return 1 ;; esac
}

release_field() { sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}$/\1/p" /etc/os-release; }

# apt_sources: the Debian archives among the machine's sources, one "SUITE URI KEYRING" a line.
apt_sources() {
    local list parts file files=()
    eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
    for file in "$list" "$parts"/*.list "$parts"/*.sources; do
        [ ! -f "$file" ] || files+=("$file")
    done
    [ ${#files[@]} -eq 0 ] || awk -f "$root/scripts/lib/apt-sources.awk" "${files[@]}" | awk -v release="$release" '
        $1 ~ "^(" release "|stable|oldstable|oldoldstable)(-updates|-security|-backports)?$" && !seen[$1, $2]++'
}

# private_sources: the same as deb822 stanzas of our own, with backports added where none are configured.
private_sources() {
    local architecture=$1 suite uri key sources
    sources=$(apt_sources)
    if ! grep -q -- '-backports ' <<< "$sources"; then
        sources+=$'\n'$(sed -n -E "s/^($release|stable|oldstable) /$release-backports /p" <<< "$sources")
    fi
    while read -r suite uri key; do
        [ -n "$suite" ] || continue
        printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nArchitectures: %s\nTargets: Packages\n' \
            "$uri" "$suite" "$architecture"
        [ -z "$key" ] || printf 'Signed-By: %s\n' "$key"
        printf '\n'
    done <<< "$sources"
}

# prepare_apt ARCHITECTURE: a state of our own, with the machine's list of installed packages for its own architecture.
prepare_apt() {
    local folder=$cache/apt/$1 status=/var/lib/dpkg/status
    mkdir -p "$folder/lists/partial" "$folder/sources"
    private_sources "$1" > "$folder/sources/debian.sources"
    if [ "$1" != "$(dpkg --print-architecture)" ]; then
        : > "$folder/status"
        status=$folder/status
    fi
    : > "$folder/preferences"
    cat > "$folder/apt.conf" << END
#clear APT::Architectures;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Architecture "$1";
APT::Architectures { "$1"; };
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$folder/sources";
Dir::Etc::preferences "$folder/preferences";
Dir::State::lists "$folder/lists";
Dir::State::status "$status";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::Retries "2";
END
}

# private_apt ARCHITECTURE TOOL ARGUMENTS...: with the packages of preferred_suite, if it is set, before all others.
private_apt() {
    local architecture=$1 tool=$2
    shift 2
    LC_ALL=C "$tool" -c "$cache/apt/$architecture/apt.conf" -o APT::Sandbox::User=root \
        ${preferred_suite:+-o "APT::Default-Release=$preferred_suite"} "$@"
}

# refresh_apt ARCHITECTURE: an archive that cannot be read is no failure as long as what is needed can be found
# in the others, so the log is kept for whoever misses something.
refresh_apt() {
    prepare_apt "$1"
    step "reading Debian's package lists for $1"
    private_apt "$1" apt-get update -q > "$cache/apt/$1/log" 2>&1 || true
}

# apt_log ARCHITECTURE: why a package may be missing.
apt_log() { grep -E '^(E|W|Err)' "$cache/apt/$1/log" || tail -n 5 "$cache/apt/$1/log"; }

# package_field ARCHITECTURE PACKAGE FIELD: of the candidate version; empty if there is none.
package_field() {
    private_apt "$1" apt-cache show --no-all-versions "$2" 2> /dev/null | sed -n "s/^$3: //p" | head -n 1
}

# upstream_version VERSION: without epoch and Debian revision.
upstream_version() { local version=${1#*:}; printf '%s\n' "${version%%[-+~]*}"; }

# plan_packages PACKAGE...: sets plan_count and plan_bytes; names packages that apt cannot resolve and fails.
plan_packages() {
    local uris
    uris=$(private_apt "$machine" apt-get install --print-uris -qq --no-install-recommends -y "$@" 2> "$cache/apt/problem") || {
        cat "$cache/apt/problem" >&2
        apt_log "$machine" >&2
        return 1
    }
    plan_count=$(grep -c "^'" <<< "$uris" || true)
    plan_bytes=$(awk '/^\x27/ { sum += $3 } END { print sum + 0 }' <<< "$uris")
}

# install_packages PACKAGE...
install_packages() {
    as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -c "$cache/apt/$machine/apt.conf" \
        -o Dpkg::Use-Pty=0 install -q -y --no-install-recommends "$@"
}

backports_file=/etc/apt/sources.list.d/bulkhead-backports.sources

backports_are_configured() { apt_sources | grep -q -- '-backports '; }

# prefer_backports PACKAGES: in the private state alone; a pattern, because packages of one source need each other in
# one version
prefer_backports() {
    printf 'Package: %s\nPin: release n=%s\nPin-Priority: 990\n' "$1" "$release-backports" \
        > "$cache/apt/$machine/preferences"
}

# keep_backports: what came from backports gets its updates from there, so the machine must know them. The archive
# among ours that turned out to be Debian's own is named.
keep_backports() {
    local uri
    # shellcheck disable=SC2016 # apt replaces the names
    uri=$(private_apt "$machine" apt-get indextargets --format '$(ORIGIN)|$(RELEASE)|$(REPO_URI)' |
        sed -n "s/^Debian Backports|$release-backports|//p" | head -n 1)
    private_sources "$machine" | awk -v RS= -v uri="URIs: ${uri%/}" -v suite="Suites: $release-backports" \
        'index($0, suite) && index($0, uri) { gsub(/\nTargets: [^\n]*/, ""); print; exit }' |
        as_root tee "$backports_file" > /dev/null
}
