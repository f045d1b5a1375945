#!/usr/bin/env bash
# Runs every fuzz target, or those whose package path contains PATTERN, one after another.
#
#   scripts/fuzz.sh TIME [PATTERN]     TIME as Go writes durations: 5s, 10m
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:?usage: scripts/fuzz.sh TIME [PATTERN]}
pattern=${2:-}
count=0
while IFS=: read -r file target; do
	dir=$(dirname "$file")
	[[ $dir == *"$pattern"* ]] || continue
	printf 'fuzz %s %s for %s\n' "$dir" "$target" "$time"
	if ! out=$(go test -run '^$' -fuzz "^${target}\$" -fuzztime "$time" -fuzzminimizetime 5s "./$dir" 2>&1 </dev/null); then
		printf '%s\n' "$out" >&2
		exit 1
	fi
	count=$((count + 1))
done < <(scripts/gofiles.sh | grep '_test\.go$' | xargs -r grep -Ho '^func Fuzz[A-Za-z0-9_]*' /dev/null | sed 's/func //' | sort)
printf '%d fuzz targets ran\n' "$count"
