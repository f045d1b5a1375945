#!/usr/bin/env bash
# Installs the npm package axe-core for the test that looks for barriers on the payment page, at the version of its lock
# file. Done once it stays done; none of its scripts is run. Getting Node.js, whose npm it takes, is the business of jose.sh.
#
#   scripts/axe.sh run CMD...   run CMD with SLUICE_TEST_AXE set to the file axe.min.js, if there is npm
#   scripts/axe.sh path         print the file's path; fails where it cannot be had
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "$here/../e2e/axe" && pwd)
installed=$folder/node_modules/.installed-lock.json
readonly file=$folder/node_modules/axe-core/axe.min.js

say() { printf 'axe.sh: %s\n' "$*" >&2; }

obtain() {
	"$here/jose.sh" node || return 1
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
		say 'no Node.js with npm, or the package cannot be installed: barriers on the payment page are not looked for'
		exit 1
	}
	printf '%s\n' "$file"
	exit 0
fi
if [[ ${1:-} != run || $# -lt 2 ]]; then
	sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0" >&2
	exit 2
fi
shift
if [[ -z ${SLUICE_TEST_AXE:-} ]]; then
	if obtain; then
		export SLUICE_TEST_AXE=$file
	else
		say 'no Node.js with npm, or the package cannot be installed: looking for barriers on the payment page is LEFT OUT'
	fi
fi
exec "$@"
