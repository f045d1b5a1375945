#!/usr/bin/env bash
# The tests as they are DAYS days later: what holds today must not stop to hold because keys, cards, certificates or answers that are kept
# have come to their ends meanwhile. The standard library's time.Now is replaced for the build; the system's clock is left alone, so
# that files and other programs stay in the present.
#
#   scripts/later.sh DAYS [PACKAGE or FLAG]...
set -euo pipefail
cd "$(dirname "$0")/.."

days=${1:?usage: scripts/later.sh DAYS [PACKAGE...]}
shift
[[ $days =~ ^-?[0-9]+$ ]] || {
	printf 'later: %q is no number of days\n' "$days" >&2
	exit 2
}
(($# > 0)) || set -- ./cmd/... ./internal/...

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
original=$(go env GOROOT)/src/time/time.go
sed "s/^\tsec, nsec, mono := runtimeNow()\$/&\n\tsec += $days * 86400/" "$original" >"$dir/time.go"
cmp -s "$original" "$dir/time.go" && {
	printf 'later: %s does not read the clock as this script knows it\n' "$original" >&2
	exit 1
}
printf '{"Replace": {"%s": "%s"}}\n' "$original" "$dir/time.go" >"$dir/overlay.json"
export GOFLAGS="${GOFLAGS:+$GOFLAGS }-overlay=$dir/overlay.json" # programs that tests build get it as well
go test "$@"
