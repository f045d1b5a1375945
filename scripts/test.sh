#!/usr/bin/env bash
# Everything that make test runs. It gets what is missing (a C compiler for the race detector, PostgreSQL, Chromium) where
# it runs as root on a system with apt-get, and otherwise says at the end what was not tested.
#
#   SLUICE_TEST_POSTGRES=URL   use this server; its tests then fail rather than being skipped
#   FUZZTIME=5s                time for each fuzz target
set -euo pipefail
cd "$(dirname "$0")/.."

# The script calls itself inside the two that provide PostgreSQL and a browser.
if [[ ${1:-} != inside ]]; then
	exec scripts/chromium.sh run scripts/postgres.sh run scripts/test.sh inside
fi

log_dir=$(mktemp -d "${TMPDIR:-/tmp}/sluice-test.XXXXXX")
trap 'rm -rf "$log_dir"' EXIT
missing=()
began=$SECONDS

# step NAME CMD...: run CMD, show how long it took, stop at the first failure.
step() {
	local name=$1 start=$SECONDS
	shift
	printf '== %s\n' "$name"
	if ! "$@" </dev/null; then
		printf '== %s: FAILED after %d s\n' "$name" $((SECONDS - start)) >&2
		exit 1
	fi
	printf '== %s: ok, %d s\n' "$name" $((SECONDS - start))
}

# tests NAME ARGS...: go test, showing only what failed, was skipped or took a whole package's time.
tests() {
	local log=$log_dir/tests.log status=0
	go test -v "$@" >"$log" 2>&1 || status=$?
	grep -E '^(ok|FAIL|panic:|WARNING: DATA RACE)|build failed' "$log" || true
	if ((status != 0)); then
		# From each failing test's start to its end is too much to find; the whole log is not.
		grep -vE '^(=== (RUN|PAUSE|CONT|NAME)|\s*--- PASS|ok  |PASS)' "$log" | tail -n 400 >&2
		return "$status"
	fi
	if grep -E '^\s*--- SKIP' "$log" >"$log_dir/skipped"; then
		sed 's/^/skipped: /' "$log_dir/skipped"
	fi
	check_postgres "$log"
}

# check_postgres LOG: with a server given, tests on it that were skipped are a failure, and so is it when none ran.
check_postgres() {
	[[ -n ${SLUICE_TEST_POSTGRES:-} ]] || return 0
	if grep -qE 'not tested on PostgreSQL' "$1"; then
		printf 'tests on PostgreSQL were asked for and skipped:\n' >&2
		grep -E 'not tested on PostgreSQL' "$1" | sort -u | head -n 20 >&2
		return 1
	fi
}

packages() { go list ./... | grep -v '/e2e\(/\|$\)' | grep -v '/bench\(/\|$\)'; }

provide_race() {
	if ! command -v "$(go env CC)" >/dev/null && [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
		{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends gcc libc6-dev; } \
			>"$log_dir/apt.log" 2>&1 </dev/null || tail -n 5 "$log_dir/apt.log" >&2
	fi
	if command -v "$(go env CC)" >/dev/null; then
		race=(-race)
		export CGO_ENABLED=1
	else
		race=()
		missing+=('data races: there is no C compiler, which the race detector needs')
	fi
}

serializable() {
	local on=()
	for p in store engine; do
		[[ ! -d internal/$p ]] || on+=("./internal/$p/...")
	done
	((${#on[@]} > 0)) || return 0
	SLUICE_TEST_PG_ISOLATION=serializable tests -count=1 -shuffle=on "${on[@]}"
}

if [[ -n ${SLUICE_TEST_POSTGRES:-} ]]; then
	export SLUICE_TEST_POSTGRES_REQUIRED=1
else
	missing+=('everything on PostgreSQL: no server, and none could be installed')
fi
if [[ -z ${SLUICE_TEST_CHROMIUM:-} ]]; then
	missing+=('pages in a browser: no Chromium, and none could be installed')
fi
provide_race

step 'build' make --no-print-directory build
step 'lint' scripts/lint.sh
mapfile -t units < <(packages)
((${#units[@]} > 0)) || exit 1
step 'unit tests' tests "${race[@]}" -count=1 -shuffle=on -timeout 15m "${units[@]}"
if [[ -n ${SLUICE_TEST_POSTGRES:-} ]]; then
	step 'store and engine, serializable' serializable
fi
step 'fuzzing' scripts/fuzz.sh "${FUZZTIME:-5s}"
if compgen -G 'e2e/*_test.go' >/dev/null || compgen -G 'e2e/*/*_test.go' >/dev/null; then
	step 'whole programs and pages' tests -count=1 -timeout 30m ./e2e/...
fi

printf '\nAll tests passed in %d s.\n' $((SECONDS - began))
if ((${#missing[@]} > 0)); then
	printf 'NOT TESTED:\n'
	printf '  - %s\n' "${missing[@]}"
fi
