#!/usr/bin/env bash
# Everything that make test runs. It gets what is missing (a C compiler for the race detector, PostgreSQL, Chromium,
# Node.js, strace, ip, curl, Python, fish, zsh) where it runs as root on a system with apt-get, and the npm packages jose and axe-core; otherwise it says at the
# end what was not tested. The last lines are those of go test: one for each package that passed, or what failed.
#
#   SLUICE_TEST_POSTGRES=URL          use this server; its tests then fail rather than being skipped
#   SLUICE_TEST_POSTGRES_REQUIRED=1   having no server is a failure
#   SLUICE_TEST_JOSE_REQUIRED=1       not having the npm package jose is a failure
#   SLUICE_TEST_AXE_REQUIRED=1        not having the npm package axe-core is a failure
#   SLUICE_TEST_CHROMIUM_REQUIRED=1   not having a browser is a failure
#   SLUICE_TEST_PROGRAMS_REQUIRED=1   not having curl, Python, fish, zsh or PostgreSQL's programs is a failure
#   SLUICE_TEST_STRACE_REQUIRED=1     not having strace, or not being allowed to attach it, is a failure
#   SLUICE_TEST_ROOT_REQUIRED=1       not being allowed to mount, to make networks or to be another user is a failure
#   SLUICE_TEST_KILLS=8               how often the server is killed on each database
#   FUZZTIME=3s                       time for each fuzz target
set -euo pipefail
cd "$(dirname "$0")/.."

: "${HOME:=$(echo ~)}" # Go keeps its caches there, and services of a system may be started without it
export HOME
command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || {
	printf 'FAIL\tGo is not installed: no go in PATH\n'
	exit 1
}

# The script calls itself inside those that provide PostgreSQL, a browser, jose and axe-core.
if [[ ${1:-} != inside ]]; then
	exec scripts/chromium.sh run scripts/jose.sh run scripts/axe.sh run scripts/postgres.sh run scripts/test.sh inside </dev/null
fi

# git refuses to tell the state of a clone that somebody else owns, and go build would fail on that.
export GOFLAGS="${GOFLAGS:+$GOFLAGS }-buildvcs=false"
export SLUICE_TEST_KILLS=${SLUICE_TEST_KILLS:-8}

log_dir=$(mktemp -d "${TMPDIR:-/tmp}/sluice-test.XXXXXX")
trap 'rm -rf "$log_dir"' EXIT
printf '#!/bin/sh\n' >"$log_dir/program"
chmod +x "$log_dir/program"
"$log_dir/program" || {
	printf 'FAIL\tno program may be run in %s, where tests are built: set TMPDIR to a folder where one may\n' "${TMPDIR:-/tmp}"
	exit 1
}
: >"$log_dir/tests.log"
missing=()
began=$SECONDS

# step NAME CMD...: run CMD, show how long it took, stop at the first failure.
step() {
	local name=$1 start=$SECONDS
	shift
	printf '== %s\n' "$name"
	if ! "$@" </dev/null; then
		printf '== %s: FAILED after %d s\n' "$name" $((SECONDS - start))
		grep -E '^(--- FAIL|FAIL|panic:)' "$log_dir/tests.log" || printf 'FAIL\t%s\n' "$name"
		exit 1
	fi
	printf '== %s: ok, %d s\n' "$name" $((SECONDS - start))
}

# said_by_failed LOG: the last lines that each failed test of a go test -v wrote. They stand anywhere in the log, behind
# the line that names their test, and a reader who sees only the end of the output is to see them.
said_by_failed() {
	awk -v most=40 '
		NR == FNR { if ($1 == "---" && $2 == "FAIL:") failed[$3] = 1; next }
		/^=== / { test = $3; next }
		/^ *--- / || /^(ok|FAIL|PASS)/ { test = ""; next }
		test in failed { said[test, ++lines[test]] = $0 }
		END {
			for (test in lines) {
				print test
				first = lines[test] > most ? lines[test] - most + 1 : 1
				for (i = first; i <= lines[test]; i++) print said[test, i]
			}
		}' "$1" "$1"
}

# tests ARGS...: go test, showing only what failed or was skipped; lines of packages that passed are kept for the end.
tests() {
	local log=$log_dir/tests.log status=0
	go test -v "$@" >"$log" 2>&1 || status=$?
	grep -E '^ok ' "$log" >>"$log_dir/passed" || true
	if ((status != 0)); then
		grep -vE '^(=== (RUN|PAUSE|CONT|NAME)|\s*--- PASS|ok  |PASS)' "$log" | tail -n 3000
		printf '\n== what the failed tests said\n'
		said_by_failed "$log"
		return "$status"
	fi
	if grep -E '^\s*--- SKIP' "$log" >"$log_dir/skipped"; then
		sed 's/^/skipped: /' "$log_dir/skipped"
	fi
}

# both ARGS...: tests that must have run on PostgreSQL, too, when there is a server.
both() {
	local log=$log_dir/tests.log
	tests "$@" || return
	[[ -n ${SLUICE_TEST_POSTGRES:-} ]] || return 0
	if grep -q 'not tested on PostgreSQL' "$log"; then
		printf 'Tests on PostgreSQL were asked for and skipped.\n'
		return 1
	fi
	if ! grep -qE -- '--- PASS: [^ ]*/postgres' "$log"; then
		printf 'Tests on PostgreSQL were asked for and there are none.\n'
		return 1
	fi
}

