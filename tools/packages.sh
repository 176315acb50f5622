#!/bin/bash
# packages.sh - installs what is missing of the named groups of packages.txt (Debian, apt-get).
#
#   tools/packages.sh build test      installs; nothing missing: a quick no-op
#   tools/packages.sh --list build    prints the names
#
# What is installed for a build or a test must not start serving on this machine: while apt-get works no service is
# started (policy-rc.d, taken away again; one that the machine has is kept), and units that the new packages enabled
# for the next boot are disabled. Units that were enabled before stay as they are.
set -euo pipefail
cd "$(dirname "$0")/.."

list_groups() {
        awk -v groups=" $* " '/^# group: / { wanted = index(groups, " " $3 " ") } /^[^#]/ && wanted' packages.txt | sort -u
}

not_installed() {
        local name

        for name in "$@"; do
                [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
        done
}

enabled_units() {
        find /etc/systemd/system -path '*.wants/*' -name '*.*' -printf '%f\n' 2>/dev/null | sort -u
}

disable_new_units() { # the units that were enabled before, one a line
        local unit

        command -v systemctl >/dev/null || return 0
        for unit in $(comm -13 <(echo "$1") <(enabled_units)); do
                systemctl --quiet disable "$unit" || true
        done
}

if [ "${1:-}" = --list ]; then
        shift
        list_groups "$@"
        exit 0
fi
[ $# -gt 0 ] || set -- build test demo check bench

command -v dpkg-query >/dev/null || {
        echo "packages: this is not Debian; please see that what packages.txt lists is there, by its name on this system" >&2
        exit 0
}
mapfile -t wanted < <(list_groups "$@")
mapfile -t missing < <(not_installed "${wanted[@]}")
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
        echo "packages: missing: ${missing[*]}" >&2
        echo "packages: only root can install them; run: sudo make packages" >&2
        exit 2
fi

echo "packages: installing ${missing[*]}"
policy=/usr/sbin/policy-rc.d
log=$(mktemp)
undo() {
        rm -f "$log"
        [ -z "${made_policy:-}" ] || rm -f "$policy"
}
trap undo EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
if [ ! -e "$policy" ] && [ ! -L "$policy" ]; then
        made_policy=yes
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
fi
before=$(enabled_units)
export DEBIAN_FRONTEND=noninteractive
install=(apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}")
# The lists may be absent or old on a fresh machine: one update, then the installation.
if ! { apt-get update -q && "${install[@]}"; } >"$log" 2>&1 </dev/null; then
        tail -n 30 "$log" >&2
        echo "packages: apt-get could not install them (its last words are above)" >&2
        exit 3
fi
disable_new_units "$before"
mapfile -t missing < <(not_installed "${missing[@]}")
[ ${#missing[@]} -eq 0 ] || { echo "packages: still missing: ${missing[*]}" >&2; exit 3; }
