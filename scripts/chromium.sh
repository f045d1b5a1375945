#!/usr/bin/env bash
# Finds a Chromium for the tests of pages, or installs Debian's where root may.
#
#   scripts/chromium.sh run CMD...   run CMD with SLUICE_TEST_CHROMIUM set to the browser's path, if there is one
#   scripts/chromium.sh path         print the browser's path; fails where there is none
set -euo pipefail

say() { printf 'chromium.sh: %s\n' "$*" >&2; }

find_browser() {
	local name
	for name in chromium chromium-browser google-chrome google-chrome-stable; do
		# A name may stand for a package that is yet to be fetched, as on Ubuntu, and then does not even tell its version.
		if "$name" --version >/dev/null 2>&1 </dev/null; then
			command -v "$name"
			return 0
		fi
	done
	return 1
}

install_browser() {
	[[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null || return 1
	say 'no Chromium found, installing it'
	"$(dirname "$0")/apt.sh" chromium fonts-dejavu-core fonts-droid-fallback # the latter has Chinese
}

if [[ ${1:-} == path && $# -eq 1 ]]; then
	find_browser || { install_browser && find_browser; } || {
		say 'no Chromium here and it cannot be installed: pages are not tested in a browser'
		exit 1
	}
	exit 0
fi
if [[ ${1:-} != run || $# -lt 2 ]]; then
	sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0" >&2
	exit 2
fi
shift
if [[ -z ${SLUICE_TEST_CHROMIUM:-} ]]; then
	if browser=$(find_browser) || { install_browser && browser=$(find_browser); }; then
		export SLUICE_TEST_CHROMIUM=$browser
	else
		say 'no Chromium here and it cannot be installed: every test of pages in a browser is LEFT OUT'
	fi
fi
exec "$@"