packages() { go list ./... | grep -v '/e2e\(/\|$\)' | grep -v '/bench\(/\|$\)'; }

# can_compile: is there a C compiler, and what its programs are made with? Debian's comes without unless asked.
can_compile() {
	# shellcheck disable=SC2046 # CC may hold flags
	printf '#include <stdlib.h>\nint main(void) { return 0; }\n' |
		$(go env CC) -x c -o "$log_dir/program" - >/dev/null 2>&1
}

# provide_tools gets the C compiler for the race detector, what a test makes disks fail or a network with, and what the
# documents and the completions of shells are tried with.
provide_tools() {
	local packages=() programs=() lacking=() program
	can_compile || packages+=(gcc libc6-dev)
	command -v strace >/dev/null || packages+=(strace)
	command -v ip >/dev/null || packages+=(iproute2)
	((${#packages[@]} == 0)) || scripts/apt.sh "${packages[@]}" || true
	for program in curl python3 fish zsh; do
		command -v "$program" >/dev/null || programs+=("$program") # its package has the same name
	done
	((${#programs[@]} == 0)) || scripts/apt.sh "${programs[@]}" || true
	if [[ -n ${SLUICE_TEST_POSTGRES:-} ]] && ! command -v pg_dump >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/pg_dump' >/dev/null; then
		scripts/apt.sh postgresql-client || missing+=('backups of PostgreSQL: its client programs are not here')
	fi
	if [[ -n ${SLUICE_TEST_POSTGRES:-} ]] && ! command -v initdb >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
		missing+=('failovers of PostgreSQL: the programs of its server are not here, only the server that was given')
	fi
	for program in "${programs[@]}"; do
		command -v "$program" >/dev/null || lacking+=("$program")
	done
	((${#lacking[@]} == 0)) || missing+=("commands of the documents and completions of shells that need ${lacking[*]}")
	if can_compile; then
		# The detector watches our code. SQLite is a program of its own, translated to Go, that one goroutine at a time is in: watching it
		# would take three quarters of the whole time.
		race=(-race '-gcflags=modernc.org/...=-race=false')
		export CGO_ENABLED=1
	else
		race=()
		missing+=('data races: there is no C compiler that works, which the race detector needs')
	fi
}

serializable() {
	local on=()
	for p in store engine; do
		[[ ! -d internal/$p ]] || on+=("./internal/$p/...")
	done
	((${#on[@]} > 0)) || return 0
	SLUICE_TEST_PG_ISOLATION=serializable both -count=1 -shuffle=on -timeout 20m "${on[@]}"
}

if [[ -n ${SLUICE_TEST_POSTGRES:-} ]]; then
	export SLUICE_TEST_POSTGRES_REQUIRED=1
elif [[ ${SLUICE_TEST_POSTGRES_REQUIRED:-} == 1 ]]; then
	printf 'FAIL\tthere is no PostgreSQL server, and tests on it are required\n'
	exit 1
else
	missing+=('everything on PostgreSQL: no server, and none could be installed')
fi
if [[ -z ${SLUICE_TEST_CHROMIUM:-} ]]; then
	missing+=('pages in a browser: no Chromium, and none could be installed')
fi
if [[ -z ${SLUICE_TEST_JOSE:-} ]]; then
	if [[ ${SLUICE_TEST_JOSE_REQUIRED:-} == 1 ]]; then
		printf 'FAIL\tthe npm package jose is not here, and the test with it is required\n'
		exit 1
	fi
	missing+=('signed events with the npm package jose: no Node.js, or the package could not be installed')
	missing+=('linters of the OpenAPI documents and clients in TypeScript, if there is no Node.js: see above')
fi
if [[ -z ${SLUICE_TEST_AXE:-} ]]; then
	if [[ ${SLUICE_TEST_AXE_REQUIRED:-} == 1 ]]; then
		printf 'FAIL\tthe npm package axe-core is not here, and the test with it is required\n'
		exit 1
	fi
	missing+=('barriers on pages with the npm package axe-core: no Node.js, or the package could not be installed')
fi
provide_tools

step 'build' make --no-print-directory build
step 'lint' scripts/lint.sh
mapfile -t units < <(packages)
((${#units[@]} > 0)) || exit 1
step 'unit tests' both "${race[@]}" -count=1 -shuffle=on -timeout 40m "${units[@]}"
if [[ -n ${SLUICE_TEST_POSTGRES:-} ]]; then
	step 'store and engine, serializable' serializable
fi
step 'generated clients' scripts/clients.sh short
step 'fuzzing' scripts/fuzz.sh "${FUZZTIME:-3s}"
if compgen -G 'e2e/*_test.go' >/dev/null || compgen -G 'e2e/*/*_test.go' >/dev/null; then
	step 'whole programs and pages' both -count=1 -timeout 40m ./e2e/...
fi
if compgen -G 'bench/*_test.go' >/dev/null; then
	step 'benchmark in brief' tests -count=1 -timeout 10m ./bench/...
fi

printf '\nAll tests passed in %d s.\n' $((SECONDS - began))
if ((${#missing[@]} > 0)); then
	printf 'NOT TESTED:\n'
	printf '  - %s\n' "${missing[@]}"
fi
cat "$log_dir/passed"
