#!/usr/bin/env bash
# Runs the tests that keep golden files, with -update. They are the packages whose tests import the golden helper.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t packages < <(scripts/gofiles.sh | grep '_test\.go$' | xargs -r grep -l 'internal/testkit/golden"' | xargs -r -n1 dirname | sort -u | sed 's|^|./|')
if ((${#packages[@]} > 0)); then
	go test -count=1 "${packages[@]}" -update
fi
