#!/usr/bin/env bash
# Prints the Go files of the repository, those not yet added to git included.
set -euo pipefail
cd "$(dirname "$0")/.."
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
	git ls-files --cached --others --exclude-standard -- '*.go' | while IFS= read -r f; do
		[[ ! -e $f ]] || printf '%s\n' "$f"
	done
else
	find . -name '*.go' -not -path './bin/*' | sed 's|^\./||'
fi
