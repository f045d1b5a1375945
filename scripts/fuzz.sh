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
	for try in 1 2 3; do
		if out=$(go test -run '^$' -fuzz "^${target}\$" -fuzztime "$time" -fuzzminimizetime 5s "./$dir" 2>&1 </dev/null); then
			break
		fi
		# A worker that is late at the end of the time is taken for a failure (golang/go#75804). A real one names its input.
		if ((try == 3)) || [[ $out != *'context deadline exceeded'* || $out == *'ailing input'* || $out == *'panic:'* ]]; then
			printf '%s\n' "$out"
			# The input is what is needed to mend it, and the folder may be gone with the machine.
			if [[ $out =~ ailing\ input\ written\ to\ ([^[:space:]]+) ]] && [[ -f $dir/${BASH_REMATCH[1]} ]]; then
				printf '%s:\n' "$dir/${BASH_REMATCH[1]}"
				cat "$dir/${BASH_REMATCH[1]}"
			fi
			exit 1
		fi
	done
	count=$((count + 1))
done < <(scripts/gofiles.sh | grep '_test\.go$' | xargs -r grep -Ho '^func Fuzz[A-Za-z0-9_]*' /dev/null | sed 's/func //' | sort)
if ((count == 0)); then
	printf 'no fuzz target was found\n' >&2
	exit 1
fi
printf '%d fuzz targets ran\n' "$count"
