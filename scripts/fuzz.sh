#!/usr/bin/env bash
# Runs every fuzz target, or those whose package path contains PATTERN, one after another.
#
#   scripts/fuzz.sh TIME [PATTERN]     TIME as Go writes durations: 5s, 10m
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:?usage: scripts/fuzz.sh TIME [PATTERN]}
pattern=${2:-}
count=0

# only_late OUTPUT: is the end of the time all that go test has to say? Where the deadline is met between two looks of the
# coordinator, it reports it as a failure of the target (golang/go#75804), though the target ran for its time and did
# not fail. A failure of ours names its input, its seed or its panic.
only_late() {
	local said
	said=$(grep -vE '^(fuzz: elapsed: .*|FAIL(	.*)?|exit status 1|)$' <<<"$1" | sed 's/([0-9.]*s)$/()/')
	[[ $said == "--- FAIL: $target ()"$'\n'"    context deadline exceeded" ]]
}

before=$(mktemp)
trap 'rm -f "$before"' EXIT
while IFS=: read -r file target; do
	dir=$(dirname "$file")
	[[ $dir == *"$pattern"* ]] || continue
	printf 'fuzz %s %s for %s\n' "$dir" "$target" "$time"
	touch "$before"
	for try in 1 2 3; do
		if out=$(go test -run '^$' -fuzz "^${target}\$" -fuzztime "$time" -fuzzminimizetime 5s "./$dir" 2>&1 </dev/null); then
			break
		fi
		# The input is what is needed to mend it, and the folder may be gone with the machine.
		failing=$(find "$dir/testdata/fuzz/$target" -type f -newer "$before" 2>/dev/null || true)
		if [[ -z $failing ]] && only_late "$out"; then
			printf 'fuzz %s %s: its time was over\n' "$dir" "$target"
			break
		fi
		# A deadline in another form may be the same; a failure of ours comes back.
		if ((try == 3)) || [[ -n $failing || $out == *'panic:'* || $out != *'context deadline exceeded'* ]]; then
			printf '%s\n' "$out"
			for input in $failing; do
				printf '%s:\n' "$input"
				cat "$input"
			done
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
