#!/usr/bin/env bash
# Installs Debian packages that tests need. Only root on a system with apt-get gets them; for anybody else it fails and
# says nothing. While another process holds a lock of apt, as on a machine that has just been started and brings itself
# up to date, it waits.
#
#   scripts/apt.sh PACKAGE...          SLUICE_TEST_APT_PATIENCE=600: how many seconds to wait for locks
set -euo pipefail
(($# > 0)) || exit 2
[[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null || exit 1

readonly patience=${SLUICE_TEST_APT_PATIENCE:-600}
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
umask 022 # apt reads its lists as another user, and what is installed is for everybody

say() { printf 'apt.sh: %s\n' "$*" >&2; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# apt ARGS...: apt-get, again and again while somebody else holds a lock; it waits by itself for one of its three only.
apt() {
	local told=no
	until apt-get "$@" >"$log" 2>&1 </dev/null; do
		grep -q '^E: Could not get lock' "$log" && ((SECONDS < patience)) || return 1
		[[ $told == yes ]] || say 'another process is installing packages, waiting for it'
		told=yes
		sleep 2
	done
}

# One source out of several may be out of reach, and the package come from another.
apt update || {
	say "the lists of packages are not up to date: $(grep '^E: ' "$log" | head -n 1)"
}
apt install -y --no-install-recommends -o Dpkg::Options::=--force-confold "$@" || {
	tail -n 5 "$log" >&2
	exit 1
}
