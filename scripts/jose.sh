#!/usr/bin/env bash
# Installs the npm package jose for the test that verifies signed events with it, at the version of its lock file.
# Done once it stays done; none of its scripts is run.
#
#   scripts/jose.sh run CMD...   run CMD with SLUICE_TEST_JOSE set to the folder, if there is Node.js 18 or later
#   scripts/jose.sh path         print the folder; fails where it cannot be had
#   scripts/jose.sh node         does this machine have a Node.js that will do, with npm? Installs nothing
set -euo pipefail

readonly oldest=18 # which Debian 12 has
folder=$(cd "$(dirname "$0")/../e2e/jose" && pwd)
installed=$folder/node_modules/.installed-lock.json

say() { printf 'jose.sh: %s\n' "$*" >&2; }

node_ok() {
	local major
	command -v npm >/dev/null && major=$(node --version 2>/dev/null </dev/null) || return 1
	major=${major#v}
	major=${major%%.*}
	[[ $major =~ ^[0-9]+$ ]] && ((major >= oldest))
}

# provide_node installs Node.js where there is none, as root on a system with apt-get.
provide_node() {
	if command -v npm >/dev/null || [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
		return 0
	fi
	say 'no Node.js with npm found, installing it'
	"$(dirname "$0")/apt.sh" nodejs npm || true
}

obtain() {
	provide_node
	node_ok || return 1
	if cmp -s "$folder/package-lock.json" "$installed"; then
		return 0
	fi
	local log
	log=$(mktemp)
	if ! (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1 </dev/null; then
		tail -n 5 "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
	cp "$folder/package-lock.json" "$installed"
}

if [[ ${1:-} == path && $# -eq 1 ]]; then
	obtain || {
		say "no Node.js $oldest with npm, or the package cannot be installed: signed events are not verified with jose"
		exit 1
	}
	printf '%s\n' "$folder"
	exit 0
fi
if [[ ${1:-} == node && $# -eq 1 ]]; then
	node_ok
	exit
fi
if [[ ${1:-} != run || $# -lt 2 ]]; then
	sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0" >&2
	exit 2
fi
shift
if [[ -z ${SLUICE_TEST_JOSE:-} ]]; then
	if obtain; then
		export SLUICE_TEST_JOSE=$folder
	else
		say "no Node.js $oldest with npm, or the package cannot be installed: verifying signed events with jose is LEFT OUT"
	fi
fi
exec "$@"
